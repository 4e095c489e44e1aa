"""A small estate with one large flat, and guests who come and go through real actions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from linli.server.access import actions as access
from linli.server.access.actions import DoorGroupPlan, DoorKind, GatePlan
from linli.server.access.events import PassFirstUsed, PassRevoked
from linli.server.connectors import tasks
from linli.server.connectors.actions import queue_reports
from linli.server.connectors.models import Report
from linli.server.connectors.protocol import Occasion, Platform
from linli.server.connectors.rules import MessageKind
from linli.server.kernel import clock, ids
from linli.server.kernel.actors import Actor, Grant, Role, system
from linli.server.kernel.outbox import Relay
from linli.server.kernel.periods import Period
from linli.server.lettings import actions as lettings
from linli.server.lettings import queries as lettings_queries
from linli.server.lettings.actions import OperatorInput, UnitDraft
from linli.server.people.actions import DocumentInput, PersonInput
from linli.server.places import actions as places
from linli.server.places import queries as places_queries
from linli.server.places.actions import BuildingPlan, DwellingPlan, EntrancePlan
from linli.server.privacy import actions as privacy
from linli.server.privacy import queries as privacy_queries
from linli.server.stays import actions as stays
from linli.server.stays.actions import GuestForm, Wanted
from linli.server.stays.events import (
    GuestCheckedIn,
    GuestCheckedOut,
    GuestMoved,
    RegistrationAmended,
    StayCancelled,
    StayExtended,
)
from linli.sim import people as fictional
from linli.sim.people import FictionalPerson

BEDS = 20
RULES = "2026-1"
UNREPORTED = (PassFirstUsed, PassRevoked)
REPORTED = (GuestCheckedIn, RegistrationAmended, GuestMoved, StayExtended, GuestCheckedOut, StayCancelled)


@dataclass(kw_only=True)
class Hostel:
    """One estate with one operator and one flat of four rooms, let by the bed."""

    estate_id: str
    unit_id: str
    operator_id: str
    rooms: Mapping[str, tuple[str, ...]]
    _guests: "count[int]" = field(default_factory=count)

    @property
    def hand(self) -> Actor:
        """The estate's own hand."""
        return system(self.estate_id)

    def actor(self, role: Role, *, scope: str = "*") -> Actor:
        """Somebody with one role."""
        return Actor(id=f"acct_{role}", estate_id=self.estate_id, grants=frozenset({Grant(role=role, scope=scope)}))

    def person(self, *, kind: str = "mainland") -> FictionalPerson:
        """The next fictional guest."""
        return fictional.person(index=next(self._guests), seed=7, today=clock.now().date(), kind=kind)

    def arrive(
        self, *, kind: str = "mainland", person: FictionalPerson | None = None, registered_at: datetime | None = None
    ) -> str:
        """Book, register (now, or earlier), look in the eye, check in; the id of the stay."""
        now = clock.now()
        guest = person or self.person(kind=kind)
        stay_id = self.register(guest, now=registered_at or now)
        stays.confirm_by_eye(actor=self.actor(Role.GUARD), stay_id=stay_id, now=now)
        stays.check_in(actor=self.actor(Role.GUARD), stay_id=stay_id, now=now)
        return stay_id

    def register(self, guest: FictionalPerson, *, now: datetime | None = None) -> str:
        """Book a bed and register a guest in it, now or then; the id of the stay."""
        now = now or clock.now()
        wanted = Wanted(unit_id=self.unit_id, period=Period(start=now, end=now + timedelta(days=1)), guests_expected=1)
        booked = stays.book(actor=self.hand, wanted=wanted, now=now)
        form = GuestForm(
            person=PersonInput(
                native_name=guest.native_name,
                latin_name=guest.latin_name if guest.kind == "foreign" else None,
                sex=guest.sex.value,
                birth_date=guest.birth_date,
                nationality=guest.nationality,
            ),
            document=DocumentInput(
                kind=guest.document_type,
                number=guest.document_number,
                issuing_country=guest.issuing_country,
                valid_until=guest.valid_until,
                mrz="\n".join(guest.mrz) or None,
            ),
            house_rules_version=RULES,
            notice_version=privacy_queries.get_purpose(
                estate_id=self.estate_id, code="lodging_registration"
            ).notice_version,
        )
        registered = stays.register_guest(actor=self.hand, booking_id=booked.booking.id, form=form, now=now)
        return registered.stay.id

    def leave(self, stay_id: str) -> None:
        """Check out."""
        stays.check_out(actor=self.actor(Role.GUARD), stay_id=stay_id, now=clock.now())

    def relay(self) -> int:
        """Let the outbox run dry into the reports; the number of events that were done."""
        reactions = dict.fromkeys(REPORTED, (tasks.queue_report,)) | dict.fromkeys(UNREPORTED, ())
        return Relay(reactions).drain()

    def tell(self, stay_id: str, kind: MessageKind, platforms: Mapping[str, Platform], *, at: datetime) -> int:
        """Queue one occasion directly."""
        return queue_reports(
            actor=self.hand,
            occasion=Occasion(kind=kind, happened_at=at),
            stay_id=stay_id,
            platforms=platforms,
            now=clock.now(),
        )

    def reports(self, stay_id: str) -> list[Report]:
        """The reports of a stay in their order."""
        return list(Report.objects.filter(estate_id=self.estate_id, subject_id=stay_id).order_by("sequence"))


def found() -> Hostel:
    """An estate whose one flat has four rooms of twenty beds."""
    now = clock.now() - timedelta(days=1)
    estate_id = ids.new("estate")
    hand = system(estate_id)
    privacy.declare_purposes(actor=hand, now=now)
    code = "H" + estate_id[-8:]
    places.found_estate(
        actor=hand,
        code=code,
        name_zh="样例小区",
        name_en="Sample",
        zone="Asia/Shanghai",
        division_code="510108",
        now=now,
    )
    flat = DwellingPlan(floor=1, door="101", beds=(BEDS,) * 4)
    plan = BuildingPlan(number=1, floors=2, entrances=(EntrancePlan(number=1, dwellings=(flat,)),))
    places.lay_out(actor=hand, buildings=[plan], now=now)
    entrance = places_queries.list_entrances(estate_id=estate_id)[0]
    groups = [
        DoorGroupPlan(number=1, kind=DoorKind.ESTATE, name_zh="大门", name_en="Gates"),
        DoorGroupPlan(number=2, kind=DoorKind.GARAGE, name_zh="车库", name_en="Garage"),
        DoorGroupPlan(number=3, kind=DoorKind.ENTRANCE, name_zh="单元", name_en="Entrance", entrance_id=entrance.id),
    ]
    gate = GatePlan(code="G01", name_zh="东门", name_en="East", kind=DoorKind.ESTATE, groups=(1,))
    access.lay_out_gates(actor=hand, groups=groups, gates=[gate], now=now)
    stays.publish_house_rules(actor=hand, version=RULES, zh=["安静"], en=["Quiet"], now=now)
    owner = fictional.person(index=900_000, seed=7, today=now.date(), kind="mainland")
    operator = OperatorInput(
        kind="natural",
        person=PersonInput(native_name=owner.native_name, sex=owner.sex.value, nationality="CHN"),
        document=DocumentInput(kind=owner.document_type, number=owner.document_number),
    )
    (operator_id,) = lettings.register_operators(actor=hand, operators=[operator], now=now)
    ((dwelling_code, _),) = places_queries.list_dwelling_codes(estate_id=estate_id)
    draft = UnitDraft(operator_id=operator_id, dwelling_code=dwelling_code, modes=("bed",) * 4)
    lettings.let_units(actor=hand, units=[draft], now=now)
    (unit,) = lettings_queries.list_active_units(estate_id=estate_id)
    rooms = {room.room_id: tuple(bed.bed_id for bed in room.beds) for room in unit.rooms}
    return Hostel(estate_id=estate_id, unit_id=unit.id, operator_id=operator_id, rooms=rooms)
