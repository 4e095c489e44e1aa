"""What the estate orders of a peer: its devices and nothing else, until a day that is named, and what comes of it."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from django.db import IntegrityError, transaction

from linli.server.connectors.models import ViidDevice, ViidNotice, ViidPeer, ViidSubscription
from linli.server.connectors.viid import ids, ours, placing, shapes
from linli.server.connectors.viid.codes import SUBSCRIBE
from linli.server.connectors.viid.dialects import dialect_of
from linli.server.kernel import clock
from linli.server.kernel.actors import Role
from linli.server.privacy import queries as privacy
from tests.connectors.viid.calling import NUMBER, Calling, codes, peer_of
from tests.connectors.viid.scripted import Collecting, Scripted, collecting, scripted
from tests.world import Unchanged, World, body_of, digest

pytestmark = pytest.mark.django_db
GOLDEN = Path(__file__).parents[1] / "golden" / "viid"
NOWHERE = "http://127.0.0.1:9"
DAY = timedelta(days=1)
ORDERS = "/api/links/viid/orders"
DEVICE, OTHER = "51010800001190000001", "51010800001190000002"


@pytest.fixture
def lower(world: World) -> Calling:
    """A platform below us that is registered, and where it may be asked."""
    made = peer_of(world, url=NOWHERE)
    assert made.register().status_code == 200
    return made


@pytest.fixture
def office(world: World) -> Any:
    """Somebody of the office, signed in."""
    return world.signed_in(Role.OFFICE)


def post(client: Any, path: str, body: dict[str, Any], **headers: str) -> Any:
    return client.post(path, json.dumps(body), content_type="application/json", headers=headers)


def wanted(lower: Calling, **changes: Any) -> dict[str, Any]:
    ends = (clock.now() + DAY).isoformat()
    return {"peer_id": lower.peer.id, "details": ["3", "4"], "ends_at": ends, "reason": "东门联网", **changes}


def order(office: Any, lower: Calling, **changes: Any) -> dict[str, Any]:
    """Order, and let the order be."""
    answer = post(office, ORDERS, wanted(lower, **changes))
    assert answer.status_code == 201, answer.content
    told: dict[str, Any] = body_of(answer)
    return told


def notice(number: str, *, serial: int = 1, **changes: Any) -> dict[str, Any]:
    """A notification that a device is online."""
    at = clock.now()
    return {
        "NotificationID": ids.order_id(office="510108000000", kind="04", at=at, serial=serial),
        "SubscribeID": number,
        "Title": "设备状态",
        "TriggerTime": ids.time_text(at),
        "InfoIDs": DEVICE,
        "ExecuteOperation": 1,
        "DeviceStatusList": {"APEStatusObject": [state(DEVICE)]},
        **changes,
    }


def state(device: str, online: str = "1", **changes: Any) -> dict[str, Any]:
    return {"ApeID": device, "IsOnline": online, **changes}


def notify(lower: Calling, *notices: dict[str, Any]) -> list[str]:
    body = {"SubscribeNotificationListObject": {"SubscribeNotificationObject": list(notices)}}
    return codes(lower.ask("POST", "/VIID/SubscribeNotifications", body))


def golden(name: str, number: str) -> dict[str, Any]:
    body = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))["body"]
    (told,) = next(iter(next(iter(body.values())).values()))
    return {**told, "SubscribeID": number}


def row() -> ViidSubscription:
    return ViidSubscription.objects.get(side=ours.OURS)


def stands(office: Any) -> list[str]:
    return [one["state"] for one in body_of(office.get(ORDERS))]


def settle(*, after: timedelta = timedelta()) -> int:
    return placing.settle_orders(links={}, now=clock.now() + after)


@contextmanager
def unheard() -> Iterator[None]:
    """Nothing of what is told in here is kept, but that the peer was heard of and how much was refused."""
    before = digest()
    yield
    changed = {table for table, content in digest().items() if content != before[table]}
    assert changed <= {"connectors_viidpeer", "connectors_viidsubscription"}
    assert not ViidDevice.objects.exists()
    assert not ViidNotice.objects.exists()


@contextmanager
def answering(lower: Calling, *answers: Scripted) -> Iterator[None]:
    with scripted(answers) as url:
        ViidPeer.objects.filter(id=lower.peer.id).update(url=url)
        yield


@contextmanager
def listening(lower: Calling, answer: Any) -> Iterator[Collecting]:
    with collecting(answer) as (url, heard):
        ViidPeer.objects.filter(id=lower.peer.id).update(url=url)
        yield heard


def said(code: str, number: str = "") -> Scripted:
    told = {"RequestURL": "/VIID/Subscribes", "StatusCode": code, "Id": number}
    body = {"ResponseStatusListObject": {"ResponseStatusObject": [told]}}
    return 200, {"Content-Type": "application/VIID+JSON"}, json.dumps(body).encode()


def test_an_order_is_sent_to_the_peer_and_stands_when_it_says_yes(world: World, office: Any, lower: Calling) -> None:
    made = order(office, lower)
    assert (made["state"], made["details"], made["peer_name"]) == ("ORDERED", ["3", "4"], "下级平台")
    answer = {"ResponseStatusListObject": {"ResponseStatusObject": [{"StatusCode": 0, "Id": made["number"]}]}}
    with listening(lower, answer) as heard:
        assert settle() == 1
        assert settle() == 0
    assert stands(office) == ["ACTIVE"]
    ((path, headers, body),) = heard
    (told,) = body["SubscribeListObject"]["SubscribeObject"]
    assert path == "/VIID/Subscribes"
    assert ids.device_of(headers["user-identify"]).type == ids.LIBRARY
    assert ids.order_of(told["SubscribeID"]).kind == ids.SUBSCRIPTION
    assert (told["SubscribeDetail"], told["ResourceURI"]) == ("3,4", NUMBER)
    assert told["ReceiveAddr"].endswith("/VIID/SubscribeNotifications")
    # Neither pictures nor features, and nobody's name or reasons.
    assert (told["ResultImageDeclare"], told["ResultFeatureDeclare"]) == ("-1", -1)
    assert "东门联网" not in json.dumps(body, ensure_ascii=False)
    assert privacy.count_entries(estate_id=world.estate_id, verb="order_viid_devices", subject=made["id"]) == 1


@pytest.mark.parametrize("family", ["strict", "loose"])
def test_an_order_is_the_golden_message_of_either_family(family: str) -> None:
    (expected,) = json.loads((GOLDEN / f"subscribe_devices_{family}.json").read_text(encoding="utf-8"))["body"].items()
    (one,) = expected[1]["SubscribeObject"]
    said = shapes.subscription(
        number=one["SubscribeID"],
        details="3,4",
        library=one["ResourceURI"],
        applicant="样例小区",
        receive_at=one["ReceiveAddr"],
        begins=ids.moment_of(one["BeginTime"]),
        ends=ids.moment_of(one["EndTime"]),
        every=60,
    )
    assert dialect_of(family).listed(SUBSCRIBE, [said]) == dict([expected])


def test_an_order_that_is_asked_for_twice_is_one(office: Any, lower: Calling) -> None:
    body = wanted(lower)
    first, second = (post(office, ORDERS, body, **{"Idempotency-Key": "order-once-1"}) for _ in range(2))
    assert body_of(first) == body_of(second)
    assert ViidSubscription.objects.count() == 1


@pytest.mark.parametrize(
    "details", [["12"], ["11"], ["13"], ["14"], ["3", "12"], ["7", "8"], ["1"], ["faces"], ["布控"], []]
)
def test_nothing_about_people_or_vehicles_can_be_ordered(office: Any, lower: Calling, details: list[str]) -> None:
    with Unchanged():
        answer = post(office, ORDERS, wanted(lower, details=details))
    told = body_of(answer)
    assert (answer.status_code, told["code"], told["field"]) == (422, "only_devices_may_be_ordered", "details")
    assert "人脸" in told["message"]["zh"]
    assert "no faces" in told["message"]["en"]


@pytest.mark.parametrize("details", ["12", "11,12", "3,12", "", "3,4,13"])
def test_the_database_holds_no_order_for_people_either(office: Any, lower: Calling, details: str) -> None:
    order(office, lower)
    with pytest.raises(IntegrityError), transaction.atomic():
        ViidSubscription.objects.update(details=details)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"reason": " "}, 422, "order_reason_needed"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, 422, "order_period_wrong"),
        ({"ends_at": "2099-01-01T00:00:00Z"}, 422, "order_period_wrong"),
        ({"begins_at": "2098-01-01T00:00:00Z"}, 422, "order_period_wrong"),
        ({"ends_at": None}, 422, "malformed"),
        ({"peer_id": "vpeer_00000000000000000000000000"}, 404, "not_found"),
    ],
)
def test_an_order_that_cannot_be_is_refused(
    office: Any, lower: Calling, changes: dict[str, Any], status: int, code: str
) -> None:
    with Unchanged():
        answer = post(office, ORDERS, wanted(lower, **changes))
    assert (answer.status_code, body_of(answer)["code"]) == (status, code)


@pytest.mark.parametrize("change", [{"url": ""}, {"enabled": False}])
def test_a_peer_that_cannot_be_reached_is_not_ordered_from(office: Any, lower: Calling, change: dict[str, Any]) -> None:
    ViidPeer.objects.update(**change)
    with Unchanged():
        answer = post(office, ORDERS, wanted(lower))
    assert (answer.status_code, body_of(answer)["code"]) == (409, "peer_cannot_be_asked")


def test_no_more_than_sixteen_orders_stand_at_one_peer(office: Any, lower: Calling) -> None:
    for _ in range(16):
        made = order(office, lower)
    with Unchanged():
        assert body_of(post(office, ORDERS, wanted(lower)))["code"] == "too_many_orders"
    assert len({one.subscription_id for one in ViidSubscription.objects.all()}) == 16
    post(office, f"{ORDERS}/{made['id']}/cancel", {"reason": "撤销"})
    order(office, lower)


@pytest.mark.parametrize("role", [Role.GUARD, Role.POLICE, Role.AUDITOR, Role.PROPERTY])
def test_nobody_else_orders_or_cancels(world: World, office: Any, lower: Calling, role: Role) -> None:
    made, client = order(office, lower), world.signed_in(role)
    with Unchanged():
        assert post(client, ORDERS, wanted(lower)).status_code == 403
        assert post(client, f"{ORDERS}/{made['id']}/cancel", {"reason": "x"}).status_code == 403
    assert client.get(ORDERS).status_code == (200 if role is Role.AUDITOR else 403)
    assert client.get("/api/links/viid/devices").status_code == (200 if role is Role.AUDITOR else 403)


@pytest.mark.parametrize(
    ("answer", "state", "verdict", "code"),
    [
        (said("4"), "REFUSED", "REJECTED", "4"),
        (said("8"), "REFUSED", "REJECTED", "8"),
        ((400, {}, b"<html>"), "REFUSED", "NOT_A_MESSAGE", None),
        (said("2"), "ORDERED", "BUSY", "2"),
        (said("9"), "ORDERED", "BUSY", "9"),
        (said("0", "510108000000032026112420150000009"), "ORDERED", "NONSENSE", None),
        ((200, {}, b"<html>"), "ORDERED", "NONSENSE", None),
        ((404, {}, b""), "ORDERED", "NONSENSE", None),
        ((401, {}, b""), "ORDERED", "LOCKED_OUT", None),
        ((503, {}, b""), "ORDERED", "BUSY", None),
    ],
)
def test_whatever_the_peer_answers_is_written_down(
    office: Any, lower: Calling, answer: Scripted, state: str, verdict: str, code: str | None
) -> None:
    order(office, lower)
    with answering(lower, answer):
        assert settle() == 1
    (told,) = body_of(office.get(ORDERS))
    assert (told["state"], told["answer"], told["answer_code"]) == (state, verdict, code)


def test_what_got_no_answer_is_sent_again_under_its_number_and_a_refused_order_is_not(
    office: Any, lower: Calling
) -> None:
    order(office, lower)
    assert settle() == 1
    assert row().answer == "UNREACHABLE"
    assert settle(after=timedelta(seconds=5)) == 0
    with answering(lower, said("4")):
        assert settle(after=timedelta(seconds=31)) == 1
        assert settle(after=timedelta(seconds=120)) == 0
    assert stands(office) == ["REFUSED"]


def test_a_peer_that_gives_no_answer_is_asked_once_a_look(office: Any, lower: Calling) -> None:
    order(office, lower), order(office, lower)
    assert settle() == 1


def test_what_the_peer_says_of_a_device_is_shown_with_since_when(office: Any, lower: Calling) -> None:
    number = order(office, lower)["number"]
    ViidSubscription.objects.update(state=ours.State.ACTIVE)
    begun = clock.now() - timedelta(minutes=9)
    off, on = (ids.time_text(begun + timedelta(minutes=minutes)) for minutes in (0, 5))
    assert notify(lower, golden("notification_devices_strict", number)) == ["0"]
    loose = {**golden("notification_devices_loose", number), "NotificationID": "510108000000042026112420150300003"}
    assert notify(lower, loose) == ["0"]
    ViidDevice.objects.update(said_at=None)
    for serial, told in enumerate((state(DEVICE, "2", CurrentTime=off), state(DEVICE, "2", CurrentTime=on)), start=3):
        assert notify(lower, notice(number, serial=serial, DeviceStatusList={"APEStatusObject": [told]})) == ["0"]
    one, other = body_of(office.get("/api/links/viid/devices"))
    assert (one["number"], one["name"], one["online"], one["peer_name"]) == (DEVICE, "东门人行闸机", False, "下级平台")
    assert one["changed_at"].startswith(begun.strftime("%Y-%m-%dT%H:%M:%S"))
    assert (other["number"], other["online"]) == (OTHER, False)
    (order_told,) = body_of(office.get(ORDERS))
    assert (order_told["notices"], order_told["unwanted"]) == (4, 0)
    assert order_told["noticed_at"] is not None


def test_what_was_said_earlier_changes_nothing_that_was_said_later(office: Any, lower: Calling) -> None:
    number = order(office, lower)["number"]
    early = ids.time_text(clock.now() - timedelta(hours=1))
    assert notify(lower, notice(number)) == ["0"]
    late = notice(number, serial=2, DeviceStatusList={"APEStatusObject": [state(DEVICE, "2", CurrentTime=early)]})
    assert notify(lower, late) == ["0"]
    assert ViidDevice.objects.get().online is True


def test_a_clock_that_runs_ahead_makes_nothing_so_before_it_is(office: Any, lower: Calling) -> None:
    number = order(office, lower)["number"]
    ahead = ids.time_text(clock.now() + timedelta(days=3))
    assert notify(lower, notice(number, TriggerTime=ahead)) == ["0"]
    changed_at = ViidDevice.objects.get().changed_at
    assert changed_at is not None
    assert changed_at <= clock.now()


def test_a_device_that_is_taken_away_is_forgotten(office: Any, lower: Calling) -> None:
    number = order(office, lower)["number"]
    assert notify(lower, notice(number), notice(number, serial=2, ExecuteOperation=3)) == ["0", "0"]
    assert not ViidDevice.objects.exists()


def test_a_repeated_notification_is_taken_once(office: Any, lower: Calling) -> None:
    number = order(office, lower)["number"]
    told = notice(number)
    assert notify(lower, told, told) == ["0", "0"]
    heard = ViidDevice.objects.get().told_at
    assert notify(lower, {**told, "DeviceStatusList": {"APEStatusObject": [state(OTHER)]}}) == ["0"]
    assert (row().notices, ViidNotice.objects.count()) == (1, 1)
    assert [one.told_at for one in ViidDevice.objects.all()] == [heard]


@pytest.mark.parametrize("family", ["strict", "loose"])
def test_people_are_refused_one_by_one_and_only_counted(office: Any, lower: Calling, family: str) -> None:
    number = order(office, lower)["number"]
    with unheard():
        assert notify(lower, golden(f"notification_{family}", number)) == ["4", "4", "4"]
    assert (row().notices, row().unwanted) == (0, 2)
    assert body_of(office.get(ORDERS))[0]["unwanted"] == 2


STRANGE = {
    "DispositionNotificationList": {"DispositionNotificationObject": [{"NotificationID": "1", "Name": "某人"}]},
    "ThingObjectList": [{"ThingID": "1"}],
    "CaseObjectList": {"CaseObject": {"CaseID": "1"}},
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_nobody_has_heard_of_is_not_ordered_either(office: Any, lower: Calling, name: str) -> None:
    number = order(office, lower)["number"]
    told = {key: value for key, value in notice(number).items() if key != "DeviceStatusList"}
    with unheard():
        assert notify(lower, {**told, name: STRANGE[name]}) == ["4", "4"]
    assert row().unwanted == 1


def test_of_a_mixed_notification_only_the_devices_are_kept(office: Any, lower: Calling) -> None:
    number = order(office, lower)["number"]
    faces = golden("notification_strict", number)["FaceObjectList"]
    assert notify(lower, notice(number, FaceObjectList=faces)) == ["0", "4"]
    assert (row().notices, row().unwanted, ViidDevice.objects.count()) == (1, 1, 1)


def test_only_what_was_ordered_is_taken(office: Any, lower: Calling) -> None:
    number = order(office, lower, details=["3"])["number"]
    with unheard():
        assert notify(lower, notice(number)) == ["4", "4"]
    named = notice(number, DeviceList={"APEObject": [{"ApeID": DEVICE, "Name": "东门"}]})
    assert notify(lower, named) == ["0", "4"]
    assert [(one.name, one.online) for one in ViidDevice.objects.all()] == [("东门", None)]


def test_under_the_number_of_a_person_nothing_is_kept(office: Any, lower: Calling) -> None:
    number = order(office, lower)["number"]
    person = {"ApeID": "51010800007010000001", "Name": "某人", "IsOnline": "1"}
    with unheard():
        assert notify(lower, notice(number, DeviceStatusList={"APEStatusObject": [person]})) == ["8"]


def test_before_it_begins_after_its_end_and_after_it_is_cancelled_nothing_is_taken(office: Any, lower: Calling) -> None:
    made = order(office, lower)
    number, now = made["number"], clock.now()
    for begins, ends in ((1, 2), (-2, -1)):
        ViidSubscription.objects.update(begins_at=now + begins * DAY, ends_at=now + ends * DAY)
        with unheard():
            assert notify(lower, notice(number)) == ["4"]
    assert stands(office) == ["EXPIRED"]
    assert settle() == 0
    assert row().state == ours.State.EXPIRED
    again = post(office, f"{ORDERS}/{made['id']}/cancel", {"reason": "撤销"})
    assert (again.status_code, body_of(again)["code"]) == (409, "order_is_over")
    ViidSubscription.objects.update(state=ours.State.ACTIVE, begins_at=now - DAY, ends_at=now + DAY)
    assert post(office, f"{ORDERS}/{made['id']}/cancel", {"reason": "撤销"}).status_code == 200
    with unheard():
        assert notify(lower, notice(number)) == ["4"]


def test_a_notification_for_no_order_or_another_peers_is_refused(world: World, office: Any, lower: Calling) -> None:
    number = order(office, lower)["number"]
    other = peer_of(world, number="51010800005030000088")
    other.register()
    with unheard():
        assert notify(other, notice(number)) == ["4"]
        assert notify(lower, notice("510108000000032026112420150000099")) == ["4"]


def test_a_peer_cannot_take_the_place_of_our_order_by_ordering_under_its_number(office: Any, lower: Calling) -> None:
    number = order(office, lower)["number"]
    assert lower.subscribe(lower.order(SubscribeID=number)) == ["0"]
    assert codes(lower.ask("DELETE", f"/VIID/Subscribes?IDList={number}")) == ["0"]
    assert (row().state, row().details) == (ours.State.ORDERED, "3,4")


@pytest.mark.parametrize(
    "changes",
    [
        {"NotificationID": "1"},
        {"NotificationID": None},
        {"NotificationID": {"a": 1}},
        {"SubscribeID": ""},
        {"SubscribeID": "x" * 33},
        {"ExecuteOperation": 7},
        {"ExecuteOperation": []},
        {"DeviceStatusList": None},
        {"DeviceStatusList": {"APEStatusObject": []}},
        {"DeviceStatusList": {"APEStatusObject": [None, 7]}},
        {"DeviceStatusList": {"APEStatusObject": [{"ApeID": "1"}]}},
        {"DeviceStatusList": 7},
    ],
    ids=range(12),
)
def test_a_notification_that_is_malformed_is_told_so(office: Any, lower: Calling, changes: dict[str, Any]) -> None:
    number = order(office, lower)["number"]
    with unheard():
        assert notify(lower, notice(number, **changes)) == ["8"]


@pytest.mark.parametrize("at", [None, "", "yesterday", "20261345996161", [], "9" * 13, 1795522500000, True])
def test_a_time_that_is_none_is_now(office: Any, lower: Calling, at: Any) -> None:
    number = order(office, lower)["number"]
    told = notice(number, TriggerTime=at, DeviceStatusList={"APEStatusObject": [state(DEVICE, CurrentTime=at)]})
    # A thing in a place where a word belongs is a list that nobody ordered.
    assert notify(lower, told)[0] == "0"
    assert ViidDevice.objects.get().online is True


def test_a_cancelled_order_is_called_off_at_the_peer(world: World, office: Any, lower: Calling) -> None:
    made = order(office, lower)
    with answering(lower, said("0", made["number"])):
        settle()
        answer = post(office, f"{ORDERS}/{made['id']}/cancel", {"reason": "撤销"})
        assert body_of(answer)["state"] == "CANCELLING"
        assert settle() == 1
        assert settle() == 0
    assert stands(office) == ["CANCELLED"]
    assert privacy.count_entries(estate_id=world.estate_id, verb="cancel_viid_order", subject=made["id"]) == 1


def test_an_order_that_never_left_is_over_at_once(office: Any, lower: Calling) -> None:
    made = order(office, lower)
    told = body_of(post(office, f"{ORDERS}/{made['id']}/cancel", {"reason": "撤销"}))
    assert told["state"] == "CANCELLED"
    assert settle() == 0


def test_a_peer_that_knows_no_delete_is_told_by_put(office: Any, lower: Calling) -> None:
    made = order(office, lower)
    with answering(lower, said("0", made["number"]), (405, {}, b""), said("0", made["number"])):
        settle()
        post(office, f"{ORDERS}/{made['id']}/cancel", {"reason": "撤销"})
        settle()
    assert stands(office) == ["CANCELLED"]


def test_an_order_is_called_off_until_the_peer_has_heard_it_or_its_time_is_over(office: Any, lower: Calling) -> None:
    made = order(office, lower)
    ViidSubscription.objects.update(state=ours.State.ACTIVE, pushed_at=clock.now())
    post(office, f"{ORDERS}/{made['id']}/cancel", {"reason": "撤销"})
    assert settle() == 1
    assert settle(after=timedelta(seconds=31)) == 1
    assert stands(office) == ["CANCELLING"]
    settle(after=2 * DAY)
    assert stands(office) == ["CANCELLED"]


def test_cancelling_needs_a_reason_and_an_order_of_this_estate(office: Any, lower: Calling) -> None:
    made = order(office, lower)
    theirs = lower.order()
    lower.subscribe(theirs)
    known = ViidSubscription.objects.get(side="theirs").id
    with Unchanged():
        assert body_of(post(office, f"{ORDERS}/{made['id']}/cancel", {"reason": " "}))["code"] == "order_reason_needed"
        for other in ("vsub_00000000000000000000000000", known):
            assert post(office, f"{ORDERS}/{other}/cancel", {"reason": "撤销"}).status_code == 404


def test_an_order_that_ends_renews_nothing_and_forgets_what_it_heard(office: Any, lower: Calling) -> None:
    number = order(office, lower)["number"]
    assert notify(lower, notice(number)) == ["0"]
    assert ViidNotice.objects.count() == 1
    settle(after=2 * DAY)
    assert stands(office) == ["EXPIRED"]
    assert not ViidNotice.objects.exists()
    assert ViidSubscription.objects.count() == 1


def test_no_number_and_no_picture_of_a_notification_is_ever_logged(
    office: Any, lower: Calling, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    number = order(office, lower)["number"]
    told = golden("notification_strict", number)
    (face,) = told["FaceObjectList"]["FaceObject"]
    with structlog.testing.capture_logs() as logs:
        notify(lower, told)
    for secret in (face["FaceID"], face["Name"], face["SubImageList"]["SubImageInfoObject"][0]["Data"][:40], NUMBER):
        assert secret not in repr(logs) + caplog.text
