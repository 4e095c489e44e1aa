"""What one terminal tells: its list to the desk, its passages and alarms to the journal, its questions to the agent."""

from __future__ import annotations

import hashlib
import logging
import re
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from linli.edge.agent import Agent
from linli.edge.clock import DRIFT_ALARM_S, TrustedClock
from linli.edge.desk import Desk
from linli.edge.doors import Outcome
from linli.edge.store.database import StoreFailed
from linli.edge.store.people import PeopleStore
from linli.edge.terminals import Alarm, Passage, Trouble
from linli.gate.decision import Reason, Scan
from linli.gate.journal import Event

SILENCE_S = 120.0
_PLAIN = re.compile(r"[0-9A-Za-z._:-]{1,32}", re.ASCII)
_RECORD = re.compile(r"rec ([0-9A-Z-]+)/(\S+) dt ")
_CAPITALS = re.compile(r"[^A-Z]+")
_AHEAD = timedelta(seconds=2)
_MOST_DRIFTS = 8
_log = logging.getLogger("linli.gate")


class Hearing:
    """Listens to one terminal, on the terminal's own threads."""

    def __init__(
        self,
        *,
        desk: Desk,
        agent: Agent,
        store: PeopleStore,
        clock: TrustedClock,
        find_card: Callable[[str], int | None],
        on_fire: Callable[[], None],
        monotonic: Callable[[], float],
    ) -> None:
        self.desk = desk
        self.firmware = ""
        self.seen_at: datetime | None = None
        self.drift_ms: int | None = None
        self._agent, self._store, self._clock = agent, store, clock
        self._find_card, self._on_fire, self._monotonic = find_card, on_fire, monotonic
        self._gate = desk.terminal.gate
        self._heard = monotonic()
        self._drifts: deque[timedelta] = deque(maxlen=_MOST_DRIFTS)
        self._silent = self._away = False
        self._burning = False
        try:
            self._ringing = set(store.alarms(desk.code))
        except StoreFailed:
            self._ringing = set()

    def put(self, number: int, checksum: str) -> None:
        """Hand it to the desk."""
        self.desk.put(number, checksum)

    def failed(self, number: int, trouble: Trouble, words: str = "") -> None:
        """Hand it to the desk."""
        self.desk.failed(number, trouble, words)

    def dropped(self, number: int) -> None:
        """Hand it to the desk."""
        self.desk.dropped(number)

    def listing(self, people: Mapping[int, str]) -> None:
        """Hand it to the desk."""
        self.desk.listing(people)

    def passage(self, passage: Passage) -> None:
        """Write a device's record into the journal, at the corrected time, once. Raises StoreFailed."""
        record = passage.record if _PLAIN.fullmatch(passage.record) else _digest(passage.record)
        with self.desk.terminal_turn:
            if self._store.has_taken(self.desk.code, record):
                return
            reading = self._clock.read()
            drift = self._drift_of(passage.at, reading.now)
            device_unix, drift_ms = int(passage.at.timestamp()), int(drift.total_seconds() * 1000)
            serial = self._store.serial(passage.number) if passage.number is not None else None
            event = Event(
                at=passage.at - drift,
                clock=reading.clock.value,
                method=_CAPITALS.sub("", passage.method)[:16] or "OTHER",
                direction="out" if passage.direction == "out" else "in",
                opened=passage.opened,
                reason=passage.reason if passage.reason in Reason.__members__ else Reason.REFUSED_BY_DEVICE.value,
                serial=serial if serial is not None or not passage.card else self._find_card(passage.card),
                snapshot_version=self._agent.snapshot.version,
                note=f"rec {self.desk.code}/{record} dt {device_unix} d {drift_ms}",
            )
            self._agent.record(gate=self._gate, event=event)
            try:
                self._store.take([(self.desk.code, record, reading.now)])
            except StoreFailed as problem:
                # The line names the record: the mark is made good from it at the next start.
                _log.error("%s: a record is not marked: %s", self.desk.code, problem)

    def alarm(self, alarm: Alarm, on: bool, words: str = "") -> None:
        """Write down that an alarm began or ended, once; for fire every door opens."""
        if alarm is Alarm.OFFLINE:
            self._away = on
            on = self._away or self._silent
        if alarm is Alarm.FIRE:
            began, self._burning = on and not self._burning, on
            if began:
                self._on_fire()
        self._ring(alarm, on, words)

    def clock(self, device_time: datetime) -> None:
        """Measure how far the device's clock is ahead of the box's; beyond half a minute it is an alarm."""
        drift = device_time - self._clock.read().now
        self._drifts.append(drift)
        self.drift_ms = int(drift.total_seconds() * 1000)
        seconds = drift.total_seconds()
        self._ring(Alarm.CLOCK, abs(seconds) > DRIFT_ALARM_S, f"{seconds:+.0f} s")

    def seen(self, firmware: str = "") -> None:
        """Take note that the device was heard of."""
        self._heard, self.seen_at = self._monotonic(), self._clock.read().now
        self.firmware = firmware or self.firmware
        if self._silent:
            self._silent = False
            self._ring(Alarm.OFFLINE, self._away, "")

    def ask(self, scan: Scan) -> Outcome:
        """Put a device's question to the agent; the device opens by itself."""
        return self._agent.judge(scan)

    def look(self) -> None:
        """Notice a silence."""
        if not self._silent and self._monotonic() - self._heard > SILENCE_S:
            self._silent = True
            self._ring(Alarm.OFFLINE, True, "not heard")

    def _ring(self, alarm: Alarm, on: bool, words: str) -> None:
        if on == (alarm.value in self._ringing):
            return
        (self._ringing.add if on else self._ringing.discard)(alarm.value)
        reason = Reason.ALARM if on else Reason.ALARM_OVER
        self._agent.complain(gate=self._gate, reason=reason, note=f"{alarm.value} {self.desk.code} {words}".strip())
        try:
            self._store.ring(self.desk.code, alarm.value, on=on)
        except StoreFailed as problem:
            _log.error("%s: an alarm is not kept: %s", self.desk.code, problem)

    def _drift_of(self, at: datetime, now: datetime) -> timedelta:
        """Give the newest drift by which that did not happen in the future: an older record knew an older clock."""
        for drift in reversed(self._drifts):
            if at - drift <= now + _AHEAD:
                return drift
        return at - now if self._drifts else timedelta(0)


def make_marks_good(*, store: PeopleStore, gate: str, lines: list[str], sequence: int, now: datetime) -> None:
    """Mark the records that a gate's lines name: those after the last look. Raises StoreFailed."""
    found = [match.group(1, 2) for line in lines if (match := _RECORD.search(line)) is not None]
    store.take([(terminal, record, now) for terminal, record in found], gate=gate, sequence=sequence)


def _digest(record: str) -> str:
    return "h" + hashlib.sha256(record.encode()).hexdigest()[:16]
