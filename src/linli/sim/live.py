"""The slow live day of `make run`: a party every few seconds books, registers and arrives, some go out, some leave."""

import random
import threading
from datetime import datetime, timedelta

from linli.sim.door import Refused
from linli.sim.people import person
from linli.sim.player import PARTIES, ZONE, Guest, Party, Plan, Player, Say

PAUSE_SECONDS = (2.0, 6.0)
IN_HOUSE_AT_MOST = 120
FIRST_INDEX = 1_000_000


class LiveDay(Player):
    """Plays until it is told to stop; whatever the estate refuses is said and passed over."""

    def __init__(self, plan: Plan, say: Say) -> None:
        super().__init__(plan)
        self._say = say
        self._dice = random.Random()
        self._index = FIRST_INDEX + self._dice.randrange(5_000_000)
        self._in_house: list[Guest] = []

    def run(self, stop: threading.Event) -> None:
        """This will play one small scene after another until `stop` is set."""
        units = self.units()
        while units and not stop.wait(self._dice.uniform(*PAUSE_SECONDS)):
            try:
                self._scene(self._dice.choice(units))
            except Refused as refused:
                self._say(f"live day: {refused}")
            except (OSError, KeyError, ValueError) as problem:
                self._say(f"live day: {type(problem).__name__}")

    def _scene(self, unit: dict[str, object]) -> None:
        if len(self._in_house) > IN_HOUSE_AT_MOST or (self._in_house and self._dice.random() < 0.2):
            self.leave_for_good(self._in_house.pop(0))
        elif self._in_house and self._dice.random() < 0.4:
            self.enter(self._dice.choice(self._in_house))
        else:
            self._welcome(unit)

    def _welcome(self, unit: dict[str, object]) -> None:
        party = self._party(unit)
        now = self.now()
        noon = datetime.combine(now.astimezone(ZONE).date() + timedelta(days=1), datetime.min.time(), ZONE).replace(
            hour=12
        )
        self.book(party, arrive=now.replace(second=0, microsecond=0), leave=noon)
        self.register(party)
        for guest in party.guests:
            if guest.verified:
                self.enter(guest)
                self._in_house.append(guest)

    def _party(self, unit: dict[str, object]) -> Party:
        sizes, weights = zip(*PARTIES, strict=True)
        size = min(int(str(unit["max_occupancy"])), self._dice.choices(sizes, weights)[0])
        guests = []
        for place in range(size):
            kind = (
                "mainland"
                if place == 0 and size > 1
                else self._dice.choice(("mainland", "mainland", "foreign", "hong_kong"))
            )
            someone = person(index=self._index, seed=self.plan.seed, today=self.now().date(), kind=kind)
            guests.append(Guest(person=someone, entrance=self.plan.entrances[str(unit["entrance_id"])]))
            self._index += 1
        return Party(unit=dict(unit), guests=guests)
