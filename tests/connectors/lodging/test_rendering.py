"""What leaves for the lodging platform: these fields under these names, and nothing else."""

from dataclasses import fields as fields_of
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linli.server.connectors.platforms.lodging import at
from linli.server.connectors.profiles.vocabulary import OF_STAFF, OF_STAYS, OF_UNITS, OF_VISITS
from linli.server.connectors.protocol import Facts, FactsMissing, Occasion, PersonFacts
from linli.server.connectors.rules import MessageKind
from linli.sim.platforms.lodging_fields import FORMS, LAYOUT
from tests.connectors.guests import ARRIVED, GUESTS, RESIDENT, facts, occasion
from tests.connectors.lodging.others import STAFF, UNIT, VISIT

PLATFORM = at(url="http://127.0.0.1:9", token="")
PROFILE = PLATFORM.allowed


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


OTHERS: list[tuple[MessageKind, Facts, dict[str, str]]] = [
    (
        MessageKind.VISITOR_IN,
        VISIT,
        {"lfbh": "visit_01", "fh": "1", "xm": "王乙丑", "lfsj": "202606012304", "yjlksj": "202606020204"},
    ),
    (MessageKind.VISITOR_OUT, VISIT, {"lfbh": "visit_01", "lksj": "202606020104"}),
    (
        MessageKind.UNIT_CREATE,
        UNIT,
        {
            "dz": "东方新城二期3幢2单元502号",
            "lc": "5",
            "fjs": "3",
            "cws": "5",
            "jyz": "成都示例民宿有限公司",
            "jyzdm": "91510100MA0000001X",
            "zt": "1",
        },
    ),
    (MessageKind.UNIT_CLOSE, UNIT, {"gbsj": "202606020204", "gbyy": "停止经营"}),
]


@pytest.mark.parametrize(("kind", "subject", "told"), OTHERS)
def test_visits_and_flats_are_told_in_the_fewest_fields(
    kind: MessageKind, subject: Facts, told: dict[str, str]
) -> None:
    fields = PLATFORM.render(occasion=occasion(kind, at=ARRIVED + timedelta(hours=3)), facts=subject)
    assert fields == {"lgdm": "DF2A00001", "czr": "Linli", "czsj": "202606020204", **told}


@pytest.mark.parametrize(("gone", "flag"), [(False, "0"), (True, "1")])
def test_staff_are_told_with_their_flats_their_work_and_whether_they_left(gone: bool, flag: str) -> None:
    told = PLATFORM.render(occasion=Occasion(kind=MessageKind.STAFF, happened_at=ARRIVED, gone=gone), facts=STAFF)
    assert told == {
        "rybh": "op_01",
        "lgdms": "DF2A00001,DF2A00002",
        "gw": "1",
        "rzrq": "20260105",
        "lzbz": flag,
        "xm": "王甲子",
        "xb": "1",
        "csrq": "19900307",
        "gj": "CHN",
        "zjlx": "111",
        "zjhm": "510108199003070010",
        "czr": "Linli",
        "czsj": "202606012304",
    }


def test_a_visitor_who_has_not_said_who_he_is_is_missing_a_name() -> None:
    with pytest.raises(FactsMissing) as missing:
        PLATFORM.render(occasion=occasion(MessageKind.VISITOR_IN), facts=replace(VISIT, visitor=None))
    assert missing.value.field == "xm"


def test_each_kind_leaves_under_the_purpose_that_its_people_were_told_of() -> None:
    purposes = {kind: PLATFORM.purpose_of(kind) for kind in MessageKind if PLATFORM.wants(kind)}
    assert {purposes[kind] for kind in OF_STAYS} == {"lodging_registration"}
    assert {purposes[kind] for kind in OF_VISITS} == {"visitor"}
    assert {purposes[kind] for kind in OF_STAFF | OF_UNITS} == {"operator_file"}


def test_an_amendment_tells_the_whole_person_and_the_true_arrival() -> None:
    fields = PLATFORM.render(occasion=occasion(MessageKind.AMEND), facts=facts())
    assert {"xm", "zjhm", "rzsj"} <= fields.keys()
    assert fields.keys().isdisjoint({"fh", "ydtfsj"})


@pytest.mark.parametrize("kind", sorted(OF_STAYS))
@pytest.mark.parametrize("guest", list(GUESTS))
def test_nothing_is_told_that_the_profile_does_not_name(kind: MessageKind, guest: str) -> None:
    told = PLATFORM.render(occasion=occasion(kind), facts=facts(GUESTS[guest]))
    assert set(told) <= PROFILE[kind] <= LAYOUT[kind].keys()
    assert all(told.values())


def test_no_profile_names_ethnicity_faith_address_phone_or_a_picture() -> None:
    assert all(fields <= LAYOUT[kind].keys() for kind, fields in PROFILE.items())
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
    assert all(not field.repr for field in fields_of(PersonFacts))


@given(name=st.text(min_size=1, max_size=60))
def test_whatever_a_foreign_name_is_the_platform_gets_its_own_letters_or_nothing_leaves(name: str) -> None:
    guest = replace(GUESTS["passport"], latin_name=name)
    try:
        told = PLATFORM.render(occasion=occasion(), facts=facts(guest))
    except FactsMissing:
        return
    assert told["ywx"].isascii()
    assert 1 <= len(told["ywx"]) <= 50
