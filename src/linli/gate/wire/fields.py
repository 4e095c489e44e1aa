"""Single values of a message, read with suspicion: each raises ValueError or TypeError for what it cannot use."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Any

from linli.gate.hours import DAY_MINUTES

_GATE = re.compile(r"[A-Z][A-Z0-9-]{0,15}", re.ASCII)
_LARGEST = (1 << 63) - 1


def instant_words(at: datetime) -> str:
    """Write an instant."""
    return at.astimezone(UTC).isoformat()


def instant(value: Any) -> datetime:
    """Read an instant that names its zone. Raises ValueError."""
    at = datetime.fromisoformat(text(value))
    if at.tzinfo is None:
        raise ValueError("an instant names its zone")
    return at.astimezone(UTC)


def count(value: Any) -> int:
    """Read a whole number, not negative. Raises ValueError."""
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise ValueError("a count is a whole number, not negative")
    return value


def zone_minutes(value: Any) -> int:
    """Read how far a zone is ahead of UTC (min). Raises ValueError."""
    if type(value) is not int or not -DAY_MINUTES < value < DAY_MINUTES:
        raise ValueError("a zone is less than a day away")
    return value


def serial_number(value: Any) -> int:
    """Read a serial, 16 hex digits. Raises ValueError."""
    if not isinstance(value, str) or len(value) != 16:
        raise ValueError("a serial is 16 hex digits")
    return int(value, 16)


def text(value: Any) -> str:
    """Read a text of at most 200 characters. Raises ValueError."""
    if type(value) is not str or len(value) > 200:
        raise ValueError("a text is at most 200 characters")
    return value


def gate_code(value: Any) -> str:
    """Read a gate's code. Raises ValueError."""
    if not _GATE.fullmatch(text(value)):
        raise ValueError("a gate's code is capital letters, digits and hyphens")
    return str(value)


def key_id(value: Any) -> int:
    """Read the number of a key, 0 to 15. Raises ValueError."""
    number = int(value)
    if not 0 <= number < 16:
        raise ValueError("a key id is 0 to 15")
    return number


def key(value: Any) -> bytes:
    """Read a public key, base64 of 32 bytes. Raises ValueError."""
    try:
        raw = base64.b64decode(text(value), validate=True)
    except binascii.Error:
        raise ValueError("a key is base64") from None
    if len(raw) != 32:
        raise ValueError("a key is 32 bytes")
    return raw
