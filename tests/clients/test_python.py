"""Intercom's own Python client, unchanged, against a running server: every method, happy and failing."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import httpx
import pytest
from intercom import (
    BadRequestError,
    ForbiddenError,
    Intercom,
    NotFoundError,
    UnauthorizedError,
    UnprocessableEntityError,
)
from intercom.core.api_error import ApiError
from intercom.types import (
    CreateContactRequestWithEmail,
    CreateContactRequestWithExternalId,
    CreateContactRequestWithRole,
    MultipleFilterSearchRequest,
    SingleFilterSearchRequest,
    StartingAfterPaging,
)

from tests.server_process import TOKEN, ServerProcess

pytestmark = pytest.mark.live

NOW = int(time.time())
NOBODY = "0123456789abcdef"


def new(prefix: str = "u") -> str:
    """An id that no other test has."""
    return f"{prefix}-{uuid4().hex[:12]}"


@pytest.fixture
def user(intercom: Intercom) -> Any:
    return intercom.contacts.create(request=CreateContactRequestWithExternalId(external_id=new(), name="Ada"))


@pytest.fixture
def lead(intercom: Intercom) -> Any:
    return intercom.contacts.create(
        request=CreateContactRequestWithRole(role="lead", email=f"{new()}@x.example")
    )


class TestContacts:
    def test_are_made_in_every_form(self, intercom: Intercom) -> None:
        email, external_id = f"{new()}@example.com", new()
        by_email = intercom.contacts.create(
            request=CreateContactRequestWithEmail(email=email, phone="+351 1")
        )
        assert (by_email.role, by_email.email, by_email.phone) == ("user", email, "+351 1")
        by_id = intercom.contacts.create(
            request=CreateContactRequestWithExternalId(
                external_id=external_id,
                name="Grace",
                signed_up_at=NOW - 500,
                last_seen_at=NOW - 400,
                owner_id=7,
                unsubscribed_from_emails=True,
                avatar="https://x.example/a.png",
                custom_attributes={"plan": "Pro", "seats": 3, "price": {"amount": 1, "currency": "eur"}},
            )
        )
        assert (by_id.role, by_id.external_id, by_id.name) == ("user", external_id, "Grace")
        assert (by_id.signed_up_at, by_id.last_seen_at) == (NOW - 500, NOW - 400)
        assert (by_id.owner_id, by_id.unsubscribed_from_emails) == (7, True)
        assert by_id.avatar == {"type": "avatar", "image_url": "https://x.example/a.png"}
        assert by_id.custom_attributes["seats"] == 3
        assert by_id.created_at >= NOW
        lead = intercom.contacts.create(request=CreateContactRequestWithRole(role="lead"))
        assert (lead.type, lead.role, lead.email) == ("contact", "lead", None)

    def test_are_made_once(self, intercom: Intercom, user: Any) -> None:
        with pytest.raises(ApiError) as caught:
            intercom.contacts.create(request=CreateContactRequestWithExternalId(external_id=user.external_id))
        assert type(caught.value) is ApiError
        assert caught.value.status_code == 409
        [error] = caught.value.body["errors"]
        assert error["code"] == "conflict"
        assert error["message"] == f"A contact matching those details already exists with id={user.id}"
        intercom.contacts.archive(user.id)
        with pytest.raises(ApiError) as caught:
            intercom.contacts.create(request=CreateContactRequestWithExternalId(external_id=user.external_id))
        assert caught.value.body["errors"][0]["message"].startswith("An archived contact")

    def test_an_email_is_one_users_and_many_leads(self, intercom: Intercom) -> None:
        email = f"{new()}@example.com"
        one = intercom.contacts.create(
            request=CreateContactRequestWithExternalId(external_id=new(), email=email)
        )
        with pytest.raises(ApiError, match=one.id):
            intercom.contacts.create(request=CreateContactRequestWithEmail(email=email.upper()))
        for _ in range(2):
            intercom.contacts.create(request=CreateContactRequestWithRole(role="lead", email=email))

    def test_are_found(self, intercom: Intercom, user: Any) -> None:
        assert intercom.contacts.find(user.id).external_id == user.external_id
        assert intercom.contacts.show_contact_by_external_id(user.external_id).id == user.id

    def test_are_changed_key_by_key(self, intercom: Intercom, user: Any) -> None:
        intercom.contacts.update(user.id, custom_attributes={"plan": "Pro", "seats": 3})
        changed = intercom.contacts.update(
            user.id, name="Ada L.", email=f"{new()}@x.example", custom_attributes={"seats": 4, "vip": True}
        )
        assert (changed.name, changed.role, changed.external_id) == ("Ada L.", "user", user.external_id)
        assert changed.custom_attributes == {"plan": "Pro", "seats": 4, "vip": True}
        assert intercom.contacts.find(user.id).custom_attributes == changed.custom_attributes
        cleared = intercom.contacts.update(user.id, custom_attributes={"plan": None})
        assert cleared.custom_attributes == {"seats": 4, "vip": True}

    def test_an_external_id_that_is_given_up_is_free(self, intercom: Intercom, user: Any) -> None:
        renamed = intercom.contacts.update(user.id, external_id=new())
        assert intercom.contacts.show_contact_by_external_id(renamed.external_id).id == user.id
        with pytest.raises(ApiError):
            intercom.contacts.show_contact_by_external_id(user.external_id)
        other = intercom.contacts.create(
            request=CreateContactRequestWithExternalId(external_id=user.external_id)
        )
        with pytest.raises(ApiError, match="409"):
            intercom.contacts.update(user.id, external_id=other.external_id)

    def test_a_lead_becomes_a_user_and_not_back(self, intercom: Intercom, lead: Any) -> None:
        became = intercom.contacts.update(lead.id, role="user", external_id=new())
        assert (became.role, became.id) == ("user", lead.id)
        with pytest.raises(ApiError, match="400"):
            intercom.contacts.update(lead.id, role="lead")

    def test_are_archived_and_unarchived_and_blocked(self, intercom: Intercom, user: Any) -> None:
        found = {"field": "id", "operator": "=", "value": user.id}
        archived = intercom.contacts.archive(user.id)
        assert (archived.id, archived.archived) == (user.id, True)
        assert list(intercom.contacts.search(query=found)) == []
        assert intercom.contacts.unarchive(user.id).archived is False
        assert [contact.id for contact in intercom.contacts.search(query=found)] == [user.id]
        blocked = intercom.contacts.block_contact(user.id)
        assert (blocked.id, blocked.blocked) == (user.id, True)

    def test_are_listed_page_by_page(self, intercom: Intercom, user: Any, lead: Any) -> None:
        pager = intercom.contacts.list(per_page=1)
        newest = [next(pager_items) for pager_items in [iter(pager)] for _ in range(2)]
        assert [contact.id for contact in newest] == [lead.id, user.id]
        assert pager.response.total_count >= 2

    def test_are_searched(self, intercom: Intercom) -> None:
        mark = new("mark")
        people = [
            intercom.contacts.create(
                request=CreateContactRequestWithExternalId(
                    external_id=new(), name=f"Person {number}", custom_attributes={"mark": mark, "n": number}
                )
            )
            for number in range(3)
        ]
        mine = SingleFilterSearchRequest(field="custom_attributes.mark", operator="=", value=mark)

        def found(*filters: Any, operator: str = "AND") -> list[int]:
            query = MultipleFilterSearchRequest(operator=operator, value=[mine, *filters])
            return sorted(contact.custom_attributes["n"] for contact in intercom.contacts.search(query=query))

        def one(field: str, operator: str, value: Any) -> SingleFilterSearchRequest:
            return SingleFilterSearchRequest(field=field, operator=operator, value=value)

        assert found() == [0, 1, 2]
        assert found(one("custom_attributes.n", ">", 0)) == [1, 2]
        assert found(one("custom_attributes.n", "=", "1")) == [1]
        assert found(one("name", "~", "person")) == [0, 1, 2]
        assert found(one("name", "=", "person 1")) == []
        assert found(one("name", "$", "2"), one("name", "^", "pers")) == [2]
        assert found(one("external_id", "IN", [people[0].external_id, people[2].external_id])) == [0, 2]
        assert found(one("external_id", "NIN", [people[0].external_id])) == [1, 2]
        assert found(one("created_at", "=", NOW)) == [0, 1, 2]
        assert found(one("created_at", ">", NOW)) == []
        assert found(one("unsubscribed_from_emails", "=", True)) == []
        assert found(one("unsubscribed_from_emails", "!=", True)) == [0, 1, 2]
        nested = {
            "operator": "OR",
            "value": [
                {"field": "custom_attributes.n", "operator": "=", "value": 0},
                {
                    "operator": "AND",
                    "value": [
                        {"field": "custom_attributes.n", "operator": ">=", "value": 2},
                        {"field": "role", "operator": "=", "value": "user"},
                    ],
                },
            ],
        }
        query = {
            "operator": "AND",
            "value": [{"field": "custom_attributes.mark", "operator": "=", "value": mark}, nested],
        }
        assert sorted(c.custom_attributes["n"] for c in intercom.contacts.search(query=query)) == [0, 2]  # type: ignore[arg-type]

    def test_a_search_goes_on_where_it_ended(self, intercom: Intercom, user: Any, lead: Any) -> None:
        query = SingleFilterSearchRequest(field="id", operator="IN", value=[user.id, lead.id])
        first = intercom.contacts.search(query=query, pagination=StartingAfterPaging(per_page=1)).response
        after = first.pages.next.starting_after
        second = intercom.contacts.search(
            query=query, pagination=StartingAfterPaging(per_page=1, starting_after=after)
        ).response
        assert [first.data[0].id, second.data[0].id] == [lead.id, user.id]
        assert (first.total_count, first.pages.total_pages, second.pages.next) == (2, 2, None)

    def test_a_lead_is_merged_into_a_user(self, intercom: Intercom, lead: Any, user: Any) -> None:
        for contact in (lead, user):
            intercom.events.create(request={"id": contact.id, "event_name": "opened", "created_at": NOW})
        merged = intercom.contacts.merge_lead_in_user(lead_id=lead.id, contact_id=user.id)
        assert (merged.id, merged.role) == (user.id, "user")
        with pytest.raises(ApiError, match="404"):
            intercom.contacts.find(lead.id)
        # An event under the old id reaches who they are now.
        intercom.events.create(request={"id": lead.id, "event_name": "opened", "created_at": NOW + 1})
        summary = intercom.events.list(type="user", user_id=user.external_id, summary=True)
        assert [(event.name, event.count) for event in summary.events] == [("opened", 3)]
        for wrong in ((user.id, lead.id), (user.id, user.id)):
            with pytest.raises(ApiError):
                intercom.contacts.merge_lead_in_user(lead_id=wrong[0], contact_id=wrong[1])

    def test_a_contact_that_is_deleted_is_gone(self, intercom: Intercom, user: Any) -> None:
        intercom.events.create(
            request={"user_id": user.external_id, "event_name": "opened", "created_at": NOW}
        )
        deleted = intercom.contacts.delete(user.id)
        assert (deleted.id, deleted.external_id, deleted.deleted) == (user.id, user.external_id, True)
        for call in (
            lambda: intercom.contacts.find(user.id),
            lambda: intercom.contacts.delete(user.id),
            lambda: intercom.events.list(type="user", user_id=user.external_id),
        ):
            with pytest.raises(ApiError, match="404"):
                call()
        again = CreateContactRequestWithExternalId(external_id=user.external_id)
        assert intercom.contacts.create(request=again).id != user.id

    def test_nobody_is_not_found(self, intercom: Intercom) -> None:
        calls: list[Callable[[], Any]] = [
            lambda: intercom.contacts.delete(NOBODY),
            lambda: intercom.contacts.find(NOBODY),
            lambda: intercom.contacts.update(NOBODY, name="x"),
            lambda: intercom.contacts.show_contact_by_external_id(new()),
            lambda: intercom.contacts.archive(NOBODY),
            lambda: intercom.contacts.unarchive(NOBODY),
            lambda: intercom.contacts.block_contact(NOBODY),
            lambda: intercom.contacts.merge_lead_in_user(lead_id=NOBODY, contact_id=NOBODY),
        ]
        for call in calls:
            with pytest.raises(ApiError) as caught:
                call()
            assert type(caught.value) is ApiError
            assert caught.value.status_code == 404
            assert caught.value.body["type"] == "error.list"
            assert caught.value.body["errors"][0]["message"] == "User Not Found"
        with pytest.raises(NotFoundError):
            intercom.contacts.list_attached_tags(NOBODY)

    @pytest.mark.parametrize(
        ("said", "field"),
        [
            ({"name": "nobody"}, "email"),
            ({"email": "no address"}, "email"),
            ({"external_id": "x" * 129}, "external_id"),
            ({"role": "lead", "custom_attributes": {"deep": {"a": {"b": 1}}}}, "custom_attributes.deep"),
            ({"role": "lead", "custom_attributes": {"__proto__": 1}}, "custom_attributes.__proto__"),
            ({"role": "lead", "signed_up_at": 1_790_000_000_000}, "signed_up_at"),
            ({"role": "captain"}, "role"),
        ],
    )
    def test_what_is_wrong_is_named(self, intercom: Intercom, said: Any, field: str) -> None:
        with pytest.raises(ApiError) as caught:
            intercom.contacts.create(request=said)
        assert caught.value.status_code == 400
        assert caught.value.body["errors"][0]["field"] == field


class TestEvents:
    @pytest.mark.parametrize("by", ["user_id", "email", "id"])
    def test_are_recorded_and_listed(self, intercom: Intercom, by: str) -> None:
        email = f"{new()}@x.example"
        made = intercom.contacts.create(
            request=CreateContactRequestWithExternalId(external_id=new(), email=email)
        )
        who = {"user_id": made.external_id, "email": email, "id": made.id}[by]
        metadata = {
            "plan": "Pro", "n": -1.5, "yes": True, "start_date": NOW, "link": "https://x.example/1",
            "article": {"url": "https://x.example/a", "value": "the dude abides"},
            "price": {"amount": 34999, "currency": "eur"}, "stripe_invoice": "inv_1",
        }  # fmt: skip
        request = {by: who, "event_name": "placed-order", "created_at": NOW - 60, "metadata": metadata}
        assert intercom.events.create(request=request) is None  # type: ignore[arg-type]
        asked = {"intercom_user_id" if by == "id" else by: who}
        [event] = intercom.events.list(type="user", **asked).events
        assert (event.event_name, event.created_at, event.metadata) == ("placed-order", NOW - 60, metadata)
        assert (event.intercom_user_id, event.user_id, event.email) == (made.id, made.external_id, email)

    def test_the_same_second_is_the_same_event_unless_it_has_an_id(
        self, intercom: Intercom, user: Any
    ) -> None:
        event = {"user_id": user.external_id, "event_name": "clicked", "created_at": NOW}
        for extra in ({}, {}, {"created_at": NOW + 1}, {"event_id": "e1"}, {"event_id": "e1"}, {"id": "e2"}):
            intercom.events.create(request={**event, **extra})
        [summary] = intercom.events.list(type="user", user_id=user.external_id, summary=True).events
        assert (summary.name, summary.count) == ("clicked", 4)

    def test_count_for_rules_with_those_of_the_browser(
        self, intercom: Intercom, served: ServerProcess, browse: Callable[..., str]
    ) -> None:
        visitor_id = browse("/pricing", "/pricing")
        for event_id in ("a", "b"):
            intercom.events.create(
                request={
                    "user_id": visitor_id,
                    "event_name": "page_view",
                    "created_at": NOW,
                    "event_id": event_id,
                    "url": "https://www.example.com/pricing?from=app",
                }
            )
        explained = httpx.get(
            f"{served.base}/api/rules/pricing-help/explain",
            params={"contact": visitor_id},
            headers={"Authorization": f"Bearer {TOKEN}"},
        ).json()
        values = {told["text"]: told["value"] for told in explained["conditions"]}
        assert values["viewed /pricing more than 3 times"] == 4

    def test_are_paged_by_full_urls(self, intercom: Intercom, user: Any) -> None:
        # Three of them in one second.
        for number in range(5):
            intercom.events.create(
                request={
                    "user_id": user.external_id,
                    "event_name": f"step {number}",
                    "created_at": NOW + min(number, 2),
                    "event_id": f"{number}",
                }
            )
        whole = [
            event.event_name for event in intercom.events.list(type="user", user_id=user.external_id).events
        ]
        assert whole == [f"step {number}" for number in (4, 3, 2, 1, 0)]
        listed: list[str] = []
        more: dict[str, Any] = {}
        page = None
        while page is None or page.pages["next"]:
            if page is not None:
                more = {"additional_query_parameters": dict(parse_qsl(urlsplit(page.pages["next"]).query))}
            page = intercom.events.list(
                type="user", user_id=user.external_id, per_page=2, request_options=more
            )
            listed += [event.event_name for event in page.events]
        assert listed == whole

    def test_what_comes_later_is_asked_by_since(self, intercom: Intercom, user: Any) -> None:
        def did(name: str, at: int) -> None:
            intercom.events.create(
                request={"user_id": user.external_id, "event_name": name, "created_at": at}
            )

        did("first", NOW)
        page = intercom.events.list(type="user", user_id=user.external_id)
        for name, at in (("second", NOW + 1), ("third", NOW + 2)):
            did(name, at)
            since = dict(parse_qsl(urlsplit(page.pages["since"]).query))
            page = intercom.events.list(
                type="user",
                user_id=user.external_id,
                request_options={"additional_query_parameters": since},
            )
            assert [event.event_name for event in page.events] == [name]

    def test_summaries_are_a_base_to_which_events_are_added(self, intercom: Intercom, user: Any) -> None:
        base = {"event_name": "invited", "count": 5, "first": NOW - 9_000, "last": NOW - 5_000}
        for _ in range(2):
            intercom.events.summaries(user_id=user.external_id, event_summaries=base)  # type: ignore[arg-type]
            intercom.events.create(
                request={"user_id": user.external_id, "event_name": "invited", "created_at": NOW}
            )
        [summary] = intercom.events.list(type="user", user_id=user.external_id, summary=True).events
        assert (summary.name, summary.count) == ("invited", 6)
        intercom.events.summaries(
            user_id=user.external_id,
            event_summaries=[{**base, "count": 7}, {**base, "event_name": "shared"}],  # type: ignore[arg-type]
        )
        listed = intercom.events.list(type="user", user_id=user.external_id, summary=True).events
        assert [(event.name, event.count) for event in listed] == [("invited", 8), ("shared", 5)]

    def test_nobody_is_not_found(self, intercom: Intercom) -> None:
        calls: list[Callable[[], Any]] = [
            lambda: intercom.events.create(request={"user_id": new(), "event_name": "x", "created_at": NOW}),
            lambda: intercom.events.list(type="user", user_id=new()),
            lambda: intercom.events.list(type="user", email="nobody@x.example"),
            lambda: intercom.events.list(type="user", intercom_user_id=NOBODY),
            lambda: intercom.events.summaries(
                user_id=new(),
                event_summaries={"event_name": "x", "count": 1, "first": NOW, "last": NOW},  # type: ignore[arg-type]
            ),
        ]
        for call in calls:
            with pytest.raises(ApiError) as caught:
                call()
            assert type(caught.value) is ApiError
            assert caught.value.status_code == 404
            assert caught.value.body["errors"][0] == {
                "code": "not_found",
                "message": "User Not Found",
                "field": caught.value.body["errors"][0]["field"],
            }

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"event_name": ""}, "event_name"),
            ({"event_name": "x" * 121}, "event_name"),
            ({"event_name": "reset"}, "event_name"),
            ({"created_at": None}, "created_at"),
            ({"created_at": 1_790_000_000_000}, "created_at"),
            ({"created_at": NOW + 86_400}, "created_at"),
            ({"event_id": "no id"}, "event_id"),
            ({"metadata": {f"k{number}": 1 for number in range(21)}}, "metadata"),
            ({"metadata": {"nested": {"a": 1}}}, "metadata.nested"),
            ({"metadata": {"list": [1]}}, "metadata.list"),
            ({"metadata": {"k" * 65: 1}}, f"metadata.{'k' * 65}"),
            ({"metadata": {"price": {"amount": 1.5, "currency": "eur"}}}, "metadata.price"),
            ({"metadata": {"text": "x" * 1_025}}, "metadata.text"),
            ({"event_name": "page_view"}, "url"),
        ],
    )
    def test_what_is_wrong_is_named(self, intercom: Intercom, user: Any, wrong: Any, field: str) -> None:
        event = {"user_id": user.external_id, "event_name": "x", "created_at": NOW, **wrong}
        with pytest.raises(ApiError) as caught:
            intercom.events.create(request=event)  # type: ignore[arg-type]
        assert caught.value.status_code == 400
        [error] = caught.value.body["errors"]
        assert error["field"] == field
        assert not intercom.events.list(type="user", user_id=user.external_id).events


class TestVisitors:
    def test_are_found_and_changed(self, intercom: Intercom, browse: Callable[..., str]) -> None:
        visitor_id = browse("/pricing")
        found = intercom.visitors.find(user_id=visitor_id)
        assert (found.type, found.user_id, found.anonymous, found.email) == ("visitor", visitor_id, True, "")
        assert found.las_request_at >= NOW
        for by in ({"user_id": visitor_id}, {"id": found.id}):
            changed = intercom.visitors.update(
                request={**by, "name": "Gareth", "custom_attributes": {"plan": "Pro", "n": 1}}
            )
            assert (changed.name, changed.custom_attributes) == ("Gareth", {"plan": "Pro", "n": 1})

    def test_nobody_is_not_found(self, intercom: Intercom, user: Any) -> None:
        for call in (
            lambda: intercom.visitors.find(user_id="0" * 32),
            lambda: intercom.visitors.find(user_id=user.external_id),
            lambda: intercom.visitors.update(request={"id": NOBODY, "name": "x"}),
        ):
            with pytest.raises(NotFoundError) as caught:
                call()
            assert caught.value.body["errors"][0]["message"] == "Visitor Not Found"

    def test_is_converted_to_a_new_user_with_the_whole_history(
        self, intercom: Intercom, browse: Callable[..., str]
    ) -> None:
        visitor_id, external_id = browse("/a", "/b"), new()
        became = intercom.visitors.merge_to_contact(
            type="user",
            user={"user_id": external_id, "email": "x@x.example"},
            visitor={"user_id": visitor_id},
        )
        assert (became.role, became.external_id, became.email) == ("user", external_id, "x@x.example")
        listed = intercom.events.list(type="user", user_id=external_id).events
        assert [event.event_name for event in listed] == ["page_view", "page_view"]
        with pytest.raises(NotFoundError):
            intercom.visitors.find(user_id=visitor_id)

    @pytest.mark.parametrize("by", ["user_id", "email", "id"])
    def test_joins_a_user_who_exists(self, intercom: Intercom, browse: Callable[..., str], by: str) -> None:
        email, external_id = f"{new()}@x.example", new()
        user = intercom.contacts.create(
            request=CreateContactRequestWithExternalId(external_id=external_id, email=email)
        )
        named = {"user_id": external_id, "email": email, "id": user.id}
        visitor_id = browse("/a")
        became = intercom.visitors.merge_to_contact(
            type="user", user={by: named[by]}, visitor={"user_id": visitor_id}
        )
        assert became.id == user.id
        # A client that kept the old visitor id still reaches the person.
        intercom.events.create(request={"user_id": visitor_id, "event_name": "later", "created_at": NOW})
        summary = intercom.events.list(type="user", user_id=external_id, summary=True).events
        assert {event.name for event in summary} == {"page_view", "later"}

    @pytest.mark.parametrize("user", [None, {}, {"email": "lead@x.example"}])
    def test_is_converted_to_a_lead(self, intercom: Intercom, browse: Callable[..., str], user: Any) -> None:
        became = intercom.visitors.merge_to_contact(type="lead", user=user, visitor={"user_id": browse("/a")})
        assert (became.role, became.email) == ("lead", (user or {}).get("email"))

    def test_conversions_that_cannot_be_are_refused(
        self, intercom: Intercom, browse: Callable[..., str]
    ) -> None:
        for status, visitor, user in (
            (404, {"user_id": "0" * 32}, {"user_id": "x"}),
            (400, {"user_id": browse("/")}, {}),
            (400, {}, {"user_id": "x"}),
            (404, {"user_id": browse("/")}, {"id": NOBODY}),
        ):
            with pytest.raises(ApiError) as caught:
                intercom.visitors.merge_to_contact(type="user", user=user, visitor=visitor)  # type: ignore[arg-type]
            assert (type(caught.value), caught.value.status_code) == (ApiError, status)


class TestTags:
    def test_are_made_found_renamed_and_deleted(self, intercom: Intercom) -> None:
        name = new("tag")
        tag = intercom.tags.create(request={"name": name})
        assert (tag.type, tag.name) == ("tag", name)
        assert intercom.tags.create(request={"name": name.upper()}).id == tag.id
        assert intercom.tags.find(tag.id).name == name.upper()
        assert intercom.tags.create(request={"id": tag.id, "name": f"{name} 2"}).id == tag.id
        assert f"{name} 2" in [listed.name for listed in intercom.tags.list().data]
        intercom.tags.delete(tag.id)
        with pytest.raises(NotFoundError, match="Resource Not Found"):
            intercom.tags.find(tag.id)

    def test_are_given_and_taken_away(self, intercom: Intercom, user: Any) -> None:
        tag = intercom.tags.create(request={"name": new("tag")})
        given = intercom.tags.tag_contact(user.id, tag_id=tag.id)
        assert (given.id, given.applied_by.type) == (tag.id, "admin")
        assert given.applied_at >= NOW
        assert [listed.id for listed in intercom.contacts.list_attached_tags(user.id).data] == [tag.id]
        assert intercom.contacts.find(user.id).tags.data[0].id == tag.id
        tagged = SingleFilterSearchRequest(field="tag_id", operator="=", value=tag.id)
        assert [contact.id for contact in intercom.contacts.search(query=tagged)] == [user.id]
        assert intercom.tags.untag_contact(user.id, tag.id).id == tag.id
        assert intercom.contacts.list_attached_tags(user.id).data == []
        assert list(intercom.contacts.search(query=tagged)) == []

    def test_are_given_to_many_and_deleted_from_all(self, intercom: Intercom, user: Any, lead: Any) -> None:
        tag = intercom.tags.create(request={"name": new("tag"), "users": [{"id": user.id}, {"id": lead.id}]})
        intercom.tags.create(request={"id": tag.id, "name": f"{tag.name}!"})
        for contact in (user, lead):
            [listed] = intercom.contacts.list_attached_tags(contact.id).data
            assert listed.name == f"{tag.name}!"
        intercom.tags.delete(tag.id)
        assert intercom.contacts.list_attached_tags(lead.id).data == []

    def test_what_is_wrong_has_its_class(self, intercom: Intercom, user: Any) -> None:
        with pytest.raises(BadRequestError) as wrong:
            intercom.tags.create(request={"name": " "})
        assert wrong.value.body["errors"][0]["code"] == "parameter_invalid"
        with pytest.raises(NotFoundError, match="User Not Found"):
            intercom.tags.create(request={"name": "x", "users": [{"id": NOBODY}]})
        for call in (
            lambda: intercom.tags.delete("1"),
            lambda: intercom.tags.tag_contact(user.id, tag_id="1"),
            lambda: intercom.tags.tag_contact(NOBODY, tag_id="1"),
            lambda: intercom.tags.untag_contact(user.id, "1"),
        ):
            with pytest.raises(NotFoundError):
                call()


class TestNotes:
    def test_are_written_and_listed_to_the_end(self, intercom: Intercom, user: Any) -> None:
        for number in range(3):
            note = intercom.notes.create(user.id, body=f"Note {number} <b>", admin_id="12")
        assert (note.type, note.body, note.author.id) == ("note", "<p>Note 2 &lt;b&gt;</p>", "12")
        assert note.contact.id == user.id
        listed = list(intercom.notes.list(user.id, per_page=2))
        assert [note.body[3:9] for note in listed] == ["Note 2", "Note 1", "Note 0"]
        assert intercom.notes.find(int(note.id)).body == note.body
        assert intercom.contacts.find(user.id).notes.total_count == 3

    def test_nobodys_are_not_found(self, intercom: Intercom) -> None:
        with pytest.raises(NotFoundError):
            intercom.notes.create(NOBODY, body="x")
        with pytest.raises(NotFoundError):
            list(intercom.notes.list(NOBODY))
        with pytest.raises(NotFoundError):
            intercom.notes.find(1)


class TestDataAttributes:
    def test_are_declared_listed_and_changed(self, intercom: Intercom) -> None:
        name = new("attribute")
        made = intercom.data_attributes.create(
            request={"name": name, "model": "contact", "data_type": "string"}
        )
        assert (made.type, made.full_name) == ("data_attribute", f"custom_attributes.{name}")
        assert (made.custom, made.archived, made.model) == (True, False, "contact")
        options = intercom.data_attributes.create(
            request={"name": new(), "model": "contact", "data_type": "options", "options": [{"value": "a"}]}  # type: ignore[arg-type]
        )
        assert options.options == ["a"]
        listed = intercom.data_attributes.list(model="contact").data
        assert {"email", name} <= {attribute.name for attribute in listed}
        archived = intercom.data_attributes.update(made.id, request={"archived": True, "description": "x"})
        assert (archived.archived, archived.description) == (True, "x")
        assert name not in {attribute.name for attribute in intercom.data_attributes.list().data}
        all_of_them = intercom.data_attributes.list(model="contact", include_archived=True).data
        assert name in {attribute.name for attribute in all_of_them}

    def test_what_is_wrong_has_its_class(self, intercom: Intercom) -> None:
        plan = {"name": new(), "model": "contact", "data_type": "string"}
        intercom.data_attributes.create(request=plan)  # type: ignore[arg-type]
        for wrong in (plan, {**plan, "name": "a/b"}, {**plan, "name": new(), "data_type": "options"}):
            with pytest.raises(BadRequestError):
                intercom.data_attributes.create(request=wrong)  # type: ignore[arg-type]
        with pytest.raises(NotFoundError, match="field_not_found"):
            intercom.data_attributes.update(1, request={"archived": True})


class TestMessages:
    def test_an_email_is_taken_into_the_outbox(self, intercom: Intercom, lead: Any) -> None:
        letter = {
            "message_type": "email",
            "subject": "Hello",
            "body": "<p>Hi &amp; welcome</p>",
            "template": "plain",
            "from": {"type": "admin", "id": "12"},
            "to": {"type": "lead", "id": lead.id},
        }
        sent = intercom.messages.create(request=letter)  # type: ignore[arg-type]
        assert (sent.type, sent.message_type, sent.subject) == ("admin_message", "email", "Hello")
        assert sent.body == "Hi & welcome"
        assert sent.id.startswith("msg_")

    def test_what_is_wrong_has_its_class(
        self, intercom: Intercom, lead: Any, user: Any, reader: Intercom
    ) -> None:
        letter: Any = {
            "message_type": "email",
            "subject": "Hello",
            "body": "Hi",
            "from": {"type": "admin", "id": "12"},
            "to": {"type": "lead", "id": lead.id},
        }
        with pytest.raises(BadRequestError, match="Body is required"):
            intercom.messages.create(request={**letter, "body": ""})
        with pytest.raises(BadRequestError, match="message_type"):
            intercom.messages.create(request={**letter, "message_type": "inapp"})
        with pytest.raises(UnprocessableEntityError):
            intercom.messages.create(request={**letter, "to": {"type": "user", "id": user.id}})
        with pytest.raises(ForbiddenError):
            reader.messages.create(request=letter)
        with pytest.raises(ApiError, match="User Not Found"):
            intercom.messages.create(request={**letter, "to": {"type": "user", "id": NOBODY}})


def test_me_is_the_operator(intercom: Intercom) -> None:
    me = intercom.admins.identify()
    assert (me.type, me.app.id_code, me.app.timezone) == ("admin", "main", "UTC")


def test_whoever_has_no_token_gets_the_class_that_the_client_has_for_it(stranger: Intercom) -> None:
    typed: list[Callable[[], Any]] = [
        lambda: stranger.events.create(request={"user_id": "x", "event_name": "x", "created_at": NOW}),
        lambda: stranger.events.list(type="user", user_id="x"),
        lambda: stranger.contacts.find(NOBODY),
        lambda: stranger.contacts.create(request=CreateContactRequestWithEmail(email="a@b.example")),
        lambda: stranger.contacts.list(),
        lambda: stranger.contacts.search(query={"field": "id", "operator": "=", "value": "x"}),  # type: ignore[arg-type]
        lambda: stranger.visitors.find(user_id="x"),
        lambda: stranger.tags.list(),
        lambda: stranger.data_attributes.list(),
    ]
    for call in typed:
        with pytest.raises(UnauthorizedError) as caught:
            call()
        assert caught.value.body.errors[0].message == "Access Token Invalid"
    for call in (lambda: stranger.admins.identify(), lambda: stranger.contacts.archive(NOBODY)):
        with pytest.raises(ApiError) as generic:
            call()
        assert (type(generic.value), generic.value.status_code) == (ApiError, 401)


def test_a_token_that_may_read_does_not_write(reader: Intercom, user: Any) -> None:
    assert reader.contacts.find(user.id).id == user.id
    assert list(
        reader.contacts.search(query=SingleFilterSearchRequest(field="id", operator="=", value=user.id))
    )
    for call in (
        lambda: reader.contacts.update(user.id, name="x"),
        lambda: reader.events.create(request={"id": user.id, "event_name": "x", "created_at": NOW}),
        lambda: reader.tags.create(request={"name": "x"}),
    ):
        with pytest.raises(ApiError) as caught:
            call()
        assert caught.value.status_code == 403
        assert caught.value.body["errors"][0]["code"] == "forbidden"
