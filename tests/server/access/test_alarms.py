import json
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from itertools import permutations

import pytest
from django.db import connection

from linli.gate import journal
from linli.gate.journal import Event
from linli.server import streams
from linli.server.access import actions, queries
from linli.server.access.models import GateAlarm
from linli.server.access.rules import read_alarm
from linli.server.kernel.actors import Role
from linli.server.kernel.errors import NotAllowed, NotFound
from linli.server.streams import Client, Hub
from tests.server.access.estate import NOON, Doors, Gate, batch, found
from tests.server.access.test_commands import signed_in
from tests.world import digest

MINUTE = timedelta(minutes=1)


@pytest.fixture
def doors(db: None) -> Doors:
    return found()


def test_an_alarm_begins_and_ends_as_the_journal_says(doors: Doors) -> None:
    gate = Gate("G01")
    send(doors, alarm(gate, "FORCED T1 forced open", at=NOON))
    (ringing,) = listed(doors)
    assert (ringing.gate, ringing.kind, ringing.source, ringing.words) == ("G01", "FORCED", "T1", "forced open")
    assert (ringing.began_at, ringing.ended_at) == (NOON, None)
    send(doors, alarm(gate, "FORCED T1", on=False, at=NOON + MINUTE))
    (over,) = listed(doors)
    assert (over.id, over.ended_at) == (ringing.id, NOON + MINUTE)
    assert listed(doors, running=True) == ()


def test_an_alarm_sent_again_rings_once(doors: Doors) -> None:
    gate = Gate("G01")
    lines = [alarm(gate, "TAMPER T1"), alarm(gate, "TAMPER T1", at=NOON + MINUTE)]
    for _ in range(3):
        send(doors, *lines)
    (one,) = listed(doors)
    assert one.began_at == NOON
    send(doors, alarm(gate, "TAMPER T1", on=False), alarm(gate, "TAMPER T1"))
    assert [one.ended_at is None for one in listed(doors)] == [True, False]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_alarms_come_out_right_in_whatever_order_their_lines_arrive(doors: Doors, order: tuple[int, ...]) -> None:
    gate = Gate("G01")
    lines = [
        alarm(gate, "FORCED T1 first", at=NOON),
        alarm(gate, "FORCED T1", on=False, at=NOON + MINUTE),
        alarm(gate, "FORCED T1 second", at=NOON + 2 * MINUTE),
        alarm(gate, "HELD_OPEN T1", at=NOON + 3 * MINUTE),
    ]
    for number in order:
        send(doors, lines[number])
    assert told(doors) == [
        ("FORCED", "first", NOON, NOON + MINUTE),
        ("FORCED", "second", NOON + 2 * MINUTE, None),
        ("HELD_OPEN", "", NOON + 3 * MINUTE, None),
    ]


@pytest.mark.parametrize("seed", range(8))
def test_a_flapping_alarm_in_late_doubled_and_shuffled_pieces_is_as_if_it_came_in_order(
    doors: Doors, seed: int
) -> None:
    chance = random.Random(seed)
    gate, other = Gate("G01"), Gate("G02")
    lines = []
    for number in range(40):
        source = chance.choice(("T1", "T2"))
        own = alarm(
            chance.choice((gate, other)), f"OFFLINE {source}", on=chance.random() < 0.5, at=NOON + number * MINUTE
        )
        lines.append(own)
    pieces = [lines[at : at + 3] for at in range(0, 40, 3)] * 2
    chance.shuffle(pieces)
    for piece in pieces:
        send(doors, *piece)
    shuffled = told(doors)
    again = found()
    send(again, *lines)
    assert shuffled == told(again)


def test_an_alarm_seen_by_somebody_stays_seen_when_an_earlier_line_comes_late(doors: Doors) -> None:
    gate = Gate("G01")
    late, soon = alarm(gate, "FORCED T1 early", at=NOON), alarm(gate, "FORCED T1 again", at=NOON + MINUTE)
    send(doors, soon)
    guard = doors.actor(Role.GUARD)
    actions.acknowledge_alarm(actor=guard, alarm_id=listed(doors)[0].id, now=NOON)
    send(doors, late)
    (one,) = listed(doors)
    assert (one.began_at, one.seen_by) == (NOON, guard.id)


def test_an_alarm_outlives_its_first_line(doors: Doors) -> None:
    gate = Gate("G01")
    send(doors, alarm(gate, "LOW_BATTERY T1", at=NOON))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM access_gateevent")
    send(doors, alarm(gate, "LOW_BATTERY T1", on=False, at=NOON + 100 * MINUTE))
    assert told(doors) == [("LOW_BATTERY", "", NOON, NOON + 100 * MINUTE)]


@pytest.mark.parametrize("note", ["-", "FORCED", "forced T1", "FORCED  T1", "A" * 13 + " T1", "OFFLINE box"])
def test_a_line_that_names_no_alarm_is_kept_and_rings_nothing(doors: Doors, note: str) -> None:
    send(doors, alarm(Gate("G01"), note))
    assert listed(doors) == ()
    assert queries.list_gate_events(estate_id=doors.estate_id, gate="G01", limit=5)
    assert read_alarm(gate="G01", sequence=1, at=NOON, reason="OK", note="FORCED T1") is None


def test_a_box_that_falls_silent_rings_at_each_of_its_gates_and_stops_when_heard(doors: Doors) -> None:
    far = doors.second_box("G07")
    for box in (doors.box, far):
        actions.note_seen(box=box, now=NOON)
    assert actions.watch_silence(actor=doors.keeper, now=NOON + 2 * MINUTE) == 0
    later = NOON + timedelta(seconds=131)
    actions.note_seen(box=doors.box, now=later)
    assert [actions.watch_silence(actor=doors.keeper, now=later) for _ in range(2)] == [1, 0]
    (ringing,) = listed(doors, running=True)
    assert (ringing.gate, ringing.source, ringing.kind, ringing.began_at) == ("G07", "box", "OFFLINE", NOON)
    # Heard by whatever it sends, at once and not at the next minute.
    actions.note_seen(box=queries.get_box(estate_id=doors.estate_id, box_id=far.id), now=later)
    (over,) = listed(doors)
    assert over.ended_at == later
    assert actions.watch_silence(actor=doors.keeper, now=later) == 0


def test_a_box_that_was_never_heard_of_is_not_missed(doors: Doors) -> None:
    assert actions.watch_silence(actor=doors.keeper, now=NOON + timedelta(days=1)) == 0


def test_a_gate_taken_from_a_silent_box_stops_ringing(doors: Doors) -> None:
    actions.note_seen(box=doors.box, now=NOON)
    later = NOON + 10 * MINUTE
    assert actions.watch_silence(actor=doors.keeper, now=later) == 6
    actions.retire_box(actor=doors.keeper, box_id=doors.box_id, now=later)
    actions.watch_silence(actor=doors.keeper, now=later)
    assert listed(doors, running=True) == ()


def test_who_has_taken_notice_is_noted_once(doors: Doors) -> None:
    send(doors, alarm(Gate("G01"), "FORCED T1"))
    alarm_id = listed(doors)[0].id
    before = digest()
    for role in (Role.OFFICE, Role.COMMITTEE, Role.POLICE, Role.AUDITOR):
        with pytest.raises(NotAllowed):
            actions.acknowledge_alarm(actor=doors.actor(role), alarm_id=alarm_id, now=NOON)
    with pytest.raises(NotFound):
        actions.acknowledge_alarm(actor=doors.actor(Role.GUARD), alarm_id=alarm_id + 1, now=NOON)
    assert digest() == before
    for role in (Role.GUARD, Role.PROPERTY):
        actions.acknowledge_alarm(actor=doors.actor(role), alarm_id=alarm_id, now=NOON)
    assert listed(doors)[0].seen_by == "acct_guard"


def test_the_console_hears_alarms_doors_and_counts(doors: Doors, django_capture_on_commit_callbacks) -> None:  # type: ignore[no-untyped-def]
    gate = Gate("G01")
    with django_capture_on_commit_callbacks() as callbacks:
        send(doors, *gate.write(2), alarm(gate, "FORCED T1 forced", at=NOON + MINUTE), now=NOON + MINUTE)
    told_ = [json.loads(one.args[1]) for one in callbacks if "linli_console" in getattr(one, "args", ())]
    events = {part["event"]: part["data"] for one in told_ for part in (one, *one.get("also", ()))}
    assert set(events) == {"alarm", "gate", "door", "count"}
    assert events["count"] == {"lines": 3, "gates": 1}
    assert events["door"]["doors"]["G01"]["state"] == "forced"
    (rang,) = events["alarm"]["alarms"]
    assert (rang["gate"], rang["kind"], rang["on"], rang["words"]) == ("G01", "FORCED", True, "forced")
    with django_capture_on_commit_callbacks() as callbacks:
        send(doors, gate.write(1, at=NOON + MINUTE), now=NOON + timedelta(days=3))
    late = [json.loads(one.args[1]) for one in callbacks if "linli_console" in getattr(one, "args", ())]
    assert [part["event"] for part in late[0]["also"]] == ["count"]


def test_a_thousand_alarms_at_once_fit_into_a_notification(doors: Doors, django_capture_on_commit_callbacks) -> None:  # type: ignore[no-untyped-def]
    gate = Gate("G01")
    lines = [alarm(gate, f"FORCED T{number} " + "门" * 70, at=NOON) for number in range(60)]
    with django_capture_on_commit_callbacks() as callbacks:
        send(doors, *lines)
    payloads = [one.args[1] for one in callbacks if "linli_console" in getattr(one, "args", ())]
    assert payloads
    assert all(len(payload.encode()) < 7_900 for payload in payloads)


@pytest.mark.parametrize(
    ("role", "heard"),
    [
        (Role.GUARD, {"gate", "door", "alarm", "terminal", "count"}),
        (Role.POLICE, {"gate", "door", "alarm", "count"}),
        (Role.AUDITOR, {"gate", "count"}),
        (Role.COMMITTEE, {"count"}),
    ],
)
def test_a_stream_carries_what_the_role_may_hear(doors: Doors, role: Role, heard: set[str]) -> None:
    ticket = signed_in(role, doors).post("/api/stream-ticket").json()["ticket"]
    hub, client = Hub(), opened(ticket)
    hub._clients.add(client)
    for event in ("gate", "door", "alarm", "terminal"):
        hub._spread("linli_console", json.dumps({"estate": doors.estate_id, "event": event, "data": {}}))
    also = [{"event": "count", "data": {"lines": 1}}]
    hub._spread("linli_console", json.dumps({"estate": "other", "event": "gate", "data": {}, "also": also}))
    hub._spread("linli_console", json.dumps({"estate": doors.estate_id, "event": "gate", "data": {}, "also": also}))
    seen = []
    while not client.waiting.empty():
        entry = client.waiting.get_nowait()
        assert entry is not None
        seen.append(entry[0])
    assert set(seen) == heard
    assert seen.count("count") == 1


# --- at the same moment


@pytest.fixture
def busy(transactional_db: None) -> Doors:
    return found()


def test_two_timers_at_once_ring_once(busy: Doors) -> None:
    actions.note_seen(box=busy.box, now=NOON)
    later = NOON + 10 * MINUTE
    rang = together(*[partial(actions.watch_silence, actor=busy.keeper, now=later)] * 3)
    assert sum(rang) == 6
    assert GateAlarm.objects.count() == 6


def test_an_alarm_that_two_hands_bring_at_once_rings_once(busy: Doors) -> None:
    gates = [Gate("G01"), Gate("G02")]
    for turn in range(6):
        at = NOON + turn * MINUTE
        lines = [alarm(gate, "FORCED T1", on=turn % 2 == 0, at=at) for gate in gates]
        together(
            partial(actions.record_gate_events, box=busy.box, body=batch(*lines), now=at),
            partial(actions.record_gate_events, box=busy.box, body=batch(*lines[::-1]), now=at),
        )
    assert GateAlarm.objects.count() == 6
    assert GateAlarm.objects.filter(ended_at__isnull=True).count() == 0


# --- hands


def alarm(gate: Gate, note: str, *, on: bool = True, at: datetime = NOON) -> str:
    event = Event(
        at=at,
        clock="ok",
        method="ALARM",
        direction="in",
        opened=False,
        reason="ALARM" if on else "ALARM_OVER",
        serial=None,
        snapshot_version=1,
        note=note,
    )
    line, gate.head = journal.append(head=gate.head, event=event)
    gate.lines.append(line)
    return line


def send(doors: Doors, *lines, now: datetime = NOON) -> None:  # type: ignore[no-untyped-def]
    actions.record_gate_events(box=doors.box, body=batch(*lines), now=now)


def listed(doors: Doors, *, running: bool | None = None) -> tuple[queries.AlarmView, ...]:
    return queries.list_alarms(estate_id=doors.estate_id, running=running, gate=None, limit=100)


def told(doors: Doors) -> list[tuple[str, str, datetime, datetime | None]]:
    rows = [(one.kind, one.words, one.began_at, one.ended_at) for one in listed(doors)]
    return sorted(rows, key=lambda row: (row[2], row[0], str(row[3])))


def opened(ticket: str) -> Client:
    body = streams.tickets.read("console-stream", ticket, max_age_seconds=60, now=streams.clock.now())
    assert body is not None
    return Client(estate_id=body["estate_id"], channel="linli_console", hears=frozenset(body["hears"]))


def together(*acts: Callable[[], object]) -> list:  # type: ignore[type-arg]
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        start.wait(20)
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [one.result(20) for one in [pool.submit(run, act) for act in acts]]
