"""What is kept of attempts at forms says nothing of who made them."""

from typing import Any

import pytest

from server.collect.attempts import MASK, clean_attempt, masked


@pytest.mark.parametrize(
    "name", ["ana@example.com", "field-1234567", "row_9f8e7d6c5b4a39281706", "ORDER-0A1B2C3D4E5F6071"]
)
def test_a_name_that_may_say_who_somebody_is_is_masked(name: str) -> None:
    assert masked(name) == MASK


@pytest.mark.parametrize("name", ["email", "address-line-2", "items[12].price", "straße", "[password]"])
def test_other_names_stay_as_they_are(name: str) -> None:
    assert masked(name) == name


def test_a_field_is_kept_once_and_has_a_reason() -> None:
    radios: list[dict[str, Any]] = [{"name": "plan", "reason": "valueMissing"}] * 3
    cleaned = clean_attempt({"form": "signup", "fields": [*radios, {"name": "phone"}]})
    assert cleaned == {
        "form": "signup",
        "fields": [
            {"name": "plan", "reason": "valueMissing"},
            {"name": "phone", "reason": "customError"},
        ],
    }


def test_an_attempt_without_fields_is_kept_as_it_is() -> None:
    assert clean_attempt({"form": "ana@example.com", "ok": True}) == {"form": MASK, "ok": True}


def test_more_fields_and_longer_names_than_are_kept_are_cut() -> None:
    fields = [{"name": f"{number}{'x' * 99}", "reason": "y" * 99} for number in range(30)]
    kept = clean_attempt({"form": "f", "fields": fields})["fields"]
    assert len(kept) == 20
    assert {(len(field["name"]), len(field["reason"])) for field in kept} == {(64, 64)}
