"""The page about forms: attempts, errors by field, and how many got through in the end."""

import re

from server.clock import MINUTE
from tests.dashboard.real_dashboard import Dashboard
from tests.dashboard.test_pages import text_of
from tests.store.test_forms import failed, sent
from tests.story import Story

FORMS = "/dashboard/forms"


def test_it_says_where_a_form_fails_and_who_got_through(signed_in: Dashboard) -> None:
    ada = sent(failed(failed(Story(1), 0, "email", "phone"), MINUTE, "email"), 2 * MINUTE)
    signed_in.tell(ada, failed(Story(2), 0, "email"))
    text = text_of(signed_in.client.get(FORMS).text)
    assert re.search(
        r"signup last tried 58 minutes ago Attempts 4 Sent 1 Failed 3 People who failed 2"
        r" Got through in the end 1 50 %",
        text,
    )
    assert re.search(
        r"Where it fails email 3 failed attempts 2 people phone 1 failed attempts 1 person", text
    )


def test_a_form_that_never_fails_says_no_more_than_that(signed_in: Dashboard) -> None:
    signed_in.tell(sent(Story(1), 0, "contact"))
    text = text_of(signed_in.client.get(FORMS).text)
    assert "contact" in text
    assert "Got through" not in text


def test_each_site_has_its_own(signed_in: Dashboard) -> None:
    signed_in.tell(sent(Story(1), 0, "contact"), sent(Story(2, site="other"), 0, "order"))
    assert "order" not in text_of(signed_in.client.get(FORMS).text)
    assert "order" in text_of(signed_in.client.get(f"{FORMS}?site=other").text)
    assert "contact" in text_of(signed_in.client.get(f"{FORMS}?site=nowhere").text)


def test_before_any_attempt_it_says_so(signed_in: Dashboard) -> None:
    assert "No form was tried yet" in signed_in.client.get(FORMS).text


def test_what_visitors_say_is_text(signed_in: Dashboard) -> None:
    nasty = "<script>alert(1)</script>"
    signed_in.tell(failed(Story(1), 0, nasty, form=nasty))
    page = signed_in.client.get(FORMS).text
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 2
