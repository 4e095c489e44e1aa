"""Questions for an operator: asked once however often a feed repeats itself, answered by a person, or settled by later facts."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import F

from linli.server.kernel import crypto, ids
from linli.server.stays.models import Booking, IntakeTask
from linli.server.stays.rules.feeds import FeedOrder
from linli.server.stays.rules.intake import Choice, TaskKind

SEALED_AS = "intake.order"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a question is about: whose reference, where it came from, whose flat it is."""

    estate_id: str
    operator_id: str
    scope: str
    feed: str
    ref: str
    unit_id: str | None = None
    source_id: str | None = None


def ask(
    *,
    about: About,
    kind: TaskKind,
    content: str,
    code: str = "",
    booking: Booking | None = None,
    order: FeedOrder | None = None,
    facts: Mapping[str, Any] | None = None,
    now: datetime,
) -> str:
    """This will open a question, or count it once more, and return its id; answered with the same content, it stays answered.

    Older questions about the same order are overtaken.
    """
    sealed = crypto.seal(_written(order), context=SEALED_AS) if order is not None else None
    row, new = IntakeTask.objects.get_or_create(
        estate_id=about.estate_id,
        kind=kind,
        scope=about.scope,
        ref=about.ref,
        content=content,
        defaults={
            "id": ids.new("task"),
            "operator_id": about.operator_id,
            "unit_id": about.unit_id,
            "source_id": about.source_id,
            "booking": booking,
            "feed": about.feed,
            "code": code[:40],
            "facts": {**(dict(facts) if facts else {}), **_sides(order, booking)},
            "order": sealed,
            "opened_at": now,
            "seen_at": now,
        },
    )
    if new:
        settle(estate_id=about.estate_id, scope=about.scope, ref=about.ref, but=row.id, superseded=True, now=now)
    elif row.closed_at is None:
        IntakeTask.objects.filter(id=row.id).update(times=F("times") + 1, seen_at=now, code=code[:40])
    return row.id


def settle(
    *,
    estate_id: str,
    scope: str,
    ref: str,
    kinds: Collection[TaskKind] = tuple(TaskKind),
    but: str = "",
    superseded: bool = False,
    now: datetime,
) -> int:
    """This will close what is still open about an order that needs no answer any more, and return how many."""
    still = IntakeTask.objects.filter(
        estate_id=estate_id, scope=scope, ref=ref, kind__in=kinds, closed_at__isnull=True
    ).exclude(id=but)
    choice = Choice.SUPERSEDED if superseded else Choice.SETTLED
    return still.update(closed_at=now, closed_by="system", choice=choice, order=None)


def order_of(row: IntakeTask) -> FeedOrder | None:
    """This will open the order as it was told, if the question still keeps it."""
    if row.order is None:
        return None
    told = json.loads(crypto.unseal(bytes(row.order), context=SEALED_AS))
    for name in ("arrive_at", "leave_at"):
        told[name] = datetime.fromisoformat(told[name])
    return FeedOrder(**told)


def _written(order: FeedOrder) -> str:
    return json.dumps(asdict(order), default=datetime.isoformat, ensure_ascii=False)


def _sides(order: FeedOrder | None, booking: Booking | None) -> dict[str, Any]:
    # Periods and heads only: who comes is nobody's business here, and a closed task is kept.
    sides: dict[str, Any] = {}
    if order is not None:
        sides["told"] = _side(order.arrive_at, order.leave_at, order.guests)
    if booking is not None:
        sides["ours"] = _side(booking.arrive_at, booking.leave_at, booking.guests_expected)
    return sides


def _side(arrive_at: datetime, leave_at: datetime, guests: int) -> dict[str, Any]:
    return {"arrive_at": arrive_at.isoformat(), "leave_at": leave_at.isoformat(), "guests": guests}
