"""What proves an identity, and that everything else is an error and never half a proof."""

import hashlib
import hmac
import time
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import EventRejected
from server.people.proof import MAX_JWT, claims_proof, proved, user_hash

SECRET = "the site's secret"
NOW = 1_790_000_000_000
SECONDS = NOW // 1000


def signed(algorithm: str = "HS256", secret: str = SECRET, **claims: Any) -> str:
    key = secret.encode().ljust(64, b"\0")
    return jwt.encode(claims, key, algorithm=algorithm)


def refusal(**traits: Any) -> str:
    with pytest.raises(EventRejected) as refused:
        proved(traits, SECRET, NOW)
    assert SECRET not in refused.value.message
    return refused.value.code


def test_the_hash_is_the_hmac_that_every_language_makes() -> None:
    assert user_hash("secret", "u-1") == hmac.new(b"secret", b"u-1", hashlib.sha256).hexdigest()


def test_a_hash_over_the_user_id_proves_it_and_nothing_else() -> None:
    given = {"user_id": "u-1", "email": "ada@example.com", "user_hash": user_hash(SECRET, "u-1")}
    assert proved(given, SECRET, NOW) == (
        {"user_id": "u-1", "email": "ada@example.com"},
        frozenset({"user_id"}),
    )


def test_without_a_user_id_the_hash_is_over_the_e_mail() -> None:
    given = {"email": "Ada@Example.com", "user_hash": user_hash(SECRET, "Ada@Example.com")}
    assert proved(given, SECRET, NOW)[1] == {"email"}


def test_a_number_is_proved_as_its_digits_and_capitals_of_the_hash_are_the_same() -> None:
    given = {"user_id": 42, "user_hash": user_hash(SECRET, "42").upper()}
    assert proved(given, SECRET, NOW)[1] == {"user_id"}


@pytest.mark.parametrize(
    "given",
    ["", None, 0, False, [], {}, "x", "é" * 64, user_hash(SECRET, "u-2"), user_hash("other secret", "u-1"),
     user_hash(SECRET, "u-1") + "0", user_hash(SECRET, "u-1")[:-1], user_hash(SECRET, "ada@example.com")],
)  # fmt: skip
def test_an_empty_or_wrong_hash_is_an_error(given: Any) -> None:
    traits = {"user_id": "u-1", "email": "ada@example.com", "user_hash": given}
    assert claims_proof(traits)
    assert refusal(**traits) == "invalid_proof"


def test_a_hash_of_nothing_proves_nothing() -> None:
    assert refusal(user_hash=user_hash(SECRET, "")) == "invalid_proof"
    assert refusal(user_id="", email="", user_hash=user_hash(SECRET, "")) == "invalid_proof"
    assert refusal(user_id=True, user_hash=user_hash(SECRET, "True")) == "invalid_proof"


def test_without_a_secret_nothing_can_be_proved() -> None:
    with pytest.raises(EventRejected, match="no identity secret"):
        proved({"user_id": "u-1", "user_hash": user_hash("", "u-1")}, None, NOW)


def test_a_jwt_proves_everything_that_it_carries() -> None:
    token = signed(user_id="u-1", email="ada@example.com", plan="Pro", exp=SECONDS + 60, iat=SECONDS, sub="x")
    assert proved({"user_jwt": token, "seats": 3}, SECRET, NOW) == (
        {"user_id": "u-1", "email": "ada@example.com", "plan": "Pro", "seats": 3},
        frozenset({"user_id", "email", "plan"}),
    )


def test_a_jwt_ends_when_it_says_so() -> None:
    assert proved({"user_jwt": signed(user_id="u-1", exp=SECONDS + 1)}, SECRET, NOW)[1] == {"user_id"}
    assert refusal(user_jwt=signed(user_id="u-1", exp=SECONDS)) == "expired_proof"
    assert refusal(user_jwt=signed(user_id="u-1", exp=SECONDS - 3600)) == "expired_proof"
    assert refusal(user_jwt=signed(user_id="u-1", nbf=SECONDS + 3600)) == "invalid_proof"


def test_the_clock_that_judges_is_the_servers() -> None:
    long_ago = signed(user_id="u-1", exp=int(time.time()) - 86_400)
    assert proved({"user_jwt": long_ago}, SECRET, (int(time.time()) - 90_000) * 1000)[1] == {"user_id"}


@pytest.mark.parametrize(
    "token",
    [
        "", None, 7, "a.b.c", "x" * (MAX_JWT + 1),
        signed(secret="another secret", user_id="u-1"),
        signed("HS512", user_id="u-1"),
        jwt.encode({"user_id": "u-1"}, None, algorithm="none"),
        signed(name="Ada"),
        signed(user_id=""),
        signed(user_id=["u-1"]),
        signed(user_id="u-1") + "x",
    ],
)  # fmt: skip
def test_any_other_jwt_is_an_error(token: Any) -> None:
    assert refusal(user_jwt=token) == "invalid_proof"


@pytest.mark.parametrize("exp", [float("nan"), True])
def test_a_time_that_is_none_ends_the_jwt(exp: Any) -> None:
    assert refusal(user_jwt=signed(user_id="u-1", exp=exp)) in ("invalid_proof", "expired_proof")


def test_a_user_id_beside_the_jwt_must_be_its_own() -> None:
    token = signed(user_id="u-1")
    assert refusal(user_id="u-2", user_jwt=token) == "invalid_proof"
    assert proved({"user_id": "u-1", "user_jwt": token}, SECRET, NOW)[0] == {"user_id": "u-1"}


def test_of_two_proofs_both_must_hold() -> None:
    token = signed(user_id="u-1")
    assert refusal(user_jwt=token, user_hash="") == "invalid_proof"
    assert proved({"user_jwt": token, "user_hash": user_hash(SECRET, "u-1")}, SECRET, NOW)[1] == {"user_id"}


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_text_passes_for_the_hash(user_id: str, guess: str) -> None:
    traits = {"user_id": user_id, "user_hash": guess}
    with pytest.raises(EventRejected):
        proved(traits, SECRET, NOW)
