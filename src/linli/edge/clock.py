"""Trusted time: the box's own clock, corrected by the server's; it says "unsure" rather than guessing."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from linli.gate.decision import Clock
from linli.gate.passes import EPOCH

# A pass is good one window (30 s) early or late; a box further off than this would turn guests away.
DRIFT_ALARM_S = 30.0
_STEP_S = 2.0
_CORRECT_FROM_S = 1.0
_REREAD_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What time it is, whether the box trusts that, and how far its own clock is ahead of the server's (s)."""

    now: datetime
    clock: Clock
    drift_s: float


class TrustedClock:
    """The time of one box. `floor` is an instant known to be past, kept over a restart.

    Unsure when the box's clock stands before something that already happened, or was set while nobody was watching,
    until the server has been heard again.
    """

    def __init__(
        self,
        *,
        floor: datetime = EPOCH,
        offset_file: Path | None = None,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._floor = floor
        self._offset = _OffsetFile(offset_file, monotonic) if offset_file else None
        self._lock = threading.Lock()
        self._ground = wall() - monotonic()
        self._correction = 0.0
        self._drift = 0.0

    def read(self) -> Reading:
        """Say what time it is."""
        if self._offset is not None:
            # A simulated day moves every clock at once by one file; there is no drift, and a jump is meant.
            return Reading(now=_instant(self._wall() + self._offset.seconds()), clock=Clock.OK, drift_s=0.0)
        with self._lock:
            wall = self._wall()
            now = _instant(wall + self._correction)
            stepped = abs(wall - self._monotonic() - self._ground) > _STEP_S
            unsure = stepped or now < self._floor - timedelta(seconds=_STEP_S)
            # A clock that fell back must not bring an expired pass back to life.
            now = max(now, self._floor) if unsure else now
            return Reading(now=now, clock=Clock.UNSURE if unsure else Clock.OK, drift_s=self._drift)

    def hear(self, *, server_time: datetime, took_s: float) -> None:
        """Take the server's time from an answer that took so long; half the way is assumed each way."""
        if self._offset is not None:
            return
        with self._lock:
            wall = self._wall()
            drift = wall - (server_time.timestamp() + took_s / 2)
            self._drift = drift
            self._ground = wall - self._monotonic()
            self._correction = -drift if abs(drift) > _CORRECT_FROM_S + took_s / 2 else 0.0
            # The server's word outweighs a floor written by a clock that ran ahead.
            self._floor = min(self._floor, _instant(wall + self._correction))

    def passed(self, instant: datetime) -> None:
        """Remember that this instant is past."""
        with self._lock:
            self._floor = max(self._floor, instant)


class _OffsetFile:
    """Seconds to add to the real clock, from a text file, read again at most every 50 ms."""

    def __init__(self, path: Path, monotonic: Callable[[], float]) -> None:
        self._path, self._monotonic = path, monotonic
        self._read_at = -1.0
        self._seconds = 0.0

    def seconds(self) -> float:
        now = self._monotonic()
        if self._read_at < 0 or now - self._read_at >= _REREAD_S:
            self._read_at = now
            try:
                seconds = float(self._path.read_text(encoding="ascii"))
                self._seconds = seconds if math.isfinite(seconds) else self._seconds
            except (OSError, ValueError):
                # Caught between truncation and writing, or not there yet: the last offset still holds.
                return self._seconds
        return self._seconds


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
