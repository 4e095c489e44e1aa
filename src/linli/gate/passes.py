"""Mint and read a signed pass, offline.

A pass is 120 characters of base64url: a 26-byte payload and a 64-byte Ed25519 signature. A reader needs the public key
and nothing else. The size fits the 128-character QR field of common terminals.

payload  1 byte   version (high nibble) and key id (low nibble)
         8 bytes  serial
         3 bytes  start, in minutes since 2024-01-01T00:00Z
         3 bytes  end, likewise
         3 bytes  window, in 30 s steps since the same instant; 0xFFFFFF is a static (printed) code
         8 bytes  up to four door groups, two bytes each, the unused ones zero and last
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
WINDOW_SECONDS = 30
CODE_LENGTH = 120
MOST_GROUPS = 4

_VERSION = 1
_PAYLOAD_BYTES = 26
_STATIC = 0xFFFFFF
_MINUTE = timedelta(minutes=1)
_WINDOW = timedelta(seconds=WINDOW_SECONDS)
# The decoder of the standard library skips characters it does not know; only this pattern makes a code canonical.
_CODE = re.compile(rf"[A-Za-z0-9_-]{{{CODE_LENGTH}}}", re.ASCII)


class PassProblem(Exception):
    """A code cannot be taken for a pass."""


class Unreadable(PassProblem):
    """That is not a pass of this system."""


class UnknownKey(PassProblem):
    """That pass is signed with a key which this gate does not know."""


class Forged(PassProblem):
    """That pass does not bear the estate's signature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassClaims:
    """What a code says of itself: `window` None is a static code, printed on paper or on a card."""

    serial: int
    key_id: int
    groups: tuple[int, ...]
    start: datetime
    end: datetime
    window: int | None


def window_at(now: datetime) -> int:
    """Count the 30-second windows from 2024-01-01T00:00Z to `now`; negative before that."""
    return (now - EPOCH) // _WINDOW


def window_start(window: int) -> datetime:
    """Say when a window opens; the code of a window is shown from here for 30 seconds."""
    return EPOCH + window * _WINDOW


def mint(*, claims: PassClaims, key: Ed25519PrivateKey) -> str:
    """Sign a pass; its start is rounded down and its end up to whole minutes. Raises ValueError if it does not fit."""
    payload = _pack(claims)
    return base64.urlsafe_b64encode(payload + key.sign(payload)).decode("ascii")


def read(text: str, *, keys: Mapping[int, Ed25519PublicKey]) -> PassClaims:
    """Check a code's signature and say what it claims. Raises Unreadable, UnknownKey or Forged."""
    if not _CODE.fullmatch(text):
        raise Unreadable
    raw = base64.urlsafe_b64decode(text)
    payload, signature = raw[:_PAYLOAD_BYTES], raw[_PAYLOAD_BYTES:]
    if payload[0] >> 4 != _VERSION:
        raise Unreadable
    key = keys.get(payload[0] & 0x0F)
    if key is None:
        raise UnknownKey
    try:
        key.verify(signature, payload)
    except InvalidSignature:
        raise Forged from None
    return _unpack(payload)


def _pack(claims: PassClaims) -> bytes:
    _check(claims)
    groups = (*claims.groups, 0, 0, 0)[:MOST_GROUPS]
    window = _STATIC if claims.window is None else claims.window
    return b"".join(
        (
            bytes((_VERSION << 4 | claims.key_id,)),
            claims.serial.to_bytes(8, "big"),
            _minutes((claims.start - EPOCH) // _MINUTE),
            _minutes(-((EPOCH - claims.end) // _MINUTE)),
            window.to_bytes(3, "big"),
            *(group.to_bytes(2, "big") for group in groups),
        )
    )


def _check(claims: PassClaims) -> None:
    if not 0 <= claims.serial < 1 << 64:
        raise ValueError("a serial is an unsigned 64-bit number")
    if not 0 <= claims.key_id < 16:
        raise ValueError("a key id is 0 to 15")
    if not 1 <= len(claims.groups) <= MOST_GROUPS or not all(0 < group < 1 << 16 for group in claims.groups):
        raise ValueError("a pass names one to four door groups, each 1 to 65535")
    if claims.window is not None and not 0 <= claims.window < _STATIC:
        raise ValueError("a window is counted from 2024-01-01 and ends in 2039")
    if claims.start >= claims.end:
        raise ValueError("a pass ends after it starts")


def _minutes(count: int) -> bytes:
    if not 0 <= count < 1 << 24:
        raise ValueError("a pass lies between 2024 and 2055")
    return count.to_bytes(3, "big")


def _unpack(payload: bytes) -> PassClaims:
    number = int.from_bytes
    window = number(payload[15:18], "big")
    groups = tuple(number(payload[at : at + 2], "big") for at in range(18, _PAYLOAD_BYTES, 2))
    used = tuple(group for group in groups if group)
    start, end = number(payload[9:12], "big"), number(payload[12:15], "big")
    if not used or groups[: len(used)] != used or start >= end:
        raise Unreadable
    return PassClaims(
        serial=number(payload[1:9], "big"),
        key_id=payload[0] & 0x0F,
        groups=used,
        start=EPOCH + start * _MINUTE,
        end=EPOCH + end * _MINUTE,
        window=None if window == _STATIC else window,
    )
