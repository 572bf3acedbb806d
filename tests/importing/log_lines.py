"""Lines of access logs as a server writes them. Their addresses are those for examples (RFC 5737)."""

from datetime import UTC, datetime

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"

TEN = 1_431_856_800_000
"""17 May 2015, 10:00:00 UTC, in ms."""


def log_line(
    target: str = "/pricing",
    *,
    seconds: int = 0,
    address: str = "203.0.113.7",
    request: str | None = None,
    method: str = "GET",
    status: int | str = 200,
    referrer: str = "-",
    agent: str = FIREFOX,
) -> bytes:
    """A line, `seconds` after ten o'clock. `request` replaces method, target and protocol."""
    time = datetime.fromtimestamp(TEN / 1_000 + seconds, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    request = f"{method} {target} HTTP/1.1" if request is None else request
    return f'{address} - - [{time}] "{request}" {status} 512 "{referrer}" "{agent}"'.encode()
