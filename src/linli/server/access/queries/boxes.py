"""Which gates there are, which boxes serve them, and how far each has followed the list."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from linli.server.access.models import DoorGroup
from linli.server.kernel.errors import NotFound, SignInNeeded

# A box asks at least every minute, also when nothing happens; two missed calls are an outage.
ONLINE_WITHIN = timedelta(seconds=130)
_KEY = re.compile(r"(box_[0-9A-Z]{26})\.[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxView:
    """One agent installation: the codes of its gates in order, and the version before which it is sent everything."""

    id: str
    estate_id: str
    gates: tuple[str, ...]
    whole_since: int = 0
    last_seen_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateView:
    """One access point: `version` is the newest its box has receipted for it, `behind` how many versions it is late."""

    code: str
    name_zh: str
    name_en: str
    kind: str
    box: str | None
    online: bool
    last_seen_at: datetime | None
    version: int
    behind: int
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCounts:
    """How many gates there are, and how many of them have a box that was heard of lately."""

    gates: int
    online: int
    offline: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorGroupView:
    """Doors that open to the same passes, by their number on a pass."""

    number: int
    kind: str
    name_zh: str
    name_en: str
    entrance_id: str | None
    dwelling_id: str | None


def ping() -> None:
    """This will return if the database answers, and raise what it raises if not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def authenticate_box(*, key: str) -> BoxView:
    """This will return the box that holds the key, or refuse with `SignInNeeded`; a retired box holds none."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise SignInNeeded
    box, digest = _box(match[1])
    if box is None or not hmac.compare_digest(digest, hashlib.sha256(key.encode()).digest()):
        raise SignInNeeded
    return box


def get_box(*, estate_id: str, box_id: str) -> BoxView:
    """This will return a box of the estate that has not been retired, or refuse with `NotFound`."""
    box, _ = _box(box_id)
    if box is None or box.estate_id != estate_id:
        raise NotFound
    return box


def list_gates(*, estate_id: str, now: datetime) -> tuple[GateView, ...]:
    """This will list the estate's gates by code, each with the newest version it has receipted."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT g.code, g.name_zh, g.name_en, g.kind, g.box_id, b.last_seen_at, coalesce(r.version, 0), coalesce(c.version, 0), g.groups
            FROM access_gate g
            LEFT JOIN access_box b ON b.id = g.box_id
            LEFT JOIN access_snapshotcounter c ON c.estate_id = g.estate_id
            LEFT JOIN LATERAL (
                SELECT r.version FROM access_boxreceipt r
                WHERE r.estate_id = g.estate_id AND r.box_id = g.box_id AND r.gates @> ARRAY[g.code]
                ORDER BY r.version DESC LIMIT 1
            ) r ON true
            WHERE g.estate_id = %s ORDER BY g.code
            """,
            [estate_id],
        )
        rows = cursor.fetchall()
    return tuple(
        GateView(
            code=code,
            name_zh=name_zh,
            name_en=name_en,
            kind=kind,
            box=box,
            online=_online(seen, now),
            last_seen_at=seen,
            version=version,
            behind=max(0, newest - version),
            groups=tuple(groups),
        )
        for code, name_zh, name_en, kind, box, seen, version, newest, groups in rows
    )


def count_gates(*, estate_id: str, now: datetime) -> GateCounts:
    """This will count the estate's gates by whether their boxes were heard of lately."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*), count(*) FILTER (WHERE b.last_seen_at > %s)
            FROM access_gate g LEFT JOIN access_box b ON b.id = g.box_id WHERE g.estate_id = %s
            """,
            [now - ONLINE_WITHIN, estate_id],
        )
        gates, online = cursor.fetchone()
    return GateCounts(gates=gates, online=online, offline=gates - online)


def count_unreceipted_revocations(*, estate_id: str) -> int:
    """This will count the withdrawn passes, still on the list, that some gate with a box has not receipted yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*) FROM access_pass p WHERE p.estate_id = %(estate)s AND p.state = 'revoked' AND p.unlisted_at IS NULL
              AND p.version > (
                SELECT coalesce(min(coalesce(r.version, 0)), 0) FROM access_gate g LEFT JOIN LATERAL (
                    SELECT max(r.version) AS version FROM access_boxreceipt r
                    WHERE r.estate_id = g.estate_id AND r.box_id = g.box_id AND r.gates @> ARRAY[g.code]
                ) r ON true
                WHERE g.estate_id = %(estate)s AND g.box_id IS NOT NULL
              )
            """,
            {"estate": estate_id},
        )
        return int(cursor.fetchone()[0])


def list_door_groups(*, estate_id: str) -> tuple[DoorGroupView, ...]:
    """This will list the estate's door groups by number."""
    rows = DoorGroup.objects.filter(estate_id=estate_id).order_by("number")
    return tuple(
        DoorGroupView(
            number=row.number,
            kind=row.kind,
            name_zh=row.name_zh,
            name_en=row.name_en,
            entrance_id=row.entrance_id,
            dwelling_id=row.dwelling_id,
        )
        for row in rows
    )


def _box(box_id: str) -> tuple[BoxView | None, bytes]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT b.estate_id, b.secret_sha256, b.whole_since, b.last_seen_at,
                   ARRAY(SELECT g.code::text FROM access_gate g WHERE g.box_id = b.id ORDER BY g.code)
            FROM access_box b WHERE b.id = %s AND b.retired_at IS NULL
            """,
            [box_id],
        )
        row = cursor.fetchone()
    if row is None:
        return None, b""
    estate_id, digest, whole_since, seen, gates = row
    box = BoxView(id=box_id, estate_id=estate_id, gates=tuple(gates), whole_since=whole_since, last_seen_at=seen)
    return box, bytes(digest)


def _online(seen: datetime | None, now: datetime) -> bool:
    return seen is not None and now - seen < ONLINE_WITHIN
