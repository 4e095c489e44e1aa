"""Standing orders of a peer: what is taken, for how long, where it is sent, and that it ends."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from linli.server.access import actions as access
from linli.server.access import queries
from linli.server.connectors import platforms
from linli.server.connectors.models import PassageMark, ViidPeer, ViidSubscription
from linli.server.connectors.viid import catalogue, ids, orders, pushing
from linli.server.kernel import clock
from linli.server.privacy import actions as privacy
from linli.server.privacy import queries as privacy_queries
from tests.connectors.viid.calling import NUMBER, Calling, codes, peer_of
from tests.connectors.viid.scripted import Collecting, collecting
from tests.world import Unchanged, World

pytestmark = pytest.mark.django_db
OK = {"ResponseStatusListObject": {"ResponseStatusObject": [{"StatusCode": "0", "Id": "x"}]}}


@pytest.fixture
def subscriber(below: Calling) -> Calling:
    """A peer that is registered."""
    assert below.register().status_code == 200
    return below


@pytest.fixture
def faces_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A link whose settings switch faces on."""
    monkeypatch.setattr(orders, "link_settings", lambda: {**platforms.link_settings(), "viid": {"faces": "on"}})


def rows() -> list[ViidSubscription]:
    return list(ViidSubscription.objects.order_by("id"))


def shown(subscriber: Calling) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(subscriber.ask("GET", "/VIID/Subscribes").content)["SubscribeListObject"][
        "SubscribeObject"
    ]
    return told


def test_an_order_for_devices_is_taken_shown_and_called_off(subscriber: Calling) -> None:
    one, two, three = (subscriber.order(serial=serial) for serial in (1, 2, 3))
    assert subscriber.subscribe(one, two, three) == ["0", "0", "0"]
    assert [each["SubscribeStatus"] for each in shown(subscriber)] == [0, 0, 0]
    dropped = subscriber.ask("DELETE", f"/VIID/Subscribes?IDList={one['SubscribeID']},{two['SubscribeID']},{'9' * 33}")
    assert codes(dropped) == ["0", "0", "4"]
    assert codes(subscriber.ask("PUT", f"/VIID/Subscribes/{three['SubscribeID']}", {})) == ["0"]
    assert [each["SubscribeStatus"] for each in shown(subscriber)] == [1, 1, 1]
    assert codes(subscriber.ask("DELETE", "/VIID/Subscribes")) == ["8"]


def test_an_order_may_be_called_off_as_it_was_made(subscriber: Calling) -> None:
    order = subscriber.order()
    assert subscriber.subscribe(order) == ["0"]
    assert subscriber.subscribe({**order, "OperateType": 1, "CancelReason": "联调结束"}) == ["0"]
    assert subscriber.subscribe({**order, "OperateType": 1}) == ["4"]
    assert [(row.state, row.reason) for row in rows()] == [(1, "联调结束")]


def test_an_order_that_is_sent_again_is_changed_and_not_doubled(subscriber: Calling) -> None:
    order = subscriber.order()
    assert subscriber.subscribe(order, {**order, "ReportInterval": 60}) == ["0", "0"]
    assert codes(subscriber.ask("PUT", "/VIID/Subscribes", {"SubscribeObjectList": {"SubscribeObject": [order]}})) == [
        "0"
    ]
    assert [row.every_seconds for row in rows()] == [3]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"SubscribeID": "1"}, "8"),
        ({"SubscribeID": "510108000000042026112420150000001"}, "8"),
        ({"SubscribeDetail": ""}, "8"),
        ({"SubscribeDetail": "3,99"}, "8"),
        ({"SubscribeDetail": "13"}, "4"),
        ({"SubscribeDetail": "11,12"}, "4"),
        ({"SubscribeDetail": "3,12"}, "4"),
        ({"BeginTime": "tomorrow"}, "8"),
        ({"EndTime": "20200101000000"}, "8"),
        ({"EndTime": "20990101000000"}, "8"),
        ({"ReceiveAddr": ""}, "4"),
        ({"ReceiveAddr": "http://192.0.2.1/VIID/SubscribeNotifications"}, "4"),
        ({"ReceiveAddr": "file:///etc/passwd"}, "4"),
        ({"ReceiveAddr": "http://127.0.0.1:99999/"}, "4"),
        ({"ReceiveAddr": "http://10.0.0.1/"}, "4"),
    ],
)
def test_what_is_not_offered_or_not_in_order_is_refused_and_kept_nowhere(
    subscriber: Calling, changes: dict[str, Any], code: str
) -> None:
    with Unchanged():
        status = orders.take_order(
            peer=ViidPeer.objects.get(device_id=NUMBER), told={**subscriber.order(), **changes}, now=clock.now()
        ).status
    assert str(int(status)) == code


def test_people_may_be_ordered_only_where_a_consent_could_allow_it(subscriber: Calling, faces_on: None) -> None:
    assert subscriber.subscribe(subscriber.order(details="11,12")) == ["0"]


def test_no_more_than_sixteen_at_once(subscriber: Calling) -> None:
    told = subscriber.subscribe(*(subscriber.order(serial=serial) for serial in range(1, 19)))
    assert told == ["0"] * 16 + ["4"] * 2
    assert len(rows()) == 16


def test_nobody_sees_or_ends_anothers_order(subscriber: Calling, world: World) -> None:
    order = subscriber.order()
    subscriber.subscribe(order)
    other = peer_of(world, number="51010800005030000088")
    other.register()
    assert shown(other) == []
    assert codes(other.ask("DELETE", f"/VIID/Subscribes?IDList={order['SubscribeID']}")) == ["4"]
    assert [row.state for row in rows()] == [0]


def test_devices_are_told_once_and_again_when_they_change(subscriber: Calling, world: World) -> None:
    with collecting(OK) as (url, heard):
        subscriber.subscribe(subscriber.order(ReceiveAddr=f"{url}/VIID/SubscribeNotifications"))
        now = clock.now()
        assert pushing.push_due(now=now) == 1
        # Within the interval, and while nothing has changed, there is nothing to say.
        assert pushing.push_due(now=now + timedelta(seconds=1)) == 0
        assert pushing.push_due(now=now + timedelta(seconds=4)) == 0
        gate = access.GatePlan(code="G09", name_zh="北门", name_en="North", kind=access.DoorKind.ESTATE, groups=(1,))
        access.lay_out_gates(actor=world.hand, groups=[], gates=[gate], now=now)
        assert pushing.push_due(now=now + timedelta(seconds=8)) == 1
    assert len(heard) == 2
    path, headers, body = heard[0]
    assert path == "/VIID/SubscribeNotifications"
    assert ids.device_of(headers["user-identify"]).type == ids.LIBRARY
    assert headers["content-type"] == "application/VIID+JSON;charset=UTF-8"
    (told,) = body["SubscribeNotificationListObject"]["SubscribeNotificationObject"]
    assert ids.order_of(told["NotificationID"]).kind == ids.NOTIFICATION
    named = [one["ApeID"] for one in told["DeviceList"]["APEObject"]]
    states = [one["ApeID"] for one in told["DeviceStatusList"]["APEStatusObject"]]
    assert told["InfoIDs"].split(",") == named + states
    assert len(named) == 4
    assert "G09" in json.dumps(heard[1][2])


def test_a_whole_catalogue_goes_in_as_many_notifications_as_it_needs(
    subscriber: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    devices = tuple({"ApeID": str(number).zfill(20), "IsOnline": "1"} for number in range(51))
    monkeypatch.setattr(catalogue, "own_devices", lambda *, estate_id: devices)
    with collecting(OK) as (url, heard):
        subscriber.subscribe(subscriber.order(ReceiveAddr=f"{url}/x"))
        pushing.push_due(now=clock.now())
    told = heard[0][2]["SubscribeNotificationListObject"]["SubscribeNotificationObject"]
    assert len(told) > 1
    assert all(len(one["InfoIDs"]) <= 1024 for one in told)
    assert len({one["NotificationID"] for one in told}) == len(told)
    assert sum(len(one.get("DeviceList", {"APEObject": []})["APEObject"]) for one in told) == 51


def test_an_order_that_has_run_out_tells_nothing_more(subscriber: Calling) -> None:
    with collecting(OK) as (url, heard):
        subscriber.subscribe(subscriber.order(ReceiveAddr=f"{url}/x"))
        assert pushing.push_due(now=clock.now() + timedelta(days=1, seconds=1)) == 0
    assert heard == []
    assert [row.state for row in rows()] == [2]
    assert [one["SubscribeStatus"] for one in shown(subscriber)] == [2]


def test_a_peer_that_was_switched_off_is_told_nothing(subscriber: Calling) -> None:
    with collecting(OK) as (url, heard):
        subscriber.subscribe(subscriber.order(ReceiveAddr=f"{url}/x"))
        ViidPeer.objects.update(enabled=False)
        assert pushing.push_due(now=clock.now()) == 0
    assert heard == []


@pytest.mark.parametrize(
    "answer", [{"ResponseStatusObject": {"StatusCode": "9"}}, {"ResponseStatusObject": {"StatusCode": 2}}, {}, None]
)
def test_what_was_not_taken_is_told_again(subscriber: Calling, answer: Any) -> None:
    with collecting(answer) as (url, heard):
        subscriber.subscribe(subscriber.order(ReceiveAddr=f"{url}/x"))
        now = clock.now()
        for seconds in (0, 4, 8):
            pushing.push_due(now=now + timedelta(seconds=seconds))
    assert len(heard) == 3


def test_a_subscriber_that_has_forgotten_its_order_is_left_alone(subscriber: Calling) -> None:
    with collecting({"ResponseStatusObject": {"StatusCode": "4"}}) as (url, heard):
        subscriber.subscribe(subscriber.order(ReceiveAddr=f"{url}/x"))
        now = clock.now()
        for seconds in (0, 4, 8):
            pushing.push_due(now=now + timedelta(seconds=seconds))
    assert len(heard) == 1
    assert [row.state for row in rows()] == [1]


def heard_objects(heard: Collecting) -> list[dict[str, Any]]:
    told = [
        one for _, _, body in heard for one in body["SubscribeNotificationListObject"]["SubscribeNotificationObject"]
    ]
    return [one for each in told for one in each.get("FaceObjectList", {"FaceObject": []})["FaceObject"]]


def passages(world: World, monkeypatch: pytest.MonkeyPatch, holders: list[str]) -> None:
    """Let people go through the first gate, one line of its journal each."""
    at = clock.now()
    lines = [
        queries.ToldPassage(
            gate="G01",
            sequence=number,
            happened_at=at,
            direction="in",
            method="FACE",
            holder_kind="guest",
            holder_id=holder,
            origin_kind="stay",
            origin_id=f"stay_{number}",
        )
        for number, holder in enumerate(holders, start=1)
    ]
    journal = queries.JournalView(gate="G01", sequence=len(lines), missing=0, gaps=(), faults=0)
    monkeypatch.setattr(queries, "list_journals", lambda *, estate_id: (journal,))
    monkeypatch.setattr(
        queries,
        "list_told_passages",
        lambda *, estate_id, gate, after, up_to, origins: tuple(
            line for line in lines if after < line.sequence <= up_to
        ),
    )


def say_yes(world: World, person_id: str) -> None:
    notice = privacy_queries.get_notice(estate_id=world.estate_id, purpose=orders.FACES_PURPOSE)
    privacy.give_consent(
        actor=world.hand,
        person_id=person_id,
        given_by=person_id,
        purpose=orders.FACES_PURPOSE,
        notice_digest=notice.digest,
        channel="phone",
        now=world.now,
    )


def test_only_whoever_said_yes_is_told_of_and_each_is_in_the_ledger(
    subscriber: Calling, world: World, faces_on: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collecting(OK) as (url, heard):
        subscriber.subscribe(subscriber.order(details="12", ReceiveAddr=f"{url}/x"))
        passages(world, monkeypatch, ["person_a", "person_b", "person_a"])
        say_yes(world, "person_a")
        now = clock.now()
        assert pushing.push_due(now=now) == 1
        assert pushing.push_due(now=now + timedelta(seconds=4)) == 0
    told = heard_objects(heard)
    assert len(told) == 2
    assert not {"Name", "IDNumber", "IDType", "SubImageList"} & {name for one in told for name in one}
    ledger = privacy_queries.list_disclosures(estate_id=world.estate_id, person_id="person_a")
    assert {line.message_id[:48] for line in ledger} == {one["FaceID"] for one in told}
    assert {(line.recipient, line.purpose) for line in ledger} == {(pushing.RECIPIENT, orders.FACES_PURPOSE)}
    assert not privacy_queries.list_disclosures(estate_id=world.estate_id, person_id="person_b")


def test_whoever_takes_the_yes_back_is_told_of_no_more(
    subscriber: Calling, world: World, faces_on: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collecting({}) as (url, heard):
        subscriber.subscribe(subscriber.order(details="12", ReceiveAddr=f"{url}/x"))
        passages(world, monkeypatch, ["person_a"])
        say_yes(world, "person_a")
        now = clock.now()
        assert pushing.push_due(now=now) == 1
        privacy.withdraw_consent(actor=world.hand, person_id="person_a", purpose=orders.FACES_PURPOSE, now=world.now)
        assert pushing.push_due(now=now + timedelta(seconds=4)) == 0
    assert len(heard_objects(heard)) == 1


def test_nothing_of_before_the_order_is_told_and_nothing_after_it_was_switched_off(
    subscriber: Calling, world: World, faces_on: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    passages(world, monkeypatch, ["person_a", "person_a"])
    say_yes(world, "person_a")
    with collecting(OK) as (url, heard):
        subscriber.subscribe(subscriber.order(details="12", ReceiveAddr=f"{url}/x"))
        now = clock.now()
        assert pushing.push_due(now=now) == 0
        passages(world, monkeypatch, ["person_a"] * 3)
        monkeypatch.setattr(orders, "link_settings", dict)
        assert pushing.push_due(now=now + timedelta(seconds=4)) == 0
    assert heard == []
    subscriber.ask("DELETE", f"/VIID/Subscribes?IDList={rows()[0].subscription_id}")
    assert not PassageMark.objects.exists()


def test_a_stranger_may_not_subscribe(world: World, below: Calling) -> None:
    with Unchanged():
        body = {"SubscribeListObject": {"SubscribeObject": [below.order()]}}
        assert Client().post("/VIID/Subscribes", body, content_type="application/json").status_code == 401
