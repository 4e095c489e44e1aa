"""One day of the estate, played from outside over real HTTP: book, register, pass, enter, sleep, leave, try to enter again.

The clock moves between the parts of the day (`LINLI_CLOCK_FILE`), never within one, so that every half-minute code and every time
limit is real. One agent's cable is pulled from the first arrivals until the next morning.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from linli.sim.door import Refused
from linli.sim.people import person
from linli.sim.player import PARTIES, ZONE, Guest, Party, Plan, Player, Say

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Played:
    """What was seen from outside; the other side's books and the estate's own are compared with it."""

    booked: int = 0
    registered: int = 0
    passes: int = 0
    opened: int = 0
    faces: int = 0
    opened_by_face: int = 0
    templates_at_gates: int = 0
    refused_after_checkout: int = 0
    opened_after_checkout: int = 0
    refusals: Counter[str] = field(default_factory=Counter)


class Day(Player):
    """One whole day of many guests, several at a time."""

    def __init__(self, plan: Plan, say: Say) -> None:
        super().__init__(plan)
        self._say = say
        self._dice = random.Random(plan.seed)
        self._pool = ThreadPoolExecutor(plan.workers, thread_name_prefix="guest")
        self.played = Played()
        self.parties: list[Party] = []
        self.day: date = date.min

    @property
    def guests(self) -> list[Guest]:
        """Everybody, in the order of their bookings."""
        return [guest for party in self.parties for guest in party.guests]

    def play(self, *, drained: Callable[[], bool]) -> Played:
        """This will play the whole day; `drained` says whether the estate has nothing left to tell anybody."""
        self.set_out()
        self.arrive()
        self._wait(drained)
        self.sleep()
        self.leave()
        self._wait(drained)
        self.close()
        return self.played

    def set_out(self) -> None:
        """This will begin at two in the afternoon of tomorrow, for clocks only go forward: guests book and register on the way."""
        self.day = datetime.now(ZONE).date() + timedelta(days=1)
        self._clock_to(self.day, hour=14)
        self._plan_parties()
        self._each("预订 bookings", self._book_tonight, self.parties)
        self.played.booked = sum(len(party.guests) for party in self.parties if party.booking_id)
        self._each("登记 registrations", self.register, [party for party in self.parties if party.token])
        self.played.registered = sum(guest.verified for guest in self.guests)
        if self.plan.faces:
            self._each("人脸 faces", self.enrol_face, self._willing()[: self.plan.faces])
            self.played.faces = sum(bool(guest.face_id) for guest in self.guests)

    def arrive(self) -> None:
        """This will bring everybody to the gates in the evening; one gate has lost its network by then."""
        self._clock_to(self.day, hour=18)
        self.gates.pull_the_cable(gate=self.plan.offline_gate, online=False)
        self._each("到达 arrivals", self.enter, [guest for guest in self.guests if guest.verified])
        self.played.passes = sum(guest.passed for guest in self.guests)
        self.played.opened = sum(guest.opened for guest in self.guests)
        self.played.templates_at_gates = self.gates.templates() if self.plan.faces else 0
        self.played.opened_by_face = sum(guest.opened and bool(guest.face_id) for guest in self.guests)

    def sleep(self) -> None:
        """This will let the night pass; the cut cable is mended in the morning, before anybody leaves."""
        self._clock_to(self.day + timedelta(days=1), hour=9)
        self.gates.pull_the_cable(gate=self.plan.offline_gate, online=True)
        self._say("夜 night has passed; the offline gate is back")
        time.sleep(2.0)

    def leave(self) -> None:
        """This will check everybody out, and send them back to the door at once."""
        self._clock_to(self.day + timedelta(days=1), hour=10)
        self._each("退房 check-outs", self.leave_for_good, [guest for guest in self.guests if guest.opened])
        self.played.refused_after_checkout = sum(guest.refused_after for guest in self.guests)
        self.played.opened_after_checkout = sum(guest.opened_after for guest in self.guests)
        self.played.refusals = Counter(guest.last_reason for guest in self.guests if guest.last_reason)

    def close(self) -> None:
        """This will let go of threads and connections."""
        self._pool.shutdown()
        self.gates.close()

    def _willing(self) -> list[Guest]:
        grown = [guest for guest in self.guests if guest.verified and guest.person.kind != "mainland_minor"]
        self._dice.shuffle(grown)
        return grown

    def _book_tonight(self, party: Party) -> None:
        arrive = datetime.combine(self.day, datetime.min.time(), ZONE).replace(hour=15)
        self.book(party, arrive=arrive, leave=arrive + timedelta(hours=21))

    def _plan_parties(self) -> None:
        units = self.units()
        self._dice.shuffle(units)
        index = placed = 0
        sizes, weights = zip(*PARTIES, strict=True)
        while placed < self.plan.guests:
            unit = units[len(self.parties) % len(units)]
            most = min(
                self.plan.guests - placed, int(unit["max_occupancy"]), *([2] if len(self.parties) >= len(units) else [])
            )
            size = max(1, min(most, self._dice.choices(sizes, weights)[0]))
            guests = []
            for place in range(size):
                # Somebody grown-up books; a child comes with them.
                kind = "mainland" if place == 0 and size > 1 else None
                someone = person(index=index, seed=self.plan.seed, today=self.day, kind=kind)
                if place == 0 and someone.kind == "mainland_minor":
                    someone = person(index=index, seed=self.plan.seed, today=self.day, kind="mainland")
                guests.append(Guest(person=someone, entrance=self.plan.entrances[str(unit["entrance_id"])]))
                index += 1
            self.parties.append(Party(unit=unit, guests=guests))
            placed += size

    def _each(self, what: str, do: Callable[[T], None], things: Sequence[T]) -> None:
        began, done = time.monotonic(), 0
        failures: Counter[str] = Counter()

        def tried(thing: T) -> None:
            try:
                do(thing)
            except Refused as refused:
                failures[str(refused)] += 1

        for _ in self._pool.map(tried, things):
            done += 1
        told = f"  {what}: {done} in {time.monotonic() - began:.1f} s"
        self._say(told + (f" · refused {dict(failures)}" if failures else ""))

    def _wait(self, drained: Callable[[], bool], *, at_most: float = 120.0) -> None:
        until = time.monotonic() + at_most
        while not drained() and time.monotonic() < until:
            time.sleep(2.0)  # each look is a process of its own

    def _clock_to(self, day: date, *, hour: int) -> None:
        wanted = datetime(day.year, day.month, day.day, hour, tzinfo=ZONE)
        if self.plan.clock_file is None:
            raise LookupError("a day needs a clock that can be moved")
        draft = self.plan.clock_file.with_suffix(".new")
        draft.write_text(str((wanted - datetime.now(UTC)).total_seconds()))
        draft.replace(self.plan.clock_file)
        time.sleep(0.3)
