"""Who was to sleep, and who slept, in a stretch of time: for holding the house's figures against the platforms'."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from linli.server.stays.models import Booking, Stay
from linli.server.stays.rules.states import BookingState, StayState


@dataclass(frozen=True, slots=True, kw_only=True)
class NightGuest:
    """One stay in a night: planned from and to, came in and left at; `called_off` never came and never will."""

    stay_id: str
    unit_id: str
    booking_id: str
    person_id: str
    arrive_at: datetime
    leave_at: datetime
    came_at: datetime | None
    left_at: datetime | None
    called_off: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NightBooking:
    """How many guests one booking promises."""

    booking_id: str
    unit_id: str
    guests_expected: int


def list_night_bookings(*, estate_id: str, start: datetime, end: datetime) -> tuple[NightBooking, ...]:
    """This will list the bookings that cover part of a stretch of time and were neither given up nor over before it."""
    rows = Booking.objects.filter(estate_id=estate_id, arrive_at__lt=end, leave_at__gt=start)
    rows = rows.exclude(state__in=[BookingState.CANCELLED, BookingState.NO_SHOW])
    rows = rows.exclude(state=BookingState.CLOSED, closed_at__lte=start)
    return tuple(
        NightBooking(booking_id=booking, unit_id=unit, guests_expected=expected)
        for booking, unit, expected in rows.values_list("id", "unit_id", "guests_expected")
    )


def list_night_guests(*, estate_id: str, start: datetime, end: datetime) -> tuple[NightGuest, ...]:
    """This will list the stays that touch a stretch of time by plan, by booking or by presence, whatever became of them."""
    planned = Q(arrive_at__lt=end, leave_at__gt=start) | Q(booking__arrive_at__lt=end, booking__leave_at__gt=start)
    present = Q(checked_in_at__lt=end) & (Q(checked_out_at__isnull=True) | Q(checked_out_at__gt=start))
    return _guests(Stay.objects.filter(planned | present, estate_id=estate_id))


def list_arrivals(*, estate_id: str, since: datetime) -> tuple[NightGuest, ...]:
    """This will list the stays whose guests came in since an instant, and those who are in the house whenever they came."""
    lately = Q(checked_in_at__gte=since) | Q(state=StayState.IN_HOUSE, checked_in_at__isnull=False)
    return _guests(Stay.objects.filter(lately, estate_id=estate_id))


def _guests(rows: "QuerySet[Stay]") -> tuple[NightGuest, ...]:
    return tuple(_guest(row) for row in rows.only(*_COLUMNS).order_by("id"))


def _guest(row: Stay) -> NightGuest:
    return NightGuest(
        stay_id=row.id,
        unit_id=row.unit_id,
        booking_id=row.booking_id,
        person_id=row.person_id,
        arrive_at=row.arrive_at,
        leave_at=row.leave_at,
        came_at=row.checked_in_at,
        left_at=row.checked_out_at,
        called_off=row.state in (StayState.CANCELLED, StayState.NO_SHOW),
    )


_COLUMNS: Iterable[str] = (
    *("id", "unit_id", "booking_id", "person_id", "arrive_at", "leave_at", "checked_in_at", "checked_out_at", "state"),
)
