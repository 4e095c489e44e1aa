"""A guest registers: who, where they sleep, what the table says, and the pass that follows when identity is sure enough."""

from dataclasses import dataclass
from datetime import date, datetime

import structlog
from django.db import connection, transaction

from linli.documents import kinds
from linli.documents.mrz import find_mrz
from linli.server.access import actions as access
from linli.server.access.queries import Origin
from linli.server.kernel import clock, crypto, ids, locks, tickets
from linli.server.kernel.actors import Actor, Role, system
from linli.server.kernel.errors import NotAllowed, NotFound, Refusal
from linli.server.kernel.locks import Lock
from linli.server.kernel.periods import Period
from linli.server.lettings import queries as lettings
from linli.server.people import actions as people
from linli.server.people import queries as people_queries
from linli.server.people.actions import DocumentInput, PersonInput
from linli.server.places import queries as places
from linli.server.privacy import actions as privacy
from linli.server.stays import queries
from linli.server.stays.actions import letting
from linli.server.stays.models import BedHold, Booking, GuardianContact, Stay
from linli.server.stays.queries import StayView
from linli.server.stays.rules import admission
from linli.server.stays.rules.admission import (
    DAY_USE,
    Age,
    Company,
    Decision,
    Elsewhere,
    Facts,
    Guardian,
    Paper,
    Result,
)
from linli.server.stays.rules.beds import Hold, RoomFull, place_for
from linli.server.stays.rules.states import OPEN_STAYS, StayState, check_step

log = structlog.get_logger(__name__)


class RulesChanged(Refusal):
    """The house rules or the privacy notice have a newer version; please read them again."""

    zh = "入住须知或隐私告知已更新，请重新阅读。"


class NoIdentity(Refusal):
    """Nobody may stay without proof of identity (Counter-Terrorism Law art. 21). The nearest police station can issue one."""

    zh = "没有身份证明不能入住（反恐怖主义法第二十一条）。可到最近的派出所开具临时身份证明。"


class AlreadyStaying(Refusal):
    """The same document already has a stay at this time; please say why (moved, or a mistake)."""

    zh = "同一证件在同一时间另有入住登记，请说明原因（已换房或登记有误）。"


class BirthDateNeeded(Refusal):
    """Please give the date of birth."""

    zh = "请填写出生日期。"
    status = 422


class GuardianNeeded(Refusal):
    """A guest under 18 needs a guardian's name, relation and phone."""

    zh = "未满十八周岁的客人须填写监护人姓名、关系和电话。"
    status = 422


class AlreadyRegistered(Refusal):
    """This guest is already registered under this booking."""

    zh = "该客人已在本预订中登记。"


# What changes of a stay while its guest becomes known.
CHANGING = ("state", "access_pass", "level", "eyes", "paper", "decision_row", "decision_result", "duties")
REFUSALS: dict[int, type[Refusal]] = {
    5: NoIdentity,
    15: RoomFull,
    16: letting.UnitNotLetting,
    17: AlreadyStaying,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardianForm:
    """A minor's guardian as the guest states it; `stay_id` names a guest of the same booking."""

    name: str
    relation: str
    phone: str
    stay_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestForm:
    """What a guest, or somebody for them, fills in; without a document the table refuses kindly."""

    person: PersonInput
    document: DocumentInput | None
    house_rules_version: str
    notice_version: str
    room_id: str | None = None
    bed_id: str | None = None
    relation_to_booker: str = ""
    guardian: GuardianForm | None = None
    overlap_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A new stay, and the token with which the guest's phone comes back to it."""

    stay: StayView
    guest_token: str


def register_guest(*, actor: Actor, booking_id: str, form: GuestForm, now: datetime) -> Registered:
    """This will register one guest under a booking, and grant the pass when the table allows it.

    Raises `NotAllowed`, `BookingNotOpen`, `RulesChanged`, the refusals of the table, and whatever people refuse of names and documents.
    """
    with transaction.atomic():
        booking = letting.open_booking(actor=actor, booking_id=booking_id)
        _require_door(actor, booking)
        _check_versions(booking.estate_id, form, now=now)
        if form.document is None:
            raise _refused(5)
        unit = lettings.get_unit(estate_id=booking.estate_id, unit_id=booking.unit_id)
        fellows = list(Stay.objects.filter(booking=booking, state__in=OPEN_STAYS))
        place = _place(booking, unit, fellows, form)
        person = people.identify_visitor(
            actor=system(booking.estate_id),
            person=form.person,
            document=form.document,
            purpose_code="lodging_registration",
            now=now,
        )
        stay = _draft(booking, unit, form, person, fellows, place, actor=actor, now=now)
        decision = admission.decide(_facts(stay, unit, guardian=None, room_full=place is None))
        if decision.result is Result.REFUSE:
            raise _refused(decision.row)
        _note(stay, decision)
        # Written before the pass is granted: the doors' and the audit chain's locks come last.
        stay.save(force_insert=True)
        _write_guardian(stay, form.guardian)
        if decision.result is Result.ALLOW:
            admit(stay, unit=unit, now=now)
        privacy.record(actor=actor, verb="register_guest", subject=stay.id, reason=f"row {decision.row}", now=now)
    return Registered(stay=queries.view(stay, unit=unit), guest_token=guest_token(stay, now=now))


def guest_token(stay: Stay, *, now: datetime) -> str:
    """This will sign the token with which a guest's phone comes back to its stay."""
    return tickets.issue("guest", {"id": stay.id, "estate_id": stay.estate_id}, now=now)


def _require_door(actor: Actor, booking: Booking) -> None:
    if actor.may(Role.GUEST, scope=f"booking:{booking.id}"):
        # A withdrawn link names an older version.
        if actor.id != f"guest:{booking.id}:{booking.link_version}":
            raise NotAllowed
        return
    if not actor.may(Role.GUARD):
        letting.require_letting(actor, booking)


def _check_versions(estate_id: str, form: GuestForm, *, now: datetime) -> None:
    if form.house_rules_version != queries.house_rules(estate_id=estate_id, now=now).version:
        raise RulesChanged(field="house_rules_version")
    if form.notice_version != queries.notice(estate_id=estate_id).version:
        raise RulesChanged(field="notice_version")


def _place(
    booking: Booking, unit: lettings.UnitView, fellows: list[Stay], form: GuestForm
) -> tuple[str, str | None] | None:
    held = (
        BedHold.objects.filter(booking=booking, released_at__isnull=True)
        .order_by("bed_id")
        .values_list("room_id", "bed_id")
    )
    holds = [Hold(room_id=room_id, bed_id=bed_id) for room_id, bed_id in held]
    sleeping = [(fellow.room_id, fellow.bed_id) for fellow in fellows]
    return place_for(unit.rooms, holds=holds, sleeping=sleeping, room_id=form.room_id, bed_id=form.bed_id)


def _refused(row: int) -> Refusal:
    # Nothing of the person is kept, and the log names only the row (反恐怖主义法 art. 21).
    log.info("guest_refused", row=row)
    return REFUSALS[row](row=row)


def _draft(
    booking: Booking,
    unit: lettings.UnitView,
    form: GuestForm,
    person: people_queries.PersonView,
    fellows: list[Stay],
    place: tuple[str, str | None] | None,
    *,
    actor: Actor,
    now: datetime,
) -> Stay:
    if form.document is None or person.document_id is None or person.document_masked is None:
        raise _refused(5)
    if person.birth_date is None:
        raise BirthDateNeeded(field="birth_date")
    if any(fellow.person_id == person.id for fellow in fellows):
        raise AlreadyRegistered
    day = _day(booking.estate_id, booking.arrive_at)
    age = admission.age_band(day, person.birth_date)
    minor = age is not Age.ADULT
    if minor and form.guardian is None:
        raise GuardianNeeded(field="guardian")
    paper, level = _paper(form.document, person, day=_day(booking.estate_id, now))
    return Stay(
        id=ids.new("stay"),
        estate_id=booking.estate_id,
        booking=booking,
        unit_id=unit.id,
        person_id=person.id,
        document_id=person.document_id,
        purpose_id=booking.purpose_id,
        # Without a place it is never stored: the table refuses a full room.
        room_id=place[0] if place else "",
        bed_id=place[1] if place else None,
        guest_masked=person.name_masked,
        belongs=person.belongs,
        age=age,
        minor=minor,
        document_masked=person.document_masked,
        level=level,
        eyes=[],
        paper=paper,
        company=_company(form.guardian, fellows) if minor else Company.ALONE,
        elsewhere=_elsewhere(booking, person.id, form.overlap_reason),
        overlap_reason=form.overlap_reason,
        relation_to_booker=form.relation_to_booker,
        house_rules_version=form.house_rules_version,
        notice_version=form.notice_version,
        arrive_at=booking.arrive_at,
        leave_at=booking.leave_at,
        registered_at=now,
        registered_by=actor.id,
        duties=[],
    )


def _paper(document: DocumentInput, person: people_queries.PersonView, *, day: date) -> tuple[Paper, int]:
    checked = any(form.checked for form in kinds.get_kind(document.kind).forms)
    level = 1 if checked else 0
    if document.mrz:
        zone = find_mrz(document.mrz, today=day)
        if zone is None or not zone.identifies:
            return Paper.MRZ_BAD, 0
        level = 1
    if person.document_valid_until is not None and person.document_valid_until < day:
        return Paper.EXPIRED, level
    return (Paper.CERTIFICATE if document.kind == "police_certificate" else Paper.VALID), level


def _company(guardian: GuardianForm | None, fellows: list[Stay]) -> Company:
    adults = {fellow.id for fellow in fellows if not fellow.minor}
    if guardian is not None and guardian.stay_id in adults:
        return Company.GUARDIAN
    return Company.OTHER_ADULT if adults else Company.ALONE


def _elsewhere(booking: Booking, person_id: str, reason: str) -> Elsewhere:
    # Two registrations of one person queue here, so that neither can miss the other.
    locks.take(Lock.PERSON, person_id)
    others = Stay.objects.filter(
        estate_id=booking.estate_id,
        person_id=person_id,
        state__in=OPEN_STAYS,
        leave_at__gt=booking.arrive_at,
        arrive_at__lt=booking.leave_at,
    )
    if not others.exclude(booking=booking).exists():
        return Elsewhere.NO
    return Elsewhere.EXPLAINED if reason.strip() else Elsewhere.UNEXPLAINED


def _day(estate_id: str, instant: datetime) -> date:
    return clock.local_date(instant, places.zone(estate_id=estate_id))


def _facts(stay: Stay, unit: lettings.UnitView, *, guardian: GuardianContact | None, room_full: bool) -> Facts:
    return Facts(
        paper=Paper(stay.paper),
        age=Age(stay.age),
        belongs=admission.Belongs(stay.belongs),
        level=stay.level,
        company=Company(stay.company),
        guardian=Guardian(guardian.answer) if guardian else Guardian.NOT_ASKED,
        two_eyes=len(set(stay.eyes)) >= 2,
        room_full=room_full,
        unit_letting=unit.state == "ACTIVE",
        elsewhere=Elsewhere(stay.elsewhere),
        by_the_hour=stay.leave_at - stay.arrive_at < DAY_USE,
    )


def _note(stay: Stay, decision: Decision) -> None:
    stay.decision_row, stay.decision_result, stay.duties = decision.row, decision.result, list(decision.duties)


def _write_guardian(stay: Stay, guardian: GuardianForm | None) -> None:
    if guardian is None:
        return
    GuardianContact.objects.create(
        id=ids.new("guard"),
        estate_id=stay.estate_id,
        stay=stay,
        purpose_id=stay.purpose_id,
        name=crypto.seal(guardian.name, context="guardian.name"),
        name_masked=people_queries.masked_name(guardian.name),
        phone=crypto.seal(people_queries.plain_phone(guardian.phone), context="guardian.phone"),
        phone_masked=people_queries.masked_phone(guardian.phone),
        relation=guardian.relation,
        answer=Guardian.NOT_ASKED,
    )


def admit(stay: Stay, *, unit: lettings.UnitView, now: datetime) -> None:
    """This will let a registered guest's pass open; nobody comes here below level 2 (the database sees to it)."""
    stay.state = check_step(stay.state, "verify")
    terms = queries.policy(estate_id=stay.estate_id, now=now)
    granted = access.grant_pass(
        actor=system(stay.estate_id),
        holder_kind="guest",
        holder_id=stay.person_id,
        entrance_id=unit.entrance_id,
        dwelling_id=unit.dwelling_id,
        period=Period(start=stay.arrive_at, end=stay.leave_at).widened(
            before=terms.grace_before, after=terms.grace_after
        ),
        origin=Origin(kind="stay", id=stay.id),
        now=now,
    )
    stay.access_pass_id = granted.id
    stay.save(update_fields=CHANGING)


def locked_stay(*, actor: Actor, stay_id: str) -> Stay:
    """This will lock a stay's row, and before it the booking's, for this transaction; refuses with `NotFound` or `NotAllowed`."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLD_BOOKING, [stay_id, actor.estate_id])
        if cursor.fetchone() is None:
            raise NotFound
    stay = Stay.objects.select_for_update().get(id=stay_id)
    queries.require_sight(actor, stay)
    return stay


_HOLD_BOOKING = """
    SELECT id FROM stays_booking WHERE id = (SELECT booking_id FROM stays_stay WHERE id = %s AND estate_id = %s) FOR UPDATE
"""


def settle(stay: Stay, *, now: datetime) -> lettings.UnitView:
    """This will ask the table again after something about the guest became known, and admit when it allows.

    Returns the unit, which it had to look at, for whoever shows the stay next.
    """
    unit = lettings.get_unit(estate_id=stay.estate_id, unit_id=stay.unit_id)
    if stay.state != StayState.REGISTERED:
        stay.save(update_fields=CHANGING)
        return unit
    guardian = queries.guardian_of(stay=stay) if stay.minor else None
    decision = admission.decide(_facts(stay, unit, guardian=guardian, room_full=False))
    if decision.result is Result.REFUSE:
        raise _refused(decision.row)
    _note(stay, decision)
    if decision.result is Result.ALLOW:
        admit(stay, unit=unit, now=now)
    else:
        stay.save(update_fields=CHANGING)
    return unit
