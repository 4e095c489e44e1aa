"""What a device writes down of its own, in our words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from linli.edge.drivers.httpv2.people import CardWriting, card_text
from linli.edge.drivers.httpv2.words import whole
from linli.edge.terminals import Alarm, Passage
from linli.gate.decision import Direction, Kind, Reason

# The document's "RecordType" of a passage that was let through: by what. A combination counts as what was shown first.
# Finger and palm, which we never enrol, have no word of ours: as of the other makes, they are told as a card of that name.
_BY_BODY: Mapping[int, str] = {**dict.fromkeys((2, 9, 13, 27, 43), "FINGER"), **dict.fromkeys((36, 38), "PALM")}
_OPENED: Mapping[int, Kind] = {
    **dict.fromkeys((1, 4, 7, 11, 12, 14, 37, 39, 41), Kind.CARD),
    **dict.fromkeys((3, 5, 6, 8, 40, 42), Kind.FACE),
    **dict.fromkeys((2, 9, 13, 36, 38, 43), Kind.CARD),
    **dict.fromkeys((10, 31), Kind.PIN),
    32: Kind.CODE,
    47: Kind.IDCARD,
}
# Let through, but the type does not say by what: free opening, soon to expire, a combination complete.
_OPENED_SOMEHOW = frozenset({25, 29, 46})
_REFUSED: Mapping[int, Reason] = {
    15: Reason.REPLAYED,
    16: Reason.EXPIRED,
    17: Reason.OUTSIDE_HOURS,
    18: Reason.OUTSIDE_HOURS,
    19: Reason.UNKNOWN_CREDENTIAL,
    21: Reason.USES_EXHAUSTED,
    30: Reason.TEMPERATURE,
    48: Reason.UNKNOWN_CREDENTIAL,
    49: Reason.UNKNOWN_CREDENTIAL,
    # Interlocked, locked, lost, "blacklist" (we keep none), ways switched off, out of order, combination failed.
    **dict.fromkeys((20, 22, 23, 24, 26, 27, 28, 45), Reason.REFUSED_BY_DEVICE),
}
# People changed at the device's own menu, and the first of two who must come together: nobody passed.
MENU_RECORDS = frozenset({33, 34, 35})
_NOBODY_PASSED = MENU_RECORDS | {44}
_REFUSED_BY: Mapping[int, Kind] = {26: Kind.CARD, 27: Kind.CARD, 48: Kind.CARD, 49: Kind.CODE}

# What stands in "AlarmStatus"; duress and repeated wrong tries have no word of their own yet.
ALARMS: Mapping[str, tuple[Alarm, str]] = {
    "fire": (Alarm.FIRE, ""),
    "anti": (Alarm.TAMPER, "the housing was opened"),
    "illegal": (Alarm.TAMPER, "too many wrong tries"),
    "password": (Alarm.TAMPER, "the duress code was entered"),
    "openTimeout": (Alarm.HELD_OPEN, ""),
    "doorSensor": (Alarm.FORCED, ""),
}
TOLD_BY_KEEPALIVE = tuple(dict.fromkeys(alarm for alarm, _ in ALARMS.values()))

_DOOR_RECORDS, _SYSTEM_RECORDS = 1, 2
_BUTTON = 6
_OPENED_ELSEWHERE = frozenset({38, 43})  # by Bluetooth, from a flat
MENU_CHANGES = frozenset({40, 42, 45})  # everybody erased or brought in from a stick, at the device's own menu


class BadRecord(ValueError):
    """A record that cannot be read."""


def detail_of(words: Mapping[str, Any]) -> Mapping[str, Any]:
    """Find the record in a call: a field of the form, under either of the document's two names, or the body itself."""
    detail: object = words.get("RecordDetail", words.get("recordJson", words))
    if isinstance(detail, str):
        try:
            detail = json.loads(detail)
        except (ValueError, RecursionError):
            raise BadRecord("not JSON") from None
    if not isinstance(detail, Mapping):
        raise BadRecord("not an object")
    return detail


def passage_of(detail: Mapping[str, Any], *, entrance: bool, cards: CardWriting) -> Passage | None:
    """Read one record; None where nobody passed. Raises BadRecord."""
    try:
        kind, at = whole(detail["RecordType"]), _instant(detail["RecordDate"])
        record = f"{whole(detail['RecordID'])}-{int(at.timestamp())}"
        number, inward = whole(detail.get("UserID") or 0), whole(detail.get("IsEntry", int(entrance)))
        temperature = whole(detail.get("BodyTemp") or 0)
    except (KeyError, ValueError) as problem:
        raise BadRecord(str(problem)[:100]) from None
    if kind in _NOBODY_PASSED:
        return None
    opened = kind in _OPENED or kind in _OPENED_SOMEHOW
    reason = Reason.OK if opened else _REFUSED.get(kind, Reason.REFUSED_BY_DEVICE)
    return Passage(
        record=record,
        at=at,
        method=(_OPENED.get(kind) or _REFUSED_BY.get(kind) or shown_in(detail)).value,
        direction=(Direction.IN if inward else Direction.OUT).value,
        opened=opened,
        reason=reason.value,
        number=number or None,
        card=_BY_BODY.get(kind) or card_text(detail.get("CardNum"), cards),
        temperature_c10=temperature or None,
    )


def kind_of(detail: Mapping[str, Any]) -> Kind:
    """Say in what way somebody asks to be let through, by the record's type or else by what it holds."""
    try:
        return _OPENED.get(whole(detail.get("RecordType") or 0)) or shown_in(detail)
    except ValueError:
        return shown_in(detail)


def shown_in(detail: Mapping[str, Any]) -> Kind:
    """Guess from a record what was shown."""
    if card_text(detail.get("CardNum"), CardWriting.DECIMAL):
        return Kind.CARD
    return Kind.CODE if detail.get("QRCode") else Kind.FACE


def own_passages(words: Mapping[str, Any]) -> list[Passage]:
    """Read from a device's own log who went through without showing anything: by the button, by Bluetooth, from a flat."""
    found = []
    for entry in _entries(words):
        try:
            kind, at, number = whole(entry["RecordType"]), _instant(entry["RecordDate"]), whole(entry["RecordID"])
        except (KeyError, ValueError):
            continue
        if words.get("RecordType") == _DOOR_RECORDS and kind == _BUTTON:
            found.append(_own("D", number, at, Kind.EXIT, Direction.OUT, Reason.EXIT))
        elif words.get("RecordType") == _SYSTEM_RECORDS and kind in _OPENED_ELSEWHERE:
            found.append(_own("S", number, at, Kind.REMOTE, Direction.IN, Reason.REMOTE_OPENED))
    return found


def changed_at_menu(words: Mapping[str, Any]) -> bool:
    """Say whether a device's own log tells of people changed at its own menu."""
    if words.get("RecordType") != _SYSTEM_RECORDS:
        return False
    return any(entry.get("RecordType") in MENU_CHANGES for entry in _entries(words))


def alarms_in(status: object) -> dict[Alarm, str]:
    """Read "AlarmStatus": which of our alarms are on, and in what words. A "blacklist" alarm cannot come of our lists."""
    found: dict[Alarm, str] = {}
    for name in str(status or "").replace('"', "").split(","):
        if name.strip() in ALARMS:
            alarm, words = ALARMS[name.strip()]
            found[alarm] = "; ".join(filter(None, (found.get(alarm), words)))
    return found


def _entries(words: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    entries = words.get("Records")
    return [entry for entry in entries if isinstance(entry, Mapping)] if isinstance(entries, list) else []


def _own(log: str, number: int, at: datetime, kind: Kind, direction: Direction, reason: Reason) -> Passage:
    return Passage(
        record=f"{log}{number}-{int(at.timestamp())}",
        at=at,
        method=kind.value,
        direction=direction.value,
        opened=True,
        reason=reason.value,
    )


def _instant(told: object) -> datetime:
    try:
        return datetime.fromtimestamp(whole(told), UTC)
    except (OSError, OverflowError):
        raise ValueError("not a time") from None
