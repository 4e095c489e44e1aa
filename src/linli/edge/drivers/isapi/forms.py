"""What ISAPI wants written down: a person, a weekly table, a time, in the device's own words and its own time of day."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from linli.edge.drivers.bounded import DeviceAway
from linli.edge.terminals import Person, Trouble
from linli.gate.hours import Slot

ALWAYS = 1  # the device's own first template: at any hour
LONGEST_NAME = 32
MOST_SEGMENTS = 8  # in one day of a weekly table
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2037, 12, 31, 23, 59, 59, tzinfo=UTC)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PIN = re.compile(r"[0-9]{4,8}")
_CARD = re.compile(r"[0-9A-F]{1,32}")


class NotToBeHad(Exception):
    """This make cannot do that for this person."""

    def __init__(self, trouble: Trouble, words: str) -> None:
        super().__init__(words)
        self.trouble = trouble


def check_person(person: Person) -> None:
    """Raise NotToBeHad for what the device would take in a wrong way rather than refuse."""
    if person.pin and not _PIN.fullmatch(person.pin):
        raise NotToBeHad(Trouble.REFUSED, "a PIN has 4 to 8 digits")
    if person.card and not _CARD.fullmatch(person.card):
        raise NotToBeHad(Trouble.REFUSED, "a card number has up to 32 digits or letters A to F")
    busiest = max((len(slots) for slots in _by_day(person.hours).values()), default=0)
    if busiest > MOST_SEGMENTS:
        raise NotToBeHad(Trouble.REFUSED, f"a day has at most {MOST_SEGMENTS} periods")


def user_form(person: Person, *, door: int, template: int, zone_minutes: int) -> dict[str, Any]:
    """Write a person down. Only a visitor's entries are counted by the device, so who may enter n times is one."""
    return {
        "UserInfo": {
            "employeeNo": str(person.number),
            "name": person.label[:LONGEST_NAME],
            "userType": "visitor" if person.uses else "normal",
            "Valid": {
                "enable": True,
                "beginTime": local_text(person.start, zone_minutes),
                "endTime": local_text(person.end, zone_minutes),
                "timeType": "local",
            },
            "doorRight": str(door),
            "RightPlan": [{"doorNo": door, "planTemplateNo": str(template)}],
            "maxOpenDoorTime": person.uses,
            "password": person.pin,
        }
    }


def row_digest(row: Mapping[str, Any], *, cards: int) -> str:
    """Tell whether a person still stands on the device as written; works on what was written and on what is read."""
    valid = row.get("Valid")
    period = [valid.get(name) for name in ("enable", "beginTime", "endTime")] if isinstance(valid, dict) else []
    plans = row.get("RightPlan")
    rights = [
        (str(plan.get("doorNo")), str(plan.get("planTemplateNo")))
        for plan in (plans if isinstance(plans, list) else [])
        if isinstance(plan, dict)
    ]
    words = [str(row.get(name, "")) for name in ("employeeNo", "name", "userType", "doorRight", "maxOpenDoorTime")]
    return hashlib.sha256(repr((words, period, rights, cards)).encode()).hexdigest()[:16]


def hours_name(hours: tuple[Slot, ...], *, holidays: bool) -> str:
    """Name a weekly table by what is in it, so that the same table finds its number again after a restart."""
    words = ([(slot.weekday, slot.start, slot.end) for slot in hours], holidays)
    return "linli-" + hashlib.sha256(repr(words).encode()).hexdigest()[:20]


def week_form(hours: tuple[Slot, ...]) -> dict[str, Any]:
    """Write a weekly table down: every segment of every day, the unused ones shut, or an old one would stay."""
    by_day = _by_day(hours)
    rows = []
    for weekday, name in enumerate(_DAYS):
        slots = sorted(by_day.get(weekday, ()), key=lambda slot: slot.start)
        for number in range(MOST_SEGMENTS):
            slot = slots[number] if number < len(slots) else None
            rows.append({"week": name, "id": number + 1, "enable": slot is not None, "TimeSegment": _segment(slot)})
    return {"UserRightWeekPlanCfg": {"enable": True, "WeekPlanCfg": rows}}


def template_form(*, name: str, number: int, holiday_group: str = "") -> dict[str, Any]:
    """Write down which weekly table, and which holidays, a template stands for."""
    words = {"enable": True, "templateName": name, "weekPlanNo": number, "holidayGroupNo": holiday_group}
    return {"UserRightPlanTemplate": words}


def holiday_form(day: date) -> dict[str, Any]:
    """Write down a day on which nobody's hours count."""
    shut = [{"id": number + 1, "enable": False, "TimeSegment": _segment(None)} for number in range(MOST_SEGMENTS)]
    words = {"enable": True, "beginDate": day.isoformat(), "endDate": day.isoformat(), "HolidayPlanCfg": shut}
    return {"UserRightHolidayPlanCfg": words}


def holiday_group_form(numbers: Collection[int]) -> dict[str, Any]:
    """Write down which days are holidays."""
    listed = ",".join(str(number) for number in numbers)
    return {"UserRightHolidayGroupCfg": {"enable": True, "groupName": "linli", "holidayPlanNo": listed}}


def local_text(at: datetime, zone_minutes: int) -> str:
    """Write an instant in the device's time of day; it knows no day after 2037."""
    local = max(at, _EARLIEST).astimezone(timezone(timedelta(minutes=zone_minutes))).replace(tzinfo=UTC)
    return min(local, _LATEST).replace(tzinfo=None).isoformat(timespec="seconds")


def instant(text: object, zone_minutes: int) -> datetime:
    """Read a device's time; without an offset it is its time of day. Raises DeviceAway."""
    try:
        at = datetime.fromisoformat(str(text)[:40])
        zone = timezone(timedelta(minutes=zone_minutes))
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise DeviceAway("the device tells no time") from None


def zone_text(zone_minutes: int) -> str:
    """Write the zone as the device does, the POSIX way round: CST-8:00:00 is eight hours ahead of UTC."""
    hours, minutes = divmod(abs(zone_minutes), 60)
    return f"CST{'-' if zone_minutes >= 0 else '+'}{hours}:{minutes:02d}:00"


def _by_day(hours: tuple[Slot, ...]) -> dict[int, list[Slot]]:
    by_day: dict[int, list[Slot]] = defaultdict(list)
    for slot in hours:
        by_day[slot.weekday].append(slot)
    return by_day


def _segment(slot: Slot | None) -> dict[str, str]:
    start, end = (slot.start, slot.end) if slot else (0, 0)
    return {"beginTime": _clock_text(start), "endTime": _clock_text(end)}


def _clock_text(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}:00"
