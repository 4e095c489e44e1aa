"""Visitors who came: to whom, when, and when they left; for an authority that must be told, with the visitor's own word opened."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from linli.server.access.queries.visitors import NAME, PHONE
from linli.server.kernel import crypto


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitUse:
    """A visitor whose pass has opened a door. Whoever asks writes down that they did.

    `stay_id` is the host's stay when the host is a guest. `ended_at` is when the pass ends or was taken back, `left_at` when the visitor
    was last seen leaving before that, or `ended_at` itself when nobody saw it.
    """

    visit_id: str
    host_kind: str
    host_id: str
    stay_id: str | None
    name: str = field(repr=False)
    phone: str = field(repr=False)
    came_at: datetime
    leave_by: datetime
    ended_at: datetime
    left_at: datetime


def find_visit_use(*, estate_id: str, visit_id: str) -> VisitUse | None:
    """This will return a visit whose visitor has come, or None."""
    found = _uses("v.id = %(visit)s", estate=estate_id, visit=visit_id)
    return found[0] if found else None


def list_ended_visits(*, estate_id: str, since: datetime, now: datetime) -> tuple[VisitUse, ...]:
    """This will list the visits, of visitors who came, that ended after an instant and until now, in the order they ended."""
    return _uses(f"{_ENDED} > %(since)s AND {_ENDED} <= %(now)s", estate=estate_id, since=since, now=now)


def _uses(condition: str, **values: Any) -> tuple[VisitUse, ...]:
    with connection.cursor() as cursor:
        cursor.execute(_USES.format(condition=condition), values)
        return tuple(_use(*row) for row in cursor.fetchall())


def _use(
    visit_id: str, host_kind: str, host_id: str, stay_id: str | None, name: Any, phone: Any, *times: Any
) -> VisitUse:
    came_at, leave_by, ended_at, seen_at, seen = times
    return VisitUse(
        visit_id=visit_id,
        host_kind=host_kind,
        host_id=host_id,
        stay_id=stay_id,
        name=crypto.unseal(bytes(name), context=NAME) if name else "",
        phone=crypto.unseal(bytes(phone), context=PHONE) if phone else "",
        came_at=came_at,
        leave_by=leave_by,
        ended_at=ended_at,
        left_at=seen_at if seen == "out" else ended_at,
    )


_ENDED = """least(p."end", CASE WHEN p.state = 'revoked' THEN p.changed_at END)"""
_USES = f"""
    SELECT v.id, v.host_kind, v.host_id, host.stay, v.sealed_name, v.sealed_phone,
           p.first_used_at, v."end", {_ENDED}, seen.happened_at, seen.direction
    FROM access_visitorinvitation v
    JOIN access_pass p ON p.id = v.granted_id AND p.first_used_at IS NOT NULL
    LEFT JOIN LATERAL (
        SELECT h.origin_id AS stay FROM access_pass h
        WHERE h.estate_id = v.estate_id AND h.holder_id = v.host_id AND h.origin_kind = 'stay' AND h.granted_at <= v.invited_at
        ORDER BY h.granted_at DESC LIMIT 1
    ) host ON v.host_kind = 'guest'
    LEFT JOIN LATERAL (
        SELECT e.happened_at, e.direction FROM access_gateevent e
        WHERE e.estate_id = v.estate_id AND e.serial = p.serial AND e.opened AND e.direction IN ('in', 'out')
          AND e.happened_at >= p.first_used_at AND e.happened_at <= {_ENDED}
        ORDER BY e.happened_at DESC LIMIT 1
    ) seen ON true
    WHERE v.estate_id = %(estate)s AND {{condition}}
    ORDER BY {_ENDED}, v.id
"""
