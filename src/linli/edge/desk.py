"""One terminal: who should be on it, who is, and how the one becomes the other. Everything here is said again until it holds.

A device is believed only in what it confirmed or read back. A right that ends goes before one that begins, and waits for no
disk; what is to be put on a device is noted on the disk first, so that after kill -9 nobody is there whom nobody remembers.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from linli.edge.roll import Sheet
from linli.edge.store.database import StoreFailed
from linli.edge.store.people import PeopleStore, Standing
from linli.edge.terminals import Person, Terminal, Trouble
from linli.gate.wire import Listing, PersonReport, PersonState

FIRST_PAUSE_S, LONGEST_PAUSE_S = 60.0, 6 * 3600.0
RESEND_S = 900.0
READ_AFTER_S, READ_EVERY_S, READ_EVERY_PERSON_S = 2.0, 60.0, 0.05
MOST_REPAIRS = 3
MOST_REPORTED = 2000
_OF_THE_PHOTO = frozenset({Trouble.PHOTO_UNUSABLE, Trouble.PHOTO_TOO_BIG, Trouble.FACE_TAKEN})
_log = logging.getLogger("linli.gate")


class Desk:
    """The list of one terminal. Told by the terminal on its threads, and by the reconciler on its own."""

    def __init__(
        self,
        *,
        code: str,
        terminal: Terminal,
        store: PeopleStore,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        stirred: Callable[[], None],
    ) -> None:
        self.code, self.terminal = code, terminal
        self._store, self._now, self._monotonic, self._stirred = store, now, monotonic, stirred
        self._lock = threading.RLock()
        self._wanted: dict[int, Sheet] = {}
        self._held: dict[int, str] = {}
        # Who is not as they should be; everybody else is OK, or not there and not wanted.
        self._open: dict[int, Standing] = {}
        self._after: dict[int, int] = {}
        self._puts: dict[int, Person] = {}
        self._drops: dict[int, None] = {}
        self._unsaved: dict[int, Standing] = {}
        self._untold: dict[int, Standing] = {}
        self._again: dict[int, float] = {}
        self._pauses: dict[int, float] = {}
        self._repairs: dict[int, int] = {}
        self._fresh: set[int] = set()
        self._no_photo: dict[int, Trouble] = {}
        self._wrote_at: float | None = None
        self._read_at = float("-inf")
        self._repairing = False
        self._listing: Listing | None = None
        self.drift = ""
        self.planned = False
        # One record of a device at a time: the same one twice at once is still one.
        self.terminal_turn = threading.Lock()
        self._load()

    def want(
        self, sheets: Mapping[int, Sheet | None], *, serials: Mapping[int, int], version: int, after: int | None
    ) -> None:
        """Want these, or, where there is none, want them gone, by this version; `after` is the one before it.

        None is no version: time itself ended them, and the device knows their end.
        """
        with self._lock:
            self.planned = True
            for number, sheet in sheets.items():
                if sheet is None:
                    self._wanted.pop(number, None)
                    self._part(number, serials[number], version, after)
                else:
                    self._wanted[number] = sheet
                    self._place(number, sheet, after)

    def known(self) -> set[int]:
        """Name the numbers that are wanted, held or under way."""
        with self._lock:
            return {*self._wanted, *self._held, *self._open}

    def send(self) -> None:
        """Send what is wanted on its way: who leaves first, in pages no longer than the device takes."""
        with self._lock:
            drops, self._drops = list(self._drops), {}
            saved = self._save()
            # Nobody is put on a device whom the disk would not remember; who leaves waits for nothing.
            puts, self._puts = (list(self._puts.values()), {}) if saved else ([], self._puts)
            if drops or puts:
                self._wrote_at = self._monotonic()
        page = max(1, self.terminal.limits.page)
        for start in range(0, len(drops), page):
            self.terminal.drop(drops[start : start + page])
        for start in range(0, len(puts), page):
            self.terminal.put(puts[start : start + page])

    def look(self) -> None:
        """Say again what came to nothing, and have the device read back once what was written has settled."""
        now, read = self._monotonic(), False
        with self._lock:
            for number in [number for number, at in self._again.items() if at <= now]:
                del self._again[number]
                self._say_again(number, now)
            pending = any(one.state is PersonState.PENDING for one in self._open.values())
            settled = self._wrote_at is not None and not pending and now - self._wrote_at >= READ_AFTER_S
            every = READ_EVERY_S + READ_EVERY_PERSON_S * len(self._held)
            if settled and (self._repairing or now - self._read_at >= every):
                read = True
        if read:
            self.read_back()

    def read_back(self) -> None:
        """Have the device give its list, to be compared whole."""
        with self._lock:
            self._read_at, self._wrote_at = self._monotonic(), None
            self._fresh.clear()
        self.terminal.read_back()

    def settled(self, version: int) -> int:
        """Say up to which version everybody whose right ended or shrank is confirmed off the device, or changed on it."""
        with self._lock:
            return min([version, *self._after.values()])

    def can_open(self) -> Listing | None:
        """Give the device's own list, as read last."""
        return self._listing

    # What the terminal tells.

    def put(self, number: int, checksum: str) -> None:
        """Take note that the device took a person in."""
        with self._lock:
            sheet = self._wanted.get(number)
            right = sheet is not None and sheet.checksum == checksum
            self._held[number] = sheet.mark if sheet is not None and right else self._store.mark(checksum)
            self._fresh.add(number)
            if sheet is not None and right:
                self._settle(number, sheet)
            elif sheet is None and number not in self._open:
                self._drops[number] = None
        self._stirred()

    def failed(self, number: int, trouble: Trouble, words: str) -> None:
        """Take note that the device will not have a person; without the photo it may, and without the old one it must."""
        with self._lock:
            sheet, one = self._wanted.get(number), self._open.get(number)
            if sheet is not None and trouble in _OF_THE_PHOTO and sheet.person.photo and number not in self._no_photo:
                self._no_photo[number] = trouble
                self._puts[number] = replace(sheet.person, photo=b"")
                one = one or self._begin(number, sheet.person.serial, wanted=sheet.mark, version=sheet.version)
                one.trouble, one.words = trouble.value, words[:120]
                self._note(one)
            elif one is not None:
                one.trouble, one.words, one.at = trouble.value, words[:120], self._now()
                if one.wanted:
                    one.state = PersonState.FAILED
                if one.wanted and number in self._held:
                    # It will not have the change; what it holds may be more than is allowed now.
                    self._drops[number] = None
                self._note(one)
                self._rest(number)
        self._stirred()

    def dropped(self, number: int) -> None:
        """Take note that the device no longer knows a person."""
        with self._lock:
            self._held.pop(number, None)
            self._after.pop(number, None)
            self._fresh.add(number)
            one = self._open.get(number)
            if one is not None and not one.wanted:
                one.state, one.held, one.at, one.trouble, one.words = PersonState.REMOVED, "", self._now(), "", ""
                self._note(one)
                self._close(number)
            elif one is None and number in self._wanted:
                self._place(number, self._wanted[number], None)
            for full in [key for key, other in self._open.items() if other.trouble == Trouble.FULL.value]:
                self._again[full] = self._monotonic()
        self._stirred()

    def listing(self, people: Mapping[int, str]) -> None:
        """Compare the device's own list with what it should be, and mend what differs."""
        with self._lock:
            if not self.planned:
                # Before it is known who belongs there, everybody would be a stranger.
                return
            strangers = [number for number in people if number not in self._wanted]
            altered = self._find_altered(people)
            missing = [number for number in self._wanted if number not in people and number in self._held]
            for number in [number for number in self._held if number not in people]:
                if number not in self._wanted:
                    self.dropped(number)
                else:
                    del self._held[number]
                    self._after.pop(number, None)
            for number in (*altered, *missing):
                self._repair(number)
            for number in strangers:
                self._drops[number] = None
            kinds = {"missing": missing, "altered": altered, "not ours to be there": strangers}
            counts = {words: len(set(numbers) - self._fresh) for words, numbers in kinds.items()}
            said = ", ".join(f"{count} {words}" for words, count in counts.items() if count)
            self.drift = f"drift: {said}" if said else ""
            self._repairing = bool(strangers or altered or missing)
            self._fresh.clear()
            self._listing = self._as_listing(people)
        self._stirred()

    # What the server is told.

    def untold(self) -> tuple[PersonReport, ...]:
        """Give what the server does not know yet, the oldest first, so many at a time."""
        with self._lock:
            chosen = list(self._untold.values())[:MOST_REPORTED]
            return tuple(
                PersonReport(
                    serial=one.serial,
                    state=one.state,
                    version=one.version,
                    at=one.at,
                    trouble=one.trouble,
                    words=one.words,
                )
                for one in chosen
            )

    def told(self, reports: Iterable[PersonReport], numbers: Mapping[int, int]) -> None:
        """Take note that the server knows these now."""
        with self._lock:
            for report in reports:
                one = self._untold.get(numbers.get(report.serial, -1))
                if one is not None and (one.state, one.at, one.trouble) == (report.state, report.at, report.trouble):
                    one.told = True
                    self._unsaved[one.number] = one
                    del self._untold[one.number]

    def _place(self, number: int, sheet: Sheet, after: int | None) -> None:
        one = self._open.get(number)
        if one is None and self._held.get(number) == sheet.mark:
            return
        if one is not None and one.wanted == sheet.mark:
            return
        self._no_photo.pop(number, None)
        self._pauses.pop(number, None)
        self._begin(number, sheet.person.serial, wanted=sheet.mark, version=sheet.version)
        if number in self._held and after is not None:
            self._after.setdefault(number, after)
        self._drops.pop(number, None)
        self._puts[number] = sheet.person

    def _part(self, number: int, serial: int, version: int, after: int | None) -> None:
        one = self._open.get(number)
        if one is None and number not in self._held:
            return
        if after is not None:
            self._after.setdefault(number, after)
        if one is not None and not one.wanted:
            return
        self._puts.pop(number, None)
        self._pauses.pop(number, None)
        self._begin(number, serial, wanted="", version=version)
        self._drops[number] = None

    def _begin(self, number: int, serial: int, *, wanted: str, version: int) -> Standing:
        one = Standing(
            number=number,
            serial=serial,
            state=PersonState.PENDING,
            wanted=wanted,
            held=self._held.get(number, ""),
            version=version,
            at=self._now(),
        )
        self._open[number] = one
        self._again[number] = self._monotonic() + RESEND_S
        self._note(one)
        return one

    def _settle(self, number: int, sheet: Sheet) -> None:
        one = self._open.get(number)
        if one is None or not one.wanted:
            return
        trouble = self._no_photo.get(number)
        one.state, one.held, one.at = PersonState.OK, sheet.mark, self._now()
        one.trouble, one.words = (trouble.value, one.words) if trouble else ("", "")
        self._note(one)
        self._after.pop(number, None)
        self._close(number)

    def _close(self, number: int) -> None:
        self._open.pop(number, None)
        self._again.pop(number, None)
        if number not in self._repairs:
            # Or one that a device takes in and does not keep would be said again at once, for ever.
            self._pauses.pop(number, None)

    def _note(self, one: Standing) -> None:
        one.told = False
        self._unsaved[one.number] = one
        # Taken out first: the newest word comes last.
        self._untold.pop(one.number, None)
        self._untold[one.number] = one

    def _rest(self, number: int) -> None:
        pause = min(LONGEST_PAUSE_S, 2 * self._pauses.get(number, FIRST_PAUSE_S / 2))
        self._pauses[number] = pause
        self._again[number] = self._monotonic() + pause

    def _say_again(self, number: int, now: float) -> None:
        one, sheet = self._open.get(number), self._wanted.get(number)
        if one is None:
            return
        if one.wanted and sheet is not None:
            self._puts[number] = replace(sheet.person, photo=b"") if number in self._no_photo else sheet.person
        else:
            self._drops[number] = None
        self._again[number] = now + max(RESEND_S, self._pauses.get(number, 0.0))

    def _find_altered(self, people: Mapping[int, str]) -> list[int]:
        """Believe the device in whom it holds as wanted; name whom it holds otherwise."""
        altered = []
        for number, checksum in people.items():
            sheet = self._wanted.get(number)
            if sheet is None:
                self._held.setdefault(number, self._store.mark(checksum))
            elif checksum == sheet.checksum or (not checksum and self._held.get(number) == sheet.mark):
                self._held[number] = sheet.mark
                self._repairs.pop(number, None)
                self._settle(number, sheet)
            else:
                altered.append(number)
                self._held[number] = self._store.mark(checksum)
        return altered

    def _repair(self, number: int) -> None:
        sheet, one = self._wanted[number], self._open.get(number)
        if one is not None:
            # Already on its way, or it will not be taken; either way it is said again in its time.
            return
        self._begin(number, sheet.person.serial, wanted=sheet.mark, version=sheet.version)
        self._repairs[number] = self._repairs.get(number, 0) + 1
        if self._repairs[number] > MOST_REPAIRS:
            self.failed(number, Trouble.REFUSED, "the device does not keep this person as told")
            return
        self._puts[number] = sheet.person

    def _as_listing(self, people: Mapping[int, str]) -> Listing:
        sheets = self._wanted
        serials = {
            number: sheets[number].person.serial if number in sheets else self._store.serial(number)
            for number in people
        }
        known = sorted((serial, people[number]) for number, serial in serials.items() if serial is not None)
        words = "\n".join(f"{serial:016x} {checksum}" for serial, checksum in known)
        return Listing(
            at=self._now(),
            serials=tuple(serial for serial, _ in known),
            checksum=hashlib.sha256(words.encode()).hexdigest(),
            unknown=len(people) - len(known),
        )

    def _save(self) -> bool:
        if not self._unsaved:
            return True
        try:
            self._store.save(self.code, self._unsaved.values())
        except StoreFailed as problem:
            _log.error("%s: who stands how is not on the disk: %s", self.code, problem)
            return False
        self._unsaved = {}
        return True

    def _load(self) -> None:
        try:
            standings = self._store.standings(self.code)
        except StoreFailed as problem:
            _log.error("%s: who stands how cannot be read: %s", self.code, problem)
            return
        for one in standings:
            if one.held:
                self._held[one.number] = one.held
            if not one.told:
                self._untold[one.number] = one
            if one.state in (PersonState.PENDING, PersonState.FAILED):
                # It may have been taken in without our hearing of it: held by a mark that fits nothing.
                self._held.setdefault(one.number, "?")
                self._after[one.number] = 0
