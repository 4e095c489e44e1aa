"""Cards, PINs, hours, uses and who is inside: what the agent remembers, and what a stolen box does not tell."""

from datetime import UTC, datetime, timedelta

import pytest

from linli.edge.store import ListStore
from linli.gate.credentials import idcard_digest
from linli.gate.decision import MOST_TRIES, Direction, Kind, Reason, Scan
from linli.gate.hours import Hours, Slot
from linli.gate.snapshot import Credential, Delta, GateRule, HouseRules, Pairing, PassEntry
from tests.edge.conftest import LocalBox
from tests.edge.fake_server import ESTATE

PEPPER = b"p" * 32
NUMBER = "510108199003070010"
ALWAYS = Hours(number=1, version=1, slots=tuple(Slot(weekday=day, start=0, end=1440) for day in range(7)))


def a_list(*, uses=0, hours=0, version=10, area=0, most_inside=0):
    now = datetime.now(UTC).replace(microsecond=0)
    return Delta(
        estate=ESTATE,
        since=0,
        until=version,
        made_at=now,
        keys={1: bytes(32)},
        gates=(
            GateRule(gate="G01", version=version, groups=frozenset({1}), area=area, pairing=Pairing.HARD),
            GateRule(gate="G02", version=version, groups=frozenset({1}), area=area, most_inside=most_inside),
        ),
        passes=tuple(
            PassEntry(
                serial=serial,
                version=version,
                groups=(1,),
                start=now - timedelta(hours=1),
                end=now + timedelta(hours=1),
                holder="guest",
                uses=uses,
                hours=hours,
            )
            for serial in (7, 8)
        ),
        credentials=(
            Credential(kind="CARD", value="04A1B2C3", serial=7, version=version),
            Credential(kind="CARD", value="04FFFFFF", serial=8, version=version),
            Credential(kind="PIN", value="730518", serial=7, version=version),
            Credential(kind="IDCARD", value=idcard_digest(NUMBER, pepper=PEPPER), serial=7, version=version),
        ),
        hours=(ALWAYS,),
        house=HouseRules(version=version, pepper=PEPPER),
    )


def show(box, kind, text, gate="G01", direction=Direction.IN):
    return box.agent.present(Scan(gate=gate, kind=kind, text=text, direction=direction)).verdict


@pytest.mark.parametrize(("kind", "text"), [(Kind.CARD, "04A1B2C3"), (Kind.PIN, "730518"), (Kind.IDCARD, NUMBER)])
def test_each_way_in_opens_and_is_on_record_by_its_own_name(box, kind, text):
    box.agent.take(a_list())
    assert show(box, kind, text).open
    assert f"\t{kind.value}\tin\t1\tOK\t" in box.lines()[-1]
    assert text not in box.lines()[-1]


def test_five_wrong_pins_close_the_keypad_of_that_gate_and_nothing_else(box):
    box.agent.take(a_list())
    for number in range(MOST_TRIES):
        assert show(box, Kind.PIN, f"00000{number}").reason is Reason.UNKNOWN_CREDENTIAL
    assert show(box, Kind.PIN, "730518").reason is Reason.TOO_MANY_TRIES
    assert box.doors["G01"].opened == 0
    assert show(box, Kind.CARD, "04A1B2C3").open
    assert show(box, Kind.PIN, "730518", "G02").open


def test_a_pass_for_two_entries_is_used_up_also_after_a_restart(tmp_path):
    first = LocalBox(tmp_path / "box")
    first.agent.take(a_list(uses=2))
    assert show(first, Kind.CARD, "04A1B2C3").open
    assert show(first, Kind.CARD, "04A1B2C3", direction=Direction.OUT).open
    again = LocalBox(tmp_path / "box")
    assert show(again, Kind.CARD, "04A1B2C3", "G02").open
    assert show(again, Kind.PIN, "730518", "G02").reason is Reason.USES_EXHAUSTED
    assert show(again, Kind.PIN, "730518", "G02", Direction.OUT).open


def test_who_is_inside_comes_in_again_only_after_going_out(box):
    box.agent.take(a_list(area=1))
    assert show(box, Kind.CARD, "04A1B2C3", "G02").open
    assert show(box, Kind.CARD, "04A1B2C3").reason is Reason.STILL_INSIDE
    assert show(box, Kind.CARD, "04A1B2C3", "G02", Direction.OUT).open
    assert show(box, Kind.CARD, "04A1B2C3").open


def test_a_full_hall_takes_nobody_more_until_somebody_leaves(box):
    box.agent.take(a_list(area=1, most_inside=1))
    assert show(box, Kind.CARD, "04A1B2C3").open
    assert show(box, Kind.CARD, "04FFFFFF", "G02").reason is Reason.FULL
    assert show(box, Kind.CARD, "04A1B2C3", direction=Direction.OUT).open
    assert show(box, Kind.CARD, "04FFFFFF", "G02").open


def test_the_whole_list_is_there_again_after_a_restart(tmp_path):
    first = LocalBox(tmp_path / "box")
    first.agent.take(a_list(hours=1, area=3))
    again = LocalBox(tmp_path / "box")
    assert again.agent.snapshot == first.agent.snapshot


def test_a_stolen_disk_tells_neither_pin_nor_card_nor_the_key_of_identity_numbers(box):
    box.agent.take(a_list())
    written = b"".join(file.read_bytes() for file in box.home.glob("list.sqlite3*"))
    for secret in (b"730518", b"04A1B2C3", PEPPER, NUMBER.encode(), PEPPER.hex().encode()):
        assert secret not in written


def test_a_list_sealed_under_another_secret_is_set_aside_and_comes_again(box):
    box.agent.take(a_list())
    box.lists.close()
    stranger = ListStore(path=box.home / "list.sqlite3", estate=ESTATE, secret="another")
    assert stranger.load().version == 0
    assert stranger.set_aside
