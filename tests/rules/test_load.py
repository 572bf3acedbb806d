"""leadtrail.yaml as text: every mistake at once and in its place, and nothing else is a mistake."""

import tracemalloc
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from server import assets
from server.clock import DAY
from server.errors import ConfigError, Mistake
from server.model import Role
from server.rules.load import load, load_file

from .people import HELLO, SITES, config, rule

BAD = sorted((Path(__file__).parent / "bad").glob("*.yaml"))


def said_of(text: str) -> list[Mistake]:
    """The mistakes in a text; none where it is a configuration."""
    try:
        load(text, "leadtrail.yaml")
    except ConfigError as error:
        assert error.mistakes
        return error.mistakes
    return []


def mistakes_in(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(text, "leadtrail.yaml")
    return str(caught.value).splitlines()


def test_there_are_bad_files_to_be_refused() -> None:
    assert len(BAD) >= 40


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_file_is_refused_with_exactly_these_mistakes(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_file(path)
    said = [f"{path.name}:{m.line}:{m.column}: {m.message}" for m in caught.value.mistakes]
    assert said == path.with_suffix(".txt").read_text().splitlines()


def test_every_expectation_belongs_to_a_bad_file() -> None:
    texts = {path.stem for path in (Path(__file__).parent / "bad").glob("*.txt")}
    assert texts == {path.stem for path in BAD}


def test_the_example_is_good() -> None:
    example = load_file(assets.path("examples", "leadtrail.yaml"))
    assert example.sites["main"].webdriver == "allow"
    assert [each.id for each in example.rules] == ["pricing-help", "thank-you"]


def test_the_smallest_file_is_one_site() -> None:
    small = load("sites: [{key: main}]", "leadtrail.yaml")
    assert (list(small.sites), len(small.rules), small.retention) == (["main"], 0, 90 * DAY)


def test_a_site_is_read_as_the_collector_needs_it() -> None:
    text = """
sites:
  - key: main
    origins: [https://WWW.Example.com:443/, http://localhost:8080, https://bücher.example, "https://[::1]:8443"]
    timezone: Asia/Tokyo
    cookie_domain: .Example.com
    redact: [Coupon]
    spa: hash
    gpc: ignore
    dnt: honour
    identity_secret_env: MAIN_SECRET
retention: forever
"""
    read = load(text, "leadtrail.yaml")
    site = read.sites["main"]
    assert site.origins == (
        "https://www.example.com",
        "http://localhost:8080",
        "https://xn--bcher-kva.example",
        "https://[::1]:8443",
    )
    assert (site.timezone, site.cookie_domain, site.redact) == ("Asia/Tokyo", "example.com", {"coupon"})
    assert (site.spa, site.webdriver, site.gpc, site.dnt) == ("hash", "refuse", "ignore", "honour")
    assert (read.retention, read.identity_secret_env) == (None, {"main": "MAIN_SECRET"})


def test_scalars_stay_the_text_that_was_written() -> None:
    text = "sites: [{key: NO}, {key: 010}]\nsegments: {2026-12-01: {if: [{attribute: country, is: NO}]}}"
    read = load(text, "leadtrail.yaml")
    assert list(read.sites) == ["NO", "010"]
    assert list(read.segments) == ["2026-12-01"]


def test_parts_that_are_still_empty_are_no_mistake() -> None:
    assert len(load("sites: [{key: main}]\nsegments:\nmessages:\n", "leadtrail.yaml").rules) == 0


def test_a_rule_is_for_everybody_unless_it_says_to_whom() -> None:
    assert rule().to == set(Role)
    assert rule("to: [visitors, users]").to == {Role.visitor, Role.user}
    assert rule("to: leads").to == {Role.lead}


def test_a_file_in_another_encoding_is_refused_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "leadtrail.yaml"
    path.write_bytes("sites:\n  - key: é".encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        load_file(path)
    assert caught.value.mistakes == [(2, 10, "this is no UTF-8; save the file in that encoding.")]


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "leadtrail.yaml"
    path.write_bytes(b"\xef\xbb\xbfsites:\r\n  - key: main\r\n")
    assert list(load_file(path).sites) == ["main"]


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()], ids=["missing", "a folder"])
def test_a_file_that_cannot_be_read_says_so(make: object, tmp_path: Path) -> None:
    path = tmp_path / "leadtrail.yaml"
    make(path)  # type: ignore[operator]
    with pytest.raises(
        ConfigError, match=r"leadtrail\.yaml:1:1: (there is no such file|the file cannot be read)"
    ):
        load_file(path)


def test_the_file_is_read_up_to_256_kib_and_not_a_byte_more(tmp_path: Path) -> None:
    path = tmp_path / "leadtrail.yaml"
    beginning = "sites: [{key: main}]\n#"
    path.write_text(beginning + "x" * (256 * 1024 - len(beginning)))
    assert list(load_file(path).sites) == ["main"]
    with path.open("a") as file:
        file.write("x")
    with pytest.raises(ConfigError, match="256 KiB"):
        load_file(path)
    assert "256 KiB" in mistakes_in(path.read_text())[0]


def test_500_messages_are_read_and_not_one_more() -> None:
    def file(number: int) -> str:
        return SITES + "messages:\n" + "".join(f"  - {{id: m{i}, {HELLO}}}\n" for i in range(number))

    assert len(load(file(500), "leadtrail.yaml").rules) == 500
    assert mistakes_in(file(501)) == [
        "leadtrail.yaml:503:5: the file has 501 messages; at most 500 are read."
    ]


def test_nesting_is_read_to_a_depth_of_10() -> None:
    deep = f"messages:\n  - {{id: a, {HELLO}, if: [{{any: [{{all: [{{not: {{did: a}}}}]}}]}}]}}\n"
    assert len(config(deep).rules) == 1


@pytest.mark.parametrize("text", ["[" * 200_000, "{" * 200_000, "- " * 100_000, "a: [" + "x," * 120_000])
def test_bombs_are_refused_in_little_memory(text: str) -> None:
    tracemalloc.start()
    try:
        assert mistakes_in(text)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


def test_of_very_many_mistakes_the_first_hundred_are_told() -> None:
    said = mistakes_in(SITES + "messages:\n" + "  - {id: a}\n" * 300)
    assert len(said) == 101
    assert said[-1].endswith("mistakes more from here on.")


WORDS = st.sampled_from(
    [
        *(
            "sites",
            "key",
            "main",
            "messages",
            "id",
            "if",
            "viewed",
            "/pricing",
            "deliver",
            "page",
            "title",
            "any",
        ),
        *(
            "not",
            "segments",
            "unless",
            "NO",
            "null",
            "~",
            "*",
            "&a",
            "!x",
            "{",
            "}",
            "[",
            "]",
            ":",
            "-",
            "'",
            "|",
        ),
        *("#", ",", "?", "é", "2026-12-01", "010", "\n", "  ", "\t", "times: more than 3"),
    ]
)


@given(st.lists(WORDS, max_size=60).map(" ".join))
def test_any_text_is_a_configuration_or_a_list_of_mistakes_within_it(text: str) -> None:
    for mistake in said_of(text):
        assert 1 <= mistake.line <= text.count("\n") + 2
        assert mistake.column >= 1


VALUES = st.recursive(
    st.none() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS.filter(str.strip), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_any_data_in_place_of_the_messages_is_read_or_refused(value: object) -> None:
    for mistake in said_of(yaml.safe_dump({"sites": [{"key": "main"}], "messages": value})):
        assert mistake.message
