"""A history becomes days, sessions and entries."""

from server.clock import DAY, HOUR, MINUTE, SECOND
from server.dashboard.timeline import Day, Entry, present_timeline
from server.dashboard.times import zone_of
from server.model import Milestone
from server.people.history import tell
from tests.story import NOON, SHOP, Story

LISBON = zone_of("Europe/Lisbon")


def days_of(story: Story, now: int = NOON + DAY) -> list[Day]:
    moments = sorted(story.moments, key=lambda moment: (moment.at, moment.id), reverse=True)
    history = tell(moments, [], story.milestones, more=False, limit=100)
    return present_timeline(history.items, story.offers, now, LISBON)


def only(story: Story) -> Entry:
    """The newest entry."""
    return days_of(story)[0].sessions[0].entries[0]


def shape(days: list[Day]) -> list[tuple[str, list[tuple[int | None, list[str]]]]]:
    return [(d.heading, [(s.number, [e.title for e in s.entries]) for s in d.sessions]) for d in days]


def test_entries_are_grouped_by_day_and_session() -> None:
    story = Story().viewed("/a", 0).viewed("/b", MINUTE).viewed("/c", 2 * HOUR).viewed("/d", DAY)
    assert shape(days_of(story)) == [
        ("Today", [(3, ["/d"])]),
        ("Yesterday", [(2, ["/c"]), (1, ["/b", "/a"])]),
    ]


def test_a_session_over_midnight_stands_on_both_days() -> None:
    midnight = 11 * HOUR
    story = Story().viewed("/a", midnight - MINUTE).viewed("/b", midnight + MINUTE)
    assert shape(days_of(story)) == [("Today", [(2, ["/b"])]), ("Yesterday", [(2, ["/a"])])]


def test_a_session_tells_its_times_and_pages() -> None:
    [day] = days_of(Story().viewed("/a", 0).viewed("/b", 5 * MINUTE).did("x", 6 * MINUTE))
    assert (day.sessions[0].times, day.sessions[0].pages) == ("13:00 – 13:06", 2)


def test_becoming_a_lead_is_a_line_inside_the_session() -> None:
    story = (
        Story().viewed("/a", 0).did("identify", SECOND, traits={"email": "a@b.example"}).viewed("/b", MINUTE)
    )
    assert shape(days_of(story)) == [
        ("Yesterday", [(1, ["/b", "Became a lead", "Left their details", "/a"])]),
    ]
    line = days_of(story)[0].sessions[0].entries[1]
    assert (line.kind, line.before) == ("milestone", "Before sign-up")


def test_a_milestone_at_the_top_joins_the_session_below_it() -> None:
    story = Story().viewed("/a", 0)
    story.milestones.append(Milestone(1, NOON + MINUTE, "merge", {}))
    assert shape(days_of(story)) == [
        ("Yesterday", [(1, ["Joined with the history of another visitor", "/a"])])
    ]


def test_a_milestone_on_a_day_of_its_own_stands_alone() -> None:
    story = Story().viewed("/a", 0)
    story.milestones.append(Milestone(1, NOON + DAY, "merge", {}))
    assert [session.number for day in days_of(story) for session in day.sessions] == [None, 1]


def test_a_page_view_tells_its_time_and_where_it_came_from() -> None:
    story = (
        Story()
        .viewed("/pricing?a=1", 0, "Pricing", referrer="https://x.example/y")
        .left("/pricing?a=1", 9, 65)
    )
    entry = only(story)
    assert (entry.kind, entry.title, entry.path, entry.href) == (
        "page",
        "Pricing",
        "/pricing",
        f"{SHOP}/pricing?a=1",
    )
    assert entry.spent == "1 min 05 s"
    [source] = entry.details
    assert (source.label, source.value.href) == ("From", "https://x.example/y")


def test_a_referrer_of_the_same_site_is_not_told() -> None:
    assert only(Story().viewed("/b", 0, referrer=f"{SHOP}/a")).details == []


def test_a_form_error_tells_its_fields_and_reasons() -> None:
    fields = [
        {"name": "email", "reason": "typeMismatch"},
        {"name": "vat", "reason": "unknown_country"},
        {"name": "x"},
    ]
    entry = only(
        Story().did("form_error", 0, "/signup", metadata={"form": "signup", "attempt": 2, "fields": fields})
    )
    assert (entry.kind, entry.title) == ("form_error", "Could not submit the form “signup”")
    assert [(detail.label, detail.value.text) for detail in entry.details] == [
        ("email", "not of the right form"),
        ("vat", "unknown_country"),
        ("x", "refused"),
        ("Attempt", "2"),
    ]


def test_messages_are_called_by_their_titles() -> None:
    story = Story().viewed("/pricing", 0).won("help", "Questions?", 0)
    for at, name in enumerate(("message_shown", "message_clicked", "message_dismissed"), start=1):
        story.did(name, at, "/pricing", metadata={"message": "help"})
    titles = [entry.title for entry in days_of(story)[0].sessions[0].entries[:3]]
    assert titles == [
        "Closed the message “Questions?”",
        "Clicked the message “Questions?”",
        "Saw the message “Questions?”",
    ]
    assert (
        only(Story().did("message_shown", 0, metadata={"message": "gone"})).title == "Saw the message “gone”"
    )


def test_downloads_forms_and_links_are_told_in_words() -> None:
    assert (
        only(Story().did("file_download", 0, metadata={"href": f"{SHOP}/a/paper.pdf"})).title
        == "Downloaded paper.pdf"
    )
    assert only(Story().did("file_download", 0)).title == "Downloaded a file"
    assert (
        only(Story().did("link_click", 0, metadata={"href": "https://x.example"})).title == "Followed a link"
    )
    assert only(Story().did("form_submit", 0, metadata={"form": "signup", "ok": True})).details == []
    assert only(Story().did("form_submit", 0, metadata={"form": "signup", "ok": "unknown"})).details != []
    assert only(Story().did("report.created", 0, metadata={"n": 1})).title == "report.created"


def test_metadata_of_a_wrong_shape_breaks_nothing() -> None:
    story = Story().did("form_error", 0, metadata={"form": None, "fields": "x"})
    story.did("file_download", 1, metadata={"href": "https://["}).did("message_shown", 2, metadata={})
    assert len(days_of(story)[0].sessions[0].entries) == 3
