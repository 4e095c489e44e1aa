"""How fast gate journals come in, beside the floor: the same lines by COPY and ON CONFLICT alone, nothing checked.

Goal: at least 40,000 events a second, and at least 0.6 of the floor, on two cores. The journals are written beforehand; ours and the
floor take turns, so that a noisy machine troubles both alike.
"""

import gc
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import django
import psycopg
from django.core.management import call_command
from django.db import connection

from linli.gate import journal
from linli.gate.journal import Event, Head
from linli.server import env, postgres

GATES = 51
PASSES = 20_000
BATCH = 2_000
LINES, QUICK_LINES = 400_000, 60_000
GOAL_PER_SECOND, GOAL_RATIO = 40_000, 0.6
NOON = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)


def run(*, quick: bool = False) -> dict[str, object]:
    """This will measure on a fresh temporary PostgreSQL, in a process of its own, and return the figures."""
    with postgres.temporary() as address, tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "DATABASE_URL": address, "LINLI_HOME": home}
        command = [sys.executable, "-m", __name__, "quick" if quick else "full"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    figures: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return figures


def measure(*, lines: int) -> dict[str, object]:
    """This will measure in this process; Django must be set up on an empty database."""
    call_command("migrate", verbosity=0)
    actions, queries = _server("access.actions"), _server("access.queries")
    key, estate_id, serials = _estate()
    # As the server does once it stands: the house is not looked through again at every collection.
    gc.collect()
    gc.freeze()
    bodies = journals(lines=lines, gates=queries.authenticate_box(key=key).gates, serials=serials)
    with psycopg.connect(os.environ["DATABASE_URL"]) as plain:
        plain.execute("CREATE TABLE floor (LIKE access_gateevent INCLUDING ALL)")
        plain.execute(_ARRIVALS)
        plain.commit()
        ours = floor = 0.0
        for body in bodies:
            started = time.perf_counter()
            actions.record_gate_events(box=queries.authenticate_box(key=key), body=body, now=NOON)
            between = time.perf_counter()
            _floor(plain, body, estate_id)
            floor += time.perf_counter() - between
            ours += between - started
        stored = _count(plain, "access_gateevent"), _count(plain, "floor")
    if stored != (lines, lines):
        raise AssertionError(f"{stored} rows of {lines}")
    return _figures(lines, ours, floor)


def journals(*, lines: int, gates: tuple[str, ...], serials: list[int]) -> list[bytes]:
    """This will write the journals of some gates as they would arrive: batches of 2,000 lines, all gates mixed."""
    chance = random.Random(51)
    heads = {gate: Head(gate=gate) for gate in gates}
    written = []
    for number in range(lines):
        gate = gates[number % len(gates)]
        opened = chance.random() < 0.97
        event = Event(
            at=NOON + timedelta(milliseconds=number),
            clock="ok",
            method="CODE",
            direction="in" if chance.random() < 0.5 else "out",
            opened=opened,
            reason="OK" if opened else "EXPIRED",
            serial=chance.choice(serials),
            snapshot_version=1,
        )
        line, heads[gate] = journal.append(head=heads[gate], event=event)
        written.append(f"{line}\n")
    return ["".join(written[at : at + BATCH]).encode() for at in range(0, lines, BATCH)]


def _figures(lines: int, ours: float, floor: float) -> dict[str, object]:
    per_second, ratio = lines / ours, floor / ours
    return {
        "events": lines,
        "gates": GATES,
        "passes": PASSES,
        "batch": BATCH,
        "events_per_second": round(per_second),
        "floor_events_per_second": round(lines / floor),
        "ratio_to_floor": round(ratio, 3),
        "goal_events_per_second": GOAL_PER_SECOND,
        "goal_ratio": GOAL_RATIO,
        "met": per_second >= GOAL_PER_SECOND and ratio >= GOAL_RATIO,
    }


def _server(module: str) -> Any:
    # By name and late: Django must be set up before a domain can be imported.
    return import_module(f"linli.server.{module}")


def _estate() -> tuple[str, str, list[int]]:
    """An estate of 51 gates under one box, with as many passes as on its fullest night; one in twenty was never used yet."""
    actions = _server("access.actions")
    keeper = _server("kernel.actors").system(_server("kernel.ids").new("estate"))
    _server("privacy.actions").declare_purposes(actor=keeper, now=NOON)
    group = actions.DoorGroupPlan(number=1, kind=actions.DoorKind.ESTATE, name_zh="大门", name_en="Gates")
    plans = [
        actions.GatePlan(code=f"G{at:02}", name_zh="门", name_en="Gate", kind=actions.DoorKind.ESTATE, groups=(1,))
        for at in range(1, GATES + 1)
    ]
    codes = actions.lay_out_gates(actor=keeper, groups=[group], gates=plans, now=NOON)
    enrolled = actions.enrol_box(actor=keeper, gate_codes=codes, now=NOON)
    actions.grant_pass(
        actor=keeper,
        holder_kind="courier",
        holder_id="person_0",
        entrance_id=None,
        period=_server("kernel.periods").Period(start=NOON, end=NOON + timedelta(days=1)),
        origin=actions.Origin(kind="stay", id="stay_0"),
        now=NOON,
    )
    with connection.cursor() as cursor:
        # Written directly: granting them one by one would take longer than the measurement.
        cursor.execute(_MORE_PASSES, [PASSES - 1])
        cursor.execute("SELECT serial FROM access_pass ORDER BY serial")
        serials = [serial for (serial,) in cursor.fetchall()]
        cursor.execute("ANALYZE access_pass")
    return enrolled.key, keeper.estate_id, serials


def _floor(plain: psycopg.Connection[Any], body: bytes, estate_id: str) -> None:
    with plain.transaction(), plain.cursor() as cursor:
        with cursor.copy("COPY arrivals FROM STDIN (NULL '-')") as copy:
            copy.write(body)
        cursor.execute(_TAKE_IN, [estate_id, NOON])


def _count(plain: psycopg.Connection[Any], table: str) -> int:
    row = plain.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row else 0


_MORE_PASSES = """
    INSERT INTO access_pass (id, estate_id, purpose_id, serial, holder_kind, holder_id, origin_kind, origin_id, groups, told, start,
                             "end", told_until, state, static, override, hours, uses, number, version, reason, granted_at,
                             changed_at, first_used_at)
    SELECT 'pass_' || n, estate_id, purpose_id, (random() * 9e18)::bigint, holder_kind, 'person_' || n, origin_kind, 'stay_' || n,
           groups, told, start, "end", told_until, state, static, override, hours, uses, '', version, reason, granted_at, changed_at,
           CASE WHEN n %% 20 > 0 THEN start - interval '1 day' END
    FROM access_pass, generate_series(1, %s) AS n
"""

_ARRIVALS = """
    CREATE TEMPORARY TABLE arrivals (
        format text, gate text, sequence bigint, at_us bigint, clock text, method text, direction text, opened boolean,
        reason text, serial text, snapshot_version bigint, note text, prev text, hash text
    ) ON COMMIT DELETE ROWS
"""

_TAKE_IN = """
    INSERT INTO floor (estate_id, gate, sequence, happened_at, received_at, clock_sure, method, direction, opened, reason, serial,
                       snapshot_version, note, prev, hash)
    SELECT %s, gate, sequence, 'epoch'::timestamptz + at_us * interval '1 microsecond', %s, clock = 'ok', method, direction, opened,
           reason, ('x' || serial)::bit(64)::bigint, snapshot_version, coalesce(note, ''), decode(prev, 'hex'), decode(hash, 'hex')
    FROM arrivals ON CONFLICT (estate_id, gate, sequence) DO NOTHING
"""


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "linli.server.settings"
    env.prepare_home(env.load())
    django.setup()
    print(json.dumps(measure(lines=QUICK_LINES if "quick" in sys.argv else LINES)))
