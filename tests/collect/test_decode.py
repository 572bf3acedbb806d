"""Decoding: every limit one under and one over, and no input that breaks it."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.collect.decode import MAX_BODY, MAX_EVENT, decode_body, decode_hit, depth_over, rejection
from server.errors import BadRequest, EventRejected, RequestRefused, TooLarge


def body(**members: Any) -> bytes:
    return json.dumps({"site": "main", "events": [], **members}).encode()


def hit(**members: Any) -> bytes:
    return json.dumps({"name": "bought", **members}).encode()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"hello", "invalid_json"),
        (b"null", "wrong_shape"),
        (b'"page"', "wrong_shape"),
        (b"[]", "wrong_shape"),
        (b"{}", "wrong_shape"),
        (b'{"site":1,"events":[]}', "wrong_shape"),
        (b'{"site":"main","events":{}}', "wrong_shape"),
        (b'{/*x*/"site":"main"}', "invalid_json"),
        (b'{"site":"main"}{"site":"main"}', "invalid_json"),
        (b'{"site":"main","sent_at":NaN}', "invalid_json"),
        (b'{"site":"\xff"}', "invalid_json"),
        (b"\xef\xbb\xbf{}", "invalid_json"),
        (b"[" * 30_000, "wrong_shape"),
        (b'{"site":"main","x":' + b"[" * 30_000 + b"]" * 30_000 + b"}", "too_deep"),
    ],
)
def test_a_body_that_is_no_batch_is_refused_with_a_code(content: bytes, code: str) -> None:
    with pytest.raises(BadRequest) as refused:
        decode_body(content)
    assert refused.value.code == code


def test_a_body_may_have_64_kib_and_no_byte_more() -> None:
    exact = body(pad="").replace(b'"pad": ""', b'"pad": "' + b"x" * (MAX_BODY - len(body(pad=""))) + b'"')
    assert len(exact) == MAX_BODY
    assert decode_body(exact).site == "main"
    with pytest.raises(TooLarge):
        decode_body(exact + b" ")


def test_a_batch_may_have_100_events_and_not_one_more() -> None:
    assert len(decode_body(body(events=[{"name": "x"}] * 100)).events) == 100
    with pytest.raises(BadRequest) as refused:
        decode_body(body(events=[{"name": "x"}] * 101))
    assert refused.value.code == "too_many_events"


def test_json_may_be_six_levels_deep_and_not_seven() -> None:
    decode_body(body(extra=[[[[[1]]]]]))
    with pytest.raises(BadRequest) as refused:
        decode_body(body(extra=[[[[[[1]]]]]]))
    assert refused.value.code == "too_deep"


def test_an_event_that_is_too_deep_is_rejected_alone() -> None:
    decoded = decode_body(body(events=[{"name": "x", "extra": [[[[1]]]]}, {"name": "x", "extra": [[[1]]]}]))
    with pytest.raises(EventRejected) as rejected:
        decode_hit(decoded.events[0])
    assert rejected.value.code == "too_deep"
    assert decode_hit(decoded.events[1]).name == "x"


@pytest.mark.parametrize(
    ("under", "over", "code"),
    [
        ({"name": "n" * 120}, {"name": "n" * 121}, "invalid_name"),
        ({"id": "i" * 64}, {"id": "i" * 65}, "invalid_id"),
        ({"id": "aZ09_-"}, {"id": "a b"}, "invalid_id"),
        ({"url": "u" * 2048}, {"url": "u" * 2049}, "invalid_url"),
        ({"name": "a b"}, {"name": "a\nb"}, "invalid_name"),
        ({"name": "a"}, {"name": " "}, "invalid_name"),
        ({"at": 2**53}, {"at": 2**53 + 1}, "invalid_at"),
        ({"at": 0}, {"at": -1}, "invalid_at"),
    ],
)
def test_an_event_at_its_limit_is_taken_and_one_over_is_rejected(under: Any, over: Any, code: str) -> None:
    decode_hit(hit(**under))
    with pytest.raises(EventRejected) as rejected:
        decode_hit(hit(**over))
    assert rejected.value.code == code


def test_an_event_may_have_32_kib_and_no_byte_more() -> None:
    empty = hit(pad="")
    exact = empty.replace(b'""', b'"' + b"x" * (MAX_EVENT - len(empty)) + b'"')
    assert len(exact) == MAX_EVENT
    decode_hit(exact)
    with pytest.raises(EventRejected) as rejected:
        decode_hit(exact.replace(b"xx", b"xxx", 1))
    assert rejected.value.code == "event_too_large"


def test_unknown_members_are_ignored() -> None:
    assert decode_hit(hit(colour="red")).name == "bought"
    assert decode_body(body(colour="red")).site == "main"


def test_a_rejection_names_the_event_where_its_id_is_usable() -> None:
    error = EventRejected("c", "m")
    assert rejection(b'{"id":"abc","name":3}', error).id == "abc"
    assert rejection(b'{"id":"a b"}', error).id == ""
    assert rejection(b'{"id":7}', error).id == ""
    assert rejection(b"[]", error).id == ""


def test_brackets_inside_of_texts_are_no_depth() -> None:
    assert not depth_over(b'{"a":"[[[[[[[[","b":"\\"{{{{{{{"}', 2)
    assert depth_over(b'{"a":{"b":{}}}', 2)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(json_values)
def test_depth_is_what_a_recursive_count_says(value: Any) -> None:
    def depth(part: Any) -> int:
        inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else None
        return 0 if inner is None else 1 + max(map(depth, inner), default=0)

    text = msgspec.json.encode(value)
    for limit in range(6):
        assert depth_over(text, limit) == (depth(value) > limit)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_decoder(content: bytes) -> None:
    for decode in (decode_body, decode_hit):
        try:
            decode(content)
        except (RequestRefused, EventRejected):
            pass


@given(
    st.dictionaries(st.sampled_from(["name", "id", "at", "url", "title", "metadata", "traits"]), json_values)
)
def test_no_event_breaks_the_decoder(members: dict[str, Any]) -> None:
    try:
        assert decode_hit(msgspec.json.encode(members)).name
    except EventRejected as error:
        assert error.code
        assert len(error.message) < 400
