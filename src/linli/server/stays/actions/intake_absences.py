"""Orders that a calendar no longer names: counted over several good readings, then a question. Absence alone never cancels anything."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from linli.server.stays.actions import intake_tasks
from linli.server.stays.actions.intake_orders import GONE, OPEN_ENDS
from linli.server.stays.actions.intake_tasks import About
from linli.server.stays.models import FeedEntry, Stay
from linli.server.stays.rules.feeds import timing
from linli.server.stays.rules.intake import TaskKind
from linli.server.stays.rules.states import OPEN_STAYS, BookingState


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """An order that has been missing for so long that its operator was asked."""

    ref: str
    booking_id: str | None
    task_id: str


def expected(*, estate_id: str, scope: str, now: datetime) -> QuerySet[FeedEntry]:
    """This will list the orders that a good calendar should still name: booked and not begun."""
    return FeedEntry.objects.filter(
        estate_id=estate_id, scope=scope, booking__state=BookingState.BOOKED, booking__arrive_at__gt=now
    )


def has_open_ends(*, estate_id: str, scope: str) -> bool:
    """This will say whether a calendar must be read in full: an order waits for beds, or is being missed."""
    waiting = Q(outcome__in=OPEN_ENDS) | Q(missed__gt=0, booking__state=BookingState.BOOKED)
    return FeedEntry.objects.filter(waiting, estate_id=estate_id, scope=scope).exists()


def note_absences(*, about: About, named: Collection[str], now: datetime) -> tuple[Absence, ...]:
    """This will count one good reading that lacked these orders, and ask about those that are gone; call it never for an empty one."""
    with transaction.atomic():
        gone = expected(estate_id=about.estate_id, scope=about.scope, now=now).exclude(ref__in=list(named))
        asked = [_missed(about, row, now=now) for row in gone.select_for_update(of=("self",)).order_by("id")]
        _forget_open_ends(about, named, now=now)
    return tuple(absence for absence in asked if absence is not None)


def _missed(about: About, row: FeedEntry, *, now: datetime) -> Absence | None:
    row.missed += 1
    row.first_missed_at = row.first_missed_at or now
    row.save(update_fields=["missed", "first_missed_at"])
    if not timing.is_gone(missed=row.missed, first_missed_at=row.first_missed_at, now=now):
        return None
    registered = Stay.objects.filter(booking_id=row.booking_id, state__in=OPEN_STAYS).count()
    task_id = intake_tasks.ask(
        about=About(
            estate_id=about.estate_id,
            operator_id=about.operator_id,
            scope=about.scope,
            feed=about.feed,
            ref=row.ref,
            unit_id=row.unit_id,
            source_id=about.source_id,
        ),
        kind=TaskKind.MISSING,
        content=row.digest,
        booking=row.booking,
        facts={"registered": registered},
        now=now,
    )
    return Absence(ref=row.ref, booking_id=row.booking_id, task_id=task_id)


def _forget_open_ends(about: About, named: Collection[str], *, now: datetime) -> None:
    # An order that never got its beds and is no longer told needs no answer.
    waiting = FeedEntry.objects.filter(estate_id=about.estate_id, scope=about.scope, outcome__in=OPEN_ENDS)
    for row in waiting.filter(booking__isnull=True).exclude(ref__in=list(named)).order_by("id"):
        first, missed = row.first_missed_at or now, row.missed + 1
        FeedEntry.objects.filter(id=row.id).update(missed=missed, first_missed_at=first)
        if timing.is_gone(missed=missed, first_missed_at=first, now=now):
            intake_tasks.settle(estate_id=about.estate_id, scope=about.scope, ref=row.ref, now=now)
            FeedEntry.objects.filter(id=row.id).update(outcome=GONE)
