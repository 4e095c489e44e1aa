"""The live board: of every gate whether it is there, how old its list is, what its devices and alarms say, and who last passed."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from linli.server.access.queries.boxes import ONLINE_WITHIN


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardTerminals:
    """A gate's devices: how many, how many answer, and passes that wait for a device or that it would not take."""

    known: int
    online: int
    pending: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LastPassage:
    """What a gate's journal last says of somebody at the door."""

    happened_at: datetime
    method: str
    direction: str
    opened: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardGate:
    """One gate on the board.

    `list_age_s` is since the server last stood where the gate's list stands; None before it had one. `missing` lines of its journal are
    known to be owed; `unsent` adds what a silent gate has likely written since, at the rate of its last hundred lines.
    """

    code: str
    name_zh: str
    name_en: str
    kind: str
    online: bool
    last_seen_at: datetime | None
    version: int
    behind: int
    list_age_s: float | None
    terminals: BoardTerminals
    alarms: tuple[str, ...]
    unseen_alarms: int
    last_passage: LastPassage | None
    missing: int
    unsent: int


def get_board(*, estate_id: str, now: datetime) -> tuple[BoardGate, ...]:
    """This will show every gate of the estate by code, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_BOARD, {"estate": estate_id, "now": now, "heard": now - ONLINE_WITHIN})
        return tuple(_gate(row, now) for row in cursor.fetchall())


def _gate(row: tuple[Any, ...], now: datetime) -> BoardGate:
    code, name_zh, name_en, kind, online, seen, version, newest, applied_at = row[:9]
    known, answering, pending, failed, alarms, unseen, missing, rate, passage = row[9:]
    behind = max(0, newest - version)
    # A box that asks and has missed nothing holds the list of this moment, however old its last change is.
    stands_at = seen if not behind else applied_at
    silent_s = 0.0 if online or seen is None else (now - seen).total_seconds()
    return BoardGate(
        code=code,
        name_zh=name_zh,
        name_en=name_en,
        kind=kind,
        online=online,
        last_seen_at=seen,
        version=version,
        behind=behind,
        list_age_s=None if not version or stands_at is None else max(0.0, (now - stands_at).total_seconds()),
        terminals=BoardTerminals(known=known, online=answering, pending=pending, failed=failed),
        alarms=tuple(alarms),
        unseen_alarms=unseen,
        last_passage=_passage(passage),
        missing=missing,
        unsent=missing + round(silent_s * float(rate or 0)),
    )


def _passage(told: str | None) -> LastPassage | None:
    if told is None:
        return None
    at, method, direction, opened, reason = json.loads(told)
    return LastPassage(
        happened_at=datetime.fromisoformat(at), method=method, direction=direction, opened=opened, reason=reason
    )


# The last lines of a gate come from the end of its own chain, a hundred at the most.
_BOARD = """
    SELECT g.code, g.name_zh, g.name_en, g.kind, coalesce(b.last_seen_at > %(heard)s, false), b.last_seen_at,
           coalesce(r.version, 0), coalesce(c.version, 0), r.applied_at,
           t.known, t.online, t.pending, t.failed, a.kinds, a.unseen, j.missing, e.rate, e.passage
    FROM access_gate g
    LEFT JOIN access_box b ON b.id = g.box_id
    LEFT JOIN access_snapshotcounter c ON c.estate_id = g.estate_id
    LEFT JOIN LATERAL (
        SELECT r.version, r.applied_at FROM access_boxreceipt r
        WHERE r.estate_id = g.estate_id AND r.box_id = g.box_id AND r.gates @> ARRAY[g.code]
        ORDER BY r.version DESC LIMIT 1
    ) r ON true
    CROSS JOIN LATERAL (
        SELECT count(*)::int AS known, (count(*) FILTER (WHERE t.seen_at > %(heard)s AND b.last_seen_at > %(heard)s))::int AS online,
               coalesce(sum(p.pending), 0)::int AS pending, coalesce(sum(p.failed), 0)::int AS failed
        FROM access_terminal t CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE x.state = 'PENDING') AS pending, count(*) FILTER (WHERE x.state = 'FAILED') AS failed
            FROM access_terminalperson x WHERE x.estate_id = t.estate_id AND x.terminal_id = t.id AND x.state IN ('PENDING', 'FAILED')
        ) p WHERE t.gate_id = g.id AND t.enabled
    ) t
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(DISTINCT a.kind::text ORDER BY a.kind::text), '{}') AS kinds,
               (count(*) FILTER (WHERE a.seen_at IS NULL))::int AS unseen
        FROM access_gatealarm a WHERE a.estate_id = g.estate_id AND a.gate = g.code AND a.ended_at IS NULL
    ) a
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(last - first + 1), 0)::bigint AS missing FROM access_journalgap
        WHERE estate_id = g.estate_id AND gate = g.code AND closed_at IS NULL
    ) j
    CROSS JOIN LATERAL (
        SELECT (count(*) - 1) / nullif(extract(epoch FROM max(l.happened_at) - min(l.happened_at)), 0) AS rate,
               (array_agg(jsonb_build_array(l.happened_at, l.method, l.direction, l.opened, l.reason)::text ORDER BY l.sequence DESC)
                FILTER (WHERE l.method NOT IN ('BOX', 'ALARM')))[1] AS passage
        FROM (
            SELECT l.* FROM access_gateevent l WHERE l.estate_id = g.estate_id AND l.gate = g.code
            ORDER BY l.sequence DESC LIMIT 100
        ) l
    ) e
    WHERE g.estate_id = %(estate)s ORDER BY g.code
"""
