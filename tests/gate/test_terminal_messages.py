"""Messages about terminals, commands and faces arrive as they were sent, and nonsense is named as such."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linli.gate import wire

serials = st.integers(min_value=0, max_value=2**64 - 1)
instants = st.datetimes(min_value=datetime(2024, 1, 1), max_value=datetime(2050, 1, 1), timezones=st.just(UTC))
words = st.text(max_size=60)
people = st.builds(
    wire.PersonReport,
    serial=serials,
    state=st.sampled_from(wire.PersonState),
    version=st.integers(0, 2**40),
    at=instants,
    trouble=words,
    words=words,
)
listings = st.builds(
    wire.Listing,
    at=instants,
    serials=st.lists(serials, max_size=5).map(tuple),
    checksum=words,
    unknown=st.integers(0, 9),
)
reports = st.builds(
    wire.TerminalReport,
    terminal=words,
    seen_at=st.none() | instants,
    firmware=words,
    drift_ms=st.none() | st.integers(-(10**9), 10**9),
    trouble=words,
    people=st.lists(people, max_size=4).map(tuple),
    listing=st.none() | listings,
)
plans = st.builds(
    wire.TerminalPlan,
    code=words,
    gate=st.just("G01"),
    make=words,
    model=words,
    settings=st.dictionaries(words, st.integers() | words, max_size=3),
    secret=words,
)
commands = st.builds(
    wire.Command,
    id=words,
    gate=st.just("G01"),
    kind=st.sampled_from(wire.CommandKind),
    by=words,
    why=words,
    expires_at=instants,
)
faces = st.builds(wire.FaceSheet, id=words, model=words, template=st.binary(max_size=60))


@pytest.mark.parametrize(
    ("rows", "encode", "decode"),
    [
        (reports, wire.encode_reports, wire.decode_reports),
        (plans, wire.encode_terminals, wire.decode_terminals),
        (commands, wire.encode_commands, wire.decode_commands),
        (faces, wire.encode_faces, wire.decode_faces),
    ],
    ids=["reports", "terminals", "commands", "faces"],
)
def test_what_arrives_is_what_was_sent(rows, encode, decode):
    @given(st.lists(rows, max_size=3).map(tuple))
    def there_and_back(sent):
        assert decode(encode(sent)) == sent

    there_and_back()


@pytest.mark.parametrize("outcome", wire.CommandOutcome)
def test_a_reply_says_what_came_of_it(outcome):
    reply = wire.CommandReply(outcome=outcome, words="the door does not answer")
    assert wire.decode_reply(wire.encode_reply(reply)) == reply


@pytest.mark.parametrize(
    "decode",
    [wire.decode_reports, wire.decode_terminals, wire.decode_commands, wire.decode_faces, wire.decode_reply],
)
@given(
    st.binary(max_size=80) | st.sampled_from([b"{}", b"[]", b'{"wire":2,"kind":"faces","faces":[[1,2,3]]}', b"null"])
)
def test_nonsense_is_a_bad_message_and_nothing_else(decode, raw):
    with pytest.raises(wire.BadMessage):
        decode(raw)
