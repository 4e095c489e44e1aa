"""The list a gate decides by, on the disk of the box."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from linli.edge.store.database import Database, StoreFailed, is_damage
from linli.gate.snapshot import Delta, FailMode, GateRule, PassEntry, PassState, Snapshot, Span

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gates (gate TEXT PRIMARY KEY, version INTEGER NOT NULL, groups TEXT NOT NULL,
    fail_mode TEXT NOT NULL, max_age_s INTEGER NOT NULL, strike_s INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passes (serial TEXT PRIMARY KEY, version INTEGER NOT NULL, groups TEXT NOT NULL,
    starts INTEGER NOT NULL, ends INTEGER NOT NULL, holder TEXT NOT NULL, state TEXT NOT NULL, static INTEGER NOT NULL
    ) WITHOUT ROWID
"""
_PUT_PASS = "INSERT OR REPLACE INTO passes VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_PUT_GATE = "INSERT OR REPLACE INTO gates VALUES (?, ?, ?, ?, ?, ?)"
_PUT_FACT = "INSERT OR REPLACE INTO facts VALUES (?, ?)"
_EMPTY = "DELETE FROM passes; DELETE FROM gates; DELETE FROM facts"


class ListStore:
    """Keeps one snapshot. It is never the last word: what is lost here comes again from the server."""

    def __init__(self, *, path: Path, estate: str) -> None:
        self._database = Database(path=path, schema=_SCHEMA)
        self._estate = estate

    @property
    def set_aside(self) -> list[Path]:
        """Damaged files put aside since the start."""
        return list(self._database.set_aside)

    def load(self) -> Snapshot:
        """Read the snapshot; an empty one if there is none, or none that can be used. Raises StoreFailed."""
        for _ in range(2):
            try:
                return self._read(self._database.open())
            except sqlite3.DatabaseError as problem:
                if not is_damage(problem):
                    raise StoreFailed(str(problem)) from problem
                self._database.put_aside(problem)
            except (ValueError, KeyError, TypeError) as problem:
                self._database.put_aside(problem)
        return Snapshot(estate=self._estate)

    def save(self, snapshot: Snapshot, delta: Delta) -> None:
        """Keep what a delta changed in the snapshot it made. Raises StoreFailed."""
        changed = [entry for entry in delta.passes if snapshot.passes.get(entry.serial) is entry]
        rules = [rule for rule in delta.gates if snapshot.gates.get(rule.gate) is rule]
        if not self._database.is_open:
            # Lost or failed under way: what memory knows goes to the file whole.
            return self.replace(snapshot)
        with self._database.writing() as connection:
            _write(connection, snapshot, changed, rules)
        return None

    def replace(self, snapshot: Snapshot) -> None:
        """Keep a whole snapshot instead of what was there. Raises StoreFailed."""
        with self._database.writing() as connection:
            for statement in _EMPTY.split(";"):
                connection.execute(statement)
            _write(connection, snapshot, snapshot.passes.values(), snapshot.gates.values())

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _read(self, connection: sqlite3.Connection) -> Snapshot:
        facts = {name: json.loads(value) for name, value in connection.execute("SELECT name, value FROM facts")}
        if not facts:
            return Snapshot(estate=self._estate)
        if facts["estate"] != self._estate:
            raise ValueError("the list of another estate")
        gates = {row[0]: _rule(row) for row in connection.execute("SELECT * FROM gates")}
        passes = {int(row[0], 16): _entry(row) for row in connection.execute("SELECT * FROM passes")}
        return Snapshot(
            estate=self._estate,
            version=facts["version"],
            made_at=datetime.fromisoformat(facts["made_at"]),
            keys={int(number): bytes.fromhex(raw) for number, raw in facts["keys"].items()},
            keys_version=facts["keys_version"],
            keys_made_at=datetime.fromisoformat(facts["keys_made_at"]),
            gates=gates,
            passes=passes,
            ahead=tuple(
                Span(since=since, until=until, made_at=datetime.fromisoformat(at))
                for since, until, at in facts["ahead"]
            ),
        )


def _write(
    connection: sqlite3.Connection, snapshot: Snapshot, passes: Iterable[PassEntry], rules: Iterable[GateRule]
) -> None:
    connection.executemany(_PUT_PASS, map(_pass_row, passes))
    connection.executemany(_PUT_GATE, map(_gate_row, rules))
    facts = {
        "estate": snapshot.estate,
        "version": snapshot.version,
        "made_at": snapshot.made_at.isoformat(),
        "keys": {str(number): raw.hex() for number, raw in snapshot.keys.items()},
        "keys_version": snapshot.keys_version,
        "keys_made_at": snapshot.keys_made_at.isoformat(),
        "ahead": [[span.since, span.until, span.made_at.isoformat()] for span in snapshot.ahead],
    }
    connection.executemany(_PUT_FACT, [(name, json.dumps(value)) for name, value in facts.items()])


def _pass_row(entry: PassEntry) -> tuple[object, ...]:
    starts, ends = int(entry.start.timestamp()), int(entry.end.timestamp())
    groups, serial = json.dumps(entry.groups), f"{entry.serial:016x}"
    return (serial, entry.version, groups, starts, ends, entry.holder, entry.state.value, int(entry.static))


def _gate_row(rule: GateRule) -> tuple[object, ...]:
    groups = json.dumps(sorted(rule.groups))
    return (rule.gate, rule.version, groups, rule.fail_mode.value, rule.max_age_s, rule.strike_s)


def _entry(row: tuple[str, int, str, int, int, str, str, int]) -> PassEntry:
    serial, version, groups, starts, ends, holder, state, static = row
    return PassEntry(
        serial=int(serial, 16),
        version=version,
        groups=tuple(json.loads(groups)),
        start=datetime.fromtimestamp(starts, UTC),
        end=datetime.fromtimestamp(ends, UTC),
        holder=holder,
        state=PassState(state),
        static=bool(static),
    )


def _rule(row: tuple[str, int, str, str, int, int]) -> GateRule:
    gate, version, groups, fail_mode, max_age_s, strike_s = row
    return GateRule(
        gate=gate,
        version=version,
        groups=frozenset(json.loads(groups)),
        fail_mode=FailMode(fail_mode),
        max_age_s=max_age_s,
        strike_s=strike_s,
    )
