"""Which pages a pattern means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.people.page import page_path
from server.rules.pages import any_of, parse_host, parse_page

PATHS = st.text(st.characters(codec="utf-8", exclude_characters="?#"), max_size=20).map(
    lambda text: page_path(f"/{text}")
)


@pytest.mark.parametrize(
    ("pattern", "same", "other"),
    [
        ("/pricing", ["/pricing"], ["/", "/pricing/pro", "/Pricing"]),
        ("/pricing/", ["/pricing"], ["/pricing/pro"]),
        ("/", ["/"], ["/pricing"]),
        ("/pricing*", ["/pricing", "/pricing-old", "/pricing/pro/yearly"], ["/", "/the/pricing"]),
        ("/docs/*", ["/docs/a", "/docs/a/b"], ["/docs", "/docsets"]),
        ("*/pricing", ["/pricing", "/pt/pricing"], ["/pricing/pro"]),
        ("/*/pricing", ["/pt/pricing", "/a/b/pricing"], ["/pricing"]),
        ("/v?/docs", ["/v1/docs", "/vé/docs"], ["/v10/docs", "/v/docs"]),
        ("/a?*", ["/ab", "/abc"], ["/a"]),
        ("*", ["/", "/a/b"], []),
        ("/preços", ["/preços", "/pre%C3%A7os"], ["/precos"]),
        ("/preços*", ["/preços/pt"], ["/precos"]),
        ("/a.c*", ["/a.cd"], ["/abcd"]),
        ("/a(b*", ["/a(bc"], ["/ab"]),
        ("/#/cart", ["/#/cart"], ["/"]),
        ("/#/cart*", ["/#/cart/2"], ["/cart"]),
        ("re:^/docs/v[0-9]+/", ["/docs/v2/intro"], ["/docs/v2", "/old/docs/v2/x"]),
        ("re:checkout", ["/pt/checkout/pay"], ["/check/out"]),
        ("re:(?i)^/PRICING$", ["/pricing"], ["/prices"]),
    ],
)
def test_a_pattern_means_these_pages_and_not_those(pattern: str, same: list[str], other: list[str]) -> None:
    page = parse_page(pattern)
    assert [path for path in same if not page.matches(page_path(path, True))] == []
    assert [path for path in other if page.matches(page_path(path, True))] == []


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("https://www.example.com/pricing/?a=b", "write '/pricing/'"),
        ("//example.com/pricing", "write '/pricing'"),
        ("pricing", "write '/pricing'"),
        ("/pricing?plan=pro", "write '/pricing'"),
        ("re:(", "RE2"),
        ("re:(?=x)", "RE2"),
        ("re:(a)\\1", "RE2"),
        ("re:", "needs a regex"),
    ],
)
def test_what_is_no_page_is_refused_with_advice(text: str, advice: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_page(text)
    assert advice in str(caught.value)


@given(PATHS)
def test_a_page_written_as_it_is_shown_is_that_page(path: str) -> None:
    if "*" not in path:
        assert parse_page(path).matches(path)


@given(PATHS, st.integers(0, 20), st.integers(0, 20))
def test_a_star_in_place_of_any_piece_matches(path: str, start: int, length: int) -> None:
    piece = path[start + 1 : start + 1 + length]
    glob = path[: start + 1] + "*" + path[start + 1 + len(piece) :]
    # Half an escape is no text that somebody would write.
    if "%" not in path:
        assert parse_page(glob).matches(path)


@given(st.lists(st.sampled_from(["/a*", "/b?c", "*x*", "re:^/d+$", "re:e|f"]), min_size=1), PATHS)
def test_one_expression_for_all_patterns_misses_none(texts: list[str], path: str) -> None:
    patterns = [parse_page(text) for text in texts]
    assert any_of(patterns)(path) == any(pattern.matches(path) for pattern in patterns)


def test_patterns_that_no_single_expression_can_hold_are_asked_one_by_one() -> None:
    patterns = [parse_page("re:^/[a-f]{200}$"), parse_page("re:^/[g-z]{200}$")]
    assert not any_of(patterns)("/zzz")
    assert any_of(patterns, max_memory=1_000)("/zzz")


@pytest.mark.parametrize(
    ("pattern", "host", "expected"),
    [
        ("*.google.com", "www.google.com", True),
        ("*.google.com", "google.com", False),
        ("*.google.com", "www.google.com.evil.example", False),
        ("News.Example.com", "news.example.com", True),
        ("news.example.com", "", False),
        ("*", "", False),
    ],
)
def test_hosts(pattern: str, host: str, expected: bool) -> None:
    assert parse_host(pattern).matches(host) is expected
