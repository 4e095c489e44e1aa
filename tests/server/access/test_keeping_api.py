"""What the console and the desk ask over HTTP to keep the doors: rules, ways, terms, hours, holidays.

And at the desk: identity cards, lost cards, forgotten PINs, passes of those who live or work here.
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from linli.gate.decision import Kind, Reason, Scan, decide
from linli.gate.snapshot import Snapshot, apply
from linli.server.access import actions, queries
from linli.server.access.models import Credential, Gate, HolderTerms, Pass
from linli.server.kernel.actors import Role
from linli.server.kernel.models import OnceKey
from linli.server.people import actions as people
from linli.server.people.actions import HouseholdInput, ResidentInput
from linli.server.privacy.models import AuditEntry
from linli.server.stays.models import Stay
from tests.server.people.somebody import card, wang
from tests.world import Unchanged, World, body_of, build

JSON = "application/json"
NUMBER = "510108199003070019"
TERMS = {"doors": ["estate", "entrance"], "ways": ["CODE", "PIN"], "longest_minutes": 240, "source": "resolution 7"}
TABLE = {
    "name_zh": "上午",
    "name_en": "Mornings",
    "slots": [{"weekday": 0, "start": 480, "end": 720}],
    "holidays": False,
}


@pytest.fixture
def world(db: None) -> World:
    return build()


@pytest.fixture
def held(world: World) -> Pass:
    (stay,) = world.stay(state="IN_HOUSE")
    return Pass.objects.get(id=Stay.objects.get(id=stay.id).access_pass_id)


def send(client: Client, verb: str, path: str, **body: Any) -> Any:
    return client.generic(verb, f"/api{path}", json.dumps(body), content_type=JSON)


def opens(world: World, kind: Kind, text: str, gate: str = "G01") -> Reason:
    box = queries.authenticate_box(key=world.box.key)
    known = apply(Snapshot(estate=world.estate_id), queries.get_delta(box=box, since=0, now=world.now))
    return decide(Scan(gate=gate, kind=kind, text=text), known, world.now).reason


def resident(world: World) -> str:
    """Somebody who lives in the flat `home`, and has a pass by the register."""
    member = ResidentInput(person=wang(), document=card(), kind="registered", relation="02")
    moved = world.now.date() - timedelta(days=30)
    family = HouseholdInput(dwelling_id=world.units["home"].dwelling_id, members=(member,), moved_in_date=moved)
    people.move_in(actor=world.hand, households=[family], now=world.now)
    actions.keep_resident_passes(actor=world.hand, now=world.now)
    return Pass.objects.get(origin_kind="residency").origin_id


def test_a_gates_rules_are_changed_and_a_face_only_door_is_refused(world: World) -> None:
    keeper = world.signed_in(Role.PROPERTY)
    shown = send(keeper, "PATCH", "/gates/G07/rules", ways=["PIN", "CODE"], pairing="soft", most_inside=40, area=7)
    assert (shown.status_code, body_of(shown)["ways"]) == (200, ["CODE", "PIN"])
    assert (body_of(shown)["pairing"], body_of(shown)["most_inside"]) == ("soft", 40)
    # What is left out stays.
    again = body_of(send(keeper, "PATCH", "/gates/G07/rules", strike_s=8))
    assert (again["ways"], again["pairing"], again["strike_s"]) == (["CODE", "PIN"], "soft", 8)
    with Unchanged():
        refused = send(keeper, "PATCH", "/gates/G07/rules", ways=["FACE"])
    assert (refused.status_code, body_of(refused)["code"]) == (422, "face_only")
    assert "fail_mode" in body_of(keeper.get("/api/gates/rules"))[0]


@pytest.mark.parametrize("role", [Role.GUARD, Role.OFFICE, Role.POLICE, Role.AUDITOR, Role.COMMITTEE])
def test_who_may_not_keep_the_doors_changes_none_of_their_rules(world: World, role: Role) -> None:
    client = world.signed_in(role)
    lock = {"dwelling_id": world.units["home"].dwelling_id, "gate": "L1"}
    with Unchanged():
        for verb, path, body in (
            ("PATCH", "/gates/G07/rules", {"ways": ["CODE"]}),
            ("POST", "/terms/visitor", TERMS),
            ("PUT", "/weekly-hours/2", TABLE),
            ("PUT", "/holidays", {"days": ["2026-10-01"]}),
            ("POST", "/gates/locks", lock),
        ):
            assert send(client, verb, path, **body).status_code == 403, path


def test_the_look_over_all_doors_is_there_for_whoever_watches(world: World) -> None:
    Gate.objects.filter(code="G07").update(ways=["CARD"])
    found = {one["code"]: one for one in body_of(world.signed_in(Role.AUDITOR).get("/api/gates/ways"))}
    assert set(found) == {"G01", "G05", "G07", "G08"}
    assert {"code": "NO_WAY", "holder_kind": "visitor"} in found["G07"]["problems"]
    assert [step["way"] for step in found["G07"]["order"]] == ["card", "guard"]
    assert not found["G07"]["sound"]
    # The sample estate has not declared its weekly tables: whoever comes by the daytime would stand outside.
    assert {"code": "NO_TABLE", "holder_kind": "cleaner"} in found["G01"]["problems"]
    assert (
        world.signed_in(Role.OPERATOR, scope=f"operator:{world.operator_id}").get("/api/gates/ways").status_code == 403
    )


def test_terms_are_decided_by_the_admin_and_both_the_old_and_the_new_are_shown(world: World) -> None:
    actions.declare_terms(actor=world.hand, now=world.now - timedelta(days=3))
    admin = world.signed_in(Role.ESTATE_ADMIN)
    made = send(admin, "POST", "/terms/visitor", **TERMS)
    assert (made.status_code, body_of(made)["longest_minutes"]) == (201, 240)
    history = body_of(admin.get("/api/terms/visitor"))
    assert [(one["longest_minutes"], one["source"]) for one in history] == [(240, "resolution 7"), (720, "appendix A4")]
    later = (world.now + timedelta(days=30)).isoformat()
    coming = body_of(send(admin, "POST", "/terms/visitor", **{**TERMS, "longest_minutes": 60}, in_force_from=later))
    assert coming["longest_minutes"] == 60
    today = next(one for one in body_of(admin.get("/api/terms")) if one["holder_kind"] == "visitor")
    assert today["longest_minutes"] == 240
    assert HolderTerms.objects.filter(holder_kind="visitor").count() == 3


@pytest.mark.parametrize(
    ("kind", "changes", "code"),
    [
        ("visitor", {"source": " "}, "source_needed"),
        ("visitor", {"ways": ["FACE"]}, "terms_unsound"),
        ("visitor", {"in_force_from": "2020-01-01T00:00:00Z"}, "terms_backdated"),
        ("visitor", {"hours": 88}, "terms_unsound"),
        ("child", {"ways": ["CODE", "FACE"]}, "face_not_for_children"),
        ("burglar", {}, "unknown_holder"),
    ],
)
def test_terms_that_cannot_hold_are_refused_in_words(
    world: World, kind: str, changes: dict[str, Any], code: str
) -> None:
    admin = world.signed_in(Role.ESTATE_ADMIN)
    with Unchanged():
        refused = send(admin, "POST", f"/terms/{kind}", **{**TERMS, **changes})
    assert (refused.status_code, body_of(refused)["code"]) == (422, code)


def test_weekly_tables_and_holidays_are_written_and_read(world: World) -> None:
    keeper = world.signed_in(Role.PROPERTY)
    assert body_of(send(keeper, "PUT", "/weekly-hours/2", **TABLE))["slots"] == TABLE["slots"]
    changed = body_of(send(keeper, "PUT", "/weekly-hours/2", **{**TABLE, "name_en": "Early"}))
    assert changed["name_en"] == "Early"
    assert [one["number"] for one in body_of(keeper.get("/api/weekly-hours"))] == [2]
    days = ["2026-10-01", "2026-10-02"]
    assert body_of(send(keeper, "PUT", "/holidays", days=[*days[::-1], days[0]])) == days
    assert body_of(world.signed_in(Role.GUARD).get("/api/holidays")) == days
    with Unchanged():
        bad = {**TABLE, "slots": [{"weekday": 0, "start": 720, "end": 480}]}
        assert send(keeper, "PUT", "/weekly-hours/2", **bad).status_code == 422
        assert send(keeper, "PUT", "/weekly-hours/0", **TABLE).status_code == 422


def test_a_list_of_two_is_a_list_like_any_other(world: World) -> None:
    # The framework reads a tuple of two as a status and a body; none of our answers is one.
    keeper = world.signed_in(Role.PROPERTY)
    for number in (1, 2, 3):
        send(keeper, "PUT", f"/weekly-hours/{number}", **TABLE)
        answer = keeper.get("/api/weekly-hours")
        assert (answer.status_code, len(body_of(answer))) == (200, number)


def test_an_identity_card_opens_the_gate_and_its_number_is_nowhere_to_be_found(world: World, held: Pass) -> None:
    guard = world.signed_in(Role.GUARD)
    path = f"/api/desk/passes/{held.id}/idcards"
    headers = {"Idempotency-Key": "7f3a0d52-0000-4000-8000-000000000001"}
    bound = body_of(guard.post(path, json.dumps({"number": NUMBER}), content_type=JSON, headers=headers))
    assert (bound["kind"], bound["label"]) == ("IDCARD", "••••0019")
    assert opens(world, Kind.IDCARD, NUMBER) is Reason.OK
    twice = body_of(guard.post(path, json.dumps({"number": NUMBER}), content_type=JSON))
    assert twice["id"] == bound["id"]
    row = Credential.objects.get(kind="IDCARD")
    assert NUMBER.encode() not in bytes(row.sealed) + bytes(row.index)
    # Not even a digest of the request is kept: of an identity number one could be guessed back.
    assert not OnceKey.objects.exists()
    assert NUMBER not in json.dumps(list(AuditEntry.objects.values_list("subject", "fields", "reason")))


def test_what_is_no_identity_number_or_proves_another_pass_is_refused(world: World, held: Pass) -> None:
    guard = world.signed_in(Role.GUARD)
    with Unchanged():
        assert send(guard, "POST", f"/desk/passes/{held.id}/idcards", number="12 3").status_code == 422
        assert send(guard, "POST", "/desk/passes/pass_none/idcards", number=NUMBER).status_code == 404
    body_of(send(guard, "POST", f"/desk/passes/{held.id}/idcards", number=NUMBER))
    (other,) = world.stay("dorm", state="IN_HOUSE")
    theirs = Stay.objects.get(id=other.id).access_pass_id
    with Unchanged():
        taken = send(guard, "POST", f"/desk/passes/{theirs}/idcards", number=NUMBER)
    assert (taken.status_code, body_of(taken)["code"]) == (409, "credential_taken")


def test_a_lost_card_is_replaced_and_opens_nothing_from_the_same_change_on(world: World, held: Pass) -> None:
    guard = world.signed_in(Role.GUARD)
    lost = body_of(send(guard, "POST", f"/desk/passes/{held.id}/cards", number="04A1B2C3"))
    with Unchanged():
        assert send(guard, "POST", f"/credentials/{lost['id']}/card", number="04A1B2C4", reason=" ").status_code == 422
    fresh = send(guard, "POST", f"/credentials/{lost['id']}/card", number="04A1B2C4", reason="lost at the market")
    assert fresh.status_code == 201
    assert opens(world, Kind.CARD, "04A1B2C4") is Reason.OK
    assert opens(world, Kind.CARD, "04A1B2C3") is Reason.UNKNOWN_CREDENTIAL
    with Unchanged():
        again = send(guard, "POST", f"/credentials/{lost['id']}/card", number="04A1B2C5", reason="once more")
    assert body_of(again)["code"] == "credential_over"


def test_the_desk_shows_a_pin_once_more_only_as_a_new_one(world: World, held: Pass) -> None:
    guard = world.signed_in(Role.GUARD)
    first = body_of(send(guard, "POST", f"/desk/passes/{held.id}/pin"))
    with Unchanged():
        assert send(guard, "POST", f"/desk/passes/{held.id}/pin").status_code == 409
    second = body_of(send(guard, "POST", f"/credentials/{first['credential']['id']}/pin", reason="forgotten"))
    assert second["pin"] != first["pin"]
    assert opens(world, Kind.PIN, second["pin"]) is Reason.OK
    assert opens(world, Kind.PIN, first["pin"]) is Reason.UNKNOWN_CREDENTIAL
    shown = body_of(guard.get(f"/api/desk/passes?number={held.number}"))
    assert second["pin"] not in json.dumps(shown)
    assert not hasattr(actions, "reveal_pin")


@pytest.mark.parametrize("role", [Role.POLICE, Role.AUDITOR, Role.COMMITTEE, Role.OPERATOR])
def test_who_does_not_sit_at_the_desk_replaces_nothing_there(world: World, held: Pass, role: Role) -> None:
    scope = f"operator:{world.operator_id}" if role is Role.OPERATOR else "*"
    guard, other = world.signed_in(Role.GUARD), world.signed_in(role, scope=scope)
    one = body_of(send(guard, "POST", f"/desk/passes/{held.id}/cards", number="04A1B2C3"))
    pin = body_of(send(guard, "POST", f"/desk/passes/{held.id}/pin"))["credential"]
    with Unchanged():
        for path, body in (
            (f"/desk/passes/{held.id}/idcards", {"number": NUMBER}),
            (f"/credentials/{one['id']}/card", {"number": "04A1B2C4", "reason": "lost"}),
            (f"/credentials/{pin['id']}/pin", {"reason": "forgotten"}),
        ):
            assert send(other, "POST", path, **body).status_code == 403, path


def test_the_desk_finds_a_residents_pass_by_the_flat_and_gives_it_anew(world: World) -> None:
    residency = resident(world)
    office, guard = world.signed_in(Role.OFFICE), world.signed_in(Role.GUARD)
    path = f"/api/desk/dwellings/{world.units['home'].dwelling_id}/passes"
    (row,) = body_of(guard.get(path))
    assert (row["residency_id"], row["name_masked"], row["granted"]["holder_kind"]) == (residency, "王**", "resident")
    assert "王甲子" not in json.dumps(row, ensure_ascii=False)
    with Unchanged():
        assert send(office, "POST", f"/desk/residencies/{residency}/pass").status_code == 409
        assert send(guard, "POST", f"/desk/residencies/{residency}/pass").status_code == 403
    send(guard, "POST", f"/passes/{row['granted']['id']}/revoke", reason="lost phone")
    assert body_of(guard.get(path))[0]["granted"] is None
    assert send(office, "POST", f"/desk/residencies/{residency}/pass").status_code == 201
    assert body_of(guard.get(path))[0]["granted"]["state"] == "active"
    assert guard.get("/api/desk/dwellings/dwelling_none/passes").status_code == 404
    assert world.signed_in(Role.OPERATOR, scope=f"operator:{world.operator_id}").get(path).status_code == 403


def test_a_pass_by_contract_is_given_listed_and_ended(world: World) -> None:
    keeper = world.signed_in(Role.PROPERTY)
    until = (world.now + timedelta(days=90)).isoformat()
    flat = world.units["home"].dwelling_id
    body = {"holder_kind": "cleaner", "holder_id": "cleaner_1", "contract": "C-17", "dwelling_id": flat, "until": until}
    made = send(keeper, "POST", "/desk/contracts", **body)
    assert (made.status_code, body_of(made)["hours"]) == (201, 1)
    assert body_of(send(keeper, "POST", "/desk/contracts", **body))["id"] == body_of(made)["id"]
    (listed,) = body_of(world.signed_in(Role.AUDITOR).get("/api/desk/contracts"))
    assert (listed["contract"], listed["dwelling_id"]) == ("C-17", flat)
    with Unchanged():
        assert send(keeper, "POST", "/desk/contracts", **{**body, "holder_kind": "guest"}).status_code == 422
        assert send(keeper, "POST", "/desk/contracts", **{**body, "until": "2020-01-01T00:00:00Z"}).status_code == 422
    assert body_of(send(keeper, "POST", "/desk/contracts/end", contract="C-17", reason="over")) == {"passes": 1}
    assert body_of(keeper.get("/api/desk/contracts")) == []


def test_a_lock_is_fitted_at_a_flat_over_http_and_opens_to_its_guests(world: World, held: Pass) -> None:
    keeper = world.signed_in(Role.PROPERTY)
    flat = world.units["home"].dwelling_id
    fitted = send(keeper, "POST", "/gates/locks", dwelling_id=flat, gate="L0101")
    assert (fitted.status_code, body_of(fitted)["code"]) == (201, "L0101")
    lock = Gate.objects.get(code="L0101")
    assert set(lock.groups) <= set(Pass.objects.get(id=held.id).groups)
    with Unchanged():
        taken = send(keeper, "POST", "/gates/locks", dwelling_id=flat, gate="L0101")
    assert (taken.status_code, body_of(taken)["code"]) == (409, "gate_code_taken")
