"""The outbox as the operator sees it: what is held, what is parked and why, and what helps."""

import re
from typing import Any

from msgspec import structs

from server.ids import public_id
from server.model import Delivery
from server.store.base import Changes
from tests.dashboard.real_dashboard import Dashboard
from tests.dashboard.test_pages import text_of
from tests.story import NOON

OUTBOX = "/dashboard/outbox"
ERROR = "answered 500; given up after 10 tries"


def parked(number: int = 1, **fields: Any) -> Delivery:
    plain = Delivery(
        7,
        f"msg_{number:032x}",
        "main",
        "pricing-help",
        1,
        "webhook",
        NOON,
        NOON,
        tries=10,
        state="parked",
        content={"url": "https://crm.example.com/hook", "data": {}},
        error=ERROR,
    )
    return structs.replace(plain, **fields)


def put(dashboard: Dashboard, *deliveries: Delivery) -> None:
    async def save() -> None:
        async with dashboard.store.transaction() as transaction:
            await transaction.save(Changes(deliveries=deliveries))

    dashboard.run(save)


def counts(dashboard: Dashboard) -> dict[tuple[str, str], int]:
    return dashboard.run(dashboard.store.outbox.counts)


def press(dashboard: Dashboard, action: str, **fields: str) -> None:
    form = {"csrf": dashboard.field(OUTBOX), **fields}
    answer = dashboard.client.post(f"{OUTBOX}/{action}", data=form, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, OUTBOX)


def test_it_says_how_messages_leave(signed_in: Dashboard) -> None:
    page = signed_in.client.get(OUTBOX).text
    assert 'value="whsec_for+tests"' in page
    text = text_of(page)
    assert "Held. LEADTRAIL_SMTP_URL is not set" in text
    assert "Nothing is parked" in text


def test_it_says_what_is_parked_and_why(signed_in: Dashboard) -> None:
    letter = parked(2, channel="email", content={"to": "ada@example.com"}, error="550 no such user", tries=1)
    put(signed_in, parked(), letter, parked(3, state="waiting"))
    page = signed_in.client.get(OUTBOX).text
    text = text_of(page)
    assert "Parked 2" in text
    assert re.search(
        r"pricing-help Webhook about this person https://crm.example.com/hook answered 500", text
    )
    assert re.search(
        r"E-mail about this person ada@example.com 550 no such user Won 1 hour ago , tried 1 time ", text
    )
    assert f'href="/dashboard/people/{public_id(7)}"' in page
    assert re.search(r"Webhooks .* Waiting 1 Parked 1", text)


def test_one_is_sent_again(signed_in: Dashboard) -> None:
    put(signed_in, parked(1), parked(2))
    press(signed_in, "retry", id=parked(1).id)
    assert counts(signed_in) == {("webhook", "waiting"): 1, ("webhook", "parked"): 1}


def test_all_are_sent_again(signed_in: Dashboard) -> None:
    put(signed_in, parked(1), parked(2))
    press(signed_in, "retry")
    assert counts(signed_in) == {("webhook", "waiting"): 2}


def test_one_is_discarded(signed_in: Dashboard) -> None:
    put(signed_in, parked(1), parked(2))
    press(signed_in, "discard", id=parked(1).id)
    for nobodys in ("msg_unheard_of", parked(3).id, "a\0b", ""):
        press(signed_in, "discard", id=nobodys)
        press(signed_in, "retry", id=nobodys or "x")
    press(signed_in, "switch-on", address="a\0b")
    assert counts(signed_in) == {("webhook", "parked"): 1}


def test_an_address_is_switched_on_again(signed_in: Dashboard) -> None:
    outbox = signed_in.store.outbox
    url = "https://crm.example.com/hook"
    signed_in.run(lambda: outbox.switch_off("webhook", url, "answered 410: it wants no more messages", NOON))
    text = text_of(signed_in.client.get(OUTBOX).text)
    assert f"{url} answered 410: it wants no more messages, 1 hour ago" in text
    press(signed_in, "switch-on", address=url)
    assert "Switched off" not in text_of(signed_in.client.get(OUTBOX).text)


def test_many_are_shown_by_the_page(signed_in: Dashboard) -> None:
    put(signed_in, *(parked(number) for number in range(1, 61)))
    first = signed_in.client.get(OUTBOX).text
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older is not None
    second = signed_in.client.get(older[1]).text
    shown = [re.findall(r'name="id" value="(\w+)"', page) for page in (first, second)]
    assert (len(set(shown[0])), len(set(shown[1]))) == (50, 10)
    assert "← Newest" in second


def test_what_comes_from_outside_is_text(signed_in: Dashboard) -> None:
    nasty = "<script>alert(1)</script>"
    put(signed_in, parked(channel="email", content={"to": nasty}, rule=nasty, error=nasty))
    page = signed_in.client.get(OUTBOX).text
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 3
