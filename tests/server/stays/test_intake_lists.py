"""Order lists by hand: looked at first, then taken in, over the API; bad rows named by line and field, good ones taken, once."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from linli.server.kernel import clock, crypto
from linli.server.kernel.actors import Role
from linli.server.stays import actions as stays
from linli.server.stays import personal_data, queries
from linli.server.stays.models import Booking, FeedSource, IntakeTask, OrderHook
from tests.feeds import books
from tests.world import DAY, Unchanged, World, body_of

pytestmark = pytest.mark.django_db


def row(world: World, ref: str, *, flat: str = "home", days: int = 5, nights: int = 2, **cells: Any) -> tuple:
    arrive = world.now.date() + days * DAY
    told = {
        "ref": ref,
        "channel": "ctrip",
        "unit": world.units[flat].dwelling_code,
        "arrive": arrive,
        "leave": arrive + nights * DAY,
        "guests": 2,
        "name": "林小邻",
        "phone": "13700005678",
        "state": "已确认",
    }
    return tuple({**told, **cells}.values())


def upload(browser: Any, content: bytes, *, name: str = "orders.txt", preview: bool = False) -> Any:
    path = "/api/bookings/feed/preview" if preview else "/api/bookings/feed"
    return browser.post(path, {"file": SimpleUploadedFile(name, content)})


def outcomes(answer: Any) -> list[tuple[int, str, str, str]]:
    assert answer.status_code == 200, answer.content
    return [(each["line"], each["outcome"], each["code"], each["field"]) for each in body_of(answer)["rows"]]


def test_a_workbook_is_previewed_without_a_trace_then_taken_in_as_it_was_previewed(world: World) -> None:
    host = world.signed_in(Role.OPERATOR, scope=f"operator:{world.operator_id}")
    content = books.book(
        [
            row(world, "L-1"),
            row(world, "L-2", guests="many"),
            row(world, "L-3", days=6),
            row(world, "L-4", flat="dorm", guests=3),
            row(world, "L-5", flat="dorm", guests=2),
            row(world, "L-6", unit="99-9-9999"),
            row(world, "L-7", flat="other"),
            row(world, "L-8", days=20, state="已取消"),
            row(world, "L-9", days=-9),
        ]
    )
    with Unchanged():
        seen = outcomes(upload(host, content, preview=True))
    assert seen == [
        (2, "booked", "booked", ""),
        (3, "problem", "guests_not_a_number", "guests"),
        (4, "conflict", "no_free_bed", ""),
        (5, "booked", "booked", ""),
        (6, "conflict", "no_free_bed", ""),
        (7, "problem", "not_found", "unit"),
        (8, "problem", "not_allowed", "unit"),
        (9, "cancelled", "cancelled", ""),
        (10, "past", "past", ""),
    ]
    assert outcomes(upload(host, content)) == seen
    assert Booking.objects.filter(state="BOOKED").count() == 2
    assert IntakeTask.objects.filter(kind="conflict").count() == 2
    again = outcomes(upload(host, content))
    assert [(line, outcome) for line, outcome, _, _ in again if outcome == "unchanged"] == [
        (2, "unchanged"),
        (5, "unchanged"),
        (9, "unchanged"),
    ]
    assert Booking.objects.count() == 2
    assert IntakeTask.objects.count() == 2


def test_an_order_in_another_list_or_for_another_flat_is_the_same_order(world: World) -> None:
    desk = world.signed_in(Role.OFFICE)
    upload(desk, books.book([row(world, "L-1")]))
    moved = books.book([row(world, "L-1", flat="dorm")], heading=books.ENGLISH)
    with Unchanged():
        assert outcomes(upload(desk, moved, preview=True))[0][1] == "changed"
    answer = desk.post("/api/bookings/feed", {"file": SimpleUploadedFile("x", moved), "feed": "another"})
    assert outcomes(answer)[0][1] == "changed"
    booking = Booking.objects.get()
    assert (booking.unit_id, booking.state) == (world.units["dorm"].id, "BOOKED")
    assert set(booking.holds.filter(released_at__isnull=True).values_list("room_id", flat=True)) == {
        world.units["dorm"].rooms[0].room_id
    }


def test_a_text_list_and_a_workbook_tell_the_same(world: World) -> None:
    desk = world.signed_in(Role.OFFICE)
    text = ",".join(books.CHINESE) + "\n" + ",".join(str(cell) for cell in row(world, "L-1")) + "\n"
    assert outcomes(upload(desk, text.encode("gb18030"))) == [(2, "booked", "booked", "")]
    assert outcomes(upload(desk, books.book([row(world, "L-1")]), name="a.csv"))[0][1] == "unchanged"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04junk", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"<html>", b"a,b\n"])
def test_a_file_that_is_no_list_is_one_problem_on_line_nought(world: World, content: bytes) -> None:
    desk = world.signed_in(Role.OFFICE)
    if content:
        ((line, outcome, _, _),) = outcomes(upload(desk, content, preview=True))
        assert (line, outcome) == (0, "problem")
    upload(desk, content)
    assert Booking.objects.count() == 0


def test_a_guard_previews_nothing_and_an_operator_nothing_of_others(world: World) -> None:
    content = books.book([row(world, "L-1")])
    other = world.signed_in(Role.OPERATOR, scope=f"operator:{world.other_operator_id}")
    guard = world.signed_in(Role.GUARD)
    with Unchanged():
        assert upload(guard, content, preview=True).status_code == 403
        assert outcomes(upload(other, content, preview=True)) == [(2, "problem", "not_allowed", "unit")]


def test_an_order_nobody_took_in_is_forgotten_after_ninety_days_and_at_once_when_answered(world: World) -> None:
    world.book(
        "home", start=world.now + 4 * DAY, nights=9, guests=3, room_ids=[r.room_id for r in world.units["home"].rooms]
    )
    desk = world.signed_in(Role.OFFICE)
    upload(desk, books.book([row(world, "L-1"), row(world, "L-2")]))
    one, two = IntakeTask.objects.order_by("ref")
    assert "林".encode() not in bytes(one.order)
    stays.answer_task(actor=world.operator, task_id=one.id, choice="keep", note="declined there", now=world.now)
    assert IntakeTask.objects.get(id=one.id).order is None
    assert personal_data._erase_untaken(clock.now() + 89 * DAY) == 0
    assert personal_data._erase_untaken(clock.now() + 91 * DAY) == 1
    assert IntakeTask.objects.get(id=two.id).order is None


def test_what_feeds_hold_sealed_is_wrapped_anew_after_a_rotation(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.book(
        "home", start=world.now + 4 * DAY, nights=9, guests=3, room_ids=[r.room_id for r in world.units["home"].rooms]
    )
    upload(world.signed_in(Role.OFFICE), books.book([row(world, "L-1")]))
    hook = stays.make_hook(actor=world.operator, operator_id=world.operator_id, channel="x", now=world.now).hook
    stays.rotate_hook(actor=world.operator, hook_id=hook.id, now=world.now)
    asked = stays.Subscription(unit_id=world.units["home"].id, url="https://channel.invalid/a.ics")
    stays.follow_calendar(actor=world.operator, wanted=asked, now=world.now)
    turned = crypto.keyring().rotated()
    monkeypatch.setattr(crypto, "keyring", lambda: turned)
    assert stays.renew_seals() == 4
    source, opened = FeedSource.objects.get(), OrderHook.objects.get()
    assert crypto.unseal(bytes(source.url), context="feed.url") == "https://channel.invalid/a.ics"
    sealed = (source.url, opened.secret, opened.old_secret, IntakeTask.objects.get().order)
    assert {crypto.key_version(bytes(each)) for each in sealed} == {turned.current}


def test_feeds_and_tasks_over_the_api(world: World) -> None:
    host = world.signed_in(Role.OPERATOR, scope=f"operator:{world.operator_id}")
    wanted = {"unit_id": world.units["home"].id, "url": "https://channel.invalid/a.ics?s=secret-of-the-channel-00"}
    key = {"Idempotency-Key": "follow-once-1"}
    made = host.post("/api/feeds", wanted, content_type="application/json", headers=key)
    again = host.post("/api/feeds", wanted, content_type="application/json", headers=key)
    assert (made.status_code, body_of(again)) == (201, body_of(made))
    assert b"secret-of" not in made.content
    feed = body_of(made)["id"]
    for verb, state in (("pause", "PAUSED"), ("resume", "ACTIVE"), ("read", "ACTIVE"), ("end", "ENDED")):
        assert body_of(host.post(f"/api/feeds/{feed}/{verb}"))["state"] == state
    assert body_of(host.get("/api/feeds"))["total"] == 0
    assert host.get(f"/api/feeds/{feed}").status_code == 200
    listed = body_of(host.get("/api/intake-tasks?state=all"))
    assert (listed["total"], listed["items"]) == (0, [])
    with Unchanged():
        near = host.post("/api/feeds", {**wanted, "url": "http://127.0.0.1/a.ics"}, content_type="application/json")
        assert (near.status_code, body_of(near)["code"]) == (422, "address_not_followed")


def test_a_task_says_what_it_is_about_in_both_languages_and_names_nobody(world: World) -> None:
    world.book(
        "home", start=world.now + 4 * DAY, nights=9, guests=3, room_ids=[r.room_id for r in world.units["home"].rooms]
    )
    desk = world.signed_in(Role.OFFICE)
    upload(desk, books.book([row(world, "L-1")]))
    (task,) = body_of(desk.get("/api/intake-tasks"))["items"]
    assert (task["kind"], task["ref"], task["code"], task["state"]) == ("conflict", "L-1", "no_free_bed", "open")
    assert task["message"]["zh"]
    assert task["message"]["en"]
    assert [choice["choice"] for choice in task["choices"]] == ["take", "keep"]
    assert task["told"]["guests"] == 2
    assert "林" not in str(task)
    assert body_of(desk.get(f"/api/intake-tasks/{task['id']}")) == task


def test_a_list_of_feeds_takes_as_many_statements_for_six_as_for_one(
    world: World, django_assert_max_num_queries: Any
) -> None:
    for number in range(6):
        asked = stays.Subscription(unit_id=world.units["home"].id, url=f"https://channel.invalid/{number}.ics")
        stays.follow_calendar(actor=world.operator, wanted=asked, now=world.now + timedelta(seconds=number))
    with django_assert_max_num_queries(5):
        page = queries.list_feeds(actor=world.operator, unit_id=None, page=1, now=world.now)
    assert len(page.items) == 6
