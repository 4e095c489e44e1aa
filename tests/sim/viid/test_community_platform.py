"""The community platform: people, doors, devices and passages on the same transport, and its count of a night."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from linli.sim.platforms.community import COLLECTIONS, DOOR_DEVICE, DOOR_INFO, PASS_RECORD, PERSON_INFO
from linli.sim.platforms.viid import codes, fiction
from linli.sim.platforms.viid.calls import Caller
from tests.sim.viid.running import LOWER, PASSWORD, USER, RunningLibrary

COMMUNITY, OTHER = "51010800002160000001", "51010800002160000002"
PERSON = {
    "PersonID": "51010800007010000001",
    "Name": "王甲子",
    "IDType": "111",
    "IDNumber": "510108199003070010",
    "CommunityID": COMMUNITY,
    "DataUpdateTime": "20261124201500",
}
DEVICE = {"DeviceID": "51010800001250000001", "Name": "东门", "CommunityID": COMMUNITY}
DOOR = {"DoorID": "51010800001260000001", "Name": "东门", "DeviceID": DEVICE["DeviceID"], "CommunityID": COMMUNITY}


def passage(number: int, at: str, **changes: Any) -> dict[str, Any]:
    """One passage."""
    made = {
        "PassRecordID": f"{DEVICE['DeviceID']}99{at}{number:05d}",
        "DoorID": DOOR["DoorID"],
        "PersonID": PERSON["PersonID"],
        "PassTime": at,
        "InOut": "1",
        "CommunityID": COMMUNITY,
    }
    return {name: value for name, value in {**made, **changes}.items() if value is not None}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLibrary]:
    """A community platform."""
    books: Path = tmp_path_factory.mktemp("community") / "books.sqlite"
    running = RunningLibrary(books=books, name="community").start()
    yield running
    running.stop()


@pytest.fixture
def estate(platform: RunningLibrary) -> Iterator[Caller]:
    """An estate that is registered there."""
    with platform.caller() as caller:
        assert caller.register(username=USER, password=PASSWORD)[-1].code == 0
        yield caller


def test_every_kind_is_taken_and_listed(estate: Caller) -> None:
    ape = fiction.device(device_id="51010800001190000001", name="东门", owner_id=LOWER)
    sent = [(PERSON_INFO, PERSON), (DOOR_DEVICE, DEVICE), (DOOR_INFO, DOOR), (codes.APE, ape)]
    sent.append((PASS_RECORD, passage(1, "20261124201500")))
    assert {kind.path for kind, _ in sent} == set(COLLECTIONS)
    for kind, one in sent:
        assert estate.send(kind=kind, objects=[one]).statuses[0][:2] == (0, one[kind.id_field])
        listed = estate.call(method="GET", path=f"/VIID/{kind.path}/{one[kind.id_field]}").body
        assert listed[kind.listed][kind.inner][0][kind.id_field] == one[kind.id_field]


def test_a_person_told_again_is_amended_only_when_something_changed(estate: Caller, platform: RunningLibrary) -> None:
    for changes in ({}, {"DataUpdateTime": "20261125080000"}, {"Name": "王乙丑"}):
        assert (
            estate.send(kind=PERSON_INFO, objects=[{**PERSON, "PersonID": "51010800007010000005", **changes}]).code == 0
        )
    row = platform.books_of(kind="PersonInfo")["rows"][-1]
    assert (row["repeated"], row["amended"], row["conflicting"]) == (1, 1, 0)


SPOILT = [
    (PERSON_INFO, {**PERSON, "PersonID": "51010800001190000001"}, "PersonID"),
    (PERSON_INFO, {**PERSON, "IDNumber": "510108199003070011"}, "IDNumber"),
    (PERSON_INFO, {**PERSON, "CommunityID": "1"}, "CommunityID"),
    (DOOR_DEVICE, {**DEVICE, "Name": ""}, "Name"),
    (PASS_RECORD, passage(2, "2026-11-24"), "PassTime"),
    (PASS_RECORD, passage(3, "20261124201500", DoorID=None), "DoorID"),
]


@pytest.mark.parametrize(("kind", "one", "field"), SPOILT)
def test_a_spoilt_one_is_refused_by_its_field(
    estate: Caller, platform: RunningLibrary, kind: codes.Kind, one: dict[str, Any], field: str
) -> None:
    before = platform.books_of(size=1)["counts"]
    told = estate.send(kind=kind, objects=[one]).statuses[0]
    assert told[0] == 8
    assert field in told[2]
    assert platform.books_of(size=1)["counts"] == before


def test_a_night_is_counted_from_noon_to_noon_by_community(estate: Caller, platform: RunningLibrary) -> None:
    other = "51010800007010000002"
    made = [
        passage(10, "20261001115959"),
        passage(11, "20261001120000"),
        passage(12, "20261001233000", InOut="2"),
        passage(13, "20261002115959", PersonID=other),
        passage(14, "20261002120000"),
        passage(15, "20261001130000", PersonID=None),
        passage(16, "20261001200000", CommunityID=OTHER, PersonID=other),
    ]
    assert {code for code, _, _ in estate.send(kind=PASS_RECORD, objects=made).statuses} == {0}
    told = httpx.get(f"{platform.url}/books/nights", params={"night": "2026-10-01"}, trust_env=False).json()
    assert {name: told["communities"][COMMUNITY][name] for name in ("passages", "people")} == {
        "passages": 4,
        "people": 2,
    }
    assert told["communities"][OTHER] == {"passages": 1, "people": 1, "registered": 0}


def test_what_no_platform_has_a_basis_for_is_counted_when_it_comes(estate: Caller, platform: RunningLibrary) -> None:
    assert platform.books_of(size=1)["sensitive"] == {}
    told = {**PERSON, "PersonID": "51010800007010000009", "EthicCode": "", "Religion": "1"}
    estate.send(kind=PERSON_INFO, objects=[told])
    assert platform.books_of(size=1)["sensitive"] == {"Religion": 1}


def test_faces_have_no_address_here(estate: Caller) -> None:
    assert estate.call(method="POST", path="/VIID/Faces", body={}).status == 404
