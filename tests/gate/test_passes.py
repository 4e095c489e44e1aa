"""A pass is minted by the server and read by a gate that has only the public key."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from linli.gate import passes

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEYS = {number: KEY.public_key() for number in range(16)}

minutes = st.integers(min_value=0, max_value=(1 << 24) - 2).map(lambda count: passes.EPOCH + timedelta(minutes=count))
claims = st.builds(
    lambda serial, key_id, groups, start, length, window: passes.PassClaims(
        serial=serial,
        key_id=key_id,
        groups=tuple(groups),
        start=start,
        end=min(start + timedelta(minutes=length), passes.EPOCH + timedelta(minutes=(1 << 24) - 1)),
        window=window,
    ),
    st.integers(min_value=0, max_value=(1 << 64) - 1),
    st.integers(min_value=0, max_value=15),
    st.lists(st.integers(min_value=1, max_value=(1 << 16) - 1), min_size=1, max_size=4),
    minutes,
    st.integers(min_value=1, max_value=1_000_000),
    st.none() | st.integers(min_value=0, max_value=0xFFFFFE),
)


@given(claims)
@settings(deadline=None)
def test_what_is_minted_is_read(pass_claims):
    code = passes.mint(claims=pass_claims, key=KEY)
    assert len(code) == passes.CODE_LENGTH <= 120
    assert passes.read(code, keys=KEYS) == pass_claims


@given(claims, st.integers(min_value=0, max_value=passes.CODE_LENGTH * 8 - 1))
@settings(deadline=None, max_examples=300)
def test_any_flipped_bit_is_noticed(pass_claims, bit):
    code = bytearray(passes.mint(claims=pass_claims, key=KEY).encode())
    code[bit // 8] ^= 1 << bit % 8
    with pytest.raises((passes.Forged, passes.Unreadable)):
        passes.read(code.decode("latin-1"), keys=KEYS)


@given(st.text() | st.text(alphabet="ABCxyz019-_", min_size=120, max_size=120))
@settings(deadline=None)
def test_any_text_is_read_or_refused_by_name(text):
    with pytest.raises(passes.PassProblem):
        passes.read(text, keys=KEYS)


def test_a_key_that_is_not_known_is_told_apart_from_a_forgery():
    code = passes.mint(claims=_claims(key_id=3), key=KEY)
    with pytest.raises(passes.UnknownKey):
        passes.read(code, keys={1: KEY.public_key()})
    with pytest.raises(passes.Forged):
        passes.read(code, keys={3: Ed25519PrivateKey.generate().public_key()})


def test_a_period_is_rounded_outwards_to_whole_minutes():
    start, end = datetime(2026, 5, 1, 12, 0, 59, tzinfo=UTC), datetime(2026, 5, 2, 9, 30, 1, tzinfo=UTC)
    read = passes.read(passes.mint(claims=_claims(start=start, end=end), key=KEY), keys=KEYS)
    assert (read.start, read.end) == (start.replace(second=0), datetime(2026, 5, 2, 9, 31, tzinfo=UTC))


@pytest.mark.parametrize(
    "wrong",
    [
        {"serial": 1 << 64},
        {"serial": -1},
        {"key_id": 16},
        {"groups": ()},
        {"groups": (1, 2, 3, 4, 5)},
        {"groups": (0,)},
        {"groups": (1 << 16,)},
        {"window": 0xFFFFFF},
        {"window": -1},
        {"end": datetime(2026, 5, 1, tzinfo=UTC)},
        {"start": datetime(2023, 12, 31, tzinfo=UTC)},
        {"end": datetime(2060, 1, 1, tzinfo=UTC)},
    ],
    ids=str,
)
def test_claims_that_do_not_fit_are_not_minted(wrong):
    with pytest.raises(ValueError):
        passes.mint(claims=_claims(**wrong), key=KEY)


def test_windows_are_half_open_and_thirty_seconds_long():
    start = passes.window_start(100)
    assert passes.window_at(start) == 100
    assert passes.window_at(start + timedelta(seconds=29, microseconds=999_999)) == 100
    assert passes.window_at(start + timedelta(seconds=30)) == 101
    assert passes.window_at(passes.EPOCH - timedelta(microseconds=1)) == -1


def _claims(**changes):
    start = datetime(2026, 5, 1, 12, tzinfo=UTC)
    usual = {"serial": 7, "key_id": 1, "groups": (1, 2), "start": start, "end": start + timedelta(days=1), "window": 5}
    return passes.PassClaims(**{**usual, **changes})
