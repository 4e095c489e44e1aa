"""One day of the estate, played from outside over real HTTP: book, register, pass, enter, sleep, leave, try to enter again.

The clock moves between the parts of the day (`LINLI_CLOCK_FILE`), never within one, so that every half-minute code and every time
limit is real. One agent's cable is pulled from the first arrivals until the next morning.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from linli.sim.door import Estate, Gates, Refused
from linli.sim.people import FictionalPerson, person
from linli.sim.reader import BenchReader

ZONE = ZoneInfo("Asia/Shanghai")
PARTIES = ((1, 45), (2, 35), (3, 12), (4, 8))
BY_EYE = 0.15
REVOCATION_WAIT_SECONDS = 5.0
Say = Callable[[str], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a day needs to know: addresses, two sign-ins, the reader, which gate goes offline, how many guests."""

    url: str
    office: tuple[str, str]
    guard: tuple[str, str]
    gates: dict[str, str]
    entrances: dict[str, str]
    offline_gate: str
    clock_file: Path
    reader: BenchReader
    guests: int
    seed: int = 7
    workers: int = 8


@dataclass(slots=True, kw_only=True)
class Guest:
    """One guest of the day and how far they came."""

    person: FictionalPerson
    entrance: str = ""
    stay_id: str = ""
    token: str = ""
    code: str = ""
    verified: bool = False
    passed: bool = False
    opened: bool = False
    left_at: float = 0.0
    refused_after: int = 0
    opened_after: int = 0
    last_reason: str = ""


@dataclass(slots=True, kw_only=True)
class Party:
    """A booking and its guests."""

    unit: dict[str, Any]
    guests: list[Guest]
    token: str = ""
    booking_id: str = ""


@dataclass(slots=True, kw_only=True)
class Played:
    """What was seen from outside; the other side's books and the estate's own are compared with it."""

    booked: int = 0
    registered: int = 0
    passes: int = 0
    opened: int = 0
    refused_after_checkout: int = 0
    opened_after_checkout: int = 0
    refusals: Counter[str] = field(default_factory=Counter)


class Day:
    """The player: a plan, a few signed-in connections, and the guests."""

    def __init__(self, plan: Plan, say: Say) -> None:
        self.plan, self._say = plan, say
        self._dice = random.Random(plan.seed)
        self._local = threading.local()
        self._gates = Gates(plan.gates)
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
        """This will begin the day at two in the afternoon: bookings are made, guests register on the way."""
        now = datetime.now(UTC)
        self.day = now.astimezone(ZONE).date()
        self._clock_to(self.day, hour=14)
        self._plan_parties()
        self._each("预订 bookings", self._book, self.parties)
        self.played.booked = sum(len(party.guests) for party in self.parties if party.booking_id)
        self._each("登记 registrations", self._register_party, [party for party in self.parties if party.token])
        self.played.registered = sum(guest.verified for guest in self.guests)

    def arrive(self) -> None:
        """This will bring everybody to the gates in the evening; one gate has lost its network by then."""
        self._clock_to(self.day, hour=18)
        self._gates.pull_the_cable(gate=self.plan.offline_gate, online=False)
        self._each("到达 arrivals", self._enter, [guest for guest in self.guests if guest.verified])
        self.played.passes = sum(guest.passed for guest in self.guests)
        self.played.opened = sum(guest.opened for guest in self.guests)

    def sleep(self) -> None:
        """This will let the night pass; the cut cable is mended in the morning, before anybody leaves."""
        self._clock_to(self.day + timedelta(days=1), hour=9)
        self._gates.pull_the_cable(gate=self.plan.offline_gate, online=True)
        self._say("夜 night has passed; the offline gate is back")
        time.sleep(2.0)

    def leave(self) -> None:
        """This will check everybody out, and send them back to the door at once."""
        self._clock_to(self.day + timedelta(days=1), hour=10)
        self._each("退房 check-outs", self._leave, [guest for guest in self.guests if guest.opened])
        self.played.refused_after_checkout = sum(guest.refused_after for guest in self.guests)
        self.played.opened_after_checkout = sum(guest.opened_after for guest in self.guests)
        self.played.refusals = Counter(guest.last_reason for guest in self.guests if guest.last_reason)

    def close(self) -> None:
        """This will let go of threads and connections."""
        self._pool.shutdown()
        self._gates.close()

    def _plan_parties(self) -> None:
        units = self._units()
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

    def _units(self) -> list[dict[str, Any]]:
        units: list[dict[str, Any]] = []
        page = 1
        while True:
            found = self._desk(self.plan.office).call("GET", f"/api/units?state=ACTIVE&page={page}")
            units += found["items"]
            if len(units) >= found["total"] or not found["items"]:
                return units
            page += 1

    def _book(self, party: Party) -> None:
        arrive = datetime.combine(self.day, datetime.min.time(), ZONE).replace(hour=15)
        body = {
            "unit_id": party.unit["id"],
            "arrive_at": arrive.isoformat(),
            "leave_at": (arrive + timedelta(hours=21)).isoformat(),
            "guests_expected": len(party.guests),
            "channel": "day",
            "booker": {"name": party.guests[0].person.native_name, "phone": party.guests[0].person.phone},
        }
        booked = self._desk(self.plan.office).call("POST", "/api/bookings", body)
        party.booking_id, party.token = booked["booking"]["id"], booked["registration_token"]

    def _register_party(self, party: Party) -> None:
        estate = self._desk(self.plan.guard)
        invitation = estate.call("GET", "/api/registration", token=party.token)
        for guest in party.guests:
            body = guest.person.as_json() | {
                "house_rules_version": invitation["house_rules"]["version"],
                "notice_version": invitation["notice"]["version"],
            }
            if guest.person.kind == "mainland_minor":
                body["guardian"] = self._guardian(party)
            registered = estate.call("POST", "/api/registration/guests", body, token=party.token)
            guest.stay_id, guest.token = registered["stay"]["id"], registered["guest_token"]
            guest.verified = self._identify(estate, guest)

    def _guardian(self, party: Party) -> dict[str, str]:
        adult = party.guests[0]
        return {
            "name": adult.person.native_name,
            "relation": "parent",
            "phone": adult.person.phone,
            "in_same_stay": adult.stay_id,
        }

    def _identify(self, estate: Estate, guest: Guest) -> bool:
        if random.Random(guest.stay_id).random() < BY_EYE:
            stay = estate.call("POST", f"/api/stays/{guest.stay_id}/eye-check")
        else:
            reading = self.plan.reader.read(person=guest.person, now=self._now())
            stay = estate.call("POST", "/api/stays/me/reader-record", reading.as_json(), token=guest.token)
        return bool(stay["state"] == "VERIFIED")

    def _enter(self, guest: Guest) -> None:
        estate = self._desk(self.plan.guard)
        for gate in (self._estate_gate(guest), guest.entrance):
            sheaf = estate.call("GET", "/api/stays/me/codes?count=2", token=guest.token)
            guest.code = sheaf["codes"][0]["code"]
            guest.passed = True
            seen = self._pass_through(gate, guest.code)
        guest.opened = seen.open

    def _pass_through(self, gate: str, code: str) -> Any:
        # A pass may be a moment younger than the gate's list: people step back and hold the phone up again.
        for _ in range(40):
            seen = self._gates.scan(gate=gate, code=code)
            if seen.open or seen.reason not in ("NOT_ON_LIST", "no_answer"):
                return seen
            time.sleep(0.25)
        return seen

    def _estate_gate(self, guest: Guest) -> str:
        gates = [code for code in sorted(self.plan.gates) if code not in self.plan.entrances.values()]
        return random.Random(guest.stay_id + "gate").choice(gates)

    def _leave(self, guest: Guest) -> None:
        estate = self._desk(self.plan.guard)
        kept = estate.call("GET", "/api/stays/me/codes?count=3", token=guest.token)["codes"]
        estate.call("POST", "/api/stays/me/check-out", token=guest.token)
        guest.left_at = time.monotonic()
        time.sleep(REVOCATION_WAIT_SECONDS / 5)
        for gate in (guest.entrance, self.plan.offline_gate):
            seen = self._gates.scan(gate=gate, code=kept[0]["code"])
            guest.last_reason = seen.reason
            guest.refused_after += not seen.open
            guest.opened_after += seen.open
        try:
            estate.call("GET", "/api/stays/me/codes?count=1", token=guest.token)
            guest.last_reason = "still_minted"
            guest.opened_after += 1
        except Refused:
            pass

    def _desk(self, account: tuple[str, str]) -> Estate:
        desks: dict[str, Estate] = self._local.__dict__.setdefault("desks", {})
        if account[0] not in desks:
            desks[account[0]] = Estate(self.plan.url)
            desks[account[0]].sign_in(username=account[0], password=account[1])
        return desks[account[0]]

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
            time.sleep(0.3)

    def _now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float(self.plan.clock_file.read_text() or 0))

    def _clock_to(self, day: date, *, hour: int) -> None:
        wanted = datetime(day.year, day.month, day.day, hour, tzinfo=ZONE)
        draft = self.plan.clock_file.with_suffix(".new")
        draft.write_text(str((wanted - datetime.now(UTC)).total_seconds()))
        draft.replace(self.plan.clock_file)
        time.sleep(0.3)
