"""The codes of one lock, reached through its gateway: added, changed, deleted with proof, and read back."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime

from linli.edge.drivers.bounded import DeviceAway, DeviceBusy
from linli.edge.drivers.ttlock import codes
from linli.edge.drivers.ttlock.cloud import (
    BY_RADIO_S,
    FULL,
    NEVER_USED,
    NO_SUCH_CODE,
    NOT_OFFERED,
    SAME_CODE,
    CloudRefused,
    TtlockCloud,
)
from linli.edge.drivers.ttlock.codes import Code, NotToBeHad, Window
from linli.edge.terminals import Person, Trouble
from linli.gate.hours import Slot

PAGE = 100
MOST_PAGES = 50
BY_GATEWAY = 2
CODE_VERSION = 4
_MOST_FORMER = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCode:
    """A code the maker made up, and its true window: it works without a gateway, and cannot be taken back without one."""

    id: int
    pin: str = field(repr=False)
    window: Window


class LockCodes:
    """What one lock knows. Used by one thread, but for `find`."""

    def __init__(self, *, cloud: TtlockCloud, lock_id: int, now: Callable[[], datetime], settle_s: float) -> None:
        self.has_gateway = False
        self._settle_s = settle_s
        # When an answer to "add" was lost: the lock may yet learn that code.
        self._unsettled: dict[int, float] = {}
        self._cloud, self._lock_id, self._now = cloud, lock_id, now
        self._known: dict[int, Code] = {}
        # Whose a code was is asked for days after it is gone, when late records come in.
        self._by_pin: OrderedDict[str, Code] = OrderedDict()

    def find(self, pin: str) -> Code | None:
        """Say whose a code is, or was."""
        return self._by_pin.get(pin)

    def read(self) -> list[Code]:
        """Read the lock's list, all of it. Raises DeviceAway."""
        found: list[Code] = []
        for page in range(1, MOST_PAGES + 1):
            told = self._ask("/v3/lock/listKeyboardPwd", pageNo=page, pageSize=PAGE)
            rows = told.get("list")
            if not isinstance(rows, list):
                raise DeviceAway("the cloud does not give the lock's list")
            found += [codes.code_from(row) for row in rows if isinstance(row, dict)]
            pages = told.get("pages", 1)
            if not rows or not isinstance(pages, int) or page >= pages:
                break
        else:
            raise DeviceAway("the lock's list does not end")
        self._known = {}
        for code in found:
            self._remember(code)
        return found

    def bring(self, person: Person) -> None:
        """Have a person's PIN open the lock as told. Raises DeviceAway, or NotToBeHad, when no older code is left."""
        try:
            codes.check_person(person)
            if not self.has_gateway:
                raise NotToBeHad(Trouble.NOT_OFFERED, "this lock has no gateway: it takes no PIN of our own")
            window = codes.window_of(person.start, person.end, now=self._now())
            self._write(person, window)
        except NotToBeHad:
            self.remove([person.number])
            raise

    def remove(self, numbers: Collection[int]) -> None:
        """Take codes off the lock. Raises DeviceAway while one may still open it."""
        for number in numbers:
            if number in self._unsettled:
                self._settle(number)
            code = self._known.get(number)
            if code is not None:
                self._delete(code)
                del self._known[number]

    def issue(self, *, label: str, start: datetime, end: datetime, hours: tuple[Slot, ...] = ()) -> IssuedCode:
        """Have the maker make up a code for a lock without a gateway. Raises DeviceAway, CloudRefused or NotToBeHad."""
        kind, first, last = codes.kind_of(hours)
        window = codes.window_of(start, end, now=self._now())
        if kind != codes.PERIOD:
            # Of a daily code the maker reads the days from these and the hours of the day too.
            window = Window(start=window.start.replace(hour=first), end=_at_hour(window.end, last), cut=window.cut)
        told = self._cloud.call(
            "/v3/keyboardPwd/get",
            lockId=self._lock_id,
            keyboardPwdVersion=CODE_VERSION,
            keyboardPwdType=kind,
            keyboardPwdName=label,
            startDate=codes.to_ms(window.start),
            endDate=codes.to_ms(window.end),
        )
        try:
            return IssuedCode(id=int(str(told["keyboardPwdId"])), pin=str(told["keyboardPwd"])[:20], window=window)
        except (KeyError, ValueError):
            raise DeviceAway("the cloud gives no code") from None

    def _write(self, person: Person, window: Window) -> None:
        name = codes.name_of(person, window)
        there = self._known.get(person.number)
        if there is None:
            self._add(person, window, name)
        else:
            # Even when it looks the same: somebody may have changed it at the lock since the list was read.
            self._change(there, person, window, name)

    def _settle(self, number: int) -> None:
        """Look whether a code whose answer was lost is there after all. Raises DeviceBusy while it may still come."""
        if time.monotonic() < self._unsettled[number] + self._settle_s:
            raise DeviceBusy("the lock may still be learning a code")
        self.read()
        del self._unsettled[number]

    def _add(self, person: Person, window: Window, name: str) -> None:
        self._unsettled[person.number] = time.monotonic()
        try:
            told = self._ask(
                "/v3/keyboardPwd/add",
                keyboardPwd=person.pin,
                keyboardPwdName=name,
                startDate=codes.to_ms(window.start),
                endDate=codes.to_ms(window.end),
                addType=BY_GATEWAY,
            )
            number = int(str(told.get("keyboardPwdId", 0)))
        except CloudRefused as refusal:
            self._unsettled.pop(person.number, None)
            if refusal.code != SAME_CODE:
                raise NotToBeHad(_trouble(refusal), str(refusal)) from None
            self._adopt(person, window, name)
        except ValueError:
            raise DeviceAway("the cloud gives no number for a code") from None
        else:
            self._unsettled.pop(person.number, None)
            self._remember(Code(id=number, pin=person.pin, name=name, window=window))

    def _adopt(self, person: Person, window: Window, name: str) -> None:
        """An answer that was lost leaves our code there; so does one that was renamed in the maker's app."""
        same = [code for code in self.read() if code.pin == person.pin]
        if not same or same[0].number not in (None, person.number):
            raise NotToBeHad(Trouble.REFUSED, "somebody else has this PIN on the lock")
        self._change(same[0], person, window, name)

    def _change(self, there: Code, person: Person, window: Window, name: str) -> None:
        try:
            # Both dates, always: the maker takes a missing one for "no end".
            self._ask(
                "/v3/keyboardPwd/change",
                keyboardPwdId=there.id,
                keyboardPwdName=name,
                newKeyboardPwd=person.pin,
                startDate=codes.to_ms(window.start),
                endDate=codes.to_ms(window.end),
                changeType=BY_GATEWAY,
            )
        except CloudRefused as refusal:
            if refusal.code not in (NEVER_USED, NO_SUCH_CODE):
                raise NotToBeHad(_trouble(refusal), str(refusal)) from None
            self._delete(there)
            self._known.pop(person.number, None)
            self._add(person, window, name)
        else:
            self._remember(Code(id=there.id, pin=person.pin, name=name, window=window))

    def _delete(self, code: Code) -> None:
        try:
            self._ask("/v3/keyboardPwd/delete", keyboardPwdId=code.id, deleteType=BY_GATEWAY)
        except CloudRefused as refusal:
            # A code that is not there is as gone as one that was taken off.
            if refusal.code != NO_SUCH_CODE:
                raise DeviceAway(f"the lock does not delete: {refusal}") from None

    def _ask(self, path: str, **words: object) -> dict[str, object]:
        return self._cloud.call(path, within_s=BY_RADIO_S, lockId=self._lock_id, **words)

    def _remember(self, code: Code) -> None:
        if code.number is not None:
            self._known[code.number] = code
            self._by_pin[code.pin] = code
            self._by_pin.move_to_end(code.pin)
            if len(self._by_pin) > _MOST_FORMER:
                self._by_pin.popitem(last=False)


def _trouble(refusal: CloudRefused) -> Trouble:
    if refusal.code in FULL:
        return Trouble.FULL
    return Trouble.NOT_OFFERED if refusal.code in NOT_OFFERED else Trouble.REFUSED


def _at_hour(at: datetime, hour: int) -> datetime:
    midnight = at.replace(hour=0)
    return midnight + hour * codes.HOUR if hour else at
