"""What one device has yet to take in or to let go of, and what it was given but has not answered for. One thread at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from linli.edge.terminals import Person

# The device knows no start. A person is given to it when the start is this near, and not before: it would open.
EARLY = timedelta(seconds=30)
_MOST_PHOTO_BYTES = 4 * 1024 * 1024  # in one answer
_MOST_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A person to be taken in, and in which weekly table (None: not settled yet)."""

    person: Person
    group: int | None = None
    tries: int = 0


class Roster:
    """The wishes for one device by the person's number; the newest wish for a number is the one that counts."""

    def __init__(self) -> None:
        self.held: dict[int, Person] = {}
        self.waiting: dict[int, Wanted] = {}
        self.given: dict[int, Wanted] = {}
        self.leaving: dict[int, None] = {}
        self.sent_away: dict[int, None] = {}
        # What came of these is not certain: the device is asked about each by its number.
        self.doubted: dict[int, Wanted | None] = {}
        self._wake_at: datetime | None = None

    def put(self, people: Iterable[Person], *, now: datetime) -> None:
        """Want these persons on the device; each for whom it is too early is held back."""
        for person in people:
            self._forget(person.number)
            if person.start > now + EARLY:
                self.held[person.number] = person
                self._wake_at = min(self._wake_at or person.start, person.start)
            else:
                self.waiting[person.number] = Wanted(person=person)

    def drop(self, numbers: Iterable[int]) -> None:
        """Want these numbers off the device."""
        for number in numbers:
            self._forget(number)
            if not self.is_leaving(number):
                self.leaving[number] = None

    def wake(self, now: datetime) -> None:
        """Let those come whose start is near."""
        if self._wake_at is None or self._wake_at > now + EARLY:
            return
        due = [person for person in self.held.values() if person.start <= now + EARLY]
        for person in due:
            del self.held[person.number]
            self.waiting[person.number] = Wanted(person=person)
        self._wake_at = min((person.start for person in self.held.values()), default=None)

    def settle(self, group_of: Callable[[Person], int | None]) -> None:
        """Give each newcomer a weekly table; whom no table fits is no longer wanted."""
        for number, wanted in [*self.waiting.items()]:
            if wanted.group is None:
                group = group_of(wanted.person)
                if group is None:
                    del self.waiting[number]
                else:
                    self.waiting[number] = replace(wanted, group=group)

    def groups(self) -> set[int]:
        """Say which weekly tables those need who are on their way."""
        return {wanted.group for wanted in (*self.waiting.values(), *self.given.values()) if wanted.group is not None}

    def page(self, most: int, *, ready: Callable[[int], bool]) -> list[Wanted]:
        """Hand out persons to take in. Whoever is still being let go of comes after that."""
        chosen: list[Wanted] = []
        size = 0
        for number, wanted in self.waiting.items():
            if self.is_leaving(number) or number in self.given:
                continue
            if wanted.group is None or not ready(wanted.group):
                continue
            size += len(wanted.person.photo)
            if len(chosen) >= most or (chosen and size > _MOST_PHOTO_BYTES):
                break
            chosen.append(wanted)
        for wanted in chosen:
            del self.waiting[wanted.person.number]
            self.given[wanted.person.number] = wanted
        return chosen

    def departures(self, most: int) -> list[int]:
        """Hand out numbers to let go of."""
        chosen = [*self.leaving][:most]
        for number in chosen:
            del self.leaving[number]
            self.sent_away[number] = None
        return chosen

    def answered(self) -> list[Wanted]:
        """Take what was handed out and is answered for now."""
        given, self.given = [*self.given.values()], {}
        return given

    def again(self, wanted: Wanted) -> bool:
        """Want somebody once more, unless there is a newer wish; say no after too many tries."""
        number = wanted.person.number
        if self.is_leaving(number) or number in self.waiting or number in self.held:
            return True
        if wanted.tries + 1 >= _MOST_TRIES:
            return False
        self.waiting[number] = replace(wanted, tries=wanted.tries + 1)
        return True

    def without_photo(self, wanted: Wanted) -> None:
        """Want somebody again, but without the photo, where another way in is left."""
        person = replace(wanted.person, photo=b"")
        if (person.card or person.pin or person.codes) and person.number not in self.waiting:
            self.waiting[person.number] = Wanted(person=person, group=wanted.group)

    def take_back(self) -> list[Wanted]:
        """Want again what was handed out and never answered for; give those who were tried too often."""
        for number in self.sent_away:
            self.leaving[number] = None
        self.sent_away = {}
        return [wanted for wanted in self.answered() if not self.again(wanted)]

    def is_leaving(self, number: int) -> bool:
        """Say whether a number is to be let go of."""
        doubted = number in self.doubted and self.doubted[number] is None
        return doubted or number in self.leaving or number in self.sent_away

    def is_open(self) -> bool:
        """Say whether something is still to come or in doubt, so that the device's list is no answer yet."""
        return bool(self.waiting or self.given or self.sent_away or self.leaving or self.doubted)

    def _forget(self, number: int) -> None:
        self.held.pop(number, None)
        # Taken out first: a wish changed is a wish made now, and waits behind the others.
        self.waiting.pop(number, None)
        if self.doubted.get(number) is not None:
            del self.doubted[number]
