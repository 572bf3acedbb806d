"""The types that travel through the house, one for each stage of life; no logic.

An event is a `Hit` (untrusted, `collect.decode`), then an `Event` (clean), then a row of a person's trail.
Times are Unix milliseconds, UTC. Types that are stored are `array_like`: their field order is the column
order.
"""

import enum
from typing import Any

import msgspec
from msgspec import Struct

from server.identity import Proof, Said


class Role(enum.IntEnum):
    """What a person is. A role only ever rises."""

    visitor = 1
    lead = 2
    user = 3


class Kind(enum.IntEnum):
    """What a total counts; stored, so the numbers are fixed."""

    event = 1
    """Key: the event's name."""
    page = 2
    """Key: the page's path, of page views only."""
    form = 3
    """Key: `form`, `form\\nfield` or `\\nfield` (any form) of form errors."""
    submit = 4
    """Key: the form's name, of forms that were sent."""
    base = 9
    """Key: an event's name. What a server said was done before it was counted; the event's total holds it."""


Scalar = str | int | float | bool | None
Metadata = dict[str, Any]
"""Flat: text, number, boolean, `{url, value}`, `{amount, currency}`, or a form error's list of fields."""


class Site(Struct, frozen=True, kw_only=True):
    """One site of leadtrail.yaml, as the collector needs it."""

    key: str
    origins: tuple[str, ...] = ()
    """In the order of the file."""
    timezone: str = "UTC"
    cookie_domain: str | None = None
    redact: frozenset[str] = frozenset()
    """Query parameters redacted besides those that always are, in lower case."""
    spa: str = "path"
    """`hash` keeps the fragment as part of the page."""
    webdriver: str = "refuse"
    gpc: str = "honour"
    dnt: str = "ignore"
    country_header: str = ""


class Agent(Struct, frozen=True, gc=False):
    """What the user agent header says. `bot` is the reason why this is no person, or empty."""

    browser: str = ""
    os: str = ""
    device: str = ""
    """`desktop`, `mobile`, `tablet` or empty."""
    bot: str = ""


class Event(Struct, frozen=True, kw_only=True, gc=False):
    """A clean event, ready to be folded into a person."""

    id: str
    name: str
    at: int
    """When it happened by the corrected clock of the browser."""
    received: int
    url: str = ""
    path: str = ""
    """The page's identity: see `people.page`."""
    title: str = ""
    referrer: str = ""
    metadata: Metadata = {}
    traits: Metadata | None = None
    """Only of `identify`."""
    proof: Proof | None = None
    """Only of an `identify` that proves who it is."""


class Batch(Struct, frozen=True, kw_only=True, gc=False):
    """One request's clean events, all of one visitor."""

    site: str
    visitor: str
    """The visitor id: from a valid token, or made for this request."""
    events: list[Event]
    agent: Agent = Agent()
    language: str = ""
    country: str = ""
    shows_messages: bool = True
    """False for a pixel, which can show none."""


class Rejection(Struct, frozen=True, gc=False):
    """An event that was not taken, as the answer lists it."""

    id: str
    code: str
    message: str


class Person(Struct, frozen=True, array_like=True, kw_only=True, gc=False):
    """The state of one person: everything rules ask about that is no total."""

    person_id: int
    site: str
    visitor: str
    """The visitor id first given to this person; public, opens nothing."""
    role: Role = Role.visitor
    email: str | None = None
    name: str | None = None
    user_id: str | None = None
    verified: bool = False
    """Whether this person was proved to be who they are: by user_id, or by e-mail (people.proof)."""
    traits: Metadata = {}
    """Further attributes by name."""
    origins: dict[str, Said] = {}
    """Of `email`, `name` and the traits, by name."""
    first_seen: int
    last_seen: int
    """These two and `events` are kept in the totals of the person's events, not in the person's row."""
    seen_before: int | None = None
    """`last_seen` as it was before the present session."""
    session_start: int
    sessions: int = 1
    events: int = 0
    referrer: str = ""
    """The first referrer."""
    utm: dict[str, str] = {}
    """The first UTM parameters: source, medium, campaign, term, content."""
    landing: str = ""
    """The URL of the first page view."""
    language: str = ""
    country: str = ""
    browser: str = ""
    os: str = ""
    device: str = ""
    became_lead: int | None = None
    became_user: int | None = None
    seen_day: int = 0
    """Days since 1970 of `last_seen`; indexed, since `last_seen` itself must not be (HOUSE law 4)."""
    merged_into: int | None = None
    profile: Metadata = {}
    """What a server says beside the traits and Leadtrail gives no meaning: phone, avatar, owner and such."""
    tags: dict[str, str] = {}
    """The names of the person's tags, by their ids."""
    created: int | None = None
    """When a server made this person; None for who came by themselves."""
    updated: int | None = None
    """When a server last changed this person."""
    archived: int | None = None
    """Since when the person is out of lists and searches."""


class Total(Struct, frozen=True, array_like=True, gc=False):
    """How often, first and last; kept for ever."""

    count: int
    first: int
    last: int


OwnKey = tuple[int, str]
"""(kind, key): a total of one person."""

TotalKey = tuple[int, int, str]
"""(person_id, kind, key)."""


class Moment(Struct, frozen=True, array_like=True, gc=False):
    """An event as a person's trail keeps it."""

    person_id: int
    id: str
    site: str
    at: int
    received: int
    name: str
    path: str
    url: str
    title: str
    referrer: str
    metadata: Metadata
    role: int
    session: int


class Milestone(Struct, frozen=True, array_like=True):
    """What changed about a person and is no event: `became` (lead, user) or `merge`."""

    person_id: int
    at: int
    kind: str
    detail: Metadata


class Offer(Struct, frozen=True, array_like=True, gc=False):
    """A page message that a person won: claimed once by (person, rule, nth), offered until it was shown."""

    person_id: int
    rule: str
    nth: int
    event_id: str
    """The event that won it, or to which it was offered again; a repeat of that event gets it again."""
    claimed: int
    offered: int
    message: Metadata
    """As answered: see CONTRACT section 9."""
    shown: int | None = None
    clicked: int | None = None
    dismissed: int | None = None
    control: bool = False
    """Whether it is only measured: never rendered, never shown."""
    goal: int | None = None
    """When the goal of the message was reached, within its time."""
    ways: str = "page"
    """The ways that it was given by, with commas in between."""


class Hold(Struct, frozen=True, array_like=True):
    """That a message was held back from a person, first now by this reason: schedule, cap or address."""

    person_id: int
    rule: str
    reason: str
    at: int


LANES = 8
"""Into so many parts what falls due is divided, so that several servers take different ones."""


class Due(Struct, frozen=True, array_like=True):
    """That a rule is to be asked about a person at a time, whether anything happens or not."""

    person_id: int
    rule: str
    lane: int
    at: int


class Delivery(Struct, frozen=True, array_like=True):
    """A message on its way out of the server: written in the transaction that won it, sent by the outbox.

    What `content` holds is its channel's to say, whole and rendered, so that every try sends the same:

    - `webhook`: `url`, `data` (what the receiver is told), and `secret_env` where the hook has a secret of
      its own.
    - `email`: `to`, `subject`, `body` (plain text), `verified` (whether the address was proved), and where
      the rule has them `to_unverified`, `button` `{label, url}`, `from` `{name, email}`, `reply_to`,
      `language`.
    """

    person_id: int
    id: str
    """`msg_…`, the same with every try: a receiver knows a repeat by it."""
    site: str
    rule: str
    nth: int
    channel: str
    made: int
    due: int
    """When it is tried next; while a server is at it, when another one may take it over."""
    tries: int = 0
    """How many were begun."""
    state: str = "waiting"
    """Or `parked`, for the operator to see to. What was delivered is no longer stored."""
    content: Metadata = {}
    error: str = ""
    """Why the last try failed, in words for the operator."""

    @property
    def address(self) -> str:
        """The far side: what hangs, fails or is gone together. Empty for letters, which go by one server."""
        return str(self.content.get("url", ""))


class Tag(Struct, frozen=True, array_like=True):
    """A tag that people can have. Names are unique, the case of A to Z aside."""

    id: str
    name: str
    made: int


class Tagged(Struct, frozen=True, array_like=True):
    """That a person has a tag, and since when."""

    person_id: int
    tag: str
    """The tag's id."""
    applied: int


class Note(Struct, frozen=True, array_like=True):
    """What somebody wrote down about a person."""

    person_id: int
    id: int
    made: int
    body: str
    """Plain text."""
    author: str = ""


class Attribute(Struct, frozen=True, array_like=True):
    """A trait that was declared, with its type."""

    id: int
    name: str
    model: str
    """`contact`, `company` or `conversation`."""
    data_type: str
    made: int
    updated: int
    label: str = ""
    description: str = ""
    options: Metadata = {}
    """`{"values": […]}` where the values are listed."""
    messenger_writable: bool = False
    archived: bool = False


class Answer(Struct, frozen=True, gc=False):
    """What a batch is answered once it is committed."""

    stored: int
    repeated: int
    messages: list[Metadata] = []


def due_at(person_id: int, rule: str, at: int) -> Due:
    """The entry in its lane."""
    return Due(person_id, rule, person_id % LANES, at)


encode_json = msgspec.json.Encoder().encode
