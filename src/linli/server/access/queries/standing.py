"""What each device holds beside what it should hold, and so who can open a door now."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from linli.server.access import rules
from linli.server.access.models import Gate, Terminal
from linli.server.kernel.errors import NotFound

MOST_PEOPLE = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderView:
    """One pass on a device or a list, without a name: `standing` is OK, SURPLUS, MISSING or OUTDATED; `trouble` why, if it is known."""

    number: str
    serial: str
    holder_kind: str
    standing: str
    opens: bool
    start: datetime | None
    end: datetime | None
    trouble: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperView:
    """Whose word it is: a device's own list and when it was read, or a box's list and when it was receipted; and how it differs.

    `terminal` is None for the box. `strangers` are people on the device that are none of ours. Of the people only the first are shown,
    those first with whom something is amiss.
    """

    terminal: str | None
    make: str
    read_at: datetime | None
    age_s: float | None
    version: int | None
    holds: int
    opens: int
    missing: int
    surplus: int
    outdated: int
    strangers: int
    people: tuple[HolderView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoView:
    """Who can open a gate now, by each of its devices, or by its box where there is none."""

    gate: str
    asked_at: datetime
    keepers: tuple[KeeperView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftView:
    """How one device's list differs from what it should be."""

    terminal: str
    gate: str
    wanted: int
    holds: int
    missing: int
    surplus: int
    outdated: int
    strangers: int
    read_at: datetime | None


def who_can_open(*, estate_id: str, gate: str, limit: int, now: datetime) -> WhoView:
    """This will answer from the devices' own lists who can open a gate now; from the box's receipted list where it has no device.

    What a device confirmed after its list was read back counts too. Refuses with `NotFound`.
    """
    found = Gate.objects.filter(estate_id=estate_id, code=gate).only("id", "code").first()
    if found is None:
        raise NotFound
    drifts = list_drift(estate_id=estate_id, gate=gate, now=now)
    if not drifts:
        return WhoView(gate=gate, asked_at=now, keepers=(_box_keeper(estate_id, gate, limit, now),))
    people, opening = _people(estate_id, gate, limit, now)
    makes = dict(Terminal.objects.filter(estate_id=estate_id, gate_id=found.id).values_list("code", "make"))
    keepers = tuple(
        KeeperView(
            terminal=drift.terminal,
            make=makes.get(drift.terminal, ""),
            read_at=drift.read_at,
            age_s=_age(drift.read_at, now),
            version=None,
            holds=drift.holds,
            opens=opening.get(drift.terminal, 0),
            missing=drift.missing,
            surplus=drift.surplus,
            outdated=drift.outdated,
            strangers=drift.strangers,
            people=tuple(people.get(drift.terminal, ())),
        )
        for drift in drifts
    )
    return WhoView(gate=gate, asked_at=now, keepers=keepers)


def list_drift(*, estate_id: str, now: datetime, gate: str | None = None) -> tuple[DriftView, ...]:
    """This will compare what every device holds with what it should hold, in one statement over all of them."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING + _DRIFT, _facts(estate_id, gate, now))
        return tuple(
            DriftView(
                terminal=code,
                gate=at,
                wanted=wanted,
                holds=held,
                missing=missing,
                surplus=surplus,
                outdated=outdated,
                strangers=strangers,
                read_at=read_at,
            )
            for code, at, wanted, held, missing, surplus, outdated, strangers, read_at in cursor.fetchall()
        )


def _people(estate_id: str, gate: str, limit: int, now: datetime) -> tuple[dict[str, list[HolderView]], dict[str, int]]:
    people: dict[str, list[HolderView]] = {}
    opening: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(_STANDING + _PEOPLE, {**_facts(estate_id, gate, now), "limit": min(max(limit, 1), MOST_PEOPLE)})
        for code, opens, *rest in cursor.fetchall():
            opening[code] = opens
            people.setdefault(code, []).append(_holder(*rest))
    return people, opening


def _box_keeper(estate_id: str, gate: str, limit: int, now: datetime) -> KeeperView:
    """What a box without a device holds is the list as it receipted it: all up to that version, and nothing after."""
    facts: dict[str, Any] = {"estate": estate_id, "gate": gate, "now": now, "limit": min(max(limit, 1), MOST_PEOPLE)}
    with connection.cursor() as cursor:
        cursor.execute(_RECEIPTED, facts)
        version, read_at = cursor.fetchone() or (0, None)
        cursor.execute(_ON_THE_LIST, {**facts, "version": version})
        rows = cursor.fetchall()
    counts = rows[0][:5] if rows else (0, 0, 0, 0, 0)
    return KeeperView(
        terminal=None,
        make="box",
        read_at=read_at,
        age_s=_age(read_at, now),
        version=version,
        holds=counts[0],
        opens=counts[1],
        missing=counts[2],
        surplus=counts[3],
        outdated=counts[4],
        strangers=0,
        people=tuple(_holder(*row[5:]) for row in rows if row[5] is not None),
    )


def _holder(
    serial: int, number: str | None, holder_kind: str | None, standing: str, opens: bool, *rest: Any
) -> HolderView:
    start, end, trouble = rest
    return HolderView(
        number=number or "",
        serial=f"{serial:016x}",
        holder_kind=holder_kind or "",
        standing=standing,
        opens=opens,
        start=start,
        end=end,
        trouble=trouble or "",
    )


def _facts(estate_id: str, gate: str | None, now: datetime) -> dict[str, Any]:
    makes = {make: sorted(ways) for make, ways in rules.DEVICE_WAYS.items()}
    return {"estate": estate_id, "gate": gate, "now": now, "makes": json.dumps(makes)}


def _age(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else max(0.0, (now - at).total_seconds())


# One pass over each table and hash joins throughout: 51 devices and 20,000 passes are a million pairs.
_STANDING = """
    WITH device AS MATERIALIZED (
        SELECT t.id, t.code, g.code AS gate, g.groups, t.listing, t.listed_at, t.listing_unknown,
               ARRAY(
                   SELECT jsonb_array_elements_text(%(makes)s::jsonb -> t.make)
                   INTERSECT SELECT unnest(CASE WHEN cardinality(g.ways) = 0
                                                THEN ARRAY['CODE', 'CARD', 'PIN', 'IDCARD', 'FACE'] ELSE g.ways::text[] END)
               ) AS ways
        FROM access_terminal t JOIN access_gate g ON g.id = t.gate_id
        WHERE t.estate_id = %(estate)s AND t.enabled AND (%(gate)s::text IS NULL OR g.code = %(gate)s)
    ), shown AS MATERIALIZED (
        SELECT c.bearer_id, max(c.version) AS version,
               coalesce(array_agg(DISTINCT c.kind::text) FILTER (WHERE c.live), '{}') AS kinds
        FROM access_credential c WHERE c.estate_id = %(estate)s GROUP BY c.bearer_id
    ), wish AS MATERIALIZED (
        SELECT p.serial, p.groups, greatest(p.version, s.version) AS version,
               coalesce(s.kinds, '{}') || CASE WHEN p.static THEN ARRAY['CODE'] ELSE ARRAY[]::text[] END AS kinds
        FROM access_pass p LEFT JOIN shown s ON s.bearer_id = p.id
        WHERE p.estate_id = %(estate)s AND p.state = 'active' AND p.unlisted_at IS NULL AND p."end" > %(now)s
    ), told AS MATERIALIZED (
        SELECT x.terminal_id, x.serial, x.state, x.version, x.trouble, x.changed_at, d.listed_at
        FROM access_terminalperson x JOIN device d ON d.id = x.terminal_id WHERE x.estate_id = %(estate)s
    ), desired AS MATERIALIZED (
        -- What the box itself says it is putting there counts as meant, as long as the pass opens this gate.
        SELECT d.id AS terminal_id, w.serial, w.version
        FROM device d JOIN wish w ON w.groups && d.groups
        LEFT JOIN told x ON x.terminal_id = d.id AND x.serial = w.serial
        WHERE w.kinds && d.ways OR x.state IN ('OK', 'PENDING', 'FAILED')
    ), held AS MATERIALIZED (
        -- The device's own list, and what the device has confirmed since it was read.
        SELECT coalesce(l.id, x.terminal_id) AS terminal_id, coalesce(l.serial, x.serial) AS serial
        FROM (SELECT d.id, d.listed_at, unnest(d.listing) AS serial FROM device d) l
        FULL JOIN told x ON x.terminal_id = l.id AND x.serial = l.serial
        WHERE CASE WHEN x.serial IS NULL THEN true
                   WHEN l.serial IS NULL THEN x.state = 'OK' AND (x.listed_at IS NULL OR x.changed_at > x.listed_at)
                   ELSE NOT (x.state = 'REMOVED' AND x.changed_at > l.listed_at) END
    ), standing AS (
        SELECT coalesce(w.terminal_id, h.terminal_id) AS terminal_id, coalesce(w.serial, h.serial) AS serial,
               h.serial IS NOT NULL AS held, w.serial IS NOT NULL AS wanted, x.trouble,
               CASE WHEN w.serial IS NULL THEN 'SURPLUS' WHEN h.serial IS NULL THEN 'MISSING'
                    WHEN x.state IN ('PENDING', 'FAILED') OR x.version < w.version THEN 'OUTDATED' ELSE 'OK' END AS standing
        FROM desired w
        FULL JOIN held h ON h.terminal_id = w.terminal_id AND h.serial = w.serial
        LEFT JOIN told x ON x.terminal_id = coalesce(w.terminal_id, h.terminal_id) AND x.serial = coalesce(w.serial, h.serial)
    )
"""

_DRIFT = """
    SELECT d.code, d.gate, coalesce(s.wanted, 0), coalesce(s.held, 0), coalesce(s.missing, 0), coalesce(s.surplus, 0),
           coalesce(s.outdated, 0), d.listing_unknown, d.listed_at
    FROM device d
    LEFT JOIN (
        SELECT terminal_id, count(*) FILTER (WHERE wanted) AS wanted, count(*) FILTER (WHERE held) AS held,
               count(*) FILTER (WHERE standing = 'MISSING') AS missing, count(*) FILTER (WHERE standing = 'SURPLUS') AS surplus,
               count(*) FILTER (WHERE standing = 'OUTDATED') AS outdated
        FROM standing GROUP BY terminal_id
    ) s ON s.terminal_id = d.id
    ORDER BY d.code
"""

# A device opens to whoever it holds while the times it was told last: that it should not any more, it may not know yet.
_PEOPLE = """
    , seen AS (
        SELECT d.code, s.serial, p.number, p.holder_kind, s.standing, p.start, p."end", s.trouble,
               s.held AND coalesce(p.start <= %(now)s AND p."end" > %(now)s, true) AS opens
        FROM standing s
        JOIN device d ON d.id = s.terminal_id
        LEFT JOIN access_pass p ON p.estate_id = %(estate)s AND p.serial = s.serial
    ), ranked AS (
        SELECT seen.*, count(*) FILTER (WHERE opens) OVER (PARTITION BY code) AS opening,
               row_number() OVER (PARTITION BY code ORDER BY standing = 'OK', standing, serial) AS place
        FROM seen
    )
    SELECT code, opening, serial, number, holder_kind, standing, opens, start, "end", trouble
    FROM ranked WHERE place <= %(limit)s ORDER BY code, place
"""

_RECEIPTED = """
    SELECT r.version, r.receipted_at FROM access_gate g
    JOIN access_boxreceipt r ON r.estate_id = g.estate_id AND r.box_id = g.box_id AND r.gates @> ARRAY[g.code]
    WHERE g.estate_id = %(estate)s AND g.code = %(gate)s ORDER BY r.version DESC LIMIT 1
"""

# A pass that changed after the receipted version stands at the gate as it was before, and how that was is not kept: new to the gate if
# it was granted since, else outdated, or surplus if it should open nothing any more.
_ON_THE_LIST = """
    WITH listed AS (
        SELECT p.serial, p.number, p.holder_kind, p.start, p."end", p.version <= %(version)s AS known,
               p.state = 'active' AND p."end" > %(now)s AND p.groups && g.groups AS wanted,
               p.start <= %(now)s AND p."end" > %(now)s AS current,
               p.granted_at < p.changed_at AS older
        FROM access_gate g
        JOIN access_pass p ON p.estate_id = g.estate_id AND p.told && g.groups AND p.unlisted_at IS NULL
        WHERE g.estate_id = %(estate)s AND g.code = %(gate)s
    ), judged AS (
        SELECT serial, number, holder_kind, start, "end", current,
               CASE WHEN known THEN 'OK' WHEN NOT wanted THEN 'SURPLUS' WHEN older THEN 'OUTDATED' ELSE 'MISSING' END AS standing
        FROM listed WHERE wanted OR NOT known AND current AND older
    ), counted AS (
        SELECT count(*) FILTER (WHERE standing <> 'MISSING') AS holds,
               count(*) FILTER (WHERE standing <> 'MISSING' AND current) AS opens,
               count(*) FILTER (WHERE standing = 'MISSING') AS missing, count(*) FILTER (WHERE standing = 'SURPLUS') AS surplus,
               count(*) FILTER (WHERE standing = 'OUTDATED') AS outdated
        FROM judged
    )
    SELECT c.holds, c.opens, c.missing, c.surplus, c.outdated, j.serial, j.number, j.holder_kind, j.standing,
           j.current AND j.standing <> 'MISSING', j.start, j."end", NULL
    FROM counted c
    LEFT JOIN (SELECT * FROM judged ORDER BY standing = 'OK', standing, serial LIMIT %(limit)s) j ON true
    ORDER BY j.standing = 'OK', j.standing, j.serial
"""
