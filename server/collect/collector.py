"""From a request to its answer: whose events these are, which are taken, and what the browser is told.

Identity, consent, bots and limits are decided here; cleaning is `clean`'s, storing is the trail's.
"""

from collections.abc import Callable, Iterable

from msgspec import Struct

from server.clock import Clock
from server.collect.agents import agent_of
from server.collect.clean import clean, language_of
from server.collect.decode import Body, Hit, check, decode_hit, rejection
from server.collect.inbox import Inbox
from server.collect.request import Request
from server.errors import BadRequest, EventRejected, Forbidden, NotFound, RequestRefused
from server.limits import Limits, address_key
from server.metrics import Metrics
from server.model import Agent, Answer, Batch, Event, Metadata, Rejection, Site
from server.people.token import Tokens, cookie_name, cookie_value, expire_cookie, set_cookie
from server.rules.reload import Live


class Outcome(Struct, gc=False):
    """What a request is answered: the body's members, and the cookie to set, if any."""

    visitor: str = ""
    messages: list[Metadata] = []
    rejected: list[Rejection] = []
    cookie: str = ""


class Gathered(Struct, gc=False):
    """What was taken of a request: the batches to be stored, and the outcome once they are."""

    outcome: Outcome
    batches: list[Batch] = []

    def stored(self, answers: list[Answer]) -> Outcome:
        """The outcome, with the messages that the events won."""
        # Nothing of the one who signed out is shown to the next one at that browser.
        if self.batches[-1].events[-1].name != "reset":
            self.outcome.messages = answers[-1].messages
        return self.outcome


class Collector:
    """Takes the events of requests into the inbox."""

    def __init__(
        self,
        *,
        tokens: Tokens,
        live: Live,
        inbox: Inbox,
        clock: Clock,
        metrics: Metrics,
        limits: Limits,
        identity_secret: Callable[[str], str | None],
    ) -> None:
        """`identity_secret` answers the secret with which a site proves its users, None where it has none."""
        self._tokens = tokens
        self._live = live
        self._inbox = inbox
        self._clock = clock
        self._metrics = metrics
        self._limits = limits
        self._identity_secret = identity_secret

    def site(self, key: str) -> Site:
        """The site of this key. Raises NotFound."""
        site = self._live.current.sites.get(key)
        if site is None:
            raise NotFound(
                "no_such_site", "There is no such site; its key must stand in leadtrail.yaml.", field="site"
            )
        return site

    def allow(self, request: Request, site: Site) -> None:
        """Raises Forbidden unless the page's origin is the site's, or this server's own."""
        if request.origin and request.origin not in site.origins and not request.same_origin:
            raise Forbidden(
                "origin_not_allowed", "This origin is not among the site's `origins` in leadtrail.yaml."
            )

    def knows_origin(self, request: Request) -> bool:
        """Whether any site lists the origin: what a preflight, which names no site, can be told."""
        return request.same_origin or any(
            request.origin in site.origins for site in self._live.current.sites.values()
        )

    def store(self, gathered: Gathered, told: Callable[[Outcome | Exception], None]) -> None:
        """`told` is called with the outcome once the batches are committed, or with why they could not be.

        Raises Busy.
        """

        def answered(answers: list[Answer] | Exception) -> None:
            told(answers if isinstance(answers, Exception) else gathered.stored(answers))

        self._inbox.submit(gathered.batches, answered)

    def gather(self, request: Request, body: Body) -> Gathered:
        """The events of `POST /e`. Raises RequestRefused."""
        site = self.site(body.site)
        self.allow(request, site)
        denied = body.consent == "denied"
        if not body.events and not denied:
            raise BadRequest("no_events", "The batch has no events.", field="events")
        self._metrics.received.inc(len(body.events))
        if denied:
            outcome = self._refuse_all(body, "consent")
            outcome.cookie = expire_cookie(
                https=request.https, cookie_domain=site.cookie_domain, foreign=request.foreign
            )
            return Gathered(outcome)
        try:
            self._limits.check("address", address_key(request.address))
            self._limits.check("site", site.key)
        except RequestRefused:
            self._metrics.shed.inc(len(body.events))
            raise
        agent = agent_of(request.user_agent)
        if reason := self._unwanted(request, site, agent, body):
            return Gathered(self._refuse_all(body, reason))
        received = self._clock()
        events: list[Event] = []
        rejected: list[Rejection] = []
        secret = self._identity_secret(site.key)
        for raw in body.events:
            try:
                events.append(clean(decode_hit(raw), site, received, body.sent_at, secret))
            except EventRejected as error:
                rejected.append(self._reject(rejection(raw, error)))
        visitor = self._visitor(request, site, body.visitor)
        return self._of_visitor(request, site, visitor, agent, events, rejected)

    async def take_pixel(self, request: Request, site: Site, hit: Hit) -> Outcome:
        """The one event of `GET /p.gif`. Raises EventRejected."""
        self._metrics.received.inc()
        agent = agent_of(request.user_agent)
        try:
            if wait := self._limits.wait("address", address_key(request.address)):
                raise EventRejected("rate_limited", f"Too many requests; wait {int(wait) + 1} seconds.")
            if reason := self._unwanted(request, site, agent):
                raise EventRejected(reason, reason)
            check(hit)
            event = clean(hit, site, self._clock(), None)
        except EventRejected as error:
            self._metrics.rejected.labels(error.code).inc()
            raise
        visitor = self._visitor(request, site, None)
        gathered = self._of_visitor(request, site, visitor, agent, [event], [], shows_messages=False)
        return gathered.stored(await self._inbox.store(gathered.batches))

    def _unwanted(self, request: Request, site: Site, agent: Agent, body: Body | None = None) -> str:
        """Why nothing of this request may be counted, or an empty text."""
        if agent.bot or (body is not None and body.webdriver and site.webdriver != "allow"):
            return "bot"
        if body is not None and body.consent == "pending":
            return "consent"
        if (request.gpc == "1" and site.gpc == "honour") or (request.dnt == "1" and site.dnt == "honour"):
            return "consent"
        return ""

    def _refuse_all(self, body: Body, reason: str) -> Outcome:
        error = EventRejected(reason, _REASONS[reason])
        return Outcome(rejected=[self._reject(rejection(raw, error)) for raw in body.events])

    def _reject(self, rejected: Rejection) -> Rejection:
        self._metrics.rejected.labels(rejected.code).inc()
        return rejected

    def _visitor(self, request: Request, site: Site, token: str | None) -> str | None:
        """The visitor id of a valid token, the cookie's before the body's; None for who comes without one."""
        name = cookie_name(https=request.https, cookie_domain=site.cookie_domain)
        if request.cookie and (cookie := cookie_value(request.cookie, name)):
            visitor = self._tokens.read(site.key, cookie)
            if visitor is not None:
                return visitor
        return self._tokens.read(site.key, token) if token else None

    def _of_visitor(
        self,
        request: Request,
        site: Site,
        visitor: str | None,
        agent: Agent,
        events: list[Event],
        rejected: list[Rejection],
        *,
        shows_messages: bool = True,
    ) -> Gathered:
        """The events as batches, one for each visitor that this browser is in between."""
        if visitor is None and not events:
            return Gathered(Outcome(rejected=rejected))
        if visitor is None:
            visitor = self._tokens.first_visitor(site.key, events[0].id, events[0].received)
        events = list(self._within_identify_limit(visitor, events, rejected))
        batches: list[Batch] = []
        for run in _split_at_resets(events):
            batches.append(
                Batch(
                    site=site.key,
                    visitor=visitor,
                    events=run,
                    agent=agent,
                    language=language_of(request.accept_language),
                    country=request.country(site.country_header),
                    shows_messages=shows_messages,
                )
            )
            if run[-1].name == "reset":
                visitor = self._tokens.first_visitor(site.key, run[-1].id, run[-1].received)
        token = self._tokens.sign(site.key, visitor)
        cookie = set_cookie(
            token, https=request.https, cookie_domain=site.cookie_domain, foreign=request.foreign
        )
        return Gathered(Outcome(visitor=token, rejected=rejected, cookie=cookie), batches)

    def _within_identify_limit(
        self, visitor: str, events: Iterable[Event], rejected: list[Rejection]
    ) -> Iterable[Event]:
        for event in events:
            if event.name == "identify" and self._limits.wait("identify", visitor):
                rejected.append(self._reject(Rejection(event.id, "rate_limited", "Too many identify calls.")))
            else:
                yield event


_REASONS = {
    "bot": "Automated browsers and crawlers are not counted.",
    "consent": "The visitor has not consented, or the browser asks not to be tracked.",
}


def _split_at_resets(events: list[Event]) -> list[list[Event]]:
    """Runs of events of one visitor each: a `reset` ends its run."""
    runs: list[list[Event]] = []
    for event in events:
        if not runs or runs[-1][-1].name == "reset":
            runs.append([])
        runs[-1].append(event)
    return runs
