"""Signing in: a session, a CSRF token, a door that shuts after wrong guesses, and roles that hold from one request to the next."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from linli.server.kernel import clock
from linli.server.kernel.actors import Role
from linli.server.kernel.errors import NotAllowed, Refusal
from linli.server.people import actions, queries, rules
from linli.server.people.models import Account, RoleGrant, SignInFailures
from linli.server.people.queries import AccountView
from tests.server.places.town import NOW, Town, build

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse 17"


@pytest.fixture
def town() -> Town:
    return build()


@pytest.fixture
def office(town: Town) -> AccountView:
    return account(town, "office", "office")


@pytest.fixture(autouse=True)
def _quick_hashes(settings: Any) -> None:
    # A real hash takes a quarter of a second on purpose; here a hundred sign-ins are not what is measured.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def time_stands(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """A clock that the test moves: the interface is the only place that looks at one."""
    at = [datetime(2026, 6, 1, 8, 0, tzinfo=UTC)]
    monkeypatch.setattr(clock, "now", lambda: at[0])
    return at


def account(town: Town, username: str, role: str, scope: str = "*") -> AccountView:
    return actions.open_account(
        actor=town.hand,
        username=username,
        password=PASSWORD,
        display_name="测试 Test",
        roles=[actions.RoleInput(role=role, scope=scope)],
        now=NOW,
    )


def sign_in(client: Client, username: str = "office", password: str = PASSWORD, **headers: Any) -> Any:
    return client.post(
        "/api/session", {"username": username, "password": password}, content_type="application/json", **headers
    )


def test_somebody_signs_in_is_known_and_signs_out(office: AccountView) -> None:
    browser = Client(enforce_csrf_checks=True)
    assert browser.get("/api/session").json() is None
    answer = sign_in(browser)
    assert answer.status_code == 200
    assert answer.json()["roles"] == [{"role": "office", "scope": "*"}]
    assert answer.cookies["sessionid"]["httponly"]
    assert browser.get("/api/session").json()["username"] == "office"
    assert browser.get("/api/estate").json()["code"] == "TST"
    token = browser.cookies["csrftoken"].value
    assert browser.delete("/api/session", headers={"X-CSRFToken": token}).status_code == 204
    assert browser.get("/api/session").json() is None
    assert browser.get("/api/estate").status_code == 401


def test_a_change_without_the_csrf_token_is_refused(town: Town, office: AccountView) -> None:
    browser = Client(enforce_csrf_checks=True)
    sign_in(browser)
    body = {"code": town.flat().code, "kind": "listing", "text": "家"}
    assert browser.post("/api/places/names", body, content_type="application/json").status_code == 403
    assert browser.delete("/api/session").status_code == 403
    token = browser.cookies["csrftoken"].value
    done = browser.post("/api/places/names", body, content_type="application/json", headers={"X-CSRFToken": token})
    assert done.status_code == 201


def test_a_page_elsewhere_cannot_sign_its_visitor_in_here(office: AccountView) -> None:
    browser = Client()
    assert sign_in(browser, headers={"Origin": "https://elsewhere.example"}).status_code == 403
    assert "sessionid" not in browser.cookies
    assert sign_in(browser, headers={"Origin": "http://testserver"}).status_code == 200


def test_a_wrong_name_and_a_wrong_password_look_alike(office: AccountView) -> None:
    wrong = sign_in(Client(), password="wrong password").json()
    nobody = sign_in(Client(), username="nobody").json()
    assert wrong == nobody
    assert wrong["code"] == "sign_in_wrong"
    assert wrong["message"] == {"zh": "用户名或密码错误。", "en": "User name or password is wrong."}


@pytest.mark.parametrize("username", ["a\x00b", "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
                                      "' OR 1=1 --", "<b>", "ｏｆｆｉｃｅ\u202e", "x" * 80])  # fmt: skip
def test_strange_names_are_only_wrong(office: AccountView, username: str) -> None:
    answer = sign_in(Client(), username=username)
    assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_wrong")


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", '{"username": "office"}', '{"username": 1, "password": 2}', '{"username": "", "password": ""}',
     '{"username": "office", "password": "' + "x" * 300 + '"}', "\xff\xfe"],
)  # fmt: skip
def test_a_malformed_sign_in_is_told_so(office: AccountView, body: str) -> None:
    answer = Client().post("/api/session", body, content_type="application/json")
    assert answer.status_code == 422
    assert answer["Content-Type"].startswith("application/problem+json")


def test_five_wrong_guesses_shut_the_door_for_a_quarter_of_an_hour(
    office: AccountView, time_stands: list[datetime]
) -> None:
    for _ in range(5):
        assert sign_in(Client(), password="wrong password").status_code == 401
    shut = sign_in(Client())
    assert (shut.status_code, shut.json()["code"]) == (429, "sign_in_locked")
    assert "15" in shut.json()["message"]["zh"]
    assert "15" in shut.json()["message"]["en"]
    # From another address the right password still opens: a stranger must not lock the guard out.
    assert sign_in(Client(REMOTE_ADDR="10.0.0.7")).status_code == 200
    time_stands[0] += timedelta(minutes=14, seconds=59)
    assert sign_in(Client()).status_code == 429
    time_stands[0] += timedelta(seconds=2)
    assert sign_in(Client()).status_code == 200
    assert SignInFailures.objects.filter(locked_until__gt=time_stands[0]).count() == 0


def test_guesses_from_everywhere_shut_the_door_too(office: AccountView, time_stands: list[datetime]) -> None:
    SignInFailures.objects.all().delete()
    limit = rules.LIMITS["name"]
    for at in range(limit):
        keys = actions.accounts._failure_keys("office", f"10.0.{at}.1")
        actions.accounts._note_failure(keys, time_stands[0])
    assert sign_in(Client(REMOTE_ADDR="10.9.9.9")).status_code == 429


def test_wrong_guesses_of_long_ago_do_not_count(office: AccountView, time_stands: list[datetime]) -> None:
    for _ in range(4):
        sign_in(Client(), password="wrong password")
    time_stands[0] += timedelta(minutes=16)
    assert sign_in(Client(), password="wrong password").status_code == 401
    assert sign_in(Client()).status_code == 200
    assert actions.accounts.forget_failures(now=time_stands[0] + timedelta(hours=1)) == 0


def test_what_was_typed_as_a_name_is_not_kept(office: AccountView) -> None:
    sign_in(Client(), username="my secret password")
    assert all(len(bytes(row.key)) == 16 for row in SignInFailures.objects.all())


def test_a_withdrawn_role_and_a_closed_account_end_at_once(town: Town, office: AccountView) -> None:
    browser = Client()
    sign_in(browser)
    assert browser.get("/api/operators").status_code == 200
    actions.withdraw_role(actor=town.hand, account_id=office.id, role="office", now=NOW)
    assert browser.get("/api/operators").status_code == 403
    actions.close_account(actor=town.hand, account_id=office.id, now=NOW)
    assert browser.get("/api/operators").status_code == 401
    assert sign_in(Client()).status_code == 401
    actions.reopen_account(actor=town.hand, account_id=office.id, now=NOW)
    assert sign_in(Client()).status_code == 200


def test_a_new_password_ends_every_session(town: Town, office: AccountView) -> None:
    browser = Client()
    sign_in(browser)
    actions.change_password(actor=town.hand, account_id=office.id, password="another good one 3", now=NOW)
    assert browser.get("/api/session").json() is None
    assert browser.get("/api/estate").status_code == 401
    assert sign_in(Client()).status_code == 401


def test_somebody_changes_the_own_password_and_nobody_elses(town: Town, office: AccountView) -> None:
    guard = account(town, "guard", "guard")
    browser = Client()
    sign_in(browser, "guard")
    body = {"password": "a new one for me 9"}
    theirs = browser.post(f"/api/accounts/{office.id}/password", body, content_type="application/json")
    assert theirs.status_code == 403
    own = browser.post(f"/api/accounts/{guard.id}/password", body, content_type="application/json")
    assert own.status_code == 204
    assert sign_in(Client(), "guard", "a new one for me 9").status_code == 200
    assert sign_in(Client()).status_code == 200


def test_the_admin_opens_accounts_over_http_and_the_office_does_not(town: Town, office: AccountView) -> None:
    account(town, "admin", "estate_admin")
    body = {
        "username": "New.Guard",
        "password": PASSWORD,
        "display_name": "新门岗",
        "roles": [{"role": "guard"}],
    }
    low, high = Client(), Client()
    sign_in(low)
    sign_in(high, "admin")
    before = Account.objects.count(), RoleGrant.objects.count()
    assert low.post("/api/accounts", body, content_type="application/json").status_code == 403
    assert low.get("/api/accounts").status_code == 403
    assert (Account.objects.count(), RoleGrant.objects.count()) == before
    opened = high.post("/api/accounts", body, content_type="application/json")
    assert (opened.status_code, opened.json()["username"]) == (201, "new.guard")
    taken = high.post("/api/accounts", body, content_type="application/json")
    assert (taken.status_code, taken.json()["field"]) == (409, "username")
    assert len(high.get("/api/accounts").json()) == 3


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"username": "Ä b"}, "username_unreadable"),
        ({"username": "x"}, "username_unreadable"),
        ({"password": "short"}, "password_weak"),
        ({"password": "aaaaaaaaaaaaa"}, "password_weak"),
        ({"password": "a.long.user.name", "username": "a.long.user.name"}, "password_weak"),
        ({"display_name": "\u202e"}, "name_unreadable"),
        ({"roles": [actions.RoleInput(role="guest")]}, "role_unknown"),
        ({"roles": [actions.RoleInput(role="system")]}, "role_unknown"),
        ({"roles": [actions.RoleInput(role="operator")]}, "role_unknown"),
        ({"roles": [actions.RoleInput(role="guard", scope="operator:op_" + "0" * 26)]}, "role_unknown"),
        ({"roles": [actions.RoleInput(role="office"), actions.RoleInput(role="king")]}, "role_unknown"),
    ],
)
def test_a_bad_account_is_refused_and_not_half_opened(town: Town, changes: dict[str, Any], code: str) -> None:
    wanted: dict[str, Any] = {"username": "fine.name", "password": PASSWORD, "display_name": "Fine"} | changes
    with pytest.raises(Refusal) as refused:
        actions.open_account(actor=town.hand, now=NOW, **wanted)
    assert refused.value.code == code
    assert Account.objects.count() == RoleGrant.objects.count() == 0


def test_an_actor_has_the_roles_of_the_estate_it_acts_on(town: Town, office: AccountView) -> None:
    other = build("OTH")
    own = queries.actor_of_account(account_id=office.id)
    assert own.may(Role.OFFICE)
    assert not queries.actor_of_account(account_id=office.id, estate_id=other.estate_id).may(Role.OFFICE)
    with pytest.raises(NotAllowed):
        actions.grant_role(actor=town.actor(Role.OFFICE), account_id=office.id, role="police", now=NOW)


def test_a_number_is_opened_over_http_with_a_reason_only(town: Town, office: AccountView) -> None:
    browser = Client()
    sign_in(browser)
    for path in ("/api/people/per_none", "/api/people/per_none/reveal-document"):
        body = {"reason": "because"}
        answer = (
            browser.get(path) if path.endswith("none") else browser.post(path, body, content_type="application/json")
        )
        assert answer.status_code == 404
    assert (
        browser.post("/api/people/x/reveal-document", {"reason": ""}, content_type="application/json").status_code
        == 422
    )
