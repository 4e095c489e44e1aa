"""What is so about one guest's stay, and about the stays of a day."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.db.models import Q, QuerySet

from linli.server.kernel import clock
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotFound
from linli.server.lettings import queries as lettings
from linli.server.places import queries as places
from linli.server.stays.models import GuardianContact, Stay, StayPolicy
from linli.server.stays.queries.views import (
    DecisionView,
    ReportFacts,
    Said,
    StayPage,
    StayPass,
    StayReport,
    StayRow,
    StayView,
)
from linli.server.stays.rules.admission import DECIDING, Belongs, report_due_at
from linli.server.stays.rules.states import OPEN_STAYS, Policy, ReportState, StayState, identity

PAGE = 50


def policy(*, estate_id: str, now: datetime) -> Policy:
    """This will return the stay policy in force, or the house default when the estate has set none."""
    row = StayPolicy.objects.filter(estate_id=estate_id, in_force_from__lte=now).order_by("-in_force_from").first()
    if row is None:
        return Policy()
    return Policy(
        grace_before=timedelta(minutes=row.grace_before_minutes),
        grace_after=timedelta(minutes=row.grace_after_minutes),
        auto_close_after=timedelta(minutes=row.auto_close_after_minutes),
        no_show_after=timedelta(minutes=row.no_show_after_minutes),
        source=row.source,
    )


def stays() -> QuerySet[Stay]:
    """This will return stays with everything a view needs, in one statement."""
    return Stay.objects.select_related("room", "access_pass")


def get_stay(*, actor: Actor, stay_id: str) -> StayView:
    """This will return one stay to whoever may see it; refuses with `NotFound` or `NotAllowed`."""
    row = stays().filter(estate_id=actor.estate_id, id=stay_id).first()
    if row is None:
        raise NotFound
    require_sight(actor, row)
    return view(row)


def require_sight(actor: Actor, row: Stay) -> None:
    """This will refuse whoever has no business with this stay: an operator sees only own guests, a guest only own stay."""
    staff = (Role.OFFICE, Role.GUARD, Role.POLICE, Role.PROPERTY, Role.COMMITTEE, Role.SYSTEM)
    if actor.may(*staff) or actor.may(Role.GUEST, scope=f"stay:{row.id}"):
        return
    unit = lettings.get_unit(estate_id=row.estate_id, unit_id=row.unit_id)
    actor.require(Role.OPERATOR, scope=f"operator:{unit.operator_id}")


def view(row: Stay, *, unit: lettings.UnitView | None = None) -> StayView:
    """This will show a stay; the unit is looked up unless it is at hand."""
    unit = unit or lettings.get_unit(estate_id=row.estate_id, unit_id=row.unit_id)
    rooms = {room.room_id: room for room in unit.rooms}
    room = rooms.get(row.room_id)
    beds = {bed.bed_id: bed.label for bed in room.beds} if room else {}
    return StayView(
        id=row.id,
        booking_id=row.booking_id,
        unit_id=row.unit_id,
        state=row.state,
        identity=identity(row.level),
        level=row.level,
        name_masked=row.guest_masked,
        document_masked=row.document_masked,
        unit=unit.label_zh,
        room=room.label if room else row.room.code,
        bed=beds.get(row.bed_id or ""),
        minor=row.minor,
        belongs=row.belongs,
        arrive_at=row.arrive_at,
        leave_at=row.leave_at,
        registered_at=row.registered_at,
        checked_in_at=row.checked_in_at,
        checked_out_at=row.checked_out_at,
        decision=_decision(row),
        access_pass=_pass(row),
        report=_report(row),
        next=_next(row),
    )


def _decision(row: Stay) -> DecisionView:
    zh, en = messages(row.decision_row, row.decision_result, row.duties)
    message = Said(zh=zh, en=en)
    return DecisionView(row=row.decision_row, result=row.decision_result, duties=tuple(row.duties), message=message)


def _pass(row: Stay) -> StayPass | None:
    held = row.access_pass
    return StayPass(id=held.id, state=held.state, start=held.start, end=held.end) if held else None


def _report(row: Stay) -> StayReport | None:
    if row.report_state == ReportState.NONE or row.checked_in_at is None:
        return None
    due = report_due_at(Belongs(row.belongs), row.checked_in_at)
    return StayReport(state=row.report_state, receipt=row.receipt, due_at=due)


def _next(row: Stay) -> str:
    if row.state in (StayState.VERIFIED, StayState.IN_HOUSE):
        return "show_code"
    if row.state != StayState.REGISTERED:
        return "closed"
    return "register_document" if "complete_identity" in row.duties else "wait_for_host"


def messages(number: int, result: str, duties: Sequence[str]) -> tuple[str, str]:
    """This will return the table's words for a decided row; rows of one number and result are told apart by their duties."""
    fitting = (
        row for row in DECIDING if row.number == number and row.result == result and set(row.duties) <= set(duties)
    )
    row = next(fitting, None)
    return (row.zh, row.en) if row else ("", "")


def list_stays(
    *,
    actor: Actor,
    day: date | None,
    state: str | None,
    belongs: str | None,
    unit_id: str | None,
    text: str | None,
    page: int,
) -> StayPage:
    """This will list stays that touch a local day, newest arrival first, to whoever may see them."""
    rows = Stay.objects.filter(estate_id=actor.estate_id)
    if not actor.may(Role.OFFICE, Role.GUARD, Role.POLICE, Role.PROPERTY, Role.COMMITTEE, Role.SYSTEM):
        actor.require_any(Role.OPERATOR)
        owned = [scope.removeprefix("operator:") for scope in actor.scopes(Role.OPERATOR)]
        rows = rows.filter(unit__operator_id__in=owned)
    if day is not None:
        start, end = clock.local_day(day, places.zone(estate_id=actor.estate_id))
        rows = rows.filter(arrive_at__lt=end, leave_at__gt=start)
    if state:
        rows = rows.filter(state=state)
    if belongs:
        rows = rows.filter(belongs=belongs)
    if unit_id:
        rows = rows.filter(unit_id=unit_id)
    if text:
        rows = rows.filter(Q(guest_masked__icontains=text) | Q(unit__code__icontains=text))
    total = rows.count()
    page = max(1, page)
    chosen = rows.select_related("unit", "room", "bed").order_by("-arrive_at", "-id")[(page - 1) * PAGE : page * PAGE]
    return StayPage(items=tuple(_row(row) for row in chosen), total=total, page=page, size=PAGE)


def _row(row: Stay) -> StayRow:
    return StayRow(
        id=row.id,
        booking_id=row.booking_id,
        unit_label=row.unit.code,
        room_label=str(row.room.number),
        bed_label=str(row.bed.number) if row.bed else None,
        guest_masked=row.guest_masked,
        kind=row.belongs,
        minor=row.minor,
        state=row.state,
        level=row.level,
        arrive_at=row.arrive_at,
        leave_at=row.leave_at,
        checked_in_at=row.checked_in_at,
        report_state=row.report_state,
    )


def get_report_facts(*, estate_id: str, stay_id: str) -> ReportFacts:
    """This will return what a platform may be told about a stay; the guest's identity is asked of people."""
    row = Stay.objects.select_related("room", "bed").filter(estate_id=estate_id, id=stay_id).first()
    if row is None:
        raise NotFound
    unit = lettings.get_unit(estate_id=estate_id, unit_id=row.unit_id)
    return ReportFacts(
        stay_id=row.id,
        booking_id=row.booking_id,
        person_id=row.person_id,
        document_id=row.document_id,
        unit_id=unit.id,
        unit_code=unit.code,
        unit_mark=unit.mark_code or "",
        address_zh=unit.label_zh,
        room_label=str(row.room.number),
        bed_label=str(row.bed.number) if row.bed else None,
        belongs=row.belongs,
        checked_in_at=row.checked_in_at,
        checked_out_at=row.checked_out_at,
        leave_at=row.leave_at,
        operator_id=unit.operator_id,
        operator_name=unit.operator_name,
        presumed_left=row.presumed_left,
        minor=row.minor,
        relation=row.relation_to_booker,
        company=_company(row) if row.minor else (),
    )


def _company(row: Stay) -> tuple[tuple[str, str], ...]:
    fellows = Stay.objects.filter(booking_id=row.booking_id, minor=False, state__in=OPEN_STAYS).exclude(id=row.id)
    return tuple(fellows.order_by("checked_in_at", "id").values_list("person_id", "document_id"))


def guardian_of(*, stay: Stay) -> GuardianContact | None:
    """This will return the guardian contact of a minor's stay."""
    return GuardianContact.objects.filter(stay=stay).first()
