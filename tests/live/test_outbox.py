"""Messages that leave a real server: none is lost by kill -9, and letters reach whoever wants them."""

import asyncio
import random
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.clock import SECOND
from server.messages.outbox import LEASE
from server.signature import new_secret
from tests.messages.post_office import PostOffice, post_office
from tests.messages.receiver import receiving
from tests.postgres import postgres_server
from tests.server_process import ServerProcess, server_process

pytestmark = [pytest.mark.live, pytest.mark.anyio]

ROUNDS = 5
VISITORS = 8

HOOK = """
sites: [{{key: main, webdriver: allow}}]
messages:
  - id: pricing
    when: {{page: /pricing}}
    deliver:
      webhook: {{url: "{url}"}}
"""

LETTERS = """
sites: [{key: main, webdriver: allow}]
messages:
  - id: welcome
    to: [leads]
    when: {page: /welcome}
    deliver:
      email: {subject: "Hi {{ name }}", body: "Thank you.", to_unverified: true}
  - id: pricing
    to: [leads]
    when: {page: /pricing}
    deliver:
      email: {subject: "Questions?", body: "Ask us.", to_unverified: true}
"""


@pytest.fixture
def url() -> Iterator[str]:
    """Of a new database of a PostgreSQL that syncs its commits."""
    with postgres_server({}) as server, server.database() as new:
        yield new


def view(path: str, event_id: str) -> dict[str, Any]:
    now = time.time_ns() // 1_000_000
    return {"id": event_id, "name": "page_view", "at": now, "url": f"https://shop.example{path}"}


async def send(server: ServerProcess, *events: dict[str, Any], visitor: str | None = None) -> str:
    """The token that the visitor is answered with, once everything is on disk."""
    body = {"site": "main", "sent_at": time.time_ns() // 1_000_000, "events": list(events)}
    if visitor:
        body["visitor"] = visitor
    async with httpx2.AsyncClient(base_url=server.base, timeout=10) as client:
        answer = await client.post("/e", json=body)
    assert answer.status_code == 200
    assert "rejected" not in answer.json()
    return str(answer.json()["visitor"])


async def until(done: Any, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not done():
            await asyncio.sleep(0.05)


async def test_what_was_won_is_sent_although_the_server_is_killed_again_and_again(tmp_path: Path) -> None:
    allow = {"LEADTRAIL_WEBHOOK_ALLOW": "127.0.0.1"}
    async with receiving() as receiver:
        config = HOOK.format(url=receiver.url)
        receiver.fault = "hang"
        won: set[str] = set()
        for _ in range(ROUNDS):
            with server_process(tmp_path, config=config, **allow) as server:
                ids = [secrets.token_hex(12) for _ in range(VISITORS)]
                await asyncio.gather(*(send(server, view("/pricing", event_id)) for event_id in ids))
                await asyncio.sleep(random.uniform(0, 0.1))
                server.kill()
                won.update(ids)
        receiver.fault = ""
        tried = len(receiver.received)
        with server_process(tmp_path, config=config, **allow) as server:

            def arrived() -> dict[str, str]:
                taken = receiver.received[tried:]
                return {of.json["data"]["event"]["id"]: of.headers["webhook-id"] for of in taken}

            await until(lambda: arrived().keys() >= won, LEASE / SECOND + 30)
            assert server.stop() == 0
        assert arrived().keys() == won
        # Whatever was tried before came under the id that it has now.
        for of in receiver.received[:tried]:
            assert arrived()[of.json["data"]["event"]["id"]] == of.headers["webhook-id"]


async def test_a_letter_reaches_a_lead_until_they_unsubscribe(tmp_path: Path) -> None:
    async with post_office() as office:
        url = f"smtp://127.0.0.1:{office.port}?from=The Shop <hello@shop.example>"
        with server_process(tmp_path, config=LETTERS, LEADTRAIL_SMTP_URL=url) as server:
            link = await letter_to_ada(server, office)
            assert link.startswith(f"http://localhost:{server.base.rpartition(':')[2]}/unsubscribe/")
            async with httpx2.AsyncClient(timeout=10) as client:
                asked = await client.get(link)
                done = await client.post(link, data={"List-Unsubscribe": "One-Click"})
            assert "Unsubscribe" in asked.text
            assert "You are unsubscribed" in done.text
            await send(server, view("/pricing", "pricing-1"), visitor=office.visitor)
            await until(lambda: "dropped" in metrics(server), 20)
        assert len(office.letters) == 1


async def letter_to_ada(server: ServerProcess, office: PostOffice) -> str:
    """The link to unsubscribe in the letter that Ada gets."""
    now = time.time_ns() // 1_000_000
    traits = {"email": "ada@example.com", "name": "Ada"}
    identify = {"id": "identify-1", "name": "identify", "at": now, "traits": traits}
    office.visitor = await send(server, identify, view("/welcome", "welcome-1"))
    await until(lambda: office.letters, 20)
    [letter] = office.letters
    assert letter["To"] == "ada@example.com"
    assert letter["Subject"] == "Hi Ada"
    found = re.fullmatch(r"<(\S+)>", letter["List-Unsubscribe"])
    assert found is not None
    return found[1]


def metrics(server: ServerProcess) -> str:
    return httpx2.get(f"{server.base}/metrics", timeout=10).text


async def test_two_servers_share_the_work_and_send_each_message_once(tmp_path: Path, url: str) -> None:
    shared = {
        "DATABASE_URL": url,
        "LEADTRAIL_SECRET_KEYS": "a signing key of both servers",
        "LEADTRAIL_WEBHOOK_ALLOW": "127.0.0.1",
        "LEADTRAIL_WEBHOOK_SECRET": new_secret(b"of both servers, 32 bytes of it."),
    }
    async with receiving() as receiver:
        config = HOOK.format(url=receiver.url)
        with ExitStack() as stack:
            servers = []
            for name in ("one", "two"):
                folder = tmp_path / name
                folder.mkdir()
                servers.append(stack.enter_context(server_process(folder, config=config, **shared)))
            ids = [secrets.token_hex(12) for _ in range(60)]
            sends = (send(servers[place % 2], view("/pricing", of)) for place, of in enumerate(ids))
            await asyncio.gather(*sends)

            def arrived() -> list[str]:
                return [of.json["data"]["event"]["id"] for of in receiver.received]

            await until(lambda: set(arrived()) >= set(ids), 30)
            for server in servers:
                assert server.stop() == 0
        assert sorted(arrived()) == sorted(ids)
