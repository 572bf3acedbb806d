"""Deliveries, and what a server gives to its channels, for the tests of the ways out."""

from typing import Any

from msgspec import structs

from server.addresses import allowed
from server.messages.channel import Means
from server.model import Delivery
from server.signature import new_secret

NOW = 1_790_000_000_000
SECRET = new_secret(b"a secret of the tests, 32 bytes.")


class Nobody:
    """Implements `Unsubscribing`: whose addresses are in `out` want nothing."""

    def __init__(self) -> None:
        self.out: set[tuple[str, str]] = set()

    async def is_out(self, delivery: Delivery, address: str) -> bool:
        return (delivery.site, address) in self.out

    def url(self, delivery: Delivery, address: str) -> str:
        return f"https://t.example.com/unsubscribe/{delivery.site}.token"


def no_secret(name: str) -> str:
    raise ValueError("it is not set")


def means(**given: Any) -> Means:
    """What a channel is given: loopback is let through unless the test says otherwise."""
    plain = Means(
        unsubscribing=Nobody(),
        secret=no_secret,
        webhook_secret=SECRET,
        let=allowed(["127.0.0.0/8"]),
        host="t.example.com",
    )
    return plain._replace(**given)


def delivery(channel: str, content: dict[str, Any], **fields: Any) -> Delivery:
    plain = Delivery(
        16, "msg_0123456789abcdef", "main", "pricing-help", 1, channel, NOW, NOW, content=content
    )
    return structs.replace(plain, **fields)


def hook(url: str, **fields: Any) -> Delivery:
    """A delivery to a webhook."""
    return delivery(
        "webhook", {"url": url, "data": {"rule": "pricing-help", "text": "Olá \u2028 {x}"}}, **fields
    )


def letter(to: str = "ada@example.com", **content: Any) -> Delivery:
    """A delivery by e-mail, to an address that was proved."""
    plain = {"to": to, "subject": "Questions?", "body": "Hi Ada,\n\nask us.", "verified": True}
    return delivery("email", plain | content)
