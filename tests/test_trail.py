"""The story: batches become people, totals, matches and messages, in one transaction. On every engine."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.clock import DAY, MINUTE, SECOND
from server.errors import StoreInterrupted
from server.ids import visitor_ident
from server.model import Agent, Answer, Batch, Event, Kind, Role, Total
from server.people.page import page_path
from server.rules.reload import Live
from server.store.base import Store, Transaction
from server.store.sqlite import open_sqlite
from server.trail import Trail, _Chapter, names
from server.trail.repeat import WAITS

pytestmark = pytest.mark.anyio

NOW = 1_790_000_000_000

CONFIG = """
sites: [{key: main}, {key: shop}]
messages:
  - id: pricing-help
    to: [visitors, leads]
    when: {page: /pricing*}
    if: [{viewed: /pricing, times: more than 3}]
    send: once
    deliver: {page: {title: "Questions, {{ name or 'stranger' }}?", body: We answer.}}
  - id: docs-reader
    when: {page: "/docs/*"}
    if: [{viewed: "/docs/*", times: at least 3}]
    send: once
    deliver: {page: {title: "Reading a lot?", body: Ask us.}}
  - id: third-report
    when: {page: /reports}
    if: [{did: report.created, times: exactly 3}, {not: {did: purchase}}]
    send: once
    deliver: {page: {title: "Third!", body: Well done.}}
"""


@pytest.fixture
def trail(store: Store, tmp_path: Path) -> Trail:
    file = tmp_path / "leadtrail.yaml"
    file.write_text(CONFIG)
    return Trail(store, Live(file))


def event(
    name: str = "page_view", page: str = "/", at: int = NOW, event_id: str = "", **fields: Any
) -> Event:
    url = f"https://www.example.com{page}" if page else ""
    path = page_path(url) if page else ""
    return Event(
        id=event_id or secrets.token_hex(8), name=name, at=at, received=at, url=url, path=path, **fields
    )  # fmt: skip


def batch(*events: Event, visitor: str = "ada", **fields: Any) -> Batch:
    return Batch(site="main", visitor=visitor, events=list(events), **fields)


async def record(trail: Trail, *batches: Batch, now: int = NOW) -> list[Answer]:
    return await trail.record(list(batches), now)


def ids(answer: Answer) -> list[str]:
    return [message["id"] for message in answer.messages]


async def totals_of(store: Store, visitor: str = "ada") -> dict[tuple[int, str], Total]:
    person_id = await store.reads.person_of(visitor_ident("main", visitor))
    assert person_id is not None
    return {(kind, key): total for (_, kind, key), total in (await store.reads.all_totals(person_id)).items()}


async def test_three_views_say_nothing_and_the_fourth_gets_the_message(trail: Trail) -> None:
    answers = [(await record(trail, batch(event(page="/pricing", at=NOW + n))))[0] for n in range(5)]
    assert [ids(answer) for answer in answers] == [[], [], [], ["pricing-help"], []]
    assert answers[3].messages[0]["title"] == "Questions, stranger?"


async def test_the_fourth_view_matches_in_the_middle_of_one_batch(trail: Trail) -> None:
    views = [event(page=page) for page in ("/pricing", "/pricing/", "/pricing?a=b", "/pricing#x", "/other")]
    [answer] = await record(trail, batch(*views))
    assert ids(answer) == ["pricing-help"]


async def test_views_that_arrive_in_one_group_from_two_tabs_are_answered_once(trail: Trail) -> None:
    answers = await record(trail, *(batch(event(page="/pricing")) for _ in range(8)))
    assert [ids(answer) for answer in answers].count(["pricing-help"]) == 1
    assert ids(answers[3]) == ["pricing-help"]


async def test_each_person_has_totals_of_their_own(trail: Trail, store: Store) -> None:
    await record(trail, batch(event(page="/a"), event(page="/b")), batch(event(page="/a"), visitor="bob"))
    assert (await totals_of(store))[Kind.event, "page_view"] == Total(2, NOW, NOW)
    assert (await totals_of(store, "bob"))[Kind.page, "/a"] == Total(1, NOW, NOW)


async def test_a_known_id_counts_once_and_gets_the_same_answer(trail: Trail, store: Store) -> None:
    views = [event(page="/pricing", event_id=f"view-{n}") for n in range(4)]
    [first] = await record(trail, batch(*views))
    [again] = await record(trail, batch(*views), now=NOW + 5 * SECOND)
    assert (first.stored, first.repeated, again.stored, again.repeated) == (4, 0, 0, 4)
    assert again.messages == first.messages
    assert ids(first) == ["pricing-help"]
    assert (await totals_of(store))[Kind.page, "/pricing"].count == 4


async def test_the_same_id_twice_in_one_batch_counts_once(trail: Trail, store: Store) -> None:
    [answer] = await record(trail, batch(event(event_id="x"), event(event_id="x")))
    assert (answer.stored, answer.repeated) == (1, 1)
    assert (await totals_of(store))[Kind.event, "page_view"].count == 1


async def test_a_message_that_was_never_shown_is_offered_again_after_thirty_seconds(trail: Trail) -> None:
    await record(trail, batch(*(event(page="/pricing") for _ in range(4))))
    [early] = await record(trail, batch(event(page="/pricing")), now=NOW + 29 * SECOND)
    [elsewhere] = await record(trail, batch(event(page="/other")), now=NOW + 31 * SECOND)
    [later] = await record(trail, batch(event(page="/pricing")), now=NOW + 31 * SECOND)
    assert (ids(early), ids(elsewhere), ids(later)) == ([], [], ["pricing-help"])


async def test_a_message_that_was_shown_is_never_offered_again(trail: Trail, store: Store) -> None:
    await record(trail, batch(*(event(page="/pricing") for _ in range(4))))
    await record(trail, batch(event("message_shown", metadata={"message": "pricing-help"})))
    await record(trail, batch(event("message_clicked", at=NOW + 1, metadata={"message": "pricing-help"})))
    [later] = await record(trail, batch(event(page="/pricing")), now=NOW + DAY)
    assert ids(later) == []
    person_id = await store.reads.person_of(visitor_ident("main", "ada"))
    assert person_id is not None
    [offer] = await store.reads.all_offers(person_id)
    assert (offer.shown, offer.clicked, offer.dismissed) == (NOW, NOW + 1, None)


async def test_a_message_that_a_pixel_won_is_offered_on_the_next_page_view(trail: Trail) -> None:
    views = [event(page="/pricing") for _ in range(4)]
    [pixel] = await record(trail, batch(*views, shows_messages=False))
    [answer] = await record(trail, batch(event(page="/pricing")), now=NOW + SECOND)
    assert ids(answer) == ["pricing-help"]
    assert (pixel.stored, ids(pixel)) == (4, [])


async def test_a_glob_sums_the_pages_that_it_covers(trail: Trail) -> None:
    pages = ["/docs/a", "/docs/b", "/docs/c"]
    answers = [(await record(trail, batch(event(page=page))))[0] for page in pages]
    assert [ids(answer) for answer in answers] == [[], [], ["docs-reader"]]


async def test_a_rule_asks_about_other_events_than_the_one_that_triggers_it(trail: Trail) -> None:
    await record(trail, batch(*(event("report.created", page="") for _ in range(3))))
    [answer] = await record(trail, batch(event(page="/reports")))
    assert ids(answer) == ["third-report"]
    await record(trail, batch(*(event("report.created", page="") for _ in range(3)), visitor="bob"))
    await record(trail, batch(event("purchase", page=""), visitor="bob"))
    [answer] = await record(trail, batch(event(page="/reports"), visitor="bob"))
    assert ids(answer) == []


async def test_a_rule_added_today_sees_what_happened_before_it(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "leadtrail.yaml"
    file.write_text("sites: [{key: main}]")
    live = Live(file)
    trail = Trail(store, live)
    await record(trail, batch(*(event(page="/pricing", at=NOW - 30 * DAY) for _ in range(4))))
    file.write_text(CONFIG)
    live.reload()
    [answer] = await record(trail, batch(event(page="/pricing")))
    assert ids(answer) == ["pricing-help"]


async def test_an_e_mail_makes_a_lead_whose_earlier_trail_is_kept(trail: Trail, store: Store) -> None:
    await record(trail, batch(event(page="/a", at=NOW)))
    await record(trail, batch(event("identify", at=NOW + MINUTE, traits={"email": "ada@example.com"})))
    await record(trail, batch(event(page="/b", at=NOW + 2 * MINUTE)))
    [found] = (await store.reads.find_people(email="ada@example.com", limit=5)).people
    assert (found.role, found.became_lead, found.events) == (Role.lead, NOW + MINUTE, 3)
    moments = (await store.reads.trail(found.person_id, limit=10)).moments
    assert [(m.name, m.role) for m in moments] == [
        ("page_view", Role.lead),
        ("identify", Role.visitor),
        ("page_view", Role.visitor),
    ]
    [milestone] = await store.reads.milestones(found.person_id)
    assert (milestone.kind, milestone.at, milestone.detail) == ("became", NOW + MINUTE, {"role": "lead"})


async def test_two_visitors_who_claim_one_e_mail_stay_two_people(trail: Trail, store: Store) -> None:
    for visitor in ("ada", "eve"):
        claim = event("identify", traits={"email": "ada@example.com", "name": visitor})
        await record(trail, batch(claim, visitor=visitor))
    found = await store.reads.find_people(email="ada@example.com", limit=5)
    assert sorted(person.name or "" for person in found.people) == ["ada", "eve"]


async def test_after_five_hundred_names_further_ones_count_as_other(
    trail: Trail, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "MAX_EVENT_NAMES", 2)
    await record(trail, batch(event("one", page=""), event("two", page=""), event("three", page="")))
    await record(trail, batch(event("two", page=""), event("four", page=""), event("page_view")))
    counts = {
        key: total.count for (kind, key), total in (await totals_of(store)).items() if kind == Kind.event
    }
    assert counts == {"one": 1, "two": 2, "(other)": 2, "page_view": 1}


async def test_sessions_and_device_are_on_the_person(trail: Trail, store: Store) -> None:
    agent = Agent("Firefox", "Linux", "desktop")
    await record(trail, batch(event(at=NOW), agent=agent, language="pt"))
    await record(trail, batch(event(at=NOW + 31 * MINUTE)))
    person_id = await store.reads.person_of(visitor_ident("main", "ada"))
    assert person_id is not None
    person = await store.reads.person(person_id)
    assert person is not None
    assert (person.sessions, person.browser, person.language) == (2, "Firefox", "pt")
    assert (person.first_seen, person.last_seen) == (NOW, NOW + 31 * MINUTE)
    assert [m.session for m in (await store.reads.trail(person_id, limit=5)).moments] == [2, 1]


async def test_imports_ask_no_rules(trail: Trail) -> None:
    views = batch(*(event(page="/pricing") for _ in range(9)))
    [answer] = await trail.record([views], NOW, ask_rules=False)
    assert (answer.stored, answer.messages) == (9, [])


async def test_a_transaction_that_fails_counts_nothing_and_the_repeat_counts_once(
    trail: Trail, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise OSError("the disk went away")

    views = batch(event("bought", page="", event_id="x"))
    with monkeypatch.context() as broken:
        broken.setattr(_Chapter, "_save", fails)
        with pytest.raises(OSError):
            await record(trail, views)
    [answer] = await record(trail, views)
    assert (answer.stored, answer.repeated) == (1, 0)
    assert (await totals_of(store))[Kind.event, "bought"].count == 1


async def test_a_commit_whose_answer_was_lost_is_repeated_and_counts_once(
    trail: Trail, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, losses = store.transaction, iter([True])

    @asynccontextmanager
    async def cut_off() -> AsyncIterator[Transaction]:
        async with whole() as transaction:
            yield transaction
        if next(losses, False):
            raise StoreInterrupted("the connection was lost")

    monkeypatch.setattr(store, "transaction", cut_off)
    views = [event(page="/pricing", event_id=f"view-{n}") for n in range(4)]
    [answer] = await record(trail, batch(*views))
    assert (answer.stored, answer.repeated, ids(answer)) == (0, 4, ["pricing-help"])
    assert (await totals_of(store))[Kind.page, "/pricing"].count == 4


async def test_a_database_that_goes_on_interrupting_ends_in_its_error(
    trail: Trail, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    @asynccontextmanager
    async def cut_off() -> AsyncIterator[Transaction]:
        tries.append(1)
        raise StoreInterrupted("another transaction was in the way")
        yield

    monkeypatch.setattr(store, "transaction", cut_off)
    with pytest.raises(StoreInterrupted):
        await record(trail, batch(event()))
    assert len(tries) == len(WAITS) + 1


# A history is told in requests of any shape, some of them repeated: the totals are those of the distinct
# events.
histories = st.lists(
    st.tuples(
        st.sampled_from(["ada", "bob"]),
        st.lists(
            st.tuples(st.integers(0, 12), st.sampled_from(["/a", "/b"]), st.integers(0, 10**9)),
            min_size=1,
            max_size=4,
        ),
    ),
    min_size=1,
    max_size=8,
)


@given(history=histories, groups=st.integers(1, 4))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_totals_are_those_of_the_distinct_events_however_they_arrive(
    tmp_path_factory: pytest.TempPathFactory,
    history: list[tuple[str, list[tuple[int, str, int]]]],
    groups: int,
) -> None:
    async def tell() -> None:
        folder = tmp_path_factory.mktemp("history")
        (folder / "leadtrail.yaml").write_text(CONFIG)
        store = await open_sqlite(folder / "leadtrail.db")
        trail = Trail(store, Live(folder / "leadtrail.yaml"))
        first_told: dict[tuple[str, int], tuple[str, int]] = {}
        batches = []
        for visitor, views in history:
            events = [event(page=page, at=NOW + at, event_id=f"event-{number}") for number, page, at in views]
            for number, page, at in views:
                first_told.setdefault((visitor, number), (page, NOW + at))
            batches.append(batch(*events, visitor=visitor))
        stored = 0
        for start in range(0, len(batches), groups):
            stored += sum(
                answer.stored for answer in await trail.record(batches[start : start + groups], NOW)
            )
        assert stored == len(first_told)
        for visitor in {visitor for visitor, _ in history}:
            expected: dict[str, list[int]] = {}
            for (who, _), (page, at) in first_told.items():
                if who == visitor:
                    expected.setdefault(page, []).append(at)
            counted = {
                key: t for (kind, key), t in (await totals_of(store, visitor)).items() if kind == Kind.page
            }
            assert counted == {
                page: Total(len(times), min(times), max(times)) for page, times in expected.items()
            }
        await store.close()

    asyncio.run(tell())


async def test_a_rule_may_ask_about_another_message(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "leadtrail.yaml"
    file.write_text("""
sites: [{key: main}]
messages:
  - {id: first, when: {page: /a}, deliver: {page: {title: One, body: One}}}
  - id: second
    when: {page: /b}
    if: [{message: first, was: clicked}]
    deliver: {page: {title: Two, body: Two}}
""")
    trail = Trail(store, Live(file))
    await record(trail, batch(event(page="/a")))
    [before] = await record(trail, batch(event(page="/b")))
    await record(trail, batch(event("message_clicked", metadata={"message": "first"})))
    [after] = await record(trail, batch(event(page="/b")))
    assert (ids(before), ids(after)) == ([], ["second"])
