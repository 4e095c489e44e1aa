"""The outbox: an event is a row of the transaction in which it happened, and is done when every reaction to it has committed.

The wake-up is a NOTIFY after commit and may be lost; the relay's sweep is the guarantee. Order is kept per key (a stay, a unit),
because an action holds the row lock of its aggregate while it publishes; there is no order between keys.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import structlog
from django.db import connection, transaction
from pydantic import TypeAdapter

from linli.server.kernel import clock
from linli.server.kernel.models import OutboxEvent

CHANNEL = "linli_outbox"
BATCH = 200
LAST_PAUSE = timedelta(minutes=10)
log = structlog.get_logger(__name__)

Reaction = Callable[[Any, datetime], None]
Reactions = Mapping[type, Sequence[Reaction]]


def publish(event: object, *, estate_id: str, key: str, now: datetime) -> None:
    """This will write the event into the outbox; call it inside the transaction that makes the event true."""
    publish_all([(key, event)], estate_id=estate_id, now=now)


def publish_all(events: Iterable[tuple[str, object]], *, estate_id: str, now: datetime) -> None:
    """This will write several events, each with its key, in one statement and with one wake-up."""
    rows = [
        OutboxEvent(
            estate_id=estate_id,
            key=key,
            type=type_name(type(event)),
            body=_adapter(type(event)).dump_python(event, mode="json"),
            published_at=now,
            next_try_at=now,
        )
        for key, event in events
    ]
    if rows:
        OutboxEvent.objects.bulk_create(rows)
        transaction.on_commit(_wake, robust=True)


def type_name(event_type: type) -> str:
    """This will name an event as `domain.PastTense`."""
    return f"{event_type.__module__.split('.')[-2]}.{event_type.__name__}"


@cache
def _adapter(event_type: type) -> TypeAdapter[Any]:
    return TypeAdapter(event_type)


def _wake() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {CHANNEL}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """How many events one sweep finished and how many it had to put off."""

    done: int
    failed: int


class Relay:
    """This will carry events from the outbox to their reactions, each in one transaction with the mark that it is done."""

    def __init__(self, reactions: Reactions) -> None:
        self._reactions = {type_name(kind): (kind, tuple(handlers)) for kind, handlers in reactions.items()}

    def sweep(self) -> Swept:
        """This will react to what is due, oldest first; a failing event holds back only the later events of its own key."""
        done = failed = 0
        now = clock.now()
        held: set[tuple[str, str]] = set()
        for event_id, estate_id, key in _due(now):
            if (estate_id, key) in held:
                continue
            outcome = self._react(event_id)
            done += outcome is True
            failed += outcome is False
            if not outcome:
                held.add((estate_id, key))
        return Swept(done=done, failed=failed)

    def drain(self, *, limit: int = 10_000) -> int:
        """This will sweep until nothing is due, and return how many events were done."""
        total = 0
        while total < limit:
            swept = self.sweep()
            total += swept.done
            if swept.done == 0:
                break
        return total

    def _react(self, event_id: int) -> bool | None:
        """Carry one event: True when it is done, False when it failed, None when another relay holds it or has just finished it."""
        try:
            with transaction.atomic():
                row = (
                    OutboxEvent.objects.select_for_update(skip_locked=True)
                    .filter(id=event_id, done_at__isnull=True)
                    .first()
                )
                if row is None:
                    # Another relay has it in hand: what follows under its key must wait for that one.
                    return None
                kind, reactions = self._reactions.get(row.type, (None, ()))
                if kind is None:
                    # An event of a type that nobody knows is kept and shown, never dropped: it may come from a newer release.
                    raise LookupError(f"no reaction is wired for {row.type}")
                now = clock.now()
                event = _adapter(kind).validate_python(row.body)
                for reaction in reactions:
                    reaction(event, now)
                row.done_at = now
                row.save(update_fields=["done_at"])
        except Exception as problem:
            _put_off(event_id, problem)
            return False
        return True


def _due(now: datetime) -> list[tuple[int, str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT o.id, o.estate_id, o.key FROM kernel_outboxevent o
            WHERE o.done_at IS NULL AND o.next_try_at <= %s
              AND NOT EXISTS (SELECT 1 FROM kernel_outboxevent e WHERE e.done_at IS NULL AND e.estate_id = o.estate_id
                              AND e.key = o.key AND e.id < o.id AND e.next_try_at > %s)
            ORDER BY o.id LIMIT %s
            """,
            [now, now, BATCH],
        )
        return cursor.fetchall()


def _put_off(event_id: int, problem: Exception) -> None:
    now = clock.now()
    row = OutboxEvent.objects.filter(id=event_id).first()
    if row is None:
        return
    row.attempts += 1
    row.failure = _storable(f"{type(problem).__name__}: {problem}"[:500])
    row.next_try_at = now + min(LAST_PAUSE, timedelta(seconds=2 ** min(row.attempts, 12)))
    row.save(update_fields=["attempts", "failure", "next_try_at"])
    log.warning(
        "reaction_failed", kind=row.type, event_id=event_id, attempts=row.attempts, problem=type(problem).__name__
    )


def _storable(text: str) -> str:
    # What a failure says may hold what a text column does not; it must never keep the failure itself from being noted.
    return text.encode(errors="replace").decode().replace("\x00", "?")


def count_waiting() -> int:
    """This will count events that somebody has still to react to."""
    return OutboxEvent.objects.filter(done_at__isnull=True).count()


def forget_done(*, now: datetime) -> int:
    """This will delete events that were done a week ago, and return how many."""
    return OutboxEvent.objects.filter(done_at__lt=now - timedelta(days=7)).delete()[0]
