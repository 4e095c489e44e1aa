"""The simulated lock itself: the codes it has learnt, the records it keeps, its clock, its battery and its gateway."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from linli.sim.clock import Clock

MOST_RECORDS = 500
PASSCODE, CARD, FINGER, KEY, GATEWAY, SHUT, TAMPER, FROM_INSIDE, LOCKED_OUT = 4, 7, 8, 10, 12, 30, 44, 32, 48
MOST_WRONG = 5


class MakersError(Exception):
    """The cloud says no, by a number of the maker's."""

    def __init__(self, code: int) -> None:
        """Take the number."""
        super().__init__(str(code))
        self.code = code


@dataclass(slots=True)
class Passcode:
    """One code, as the cloud has it; `learnt` says that the lock has it too, `computed` that it needs not be learnt."""

    id: int
    pin: str
    name: str
    kind: int
    start: int
    end: int
    learnt: bool = False
    computed: bool = False
    used: bool = False

    def as_json(self, lock_id: int) -> dict[str, Any]:
        """This will show it as the cloud lists it."""
        return {
            "keyboardPwdId": self.id,
            "lockId": lock_id,
            "keyboardPwd": self.pin,
            "keyboardPwdName": self.name,
            "keyboardPwdVersion": 4,
            "keyboardPwdType": self.kind,
            "startDate": self.start,
            "endDate": self.end,
            "sendDate": self.start,
        }


@dataclass(slots=True)
class Lock:
    """One lock. Its records reach the cloud by the gateway, or by somebody's phone, or not yet."""

    id: int
    clock: Clock
    has_gateway: bool = True
    gateway_online: bool = True
    capacity: int = 250
    battery: int = 88
    ahead: timedelta = timedelta()
    codes: dict[int, Passcode] = field(default_factory=dict)
    records: list[dict[str, Any]] = field(default_factory=list)
    unlocked: int = 0
    wrong: int = 0
    busy: int = 0
    next_id: int = 1000
    last_ms: int = 0

    @property
    def mac(self) -> str:
        """Its radio address."""
        return f"C0:FF:EE:00:{self.id // 256 % 256:02X}:{self.id % 256:02X}"

    def now_ms(self) -> int:
        """What its own clock says, in milliseconds."""
        return int((self.clock() + self.ahead).timestamp() * 1000)

    def add(self, *, pin: str, name: str, start: int, end: int, kind: int = 3, computed: bool = False) -> Passcode:
        """This will take a code in."""
        self.next_id += 1
        code = Passcode(id=self.next_id, pin=pin, name=name, kind=kind, start=start, end=end, computed=computed)
        code.learnt = not computed
        self.codes[code.id] = code
        return code

    def random_pin(self) -> str:
        """This will make up a code that is not in use."""
        taken = {code.pin for code in self.codes.values()}
        dice = random.Random(self.next_id)
        while (pin := f"{dice.randrange(10**7, 10**8)}") in taken:
            continue
        return pin

    def enter(self, pin: str) -> bool:
        """This will type a code; say whether the lock opened."""
        code = next((code for code in self.codes.values() if code.pin == pin), None)
        opened = code is not None and (code.learnt or code.computed) and self._is_open(code)
        if code is not None and opened:
            code.used = True
            self.unlocked += 1
        self.wrong = 0 if opened else self.wrong + 1
        self.write(PASSCODE, opened=opened, shown=pin, name=code.name if code else "")
        if self.wrong >= MOST_WRONG:
            self.wrong = 0
            self.write(LOCKED_OUT, opened=True)
        return opened

    def write(self, kind: int, *, opened: bool = True, shown: str = "", name: str = "") -> dict[str, Any]:
        """This will write a record down; the oldest is lost when there is no room."""
        record: dict[str, Any] = {
            "lockId": self.id,
            "lockMac": self.mac,
            "recordTypeFromLock": kind,
            "recordType": kind,
            "success": int(opened),
            "username": name,
            "keyboardPwd": shown,
            "lockDate": self.now_ms(),
            "electricQuantity": self.battery,
        }
        # Two things are two things: a lock is slower than a millisecond.
        record["lockDate"] = max(record["lockDate"], self.last_ms + 1)
        self.last_ms = record["lockDate"]
        time.sleep(0.001)
        self.records.append(record)
        del self.records[:-MOST_RECORDS]
        return record

    def upload(self) -> list[dict[str, Any]]:
        """This will give what the lock has written down, and forget it there."""
        given, self.records = self.records, []
        return given

    def _is_open(self, code: Passcode) -> bool:
        now = self.now_ms()
        if not code.start <= now < code.end:
            return False
        return code.kind != 1 or not code.used


def page_of(rows: list[dict[str, Any]], form: Mapping[str, str]) -> dict[str, Any]:
    """This will give one page of a list, as the cloud does."""
    number, size = int(form["pageNo"]), int(form["pageSize"])
    if not (1 <= size <= 200 and number >= 1):
        raise MakersError(-3)
    page = rows[(number - 1) * size : number * size]
    return {"list": page, "pageNo": number, "pageSize": size, "pages": -(-len(rows) // size), "total": len(rows)}
