"""The four laws of the edge: it decides alone, it forgets nothing, it never locks anyone in, it converges.

The real agent with its stores on a real disk; only the wait for the platter is left out, for no power fails in here.
"""

import functools
import itertools
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from linli.edge.agent import Agent
from linli.edge.clock import TrustedClock
from linli.edge.drivers.simulated import SimulatedDoor
from linli.edge.store import JournalStore, ListStore, StoreFailed
from linli.edge.store.database import Database
from linli.edge.store.journals import check
from linli.gate import journal, passes
from linli.gate.decision import TRIES_SECONDS, Direction, Kind, Past, Reason, Scan, decide
from linli.gate.hours import Hours, Slot
from linli.gate.snapshot import (
    Credential,
    Delta,
    FailMode,
    GateRule,
    HealthRule,
    HouseRules,
    Pairing,
    PassEntry,
    PassState,
    Snapshot,
    apply,
)
from tests.edge.fake_server import ESTATE
from tests.gate import test_snapshot as history

GATES = ("G01", "G02")
START = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SERIALS = (1, 2, 3, 4)
WELL, GONE, UNDONE, LANDED = "well", "gone", "undone", "landed"
FEW = settings(deadline=None, max_examples=40)


class Hasty(sqlite3.Connection):
    """A connection that never waits for the platter."""

    def __init__(self, *given, **named):
        super().__init__(*given, **named)
        super().execute("PRAGMA synchronous=OFF")

    def execute(self, statement, *values):
        return super().execute(statement.replace("synchronous=FULL", "synchronous=OFF"), *values)


@pytest.fixture(scope="module", autouse=True)
def disk_that_does_not_make_one_wait():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", functools.partial(sqlite3.connect, factory=Hasty))
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@contextmanager
def a_home():
    with tempfile.TemporaryDirectory(prefix="linli-laws-") as name:
        yield Path(name) / "box"


class MoodyDatabase(Database):
    """A disk that is gone, undoes what was written, or writes it and says that it did not."""

    mood = WELL

    @contextmanager
    def writing(self):
        if self.mood == GONE:
            self.close()
            raise StoreFailed("the disk is gone")
        with super().writing() as connection:
            yield connection
            if self.mood == UNDONE:
                raise sqlite3.OperationalError("disk I/O error")
        if self.mood == LANDED:
            self.close()
            raise StoreFailed("the disk does not say whether it wrote")


class Time:
    """The clock on the wall and the one that only counts on."""

    def __init__(self):
        self.wall, self.counted = START.timestamp(), 1000.0

    def pass_by(self, seconds):
        self.wall += seconds
        self.counted += seconds

    def jump(self, seconds):
        self.wall += seconds


class Box:
    """One box whose time and whose disk are in our hands."""

    def __init__(self, home, *, time=None, estate=ESTATE):
        home.mkdir(parents=True, exist_ok=True)
        self.home, self.estate, self.time = home, estate, time or Time()
        self.lists = ListStore(path=home / "list.sqlite3", estate=estate, secret="a box's secret")
        self.journal = JournalStore(path=home / "journal.sqlite3", gates=GATES)
        for store in (self.lists, self.journal):
            old = store._database
            store._database = MoodyDatabase(path=old.path, schema=old._schema, layout=old._layout)
        self.doors = {gate: SimulatedDoor() for gate in GATES}
        self.agent = Agent(
            estate=estate,
            doors=self.doors,
            list_store=self.lists,
            journal=self.journal,
            clock=TrustedClock(wall=lambda: self.time.wall, monotonic=lambda: self.time.counted),
        )

    @property
    def opened(self):
        return {gate: door.opened for gate, door in self.doors.items()}

    def mood(self, *, journal=WELL, lists=WELL):
        self.journal._database.mood, self.lists._database.mood = journal, lists

    def again(self):
        """Start anew in the same home, at the same time."""
        self.close()
        return Box(self.home, time=self.time, estate=self.estate)

    def close(self):
        self.mood()
        self.journal.close()
        self.lists.close()

    def events(self):
        return [journal.parse(line) for gate in GATES for line in self.journal.lines(gate)]


def a_code(serial, *, late=0):
    at = START - timedelta(seconds=late)
    claims = passes.PassClaims(
        serial=serial, key_id=1, groups=(1,), start=at, end=at + timedelta(days=1), window=passes.window_at(at)
    )
    return passes.mint(claims=claims, key=KEY)


CODES = {(serial, late): a_code(serial, late=late) for serial in (*SERIALS, 9) for late in (0, 900)}

rules = st.builds(
    GateRule,
    gate=st.just("G01"),
    version=st.just(1),
    groups=st.sampled_from((frozenset({1}), frozenset({1}), frozenset({7}))),
    fail_mode=st.sampled_from(FailMode),
    max_age_s=st.sampled_from((60, 86_400)),
    ways=st.sampled_from((frozenset(), frozenset(), frozenset({"CARD"}))),
    area=st.sampled_from((0, 1)),
    pairing=st.sampled_from(Pairing),
    most_inside=st.sampled_from((0, 1)),
)
entries = st.builds(
    PassEntry,
    serial=st.sampled_from(SERIALS),
    version=st.just(1),
    groups=st.just((1,)),
    start=st.just(START - timedelta(hours=1)),
    end=st.sampled_from((START + timedelta(hours=9), START + timedelta(hours=9), START - timedelta(minutes=1))),
    holder=st.sampled_from(("guest", "resident")),
    state=st.sampled_from((PassState.ACTIVE, PassState.ACTIVE, PassState.ACTIVE, *PassState)),
    hours=st.sampled_from((0, 0, 1, 2)),
    uses=st.sampled_from((0, 1, 2)),
)
houses = st.builds(
    HouseRules,
    version=st.just(1),
    pepper=st.just(b"p" * 32),
    health=st.sampled_from(
        (
            None,
            HealthRule(until=START + timedelta(days=1), most_c10=373, code_wanted=True, holders=frozenset({"guest"})),
        )
    ),
)


@st.composite
def lists(draw):
    """Some list the server might have sent, now or two days ago, or none at all (version 0)."""
    until = draw(st.sampled_from((0, 1, 1, 1, 1)))
    if not until:
        return Delta(estate=ESTATE, since=0, until=0, made_at=START)
    first = draw(rules)
    second = GateRule(gate="G02", version=1, groups=frozenset({1}), area=first.area, pairing=first.pairing)
    found = draw(st.lists(entries, min_size=2, max_size=4, unique_by=lambda entry: entry.serial))
    if draw(st.booleans()):
        # A list by which people do come in, or most of what follows would be told of refusals.
        first = replace(first, groups=frozenset({1}), ways=frozenset(), most_inside=0)
        late = START + timedelta(hours=9)
        found = [replace(one, state=PassState.ACTIVE, end=late, hours=0, holder="resident") for one in found]
    return Delta(
        estate=ESTATE,
        since=0,
        until=1,
        made_at=START - draw(st.sampled_from((timedelta(0), timedelta(0), timedelta(days=2)))),
        keys={1: KEY.public_key().public_bytes_raw()},
        gates=(first, second)[: draw(st.sampled_from((1, 2, 2)))],
        passes=tuple(found),
        credentials=tuple(
            Credential(kind=kind, value=f"{kind}-{serial}", serial=serial, version=1, live=serial != 4)
            for serial in SERIALS
            for kind in ("CARD", "PIN", "FACE")
        ),
        hours=(Hours(number=1, version=1, slots=tuple(Slot(weekday=day, start=0, end=1440) for day in range(7))),),
        house=draw(houses),
    )


@st.composite
def shown(draw, directions=tuple(Direction), kinds=tuple(Kind)):
    """Anything a reader might present: a known proof, an unknown one, or rubbish."""
    kind = draw(st.sampled_from(kinds))
    serial = draw(st.sampled_from((*SERIALS, 9)))
    known = CODES[serial, draw(st.sampled_from((0, 0, 0, 900)))] if kind is Kind.CODE else f"{kind.value}-{serial}"
    # Lone halves of characters too: JSON can carry them as far as here.
    rubbish = st.text(st.characters(), max_size=12)
    return Scan(
        gate=draw(st.sampled_from(GATES)),
        kind=kind,
        direction=draw(st.sampled_from(directions)),
        text=draw(st.one_of(st.just(known), st.just(known), st.just(known), rubbish)),
        by=draw(st.sampled_from(("", "account_1"))),
        why=draw(st.sampled_from(("", "忘带手机"))),
        temperature_c10=draw(st.sampled_from((None, 365, 391))),
        health=draw(st.sampled_from(("", "GREEN", "RED"))),
    )


waits = st.sampled_from((0, 0, 1, 11, 40))


# It decides alone.


@given(lists(), st.lists(st.tuples(shown(), waits), min_size=1, max_size=8))
@FEW
def test_a_verdict_depends_on_the_list_the_time_and_what_the_box_saw_and_on_nothing_else(known, scans):
    with a_home() as home:
        box = Box(home)
        box.agent.take(known)
        box.close()
        shutil.copytree(home, home.with_name("twin"))
        told = []
        for one in (box.again(), Box(home.with_name("twin"))):
            verdicts = []
            for scan, wait in scans:
                verdicts.append(one.agent.present(scan).verdict)
                one.time.pass_by(wait)
            told.append((verdicts, one.opened))
            one.close()
        assert told[0] == told[1]


entries_by_card = shown(directions=(Direction.IN,), kinds=(Kind.CARD, Kind.CARD, Kind.FACE, Kind.CODE))


@given(
    lists(), st.lists(entries_by_card, min_size=1, max_size=4), st.lists(shown(directions=(Direction.IN,)), max_size=2)
)
@FEW
def test_after_a_restart_the_answer_is_what_the_list_and_the_journal_alone_say(known, before, fresh):
    with a_home() as home:
        box = Box(home)
        box.agent.take(known)
        for scan in before:
            box.agent.present(scan)
        box.time.pass_by(TRIES_SECONDS + 1)
        now = datetime.fromtimestamp(box.time.wall, UTC)
        used = [line.event.serial for line in box.events() if line.event.opened and line.event.direction == "in"]
        uses = {serial: used.count(serial) for serial in used if serial is not None}
        for scan in (*before, *fresh):
            box = box.again()
            verdict = box.agent.present(scan).verdict
            assert verdict == decide(scan, box.agent.snapshot, now, past=Past(uses=uses))
            if verdict.open and verdict.serial is not None:
                uses[verdict.serial] = uses.get(verdict.serial, 0) + 1
        box.close()


def test_who_decides_knows_no_network():
    program = (
        "import sys, linli.edge.agent, linli.edge.store\n"
        "network = ('httpx', 'http.client', 'urllib.request', 'ssl', 'asyncio', 'linli.edge.uplink')\n"
        "print([name for name in network if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


# It forgets nothing.

steps = st.tuples(
    shown(),
    st.sampled_from((WELL, WELL, WELL, GONE, UNDONE, LANDED)),
    st.sampled_from((False, False, False, True)),
    st.sampled_from(("", "", "", "keep house", "restart")),
    waits,
)


@given(lists(), st.lists(steps, min_size=1, max_size=14))
@FEW
def test_every_opening_is_on_record_whatever_the_disk_and_the_doors_do(known, story):
    with a_home() as home:
        box = Box(home)
        box.agent.take(known)
        opened, refused = [], []
        for number, (scan, mood, failing, then, wait) in enumerate(story):
            before = box.opened
            box.mood(journal=mood)
            for door in box.doors.values():
                door.failing = failing
            marked = replace(scan, evidence=f"n{number}")
            outcome = box.agent.present(marked)
            assert outcome.verdict.open == (box.opened != before), "the display says what the door did"
            (opened if outcome.verdict.open else refused).append((f"n{number}", scan.gate))
            if mood != WELL and outcome.verdict.open:
                assert scan.direction is Direction.OUT or scan.kind in (Kind.EXIT, Kind.FIRE), (
                    "nobody enters unrecorded"
                )
            if then == "keep house":
                box.agent.keep_house()
            if then == "restart":
                box.mood()
                box.agent.keep_house()
                box = box.again()
            box.time.pass_by(wait)
        box.mood()
        box.agent.keep_house()
        assert box.agent.health()["journal"].well
        on_record = {(word, line.gate, line.event.opened) for line in box.events() for word in line.event.note.split()}
        assert {(mark, gate, True) for mark, gate in opened} <= on_record
        assert {mark for mark, _ in refused} <= {mark for mark, _, _ in on_record}, "nor is a refusal forgotten"
        for gate, head in box.journal.heads().items():
            kept = box.journal.lines(gate)
            assert [journal.parse(line).sequence for line in kept] == list(range(1, len(kept) + 1))
            assert not check(kept, head=head)
        assert box.again().events() == box.events()
        box.close()


# It never locks anyone in.

ways_out = st.one_of(
    shown(directions=(Direction.OUT,)),
    shown(kinds=(Kind.EXIT,)),
    shown(kinds=(Kind.FIRE,)),
)
troubles = st.tuples(
    ways_out,
    st.sampled_from((WELL, GONE, UNDONE, LANDED)),
    st.booleans(),
    st.sampled_from((False, False, True)),
    st.sampled_from(("present", "present", "judge")),
)


@given(lists(), st.lists(shown(directions=(Direction.IN,)), max_size=3), st.lists(troubles, min_size=1, max_size=10))
@FEW
def test_the_way_out_is_open_whatever_the_list_the_clock_and_the_disk_say(known, inside, story):
    with a_home() as home:
        box = Box(home)
        box.agent.take(known)
        for scan in inside:
            box.agent.present(scan)
        for scan, mood, jumps, failing, asked in story:
            box.mood(journal=mood, lists=mood)
            if jumps:
                box.time.jump(-86_400)
            door, before = box.doors[scan.gate], box.opened
            door.failing = failing
            outcome = getattr(box.agent, asked)(scan)
            if asked == "judge":
                assert outcome.verdict.open, "a device that opens by itself is told to"
            else:
                assert outcome.verdict.open == (not failing)
                assert door.opened == before[scan.gate] + (not failing)
            if failing and asked == "present":
                assert outcome.verdict.reason is Reason.DOOR_FAILED
            door.failing = False
        box.close()


@given(ways_out, st.sampled_from(("nothing", "rubbish", "no disk")))
@FEW
def test_a_box_that_starts_with_nothing_lets_everybody_out(scan, trouble):
    with a_home() as home:
        home.mkdir()
        if trouble == "rubbish":
            for name in ("list.sqlite3", "journal.sqlite3", "sequence-floors.json"):
                (home / name).write_text("this is no database, nor was it ever one" * 30)
        if trouble == "no disk":
            for name in ("list.sqlite3", "journal.sqlite3"):
                (home / name).mkdir()
        box = Box(home)
        assert box.agent.present(scan).verdict.open
        assert box.doors[scan.gate].opened == 1
        box.close()


# It converges.


class Estate(history.Server):
    """The server's history of an estate, as the kernel's own tests tell it."""

    def piece(self, bounds):
        return self.delta(*sorted(bounds))


@given(history.changes, st.data())
@FEW
def test_deltas_cut_repeated_and_late_with_restarts_between_end_in_the_servers_own_list(changes, data):
    estate, head = Estate(changes), len(changes)
    own = apply(Snapshot(estate="estate_1"), estate.delta(0, head))
    bound = st.integers(min_value=0, max_value=head)
    cuts = sorted({0, head, *data.draw(st.lists(bound, max_size=5))})
    pieces = [estate.delta(since, until) for since, until in itertools.pairwise(cuts)]
    pieces += [estate.piece(bounds) for bounds in data.draw(st.lists(st.tuples(bound, bound), max_size=4))]
    dealt = data.draw(st.permutations(pieces + data.draw(st.lists(st.sampled_from(pieces), max_size=3))))
    restarts = data.draw(st.sets(st.integers(min_value=0, max_value=len(dealt)), max_size=3))
    with a_home() as home:
        box = Box(home, estate="estate_1")
        for number, piece in enumerate(dealt):
            box.agent.take(piece)
            if number in restarts:
                box = box.again()
        assert box.agent.snapshot == own
        assert box.again().agent.snapshot == own
        box.close()


moods = st.sampled_from((WELL, WELL, GONE, UNDONE, LANDED))
news = st.tuples(st.sampled_from(("next", "piece", "start over", "restart")), moods)


@given(history.changes, st.lists(news, max_size=10), st.data())
@FEW
def test_with_a_failing_disk_and_lists_begun_anew_one_question_ends_in_the_servers_own_list(changes, story, data):
    estate, head = Estate(changes), len(changes)
    own = apply(Snapshot(estate="estate_1"), estate.delta(0, head))
    bound = st.integers(min_value=0, max_value=head)
    with a_home() as home:
        box = Box(home, estate="estate_1")
        for what, mood in story:
            box.mood(lists=mood)
            try:
                if what == "next":
                    since = box.agent.snapshot.version
                    box.agent.take(estate.delta(since, data.draw(st.integers(min_value=since, max_value=head))))
                elif what == "piece":
                    box.agent.take(estate.piece(data.draw(st.tuples(bound, bound))))
                elif what == "start over":
                    box.agent.start_over(estate.delta(0, data.draw(bound)))
                else:
                    box = box.again()
            except StoreFailed:
                assert not box.agent.health()["list"].well
        box.mood()
        box.agent.take(estate.delta(box.agent.snapshot.version, head))
        assert box.agent.snapshot == own
        assert box.again().agent.snapshot == own
        box.close()
