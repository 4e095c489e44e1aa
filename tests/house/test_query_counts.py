"""How many SQL statements the main routes take. A change is seen in the diff: renew with LINLI_WRITE_SNAPSHOTS=1."""

import json
import os
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from linli.server.kernel.actors import Role
from linli.server.stays import actions as stays
from linli.server.stays.actions.registration import guest_token
from linli.server.stays.models import Stay
from tests.world import DAY, NOTICE, RULES, World, body_of

BASELINE = Path(__file__).with_name("query_counts.json")
pytestmark = pytest.mark.django_db


def guest_body(world: World) -> dict:
    body = world.person().as_json()
    return {**body, "house_rules_version": RULES, "notice_version": NOTICE}


def counted(world: World) -> dict[str, int]:
    booked = world.book("home", guests=2)
    link = world.bearer(booked.registration_token)
    (staying,) = world.stay("dorm", state="IN_HOUSE")
    for _ in range(2):
        world.stay("dorm", state="IN_HOUSE")
    phone = world.bearer(guest_token(Stay.objects.get(id=staying.id), now=world.now))
    desk, operator = world.signed_in(Role.OFFICE), world.signed_in(Role.OPERATOR, scope=f"operator:{world.operator_id}")
    box = world.bearer(world.box.key)
    wanted = {
        "unit_id": world.units["dorm"].id,
        "arrive_at": (world.now + 3 * DAY).isoformat(),
        "leave_at": (world.now + 4 * DAY).isoformat(),
        "guests_expected": 1,
    }
    waiting = world.register(booked).stay
    guard = world.signed_in(Role.GUARD)
    json_of = "application/json"
    calls = {
        "GET /api/registration": lambda: link.get("/api/registration"),
        "POST /api/registration/guests": lambda: link.post("/api/registration/guests", guest_body(world), json_of),
        "GET /api/stays/me": lambda: phone.get("/api/stays/me"),
        "GET /api/stays/me/codes": lambda: phone.get("/api/stays/me/codes"),
        "GET /api/stays": lambda: desk.get("/api/stays"),
        "GET /api/overview": lambda: desk.get("/api/overview"),
        "GET /api/gates": lambda: desk.get("/api/gates"),
        "GET /api/gate-events": lambda: desk.get("/api/gate-events"),
        "GET /api/reports": lambda: desk.get("/api/reports"),
        "GET /api/units": lambda: desk.get("/api/units"),
        "POST /api/bookings": lambda: operator.post("/api/bookings", wanted, json_of),
        "GET /api/bookings": lambda: operator.get("/api/bookings"),
        "POST /api/stays/{stay_id}/eye-check": lambda: guard.post(f"/api/stays/{waiting.id}/eye-check"),
        "POST /api/stays/{stay_id}/check-in": lambda: guard.post(f"/api/stays/{waiting.id}/check-in"),
        "GET /api/gate/delta": lambda: box.get("/api/gate/delta?since=0"),
        "POST /api/stays/me/check-out": lambda: phone.post("/api/stays/me/check-out"),
    }
    found = {}
    for name, call in calls.items():
        with CaptureQueriesContext(
            connection,
        ) as seen:
            answer = call()
        assert answer.status_code in (200, 201), (name, body_of(answer))
        found[name] = len(seen)
    return found


def test_the_main_routes_take_as_many_statements_as_they_did(world: World) -> None:
    found = counted(world)
    if os.environ.get("LINLI_WRITE_SNAPSHOTS") == "1":
        BASELINE.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    assert found == json.loads(BASELINE.read_text(encoding="utf-8"))


def test_a_list_takes_as_many_statements_for_twelve_rows_as_for_two(world: World) -> None:
    desk = world.signed_in(Role.OFFICE)
    paths = ("/api/stays", "/api/bookings", "/api/units", "/api/gates", "/api/overview", "/api/operators")

    def taken() -> dict[str, int]:
        found = {}
        for path in paths:
            with CaptureQueriesContext(connection) as seen:
                assert desk.get(path).status_code == 200
            found[path] = len(seen)
        return found

    world.stay("home", guests=2, state="IN_HOUSE")
    few = taken()
    for night in range(2, 7):
        booked = world.book("home", guests=2, start=world.now + night * DAY)
        for _ in range(2):
            stays.confirm_by_eye(actor=world.guard, stay_id=world.register(booked).stay.id, now=world.now)
    assert taken() == few
