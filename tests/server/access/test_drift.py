import json
import uuid
from datetime import datetime, timedelta

import pytest

from linli.gate import journal
from linli.gate.journal import Event
from linli.gate.wire import Receipt
from linli.server.access import actions, queries
from linli.server.access.actions import TerminalInput
from linli.server.access.rules import read_record
from linli.server.kernel.actors import Role
from linli.server.kernel.errors import NotFound
from tests.server.access.estate import NOON, Doors, Gate, batch, found
from tests.server.access.test_commands import signed_in

MINUTE = timedelta(minutes=1)
DEVICE = int((NOON + timedelta(seconds=95)).timestamp())


@pytest.fixture
def doors(db: None) -> Doors:
    return found()


def test_a_line_of_a_terminal_says_its_own_time_and_by_how_much_it_was_wrong(doors: Doors) -> None:
    send(doors, line(Gate("G01"), note=f"rec T1/4711 dt {DEVICE} d 95000"))
    (event,) = queries.list_gate_events(estate_id=doors.estate_id, gate="G01", limit=5)
    assert (event.device, event.record, event.drift_ms) == ("T1", "4711", 95_000)
    assert event.device_time == NOON + timedelta(seconds=95)
    assert event.happened_at == NOON


def test_a_line_of_the_box_says_nothing_of_a_device(doors: Doors) -> None:
    send(doors, Gate("G01").write(1))
    (event,) = queries.list_gate_events(estate_id=doors.estate_id, gate="G01", limit=5)
    assert (event.device, event.record, event.device_time, event.drift_ms) == (None, None, None, None)


@pytest.mark.parametrize(
    "note",
    ["", "rec", "rec T1 dt 5 d 1", "record T1/1 dt 5 d 1", "rec T1/1 dt x d 1", "rec T1/1 d 1", "a rec/b dt c"],
)
def test_words_that_look_like_a_record_but_are_none_are_only_words(note: str) -> None:
    assert read_record(note) is None


def test_a_record_is_read_among_other_words_and_without_a_drift() -> None:
    told = read_record("STILL_INSIDE rec LOCK-7/2026:9 dt 1764000000 face 0.612")
    assert told is not None
    assert (told.terminal, told.record, told.drift_ms) == ("LOCK-7", "2026:9", 0)


def test_fifty_events_of_a_terminal_that_was_away_come_late_and_doubled_and_are_fifty(doors: Doors) -> None:
    gate, back = Gate("G01"), NOON + 30 * MINUTE
    lines = [
        line(gate, at=NOON + timedelta(seconds=number), note=f"rec T1/{number} dt {DEVICE + number} d 95000")
        for number in range(50)
    ]
    for piece in (lines[30:], lines[:40], lines[::-1], lines):
        send(doors, *piece, now=back)
    events = queries.list_gate_events(estate_id=doors.estate_id, gate="G01", limit=100)
    assert len(events) == 50
    assert all(event.late and event.received_at == back for event in events)
    assert {event.record for event in events} == {str(number) for number in range(50)}
    assert [event.happened_at for event in events[::-1]] == [NOON + timedelta(seconds=n) for n in range(50)]


def test_an_event_is_told_in_the_words_that_every_make_shares(doors: Doors) -> None:
    register(doors)
    granted, gate = doors.grant(), Gate("G01")
    serial = int(granted.serial, 16)
    send(
        doors,
        line(gate, note=f"rec T1/4711 dt {DEVICE} d 95000", serial=serial, method="FACE"),
        line(gate, serial=serial, opened=False, reason="OUTSIDE_HOURS", at=NOON + MINUTE),
        line(gate, method="ALARM", opened=False, reason="ALARM", note="FORCED T1"),
    )
    face, card = (normalised(doors, sequence) for sequence in (1, 2))
    assert (face.device_id, face.access_point_id, face.method, face.result, face.reason) == (
        "T1",
        "G01",
        "face",
        "granted",
        "ok",
    )
    assert (face.device_time, face.corrected_time, face.received_time, face.drift_ms) == (
        NOON + timedelta(seconds=95),
        NOON,
        NOON,
        95_000,
    )
    assert (card.device_id, card.method, card.result, card.reason) == (doors.box_id, "card", "denied", "zone")
    assert (card.pass_id, card.drift_ms, card.device_time) == (granted.id, 0, NOON + MINUTE)
    # Two events of one holder are told apart from another's, and name nobody.
    assert face.subject_ref == card.subject_ref
    assert granted.serial not in str(face)
    assert "person_of" not in str(face)
    assert uuid.UUID(face.event_id).version == 5
    assert face.event_id != card.event_id
    with pytest.raises(NotFound):
        normalised(doors, 3)
    with pytest.raises(NotFound):
        normalised(doors, 99)


def test_the_same_record_told_in_two_lines_has_one_name(doors: Doors) -> None:
    register(doors)
    gate = Gate("G01")
    note = f"rec T1/4711 dt {DEVICE} d 95000"
    send(doors, line(gate, note=note), line(gate, note=note))
    assert normalised(doors, 1).event_id == normalised(doors, 2).event_id
    other = found()
    register(other)
    send(other, line(Gate("G01"), note=note))
    assert normalised(other, 1).event_id != normalised(doors, 1).event_id


def test_a_clock_that_runs_wrong_rings_and_stops(doors: Doors) -> None:
    gate = Gate("G01")
    send(doors, line(gate, method="ALARM", opened=False, reason="ALARM", note="CLOCK T1 95 s ahead"))
    (ringing,) = queries.list_alarms(estate_id=doors.estate_id, running=True, gate="G01", limit=5)
    assert (ringing.kind, ringing.source, ringing.words) == ("CLOCK", "T1", "95 s ahead")
    send(doors, line(gate, method="ALARM", opened=False, reason="ALARM_OVER", note="CLOCK T1", at=NOON + MINUTE))
    assert not queries.list_alarms(estate_id=doors.estate_id, running=True, gate="G01", limit=5)


def test_the_board_says_how_old_a_list_is_what_is_owed_and_who_last_passed(doors: Doors) -> None:
    register(doors)
    gate = Gate("G01")
    passages = [line(gate, at=NOON + number * MINUTE) for number in range(61)]
    rung = line(gate, method="ALARM", opened=False, reason="ALARM", note="HELD_OPEN T1", at=NOON + 60 * MINUTE)
    hour = NOON + 60 * MINUTE
    send(doors, *passages[:30], *passages[35:], rung, now=hour)
    version = queries.snapshot_version(estate_id=doors.estate_id)
    actions.record_receipt(box=doors.box, receipt=Receipt(version=version, gates=("G01",), applied_at=hour), now=hour)
    actions.note_seen(box=doors.box, now=hour)
    first = board(doors, now=hour + MINUTE)
    assert (first.online, first.behind, first.list_age_s) == (True, 0, 60.0)
    assert (first.alarms, first.unseen_alarms, first.missing, first.unsent) == (("HELD_OPEN",), 1, 5, 5)
    assert first.last_passage is not None
    assert (first.last_passage.happened_at, first.last_passage.opened) == (hour, True)
    # An hour of silence at one line a minute, more or less.
    silent = board(doors, now=hour + 60 * MINUTE)
    assert (silent.online, silent.terminals.online) == (False, 0)
    assert 50 <= silent.unsent - silent.missing <= 70
    doors.grant()
    assert board(doors, now=hour + MINUTE).behind == 1


def test_the_events_over_http_carry_the_devices_time(doors: Doors) -> None:
    send(doors, line(Gate("G01"), note=f"rec T1/4711 dt {DEVICE} d 95000"))
    guard = signed_in(Role.GUARD, doors)
    (event,) = guard.get("/api/gate-events?gate=G01").json()
    assert (event["device"], event["drift_ms"]) == ("T1", 95_000)
    shown = guard.get("/api/gate-events/G01/1")
    assert (shown.status_code, shown.json()["device_id"]) == (200, "T1")
    assert guard.get("/api/gate-events/G01/0").status_code == 422
    assert guard.get("/api/gate-events/G01/9").status_code == 404
    assert "temp" not in json.dumps(shown.json())


def register(doors: Doors) -> None:
    asked = TerminalInput(gate="G01", make="simulated", settings={})
    actions.register_terminal(actor=doors.keeper, code="T1", asked=asked, now=NOON)


def send(doors: Doors, *lines, now: datetime = NOON) -> None:  # type: ignore[no-untyped-def]
    actions.record_gate_events(box=doors.box, body=batch(*lines), now=now)


def normalised(doors: Doors, sequence: int) -> queries.NormalisedEvent:
    return queries.normalised_event(estate_id=doors.estate_id, gate="G01", sequence=sequence)


def board(doors: Doors, *, now: datetime) -> queries.BoardGate:
    return next(one for one in queries.get_board(estate_id=doors.estate_id, now=now) if one.code == "G01")


def line(
    gate: Gate,
    *,
    note: str = "",
    at: datetime = NOON,
    method: str = "CARD",
    opened: bool = True,
    reason: str = "OK",
    serial: int | None = None,
) -> str:
    event = Event(
        at=at,
        clock="ok",
        method=method,
        direction="in",
        opened=opened,
        reason=reason,
        serial=serial,
        snapshot_version=1,
        note=note,
    )
    text, gate.head = journal.append(head=gate.head, event=event)
    return text
