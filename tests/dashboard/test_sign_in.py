"""Coming in and going out, as a browser does it."""

from pathlib import Path

import pytest

from tests.dashboard.real_dashboard import PASSWORD, Dashboard, opened


def test_the_right_password_leads_to_people(dashboard: Dashboard) -> None:
    answer = dashboard.sign_in()
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/people")
    assert dashboard.client.get("/dashboard/").status_code == 200


def test_a_wrong_password_is_said_and_opens_nothing(dashboard: Dashboard) -> None:
    answer = dashboard.sign_in("wrong")
    assert answer.status_code == 401
    assert "That is not the password." in answer.text
    assert "lt_operator" not in dashboard.client.cookies
    assert 'value="wrong"' not in answer.text


def test_the_cookie_is_for_http_only_and_lax(dashboard: Dashboard) -> None:
    cookie = dashboard.sign_in().headers["set-cookie"]
    assert cookie.startswith("lt_operator=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain" not in cookie


def test_on_https_the_cookie_is_bound_to_its_host(database_url: str, tmp_path: Path) -> None:
    for dashboard in opened(Dashboard(database_url, tmp_path), "https://testserver"):
        cookie = dashboard.sign_in().headers["set-cookie"]
        assert cookie.startswith("__Host-lt_operator=")
        assert "Secure" in cookie
        assert dashboard.client.get("/dashboard/people", follow_redirects=False).status_code == 200


def test_every_sign_in_has_a_new_session_id(dashboard: Dashboard) -> None:
    tokens = set()
    for _ in range(3):
        dashboard.client.cookies.set("lt_operator", "chosen-by-somebody-else")
        dashboard.sign_in()
        tokens.add(dashboard.client.cookies.get("lt_operator", path="/", domain="testserver.local"))
        dashboard.client.cookies.clear()
    assert len(tokens) == 3
    assert "chosen-by-somebody-else" not in tokens


def test_the_sixth_wrong_password_is_told_when_to_come_back(dashboard: Dashboard) -> None:
    assert [dashboard.sign_in("wrong").status_code for _ in range(6)] == [401] * 5 + [429]
    held_up = dashboard.sign_in()
    assert held_up.status_code == 429
    assert 0 < int(held_up.headers["retry-after"]) <= 61
    assert "Too many attempts" in held_up.text
    dashboard.ticks += int(held_up.headers["retry-after"])
    assert dashboard.sign_in().status_code == 303


def test_a_huge_password_is_refused_unhashed(dashboard: Dashboard) -> None:
    assert dashboard.sign_in("x" * 1_000_000).status_code == 413
    assert dashboard.sign_in("x" * 1_025).status_code == 401


def test_signing_out_ends_the_session_for_copies_too(signed_in: Dashboard) -> None:
    token = signed_in.client.cookies["lt_operator"]
    csrf = signed_in.field("/dashboard/people")
    answer = signed_in.client.post("/dashboard/logout", data={"csrf": csrf}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/sign-in")
    assert "lt_operator" not in signed_in.client.cookies
    copy = {"Cookie": f"lt_operator={token}"}
    assert signed_in.client.get("/dashboard/people", headers=copy, follow_redirects=False).status_code == 303


def test_on_the_first_visit_a_link_leads_to_setting_a_password(bare_dashboard: Dashboard) -> None:
    dashboard = bare_dashboard
    assert "sign-in link" in dashboard.client.get("/dashboard/sign-in").text
    answer = dashboard.client.get(dashboard.new_link(), follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/password")
    old = dashboard.client.cookies["lt_operator"]
    form = {"csrf": dashboard.field("/dashboard/password"), "password": PASSWORD, "again": PASSWORD}
    answer = dashboard.client.post("/dashboard/password", data=form, follow_redirects=False)
    assert answer.headers["location"] == "/dashboard/people"
    assert dashboard.client.cookies["lt_operator"] != old
    assert dashboard.client.get("/dashboard/people", follow_redirects=False).status_code == 200
    dashboard.client.cookies.clear()
    assert dashboard.sign_in().status_code == 303


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [
        ("short", "short", "at least 12"),
        (PASSWORD, PASSWORD + "x", "differ"),
        ("x" * 1_025, "x" * 1_025, "at most"),
    ],
)
def test_a_password_that_will_not_do_is_said(
    bare_dashboard: Dashboard, password: str, again: str, said: str
) -> None:
    bare_dashboard.client.get(bare_dashboard.new_link())
    form = {"csrf": bare_dashboard.field("/dashboard/password"), "password": password, "again": again}
    answer = bare_dashboard.client.post("/dashboard/password", data=form)
    assert answer.status_code == 400
    assert said in answer.text
    assert bare_dashboard.run(bare_dashboard.auth.has_password) is False


def test_with_a_password_a_link_leads_to_people(dashboard: Dashboard) -> None:
    answer = dashboard.client.get(dashboard.new_link(), follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/people")


def test_a_used_link_says_so(dashboard: Dashboard) -> None:
    link = dashboard.new_link()
    dashboard.client.get(link)
    dashboard.client.cookies.clear()
    answer = dashboard.client.get(link)
    assert answer.status_code == 410
    assert "This link has been used" in answer.text
    assert "lt_operator" not in dashboard.client.cookies


def test_looking_at_a_link_without_opening_it_does_not_use_it_up(dashboard: Dashboard) -> None:
    link = dashboard.new_link()
    assert dashboard.client.head(link).status_code == 204
    assert dashboard.client.get(link, headers={"Sec-Purpose": "prefetch;prerender"}).status_code == 204
    assert "lt_operator" not in dashboard.client.cookies
    assert dashboard.client.get(link, follow_redirects=False).status_code == 303


def test_a_password_of_the_settings_cannot_be_set_here(dashboard: Dashboard) -> None:
    dashboard.sign_in()
    page = dashboard.client.get("/dashboard/password").text
    assert "LEADTRAIL_PASSWORD" in page
    assert 'name="again"' not in page
