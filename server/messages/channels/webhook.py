"""Webhooks: a signed POST to an address that the rule names, as Standard Webhooks 1.0 has it.

The body is `{"type": "message", "timestamp": <when the rule matched>, "data": <the delivery's>}`. It and the
`webhook-id` are the same with every try. Any 2xx is delivered, 410 switches the address off, everything else
(redirects too) is a failure.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

from server import __version__
from server.addresses import Allowed, parse_target
from server.clock import SECOND
from server.messages.channel import Delivered, Failed, Gone, Hopeless, Means, Outcome
from server.messages.dial import Dialler, Refused, Reply, Unanswered
from server.model import Delivery, Metadata, encode_json
from server.signature import sign

NAME = "webhook"

GONE = 410


class Content(msgspec.Struct, frozen=True):
    """What a delivery holds for this channel."""

    url: str
    data: Metadata
    secret_env: str | None = None


class Webhook:
    """Implements `Channel`."""

    name = NAME
    at_once = 32
    each = 16

    def __init__(self, means: Means) -> None:
        self._own_secret = means.webhook_secret
        self._secret = means.secret
        self._let: Allowed = means.let
        self._dialler = Dialler(means.let, resolve=means.resolve)

    def held(self) -> str | None:
        return None

    async def send(self, delivery: Delivery, now: int) -> Outcome:
        try:
            content = msgspec.convert(delivery.content, Content)
            target = parse_target(content.url, self._let)
        except ValueError as error:
            return Hopeless(str(error))
        body = body_of(delivery, content.data)
        try:
            secret = self._secret(content.secret_env) if content.secret_env else self._own_secret
            signed = sign(secret, delivery.id, now // SECOND, body)
        except ValueError as error:
            return Failed(f"{content.secret_env or 'LEADTRAIL_WEBHOOK_SECRET'}: {error}")
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"Leadtrail/{__version__}",
            "Accept": "*/*",
            **signed,
        }
        try:
            return _outcome(await self._dialler.post(target, headers, body), now)
        except Refused as refused:
            return Hopeless(str(refused))
        except Unanswered as unanswered:
            return Failed(f"{target.origin}: {unanswered}")

    async def close(self) -> None:
        await self._dialler.close()


def open_channel(means: Means) -> Webhook:
    """The channel; one for the whole server."""
    return Webhook(means)


def body_of(delivery: Delivery, data: Metadata) -> bytes:
    """The JSON that is signed and sent."""
    made = datetime.fromtimestamp(delivery.made // SECOND, UTC).isoformat()
    return encode_json({"type": "message", "timestamp": made, "data": data})


def _outcome(reply: Reply, now: int) -> Outcome:
    if 200 <= reply.status < 300:
        return Delivered()
    error = f"answered {reply.status}"
    if reply.status == GONE:
        return Gone(f"{error}: it wants no more messages")
    if 300 <= reply.status < 400:
        error += "; redirects are not followed"
    return Failed(error, _retry_after(reply, now))


def _retry_after(reply: Reply, now: int) -> int | None:
    """The milliseconds that `Retry-After` asks for, in seconds or as a date."""
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return int(text[:9]) * SECOND
    try:
        at = parsedate_to_datetime(text)
        return max(0, round(at.timestamp() * SECOND) - now)
    except (ValueError, OverflowError):
        return None
