"""What a device says of itself: what it can do, what we set in it, and what about it is not as it should be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from linli.edge.clock import DRIFT_ALARM_S
from linli.edge.drivers.httpv2.hours import TimeGroups
from linli.edge.drivers.httpv2.people import MOST_PHOTO, CardWriting
from linli.edge.drivers.httpv2.words import whole
from linli.edge.terminals import Limits
from linli.gate.decision import Kind

_CORRECT_FROM_S = 5.0
_STUBBORN = 3
_KEPT = (
    *("FaceThreshold", "FaceIR", "FreeOpen", "SaveRecordPicture", "HTTPClient_KeepaliveTime"),
    *("ReleaseTime", "Holidays", "SystemTime", "AccessType", "FirmwareVerson", "PeopleStorageInfo", "FunctionList"),
    *("BootTime", "TimeZone"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How one device is spoken with. `token` is a secret in the address it calls, for the document knows none.

    `period_s`: how often it calls, and so how long an opening from here, a new person and a withdrawal take at the most.
    `silence_s`: after how long without a call it counts as away (0: three periods and a bit). `patience_s`: how long it may
    take over what it was handed. `entrance`: which way it leads when its records do not say. `least_face_threshold`: below it there is an alarm.
    `zone_hours`: how far the estate's time is ahead of UTC.
    """

    token: str = ""
    period_s: int = 3
    open_wait_s: float = 5.0
    silence_s: float = 0.0
    patience_s: float = 60.0
    entrance: bool = True
    cards: CardWriting = CardWriting.DECIMAL
    least_face_threshold: int = 60
    holidays: tuple[date, ...] = ()
    zone_hours: int = 8


class Settings:
    """The settings of one device, as it told them last. One thread at a time."""

    def __init__(self, manner: Manner) -> None:
        self.manner = manner
        self.groups = TimeGroups()
        self.told: Mapping[str, Any] = {}
        self.drift_s = 0.0
        self.release_s: int | None = None
        self._pushed: set[str] = set()
        self._strikes: Counter[str] = Counter()
        self._visitors = False

    def hear(self, words: Mapping[str, Any], *, now: datetime) -> datetime | None:
        """Take what the device uploads; give the time by its clock. What nobody needs, and its passwords, are not kept."""
        self.told = {name: words[name] for name in _KEPT if name in words}
        self._visitors = bool(words.get("VisitorRootPassword"))
        self.groups.adopt(words.get("TimeGroups"))
        device_time = _time_in(self.told)
        self.drift_s = (device_time - now).total_seconds() if device_time else 0.0
        differing = self._differing()
        self._strikes = Counter({name: self._strikes[name] + (name in self._pushed) for name in differing})
        self._pushed = set()
        return device_time

    def wanted(self) -> set[str]:
        """Name what is to be set in the device."""
        # The hours are pushed without end: without them nobody who needs them is let onto the device.
        return {name for name in self._differing() if name == "TimeGroups" or self._strikes[name] < _STUBBORN}

    def push(self, *, now: datetime) -> dict[str, Any]:
        """Give what is to be set, for the device to take over now."""
        names = self.wanted()
        self._pushed |= names
        values = self._own()
        if "TimeGroups" in names:
            values["TimeGroups"] = self.groups.as_words()
        return {name: int(now.timestamp()) if name == "SystemTime" else values[name] for name in names}

    def begin_anew(self) -> None:
        """Try again what the device would not take, because it was away: perhaps it was only not heard."""
        self._strikes.clear()

    def complaints(self) -> list[str]:
        """Say in words what about this device is not as it should be."""
        found = []
        least = self.manner.least_face_threshold
        if (threshold := self._number("FaceThreshold")) is not None and threshold < least:
            found.append(f"FaceThreshold {threshold} is below {least}")
        if self._number("FaceIR") == 0:
            found.append("the liveness check (FaceIR) is off")
        if self._number("FreeOpen") == 1:
            found.append("it opens without asking (FreeOpen)")
        if self._visitors:
            found.append("a password for every visitor is set (VisitorRootPassword)")
        if abs(self.drift_s) > DRIFT_ALARM_S:
            found.append(f"its clock is {self.drift_s:+.0f} s off")
        stubborn = sorted(name for name in self._differing() if self._strikes[name] >= _STUBBORN)
        return found + [f"it does not take {name}" for name in stubborn]

    def entrance(self) -> bool:
        """Say whether the device leads in: by its own setting, else by ours."""
        told = self._number("AccessType")
        return self.manner.entrance if told is None else told == 0

    def people(self) -> int | None:
        """Say how many persons the device holds, by its own count."""
        return _stored(self.told, "Current")

    def limits(self) -> Limits:
        """Say what this model can hold and take."""
        functions = self.told.get("FunctionList")
        able = functions if isinstance(functions, Mapping) else {}
        ways = {Kind.CARD.value, Kind.PIN.value}
        ways |= {kind for name, kind in (("QRCode", Kind.CODE.value), ("Face", Kind.FACE.value)) if able.get(name)}
        return Limits(people=_stored(self.told, "Max") or 0, page=100, photo_bytes=MOST_PHOTO, ways=frozenset(ways))

    def _own(self) -> dict[str, Any]:
        own: dict[str, Any] = {"HTTPClient_KeepaliveTime": self.manner.period_s, "SaveRecordPicture": 0}
        if self.release_s is not None:
            own["ReleaseTime"] = self.release_s
        if "TimeZone" in self.told:
            # The weekly tables are counted by the device's own time of day.
            own["TimeZone"] = self.manner.zone_hours
        if self.manner.holidays:
            days = enumerate(sorted(self.manner.holidays), start=1)
            own["Holidays"] = [{"Num": n, "Date": day.isoformat(), "Type": 1, "Cycle": 0} for n, day in days]
        return own

    def _differing(self) -> set[str]:
        names = {name for name, value in self._own().items() if self.told.get(name) != value}
        if not self.groups.settled:
            names.add("TimeGroups")
        if abs(self.drift_s) > _CORRECT_FROM_S:
            names.add("SystemTime")
        return names

    def _number(self, name: str) -> int | None:
        try:
            return whole(self.told[name])
        except (KeyError, ValueError, OverflowError):
            return None


def _time_in(told: Mapping[str, Any]) -> datetime | None:
    try:
        return datetime.fromtimestamp(whole(told["SystemTime"]), UTC)
    except (KeyError, ValueError, OverflowError, OSError):
        return None


def _stored(told: Mapping[str, Any], which: str) -> int | None:
    storage = told.get("PeopleStorageInfo")
    people = storage.get("Person") if isinstance(storage, Mapping) else None
    try:
        return whole(people[which]) if isinstance(people, Mapping) else None
    except (KeyError, ValueError, OverflowError):
        return None
