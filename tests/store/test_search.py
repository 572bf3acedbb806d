"""A filter finds the same people as SQL and as a predicate, on every engine."""

import asyncio
import itertools
import string
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from server import filters
from server.filters import (
    FIELDS,
    MEMBERS,
    All,
    Condition,
    Field,
    Filter,
    Known,
    Like,
    OneOf,
    Over,
    Under,
    Within,
)
from server.model import Kind, Person, Tagged, Total, TotalKey
from server.people.matching import READ, holds
from server.people.state import begin
from server.store.base import Changes, Store
from server.store.engines import open_store
from server.store.search import NUMBERS, TEXT

PEOPLE = 6

words = st.sampled_from(["", "Ada", "ada", "ÁDA", "a%b", "a_b", "a!b", "a\\b", "'", '"', "\n", "x" * 40])
texts = st.one_of(words, st.text(string.printable + "éß😀", max_size=4))
times = st.integers(0, 12)
numbers = st.one_of(times, st.sampled_from([-1, 0.5, 2.5, 1e300, 2**53 + 1]))
scalars = st.one_of(texts, numbers, st.booleans(), st.none(), st.just({"amount": 3, "currency": "eur"}))
members = st.dictionaries(st.sampled_from(["plan", "a.b", "$x", 'q"']), scalars, max_size=3)
optional_times = st.one_of(st.none(), times)


@st.composite
def people(draw: st.DrawFn) -> Person:
    seen = draw(st.one_of(st.none(), st.tuples(times, times)))
    began = draw(times)
    return structs.replace(
        begin(1, "main", "v", began),
        role=draw(st.sampled_from([1, 2, 3])),
        name=draw(st.one_of(st.none(), texts)),
        email=draw(st.one_of(st.none(), texts)),
        user_id=draw(st.one_of(st.none(), texts)),
        traits=draw(members),
        profile=draw(members),
        utm=draw(st.dictionaries(st.sampled_from(["plan", "a.b"]), texts, max_size=2)),
        browser=draw(words),
        referrer=draw(words),
        created=draw(optional_times),
        updated=draw(optional_times),
        became_user=draw(optional_times),
        sessions=draw(times),
        tags=draw(st.dictionaries(st.sampled_from(["1", "2"]), words, max_size=2)),
        first_seen=min(seen) if seen else began,
        last_seen=max(seen) if seen else began,
        events=2 if seen else 0,
    )


several = st.tuples(*(people() for _ in range(PEOPLE)))

tests = st.one_of(
    st.builds(
        OneOf,
        st.lists(texts, max_size=3).map(tuple),
        st.lists(st.one_of(times, numbers), max_size=3).map(tuple),
    ),
    st.builds(Like, st.lists(texts, min_size=1, max_size=2).map(tuple), st.booleans(), st.booleans()),
    st.builds(Within, st.one_of(st.none(), numbers), st.one_of(st.none(), numbers)),
    st.builds(Over, numbers, st.booleans()),
    st.builds(Under, numbers, st.booleans()),
    st.just(Known()),
)
fields = st.one_of(
    st.sampled_from(sorted(FIELDS)).map(Field),
    st.builds(Field, st.sampled_from(["plan", "a.b", "$x", 'q"', "none"]), st.sampled_from(sorted(MEMBERS))),
)
conditions = st.builds(Condition, fields, tests, st.booleans())
wanted = st.recursive(
    conditions,
    lambda inner: st.one_of(
        st.builds(All, st.lists(inner, max_size=3).map(tuple)),
        st.builds(filters.Any, st.lists(inner, max_size=3).map(tuple)),
    ),
    max_leaves=5,
)


def changes(everybody: tuple[Person, ...]) -> Changes:
    totals: dict[TotalKey, Total] = {}
    for person in everybody:
        if person.events:
            totals[person.person_id, Kind.event, "x"] = Total(2, person.first_seen, person.last_seen)
    return Changes(
        people=everybody,
        totals=totals,
        tagged=[Tagged(person.person_id, tag, 1) for person in everybody for tag in person.tags],
    )


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as running:
        yield running


@pytest.fixture
def opened(runner: asyncio.Runner, database_url: str) -> Iterator[Store]:
    store = runner.run(open_store(database_url))
    yield store
    runner.run(store.close())


sites = map("site-{}".format, itertools.count())
ids = itertools.count(1)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(drawn=several, filters_asked=st.lists(wanted, min_size=1, max_size=6))
def test_sql_finds_whom_the_predicate_finds(
    runner: asyncio.Runner, opened: Store, drawn: tuple[Person, ...], filters_asked: list[Filter]
) -> None:
    site = next(sites)
    everybody = tuple(structs.replace(person, person_id=next(ids), site=site) for person in drawn)

    async def found(asked: Filter) -> list[int]:
        page = await opened.reads.find_people(site=site, where=asked, limit=PEOPLE)
        assert page.total == len(page.people)
        return sorted(person.person_id for person in page.people)

    async def save() -> None:
        async with opened.transaction() as transaction:
            await transaction.save(changes(everybody))

    runner.run(save())
    for asked in filters_asked:
        expected = [person.person_id for person in everybody if holds(asked, person)]
        assert runner.run(found(asked)) == expected


def test_every_field_is_known_to_both() -> None:
    assert set(READ) == FIELDS
    assert set(TEXT) | set(NUMBERS) | {"tag"} == FIELDS


def test_a_person_is_found_by_an_id_that_no_double_holds(runner: asyncio.Runner, opened: Store) -> None:
    person = structs.replace(begin(2**62 + 1, "main", "v", 1))

    async def found() -> list[Person]:
        async with opened.transaction() as transaction:
            await transaction.save(Changes(people=[person]))
        where = Condition(Field("id"), OneOf(numbers=(2**62 + 1,)))
        return (await opened.reads.find_people(where=where, limit=1)).people

    assert runner.run(found()) == [person]
