from datetime import timedelta

import pytest

from linli.server.access import actions, personal_data, queries
from linli.server.access.models import (
    GateAlarm,
    GateCommand,
    GateEvent,
    JournalFault,
    JournalHead,
    Pass,
    PassageCount,
)
from linli.server.kernel.actors import Role
from linli.server.privacy import actions as privacy
from linli.server.privacy import queries as holdings
from linli.server.privacy.models import AuditEntry
from tests.server.access.estate import NOON, STAY, Doors, Gate, batch, found

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KEPT = timedelta(days=90)


@pytest.fixture
def doors(db: None) -> Doors:
    return found()


def test_access_says_what_it_holds_on_a_person() -> None:
    models = {holding.model for holding in holdings.holdings()}
    assert {"access.Pass", "access.GateEvent", "access.JournalFault"} <= models


def test_after_ninety_days_only_counts_remain(doors: Doors) -> None:
    granted, gate = doors.grant(), Gate("G01")
    gate.write(3, serial=int(granted.serial, 16))
    gate.write(2, opened=False, reason="EXPIRED")
    gate.write(1, at=NOON + timedelta(hours=13))
    gate.write(1, at=NOON + 2 * DAY)
    send(doors, gate, now=NOON + 3 * DAY)
    assert personal_data.erase_events(NOON + KEPT) == 0
    assert personal_data.erase_events(NOON + KEPT + DAY) == 6
    assert personal_data.erase_events(NOON + KEPT + DAY) == 0
    assert GateEvent.objects.count() == 1
    counts = {
        (count.date.isoformat(), count.reason, count.opened): count.passages for count in PassageCount.objects.all()
    }
    # 01:00 of the next day in the estate's zone belongs to that day.
    assert counts == {
        ("2026-06-01", "OK", True): 3,
        ("2026-06-01", "EXPIRED", False): 2,
        ("2026-06-02", "OK", True): 1,
    }


def test_what_was_counted_and_forgotten_does_not_come_back(doors: Doors) -> None:
    gate = Gate("G01")
    gate.write(5)
    send(doors, gate)
    personal_data.erase_events(NOON + KEPT + DAY)
    send(doors, gate, now=NOON + KEPT + DAY)
    assert not GateEvent.objects.exists()
    assert JournalHead.objects.get(estate_id=doors.estate_id, gate="G01").sequence == 5


def test_a_late_line_is_added_to_the_counts(doors: Doors) -> None:
    gate = Gate("G01")
    gate.write(4)
    actions.record_gate_events(box=doors.box, body=batch(gate.lines[:2]), now=NOON)
    personal_data.erase_events(NOON + KEPT + DAY)
    actions.record_gate_events(box=doors.box, body=batch(gate.lines[2:]), now=NOON + KEPT + DAY)
    assert personal_data.erase_events(NOON + KEPT + DAY) == 2
    assert PassageCount.objects.get().passages == 4


def test_a_clock_that_lies_neither_erases_at_once_nor_keeps_for_ever(doors: Doors) -> None:
    past, future = Gate("G01"), Gate("G02")
    past.write(1, clock="unsure", at=NOON - 1000 * DAY)
    future.write(1, at=NOON + 1000 * DAY)
    send(doors, past)
    send(doors, future)
    assert personal_data.erase_events(NOON + DAY) == 0
    assert personal_data.erase_events(NOON + KEPT + DAY) == 2


def test_an_old_pass_is_emptied_of_its_person_but_stays_for_its_stay(doors: Doors) -> None:
    granted = doors.grant()
    doors.revoke()
    assert personal_data.erase_passes(STAY.end + KEPT) == 0
    assert personal_data.erase_passes(STAY.end + KEPT + DAY) == 1
    assert personal_data.erase_passes(STAY.end + KEPT + DAY) == 0
    row = Pass.objects.get(id=granted.id)
    assert (row.holder_id, row.reason, row.first_used_at) == ("", "", None)


def test_a_faulty_line_is_emptied_but_the_fault_stays(doors: Doors) -> None:
    actions.record_gate_events(box=doors.box, body=b"rubbish", now=NOON)
    assert personal_data.erase_faults(NOON + KEPT + DAY) == 1
    assert personal_data.erase_faults(NOON + KEPT + DAY) == 0
    assert bytes(JournalFault.objects.get().line) == b""
    assert queries.list_journal_faults(estate_id=doors.estate_id, limit=1)[0].line == ""


def test_a_person_is_told_where_the_pass_was_shown(doors: Doors) -> None:
    granted, gate = doors.grant("stay_1"), Gate("G01")
    gate.write(1, serial=int(granted.serial, 16))
    gate.write(1, serial=int(doors.grant("stay_2").serial, 16))
    send(doors, gate)
    (told,) = personal_data.export_events(doors.estate_id, "person_of_stay_1")
    assert (told["gate"], told["happened_at"], told["opened"]) == ("G01", NOON.isoformat(), True)
    (held,) = personal_data.export_passes(doors.estate_id, "person_of_stay_1")
    assert held["pass"] == granted.serial
    assert personal_data.export_events("estate_other", "person_of_stay_1") == []


def test_retention_runs_over_everything_access_holds(doors: Doors) -> None:
    gate = Gate("G01")
    gate.write(2)
    send(doors, gate)
    assert privacy.enforce_retention(now=NOON + KEPT + DAY)["access.GateEvent"] == 2


def send(doors: Doors, gate: Gate, *, now=NOON) -> None:  # type: ignore[no-untyped-def]
    actions.record_gate_events(box=doors.box, body=batch(gate.lines), now=now)


def test_an_alarm_that_is_over_is_kept_half_a_year_and_one_that_runs_is_kept(doors: Doors) -> None:
    far = doors.second_box("G07")
    for box in (doors.box, far):
        actions.note_seen(box=box, now=NOON)
    actions.watch_silence(actor=doors.keeper, now=NOON + HOUR)
    actions.note_seen(box=queries.get_box(estate_id=doors.estate_id, box_id=far.id), now=NOON + 2 * HOUR)
    assert GateAlarm.objects.filter(ended_at__isnull=False).count() == 1
    running = GateAlarm.objects.filter(ended_at__isnull=True).count()
    assert personal_data.erase_alarms(NOON + 180 * DAY) == 0
    assert personal_data.erase_alarms(NOON + 181 * DAY) == 1
    assert GateAlarm.objects.count() == running > 0


def test_what_a_gate_was_asked_to_do_is_kept_half_a_year_and_its_reason_in_the_audit_chain(doors: Doors) -> None:
    guard = doors.actor(Role.GUARD)
    actions.open_gate(actor=guard, gate="G01", reason="a parcel", now=NOON)
    # While nobody has done or closed it, it stays, however old.
    assert personal_data.erase_commands(NOON + 400 * DAY) == 0
    actions.close_expired_commands(actor=doors.keeper, now=NOON + HOUR)
    assert personal_data.erase_commands(NOON + 180 * DAY) == 0
    assert personal_data.erase_commands(NOON + 181 * DAY) == 1
    assert not GateCommand.objects.exists()
    assert AuditEntry.objects.get(verb="open_gate").reason == "a parcel"


def test_a_pass_past_its_time_says_neither_whose_it_was_nor_which_flats(doors: Doors) -> None:
    granted = doors.grant_home("guest")
    assert Pass.objects.get(id=granted.id).dwelling_id == doors.flats[0]
    assert personal_data.erase_passes(STAY.end + KEPT + DAY) == 1
    row = Pass.objects.get(id=granted.id)
    assert (row.holder_id, row.dwelling_id) == ("", None)
