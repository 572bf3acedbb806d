"""The pages about people: the list, and one person with the page history."""

from datetime import tzinfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.clock import Clock
from server.dashboard.joins import present_joins
from server.dashboard.pages import page
from server.dashboard.present import SHOWN_TOTALS, present_head, present_row, present_totals
from server.dashboard.timeline import present_timeline
from server.dashboard.times import zone_of
from server.dashboard.verdicts import present_verdict
from server.errors import NotFound
from server.ids import person_id_of, public_id
from server.insight.explanation import explain_all
from server.model import Kind, Person, Role
from server.people.history import parse_cursor, tell
from server.rules.reload import Live
from server.store.base import Store
from server.store.lookup import merged

PER_PAGE = 50
HISTORY_PER_PAGE = 100
MAX_EMAIL = 254

ROLES = {"leads": Role.lead, "users": Role.user, "visitors": Role.visitor}


class People:
    """The routes about people."""

    def __init__(self, store: Store, live: Live, clock: Clock) -> None:
        self._reads = store.reads
        self._rulings = store.rulings
        self._live = live
        self._clock = clock

    async def list(self, request: Request) -> Response:
        """GET /dashboard/people?email=…&who=leads&before=…"""
        email = request.query_params.get("email", "").strip().lower()[:MAX_EMAIL]
        who = request.query_params.get("who", "")
        found = await self._reads.find_people(
            email_prefix=email or None,
            roles=[ROLES[who]] if who in ROLES else [],
            limit=PER_PAGE,
            before=person_id_of(request.query_params.get("before", "")),
        )
        view_keys = [(person.person_id, int(Kind.event), "page_view") for person in found.people]
        views = await self._reads.totals(view_keys)
        now = self._clock()
        rows = [
            present_row(person, views[key].count if key in views else 0, now, self._zone(person))
            for person, key in zip(found.people, view_keys, strict=True)
        ]
        return page(
            request,
            "people.html",
            rows=rows,
            total=found.total,
            email=email,
            who=who if who in ROLES else "",
            roles=list(ROLES),
            first_page="before" not in request.query_params,
            older=public_id(found.people[-1].person_id) if found.more else None,
        )

    async def person(self, request: Request) -> Response:
        """GET /dashboard/people/{id}?before=…"""
        person_id = person_id_of(request.path_params["id"])
        person = None if person_id is None else await merged(self._reads, person_id)
        if person is None:
            raise NotFound("no_such_person", "There is nobody under this address. They may have been erased.")
        if person.person_id != person_id:
            return RedirectResponse(f"/dashboard/people/{public_id(person.person_id)}", 303)
        before = parse_cursor(request.query_params.get("before", ""))
        trail = await self._reads.trail(
            person.person_id, limit=HISTORY_PER_PAGE, before=before.before_event if before else None
        )
        history = tell(
            trail.moments,
            trail.newer,
            await self._reads.milestones(person.person_id),
            more=trail.more,
            limit=HISTORY_PER_PAGE,
            before=before,
        )
        totals = await self._reads.all_totals(person.person_id)
        views = totals.get((person.person_id, int(Kind.event), "page_view"))
        offers = await self._reads.all_offers(person.person_id)
        now, zone = self._clock(), self._zone(person)
        config = self._live.current
        explained = await explain_all(self._rulings, config.rules, config.caps, person, now)
        return page(
            request,
            "person.html",
            joins=present_joins(await self._reads.merges(person.person_id), now, zone),
            verdicts=[present_verdict(explanation, won, now, zone) for explanation, won in explained],
            head=present_head(person, views.count if views else 0, now, zone),
            days=present_timeline(history.items, offers, now, zone),
            totals=present_totals(totals, now, zone),
            shown_totals=SHOWN_TOTALS,
            first_page=before is None,
            older=None if history.next is None else str(history.next),
            zone=self._zone_name(person),
        )

    def _zone_name(self, person: Person) -> str:
        site = self._live.current.sites.get(person.site)
        return site.timezone if site else "UTC"

    def _zone(self, person: Person) -> tzinfo:
        return zone_of(self._zone_name(person))
