"""What an operator does with a person's data, on the person's page."""

import json
from pathlib import Path

import pytest
from msgspec import structs

from server.ids import public_id
from server.trail.merging import merge
from tests.dashboard.real_dashboard import Dashboard
from tests.story import Story

LEAD, USER = public_id(1), public_id(2)
PERSON = f"/dashboard/people/{USER}"


@pytest.fixture
def merged(dashboard: Dashboard) -> Dashboard:
    """A lead whose history joined a user's, and the operator signed in."""
    lead = Story(1).viewed("/pricing", 0).did("identify", 1_000, traits={"email": "ada@example.com"})
    user = Story(2).viewed("/", 5_000)
    user.person = structs.replace(user.person, user_id="u-1", verified=True, role=3)
    dashboard.tell(lead, user)

    async def join() -> None:
        async with dashboard.store.transaction() as transaction:
            people = await transaction.people([1, 2])
            await merge(
                transaction, people[1], people[2], by="user_hash", at=dashboard.now, now=dashboard.now
            )

    dashboard.run(join)
    dashboard.sign_in()
    return dashboard


def test_an_e_mail_that_nobody_proved_is_marked_though_the_user_is_known(merged: Dashboard) -> None:
    shown = merged.client.get(PERSON).text
    assert "Unverified" in shown
    assert "User id u-1" in shown


def test_the_merge_is_in_the_history_and_can_be_taken_apart(merged: Dashboard) -> None:
    shown = merged.client.get(PERSON).text
    assert "Joined with the history of another visitor" in shown
    assert "proved by user_hash" in shown
    answer = merged.client.post(
        f"{PERSON}/take-apart", data={"csrf": merged.field(PERSON), "merged": LEAD}, follow_redirects=True
    )
    assert answer.status_code == 200
    assert "Taken apart" in answer.text
    lead = merged.client.get(f"/dashboard/people/{LEAD}")
    assert (lead.status_code, "ada@example.com" in lead.text) == (200, True)
    again = merged.client.post(f"{PERSON}/take-apart", data={"csrf": merged.field(PERSON), "merged": LEAD})
    assert again.status_code == 409


def test_the_export_is_a_file(merged: Dashboard) -> None:
    exported = merged.client.get(f"{PERSON}/export.json")
    assert exported.headers["content-disposition"] == f'attachment; filename="{USER}.json"'
    assert json.loads(exported.content)["rows"]["events"] == 3
    table = merged.client.get(f"{PERSON}/export.csv")
    assert table.headers["content-type"].startswith("text/csv")
    assert merged.client.get(f"{PERSON}/export.xml").status_code == 404


def test_a_person_is_erased_once_the_box_is_ticked(merged: Dashboard, tmp_path: Path) -> None:
    csrf = merged.field(PERSON)
    assert merged.client.post(f"{PERSON}/erase", data={"csrf": csrf}).status_code == 400
    assert merged.client.get(PERSON).status_code == 200
    assert merged.client.post(f"{PERSON}/erase", data={"sure": "yes"}).status_code == 403
    erased = merged.client.post(f"{PERSON}/erase", data={"csrf": csrf, "sure": "yes"}, follow_redirects=False)
    assert (erased.status_code, erased.headers["location"]) == (303, "/dashboard/people")
    for gone in (PERSON, f"/dashboard/people/{LEAD}", f"{PERSON}/export.json"):
        assert merged.client.get(gone).status_code == 404
