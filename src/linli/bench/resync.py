"""A whole list of 20,000 people to 51 doors, over real HTTP: fetched, read, applied, written to the disk of each door.

The estate's own list is filled up to 20,000 passes, each with a card. Five doors fetch at a time, as after a power cut. The
floor is the same body from the same machine without the server: read, applied and written.
"""

from __future__ import annotations

import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg

from linli.bench.fresh import percentile
from linli.edge.store import ListStore
from linli.gate import wire
from linli.gate.snapshot import Snapshot, apply
from linli.server import postgres
from linli.supervise.instance import Instance, temporary

PEOPLE, QUICK_PEOPLE = 20_000, 2_000
DOORS, AT_A_TIME = 51, 5
MB = 1e6


def run(*, quick: bool = False) -> dict[str, object]:
    """Fill the list, fetch it for every door, and give the figures."""
    people = QUICK_PEOPLE if quick else PEOPLE
    with temporary(say=lambda line: None) as instance, tempfile.TemporaryDirectory(prefix="linli-bench-") as folder:
        _fill(instance, people)
        box = json.loads(instance.boxes[0].file.read_text(encoding="utf-8"))
        began = time.monotonic()
        with ThreadPoolExecutor(AT_A_TIME) as doors:
            fetched = list(doors.map(lambda door: _resync(box, Path(folder) / f"door-{door}"), range(DOORS)))
        wall = time.monotonic() - began
        body, _, _ = fetched[0]
        floor_began = time.monotonic()
        _take(body, box["estate"], Path(folder) / "floor")
        floor = time.monotonic() - floor_began
    listed = len(wire.decode_delta(body).passes)
    return {
        "doors": DOORS,
        "people": listed,
        "resync_s": round(wall, 1),
        "one_door_p50_s": round(percentile([seconds for _, _, seconds in fetched], 50), 2),
        "snapshot_mb": round(len(body) / MB, 2),
        "on_the_wire_mb": round(fetched[0][1] / MB, 2),
        "floor_one_door_s": round(floor, 2),
        "goal_resync_s": 120.0,
        "goal_on_the_wire_mb": 8.0,
    }


def _resync(box: dict[str, str], home: Path) -> tuple[bytes, int, float]:
    began = time.monotonic()
    headers = {"authorization": f"Bearer {box['secret']}", "accept-encoding": "gzip"}
    with httpx.stream("GET", f"{box['server']}/api/gate/delta?since=0", headers=headers, timeout=120) as answer:
        answer.raise_for_status()
        body = b"".join(answer.iter_bytes())
        wired = answer.num_bytes_downloaded
    _take(body, box["estate"], home)
    return body, wired, time.monotonic() - began


def _take(body: bytes, estate: str, home: Path) -> None:
    home.mkdir()
    store = ListStore(path=home / "list.sqlite3", estate=estate, secret="bench")
    store.replace(apply(Snapshot(estate=estate), wire.decode_delta(body)))
    store.close()


def _fill(instance: Instance, people: int) -> None:
    """Write passes straight into the tables, each with a card; the server reads them as its own."""
    with psycopg.connect(postgres.url(instance.env.pg_home)) as connection:
        connection.execute(_PASSES, {"people": people})
        serials = connection.execute("SELECT id, serial FROM access_pass WHERE origin_kind = 'bench'").fetchall()
    file = instance.env.home / "cards.json"
    file.write_text(json.dumps([[pass_id, f"{serial % 2**32:08X}"] for pass_id, serial in serials]), encoding="utf-8")


_PASSES = """
    INSERT INTO access_pass (id, estate_id, purpose_id, serial, holder_kind, holder_id, origin_kind, origin_id, groups, told,
                             start, "end", told_until, state, static, override, hours, uses, number, version, reason, granted_at, changed_at)
    SELECT 'pass_bench' || n, e.id, p.id, 7000000000 + n, 'resident', 'bench' || n, 'bench', 'bench' || n, g.groups, g.groups,
           now() - interval '1 day', now() + interval '300 days', now() + interval '300 days', 'active', false, false, 0, 0, '',
           (SELECT version FROM access_snapshotcounter c WHERE c.estate_id = e.id), '', now(), now()
    FROM generate_series(1, %(people)s) n,
         (SELECT id FROM places_estate LIMIT 1) e,
         LATERAL (SELECT id FROM privacy_purpose WHERE estate_id = e.id AND code = 'access_pass' LIMIT 1) p,
         LATERAL (SELECT array_agg(DISTINCT number ORDER BY number) AS groups FROM (
             SELECT number FROM access_doorgroup WHERE estate_id = e.id ORDER BY number LIMIT 3) few) g
"""
