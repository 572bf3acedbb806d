"""What became of a site's forms, on every engine."""

import pytest

from server.clock import MINUTE
from server.store.base import FieldTally, FormTally, Store
from tests.store.test_reads import tell
from tests.story import NOON, Story

pytestmark = pytest.mark.anyio


def failed(story: Story, at: int, *fields: str, form: str = "signup") -> Story:
    named = [{"name": name, "reason": "valueMissing"} for name in fields]
    return story.did("form_error", at, "/signup", metadata={"form": form, "fields": named})


def sent(story: Story, at: int, form: str = "signup") -> Story:
    return story.did("form_submit", at, "/signup", metadata={"form": form, "ok": True})


async def test_attempts_fields_and_who_got_through_are_counted(store: Store) -> None:
    ada = sent(failed(failed(Story(1), 0, "email", "phone"), MINUTE, "email"), 2 * MINUTE)
    bob = failed(sent(Story(2), 0), MINUTE, "email")
    eve = failed(Story(3), 0, "phone")
    dan = sent(sent(Story(4), 0), 3 * MINUTE)
    await tell(store, ada, bob, eve, dan, sent(Story(5, site="other"), 0))
    assert await store.forms.of_site("main") == [
        FormTally(
            form="signup",
            errors=4,
            failed=3,
            through=1,
            sent=4,
            senders=3,
            last=NOON + 3 * MINUTE,
            fields=(FieldTally("email", 3, 2), FieldTally("phone", 2, 2)),
        )
    ]


async def test_a_form_that_never_failed_and_one_that_was_never_sent_are_listed(store: Store) -> None:
    await tell(store, sent(Story(1), 0, "contact"), failed(Story(2), MINUTE, "card", form="order"))
    tallies = await store.forms.of_site("main")
    assert [(of.form, of.errors, of.sent, of.through) for of in tallies] == [
        ("order", 1, 0, 0),
        ("contact", 0, 1, 0),
    ]


async def test_sending_one_form_is_not_getting_through_another(store: Store) -> None:
    await tell(store, sent(failed(Story(1), 0, "email"), MINUTE, "newsletter"))
    assert {of.form: of.through for of in await store.forms.of_site("main")} == {"signup": 0, "newsletter": 0}


async def test_a_site_without_forms_has_none(store: Store) -> None:
    assert await store.forms.of_site("main") == []
