"""The figures of a day, and the two that must always be zero."""

from collections import Counter
from datetime import date, datetime
from itertools import pairwise

from linli.server.kernel import clock
from linli.server.places import queries as places
from linli.server.stays.models import BedHold, Booking, Stay
from linli.server.stays.queries.views import Tonight
from linli.server.stays.rules.states import GONE, BookingState, ReportState, StayState


def count_tonight(*, estate_id: str, day: date) -> Tonight:
    """This will count the guests of one local day by state; `booked` is how many were expected."""
    start, end = clock.local_day(day, places.zone(estate_id=estate_id))
    bookings = Booking.objects.filter(estate_id=estate_id, arrive_at__lt=end, leave_at__gt=start)
    expected = sum(bookings.exclude(state=BookingState.CANCELLED).values_list("guests_expected", flat=True))
    found = Stay.objects.filter(estate_id=estate_id, arrive_at__lt=end, leave_at__gt=start).values_list(
        "state", flat=True
    )
    states = Counter(found)
    return Tonight(
        booked=expected,
        registered=sum(states.values()) - states[StayState.CANCELLED],
        verified=states[StayState.VERIFIED] + states[StayState.IN_HOUSE] + sum(states[state] for state in GONE),
        in_house=states[StayState.IN_HOUSE],
        left=sum(states[state] for state in GONE),
        no_show=states[StayState.NO_SHOW],
    )


def count_reports(*, estate_id: str, day: date) -> dict[str, int]:
    """This will count the day's stays by the state of their lodging report."""
    start, end = clock.local_day(day, places.zone(estate_id=estate_id))
    rows = Stay.objects.filter(estate_id=estate_id, checked_in_at__isnull=False, arrive_at__lt=end, leave_at__gt=start)
    return dict(Counter(rows.values_list("report_state", flat=True)))


def count_silent(*, estate_id: str) -> int:
    """This will count stays of guests who came in and whose report is in no state but 'due': zero once the relay has run."""
    rows = Stay.objects.filter(estate_id=estate_id, checked_in_at__isnull=False)
    return rows.filter(report_state__in=[ReportState.NONE, ReportState.DUE]).count()


def count_double_bookings(*, estate_id: str) -> int:
    """This will count beds held twice at once; the exclusion constraint keeps it zero, this looks without trusting it."""
    pairs = BedHold.objects.filter(estate_id=estate_id, released_at__isnull=True).values_list("bed_id", "period")
    by_bed: dict[str, list[tuple[datetime, datetime]]] = {}
    for bed_id, period in pairs:
        by_bed.setdefault(bed_id, []).append((period.lower, period.upper))
    return sum(_overlaps(sorted(periods)) for periods in by_bed.values())


def _overlaps(periods: list[tuple[datetime, datetime]]) -> int:
    return sum(1 for before, after in pairwise(periods) if after[0] < before[1])


def count_checked_in(*, estate_id: str) -> int:
    """This will count stays whose guest has come in, whenever."""
    return Stay.objects.filter(estate_id=estate_id, checked_in_at__isnull=False).count()
