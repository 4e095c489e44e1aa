"""What the lodging platform keeps besides stays: visits, staff and units, each with the order in which it may be told, and its nights."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta

from linli.sim.platforms.lodging_fields import REFERENCES, Refusal, minute_of

SCHEMA = """
CREATE TABLE IF NOT EXISTS visit (
    lfbh TEXT PRIMARY KEY,
    lgdm TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('IN', 'OUT')),
    person TEXT NOT NULL,
    lfsj TEXT NOT NULL,
    lksj TEXT,
    lsh TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS staff (
    rybh TEXT PRIMARY KEY,
    lgdms TEXT NOT NULL,
    gw TEXT NOT NULL,
    lzbz TEXT NOT NULL,
    person TEXT NOT NULL,
    lsh TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS unit (
    lgdm TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('OPEN', 'CLOSED')),
    facts TEXT NOT NULL,
    gbsj TEXT,
    lsh TEXT NOT NULL
);
"""
REGISTERS: Mapping[str, str] = {"visits": "visit", "staff": "staff", "units": "unit"}
KEYS: Mapping[str, str] = {"visit": "lfbh", "staff": "rybh", "unit": "lgdm"}
MIDNIGHT, MORNING = time(0, 0), time(6, 0)

Body = Mapping[str, str]


def reference_in(*, kind: str, body: Mapping[str, object]) -> str:
    """This will name whom or what a message is about: a stay, a visit, somebody of the staff, a unit."""
    return str(body.get(REFERENCES.get(kind, "zsbh"), ""))[:40]


def out_of_order(*, db: sqlite3.Connection, kind: str, body: Body) -> Refusal | None:
    """This will say what a message about a visit, staff or a unit contradicts, or None."""
    return ORDER[kind](db, body)


def apply(*, db: sqlite3.Connection, kind: str, body: Body, lsh: str) -> None:
    """This will write down what an accepted message says."""
    values = {**dict.fromkeys(("fh", "zjlx", "zjhm", "gbyy")), **body, "lsh": lsh, "told": _told(body)}
    db.execute(CHANGES[kind], values)


def count_night(*, db: sqlite3.Connection, night: date) -> dict[str, int]:
    """This will count the guests of each unit in a night: who was in the house at some time between midnight and six of its morning.

    Who is here only by day is in no night; who never checked out still is.
    """
    morning = night + timedelta(days=1)
    begins, ends = (f"{datetime.combine(morning, hour):%Y%m%d%H%M}" for hour in (MIDNIGHT, MORNING))
    rows = db.execute(
        "SELECT lgdm, count(*) FROM stay WHERE state <> 'CANCELLED' AND rzsj < ? AND (tfsj IS NULL OR tfsj > ?)"
        " GROUP BY lgdm ORDER BY lgdm",
        (ends, begins),
    )
    return dict(rows.fetchall())


def count_registers(*, db: sqlite3.Connection) -> dict[str, int]:
    """This will count what is registered: visits and who is still visiting, staff who have not left, units that are open."""
    ((visits, visiting),) = db.execute("SELECT count(*), coalesce(sum(state = 'IN'), 0) FROM visit")
    ((staff,),) = db.execute("SELECT count(*) FROM staff WHERE lzbz = '0'")
    ((units,),) = db.execute("SELECT count(*) FROM unit WHERE state = 'OPEN'")
    return {"visits": visits, "visiting": visiting, "staff": staff, "units": units}


def rows_of(*, db: sqlite3.Connection, register: str, after: str, size: int) -> list[dict[str, object]]:
    """This will list what stands in a register, from after a reference; people are left out."""
    table = REGISTERS[register]
    key = KEYS[table]
    found = db.execute(f"SELECT * FROM {table} WHERE {key} > ? ORDER BY {key} LIMIT ?", (after, size)).fetchall()
    return [{name: row[name] for name in row.keys() if name != "person"} for row in found]  # noqa: SIM118


def _visitor_comes(db: sqlite3.Connection, body: Body) -> Refusal | None:
    return Refusal(code="ALREADY_VISITING", field="lfbh") if _row(db, "visit", body["lfbh"]) else None


def _visitor_leaves(db: sqlite3.Connection, body: Body) -> Refusal | None:
    row = _row(db, "visit", body["lfbh"])
    if row is None:
        return Refusal(code="NOT_VISITING", field="lfbh")
    if row["lgdm"] != body["lgdm"]:
        return Refusal(code="MISMATCH", field="lgdm")
    if row["state"] == "OUT":
        return Refusal(code="ALREADY_LEFT", field="lfbh")
    early = minute_of(body["lksj"]) < minute_of(row["lfsj"])
    return Refusal(code="OUT_BEFORE_IN", field="lksj") if early else None


def _staff_stands(db: sqlite3.Connection, body: Body) -> Refusal | None:
    # Whoever leaves must have come; anything else about them may be told again and again.
    known = body["lzbz"] == "0" or _row(db, "staff", body["rybh"]) is not None
    return None if known else Refusal(code="STAFF_UNKNOWN", field="rybh")


def _unit_begins(db: sqlite3.Connection, body: Body) -> Refusal | None:
    row = _row(db, "unit", body["lgdm"])
    if row is None:
        return None
    return Refusal(code="UNIT_KNOWN" if row["state"] == "OPEN" else "UNIT_CLOSED", field="lgdm")


def _unit_stands(db: sqlite3.Connection, body: Body) -> Refusal | None:
    row = _row(db, "unit", body["lgdm"])
    if row is None:
        return Refusal(code="UNIT_UNKNOWN", field="lgdm")
    return Refusal(code="UNIT_CLOSED", field="lgdm") if row["state"] == "CLOSED" else None


ORDER: Mapping[str, Callable[[sqlite3.Connection, Body], Refusal | None]] = {
    "VISITOR_IN": _visitor_comes,
    "VISITOR_OUT": _visitor_leaves,
    "STAFF": _staff_stands,
    "UNIT_CREATE": _unit_begins,
    "UNIT_UPDATE": _unit_stands,
    "UNIT_CLOSE": _unit_stands,
}
CHANGES: Mapping[str, str] = {
    "VISITOR_IN": "INSERT INTO visit (lfbh, lgdm, state, person, lfsj, lsh) VALUES (:lfbh, :lgdm, 'IN', :told, :lfsj, :lsh)",
    "VISITOR_OUT": "UPDATE visit SET state = 'OUT', lksj = :lksj WHERE lfbh = :lfbh",
    "STAFF": "INSERT INTO staff (rybh, lgdms, gw, lzbz, person, lsh) VALUES (:rybh, :lgdms, :gw, :lzbz, :told, :lsh)"
    " ON CONFLICT (rybh) DO UPDATE SET lgdms = :lgdms, gw = :gw, lzbz = :lzbz, person = :told, lsh = :lsh",
    "UNIT_CREATE": "INSERT INTO unit (lgdm, state, facts, lsh) VALUES (:lgdm, 'OPEN', :told, :lsh)",
    "UNIT_UPDATE": "UPDATE unit SET facts = :told, lsh = :lsh WHERE lgdm = :lgdm",
    "UNIT_CLOSE": "UPDATE unit SET state = 'CLOSED', gbsj = :gbsj, lsh = :lsh WHERE lgdm = :lgdm",
}


def _row(db: sqlite3.Connection, table: str, reference: str) -> sqlite3.Row | None:
    found: sqlite3.Row | None = db.execute(f"SELECT * FROM {table} WHERE {KEYS[table]} = ?", (reference,)).fetchone()
    return found


def _told(body: Body) -> str:
    told = {name: value for name, value in body.items() if name not in ("czr", "czsj")}
    return json.dumps(told, ensure_ascii=False, sort_keys=True)
