"""The loop of a gate box: scan, decide, write down, open.

An entry is written through to the disk before the door opens. The way out and the fire alarm wait for nothing: the door
opens first, whatever the list, the clock or the disk say. Nothing here waits for the network.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from linli.edge.clock import TrustedClock
from linli.edge.doors import Door, DoorFailed, Health, Outcome
from linli.edge.outcomes import event_of, outcome_of, unwritten
from linli.edge.past import Memory
from linli.edge.store import JournalStore, ListStore, StoreFailed
from linli.gate import snapshot as lists
from linli.gate.decision import Clock, Direction, Kind, Reason, Scan, Verdict, decide, opens_first
from linli.gate.journal import Event
from linli.gate.snapshot import Delta, Snapshot

BOX = "BOX"
KEEP_DAYS = 90  # pass events, identified: 90 days
KEEP_ENDED_DAYS = 7
_MOST_UNWRITTEN = 10_000
_STRIKE_S = 5
_log = logging.getLogger("linli.gate")


class UnknownGate(Exception):
    """This box does not serve that gate."""


@dataclass(slots=True)
class GateCount:
    """What one gate did since the agent started."""

    opened: int = 0
    refused: int = 0
    last: Outcome | None = None


class Agent:
    """One box with its doors. Safe to call from many threads, one or more for each reader."""

    def __init__(
        self,
        *,
        estate: str,
        doors: Mapping[str, Door],
        list_store: ListStore,
        journal: JournalStore,
        clock: TrustedClock,
    ) -> None:
        self.doors = dict(doors)
        self.counts = {gate: GateCount() for gate in doors}
        self.on_event: Callable[[], None] = lambda: None
        # Told of every list in force, with what changed in it (None: all of it); must neither wait nor fail.
        self.on_list: Callable[[Snapshot, Delta | None], None] = lambda snapshot, delta: None
        self._lists, self._journal, self._clock = list_store, journal, clock
        self._snapshot, self._saved = _loaded(list_store, estate)
        self._taking = threading.Lock()
        self._turns = {gate: threading.Lock() for gate in doors}
        self._held: set[str] = set()
        self._memory = Memory()
        # Events of doors that opened while the disk would not write; they follow as soon as it does.
        self._unwritten: deque[tuple[str, Event]] = deque(maxlen=_MOST_UNWRITTEN)
        clock.passed(self._snapshot.made_at)
        self._count_uses(self._snapshot)
        self._report_unconfirmed()

    @property
    def snapshot(self) -> Snapshot:
        """The list in force."""
        return self._snapshot

    def present(self, scan: Scan) -> Outcome:
        """Answer a scan, and open the door if the answer says so. Raises UnknownGate, and nothing else."""
        return self._answer(scan, let_out=self._let_out, let_in=self._let_in)

    def judge(self, scan: Scan) -> Outcome:
        """Answer a scan for a device that opens by itself: decided, on record and remembered, and nothing is struck.

        Raises UnknownGate, and nothing else.
        """
        return self._answer(scan, let_out=self._wave_out, let_in=self._wave_in)

    def record(self, *, gate: str, event: Event) -> None:
        """Write down what a device did by itself, and remember it. Raises UnknownGate or StoreFailed."""
        self._check(gate)
        self._write_kept()
        self._journal.append(gate=gate, event=event)
        if event.opened and event.serial is not None:
            scan = Scan(gate=gate, kind=Kind.REMOTE, direction=Direction(event.direction))
            verdict = Verdict(open=True, reason=Reason.OK, serial=event.serial)
            with self._turns[gate]:
                self._memory.remember(scan, verdict, self._snapshot, event.at)
        self.on_event()

    def complain(self, *, gate: str, reason: Reason, note: str) -> None:
        """Write down that an alarm began or ended, now or as soon as the disk takes it. Raises UnknownGate."""
        self._check(gate)
        self._write_or_keep(gate, replace(self._own_event(reason, note=note), method=Reason.ALARM.value))
        self.on_event()

    def fit(self, *, gate: str, door: Door) -> None:
        """Serve a gate by another door from now on; one that fire holds open is held there too. Raises UnknownGate."""
        self._check(gate)
        with self._turns[gate]:
            self.doors[gate] = door
        if gate in self._held:
            self._open(Scan(gate=gate, kind=Kind.FIRE))

    def release(self, *, gate: str, by: str) -> None:
        """End the fire alarm's hold on a door, on record. Raises UnknownGate or DoorFailed."""
        self._check(gate)
        self.doors[gate].release()
        self._held.discard(gate)
        self._write_or_keep(gate, self._own_event(Reason.RELEASED, note=f"by {by}"))

    def take(self, delta: Delta) -> None:
        """Decide by this delta from now on, and keep it. Raises WrongEstate, or StoreFailed when only memory has it."""
        with self._taking:
            taken = lists.apply(self._snapshot, delta)
            # In force before it is on the disk: a revocation does not wait for a slow card.
            self._snapshot = taken
            self.on_list(taken, delta)
            self._save(lambda: self._lists.save(taken, delta))

    def start_over(self, delta: Delta) -> None:
        """Decide by this delta alone, forgetting the list before it. Raises like `take`."""
        with self._taking:
            fresh = lists.apply(Snapshot(estate=self._snapshot.estate), delta)
            self._snapshot = fresh
            self.on_list(fresh, None)
            self._save(lambda: self._lists.replace(fresh))

    def keep_house(self) -> None:
        """Write what is outstanding; called twice a second, never in the way of a scan."""
        try:
            self._write_kept(most=_MOST_UNWRITTEN)
            self._journal.flush()
            self._report_unconfirmed()
        except StoreFailed as problem:
            _log.error("housekeeping: %s", problem)

    def forget(self) -> None:
        """Let go of passes that ended a week ago and of events the server has and 90 days are over; called hourly."""
        reading = self._clock.read()
        if reading.clock is Clock.UNSURE:
            return
        try:
            while self._journal.prune(before_us=int((reading.now - timedelta(days=KEEP_DAYS)).timestamp() * 1_000_000)):
                continue
            self._forget_ended(reading.now - timedelta(days=KEEP_ENDED_DAYS))
        except StoreFailed as problem:
            _log.error("forgetting: %s", problem)

    def health(self) -> dict[str, Health]:
        """Say of each part whether it works."""
        reading = self._clock.read()
        parts = {f"door {gate}": door.health() for gate, door in self.doors.items()}
        parts["clock"] = Health(well=reading.clock is Clock.OK, words=f"{reading.drift_s:+.1f} s")
        parts["list"] = self._list_health(reading.now)
        waiting = len(self._unwritten)
        parts["journal"] = Health(well=waiting == 0, words=f"{waiting} unwritten" if waiting else "")
        for store, name in ((self._lists, "list"), (self._journal, "journal")):
            for aside in store.set_aside:
                parts[f"{name} {aside.name}"] = Health(well=False, words="damaged and set aside")
        return parts

    def _list_health(self, now: datetime) -> Health:
        """Say how old the list is; it is unwell once the first gate asks for a newer one."""
        snapshot = self._snapshot
        age_s = (now - snapshot.made_at).total_seconds()
        most_s = min((snapshot.gates[gate].max_age_s for gate in self.doors if gate in snapshot.gates), default=0)
        old = f"{age_s:.0f} s old" if snapshot.version else "no list yet"
        words = old if self._saved else f"{old}, in memory only"
        return Health(well=self._saved and age_s <= most_s, words=words)

    def _check(self, gate: str) -> None:
        if gate not in self.doors:
            raise UnknownGate(gate)

    def _answer(self, scan: Scan, *, let_out: Callable[[Scan], Outcome], let_in: Callable[[Scan], Outcome]) -> Outcome:
        self._check(scan.gate)
        outcome = let_out(scan) if opens_first(scan) else let_in(scan)
        count = self.counts[scan.gate]
        count.last = outcome
        if outcome.verdict.open:
            count.opened += 1
        else:
            count.refused += 1
        self.on_event()
        return outcome

    def _let_out(self, scan: Scan) -> Outcome:
        return self._out(scan, open_door=self._open)

    def _let_in(self, scan: Scan) -> Outcome:
        return self._in(scan, strike=self._strike)

    def _wave_out(self, scan: Scan) -> Outcome:
        return self._out(scan, open_door=lambda scan: "")

    def _wave_in(self, scan: Scan) -> Outcome:
        return self._in(scan, strike=None)

    def _out(self, scan: Scan, *, open_door: Callable[[Scan], str]) -> Outcome:
        started = time.perf_counter()
        fault = open_door(scan)
        opened = time.perf_counter()
        verdict, snapshot, at, clock = self._decide(scan)
        if fault:
            verdict = replace(verdict, open=False, reason=Reason.DOOR_FAILED)
        self._memory.remember(scan, verdict, snapshot, at)
        decided = time.perf_counter()
        sequence = self._write_or_keep(scan.gate, event_of(scan, verdict, snapshot, at, clock))
        return outcome_of(
            scan, verdict, sequence, snapshot, (opened, decided, time.perf_counter()), door=opened - started
        )

    def _in(self, scan: Scan, *, strike: Callable[[Scan, Verdict, int], Verdict] | None) -> Outcome:
        # One entry at a time through one gate, so that a code shown to two readers at once opens once.
        with self._turns[scan.gate]:
            started = time.perf_counter()
            verdict, snapshot, at, clock = self._decide(scan)
            decided = time.perf_counter()
            event = event_of(scan, verdict, snapshot, at, clock)
            sequence: int | None = None
            try:
                self._write_kept()
                # Journal before the strike: a power cut must not leave an entry unrecorded.
                sequence = self._journal.append(
                    gate=scan.gate, event=event, strike_follows=bool(strike) and verdict.open
                )
            except StoreFailed as problem:
                _log.error("%s: no journal, no entry: %s", scan.gate, problem)
                verdict = unwritten(verdict)
                self._keep(scan.gate, replace(event, opened=False, reason=verdict.reason.value))
            written = time.perf_counter()
            if strike is not None and verdict.open and sequence is not None:
                verdict = strike(scan, verdict, sequence)
            self._memory.remember(scan, verdict, snapshot, at)
            return outcome_of(
                scan, verdict, sequence, snapshot, (started, decided, written), door=time.perf_counter() - written
            )

    def _strike(self, scan: Scan, verdict: Verdict, sequence: int) -> Verdict:
        fault = self._open(scan)
        self._journal.struck(gate=scan.gate, sequence=sequence)
        if fault:
            event = self._own_event(Reason.DOOR_FAILED, note=f"sequence {sequence}: {fault}", serial=verdict.serial)
            self._write_or_keep(scan.gate, event)
            return replace(verdict, open=False, reason=Reason.DOOR_FAILED, mark=None)
        return verdict

    def _open(self, scan: Scan) -> str:
        """Open the door; give the door's complaint, if any."""
        rule = self._snapshot.gates.get(scan.gate)
        seconds = rule.strike_s if rule else _STRIKE_S
        if scan.kind is Kind.FIRE:
            self._held.add(scan.gate)
        try:
            self.doors[scan.gate].open(seconds=None if scan.kind is Kind.FIRE else seconds)
        except DoorFailed as problem:
            _log.error("%s: the door failed: %s", scan.gate, problem)
            return str(problem) or "no answer"
        except Exception as problem:
            # A driver's own mistake must not cost the record, nor the reader's thread.
            _log.exception("%s: the door's driver failed", scan.gate)
            return type(problem).__name__
        return ""

    def _decide(self, scan: Scan) -> tuple[Verdict, Snapshot, datetime, Clock]:
        reading, snapshot = self._clock.read(), self._snapshot
        past = self._memory.past(scan, reading.now)
        verdict = decide(scan, snapshot, reading.now, self._memory.seen, clock=reading.clock, past=past)
        return verdict, snapshot, reading.now, reading.clock

    def _count_uses(self, snapshot: Snapshot) -> None:
        limited = [entry.serial for entry in snapshot.passes.values() if entry.uses]
        try:
            self._memory.count(self._journal.count_entries(limited))
        except StoreFailed as problem:
            _log.error("entries cannot be counted: %s", problem)

    def _write_or_keep(self, gate: str, event: Event) -> int | None:
        try:
            self._write_kept()
            return self._journal.append(gate=gate, event=event)
        except StoreFailed as problem:
            _log.error("%s: not on record yet: %s", gate, problem)
            self._keep(gate, event)
            return None

    def _keep(self, gate: str, event: Event) -> None:
        self._unwritten.append((gate, event))

    def _write_kept(self, *, most: int = 20) -> None:
        for _ in range(min(most, len(self._unwritten))):
            try:
                gate, event = self._unwritten.popleft()
            except IndexError:
                return
            try:
                self._journal.append(gate=gate, event=replace(event, note=f"late: {event.note}"))
            except StoreFailed:
                self._unwritten.appendleft((gate, event))
                raise

    def _report_unconfirmed(self) -> None:
        """Put on record which openings a crash left in doubt: written down, but did the door open?"""
        try:
            unconfirmed = self._journal.take_unconfirmed()
        except StoreFailed as problem:
            _log.error("the journal cannot be read: %s", problem)
            return
        for gate, sequence in unconfirmed:
            self._journal.struck(gate=gate, sequence=sequence)
            if gate in self.doors:
                self._write_or_keep(gate, self._own_event(Reason.STRIKE_UNCONFIRMED, note=f"sequence {sequence}"))

    def _own_event(self, reason: Reason, *, note: str, serial: int | None = None) -> Event:
        reading = self._clock.read()
        return Event(
            at=reading.now,
            clock=reading.clock.value,
            method=BOX,
            direction=Direction.IN.value,
            opened=False,
            reason=reason.value,
            serial=serial,
            snapshot_version=self._snapshot.version,
            note=note,
        )

    def _save(self, write: Callable[[], None]) -> None:
        self._clock.passed(self._snapshot.made_at)
        self._saved = False
        write()
        self._saved = True

    def _forget_ended(self, before: datetime) -> None:
        with self._taking:
            kept = lists.without_ended(self._snapshot, before=before)
            # Seldom, and only when worth it: the whole list is written anew.
            if len(self._snapshot.passes) - len(kept.passes) > len(kept.passes) // 10 + 100:
                self._snapshot = kept
                self.on_list(kept, None)
                self._save(lambda: self._lists.replace(kept))


def _loaded(store: ListStore, estate: str) -> tuple[Snapshot, bool]:
    try:
        return store.load(), True
    except StoreFailed as problem:
        # With a dead disk the box still serves the way out and the fire alarm.
        _log.error("the list cannot be read: %s", problem)
        return Snapshot(estate=estate), False
