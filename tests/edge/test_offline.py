"""Seventy-two hours without the server: who still enters, what the box says of itself, and what it tells afterwards."""

import random
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from linli.edge.agent import Agent
from linli.edge.clock import TrustedClock
from linli.edge.drivers.simulated import SimulatedDoor
from linli.edge.enrolment import Enrolment
from linli.edge.store import JournalStore, ListStore, StoreFailed
from linli.edge.uplink import Uplink
from linli.gate import journal, wire
from linli.gate.decision import Direction, Kind, Reason, Scan
from linli.gate.journal import Event
from linli.gate.snapshot import FailMode
from tests.edge.fake_server import ESTATE

HOUR = 3600
GATES = ("G01", "G02")
MANY = 20_000


class OfflineBox:
    """One box whose clock a file moves, as in a simulated day."""

    def __init__(self, home):
        home.mkdir(parents=True, exist_ok=True)
        self.home, self.offset = home, home / "clock"
        self.lists = ListStore(path=home / "list.sqlite3", estate=ESTATE, secret="a box's secret")
        self.journal = JournalStore(path=home / "journal.sqlite3", gates=GATES)
        self.doors = {gate: SimulatedDoor() for gate in GATES}
        # Each reading counts a second on, so that no reading finds the offset of the one before.
        self.counted = 0.0
        self.clock = TrustedClock(offset_file=self.offset, monotonic=self._count)
        self.agent = Agent(
            estate=ESTATE, doors=self.doors, list_store=self.lists, journal=self.journal, clock=self.clock
        )

    def _count(self):
        self.counted += 1.0
        return self.counted

    def hours_later(self, hours):
        self.offset.write_text(str(hours * HOUR))

    def enter(self, server, serial, gate="G01"):
        code = server.code(serial, at=self.clock.read().now)
        return self.agent.present(Scan(gate=gate, kind=Kind.CODE, text=code)).verdict


@pytest.fixture
def box(tmp_path):
    return OfflineBox(tmp_path / "box")


@pytest.fixture
def line(box, server):
    enrolment = Enrolment(**{**server.enrolment(), "gates": server.gates})
    uplink = Uplink(enrolment=enrolment, agent=box.agent, journal=box.journal, clock=box.clock)
    yield uplink
    uplink.stop()


def set_rule(server, gate, **changes):
    """The estate asks something else of a gate from now on."""
    server._change(lambda version: server.rules.update({gate: replace(server.rules[gate], version=version, **changes)}))


def test_for_seventy_two_hours_a_guest_on_the_list_enters_while_his_pass_lasts_and_nobody_else(box, server):
    server.grant(1, days=2)
    server.grant(2, days=5)
    box.agent.take(server.delta(0))
    server.grant(3, days=5)  # granted after the line went dead
    for hours in (0, 12, 24, 47, 49, 60, 72):
        box.hours_later(hours)
        first = box.enter(server, 1)
        assert first.reason is (Reason.OK if hours < 48 else Reason.EXPIRED), hours
        assert box.enter(server, 2).open, hours
        assert box.enter(server, 3).reason is Reason.NOT_ON_LIST, hours
    assert box.doors["G01"].opened == 4 + 7


def test_a_lasting_door_takes_residents_and_no_guests_once_the_list_is_too_old(box, server):
    set_rule(server, "G01", fail_mode=FailMode.LASTING, max_age_s=24 * HOUR)
    set_rule(server, "G02", fail_mode=FailMode.SECURE, max_age_s=24 * HOUR)
    server.grant(1, days=9)
    server.grant(2, days=9)
    server._put(replace(server.entries[2], holder="resident"))
    box.agent.take(server.delta(0))
    box.hours_later(23)
    assert box.enter(server, 1).open
    assert box.enter(server, 2).open
    box.hours_later(72)
    guest = box.enter(server, 1)
    assert (guest.open, guest.reason) == (False, Reason.SNAPSHOT_TOO_OLD)
    assert box.enter(server, 2).open
    assert box.enter(server, 2, "G02").reason is Reason.SNAPSHOT_TOO_OLD, "a secure door takes nobody"
    for gate in GATES:
        assert box.agent.present(Scan(gate=gate, kind=Kind.EXIT, direction=Direction.OUT)).verdict.open
    server.now = lambda: box.clock.read().now
    box.agent.take(server.delta(box.agent.snapshot.version))
    box.hours_later(72.1)
    assert box.enter(server, 1).open, "one word from the server, and the list is fresh"


def test_the_box_says_how_old_its_list_is_and_when_that_is_too_old(box, server):
    server.grant(1)
    assert box.agent.health()["list"].words == "no list yet"
    box.agent.take(server.delta(0))
    ages = []
    for hours in (0, 23, 25, 72):
        box.hours_later(hours)
        told = box.agent.health()["list"]
        ages.append((round(int(told.words.removesuffix(" s old")) / HOUR), told.well))
    assert ages == [(0, True), (23, True), (25, False), (72, False)]


def spool(store, many):
    """Write many events as the box would have, in one transaction: nobody waits here for each to reach the platter."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    connection, writing = store._database.open(), store._database.writing

    @contextmanager
    def within():
        yield connection

    with writing():
        store._database.writing = within
        for number in range(many):
            event = Event(
                at=start + timedelta(seconds=number),
                clock="ok",
                method="EXIT",
                direction="out",
                opened=True,
                reason="EXIT",
                serial=None,
                snapshot_version=1,
                note=f"n{number}",
            )
            store.append(gate=GATES[number % 2], event=event)
    store._database.writing = writing


def test_twenty_thousand_events_of_days_offline_all_go_up_in_order(box, server, line):
    line.push()  # the greeting, before the line went dead
    spool(box.journal, MANY)
    server.lose_answers = 1
    with pytest.raises(Exception, match="journal"):
        line.push()
    assert server.lines, "a batch arrived of which the box heard nothing, and goes up again"
    line.push()
    assert box.journal.count_unsent() == 0
    assert not server.refused_lines
    for turn, gate in enumerate(GATES):
        assert list(server.lines[gate]) == list(range(1, MANY // 2 + 1)), "as they came in, so they happened"
        lines = [text for _, text in sorted(server.lines[gate].items())]
        assert lines == box.journal.lines(gate)
        assert [text.split("\t")[11] for text in lines] == [f"n{number}" for number in range(turn, MANY, 2)]
        checked = journal.verify(lines)
        assert not checked.gaps
        assert not checked.broken


@pytest.mark.parametrize("seed", range(4))
def test_batches_sent_twice_and_out_of_order_come_out_right(box, server, line, seed):
    box.journal.heads()
    spool(box.journal, 600)
    rows = box.journal.unsent(limit=600)
    batches = [rows[first : first + 50] for first in range(0, 600, 50)]
    dealt = batches + batches[::3]
    random.Random(seed).shuffle(dealt)
    for batch in dealt:
        server.take_journal(wire.encode_journal(row.line for row in batch))
    assert not server.refused_lines
    line.push()
    assert box.journal.count_unsent() == 0
    assert not server.refused_lines
    for gate in GATES:
        assert [text for _, text in sorted(server.lines[gate].items())] == box.journal.lines(gate)


def test_with_no_room_for_the_list_the_box_decides_from_memory_and_says_so(box, server, monkeypatch):
    server.grant(1)
    box.agent.take(server.delta(0))
    on_disk = box.agent.snapshot.version
    database = box.lists._database

    @contextmanager
    def full():
        database.close()
        raise StoreFailed("list.sqlite3: database or disk is full")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(database, "writing", full)
        server.revoke(1)
        server.grant(2)
        with pytest.raises(StoreFailed):
            box.agent.take(server.delta(on_disk))
        assert box.enter(server, 1).reason is Reason.REVOKED
        assert box.enter(server, 2).open
        told = box.agent.health()["list"]
        assert not told.well
        assert told.words.endswith("in memory only")
        restarted = ListStore(path=box.home / "list.sqlite3", estate=ESTATE, secret="a box's secret")
        assert restarted.load().version == on_disk, "the disk still holds the list before, whole"
        restarted.close()
    server.grant(3)
    box.agent.take(server.delta(box.agent.snapshot.version))
    assert box.agent.health()["list"].well
    box.lists.close()
    assert OfflineBox(box.home).agent.snapshot == box.agent.snapshot
