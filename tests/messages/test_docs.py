"""docs/webhooks.md: whoever verifies signatures as it says takes what is ours and nothing else."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from server.messages.schedule import JITTER, MAX_TRIES
from server.signature import new_secret, sign
from tests.messages.deliveries import SECRET

WEBHOOKS = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
EMAIL = (Path(__file__).parents[2] / "docs" / "email.md").read_text()
BODY = '{"type":"message","data":{"name":"Olá"}}'.encode()

Receive = Callable[[dict[str, str], bytes, str], Any]

NODE = """
import {receive} from %s;
const {headers, body, secret} = JSON.parse(process.argv[1]);
process.stdout.write(JSON.stringify(receive(headers, Buffer.from(body), secret)));
"""


def python(number: int) -> Receive:
    code = re.findall(r"```python\n(.*?)```", WEBHOOKS, re.DOTALL)[number]
    names: dict[str, Any] = {}
    exec(compile(code, "webhooks.md", "exec"), names)
    receive: Receive = names["receive"]
    return receive


def node(folder: Path) -> Receive:
    [code] = re.findall(r"```js\n(.*?)```", WEBHOOKS, re.DOTALL)
    module = folder / "receive.mjs"
    module.write_text(code)

    def receive(headers: dict[str, str], body: bytes, secret: str) -> Any:
        given = json.dumps({"headers": headers, "body": body.decode(), "secret": secret})
        script = NODE % json.dumps(module.as_uri())
        program = Path(sys.executable).with_name("node")
        command = [str(program if program.exists() else "node"), "--input-type=module", "-e", script, given]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=30)
        if ran.returncode:
            raise ValueError(ran.stderr)
        return json.loads(ran.stdout)

    return receive


@pytest.fixture(params=["python with a library", "python", "node"])
def receive(request: pytest.FixtureRequest, tmp_path: Path) -> Receive:
    return node(tmp_path) if request.param == "node" else python(int(request.param == "python"))


def test_what_is_signed_is_taken(receive: Receive) -> None:
    headers = sign(SECRET, "msg_1", int(time.time()), BODY)
    assert receive(headers, BODY, SECRET) == {"type": "message", "data": {"name": "Olá"}}


def test_one_of_several_signatures_is_enough(receive: Receive) -> None:
    headers = sign(SECRET, "msg_1", int(time.time()), BODY)
    headers["webhook-signature"] = "v1,bm90IG91cnM= " + headers["webhook-signature"]
    assert receive(headers, BODY, SECRET)


def test_nothing_else_is(receive: Receive) -> None:
    now = int(time.time())
    signed = sign(SECRET, "msg_1", now, BODY)
    other = new_secret(b"another secret, another secret, .")
    forged = [
        (signed, BODY.replace(b"message", b"massage"), SECRET),
        (signed | {"webhook-id": "msg_2"}, BODY, SECRET),
        (signed | {"webhook-timestamp": str(now - 1)}, BODY, SECRET),
        (signed | {"webhook-signature": "v1,"}, BODY, SECRET),
        (sign(SECRET, "msg_1", now - 600, BODY), BODY, SECRET),
        (sign(other, "msg_1", now, BODY), BODY, SECRET),
    ]
    for headers, body, secret in forged:
        with pytest.raises(Exception):  # noqa: B017 - each program has its own
            receive(headers, body, secret)


def test_the_schedule_is_the_one_that_runs() -> None:
    assert MAX_TRIES == 10
    assert JITTER == 0.2
    assert "**Ten tries over 75 hours.**" in WEBHOOKS
    assert "5\n  seconds later, then 5 minutes, 30 minutes, 2, 5, 10, 14, 20 and 24 hours" in WEBHOOKS


def test_every_form_of_the_mail_servers_url_is_read() -> None:
    from server.relay import parse_relay

    urls = [*re.findall(r'LEADTRAIL_SMTP_URL="(.*?)"', EMAIL), *re.findall(r"`(smtps?://\S+)`", EMAIL)]
    assert len(urls) == 5
    for url in urls:
        assert parse_relay(url).host
