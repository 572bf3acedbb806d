"""What became of the forms of a site."""

from typing import NamedTuple, Protocol


class FieldTally(NamedTuple):
    """A field of a form: how many attempts failed at it, and of how many people."""

    name: str
    errors: int
    people: int


class FormTally(NamedTuple):
    """A form, since the beginning."""

    form: str
    errors: int
    """Failed attempts."""
    failed: int
    """People who failed at least once."""
    through: int
    """Those of them who sent it after their last failed attempt."""
    sent: int
    senders: int
    last: int
    """When somebody last tried."""
    fields: tuple[FieldTally, ...] = ()
    """Those with the most failed attempts first."""


class Forms(Protocol):
    """Totals of forms over all people."""

    async def of_site(self, site: str) -> list[FormTally]:
        """Each form of the site, the one with the most failed attempts first."""
