"""Guests of the estate, played from outside over real HTTP: they book, register, show a code, and leave."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from linli.sim.door import Estate, Gates, Opening, Refused
from linli.sim.people import FictionalPerson
from linli.sim.reader import BenchReader

ZONE = ZoneInfo("Asia/Shanghai")
PARTIES = ((1, 45), (2, 35), (3, 12), (4, 8))
BY_EYE = 0.15
PATIENCE_TURNS = 120
PASSING_REASONS = ("NOT_ON_LIST", "REPLAYED", "SNAPSHOT_TOO_OLD", "no_answer")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a day needs to know: addresses, two sign-ins, the reader, which gate goes offline, how many guests."""

    url: str
    office: tuple[str, str]
    guard: tuple[str, str]
    gates: dict[str, str]
    entrances: dict[str, str]
    offline_gate: str
    clock_file: Path | None
    reader: BenchReader
    guests: int
    # How many of them open doors by face, and where the pictures are that everybody of them shows.
    faces: int = 0
    pictures: Path | None = None
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
    face_id: str = ""
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


class Player:
    """Plays guests against one running estate; safe to share between threads, each of which signs in for itself."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.gates = Gates(plan.gates)
        self._local = threading.local()

    def units(self) -> list[dict[str, Any]]:
        """This will list every unit that lets at present."""
        units: list[dict[str, Any]] = []
        page = 1
        while True:
            found = self.desk(self.plan.office).call("GET", f"/api/units?state=ACTIVE&page={page}")
            units += found["items"]
            if len(units) >= found["total"] or not found["items"]:
                return units
            page += 1

    def book(self, party: Party, *, arrive: datetime, leave: datetime) -> None:
        """This will book beds for a party and keep its registration link."""
        body = {
            "unit_id": party.unit["id"],
            "arrive_at": arrive.isoformat(),
            "leave_at": leave.isoformat(),
            "guests_expected": len(party.guests),
            "channel": "day",
            "booker": {"name": party.guests[0].person.native_name, "phone": party.guests[0].person.phone},
        }
        booked = self.desk(self.plan.office).call("POST", "/api/bookings", body)
        party.booking_id, party.token = booked["booking"]["id"], booked["registration_token"]

    def register(self, party: Party) -> None:
        """This will register everybody of a party through its link, and have their identity verified."""
        estate = self.desk(self.plan.guard)
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
            reading = self.plan.reader.read(person=guest.person, now=self.now())
            stay = estate.call("POST", "/api/stays/me/reader-record", reading.as_json(), token=guest.token)
        return bool(stay["state"] == "VERIFIED")

    def enrol_face(self, guest: Guest) -> None:
        """This will give a guest's separate yes, turn the head as asked, and have a template made of it."""
        if self.plan.pictures is None:
            raise LookupError("a day with faces needs pictures")
        estate = self.desk(self.plan.guard)
        notice = estate.call("GET", "/api/privacy/notices/face_pass", token=guest.token)
        estate.call("POST", "/api/faces/consents", {"notice_digest": notice["digest"]}, token=guest.token)
        asked = estate.call("POST", "/api/faces/enrolments", {}, token=guest.token)
        turn = sorted(self.plan.pictures.glob(f"{asked['side'].lower()}-*.jpg"))
        shown = [("picture", self.plan.pictures / "portrait.jpg"), *(("frames", frame) for frame in turn)]
        files = [(field, file.name, file.read_bytes()) for field, file in shown]
        path = f"/api/faces/enrolments/{asked['ticket']}/pictures"
        guest.face_id = estate.send_files(path, files=files, token=guest.token)["face"]["id"]

    def enter(self, guest: Guest) -> None:
        """This will bring a guest through an estate gate and the own entrance, each with a fresh code."""
        for gate in (self._estate_gate(guest), guest.entrance):
            seen = self._pass_through(gate, guest)
        guest.opened = seen.open

    def _pass_through(self, gate: str, guest: Guest) -> Opening:
        # A pass may be a moment younger than the gate's list, or the gate is just being restarted: people step back and
        # hold the phone up again, with the code it shows by then.
        for _ in range(PATIENCE_TURNS):
            sheaf = self.desk(self.plan.guard).call("GET", "/api/stays/me/codes?count=2", token=guest.token)
            guest.code = sheaf["codes"][0]["code"]
            guest.passed = True
            seen = self._show(guest, gate)
            if seen.open or seen.reason not in PASSING_REASONS:
                return seen
            time.sleep(5.0 if seen.reason == "REPLAYED" else 0.5)
        return seen

    def _show(self, guest: Guest, gate: str) -> Opening:
        """Show the face to the camera, as it would present it, or else the code."""
        if guest.face_id:
            return self.gates.scan(gate=gate, kind="face", code=guest.face_id)
        return self.gates.scan(gate=gate, code=guest.code)

    def _estate_gate(self, guest: Guest) -> str:
        gates = [code for code in sorted(self.plan.gates) if code not in self.plan.entrances.values()]
        return random.Random(guest.stay_id + "gate").choice(gates)

    def leave_for_good(self, guest: Guest) -> None:
        """This will check a guest out and, once the gates have receipted it, send them back with the code they kept."""
        estate = self.desk(self.plan.guard)
        kept = estate.call("GET", "/api/stays/me/codes?count=3", token=guest.token)["codes"]
        self._check_out(estate, guest)
        for gate in (guest.entrance, self.plan.offline_gate):
            seen = self.gates.scan(gate=gate, code=kept[0]["code"])
            guest.last_reason = seen.reason
            guest.refused_after += not seen.open
            guest.opened_after += seen.open
            # The camera may still be looking at them: the gate must not know the face any more.
            guest.opened_after += bool(guest.face_id) and self._show(guest, gate).open
        try:
            estate.call("GET", "/api/stays/me/codes?count=1", token=guest.token)
            guest.last_reason = "still_minted"
            guest.opened_after += 1
        except Refused:
            pass

    def _check_out(self, estate: Estate, guest: Guest) -> None:
        try:
            estate.call("POST", "/api/stays/me/check-out", token=guest.token)
        except Refused as refused:
            # The answer to a first call was lost: it did happen.
            if refused.code != "stay_not_there":
                raise
        guest.left_at = time.monotonic()
        stay = estate.call("GET", "/api/stays/me", token=guest.token)
        for _ in range(PATIENCE_TURNS):
            told = estate.call("GET", f"/api/passes/{stay['access_pass']['id']}/receipts")
            if told["receipted"] == told["gates"]:
                return
            time.sleep(0.5)

    def desk(self, account: tuple[str, str]) -> Estate:
        """This will return this thread's signed-in connection of an account."""
        desks: dict[str, Estate] = self._local.__dict__.setdefault("desks", {})
        if account[0] not in desks:
            desks[account[0]] = Estate(self.plan.url)
            desks[account[0]].sign_in(username=account[0], password=account[1])
        return desks[account[0]]

    def now(self) -> datetime:
        """This will tell the estate's time: the real one, or the moved one of a simulated day."""
        moved = float(self.plan.clock_file.read_text() or 0) if self.plan.clock_file else 0.0
        return datetime.now(UTC) + timedelta(seconds=moved)
