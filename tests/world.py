"""A small estate built by real actions: one building, two entrances, four flats, four gates, one box. Rows are never written by hand.

The flats: `home` (two rooms let whole, 2 + 1 beds), `dorm` (one room of four beds let by the bed), `mixed` (a whole room of two beds and a
room of two let by the bed), `other` (one room, let by another operator).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.contrib import auth
from django.db import connection
from django.test import Client

from linli.documents.numbers import synthetic_resident_id, synthetic_uscc
from linli.server.access import actions as access
from linli.server.access.actions import DoorGroupPlan, DoorKind, Enrolment, GatePlan
from linli.server.kernel import clock, ids, outbox
from linli.server.kernel.actors import Actor, Grant, Role, system
from linli.server.kernel.periods import Period
from linli.server.lettings import actions as lettings
from linli.server.lettings import queries as units
from linli.server.lettings.actions import OperatorInput, UnitDraft
from linli.server.lettings.queries import UnitView
from linli.server.people import actions as people
from linli.server.people.actions import DocumentInput, PersonInput
from linli.server.places import actions as places
from linli.server.places import queries as tree
from linli.server.places.actions import BuildingPlan, DwellingPlan, EntrancePlan
from linli.server.privacy import actions as privacy
from linli.server.stays import actions as stays
from linli.server.stays import queries as stay_queries
from linli.server.stays.actions import Booked, GuardianForm, GuestForm, Registered, Wanted
from linli.server.stays.queries import StayView
from linli.server.wiring import REACTIONS
from linli.sim import people as fictional
from linli.sim.people import FictionalPerson
from linli.sim.reader import BenchReader

RULES, NOTICE = "2026-1", "2026-1"
PASSWORD = "a-long-pass-phrase-7"
FLATS = {
    "home": (1, "0101", (2, 1), ("room", "room")),
    "dorm": (1, "0102", (4,), ("bed",)),
    "mixed": (2, "0101", (2, 2), ("room", "bed")),
    "other": (2, "0201", (2,), ("room",)),
}
DAY = timedelta(days=1)
GATES = (
    ("G01", DoorKind.ESTATE, 1),
    ("G05", DoorKind.GARAGE, 2),
    ("G07", DoorKind.ENTRANCE, 3),
    ("G08", DoorKind.ENTRANCE, 4),
)


@dataclass(kw_only=True)
class World:
    """One estate, everybody who acts on it, and verbs to fill it; `now` may be moved by a test."""

    estate_id: str
    now: datetime
    operator_id: str
    other_operator_id: str
    units: Mapping[str, UnitView]
    box: Enrolment
    _people: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def hand(self) -> Actor:
        """The estate's own hand."""
        return system(self.estate_id)

    @property
    def office(self) -> Actor:
        """Somebody at the office."""
        return self.actor(Role.OFFICE)

    @property
    def guard(self) -> Actor:
        """A guard."""
        return self.actor(Role.GUARD)

    @property
    def admin(self) -> Actor:
        """The estate's admin."""
        return self.actor(Role.ESTATE_ADMIN)

    @property
    def operator(self) -> Actor:
        """Whoever lets every flat but `other`."""
        return self.actor(Role.OPERATOR, scope=f"operator:{self.operator_id}")

    @property
    def other_operator(self) -> Actor:
        """Whoever lets only `other`."""
        return self.actor(Role.OPERATOR, scope=f"operator:{self.other_operator_id}")

    def actor(self, role: Role, *, scope: str = "*", name: str = "") -> Actor:
        """Somebody with one role."""
        actor_id = name or f"acc_{role}" + (f"_{scope[-6:]}" if scope != "*" else "")
        return Actor(id=actor_id, estate_id=self.estate_id, grants=frozenset({Grant(role=role, scope=scope)}))

    def guest(self, stay: StayView | str) -> Actor:
        """The guest of a stay, by the token of a phone."""
        stay_id = stay if isinstance(stay, str) else stay.id
        return self.actor(Role.GUEST, scope=f"stay:{stay_id}", name=f"guest:{stay_id}:0")

    def link(self, booking_id: str, *, version: int = 0) -> Actor:
        """Whoever holds a booking's registration link."""
        return self.actor(Role.GUEST, scope=f"booking:{booking_id}", name=f"guest:{booking_id}:{version}")

    def person(self, kind: str = "mainland") -> FictionalPerson:
        """The next fictional person of a kind."""
        return fictional.person(index=next(self._people), seed=11, today=self.now.date(), kind=kind)

    def minor(self, years: int) -> FictionalPerson:
        """A fictional mainland minor of that age in full years."""
        child = self.person("mainland_minor")
        born = self.now.date() - timedelta(days=int(365.25 * years) + 90)
        number = synthetic_resident_id("510108", born, 2 * next(self._people) + (child.sex.value == "male"))
        return replace(child, birth_date=born, document_number=number)

    def book(
        self, flat: str = "home", *, guests: int = 1, nights: int = 1, start: datetime | None = None, **wanted: Any
    ) -> Booked:
        """Book a flat through its operator."""
        arrive = start or self.now
        asked = Wanted(
            unit_id=self.units[flat].id,
            period=Period(start=arrive, end=arrive + nights * DAY),
            guests_expected=guests,
            **wanted,
        )
        return stays.book(actor=self.hand, wanted=asked, now=self.now)

    def form(self, who: FictionalPerson, **changes: Any) -> GuestForm:
        """What that person fills in."""
        facts: dict[str, Any] = {
            "person": PersonInput(
                native_name=who.native_name,
                latin_name=who.latin_name,
                sex=who.sex.value,
                birth_date=who.birth_date,
                nationality=who.nationality,
                phone=who.phone,
            ),
            "document": DocumentInput(
                kind=who.document_type,
                number=who.document_number,
                issuing_country=who.issuing_country,
                valid_until=who.valid_until,
                mrz="\n".join(who.mrz) or None,
            ),
            "house_rules_version": RULES,
            "notice_version": NOTICE,
        }
        return GuestForm(**{**facts, **changes})

    def register(self, booked: Booked | str, who: FictionalPerson | None = None, **changes: Any) -> Registered:
        """Register a person (or the next fictional one) through the booking's link."""
        booking_id = booked if isinstance(booked, str) else booked.booking.id
        form = self.form(who or self.person(), **changes)
        return stays.register_guest(actor=self.link(booking_id), booking_id=booking_id, form=form, now=self.now)

    def stay(
        self, flat: str = "home", *, guests: int = 1, state: str = "VERIFIED", nights: int = 1, **wanted: Any
    ) -> list[StayView]:
        """Book, register so many guests, and take them to REGISTERED, VERIFIED or IN_HOUSE."""
        booked = self.book(flat, guests=guests, nights=nights, **wanted)
        found = [self.register(booked).stay for _ in range(guests)]
        if state in ("VERIFIED", "IN_HOUSE"):
            found = [stays.confirm_by_eye(actor=self.guard, stay_id=stay.id, now=self.now) for stay in found]
        if state == "IN_HOUSE":
            found = [stays.check_in(actor=self.guard, stay_id=stay.id, now=self.now) for stay in found]
        return found

    def see(self, stay: StayView | str) -> StayView:
        """The stay as it stands."""
        stay_id = stay if isinstance(stay, str) else stay.id
        return stay_queries.get_stay(actor=self.office, stay_id=stay_id)

    def bench_reader(self, reader_id: str = "reader-1") -> BenchReader:
        """A bench reader, enrolled."""
        key = fictional_key()
        reader = BenchReader(reader_id=reader_id, key=key)
        public = key.public_key().public_bytes_raw()
        stays.enrol_reader(actor=self.office, reader_id=reader_id, public_key=public, now=self.now)
        return reader

    def relay(self) -> int:
        """Let the outbox run dry, as wired."""
        return outbox.Relay(REACTIONS).drain()

    def account(self, role: Role, *, scope: str = "*") -> str:
        """Open an account with a role; its user name."""
        username = f"{role.value.replace('_', '')}{next(self._people)}"
        people.open_account(
            actor=self.hand,
            username=username,
            password=PASSWORD,
            display_name="示范 Demo",
            roles=[people.RoleInput(role=role.value, scope=scope)],
            now=self.now,
        )
        return username

    def signed_in(self, role: Role, *, scope: str = "*") -> Client:
        """A browser that is signed in as somebody with that role."""
        browser = Client(raise_request_exception=False)
        account = auth.get_user_model().objects.get(username=self.account(role, scope=scope))
        browser.force_login(account)
        return browser

    def bearer(self, token: str) -> Client:
        """A phone or a box with its token."""
        return Client(raise_request_exception=False, headers={"authorization": f"Bearer {token}"})


def fictional_key() -> Any:
    """A fresh signing key."""
    return Ed25519PrivateKey.generate()


def build() -> World:
    """Found the estate and everything in it."""
    now = clock.now().replace(microsecond=0)
    before = now - 30 * DAY
    estate_id = ids.new("est")
    hand = system(estate_id)
    found = {"name_zh": "样例小区", "name_en": "Sample", "zone": "Asia/Shanghai", "division_code": "510108"}
    places.found_estate(actor=hand, code="W" + estate_id[-8:], now=before, **found)
    privacy.declare_purposes(actor=hand, now=before)
    stays.publish_house_rules(actor=hand, version=RULES, zh=["安静"], en=["Be quiet"], now=before)
    places.lay_out(actor=hand, buildings=[_building()], now=before)
    _lay_out_gates(hand, before)
    operators = lettings.register_operators(actor=hand, operators=[_operator(1), _operator(2)], now=before)
    views = _let(hand, operators, before)
    return World(
        estate_id=estate_id,
        now=now,
        operator_id=operators[0],
        other_operator_id=operators[1],
        units=views,
        box=access.enrol_box(actor=hand, gate_codes=[code for code, _, _ in GATES], now=before),
    )


def _building() -> BuildingPlan:
    entrances = []
    for number in (1, 2):
        flats = [(door, beds) for entrance, door, beds, _ in FLATS.values() if entrance == number]
        plans = tuple(DwellingPlan(floor=int(door[:2]), door=door, beds=beds) for door, beds in flats)
        entrances.append(EntrancePlan(number=number, dwellings=plans))
    return BuildingPlan(number=1, floors=2, entrances=tuple(entrances))


def _lay_out_gates(hand: Actor, now: datetime) -> None:
    entrances = tree.list_entrances(estate_id=hand.estate_id)
    groups = [
        DoorGroupPlan(number=1, kind=DoorKind.ESTATE, name_zh="大门", name_en="Gates"),
        DoorGroupPlan(number=2, kind=DoorKind.GARAGE, name_zh="车库", name_en="Garage"),
        *(
            DoorGroupPlan(
                number=number, kind=DoorKind.ENTRANCE, name_zh="单元门", name_en="Entrance", entrance_id=entrance.id
            )
            for number, entrance in enumerate(entrances, start=3)
        ),
    ]
    gates = [GatePlan(code=code, name_zh=code, name_en=code, kind=kind, groups=(group,)) for code, kind, group in GATES]
    access.lay_out_gates(actor=hand, groups=groups, gates=gates, now=now)


def _operator(number: int) -> OperatorInput:
    uscc = synthetic_uscc("91", "510108", 700_000 + number)
    return OperatorInput(kind="company", name=f"成都样例{number}号民宿管理有限公司", uscc=uscc, licence="held")


def _let(hand: Actor, operators: tuple[str, ...], now: datetime) -> dict[str, UnitView]:
    flats = dict(tree.list_dwelling_codes(estate_id=hand.estate_id))
    codes = {name: next(c for c in flats if c.endswith(f"-{e}-{door}")) for name, (e, door, _, _) in FLATS.items()}
    drafts = [
        UnitDraft(operator_id=operators[1 if name == "other" else 0], dwelling_code=codes[name], modes=FLATS[name][3])
        for name in FLATS
    ]
    lettings.let_units(actor=hand, units=drafts, now=now)
    by_dwelling = {unit.dwelling_code: unit for unit in units.list_active_units(estate_id=hand.estate_id)}
    return {name: by_dwelling[code] for name, code in codes.items()}


def guardian(**changes: Any) -> GuardianForm:
    """A guardian as a guest states one."""
    return GuardianForm(**{"name": "王甲子", "relation": "父亲", "phone": "13800138000", **changes})


def counts() -> dict[str, int]:
    """How many rows every table holds, in one statement."""
    with connection.cursor() as cursor:
        names = sorted(connection.introspection.table_names(cursor))
        parts = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM \"{name}\"" for name in names)
        cursor.execute(parts)
        return dict(cursor.fetchall())


def digest() -> dict[str, str]:
    """What every table of ours holds, as one hash a table: rows and contents; equal digests mean that nothing changed."""
    with connection.cursor() as cursor:
        names = [n for n in sorted(connection.introspection.table_names(cursor)) if _ours(n)]
        parts = " UNION ALL ".join(
            f"SELECT '{name}', coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM \"{name}\" t"
            for name in names
        )
        cursor.execute(parts)
        return dict(cursor.fetchall())


def _ours(table: str) -> bool:
    return not table.startswith(("django_", "procrastinate_", "auth_", "kernel_oncekey", "people_signinfailures"))


class Unchanged:
    """A context that asserts that what happened inside left every row as it was, refused or not."""

    def __enter__(self) -> "Unchanged":
        self._before = digest()
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        if kind is None:
            after = digest()
            assert after == self._before, [name for name in after if after[name] != self._before[name]]


def body_of(response: Any) -> Any:
    """The JSON of an answer."""
    return json.loads(response.content)
