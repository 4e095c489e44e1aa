"""Which devices there are, how each is reached and by whom, what it last said, and its own word that a pass is gone."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from linli.gate.wire import TerminalPlan
from linli.server.access.models import Terminal
from linli.server.access.queries.boxes import ONLINE_WITHIN, BoxView
from linli.server.access.queries.passes import RevocationView, list_receipts
from linli.server.kernel import crypto
from linli.server.kernel.errors import NotFound

SECRET = "terminal.secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalView:
    """One device: how it is reached (its secret is never shown), what it last said, and how many passes stand how on it."""

    id: str
    code: str
    gate: str
    make: str
    model: str
    settings: dict[str, Any]
    has_secret: bool
    enabled: bool
    online: bool
    seen_at: datetime | None
    firmware: str
    drift_ms: int | None
    trouble: str
    ok: int
    pending: int
    failed: int
    troubles: dict[str, int]
    listed: int
    listed_at: datetime | None
    strangers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalReceiptView:
    """What one device said of a pass: its state there (None: it never held it), when by the box's clock, and when we heard."""

    terminal: str
    gate: str
    state: str | None
    version: int | None
    changed_at: datetime | None
    told_at: datetime | None
    trouble: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureView:
    """How the newest change of a pass reached every gate and every device: the gates' receipts, and the devices' own words.

    `holding` counts the devices that may still open to it; `removed_seconds` is from the change to the last device's removal.
    """

    receipts: RevocationView
    holding: int
    removed_seconds: float | None
    terminals: tuple[TerminalReceiptView, ...]


def list_terminals(
    *, estate_id: str, now: datetime, gate: str | None = None, terminal_id: str | None = None
) -> tuple[TerminalView, ...]:
    """This will list the estate's devices by code, or those of one gate, or one of them."""
    with connection.cursor() as cursor:
        cursor.execute(_TERMINALS, {"estate": estate_id, "gate": gate, "id": terminal_id})
        return tuple(_terminal(row, now) for row in cursor.fetchall())


def get_terminal(*, estate_id: str, terminal_id: str, now: datetime) -> TerminalView:
    """This will return one device, or refuse with `NotFound`."""
    found = list_terminals(estate_id=estate_id, now=now, terminal_id=terminal_id)
    if not found:
        raise NotFound
    return found[0]


def list_terminal_plans(*, box: BoxView) -> tuple[TerminalPlan, ...]:
    """This will list a box's own devices with their secrets opened, for that box and nobody else."""
    rows = Terminal.objects.filter(estate_id=box.estate_id, gate__box_id=box.id, enabled=True)
    return tuple(
        TerminalPlan(
            code=row.code,
            gate=row.gate.code,
            make=row.make,
            model=row.model,
            settings=row.settings,
            secret=crypto.unseal(bytes(row.sealed_secret), context=SECRET) if row.sealed_secret else "",
        )
        for row in rows.select_related("gate").order_by("code")
    )


def list_terminal_receipts(*, estate_id: str, pass_id: str) -> ClosureView:
    """This will show of a pass every gate's receipt and every device's own word; refuses with `NotFound`."""
    receipts = list_receipts(estate_id=estate_id, pass_id=pass_id)
    with connection.cursor() as cursor:
        cursor.execute(_AT_TERMINALS, {"estate": estate_id, "pass": pass_id})
        terminals = tuple(
            TerminalReceiptView(
                terminal=code,
                gate=gate,
                state=state,
                version=version,
                changed_at=changed,
                told_at=told,
                trouble=trouble,
            )
            for code, gate, state, version, changed, told, trouble in cursor.fetchall()
        )
    holding = [one for one in terminals if one.state not in (None, "REMOVED")]
    removed = [one.changed_at for one in terminals if one.state == "REMOVED" and one.changed_at is not None]
    settled = bool(removed) and not holding
    return ClosureView(
        receipts=receipts,
        holding=len(holding),
        removed_seconds=max(0.0, (max(removed) - receipts.changed_at).total_seconds()) if settled else None,
        terminals=terminals,
    )


def _terminal(row: tuple[Any, ...], now: datetime) -> TerminalView:
    terminal_id, code, gate, make, model, settings, secret, enabled, seen_at, firmware, drift_ms, trouble = row[:12]
    ok, pending, failed, troubles, listed, listed_at, strangers, box_seen = row[12:]
    return TerminalView(
        id=terminal_id,
        code=code,
        gate=gate,
        make=make,
        model=model,
        settings=json.loads(settings),
        has_secret=secret,
        enabled=enabled,
        online=enabled and all(at is not None and now - at < ONLINE_WITHIN for at in (seen_at, box_seen)),
        seen_at=seen_at,
        firmware=firmware,
        drift_ms=drift_ms,
        trouble=trouble,
        ok=ok,
        pending=pending,
        failed=failed,
        troubles=json.loads(troubles) if troubles else {},
        listed=listed,
        listed_at=listed_at,
        strangers=strangers,
    )


_TERMINALS = """
    SELECT t.id, t.code, g.code, t.make, t.model, t.settings::text, length(t.sealed_secret) > 0, t.enabled, t.seen_at, t.firmware,
           t.drift_ms, t.trouble, coalesce(p.ok, 0), coalesce(p.pending, 0), coalesce(p.failed, 0), p.troubles::text,
           cardinality(t.listing), t.listed_at, t.listing_unknown, b.last_seen_at
    FROM access_terminal t
    JOIN access_gate g ON g.id = t.gate_id
    LEFT JOIN access_box b ON b.id = g.box_id
    LEFT JOIN LATERAL (
        SELECT sum(n) FILTER (WHERE state = 'OK')::int AS ok, sum(n) FILTER (WHERE state = 'PENDING')::int AS pending,
               sum(n) FILTER (WHERE state = 'FAILED')::int AS failed,
               jsonb_object_agg(trouble, n) FILTER (WHERE state = 'FAILED' AND trouble <> '') AS troubles
        FROM (
            SELECT x.state, x.trouble, count(*) AS n FROM access_terminalperson x
            WHERE x.estate_id = t.estate_id AND x.terminal_id = t.id GROUP BY 1, 2
        ) counted
    ) p ON true
    WHERE t.estate_id = %(estate)s AND (%(gate)s::text IS NULL OR g.code = %(gate)s) AND (%(id)s::text IS NULL OR t.id = %(id)s)
    ORDER BY t.code
"""

_AT_TERMINALS = """
    SELECT t.code, g.code, x.state, x.version, x.changed_at, x.told_at, coalesce(x.trouble, '')
    FROM access_pass p
    JOIN access_gate g ON g.estate_id = p.estate_id AND g.groups && p.told
    JOIN access_terminal t ON t.gate_id = g.id
    LEFT JOIN access_terminalperson x ON x.estate_id = p.estate_id AND x.terminal_id = t.id AND x.serial = p.serial
    WHERE p.estate_id = %(estate)s AND p.id = %(pass)s AND (t.enabled OR x.id IS NOT NULL)
    ORDER BY t.code
"""
