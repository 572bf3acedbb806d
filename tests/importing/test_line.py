"""One line of a log: what is read of it, and that nothing breaks the reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.importing.line import parse_line
from tests.importing.log_lines import FIREFOX, TEN, log_line


def test_every_field_is_read() -> None:
    line = parse_line(log_line("/pricing?plan=pro", referrer="https://search.example/?q=prices", status=304))
    assert line is not None
    assert line._asdict() == {
        "address": "203.0.113.7",
        "at": TEN,
        "method": "GET",
        "target": "/pricing?plan=pro",
        "status": 304,
        "referrer": "https://search.example/?q=prices",
        "user_agent": FIREFOX,
    }


@pytest.mark.parametrize(
    ("raw", "field", "value"),
    [
        (log_line(address="2001:DB8::7"), "address", "2001:db8::7"),
        (log_line(address="dsl-7.example.net"), "address", "dsl-7.example.net"),
        (b"www.example.com:443 " + log_line(address="2001:db8::7"), "address", "2001:db8::7"),
        (log_line().replace(b" - - ", b" - anna "), "address", "203.0.113.7"),
        (log_line(referrer="-"), "referrer", ""),
        (log_line(agent="-"), "user_agent", ""),
        (log_line(agent=""), "user_agent", ""),
        (log_line(agent=r"a \"quoted\" \\ name"), "user_agent", r'a "quoted" \ name'),
        (log_line(agent=r"tab\tand\x09hex"), "user_agent", "tab\tand\thex"),
        (log_line(agent="caf@").replace(b"@", b"\xe9"), "user_agent", "caf\ufffd"),
        (log_line("/caf@").replace(b"@", b"\xe9"), "target", "/caf%E9"),
        (log_line(r"/caf\xc3\xa9"), "target", "/café"),
        (log_line("/café"), "target", "/café"),
        (log_line(referrer=r"http://\xe4\xe5.example/"), "referrer", "http://%E4%E5.example/"),
        (log_line("/two words"), "target", "/two%20words"),
        (log_line(r"/a\"b"), "target", '/a"b'),
        (log_line("http://www.example.com/a?b=c"), "target", "http://www.example.com/a?b=c"),
        (log_line(method="PROPFIND"), "method", "PROPFIND"),
        (log_line(method="M-SEARCH"), "method", "M-SEARCH"),
        (log_line(request="GET / HTTP/2.0"), "method", "GET"),
        (log_line(request="GET / HTTP/3"), "method", "GET"),
        (log_line(request="-"), "method", ""),
        (log_line(request=""), "method", ""),
        (log_line(request="GET /"), "method", ""),
        (log_line(request=r"\x16\x03\x01\x02"), "method", ""),
        (log_line(status="-"), "status", 0),
        (log_line().replace(b" 512 ", b" - "), "status", 200),
        (log_line().replace(b"10:00:00 +0000", b"12:30:00 +0230"), "at", TEN),
        (log_line().replace(b"10:00:00 +0000", b"02:00:00 -0800"), "at", TEN),
        (log_line() + b' "198.51.100.1" 0.003', "user_agent", FIREFOX),
    ],
)  # fmt: skip
def test_what_servers_really_write_is_read(raw: bytes, field: str, value: object) -> None:
    line = parse_line(raw)
    assert line is not None
    assert getattr(line, field) == value


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"-",
        b"\x00" * 80,
        b'{"remote_addr": "203.0.113.7", "request": "GET / HTTP/1.1"}',
        log_line()[:-1],
        log_line()[:60],
        log_line(address="-"),
        log_line(agent='a "naked" quote'),
        log_line(status="20"),
        log_line(status="2000"),
        log_line().replace(b"17/May", b"31/Feb"),
        log_line().replace(b"May", b"Mai"),
        log_line().replace(b"10:00:00", b"24:00:00"),
        log_line().replace(b"+0000", b"+9900"),
        log_line().replace(b"2015", b"0000"),
        log_line().replace(b"2015", b"1969"),
        log_line().replace(b"17/May/2015:10:00:00 +0000", b"2015-05-17T10:00:00+00:00"),
        log_line().rsplit(b' "', 2)[0],
        log_line() + b"\n" + log_line(),
    ],
)
def test_what_is_no_line_of_the_format_is_none(raw: bytes) -> None:
    assert parse_line(raw) is None


@given(st.binary(max_size=400))
def test_no_bytes_break_the_parser(raw: bytes) -> None:
    parse_line(raw)


@given(line=st.just(log_line(r"/a\x41", referrer="http://a.example/")), data=st.data())
def test_no_damage_to_a_line_breaks_the_parser(line: bytes, data: st.DataObject) -> None:
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(line))] * 2)))
    parsed = parse_line(line[:start] + data.draw(st.binary(max_size=8)) + line[end:])
    assert parsed is None or (parsed.at > 0 and parsed.address != "")


@pytest.mark.parametrize(
    "hostile", [b'"' * 60_000, b"\\" * 60_001, b"a:1 " * 15_000, b"203.0.113.7 - - [" + b'\\"' * 30_000]
)
def test_lines_made_to_take_long_are_read_at_once(hostile: bytes) -> None:
    assert parse_line(hostile) is None
    assert parse_line(log_line(agent="@").replace(b"@", hostile) + b'"x') is None
