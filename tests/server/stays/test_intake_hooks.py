"""Orders that come in by a hook: signed, once, in whatever order they arrive; and what cannot be done is asked, never dropped."""

import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from linli.server.kernel.actors import Role
from linli.server.kernel.errors import NotAllowed
from linli.server.places import actions as places
from linli.server.stays import actions as stays
from linli.server.stays import queries
from linli.server.stays.actions import HookMade
from linli.server.stays.actions.links import HookThere
from linli.server.stays.models import Booking, HookEvent, IntakeTask, OrderHook
from tests.world import DAY, Unchanged, World, body_of

pytestmark = pytest.mark.django_db
CHANNEL = Client(raise_request_exception=False)
JSON = "application/json"


def made(world: World) -> HookMade:
    return stays.make_hook(actor=world.operator, operator_id=world.operator_id, channel="ctrip", now=world.now)


def event(
    world: World, number: int = 1, kind: str = "created", *, nights: tuple[int, int] = (5, 7), **changes: Any
) -> dict:
    told = {
        "ref": "T-1",
        "unit": world.units["home"].dwelling_code,
        "arrive_at": (world.now + nights[0] * DAY).isoformat(),
        "leave_at": (world.now + nights[1] * DAY).isoformat(),
        "guests": 2,
        "booker_name": "林小邻",
        "booker_phone": "13700005678",
        **changes,
    }
    at = (world.now + timedelta(seconds=number)).isoformat()
    return {"event_id": f"evt-{number}", "type": f"order.{kind}", "occurred_at": at, "order": told}


def signed(secret: str, body: bytes, *, at: datetime) -> dict[str, str]:
    timestamp = str(int(at.timestamp()))
    code = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Linli-Timestamp": timestamp, "Linli-Signature": f"sha256={code}"}


def send(world: World, hook: HookMade, told: dict, *, secret: str = "", late: timedelta = timedelta(0)) -> Any:
    body = json.dumps(told).encode()
    headers = signed(secret or hook.secret, body, at=world.now + late)
    return CHANNEL.post(hook.hook.path, body, content_type=JSON, headers=headers)


def booked() -> list[Booking]:
    return list(Booking.objects.filter(state="BOOKED"))


def test_an_order_is_booked_changed_and_cancelled_by_signed_events(world: World) -> None:
    hook = made(world)
    answer = send(world, hook, event(world))
    assert (answer.status_code, body_of(answer)["outcome"]) == (200, "booked")
    (booking,) = booked()
    assert (booking.channel, booking.guests_expected, booking.booked_by) == ("ctrip", 2, f"hook:{hook.hook.id}")
    assert body_of(send(world, hook, event(world, 2, "changed", nights=(6, 9))))["outcome"] == "changed"
    assert Booking.objects.get().leave_at == booking.leave_at + 2 * DAY
    cancelled = event(world, 3, "cancelled", arrive_at=None, leave_at=None)
    assert body_of(send(world, hook, cancelled))["outcome"] == "cancelled"
    assert Booking.objects.get().state == "CANCELLED"


def test_an_event_told_again_is_done_once_and_answered_as_before(world: World) -> None:
    hook = made(world)
    first = body_of(send(world, hook, event(world)))
    with Unchanged():
        again = body_of(send(world, hook, event(world), late=timedelta(minutes=2)))
        other = send(world, hook, event(world, nights=(5, 8)))
    assert again == {**first, "repeated": True}
    assert (other.status_code, body_of(other)["code"]) == (422, "event_reused")


def test_an_older_event_that_comes_later_changes_nothing(world: World) -> None:
    hook = made(world)
    send(world, hook, event(world, 1))
    send(world, hook, event(world, 5, "cancelled"))
    assert body_of(send(world, hook, event(world, 3, "changed", nights=(5, 9))))["outcome"] == "stale"
    assert booked() == []


def test_whoever_does_not_sign_is_refused_and_changes_nothing(world: World) -> None:
    hook = made(world)
    body = json.dumps(event(world)).encode()
    good = signed(hook.secret, body, at=world.now)
    tries = [
        ({}, body),
        ({**good, "Linli-Signature": "sha256=" + "0" * 64}, body),
        ({**good, "Linli-Signature": "签名"}, body),
        ({**good, "Linli-Timestamp": "now"}, body),
        ({**good, "Linli-Timestamp": str(int(good["Linli-Timestamp"]) + 1)}, body),
        (good, body.replace(b"T-1", b"T-2")),
        (signed("another", body, at=world.now), body),
        (signed(hook.secret, body, at=world.now - timedelta(minutes=6)), body),
        (signed(hook.secret, body, at=world.now + timedelta(minutes=6)), body),
    ]
    with Unchanged():
        for headers, sent in tries:
            coded = {name: value.encode("utf-8").decode("latin-1") for name, value in headers.items()}
            answer = CHANNEL.post(hook.hook.path, sent, content_type=JSON, headers=coded)
            assert (answer.status_code, body_of(answer)["code"]) == (401, "signature_wrong"), headers
            assert answer["Content-Type"].startswith("application/problem+json")
        elsewhere = CHANNEL.post("/api/hooks/hook_0", body, content_type=JSON, headers=good)
        assert (elsewhere.status_code, body_of(elsewhere)["code"]) == (401, "signature_wrong")


def test_a_session_of_the_office_does_not_stand_in_for_a_signature(world: World) -> None:
    hook, desk = made(world), world.signed_in(Role.OFFICE)
    before = Booking.objects.count()
    assert desk.post(hook.hook.path, json.dumps(event(world)), content_type=JSON).status_code == 401
    assert Booking.objects.count() == before


@pytest.mark.parametrize(
    "change",
    [
        *({"ref": ""}, {"guests": 0}, {"guests": "two"}, {"arrive_at": "soon"}, {"arrive_at": "2031-05-01T14:00:00"}),
        *({"unit": ""}, {"arrive_at": None}, {"leave_at": "2020-01-01T00:00:00Z"}),
    ],
)
def test_a_signed_event_that_makes_no_sense_is_refused_by_field(world: World, change: dict[str, Any]) -> None:
    hook = made(world)
    with Unchanged():
        answer = send(world, hook, event(world, **change))
        assert answer.status_code == 422
        assert "field" in body_of(answer)


def test_a_new_secret_is_shown_once_and_the_old_one_lasts_a_day(world: World) -> None:
    hook = made(world)
    renewed = stays.rotate_hook(actor=world.operator, hook_id=hook.hook.id, now=world.now)
    assert renewed.secret != hook.secret
    assert send(world, hook, event(world, 1)).status_code == 200
    assert send(world, hook, event(world, 2), secret=renewed.secret).status_code == 200
    OrderHook.objects.update(old_ends_at=world.now - timedelta(seconds=1))
    with Unchanged():
        assert send(world, hook, event(world, 3)).status_code == 401
    listed = queries.list_hooks(actor=world.operator)
    assert renewed.secret not in repr(listed)
    assert renewed.secret.encode() not in bytes(OrderHook.objects.get().secret)
    stays.end_hook(actor=world.operator, hook_id=hook.hook.id, now=world.now)
    with Unchanged():
        assert send(world, hook, event(world, 4), secret=renewed.secret).status_code == 401


def test_a_cancellation_with_guests_registered_or_in_the_house_becomes_a_task(world: World) -> None:
    hook = made(world)
    answer = body_of(send(world, hook, event(world, nights=(0, 2))))
    stay = world.register(answer["booking_id"]).stay
    told = body_of(send(world, hook, event(world, 2, "cancelled", nights=(0, 2))))
    assert (told["outcome"], Booking.objects.get().state) == ("question", "BOOKED")
    stays.confirm_by_eye(actor=world.guard, stay_id=stay.id, now=world.now)
    stays.check_in(actor=world.guard, stay_id=stay.id, now=world.now)
    desk = world.signed_in(Role.OPERATOR, scope=f"operator:{world.operator_id}")
    refused = desk.post(f"/api/intake-tasks/{told['task_id']}/answer", {"choice": "cancel"}, content_type=JSON)
    assert (refused.status_code, body_of(refused)["code"]) == (409, "guests_in_house")
    assert IntakeTask.objects.get().closed_at is None
    kept = desk.post(f"/api/intake-tasks/{told['task_id']}/answer", {"choice": "keep", "note": "they stay"}, JSON)
    assert (kept.status_code, body_of(kept)["state"], body_of(kept)["choice"]) == (200, "closed", "keep")
    again = desk.post(f"/api/intake-tasks/{told['task_id']}/answer", {"choice": "keep"}, content_type=JSON)
    assert (again.status_code, body_of(again)["code"]) == (409, "task_closed")


def test_an_order_that_finds_no_bed_waits_as_a_task_and_is_taken_in_once_there_is_one(world: World) -> None:
    hook = made(world)
    every = [room.room_id for room in world.units["home"].rooms]
    local = world.book("home", start=world.now + 5 * DAY, nights=2, guests=3, room_ids=every)
    told = body_of(send(world, hook, event(world)))
    assert (told["outcome"], told["code"]) == ("conflict", "no_free_bed")
    desk = world.signed_in(Role.OPERATOR, scope=f"operator:{world.operator_id}")
    path = f"/api/intake-tasks/{told['task_id']}/answer"
    with Unchanged():
        refused = desk.post(path, {"choice": "take"}, content_type=JSON)
        assert (refused.status_code, body_of(refused)["code"]) == (409, "no_free_bed")
        assert desk.post(path, {"choice": "follow"}, content_type=JSON).status_code == 422
    stays.cancel_booking(actor=world.operator, booking_id=local.booking.id, reason="", now=world.now)
    assert body_of(desk.post(path, {"choice": "take"}, content_type=JSON))["choice"] == "take"
    (booking,) = booked()
    assert (booking.channel, booking.guests_expected, booking.booker_masked) == ("ctrip", 2, "林**")
    assert IntakeTask.objects.get().order is None


def test_an_order_for_an_unknown_flat_is_asked_about_and_another_operators_flat_stays_shut(world: World) -> None:
    hook = made(world)
    told = body_of(send(world, hook, event(world, unit="99-9-9999")))
    assert (told["outcome"], told["code"], bool(told["task_id"])) == ("problem", "not_found", True)
    other = body_of(send(world, hook, event(world, 2, ref="T-2", unit=world.units["other"].dwelling_code)))
    assert (other["outcome"], other["code"]) == ("problem", "not_allowed")
    assert Booking.objects.count() == 0
    code = world.units["home"].dwelling_code
    places.name_place(actor=world.office, code=code, kind="listing", text="99-9-9999", now=world.now)
    stays.answer_task(actor=world.operator, task_id=told["task_id"], choice="take", note="", now=world.now)
    assert [row.unit_id for row in booked()] == [world.units["home"].id]


def test_a_booking_made_by_hand_under_the_same_order_number_is_the_same_order(world: World) -> None:
    hook = made(world)
    start = world.now + 5 * DAY
    local = world.book("home", start=start, nights=2, guests=2, channel="ctrip", channel_ref="T-1")
    assert body_of(send(world, hook, event(world)))["outcome"] == "unchanged"
    assert body_of(send(world, hook, event(world, 2, "cancelled")))["booking_id"] == local.booking.id
    assert booked() == []


def test_hooks_are_their_operators_and_the_offices(world: World) -> None:
    hook = made(world)
    with Unchanged():
        with pytest.raises(HookThere):
            made(world)
        for act in (stays.rotate_hook, stays.end_hook):
            with pytest.raises(NotAllowed):
                act(actor=world.other_operator, hook_id=hook.hook.id, now=world.now)
        with pytest.raises(NotAllowed):
            stays.make_hook(actor=world.other_operator, operator_id=world.operator_id, channel="x", now=world.now)
    assert queries.list_hooks(actor=world.other_operator) == ()
    assert len(queries.list_hooks(actor=world.office)) == 1


def test_old_events_are_forgotten(world: World) -> None:
    send(world, made(world), event(world))
    assert stays.forget_old_events(now=world.now + 29 * DAY) == 0
    assert stays.forget_old_events(now=world.now + 31 * DAY) == 1
    assert HookEvent.objects.count() == 0
