"""Files of people or events as rows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.importing.table import Row, rows, scalar, seconds


def table(text: str) -> list[Row]:
    return list(rows(line.encode() for line in text.splitlines()))


def test_a_table_is_read_under_the_names_that_we_have() -> None:
    found = table(
        "﻿Name,User ID,Email,Signed up (Europe/Lisbon),custom_attributes.plan,Notes\n"
        'Ada,4711,ada@x.example,2026-01-31 10:00,Pro,"two\nlines, and a ""quote"""\n'
    )
    assert found == [
        Row(
            3,
            {
                "name": "Ada",
                "user_id": "4711",
                "email": "ada@x.example",
                "signed_up_at": "2026-01-31 10:00",
                "custom_attributes": {"plan": "Pro"},
                "Notes": 'two\nlines, and a "quote"',
            },
        )
    ]


def test_cells_that_are_empty_say_nothing() -> None:
    assert table("id;email;name\n1;;\n;;\n") == [Row(2, {"id": "1"})]


def test_objects_are_read_line_by_line() -> None:
    assert table('{"user_id": 1, "metadata": {"a": 1}}\n\n{"broken\n[1]\n{"email": "a"}') == [
        Row(1, {"user_id": 1, "metadata": {"a": 1}}),
        Row(3, None),
        Row(4, None),
        Row(5, {"email": "a"}),
    ]


def test_a_row_with_more_cells_than_the_header_is_not_readable() -> None:
    assert table("id,email\n1,a,b\n2,c") == [Row(2, None), Row(3, {"id": "2", "email": "c"})]


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_no_file_breaks_the_reader(lines: list[bytes]) -> None:
    for row in rows(lines):
        assert row.values is None or isinstance(row.values, dict)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (1_790_000_000, 1_790_000_000),
        ("1790000000", 1_790_000_000),
        ("1790000000000", 1_790_000_000),
        ("2026-09-21T14:13:20Z", 1_790_000_000),
        ("2026-09-21 14:13:20 UTC", 1_790_000_000),
        ("2026-09-21T16:13:20+02:00", 1_790_000_000),
        ("2026-09-21", 1_789_948_800),
        ("soon", None),
        ("", None),
        (True, None),
    ],
)
def test_times_are_read_in_every_common_form(text: object, expected: int | None) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", 3),
        ("-1.5", -1.5),
        ("007", "007"),
        ("TRUE", True),
        ('{"a": 1}', {"a": 1}),
        ("{x", "{x"),
        ("x", "x"),
    ],
)
def test_a_cell_means_a_number_a_truth_an_object_or_its_text(text: str, expected: object) -> None:
    assert scalar(text) == expected
