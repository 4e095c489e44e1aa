"""The agent answers scans alone: journal before an entry, the way out before the journal."""

import threading
from datetime import UTC, datetime

import pytest

from linli.edge.agent import UnknownGate
from linli.edge.drivers.simulated import SimulatedDoor
from linli.gate import journal
from linli.gate.decision import Direction, Kind, Reason, Scan
from linli.gate.snapshot import WrongEstate
from tests.edge.conftest import LocalBox


@pytest.fixture
def ready(box, server):
    server.grant(1)
    server.grant(2)
    box.agent.take(server.delta(0))
    return box


def entry(text, gate="G01"):
    return Scan(gate=gate, kind=Kind.CODE, text=text)


def last(box, gate="G01"):
    return journal.parse(box.lines(gate)[-1])


def test_a_guest_on_the_list_enters_and_it_is_on_record(ready, server):
    outcome = ready.agent.present(entry(server.code(1)))
    assert outcome.verdict.open
    assert ready.doors["G01"].opened == 1
    event = last(ready).event
    assert (event.opened, event.reason, event.serial, event.method) == (True, "OK", 1, "CODE")
    assert last(ready).sequence == outcome.sequence == 1


def test_a_refusal_opens_nothing_and_is_on_record_too(ready, server):
    outcome = ready.agent.present(entry(server.code(9)))
    assert outcome.verdict.reason is Reason.NOT_ON_LIST
    assert ready.doors["G01"].opened == 0
    assert (last(ready).event.opened, last(ready).event.reason) == (False, "NOT_ON_LIST")


def test_after_a_revocation_the_same_code_is_refused(ready, server):
    code = server.code(1)
    assert ready.agent.present(entry(code)).verdict.open
    server.revoke(1)
    ready.agent.take(server.delta(0))
    assert ready.agent.present(entry(code, "G02")).verdict.reason is Reason.REVOKED
    assert ready.doors["G02"].opened == 0


class WatchingDoor(SimulatedDoor):
    """A door that looks, while it opens, whether the journal already knows."""

    def __init__(self, lines):
        super().__init__()
        self.lines = lines
        self.known = []

    def open(self, *, seconds):
        self.known.append(len(self.lines()))
        super().open(seconds=seconds)


def test_an_entry_is_on_record_before_the_door_opens_and_an_exit_after(ready, server):
    door = ready.agent.doors["G01"] = WatchingDoor(ready.lines)
    ready.agent.present(entry(server.code(1)))
    ready.agent.present(Scan(gate="G01", kind=Kind.EXIT, direction=Direction.OUT))
    ready.agent.present(Scan(gate="G01", kind=Kind.FIRE))
    assert door.known == [1, 1, 2]
    assert len(ready.lines()) == 3
    assert door.held


def test_one_code_shown_to_two_readers_at_once_opens_once(ready, server):
    code, outcomes = server.code(1), []
    threads = [threading.Thread(target=lambda: outcomes.append(ready.agent.present(entry(code)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome.verdict.reason for outcome in outcomes) == [Reason.OK] + [Reason.REPLAYED] * 7
    assert ready.doors["G01"].opened == 1


def test_many_gates_at_once_keep_whole_chains(tmp_path, server):
    gates = tuple(f"G{number:02}" for number in range(1, 9))
    box = LocalBox(tmp_path / "many", gates)
    exit_scans = [Scan(gate=gate, kind=Kind.EXIT, direction=Direction.OUT) for gate in gates]
    threads = [
        threading.Thread(target=lambda scan=scan: [box.agent.present(scan) for _ in range(25)])
        for scan in exit_scans * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for gate in gates:
        checked = journal.verify(box.lines(gate))
        assert len(checked.good) == 50
        assert not checked.gaps
        assert not checked.broken


def test_a_guard_opens_with_a_name_and_a_reason_on_record(ready):
    scan = Scan(gate="G01", kind=Kind.GUARD, by="account_1", why="忘带手机")
    assert ready.agent.present(scan).verdict.open
    assert last(ready).event.note == "account_1: 忘带手机"


def test_a_revoked_guest_leaves_and_the_record_says_what_was_shown(ready, server):
    server.revoke(1)
    ready.agent.take(server.delta(0))
    outcome = ready.agent.present(Scan(gate="G01", kind=Kind.CODE, direction=Direction.OUT, text=server.code(1)))
    assert outcome.verdict.open
    assert (last(ready).event.reason, last(ready).event.note, last(ready).event.serial) == ("EXIT", "REVOKED", 1)


def test_a_door_that_fails_is_on_record_and_nobody_is_told_welcome(ready, server):
    ready.doors["G01"].failing = True
    outcome = ready.agent.present(entry(server.code(1)))
    assert not outcome.verdict.open
    assert outcome.verdict.reason is Reason.DOOR_FAILED
    assert [journal.parse(line).event.reason for line in ready.lines()] == ["OK", "DOOR_FAILED"]
    assert not ready.agent.health()["door G01"].well
    ready.doors["G01"].failing = False
    assert ready.agent.present(entry(server.code(1))).verdict.open, "a failed opening is not a replay"


class BrokenDriver(SimulatedDoor):
    """A door whose driver has a mistake in it."""

    def open(self, *, seconds):
        raise ZeroDivisionError


def test_a_mistake_in_a_driver_costs_neither_the_record_nor_the_reader(ready, server):
    ready.agent.doors["G01"] = BrokenDriver()
    outcome = ready.agent.present(Scan(gate="G01", kind=Kind.EXIT, direction=Direction.OUT))
    assert outcome.verdict.reason is Reason.DOOR_FAILED
    assert last(ready).event.reason == "DOOR_FAILED"


def test_a_gate_of_another_box_is_refused_by_name(ready):
    with pytest.raises(UnknownGate):
        ready.agent.present(entry("x", "G40"))


def test_without_any_list_nobody_enters_and_everybody_leaves(box, server):
    assert box.agent.present(entry(server.code(1))).verdict.reason is Reason.UNKNOWN_KEY
    assert box.agent.present(
        Scan(gate="G01", kind=Kind.CODE, direction=Direction.OUT, text=server.code(1))
    ).verdict.open


def test_the_list_survives_a_restart(ready, server, tmp_path):
    server.revoke(2)
    ready.agent.take(server.delta(0))
    again = LocalBox(tmp_path / "box")
    assert again.agent.snapshot == ready.agent.snapshot
    assert again.agent.present(entry(server.code(1))).verdict.open
    assert again.agent.present(entry(server.code(2))).verdict.reason is Reason.REVOKED


def test_deltas_out_of_order_end_in_the_servers_own_list(box, server):
    for serial in range(1, 6):
        server.grant(serial)
    middle = server.version
    first = server.delta(0)
    for serial in range(1, 6):
        server.revoke(serial)
    later = server.delta(middle)
    box.agent.take(later)
    assert box.agent.snapshot.version == 0
    box.agent.take(first)
    box.agent.take(later)
    assert box.agent.snapshot.version == server.version
    assert all(entry.state == "revoked" for entry in box.agent.snapshot.passes.values())


def test_a_list_of_another_estate_changes_nothing(ready, server):
    before = ready.agent.snapshot
    strange = server.delta(0)
    with pytest.raises(WrongEstate):
        ready.agent.take(type(strange)(**{**_fields(strange), "estate": "estate_other"}))
    assert ready.agent.snapshot is before


def test_the_fire_alarm_holds_a_door_until_it_is_released_on_record(ready):
    ready.agent.present(Scan(gate="G01", kind=Kind.FIRE))
    assert ready.doors["G01"].held
    ready.agent.release(gate="G01", by="account_2")
    assert not ready.doors["G01"].held
    assert (last(ready).event.reason, last(ready).event.note) == ("RELEASED", "by account_2")


def test_passes_long_over_and_events_long_sent_are_forgotten(ready, server):
    old = datetime(2020, 1, 1, tzinfo=UTC)
    event = journal.Event(
        at=old, clock="ok", method="EXIT", direction="out", opened=True, reason="EXIT", serial=None, snapshot_version=0
    )
    for _ in range(3):
        ready.journal.append(gate="G01", event=event)
    ready.agent.forget()
    assert len(ready.lines()) == 3, "what the server does not have is kept, however old"
    rows = ready.journal.unsent(limit=10)
    ready.journal.acknowledge(rows=rows, receipt=server.take_journal("\n".join(row.line for row in rows).encode()))
    ready.agent.forget()
    assert len(ready.lines()) == 1, "the last line of a chain stays, so that it goes on"
    for serial in range(100, 400):
        server.grant(serial, days=-30)
    ready.agent.take(server.delta(0))
    ready.agent.forget()
    assert set(ready.agent.snapshot.passes) == {1, 2}
    assert LocalBox(ready.home).agent.snapshot == ready.agent.snapshot


def _fields(delta):
    return {name: getattr(delta, name) for name in delta.__dataclass_fields__}
