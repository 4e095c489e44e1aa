"""Sealing and finding what identifies a person: envelope encryption with key versions, and a keyed blind index.

Each value has its own data key; the data key is wrapped by a versioned master key from the keyring. Rotating the master key rewraps
data keys and leaves the data alone. Two ciphers: AES-256-GCM and SM4-GCM (GM/T 0002); which one new values use is a setting, both can
always be read. Source: GB/T 39786-2021, PIPL art. 51.
"""

import base64
import hmac
import json
import os
import struct
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

FORMAT = 1
AES, SM4_GCM = 1, 2
CIPHERS = {"aes": AES, "sm4": SM4_GCM}
KEY_BYTES = {AES: 32, SM4_GCM: 16}
NONCE_BYTES = 12
TAG_BYTES = 16
HEADER = struct.Struct(">BBH")


class SealBroken(Exception):
    """A sealed value could not be opened: wrong context, wrong keyring, or changed bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """Numbered 32-byte keys: those that seal, those that sign passes (Ed25519 seeds), and the one of the blind index."""

    current: int
    keys: dict[int, bytes]
    signing_current: int
    signing_keys: dict[int, bytes]
    index_key: bytes

    @classmethod
    def read(cls, path: Path) -> "Keyring":
        """This will read a keyring file; raises `OSError` or `ValueError` when there is none or it is damaged."""
        body = json.loads(path.read_text(encoding="utf-8"))
        try:
            return cls(
                current=int(body["encryption"]["current"]),
                keys=_keys(body["encryption"]["keys"]),
                signing_current=int(body["signing"]["current"]),
                signing_keys=_keys(body["signing"]["keys"]),
                index_key=base64.b64decode(body["blind_index"], validate=True),
            )
        except (KeyError, TypeError) as problem:
            raise ValueError(f"not a keyring: {path}") from problem

    def rotated(self) -> "Keyring":
        """This will return the keyring with a new current sealing key; the old ones still open what they sealed."""
        version = max(self.keys) + 1
        return replace(self, current=version, keys={**self.keys, version: os.urandom(32)})

    def write(self, path: Path) -> None:
        """This will write the keyring file with mode 0600, whole or not at all."""
        body = {
            "version": 1,
            "encryption": {"current": self.current, "keys": _texts(self.keys)},
            "signing": {"current": self.signing_current, "keys": _texts(self.signing_keys)},
            "blind_index": base64.b64encode(self.index_key).decode(),
        }
        draft = path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(body, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)


def _keys(texts: dict[str, str]) -> dict[int, bytes]:
    return {int(version): base64.b64decode(text, validate=True) for version, text in texts.items()}


def _texts(keys: dict[int, bytes]) -> dict[str, str]:
    return {str(version): base64.b64encode(key).decode() for version, key in keys.items()}


@lru_cache(maxsize=1)
def keyring() -> Keyring:
    """This will return the process's keyring, read once."""
    return Keyring.read(Path(settings.LINLI_KEYRING))


def seal(text: str, *, context: str) -> bytes:
    """This will encrypt text for one purpose; the context (such as `document.number`) must be named again to open it."""
    ring = keyring()
    cipher = CIPHERS[settings.LINLI_CIPHER]
    data_key = os.urandom(KEY_BYTES[cipher])
    bound = context.encode()
    wrapped = _encrypt(cipher, _master(ring, ring.current, cipher), data_key, bound)
    return HEADER.pack(FORMAT, cipher, ring.current) + wrapped + _encrypt(cipher, data_key, text.encode(), bound)


def unseal(sealed: bytes, *, context: str) -> str:
    """This will decrypt what `seal` made; raises `SealBroken`. Reading a sensitive field is itself recorded: see privacy.actions."""
    cipher, version, wrapped, body = _parts(bytes(sealed))
    bound = context.encode()
    try:
        data_key = _decrypt(cipher, _master(keyring(), version, cipher), wrapped, bound)
        return _decrypt(cipher, data_key, body, bound).decode()
    except (InvalidTag, KeyError, UnicodeDecodeError) as problem:
        raise SealBroken(context) from problem


def rewrap(sealed: bytes, *, context: str) -> bytes:
    """This will wrap a value's data key with the current master key, leaving the encrypted data as it is."""
    cipher, version, wrapped, body = _parts(bytes(sealed))
    ring, bound = keyring(), context.encode()
    try:
        data_key = _decrypt(cipher, _master(ring, version, cipher), wrapped, bound)
    except (InvalidTag, KeyError) as problem:
        raise SealBroken(context) from problem
    renewed = _encrypt(cipher, _master(ring, ring.current, cipher), data_key, bound)
    return HEADER.pack(FORMAT, cipher, ring.current) + renewed + body


def key_version(sealed: bytes) -> int:
    """This will say which master key wraps a value."""
    return int(HEADER.unpack_from(bytes(sealed))[2])


def blind_index(text: str, *, context: str) -> bytes:
    """This will return 16 bytes that are equal for equal text, and say nothing to whoever lacks the key."""
    return hmac.digest(keyring().index_key, f"{context}\x00{text}".encode(), "sha256")[:16]


@lru_cache(maxsize=1)
def signing_key() -> tuple[int, Ed25519PrivateKey]:
    """This will return the number (0 to 15) and the key that sign passes today."""
    ring = keyring()
    return ring.signing_current, Ed25519PrivateKey.from_private_bytes(ring.signing_keys[ring.signing_current])


def verifying_keys() -> dict[int, bytes]:
    """This will return the raw public keys, by number, with which gates check passes."""
    return {
        number: Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        for number, seed in keyring().signing_keys.items()
    }


def sm3(content: bytes) -> bytes:
    """This will return the 32-byte SM3 digest (GB/T 32905-2016)."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(content)
    return digest.finalize()


@lru_cache(maxsize=32)
def _derived(key: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=b"linli envelope").derive(key)


def _master(ring: Keyring, version: int, cipher: int) -> bytes:
    if version not in ring.keys:
        # Another process has rotated the keys since this one read them.
        keyring.cache_clear()
        ring = keyring()
    return _derived(ring.keys[version], KEY_BYTES[cipher])


def _parts(sealed: bytes) -> tuple[int, int, bytes, bytes]:
    try:
        form, cipher, version = HEADER.unpack_from(sealed)
        end = HEADER.size + NONCE_BYTES + KEY_BYTES[cipher] + TAG_BYTES
    except (struct.error, KeyError) as problem:
        raise SealBroken("header") from problem
    if form != FORMAT:
        raise SealBroken("format")
    return cipher, version, sealed[HEADER.size : end], sealed[end:]


def _encrypt(cipher: int, key: bytes, content: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    if cipher == AES:
        return nonce + AESGCM(key).encrypt(nonce, content, bound)
    encryptor = Cipher(SM4(key), GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(bound)
    body = encryptor.update(content) + encryptor.finalize()
    return nonce + body + encryptor.tag


def _decrypt(cipher: int, key: bytes, content: bytes, bound: bytes) -> bytes:
    if len(content) < NONCE_BYTES + TAG_BYTES:
        raise SealBroken("short")
    nonce, body = content[:NONCE_BYTES], content[NONCE_BYTES:]
    if cipher == AES:
        return AESGCM(key).decrypt(nonce, body, bound)
    decryptor = Cipher(SM4(key), GCM(nonce, body[-TAG_BYTES:])).decryptor()
    decryptor.authenticate_additional_data(bound)
    return decryptor.update(body[:-TAG_BYTES]) + decryptor.finalize()
