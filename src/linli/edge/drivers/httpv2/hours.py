"""The 64 weekly tables of a device: which number stands for which hours.

The device itself keeps the numbers: after a restart the box reads them back, so that nobody's hours change meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from linli.gate.hours import DAY_MINUTES, Slot

GROUPS = 64
ALWAYS = 1
_SLOTS_A_DAY = 8
_WHOLE_DAY = "00:00-23:59"
_DAYS = tuple(f"Week{day}" for day in range(1, 8))

Week = tuple[str, ...]
_OPEN: Week = (_WHOLE_DAY,) * 7
_SHUT: Week = ("",) * 7


class NoGroupLeft(Exception):
    """The device knows 64 weekly tables and all are in use, or it cannot express this one."""


class TimeGroups:
    """The tables of one device. Not for many threads at once."""

    def __init__(self) -> None:
        self._weeks: dict[int, Week] = {ALWAYS: _OPEN}
        self._known: set[int] = set()
        # Thousands of persons share a few tables; each is written out once.
        self._numbers: dict[tuple[Slot, ...], int] = {}

    def adopt(self, told: object) -> None:
        """Take over what the device says of its tables; tables that nobody made are free."""
        if not isinstance(told, list):
            # Some firmware leaves them out; what it was given is then taken as there.
            return
        given = {number: week for number, week in _read(told) if number != ALWAYS}
        for number, week in given.items():
            if number not in self._weeks and week not in (_OPEN, _SHUT):
                self._weeks[number] = week
        given[ALWAYS] = dict(_read(told)).get(ALWAYS, _SHUT)
        self._known = {number for number, week in self._weeks.items() if given.get(number, _SHUT) == week}

    def number(self, hours: tuple[Slot, ...], *, in_use: Collection[int]) -> int:
        """Give the number for these hours, a new one if need be. Raises NoGroupLeft."""
        if not hours:
            return ALWAYS
        known = self._numbers.get(hours)
        if known is not None:
            return known
        week = week_of(hours)
        for number, taken in self._weeks.items():
            if taken == week:
                self._numbers[hours] = number
                return number
        free = next((number for number in range(2, GROUPS + 1) if number not in self._weeks), None)
        if free is None:
            free = next((number for number in range(2, GROUPS + 1) if number not in in_use), None)
        if free is None:
            raise NoGroupLeft("all 64 weekly tables are in use")
        self._numbers = {slots: number for slots, number in self._numbers.items() if number != free}
        self._weeks[free], self._numbers[hours] = week, free
        self._known.discard(free)
        return free

    def is_known(self, number: int) -> bool:
        """Say whether the device has this table already."""
        return number in self._known

    @property
    def settled(self) -> bool:
        """Whether the device has every table."""
        return self._known == set(self._weeks)

    def as_words(self) -> list[dict[str, Any]]:
        """Write all 64 tables for the device; from now on it knows them."""
        self._known = set(self._weeks)
        return [
            {"Num": number, **dict(zip(_DAYS, self._weeks.get(number, _SHUT), strict=True))}
            for number in range(1, GROUPS + 1)
        ]


def week_of(hours: Iterable[Slot]) -> Week:
    """Write hours as seven texts, Monday first; the device counts the last minute in. Raises NoGroupLeft for too many slots."""
    days: list[list[tuple[int, int]]] = [[] for _ in range(7)]
    for slot in sorted(hours, key=lambda slot: (slot.weekday, slot.start)):
        day = days[slot.weekday]
        if day and slot.start <= day[-1][1]:
            day[-1] = (day[-1][0], max(day[-1][1], slot.end))
        elif slot.start < slot.end:
            day.append((slot.start, slot.end))
    if any(len(day) > _SLOTS_A_DAY for day in days):
        raise NoGroupLeft(f"the device knows {_SLOTS_A_DAY} slots a day")
    return tuple("/".join(f"{_clock(start)}-{_clock(end - 1)}" for start, end in day) for day in days)


def _clock(minute: int) -> str:
    return f"{min(minute, DAY_MINUTES - 1) // 60:02d}:{min(minute, DAY_MINUTES - 1) % 60:02d}"


def _read(told: list[object]) -> Iterable[tuple[int, Week]]:
    for group in told:
        if isinstance(group, Mapping) and isinstance(number := group.get("Num"), int) and 1 <= number <= GROUPS:
            # "00:00-00:00" is how some firmware writes a day without hours.
            week = (str(group.get(day) or "").strip() for day in _DAYS)
            yield number, tuple("" if day == "00:00-00:00" else day for day in week)
