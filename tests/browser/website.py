"""A customer's web site: pages on an origin of their own, with the snippet's tag in them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

STUB = (
    "window.leadtrail=window.leadtrail||function(){"
    "(leadtrail.q=leadtrail.q||[]).push([Date.now(),location.href,arguments])}"
)


class Website:
    """Answers every path with a page; what the pages hold and which headers they come with may be set."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.base = f"http://127.0.0.1:{port}"
        self.tracker = ""
        """The base URL of the Leadtrail server."""
        self.attributes = 'data-site="main"'
        self.tag: str | None = None
        """What stands in the place of the snippet's tag."""
        self.head = ""
        self.body = "<h1>A page</h1>"
        self.headers: dict[str, str] = {}

    def page(self, path: str) -> str:
        """The HTML of a page; its title is its path."""
        tag = f'<script async src="{self.tracker}/t.js" {self.attributes}></script>'
        return (
            f"<!doctype html><html lang=en><head><title>{path}</title>{self.head}"
            f"{tag if self.tag is None else self.tag}</head>"
            f"<body>{self.body}</body></html>"
        )


@contextmanager
def website() -> Iterator[Website]:
    """A web site on a free port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            known = not path.endswith(".ico")
            content = site.page(path).encode() if known else b""
            self.send_response(200 if known else 204)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-length", str(len(content)))
            for name, value in site.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site = Website(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
