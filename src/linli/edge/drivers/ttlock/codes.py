"""Codes of a lock: their windows in whole hours, rounded outwards, and the name under which a code tells whose it is.

A code's name is the pass's label, its number on this box and the checksum of what was wanted, with a mark over the code
and its window: so the lock's own list says who may open, and whether somebody changed that in the maker's app.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from linli.edge.drivers.bounded import DeviceAway
from linli.edge.terminals import Person, Trouble
from linli.gate.hours import DAY_MINUTES, Slot

LONGEST = timedelta(days=365)
RENEW_BEFORE = timedelta(days=30)
HOUR = timedelta(hours=1)
ONCE, PERIOD, WEEKEND, DAILY, WORKDAYS, MONDAYS = 1, 3, 5, 6, 7, 8
CHANGED = "changed at the lock"
_LABEL = 20
_PIN = re.compile(r"[0-9]{4,9}")
_NAME = re.compile(r".* #([1-9][0-9]{0,9}) ([0-9a-f]{16})\.([0-9a-f]{6})(~?)")


class NotToBeHad(Exception):
    """A lock cannot do that for this person."""

    def __init__(self, trouble: Trouble, words: str) -> None:
        super().__init__(words)
        self.trouble = trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From one whole hour to another. `cut` says that the pass lasts longer than a lock's code may."""

    start: datetime
    end: datetime
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One code as the lock has it: the maker's own number for it, and the true window."""

    id: int
    pin: str = field(repr=False)
    name: str
    window: Window

    @property
    def number(self) -> int | None:
        """Whose it is; None for a code that we did not give."""
        found = _NAME.fullmatch(self.name)
        return int(found[1]) if found else None

    def checksum(self, *, now: datetime) -> str:
        """The checksum it was written with, if it still stands as written and need not be renewed soon."""
        found = _NAME.fullmatch(self.name)
        if found is None or found[3] != _mark(found[2], self.pin, self.window):
            return CHANGED
        ending = found[4] == "~" and self.window.end - now < RENEW_BEFORE
        return CHANGED if ending else found[2]


def check_person(person: Person) -> None:
    """Raise NotToBeHad for whom a lock cannot let in as told; a code that lets in more than told is none at all."""
    if not person.pin:
        raise NotToBeHad(Trouble.NOT_OFFERED, "a lock needs a PIN")
    if not _PIN.fullmatch(person.pin):
        raise NotToBeHad(Trouble.REFUSED, "a PIN has 4 to 9 digits")
    if person.uses:
        raise NotToBeHad(Trouble.NOT_OFFERED, "a lock does not count entries")
    if person.hours and (not covers_week(person.hours) or not person.holidays):
        raise NotToBeHad(Trouble.NOT_OFFERED, "a PIN of our own cannot keep weekly hours on a lock")


def window_of(start: datetime, end: datetime, *, now: datetime) -> Window:
    """Round to whole hours outwards: a guest at five to three must get in, and one who leaves late too."""
    first, last = _down(start), _up(end)
    if last - first <= LONGEST:
        return Window(start=first, end=last)
    first = max(first, _down(now))
    return Window(start=first, end=min(last, first + LONGEST), cut=last - first > LONGEST)


def name_of(person: Person, window: Window) -> str:
    """Name a code by its pass: no person's name."""
    mark = _mark(person.checksum, person.pin, window)
    return f"{person.label[:_LABEL]} #{person.number} {person.checksum}.{mark}{'~' if window.cut else ''}"


def kind_of(hours: tuple[Slot, ...]) -> tuple[int, int, int]:
    """Find the maker's kind of random code for weekly hours, and the hours of its day, rounded outwards.

    Raises NotToBeHad: the maker knows one stretch of hours on every day, the workdays, the weekend or one weekday.
    """
    if not hours or covers_week(hours):
        return PERIOD, 0, 0
    stretches = {(slot.start // 60, -(-slot.end // 60)) for slot in hours}
    days = sorted(slot.weekday for slot in hours)
    kinds = {(5, 6): WEEKEND, tuple(range(7)): DAILY, tuple(range(5)): WORKDAYS}
    kinds.update({(day,): MONDAYS + day for day in range(7)})
    kind = kinds.get(tuple(days))
    if kind is None or len(stretches) != 1:
        raise NotToBeHad(Trouble.NOT_OFFERED, "the maker has no code for these weekly hours")
    return kind, *stretches.pop()


def covers_week(hours: tuple[Slot, ...]) -> bool:
    """Say whether a weekly table leaves nothing out."""
    for day in range(7):
        reached = 0
        for slot in sorted((slot for slot in hours if slot.weekday == day), key=lambda slot: slot.start):
            reached = max(reached, slot.end) if slot.start <= reached else reached
        if reached < DAY_MINUTES:
            return False
    return True


def code_from(row: Mapping[str, Any]) -> Code:
    """Read one line of the lock's list. Raises DeviceAway: half a list is none."""
    try:
        window = Window(start=from_ms(row.get("startDate", 0)), end=from_ms(row.get("endDate", 0)))
        return Code(
            id=int(str(row["keyboardPwdId"])),
            pin=str(row["keyboardPwd"])[:20],
            name=str(row.get("keyboardPwdName", ""))[:100],
            window=window,
        )
    except (KeyError, ValueError, OverflowError):
        raise DeviceAway("a code in the lock's list is unreadable") from None


def to_ms(at: datetime) -> int:
    """Write an instant as the maker does."""
    return int(at.timestamp() * 1000)


def from_ms(value: object) -> datetime:
    """Read it. Raises ValueError or OverflowError."""
    return datetime.fromtimestamp(int(str(value)) / 1000, UTC)


def _mark(checksum: str, pin: str, window: Window) -> str:
    words = f"{checksum} {pin} {to_ms(window.start)} {to_ms(window.end)}"
    return hashlib.sha256(words.encode()).hexdigest()[:6]


def _down(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _up(at: datetime) -> datetime:
    down = _down(at)
    return down if down == at else down + HOUR
