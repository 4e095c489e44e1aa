"""At the desk and by link: a printed pass, a card, a PIN, a courier; a visitor who is asked in, comes, and is sent away."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from linli.gate.decision import Kind, Reason, Scan, decide
from linli.gate.snapshot import Snapshot, apply
from linli.server.access import actions, queries, rules
from linli.server.access.models import Credential, Pass, VisitorInvitation
from linli.server.kernel.actors import Role
from linli.server.stays.actions.registration import guest_token
from linli.server.stays.models import Stay
from tests.world import World, body_of, build

JSON = "application/json"


@pytest.fixture
def world(db: None) -> World:
    return build()


@pytest.fixture
def held(world: World) -> Pass:
    (stay,) = world.stay(state="IN_HOUSE")
    return Pass.objects.get(id=Stay.objects.get(id=stay.id).access_pass_id)


def post(client: Client, path: str, **body: Any) -> Any:
    return client.post(f"/api{path}", json.dumps(body), content_type=JSON)


def opens(world: World, kind: Kind, text: str, gate: str = "G01", *, at: datetime | None = None) -> Reason:
    box = queries.authenticate_box(key=world.box.key)
    known = apply(Snapshot(estate=world.estate_id), queries.get_delta(box=box, since=0, now=world.now))
    return decide(Scan(gate=gate, kind=kind, text=text), known, at or world.now).reason


def test_a_guard_finds_a_pass_by_its_number_and_learns_no_name(world: World, held: Pass) -> None:
    found = body_of(world.signed_in(Role.GUARD).get(f"/api/desk/passes?number={held.number.lower()}"))
    assert (found["id"], found["holder_kind"]) == (held.id, held.holder_kind)
    assert found["doors"]
    assert not {"name", "holder_id", "person_id"} & set(found)


def test_a_card_and_a_pin_from_the_desk_open_the_gate_until_they_are_taken_back(world: World, held: Pass) -> None:
    guard = world.signed_in(Role.GUARD)
    card = body_of(post(guard, f"/desk/passes/{held.id}/cards", number="04A1B2C3"))
    pin = body_of(post(guard, f"/desk/passes/{held.id}/pin"))["pin"]
    assert opens(world, Kind.CARD, "04A1B2C3") is Reason.OK
    assert opens(world, Kind.PIN, pin) is Reason.OK
    body_of(post(guard, f"/credentials/{card['id']}/withdraw", reason="lost"))
    assert opens(world, Kind.CARD, "04A1B2C3") is Reason.UNKNOWN_CREDENTIAL
    assert opens(world, Kind.PIN, pin) is Reason.OK


def test_a_printed_pass_opens_without_a_phone_and_the_newest_paper_only(world: World, held: Pass) -> None:
    guard = world.signed_in(Role.GUARD)
    first = body_of(post(guard, f"/desk/passes/{held.id}/paper"))["code"]
    assert opens(world, Kind.CODE, first) is Reason.OK
    second = body_of(post(guard, f"/desk/passes/{held.id}/paper"))["code"]
    assert opens(world, Kind.CODE, second) is Reason.OK
    assert opens(world, Kind.CODE, first) is Reason.REVOKED


def test_a_courier_has_half_an_hour_at_the_estate_gates(world: World) -> None:
    paper = body_of(post(world.signed_in(Role.GUARD), "/desk/couriers"))
    granted = Pass.objects.get(id=paper["granted"]["id"])
    assert 30 * 60 <= (granted.end - granted.start).total_seconds() <= 30 * 60 + 1
    assert opens(world, Kind.CODE, paper["code"], at=granted.start) is Reason.OK


def test_a_guest_sees_the_own_pin_and_it_stays_the_same(world: World, held: Pass) -> None:
    phone = phone_of(world, held)
    ways = body_of(phone.get("/api/passes/mine"))
    assert ways["number"] == held.number
    assert ways["ways"][-1] == "GUARD"
    assert not ways["pin"]
    shown = body_of(post(phone, "/passes/mine/pin"))["pin"]
    assert opens(world, Kind.PIN, shown) is Reason.OK
    assert body_of(post(phone, "/passes/mine/pin"))["pin"] == shown
    assert Credential.objects.filter(kind="PIN", live=True).count() == 1


def test_a_visitor_is_asked_in_comes_by_link_and_is_sent_away_at_once(world: World, held: Pass) -> None:
    at_any_hour(world)
    phone = phone_of(world, held)
    ends = world.now.replace(microsecond=0)
    period = {"start": ends.isoformat(), "end": held.end.isoformat()}
    invited = body_of(post(phone, "/visits", **period))
    visitor = world.bearer(invited["token"])
    seen = body_of(visitor.get("/api/visits/mine"))
    assert seen["state"] == "INVITED"
    assert visitor.get("/api/visits/mine/codes").status_code == 409
    answer = {"name": "王小二", "phone": "13800138000", "notice_digest": seen["notice_digest"]}
    assert body_of(post(visitor, "/visits/mine/accept", **answer))["state"] == "ACCEPTED"
    code = body_of(visitor.get("/api/visits/mine/codes?count=1"))["codes"][0]["code"]
    assert opens(world, Kind.CODE, code) is Reason.OK
    (listed,) = body_of(phone.get("/api/visits"))
    assert "王小二" not in json.dumps(listed, ensure_ascii=False)
    body_of(post(phone, f"/visits/{invited['visit']['id']}/withdraw", reason="changed plans"))
    assert opens(world, Kind.CODE, code) is Reason.REVOKED
    stored = VisitorInvitation.objects.get()
    assert "王小二".encode() not in bytes(stored.sealed_name or b"")


def test_another_guest_cannot_take_an_invitation_back(world: World, held: Pass) -> None:
    at_any_hour(world)
    period = {"start": world.now.isoformat(), "end": held.end.isoformat()}
    invited = body_of(post(phone_of(world, held), "/visits", **period))
    stranger = world.signed_in(Role.OPERATOR, scope=f"operator:{world.operator_id}")
    assert post(stranger, f"/visits/{invited['visit']['id']}/withdraw", reason="mine").status_code == 403
    assert VisitorInvitation.objects.get().state == "INVITED"


def at_any_hour(world: World) -> None:
    """Let visitors come late too: these tests run by the real clock, also after eleven at night."""
    terms = replace(rules.default_terms(holder_kind="visitor"), ends_by=None, source="a decision of the house")
    actions.change_terms(actor=world.admin, terms=terms, in_force_from=world.now, now=world.now)


def phone_of(world: World, held: Pass) -> Client:
    return world.bearer(guest_token(Stay.objects.get(access_pass_id=held.id), now=world.now))
