"""Addresses of the network: what a host is literally, and whether a program of ours may call it."""

import ipaddress
import re
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_ODD_NUMBER = re.compile(r"(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d*))*", re.I)


def literal_address(host: str) -> Address | None:
    """The address that a host is, or None for a name.

    Raises ValueError for numbers that resolvers read as an address and that are not written as one, such as
    2130706433 or 0x7f.1.
    """
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        if _ODD_NUMBER.fullmatch(host):
            raise
        return None


def is_public(address: Address) -> bool:
    """Whether it is one of the open network's, also as an IPv4 address inside of IPv6."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is not None:
            return inner.is_global and not inner.is_multicast
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return address.is_global and not address.is_multicast


def is_allowed(address: Address, host: str, port: int, allowed: Iterable[str]) -> bool:
    """Whether it is public, or `allowed` names its host, `host:port` or network."""
    return is_public(address) or any(_names(entry, address, host.lower(), port) for entry in allowed)


def _names(entry: str, address: Address, host: str, port: int) -> bool:
    entry = entry.strip().lower()
    bracketed = f"[{host}]" if ":" in host else host
    if entry in (host, bracketed, f"{bracketed}:{port}"):
        return True
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
