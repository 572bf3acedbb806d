"""E-mail by a real mail server: with TLS, once each try, and to nobody who does not want it."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from server.messages.channel import Delivered, Dropped, Failed, Hopeless, Means, Outcome
from server.messages.channels.email import open_channel
from server.model import Delivery
from server.relay import parse_relay
from tests.messages.deliveries import NOW, Nobody, letter, means
from tests.messages.post_office import PostOffice, post_office

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate of localhost by an authority that the server trusts."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture
async def office() -> AsyncIterator[PostOffice]:
    """A relay of this machine, without TLS."""
    async with post_office() as opened:
        yield opened


async def send(sent: Delivery, url: str, **given: object) -> Outcome:
    return await open_channel(by(url, **given)).send(sent, NOW)


def by(url: str, **given: object) -> Means:
    return means(relay=parse_relay(url), **given)


async def test_a_letter_arrives(office: PostOffice) -> None:
    url = f"smtp://127.0.0.1:{office.port}?from=The Shop <hello@shop.example>"
    assert await send(letter(), url) == Delivered()
    [arrived], [envelope] = office.letters, office.envelopes
    assert envelope.mail_from == "hello@shop.example"
    assert envelope.rcpt_tos == ["ada@example.com"]
    assert arrived["From"] == "The Shop <hello@shop.example>"
    assert arrived["Subject"] == "Questions?"
    assert arrived["List-Unsubscribe"] == "<https://t.example.com/unsubscribe/main.token>"
    assert arrived.is_multipart()


async def test_without_a_sender_it_comes_from_the_server_itself(office: PostOffice) -> None:
    assert await send(letter(), f"smtp://127.0.0.1:{office.port}") == Delivered()
    assert office.envelopes[0].mail_from == "leadtrail@t.example.com"


async def test_by_starttls(tls: ssl.SSLContext) -> None:
    async with post_office(tls) as office:
        url = f"smtp://localhost:{office.port}?tls=required"
        assert await send(letter(), url) == Delivered()
        assert office.tls == [True]


async def test_by_tls_from_the_first_byte(tls: ssl.SSLContext) -> None:
    async with post_office(tls, at_once=True) as office:
        assert await send(letter(), f"smtps://localhost:{office.port}") == Delivered()
        assert len(office.letters) == 1


async def test_a_relay_of_this_machine_is_spoken_to_by_tls_if_it_offers_it(
    authority: trustme.CA,
) -> None:
    offered = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("another.example").configure_cert(offered)
    async with post_office(offered) as office:
        assert await send(letter(), f"smtp://127.0.0.1:{office.port}") == Delivered()
        assert office.tls == [True]


async def test_nothing_is_sent_where_starttls_is_stripped(office: PostOffice) -> None:
    outcome = await send(letter(), f"smtp://localhost:{office.port}?tls=required")
    assert isinstance(outcome, Failed)
    assert "STARTTLS" in outcome.error
    assert office.letters == []
    assert office.envelopes == []


async def test_nothing_is_sent_to_a_server_with_another_ones_certificate(
    authority: trustme.CA, tls: ssl.SSLContext
) -> None:
    other = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("other.example").configure_cert(other)
    for at_once, url in ((False, "smtp://localhost:{}?tls=required"), (True, "smtps://localhost:{}")):
        async with post_office(other, at_once=at_once) as office:
            outcome = await send(letter(), url.format(office.port))
            assert isinstance(outcome, Failed)
            assert office.letters == []


async def test_the_user_and_password_of_the_url_are_given_under_tls(tls: ssl.SSLContext) -> None:
    async with post_office(tls, asks_who=True) as office:
        url = f"smtp://hello%40shop.example:right@localhost:{office.port}?tls=required"
        assert await send(letter(), url) == Delivered()
        assert office.users == ["hello@shop.example"]
        assert office.envelopes[0].mail_from == "hello@shop.example"


async def test_a_wrong_password_is_the_settings_fault_and_not_the_letters(tls: ssl.SSLContext) -> None:
    async with post_office(tls, asks_who=True) as office:
        outcome = await send(letter(), f"smtp://hello:wrong@localhost:{office.port}?tls=required")
        assert isinstance(outcome, Failed)
        assert "535" in outcome.error
        assert "wrong" not in outcome.error


async def test_4xx_is_tried_again(office: PostOffice) -> None:
    office.fault = "450 4.2.1 greylisted"
    outcome = await send(letter(), f"smtp://127.0.0.1:{office.port}")
    assert outcome == Failed("the mail server answered 450 4.2.1 greylisted")


async def test_5xx_is_the_operators_to_see(office: PostOffice) -> None:
    office.fault = "550 5.1.1 no such user"
    outcome = await send(letter(), f"smtp://127.0.0.1:{office.port}")
    assert outcome == Hopeless("the mail server answered 550 5.1.1 no such user")


async def test_nobody_there_is_tried_again() -> None:
    async with post_office() as gone:
        port = gone.port
    assert isinstance(await send(letter(), f"smtp://127.0.0.1:{port}"), Failed)


async def test_an_address_that_nobody_proved_gets_nothing_unless_the_rule_says_so(office: PostOffice) -> None:
    url = f"smtp://127.0.0.1:{office.port}"
    assert await send(letter(verified=False), url) == Dropped("unverified")
    assert office.connections == 0
    assert await send(letter(verified=False, to_unverified=True), url) == Delivered()


async def test_who_unsubscribed_gets_nothing(office: PostOffice) -> None:
    nobody = Nobody()
    nobody.out.add(("main", "ada@example.com"))
    url = f"smtp://127.0.0.1:{office.port}"
    assert await send(letter(to_unverified=True), url, unsubscribing=nobody) == Dropped("unsubscribed")
    assert office.connections == 0


async def test_an_address_that_is_two_gets_nothing(office: PostOffice) -> None:
    outcome = await send(letter("ada@example.com,eve@example.com"), f"smtp://127.0.0.1:{office.port}")
    assert isinstance(outcome, Hopeless)
    assert office.connections == 0


def test_without_a_mail_server_letters_are_held() -> None:
    held = open_channel(means()).held()
    assert held is not None
    assert "LEADTRAIL_SMTP_URL" in held
    assert open_channel(by("smtp://127.0.0.1")).held() is None
