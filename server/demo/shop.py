"""The demo shop under /demo/: pages with the snippet in them, served as a careful site would serve its own.

The pages lie in examples/shop; they are rendered once, when the routes are made.
"""

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from server import assets

PAGES = ("home", "features", "pricing", "signup", "welcome", "contact", "corner")
SEASONS = ("spring", "summer", "autumn")
"""The pages of the corner that works without reloading."""

FILES = {
    "shop.css": "text/css",
    "shop.js": "text/javascript",
    "corner.js": "text/javascript",
    "leaf.svg": "image/svg+xml",
    "garden.svg": "image/svg+xml",
    "white-paper.txt": "text/plain",
}

STUB = (
    "window.leadtrail=window.leadtrail||function(){"
    "(leadtrail.q=leadtrail.q||[]).push([Date.now(),location.href,arguments])}"
)
"""Keeps the calls made before the snippet has loaded, with their time and URL (docs/snippet.md)."""


def _headers() -> dict[str, str]:
    stub = base64.b64encode(hashlib.sha256(STUB.encode()).digest()).decode()
    policy = {
        "default-src": "'none'",
        "script-src": f"'self' 'sha256-{stub}'",
        "connect-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
    }
    return {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "cross-origin-opener-policy": "same-origin",
        "referrer-policy": "strict-origin-when-cross-origin",
        "x-content-type-options": "nosniff",
        "cache-control": "no-cache",
    }


def demo_routes() -> list[BaseRoute]:
    """The pages and files of the demo shop. What its corner posts is always refused, as it should be."""
    folder = assets.path("examples", "shop")
    headers = _headers()
    pages = _render(folder)
    refused = Response(pages.pop("refused"), 422, headers, "text/html")
    return [
        Route("/demo", _to_home),
        Route("/demo/corner", _Always(refused), methods=["POST"]),
        Route("/demo/corner/order", _Always(JSONResponse({"sold": "out"}, 422, headers)), methods=["POST"]),
        *(_page(name, text, headers) for name, text in pages.items()),
        *(_page(f"corner/{season}", pages["corner"], headers) for season in SEASONS),
        *(_file(folder / name, kind, headers) for name, kind in FILES.items()),
    ]


def _render(folder: Path) -> dict[str, str]:
    environment = Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined)
    stub = Markup(STUB)  # noqa: S704 - a constant of ours

    def render(name: str, *, refused: bool = False) -> str:
        page = environment.get_template(f"{name}.html")
        return page.render(name=name, stub=stub, seasons=SEASONS, refused=refused)

    return {**{name: render(name) for name in PAGES}, "refused": render("corner", refused=True)}


class _Always:
    """An ASGI application that gives the same answer whatever it is sent."""

    def __init__(self, response: Response) -> None:
        self._response = response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._response(scope, receive, send)


def _page(name: str, text: str, headers: dict[str, str]) -> Route:
    async def show(_: Request) -> Response:
        return Response(text, media_type="text/html", headers=headers)

    return Route("/demo/" if name == "home" else f"/demo/{name}", show)


def _file(path: Path, kind: str, headers: dict[str, str]) -> Route:
    async def send(_: Request) -> Response:
        return FileResponse(path, media_type=kind, headers=headers)

    return Route(f"/demo/{path.name}", send)


async def _to_home(_: Request) -> Response:
    return RedirectResponse("/demo/")
