"""What the view library books: each number once, each refusal with its reason, subscriptions while they last."""

import copy
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from linli.sim.platforms.viid import codes, fiction, ids
from linli.sim.platforms.viid.calls import Caller
from linli.sim.platforms.viid.dialects import dialect_of
from tests.sim.viid.golden import golden
from tests.sim.viid.running import LOWER, PASSWORD, UPPER, USER, RunningLibrary

CAMERA = "51010800001190000001"
_serial = itertools.count(1)


def face(**changes: Any) -> dict[str, Any]:
    """A face that no other test uses."""
    made = fiction.face(device_id=CAMERA, at=datetime.now(UTC), serial=next(_serial), index=1)
    return {**made, **changes}


def counts(library: RunningLibrary, kind: str) -> dict[str, int]:
    """The counts of one kind."""
    zero = dict.fromkeys(("objects", "repeated", "conflicting", "amended", "gone"), 0)
    found: dict[str, int] = library.books_of(size=1)["counts"].get(kind, zero)
    return found


def grown(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """What has changed."""
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


def test_the_same_face_again_is_no_second_row(registered: Caller, library: RunningLibrary) -> None:
    one, before = face(), counts(library, "Face")
    for _ in range(3):
        assert registered.send(kind=codes.FACE, objects=[one]).code == 0
    assert grown(before, counts(library, "Face")) == {"objects": 1, "repeated": 2}


def test_a_number_cannot_bear_a_second_face(registered: Caller, library: RunningLibrary) -> None:
    one, before = face(), counts(library, "Face")
    assert registered.send(kind=codes.FACE, objects=[one]).code == 0
    assert registered.send(kind=codes.FACE, objects=[{**one, "Name": "王丙寅"}]).code == 8
    assert grown(before, counts(library, "Face")) == {"objects": 1, "conflicting": 1}
    other_picture = copy.deepcopy(one)
    other_picture["SubImageList"]["SubImageInfoObject"][0]["Data"] = "/9j/" + "A" * 400
    assert registered.send(kind=codes.FACE, objects=[other_picture]).code == 8


def test_a_device_may_be_told_of_again(registered: Caller, library: RunningLibrary) -> None:
    before = counts(library, "APE")
    one = fiction.device(device_id=CAMERA, name="东门", owner_id=LOWER)
    assert registered.send(kind=codes.APE, objects=[one]).code == 0
    assert registered.send(kind=codes.APE, objects=[{**one, "IsOnline": "2"}], method="PUT").code == 0
    assert grown(before, counts(library, "APE"))["amended"] == 1
    listed = registered.call(method="GET", path="/VIID/APEs", query={"APE.ApeID": CAMERA}).body
    assert [ape["IsOnline"] for ape in listed["APEListObject"]["APEObject"]] == ["2"]


@pytest.mark.parametrize("family", ["strict", "loose"])
def test_golden_lists_are_accepted_in_either_family(library: RunningLibrary, family: str) -> None:
    with library.caller(dialect=family) as caller:
        assert caller.register(username=USER, password=PASSWORD)[-1].code == 0
        for name, path in (
            ("ape_list", "APEs"),
            ("person_list", "Persons"),
            ("face_list", "Faces"),
            ("image_list", "Images"),
        ):
            heard = caller.call(method="POST", path=f"/VIID/{path}", body=golden(f"{name}_{family}")["body"])
            assert {code for code, _, _ in heard.statuses} == {0}, heard.body
    last = library.books_of("request", after=0, size=1000)["rows"][-1]
    assert ("list_names" in last["dialect"] or "lower_camel" in last["dialect"]) == (family == "loose")


SPOILT = [
    ({"FaceID": "1" * 47}, "FaceID"),
    ({"SourceID": None}, "SourceID"),
    ({"ShotTime": "2026-11-24 20:15"}, "ShotTime"),
    ({"FaceAppearTime": "20261324201500"}, "FaceAppearTime"),
    ({"DeviceID": "51010800001190000"}, "DeviceID"),
    ({"InfoKind": 5}, "InfoKind"),
    ({"IDNumber": "510108199003070011"}, "IDNumber"),
    ({"GenderCode": "x"}, "GenderCode"),
    ({"Name": "王" * 101}, "Name"),
    ({"SubImageList": {"SubImageInfoObject": [{"Data": "not base64!"}]}}, "SubImageList"),
    ({"SubImageList": {"SubImageInfoObject": [{"Data": "QUJD", "FileFormat": "Jpeg"}]}}, "SubImageList"),
]


@pytest.mark.parametrize(("changes", "field"), SPOILT)
def test_a_spoilt_face_is_refused_by_its_field_and_its_neighbours_are_kept(
    registered: Caller, library: RunningLibrary, changes: dict[str, Any], field: str
) -> None:
    before = counts(library, "Face")
    heard = registered.send(kind=codes.FACE, objects=[face(), face(**changes), face()])
    assert [code for code, _, _ in heard.statuses] == [0, 8, 0]
    assert f"InvalidJSONContent: {field}" in heard.statuses[1][2]
    assert grown(before, counts(library, "Face")) == {"objects": 2}


BODIES: list[tuple[bytes, int | None]] = [
    (b"{", 7),
    (b"[]", 7),
    (b"\xff\xfe", 7),
    (b"[" * 100_000, 7),
    (b"{}", 8),
    (b'{"FaceListObject": 7}', None),
    (b'{"FaceListObject": {"FaceObject": [7]}}', 8),
]


@pytest.mark.parametrize(("body", "code"), BODIES)
def test_what_is_no_list_of_faces_leaves_no_trace(
    registered: Caller, library: RunningLibrary, body: bytes, code: int | None
) -> None:
    before = counts(library, "Face")
    headers = {"user-identify": LOWER, "content-type": "application/VIID+JSON"}
    told = httpx.post(f"{library.url}/VIID/Faces", content=body, headers=headers, trust_env=False)
    assert told.status_code in (200, 400)
    assert code is None or str(code) in told.text
    assert grown(before, counts(library, "Face")) == {}


def test_no_picture_is_in_the_books(registered: Caller, library: RunningLibrary) -> None:
    registered.send(kind=codes.FACE, objects=[face()])
    told = httpx.get(f"{library.url}/books", params={"table": "request", "size": 1000}, trust_env=False).text
    assert "/9j/" not in told
    assert "sha256:" in told


def subscription(**changes: Any) -> dict[str, Any]:
    """A subscription of a day."""
    now = datetime.now(UTC)
    made = fiction.subscription(
        office="510108000000",
        resource=UPPER,
        receive_at="http://192.0.2.9/VIID/SubscribeNotifications",
        begins=now,
        ends=now + timedelta(days=1),
        serial=next(_serial),
        details="11,12",
    )
    return {**made, **changes}


@pytest.mark.parametrize("how", ["delete", "put", "put_list"])
def test_a_subscription_lasts_until_it_is_cancelled(registered: Caller, how: str) -> None:
    one = subscription()
    number = one["SubscribeID"]
    assert registered.send(kind=codes.SUBSCRIBE, objects=[one]).statuses[0][:2] == (0, number)
    assert status_of(registered, number) == 0
    body = dialect_of("strict").listed(kind=codes.SUBSCRIBE, objects=[{"SubscribeID": number, "OperateType": 1}])
    heard = {
        "delete": lambda: registered.delete(kind=codes.SUBSCRIBE, numbers=[number]),
        "put": lambda: registered.call(method="PUT", path=f"/VIID/Subscribes/{number}", body=body),
        "put_list": lambda: registered.call(method="PUT", path="/VIID/Subscribes", body=body),
    }[how]()
    assert heard.code == 0
    assert status_of(registered, number) == 1
    assert registered.delete(kind=codes.SUBSCRIBE, numbers=["5" * 33]).code == 4


def status_of(caller: Caller, number: str) -> int:
    """The status of a subscription, as the library lists it."""
    body = caller.call(method="GET", path=f"/VIID/Subscribes/{number}").body
    return int(body["SubscribeListObject"]["SubscribeObject"][0]["SubscribeStatus"])


@pytest.mark.parametrize(
    "changes",
    [
        {"SubscribeDetail": "77"},
        {"EndTime": "20200101000000"},
        {"ReceiveAddr": "ftp://x"},
        {"SubscribeID": "1"},
        {"Title": "长" * 257},
    ],
)
def test_a_spoilt_subscription_is_refused(registered: Caller, changes: dict[str, Any]) -> None:
    assert registered.send(kind=codes.SUBSCRIBE, objects=[subscription(**changes)]).code == 8


def notification(number: str, *, info_ids: str | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """A notification with one face in it, and the face."""
    one = face()
    told = {
        "NotificationID": ids.office_id(office="510108000000", kind="04", at=datetime.now(UTC), serial=next(_serial)),
        "SubscribeID": number,
        "Title": "人脸",
        "TriggerTime": ids.text_of(datetime.now(UTC)),
        "InfoIDs": one["FaceID"] if info_ids is None else info_ids,
        "ExecuteOperation": 1,
    }
    return told | dialect_of("strict").notified(kind=codes.FACE, objects=[one]), one


def test_a_notification_is_taken_while_our_subscription_lasts(registered: Caller, library: RunningLibrary) -> None:
    ours = library.run(
        "subscribe", peer=library.url, receive_at=f"{library.url}/VIID/SubscribeNotifications", **{"as": LOWER}
    )
    number, before = ours["subscription_id"], counts(library, "Face")
    assert ours["statuses"][0][0] == 0
    good, _ = notification(number)
    assert registered.send(kind=codes.NOTIFICATION, objects=[good]).code == 0
    assert registered.send(kind=codes.NOTIFICATION, objects=[notification(number, info_ids="")[0]]).code == 8
    assert (
        registered.send(
            kind=codes.NOTIFICATION, objects=[notification("5" * 12 + "03" + "20260101000000" + "1" * 5)[0]]
        ).code
        == 4
    )
    assert library.run("cancel", peer=library.url, subscription_id=number, **{"as": LOWER})["statuses"][0][0] == 0
    assert registered.send(kind=codes.NOTIFICATION, objects=[notification(number)[0]]).code == 4
    assert grown(before, counts(library, "Face")) == {"objects": 1}
    assert library.books_of(size=1)["late_pushes"] == 1


def test_the_library_notifies_and_sends_watch_lists_to_whoever_it_is_told_to(
    registered: Caller, library: RunningLibrary
) -> None:
    # Towards itself: the authority's side accepts and books what it is sent; an estate refuses the second with 4.
    ours = library.run(
        "subscribe", peer=library.url, receive_at=f"{library.url}/VIID/SubscribeNotifications", **{"as": LOWER}
    )
    told = library.run("notify", peer=library.url, subscription_id=ours["subscription_id"], faces=2, **{"as": LOWER})
    assert told["statuses"][0][:2] == [0, told["notification_id"]]
    assert len(told["info_ids"]) == 2
    assert library.run("dispose", peer=library.url, **{"as": LOWER})["statuses"][0][0] == 0
    assert counts(library, "Disposition")["objects"] == 1
    uploaded = library.run("upload", peer=library.url, faces=1, persons=1, devices=2, **{"as": LOWER})
    assert [len(answer["statuses"]) for answer in uploaded["answers"]] == [2, 1, 1]


def test_an_errand_nobody_knows_or_without_its_words_is_refused(library: RunningLibrary) -> None:
    assert httpx.post(f"{library.url}/control/dance", json={}, trust_env=False).status_code == 404
    assert httpx.post(f"{library.url}/control/subscribe", json={}, trust_env=False).status_code == 400
    assert httpx.get(f"{library.url}/books", params={"table": "x"}, trust_env=False).status_code == 400


def test_objects_are_listed_page_by_page_and_taken_back(registered: Caller, library: RunningLibrary) -> None:
    made = [face() for _ in range(5)]
    registered.send(kind=codes.FACE, objects=made)
    source = made[0]["SourceID"]
    found = registered.call(method="GET", path="/VIID/Faces", query={"Face.SourceID": source}).body
    assert [one["FaceID"] for one in found["FaceListObject"]["FaceObject"]] == [made[0]["FaceID"]]
    page = registered.call(method="GET", path="/VIID/Faces", query={"RecordStartNo": "2", "PageRecordNum": "3"}).body
    assert len(page["FaceListObject"]["FaceObject"]) == 3
    assert registered.delete(kind=codes.FACE, numbers=[made[0]["FaceID"]]).code == 0
    assert registered.delete(kind=codes.FACE, numbers=[made[0]["FaceID"]]).code == 4


def test_an_address_or_verb_nobody_knows_is_an_invalid_operation(registered: Caller) -> None:
    assert registered.call(method="GET", path="/VIID/Dreams").code == 4
    assert registered.call(method="PUT", path="/VIID/SubscribeNotifications", body={}).code == 4
