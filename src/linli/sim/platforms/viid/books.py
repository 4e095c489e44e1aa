"""The view library's own books: SQLite, every answer on disk before it is given, one row a number of an object."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import Any

from linli.sim.platforms.viid.codes import Kind
from linli.sim.platforms.viid.dialects import Json

SCHEMA = """
CREATE TABLE IF NOT EXISTS object (
    position INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    digest TEXT NOT NULL,
    peer TEXT NOT NULL,
    via TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    repeated INTEGER NOT NULL DEFAULT 0,
    conflicting INTEGER NOT NULL DEFAULT 0,
    amended INTEGER NOT NULL DEFAULT 0,
    gone INTEGER NOT NULL DEFAULT 0,
    UNIQUE (kind, id)
);
CREATE TABLE IF NOT EXISTS refusal (
    position INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    code INTEGER NOT NULL,
    why TEXT NOT NULL,
    seen_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS request (
    position INTEGER PRIMARY KEY,
    seen_at TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    query TEXT NOT NULL,
    identify TEXT NOT NULL,
    content_type TEXT NOT NULL,
    body TEXT NOT NULL,
    status INTEGER NOT NULL,
    answer TEXT NOT NULL,
    dialect TEXT NOT NULL,
    fault TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS registration (
    device_id TEXT PRIMARY KEY,
    username TEXT NOT NULL,
    registered_at TEXT NOT NULL,
    kept_at TEXT NOT NULL,
    times INTEGER NOT NULL,
    keepalives INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL CHECK (state IN ('ONLINE', 'FORGOTTEN', 'GONE'))
);
CREATE TABLE IF NOT EXISTS subscription (
    id TEXT PRIMARY KEY,
    side TEXT NOT NULL CHECK (side IN ('ours', 'theirs')),
    peer TEXT NOT NULL,
    body TEXT NOT NULL,
    begins_at TEXT NOT NULL,
    ends_at TEXT NOT NULL,
    status INTEGER NOT NULL,
    pushes INTEGER NOT NULL DEFAULT 0,
    late INTEGER NOT NULL DEFAULT 0
);
"""
LONGEST_TEXT = 200  # base64 of any picture is longer; no field of a message is
TABLES = ("object", "refusal", "request", "registration", "subscription")
# What no platform of this estate has a legal basis for; whoever sends it all the same is counted.
SENSITIVE = ("EthicCode", "Religion", "PoliticsStatus", "MaritalStatus", "PhotoData", "SpecialPersonClass")


class Books:
    """The library's memory: what happens in one `transaction` is on disk when it is left, and nobody else's is mixed in."""

    def __init__(self, *, file: Path | str) -> None:
        """Open the books, or start new ones; `:memory:` keeps them for this process only."""
        if isinstance(file, Path):
            file.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        # FULL: an answer given is an answer kept, through a power cut too.
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA busy_timeout = 5000")
        self._db.executescript(SCHEMA)
        self._lock = RLock()

    def close(self) -> None:
        """This will close the books."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """This will keep everything that is written in it, or nothing."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def take(self, *, kind: Kind, one: Json, peer: str, via: str, now: datetime, replace: bool = False) -> bool:
        """This will book an object once. The same number with other content is counted: False for an event's."""
        number, kept = str(one[kind.id_field]), without_pictures(one)
        told = {name: value for name, value in kept.items() if name not in kind.about}
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        known = self._db.execute("SELECT * FROM object WHERE kind = ? AND id = ?", (kind.word, number)).fetchone()
        body = json.dumps(kept, ensure_ascii=False)
        if known is None:
            self._db.execute(
                "INSERT INTO object (kind, id, body, digest, peer, via, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (kind.word, number, body, digest, peer, via, text_of(now)),
            )
        elif known["digest"] == digest and not known["gone"]:
            self._count("repeated", known["position"])
        elif kind.changes or replace:
            self._count("amended", known["position"])
            self._db.execute(
                "UPDATE object SET body = ?, digest = ?, gone = 0 WHERE position = ?", (body, digest, known["position"])
            )
        else:
            self._count("conflicting", known["position"])
            return False
        return True

    def refuse(self, *, kind: Kind, id: str, code: int, why: str, now: datetime) -> None:
        """This will book that an object was refused."""
        self._db.execute(
            "INSERT INTO refusal (kind, id, code, why, seen_at) VALUES (?, ?, ?, ?, ?)",
            (kind.word, id, code, why, text_of(now)),
        )

    def drop(self, *, kind: Kind, id: str) -> bool:
        """This will mark an object as deleted; False when there is none."""
        done = self._db.execute(
            "UPDATE object SET gone = 1 WHERE kind = ? AND id = ? AND gone = 0", (kind.word, id)
        ).rowcount
        return bool(done)

    def objects(self, *, kind: Kind, wanted: Mapping[str, str], after: int, size: int) -> list[Json]:
        """This will list the objects of a kind whose fields have the wanted values."""
        # Found by its number when that is asked for: after every lost answer somebody asks.
        number = wanted.get(kind.id_field)
        narrowed = "" if number is None else " AND id = :id"
        rows = self._db.execute(
            f"SELECT body FROM object WHERE kind = :kind AND gone = 0{narrowed} ORDER BY position",
            {"kind": kind.word, "id": number},
        ).fetchall()
        found = [json.loads(row["body"]) for row in rows]
        matching = [one for one in found if all(str(one.get(name)) == value for name, value in wanted.items())]
        return matching[after : after + size]

    def register(self, *, device_id: str, username: str, now: datetime) -> None:
        """This will book a peer as registered."""
        self._db.execute(
            "INSERT INTO registration VALUES (?, ?, ?, ?, 1, 0, 'ONLINE') ON CONFLICT (device_id) DO UPDATE SET"
            " username = excluded.username, registered_at = excluded.registered_at, kept_at = excluded.kept_at,"
            " times = times + 1, state = 'ONLINE'",
            (device_id, username, text_of(now), text_of(now)),
        )

    def is_registered(self, *, device_id: str, now: datetime, lapse: timedelta) -> bool:
        """This will tell whether a peer is registered and was heard of lately."""
        row = self._db.execute(
            "SELECT kept_at FROM registration WHERE device_id = ? AND state = 'ONLINE'", (device_id,)
        ).fetchone()
        return row is not None and text_of(now - lapse) <= row["kept_at"]

    def keep_alive(self, *, device_id: str, now: datetime, keepalive: bool) -> None:
        """This will book that a peer was heard of."""
        self._db.execute(
            "UPDATE registration SET kept_at = ?, keepalives = keepalives + ? WHERE device_id = ?",
            (text_of(now), int(keepalive), device_id),
        )

    def leave(self, *, device_id: str, state: str) -> int:
        """This will book that a peer is GONE or FORGOTTEN; of all of them for the number `*`; how many it were."""
        return self._db.execute(
            "UPDATE registration SET state = :state WHERE state = 'ONLINE' AND (device_id = :id OR :id = '*')",
            {"state": state, "id": device_id},
        ).rowcount

    def subscribe(self, *, one: Json, side: str, peer: str, begins_at: datetime, ends_at: datetime) -> None:
        """This will book a subscription: theirs to us, or ours to them."""
        self._db.execute(
            "INSERT INTO subscription VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0) ON CONFLICT (id) DO UPDATE SET"
            " body = excluded.body, begins_at = excluded.begins_at, ends_at = excluded.ends_at, status = 0",
            (
                str(one["SubscribeID"]),
                side,
                peer,
                json.dumps(one, ensure_ascii=False),
                text_of(begins_at),
                text_of(ends_at),
            ),
        )

    def cancel(self, *, id: str) -> bool:
        """This will book a subscription as cancelled; False when there is none."""
        return bool(self._db.execute("UPDATE subscription SET status = 1 WHERE id = ?", (id,)).rowcount)

    def pushed(self, *, id: str, now: datetime) -> bool:
        """This will count a notification of ours, and as late when its subscription has ended or never was: False."""
        alive = self._db.execute(
            "UPDATE subscription SET pushes = pushes + 1"
            " WHERE id = ? AND side = 'ours' AND status = 0 AND ends_at >= ?",
            (id, text_of(now)),
        ).rowcount
        if not alive:
            self._db.execute("UPDATE subscription SET late = late + 1 WHERE id = ?", (id,))
        return bool(alive)

    def subscriptions(self, *, side: str, now: datetime) -> list[tuple[str, int, Json]]:
        """This will list subscriptions of one side: number, status (0 active, 1 cancelled, 2 expired), body."""
        rows = self._db.execute("SELECT * FROM subscription WHERE side = ? ORDER BY id", (side,)).fetchall()
        return [
            (row["id"], row["status"] or (0 if row["ends_at"] >= text_of(now) else 2), json.loads(row["body"]))
            for row in rows
        ]

    def record(self, *, row: Mapping[str, object]) -> None:
        """This will keep one request and its answer; pictures must have been taken out."""
        self._db.execute(
            "INSERT INTO request (seen_at, method, path, query, identify, content_type, body, status, answer, dialect,"
            " fault) VALUES (:seen_at, :method, :path, :query, :identify, :content_type, :body, :status, :answer,"
            " :dialect, :fault)",
            row,
        )

    def summary(self, *, now: datetime) -> Json:
        """This will count the books."""
        by_kind: dict[str, Json] = {}
        for row in self._db.execute(
            "SELECT kind, sum(gone = 0) AS objects, sum(repeated) AS repeated, sum(conflicting) AS conflicting,"
            " sum(amended) AS amended, sum(gone) AS gone FROM object GROUP BY kind"
        ):
            by_kind[row["kind"]] = {name: row[name] for name in row.keys()[1:]}
        refused = dict(self._db.execute("SELECT kind, count(*) FROM refusal GROUP BY kind").fetchall())
        states = dict(self._db.execute("SELECT state, count(*) FROM registration GROUP BY state").fetchall())
        statuses = [status for side in ("ours", "theirs") for _, status, _ in self.subscriptions(side=side, now=now)]
        pushes, late = self._db.execute(
            "SELECT coalesce(sum(pushes), 0), coalesce(sum(late), 0) FROM subscription"
        ).fetchone()
        return {
            "counts": by_kind,
            "objects": sum(kind["objects"] for kind in by_kind.values()),
            "repeated": sum(kind["repeated"] for kind in by_kind.values()),
            "conflicting": sum(kind["conflicting"] for kind in by_kind.values()),
            "refused": refused,
            "requests": self._db.execute("SELECT count(*) FROM request").fetchone()[0],
            "registered": states.get("ONLINE", 0),
            "registrations": self._db.execute("SELECT coalesce(sum(times), 0) FROM registration").fetchone()[0],
            "subscriptions": {
                "active": statuses.count(0),
                "cancelled": statuses.count(1),
                "expired": statuses.count(2),
            },
            "pushes": pushes,
            "late_pushes": late,
            "sensitive": self._sensitive(),
        }

    def rows(self, *, table: str, after: int, size: int, kind: str | None = None) -> list[Json]:
        """This will list the rows of one table of TABLES, in the order in which they came in."""
        narrowed = " AND kind = :kind" if kind and table in ("object", "refusal") else ""
        found = self._db.execute(
            f"SELECT rowid AS position, * FROM {table} WHERE rowid > :after{narrowed} ORDER BY rowid LIMIT :size",
            {"after": after, "size": size, "kind": kind},
        ).fetchall()
        return [{name: _shown(name, row[name]) for name in row.keys()} for row in found]  # noqa: SIM118

    def _sensitive(self) -> dict[str, int]:
        bodies = [json.loads(row[0]) for row in self._db.execute("SELECT body FROM object WHERE kind = 'PersonInfo'")]
        counts = {name: sum(bool(body.get(name)) for body in bodies) for name in SENSITIVE}
        return {name: number for name, number in counts.items() if number}

    def _count(self, column: str, position: int) -> None:
        self._db.execute(f"UPDATE object SET {column} = {column} + 1 WHERE position = ?", (position,))


def without_pictures(value: Any) -> Any:
    """This will put a digest in the place of every long text: pictures are compared and counted, never kept."""
    if isinstance(value, dict):
        return {name: without_pictures(one) for name, one in value.items()}
    if isinstance(value, list):
        return [without_pictures(one) for one in value]
    if isinstance(value, str) and len(value) > LONGEST_TEXT and " " not in value and "," not in value:
        return f"sha256:{hashlib.sha256(value.encode()).hexdigest()}"
    return value


def text_of(moment: datetime) -> str:
    """This will write a moment in one zone and one width, so that the text sorts as the time does."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _shown(name: str, value: Any) -> Any:
    if name not in ("body", "answer") or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
