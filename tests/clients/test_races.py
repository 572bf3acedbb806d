"""Many callers at once: what one of them said is never lost to another, on either engine."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from intercom import Intercom
from intercom.core.api_error import ApiError

pytestmark = pytest.mark.live

NOW = int(time.time())
CALLERS = 8

T = TypeVar("T")


def at_once(calls: list[Callable[[], T]]) -> list[T]:
    with ThreadPoolExecutor(CALLERS) as callers:
        return list(callers.map(lambda call: call(), calls))


def made(intercom: Intercom, **said: Any) -> Any:
    return intercom.contacts.create(request={"external_id": uuid4().hex, **said})  # type: ignore[arg-type]


def test_of_many_who_make_one_contact_one_does(intercom: Intercom) -> None:
    external_id = uuid4().hex

    def make() -> str:
        try:
            return str(made(intercom, external_id=external_id).id)
        except ApiError as error:
            assert error.status_code == 409
            return ""

    ids = [contact for contact in at_once([make] * CALLERS) if contact]
    assert ids == [intercom.contacts.show_contact_by_external_id(external_id).id]


def test_attributes_that_many_say_are_all_kept(intercom: Intercom) -> None:
    contact = made(intercom)

    def say(number: int) -> Callable[[], Any]:
        return lambda: intercom.contacts.update(contact.id, custom_attributes={f"k{number}": number})

    at_once([say(number) for number in range(3 * CALLERS)])
    found = intercom.contacts.find(contact.id).custom_attributes
    assert found == {f"k{number}": number for number in range(3 * CALLERS)}


def test_events_that_arrive_while_two_become_one_are_all_counted(intercom: Intercom) -> None:
    user = made(intercom)
    lead = intercom.contacts.create(request={"role": "lead"})  # type: ignore[arg-type]

    def did(number: int) -> Callable[[], Any]:
        who = {"id": lead.id} if number % 2 else {"user_id": user.external_id}
        event = {**who, "event_name": "opened", "created_at": NOW, "event_id": f"e{number}"}
        return lambda: intercom.events.create(request=event)  # type: ignore[arg-type]

    calls = [did(number) for number in range(5 * CALLERS)]
    calls.insert(
        len(calls) // 2, lambda: intercom.contacts.merge_lead_in_user(lead_id=lead.id, contact_id=user.id)
    )
    at_once(calls)
    [summary] = intercom.events.list(type="user", user_id=user.external_id, summary=True).events
    assert (summary.name, summary.count) == ("opened", 5 * CALLERS)
