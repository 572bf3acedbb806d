"""What lies between a site and its tracker: forwards to both, records what went by, and fails on demand."""

import http.client
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.browser.website import Website

HANG_SECONDS = 30


@dataclass
class Proxy:
    """Answers `/lt/…` and every path of hosts that begin with `t.` by the tracker, all else by the site."""

    site: Website
    tracker: str
    port: int = 0
    switch: str = "on"
    """on, 500, 429, hang, close (each for `/e` alone), or off: for everything of the tracker's."""
    bodies: list[bytes] = field(default_factory=list)
    """What was sent to `/e`, also what did not get through."""
    released: threading.Event = field(default_factory=threading.Event)

    def turn(self, switch: str) -> None:
        """Turn the switch; who hangs is let go, without an answer."""
        self.switch = switch
        self.released.set()
        self.released = threading.Event()


def _handler(proxy: Proxy, scheme: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.forward()

        def do_POST(self) -> None:
            self.forward()

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            host = self.headers["host"]
            path = self.path
            tracked = host.startswith("t.") or path.startswith("/lt/")
            if tracked:
                path = path.removeprefix("/lt")
            if tracked and urlsplit(path).path == "/e":
                proxy.bodies.append(body)
                if self.failed():
                    return
            elif tracked and proxy.switch == "off":
                self.close_connection = True
                return
            target = urlsplit(proxy.tracker if tracked else proxy.site.base)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            headers |= {"x-forwarded-proto": scheme, "x-forwarded-for": self.client_address[0]}
            connection = http.client.HTTPConnection(str(target.hostname), int(target.port or 0), timeout=20)
            try:
                connection.request(self.command, path, body or None, headers)
                answer = connection.getresponse()
                content = answer.read()
            finally:
                connection.close()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in (
                    "connection",
                    "content-length",
                    "transfer-encoding",
                    "date",
                    "server",
                ):
                    self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def failed(self) -> bool:
            """Whether the switch has taken the request."""
            if proxy.switch == "on":
                return False
            if proxy.switch == "hang":
                proxy.released.wait(HANG_SECONDS)
            if proxy.switch.isdigit():
                self.send_response(int(proxy.switch))
                self.send_header("content-length", "0")
                self.send_header("retry-after", "1")
                origin = self.headers.get("origin")
                if origin:
                    self.send_header("access-control-allow-origin", origin)
                    self.send_header("access-control-allow-credentials", "true")
                    self.send_header("access-control-expose-headers", "Retry-After")
                self.end_headers()
            else:
                self.close_connection = True
            return True

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Browsers hang up; that is no error of the proxy's."""


@contextmanager
def proxy(site: Website, tracker: str, certificate: Path | None = None) -> Iterator[Proxy]:
    """A running proxy, by https where there is a certificate (with its key in the same file)."""
    running = Proxy(site, tracker)
    server = _Server(("127.0.0.1", 0), _handler(running, "https" if certificate else "http"))
    running.port = server.server_address[1]
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield running
    finally:
        running.turn("on")
        server.shutdown()
        thread.join()
        server.server_close()
