"""What every request to the dashboard passes: security headers, the session, the checks against forged forms.

A route behind the door has an operator in `scope["leadtrail.session"]`, and for every form that was sent
`scope["leadtrail.form"]`, read and checked. It cannot forget to ask.
"""

import hmac
import re
from collections.abc import Callable
from urllib.parse import parse_qsl, quote, urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.dashboard.auth import SIGN_IN_PATH, Auth, Session
from server.dashboard.cookies import FORM, SESSION, new_form_token, read_cookie
from server.errors import BadRequest, Forbidden, TooLarge

log = structlog.get_logger()

HOME = "/dashboard/people"
MAX_FORM = 8 * 1024
"""Bytes of a form; the longest is a password, percent-encoded."""
MAX_FORM_FIELDS = 20

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none';"
    " base-uri 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: browsers would then send `Origin: null` with our own forms, which could be anybody's.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

_NEXT = re.compile(r"/dashboard/[A-Za-z0-9/_.~?=&%@+-]*")

ErrorPage = Callable[[Request, Exception], Response]


class Door:
    """ASGI middleware around all routes of the dashboard. `is_open` tells the paths that need no session."""

    def __init__(
        self, app: ASGIApp, auth: Auth, is_open: Callable[[str], bool], error_page: ErrorPage
    ) -> None:
        self._app = app
        self._auth = auth
        self._is_open = is_open
        self._error_page = error_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        request = Request(scope, receive)
        try:
            answer = await self._admit(request)
            await (answer or self._app)(scope, receive, send_guarded)
        except Exception as error:
            if started:
                raise
            await self._error_page(request, error)(scope, receive, send_guarded)

    async def _admit(self, request: Request) -> Response | None:
        """None when the request may go on; else what it is answered."""
        scope = request.scope
        token = read_cookie(scope, SESSION)
        session = await self._auth.session(token) if token else None
        scope["leadtrail.session"] = session
        if request.method not in ("GET", "HEAD"):
            refuse_foreign(Headers(scope=scope))
        if session is None and not self._is_open(request.url.path):
            return RedirectResponse(_sign_in_url(request), 303)
        if request.method not in ("GET", "HEAD"):
            form = await _read_form(request)
            if not hmac.compare_digest(form.get("csrf", "").encode(), form_token(scope).encode()):
                raise Forbidden(
                    "stale_form", "This form is too old, or came from elsewhere. Go back and reload the page."
                )
            scope["leadtrail.form"] = form
        return None


def form_token(scope: Scope) -> str:
    """What a form on this page must carry: the session's token; on the sign-in page one kept in a cookie."""
    session: Session | None = scope["leadtrail.session"]
    if session is not None and scope["path"] != SIGN_IN_PATH:
        return session.csrf
    token: str = scope.setdefault("leadtrail.form_token", read_cookie(scope, FORM) or new_form_token())
    return token


def refuse_foreign(headers: Headers) -> None:
    """Raises Forbidden when another site, or a page that hides who it is, sent this request."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    foreign = (site is not None and site not in ("same-origin", "none")) or (
        origin is not None and urlsplit(origin).netloc != headers.get("host", "")
    )
    if foreign:
        raise Forbidden("foreign_origin", "This form was sent from another site.")


def safe_next(path: str) -> str:
    """The path if it leads to a page of the dashboard, else the first page."""
    return path if _NEXT.fullmatch(path) and "//" not in path and not path.startswith(SIGN_IN_PATH) else HOME


def _sign_in_url(request: Request) -> str:
    if request.method not in ("GET", "HEAD"):
        return SIGN_IN_PATH
    query = f"?{request.url.query}" if request.url.query else ""
    wanted = safe_next(request.url.path + query)
    return SIGN_IN_PATH if wanted == HOME else f"{SIGN_IN_PATH}?next={quote(wanted, safe='/')}"


async def _read_form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            raise TooLarge("form_too_large", f"A form has at most {MAX_FORM} bytes.")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS)
    except ValueError:
        raise BadRequest("invalid_form", "This is no form of the dashboard.") from None
    return dict(pairs)
