"""The Spanish platform's own books: SQLite, every lot on disk before its number is given, each record decided once."""

import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from linli.sim.platforms import ses_rules
from linli.sim.platforms.ses_papers import Element, as_text, from_text, text_of

SCHEMA = """
CREATE TABLE IF NOT EXISTS lot (
    position INTEGER PRIMARY KEY,
    lote TEXT NOT NULL UNIQUE,
    username TEXT NOT NULL,
    party TEXT NOT NULL,
    application TEXT NOT NULL,
    operation TEXT NOT NULL CHECK (operation IN ('A', 'B')),
    establishment TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    due_at TEXT NOT NULL,
    settled_at TEXT
);
CREATE INDEX IF NOT EXISTS lot_due ON lot (due_at) WHERE settled_at IS NULL;
CREATE TABLE IF NOT EXISTS record (
    lote TEXT NOT NULL REFERENCES lot (lote),
    orden INTEGER NOT NULL,
    reference TEXT NOT NULL,
    body TEXT NOT NULL,
    review INTEGER NOT NULL DEFAULT 0,
    code TEXT UNIQUE,
    error_kind TEXT,
    error TEXT,
    annulled_at TEXT,
    PRIMARY KEY (lote, orden)
);
CREATE INDEX IF NOT EXISTS record_reference ON record (reference);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Whose credentials a request bears: a user of one lessor (arrendador)."""

    username: str
    party: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One communication of a lot: its reference, its text, and whether a person must look at it (scripted)."""

    reference: str
    body: str
    review: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """What came in under one number."""

    sender: Sender
    application: str
    operation: str
    establishment: str
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one record: a code, or an error; `annulled` when it was taken back since."""

    orden: int
    code: str | None
    error_kind: str | None
    error: str | None
    annulled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedLot:
    """A lot as it stands; `settled_at` is None while it is being processed."""

    lote: str
    username: str
    party: str
    application: str
    operation: str
    seen_at: datetime
    settled_at: datetime | None
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Communication:
    """An accepted communication, as the platform shows it again."""

    code: str
    party: str
    establishment: str
    seen_at: datetime
    annulled: bool
    body: Element


class Books:
    """The platform's memory. One thread at a time; every method is one transaction that is on disk when it returns."""

    def __init__(self, *, file: Path) -> None:
        """Open the books, or start new ones."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        # FULL: a lot number given is a lot kept, through a power cut too.
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA busy_timeout = 5000")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        """This will close the books."""
        self._db.close()

    def take(self, *, lot: Lot, now: datetime, due_at: datetime) -> str:
        """This will book a lot, to be processed at `due_at`, and return its number."""
        lote = str(uuid.uuid4())
        with self._transaction(now=now):
            self._db.execute(
                "INSERT INTO lot (lote, username, party, application, operation, establishment, seen_at, due_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    lote,
                    lot.sender.username,
                    lot.sender.party,
                    lot.application,
                    lot.operation,
                    lot.establishment,
                    _text(now),
                    _text(due_at),
                ),
            )
            self._db.executemany(
                "INSERT INTO record (lote, orden, reference, body, review) VALUES (?, ?, ?, ?, ?)",
                [(lote, n, one.reference, one.body, one.review) for n, one in enumerate(lot.records, start=1)],
            )
        return lote

    def lots(self, *, sender: Sender, numbers: Sequence[str], now: datetime) -> list[BookedLot]:
        """This will show the lots of these numbers that this sender sent; of others it knows nothing."""
        with self._transaction(now=now):
            found = [
                self._db.execute("SELECT * FROM lot WHERE lote = ? AND party = ?", (lote, sender.party)).fetchone()
                for lote in numbers
            ]
            return [self._booked(row) for row in found if row is not None]

    def communications(self, *, sender: Sender, codes: Sequence[str], now: datetime) -> list[Communication]:
        """This will show the accepted communications of these codes that this sender sent."""
        with self._transaction(now=now):
            found = [self._found(code=code, party=sender.party) for code in codes]
            return [
                Communication(
                    code=row["code"],
                    party=row["party"],
                    establishment=row["establishment"],
                    seen_at=datetime.fromisoformat(row["seen_at"]),
                    annulled=row["annulled_at"] is not None,
                    body=from_text(row["body"]),
                )
                for row in found
                if row is not None
            ]

    def annul_lot(self, *, sender: Sender, lote: str, now: datetime) -> bool:
        """This will annul every communication of a lot, and say whether there was such a lot."""
        with self._transaction(now=now):
            known = self._db.execute(
                "SELECT 1 FROM lot WHERE lote = ? AND party = ? AND operation = 'A'", (lote, sender.party)
            ).fetchone()
            if known is None:
                return False
            self._db.execute(
                "UPDATE record SET annulled_at = ? WHERE lote = ? AND code IS NOT NULL AND annulled_at IS NULL",
                (_text(now), lote),
            )
            return True

    def summary(self, *, now: datetime) -> dict[str, object]:
        """This will count the books: lots, communications that stand or were annulled, errors, and references accepted twice."""
        with self._transaction(now=now):
            lots, waiting = self._db.execute("SELECT count(*), sum(settled_at IS NULL) FROM lot").fetchone()
            accepted, annulled, refused = self._db.execute(
                "SELECT coalesce(sum(code IS NOT NULL), 0), coalesce(sum(annulled_at IS NOT NULL), 0),"
                " coalesce(sum(error IS NOT NULL), 0) FROM record JOIN lot USING (lote) WHERE operation = 'A'"
            ).fetchone()
            (duplicates,) = self._db.execute(
                "SELECT coalesce(sum(times - 1), 0) FROM (SELECT count(*) AS times FROM record JOIN lot USING (lote)"
                " WHERE operation = 'A' AND code IS NOT NULL GROUP BY party, reference)"
            ).fetchone()
            return {
                "lots": lots,
                "waiting": waiting or 0,
                "accepted": accepted,
                "annulled": annulled,
                "standing": accepted - annulled,
                "refused": refused,
                "duplicates": duplicates,
            }

    def rows(self, *, after: int, size: int, now: datetime) -> list[dict[str, object]]:
        """This will list booked records in the order their lots came in, from after a lot's position."""
        with self._transaction(now=now):
            found = self._db.execute(
                "SELECT position, lote, operation, party, establishment, orden, reference, code, error_kind, error,"
                " annulled_at, seen_at, settled_at FROM record JOIN lot USING (lote)"
                " WHERE position IN (SELECT position FROM lot WHERE position > ? ORDER BY position LIMIT ?)"
                " ORDER BY position, orden",
                (after, size),
            ).fetchall()
            return [dict(row) for row in found]

    @contextmanager
    def _transaction(self, *, now: datetime) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._settle(now=now)
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _settle(self, *, now: datetime) -> None:
        due = self._db.execute(
            "SELECT * FROM lot WHERE settled_at IS NULL AND due_at <= ? ORDER BY position", (_text(now),)
        ).fetchall()
        for lot in due:
            records = self._db.execute("SELECT * FROM record WHERE lote = ? ORDER BY orden", (lot["lote"],)).fetchall()
            for record in records:
                self._decide(lot=lot, record=record, now=now)
            self._db.execute("UPDATE lot SET settled_at = ? WHERE lote = ?", (lot["due_at"], lot["lote"]))

    def _decide(self, *, lot: sqlite3.Row, record: sqlite3.Row, now: datetime) -> None:
        if lot["operation"] == "A":
            code, problem = str(uuid.uuid4()), self._problem(record, now=now)
        else:
            # An annulment has no code of its own: the platform repeats the one that it annulled.
            code, problem = record["reference"], self._annul(lot=lot, code=record["reference"], now=now)
        if problem is not None:
            self._put(record, "error_kind = ?, error = ?", (problem.code, problem.text))
        elif lot["operation"] == "A":
            self._put(record, "code = ?", (code,))
        else:
            self._put(record, "annulled_at = ?", (_text(now),))

    def _problem(self, record: sqlite3.Row, *, now: datetime) -> ses_rules.Problem | None:
        if record["review"]:
            return ses_rules.Problem(code="10999", field="comunicacion", says="error inesperado")
        return ses_rules.problem_of(from_text(record["body"]), now=now)

    def _annul(self, *, lot: sqlite3.Row, code: str, now: datetime) -> ses_rules.Problem | None:
        row = self._found(code=code, party=lot["party"])
        if row is None:
            return ses_rules.Problem(code="10130", field="codigoComunicacion", says="no existe")
        if row["annulled_at"] is not None:
            return ses_rules.Problem(code="10130", field="codigoComunicacion", says="ya anulada")
        self._db.execute("UPDATE record SET annulled_at = ? WHERE code = ?", (_text(now), code))
        return None

    def _put(self, record: sqlite3.Row, assignment: str, values: tuple[str, ...]) -> None:
        self._db.execute(
            f"UPDATE record SET {assignment} WHERE lote = ? AND orden = ?", (*values, record["lote"], record["orden"])
        )

    def _found(self, *, code: str, party: str) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self._db.execute(
            "SELECT * FROM record JOIN lot USING (lote) WHERE code = ? AND party = ?", (code, party)
        ).fetchone()
        return found

    def _booked(self, row: sqlite3.Row) -> BookedLot:
        records = self._db.execute("SELECT * FROM record WHERE lote = ? ORDER BY orden", (row["lote"],)).fetchall()
        return BookedLot(
            lote=row["lote"],
            username=row["username"],
            party=row["party"],
            application=row["application"],
            operation=row["operation"],
            seen_at=datetime.fromisoformat(row["seen_at"]),
            settled_at=datetime.fromisoformat(row["settled_at"]) if row["settled_at"] else None,
            outcomes=tuple(_outcome(record, operation=row["operation"]) for record in records),
        )


def records_of(payload: Element) -> tuple[Record, ...]:
    """This will part a payload of parts into its communications."""
    return tuple(
        Record(reference=text_of(one, "contrato/referencia"), body=as_text(one)) for one in payload.iter("comunicacion")
    )


def annulments_of(codes: Sequence[str]) -> tuple[Record, ...]:
    """This will make a record of each code that is to be annulled."""
    return tuple(Record(reference=code, body="") for code in codes)


def _outcome(record: sqlite3.Row, *, operation: str) -> Outcome:
    done = operation == "B" and record["annulled_at"] is not None
    return Outcome(
        orden=record["orden"],
        code=record["reference"] if done else record["code"],
        error_kind=record["error_kind"],
        error=record["error"],
        annulled=record["annulled_at"] is not None,
    )


def _text(moment: datetime) -> str:
    # One zone and one width, so that the text sorts as the time does.
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
