"""The lodging platform's own books: SQLite, every answer on disk before it is given, one row a message id."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from linli.sim.platforms import lodging_registers as registers
from linli.sim.platforms.lodging_fields import Refusal, minute_of, refusal_of

SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    position INTEGER PRIMARY KEY,
    lsh TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    zsbh TEXT NOT NULL,
    body TEXT NOT NULL,
    digest TEXT NOT NULL,
    sent_at TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    answer TEXT NOT NULL CHECK (answer IN ('ACCEPTED', 'REJECTED', 'PENDING')),
    code TEXT,
    field TEXT,
    settles_at TEXT,
    repeated INTEGER NOT NULL DEFAULT 0,
    conflicting INTEGER NOT NULL DEFAULT 0,
    hit INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS message_settles ON message (settles_at) WHERE answer = 'PENDING';
CREATE INDEX IF NOT EXISTS message_stay ON message (zsbh);
CREATE TABLE IF NOT EXISTS stay (
    zsbh TEXT PRIMARY KEY,
    lgdm TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('IN', 'OUT', 'CANCELLED')),
    person TEXT NOT NULL,
    fh TEXT NOT NULL,
    cw TEXT,
    rzsj TEXT NOT NULL,
    ydtfsj TEXT NOT NULL,
    tfsj TEXT,
    check_in_lsh TEXT NOT NULL,
    check_out_lsh TEXT
);
"""
NOT_OF_THE_PERSON = frozenset({"zsbh", "lgdm", "fh", "cw", "rzsj", "ydtfsj", "czr", "czsj"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as it came in."""

    lsh: str
    kind: str
    sent_at: str
    body: Mapping[str, object]

    def digest(self) -> str:
        """This will tell two different messages of one id apart; when it was sent does not count."""
        return hashlib.sha256(json.dumps([self.kind, self.body], sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedAnswer:
    """What the platform says about one message, and where it stands in the books."""

    lsh: str
    answer: str
    position: int
    code: str | None = None
    field: str | None = None
    hit: bool = False

    def as_json(self) -> dict[str, object]:
        """This will give the answer as it goes over the wire."""
        shown: dict[str, object] = {"answer": self.answer, "lsh": self.lsh}
        if self.answer == "ACCEPTED":
            shown["receipt"] = receipt_of(position=self.position)
            if self.hit:
                shown["hit"] = True
        if self.answer == "REJECTED":
            shown |= {"code": self.code, "field": self.field}
        return shown


def receipt_of(*, position: int) -> str:
    """This will give the receipt number of a booked message: the same one each time it is asked for."""
    return f"LG{position:010d}"


class Books:
    """The platform's memory. One thread at a time; every method is one transaction that is on disk when it returns."""

    def __init__(self, *, file: Path) -> None:
        """Open the books, or start new ones."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        # FULL: an answer given is an answer kept, through a power cut too.
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA busy_timeout = 5000")
        self._db.executescript(SCHEMA + registers.SCHEMA)
        if "hit" not in {row["name"] for row in self._db.execute("PRAGMA table_info (message)")}:
            # Books begun before the register of wanted people was played.
            self._db.execute("ALTER TABLE message ADD COLUMN hit INTEGER NOT NULL DEFAULT 0")

    def close(self) -> None:
        """This will close the books."""
        self._db.close()

    def submit(
        self,
        *,
        message: Message,
        now: datetime,
        settles_at: datetime | None = None,
        review: bool = False,
        hit: bool = False,
    ) -> BookedAnswer:
        """This will book a message once and answer it; a known id gets its first answer, and is counted as repeated.

        `settles_at` makes a sound message PENDING until then; `review` rejects it as one that a person must look at; `hit` is said
        beside ACCEPTED, now or once it has settled.
        """
        with self._transaction(now=now):
            known = self._find(lsh=message.lsh)
            if known is not None:
                return self._again(known=known, message=message)
            refusal = refusal_of(kind=message.kind, body=message.body, now=now) or self._out_of_order(message=message)
            if refusal is None and review:
                refusal = Refusal(code="MANUAL_REVIEW")
            if refusal is not None:
                return self._book(message=message, now=now, answer="REJECTED", refusal=refusal)
            if settles_at is not None:
                return self._book(message=message, now=now, answer="PENDING", settles_at=settles_at, hit=hit)
            self._apply(message=message)
            return self._book(message=message, now=now, answer="ACCEPTED", hit=hit)

    def answer_of(self, *, lsh: str, now: datetime) -> BookedAnswer | None:
        """This will tell what was answered to a message id, or None when it never came in."""
        with self._transaction(now=now):
            row = self._find(lsh=lsh)
            return None if row is None else _answer_in(row)

    def stay(self, *, zsbh: str, now: datetime) -> dict[str, object] | None:
        """This will tell what is registered of one stay: whether its check-in and its check-out are in, and where."""
        with self._transaction(now=now):
            row = self._db.execute("SELECT * FROM stay WHERE zsbh = ?", (zsbh,)).fetchone()
            return None if row is None else _stay_in(row)

    def stays(self, *, after: str, size: int, now: datetime) -> list[dict[str, object]]:
        """This will list stays in the order of their reference, from after the given one."""
        with self._transaction(now=now):
            rows = self._db.execute("SELECT * FROM stay WHERE zsbh > ? ORDER BY zsbh LIMIT ?", (after, size)).fetchall()
            return [_stay_in(row) for row in rows]

    def summary(self, *, now: datetime) -> dict[str, object]:
        """This will count the books: messages by kind and answer, repeats, conflicts, stays and guests in the house."""
        with self._transaction(now=now):
            counts: dict[str, dict[str, int]] = {}
            for kind, answer, number in self._db.execute("SELECT kind, answer, count(*) FROM message GROUP BY 1, 2"):
                counts.setdefault(kind, {})[answer] = number
            messages, repeated, conflicting = self._db.execute(
                "SELECT count(*), coalesce(sum(repeated), 0), coalesce(sum(conflicting), 0) FROM message"
            ).fetchone()
            states = dict(self._db.execute("SELECT state, count(*) FROM stay GROUP BY 1").fetchall())
            return {
                "counts": counts,
                "messages": messages,
                "repeated": repeated,
                "conflicting": conflicting,
                "stays": sum(states.values()),
                "guests_in_house": states.get("IN", 0),
                "guests_left": states.get("OUT", 0),
                "guests_cancelled": states.get("CANCELLED", 0),
                **registers.count_registers(db=self._db),
            }

    def night(self, *, night: date, now: datetime) -> dict[str, int]:
        """This will count the guests of each unit in a night."""
        with self._transaction(now=now):
            return registers.count_night(db=self._db, night=night)

    def register(self, *, name: str, after: str, size: int, now: datetime) -> list[dict[str, object]]:
        """This will list visits, staff or units in the order of their reference, from after the given one."""
        with self._transaction(now=now):
            return registers.rows_of(db=self._db, register=name, after=after, size=size)

    def rows(
        self, *, after: int, size: int, now: datetime, kind: str | None = None, answer: str | None = None
    ) -> list[dict[str, object]]:
        """This will list booked messages in the order they came in, from after a position."""
        with self._transaction(now=now):
            found = self._db.execute(
                "SELECT * FROM message WHERE position > :after AND (:kind IS NULL OR kind = :kind)"
                " AND (:answer IS NULL OR answer = :answer) ORDER BY position LIMIT :size",
                {"after": after, "kind": kind, "answer": answer, "size": size},
            ).fetchall()
            return [_row_in(row) for row in found]

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
            "SELECT * FROM message WHERE answer = 'PENDING' AND settles_at <= ? ORDER BY position", (_text(now),)
        ).fetchall()
        for row in due:
            message = _message_in(row)
            refusal = self._out_of_order(message=message)
            if refusal is None:
                self._apply(message=message)
            self._db.execute(
                "UPDATE message SET answer = ?, code = ?, field = ? WHERE position = ?",
                (
                    "ACCEPTED" if refusal is None else "REJECTED",
                    refusal and refusal.code,
                    refusal and refusal.field,
                    row["position"],
                ),
            )

    def _find(self, *, lsh: str) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self._db.execute("SELECT * FROM message WHERE lsh = ?", (lsh,)).fetchone()
        return found

    def _again(self, *, known: sqlite3.Row, message: Message) -> BookedAnswer:
        if known["digest"] != message.digest():
            self._db.execute(
                "UPDATE message SET conflicting = conflicting + 1 WHERE position = ?", (known["position"],)
            )
            return BookedAnswer(
                lsh=message.lsh, answer="REJECTED", position=known["position"], code="LSH_REUSED", field="lsh"
            )
        self._db.execute("UPDATE message SET repeated = repeated + 1 WHERE position = ?", (known["position"],))
        return _answer_in(known)

    def _book(
        self,
        *,
        message: Message,
        now: datetime,
        answer: str,
        refusal: Refusal | None = None,
        settles_at: datetime | None = None,
        hit: bool = False,
    ) -> BookedAnswer:
        code, field = (refusal.code, refusal.field) if refusal else (None, None)
        cursor = self._db.execute(
            "INSERT INTO message (lsh, kind, zsbh, body, digest, sent_at, seen_at, answer, code, field, settles_at, hit)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                message.lsh,
                message.kind,
                registers.reference_in(kind=message.kind, body=message.body),
                json.dumps(message.body, ensure_ascii=False, sort_keys=True),
                message.digest(),
                message.sent_at,
                _text(now),
                answer,
                code,
                field,
                _text(settles_at) if settles_at else None,
                hit,
            ),
        )
        return BookedAnswer(
            lsh=message.lsh, answer=answer, position=cursor.lastrowid or 0, code=code, field=field, hit=hit
        )

    def _out_of_order(self, *, message: Message) -> Refusal | None:
        body = {name: str(value) for name, value in message.body.items()}
        if message.kind not in CHANGES:
            return registers.out_of_order(db=self._db, kind=message.kind, body=body)
        row = self._db.execute("SELECT * FROM stay WHERE zsbh = ?", (body["zsbh"],)).fetchone()
        if message.kind == "CHECK_IN":
            return None if row is None else Refusal(code="ALREADY_CHECKED_IN", field="zsbh")
        if row is None:
            return Refusal(code="NOT_CHECKED_IN", field="zsbh")
        if row["lgdm"] != body["lgdm"]:
            return Refusal(code="MISMATCH", field="lgdm")
        if row["state"] == "CANCELLED":
            return Refusal(code="CANCELLED", field="zsbh")
        # A mistake in a name may be found after the guest has left; nothing else can change then.
        if row["state"] == "OUT" and message.kind != "AMEND":
            return Refusal(code="ALREADY_CHECKED_OUT", field="zsbh")
        for name in ("tfsj", "hfsj", "ydtfsj"):
            if name in body and minute_of(body[name]) < minute_of(row["rzsj"]):
                return Refusal(code="OUT_BEFORE_IN", field=name)
        return None

    def _apply(self, *, message: Message) -> None:
        body = {name: str(value) for name, value in message.body.items()}
        if message.kind not in CHANGES:
            registers.apply(db=self._db, kind=message.kind, body=body, lsh=message.lsh)
            return
        person = json.dumps(
            {name: value for name, value in body.items() if name not in NOT_OF_THE_PERSON}, ensure_ascii=False
        )
        self._db.execute(
            CHANGES[message.kind],
            {**dict.fromkeys(("cw", "rzsj", "tfsj")), **body, "person": person, "lsh": message.lsh},
        )


CHANGES: Mapping[str, str] = {
    "CHECK_IN": "INSERT INTO stay (zsbh, lgdm, state, person, fh, cw, rzsj, ydtfsj, check_in_lsh)"
    " VALUES (:zsbh, :lgdm, 'IN', :person, :fh, :cw, :rzsj, :ydtfsj, :lsh)",
    "AMEND": "UPDATE stay SET person = :person, rzsj = coalesce(:rzsj, rzsj) WHERE zsbh = :zsbh",
    "ROOM_CHANGE": "UPDATE stay SET fh = :fh, cw = :cw WHERE zsbh = :zsbh",
    "EXTEND": "UPDATE stay SET ydtfsj = :ydtfsj WHERE zsbh = :zsbh",
    "CHECK_OUT": "UPDATE stay SET state = 'OUT', tfsj = :tfsj, check_out_lsh = :lsh WHERE zsbh = :zsbh",
    "CANCEL": "UPDATE stay SET state = 'CANCELLED' WHERE zsbh = :zsbh",
}


def _text(moment: datetime) -> str:
    # One zone and one width, so that the text sorts as the time does.
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _message_in(row: sqlite3.Row) -> Message:
    return Message(lsh=row["lsh"], kind=row["kind"], sent_at=row["sent_at"], body=json.loads(row["body"]))


def _answer_in(row: sqlite3.Row) -> BookedAnswer:
    return BookedAnswer(
        lsh=row["lsh"],
        answer=row["answer"],
        position=row["position"],
        code=row["code"],
        field=row["field"],
        hit=bool(row["hit"]),
    )


def _row_in(row: sqlite3.Row) -> dict[str, object]:
    shown = {"receipt": receipt_of(position=row["position"])} if row["answer"] == "ACCEPTED" else {}
    names = (
        "position",
        "lsh",
        "kind",
        "zsbh",
        "answer",
        "code",
        "field",
        "sent_at",
        "seen_at",
        "repeated",
        "conflicting",
        "hit",
    )
    return {**{name: row[name] for name in names}, **shown, "body": json.loads(row["body"])}


def _stay_in(row: sqlite3.Row) -> dict[str, object]:
    return {
        "zsbh": row["zsbh"],
        "lgdm": row["lgdm"],
        "state": row["state"],
        "check_in": True,
        "check_out": row["check_out_lsh"] is not None,
        "check_in_lsh": row["check_in_lsh"],
        "check_out_lsh": row["check_out_lsh"],
        "fh": row["fh"],
        "cw": row["cw"],
        "rzsj": row["rzsj"],
        "ydtfsj": row["ydtfsj"],
        "tfsj": row["tfsj"],
    }
