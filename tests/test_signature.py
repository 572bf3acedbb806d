"""Signatures as any receiver of Standard Webhooks verifies them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from server.signature import key_of, new_secret, sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_vector_of_the_published_libraries() -> None:
    headers = sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}')
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(st.binary(min_size=24, max_size=64), st.text())
def test_the_published_library_verifies_what_is_signed(random: bytes, text: str) -> None:
    body = text.encode("utf-8", "replace")
    secret = new_secret(random)
    headers = sign(secret, "msg_1", int(time.time()), body)
    Webhook(secret).verify(body, headers, json_parse=False)


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", SECRET.removeprefix("whsec_"), "whsec_!!!!", new_secret(b"x" * 23), new_secret(b"x" * 65)],
)
def test_what_is_no_secret_is_refused_without_being_told(secret: str) -> None:
    with pytest.raises(ValueError) as refused:
        key_of(secret)
    assert len(secret) < 7 or secret not in str(refused.value)


def test_a_secret_may_leave_out_its_padding() -> None:
    secret = new_secret(b"x" * 25)
    assert secret.endswith("==")
    assert key_of(secret.rstrip("=")) == key_of(secret)
