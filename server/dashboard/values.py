"""One value of an event's metadata as what it is: a link, a date, an amount, an id at Stripe. Pure.

Everything here came from a visitor. Only http and https addresses become links.
"""

import re
from datetime import UTC, datetime, tzinfo
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

_NO_MINOR_UNITS = frozenset({
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
    "XOF", "XPF",
})  # fmt: skip
_THREE_DIGITS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
"""ISO 4217: currencies without minor units and with thousandths; all others have hundredths."""

_SYMBOLS = {
    "AUD": "A$", "BRL": "R$", "CAD": "CA$", "CNY": "CN¥", "EUR": "€", "GBP": "£", "ILS": "₪", "INR": "₹",
    "JPY": "¥", "KRW": "₩", "MXN": "MX$", "NGN": "₦", "NZD": "NZ$", "PHP": "₱", "TRY": "₺", "UAH": "₴",
    "USD": "$", "VND": "₫",
}  # fmt: skip

_STRIPE_PATHS = {"stripe_invoice": "invoices", "stripe_customer": "customers", "stripe_charge": "payments"}
_STRIPE_ID = re.compile(r"[a-z]{2,4}_[A-Za-z0-9_]{1,80}")

_LATEST_DATE = 253_402_300_799
"""The end of the year 9999, in Unix seconds."""


class Value(NamedTuple):
    """What is shown. `note` follows the text in a quieter voice; `iso` is a date for machines."""

    text: str
    kind: str = "text"
    """text, number, boolean, date, link, money, stripe or none."""
    href: str | None = None
    note: str = ""
    iso: str = ""


def present_value(key: str, value: Any, zone: tzinfo) -> Value:
    """The value under this metadata key; dates in the site's time zone."""
    if isinstance(value, bool):
        return Value("Yes" if value else "No", "boolean")
    if value is None:
        return Value("–", "none")
    if isinstance(value, (int, float)):
        is_date = key.endswith(("_date", "_at")) and 0 <= value <= _LATEST_DATE
        return _date(value, zone) if is_date else _number(value)
    if isinstance(value, dict):
        return _object(value)
    text = str(value)
    if key in _STRIPE_PATHS and _STRIPE_ID.fullmatch(text):
        return Value(text, "stripe", f"https://dashboard.stripe.com/{_STRIPE_PATHS[key]}/{text}")
    return Value(text, "link", href) if (href := web_link(text)) else Value(text)


def web_link(url: str) -> str | None:
    """The URL if it may stand in a link: http or https, with a host and without anything invisible."""
    if not url.isprintable() or " " in url:
        return None
    parts = parts_of(url)
    return url if parts.scheme in ("http", "https") and parts.hostname else None


def parts_of(url: str) -> SplitResult:
    """The URL in its parts; all of them empty where it cannot be read."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def present_amount(amount: int, currency: str) -> Value:
    """Minor units in their currency: 4900 of eur is €49.00, 500 of jpy is ¥500."""
    code = currency.upper()
    digits = 0 if code in _NO_MINOR_UNITS else 3 if code in _THREE_DIGITS else 2
    whole, part = divmod(abs(amount), 10**digits)
    number = f"{whole:,}" + (f".{part:0{digits}d}" if digits else "")
    return Value(f"{'−' if amount < 0 else ''}{_SYMBOLS.get(code, '')}{number}", "money", note=code)


def label_of(key: str) -> str:
    """A metadata key as a label: `order_date` becomes `Order date`."""
    if key == "href":
        return "Link"
    text = key.replace("_", " ").replace("-", " ").strip() or key
    return text[:1].upper() + text[1:]


def _number(value: int | float) -> Value:
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e15
    return Value(str(int(value) if whole else value), "number")


def _date(seconds: float, zone: tzinfo) -> Value:
    moment = datetime.fromtimestamp(seconds, UTC).astimezone(zone)
    return Value(f"{moment.day} {moment:%B %Y, %H:%M}", "date", iso=moment.isoformat(timespec="seconds"))


def _object(value: dict[str, Any]) -> Value:
    amount, currency = value.get("amount"), value.get("currency")
    if isinstance(amount, int) and isinstance(currency, str):
        return present_amount(amount, currency)
    url = value.get("url")
    text = str(value.get("value") or url or "–")
    return Value(text, "link", web_link(url)) if isinstance(url, str) else Value(text)
