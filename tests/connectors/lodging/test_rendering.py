"""What leaves for the lodging platform: these fields under these names, and nothing else."""

from dataclasses import fields as fields_of
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linli.server.connectors.platforms.lodging import PROFILE, at
from linli.server.connectors.protocol import FactsMissing, GuestFacts
from linli.server.connectors.rules import MessageKind
from linli.sim.platforms.lodging_fields import FORMS, LAYOUT
from tests.connectors.guests import ARRIVED, GUESTS, RESIDENT, facts, occasion

PLATFORM = at(url="http://127.0.0.1:9", token="")


def test_a_check_in_of_a_resident_is_written_so() -> None:
    assert PLATFORM.render(occasion=occasion(), facts=facts()) == {
        "zsbh": "stay_01",
        "lgdm": "DF2A00001",
        "xm": "王甲子",
        "xb": "1",
        "csrq": "19900307",
        "gj": "CHN",
        "zjlx": "111",
        "zjhm": "510108199003070010",
        "fh": "1",
        "cw": "2",
        "rzsj": "202606012304",
        "ydtfsj": "202606021204",
        "czr": "Linli",
        "czsj": "202606012304",
    }


@pytest.mark.parametrize(
    ("guest", "told"),
    [
        ("hong_kong", {"gj": "HKG", "zjlx": "516"}),
        ("macao", {"gj": "MAC", "zjlx": "516"}),
        ("taiwan", {"gj": "TWN", "zjlx": "511"}),
        ("taiwan_residence_card", {"gj": "TWN", "zjlx": "990", "xb": "2"}),
        ("passport", {"gj": "UTO", "zjlx": "414", "ywx": "ERIKSSON", "ywm": "ANNA MARIA"}),
        ("unspecified_sex", {"xb": "9", "ywx": "Zoe", "ywm": "Exemple"}),
    ],
)
def test_every_kind_of_guest_is_told_in_the_platforms_codes(guest: str, told: dict[str, str]) -> None:
    fields = PLATFORM.render(occasion=occasion(), facts=facts(GUESTS[guest]))
    assert {name: fields[name] for name in told} == told


def test_a_guest_from_abroad_is_told_in_latin_letters_only_and_one_from_home_in_native_ones_only() -> None:
    assert "xm" not in PLATFORM.render(occasion=occasion(), facts=facts(GUESTS["passport"]))
    assert PLATFORM.render(occasion=occasion(), facts=facts(RESIDENT)).keys().isdisjoint({"ywx", "ywm"})


def test_a_name_with_a_comma_parts_there() -> None:
    guest = replace(GUESTS["passport"], latin_name="VAN DER MUSTER, ALFA")
    fields = PLATFORM.render(occasion=occasion(), facts=facts(guest))
    assert (fields["ywx"], fields["ywm"]) == ("VAN DER MUSTER", "ALFA")


LATER = [
    (MessageKind.ROOM_CHANGE, {"fh": "1", "cw": "2", "hfsj": "202606020004"}),
    (MessageKind.EXTEND, {"ydtfsj": "202606021204"}),
    (MessageKind.CHECK_OUT, {"tfsj": "202606020004", "tdtf": "0"}),
    (MessageKind.CANCEL, {"cxyy": "未入住"}),
]


@pytest.mark.parametrize(("kind", "told"), LATER)
def test_later_messages_name_the_stay_and_not_the_person(kind: MessageKind, told: dict[str, str]) -> None:
    fields = PLATFORM.render(occasion=occasion(kind, at=ARRIVED + timedelta(hours=1)), facts=facts())
    assert fields == {"zsbh": "stay_01", "lgdm": "DF2A00001", "czr": "Linli", "czsj": "202606020004", **told}


def test_an_amendment_tells_the_whole_person_and_the_true_arrival() -> None:
    fields = PLATFORM.render(occasion=occasion(MessageKind.AMEND), facts=facts())
    assert {"xm", "zjhm", "rzsj"} <= fields.keys()
    assert fields.keys().isdisjoint({"fh", "ydtfsj"})


@pytest.mark.parametrize("kind", list(MessageKind))
@pytest.mark.parametrize("guest", list(GUESTS))
def test_nothing_is_told_that_the_profile_does_not_name(kind: MessageKind, guest: str) -> None:
    told = PLATFORM.render(occasion=occasion(kind), facts=facts(GUESTS[guest]))
    assert set(told) <= PROFILE[kind] <= LAYOUT[kind].keys()
    assert all(told.values())


def test_no_profile_names_ethnicity_faith_address_phone_or_a_picture() -> None:
    named = set().union(*PROFILE.values())
    assert named.isdisjoint({"mz", "zjxy", "zzmm", "xzqh", "xz", "lxdh", "zjzp", "xczp", "jhrxm", "jhrdh"})
    assert named <= FORMS.keys()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"birth_date": None}, "csrq"),
        ({"document_number": ""}, "zjhm"),
        ({"document_kind": "library_card"}, "zjlx"),
        ({"native_name": ""}, "xm"),
    ],
)
def test_a_missing_fact_is_named_in_the_platforms_words(changes: dict[str, object], field: str) -> None:
    with pytest.raises(FactsMissing) as missing:
        PLATFORM.render(occasion=occasion(), facts=facts(replace(RESIDENT, **changes)))  # type: ignore[arg-type]
    assert missing.value.field == field


def test_a_guest_from_abroad_without_latin_letters_is_missing_a_fact() -> None:
    guest = replace(GUESTS["passport"], native_name="Анна", latin_name=None)
    with pytest.raises(FactsMissing):
        PLATFORM.render(occasion=occasion(), facts=facts(guest))


def test_a_unit_without_its_mark_is_not_told() -> None:
    with pytest.raises(FactsMissing):
        PLATFORM.render(occasion=occasion(), facts=replace(facts(), unit_mark=""))


def test_facts_about_a_guest_show_nothing_in_a_log() -> None:
    assert all(not field.repr for field in fields_of(GuestFacts))


@given(name=st.text(min_size=1, max_size=60))
def test_whatever_a_foreign_name_is_the_platform_gets_its_own_letters_or_nothing_leaves(name: str) -> None:
    guest = replace(GUESTS["passport"], latin_name=name)
    try:
        told = PLATFORM.render(occasion=occasion(), facts=facts(guest))
    except FactsMissing:
        return
    assert told["ywx"].isascii()
    assert 1 <= len(told["ywx"]) <= 50
