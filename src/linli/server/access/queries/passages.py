"""Who of the people with a pass went through which gate: for platforms that a named purpose lets know of it, and nobody else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldPassage:
    """One opened passage of a pass's holder, by what the pass came from."""

    gate: str
    sequence: int
    happened_at: datetime
    direction: str
    method: str
    holder_kind: str
    holder_id: str
    origin_kind: str
    origin_id: str


def list_told_passages(
    *, estate_id: str, gate: str, after: int, up_to: int, origins: Sequence[str]
) -> tuple[ToldPassage, ...]:
    """This will list the passages of one gate's journal after a line and up to another, of passes with these origins, in their order."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT e.gate, e.sequence, e.happened_at, e.direction, e.method,
                   p.holder_kind, p.holder_id, p.origin_kind, p.origin_id
            FROM access_gateevent e
            JOIN access_pass p ON p.estate_id = e.estate_id AND p.serial = e.serial
            WHERE e.estate_id = %s AND e.gate = %s AND e.sequence > %s AND e.sequence <= %s
              AND e.opened AND e.direction IN ('in', 'out') AND p.origin_kind = ANY(%s)
            ORDER BY e.sequence
            """,
            [estate_id, gate, after, up_to, list(origins)],
        )
        return tuple(
            ToldPassage(
                gate=row[0],
                sequence=row[1],
                happened_at=row[2],
                direction=row[3],
                method=row[4],
                holder_kind=row[5],
                holder_id=row[6],
                origin_kind=row[7],
                origin_id=row[8],
            )
            for row in cursor.fetchall()
        )
