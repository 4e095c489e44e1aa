"""What a lock wrote down: who opened it, who could not, and what went wrong with the door.

The same record comes by callback and by asking, and only the latter has the maker's number: so a record is named by what
is in both: its time, kind, outcome, and the card. A finger, a mechanical key: no ways in that we offer, told as a CARD with
the number "FINGER" or "KEY", so that the opening is on record and its holder unknown. A record without a time or a kind is
none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from linli.edge.drivers.ttlock.codes import Code, from_ms
from linli.edge.terminals import Alarm, Passage

GATEWAY_UNLOCK = 12
WEAK_PERCENT = 20
_REFUSED_CARD = "UNKNOWN_CREDENTIAL"

# The maker's kind: what was shown, the card number to tell, which way, and why it stayed shut when it did ("" is success's).
_PASSAGES: Mapping[int, tuple[str, str, str, str]] = {
    1: ("REMOTE", "", "in", "REFUSED_BY_DEVICE"),
    4: ("PIN", "", "in", "UNKNOWN_CREDENTIAL"),
    7: ("CARD", "", "in", _REFUSED_CARD),
    8: ("CARD", "FINGER", "in", _REFUSED_CARD),
    9: ("CARD", "", "in", _REFUSED_CARD),
    10: ("CARD", "KEY", "in", _REFUSED_CARD),
    GATEWAY_UNLOCK: ("REMOTE", "", "in", "REFUSED_BY_DEVICE"),
    32: ("EXIT", "", "out", "REFUSED_BY_DEVICE"),
    49: ("CARD", "", "in", _REFUSED_CARD),
    50: ("FIRE", "", "in", "REFUSED_BY_DEVICE"),
    55: ("REMOTE", "", "in", "REFUSED_BY_DEVICE"),
    57: ("CODE", "", "in", "REFUSED_BY_DEVICE"),
    67: ("FACE", "", "in", "REFUSED_BY_DEVICE"),
    -4: ("CODE", "", "in", "REFUSED_BY_DEVICE"),
    -5: ("FACE", "", "in", "UNKNOWN_CREDENTIAL"),
}
# Kinds that are a refusal by themselves.
_REFUSALS: Mapping[int, tuple[str, str]] = {
    48: ("PIN", "TOO_MANY_TRIES"),
    51: ("CARD", "REVOKED"),
    58: ("CODE", "EXPIRED"),
    68: ("FACE", "REFUSED_BY_DEVICE"),
    71: ("FACE", "EXPIRED"),
}
_OPENED = {"REMOTE": "REMOTE_OPENED", "EXIT": "EXIT", "FIRE": "FIRE"}
# Nothing tells that tampering is over, or the heat: the next time the door is shut does.
_ALARMS: Mapping[int, tuple[tuple[Alarm, bool], ...]] = {
    29: ((Alarm.TAMPER, True),),
    44: ((Alarm.TAMPER, True),),
    50: ((Alarm.FIRE, True),),
    64: ((Alarm.HELD_OPEN, True),),
    30: tuple((alarm, False) for alarm in (Alarm.HELD_OPEN, Alarm.FORCED, Alarm.TAMPER, Alarm.FIRE)),
}


class NotARecord(ValueError):
    """What was sent is not a record of this make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One thing a lock wrote down: when by its own clock, and when the cloud had it."""

    at: datetime
    kind: int
    opened: bool
    shown: str
    username: str
    server_at: datetime | None
    battery: int | None

    @property
    def name(self) -> str:
        """Name it for good. A PIN is not in it, not even as a digest: six digits are soon guessed from one."""
        shown = "" if _PASSAGES.get(self.kind, ("PIN",))[0] == "PIN" else self.shown
        words = f"{self.kind} {shown} {self.opened}"
        return f"{int(self.at.timestamp() * 1000)}-{hashlib.sha256(words.encode()).hexdigest()[:12]}"

    def alarms(self) -> tuple[tuple[Alarm, bool], ...]:
        """Give the alarms that begin or end with this."""
        return _ALARMS.get(self.kind, ())

    def passage(self, find: Callable[[str], Code | None]) -> Passage | None:
        """Put it in our words, or give None when nobody passed or wanted to; `find` knows whose a PIN is."""
        if self.kind in _REFUSALS:
            method, refused = _REFUSALS[self.kind]
            return Passage(
                record=self.name, at=self.at, method=method, direction="in", opened=False, reason=refused, card=""
            )
        if self.kind not in _PASSAGES:
            return None
        method, card, direction, refused = _PASSAGES[self.kind]
        code = find(self.shown) if method == "PIN" else None
        return Passage(
            record=self.name,
            at=self.at,
            method=method,
            direction=direction,
            opened=self.opened,
            reason=_OPENED.get(method, "OK") if self.opened else self._refusal(code, refused),
            number=code.number if code else None,
            card=card or (self.shown.upper() if method == "CARD" else ""),
        )

    def _refusal(self, code: Code | None, otherwise: str) -> str:
        if code is None:
            return otherwise
        if self.at < code.window.start:
            return "NOT_YET"
        return "EXPIRED" if self.at >= code.window.end else "REFUSED_BY_DEVICE"


def record_from(row: Mapping[str, Any]) -> Record:
    """Read one record, of a callback or of a list. Raises NotARecord."""
    try:
        server_at = row.get("serverDate")
        return Record(
            at=from_ms(row["lockDate"]),
            kind=int(str(row["recordType"])),
            opened=str(row.get("success", 1)) == "1",
            shown=str(row.get("keyboardPwd") or "")[:64],
            username=str(row.get("username") or "")[:100],
            server_at=from_ms(server_at) if server_at else None,
            battery=_percent(row.get("electricQuantity")),
        )
    except (KeyError, ValueError, OverflowError, OSError):
        raise NotARecord("no time, or no kind") from None


def _percent(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 3 and int(text) <= 100 else None
