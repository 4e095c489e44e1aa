"""Every route of the API, asked by somebody who may not: anonymous, another guest, a box, another flat's operator, a read-only role.

The routes come from the committed description, so a new one is in here by itself. Nobody changes a row, and nobody sees what is not theirs.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from linli.server.kernel.actors import Role
from linli.server.stays import actions as stays
from linli.server.stays.actions.registration import guest_token
from linli.server.stays.models import Stay
from tests.house.samples import sample
from tests.world import World, body_of, digest

pytestmark = pytest.mark.django_db
SNAPSHOT = json.loads((Path(__file__).parents[2] / "web" / "api-types" / "openapi.json").read_text(encoding="utf-8"))
DEFINITIONS = SNAPSHOT["components"]["schemas"]
REFUSED = {401, 403, 404, 405, 422}
OPEN = {"GET /api/health", "GET /api/session", "GET /api/receipts/{token}"}
OWN = {"DELETE /api/session", "GET /api/session", "GET /api/health", "GET /api/receipts/{token}"}
ME = "/api/stays/me"
# Words for everybody who is asked to say yes to them.
NOTICE = "GET /api/privacy/notices/{purpose}"


@dataclass(frozen=True, kw_only=True)
class Route:
    """One verb of one path."""

    verb: str
    path: str
    body: dict[str, Any] | None
    multipart: bool

    @property
    def name(self) -> str:
        """As the tables here name it."""
        return f"{self.verb} {self.path}"


def routes() -> list[Route]:
    found = []
    for path, verbs in SNAPSHOT["paths"].items():
        for verb, said in verbs.items():
            content = said.get("requestBody", {}).get("content", {})
            body = content.get("application/json", {}).get("schema")
            found.append(Route(verb=verb.upper(), path=path, body=body, multipart="multipart/form-data" in content))
    return found


ROUTES = routes()


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A booked and an inhabited flat of one operator, another one's guest, and every id a stranger might try."""

    ids: dict[str, str]
    secrets: tuple[str, ...]
    other_guest: str
    other_link: str


@pytest.fixture
def stage(world: World) -> Stage:
    booked = world.book("home", guests=2, booker_name="张伟")
    stay = world.register(booked).stay
    world.stay("dorm", state="IN_HOUSE")
    world.relay()
    other = world.book("other")
    other_stay = world.register(other).stay
    row = Stay.objects.get(id=stay.id)
    inside = Stay.objects.get(state="IN_HOUSE")
    unit = world.units["home"]
    account = world.account(Role.OFFICE)
    asked = stays.Subscription(unit_id=unit.id, url="https://channel.invalid/a.ics")
    feed = stays.follow_calendar(actor=world.hand, wanted=asked, now=world.now)
    hook = stays.make_hook(actor=world.hand, operator_id=world.operator_id, channel="ctrip", now=world.now)
    calendar = stays.make_calendar(actor=world.hand, unit_id=unit.id, room_id=None, name="", now=world.now)

    ids = {
        "account_id": get_user_model().objects.get(username=account).id,
        "booking_id": booked.booking.id,
        "document_id": row.document_id,
        "dwelling_id": unit.dwelling_id,
        "operator_id": world.operator_id,
        "pass_id": inside.access_pass_id,
        "person_id": row.person_id,
        "platform": "lodging",
        "report_id": "report_00000000000000000000000000",
        "question_id": "qst_00000000000000000000000000",
        "token": "nobody.signed.this",
        "stay_id": stay.id,
        "terminal_id": "terminal_00000000000000000000000000",
        "command_id": "command_00000000000000000000000000",
        "order_id": "order_00000000000000000000000000",
        "alarm_id": "1",
        "visit_id": "visit_00000000000000000000000000",
        "credential_id": "cred_00000000000000000000000000",
        "holder_kind": "guest",
        "peer_id": "peer_00000000000000000000000000",
        "residency_id": "resi_00000000000000000000000000",
        "table": "1",
        "face_id": "face_00000000000000000000000000",
        "feed_id": feed.id,
        "hook_id": hook.hook.id,
        "calendar_id": calendar.id,
        "task_id": "task_00000000000000000000000000",
        "ticket": "nobody.gave.this",
        "purpose": "face_pass",
        "sequence": "1",
        "unit_id": unit.id,
        "room_id": unit.rooms[0].room_id,
        "code": unit.dwelling_code,
        "origin_id": stay.id,
        "holder_id": row.person_id,
        "unit": unit.dwelling_code,
        "house_rules_version": "2026-1",
        "notice_version": "2026-1",
        "username": "stranger7",
        "role": "estate_admin",
        "kind": "company",
        "leave_at": "2031-11-25T06:00:00Z",
    }
    return Stage(
        ids=ids,
        secrets=(stay.id, booked.booking.id, row.person_id, row.document_id, feed.id, hook.hook.id, calendar.id),
        other_guest=guest_token(Stay.objects.get(id=other_stay.id), now=world.now),
        other_link=other.registration_token,
    )


def call(client: Client, route: Route, stage: Stage) -> Any:
    path = route.path
    for name, value in stage.ids.items():
        path = path.replace(f"{{{name}}}", value)
    assert "{" not in path, route.path
    if route.verb == "GET":
        return client.get(path)
    if route.multipart:
        field = "picture" if "picture" in path else "file"
        return client.post(
            path, {field: SimpleUploadedFile("x.csv", b"order_no,unit\n"), "unit_id": stage.ids["unit_id"]}
        )
    body = sample(route.body, DEFINITIONS, named=stage.ids) if route.body else {}
    return client.generic(route.verb, path, json.dumps(body), content_type="application/json")


def trespass(client: Client, stage: Stage, *, allowed: set[str], lists: bool = False) -> dict[int, list[str]]:
    """Try every route but those allowed, and return the route names by status; no row changes, nothing is seen."""
    by_status: dict[int, list[str]] = {}
    before = digest()
    for route in ROUTES:
        if route.name in allowed:
            continue
        answer = call(client, route, stage)
        by_status.setdefault(answer.status_code, []).append(route.name)
        if answer.status_code in REFUSED:
            assert answer["Content-Type"].startswith("application/problem+json"), route.name
            assert set(body_of(answer)) >= {"type", "title", "status", "code", "detail", "message"}, route.name
        else:
            assert lists, (route.name, answer.status_code, answer.content[:300])
            assert answer.status_code == 200, (route.name, answer.content[:300])
            assert not any(secret in answer.content.decode() for secret in stage.secrets), route.name
        after = digest()
        assert after == before, (route.name, [table for table in after if after[table] != before[table]])
    return by_status


def test_there_are_routes_to_try() -> None:
    assert len(ROUTES) > 60


def test_a_stranger_is_asked_to_sign_in_everywhere(stage: Stage) -> None:
    found = trespass(Client(raise_request_exception=False), stage, allowed=OPEN)
    assert set(found) == {401}


@pytest.mark.parametrize("token", ["", "x", "box_00000000000000000000000000.secret", "a.b.c", "𠮷" * 10, "x" * 5000])
def test_a_token_that_is_none_of_ours_opens_nothing(stage: Stage, token: str) -> None:
    client = Client(raise_request_exception=False, headers={"authorization": f"Bearer {token}"})
    for path in ("/api/stays/me", "/api/registration", "/api/gate/delta", "/api/stays"):
        assert client.get(path).status_code == 401


def test_a_guest_reaches_only_their_own_stay(world: World, stage: Stage) -> None:
    mine = {route.name for route in ROUTES if route.path.startswith(ME)} | {NOTICE}
    found = trespass(world.bearer(stage.other_guest), stage, allowed=OWN | mine)
    assert set(found) <= REFUSED


def test_a_registration_link_registers_and_nothing_else(world: World, stage: Stage) -> None:
    mine = {"GET /api/registration", "POST /api/registration/guests", NOTICE}
    found = trespass(world.bearer(stage.other_link), stage, allowed=OWN | mine)
    assert set(found) <= REFUSED


def test_a_box_reaches_only_the_gates(world: World, stage: Stage) -> None:
    gates = {route.name for route in ROUTES if route.path.startswith("/api/gate/")}
    found = trespass(world.bearer(world.box.key), stage, allowed=OWN | gates)
    assert set(found) <= REFUSED


def test_another_flats_operator_neither_changes_nor_sees_anything_here(world: World, stage: Stage) -> None:
    stranger = world.signed_in(Role.OPERATOR, scope=f"operator:{world.other_operator_id}")
    trespass(stranger, stage, allowed=OWN | LAWFUL[Role.OPERATOR], lists=True)


@pytest.mark.parametrize("role", [Role.POLICE, Role.AUDITOR])
def test_whoever_may_only_look_changes_nothing(world: World, stage: Stage, role: Role) -> None:
    looker = world.signed_in(role)
    reading = {route.name for route in ROUTES if route.verb == "GET"}
    found = trespass(looker, stage, allowed=OWN | LAWFUL[role] | reading)
    assert set(found) <= REFUSED


@pytest.mark.parametrize("role", [Role.GUARD, Role.PROPERTY, Role.COMMITTEE])
def test_the_house_staff_do_not_open_numbers_accounts_or_operators(world: World, stage: Stage, role: Role) -> None:
    client = world.signed_in(role)
    for route in ROUTES:
        if "reveal" in route.path or "/accounts" in route.path or (route.path == "/api/operators" and route.body):
            assert call(client, route, stage).status_code in REFUSED, route.name


def test_a_change_from_another_site_is_refused_for_want_of_its_token(world: World, stage: Stage) -> None:
    username = world.account(Role.ESTATE_ADMIN)
    browser = Client(enforce_csrf_checks=True, raise_request_exception=False)

    browser.force_login(get_user_model().objects.get(username=username))
    before = digest()
    for route in ROUTES:
        if route.verb != "GET" and route.name != "POST /api/session":
            assert call(browser, route, stage).status_code in (401, 403), route.name
    assert digest() == before


# What the role may do with what is nobody's in particular, or with its own.
LAWFUL = {
    # An order list without a line is taken in for the own flats, and entered as such.
    Role.OPERATOR: {"POST /api/bookings/feed"},
    Role.POLICE: {
        "POST /api/stream-ticket",
        "POST /api/people/{person_id}/reveal-document",
        "POST /api/units/{unit_id}/check",
        "POST /api/police/hits",
    },
    Role.AUDITOR: {
        "POST /api/stream-ticket",
        "POST /api/people/{person_id}/reveal-document",
        "POST /api/disclosures",
    },
}
