"""The steps of the schema, as an engine reads them."""

from server.store.schema import STEPS, statements


def test_comments_are_no_part_of_a_steps_statements() -> None:
    assert statements("-- a; b\nCREATE TABLE a (x INT); -- c\n\nCREATE TABLE b (y INT);", {}) == [
        "CREATE TABLE a (x INT)",
        "CREATE TABLE b (y INT)",
    ]


def test_an_engine_puts_its_words_for_others_or_leaves_them_out() -> None:
    script = "CREATE TABLE a (j JSON, json_kind TEXT) WITHOUT ROWID;"
    assert statements(script, {"JSON": "TEXT", "WITHOUT ROWID": ""}) == [
        "CREATE TABLE a (j TEXT, json_kind TEXT)"
    ]


def test_the_steps_are_numbered_without_gap_or_repeat() -> None:
    """A database keeps how many it has, so two of one number would be one of them too few."""
    assert [int(step.name[:4]) for step in STEPS] == list(range(1, len(STEPS) + 1))
