"""Webhooks against a real receiver: signed, once each try, and only to addresses that may be dialled."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest
import trustme
from standardwebhooks import Webhook as Verifier

from server.addresses import Address, allowed
from server.clock import HOUR, SECOND
from server.messages import dial
from server.messages.channel import Delivered, Failed, Gone, Hopeless, Means, Outcome
from server.messages.channels.webhook import Webhook, open_channel
from server.model import Delivery
from server.signature import new_secret
from tests.messages.deliveries import NOW, SECRET, delivery, hook, means
from tests.messages.receiver import Receiver, receiving
from tests.test_addresses import NO_HOOK, PRIVATE

pytestmark = pytest.mark.anyio


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


async def send(sent: Delivery, given: Means | None = None, now: int = NOW) -> Outcome:
    channel = open_channel(given or means())
    try:
        return await channel.send(sent, now)
    finally:
        await channel.close()


async def test_what_arrives_is_what_was_won(receiver: Receiver) -> None:
    assert await send(hook(receiver.url)) == Delivered()
    [received] = receiver.received
    assert received.path == "/hook?a=1"
    assert received.json == {
        "type": "message",
        "timestamp": "2026-09-21T14:13:20+00:00",
        "data": {"rule": "pricing-help", "text": "Olá \u2028 {x}"},
    }
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["user-agent"].startswith("Leadtrail/")
    assert received.headers["webhook-id"] == "msg_0123456789abcdef"
    assert received.headers["webhook-timestamp"] == str(NOW // SECOND)


async def test_the_published_library_verifies_it(receiver: Receiver) -> None:
    now = round(datetime.now(UTC).timestamp()) * SECOND
    await send(hook(receiver.url), now=now)
    [received] = receiver.received
    assert Verifier(SECRET).verify(received.body, received.headers)["type"] == "message"


async def test_a_hook_may_have_a_secret_of_its_own(receiver: Receiver) -> None:
    own = new_secret(b"another secret, of this hook only")
    sent = hook(receiver.url)
    sent.content["secret_env"] = "CRM_SECRET"
    now = round(datetime.now(UTC).timestamp()) * SECOND
    assert await send(sent, means(secret={"CRM_SECRET": own}.__getitem__), now) == Delivered()
    Verifier(own).verify(receiver.received[0].body, receiver.received[0].headers)


async def test_a_secret_that_is_not_set_is_waited_for(receiver: Receiver) -> None:
    sent = hook(receiver.url)
    sent.content["secret_env"] = "CRM_SECRET"
    assert await send(sent) == Failed("CRM_SECRET: it is not set")
    assert receiver.connections == 0


async def test_every_try_sends_the_same_under_the_same_id(receiver: Receiver) -> None:
    receiver.fault = 500
    await send(hook(receiver.url))
    receiver.fault = ""
    await send(hook(receiver.url, tries=2), now=NOW + HOUR)
    first, second = receiver.received
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_delivered(receiver: Receiver, status: int) -> None:
    receiver.fault = status
    assert await send(hook(receiver.url)) == Delivered()


@pytest.mark.parametrize("status", [400, 401, 404, 413, 429, 500, 502, 503])
async def test_every_other_answer_is_tried_again(receiver: Receiver, status: int) -> None:
    receiver.fault = status
    assert await send(hook(receiver.url)) == Failed(f"answered {status}")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    async with receiving() as elsewhere:
        receiver.fault = status
        receiver.headers["Location"] = elsewhere.url
        assert await send(hook(receiver.url)) == Failed(f"answered {status}; redirects are not followed")
        assert elsewhere.connections == 0


async def test_410_switches_the_address_off(receiver: Receiver) -> None:
    receiver.fault = 410
    assert await send(hook(receiver.url)) == Gone("answered 410: it wants no more messages")


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_heard_in_seconds_and_as_a_date(receiver: Receiver, status: int) -> None:
    receiver.fault = status
    receiver.headers["Retry-After"] = "120"
    assert await send(hook(receiver.url)) == Failed(f"answered {status}", 120 * SECOND)
    at = datetime.fromtimestamp(NOW // SECOND + 90, UTC)
    receiver.headers["Retry-After"] = format_datetime(at, usegmt=True)
    assert await send(hook(receiver.url)) == Failed(f"answered {status}", 90 * SECOND)
    receiver.headers["Retry-After"] = "soon"
    assert await send(hook(receiver.url)) == Failed(f"answered {status}")


async def test_who_closes_early_has_not_answered(receiver: Receiver) -> None:
    receiver.fault = "close"
    outcome = await send(hook(receiver.url))
    assert isinstance(outcome, Failed)
    assert f"http://127.0.0.1:{receiver.port}: " in outcome.error


async def test_who_speaks_something_else_has_not_answered(receiver: Receiver) -> None:
    receiver.fault = "garbage"
    outcome = await send(hook(receiver.url))
    assert isinstance(outcome, Failed)
    assert "did not answer in HTTP" in outcome.error


async def test_nobody_there_is_tried_again() -> None:
    async with receiving() as gone:
        url = gone.url
    outcome = await send(hook(url))
    assert isinstance(outcome, Failed)
    assert "no connection" in outcome.error


async def test_a_name_that_is_not_found_is_tried_again() -> None:
    outcome = await send(hook("https://nowhere.invalid/"))
    assert isinstance(outcome, Failed)


async def test_who_hangs_is_left_after_15_seconds(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert dial.SECONDS == 15
    dialler = dial.Dialler(allowed(["127.0.0.0/8"]), seconds=0.2)
    channel = Webhook(means())
    monkeypatch.setattr(channel, "_dialler", dialler)
    receiver.fault = "hang"
    outcome = await channel.send(hook(receiver.url), NOW)
    await channel.close()
    assert outcome == Failed(f"http://127.0.0.1:{receiver.port}: no answer within 0.2 s")


async def test_an_answer_that_never_ends_is_an_answer(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = Webhook(means())
    monkeypatch.setattr(channel, "_dialler", dial.Dialler(allowed(["127.0.0.0/8"]), seconds=0.2))
    receiver.fault = "drip"
    assert await channel.send(hook(receiver.url), NOW) == Delivered()
    await channel.close()


async def test_of_a_gigabyte_only_the_beginning_is_read(receiver: Receiver) -> None:
    receiver.fault = "gigabyte"
    assert await send(hook(receiver.url)) == Delivered()
    # What is beyond 64 KB lies in the sockets' own buffers.
    assert receiver.written < 16 * 1024 * 1024


@pytest.mark.parametrize("url", [*PRIVATE, *NO_HOOK])
async def test_no_packet_goes_to_a_private_address(receiver: Receiver, url: str) -> None:
    """The trap listens on loopback, at the port of each URL that has none of a service."""
    trapped = url.replace("127.0.0.1/", f"127.0.0.1:{receiver.port}/").replace(
        "[::1]/", f"[::1]:{receiver.port}/"
    )
    for tried in (url, trapped):
        assert isinstance(await send(hook(tried), means(let=allowed([]))), Hopeless)
    assert receiver.connections == 0


class FlippingDns:
    """Answers a public address first, and loopback from then on."""

    def __init__(self, *answers: str) -> None:
        self.answers = [[ipaddress.ip_address(part) for part in answer.split()] for answer in answers]
        self.asked = 0

    async def __call__(self, host: str, port: int) -> list[Address]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


@pytest.mark.parametrize(
    "dns",
    [
        ("127.0.0.1",),
        ("203.0.113.7", "127.0.0.1"),
        ("93.184.215.14 127.0.0.1",),
        ("::ffff:7f00:1",),
        ("::1",),
    ],
)
async def test_a_name_is_judged_by_where_it_leads_when_it_is_dialled(
    receiver: Receiver, dns: tuple[str, ...]
) -> None:
    given = means(let=allowed([]), resolve=FlippingDns(*dns))
    for _ in range(3):
        outcome = await send(hook(f"http://rebind.example:{receiver.port}/"), given)
        assert isinstance(outcome, Hopeless)
        assert "LEADTRAIL_WEBHOOK_ALLOW=rebind.example" in outcome.error
    assert receiver.connections == 0


async def test_what_is_dialled_is_the_address_that_was_checked(receiver: Receiver) -> None:
    """A second look-up would lead elsewhere: there is none."""
    dns = FlippingDns("127.0.0.1", "192.0.2.1")
    given = means(let=allowed(["crm.internal"]), resolve=dns)
    assert await send(hook(f"http://crm.internal:{receiver.port}/"), given) == Delivered()
    assert dns.asked == 1
    assert receiver.received[0].headers["host"] == f"crm.internal:{receiver.port}"


async def test_tls_is_verified_for_the_name_and_not_for_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("crm.internal").configure_cert(server_side)
    async with receiving(ssl=server_side) as receiver:
        given = means(let=allowed(["127.0.0.0/8"]), resolve=FlippingDns("127.0.0.1"))
        assert await send(hook(f"https://crm.internal:{receiver.port}/"), given) == Delivered()
        outcome = await send(hook(f"https://other.internal:{receiver.port}/"), given)
        assert isinstance(outcome, Failed)
        assert "certificate" in outcome.error.lower()
        assert len(receiver.received) == 1


async def test_content_of_another_shape_is_the_operators_to_see() -> None:
    assert isinstance(await send(delivery("webhook", {"data": {}})), Hopeless)


async def test_many_are_on_their_way_at_once(receiver: Receiver) -> None:
    channel = open_channel(means())
    sent = [channel.send(hook(receiver.url), NOW) for _ in range(channel.at_once)]
    assert await asyncio.gather(*sent) == [Delivered()] * channel.at_once
    await channel.close()
    assert len(receiver.received) == channel.at_once
