"""The time on a page, and where milestones stand in a history."""

from server.clock import HOUR, SECOND
from server.model import Milestone
from server.people.history import Cursor, History, Visit, parse_cursor, seconds_on_page, tell
from tests.story import NOON, Story


def told(story: Story, limit: int = 50, before: Cursor | None = None) -> History:
    """The history as a store would give it: sliced, with what is newer than the slice."""
    ordered = sorted(story.moments, key=lambda moment: (moment.at, moment.id))
    older = [m for m in ordered if before is None or (m.at, m.id) < before.before_event]
    moments = list(reversed(older))[:limit]
    newer = [m for m in ordered if moments and (m.at, m.id) > (moments[0].at, moments[0].id)]
    return tell(moments, newer, story.milestones, more=len(older) > limit, limit=limit, before=before)


def seconds(story: Story) -> list[int | None]:
    """The seconds of each page view, oldest first."""
    found = seconds_on_page(story.moments)
    return [found[moment.id] for moment in story.moments if moment.name == "page_view"]


def names(history: History) -> list[str]:
    return [item.moment.id if isinstance(item, Visit) else item.kind for item in history.items]


def test_a_view_lasts_as_long_as_its_leave_says() -> None:
    assert seconds(Story().viewed("/a", 0).left("/a", 90 * SECOND, 42)) == [42]


def test_a_resumed_view_adds_up_all_its_leaves() -> None:
    assert seconds(Story().viewed("/a", 0).left("/a", 10 * SECOND, 10).left("/a", HOUR, 5.5)) == [16]


def test_a_leave_belongs_to_the_latest_view_of_its_url() -> None:
    story = (
        Story().viewed("/a", 0).left("/a", 9 * SECOND, 9).viewed("/a", 20 * SECOND).left("/a", 23 * SECOND, 3)
    )
    assert seconds(story) == [9, 3]


def test_a_leave_that_comes_after_the_next_page_still_belongs_to_its_own() -> None:
    story = Story().viewed("/a", 0).viewed("/b", 9 * SECOND).left("/a", 10 * SECOND, 9)
    assert seconds(story) == [9, None]


def test_without_a_leave_a_view_lasts_until_the_next_one_of_the_session() -> None:
    story = Story().viewed("/a", 0).did("clicked", 2 * SECOND, "/a").viewed("/b", 30 * SECOND)
    assert seconds(story) == [30, None]


def test_nothing_is_known_of_a_sessions_last_view_without_a_leave() -> None:
    assert seconds(Story().viewed("/a", 0).viewed("/b", 2 * HOUR)) == [None, None]


def test_seconds_that_are_no_number_count_as_none() -> None:
    story = Story().viewed("/a", 0)
    for at, wrong in enumerate(("9", True, -5, None), start=1):
        story.did("page_leave", at, "/a", metadata={"seconds": wrong})
    assert seconds(story) == [0]


def test_a_leave_of_a_page_that_was_never_viewed_is_ignored() -> None:
    assert seconds_on_page(Story().left("/a", 1, 5).moments) == {}


def test_becoming_a_lead_stands_just_after_the_event_that_did_it() -> None:
    story = (
        Story()
        .viewed("/a", 0)
        .did("identify", SECOND, traits={"email": "ada@example.com"})
        .viewed("/b", 2 * SECOND)
    )
    assert names(told(story)) == ["e3", "became", "e2", "e1"]


def test_what_a_lead_did_in_the_same_millisecond_stands_above_the_line() -> None:
    story = (
        Story().viewed("/a", 0).did("identify", 0, traits={"email": "ada@example.com"}).did("signed_up", 0)
    )
    assert names(told(story)) == ["e3", "became", "e2", "e1"]


def test_a_milestone_whose_event_is_gone_stands_above_its_millisecond() -> None:
    story = Story().viewed("/a", 0)
    story.milestones.append(Milestone(1, NOON + SECOND, "became", {"role": "lead"}))
    assert names(told(story)) == ["became", "e1"]


def test_slices_meet_without_gap_or_repeat_wherever_they_are_cut() -> None:
    story = Story().viewed("/a", 0, id="a1").viewed("/b", 0, id="a2")
    story.did("identify", SECOND, traits={"email": "ada@example.com"}, id="i").viewed("/c", SECOND, id="j")
    story.viewed("/d", SECOND, id="k").viewed("/e", 2 * SECOND, id="l")
    story.milestones.append(Milestone(1, NOON + 5 * HOUR, "merge", {}))
    whole = names(told(story))
    assert whole == ["merge", "l", "k", "j", "became", "i", "a2", "a1"]
    for limit in range(1, 10):
        found: list[str] = []
        before: Cursor | None = None
        for _ in range(len(whole)):
            history = told(story, limit, before)
            assert len(history.items) <= limit
            found += names(history)
            if history.next is None:
                break
            before = parse_cursor(str(history.next))
        assert found == whole, f"in slices of {limit}"


def test_a_view_at_the_top_of_a_slice_knows_its_leave_in_the_one_before() -> None:
    story = Story().viewed("/a", 0).left("/a", 9 * SECOND, 9)
    newest = told(story, limit=1)
    [view] = told(story, limit=1, before=newest.next).items
    assert isinstance(view, Visit)
    assert view.seconds == 9


def test_a_bare_time_is_a_cursor_and_nonsense_is_none() -> None:
    assert parse_cursor("1790000000000") == Cursor(1_790_000_000_000, "")
    for nonsense in (
        "",
        "x",
        "-1",
        "1.5",
        "１０",
        "1-é",
        "1.Became",
        "9" * 16,
        "\x00",
        "1; DROP TABLE people",
    ):
        assert parse_cursor(nonsense) is None
