"""One SQLite file that survives kill -9, a power cut, a full disk and its own damage."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_log = logging.getLogger("linli.gate")
# Such a file cannot be mended here; any other error (disk full, input/output) may pass.
_DAMAGE = ("malformed", "not a database", "damaged", "format")


class StoreFailed(Exception):
    """The box cannot write to its disk."""


class Database:
    """An open file. A damaged one is set aside, beside the new one, and never deleted."""

    def __init__(self, *, path: Path, schema: str, layout: int = 1) -> None:
        self.path = path
        self.set_aside: list[Path] = []
        self._schema, self._layout = schema, layout
        self._connection: sqlite3.Connection | None = None
        self._inode = 0

    def open(self) -> sqlite3.Connection:
        """Open the file, or the one that replaces it if it was damaged or taken away. Raises StoreFailed."""
        if self._connection is not None and self._is_still_there():
            return self._connection
        self.close()
        try:
            self._connection = self._connect()
        except sqlite3.DatabaseError as problem:
            if not is_damage(problem):
                raise StoreFailed(f"{self.path.name}: {problem}") from problem
            self._put_aside(problem)
            try:
                self._connection = self._connect()
            except sqlite3.Error as again:
                raise StoreFailed(f"{self.path.name}: {again}") from again
        self._inode = os.stat(self.path).st_ino
        return self._connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Write in one transaction, on the disk when the block ends. Raises StoreFailed, and then nothing counts.

        After a failure the file is opened anew next time: whether a failed commit reached the disk is known only then.
        """
        connection = self.open()
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except sqlite3.Error as problem:
            self.close()
            if is_damage(problem):
                self._put_aside(problem)
            raise StoreFailed(f"{self.path.name}: {problem}") from problem
        except BaseException:
            self.close()
            raise

    @property
    def is_open(self) -> bool:
        """Whether what was read from this file still stands."""
        return self._connection is not None and self._is_still_there()

    def put_aside(self, problem: Exception) -> None:
        """Give up a file whose content cannot be used."""
        self.close()
        self._put_aside(problem)

    def close(self) -> None:
        """Let go of the file; an unfinished transaction is undone."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except sqlite3.Error as problem:
                _log.warning("%s did not close: %s", self.path.name, problem)

    def _is_still_there(self) -> bool:
        try:
            return os.stat(self.path).st_ino == self._inode
        except OSError:
            return False

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=2.0)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            # What is deleted is gone: a face's template must not survive in a free page.
            connection.execute("PRAGMA secure_delete=ON")
            connection.execute("PRAGMA journal_size_limit=4194304")
            found = connection.execute("PRAGMA user_version").fetchone()[0]
            if found not in (0, self._layout):
                raise sqlite3.DatabaseError(f"format {found} is not {self._layout}")
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise sqlite3.DatabaseError(f"damaged: {verdict}")
            connection.executescript(f"BEGIN; {self._schema}; PRAGMA user_version={self._layout}; COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def _put_aside(self, problem: Exception) -> None:
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.damaged-{number}")).exists():
            number += 1
        _log.error("%s is damaged (%s) and set aside as %s", self.path.name, problem, aside.name)
        for ending in ("", "-wal", "-shm"):
            part = self.path.with_name(self.path.name + ending)
            try:
                part.rename(aside.with_name(aside.name + ending))
            except FileNotFoundError:
                continue
            except OSError as refused:
                raise StoreFailed(f"{part.name} cannot be set aside: {refused}") from refused
        self.set_aside.append(aside)


def is_damage(problem: Exception) -> bool:
    """Say whether an error means that the file is beyond use, rather than that the disk has a bad day."""
    return isinstance(problem, sqlite3.DatabaseError) and any(word in str(problem) for word in _DAMAGE)
