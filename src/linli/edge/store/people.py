"""What a box keeps of its terminals: numbers for passes, who stands how on which device, records taken, alarms, commands.

A device's record is marked as taken after its line is in the journal, and the line itself names the record: the marks are
made good from the lines written since the last mark, so that kill -9 between the two neither loses nor doubles a passage.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from linli.edge.store.database import Database, StoreFailed
from linli.edge.store.floors import Floors
from linli.edge.store.seals import Seal, SealBroken
from linli.gate.wire import BadMessage, PersonState, TerminalPlan, decode_terminals, encode_terminals

_SCHEMA = """
CREATE TABLE IF NOT EXISTS numbers (number INTEGER PRIMARY KEY AUTOINCREMENT, serial TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS people (terminal TEXT NOT NULL, number INTEGER NOT NULL, serial TEXT NOT NULL,
    state TEXT NOT NULL, wanted TEXT NOT NULL, held TEXT NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL,
    trouble TEXT NOT NULL, words TEXT NOT NULL, told INTEGER NOT NULL, PRIMARY KEY (terminal, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (terminal TEXT NOT NULL, record TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (terminal, record)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS looked (gate TEXT PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS alarms (terminal TEXT NOT NULL, alarm TEXT NOT NULL, PRIMARY KEY (terminal, alarm)
    ) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS commands (id TEXT PRIMARY KEY, outcome TEXT NOT NULL, words TEXT NOT NULL,
    at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID
"""
_PUT_PERSON = "INSERT OR REPLACE INTO people VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_NUMBERS = "numbers"
_MARK_LENGTH = 16


@dataclass(slots=True, kw_only=True)
class Standing:
    """How one pass stands on one terminal. `wanted` and `held` are marks of the person, "" is not there.

    `told` says whether the server knows of it.
    """

    number: int
    serial: int
    state: PersonState
    wanted: str
    held: str = ""
    version: int = 0
    at: datetime
    trouble: str = ""
    words: str = ""
    told: bool = False


class PeopleStore:
    """One box's. Safe to call from many threads. A mark stands for a person's checksum without giving his PIN away."""

    def __init__(self, *, path: Path, secret: str) -> None:
        self._database = Database(path=path, schema=_SCHEMA)
        self._floors = Floors(path.with_name("number-floors.json"))
        self._seal = Seal(secret)
        self._lock = threading.RLock()
        self._numbers: dict[int, int] = {}
        self._serials: dict[int, int] = {}
        self._loaded = False

    @property
    def set_aside(self) -> list[Path]:
        """Damaged files put aside since the start."""
        return list(self._database.set_aside)

    def mark(self, checksum: str) -> str:
        """Stand for a checksum: it is made of few digits sometimes, and a stolen disk must not tell them."""
        return self._seal.index("person", checksum)[:_MARK_LENGTH]

    def number(self, serials: Collection[int]) -> Mapping[int, int]:
        """Give each pass its number, a new one if it has none: small, and never given twice. Raises StoreFailed."""
        with self._lock:
            self._load_numbers()
            fresh = [serial for serial in serials if serial not in self._numbers]
            if fresh:
                self._give(fresh)
            return {serial: self._numbers[serial] for serial in serials}

    def serial(self, number: int) -> int | None:
        """Say whose number that is. Raises StoreFailed."""
        with self._lock:
            self._load_numbers()
            return self._serials.get(number)

    def known(self, serial: int) -> int | None:
        """Give a pass's number if it has one. Raises StoreFailed."""
        with self._lock:
            self._load_numbers()
            return self._numbers.get(serial)

    def forget(self, serials: Collection[int]) -> None:
        """Let go of passes that stand on no device any more, and of what is older than anybody asks. Raises StoreFailed."""
        names = [(f"{serial:016x}",) for serial in serials]
        with self._lock:
            self._load_numbers()
            with self._database.writing() as connection:
                connection.executemany("DELETE FROM numbers WHERE serial=?", names)
                connection.executemany("DELETE FROM people WHERE serial=?", names)
            for serial in serials:
                self._serials.pop(self._numbers.pop(serial, -1), None)

    def forget_before(self, before: datetime) -> None:
        """Let go of marks and answers older than that. Raises StoreFailed."""
        with self._lock, self._database.writing() as connection:
            connection.execute("DELETE FROM records WHERE at<?", (_seconds(before),))
            connection.execute("DELETE FROM commands WHERE at<?", (_seconds(before),))

    def numbered(self) -> frozenset[int]:
        """Name every pass that has a number. Raises StoreFailed."""
        with self._lock:
            self._load_numbers()
            return frozenset(self._numbers)

    def standings(self, terminal: str) -> list[Standing]:
        """Read how everybody stands on a terminal. Raises StoreFailed."""
        return [_standing(row) for row in self._ask("SELECT * FROM people WHERE terminal=?", terminal)]

    def save(self, terminal: str, standings: Iterable[Standing]) -> None:
        """Keep these. Raises StoreFailed."""
        with self._lock, self._database.writing() as connection:
            connection.executemany(_PUT_PERSON, (_row(terminal, one) for one in standings))

    def has_taken(self, terminal: str, record: str) -> bool:
        """Say whether a device's record was taken. Raises StoreFailed."""
        return bool(self._ask("SELECT 1 FROM records WHERE terminal=? AND record=?", terminal, record))

    def take(self, records: Iterable[tuple[str, str, datetime]], *, gate: str = "", sequence: int = 0) -> None:
        """Mark records (terminal, record, at) as taken; the gate's journal is looked through up to that line."""
        rows = [(terminal, record, _seconds(at)) for terminal, record, at in records]
        with self._lock, self._database.writing() as connection:
            connection.executemany("INSERT OR IGNORE INTO records VALUES (?, ?, ?)", rows)
            if gate:
                connection.execute("INSERT OR REPLACE INTO looked VALUES (?, ?)", (gate, sequence))

    def looked_through(self, gate: str) -> int:
        """Say up to which line of a gate's journal every record is marked. Raises StoreFailed."""
        rows = self._ask("SELECT sequence FROM looked WHERE gate=?", gate)
        return int(rows[0][0]) if rows else 0

    def alarms(self, terminal: str) -> frozenset[str]:
        """Name the alarms of a terminal that are on. Raises StoreFailed."""
        return frozenset(name for (name,) in self._ask("SELECT alarm FROM alarms WHERE terminal=?", terminal))

    def ring(self, terminal: str, alarm: str, *, on: bool) -> None:
        """Keep that an alarm is on or over. Raises StoreFailed."""
        question = (
            "INSERT OR IGNORE INTO alarms VALUES (?, ?)" if on else "DELETE FROM alarms WHERE terminal=? AND alarm=?"
        )
        with self._lock, self._database.writing() as connection:
            connection.execute(question, (terminal, alarm))

    def command(self, id: str) -> tuple[str, str] | None:
        """Say what came of a command ("" while nobody knows), in words; None if it was never begun. Raises StoreFailed."""
        rows = self._ask("SELECT outcome, words FROM commands WHERE id=?", id)
        return (str(rows[0][0]), str(rows[0][1])) if rows else None

    def note_command(self, id: str, *, outcome: str, words: str, at: datetime) -> None:
        """Keep that a command was begun, or what came of it. Raises StoreFailed."""
        with self._lock, self._database.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO commands VALUES (?, ?, ?, ?)", (id, outcome, words, _seconds(at))
            )

    def plans(self) -> tuple[TerminalPlan, ...]:
        """Read the devices as the server told them last; none if that cannot be read any more. Raises StoreFailed."""
        rows = self._ask("SELECT value FROM facts WHERE name='plans'")
        try:
            return decode_terminals(self._seal.open(rows[0][0], context="plans")) if rows else ()
        except (SealBroken, BadMessage):
            return ()

    def save_plans(self, plans: tuple[TerminalPlan, ...]) -> None:
        """Keep the devices, sealed: how they are reached is a secret. Raises StoreFailed."""
        sealed = self._seal.close(encode_terminals(plans), context="plans")
        with self._lock, self._database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO facts VALUES ('plans', ?)", (sealed,))

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._database.close()

    def _give(self, serials: list[int]) -> None:
        # A lost file must not give a number again that a device still knows under another's name.
        lowest = self._floors.read().get(_NUMBERS, 0) if not self._numbers else 0
        with self._database.writing() as connection:
            first = max([lowest, *(seen for (seen,) in connection.execute("SELECT seq FROM sqlite_sequence"))])
            given = {serial: first + place for place, serial in enumerate(serials, 1)}
            # The floor goes first: a number beyond it is never on a device.
            self._floors.cover({_NUMBERS: first + len(serials)})
            connection.executemany(
                "INSERT INTO numbers VALUES (?, ?)", [(number, f"{serial:016x}") for serial, number in given.items()]
            )
        self._numbers.update(given)
        self._serials.update({number: serial for serial, number in given.items()})

    def _load_numbers(self) -> None:
        if self._loaded:
            return
        rows = self._ask("SELECT number, serial FROM numbers")
        self._numbers = {int(serial, 16): number for number, serial in rows}
        self._serials = {number: serial for serial, number in self._numbers.items()}
        self._loaded = True

    def _ask(self, question: str, *values: object) -> list[Any]:
        with self._lock:
            try:
                return self._database.open().execute(question, values).fetchall()
            except sqlite3.Error as problem:
                self._database.close()
                raise StoreFailed(str(problem)) from problem


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _row(terminal: str, one: Standing) -> tuple[object, ...]:
    serial, at = f"{one.serial:016x}", int(one.at.timestamp() * 1000)
    words = (one.trouble, one.words)
    return (terminal, one.number, serial, one.state.value, one.wanted, one.held, one.version, at, *words, int(one.told))


def _standing(row: tuple[Any, ...]) -> Standing:
    _, number, serial, state, wanted, held, version, at, trouble, words, told = row
    return Standing(
        number=number,
        serial=int(serial, 16),
        state=PersonState(state),
        wanted=wanted,
        held=held,
        version=version,
        at=datetime.fromtimestamp(at / 1000, UTC),
        trouble=trouble,
        words=words,
        told=bool(told),
    )
