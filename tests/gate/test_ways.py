"""Every door shows its ways in, in order, and none is for faces alone."""

import itertools

import pytest

from linli.gate.decision import WAYS, Kind
from linli.gate.snapshot import GateRule
from linli.gate.ways import NAMES, FaceOnly, check, ladder, words


def rule(*ways):
    return GateRule(gate="G01", version=1, groups=frozenset({1}), ways=frozenset(ways))


def test_the_guard_stands_at_the_end_of_every_ladder():
    for size in range(len(WAYS) + 1):
        for some in itertools.combinations(WAYS, size):
            assert ladder(rule(*some))[-1] is Kind.GUARD


def test_a_door_shows_what_it_offers_in_the_order_to_try_it():
    assert ladder(rule("PIN", "CODE", "FACE")) == (Kind.FACE, Kind.CODE, Kind.PIN, Kind.GUARD)
    assert words(ladder(rule("CODE"))) == ("二维码 → 请值班人员开门", "QR code → ask the guard")


def test_a_door_that_names_no_way_offers_all_of_them():
    assert ladder(None) == ladder(rule()) == tuple(NAMES)


def test_a_door_for_faces_alone_cannot_be():
    with pytest.raises(FaceOnly):
        check(frozenset({"FACE"}))
    check(frozenset({"FACE", "CARD"}))
    check(frozenset())
