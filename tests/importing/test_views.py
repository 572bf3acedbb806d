"""Lines become batches: who it was, in which order, and that every line is accounted for."""

from collections.abc import Iterable
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.clock import DAY
from server.importing.identity import Digests
from server.importing.skips import Skip
from server.importing.tally import SAMPLES, Tally
from server.importing.views import AHEAD, GROUP, LogReader
from server.model import Batch, Site
from tests.importing.log_lines import FIREFOX, GOOGLEBOT, TEN, log_line

SITE = Site(key="main", redact=frozenset({"coupon"}))
ORIGIN = "https://www.example.com"
SECRET = "a secret for tests only"


def read(
    lines: Iterable[bytes], tally: Tally | None = None, secret: str = SECRET, now: int = TEN + 7 * DAY
) -> list[list[Batch]]:
    reader = LogReader(SITE, ORIGIN, Digests(secret, "main"), tally or Tally(), now)
    return list(reader.groups(lines))


def batches(*lines: bytes) -> list[Batch]:
    return list(chain(*read(lines)))


def ids(*lines: bytes) -> list[str]:
    return [event.id for batch in batches(*lines) for event in batch.events]


def test_a_line_becomes_a_page_view_at_the_time_of_the_log() -> None:
    [batch] = batches(log_line("/pricing/?plan=pro", referrer="https://search.example/", seconds=7))
    [event] = batch.events
    assert (batch.site, batch.shows_messages, batch.agent.browser) == ("main", False, "Firefox")
    assert (event.name, event.at, event.received) == ("page_view", TEN + 7_000, TEN + 7 * DAY)
    assert (event.url, event.path) == ("https://www.example.com/pricing/?plan=pro", "/pricing")
    assert event.referrer == "https://search.example/"


def test_secrets_are_redacted_and_bad_referrers_left_out() -> None:
    [batch] = batches(log_line("/a?token=t&coupon=c&q=1", referrer="javascript:alert(1)"))
    [event] = batch.events
    assert event.url == "https://www.example.com/a?token=redacted&coupon=redacted&q=1"
    assert event.referrer == ""


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("http://elsewhere.example/a?b=c", "https://www.example.com/a?b=c"),
        ("HTTPS://elsewhere.example", "https://www.example.com/"),
        ("//elsewhere.example/a", "https://www.example.com//elsewhere.example/a"),
        ("/@elsewhere.example/", "https://www.example.com/@elsewhere.example/"),
        ("/two words", "https://www.example.com/two%20words"),
    ],
)
def test_whatever_was_asked_for_it_is_a_page_of_this_site(target: str, url: str) -> None:
    [batch] = batches(log_line(target))
    assert batch.events[0].url == url


@pytest.mark.parametrize("target", ["*", "elsewhere.example:443", "pricing", "/a\\x00b", "/" + "a" * 2_048])
def test_what_is_no_address_is_skipped(target: str) -> None:
    tally = Tally()
    assert read([log_line(target)], tally) == []
    assert tally.skipped == {Skip.url: 1}


def test_a_log_may_be_a_little_ahead_and_no_more() -> None:
    tally = Tally()
    now = TEN - AHEAD
    [[batch]] = read([log_line("/a"), log_line("/b", seconds=1)], tally, now=now)
    assert [event.path for event in batch.events] == ["/a"]
    assert tally.skipped == {Skip.future: 1}
    assert "1  skipped: a time in the future (line 2)" in "\n".join(tally.lines())


def test_a_person_is_an_address_with_a_browser() -> None:
    seen = batches(
        log_line(),
        log_line("/b", seconds=1),
        log_line(agent="Opera/9.80"),
        log_line(address="203.0.113.8"),
    )
    assert [len(batch.events) for batch in seen] == [2, 1, 1]
    assert len({batch.visitor for batch in seen}) == 3


def test_ids_tell_no_address_and_depend_on_the_key() -> None:
    [mine], [theirs] = read([log_line()])[0], read([log_line()], secret="another secret of tests")[0]
    assert mine.visitor != theirs.visitor
    assert mine.events[0].id != theirs.events[0].id
    assert "203.0.113.7" not in repr(mine)
    assert len(mine.visitor) == 32
    assert set(mine.visitor) <= set("0123456789abcdef")


def test_the_same_line_has_the_same_id_in_every_file() -> None:
    a, b, c = log_line("/a"), log_line("/b", seconds=1), log_line("/c", seconds=2)
    assert ids(a, b)[1] == ids(b, c)[0]


def test_lines_that_are_the_same_are_views_of_their_own() -> None:
    a, b = log_line("/a"), log_line("/b")
    first = ids(a, b, a, a)
    assert len(set(first)) == 4
    assert set(first) == set(ids(a, a, b, a)) == set(ids(a, a, a, b))


def test_late_lines_are_put_in_order_and_the_order_of_a_second_is_kept() -> None:
    seen = batches(
        log_line("/c", seconds=9), log_line("/a"), log_line("/d", seconds=9), log_line("/b", seconds=2)
    )
    assert [event.path for batch in seen for event in batch.events] == ["/a", "/b", "/c", "/d"]


def test_a_long_log_comes_in_groups_without_being_read_ahead() -> None:
    taken = 0

    def log() -> Iterable[bytes]:
        nonlocal taken
        for second in range(100_000):
            taken += 1
            yield log_line(seconds=second)

    groups = LogReader(SITE, ORIGIN, Digests(SECRET, "main"), Tally(), TEN + 7 * DAY).groups(log())
    assert [len(batch.events) for batch in next(groups)] == [GROUP]
    assert taken < 10_000


def test_the_tally_keeps_the_first_line_numbers() -> None:
    tally = Tally()
    read([log_line(), *[b"?"] * (SAMPLES + 3)], tally)
    assert tally.samples[Skip.unreadable] == [2, 3, 4, 5, 6]
    assert "8  skipped: not readable as combined format (line 2, 3, 4, 5, 6, …)" in "\n".join(tally.lines())


a_line = st.one_of(
    st.binary(max_size=120),
    st.builds(
        lambda path, method, status, agent, referrer, seconds: log_line(
            path, method=method, status=status, agent=agent, referrer=referrer, seconds=seconds
        ),
        st.one_of(
            st.sampled_from(["/", "/a.css", "*", "http://a.example/b"]), st.text(st.characters(codec="utf-8"))
        ),
        st.sampled_from(["GET", "GET", "HEAD", "POST"]),
        st.sampled_from([200, 304, 301, 404]),
        st.sampled_from([FIREFOX, GOOGLEBOT, "-"]),
        st.one_of(st.just("-"), st.text(st.characters(codec="utf-8"))),
        st.integers(0, 100_000),
    ),
)


@given(st.lists(a_line, max_size=30))
def test_every_line_is_a_view_or_has_a_reason(lines: list[bytes]) -> None:
    tally = Tally()
    views = sum(len(batch.events) for group in read(lines, tally) for batch in group)
    assert tally.read == len(lines) == views + sum(tally.skipped.values())
    numbers = list(chain(*tally.samples.values()))
    assert len(set(numbers)) == len(numbers)
    assert all(1 <= number <= len(lines) for number in numbers)
