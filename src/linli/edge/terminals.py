"""What the agent asks of a terminal: a device that keeps a list of its own and may decide alone.

A terminal speaks its maker's protocol. Some are asked, some ask: so nothing here returns an answer. The reconciler says
what should be there, the terminal tells what came of it, whenever that is known, and reads its own list back on demand.
A method may be called from any thread and never waits for the device longer than a few seconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from linli.edge.doors import Door, Health, Outcome
from linli.gate.decision import Scan
from linli.gate.hours import Slot


class Alarm(StrEnum):
    """What a door or a terminal complains of; each is written into the journal when it begins and when it ends."""

    FORCED = "FORCED"
    HELD_OPEN = "HELD_OPEN"
    TAMPER = "TAMPER"
    OFFLINE = "OFFLINE"
    LOW_BATTERY = "LOW_BATTERY"
    FIRE = "FIRE"
    CLOCK = "CLOCK"
    SETTING = "SETTING"


class Trouble(StrEnum):
    """Why a terminal did not take a person."""

    PHOTO_UNUSABLE = "PHOTO_UNUSABLE"
    PHOTO_TOO_BIG = "PHOTO_TOO_BIG"
    CARD_TAKEN = "CARD_TAKEN"
    FACE_TAKEN = "FACE_TAKEN"
    FULL = "FULL"
    NOT_OFFERED = "NOT_OFFERED"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What one terminal must know of one pass: no name, only the pass's own label.

    `number` is small, stable on this box and never given twice; `hours` empty means at any hour; `codes` are texts that a
    reader may show (a printed code); `photo` is a JPEG that waits to be taken in, and is there only with consent.
    """

    serial: int
    number: int
    label: str
    start: datetime
    end: datetime
    hours: tuple[Slot, ...] = ()
    holidays: bool = True
    uses: int = 0
    card: str = ""
    pin: str = ""
    codes: tuple[str, ...] = ()
    photo: bytes = field(default=b"", repr=False)

    @property
    def checksum(self) -> str:
        """Tell two versions of one person apart; the photo does not count, for a terminal does not give it back."""
        words = (self.serial, self.number, int(self.start.timestamp()), int(self.end.timestamp()), self.hours)
        rest = (self.holidays, self.uses, self.card, self.pin, self.codes)
        return hashlib.sha256(repr((*words, *rest)).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one model can hold and take at once; 0 is "as many as you like"."""

    people: int = 0
    page: int = 100
    photo_bytes: int = 0
    ways: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What a terminal did on its own, as it says: `at` by its own clock, `record` its own number for it, never twice.

    `method`, `opened` and `reason` are already in our words (`linli.gate.decision`); `number` is the person's, if known.
    """

    record: str
    at: datetime
    method: str
    direction: str
    opened: bool
    reason: str
    number: int | None = None
    card: str = ""
    temperature_c10: int | None = None


class Told(Protocol):
    """What a terminal tells of itself; the reconciler and the agent listen."""

    def put(self, number: int, checksum: str) -> None:
        """Say that the device has taken a person in."""

    def failed(self, number: int, trouble: Trouble, words: str = "") -> None:
        """Say that the device will not take a person; without a photo it may."""

    def dropped(self, number: int) -> None:
        """Say that the device no longer knows a person; that it never did is the same."""

    def listing(self, people: Mapping[int, str]) -> None:
        """Give the device's own list, read back whole: number to checksum, "" where the device cannot tell."""

    def passage(self, passage: Passage) -> None:
        """Give one of the device's own records; the same one twice is one. Returns once it is on the disk."""

    def alarm(self, alarm: Alarm, on: bool, words: str = "") -> None:
        """Say that an alarm began or ended; the same twice is once."""

    def clock(self, device_time: datetime) -> None:
        """Give the time by the device's own clock, just now."""

    def seen(self, firmware: str = "") -> None:
        """Say that the device was heard of just now."""

    def ask(self, scan: Scan) -> Outcome:
        """Put a scan to the agent: a device that wants to be told whether to open. The agent's door is not struck twice."""


class Terminal(Door, Protocol):
    """One device at one gate."""

    gate: str

    @property
    def limits(self) -> Limits:
        """What the device can hold, as far as it is known."""

    def start(self, told: Told) -> None:
        """Begin to speak with the device."""

    def stop(self) -> None:
        """Stop, leaving the device as it is."""

    def put(self, people: Iterable[Person]) -> None:
        """Have these persons on the device, in place of what it knew of them."""

    def drop(self, numbers: Iterable[int]) -> None:
        """Have these persons off the device."""

    def read_back(self) -> None:
        """Have the device give its own list."""

    def health(self) -> Health:
        """Say whether the device answers."""
