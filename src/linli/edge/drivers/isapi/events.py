"""What an ISAPI device tells of its own accord: passages and alarms, pushed as they happen or read from its memory.

Kinds come as two numbers, major and minor. A finger is no way in that we offer: who was let in by one was enrolled at the
device itself, and is told as a CARD with the number "FINGER", so that the opening is on record and its holder unknown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from linli.edge.drivers.bounded import DeviceAway
from linli.edge.drivers.isapi.forms import instant
from linli.edge.terminals import Alarm, Passage

ALARM, EXCEPTION, OPERATION, EVENT = 1, 2, 3, 5
REMOTE_OPEN, REMOTE_HOLD = 1024, 1026
FINGER = "FINGER"

# (major, minor): what was shown, and why it was refused ("" when it opened).
_PASSAGES: Mapping[tuple[int, int], tuple[str, str]] = {
    (EVENT, 1): ("CARD", ""),
    (EVENT, 2): ("CARD", ""),
    (EVENT, 3): ("CARD", "REFUSED_BY_DEVICE"),
    (EVENT, 4): ("CARD", "REFUSED_BY_DEVICE"),
    (EVENT, 5): ("CARD", "REFUSED_BY_DEVICE"),
    (EVENT, 6): ("CARD", "WRONG_DOOR"),
    (EVENT, 7): ("CARD", "OUTSIDE_HOURS"),
    (EVENT, 8): ("CARD", "EXPIRED"),
    (EVENT, 9): ("CARD", "UNKNOWN_CREDENTIAL"),
    (EVENT, 10): ("CARD", "REPLAYED"),
    (EVENT, 11): ("CARD", "REFUSED_BY_DEVICE"),
    (EVENT, 16): ("CARD", ""),
    (EVENT, 23): ("EXIT", ""),
    (EVENT, 38): (FINGER, ""),
    (EVENT, 39): (FINGER, "UNKNOWN_CREDENTIAL"),
    (EVENT, 40): (FINGER, ""),
    (EVENT, 41): (FINGER, "UNKNOWN_CREDENTIAL"),
    (EVENT, 43): (FINGER, ""),
    (EVENT, 46): (FINGER, ""),
    (EVENT, 69): (FINGER, ""),
    (EVENT, 72): (FINGER, ""),
    (EVENT, 75): ("FACE", ""),
    (EVENT, 76): ("FACE", "UNKNOWN_CREDENTIAL"),
    (EVENT, 77): ("FACE", ""),
    (EVENT, 78): ("FACE", "UNKNOWN_CREDENTIAL"),
    (EVENT, 80): ("FACE", "UNKNOWN_CREDENTIAL"),
    (EVENT, 101): ("PIN", ""),
    (EVENT, 102): ("PIN", "UNKNOWN_CREDENTIAL"),
    (EVENT, 104): ("FACE", "REFUSED_BY_DEVICE"),
    (EVENT, 105): ("IDCARD", ""),
    (EVENT, 112): ("IDCARD", "UNKNOWN_CREDENTIAL"),
    (EVENT, 113): ("CARD", "REFUSED_BY_DEVICE"),
    (EVENT, 117): ("CARD", "REFUSED_BY_DEVICE"),
    (EVENT, 118): ("CARD", "REFUSED_BY_DEVICE"),
    (EVENT, 151): ("PIN", "UNKNOWN_CREDENTIAL"),
    (EVENT, 152): ("PIN", "UNKNOWN_CREDENTIAL"),
    (EVENT, 179): ("CODE", ""),
    (EVENT, 180): ("CODE", "UNKNOWN_CREDENTIAL"),
    (EVENT, 181): ("PIN", ""),
    (OPERATION, REMOTE_OPEN): ("REMOTE", ""),
    (OPERATION, REMOTE_HOLD): ("REMOTE", ""),
}
_OPENED = {"EXIT": "EXIT", "REMOTE": "REMOTE_OPENED"}

# (major, minor): which alarm, and whether it begins. A door that shuts ends both of its alarms.
_ALARMS: Mapping[tuple[int, int], tuple[tuple[Alarm, bool], ...]] = {
    (EVENT, 26): ((Alarm.FORCED, False), (Alarm.HELD_OPEN, False)),
    (EVENT, 27): ((Alarm.FORCED, True),),
    (EVENT, 28): ((Alarm.HELD_OPEN, True),),
    (EVENT, 135): ((Alarm.FORCED, True),),
    (EVENT, 52): ((Alarm.FIRE, True),),
    (EVENT, 53): ((Alarm.FIRE, False),),
    **{(ALARM, minor): ((Alarm.TAMPER, True),) for minor in (0x404, 0x406, 0x40F, 0x41E, 0x422)},
    **{(ALARM, minor): ((Alarm.TAMPER, False),) for minor in (0x405, 0x407, 0x410, 0x41F, 0x423)},
    **{(ALARM, minor): ((Alarm.FIRE, True),) for minor in (0x415, 0x416, 0x418, 0x424)},
    **{(ALARM, minor): ((Alarm.FIRE, False),) for minor in (0x417, 0x419, 0x425)},
    (EXCEPTION, 0x403): ((Alarm.LOW_BATTERY, True),),
    (EXCEPTION, 0x404): ((Alarm.LOW_BATTERY, False),),
}


class NotAnEvent(ValueError):
    """What was sent is not an event of this make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One record of a device: its own number and time, and what it says happened."""

    serial: int
    at: datetime
    kind: tuple[int, int]
    words: Mapping[str, Any]

    @property
    def record(self) -> str:
        """Name it for good: a device wiped at the factory counts from one again, but at another time."""
        return f"{self.at:%Y%m%dT%H%M%S}-{self.serial}"

    @property
    def account(self) -> str:
        """Say which account opened the door remotely, if one did and the device tells."""
        return str(self.words.get("netUser", ""))[:80]

    def alarms(self) -> tuple[tuple[Alarm, bool], ...]:
        """Give the alarms that begin or end with this."""
        return _ALARMS.get(self.kind, ())

    def passage(self, *, exit_readers: frozenset[int]) -> Passage | None:
        """Put it in our words, or give None when nobody passed or wanted to."""
        if self.kind not in _PASSAGES:
            return None
        method, refused = _PASSAGES[self.kind]
        leaving = method == "EXIT" or _number(self.words.get("cardReaderNo")) in exit_readers
        if refused and self.words.get("isAbnomalTemperature") is True:
            refused = "TEMPERATURE"
        return Passage(
            record=self.record,
            at=self.at,
            method="CARD" if method == FINGER else method,
            direction="out" if leaving else "in",
            opened=not refused,
            reason=refused or _OPENED.get(method, "OK"),
            number=_number(self.words.get("employeeNoString")),
            card=FINGER if method == FINGER else str(self.words.get("cardNo", ""))[:64].upper(),
            temperature_c10=_tenths(self.words.get("currTemperature")),
        )


def pushed(posted: Mapping[str, Any], *, zone_minutes: int) -> Event | None:
    """Read what a device posted, a form or an object; None for a heartbeat. Raises NotAnEvent."""
    told = _object(posted)
    words = told.get("AccessControllerEvent")
    if told.get("eventType") != "AccessControllerEvent" or not isinstance(words, dict):
        return None
    return _event(
        words, at=told.get("dateTime"), major="majorEventType", minor="subEventType", zone_minutes=zone_minutes
    )


def remembered(row: object, *, zone_minutes: int) -> Event:
    """Read one line of the device's memory. Raises NotAnEvent."""
    if not isinstance(row, dict):
        raise NotAnEvent("not an object")
    return _event(row, at=row.get("time"), major="major", minor="minor", zone_minutes=zone_minutes)


def _event(words: Mapping[str, Any], *, at: object, major: str, minor: str, zone_minutes: int) -> Event:
    serial = _number(words.get("serialNo"))
    kind = (_number(words.get(major)), _number(words.get(minor)))
    if serial is None or kind[0] is None or kind[1] is None:
        raise NotAnEvent("no serial number, or no kind")
    try:
        when = instant(at, zone_minutes)
    except DeviceAway as problem:
        raise NotAnEvent(str(problem)) from None
    return Event(serial=serial, at=when, kind=(kind[0], kind[1]), words=words)


def _object(posted: Mapping[str, Any]) -> Mapping[str, Any]:
    """Find the event in what was posted: newer devices name that part of the form so, older ones so."""
    text = posted.get("event_log", posted.get("AccessControllerEvent"))
    if not isinstance(text, str):
        return posted
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        raise NotAnEvent("not JSON") from None
    if not isinstance(told, dict):
        raise NotAnEvent("not a JSON object")
    return told


def _number(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 and value is not True else None


def _tenths(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 20 <= value <= 50:
        return None
    return round(value * 10)
