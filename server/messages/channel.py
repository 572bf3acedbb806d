"""What a way out of the server is: what it is given, what it is asked, and what may become of a delivery."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from server.addresses import Allowed
from server.messages.dial import Resolve, system_resolve
from server.model import Delivery
from server.relay import Relay


class Delivered(NamedTuple):
    """The far side has taken it."""


class Failed(NamedTuple):
    """Not now; it is tried again by the schedule, not before `wait` milliseconds if the far side said so."""

    error: str
    wait: int | None = None


class Hopeless(NamedTuple):
    """Trying again changes nothing: the operator has to look at it."""

    error: str


class Gone(NamedTuple):
    """The far side wants nothing any more: its address is switched off until the operator says otherwise."""

    error: str


class Dropped(NamedTuple):
    """Not to be sent at all, and nothing is wrong with that; the reason is counted."""

    reason: str


Outcome = Delivered | Failed | Hopeless | Gone | Dropped


class Channel(Protocol):
    """One way out. `at_once` deliveries are on their way at the same time, `each` of them to one address."""

    name: str
    at_once: int
    each: int

    def held(self) -> str | None:
        """Why nothing can leave this way now, in words for the operator, or None. What is held waits."""

    async def send(self, delivery: Delivery, now: int) -> Outcome:
        """Try it once, within 25 seconds. `now` is in ms."""

    async def close(self) -> None:
        """Close what is kept open."""


class Unsubscribing(Protocol):
    """What a letter asks about those who want none (`messages.unsubscribe`)."""

    async def is_out(self, delivery: Delivery, address: str) -> bool:
        """Whether this person, or whoever has this address, wants no letters of the site."""

    def url(self, delivery: Delivery, address: str) -> str:
        """Where they can say so."""


class Means(NamedTuple):
    """What the server gives to every channel."""

    unsubscribing: Unsubscribing
    secret: Callable[[str], str]
    """The secret in a variable that leadtrail.yaml names. Raises ValueError with what is wrong."""
    webhook_secret: str = ""
    let: Allowed = Allowed()
    relay: Relay | None = None
    host: str = "localhost"
    """This server's own name."""
    resolve: Resolve = system_resolve
