"""`GET /intercom.js`: Intercom's JavaScript API on top of the snippet.

The server writes the keys of the sites into it: a page written for Intercom names none, but its `app_id`.
"""

import gzip
import hashlib
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.collect.snippet import Encoded
from server.rules.reload import Live

PATH = "/intercom.js"

PLACE = b"%sites%"
"""Stands in the built script where the keys go: letters, digits, `-` and `_`, parted by spaces."""

_HEADERS = {
    "cache-control": "public, max-age=3600, stale-while-revalidate=86400",
    "vary": "Accept-Encoding",
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
}


class Face:
    """The script for the sites that there are; made anew when they change."""

    def __init__(self, built: Path, live: Live) -> None:
        self._built = built.read_bytes()
        self._live = live
        self._sites: tuple[str, ...] = ()
        self._etag = ""
        self._plain = self._gzip = Encoded("", b"")

    def route(self) -> Route:
        """Where it is given out."""
        return Route(PATH, self.serve, methods=["GET"])

    async def serve(self, request: Request) -> Response:
        """The same for everybody, compressed for those who take it."""
        self._make()
        headers = {**_HEADERS, "etag": self._etag}
        known = {
            tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")
        }
        if self._etag in known or "*" in known:
            return Response(status_code=304, headers=headers)
        accepts = "gzip" in request.headers.get("accept-encoding", "")
        encoded = self._gzip if accepts else self._plain
        if encoded.encoding:
            headers["content-encoding"] = encoded.encoding
        return Response(encoded.body, headers=headers, media_type="text/javascript; charset=utf-8")

    def _make(self) -> None:
        sites = tuple(self._live.current.sites)
        if sites == self._sites:
            return
        plain = self._built.replace(PLACE, " ".join(sites).encode())
        self._sites = sites
        self._etag = f'"{hashlib.sha256(plain).hexdigest()[:12]}"'
        self._plain = Encoded("", plain)
        self._gzip = Encoded("gzip", gzip.compress(plain, 9, mtime=0))
