"""What a box must be told: what changed after a version at its own doors, and nothing of anybody else's."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.backends.utils import CursorWrapper

from linli.gate.hours import Hours, Slot
from linli.gate.snapshot import (
    SHANGHAI_MINUTES,
    Credential,
    Delta,
    FaceRule,
    FailMode,
    GateRule,
    HealthRule,
    HouseRules,
    Pairing,
    PassEntry,
    PassState,
)
from linli.server.access.queries.boxes import BoxView
from linli.server.access.queries.credentials import context_of
from linli.server.kernel import crypto
from linli.server.kernel.errors import NotFound
from linli.server.places import queries as places

PEPPER = "house.pepper"
Row = TypeVar("Row")


def get_delta(*, box: BoxView, since: int, now: datetime) -> Delta:
    """This will return what changed after a version at the doors of one box, and nothing of anybody else's doors.

    A box that is behind the day it was given its doors, or ahead of us after a restored backup, is sent everything.
    """
    since = 0 if since < box.whole_since else since
    asked: dict[str, Any] = {"estate": box.estate_id, "box": box.id, "since": since, "now": now}
    with connection.cursor() as cursor:
        # One statement, one view of the database: the version and every change of a pass up to it.
        cursor.execute(_CHANGES, asked)
        rows = cursor.fetchall()
        until = rows[0][0] if rows else 0
        if since > until:
            return get_delta(box=box, since=0, now=now)
        # Read after the version, never before it: what is newer than `until` does no harm, what is missing would.
        gates = _all(cursor, _RULES, asked, _rule)
        credentials = _all(cursor, _CREDENTIALS, asked, _credential)
        hours = _all(cursor, _HOURS, asked, _table)
        cursor.execute(_HOUSE, asked)
        house = cursor.fetchone()
    return Delta(
        estate=box.estate_id,
        since=since,
        until=until,
        made_at=now,
        passes=tuple(_entry(*row[1:]) for row in rows if row[1] is not None),
        gates=gates,
        keys=crypto.verifying_keys(),
        credentials=credentials,
        hours=hours,
        house=_house(box.estate_id, now, *house) if house else None,
    )


# Seconds as numbers: reading forty thousand instants as text would take as long as all the rest.
_CHANGES = """
    SELECT c.version, p.serial, p.version, p.groups, extract(epoch FROM p.start)::bigint, extract(epoch FROM p."end")::bigint,
           p.holder_kind, p.state, p.static, p.hours, p.uses
    FROM access_snapshotcounter c
    LEFT JOIN access_pass p ON p.estate_id = c.estate_id AND p.version > %(since)s AND p.unlisted_at IS NULL
        AND p.told && ARRAY(SELECT unnest(g.groups) FROM access_gate g WHERE g.box_id = %(box)s)
    WHERE c.estate_id = %(estate)s
    ORDER BY p.version, p.serial
"""

_RULES = """
    SELECT code, version, groups, fail_mode, max_age_s, strike_s, ways, area, pairing, most_inside,
           face_threshold, face_margin, face_frames, face_gallery_cap, face_head_turn, face_report
    FROM access_gate WHERE estate_id = %(estate)s AND box_id = %(box)s AND version > %(since)s ORDER BY code
"""

# A pass that comes to further doors brings along what proves it, however old that is; each branch has its own index.
_CREDENTIALS = """
    WITH doors AS (SELECT array_agg(DISTINCT number) AS numbers FROM access_gate g, unnest(g.groups) number WHERE g.box_id = %(box)s)
    SELECT c.kind, c.sealed, p.serial, c.version, c.live
    FROM access_credential c JOIN access_pass p ON p.id = c.bearer_id
    WHERE c.estate_id = %(estate)s AND c.version > %(since)s AND length(c.sealed) > 0
      AND p.unlisted_at IS NULL AND p.told && (SELECT numbers FROM doors)
    UNION ALL
    SELECT c.kind, c.sealed, p.serial, c.version, c.live
    FROM access_pass p JOIN access_credential c ON c.bearer_id = p.id
    WHERE p.estate_id = %(estate)s AND p.version > %(since)s AND c.version <= %(since)s AND length(c.sealed) > 0
      AND p.unlisted_at IS NULL AND p.told && (SELECT numbers FROM doors)
"""

_HOURS = """
    SELECT number, version, slots::text, holidays FROM access_weeklyhours
    WHERE estate_id = %(estate)s AND version > %(since)s ORDER BY number
"""

_HOUSE = """
    SELECT h.version, h.holidays, h.sealed_pepper, o."end", o.most_c10, o.code_wanted, o.holders
    FROM access_houselist h
    LEFT JOIN access_healthorder o ON o.estate_id = h.estate_id AND o.ended_at IS NULL AND o.start <= %(now)s AND o."end" > %(now)s
    WHERE h.estate_id = %(estate)s AND h.version > %(since)s
"""


def _all(cursor: CursorWrapper, statement: str, asked: dict[str, Any], read: Callable[..., Row]) -> tuple[Row, ...]:
    cursor.execute(statement, asked)
    return tuple(read(*row) for row in cursor.fetchall())


def _entry(serial: int, version: int, groups: list[int], start: int, end: int, *rest: Any) -> PassEntry:
    holder, state, static, hours, uses = rest
    return PassEntry(
        serial=serial,
        version=version,
        groups=tuple(groups),
        start=datetime.fromtimestamp(start, UTC),
        end=datetime.fromtimestamp(end, UTC),
        holder=holder,
        state=PassState(state),
        static=static,
        hours=hours,
        uses=uses,
    )


def _rule(
    code: str, version: int, groups: list[int], fail_mode: str, max_age_s: int, strike_s: int, *rest: Any
) -> GateRule:
    ways, area, pairing, most_inside, *face = rest
    return GateRule(
        gate=code,
        version=version,
        groups=frozenset(groups),
        fail_mode=FailMode(fail_mode),
        max_age_s=max_age_s,
        strike_s=strike_s,
        ways=frozenset(ways),
        area=area,
        pairing=Pairing(pairing),
        most_inside=most_inside,
        face=_face(*face),
    )


def _face(threshold: int, margin: int, frames: int, gallery_cap: int, head_turn: bool, report: str) -> FaceRule:
    return FaceRule(
        threshold=threshold,
        margin=margin,
        frames=frames,
        gallery_cap=gallery_cap,
        head_turn=head_turn,
        report=report,
    )


def _credential(kind: str, sealed: bytes, serial: int, version: int, live: bool) -> Credential:
    value = crypto.unseal(bytes(sealed), context=context_of(kind))
    return Credential(kind=kind, value=value, serial=serial, version=version, live=live)


def _table(number: int, version: int, slots: str, holidays: bool) -> Hours:
    rows = tuple(Slot(weekday=day, start=start, end=end) for day, start, end in json.loads(slots))
    return Hours(number=number, version=version, slots=rows, holidays=holidays)


def _house(estate_id: str, now: datetime, version: int, holidays: list[Any], sealed: bytes, *order: Any) -> HouseRules:
    until, most_c10, code_wanted, holders = order
    health = None
    if until is not None:
        health = HealthRule(until=until, most_c10=most_c10, code_wanted=code_wanted, holders=frozenset(holders))
    return HouseRules(
        version=version,
        zone_minutes=_zone_minutes(estate_id, now),
        holidays=frozenset(holidays),
        pepper=base64.b64decode(crypto.unseal(bytes(sealed), context=PEPPER)),
        health=health,
    )


def _zone_minutes(estate_id: str, now: datetime) -> int:
    try:
        ahead = now.astimezone(ZoneInfo(places.zone(estate_id=estate_id))).utcoffset()
    except NotFound:
        return SHANGHAI_MINUTES
    return int(ahead.total_seconds() // 60) if ahead is not None else SHANGHAI_MINUTES
