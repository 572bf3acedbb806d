"""The page about forms: attempts, where they fail, and who got through in the end."""

from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from server.clock import Clock
from server.dashboard.pages import page
from server.dashboard.times import When, when, zone_of
from server.rules.reload import Live
from server.store.base import Forms, FormTally

SHOWN_FIELDS = 12
SHOWN_FORMS = 50


class Field(NamedTuple):
    """A field, as it is shown. `share` is the bar's length in percent of the most frequent one."""

    name: str
    errors: int
    people: int
    share: int


class Form(NamedTuple):
    """A form, as it is shown."""

    name: str
    attempts: int
    errors: int
    failed: int
    through: int
    percent: int
    """Of those who failed, how many got through."""
    sent: int
    last: When
    fields: list[Field]
    more_fields: int


class FormsPage:
    """The route of the page about forms."""

    def __init__(self, forms: Forms, live: Live, clock: Clock) -> None:
        self._forms = forms
        self._live = live
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """GET /dashboard/forms?site=…"""
        sites = self._live.current.sites
        asked = request.query_params.get("site", "")
        chosen = asked if asked in sites else next(iter(sites), "")
        found = await self._forms.of_site(chosen)
        zone = zone_of(sites[chosen].timezone if chosen else "UTC")
        shown = [_present(tally, when(tally.last, self._clock(), zone)) for tally in found[:SHOWN_FORMS]]
        return page(
            request,
            "forms.html",
            forms=shown,
            total=len(found),
            sites=list(sites) if len(sites) > 1 else [],
            chosen=chosen,
        )


def _present(tally: FormTally, last: When) -> Form:
    most = tally.fields[0].errors if tally.fields else 1
    return Form(
        name=tally.form or "(without a name)",
        attempts=tally.errors + tally.sent,
        errors=tally.errors,
        failed=tally.failed,
        through=tally.through,
        percent=round(100 * tally.through / tally.failed) if tally.failed else 0,
        sent=tally.sent,
        last=last,
        fields=[
            Field(of.name, of.errors, of.people, max(1, 100 * of.errors // most))
            for of in tally.fields[:SHOWN_FIELDS]
        ],
        more_fields=max(0, len(tally.fields) - SHOWN_FIELDS),
    )
