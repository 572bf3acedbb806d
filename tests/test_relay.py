"""The mail server of the settings."""

import pytest

from server.relay import Tls, parse_relay


def test_smtp_to_another_machine_needs_starttls() -> None:
    relay = parse_relay("smtp://mail.example.com")
    assert (relay.host, relay.port, relay.tls) == ("mail.example.com", 587, Tls.required)


def test_smtps_is_tls_from_the_first_byte() -> None:
    relay = parse_relay("smtps://mail.example.com")
    assert (relay.port, relay.tls) == (465, Tls.at_once)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.0.0.9"])
def test_what_stays_on_this_machine_needs_no_tls(host: str) -> None:
    assert parse_relay(f"smtp://{host}:2525").tls is Tls.optional
    assert parse_relay(f"smtp://{host}:2525?tls=required").tls is Tls.required


def test_who_writes_is_the_senders_address_or_the_users() -> None:
    relay = parse_relay("smtp://u%40shop.example:p%2Fw@mail.example.com?from=The+Shop+<hello@shop.example>")
    assert (relay.user, relay.password) == ("u@shop.example", "p/w")
    assert (relay.sender_name, relay.sender) == ("The Shop", "hello@shop.example")
    assert parse_relay("smtp://u%40shop.example:pw@mail.example.com").sender == "u@shop.example"
    assert parse_relay("smtp://user:pw@mail.example.com").sender == ""


def test_the_password_is_never_shown() -> None:
    assert "pw" not in repr(parse_relay("smtp://user:pw@mail.example.com"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example.com",
        "http://mail.example.com",
        "smtp://",
        "smtp://mail.example.com:x",
        "smtp://mail.example.com?tls=no",
        "smtps://mail.example.com?tls=optional",
        "smtp://mail.example.com?from=nobody",
        "smtp://mail.example.com?sender=a@b.example",
        "smtp://user:hunter2@mail.example.com?tls=optional",
    ],
)
def test_mistakes_are_told_without_the_password(url: str) -> None:
    with pytest.raises(ValueError) as mistake:
        parse_relay(url)
    assert "hunter2" not in str(mistake.value)
