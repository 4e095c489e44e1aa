"""Messages survive the way there and back, and nonsense is refused by one name."""

import contextlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linli.gate import wire
from linli.gate.journal import Broken, Gap
from linli.gate.snapshot import Delta, FailMode, GateRule, PassEntry, PassState

seconds = st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)).map(
    lambda at: at.replace(microsecond=0)
)
counts = st.integers(min_value=0, max_value=(1 << 63) - 1)
gates = st.from_regex(r"[A-Z][A-Z0-9-]{0,15}", fullmatch=True).filter(str.isascii)
words = st.text(max_size=40)
deltas = st.builds(
    Delta,
    estate=words,
    since=counts,
    until=counts,
    made_at=st.datetimes(timezones=st.just(UTC)),
    passes=st.lists(
        st.builds(
            PassEntry,
            serial=st.integers(min_value=0, max_value=(1 << 64) - 1),
            version=counts,
            groups=st.lists(counts, max_size=4).map(tuple),
            start=seconds,
            end=seconds,
            holder=words,
            state=st.sampled_from(PassState),
            static=st.booleans(),
        ),
        max_size=4,
    ).map(tuple),
    gates=st.lists(
        st.builds(
            GateRule,
            gate=gates,
            version=counts,
            groups=st.frozensets(counts),
            fail_mode=st.sampled_from(FailMode),
            max_age_s=counts,
            strike_s=counts,
        ),
        max_size=3,
    ).map(tuple),
    keys=st.dictionaries(st.integers(min_value=0, max_value=15), st.binary(min_size=32, max_size=32)),
)


@given(deltas)
def test_a_delta_survives_the_way(delta):
    assert wire.decode_delta(wire.encode_delta(delta)) == delta


@given(st.builds(wire.Receipt, version=counts, gates=st.lists(gates).map(tuple), applied_at=seconds))
def test_a_receipt_survives_the_way(receipt):
    assert wire.decode_receipt(wire.encode_receipt(receipt)) == receipt


@given(
    st.builds(
        wire.JournalReceipt,
        stored=st.dictionaries(gates, counts),
        gaps=st.lists(st.builds(Gap, gate=gates, first=counts, last=counts)).map(tuple),
        broken=st.lists(st.builds(Broken, gate=words, sequence=counts, why=words)).map(tuple),
        hashes=st.dictionaries(gates, words),
    )
)
def test_a_journal_receipt_survives_the_way(receipt):
    assert wire.decode_journal_receipt(wire.encode_journal_receipt(receipt)) == receipt


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)
FULL = json.loads(
    wire.encode_delta(
        Delta(
            estate="e",
            since=1,
            until=2,
            made_at=datetime(2026, 5, 1, tzinfo=UTC),
            gates=(GateRule(gate="G01", version=1, groups=frozenset({1})),),
            keys={1: b"k" * 32},
        )
    )
)


@given(st.sampled_from(sorted(FULL)), json_values)
def test_a_delta_with_any_field_replaced_is_read_or_refused_by_name(field, value):
    with contextlib.suppress(wire.BadMessage):
        wire.decode_delta(json.dumps({**FULL, field: value}))


@given(st.binary(max_size=80) | json_values.map(lambda value: json.dumps(value).encode()))
def test_nonsense_is_refused_by_name(raw):
    for decode in (wire.decode_delta, wire.decode_receipt, wire.decode_journal_receipt):
        with pytest.raises(wire.BadMessage):
            decode(raw)


def test_a_version_from_the_future_is_refused():
    with pytest.raises(wire.BadMessage):
        wire.decode_delta(json.dumps({**FULL, "wire": wire.WIRE_VERSION + 1}))


def test_fields_from_the_future_are_ignored():
    assert wire.decode_delta(json.dumps({**FULL, "weather": "rain"})) == wire.decode_delta(json.dumps(FULL))


def test_a_journal_batch_is_its_lines():
    assert wire.decode_journal(wire.encode_journal(["a\tb", "忘带"])) == ["a\tb", "忘带"]
    assert wire.decode_journal(b"") == []
    with pytest.raises(wire.BadMessage):
        wire.decode_journal(b"\xff\xfe")
