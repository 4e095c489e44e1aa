"""A simulated bench reader for identity documents: it signs what it read, so that nobody need trust its desk.

A reading is three texts: `record` (canonical JSON, the exact text that is signed), `signature` (Ed25519 over the
record's UTF-8 bytes, base64url without padding) and `reader_id` (whose public key the estate has enrolled). It holds:

    {"birth_date", "document": {"issuing_country", "number", "type", "valid_until"}, "latin_name", "name",
     "nationality", "read_at", "reader_id", "sex", "version": 1}

Times are RFC 3339 in UTC, dates `YYYY-MM-DD`, keys sorted, no spaces, no photograph.
"""

import base64
import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from linli.sim.people import FictionalPerson

RECORD_VERSION = 1
SEED_BYTES = 32


class ReaderKeyUnusable(ValueError):
    """The file does not hold a reader's key: 32 bytes in base64url."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One document as the reader saw it, signed."""

    record: str
    signature: str
    reader_id: str

    def as_json(self) -> dict[str, str]:
        """This will give the body that `POST /api/stays/me/reader-record` takes."""
        return {"record": self.record, "signature": self.signature, "reader_id": self.reader_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchReader:
    """One reader with its own key."""

    reader_id: str
    key: Ed25519PrivateKey = field(repr=False)

    @property
    def public_key(self) -> str:
        """This will give the key to enrol, base64url without padding."""
        return _text_of(self.key.public_key().public_bytes_raw())

    def read(self, *, person: FictionalPerson, now: datetime) -> Reading:
        """This will read the person's document and sign what it says."""
        fields = {
            "version": RECORD_VERSION,
            "reader_id": self.reader_id,
            "read_at": now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "document": {
                "type": person.document_type,
                "number": person.document_number,
                "issuing_country": person.issuing_country,
                "valid_until": person.valid_until.isoformat(),
            },
            "name": person.native_name,
            "latin_name": person.latin_name,
            "sex": person.sex.value,
            "birth_date": person.birth_date.isoformat(),
            "nationality": person.nationality,
        }
        record = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return Reading(record=record, signature=_text_of(self.key.sign(record.encode())), reader_id=self.reader_id)


def key_in(*, file: Path) -> Ed25519PrivateKey:
    """This will read a reader's key, or draw one and keep it there; raises ReaderKeyUnusable."""
    if not file.exists():
        seed = os.urandom(SEED_BYTES)
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as opened:
            opened.write(_text_of(seed) + "\n")
    text = file.read_bytes().strip()
    try:
        return Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4)))
    except ValueError:
        raise ReaderKeyUnusable(f"{ReaderKeyUnusable.__doc__} {file}") from None


def _text_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
