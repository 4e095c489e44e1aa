"""A night's figures, flat by flat, gathered from stays, gates and reports; nothing is written here."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar

import structlog

from linli.server.access import queries as access
from linli.server.connectors.models import Report
from linli.server.connectors.protocol import CountsNights, Platform
from linli.server.connectors.reconciling import rules
from linli.server.connectors.reconciling.rules import Entry, Figures, Night, Sleeper, Told
from linli.server.connectors.rules import OFFICE, MessageKind, Reason, ReportState, SubjectKind
from linli.server.lettings import queries as lettings
from linli.server.stays import queries as stays
from linli.server.stays.queries import NightGuest

log = structlog.get_logger(__name__)
OfUnit = TypeVar("OfUnit", Sleeper, Entry)
# What may not leave is nobody's omission: such a guest is not missed at that platform.
WITHHELD = (Reason.NO_CONSENT, Reason.FICTIONAL_ONLY)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitNight:
    """One flat's night: what the house knows of it, for holding it against any platform."""

    unit_id: str
    unit_label: str
    unit_mark: str
    operator_id: str
    expected: Mapping[str, int] = field(default_factory=dict)
    guests: tuple[Sleeper, ...] = ()
    strangers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """One flat's figures beside one platform, and the reports behind them."""

    unit: UnitNight
    figures: Figures
    told: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Guests of one flat who came in on one evening's account and of whom a platform is to be told and was not."""

    unit_id: str
    unit_label: str
    evening: date
    arrived: int
    reported: int


def list_unit_nights(*, estate_id: str, night: Night) -> tuple[UnitNight, ...]:
    """This will gather what the house knows of every flat with anybody booked, registered or let in that night."""
    guests = stays.list_night_guests(estate_id=estate_id, start=night.begins, end=night.ends)
    expected: dict[str, dict[str, int]] = defaultdict(dict)
    for booking in stays.list_night_bookings(estate_id=estate_id, start=night.begins, end=night.ends):
        expected[booking.unit_id][booking.booking_id] = booking.guests_expected
    sleepers = _by_unit(_sleeper(guest) for guest in guests)
    entries = _by_unit(_entries(estate_id=estate_id, night=night, guests=guests))
    units = lettings.list_units_by_id(estate_id=estate_id, unit_ids={*expected, *sleepers, *entries})
    return tuple(
        UnitNight(
            unit_id=unit.id,
            unit_label=unit.code,
            unit_mark=unit.mark_code or "",
            operator_id=unit.operator_id,
            expected=expected.get(unit.id, {}),
            guests=tuple(sleepers.get(unit.id, ())),
            strangers=rules.count_strangers(
                entries=entries.get(unit.id, ()), guests=sleepers.get(unit.id, ()), night=night
            ),
        )
        for unit in units
    )


def count_house(*, units: Iterable[UnitNight], night: Night) -> tuple[Counted, ...]:
    """This will count every flat's night by itself, without any platform."""
    return tuple(Counted(unit=unit, figures=_figures(unit, told={}, counted=None, night=night)) for unit in units)


def count_platform(
    *, estate_id: str, platform: str, units: Sequence[UnitNight], theirs: Mapping[str, int] | None, night: Night
) -> tuple[Counted, ...]:
    """This will hold every flat's night against one platform; `theirs` is by unit mark, None when it is not known.

    A mark of ours under which the other side has guests and we have nobody counts too.
    """
    everywhere = [*units, *_only_theirs(estate_id=estate_id, known=units, theirs=theirs or {})]
    told = list_told(
        estate_id=estate_id,
        platform=platform,
        stay_ids=[guest.stay_id for unit in everywhere for guest in unit.guests],
    )
    return tuple(
        Counted(
            unit=unit,
            figures=_figures(unit, told=told, counted=_theirs(unit, theirs), night=night),
            told=tuple(told[guest.stay_id] for guest in unit.guests if guest.stay_id in told),
        )
        for unit in everywhere
    )


def ask_platform(*, platform: Platform, night: Night) -> tuple[bool | None, Mapping[str, int] | None]:
    """This will ask a platform what it has of a night: whether that is known (None: it never counts nights), and the figures."""
    if not isinstance(platform, CountsNights):
        return None, None
    try:
        theirs = platform.count_guests(night=night.date)
    except Exception as problem:
        # One platform's trouble is not another's: its figure is not known, and the night is counted all the same.
        log.warning("night_not_known", platform=platform.name, problem=type(problem).__name__)
        theirs = None
    return theirs is not None, theirs


def list_told(*, estate_id: str, platform: str, stay_ids: Iterable[str]) -> Mapping[str, Told]:
    """This will say of stays, by id, where the report of the guest's arrival stands; who is in no report is left out."""
    rows = Report.objects.filter(
        estate_id=estate_id,
        platform=platform,
        subject_kind=SubjectKind.STAY,
        kind=MessageKind.CHECK_IN,
        subject_id__in=set(stay_ids),
    )
    return {
        stay_id: Told(
            receipted=state == ReportState.ACCEPTED,
            withheld=state == ReportState.PARKED and reason in WITHHELD,
            owner=owner or OFFICE,
            due_at=due_at,
        )
        for stay_id, state, reason, owner, due_at in rows.values_list(
            "subject_id", "state", "reason", "owner", "due_at"
        )
    }


def list_silences(*, estate_id: str, platform: str, since: datetime, zone: str, now: datetime) -> tuple[Silence, ...]:
    """This will list the flats with guests who came in, of whom one platform was told nothing; there must be none."""
    arrived = [
        guest
        for guest in stays.list_arrivals(estate_id=estate_id, since=since)
        if guest.came_at is not None and guest.came_at <= now - rules.MOMENT
    ]
    told = list_told(estate_id=estate_id, platform=platform, stay_ids=[guest.stay_id for guest in arrived])
    by_evening: dict[tuple[str, date], list[bool]] = defaultdict(list)
    for guest in arrived:
        if guest.came_at is not None:
            evening = rules.evening_of(guest.came_at, zone=zone)
            by_evening[guest.unit_id, evening].append(guest.stay_id in told)
    missing = {key: heard for key, heard in by_evening.items() if not all(heard)}
    labels = {
        unit.id: unit.code
        for unit in lettings.list_units_by_id(estate_id=estate_id, unit_ids={unit_id for unit_id, _ in missing})
    }
    return tuple(
        Silence(unit_id=unit_id, unit_label=labels[unit_id], evening=evening, arrived=len(heard), reported=sum(heard))
        for (unit_id, evening), heard in missing.items()
    )


def _figures(unit: UnitNight, *, told: Mapping[str, Told], counted: int | None, night: Night) -> Figures:
    return rules.figures_of(
        expected=unit.expected, guests=unit.guests, told=told, strangers=unit.strangers, counted=counted, night=night
    )


def _theirs(unit: UnitNight, theirs: Mapping[str, int] | None) -> int | None:
    return None if theirs is None else theirs.get(unit.unit_mark, 0)


def _only_theirs(*, estate_id: str, known: Iterable[UnitNight], theirs: Mapping[str, int]) -> list[UnitNight]:
    marks = {mark for mark, number in theirs.items() if number} - {unit.unit_mark for unit in known}
    if not marks:
        return []
    # Marks that are not ours belong to other estates of the same platform.
    return [
        UnitNight(unit_id=unit.id, unit_label=unit.code, unit_mark=unit.mark_code or "", operator_id=unit.operator_id)
        for unit in lettings.list_marked_units(estate_id=estate_id)
        if unit.mark_code in marks
    ]


def _entries(*, estate_id: str, night: Night, guests: Iterable[NightGuest]) -> Iterable[Entry]:
    by_stay = {guest.stay_id: guest for guest in guests}
    by_person = {guest.person_id: guest.unit_id for guest in guests if not guest.called_off}
    for entry in access.list_night_entries(estate_id=estate_id, start=night.evening, end=night.ends):
        guest = by_stay.get(entry.origin_id)
        unit_id = guest.unit_id if guest else by_person.get(entry.host_id or "")
        if unit_id is not None:
            yield Entry(
                origin_kind=entry.origin_kind,
                origin_id=entry.origin_id,
                holder_id=entry.holder_id,
                unit_id=unit_id,
                last_at=entry.last_at,
                own=guest is not None and guest.person_id == entry.holder_id,
            )


def _sleeper(guest: NightGuest) -> Sleeper:
    return Sleeper(
        stay_id=guest.stay_id,
        unit_id=guest.unit_id,
        booking_id=guest.booking_id,
        arrive_at=guest.arrive_at,
        leave_at=guest.leave_at,
        came_at=guest.came_at,
        left_at=guest.left_at,
        called_off=guest.called_off,
    )


def _by_unit(rows: Iterable[OfUnit]) -> dict[str, list[OfUnit]]:
    found: dict[str, list[OfUnit]] = defaultdict(list)
    for row in rows:
        found[row.unit_id].append(row)
    return found
