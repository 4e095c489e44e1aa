"""Sealing: both ciphers, the wrong context, a changed byte, rotation, the blind index; OpenSSL and the standards have the last word."""

import base64
import hashlib
import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import CTR, ECB
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from linli.server.kernel import crypto
from linli.server.kernel.crypto import Keyring, SealBroken

CIPHERS = ("aes", "sm4")


@pytest.fixture(params=CIPHERS)
def cipher(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(settings, "LINLI_CIPHER", request.param)
    return request.param


@pytest.fixture
def own_ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A keyring file of this test's own."""
    path = tmp_path / "keyring.json"
    crypto.keyring().write(path)
    monkeypatch.setattr(settings, "LINLI_KEYRING", path)
    crypto.keyring.cache_clear()
    yield path
    crypto.keyring.cache_clear()


@pytest.mark.parametrize("text", ["", "张伟", "510108199003070010", "𠮷" * 500, "a\x00b", " "])
def test_what_was_sealed_opens_under_its_own_context_only(cipher: str, text: str) -> None:
    sealed = crypto.seal(text, context="document.number")
    assert crypto.unseal(sealed, context="document.number") == text
    with pytest.raises(SealBroken):
        crypto.unseal(sealed, context="person.phone")


@given(text=st.text(max_size=60))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    assert crypto.unseal(crypto.seal(text, context="x"), context="x") == text


def test_equal_texts_are_sealed_differently_and_show_nothing(cipher: str) -> None:
    first, second = (crypto.seal("510108199003070010", context="document.number") for _ in range(2))
    assert first != second
    assert b"510108" not in first


def test_every_changed_byte_is_found(cipher: str) -> None:
    sealed = crypto.seal("13800138000", context="person.phone")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(SealBroken):
            crypto.unseal(bytes(changed), context="person.phone")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01\x01\x00\x01", b"\x09" * 80, b"\x01\x07\x00\x01" + b"0" * 80])
def test_what_was_never_sealed_does_not_open(sealed: bytes) -> None:
    for act in (crypto.unseal, crypto.rewrap):
        with pytest.raises(SealBroken):
            act(sealed, context="x")


def test_a_cut_off_value_does_not_open(cipher: str) -> None:
    sealed = crypto.seal("text", context="x")
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            crypto.unseal(sealed[:length], context="x")


def test_either_cipher_opens_whatever_the_setting_says_now(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = {}
    for name in CIPHERS:
        monkeypatch.setattr(settings, "LINLI_CIPHER", name)
        sealed[name] = crypto.seal("值", context="x")
    assert [crypto.unseal(value, context="x") for value in sealed.values()] == ["值", "值"]


def test_after_a_rotation_old_values_open_and_new_ones_use_the_new_key(cipher: str, own_ring: Path) -> None:
    old = crypto.seal("旧", context="x")
    crypto.keyring().rotated().write(own_ring)
    crypto.keyring.cache_clear()
    new = crypto.seal("新", context="x")
    assert crypto.key_version(new) == crypto.key_version(old) + 1
    assert [crypto.unseal(value, context="x") for value in (old, new)] == ["旧", "新"]


def test_rewrapping_changes_the_key_and_leaves_the_data(cipher: str, own_ring: Path) -> None:
    old = crypto.seal("数据", context="x")
    crypto.keyring().rotated().write(own_ring)
    crypto.keyring.cache_clear()
    renewed = crypto.rewrap(old, context="x")
    tail = len("数据".encode()) + crypto.NONCE_BYTES + crypto.TAG_BYTES
    assert crypto.key_version(renewed) == crypto.key_version(old) + 1
    assert renewed[-tail:] == old[-tail:]
    assert crypto.unseal(renewed, context="x") == "数据"
    with pytest.raises(SealBroken):
        crypto.rewrap(old, context="y")


def test_without_the_old_key_a_rewrapped_value_still_opens_and_the_old_one_does_not(own_ring: Path) -> None:
    old = crypto.seal("值", context="x")
    ring = crypto.keyring().rotated()
    ring.write(own_ring)
    crypto.keyring.cache_clear()
    renewed = crypto.rewrap(old, context="x")
    Keyring(
        current=ring.current,
        keys={ring.current: ring.keys[ring.current]},
        signing_current=ring.signing_current,
        signing_keys=ring.signing_keys,
        index_key=ring.index_key,
    ).write(own_ring)
    crypto.keyring.cache_clear()
    assert crypto.unseal(renewed, context="x") == "值"
    with pytest.raises(SealBroken):
        crypto.unseal(old, context="x")


def test_a_keyring_is_written_for_its_owner_only_and_reads_back(own_ring: Path) -> None:
    assert stat.S_IMODE(own_ring.stat().st_mode) == 0o600
    assert Keyring.read(own_ring) == crypto.keyring()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"encryption": {"current": 1, "keys": {"1": "%%%"}}}'])
def test_a_damaged_keyring_is_not_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keyring.json"
    path.write_text(text)
    with pytest.raises(ValueError):
        Keyring.read(path)


def test_the_blind_index_is_equal_for_equal_text_and_bound_to_its_context() -> None:
    first = crypto.blind_index("13800138000", context="person.phone")
    assert first == crypto.blind_index("13800138000", context="person.phone")
    assert len(first) == 16
    assert first != crypto.blind_index("13800138001", context="person.phone")
    assert first != crypto.blind_index("13800138000", context="document.number")


def test_the_blind_index_changes_with_its_key(own_ring: Path) -> None:
    before = crypto.blind_index("x", context="c")
    body = json.loads(own_ring.read_text())
    body["blind_index"] = base64.b64encode(b"\x07" * 32).decode()
    own_ring.write_text(json.dumps(body))
    crypto.keyring.cache_clear()
    assert crypto.blind_index("x", context="c") != before


def test_sm3_gives_the_standards_own_examples() -> None:
    # GB/T 32905-2016, annex A.
    assert crypto.sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert crypto.sm3(b"abcd" * 16).hex() == "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"


def test_openssl_finds_the_same_sm3_digest() -> None:
    content = "东方新城二期".encode() * 99
    assert hashlib.new("sm3", content).digest() == crypto.sm3(content)


def test_the_body_of_sm4_gcm_is_the_counter_stream_from_two() -> None:
    # NIST SP 800-38D § 7.1: another mode, asked on its own, must give the same bytes.
    key, text, bound = b"k" * 16, "一房一码".encode(), b"ctx"
    sealed = crypto._encrypt(crypto.SM4_GCM, key, text, bound)
    counter = Cipher(SM4(key), CTR(sealed[:12] + b"\x00\x00\x00\x02")).decryptor()
    assert counter.update(sealed[12:-16]) + counter.finalize() == text


def test_sm4_gives_the_standards_own_example() -> None:
    # GB/T 32907-2016, annex A.
    block = bytes.fromhex("0123456789abcdeffedcba9876543210")
    encryptor = Cipher(SM4(block), ECB()).encryptor()
    assert encryptor.update(block).hex() == "681edf34d206965e86b3e94f536e4246"


def test_passes_are_signed_with_the_key_that_gates_are_told() -> None:
    number, key = crypto.signing_key()
    public = Ed25519PublicKey.from_public_bytes(crypto.verifying_keys()[number])
    public.verify(key.sign(b"pass"), b"pass")
    assert 0 <= number <= 15
