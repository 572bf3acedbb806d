"""Cleaning: the clock rule, the page, redaction, and the types of metadata."""

from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.clock import DAY, MINUTE
from server.collect.clean import clean, clean_metadata, clean_traits, corrected, language_of
from server.collect.decode import Hit
from server.errors import EventRejected
from server.identity import Proof
from server.model import Event, Site
from server.people.proof import user_hash

NOW = 1_790_000_000_000
SITE = Site(key="main", redact=frozenset({"iban"}))


def cleaned(**members: Any) -> Event:
    return clean(Hit(**{"name": "page_view", "url": "https://example.com/a", **members}), SITE, NOW, None)


def test_the_time_is_when_it_happened_by_the_servers_clock() -> None:
    # The browser's clock is 1,000 s ahead; it sent 5 s after the event.
    assert corrected(NOW + 995_000, NOW, NOW + 1_000_000) == NOW - 5_000


def test_without_a_time_it_happened_when_it_was_received() -> None:
    assert corrected(None, NOW, None) == NOW


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOW - 7 * DAY, NOW - 7 * DAY),
        (NOW - 7 * DAY - 1, NOW - 7 * DAY),
        (NOW + 5 * MINUTE, NOW + 5 * MINUTE),
        (NOW + 5 * MINUTE + 1, NOW + 5 * MINUTE),
        (0, NOW - 7 * DAY),
    ],
)
def test_a_time_is_kept_within_seven_days_back_and_five_minutes_ahead(at: int, expected: int) -> None:
    assert corrected(at, NOW, NOW) == expected


@given(st.floats(0, 2**53), st.none() | st.floats(0, 2**53))
def test_no_clock_leaves_the_window(at: float, sent_at: float | None) -> None:
    assert NOW - 7 * DAY <= corrected(at, NOW, sent_at) <= NOW + 5 * MINUTE


def test_url_path_and_referrer_are_redacted() -> None:
    event = cleaned(
        url="https://joe:pw@example.com/a/?token=abc&iban=1#x",
        referrer="https://other.example/?email=a@b.example",
    )
    assert event.url == "https://example.com/a/?token=redacted&iban=redacted"
    assert event.path == "/a"
    assert event.referrer == "https://other.example/?email=redacted"


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "//example.com/", "/relative", "http://", "ftp://example.com/",
     "https://exa mple.com/", "https://example.com/\x00", "https://[::1", "https://example.com:99999/"],
)  # fmt: skip
def test_a_url_that_is_not_of_the_web_is_refused(url: str) -> None:
    with pytest.raises(EventRejected) as rejected:
        cleaned(url=url)
    assert rejected.value.code == "invalid_url"


def test_a_page_view_needs_its_url_and_a_custom_event_does_not() -> None:
    with pytest.raises(EventRejected):
        cleaned(url=None)
    assert cleaned(name="bought", url=None).path == ""


def test_title_and_referrer_are_cut_and_not_refused() -> None:
    event = cleaned(title="t" * 600 + "\x00", referrer="https://example.com/" + "r" * 3000)
    assert (len(event.title), len(event.referrer)) == (512, 2048)


def test_a_bad_referrer_is_dropped() -> None:
    assert cleaned(referrer="javascript:alert(1)").referrer == ""


def test_an_event_without_an_id_gets_one_from_the_server() -> None:
    assert cleaned().id != cleaned().id


@pytest.mark.parametrize(
    "metadata",
    [
        {"text": "x" * 1024, "number": 1.5, "integer": 2**63 - 1, "yes": True, "none": None},
        {"price": {"amount": 4900, "currency": "eur"}},
        {"order": {"url": "https://shop.example/o/1", "value": "Order 1"}},
        {f"k{n}": n for n in range(20)},
        {"k" * 64: 1},
    ],
)
def test_the_documented_types_are_taken(metadata: dict[str, Any]) -> None:
    assert clean_metadata(metadata, "bought") == metadata


@pytest.mark.parametrize(
    "metadata",
    [
        {f"k{n}": n for n in range(21)},
        {"k" * 65: 1},
        {"": 1},
        {"__proto__": 1},
        {"a\x00b": 1},
        {"t": "x" * 1025},
        {"t": "a\x00b"},
        {"n": 2**63},
        {"n": -(2**63) - 1},
        {"o": {"deep": {"er": 1}}},
        {"l": [1, 2]},
        {"price": {"amount": 49.5, "currency": "eur"}},
        {"price": {"amount": True, "currency": "eur"}},
        {"price": {"amount": 1, "currency": "euro"}},
        {"price": {"amount": 1, "currency": "eur", "x": 1}},
        {"order": {"url": "javascript:alert(1)", "value": "x"}},
        {"order": {"url": "https://a.example/", "value": {}}},
        {"fields": [{"name": "email"}]},
    ],
)
def test_other_metadata_is_refused_with_its_key(metadata: dict[str, Any]) -> None:
    with pytest.raises(EventRejected) as rejected:
        clean_metadata(metadata, "bought")
    assert rejected.value.code == "invalid_metadata"


def test_a_form_error_carries_its_fields() -> None:
    metadata = {"form": "signup", "fields": [{"name": "email", "reason": "typeMismatch"}]}
    assert clean_metadata(metadata, "form_error") == metadata
    for bad in ("email", [{"name": 1}], [{"value": "typed"}]):
        with pytest.raises(EventRejected):
            clean_metadata({"fields": bad}, "form_error")


def test_an_e_mail_is_kept_in_lower_case() -> None:
    assert clean_traits({"email": " Ada@Example.COM "})[0]["email"] == "ada@example.com"


@pytest.mark.parametrize(
    "email", ["ada", "ada@", "@example.com", "a b@example.com", "<a@example.com>", 7, "a@b"]
)
def test_what_is_no_e_mail_is_refused(email: Any) -> None:
    with pytest.raises(EventRejected):
        clean_traits({"email": email})


@pytest.mark.parametrize("proof", ["", "abc", None])
def test_a_proof_that_cannot_be_checked_is_an_error_and_never_no_proof(proof: Any) -> None:
    with pytest.raises(EventRejected) as rejected:
        clean_traits({"user_id": "7", "user_hash": proof})
    assert rejected.value.code == "invalid_proof"


def test_an_identifier_may_have_128_characters_and_is_refused_over_that() -> None:
    assert clean_traits({"user_id": "u" * 128})[0]["user_id"] == "u" * 128
    for refused in ("u" * 129, " ", "\t"):
        with pytest.raises(EventRejected) as rejected:
            clean_traits({"user_id": refused})
        assert rejected.value.code in ("invalid_traits", "invalid_metadata")


def test_a_proof_covers_what_the_sites_server_signed() -> None:
    secret = "the site's secret"
    given = {"user_id": 7, "email": "Ada@Example.com", "user_hash": user_hash(secret, "7")}
    assert clean_traits(given, secret, NOW) == (
        {"user_id": "7", "email": "ada@example.com"},
        Proof("user_hash", user_id="7", covers=frozenset({"user_id"})),
    )
    token = jwt.encode({"user_id": "7", "email": "Ada@Example.com"}, secret.ljust(64, "\0"))
    assert clean_traits({"user_jwt": token, "plan": "Pro"}, secret, NOW) == (
        {"user_id": "7", "email": "ada@example.com", "plan": "Pro"},
        Proof("user_jwt", "7", "ada@example.com", frozenset({"user_id", "email"})),
    )


def test_the_limits_hold_for_what_is_proved_as_well() -> None:
    secret = "the site's secret"
    with pytest.raises(EventRejected) as rejected:
        clean_traits({"user_id": "u" * 129, "user_hash": user_hash(secret, "u" * 129)}, secret, NOW)
    assert rejected.value.code == "invalid_traits"


@pytest.mark.parametrize(
    ("header", "language"),
    [("pt-BR,pt;q=0.9", "pt-br"), ("en", "en"), ("", ""), ("*", ""), ("<script>", ""), ("de;q=1", "de")],
)
def test_the_language_is_the_first_of_the_header(header: str, language: str) -> None:
    assert language_of(header) == language


texts = st.text(max_size=40)
values = (
    texts
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.none()
    | st.dictionaries(texts, texts, max_size=3)
)


@given(st.dictionaries(texts, values, max_size=25))
def test_metadata_is_kept_as_it_came_or_refused(metadata: dict[str, Any]) -> None:
    try:
        assert clean_metadata(dict(metadata), "bought") == metadata
    except EventRejected as error:
        assert error.code == "invalid_metadata"
        assert len(error.message) < 300


def test_an_address_that_was_clicked_is_cut_and_not_refused() -> None:
    event = cleaned(name="link_click", metadata={"href": "https://elsewhere.example/" + "x" * 2_000})
    assert len(str(event.metadata["href"])) == 1_024


def test_names_of_forms_and_fields_are_masked() -> None:
    event = cleaned(name="form_error", metadata={"form": "f", "fields": [{"name": "ana@example.com"}]})
    assert event.metadata == {"form": "f", "fields": [{"name": "[redacted]", "reason": "customError"}]}
