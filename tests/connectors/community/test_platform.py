"""The community platform: who lives and sleeps here in the fewest fields, the doors, and the passages of those people alone."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError

from linli.server.connectors.platforms import community
from linli.server.connectors.platforms.community import CommunityPlatform
from linli.server.connectors.protocol import FactsMissing
from linli.server.connectors.rules import MessageKind, Verdict
from linli.server.connectors.viid import codes, ids
from linli.server.connectors.viid.client import Link
from linli.server.connectors.viid.dialects import LOOSE
from linli.server.connectors.viid.numbering import numbers_of
from tests.connectors.viid.facts import AT, DOOR, PERSON, RESIDENT, STAY, Counted, device, message, messages, passage
from tests.sim.viid.running import LOWER, RunningLibrary

NEVER = (
    "Ethic",
    "Religion",
    "Politic",
    "Education",
    "Marital",
    "Photo",
    "Special",
    "UsedName",
    "Native",
    "Job",
    "Phone",
)


@pytest.fixture
def platform(link: Link) -> CommunityPlatform:
    """Our side."""
    return CommunityPlatform(link=link, numbers=Counted())


def rows(above: RunningLibrary, kind: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = above.books_of("object", kind=kind, size=1000)["rows"]
    return told


def test_everybody_with_a_roof_is_told_of_and_nobody_else() -> None:
    made = community.make({"url": "http://127.0.0.1:9", "device_id": LOWER})
    wanted = {kind for kind in MessageKind if made.wants(kind)}
    assert wanted == community.PEOPLE | {MessageKind.DOOR, MessageKind.DEVICE, MessageKind.PASSAGE}
    assert {made.purpose_of(kind) for kind in wanted} == {"community_registration"}


@pytest.mark.parametrize("facts", [STAY, RESIDENT], ids=["guest", "resident"])
def test_a_person_leaves_in_the_fewest_fields(platform: CommunityPlatform, facts: Any) -> None:
    fields = message(platform, facts).fields
    assert len(fields) <= 10
    assert not [name for name in fields if name.startswith(NEVER)]
    assert (fields["IDType"], fields["GenderCode"], fields["Birthday"]) == ("111", "1", "19900307")


def test_no_whitelist_names_what_the_estate_does_not_ask_about() -> None:
    every = set().union(*community.ALLOWED.values())
    assert not [name for name in every if name.startswith(NEVER)]


def test_a_person_without_a_number_is_not_told_of(platform: CommunityPlatform) -> None:
    for facts, field in (
        (replace(STAY, guest=replace(PERSON, document_number="")), "IDNumber"),
        (replace(STAY, guest=replace(PERSON, document_kind="nothing")), "IDType"),
        (replace(STAY, guest=replace(PERSON, native_name="")), "Name"),
    ):
        with pytest.raises(FactsMissing) as missing:
            message(platform, facts)
        assert missing.value.field == field


def test_a_guest_comes_is_mended_and_goes_under_one_number(above: RunningLibrary, platform: CommunityPlatform) -> None:
    kinds = (MessageKind.CHECK_IN, MessageKind.AMEND, MessageKind.ROOM_CHANGE, MessageKind.CHECK_OUT)
    told = [platform.send(messages=[message(platform, STAY, kind=kind)])[0] for kind in kinds]
    assert {one.verdict for one in told} == {Verdict.ACCEPTED}
    assert len({one.receipt for one in told}) == 1
    assert ids.device_of(told[0].receipt).type == ids.PERSON
    assert message(platform, STAY, kind=MessageKind.CHECK_OUT).fields["DataStatus"] == community.GONE
    assert message(platform, RESIDENT, gone=True).fields["DataStatus"] == community.GONE


def test_people_doors_devices_and_passages_are_taken(above: RunningLibrary, platform: CommunityPlatform) -> None:
    everything = messages(platform, [STAY, RESIDENT, DOOR, device(), passage(1), passage(2, holder="residency_01")])
    told = platform.send(messages=everything)
    assert [one.verdict for one in told] == [Verdict.ACCEPTED] * 6
    assert [len(one.receipt) for one in told] == [20, 20, 20, 20, 41, 41]
    assert told[0].receipt != told[1].receipt


def test_a_passage_names_the_same_person_and_door_as_the_registers(platform: CommunityPlatform) -> None:
    person, door, went = platform._parcels(messages(platform, [STAY, DOOR, passage(1, gate=7)]))
    assert went.object["PersonID"] == person.number
    assert went.object["DoorID"] == door.number
    assert (went.object["InOut"], went.object["PassType"], went.object["PassTime"]) == ("1", "1", "20261124201500")
    assert set(went.object) == {
        *("PassRecordID", "DoorID", "PersonID", "PassTime", "InOut", "PassType", "CommunityID"),
    }
    assert ids.device_of(went.object["CommunityID"]).type == ids.COMMUNITY


def test_a_passage_of_nobody_is_not_told(platform: CommunityPlatform) -> None:
    with pytest.raises(FactsMissing):
        message(platform, passage(1, holder=""))


def test_a_loose_platform_takes_the_same(above: RunningLibrary, link: Link, platform: CommunityPlatform) -> None:
    link.dialect = LOOSE
    above.run("dialect", dialect="loose")
    told = platform.send(messages=messages(platform, [STAY, passage(5, at=AT + timedelta(hours=1))]))
    above.run("dialect", dialect="strict")
    assert [(one.verdict, one.dialect) for one in told] == [(Verdict.ACCEPTED, "loose")] * 2


def test_a_refused_person_is_refused_alone(above: RunningLibrary, platform: CommunityPlatform) -> None:
    wrong = replace(RESIDENT, person=replace(PERSON, document_number="510108199003070011"))
    told = platform.send(messages=messages(platform, [STAY, wrong]))
    assert [(one.verdict, one.code) for one in told] == [(Verdict.ACCEPTED, ""), (Verdict.REJECTED, "8")]


def test_without_numbers_nothing_leaves(above: RunningLibrary, link: Link) -> None:
    def broken(estate_code: str, subject_ids: Sequence[str]) -> Mapping[str, int]:
        raise DatabaseError

    before = above.books_of("request")["rows"]
    told = CommunityPlatform(link=link, numbers=broken).send(messages=messages(CommunityPlatform(link=link), [STAY]))
    assert [one.verdict for one in told] == [Verdict.UNREACHABLE]
    assert above.books_of("request")["rows"] == before


def test_asking_finds_a_passage_and_tells_a_person_again(above: RunningLibrary, platform: CommunityPlatform) -> None:
    went, here = messages(platform, [passage(9, at=AT + timedelta(hours=2)), STAY])
    assert platform.ask(message=went).verdict is Verdict.UNHEARD_OF
    platform.send(messages=[went, here])
    assert platform.ask(message=went).verdict is Verdict.ACCEPTED
    assert platform.ask(message=here).verdict is Verdict.UNHEARD_OF


def test_a_community_number_of_another_type_is_refused() -> None:
    with pytest.raises(ids.BadNumber):
        community.make({"url": "http://x", "device_id": LOWER, "community_id": LOWER})


@pytest.mark.django_db
def test_numbers_are_counted_once_for_each_subject_and_estate() -> None:
    first = numbers_of("E1", ["stay_a", "stay_b", "stay_a"])
    assert sorted(first.values()) == [1, 2]
    assert numbers_of("E1", ["stay_b", "stay_c"]) == {"stay_b": first["stay_b"], "stay_c": 3}
    assert numbers_of("E2", ["stay_a"]) == {"stay_a": 1}


def test_every_kind_has_its_list() -> None:
    assert {kind.listed for kind in community.KINDS.values()} == {
        *("PersonInfoListObject", "DoorInfoListObject", "DoorDeviceListObject", "PassRecordListObject"),
    }
    assert codes.PERSON_INFO.stands
    assert not codes.PASS_RECORD.stands
