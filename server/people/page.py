"""A page's identity: one normalisation for the counters, the rules and the dashboard.

The snippet sends whole URLs; nothing else decides what is one page. Secrets in query strings are redacted
here too.
"""

import re
from functools import lru_cache
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit

SECRET_PARAMETERS = frozenset(
    [
        "access_token",
        "api_key",
        "apikey",
        "auth",
        "auth_token",
        "authorization",
        "client_secret",
        "code",
        "credential",
        "credentials",
        "email",
        "e-mail",
        "id_token",
        "jwt",
        "key",
        "mail",
        "magic",
        "mobile",
        "nonce",
        "otp",
        "pass",
        "passcode",
        "passwd",
        "password",
        "phone",
        "pin",
        "pwd",
        "refresh_token",
        "secret",
        "session",
        "sessionid",
        "session_id",
        "sid",
        "sig",
        "signature",
        "ssn",
        "state",
        "tel",
        "ticket",
        "token",
        "user_token",
        "verification_code",
    ]
)
"""Query parameters whose value is never stored; documented in docs/snippet.md, extended by a site's
`redact`.
"""

REDACTED = "redacted"

# RFC 3986 section 2.3 and the sub-delims that browsers leave alone in a path.
_PATH_SAFE = "/-._~!$&'()*+,;=:@"
_ESCAPED_SLASH = re.compile("%2[Ff]")


@lru_cache(maxsize=16_384)
def page_path(url: str, keep_fragment: bool = False) -> str:
    """The page that a URL or a path names: no host, query or trailing slash, one form of percent-encoding.

    `keep_fragment` keeps a routing fragment (`#/cart`, `#!/cart`), for sites that route by hash.
    """
    parts = urlsplit(url)
    path = _normal(parts.path)
    if keep_fragment and parts.fragment.startswith(("/", "!/")):
        return f"{path}#{_normal(parts.fragment.split('?')[0])}"
    return path


def _normal(path: str) -> str:
    # An escaped slash is no separator, so it stays escaped.
    parts = (quote(unquote_to_bytes(part), safe=_PATH_SAFE) for part in _ESCAPED_SLASH.split(path))
    return "%2F".join(parts).rstrip("/") or "/"


def utm_of(url: str) -> dict[str, str]:
    """A URL's UTM parameters by their short names (`source`, `medium`, `campaign`, `term`, `content`)."""
    if "utm_" not in url:
        return {}
    found: dict[str, str] = {}
    for name, value in _parameters(urlsplit(url).query):
        short = name.removeprefix("utm_")
        if short != name and short in ("source", "medium", "campaign", "term", "content") and value:
            found.setdefault(short, unquote(value.replace("+", " "))[:255])
    return found


def redact(url: str, also: frozenset[str] = frozenset(), keep_fragment: bool = False) -> str:
    """The URL without the values of secret query parameters, credentials and (unless kept) the fragment."""
    head, _, fragment = url.partition("#")
    if "?" in head:
        base, _, query = head.partition("?")
        head = f"{base}?{_redact_query(query, also)}"
    if keep_fragment and fragment:
        route, mark, query = fragment.partition("?")
        return f"{head}#{route}{mark}{_redact_query(query, also) if mark else ''}"
    return head


def _parameters(query: str) -> list[tuple[str, str]]:
    pairs = (part.partition("=") for part in re.split("[&;]", query))
    return [(unquote(name).lower(), value) for name, _, value in pairs]


def _redact_query(query: str, also: frozenset[str]) -> str:
    kept = []
    for part in query.split("&"):
        name, equals, _ = part.partition("=")
        plain = unquote(name).lower()
        kept.append(
            f"{name}={REDACTED}" if equals and (plain in SECRET_PARAMETERS or plain in also) else part
        )
    return "&".join(kept)
