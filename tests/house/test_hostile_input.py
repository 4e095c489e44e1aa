"""Every route of the API is fed what it should not get, field by field, by somebody who may do everything: never a 500.

The routes and their fields come from the committed description, so a new one is in here by itself.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import Client

from linli.server.connectors.viid import ours, peers
from linli.server.connectors.viid.ours import OrderDraft, OrderView
from linli.server.connectors.viid.peers import PeerDraft
from linli.server.kernel.actors import Role
from linli.server.people import actions as people
from linli.server.stays.actions.registration import guest_token
from linli.server.stays.models import Stay
from tests.house.samples import sample
from tests.world import World

pytestmark = pytest.mark.django_db
SNAPSHOT = json.loads((Path(__file__).parents[2] / "web" / "api-types" / "openapi.json").read_text(encoding="utf-8"))
DEFINITIONS = SNAPSHOT["components"]["schemas"]
VALUES: tuple[Any, ...] = ("", "\x00", "a\x00b", "\ud800", "x" * 5000, "'; DROP TABLE people_person; --", "<b>{0}%s")
VALUES += (None, -1, 1e308, 10**30, True, [], ["x"], {}, {"a": 1})
TEXTS = (
    "",
    "%00",
    "a%00b",
    "%ed%a0%80",
    "%ff",
    "x" * 3000,
    "-1",
    "99999999999999999999",
    "1e99",
    "0001-01-01",
    "9999-12-31",
)
STAFF = (Role.ESTATE_ADMIN, Role.OFFICE, Role.PROPERTY, Role.GUARD, Role.POLICE, Role.AUDITOR, Role.COMMITTEE)
BY_LINK, BY_PHONE, BY_BOX = "/api/registration", "/api/stays/me", "/api/gate/"


@pytest.fixture
def clients(world: World) -> dict[str, Client]:
    """Somebody with every role, a link, a phone, and a box."""
    username = world.account(STAFF[0])
    account = get_user_model().objects.get(username=username)
    for role in STAFF[1:]:
        people.grant_role(actor=world.hand, account_id=account.id, role=role.value, now=world.now)
    desk = Client(raise_request_exception=False)
    desk.force_login(account)
    booked = world.book()
    (stay,) = world.stay("dorm")
    return {
        "": desk,
        BY_LINK: world.bearer(booked.registration_token),
        BY_PHONE: world.bearer(guest_token(Stay.objects.get(id=stay.id), now=world.now)),
        BY_BOX: world.bearer(world.box.key),
    }


def client_for(clients: dict[str, Client], path: str) -> Client:
    """Whoever may use that route."""
    return clients[next((prefix for prefix in (BY_LINK, BY_PHONE, BY_BOX) if path.startswith(prefix)), "")]


def ordered(world: World) -> OrderView:
    """A peer of the view library, and what the estate has ordered there."""
    draft = PeerDraft(
        device_id="51010800005030000077",
        name="下级平台",
        side="down",
        url="http://127.0.0.1:9",
        username="lower",
        secret="a-secret-of-this-test",
        dialect="strict",
    )
    peer = peers.add_peer(actor=world.actor(Role.ESTATE_ADMIN), draft=draft, now=world.now)
    wanted = OrderDraft(
        peer_id=peer.id, details=("3",), begins_at=None, ends_at=world.now + timedelta(days=1), reason="x"
    )
    return ours.order_devices(actor=world.actor(Role.OFFICE), draft=wanted, now=world.now)


def named(world: World) -> dict[str, str]:
    """Real ids, so that only the field under test is wrong."""
    order = ordered(world)
    stay = Stay.objects.get(state="VERIFIED")
    unit = world.units["dorm"]
    return {
        "stay_id": stay.id,
        "booking_id": stay.booking_id,
        "person_id": stay.person_id,
        "document_id": stay.document_id,
        "pass_id": stay.access_pass_id or "",
        "unit_id": unit.id,
        "room_id": unit.rooms[0].room_id,
        "dwelling_id": unit.dwelling_id,
        "operator_id": world.operator_id,
        "platform": "lodging",
        "peer_id": order.peer_id,
        "order_id": order.id,
        "report_id": "report_0",
        "question_id": "qst_0",
        "token": "nobody.signed.this",
        "visit_id": "visit_0",
        "credential_id": "cred_0",
        "holder_kind": "guest",
        "residency_id": "resi_0",
        "table": "2",
        "face_id": "face_0",
        "feed_id": "feed_0",
        "hook_id": "hook_0",
        "calendar_id": "cal_0",
        "task_id": "task_0",
        "ticket": "nobody.gave.this",
        "purpose": "face_pass",
        "code": unit.dwelling_code,
        "account_id": get_user_model().objects.first().id,
        "leave_at": "2027-11-25T06:00:00Z",
        "arrive_at": "2027-11-24T06:00:00Z",
    }


def spoilt(body: Any) -> Iterator[Any]:
    """The body with each of its values in turn replaced by each of the hostile ones."""
    if not isinstance(body, dict):
        yield from VALUES
        return
    for name, value in body.items():
        if isinstance(value, dict):
            for inner in spoilt(value):
                yield {**body, name: inner}
        for hostile in VALUES:
            yield {**body, name: hostile}


def in_full(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with every property asked for, optional ones too."""
    if "$ref" in schema:
        schema = DEFINITIONS[schema["$ref"].rsplit("/", 1)[1]]
    return {**schema, "required": list(schema.get("properties", {}))}


def ask(client: Client, verb: str, path: str, body: Any = None) -> int:
    """Ask, and undo whatever came of it."""
    with transaction.atomic():
        content = "" if body is None else json.dumps(body)
        status = client.generic(verb, path, content, content_type="application/json").status_code
        transaction.set_rollback(True)
    return status


def filled(path: str, ids: dict[str, str]) -> str:
    for name, value in ids.items():
        path = path.replace(f"{{{name}}}", value)
    return path


POSTS = sorted(
    (path, json.dumps(said["requestBody"]["content"]["application/json"]["schema"]))
    for path, verbs in SNAPSHOT["paths"].items()
    for verb, said in verbs.items()
    if verb == "post" and "application/json" in said.get("requestBody", {}).get("content", {})
)
GETS = sorted((path, json.dumps(verbs["get"])) for path, verbs in SNAPSHOT["paths"].items() if "get" in verbs)
WITH_ID = sorted((path, verb) for path, verbs in SNAPSHOT["paths"].items() for verb in verbs if "{" in path)


@pytest.mark.parametrize(("path", "schema"), POSTS, ids=[path for path, _ in POSTS])
def test_no_field_of_no_form_can_break_the_server(
    world: World, clients: dict[str, Client], path: str, schema: str
) -> None:
    ids = named(world)
    body = sample(in_full(json.loads(schema)), DEFINITIONS, named=ids)
    client = client_for(clients, path)
    for hostile in spoilt(body):
        assert ask(client, "POST", filled(path, ids), hostile) < 500, (path, ascii(hostile)[:400])


@pytest.mark.parametrize(("path", "said"), GETS, ids=[path for path, _ in GETS])
def test_no_question_can_break_the_server(world: World, clients: dict[str, Client], path: str, said: str) -> None:
    ids = named(world)
    client = client_for(clients, path)
    for parameter in json.loads(said).get("parameters", []):
        if parameter["in"] != "query":
            continue
        for text in TEXTS:
            asked = f"{filled(path, ids)}?{parameter['name']}={text}"
            assert ask(client, "GET", asked) < 500, asked


@pytest.mark.parametrize(("path", "verb"), WITH_ID, ids=[f"{verb} {path}" for path, verb in WITH_ID])
def test_no_id_can_break_the_server(world: World, clients: dict[str, Client], path: str, verb: str) -> None:
    ids = named(world)
    client = client_for(clients, path)
    said = SNAPSHOT["paths"][path][verb].get("requestBody", {}).get("content", {}).get("application/json")
    body = sample(said["schema"], DEFINITIONS, named=ids) if said else {}
    for text in ("%00", "x", "%ed%a0%80", "%ff", quote("'; --"), quote("𠮷"), "x" * 3000):
        wrong = dict.fromkeys(ids, text)
        assert ask(client, verb.upper(), filled(path, wrong), None if verb == "get" else body) < 500, (path, text)
