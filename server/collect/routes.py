"""The collector's addresses: `/e`, `/p.gif` and the snippet. Plain ASGI, for this is the path of every
event.
"""

import asyncio
import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import structlog

from server.collect.collector import Collector, Outcome
from server.collect.decode import MAX_BODY, Hit, decode_body
from server.collect.request import (
    Headers,
    Receive,
    Reply,
    Request,
    Scope,
    Send,
    check_encoding,
    json_reply,
    read_body,
    read_request,
    refusal,
)
from server.collect.snippet import Snippet
from server.errors import (
    BadRequest,
    Busy,
    EventRejected,
    Forbidden,
    InternalError,
    LeadtrailError,
    RequestRefused,
)
from server.metrics import Metrics

log = structlog.get_logger()

PIXEL = base64.b64decode("R0lGODlhAQABAIAAAP///wAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")
"""A transparent GIF of 43 bytes."""

_SNIPPET_AGE = b"public, max-age=3600, stale-while-revalidate=86400"
_SNIPPET_FOREVER = b"public, max-age=31536000, immutable"


class CollectRoutes:
    """An ASGI application for the paths in `paths`; nothing else is sent to it."""

    def __init__(self, collector: Collector, snippet: Snippet, metrics: Metrics) -> None:
        self._collector = collector
        self._snippet = snippet
        self._metrics = metrics
        self.paths = frozenset({"/e", "/p.gif", "/t.js", snippet.path})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = read_request(scope)
        if request.path == "/e":
            reply = await self._collect(request, receive)
        elif request.path == "/p.gif":
            reply = await self._pixel(request)
        else:
            reply = self._script(request)
        await reply.send(send, head_only=request.method == "HEAD")

    async def _collect(self, request: Request, receive: Receive) -> Reply:
        if request.method == "OPTIONS":
            return self._preflight(request)
        if request.method != "POST":
            return _not_allowed(b"POST, OPTIONS")
        try:
            content = await read_body(request, receive, MAX_BODY)
        except RequestRefused as error:
            return self._refused(error, self._cors(request))
        waiting: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def answer(reply: Reply) -> None:
            # A stop that takes too long cancels who waits.
            if not waiting.done():
                waiting.set_result(reply)

        self.collect(request, content, answer)
        return await waiting

    def collect(self, request: Request, content: bytes, answer: Callable[[Reply], None]) -> None:
        """Take the body of a `POST /e`; `answer` is called once, after the commit if there is one."""
        # Known before the site is, so that the snippet can read a 413 as well.
        cors = self._cors(request)

        def stored(outcome: Outcome | Exception) -> None:
            if isinstance(outcome, Exception):
                answer(self._failed(outcome, cors))
            else:
                answer(_answer(outcome, cors))

        try:
            check_encoding(request)
            if not content:
                raise BadRequest("empty_body", "The body is empty; it must be a JSON object.")
            gathered = self._collector.gather(request, decode_body(content))
            if gathered.batches:
                self._collector.store(gathered, stored)
            else:
                answer(_answer(gathered.outcome, cors))
        except Exception as error:
            answer(self._failed(error, cors))

    def _failed(self, error: Exception, cors: Headers) -> Reply:
        if isinstance(error, RequestRefused):
            return self._refused(error, cors)
        log.error("collect_failed", exc_info=error)
        return refusal(_failure(error), cors)

    def _refused(self, error: RequestRefused, cors: Headers) -> Reply:
        self._metrics.requests_refused.labels(error.code).inc()
        return refusal(error, [] if isinstance(error, Forbidden) else cors)

    def _cors(self, request: Request) -> Headers:
        return _cors(request) if request.origin and self._collector.knows_origin(request) else []

    def _preflight(self, request: Request) -> Reply:
        if not request.origin or not self._collector.knows_origin(request):
            return Reply(403, [(b"vary", b"Origin")])
        allowed = [
            (b"access-control-allow-methods", b"POST"),
            (b"access-control-allow-headers", b"content-type"),
            (b"access-control-max-age", b"86400"),
        ]
        return Reply(204, [*_cors(request), *allowed])

    async def _pixel(self, request: Request) -> Reply:
        if request.method not in ("GET", "HEAD"):
            return _not_allowed(b"GET, HEAD")
        headers: Headers = [(b"content-type", b"image/gif"), (b"cache-control", b"no-store")]
        try:
            outcome = await self._take_pixel(request)
        except (EventRejected, RequestRefused) as error:
            headers.append((b"x-leadtrail", f"ignored; reason={error.code}".encode()))
        except LeadtrailError:
            headers.append((b"x-leadtrail", b"ignored; reason=store_failed"))
        else:
            headers.append((b"set-cookie", outcome.cookie.encode()))
        return Reply(200, headers, PIXEL)

    async def _take_pixel(self, request: Request) -> Outcome:
        if request.method == "HEAD":
            raise BadRequest("head_request", "A HEAD request counts nothing.")
        try:
            query = dict(parse_qsl(request.query.decode("ascii"), max_num_fields=20, errors="strict"))
        except (ValueError, UnicodeDecodeError):
            raise BadRequest("invalid_query", "The query string is not readable.") from None
        site = self._collector.site(query.get("site", ""))
        hit = Hit(
            name=query.get("event", "page_view"),
            url=query.get("url") or request.referer or None,
            title=query.get("title"),
            referrer=query.get("referrer"),
        )
        return await self._collector.take_pixel(request, site, hit)

    def _script(self, request: Request) -> Reply:
        if request.method not in ("GET", "HEAD"):
            return _not_allowed(b"GET, HEAD")
        snippet = self._snippet
        headers: Headers = [
            (b"content-type", b"text/javascript; charset=utf-8"),
            (b"etag", snippet.etag.encode()),
            (b"cache-control", _SNIPPET_FOREVER if request.path == snippet.path else _SNIPPET_AGE),
            (b"content-location", snippet.path.encode()),
            (b"vary", b"Accept-Encoding"),
            (b"access-control-allow-origin", b"*"),
            (b"cross-origin-resource-policy", b"cross-origin"),
            (b"x-content-type-options", b"nosniff"),
        ]
        known = {tag.strip().removeprefix("W/") for tag in request.if_none_match.split(",")}
        if snippet.etag in known or "*" in known:
            return Reply(304, headers)
        encoded = snippet.encoded(request.accept_encoding)
        if encoded.encoding:
            headers.append((b"content-encoding", encoded.encoding.encode()))
        return Reply(200, headers, encoded.body)


def _failure(error: Exception) -> RequestRefused:
    if isinstance(error, LeadtrailError):
        return Busy("store_failed", "The events could not be stored. Try again.", retry_after=5)
    return InternalError(
        "internal_error", "The server failed; nothing of the request was stored. It is in its log."
    )


def _answer(outcome: Outcome, cors: Headers) -> Reply:
    content: dict[str, Any] = {}
    if outcome.visitor:
        content["visitor"] = outcome.visitor
    if outcome.messages:
        content["messages"] = outcome.messages
    if outcome.rejected:
        content["rejected"] = outcome.rejected
    headers = [*cors, (b"set-cookie", outcome.cookie.encode())] if outcome.cookie else cors
    return json_reply(200, content, headers)


def _cors(request: Request) -> Headers:
    return [
        (b"access-control-allow-origin", request.origin.encode("latin-1")),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", b"Retry-After"),
        (b"vary", b"Origin"),
    ]


def _not_allowed(methods: bytes) -> Reply:
    error = {"code": "method_not_allowed", "message": f"Use {methods.decode()}."}
    return json_reply(405, {"error": error}, [(b"allow", methods)])
