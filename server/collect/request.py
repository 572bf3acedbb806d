"""One HTTP exchange of the collector: the few headers that it reads, the body within its limit, the reply."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from msgspec import Struct

from server.errors import BadRequest, RequestRefused, TooLarge, UnsupportedEncoding
from server.model import encode_json

Scope = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_JSON = (b"content-type", b"application/json")
_NO_STORE = (b"cache-control", b"no-store")


class Request(Struct, gc=False):
    """What the collector looks at of a request."""

    method: str
    path: str
    query: bytes
    https: bool
    address: str
    host: str = ""
    origin: str = ""
    cookie: str = ""
    user_agent: str = ""
    accept_language: str = ""
    accept_encoding: str = ""
    referer: str = ""
    gpc: str = ""
    dnt: str = ""
    fetch_site: str = ""
    content_encoding: str = ""
    content_length: str = ""
    if_none_match: str = ""
    cf_ipcountry: str = ""
    cloudfront_viewer_country: str = ""
    x_country_code: str = ""

    def country(self, header: str) -> str:
        """What a proxy says in this header, two letters; empty for anything else, as for Tor's T1."""
        code = getattr(self, header.replace("-", "_"), "").upper() if header else ""
        return code if len(code) == 2 and code.isascii() and code.isalpha() and code != "XX" else ""

    @property
    def same_origin(self) -> bool:
        """Whether the page that asks was served by this very host."""
        return self.origin == f"{'https' if self.https else 'http'}://{self.host}"

    @property
    def foreign(self) -> bool:
        """Whether the page that asks is of another site than this host, as the browser sees it."""
        return self.fetch_site == "cross-site"


_FIELDS = {
    b"host": "host",
    b"origin": "origin",
    b"cookie": "cookie",
    b"user-agent": "user_agent",
    b"accept-language": "accept_language",
    b"accept-encoding": "accept_encoding",
    b"referer": "referer",
    b"sec-gpc": "gpc",
    b"dnt": "dnt",
    b"sec-fetch-site": "fetch_site",
    b"content-encoding": "content_encoding",
    b"content-length": "content_length",
    b"if-none-match": "if_none_match",
    b"cf-ipcountry": "cf_ipcountry",
    b"cloudfront-viewer-country": "cloudfront_viewer_country",
    b"x-country-code": "x_country_code",
}


def read_request(scope: Scope) -> Request:
    """The request of an ASGI scope, or of what will be one. Cookies on several lines are joined as RFC 6265
    has them.
    """
    client = scope.get("client")
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        field = _FIELDS.get(name)
        if field is not None:
            text = value.decode("latin-1")
            found[field] = f"{found[field]}; {text}" if field == "cookie" and field in found else text
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"],
        https=scope["scheme"] == "https",
        address=client[0] if client else "",
        **found,
    )


def check_encoding(request: Request) -> None:
    """Raises UnsupportedEncoding for a compressed body."""
    if request.content_encoding not in ("", "identity"):
        raise UnsupportedEncoding(
            "unsupported_encoding", "Send the body uncompressed, without Content-Encoding."
        )


async def read_body(request: Request, receive: Receive, limit: int) -> bytes:
    """The body. Raises TooLarge as soon as it is clear."""
    if request.content_length.isdigit() and int(request.content_length) > limit:
        raise TooLarge(
            "body_too_large", f"The body has {request.content_length[:12]} bytes; at most {limit} are taken."
        )
    message = await receive()
    if not message.get("more_body") and message["type"] == "http.request":
        body: bytes = message["body"]
        return body
    chunks: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise BadRequest("incomplete_body", "The body ended early.")
        chunks.append(message["body"])
        size += len(chunks[-1])
        if size > limit:
            raise TooLarge("body_too_large", f"The body has more than {limit} bytes.")
        if not message.get("more_body"):
            return b"".join(chunks)
        message = await receive()


class Reply(NamedTuple):
    """An answer, ready to be sent."""

    status: int
    headers: Headers
    body: bytes = b""

    def all_headers(self) -> Headers:
        """The headers, with the body's length."""
        return [*self.headers, (b"content-length", b"%d" % len(self.body))]

    async def send(self, send: Send, *, head_only: bool = False) -> None:
        """Send it through ASGI."""
        headers = self.all_headers()
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head_only else self.body})


def json_reply(status: int, content: Any, headers: Headers) -> Reply:
    """JSON that no cache keeps."""
    return Reply(status, [_JSON, _NO_STORE, *headers], encode_json(content))


def refusal(error: RequestRefused, headers: Headers) -> Reply:
    """An error as CONTRACT section 2 shapes it: status, code, message, field; no echo of what was sent."""
    content = {
        "code": error.code,
        "message": error.message,
        **({"field": error.field} if error.field else {}),
    }
    if error.retry_after is not None:
        headers = [*headers, (b"retry-after", b"%d" % error.retry_after)]
    return json_reply(error.status, {"error": content}, headers)
