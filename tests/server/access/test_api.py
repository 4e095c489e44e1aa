import gzip
import json
from datetime import timedelta

import pytest
from django.test import Client

from linli.gate import snapshot, wire
from linli.gate.snapshot import Snapshot
from linli.gate.wire import Receipt
from linli.server.access import queries
from linli.server.access.models import BoxReceipt, GateEvent, JournalFault, Pass
from linli.server.kernel import clock, ids
from linli.server.kernel.actors import Role
from linli.server.kernel.periods import Period
from linli.server.people import actions as people
from linli.server.people.actions import RoleInput
from tests.server.access.estate import Doors, Gate, batch, found

PASSWORD = "seven quiet dragons"


@pytest.fixture
def doors(db: None) -> Doors:
    return found()


def test_a_box_fetches_what_changed_and_receipts_it(doors: Doors) -> None:
    granted = _grant(doors)
    box = _box(doors)
    answer = box.get("/api/gate/delta?since=0")
    assert answer.status_code == 200
    change = wire.decode_delta(answer.content)
    known = snapshot.apply(Snapshot(estate=doors.estate_id), change)
    assert doors.present(granted, "G01", known=known, now=clock.now()).open
    receipt = Receipt(version=known.version, gates=doors.box.gates, applied_at=clock.now())
    done = box.post("/api/gate/receipts", wire.encode_receipt(receipt), content_type="application/json")
    assert (done.status_code, done.content) == (204, b"")
    assert queries.list_receipts(estate_id=doors.estate_id, pass_id=granted.id).receipted == 6
    assert doors.box.last_seen_at is not None


def test_a_long_list_is_squeezed_for_whoever_can_unpack_it(doors: Doors) -> None:
    for number in range(30):
        _grant(doors, f"stay_{number}")
    box = _box(doors)
    plain = box.get("/api/gate/delta")
    squeezed = box.get("/api/gate/delta", headers={"Accept-Encoding": "gzip"})
    assert squeezed["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain
    unpacked = wire.decode_delta(gzip.decompress(squeezed.content))
    assert unpacked.passes == wire.decode_delta(plain.content).passes


def test_a_box_sends_its_journal_and_is_told_how_far_it_came(doors: Doors) -> None:
    gate = Gate("G01")
    body = batch(gate.write(3), "rubbish")
    answer = _box(doors).post("/api/gate/journal", body, content_type=wire.JOURNAL_TYPE)
    receipt = wire.decode_journal_receipt(answer.content)
    assert (receipt.stored["G01"], [broken.why for broken in receipt.broken]) == (3, ["form"])
    assert GateEvent.objects.count() == 3
    assert JournalFault.objects.count() == 1


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b'{"wire":1,"kind":"delta"}', b"\xff\xfe", b"[" * 5000])
def test_a_receipt_that_is_none_is_a_clear_refusal(doors: Doors, body: bytes) -> None:
    answer = _box(doors).post("/api/gate/receipts", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (422, "unreadable_message")
    assert not BoxReceipt.objects.exists()


@pytest.mark.parametrize("since", ["-1", "x", "9223372036854775808", "1e3", ""])
def test_a_version_that_is_none_is_a_clear_refusal(doors: Doors, since: str) -> None:
    assert _box(doors).get(f"/api/gate/delta?since={since}").status_code == 422


def test_a_journal_without_end_is_refused_whole(doors: Doors) -> None:
    answer = _box(doors).post("/api/gate/journal", b"x" * (8 * 2**20 + 1), content_type=wire.JOURNAL_TYPE)
    assert (answer.status_code, answer.json()["code"]) == (413, "batch_too_long")
    assert not JournalFault.objects.exists()


GATE_ROUTES = (("GET", "/api/gate/delta"), ("POST", "/api/gate/receipts"), ("POST", "/api/gate/journal"))
DESK_ROUTES = (
    ("GET", "/api/gates"),
    ("GET", "/api/gate-events"),
    ("GET", "/api/gate-journals"),
    ("GET", "/api/gate-journals/faults"),
    ("GET", "/api/passes/{pass_id}/receipts"),
    ("POST", "/api/passes/{pass_id}/revoke"),
    ("POST", "/api/passes/override"),
)


@pytest.mark.parametrize(("verb", "path"), GATE_ROUTES)
def test_nobody_but_a_box_speaks_for_a_gate(doors: Doors, verb: str, path: str) -> None:
    gate = Gate("G01")
    body = batch(gate.write(1))
    admin = _signed_in(doors, Role.ESTATE_ADMIN)
    for headers in ({}, {"Authorization": f"Bearer {doors.key[:-1]}x"}, {"Authorization": "Bearer box_"}):
        answer = admin.generic(verb, path, body, content_type="text/plain", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_needed")
    assert not GateEvent.objects.exists()
    assert doors.box.last_seen_at is None


@pytest.mark.parametrize(("verb", "path"), DESK_ROUTES)
def test_a_boxs_key_opens_its_three_routes_and_no_other(doors: Doors, verb: str, path: str) -> None:
    granted = _grant(doors)
    body = json.dumps({"reason": "x", **OVERRIDE})
    answer = _box(doors).generic(verb, path.format(pass_id=granted.id), body, content_type="application/json")
    assert answer.status_code in (401, 403)
    assert queries.get_pass(estate_id=doors.estate_id, pass_id=granted.id) == granted
    assert Pass.objects.count() == 1


@pytest.mark.parametrize(("verb", "path"), DESK_ROUTES)
def test_strangers_and_operators_see_and_change_nothing_at_the_doors(doors: Doors, verb: str, path: str) -> None:
    granted = _grant(doors)
    body = json.dumps({"reason": "x", **OVERRIDE})
    for client, status in ((Client(), 401), (_signed_in(doors, Role.OPERATOR, scope=f"operator:{ids.new('op')}"), 403)):
        answer = client.generic(verb, path.format(pass_id=granted.id), body, content_type="application/json")
        assert answer.status_code == status
    assert queries.get_pass(estate_id=doors.estate_id, pass_id=granted.id) == granted
    assert Pass.objects.count() == 1


def test_the_console_sees_gates_events_and_journals(doors: Doors) -> None:
    gate = Gate("G01")
    gate.write(2, at=clock.now() - timedelta(minutes=5), opened=False, reason="EXPIRED")
    gate.write(1, at=clock.now())
    _box(doors).post("/api/gate/journal", batch(gate.lines[1:]), content_type=wire.JOURNAL_TYPE)
    console = _signed_in(doors, Role.POLICE)
    gates = console.get("/api/gates").json()
    assert [one["code"] for one in gates] == ["G01", "G02", "G05", "G07", "G08", "G09"]
    assert gates[0]["online"] is True
    events = console.get("/api/gate-events?limit=1").json()
    assert (len(events), events[0]["sequence"], events[0]["late"], events[0]["opened"]) == (1, 3, False, True)
    journals = console.get("/api/gate-journals").json()
    assert (journals[0]["sequence"], journals[0]["missing"], journals[0]["gaps"][0]["first"]) == (3, 1, 1)
    assert console.get("/api/gate-journals/faults").json() == []
    assert console.get("/api/gate-events?limit=0").status_code == 422


def test_a_guard_lets_somebody_in_once_however_often_the_button_is_pressed(doors: Doors) -> None:
    guard = _signed_in(doors, Role.GUARD)
    headers = {"Idempotency-Key": "one-press-of-a-button"}
    first = guard.post("/api/passes/override", OVERRIDE, content_type="application/json", headers=headers)
    again = guard.post("/api/passes/override", OVERRIDE, content_type="application/json", headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert Pass.objects.count() == 1
    assert doors.scan(first.json()["code"], "G02", now=clock.now()).open
    refused = guard.post("/api/passes/override", OVERRIDE, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (409, "override_running")
    assert refused.json()["message"]["zh"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("minutes", 121),
        ("minutes", 0),
        ("reason", ""),
        ("reason", "   "),
        ("reason", "x" * 201),
        ("holder_kind", "burglar"),
        ("holder_id", ""),
        ("origin_id", None),
    ],
)
def test_an_override_with_a_wrong_field_is_refused_and_says_which(doors: Doors, field: str, value: object) -> None:
    answer = _signed_in(doors, Role.GUARD).post(
        "/api/passes/override", {**OVERRIDE, field: value}, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert Pass.objects.count() == 0


def test_the_desk_withdraws_a_pass_and_follows_its_receipts(doors: Doors) -> None:
    granted = _grant(doors)
    desk = _signed_in(doors, Role.OFFICE)
    withdrawn = desk.post(f"/api/passes/{granted.id}/revoke", {"reason": "lost phone"}, content_type="application/json")
    assert (withdrawn.status_code, withdrawn.json()["state"]) == (200, "revoked")
    shown = desk.get(f"/api/passes/{granted.id}/receipts").json()
    assert (shown["gates"], shown["receipted"], shown["seconds"]) == (6, 0, None)
    version = withdrawn.json()["version"]
    receipt = Receipt(version=version, gates=doors.box.gates, applied_at=clock.now())
    _box(doors).post("/api/gate/receipts", wire.encode_receipt(receipt), content_type="application/json")
    shown = desk.get(f"/api/passes/{granted.id}/receipts").json()
    assert (shown["receipted"], [one["version"] for one in shown["receipts"]]) == (6, [version] * 6)
    assert 0 <= shown["seconds"] < 60
    assert desk.get("/api/passes/pass_of_nobody/receipts").status_code == 404


def test_a_desk_sees_only_its_own_estate(doors: Doors) -> None:
    neighbour = found()
    theirs = _grant(neighbour)
    desk = _signed_in(doors, Role.ESTATE_ADMIN)
    assert desk.get(f"/api/passes/{theirs.id}/receipts").status_code == 404
    answer = desk.post(f"/api/passes/{theirs.id}/revoke", {"reason": "x"}, content_type="application/json")
    assert answer.status_code == 404
    assert queries.get_pass(estate_id=neighbour.estate_id, pass_id=theirs.id) == theirs


OVERRIDE = {
    "holder_kind": "guest",
    "holder_id": "person_1",
    "origin_kind": "stay",
    "origin_id": "stay_1",
    "minutes": 120,
    "reason": "the phone is empty",
}


def _grant(doors: Doors, stay: str = "stay_1") -> queries.PassView:
    now = clock.now()
    return doors.grant(stay, period=Period(start=now - timedelta(hours=1), end=now + timedelta(days=1)), now=now)


def _box(doors: Doors) -> Client:
    return Client(headers={"Authorization": f"Bearer {doors.key}"})


def _signed_in(doors: Doors, role: Role, *, scope: str = "*") -> Client:
    name = f"{role.value}.{doors.estate_id[-6:].lower()}"
    people.open_account(
        actor=doors.keeper,
        username=name,
        password=PASSWORD,
        display_name="Somebody",
        roles=[RoleInput(role=role.value, scope=scope)],
        now=clock.now(),
    )
    client = Client()
    answer = client.post("/api/session", {"username": name, "password": PASSWORD}, content_type="application/json")
    assert answer.status_code == 200, answer.content
    return client
