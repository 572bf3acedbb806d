"""The dashboard's two cookies: the session's, and the one that the sign-in form's token is compared with."""

import secrets

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from server.clock import SECOND
from server.dashboard.auth import ABSOLUTE_LIFE
from server.people.token import cookie_value

SESSION = "lt_operator"
FORM = "lt_form"


def read_cookie(scope: Scope, name: str) -> str | None:
    """The cookie's value; two of the name count as none."""
    return cookie_value(Headers(scope=scope).get("cookie", ""), _full_name(scope, name))


def keep_session(scope: Scope, response: Response, token: str) -> None:
    # Lax, not Strict: a sign-in link, and a link to a person in an e-mail, must find the session.
    _keep(scope, response, SESSION, token, ABSOLUTE_LIFE // SECOND, "lax")


def forget_session(scope: Scope, response: Response) -> None:
    _keep(scope, response, SESSION, "", 0, "lax")


def keep_form_token(scope: Scope, response: Response, token: str) -> None:
    _keep(scope, response, FORM, token, None, "strict")


def new_form_token() -> str:
    return secrets.token_urlsafe(24)


def _keep(
    scope: Scope, response: Response, name: str, value: str, max_age: int | None, same_site: str
) -> None:
    parts = [f"{_full_name(scope, name)}={value}", "Path=/", "HttpOnly", f"SameSite={same_site.capitalize()}"]
    if max_age is not None:
        parts.append(f"Max-Age={max_age}")
    if _is_https(scope):
        parts.append("Secure")
    response.headers.append("Set-Cookie", "; ".join(parts))


def _full_name(scope: Scope, name: str) -> str:
    return f"__Host-{name}" if _is_https(scope) else name


def _is_https(scope: Scope) -> bool:
    return bool(scope["scheme"] == "https")
