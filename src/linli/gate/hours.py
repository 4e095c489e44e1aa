"""At which hours of the week a pass counts, in the estate's own time."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

DAY_MINUTES = 1440


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """On one weekday (0 is Monday) from one minute of the day up to, not including, another; at most 1440."""

    weekday: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """A weekly table by number; `holidays` says whether it counts on the estate's holidays too."""

    number: int
    version: int
    slots: tuple[Slot, ...]
    holidays: bool = True


def covers(hours: Hours, *, now: datetime, zone_minutes: int, holidays: Collection[date]) -> bool:
    """Say whether a table admits at an instant; `zone_minutes` is how far the estate's time is ahead of UTC."""
    local = now + timedelta(minutes=zone_minutes)
    if not hours.holidays and local.date() in holidays:
        return False
    minute = local.hour * 60 + local.minute
    return any(slot.weekday == local.weekday() and slot.start <= minute < slot.end for slot in hours.slots)
