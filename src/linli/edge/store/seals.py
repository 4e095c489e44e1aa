"""What a stolen box must not tell is sealed on its disk, under a key made from the box's own secret."""

from __future__ import annotations

import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12


class SealBroken(ValueError):
    """That was sealed under another secret, or changed."""


class Seal:
    """Seals and opens with AES-256-GCM. The key lives in memory only; a box with a new secret fetches its list anew."""

    def __init__(self, secret: str) -> None:
        key = HKDF(algorithm=SHA256(), length=64, salt=None, info=b"linli box store 1").derive(secret.encode())
        self._cipher, self._index_key = AESGCM(key[:32]), key[32:]

    def close(self, raw: bytes, *, context: str) -> bytes:
        """Seal for one use; it opens only under the same context."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, raw, context.encode())

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Open what `close` made. Raises SealBroken."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context.encode())
        except (InvalidTag, ValueError) as problem:
            raise SealBroken(context) from problem

    def index(self, *words: str) -> str:
        """Give a name under which a row is found without telling what it is."""
        return hmac.digest(self._index_key, "\t".join(words).encode(), "sha256").hex()[:32]
