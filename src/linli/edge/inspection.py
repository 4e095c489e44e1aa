"""Look into a box's home, with the agent running or not: what it knows, and whether its journal holds."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from linli.edge.box import ENROLMENT_FILE, JOURNAL_FILE, LIST_FILE
from linli.edge.store import JournalStore
from linli.edge.store.journals import check
from linli.gate.journal import Head


def inspect_home(home: Path) -> dict[str, Any]:
    """Read a home without changing it. Raises OSError where there is none."""
    box = _box(home)
    trouble = [f"{path.name}: set aside as damaged" for path in sorted(home.glob("*.damaged-*[0-9]"))]
    found: dict[str, Any] = {**box, "list": {}, "gates": []}
    try:
        found["list"] = _look_at_list(home / LIST_FILE)
        found["gates"], broken = _look_at_journal(home / JOURNAL_FILE, box["gates"])
    except sqlite3.Error as problem:
        broken = [f"cannot be read: {problem}"]
    trouble += broken
    return {"well": not trouble, "trouble": trouble, **found}


def send_again(home: Path, *, gate: str | None, first: int) -> dict[str, int]:
    """Have the agent offer lines to the server again; give from where, by gate. Raises OSError or StoreFailed."""
    gates = _box(home)["gates"]
    store = JournalStore(path=home / JOURNAL_FILE, gates=gates)
    try:
        chosen = [name for name in gates if gate in (None, name)]
        return {name: first for name in chosen if store.resend(gate=name, first=first)}
    finally:
        store.close()


def _box(home: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((home / ENROLMENT_FILE).read_text(encoding="utf-8")))
    except ValueError as problem:
        raise OSError(f"{home / ENROLMENT_FILE}: {problem}") from None


def _look_at_list(path: Path) -> dict[str, Any]:
    with closing(_reading(path)) as connection:
        facts = {name: json.loads(value) for name, value in connection.execute("SELECT name, value FROM facts")}
        states = dict(connection.execute("SELECT state, COUNT(*) FROM passes GROUP BY state").fetchall())
    return {"version": facts.get("version", 0), "made_at": facts.get("made_at"), "passes": states}


def _look_at_journal(path: Path, gates: list[str]) -> tuple[list[dict[str, Any]], list[str]]:
    rows, trouble = [], []
    with closing(_reading(path)) as connection:
        heads = {row[0]: row[1:] for row in connection.execute("SELECT gate, sequence, hash, sent FROM heads")}
        strikes = connection.execute("SELECT gate, sequence FROM strikes").fetchall()
        for gate in gates:
            sequence, digest, sent = heads.get(gate, (0, "0" * 64, 0))
            lines = connection.execute("SELECT line FROM journal WHERE gate=? ORDER BY sequence", (gate,))
            wrong = check((line for (line,) in lines), head=Head(gate=gate, sequence=sequence, hash=digest))
            trouble += wrong
            unconfirmed = [number for name, number in strikes if name == gate]
            rows.append(
                {"gate": gate, "sequence": sequence, "sent": sent, "unconfirmed": unconfirmed, "holds": not wrong}
            )
    return rows, trouble


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=2.0)
