"""What is kept of attempts at forms: names and reasons.

The snippet never reads a value. A page may name its fields after people: such names are masked here.
"""

import re
from itertools import islice
from typing import Any

from server.model import Metadata

NAMES = frozenset({"form_error", "form_submit"})

MASK = "[redacted]"
OWN_RULE = "customError"
"""The reason of a field for which none was said: a rule of the page's own, as ValidityState has it."""

MAX_FIELDS = 20
MAX_NAME = 64
"""What is over is cut: a page does not choose how many of its fields are wrong."""

_REVEALING = re.compile(r"@|\d{6}|[\da-f]{16}", re.IGNORECASE)
"""An e-mail address, a number of six digits, an id of 64 bits."""


def clean_attempt(metadata: Metadata) -> Metadata:
    """The metadata of a form's event with masked names, each field once and with a reason.

    It must have been checked: texts are texts, and fields hold `name` and `reason` only.
    """
    cleaned = dict(metadata)
    if isinstance(form := cleaned.get("form"), str):
        cleaned["form"] = masked(form)
    fields: Any = cleaned.get("fields")
    if isinstance(fields, list):
        reasons: dict[str, str] = {}
        for field in fields:
            reason = field.get("reason") or OWN_RULE
            reasons.setdefault(masked(field.get("name") or ""), reason[:MAX_NAME])
        cleaned["fields"] = [
            {"name": name, "reason": reason} for name, reason in islice(reasons.items(), MAX_FIELDS)
        ]
    return cleaned


def masked(name: str) -> str:
    """The name of a form or a field, unless it may say who somebody is."""
    return MASK if _REVEALING.search(name) else name[:MAX_NAME]
