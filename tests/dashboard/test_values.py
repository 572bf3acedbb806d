"""Every type of metadata is shown as what it is, and nothing but http and https becomes a link."""

from datetime import UTC
from typing import Any

import pytest

from server.dashboard.times import day_heading, span, when, zone_of
from server.dashboard.values import Value, label_of, present_amount, present_value, web_link

LISBON = zone_of("Europe/Lisbon")


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("plan", "Pro", Value("Pro")),
        ("seats", 12, Value("12", "number")),
        ("ratio", 1.5, Value("1.5", "number")),
        ("ratio", 2.0, Value("2", "number")),
        ("big", 2**63 - 1, Value("9223372036854775807", "number")),
        ("annual", True, Value("Yes", "boolean")),
        ("annual", False, Value("No", "boolean")),
        ("nothing", None, Value("–", "none")),
        ("price", {"amount": 4900, "currency": "eur"}, Value("€49.00", "money", note="EUR")),
        (
            "docs",
            "https://x.example/a?b=1",
            Value("https://x.example/a?b=1", "link", "https://x.example/a?b=1"),
        ),
        ("order", {"url": "https://x.example/1", "value": "#1"}, Value("#1", "link", "https://x.example/1")),
        ("order", {"url": "https://x.example/1", "value": 7}, Value("7", "link", "https://x.example/1")),
        (
            "stripe_customer",
            "cus_1A",
            Value("cus_1A", "stripe", "https://dashboard.stripe.com/customers/cus_1A"),
        ),
        ("stripe_invoice", "in_1A", Value("in_1A", "stripe", "https://dashboard.stripe.com/invoices/in_1A")),
        ("stripe_charge", "ch_1A", Value("ch_1A", "stripe", "https://dashboard.stripe.com/payments/ch_1A")),
        ("stripe_charge", "../../x", Value("../../x")),
        ("order_date", "soon", Value("soon")),
        ("seen_at", -1, Value("-1", "number")),
        ("seen_at", 10**15, Value(str(10**15), "number")),
    ],
)
def test_a_value_is_shown_as_what_it_is(key: str, value: Any, shown: Value) -> None:
    assert present_value(key, value, UTC) == shown


@pytest.mark.parametrize("key", ["order_date", "created_at"])
def test_a_date_is_shown_in_the_sites_time_zone(key: str) -> None:
    shown = present_value(key, 1_790_164_800, LISBON)
    assert (shown.text, shown.kind, shown.iso) == (
        "23 September 2026, 13:00",
        "date",
        "2026-09-23T13:00:00+01:00",
    )


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (5, "eur", "€0.05"),
        (123456789, "usd", "$1,234,567.89"),
        (-250, "gbp", "−£2.50"),
        (500, "jpy", "¥500"),
        (1234, "kwd", "1.234"),
        (100, "chf", "1.00"),
        (0, "xaf", "0"),
    ],
)
def test_an_amount_has_its_currencys_minor_units(amount: int, currency: str, text: str) -> None:
    assert present_amount(amount, currency) == Value(text, "money", note=currency.upper())


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)",
        "data:text/html,x", "vbscript:x", "//x.example", "/a", "https:", "https://", "http:///a",
        "file:///etc/passwd", "mailto:a@b.example",
        "https://x.example/\nb", "https://x.example/ b", "https://[::1", "blob:https://x.example/1",
        "", "\u202ehttps://x.example",
    ],
)  # fmt: skip
def test_what_is_no_web_address_is_no_link(url: str) -> None:
    assert web_link(url) is None
    assert present_value("docs", url, UTC).href is None
    assert present_value("docs", {"url": url, "value": "x"}, UTC).href is None


def test_a_key_is_read_as_a_label() -> None:
    assert [label_of(key) for key in ("order_date", "plan", "a-b", "__")] == [
        "Order date",
        "Plan",
        "A b",
        "__",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (185, "3 min 05 s"),
        (3_600, "1 h 00 min"),
        (3_725, "1 h 02 min"),
    ],
)
def test_durations_are_read_at_a_glance(seconds: int, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("passed", "text"),
    [
        (-5_000, "just now"),
        (59_000, "just now"),
        (60_000, "1 minute ago"),
        (7_200_000, "2 hours ago"),
        (86_400_000, "1 day ago"),
        (30 * 86_400_000, "24 Aug 2026"),
    ],
)
def test_a_moment_is_told_from_now(passed: int, text: str) -> None:
    now = 1_790_164_800_000
    assert when(now - passed, now, LISBON).ago == text


def test_days_are_those_of_the_time_zone() -> None:
    just_after_midnight = 1_790_164_800_000 + 11 * 3_600_000 + 60_000
    assert day_heading(just_after_midnight - 120_000, just_after_midnight, LISBON) == "Yesterday"
    assert day_heading(just_after_midnight - 120_000, just_after_midnight, UTC) == "Today"
    assert day_heading(1_758_628_800_000, just_after_midnight, UTC) == "Tuesday, 23 September 2025"


@pytest.mark.parametrize("name", ["", "Nowhere/At_All", "../../etc/passwd", "/etc/localtime", "a\x00b"])
def test_an_unknown_time_zone_is_utc(name: str) -> None:
    assert zone_of(name) is UTC
