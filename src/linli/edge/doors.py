"""What the agent asks of a door and of a reader. A driver implements these for one make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from linli.gate.decision import Scan, Verdict


class DoorFailed(Exception):
    """The door did not answer, or did not open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether a part works, and in plain words what is wrong with it."""

    well: bool
    words: str = ""


WELL = Health(well=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a scan: the verdict, its line in the journal (None if not written), and the time it took (ms)."""

    gate: str
    verdict: Verdict
    sequence: int | None
    snapshot_version: int
    decide_ms: float
    journal_ms: float
    door_ms: float


Present = Callable[[Scan], Outcome]


class Door(Protocol):
    """A lock, a barrier, a turnstile."""

    def open(self, *, seconds: int | None) -> None:
        """Open for so long, or, with None, until released. Raises DoorFailed. Returns once the strike is certain."""

    def release(self) -> None:
        """End an opening without a limit. Raises DoorFailed."""

    def health(self) -> Health:
        """Say whether the door answers."""


class Reader(Protocol):
    """Whatever brings scans: a camera, a code reader, a button, a control port."""

    def start(self, present: Present) -> None:
        """Begin to present scans, on the reader's own thread; the outcome is for its display."""

    def stop(self) -> None:
        """Stop, and return when no more scans will come."""

    def health(self) -> Health:
        """Say whether the reader reads."""
