"""An operator answers what a feed asked: takes the order in, follows the channel, cancels, or leaves things as they are."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from django.db import transaction
from django.db.models import QuerySet

from linli.server.kernel import locks
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotFound, Refusal
from linli.server.kernel.locks import Lock
from linli.server.privacy import actions as privacy
from linli.server.stays import queries
from linli.server.stays.actions import intake_orders, letting
from linli.server.stays.actions.intake_orders import PLACES, Whence
from linli.server.stays.actions.intake_tasks import order_of
from linli.server.stays.models import FeedEntry, IntakeTask
from linli.server.stays.queries import IntakeTaskView
from linli.server.stays.rules.feeds import FeedOrder
from linli.server.stays.rules.intake import Choice, TaskClosed, TaskKind, check_choice


class OrderOver(Refusal):
    """This order is over, or was booked meanwhile; there is nothing left to take in."""

    zh = "该订单已过期或已登记，无需再处理。"


def answer_task(*, actor: Actor, task_id: str, choice: str, note: str, now: datetime) -> IntakeTaskView:
    """This will do what the operator chose and close the question.

    Refuses with `NotFound`, `NotAllowed`, `TaskClosed`, `NotAnAnswer`, or with what stands in the way, such as `BedTaken`; the question
    then stays open.
    """
    known = IntakeTask.objects.filter(estate_id=actor.estate_id, id=task_id).first()
    if known is None:
        raise NotFound
    if not actor.may(Role.OFFICE, Role.SYSTEM):
        actor.require(Role.OPERATOR, scope=f"operator:{known.operator_id}")
    chosen = check_choice(known.kind, choice)
    with transaction.atomic():
        # The order's lock first, as whoever tells it takes it: then nobody settles the question meanwhile.
        locks.take(Lock.FEED, f"{actor.estate_id}:{known.scope}:{known.ref}")
        row = IntakeTask.objects.select_related("booking", "source").get(id=known.id)
        if row.closed_at is not None:
            raise TaskClosed
        DOING[chosen](actor, row, now)
        IntakeTask.objects.filter(id=row.id).update(
            closed_at=now, closed_by=actor.id, choice=chosen, note=note[:200], order=None
        )
        privacy.record(actor=actor, verb="answer_intake_task", subject=row.id, reason=chosen, now=now)
    return queries.get_task(actor=actor, task_id=row.id)


def _keep(actor: Actor, row: IntakeTask, now: datetime) -> None:
    if row.kind in (TaskKind.CONFLICT, TaskKind.REFUSED):
        # Told again as it is, the order is not tried again; told otherwise it is.
        _entry(row).update(outcome="declined", digest=row.content)


def _take(actor: Actor, row: IntakeTask, now: datetime) -> None:
    order = _told(row)
    taken = intake_orders.book_or_follow(actor=actor, entry=order, whence=_whence(row), now=now)
    if taken.outcome not in ("booked", "changed", "unchanged"):
        raise OrderOver


def _follow(actor: Actor, row: IntakeTask, now: datetime) -> None:
    order, booking, whence = _told(row), row.booking, _whence(row)
    if booking is None:
        raise OrderOver
    unit = intake_orders.unit_for(actor, order, whence)
    if (unit.id, order.arrive_at) == (booking.unit_id, booking.arrive_at) and order.leave_at > booking.leave_at:
        letting.extend_booking(actor=actor, booking_id=booking.id, leave_at=order.leave_at, now=now)
        return
    letting.cancel_booking(actor=actor, booking_id=booking.id, reason="the channel changed the order", now=now)
    wanted = intake_orders.wanted_of(order, unit, whence)
    made = letting.book(actor=actor, wanted=wanted, now=now)
    _entry(row).update(booking_id=made.booking.id, unit_id=unit.id, outcome="changed")


def _cancel(actor: Actor, row: IntakeTask, now: datetime) -> None:
    if row.booking is None:
        raise OrderOver
    letting.cancel_booking(actor=actor, booking_id=row.booking.id, reason="the channel cancelled the order", now=now)
    _entry(row).update(outcome="cancelled")


DOING: Mapping[Choice, Callable[[Actor, IntakeTask, datetime], None]] = MappingProxyType(
    {Choice.KEEP: _keep, Choice.TAKE: _take, Choice.FOLLOW: _follow, Choice.CANCEL: _cancel}
)


def _entry(row: IntakeTask) -> "QuerySet[FeedEntry]":
    return FeedEntry.objects.filter(estate_id=row.estate_id, scope=row.scope, ref=row.ref)


def _told(row: IntakeTask) -> FeedOrder:
    order = order_of(row)
    if order is None:
        raise OrderOver
    return order


def _whence(row: IntakeTask) -> Whence:
    source = row.source
    return Whence(
        feed=row.feed,
        unit_id=row.unit_id,
        room_id=source.room_id if source is not None else None,
        takes=source.takes if source is not None else PLACES,
        source_id=row.source_id,
    )
