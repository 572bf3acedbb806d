"""One page has one path, and secrets in addresses are not kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.people.page import SECRET_PARAMETERS, page_path, redact, utm_of


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://www.example.com/pricing", "/pricing"),
        ("https://www.example.com/pricing/", "/pricing"),
        ("https://www.example.com/pricing?utm_source=x", "/pricing"),
        ("https://www.example.com/pricing#plans", "/pricing"),
        ("https://www.example.com", "/"),
        ("https://www.example.com/?a=b", "/"),
        ("/pricing/", "/pricing"),
        ("https://www.example.com/caf%C3%A9", "/caf%C3%A9"),
        ("https://www.example.com/café", "/caf%C3%A9"),
        ("https://www.example.com/%7Ejoe", "/~joe"),
        ("https://www.example.com/a%2fb", "/a%2Fb"),
        ("https://www.example.com/100%", "/100%25"),
        ("https://www.example.com/a b", "/a%20b"),
    ],
)
def test_a_page_is_its_path_in_one_form(url: str, path: str) -> None:
    assert page_path(url) == path


def test_a_site_that_routes_by_hash_keeps_the_route() -> None:
    assert page_path("https://example.com/app#/cart/?x=1", keep_fragment=True) == "/app#/cart"
    assert page_path("https://example.com/app#top", keep_fragment=True) == "/app"


@given(st.text(max_size=60))
def test_normalising_a_path_twice_changes_nothing(text: str) -> None:
    once = page_path("/" + text.replace("?", "").replace("#", "").lstrip("/"))
    assert page_path(once) == once


def test_secret_parameters_keep_their_name_and_lose_their_value() -> None:
    assert redact("https://a.example/x?token=abc&page=2&EMAIL=a%40b.c") == (
        "https://a.example/x?token=redacted&page=2&EMAIL=redacted"
    )


def test_a_site_can_name_further_secrets() -> None:
    assert (
        redact("https://a.example/?iban=1&x=1", frozenset({"iban"})) == "https://a.example/?iban=redacted&x=1"
    )


def test_a_fragment_is_dropped_unless_the_site_routes_by_it() -> None:
    assert redact("https://a.example/x#access_token=abc") == "https://a.example/x"
    assert (
        redact("https://a.example/x#/y?token=abc", keep_fragment=True)
        == "https://a.example/x#/y?token=redacted"
    )


@given(st.sampled_from(sorted(SECRET_PARAMETERS)), st.text(alphabet="abcdefXYZ0123", min_size=6, max_size=40))
def test_no_secret_value_survives(name: str, value: str) -> None:
    assert value not in redact(f"https://a.example/?q=1&{name}={value}&r=2")


def test_utm_parameters_come_by_their_short_names() -> None:
    assert utm_of("https://a.example/?utm_source=news+letter&utm_campaign=a%20b&utm_id=7&x=1") == {
        "source": "news letter",
        "campaign": "a b",
    }
    assert utm_of("https://a.example/?x=1") == {}
