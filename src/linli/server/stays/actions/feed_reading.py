"""The worker reads calendars: each by one reader at a time, within limits, and a reading that is not whole changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction

from linli.server.kernel import crypto, http
from linli.server.kernel.actors import Actor, Grant, Role
from linli.server.kernel.errors import NotFound
from linli.server.kernel.http import Download, NoAnswer
from linli.server.lettings import queries as lettings
from linli.server.places import queries as places
from linli.server.stays.actions import intake_absences, intake_orders, intake_tasks
from linli.server.stays.actions.feeds import SEALED_AS
from linli.server.stays.actions.intake import OF_NOTE, FeedRow, problem_row, row_of
from linli.server.stays.actions.intake_orders import Whence
from linli.server.stays.actions.intake_tasks import About
from linli.server.stays.models import FeedSource
from linli.server.stays.rules.feeds import HARMLESS, WHOLE_FILE, FeedOrder, FeedProblem, occupied, read_calendar, timing
from linli.server.stays.rules.intake import TaskKind

MOST_BYTES = 2 * 1024 * 1024
READING_SECONDS = 20.0
LEASE = timedelta(minutes=5)
LINES_KEPT = 20
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One reader's turn at one calendar; once somebody else has a later turn, this one changes nothing more."""

    feed_id: str
    number: int


# Readers that come at once take different calendars; the lease ends by itself when a reader dies.
CLAIM = """
    UPDATE stays_feedsource SET lease_until = %(until)s, turn = turn + 1, tried_at = %(now)s
    WHERE id IN (
        SELECT id FROM stays_feedsource
        WHERE state = 'ACTIVE' AND next_at <= %(now)s AND (lease_until IS NULL OR lease_until <= %(now)s)
        ORDER BY next_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
    )
    RETURNING id, turn
"""


def claim_due_feeds(*, most: int, now: datetime) -> tuple[Turn, ...]:
    """This will take the turn at calendars that are due, at most so many."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CLAIM, {"until": now + LEASE, "now": now, "most": most})
        return tuple(Turn(feed_id=row[0], number=row[1]) for row in cursor.fetchall())


def read_followed(*, turn: Turn, draw: float, now: datetime) -> str:
    """This will read one calendar and take in what it tells; returns `good`, `empty`, `unchanged`, `late`, `ended`, or what went wrong.

    `draw` in 0..1 spreads the next readings. Never raises for what the other side does.
    """
    row = FeedSource.objects.filter(id=turn.feed_id, turn=turn.number, state="ACTIVE").first()
    if row is None:
        return "late"
    try:
        unit = lettings.get_unit(estate_id=row.estate_id, unit_id=row.unit_id)
    except NotFound:
        return _failed(row, turn, None, "no_unit", draw=draw, now=now)
    if unit.state == "CLOSED":
        _end_turn(turn, {"state": "ENDED", "ended_at": now})
        return "ended"
    about = _about(row, unit)
    try:
        answer = _fetched(row, about)
    except NoAnswer as silence:
        return _failed(row, turn, about, silence.reason, draw=draw, now=now)
    if answer.status == 304:
        return _noted(row, turn, about, "unchanged", {"good_at": now}, draw=draw, now=now)
    if answer.status != 200:
        return _failed(row, turn, about, f"http_{answer.status}", draw=draw, now=now)
    found = _entries(row, answer)
    wrong = next((entry for entry in found if isinstance(entry, FeedProblem) and entry.code in WHOLE_FILE), None)
    if wrong is not None:
        return _failed(row, turn, about, wrong.code, draw=draw, now=now)
    # Asked for without a lock, and perhaps slowly: whoever came later knows better.
    if not FeedSource.objects.filter(id=row.id, turn=turn.number, state="ACTIVE").exists():
        return "late"
    return _taken_in(row, turn, about, unit, found, answer, draw=draw, now=now)


def _about(row: FeedSource, unit: lettings.UnitView) -> About:
    return About(
        estate_id=row.estate_id,
        operator_id=unit.operator_id,
        scope=f"source:{row.id}",
        feed=row.name[:40],
        ref="",
        unit_id=unit.id,
        source_id=row.id,
    )


def _fetched(row: FeedSource, about: About) -> Download:
    headers = {"Accept": "text/calendar, text/plain;q=0.5, */*;q=0.1", "User-Agent": "Linli-Calendar/1"}
    # What waits for beds or is being missed is looked at again: then the whole calendar is wanted, changed or not.
    if not intake_absences.has_open_ends(estate_id=row.estate_id, scope=about.scope):
        asked = {"If-None-Match": row.etag, "If-Modified-Since": row.modified}
        headers |= {name: value for name, value in asked.items() if value}
    return http.download(
        crypto.unseal(bytes(row.url), context=SEALED_AS),
        headers=headers,
        nearby=settings.LINLI_NEARBY_FEEDS,
        most_bytes=MOST_BYTES,
        seconds=READING_SECONDS,
    )


def _entries(row: FeedSource, answer: Download) -> list[FeedOrder | FeedProblem]:
    return read_calendar(
        answer.body,
        zone=places.zone(estate_id=row.estate_id),
        content_type=answer.content_type,
        own=occupied.own_ending(row.estate_id),
    )


def _taken_in(
    row: FeedSource,
    turn: Turn,
    about: About,
    unit: lettings.UnitView,
    found: Sequence[FeedOrder | FeedProblem],
    answer: Download,
    *,
    draw: float,
    now: datetime,
) -> str:
    orders = [entry for entry in found if isinstance(entry, FeedOrder)]
    others = [problem_row(entry) for entry in found if isinstance(entry, FeedProblem)]
    if not found and intake_absences.expected(estate_id=row.estate_id, scope=about.scope, now=now).exists():
        return _failed(row, turn, about, "empty", draw=draw, now=now)
    whence = Whence(
        feed=about.feed, unit_id=unit.id, room_id=row.room_id, takes=row.takes, source_id=row.id, told_at=None
    )
    actor = _actor(row, unit)
    rows = [row_of(entry, intake_orders.take_in(actor=actor, entry=entry, whence=whence, now=now)) for entry in orders]
    if found:
        intake_absences.note_absences(about=about, named={entry.ref for entry in found}, now=now)
    facts = {
        "etag": answer.etag,
        "modified": answer.modified,
        "good_at": now,
        "orders": len(orders),
        "blocks": sum(1 for entry in others if entry.code in HARMLESS),
        "lines": [_line(entry) for entry in [*others, *rows] if entry.outcome in OF_NOTE][:LINES_KEPT],
    }
    return _noted(row, turn, about, "good" if found else "empty", facts, draw=draw, now=now)


def _actor(row: FeedSource, unit: lettings.UnitView) -> Actor:
    grant = Grant(role=Role.OPERATOR, scope=f"operator:{unit.operator_id}")
    return Actor(id=f"feed:{row.id}", estate_id=row.estate_id, grants=frozenset({grant}))


def _line(entry: FeedRow) -> dict[str, Any]:
    return {"line": entry.line, "ref": entry.ref, "code": entry.code, "zh": entry.zh, "en": entry.en}


def _noted(
    row: FeedSource, turn: Turn, about: About, outcome: str, facts: dict[str, Any], *, draw: float, now: datetime
) -> str:
    every = timedelta(minutes=row.every_minutes)
    told = {"failing_since": None, "failures": 0, "problem": "", **facts}
    _end_turn(turn, {**told, "next_at": timing.next_look(every=every, failures=0, draw=draw, now=now)})
    if row.failing_since is not None:
        intake_tasks.settle(estate_id=row.estate_id, scope=about.scope, ref="", now=now)
    return outcome


def _failed(row: FeedSource, turn: Turn, about: About | None, reason: str, *, draw: float, now: datetime) -> str:
    """This will note that nothing usable came: bookings stay as they are, the next look is later, and a long silence is told."""
    failures, since = row.failures + 1, row.failing_since or now
    every = timedelta(minutes=row.every_minutes)
    told = {"failing_since": since, "failures": failures, "problem": reason[:40]}
    _end_turn(turn, {**told, "next_at": timing.next_look(every=every, failures=failures, draw=draw, now=now)})
    if about is not None and timing.is_silent(failing_since=since, now=now):
        with transaction.atomic():
            intake_tasks.ask(about=about, kind=TaskKind.FEED_SILENT, content=since.isoformat(), code=reason, now=now)
    # The address is a secret; the row's id is not.
    log.info("feed_failed", feed=row.id, reason=reason, failures=failures)
    return reason


def _end_turn(turn: Turn, facts: dict[str, Any]) -> None:
    FeedSource.objects.filter(id=turn.feed_id, turn=turn.number).update(lease_until=None, **facts)
