"""Lettings over HTTP: the office's whole way with a unit, and what an operator sees."""

from typing import Any

import pytest
from django.test import Client

from linli.server.kernel.models import OutboxEvent
from linli.server.lettings.models import Operator, Unit
from linli.server.people import actions as people
from tests.server.lettings.letting import BUSINESS_CODE, company, draft, natural
from tests.server.people.somebody import NUMBER
from tests.server.places.town import NOW, SECOND, Town, build

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse 17"


@pytest.fixture(autouse=True)
def _quick_hashes(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def town() -> Town:
    return build()


def browser(town: Town, role: str, scope: str = "*") -> Client:
    people.open_account(
        actor=town.hand,
        username=role,
        password=PASSWORD,
        display_name=role,
        roles=[people.RoleInput(role=role, scope=scope)],
        now=NOW,
    )
    client = Client()
    answer = client.post("/api/session", {"username": role, "password": PASSWORD}, content_type="application/json")
    assert answer.status_code == 200
    return client


def post(client: Client, path: str, body: Any, **headers: str) -> Any:
    return client.post(path, body, content_type="application/json", headers=headers)


def test_the_office_registers_drafts_and_takes_a_unit_all_the_way(town: Town) -> None:
    office = browser(town, "office")
    operator = post(
        office, "/api/operators", {"kind": "individual_business", "name": "成华区试验民宿", "uscc": BUSINESS_CODE}
    )
    assert operator.status_code == 201
    flat = office.get("/api/dwellings", {"q": "0101"}).json()["items"][0]
    rooms = [{"room_id": room["id"], "mode": "room", "max_occupancy": 1} for room in flat["rooms"]]
    body = {"operator_id": operator.json()["id"], "dwelling_id": flat["id"], "rooms": rooms}
    unit = post(office, "/api/units", body, **{"Idempotency-Key": "draft-0001"})
    again = post(office, "/api/units", body, **{"Idempotency-Key": "draft-0001"})
    assert (unit.status_code, unit.json()) == (201, again.json())
    path = f"/api/units/{unit.json()['id']}"
    for verb, words in (
        ("submit", {}),
        ("check", {"note": "两具灭火器"}),
        ("code", {"mark_code": "CD-0007"}),
        ("activate", {}),
        ("suspend", {"reason": "燃气报警", "at_once": True}),
        ("resume", {}),
    ):
        answer = post(office, f"{path}/{verb}", words)
        assert answer.status_code == 200, answer.content
    shown = office.get(path).json()
    assert (shown["state"], shown["mark_code"]) == ("ACTIVE", "CD-0007")
    assert [past["verb"] for past in shown["trail"]][-2:] == ["suspend", "resume"]
    assert shown["may"] == ["suspend", "close"]
    row = office.get("/api/units", {"state": "ACTIVE", "q": "cd-0007"}).json()["items"][0]
    assert (row["rooms"], row["beds"], row["label_zh"]) == (3, 7, "1幢1单元0101")
    assert office.get("/api/lettings/counts").json() == {"operators": 1, "units": 1, "rooms": 3, "beds": 7}


def test_a_natural_operator_is_registered_over_http_and_masked(town: Town) -> None:
    office = browser(town, "office")
    body = {
        "kind": "natural",
        "person": {
            "native_name": "王甲子", "sex": "male", "nationality": "CHN", "birth_date": "1990-03-07", "phone": "15400001111",
        },
        "document": {"kind": "resident_id", "number": NUMBER},
    }  # fmt: skip
    answer = post(office, "/api/operators", body)
    assert (answer.status_code, answer.json()["name"]) == (201, "王**")
    assert NUMBER not in answer.content.decode()
    body["document"]["number"] = "123"  # type: ignore[index]
    wrong = post(office, "/api/operators", body)
    assert (wrong.status_code, wrong.json()["field"]) == (422, "document.number")
    assert Operator.objects.count() == 1


def test_an_operator_sees_its_own_and_nothing_else(town: Town) -> None:
    mine, theirs = natural(town), company(town)
    own, foreign = draft(town, mine), draft(town, theirs, SECOND)
    me = browser(town, "operator", f"operator:{mine.id}")
    assert [row["id"] for row in me.get("/api/units").json()["items"]] == [own.id]
    assert [row["id"] for row in me.get("/api/operators").json()["items"]] == [mine.id]
    assert me.get(f"/api/units/{own.id}").json()["may"] == ["submit", "close"]
    for path in (f"/api/units/{foreign.id}", f"/api/operators/{theirs.id}", f"/api/units?operator={theirs.id}"):
        assert me.get(path).status_code == 403
    assert post(me, f"/api/units/{foreign.id}/submit", {}).status_code == 403
    assert post(me, f"/api/units/{own.id}/check", {}).status_code == 403
    assert post(me, f"/api/units/{own.id}/submit", {}).status_code == 200
    assert Unit.objects.get(id=foreign.id).state == "DRAFT"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 422),
        ("[]", 422),
        ({"operator_id": "op_x", "dwelling_id": "x", "rooms": []}, 422),
        ({"operator_id": "op_x", "dwelling_id": "x", "rooms": [{"room_id": "r", "mode": "room", "max_occupancy": 1}]}, 404),
        ({"operator_id": "op\x00", "dwelling_id": "x", "rooms": [{"room_id": "r", "mode": "room", "max_occupancy": 1}]}, 422),
        ({"operator_id": "x" * 9999, "dwelling_id": "x", "rooms": [{"room_id": "r", "mode": "room", "max_occupancy": 1}]}, 422),
        ({"operator_id": "x", "dwelling_id": "x", "rooms": [{"room_id": "r", "mode": "room", "max_occupancy": 10**30}]}, 422),
        ({"operator_id": "'; DROP TABLE lettings_unit; --", "dwelling_id": "x",
          "rooms": [{"room_id": "r", "mode": "room", "max_occupancy": 1}]}, 404),
    ],
)  # fmt: skip
def test_bad_input_is_a_clear_refusal_and_changes_nothing(town: Town, body: Any, status: int) -> None:
    office = browser(town, "office")
    answer = post(office, "/api/units", body)
    assert (answer.status_code, answer["Content-Type"].split(";")[0]) == (status, "application/problem+json")
    assert Unit.objects.count() == OutboxEvent.objects.count() == 0


def test_strangers_are_asked_to_sign_in_and_guards_may_only_look(town: Town) -> None:
    unit = draft(town, company(town))
    stranger, guard = Client(), browser(town, "guard")
    assert stranger.get("/api/units").status_code == 401
    assert post(stranger, f"/api/units/{unit.id}/submit", {}).status_code == 401
    assert guard.get("/api/units").status_code == 200
    assert post(guard, f"/api/units/{unit.id}/submit", {}).status_code == 403
    assert Unit.objects.get(id=unit.id).state == "DRAFT"


def test_a_page_that_is_not_there_is_empty_and_a_page_that_cannot_be_is_refused(town: Town) -> None:
    office = browser(town, "office")
    assert office.get("/api/units", {"page": 9999}).json()["items"] == []
    for page in ("0", "-1", "x", "1" * 30):
        assert office.get("/api/units", {"page": page}).status_code == 422
    assert office.get("/api/units", {"q": "%_'\"<"}).json()["total"] == 0
    assert office.get("/api/units", {"q": "\x00"}).status_code == 422
