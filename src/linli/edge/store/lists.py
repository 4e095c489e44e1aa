"""The list a gate decides by, on the disk of the box."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from linli.edge.store.database import Database, StoreFailed, is_damage
from linli.edge.store.seals import Seal
from linli.gate.hours import Hours
from linli.gate.snapshot import Credential, Delta, GateRule, HouseRules, PassEntry, PassState, Snapshot, Span
from linli.gate.wire import rows

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gates (gate TEXT PRIMARY KEY, rule TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hours (number INTEGER PRIMARY KEY, slots TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS credentials (name TEXT PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passes (serial TEXT PRIMARY KEY, version INTEGER NOT NULL, groups TEXT NOT NULL,
    starts INTEGER NOT NULL, ends INTEGER NOT NULL, holder TEXT NOT NULL, state TEXT NOT NULL, static INTEGER NOT NULL,
    hours INTEGER NOT NULL, uses INTEGER NOT NULL) WITHOUT ROWID
"""
_LAYOUT = 2
_PUT_PASS = "INSERT OR REPLACE INTO passes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_PUT = {name: f"INSERT OR REPLACE INTO {name} VALUES (?, ?)" for name in ("facts", "gates", "hours", "credentials")}
_EMPTY = ("passes", "gates", "hours", "credentials", "facts")


class ListStore:
    """Keeps one snapshot. It is never the last word: what is lost here comes again from the server.

    Credentials and the key of identity numbers are sealed under the box's secret.
    """

    def __init__(self, *, path: Path, estate: str, secret: str) -> None:
        self._database = Database(path=path, schema=_SCHEMA, layout=_LAYOUT)
        self._estate, self._seal = estate, Seal(secret)

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
                # Another layout, another estate's, or sealed under a secret this box no longer has.
                self._database.put_aside(problem)
        return Snapshot(estate=self._estate)

    def save(self, snapshot: Snapshot, delta: Delta) -> None:
        """Keep what a delta changed in the snapshot it made. Raises StoreFailed."""
        if not self._database.is_open:
            # Lost or failed under way: what memory knows goes to the file whole.
            return self.replace(snapshot)
        changed = [one for one in delta.credentials if snapshot.credentials.get((one.kind, one.value)) is one]
        with self._database.writing() as connection:
            self._write(
                connection,
                snapshot,
                passes=[entry for entry in delta.passes if snapshot.passes.get(entry.serial) is entry],
                rules=[rule for rule in delta.gates if snapshot.gates.get(rule.gate) is rule],
                credentials=changed,
            )
        return None

    def replace(self, snapshot: Snapshot) -> None:
        """Keep a whole snapshot instead of what was there. Raises StoreFailed."""
        with self._database.writing() as connection:
            for table in _EMPTY:
                connection.execute(f"DELETE FROM {table}")
            self._write(
                connection,
                snapshot,
                passes=snapshot.passes.values(),
                rules=snapshot.gates.values(),
                credentials=snapshot.credentials.values(),
            )

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _read(self, connection: sqlite3.Connection) -> Snapshot:
        facts = {name: json.loads(value) for name, value in connection.execute("SELECT name, value FROM facts")}
        if not facts:
            return Snapshot(estate=self._estate)
        if facts["estate"] != self._estate:
            raise ValueError("the list of another estate")
        rules = [rows.rule_from(*json.loads(row)) for (row,) in connection.execute("SELECT rule FROM gates")]
        tables = [rows.hours_from(*json.loads(row)) for (row,) in connection.execute("SELECT slots FROM hours")]
        credentials = [self._credential(*row) for row in connection.execute("SELECT name, sealed FROM credentials")]
        passes = {int(row[0], 16): _entry(row) for row in connection.execute("SELECT * FROM passes")}
        return Snapshot(
            estate=self._estate,
            version=facts["version"],
            made_at=datetime.fromisoformat(facts["made_at"]),
            keys={int(number): bytes.fromhex(raw) for number, raw in facts["keys"].items()},
            keys_version=facts["keys_version"],
            keys_made_at=datetime.fromisoformat(facts["keys_made_at"]),
            gates={rule.gate: rule for rule in rules},
            passes=passes,
            credentials={(one.kind, one.value): one for one in credentials},
            hours={table.number: table for table in tables},
            house=self._house(facts["house"]),
            ahead=tuple(
                Span(since=since, until=until, made_at=datetime.fromisoformat(at))
                for since, until, at in facts["ahead"]
            ),
        )

    def _write(
        self,
        connection: sqlite3.Connection,
        snapshot: Snapshot,
        *,
        passes: Iterable[PassEntry],
        rules: Iterable[GateRule],
        credentials: Iterable[Credential],
    ) -> None:
        connection.executemany(_PUT_PASS, map(_pass_row, passes))
        connection.executemany(_PUT["gates"], [(rule.gate, json.dumps(rows.rule_row(rule))) for rule in rules])
        connection.executemany(_PUT["credentials"], map(self._credential_row, credentials))
        # A handful, and seldom changed: written whole.
        connection.executemany(_PUT["hours"], map(_hours_row, snapshot.hours.values()))
        facts = {
            "estate": snapshot.estate,
            "version": snapshot.version,
            "made_at": snapshot.made_at.isoformat(),
            "keys": {str(number): raw.hex() for number, raw in snapshot.keys.items()},
            "keys_version": snapshot.keys_version,
            "keys_made_at": snapshot.keys_made_at.isoformat(),
            "house": self._sealed_house(snapshot.house),
            "ahead": [[span.since, span.until, span.made_at.isoformat()] for span in snapshot.ahead],
        }
        connection.executemany(_PUT["facts"], [(name, json.dumps(value)) for name, value in facts.items()])

    def _credential_row(self, one: Credential) -> tuple[str, bytes]:
        name = self._seal.index(one.kind, one.value)
        return name, self._seal.close(json.dumps(rows.credential_row(one)).encode(), context=name)

    def _credential(self, name: str, sealed: bytes) -> Credential:
        return rows.credential_from(*json.loads(self._seal.open(sealed, context=name)))

    def _sealed_house(self, house: HouseRules) -> str:
        return self._seal.close(json.dumps(rows.house_row(house)).encode(), context="house").hex()

    def _house(self, sealed: str) -> HouseRules:
        return rows.house_from(json.loads(self._seal.open(bytes.fromhex(sealed), context="house")))


def _hours_row(table: Hours) -> tuple[int, str]:
    return table.number, json.dumps(rows.hours_row(table))


def _pass_row(entry: PassEntry) -> tuple[object, ...]:
    starts, ends = int(entry.start.timestamp()), int(entry.end.timestamp())
    groups, serial = json.dumps(entry.groups), f"{entry.serial:016x}"
    state, static = entry.state.value, int(entry.static)
    return (serial, entry.version, groups, starts, ends, entry.holder, state, static, entry.hours, entry.uses)


def _entry(row: tuple[str, int, str, int, int, str, str, int, int, int]) -> PassEntry:
    serial, version, groups, starts, ends, holder, state, static, hours, uses = row
    return PassEntry(
        serial=int(serial, 16),
        version=version,
        groups=tuple(json.loads(groups)),
        start=datetime.fromtimestamp(starts, UTC),
        end=datetime.fromtimestamp(ends, UTC),
        holder=holder,
        state=PassState(state),
        static=bool(static),
        hours=hours,
        uses=uses,
    )
