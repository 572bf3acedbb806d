"""`where`: what the metadata of an event must be. Numbers are compared as numbers, money in minor units and
within one currency, dates as dates.

A date is a value whose key ends in `_at` or `_date`: Unix seconds, as the collector takes it.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import PlainValidator, ValidationError, ValidationInfo
from pydantic_core import InitErrorDetails

from server.clock import SECOND
from server.model import Metadata
from server.rules.grammar import Comparison, Period, as_number, parse_comparison, parse_period
from server.rules.values import text_of, zones_of

MAX_KEYS = 20
_DATE_KEY = re.compile(r".+_(?:at|date)")


class Money(NamedTuple):
    """An amount of money: of one currency, in minor units."""

    currency: str
    amount: Comparison | None

    def holds(self, value: object) -> bool:
        if not isinstance(value, dict) or str(value.get("currency", "")).lower() != self.currency:
            return False
        return self.amount is None or self.amount.holds(value.get("amount"))

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}" if self.amount else self.currency


class Where(NamedTuple):
    """What each named value must be; all must hold."""

    wanted: Mapping[str, Comparison | Period | Money]

    def holds(self, metadata: Metadata, now: int, site: str) -> bool:
        return all(_holds(wanted, metadata.get(key), now, site) for key, wanted in self.wanted.items())

    def __str__(self) -> str:
        return ", ".join(f"{key} {wanted}" for key, wanted in self.wanted.items())


def _holds(wanted: Comparison | Period | Money, value: object, now: int, site: str) -> bool:
    if value is None:
        return False
    if isinstance(wanted, Period):
        seconds = as_number(value)
        return seconds is not None and wanted.holds(int(seconds * SECOND), now, site)
    if isinstance(wanted, Comparison) and isinstance(value, dict):
        # A link with a text is compared by its text.
        return "value" in value and wanted.holds(value["value"])
    return wanted.holds(value)


def _parse(value: Any, info: ValidationInfo) -> Where:
    """Raises pydantic's ValidationError with every mistake in the mapping."""
    if not isinstance(value, dict) or not value:
        raise ValueError("`where` is a mapping of metadata, such as {plan: Pro, seats: more than 10}.")
    if len(value) > MAX_KEYS:
        raise ValueError(f"`where` has {len(value)} keys; an event has at most {MAX_KEYS}.")
    wanted: dict[str, Comparison | Period | Money] = {}
    mistakes: list[InitErrorDetails] = []
    for key, text in value.items():
        try:
            wanted[key] = _parse_wanted(key, text, info)
        except ValueError as error:
            place = (key, *getattr(error, "steps", ()))
            mistakes.append(InitErrorDetails(type="value_error", loc=place, input=text, ctx={"error": error}))
    if mistakes:
        raise ValidationError.from_exception_data("where", mistakes)
    return Where(wanted)


def _parse_wanted(key: str, value: Any, info: ValidationInfo) -> Comparison | Period | Money:
    if isinstance(value, dict):
        return _parse_money(key, value)
    text = text_of(value)
    if _DATE_KEY.fullmatch(key):
        return parse_period(text, zones_of(info))
    return parse_comparison(text)


def _parse_money(key: str, value: Mapping[str, Any]) -> Money:
    example = "{currency: eur, amount: at least 4900}, in cents"
    if unknown := [name for name in value if name not in ("currency", "amount")]:
        other = str(unknown[0])[:40]
        raise ValueError(f"Money has a currency and an amount, no `{other}`; write {key}: {example}.")
    if "currency" not in value:
        raise ValueError(f"Money is compared within one currency; write {key}: {example}.")
    currency = text_of(value["currency"]).strip().lower()
    if not re.fullmatch(r"[a-z]{3}", currency):
        raise ValueError(f"'{currency[:20]}' is no currency; write its three letters, such as eur.")
    if "amount" not in value:
        return Money(currency, None)
    amount = parse_comparison(text_of(value["amount"]))
    if amount.low is None and amount.high is None and as_number(amount.text) is None:
        raise ValueError(f"'{amount.text[:40]}' is no amount; write {key}: {example}.")
    return Money(currency, amount)


WhereText = Annotated[Where, PlainValidator(_parse, json_schema_input_type=dict[str, str | dict[str, str]])]
