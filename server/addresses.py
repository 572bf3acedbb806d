"""Where a webhook may go: only to public addresses, but for what the server's own settings allow. Pure.

A URL is judged twice: when the file is checked (its form, and an address that it spells out), and every time
that it is dialled (the addresses to which its name resolves at that moment, `messages.dial`).
"""

import contextlib
import ipaddress
import socket
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_URL = 2_048

DEFAULT_PORTS = {"http": 80, "https": 443}
FIRST_OPEN_PORT = 1_024
"""Below it stand the services of machines (SSH, mail, DNS); of them only 80 and 443 are hooks' ports."""

# Not `is_global`: Python 3.11 answers True for 192.0.0.8, 192.88.99.1, NAT64, 6to4, site-local and others.
# From the IANA special-purpose address registries; of IPv6, all that is not global unicast is refused whole.
_REFUSED_IPV4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
_GLOBAL_IPV6 = ipaddress.IPv6Network("2000::/3")
_REFUSED_IPV6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo and ORCHID among them
        "2001:db8::/32",
        "2002::/16",  # 6to4, which leads to any IPv4 address
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)


class Target(NamedTuple):
    """A webhook's URL, taken apart once: what is checked is what is dialled."""

    scheme: str
    host: str
    """In lower case, IDNA; an IPv6 address without its brackets."""
    port: int
    path: str
    """With the query."""

    @property
    def place(self) -> str:
        """`crm.example.com:443`"""
        return f"{self._bracketed}:{self.port}"

    @property
    def origin(self) -> str:
        """`https://crm.example.com`, with the port where it is not the scheme's own."""
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self._bracketed}{port}"

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


class Allowed(NamedTuple):
    """What LEADTRAIL_WEBHOOK_ALLOW lets through although it is private."""

    hosts: frozenset[str] = frozenset()
    """`host` and `host:port`."""
    networks: tuple[Network, ...] = ()

    def names(self, host: str, port: int) -> bool:
        """Whether the host is let through by its name, wherever that leads."""
        return host in self.hosts or f"{host}:{port}" in self.hosts

    def holds(self, address: Address) -> bool:
        """Whether the address lies in a network that is let through."""
        return any(address in network for network in self.networks)


def allowed(parts: Sequence[str]) -> Allowed:
    """The setting's parts as one policy: networks such as 10.0.0.0/8, hosts, `host:port`."""
    hosts: set[str] = set()
    networks: list[Network] = []
    for part in parts:
        plain = part.lower().replace("[", "").replace("]", "")
        with contextlib.suppress(ValueError):
            networks.append(ipaddress.ip_network(plain, strict=False))
        hosts.add(plain)
    return Allowed(frozenset(hosts), tuple(networks))


def is_public(address: Address) -> bool:
    """Whether the address is anybody's on the Internet, and no machine of this network."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _REFUSED_IPV4)
    return address in _GLOBAL_IPV6 and not any(address in network for network in _REFUSED_IPV6)


def may_dial(target: Target, address: Address, let: Allowed) -> bool:
    """Whether a connection to this address of the target's host may be opened."""
    named = let.names(target.host, target.port) or let.names(str(address), target.port)
    return is_public(address) or named or let.holds(address)


NOTHING_ALLOWED = Allowed()


def parse_target(url: str, let: Allowed = NOTHING_ALLOWED) -> Target:
    """The URL of a webhook, checked as far as that goes without a network.

    Raises ValueError with what is wrong: no http or https, no host, a user name, a port of another service,
    or a private address that is spelt out, in whatever notation, and not let through.
    """
    text = url.strip()
    if len(text) > MAX_URL or any(not c.isprintable() or c in ' \\"<>' for c in text):
        raise ValueError(
            f"A webhook's URL has at most {MAX_URL:,} characters and no spaces, quotes or backslashes."
        )
    try:
        parts = urlsplit(text)
        name, given_port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("This is no URL; write https://crm.example.com/hook.") from None
    if parts.scheme not in DEFAULT_PORTS or not name:
        raise ValueError("A webhook's URL begins with https:// or http://, and names a host.")
    if "@" in parts.netloc:
        raise ValueError("A webhook's URL holds no user name or password; the signature proves who sends.")
    host = _ascii_host(name)
    port = DEFAULT_PORTS[parts.scheme] if given_port is None else given_port
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii():
        raise ValueError("Percent-encode what is not ASCII in a webhook's path.")
    target = Target(parts.scheme, host, port, path)
    if port < FIRST_OPEN_PORT and port not in DEFAULT_PORTS.values() and not let.names(host, port):
        raise ValueError(
            f"Port {port} is no webhook's. Use 80, 443 or one from {FIRST_OPEN_PORT:,},"
            f" or set LEADTRAIL_WEBHOOK_ALLOW={target.place}."
        )
    spelt_out = address_of(host)
    if spelt_out is not None and not may_dial(target, spelt_out, let):
        raise ValueError(refusal(target, spelt_out))
    return target


def refusal(target: Target, address: Address) -> str:
    """Why the address is not dialled, and what to do."""
    of_host = "" if str(address) == target.host else f" ({address})"
    return (
        f"{target.host}{of_host} is no public address; to reach it all the same, set"
        f" LEADTRAIL_WEBHOOK_ALLOW={target.place}."
    )


def address_of(host: str) -> Address | None:
    """The address that a host spells out, as the system's resolver would read it: `127.1`, `0x7f000001` and
    `2130706433` too. None for a name.
    """
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _ascii_host(name: str) -> str:
    """Lower case, compatibility characters such as circled digits made plain, IDNA."""
    host = unicodedata.normalize("NFKC", name).lower().rstrip(".")
    try:
        host = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        host = ""
    if not host or "%" in host or len(host) > 253:
        raise ValueError(f"'{name[:60]}' is no host name; write one such as crm.example.com.")
    return host
