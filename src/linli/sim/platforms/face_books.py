"""The face layer's own books: what was asked and answered, with the digest of a picture and never the picture."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS question (
    position INTEGER PRIMARY KEY,
    check_id TEXT NOT NULL UNIQUE,
    document TEXT NOT NULL,
    digest TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    tags INTEGER NOT NULL,
    seen_at TEXT NOT NULL,
    answer TEXT NOT NULL,
    repeated INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS holder (document TEXT PRIMARY KEY, score TEXT NOT NULL);
"""
COLUMNS = ("position", "check_id", "document", "digest", "width", "height", "tags", "seen_at", "answer", "repeated")
SAME_FROM, SURE_FROM = 800, 400


class CheckReused(ValueError):
    """This check id was used for another question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question as it came in: the document and the picture only as digests, the picture's size, and how many tags came with it."""

    check_id: str
    document: str
    digest: str
    width: int
    height: int
    tags: int
    likeness: int = field(repr=False)


def document_digest(*, kind: str, number: str) -> str:
    """This will name a document without its number."""
    return hashlib.sha256(f"{kind}:{number}".encode()).hexdigest()


def answer_of(*, check_id: str, score: Any, position: int) -> dict[str, Any]:
    """This will put a score into words: from 800 the same, below 400 not, else unsure."""
    number = score if isinstance(score, int) else 0
    said = "SAME" if number >= SAME_FROM else "UNSURE" if number >= SURE_FROM else "NOT_SAME"
    return {"check_id": check_id, "answer": said, "score": score, "receipt": f"FL{position:010d}"}


class FaceBooks:
    """One SQLite file, used from one thread."""

    def __init__(self, *, file: Path) -> None:
        """Open the books, or begin them."""
        self._file = file
        with self._open() as books:
            books.executescript(SCHEMA)

    def take(self, question: Question, *, now: datetime) -> dict[str, Any]:
        """This will answer a question and write both down; the same question again gets the same answer; raises CheckReused."""
        with self._open() as books:
            found = books.execute(
                "SELECT document, digest, answer FROM question WHERE check_id = ?", (question.check_id,)
            ).fetchone()
            if found is not None:
                if found[:2] != (question.document, question.digest):
                    raise CheckReused(question.check_id)
                books.execute("UPDATE question SET repeated = repeated + 1 WHERE check_id = ?", (question.check_id,))
                return dict(json.loads(found[2]))
            scripted = books.execute("SELECT score FROM holder WHERE document = ?", (question.document,)).fetchone()
            score = json.loads(scripted[0]) if scripted else question.likeness
            (last,) = books.execute("SELECT coalesce(max(position), 0) FROM question").fetchone()
            answer = answer_of(check_id=question.check_id, score=score, position=last + 1)
            books.execute(
                "INSERT INTO question (position, check_id, document, digest, width, height, tags, seen_at, answer)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    last + 1,
                    question.check_id,
                    question.document,
                    question.digest,
                    question.width,
                    question.height,
                    question.tags,
                    now.astimezone(UTC).isoformat(),
                    json.dumps(answer),
                ),
            )
            return answer

    def script(self, scores: Mapping[str, Any]) -> None:
        """This will say from now on what each document's holder scores; anything may be said, also what is no score."""
        with self._open() as books:
            rows = [(document, json.dumps(score)) for document, score in scores.items()]
            books.executemany("INSERT OR REPLACE INTO holder (document, score) VALUES (?, ?)", rows)

    def unscript(self) -> None:
        """This will forget what was said of holders; pictures speak for themselves again."""
        with self._open() as books:
            books.execute("DELETE FROM holder")

    def rows(self, *, after: int, size: int) -> list[dict[str, Any]]:
        """This will list questions in their order."""
        with self._open() as books:
            found = books.execute(
                f"SELECT {', '.join(COLUMNS)} FROM question WHERE position > ? ORDER BY position LIMIT ?", (after, size)
            ).fetchall()
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in found]
        return [{**row, "answer": json.loads(row["answer"])} for row in rows]

    def count(self) -> int:
        """This will count the questions."""
        with self._open() as books:
            return int(books.execute("SELECT count(*) FROM question").fetchone()[0])

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        books = sqlite3.connect(self._file)
        try:
            with books:
                yield books
        finally:
            books.close()
