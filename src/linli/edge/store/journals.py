"""The journal of a box: one chain a gate, kept until the server has it and ninety days beyond.

A sequence is never used twice, not even after the file was lost: a small second file holds, for each gate, a number no
sequence has passed yet. A new file goes on beyond it, and the numbers between stay visible to the server as a gap.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linli.edge.store.database import Database, StoreFailed
from linli.edge.store.floors import Floors
from linli.gate import journal
from linli.gate.journal import Event, Gap, Head
from linli.gate.wire import JournalReceipt

_log = logging.getLogger("linli.gate")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS journal (gate TEXT NOT NULL, sequence INTEGER NOT NULL, line TEXT NOT NULL,
    at_us INTEGER NOT NULL, PRIMARY KEY (gate, sequence)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS heads (gate TEXT PRIMARY KEY, sequence INTEGER NOT NULL, hash TEXT NOT NULL,
    sent INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS strikes (gate TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (gate, sequence)
    ) WITHOUT ROWID
"""
_PUT_LINE = "INSERT INTO journal VALUES (?, ?, ?, ?)"
_PUT_HEAD = (
    "INSERT INTO heads VALUES (?, ?, ?, ?) ON CONFLICT (gate)"
    " DO UPDATE SET sequence=excluded.sequence, hash=excluded.hash"
)
_DROP_STRIKE = "DELETE FROM strikes WHERE gate=? AND sequence=?"
_UNSENT = (
    "SELECT j.gate, j.sequence, j.line FROM journal j JOIN heads h ON h.gate = j.gate"
    " WHERE j.gate = ? AND j.sequence > h.sent ORDER BY j.sequence LIMIT ?"
)
_OLDEST = (
    "SELECT j.sequence, j.at_us FROM journal j JOIN heads h ON h.gate = j.gate"
    " WHERE j.gate = ? AND j.sequence <= h.sent AND j.sequence < h.sequence ORDER BY j.sequence LIMIT ?"
)
_PRUNE_LINES = 500
# A server that claims more than this beyond a box's own head is not believed.
_FURTHEST_JUMP = 100_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line on its way to the server; gate and sequence as filed, whatever the line itself says."""

    gate: str
    sequence: int
    line: str


class JournalStore:
    """Writes the chains of one box. Safe to call from many threads; a line returned is a line on the disk."""

    def __init__(self, *, path: Path, gates: Sequence[str], first: Mapping[str, int] | None = None) -> None:
        self._database = Database(path=path, schema=_SCHEMA)
        self._floors = Floors(path.with_name("sequence-floors.json"))
        self._gates, self._first = tuple(gates), dict(first or {})
        self._lock = threading.RLock()
        self._heads: dict[str, Head] = {}
        self._struck: set[tuple[str, int]] = set()
        self._unconfirmed: list[tuple[str, int]] = []
        self._turn = 0
        self._asides = 0

    @property
    def set_aside(self) -> list[Path]:
        """Damaged files put aside since the start."""
        return list(self._database.set_aside)

    def append(self, *, gate: str, event: Event, strike_follows: bool = False) -> int:
        """Write an event through to the disk and give its sequence. Raises StoreFailed, and then it is not written."""
        with self._lock:
            for attempt in (1, 2):
                try:
                    return self._append(gate, event, strike_follows)
                except StoreFailed:
                    # A file that proved damaged just now has been set aside; the new one may serve.
                    if attempt == 2 or len(self._database.set_aside) == self._asides:
                        raise
        raise AssertionError("unreachable")

    def struck(self, *, gate: str, sequence: int) -> None:
        """Note that the door answered; written along with the next line or `flush`, so that nobody waits for it."""
        with self._lock:
            self._struck.add((gate, sequence))

    def flush(self) -> None:
        """Write what `struck` noted. Raises StoreFailed."""
        with self._lock:
            if not self._struck:
                return
            self._ready()
            noted = set(self._struck)
            with self._database.writing() as connection:
                connection.executemany(_DROP_STRIKE, noted)
            self._struck -= noted

    def take_unconfirmed(self) -> list[tuple[str, int]]:
        """Give, once, the openings written before a crash of which nobody knows whether the door opened."""
        with self._lock:
            self._ready()
            found, self._unconfirmed = self._unconfirmed, []
            return found

    def count_entries(self, serials: Collection[int]) -> dict[int, int]:
        """Count the entries this box let in on these passes, as far as its journal reaches. Raises StoreFailed."""
        if not serials:
            return {}
        asked = {f"{serial:016x}": serial for serial in serials}
        counts: dict[int, int] = {}
        with self._lock:
            self._ready()
            try:
                for (line,) in self._database.open().execute("SELECT line FROM journal WHERE line LIKE '%\tin\t1\t%'"):
                    serial = asked.get(line.split("\t", 10)[9])
                    if serial is not None:
                        counts[serial] = counts.get(serial, 0) + 1
            except sqlite3.Error as problem:
                raise StoreFailed(str(problem)) from problem
        return counts

    def heads(self) -> dict[str, Head]:
        """Where each gate's chain stands. Raises StoreFailed."""
        with self._lock:
            self._ready()
            return dict(self._heads)

    def unsent(self, *, limit: int) -> list[Row]:
        """The next lines for the server, oldest first, gates taking turns in being first. Raises StoreFailed."""
        with self._lock:
            connection = self._ready()
            self._turn += 1
            turn = self._turn % len(self._gates)
            rows: list[Row] = []
            for gate in self._gates[turn:] + self._gates[:turn]:
                found = _ask(connection, _UNSENT, (gate, limit - len(rows)))
                rows.extend(Row(gate=name, sequence=sequence, line=line) for name, sequence, line in found)
                if len(rows) >= limit:
                    break
            return rows

    def count_unsent(self) -> int:
        """How many lines the server does not have yet. Raises StoreFailed."""
        with self._lock:
            question = "SELECT COUNT(*) FROM journal j JOIN heads h ON h.gate = j.gate WHERE j.sequence > h.sent"
            return int(_ask(self._ready(), question)[0][0])

    def acknowledge(self, *, rows: Sequence[Row], receipt: JournalReceipt) -> int:
        """Move on past the lines the server has or has refused; give how many. Raises StoreFailed.

        Where the server holds another history of a gate than this box, the box lost its own: it goes on beyond.
        """
        with self._lock:
            self._ready()
            foreign = [gate for gate in receipt.stored if self._is_foreign(gate, receipt)]
            positions = _positions([row for row in rows if row.gate not in foreign], receipt)
            if positions:
                with self._database.writing() as connection:
                    connection.executemany(
                        "UPDATE heads SET sent=? WHERE gate=? AND sent<?",
                        [(position, gate, position) for gate, position in positions.items()],
                    )
            for gate in foreign:
                self._go_on_beyond(gate, receipt.stored[gate])
            return sum(row.sequence <= positions.get(row.gate, 0) for row in rows) + len(foreign)

    def resend(self, *, gate: str, first: int) -> bool:
        """Offer again all lines of a gate from a sequence on; say whether there are any. Raises StoreFailed."""
        with self._lock:
            connection = self._ready()
            if not _ask(connection, "SELECT 1 FROM journal WHERE gate=? AND sequence>=? LIMIT 1", (gate, first)):
                return False
            with self._database.writing() as connection:
                connection.execute("UPDATE heads SET sent=? WHERE gate=? AND sent>?", (first - 1, gate, first - 1))
            return True

    def holds(self, gap: Gap) -> bool:
        """Say whether all lines the server misses are here. Raises StoreFailed."""
        with self._lock:
            question = "SELECT COUNT(*) FROM journal WHERE gate=? AND sequence BETWEEN ? AND ?"
            found = _ask(self._ready(), question, (gap.gate, gap.first, gap.last))
            return int(found[0][0]) == gap.last - gap.first + 1

    def lines(self, gate: str, *, after: int = 0) -> list[str]:
        """All lines kept of a gate beyond a sequence. Raises StoreFailed."""
        with self._lock:
            question = "SELECT line FROM journal WHERE gate=? AND sequence>? ORDER BY sequence"
            return [line for (line,) in _ask(self._ready(), question, (gate, after))]

    def prune(self, *, before_us: int) -> int:
        """Forget lines older than an instant that the server has; the last of each chain stays. Raises StoreFailed.

        A few lines of each gate a call, so that no scan waits for it; gives how many, and 0 when there are no more.
        """
        pruned = 0
        for gate in self._gates:
            with self._lock:
                rows = _ask(self._ready(), _OLDEST, (gate, _PRUNE_LINES))
                old = [(gate, sequence) for sequence, at_us in rows if at_us < before_us]
                if old:
                    with self._database.writing() as connection:
                        connection.executemany("DELETE FROM journal WHERE gate=? AND sequence=?", old)
                pruned += len(old)
        return pruned

    def close(self) -> None:
        """Write what is noted and let go of the file."""
        with self._lock:
            try:
                self.flush()
            except StoreFailed as problem:
                _log.error("the last strikes are not on record: %s", problem)
            self._database.close()

    def _append(self, gate: str, event: Event, strike_follows: bool) -> int:
        self._ready()
        line, head = journal.append(head=self._heads[gate], event=event)
        self._floors.cover({gate: head.sequence})
        noted = set(self._struck)
        with self._database.writing() as connection:
            connection.execute(_PUT_LINE, (gate, head.sequence, line, int(line.split("\t", 4)[3])))
            connection.execute(_PUT_HEAD, (gate, head.sequence, head.hash, 0))
            if strike_follows:
                connection.execute("INSERT INTO strikes VALUES (?, ?)", (gate, head.sequence))
            if noted:
                connection.executemany(_DROP_STRIKE, noted)
        self._struck -= noted
        self._heads[gate] = head
        return head.sequence

    def _ready(self) -> sqlite3.Connection:
        """Have the file open and the heads read from it."""
        if self._heads and self._database.is_open:
            return self._database.open()
        connection = self._database.open()
        asides = self._database.set_aside[self._asides :]
        self._asides = len(self._database.set_aside)
        for aside in asides:
            self._salvage(aside)
        self._read_heads(connection)
        return connection

    def _read_heads(self, connection: sqlite3.Connection) -> None:
        known = {row[0]: row for row in _ask(connection, "SELECT gate, sequence, hash FROM heads")}
        floors = self._floors.read()
        heads = {}
        for gate in self._gates:
            last = _ask(connection, "SELECT MAX(sequence) FROM journal WHERE gate=?", (gate,))[0][0] or 0
            if gate in known and last <= known[gate][1]:
                heads[gate] = Head(gate=gate, sequence=known[gate][1], hash=known[gate][2])
            else:
                # One number stays unused, so that the server sees where a chain was cut.
                used = max(last, floors.get(gate, 0))
                first = used + 2 if used else self._first.get(gate, 1)
                heads[gate] = Head(gate=gate, sequence=first - 1)
        new = [
            (gate, head.sequence, head.hash, 0)
            for gate, head in heads.items()
            if known.get(gate) != (gate, head.sequence, head.hash)
        ]
        if new:
            # On record at once: a file with no row for a gate is a file that was lost, and the floor counts.
            with self._database.writing() as writing:
                writing.executemany(_PUT_HEAD, new)
        self._floors.cover({gate: head.sequence + 1 for gate, head in heads.items()})
        self._heads = heads
        left = _ask(connection, "SELECT gate, sequence FROM strikes ORDER BY gate, sequence")
        unconfirmed = {(gate, sequence) for gate, sequence in left} - self._struck - set(self._unconfirmed)
        self._unconfirmed.extend(sorted(unconfirmed))

    def _is_foreign(self, gate: str, receipt: JournalReceipt) -> bool:
        """Say whether the server's history of a gate is not this box's own."""
        head, stored = self._heads.get(gate), receipt.stored[gate]
        if head is None or stored > head.sequence + _FURTHEST_JUMP:
            return False
        if stored > head.sequence:
            return True
        theirs = receipt.hashes.get(gate)
        found = _ask(self._ready(), "SELECT line FROM journal WHERE gate=? AND sequence=?", (gate, stored))
        return theirs is not None and bool(found) and str(found[0][0])[-64:] != theirs

    def _go_on_beyond(self, gate: str, stored: int) -> None:
        """Lines the server cannot have by these numbers are written again, after everything it has."""
        _log.error("%s: the server holds another history, up to %d; this box goes on beyond", gate, stored)
        old = self._heads[gate]
        question = "SELECT line FROM journal j, heads h WHERE h.gate=j.gate AND j.gate=? AND j.sequence>h.sent"
        unsent = [line for (line,) in _ask(self._ready(), f"{question} ORDER BY j.sequence", (gate,))]
        head = Head(gate=gate, sequence=max(stored, old.sequence) + 1)
        rows = []
        for line in unsent:
            try:
                event = journal.parse(line).event
            except journal.BadLine:
                continue
            again, head = journal.append(head=head, event=event)
            rows.append((gate, head.sequence, again, int(again.split("\t", 4)[3])))
        self._floors.cover({gate: head.sequence + 1})
        with self._database.writing() as connection:
            connection.executemany(_PUT_LINE, rows)
            connection.execute(_PUT_HEAD, (gate, head.sequence, head.hash, 0))
            connection.execute("UPDATE heads SET sent=? WHERE gate=?", (max(stored, old.sequence), gate))
        self._heads[gate] = head

    def _salvage(self, aside: Path) -> None:
        """Bring over what can still be read from a damaged file: those lines may not have been sent."""
        saved = _readable_rows(aside)
        floors = self._floors.read()
        last = {gate: sequence for gate, sequence, _, _ in sorted(saved)}
        heads = [(gate, max(sequence, floors.get(gate, 0)) + 1, journal.GENESIS, 0) for gate, sequence in last.items()]
        with self._database.writing() as connection:
            connection.executemany("INSERT OR IGNORE INTO journal VALUES (?, ?, ?, ?)", saved)
            connection.executemany("INSERT OR IGNORE INTO heads VALUES (?, ?, ?, ?)", heads)
        _log.warning("%d lines were saved from %s", len(saved), aside.name)


def check(lines: Iterable[str], *, head: Head | None = None) -> list[str]:
    """Check a gate's lines as kept here and say in words what is wrong; `head` is where the chain should end."""
    rows = list(lines)
    heads: dict[str, Head] = {}
    try:
        first = journal.parse(rows[0])
        # Older lines were pruned; the chain is checked from the first that is left.
        heads[first.gate] = Head(gate=first.gate, sequence=first.sequence - 1, hash=first.prev)
    except (IndexError, journal.BadLine):
        heads = {}
    checked = journal.verify(rows, heads=heads)
    starts = {int(line.split("\t", 3)[2]) for line in checked.good if line[-129:-65] == journal.GENESIS}
    words = [f"{broken.gate} {broken.sequence}: changed ({broken.why})" for broken in checked.broken]
    words += [f"{gap.gate} {gap.first} to {gap.last}: missing" for gap in checked.gaps if gap.last + 1 not in starts]
    end = checked.heads.get(head.gate) if head else None
    if head and head.hash != journal.GENESIS and (end is None or end.hash != head.hash) and not words:
        words.append(f"{head.gate} {head.sequence}: the last lines are missing")
    return words


def _readable_rows(damaged: Path) -> list[tuple[str, int, str, int]]:
    rows: list[tuple[str, int, str, int]] = []
    try:
        with closing(sqlite3.connect(f"file:{damaged}?mode=ro", uri=True)) as connection:
            for row in connection.execute("SELECT gate, sequence, line, at_us FROM journal"):
                journal.parse(row[2])
                rows.append(row)
    except (sqlite3.Error, journal.BadLine, TypeError) as problem:
        _log.error("%s can be read up to line %d: %s", damaged.name, len(rows), problem)
    return rows


def _positions(rows: Sequence[Row], receipt: JournalReceipt) -> dict[str, int]:
    refused = {(broken.gate, broken.sequence) for broken in receipt.broken}
    positions: dict[str, int] = {}
    stuck: set[str] = set()
    for row in rows:
        if row.gate in stuck:
            continue
        taken = row.sequence <= receipt.stored.get(row.gate, 0)
        if taken or (row.gate, row.sequence) in refused or not _holds(row):
            positions[row.gate] = row.sequence
        else:
            stuck.add(row.gate)
    return positions


def _holds(row: Row) -> bool:
    try:
        line = journal.parse(row.line)
    except journal.BadLine:
        return False
    return (line.gate, line.sequence) == (row.gate, row.sequence)


def _ask(connection: sqlite3.Connection, question: str, values: Sequence[object] = ()) -> list[Any]:
    try:
        return connection.execute(question, values).fetchall()
    except sqlite3.Error as problem:
        raise StoreFailed(str(problem)) from problem
