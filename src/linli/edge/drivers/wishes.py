"""What a device has yet to be told: of each person only the newest wish, kept until the device has taken it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from linli.edge.terminals import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Have this person on the device, or, without a person, have that number off it; `tries` counts the failures."""

    number: int
    person: Person | None
    tries: int = 0


class Wishes:
    """The wishes of one device, oldest first. Safe to call from any thread; nothing here waits for the device."""

    def __init__(self) -> None:
        self.stirred = threading.Event()
        self._lock = threading.Lock()
        self._open: dict[int, Wish] = {}
        self._reading = False

    def __len__(self) -> int:
        with self._lock:
            return len(self._open)

    def put(self, people: Iterable[Person]) -> None:
        """Want these persons on the device."""
        self._add(Wish(number=person.number, person=person) for person in people)

    def drop(self, numbers: Iterable[int]) -> None:
        """Want these numbers off the device."""
        self._add(Wish(number=number, person=None) for number in numbers)

    def read_back(self) -> None:
        """Want the device's own list."""
        with self._lock:
            self._reading = True
        self.stirred.set()

    def take(self, *, coming: int, leaving: int) -> list[Wish]:
        """Give the wishes to work on next, so many of one sort, the departures first: a right that ended is urgent."""
        with self._lock:
            gone = [wish for wish in self._open.values() if wish.person is None]
            chosen = gone[:leaving] or list(self._open.values())[:coming]
            for wish in chosen:
                del self._open[wish.number]
            return chosen

    def keep(self, wishes: Iterable[Wish]) -> None:
        """Take back wishes that came to nothing; a newer one for the same number stays instead."""
        with self._lock:
            kept = {wish.number: wish for wish in wishes}
            self._open = {**kept, **self._open}

    def take_reading(self) -> bool:
        """Say whether the device's list is wanted, and forget that it was; a change still to come goes first."""
        with self._lock:
            wanted = self._reading and not self._open
            self._reading = self._reading and not wanted
            return wanted

    def _add(self, wishes: Iterable[Wish]) -> None:
        with self._lock:
            for wish in wishes:
                # Taken out first: a wish changed is a wish made now, and waits behind the others.
                self._open.pop(wish.number, None)
                self._open[wish.number] = wish
        self.stirred.set()
