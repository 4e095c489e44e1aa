"""The reconciler: has on every terminal exactly those who may pass there, and says what each terminal really knows."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from datetime import timedelta

from linli.edge.agent import Agent
from linli.edge.clock import TrustedClock
from linli.edge.desk import Desk
from linli.edge.hearing import Hearing, make_marks_good
from linli.edge.roll import Roll, Sheet
from linli.edge.store.database import StoreFailed
from linli.edge.store.journals import JournalStore
from linli.edge.store.people import PeopleStore
from linli.edge.terminals import Terminal
from linli.gate.decision import Clock, Kind, Scan
from linli.gate.snapshot import Delta, Snapshot
from linli.gate.wire import Listing, TerminalReport

LOOK_S = 0.5
COMPARE_S = 24 * 3600.0
SEEN_S = 60.0
KEEP_MARKS = timedelta(days=120)
_log = logging.getLogger("linli.gate")

_Facts = tuple[object, object, object, object, object]


class Reconciler:
    """The terminals of one box. `on_change` is called when there is something to tell the server."""

    def __init__(
        self,
        *,
        agent: Agent,
        journal: JournalStore,
        store: PeopleStore,
        clock: TrustedClock,
        photo: Callable[[int], bytes] = lambda serial: b"",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self._agent, self._journal, self._store, self._clock = agent, journal, store, clock
        self._monotonic = monotonic
        self._roll = Roll(number=store.number, mark=store.mark, photo=photo)
        self._hearings: dict[str, Hearing] = {}
        self._ways: dict[str, frozenset[str] | None] = {}
        self._heard: deque[tuple[Snapshot, Delta | None]] = deque([(agent.snapshot, None)])
        self._started: set[str] = set()
        self._version = 0
        self._working = threading.RLock()
        self._stirred, self._stopping = threading.Event(), threading.Event()
        self._compared_at = monotonic()
        self._reported: dict[str, _Facts] = {}
        self._offered: dict[str, _Facts] = {}
        self._thread = threading.Thread(target=self._run, name="reconciler", daemon=True)
        agent.on_list = self.hear
        self._make_marks_good()

    def start(self) -> None:
        """Begin to work, on a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, leaving every device as it is."""
        self._stopping.set()
        self._stirred.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        for code in list(self._hearings):
            self.remove(code)
        self._store.close()

    def hear(self, snapshot: Snapshot, delta: Delta | None) -> None:
        """Take note of a list in force; worked on by the reconciler's own thread."""
        self._heard.append((snapshot, delta))
        self._stirred.set()

    def add(self, code: str, terminal: Terminal) -> None:
        """Look after a terminal from now on: it is told what it lacks, and read back whole."""
        with self._working:
            desk = Desk(
                code=code,
                terminal=terminal,
                store=self._store,
                now=lambda: self._clock.read().now,
                monotonic=self._monotonic,
                stirred=self._stirred.set,
            )
            hearing = Hearing(
                desk=desk,
                agent=self._agent,
                store=self._store,
                clock=self._clock,
                find_card=self._roll.find_card,
                on_fire=self._open_every_door,
                monotonic=self._monotonic,
            )
            self._hearings[code] = hearing
            if self._version or not self._heard:
                self._want_all(desk)
        terminal.start(hearing)
        self._started.add(code)
        if desk.planned:
            desk.read_back()
        self._stirred.set()

    def remove(self, code: str) -> None:
        """Look after a terminal no longer; it keeps what it knows."""
        with self._working:
            hearing = self._hearings.pop(code, None)
            self._ways.pop(code, None)
            self._started.discard(code)
        if hearing is not None:
            hearing.desk.terminal.stop()

    def work(self) -> None:
        """Do all there is to do now: follow the list, send, notice silences, say again what came to nothing."""
        with self._working:
            self._follow()
            self._keep_time()
            for hearing in list(self._hearings.values()):
                hearing.look()
                self._check_ways(hearing.desk)
                hearing.desk.look()
                hearing.desk.send()
            if self._monotonic() - self._compared_at >= COMPARE_S:
                self._compared_at = self._monotonic()
                self.compare()
                self._forget()
        self.on_change()

    def compare(self, gate: str | None = None) -> int:
        """Have the terminals of a gate, or all, read back and compared whole; say how many."""
        desks = [one.desk for one in list(self._hearings.values()) if gate in (None, one.desk.terminal.gate)]
        for desk in desks:
            desk.read_back()
        return len(desks)

    def settled_version(self, gate: str) -> int | None:
        """Say up to which version every right that ended is confirmed off the gate's devices; None if it has none."""
        desks = [one.desk for one in list(self._hearings.values()) if one.desk.terminal.gate == gate]
        if not desks:
            return None
        version = self._version
        return min(desk.settled(version) for desk in desks)

    def can_open(self, gate: str) -> dict[str, Listing | None]:
        """Say who can open a door now, by the word of each of its devices; None for one not read yet."""
        hearings = dict(self._hearings)
        return {code: one.desk.can_open() for code, one in hearings.items() if one.desk.terminal.gate == gate}

    def reports(self) -> tuple[TerminalReport, ...]:
        """Give what the server does not know yet; a device that was only seen is told of once a minute."""
        reports = []
        for code, hearing in list(self._hearings.items()):
            report, facts = self._report(code, hearing), _facts(hearing)
            if report.people or facts != self._reported.get(code):
                self._offered[code] = facts
                reports.append(report)
        return tuple(reports)

    def accepted(self, reports: Iterable[TerminalReport]) -> None:
        """Take note that the server has these."""
        for report in reports:
            hearing = self._hearings.get(report.terminal)
            if hearing is not None:
                serials = [person.serial for person in report.people]
                hearing.desk.told(report.people, self._store.number(serials))
                self._reported[report.terminal] = self._offered[report.terminal]

    def _report(self, code: str, hearing: Hearing) -> TerminalReport:
        listing, before = hearing.desk.can_open(), self._reported.get(code)
        return TerminalReport(
            terminal=code,
            seen_at=hearing.seen_at,
            firmware=hearing.firmware[:40],
            drift_ms=hearing.drift_ms,
            trouble=hearing.desk.drift,
            people=hearing.desk.untold(),
            listing=listing if listing is not None and (before is None or before[2] != listing.at) else None,
        )

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._stirred.clear()
            try:
                self.work()
            except Exception:
                # The only thread that takes revocations to the devices must not die of a mistake.
                _log.exception("reconciler")
            self._stirred.wait(LOOK_S)

    def _follow(self) -> None:
        while self._heard:
            snapshot, delta = self._heard[0]
            before = self._version
            if delta is None or any(rule.gate in self._agent.doors for rule in delta.gates):
                self._roll.renew(snapshot)
                self._each(self._want_all)
            else:
                touched = self._roll.take(snapshot, delta)
                self._number(touched)
                for hearing in list(self._hearings.values()):
                    self._want(hearing.desk, touched, after=before)
            self._version = snapshot.version
            self._heard.popleft()

    def _keep_time(self) -> None:
        reading = self._clock.read()
        # By a clock that jumped nobody comes and nobody goes; the devices keep the periods themselves.
        if reading.clock is Clock.OK and (due := self._roll.due(reading.now)):
            self._each(lambda desk: self._want(desk, due, after=None))

    def _each(self, do: Callable[[Desk], None]) -> None:
        for hearing in list(self._hearings.values()):
            do(hearing.desk)

    def _check_ways(self, desk: Desk) -> None:
        if self._ways_of(desk) != self._ways.get(desk.code):
            self._want_all(desk)

    def _want_all(self, desk: Desk) -> None:
        if not self._roll.snapshot.version:
            # A box that lost its list knows of nobody; that is no reason to empty its devices.
            return
        begun = not desk.planned
        self._ways[desk.code] = self._ways_of(desk)
        rule = self._roll.snapshot.gates.get(desk.terminal.gate)
        serials = self._roll.at(rule.groups if rule else ())
        for number in desk.known():
            serial = self._store.serial(number)
            if serial is not None:
                serials.add(serial)
        self._want(desk, serials, after=self._version)
        if begun and desk.code in self._started:
            desk.read_back()

    def _want(self, desk: Desk, serials: Iterable[int], *, after: int | None) -> None:
        now = self._clock.read().now
        rule = self._roll.snapshot.gates.get(desk.terminal.gate)
        groups, ways = (rule.groups if rule else frozenset()), self._ways.get(desk.code)
        sheets: dict[int, Sheet | None] = {}
        owners: dict[int, int] = {}
        for serial in serials:
            opens = self._roll.opens(serial, groups)
            sheet = self._roll.sheet(serial, ways=ways, now=now) if opens else None
            number = sheet.person.number if sheet else self._known_number(serial)
            if number is not None:
                sheets[number], owners[number] = sheet, serial
        version = max([self._roll.snapshot.version, *map(self._roll.version, owners.values())]) if owners else 0
        desk.want(sheets, serials=owners, version=version, after=after)

    def _known_number(self, serial: int) -> int | None:
        return self._store.known(serial)

    def _number(self, serials: Iterable[int]) -> None:
        self._store.number([serial for serial in serials if serial in self._roll.snapshot.passes])

    def _ways_of(self, desk: Desk) -> frozenset[str] | None:
        """Give the ways that both the device and its gate offer; None is all."""
        rule = self._roll.snapshot.gates.get(desk.terminal.gate)
        offered = [ways for ways in (desk.terminal.limits.ways, rule.ways if rule else frozenset()) if ways]
        return frozenset.intersection(*map(frozenset, offered)) if offered else None

    def _open_every_door(self) -> None:
        for gate in self._agent.doors:
            scan = Scan(gate=gate, kind=Kind.FIRE)
            # Each on its own: a door that does not answer must not keep the next one shut.
            threading.Thread(target=self._agent.present, args=(scan,), name=f"fire {gate}", daemon=True).start()

    def _make_marks_good(self) -> None:
        try:
            for gate, head in self._journal.heads().items():
                lines = self._journal.lines(gate, after=self._store.looked_through(gate))
                now = self._clock.read().now
                make_marks_good(store=self._store, gate=gate, lines=lines, sequence=head.sequence, now=now)
        except StoreFailed as problem:
            _log.error("the records taken cannot be read: %s", problem)

    def _forget(self) -> None:
        """Let go of passes that are off the list and off every device, and of old marks."""
        kept: set[int] = set()
        for hearing in self._hearings.values():
            kept |= hearing.desk.known()
        try:
            numbered = self._store.number(self._store.numbered())
            listed = self._roll.snapshot.passes
            gone = [serial for serial, number in numbered.items() if serial not in listed and number not in kept]
            self._store.forget(gone)
            self._store.forget_before(self._clock.read().now - KEEP_MARKS)
        except StoreFailed as problem:
            _log.error("forgetting: %s", problem)


def _facts(hearing: Hearing) -> _Facts:
    """Say what, when it changes, is worth telling the server; that it was seen is worth it once a minute."""
    seen, listing = hearing.seen_at, hearing.desk.can_open()
    minute = int(seen.timestamp() // SEEN_S) if seen else None
    drift = None if hearing.drift_ms is None else hearing.drift_ms // 1000
    return hearing.firmware, hearing.desk.drift, listing.at if listing else None, drift, minute
