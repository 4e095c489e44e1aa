"""The persons of one device: handed out page by page, answered for, let go of, and read back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from linli.edge.drivers.httpv2.hours import GROUPS, NoGroupLeft
from linli.edge.drivers.httpv2.people import (
    ALTERED,
    MOST_PHOTO,
    OF_THE_PHOTO,
    TROUBLES,
    Unsuitable,
    checksum_in,
    row_of,
    with_photo,
)
from linli.edge.drivers.httpv2.reading import Reading
from linli.edge.drivers.httpv2.roster import Roster, Wanted
from linli.edge.drivers.httpv2.settings import Settings
from linli.edge.drivers.httpv2.words import WELL, Words, list_in, number_in, object_in
from linli.edge.terminals import Person, Told, Trouble

_MOST_A_PAGE = 1000
_DEPARTURES_A_PAGE = 50
_QUERIED = 4
_BY_REPEAT = frozenset({Trouble.CARD_TAKEN, Trouble.FACE_TAKEN})

Failure = tuple[int, Trouble, str]


class Persons:
    """What the device knows of persons, and should. Safe to call from many threads; `lock` is the terminal's.

    `urgent` says that an opening waits: then a page is empty, for an empty one ends the device's loop and it calls again.
    """

    def __init__(
        self, *, settings: Settings, lock: threading.Lock, now: Callable[[], datetime], urgent: Callable[[], bool]
    ) -> None:
        self.reading = Reading()
        self._settings, self._lock, self._now, self._urgent = settings, lock, now, urgent
        self._roster = Roster()
        self._given_at = 0.0
        # Weekly tables that somebody on the device may need; before the first reading that may be any.
        self._in_use = set(range(1, GROUPS + 1))

    def put(self, people: Iterable[Person]) -> None:
        """Have these persons fetched, each once the start is near."""
        with self._lock:
            self._roster.put(people, now=self._now())

    def drop(self, numbers: Iterable[int]) -> None:
        """Have these numbers fetched and forgotten."""
        with self._lock:
            self._roster.drop(numbers)

    def read_back(self) -> None:
        """Have the device send its list, once what is on its way has arrived."""
        with self._lock:
            self.reading.want()

    def keep_up(self, told: Told) -> None:
        """At each call: let those come whose time has come, and want again what was never answered for."""
        failed: list[Failure] = []
        with self._lock:
            moment = time.monotonic()
            if moment - self._given_at > self._settings.manner.patience_s:
                failed += map(_gave_up, self._roster.take_back())
            self.reading.check(moment)
            if self._settings.told:
                self._roster.wake(self._now())
                self._roster.settle(lambda person: self._group_of(person, failed))
        _tell_failed(told, failed)

    def start_over(self, told: Told) -> None:
        """Want again at once what a device held that has just been restarted."""
        with self._lock:
            failed = [_gave_up(wanted) for wanted in self._roster.take_back()]
        _tell_failed(told, failed)

    # These are asked under the terminal's lock.

    def wants_count(self) -> bool:
        """Whether a list is to be read and nothing else is to be done first."""
        return self.reading.needs_count and not self._roster.is_open()

    def count(self, people: int | None) -> None:
        """Take how many the device holds, where that is the answer to be waited for."""
        if self.wants_count():
            self.reading.count(people)

    def wants_query(self) -> bool:
        """Whether the device is to be asked about single numbers, or for all."""
        return bool(self._roster.doubted) or (self.reading.is_counted and not self._roster.is_open())

    def wants_departures(self) -> bool:
        """Whether somebody is to be let go of."""
        return bool(self._roster.leaving)

    def wants_arrivals(self) -> bool:
        """Whether somebody is to be taken in."""
        return bool(self._roster.waiting)

    # The device's calls.

    def give_query(self) -> dict[str, object]:
        """Ask the device for everybody, or about those in doubt."""
        with self._lock:
            if not self._roster.is_open() and self.reading.begin(time.monotonic()):
                return {"PushAllPeople": 1}
            if self._roster.doubted:
                return {"QueryPeople": [*self._roster.doubted][:_DEPARTURES_A_PAGE]}
        return {}

    def give_arrivals(self, words: Words, told: Told) -> Words:
        """Hand out a page of persons; nobody before those who are to be let go of, nor before the door."""
        most = min(max(1, number_in(words, "Limit", otherwise=100)), _MOST_A_PAGE)
        rows: list[Words] = []
        failed: list[Failure] = []
        with self._lock:
            self._given_at = time.monotonic()
            waits = self._urgent() or bool(self._roster.leaving)
            # Page after page until somebody is fit for the device: an empty one would end its loop.
            while not waits and not rows and (page := self._roster.page(most, ready=self._settings.groups.is_known)):
                rows = [row for wanted in page if (row := self._row(wanted, failed))]
        _tell_failed(told, failed)
        return {"Success": 1, "PeopleCount": len(rows), "Count": len(rows), "PeopleList": rows}

    def take_arrivals(self, words: Words, told: Told) -> Words:
        """Take what became of a page. The document's own example writes the failures under "FailCount"."""
        codes = {
            number_in(row, "UserID"): row for row in list_in(words, "FailList", "FailCount") if isinstance(row, Mapping)
        }
        failed: list[Failure] = []
        taken: list[Wanted] = []
        with self._lock:
            given = self._roster.answered()
            adds_up = number_in(words, "SuccessCount") + len(codes) == len(given)
            for wanted in given:
                number = wanted.person.number
                if self._roster.is_leaving(number):
                    continue
                if number in codes:
                    failed.append(self._refused(wanted, codes[number]))
                elif adds_up:
                    taken.append(wanted)
                else:
                    self._roster.doubted[number] = wanted
            self.reading.disturb()
        _tell_taken(told, taken)
        _tell_failed(told, failed)
        return WELL

    def give_departures(self, words: Words, told: Told) -> Words:
        """Hand out numbers to forget."""
        most = min(max(1, number_in(words, "Limit", otherwise=_DEPARTURES_A_PAGE)), _MOST_A_PAGE)
        with self._lock:
            numbers = [] if self._urgent() else self._roster.departures(most)
            self._given_at = time.monotonic()
        return {"Success": 1, "DeleteAll": 0, "DeleteCount": len(numbers), "DeleteList": numbers}

    def take_departures(self, words: Words, told: Told) -> Words:
        """Take who was forgotten. The document's own example writes "DeletList"."""
        gone = {number_in({"number": number}, "number") for number in list_in(words, "DeleteList", "DeletList")}
        with self._lock:
            sent, self._roster.sent_away = [*self._roster.sent_away], {}
            dropped = [number for number in sent if number in gone]
            # Not in the answer: never known, or not deleted? A right is not called gone on a guess.
            self._roster.doubted.update({number: None for number in sent if number not in gone})
            self.reading.disturb()
        _tell_dropped(told, dropped)
        return WELL

    def take_person(self, words: Words, told: Told) -> Words:
        """Take one person as the device has them; without details it knows nobody by that number."""
        number, detail = number_in(words, "UserID"), object_in(words, "Detail")
        if number_in(words, "PushType") != _QUERIED:
            # Somebody was changed at the device's own menu.
            self.read_back()
            return WELL
        checksum = None if detail is None else _checksum(detail)
        with self._lock:
            if detail is not None and checksum is not None and self.reading.gathers:
                self.reading.add(number, checksum, number_in(detail, "Timegroup"), time.monotonic())
            seen = {number: checksum} if number in self._roster.doubted else {}
        self._resolve(seen, told)
        self.end_reading(told)
        return WELL

    def end_reading(self, told: Told) -> None:
        """Tell the device's list, once it is whole. Whoever is held back here counts as there: nothing is amiss."""
        with self._lock:
            found = self.reading.complete()
            if found is None:
                return
            self._in_use = self._roster.groups() | {group for _, group in found.values()}
            listing = {number: checksum for number, (checksum, _) in found.items()}
            doubts = {number: listing.get(number) for number in self._roster.doubted}
            held = {number: person.checksum for number, person in self._roster.held.items()}
        self._resolve(doubts, told)
        told.listing({**held, **listing})

    def _group_of(self, person: Person, failed: list[Failure]) -> int | None:
        try:
            group = self._settings.groups.number(person.hours, in_use=self._in_use)
        except NoGroupLeft as problem:
            failed.append((person.number, Trouble.NOT_OFFERED, str(problem)))
            return None
        self._in_use.add(group)
        return group

    def _row(self, wanted: Wanted, failed: list[Failure]) -> Words | None:
        """Write somebody who was handed out; None, and no longer handed out, when the device cannot hold them."""
        number, photo = wanted.person.number, wanted.person.photo
        if len(photo) > MOST_PHOTO:
            failed.append((number, Trouble.PHOTO_TOO_BIG, f"a photo has at most {MOST_PHOTO} bytes here"))
            photo = b""
        person = replace(wanted.person, photo=photo)
        try:
            row = row_of(person, group=wanted.group or 0, cards=self._settings.manner.cards)
        except Unsuitable as problem:
            del self._roster.given[number]
            failed.append((number, problem.trouble, str(problem)))
            return None
        self._roster.given[number] = replace(wanted, person=person)
        return with_photo(row, photo) if photo else row

    def _refused(self, wanted: Wanted, row: Words) -> Failure:
        code = number_in(row, "ErrorCode")
        trouble = TROUBLES.get(code, Trouble.REFUSED)
        if trouble in OF_THE_PHOTO and wanted.person.photo:
            # The face is not to be had; the card, the PIN and the code still are.
            self._roster.without_photo(wanted)
        repeats = f", like number {number_in(row, 'RepeatID')}" if trouble in _BY_REPEAT else ""
        return wanted.person.number, trouble, f"error {code}{repeats}"

    def _resolve(self, seen: Mapping[int, str | None], told: Told) -> None:
        """Settle doubts by what the device shows of a number: its checksum, or None when it knows nobody by it."""
        taken: list[Wanted] = []
        failed: list[Failure] = []
        dropped: list[int] = []
        with self._lock:
            for number, checksum in seen.items():
                wanted = self._roster.doubted.pop(number, None)
                if wanted is None and checksum is None:
                    dropped.append(number)
                elif wanted is None:
                    self._roster.leaving[number] = None
                elif checksum == wanted.person.checksum:
                    taken.append(wanted)
                elif not self._roster.again(wanted):
                    failed.append(_gave_up(wanted))
        _tell_taken(told, taken)
        _tell_failed(told, failed)
        _tell_dropped(told, dropped)


def _checksum(detail: Words) -> str:
    try:
        return checksum_in(detail)
    except ValueError:
        return ALTERED


def _gave_up(wanted: Wanted) -> Failure:
    return wanted.person.number, Trouble.REFUSED, "the device never said that it took this person"


def _tell_taken(told: Told, taken: Iterable[Wanted]) -> None:
    for wanted in taken:
        told.put(wanted.person.number, wanted.person.checksum)


def _tell_failed(told: Told, failed: Iterable[Failure]) -> None:
    for number, trouble, words in failed:
        told.failed(number, trouble, words)


def _tell_dropped(told: Told, numbers: Iterable[int]) -> None:
    for number in numbers:
        told.dropped(number)
