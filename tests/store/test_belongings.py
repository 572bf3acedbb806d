"""What becomes of a person's rows is said for every table that has some, and all of it can be read."""

import pytest

from server.store.base import Store
from server.store.belongings import BELONGINGS
from server.store.tables import tables
from tests.trail.conftest import Site, site

__all__ = ["site"]


def test_every_table_of_a_persons_data_says_what_becomes_of_its_rows() -> None:
    of_people = {table.name for table in tables().values() if "person_id" in table.columns}
    assert of_people == set(BELONGINGS)


@pytest.mark.anyio
async def test_everything_of_a_person_is_read_with_those_who_were_merged_into_them(
    site: Site, store: Store
) -> None:
    await site.sends(
        "a", site.view("/a"), site.proves("u-1", name="Ada", price={"amount": 1, "currency": "eur"})
    )
    await site.sends("b", *(site.view("/pricing") for _ in range(4)))
    await site.sends("b", site.proves("u-1"))
    await site.sends("c", site.view("/c"))
    everything = await store.reads.everything((await site.user("u-1")).person_id)
    counts = {table: len(rows) for table, rows in everything.items() if rows}
    assert counts == {
        "people": 2, "identities": 3, "merges": 1, "totals": 4, "offers": 1, "events": 7, "milestones": 2
    }  # fmt: skip
    person = everything["people"][0]
    assert (person["name"], person["traits"]) == ("Ada", {"price": {"amount": 1, "currency": "eur"}})
    assert {row["ident"] for row in everything["identities"]} == {
        "main/visitor/a",
        "main/visitor/b",
        "main/user/u-1",
    }
