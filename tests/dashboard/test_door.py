"""What every request to the dashboard passes: headers, session, and the checks against forged forms."""

from typing import Any

import pytest

from server.dashboard.door import safe_next
from tests.dashboard.real_dashboard import PASSWORD, Dashboard

PAGES = [
    "/dashboard/",
    "/dashboard/people",
    "/dashboard/people/0000000000000001",
    "/dashboard/outbox",
    "/dashboard/live",
    "/dashboard/forms",
    "/dashboard/install",
    "/dashboard/password",
]
FORMS = [
    "/dashboard/outbox/retry",
    "/dashboard/outbox/discard",
    "/dashboard/outbox/switch-on",
    "/dashboard/logout",
    "/dashboard/password",
    "/dashboard/sign-in",
    "/dashboard/nowhere",
]
EVERYTHING = [
    *PAGES, "/dashboard", "/dashboard/sign-in", "/dashboard/sign-in?key=x", "/dashboard/nowhere",
    "/dashboard/static/dashboard.css", "/dashboard/static/icon.svg", "/dashboard/static/nothing",
]  # fmt: skip


@pytest.mark.parametrize("path", EVERYTHING)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_every_answer_has_the_security_headers(signed_in: Dashboard, path: str, method: str) -> None:
    for client_is_known in (True, False):
        if not client_is_known:
            signed_in.client.cookies.clear()
        headers = signed_in.client.request(method, path, follow_redirects=False).headers
        policy = headers["content-security-policy"]
        assert policy.startswith(
            "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'"
        )
        assert "script-src" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "base-uri 'none'" in policy
        assert "unsafe" not in policy
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] in ("no-referrer", "same-origin")
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "path",
    [
        *PAGES, "/dashboard//people", "/dashboard/people/", "/dashboard/./people", "/dashboard%2fpeople",
        "/dashboard/people;a=b", "/dashboard/people%00", "/DASHBOARD/people", "/dashboard/static/../people",
        "/dashboard/sign-in/", "/dashboard/sign-in/../people", "/dashboard/static/%2e%2e/people",
        "/dashboard/static/..%2f..%2fpyproject.toml",
    ],
)  # fmt: skip
def test_nobody_sees_a_page_without_a_session(bare_dashboard: Dashboard, path: str) -> None:
    answer = bare_dashboard.client.get(path, follow_redirects=False)
    assert answer.status_code in (303, 307, 404)
    assert "People" not in answer.text


def test_after_signing_in_one_is_where_one_wanted_to_go(dashboard: Dashboard) -> None:
    answer = dashboard.client.get("/dashboard/people?email=ada&who=leads", follow_redirects=False)
    assert answer.headers["location"].startswith("/dashboard/sign-in?next=")
    wanted = dashboard.field(answer.headers["location"], "next").replace("&amp;", "&")
    assert wanted == "/dashboard/people?email=ada&who=leads"
    assert dashboard.sign_in(next=wanted).headers["location"] == wanted


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example", "//evil.example", "/\\evil.example", "/%09/evil.example", "/\t/evil.example",
        "/x\r\nLocation: //evil.example", "/dashboard//evil.example", "/dashboard/\\evil", "dashboard/people",
        "/", "",
        "/dashboard/sign-in?key=x", "javascript:alert(1)", "/dashboard/people?next=//evil.example",
        "/dashboard/people#<script>", "/dashboardx",
    ],
)  # fmt: skip
def test_next_leads_nowhere_but_into_the_dashboard(signed_in: Dashboard, path: str) -> None:
    assert safe_next(path) == "/dashboard/people"
    answer = signed_in.client.get("/dashboard/sign-in", params={"next": path}, follow_redirects=False)
    assert answer.headers["location"] == "/dashboard/people"


def state(dashboard: Dashboard) -> Any:
    return dashboard.run(dashboard.store.operators.password_hash)


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize(
    "foreign",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "http://testserver:81"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"},
    ],
)
def test_a_form_from_elsewhere_is_refused_even_with_the_right_token(
    signed_in: Dashboard, path: str, foreign: dict[str, str]
) -> None:
    before = state(signed_in)
    for token in (signed_in.field("/dashboard/people"), "x"):
        form = {"csrf": token, "password": "a wholly new password", "again": "a wholly new password"}
        answer = signed_in.client.post(path, data=form, headers=foreign, follow_redirects=False)
        assert answer.status_code == 403
    assert state(signed_in) == before
    assert signed_in.client.get("/dashboard/people", follow_redirects=False).status_code == 200


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("token", [None, "", "x", "é"])
def test_a_form_without_the_token_is_refused(signed_in: Dashboard, path: str, token: str | None) -> None:
    before = state(signed_in)
    form = {"password": PASSWORD, "again": PASSWORD, **({} if token is None else {"csrf": token})}
    answer = signed_in.client.post(
        path, data=form, headers={"Sec-Fetch-Site": "same-origin"}, follow_redirects=False
    )
    assert answer.status_code == 403
    assert state(signed_in) == before


def test_another_sessions_token_is_none(signed_in: Dashboard) -> None:
    old = signed_in.field("/dashboard/people")
    signed_in.client.cookies.clear()
    signed_in.client.get(signed_in.new_link())
    answer = signed_in.client.post("/dashboard/logout", data={"csrf": old}, follow_redirects=False)
    assert answer.status_code == 403


def test_a_get_changes_nothing(signed_in: Dashboard) -> None:
    assert signed_in.client.get("/dashboard/logout", follow_redirects=False).status_code in (404, 405)
    assert signed_in.client.get("/dashboard/people", follow_redirects=False).status_code == 200


@pytest.mark.parametrize("body", [b"x" * 8_193, b"&".join(b"a=1" for _ in range(500)), b"csrf=\xff"])
def test_a_form_that_is_no_form_of_ours_is_refused(signed_in: Dashboard, body: bytes) -> None:
    answer = signed_in.client.post("/dashboard/logout", content=body, follow_redirects=False)
    assert answer.status_code in (400, 413)


def test_two_session_cookies_are_none(signed_in: Dashboard) -> None:
    token = signed_in.client.cookies["lt_operator"]
    signed_in.client.cookies.clear()
    header = {"Cookie": f"lt_operator={token}; lt_operator=x"}
    assert (
        signed_in.client.get("/dashboard/people", headers=header, follow_redirects=False).status_code == 303
    )


def test_what_breaks_is_a_page_without_the_evidence(
    signed_in: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(**_: object) -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(signed_in.store.reads, "find_people", broken)
    answer = signed_in.client.get("/dashboard/people")
    assert answer.status_code == 500
    assert "Something broke" in answer.text
    assert "secret" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
