"""Who was let in during a night on the passes of stays and visits: for counting alone, so it says nothing of gates and ways."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection


@dataclass(frozen=True, slots=True, kw_only=True)
class NightEntry:
    """That a pass let its holder in, and when last; `host_id` is the person whose visitor it was."""

    origin_kind: str
    origin_id: str
    holder_id: str
    host_id: str | None
    last_at: datetime


def list_night_entries(*, estate_id: str, start: datetime, end: datetime) -> tuple[NightEntry, ...]:
    """This will list the entries of a stretch of time on passes of stays and of guests' visits, one a holder."""
    with connection.cursor() as cursor:
        cursor.execute(_ENTRIES, {"estate": estate_id, "start": start, "end": end})
        return tuple(
            NightEntry(origin_kind=kind, origin_id=origin, holder_id=holder, host_id=host, last_at=last)
            for kind, origin, holder, host, last in cursor.fetchall()
        )


_ENTRIES = """
    SELECT p.origin_kind, p.origin_id, p.holder_id, v.host_id, max(e.happened_at)
    FROM access_gateevent e
    JOIN access_pass p ON p.estate_id = e.estate_id AND p.serial = e.serial
    LEFT JOIN access_visitorinvitation v ON p.origin_kind = 'visit' AND v.id = p.origin_id AND v.host_kind = 'guest'
    WHERE e.estate_id = %(estate)s AND e.happened_at >= %(start)s AND e.happened_at < %(end)s AND e.opened AND e.direction = 'in'
      AND (p.origin_kind = 'stay' OR v.id IS NOT NULL)
    GROUP BY 1, 2, 3, 4
"""
