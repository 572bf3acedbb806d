"""A letter is what the rule says, for one person, and no text adds to its headers or its markup."""

from email.message import EmailMessage
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.messages.letter import Content, Mailbox, one_address, one_line, write_letter
from tests.messages.deliveries import letter as delivery

SHOP = Mailbox("The Shop", "hello@shop.example")
LINK = "https://t.example.com/unsubscribe/main.token"
HEADERS = {
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
}


def written(**content: Any) -> EmailMessage:
    sent = delivery(**content)
    return write_letter(sent, msgspec.convert(sent.content, Content), SHOP, LINK)


def part(letter: EmailMessage, kind: str) -> str:
    found = letter.get_body((kind,))
    assert found is not None
    return str(found.get_content())


def test_a_letter_says_the_same_in_plain_text_and_in_html() -> None:
    letter = written(
        body="Hi Ada & co,\n\nask <us>:\nhttps://shop.example/a?b=1&c=2.",
        button={"label": "Talk to us", "url": "https://shop.example/contact"},
    )
    assert letter.get_content_type() == "multipart/alternative"
    plain, html = part(letter, "plain"), part(letter, "html")
    assert plain.startswith("Hi Ada & co,\n\nask <us>:\nhttps://shop.example/a?b=1&c=2.\n")
    assert "Talk to us: https://shop.example/contact" in plain
    assert f"Unsubscribe: {LINK}" in plain
    assert "<p>Hi Ada &amp; co,</p>" in html
    assert "ask &lt;us&gt;:<br>" in html
    assert '<a href="https://shop.example/a?b=1&amp;c=2">https://shop.example/a?b=1&amp;c=2</a>.' in html
    assert 'href="https://shop.example/contact"' in html
    assert f'href="{LINK}"' in html


def test_its_headers_are_these_and_no_others() -> None:
    letter = written()
    assert set(letter.keys()) == HEADERS
    assert letter["From"] == "The Shop <hello@shop.example>"
    assert letter["To"] == "ada@example.com"
    assert letter["Message-ID"] == "<msg_0123456789abcdef@shop.example>"
    assert letter["Date"] == "Mon, 21 Sep 2026 14:13:20 +0000"
    assert letter["List-Unsubscribe"] == f"<{LINK}>"
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_every_try_writes_the_same_letter() -> None:
    first, second = written(), written()
    assert first["Message-ID"] == second["Message-ID"]
    assert part(first, "html") == part(second, "html")


def test_the_rule_may_say_who_writes_and_who_is_answered() -> None:
    letter = written(**{"from": {"name": "Rui, of sales"}, "reply_to": "rui@shop.example"})
    assert str(letter["From"]) == '"Rui, of sales" <hello@shop.example>'
    assert letter["Reply-To"] == "rui@shop.example"
    assert written(**{"from": {"email": "rui@shop.example"}})["From"] == "The Shop <rui@shop.example>"


def test_the_footer_is_in_the_persons_language() -> None:
    letter = written(language="pt-PT")
    assert "Cancelar a subscrição" in part(letter, "plain")
    assert '<html lang="pt-PT">' in part(letter, "html")
    assert "Unsubscribe" in part(written(language='xx"><script>'), "html")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@example.com, eve@example.com",
        "ada@example.com,eve@example.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\nBcc: eve@example.com",
        "Ada <ada@example.com>",
        "ada@example.com> RCPT TO:<eve@example.com",
        '"ada eve"@example.com',
        "ada@example..com",
        "ada@-example.com",
        "ada;eve@example.com",
        "ad\xe1@example.com",
        "a" * 65 + "@example.com",
        "ada@" + "a" * 60 + ("." + "a" * 60) * 4,
    ],
)
def test_a_letter_goes_to_one_address_or_nowhere(address: str) -> None:
    with pytest.raises(ValueError):
        written(to=address)
    with pytest.raises(ValueError):
        written(reply_to=address or "@")
    if address:
        with pytest.raises(ValueError):
            written(**{"from": {"email": address}})


def test_a_domain_may_be_written_in_any_script() -> None:
    assert one_address(" ada@b\xfccher.example ") == "ada@xn--bcher-kva.example"


@given(st.text())
def test_no_text_adds_a_header(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    letter = written(subject=text, body=text, **{"from": {"name": text, "email": "a@b.example"}})
    assert set(letter.keys()) == HEADERS
    again = letter.as_bytes()
    assert again.partition(b"\r\n\r\n")[0].count(b"\r\nSubject:") == 1
    assert len(one_line(text)) <= 200


@given(st.text(alphabet="<>&\"'ab:/.htps \n"))
def test_no_text_is_markup(text: str) -> None:
    html = part(written(body=text, subject="x"), "html")
    body = html.partition('max-width:34em;margin:0 auto">')[2].partition("<hr")[0]
    for tag in ("<p>", "</p>", "<br>", "</a>"):
        body = body.replace(tag, "")
    while '<a href="' in body:
        before, _, rest = body.partition('<a href="')
        assert rest.startswith("http")
        body = before + rest.partition('">')[2]
    assert "<" not in body
    assert ">" not in body
