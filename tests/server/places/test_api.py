"""Places over HTTP: everybody with a role looks, the office changes, strangers see nothing."""

from typing import Any

import pytest
from django.test import Client

from linli.server.people import actions as people
from linli.server.places import queries
from tests.server.places.town import FIRST, NOW, Town, build

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
    client.post("/api/session", {"username": role, "password": PASSWORD}, content_type="application/json")
    return client


def test_everybody_with_a_role_may_look_at_the_tree(town: Town) -> None:
    guard = browser(town, "guard")
    operator = browser(town, "operator", "operator:op_" + "0" * 26)
    for somebody in (guard, operator):
        assert somebody.get("/api/estate").json()["name_zh"] == "试验小区"
        assert somebody.get("/api/places/counts").json() == {
            "buildings": 1, "entrances": 2, "dwellings": 8, "rooms": 4, "beds": 9,
        }  # fmt: skip
        entrance = somebody.get("/api/entrances").json()[0]
        page = somebody.get("/api/dwellings", {"entrance": entrance["id"]}).json()
        assert [flat["door"] for flat in page["items"]] == ["0101", "0102", "0201", "0202"]
        flat = somebody.get(f"/api/dwellings/{page['items'][0]['id']}").json()
        assert [len(room["beds"]) for room in flat["rooms"]] == [1, 2, 4]


def test_the_office_adds_rooms_once_and_gives_names(town: Town) -> None:
    office = browser(town, "office")
    path = f"/api/dwellings/{town.flat().id}/rooms"
    for _ in range(2):
        answer = office.post(
            path, {"beds": [2]}, content_type="application/json", headers={"Idempotency-Key": "rooms-0001"}
        )
        assert answer.status_code == 201
    assert len(town.flat().rooms) == 4
    named = office.post(
        "/api/places/names",
        {"code": FIRST, "kind": "door_plate", "text": "保和大道1号"},
        content_type="application/json",
    )
    assert named.status_code == 201
    assert office.get(f"/api/places/{FIRST}/names").json()[0]["text"] == "保和大道1号"


def test_a_guard_changes_nothing_and_a_stranger_sees_nothing(town: Town) -> None:
    before = queries.count_places(estate_id=town.estate_id)
    guard, stranger = browser(town, "guard"), Client()
    path = f"/api/dwellings/{town.flat().id}/rooms"
    assert guard.post(path, {"beds": [2]}, content_type="application/json").status_code == 403
    for url in ("/api/estate", "/api/entrances", "/api/dwellings", "/api/places/counts", f"/api/places/{FIRST}/names"):
        assert stranger.get(url).status_code == 401
    assert stranger.post(path, {"beds": [2]}, content_type="application/json").status_code == 401
    assert queries.count_places(estate_id=town.estate_id) == before


@pytest.mark.parametrize("beds", [[], [-1], [99], ["x"], [10**20], "x", None])
def test_impossible_rooms_are_refused(town: Town, beds: Any) -> None:
    office = browser(town, "office")
    answer = office.post(f"/api/dwellings/{town.flat().id}/rooms", {"beds": beds}, content_type="application/json")
    assert answer.status_code == 422
    assert len(town.flat().rooms) == 3
