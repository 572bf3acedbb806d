"""The visitor's token: what is accepted, what is no token at all."""

import pytest

from server.people.token import Tokens, cookie_name, cookie_value, expire_cookie, set_cookie

VISITOR = "0123456789abcdef0123456789abcdef"
NOW = 1_790_000_000_000
TOKENS = Tokens(["an old key of the server", "the newest key of the server"])


def uuid7(at: int) -> str:
    return f"{at:012x}"[:8] + "-" + f"{at:012x}"[8:] + "-7abc-9def-0123456789ab"


def test_a_token_reads_back_as_the_visitor_it_was_made_for() -> None:
    token = TOKENS.sign("main", VISITOR)
    assert token.startswith(f"{VISITOR}.")
    assert TOKENS.read("main", token) == VISITOR


def test_an_older_key_still_verifies_and_a_retired_one_does_not() -> None:
    old = Tokens(["an old key of the server"]).sign("main", VISITOR)
    assert TOKENS.read("main", old) == VISITOR
    assert Tokens(["the newest key of the server"]).read("main", old) is None


@pytest.mark.parametrize(
    "forged",
    [
        "",
        VISITOR,
        f"{VISITOR}.",
        f"{VISITOR}.AAAA",
        "x" * 600,
        f"{VISITOR}.é",
        TOKENS.sign("main", VISITOR) + "A",
    ],
)
def test_a_forged_token_is_none(forged: str) -> None:
    assert TOKENS.read("main", forged) is None


def test_another_sites_token_is_none() -> None:
    assert TOKENS.read("main", TOKENS.sign("shop", VISITOR)) is None


def test_something_signed_that_is_no_visitor_id_is_none() -> None:
    assert TOKENS.read("main", TOKENS.sign("main", "root")) is None


def test_a_first_request_that_is_repeated_is_the_same_visitor() -> None:
    event_id = uuid7(NOW)
    assert TOKENS.first_visitor("main", event_id, NOW) == TOKENS.first_visitor("main", event_id, NOW + 60_000)
    assert TOKENS.first_visitor("main", event_id, NOW) != TOKENS.first_visitor("shop", event_id, NOW)


@pytest.mark.parametrize("guessable", ["1", "e1", "order-1", uuid7(NOW - 30 * 24 * 3_600_000), uuid7(0)])
def test_an_id_that_could_be_guessed_opens_nothing(guessable: str) -> None:
    assert TOKENS.first_visitor("main", guessable, NOW) != TOKENS.first_visitor("main", guessable, NOW)


def test_two_cookies_of_the_name_are_none() -> None:
    assert cookie_value("a=1; lt=good; b=2", "lt") == "good"
    assert cookie_value("lt=good; lt=evil", "lt") is None
    assert cookie_value("other=1", "lt") is None


def test_the_cookie_is_bound_to_the_host_on_https_unless_the_site_shares_it() -> None:
    assert cookie_name(https=True, cookie_domain=None) == "__Host-lt"
    assert cookie_name(https=True, cookie_domain="example.com") == "lt"
    assert cookie_name(https=False, cookie_domain=None) == "lt"
    assert set_cookie("t", https=True, cookie_domain=None) == (
        "__Host-lt=t; Path=/; Max-Age=34214400; HttpOnly; SameSite=Lax; Secure"
    )
    assert set_cookie("t", https=True, cookie_domain=None, foreign=True) == (
        "__Host-lt=t; Path=/; Max-Age=34214400; HttpOnly; SameSite=None; Secure; Partitioned"
    )
    assert "Partitioned" not in set_cookie("t", https=False, cookie_domain=None, foreign=True)
    assert "Domain=example.com" in set_cookie("t", https=True, cookie_domain="example.com")
    assert "Max-Age=0" in expire_cookie(https=False, cookie_domain=None)


def test_a_signature_with_one_other_character_is_none() -> None:
    signature = TOKENS.sign("main", VISITOR).partition(".")[2]
    # The last character holds two bits that say nothing.
    for place in range(len(signature) - 1):
        wrong = "A" if signature[place] != "A" else "B"
        forged = f"{VISITOR}.{signature[:place]}{wrong}{signature[place + 1 :]}"
        assert TOKENS.read("main", forged) is None


def test_a_rotation_in_three_steps_loses_nobody_until_the_old_key_is_taken_out() -> None:
    before, both, after = Tokens(["key one"]), Tokens(["key one", "key two"]), Tokens(["key two"])
    token = before.sign("main", VISITOR)
    assert both.read("main", token) == VISITOR
    renewed = both.sign("main", VISITOR)
    assert after.read("main", renewed) == VISITOR
    assert after.read("main", token) is None
