"""It converges: deltas in any order, repeated or late, give the server's own snapshot."""

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linli.gate.hours import Hours, Slot
from linli.gate.passes import EPOCH
from linli.gate.snapshot import (
    Credential,
    Delta,
    GateRule,
    HouseRules,
    PassEntry,
    PassState,
    Snapshot,
    WrongEstate,
    apply,
    without_ended,
)


def at(version):
    return EPOCH + timedelta(minutes=version)


def entry(serial, version, state=PassState.ACTIVE):
    return PassEntry(
        serial=serial, version=version, groups=(1,), start=EPOCH, end=at(serial + 1), holder="guest", state=state
    )


def delta(since, until, *, passes=(), gates=(), keys=None, made_at=None):
    return Delta(
        estate="estate_1",
        since=since,
        until=until,
        made_at=made_at or at(until),
        passes=tuple(passes),
        gates=tuple(gates),
        keys=keys or {},
    )


class Server:
    """A server's history: one change a version; it can say what changed between any two of them."""

    def __init__(self, changes):
        self.changes = changes

    def delta(self, since, until):
        newest = {}
        for version in range(since + 1, until + 1):
            kind, number, state = self.changes[version - 1]
            newest[kind, number] = (version, state)
        passes = [entry(number, v, state) for (kind, number), (v, state) in newest.items() if kind == "pass"]
        gates = [
            GateRule(gate=f"G{number:02}", version=v, groups=frozenset({v}))
            for (kind, number), (v, _) in newest.items()
            if kind == "gate"
        ]
        ring = {
            number: bytes([v]) * 32
            for version in range(1, until + 1)
            for kind, number, _ in [self.changes[version - 1]]
            for v in [version]
            if kind == "key"
        }
        cards = [
            Credential(kind="CARD", value=str(number), serial=v % 5 + 1, version=v, live=state is PassState.ACTIVE)
            for (kind, number), (v, state) in newest.items()
            if kind == "card"
        ]
        tables = [
            Hours(number=number, version=v, slots=(Slot(weekday=v % 7, start=0, end=v + 1),))
            for (kind, number), (v, _) in newest.items()
            if kind == "hours"
        ]
        houses = [v for (kind, _), (v, _) in newest.items() if kind == "house"]
        house = HouseRules(version=max(houses), pepper=bytes([max(houses)])) if houses else None
        known = delta(since, until, passes=passes, gates=gates, keys=ring)
        return replace(known, credentials=tuple(cards), hours=tuple(tables), house=house)


changes = st.lists(
    st.tuples(
        st.sampled_from(("pass", "pass", "gate", "key", "card", "hours", "house")),
        st.integers(min_value=1, max_value=5),
        st.sampled_from(PassState),
    ),
    min_size=1,
    max_size=25,
)


@given(changes, st.data())
@settings(deadline=None, max_examples=300)
def test_deltas_in_any_order_repeated_or_late_give_the_servers_own_snapshot(history, data):
    server, head = Server(history), len(history)
    own = apply(Snapshot(estate="estate_1"), server.delta(0, head))
    # Cut the history in pieces that cover it, add any other pieces, and deal them out in any order, some twice.
    cuts = sorted({0, head, *data.draw(st.lists(st.integers(min_value=0, max_value=head), max_size=6))})
    pieces = [server.delta(since, until) for since, until in itertools.pairwise(cuts)]
    bounds = st.integers(min_value=0, max_value=head)
    for first, second in data.draw(st.lists(st.tuples(bounds, bounds), max_size=5)):
        pieces.append(server.delta(min(first, second), max(first, second)))
    dealt = data.draw(st.permutations(pieces + data.draw(st.lists(st.sampled_from(pieces), max_size=4))))
    replica = Snapshot(estate="estate_1")
    for piece in dealt:
        replica = apply(replica, piece)
    assert replica == own
    assert replica.version == head
    assert replica.ahead == ()


def test_a_delta_from_the_future_is_kept_but_does_not_count_yet():
    late = delta(3, 5, passes=[entry(1, 5, PassState.REVOKED)])
    snapshot = apply(Snapshot(estate="estate_1"), late)
    assert snapshot.version == 0
    assert snapshot.passes[1].state is PassState.REVOKED
    snapshot = apply(snapshot, delta(0, 3, passes=[entry(1, 2)]))
    assert snapshot.version == 5
    assert snapshot.passes[1].state is PassState.REVOKED


def test_an_old_delta_sent_late_does_not_bring_a_revoked_pass_back():
    snapshot = apply(Snapshot(estate="estate_1"), delta(0, 9, passes=[entry(1, 9, PassState.REVOKED)]))
    again = apply(snapshot, delta(0, 4, passes=[entry(1, 4)], made_at=at(99)))
    assert again == snapshot


def test_an_empty_delta_at_the_same_version_makes_the_list_fresh():
    snapshot = apply(Snapshot(estate="estate_1"), delta(0, 4))
    assert apply(snapshot, delta(4, 4, made_at=at(50))).made_at == at(50)


def test_a_delta_of_another_estate_is_refused():
    with pytest.raises(WrongEstate):
        apply(Snapshot(estate="estate_2"), delta(0, 1))


def test_passes_that_ended_can_be_forgotten():
    snapshot = apply(Snapshot(estate="estate_1"), delta(0, 2, passes=[entry(1, 1), entry(5, 2)]))
    assert set(without_ended(snapshot, before=at(4)).passes) == {5}


def test_a_new_key_is_taken_while_the_list_stands_still():
    snapshot = apply(Snapshot(estate="estate_1"), delta(0, 2, keys={1: b"a" * 32}))
    snapshot = apply(snapshot, delta(2, 2, keys={1: b"a" * 32, 2: b"b" * 32}, made_at=at(9)))
    assert set(snapshot.keys) == {1, 2}


def test_a_retired_key_leaves_with_the_newest_ring():
    snapshot = apply(Snapshot(estate="estate_1"), delta(0, 2, keys={1: b"a" * 32, 2: b"b" * 32}))
    snapshot = apply(snapshot, delta(2, 3, keys={2: b"b" * 32}))
    assert set(snapshot.keys) == {2}
    assert set(apply(snapshot, delta(0, 2, keys={1: b"a" * 32})).keys) == {2}
