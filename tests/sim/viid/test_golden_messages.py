"""Both families of dialect are read to the same, what is noticed names the family, and what we say is in it."""

import json
from typing import Any

import pytest

from linli.sim.platforms.viid import codes
from linli.sim.platforms.viid.books import without_pictures
from linli.sim.platforms.viid.checks import flaw_of
from linli.sim.platforms.viid.dialects import FAMILIES, Reading, UnknownDialect, dialect_of
from tests.sim.viid.golden import NAMES, golden

LISTS = {
    "face_list": codes.FACE,
    "person_list": codes.PERSON,
    "ape_list": codes.APE,
    "image_list": codes.IMAGE,
    "subscribe": codes.SUBSCRIBE,
    "subscribe_devices": codes.SUBSCRIBE,
    "notification": codes.NOTIFICATION,
    "disposition": codes.DISPOSITION,
}


def read(name: str, kind: codes.Kind) -> tuple[list[dict[str, Any]], Reading]:
    """Read a golden list in canonical form."""
    reading = Reading()
    items = reading.objects(body=golden(name)["body"], kind=kind)
    assert items, name
    told = [reading.canonical(item) for item in items]
    return [{**one.pop("ImageInfo", {}), **one} for one in told], reading


def test_every_golden_message_says_what_it_is_and_in_which_dialect() -> None:
    assert len(NAMES) == 34
    for name in NAMES:
        message = golden(name)
        assert set(message) == {"about", "dialect", "body"}
        assert message["dialect"] == name.rpartition("_")[2]
        assert len(message["about"]) > 10


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_object_of_the_golden_messages_is_sound(family: str) -> None:
    for name, kind in LISTS.items():
        if kind in (codes.NOTIFICATION,):
            continue
        for one in read(f"{name}_{family}", kind)[0]:
            assert flaw_of(kind=kind, one=one) is None, name


@pytest.mark.parametrize("name", sorted(set(LISTS) - {"notification", "disposition"}))
def test_both_families_say_the_same(name: str) -> None:
    strict, loose = read(f"{name}_strict", LISTS[name]), read(f"{name}_loose", LISTS[name])
    assert strict[0] == loose[0]
    assert strict[1].noticed == set()
    assert strict[1].strange == set()
    assert "list_names" in loose[1].noticed or name == "image_list"


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_what_we_say_in_a_family_is_the_golden_message_of_it(family: str) -> None:
    faces = golden("face_list_strict")["body"]["FaceListObject"]["FaceObject"]
    said = dialect_of(family).listed(kind=codes.FACE, objects=faces)
    assert said == golden(f"face_list_{family}")["body"]
    notified = dialect_of(family).notified(kind=codes.FACE, objects=faces[:1])
    note = read(f"notification_{family}", codes.NOTIFICATION)
    assert notified.items() <= golden_notification(family).items(), note


def golden_notification(family: str) -> dict[str, Any]:
    """The one notification in the golden message."""
    (envelope,) = golden(f"notification_{family}")["body"].values()
    told: dict[str, Any] = envelope["SubscribeNotificationObject"][0]
    return told


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_notification_carries_what_its_info_ids_name(family: str) -> None:
    reading, note = Reading(), golden_notification(family)
    carried = [
        reading.canonical(one)[kind.id_field]
        for kind in codes.NOTIFIED
        for one in reading.objects(body=note, kind=kind, notified=True) or []
    ]
    assert sorted(carried) == sorted(note["InfoIDs"].split(","))


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_answers_are_read_in_either_family(family: str) -> None:
    reading = Reading()
    told = reading.statuses(golden(f"response_list_{family}")["body"])
    assert told is not None
    assert [code for code, _, _ in told] == [0, 8]
    assert all(len(number) == 48 for _, number, _ in told)
    expected = {"number_codes", "response_list", "epoch_time"} if family == "loose" else set()
    assert reading.noticed == expected
    one = Reading()
    assert one.statuses(golden(f"response_register_{family}")["body"]) is not None
    assert ("short_register" in one.noticed) == (family == "loose")


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_the_time_of_either_family_is_the_same_moment(family: str) -> None:
    told = Reading().moment(golden(f"time_{family}")["body"]["SystemTimeObject"]["LocalTime"])
    assert told is not None
    assert told.isoformat() == "2026-11-24T20:15:00+08:00"


def test_a_picture_is_replaced_by_its_digest_and_nothing_else_is() -> None:
    body = golden("face_list_strict")["body"]
    shown = json.dumps(without_pictures(body))
    assert "/9j/" not in shown
    assert shown.count("sha256:") == 2
    info_ids = golden_notification("strict")["InfoIDs"]
    assert without_pictures({"InfoIDs": info_ids * 5}) == {"InfoIDs": info_ids * 5}


def test_a_dialect_is_a_family_a_trait_or_both() -> None:
    assert dialect_of("loose").name == "loose"
    assert dialect_of("").name == "strict"
    assert dialect_of("loose,string_codes").traits == dialect_of("loose").traits - {"number_codes"}
    assert dialect_of("list_names,epoch_time").name == "strict,epoch_time,list_names"
    with pytest.raises(UnknownDialect):
        dialect_of("klingon")


NO_ANSWERS: list[object] = [
    None,
    7,
    [],
    {},
    {"ResponseStatusObject": 7},
    {"ResponseStatusListObject": {"ResponseStatusObject": []}},
]


@pytest.mark.parametrize("body", NO_ANSWERS)
def test_what_is_no_answer_is_read_as_none(body: object) -> None:
    assert Reading().statuses(body) is None
