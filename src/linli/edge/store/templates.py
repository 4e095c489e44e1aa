"""The face templates of a box, sealed. What is dropped is gone from the file and from its log before `drop` returns."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterable
from pathlib import Path

from linli.edge.store.database import Database, StoreFailed
from linli.edge.store.seals import Seal, SealBroken
from linli.gate.wire import BadMessage, FaceSheet, decode_faces, encode_faces

_SCHEMA = "CREATE TABLE IF NOT EXISTS templates (name TEXT PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID"
_ENDINGS = ("", "-wal", "-shm")


class TemplateStore:
    """One box's. Safe to call from many threads. A damaged file is deleted, not kept: the server has them all."""

    def __init__(self, *, path: Path, secret: str) -> None:
        self._path = path
        self._database = Database(path=path, schema=_SCHEMA)
        self._seal = Seal(secret)
        self._lock = threading.RLock()

    def load(self) -> list[FaceSheet]:
        """Read all that can be read; what was sealed under another secret is dropped. Raises StoreFailed."""
        sheets: list[FaceSheet] = []
        lost: list[str] = []
        with self._lock:
            for name, sealed in self._ask("SELECT name, sealed FROM templates"):
                try:
                    sheets += decode_faces(self._seal.open(sealed, context=name))
                except (SealBroken, BadMessage):
                    lost.append(name)
            if lost:
                self._delete(lost)
            self._delete_asides()
        return sheets

    def add(self, sheets: Iterable[FaceSheet]) -> None:
        """Keep templates. Raises StoreFailed."""
        named = [(self._seal.index("face", sheet.id), encode_faces((sheet,))) for sheet in sheets]
        rows = [(name, self._seal.close(raw, context=name)) for name, raw in named]
        with self._lock, self._database.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO templates VALUES (?, ?)", rows)
        self._delete_asides()

    def drop(self, ids: Collection[str]) -> None:
        """Delete templates so that not a byte of them is left. Raises StoreFailed, and then it must be called again."""
        self._delete([self._seal.index("face", id) for id in ids])

    def clear(self) -> None:
        """Delete everything, with the file itself. Raises StoreFailed."""
        with self._lock:
            self._database.close()
            try:
                for ending in _ENDINGS:
                    self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
            except OSError as problem:
                raise StoreFailed(f"{self._path.name}: {problem}") from problem
            self._delete_asides()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._database.close()

    def _delete(self, names: list[str]) -> None:
        with self._lock:
            with self._database.writing() as connection:
                connection.executemany("DELETE FROM templates WHERE name=?", [(name,) for name in names])
            # The page it stood on is overwritten (secure_delete); the log still holds the page as it was, until now.
            busy = self._ask("PRAGMA wal_checkpoint(TRUNCATE)")[0][0]
            if busy:
                raise StoreFailed(f"{self._path.name}: somebody reads it; what was dropped is not gone yet")
            self._delete_asides()

    def _delete_asides(self) -> None:
        for aside in self._path.parent.glob(f"{self._path.name}.damaged-*"):
            try:
                aside.unlink(missing_ok=True)
            except OSError as problem:
                raise StoreFailed(f"{aside.name}: {problem}") from problem

    def _ask(self, question: str) -> list[tuple[str, bytes]]:
        try:
            return self._database.open().execute(question).fetchall()
        except sqlite3.Error as problem:
            self._database.close()
            raise StoreFailed(f"{self._path.name}: {problem}") from problem
