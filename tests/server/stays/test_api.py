"""The phone page's and the desk's way in: a whole arrival over HTTP, refusals as problem documents, hostile bodies, and never a 500."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from linli.server.kernel.actors import Role
from linli.server.stays.actions.registration import guest_token
from linli.server.stays.models import Booking, Stay
from tests.world import DAY, NOTICE, RULES, Unchanged, World, body_of

pytestmark = pytest.mark.django_db
EXAMPLES = Path(__file__).parents[3] / "examples"
JSON = "application/json"


def filled(world: World, **changes: Any) -> dict[str, Any]:
    body = {**world.person().as_json(), "house_rules_version": RULES, "notice_version": NOTICE}
    return {**body, **changes}


def post(client: Client, path: str, body: Any = None, **extra: Any) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body if body is not None else {}).encode()
    return client.generic("POST", path, content, content_type=JSON, **extra)


def problem(answer: Any) -> dict[str, Any]:
    """The problem document of a refusal."""
    assert 400 <= answer.status_code < 500, answer.content[:300]
    assert answer["Content-Type"].startswith("application/problem+json")
    body = body_of(answer)
    assert body["status"] == answer.status_code
    assert body["message"]["zh"]
    assert body["message"]["en"]
    return body


def booking_body(world: World, flat: str = "dorm", **changes: Any) -> dict[str, Any]:
    body = {
        "unit_id": world.units[flat].id,
        "arrive_at": world.now.isoformat(),
        "leave_at": (world.now + DAY).isoformat(),
        "guests_expected": 1,
    }
    return {**body, **changes}


def test_a_guest_arrives_over_http(world: World) -> None:
    operator = world.signed_in(Role.OPERATOR, scope=f"operator:{world.operator_id}")
    guard = world.signed_in(Role.GUARD)
    booked = body_of(post(operator, "/api/bookings", booking_body(world)))
    link = world.bearer(booked["registration_token"])
    invitation = body_of(link.get("/api/registration"))
    assert invitation["booking"]["guests_registered"] == 0
    made = post(link, "/api/registration/guests", filled(world, room_id=invitation["rooms"][0]["id"]))
    assert made.status_code == 201
    phone = world.bearer(body_of(made)["guest_token"])
    stay_id = body_of(made)["stay"]["id"]
    assert problem(phone.get("/api/stays/me/codes"))["code"] == "not_found"
    assert body_of(post(guard, f"/api/stays/{stay_id}/eye-check"))["state"] == "VERIFIED"
    codes = body_of(phone.get("/api/stays/me/codes?count=5"))["codes"]
    assert len({one["code"] for one in codes}) == 5
    assert all(len(one["code"]) <= 120 for one in codes)
    assert body_of(post(guard, f"/api/stays/{stay_id}/check-in"))["state"] == "IN_HOUSE"
    assert body_of(post(phone, "/api/stays/me/check-out"))["state"] == "CHECKED_OUT"
    assert body_of(phone.get("/api/stays/me"))["next"] == "closed"
    assert problem(post(phone, "/api/stays/me/check-out"))["code"] == "stay_not_there"
    assert phone.get("/api/stays/me/codes").status_code in (404, 409)


def test_a_picture_sent_from_the_phone_is_read_and_answered(world: World) -> None:
    booked = world.book()
    body = filled(
        world,
        native_name="林小邻",
        latin_name=None,
        sex="male",
        birth_date="1990-03-07",
        document={"type": "resident_id", "number": "510108199003070010"},
    )
    made = body_of(post(world.bearer(booked.registration_token), "/api/registration/guests", body))
    phone = world.bearer(made["guest_token"])
    picture = SimpleUploadedFile("card.jpg", (EXAMPLES / "documents" / "resident-id.png").read_bytes(), "image/jpeg")
    answer = phone.post("/api/stays/me/document-picture", {"picture": picture})
    assert (answer.status_code, body_of(answer)["level"]) == (200, 2)


@pytest.mark.parametrize("content", [b"", b"GIF89a...", b"<svg/>", b"\x89PNG\r\n\x1a\n" + b"\x00" * 99])
def test_what_is_no_picture_is_refused_kindly(world: World, content: bytes) -> None:
    stay = world.register(world.book()).stay
    phone = world.bearer(guest_token(Stay.objects.get(id=stay.id), now=world.now))
    with Unchanged():
        picture = SimpleUploadedFile("card.jpg", content, "image/jpeg")
        problem(phone.post("/api/stays/me/document-picture", {"picture": picture}))
        problem(phone.post("/api/stays/me/document-picture", {}))
        problem(post(phone, "/api/stays/me/document-picture", {"picture": "text"}))


def test_the_same_key_registers_once_and_gives_the_same_answer(world: World) -> None:
    link, body = world.bearer(world.book("home", guests=2).registration_token), filled(world)
    first = post(link, "/api/registration/guests", body, headers={"Idempotency-Key": "phone-in-a-lift"})
    again = post(link, "/api/registration/guests", body, headers={"Idempotency-Key": "phone-in-a-lift"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert again["Idempotency-Replayed"] == "true"
    assert Stay.objects.count() == 1
    with Unchanged():
        other = post(link, "/api/registration/guests", filled(world), headers={"Idempotency-Key": "phone-in-a-lift"})
        assert problem(other)["code"] == "key_reused"
        bad = post(link, "/api/registration/guests", filled(world), headers={"Idempotency-Key": "x"})
        assert problem(bad)["code"] == "key_unreadable"


HOSTILE = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"NaN",
    b"\xff\xfe\x00",
    '{"native_name": "张"}'.encode("gb18030"),
    b'{"native_name": "\x00"}',
    b"[" * 5000,
    b"{" * 2 + b'"a":' * 900,
    b'{"native_name": ' + b"9" * 6000 + b"}",
]


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_a_body_that_is_no_form_is_refused_everywhere_it_may_come(world: World, content: bytes) -> None:
    booked = world.book()
    link = world.bearer(booked.registration_token)
    desk, guard = world.signed_in(Role.OFFICE), world.signed_in(Role.GUARD)
    with Unchanged():
        problem(post(link, "/api/registration/guests", content))
        problem(post(desk, "/api/bookings", content))
        problem(post(desk, f"/api/bookings/{booked.booking.id}/extend", content))
        problem(post(guard, f"/api/bookings/{booked.booking.id}/guests", content))
        problem(post(Client(raise_request_exception=False), "/api/session", content))


NAMES_REFUSED = ["", "   ", "\x00", "a\x00b", "\ud800", "x" * 121, "王\n甲", "\u202eevil\x07", "\u200b"]


@pytest.mark.parametrize("name", NAMES_REFUSED, ids=ascii)
def test_a_name_that_is_no_name_is_refused(world: World, name: str) -> None:
    link = world.bearer(world.book().registration_token)
    with Unchanged():
        problem(post(link, "/api/registration/guests", filled(world, native_name=name, latin_name=None)))


@pytest.mark.parametrize("name", ["Robert'); DROP TABLE stays_stay;--", "<script>alert(1)</script>", "{{7*7}}", "%s%n"])
def test_a_name_that_looks_like_code_is_a_name_or_refused_and_never_runs(world: World, name: str) -> None:
    link = world.bearer(world.book().registration_token)
    answer = post(link, "/api/registration/guests", filled(world, native_name=name, latin_name=None))
    assert answer.status_code in (201, 422), answer.content
    assert answer["Content-Type"].startswith(("application/json", "application/problem+json"))
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert Stay.objects.count() == (answer.status_code == 201)


@pytest.mark.parametrize(
    "changes",
    [
        {"birth_date": "2026-02-30"},
        {"birth_date": "30/02/1990"},
        {"birth_date": "0001-01-01"},
        {"birth_date": "9999-12-31"},
        {"birth_date": -1e308},
        {"sex": "other"},
        {"nationality": "chn"},
        {"nationality": "ZZZ"},
        {"nationality": "CHN\n"},
        {"document": {"type": "resident_id", "number": "'; DELETE FROM people_person; --"}},
        {"document": {"type": "resident_id", "number": "\u0661" * 18}},
        {"document": {"type": "", "number": ""}},
        {"document": {"type": "resident_id", "number": "x" * 65}},
        {"document": {"type": "foreign_passport", "number": "X1", "mrz": "<" * 88}},
        {"document": {"type": "foreign_passport", "number": "X1", "mrz": "x" * 201}},
        {"document": None},
        {"phone": "call me"},
        {"phone": "+" * 64},
        {"room_id": "room_of_my_own"},
        {"bed_id": "' OR 1=1 --"},
        {"guardian": {"name": "", "relation": "", "phone": ""}},
        {"house_rules_version": ""},
        {"notice_version": "1999-1"},
        {"overlap_reason": "x" * 121},
    ],
    ids=lambda changes: ascii(changes)[:40],
)
def test_a_form_with_one_impossible_answer_is_refused_and_keeps_nothing(world: World, changes: dict[str, Any]) -> None:
    link = world.bearer(world.book().registration_token)
    body = filled(world, **changes)
    if "guardian" in changes:
        child = world.minor(16)
        body = {**child.as_json(), "house_rules_version": RULES, "notice_version": NOTICE, **changes}
    with Unchanged():
        assert problem(post(link, "/api/registration/guests", body))["code"]


@pytest.mark.parametrize(
    "changes",
    [
        {"arrive_at": "2026-11-24"},
        {"arrive_at": "2026-11-24T12:00:00"},
        {"arrive_at": "0001-01-01T00:00:00+08:00"},
        {"leave_at": "9999-12-31T23:59:59-08:00"},
        {"leave_at": "2000-01-01T00:00:00Z"},
        {"leave_at": 1e400},
        {"guests_expected": 0},
        {"guests_expected": 61},
        {"guests_expected": 1e99},
        {"unit_id": "unit_0"},
        {"unit_id": "\x00"},
        {"channel": "Ctrip; --"},
        {"channel": "x" * 21},
        {"channel_ref": ""},
        {"room_ids": ["x"] * 61},
        {"bed_ids": ["'"]},
        {"booker": {"name": "\ud800"}},
        {"booker": {"name": "x" * 121}},
    ],
    ids=lambda changes: ascii(changes)[:40],
)
def test_a_booking_with_one_impossible_answer_is_refused(world: World, changes: dict[str, Any]) -> None:
    desk = world.signed_in(Role.OFFICE)
    with Unchanged():
        problem(post(desk, "/api/bookings", booking_body(world, **changes)))


@pytest.mark.parametrize(
    "query",
    [
        "date=0001-01-01",
        "date=9999-12-31",
        "date=tomorrow",
        "page=0",
        "page=-1",
        "page=99999999999999999999",
        "text=%00",
        "state=%00",
        "unit=%00",
        "text=%ff%fe",
    ],
)
def test_a_question_that_makes_no_sense_is_answered_without_an_error(world: World, query: str) -> None:
    desk = world.signed_in(Role.OFFICE)
    for path in ("/api/stays", "/api/bookings", "/api/overview", "/api/reports", "/api/units", "/api/gate-events"):
        assert desk.get(f"{path}?{query}").status_code < 500, path


@pytest.mark.parametrize("text", ["%", "_", "\\", "'", '"', "<b>", "张", "🀄", "x" * 3000])
def test_whatever_is_searched_for_is_only_searched_for(world: World, text: str) -> None:
    world.stay()
    answer = world.signed_in(Role.OFFICE).get("/api/stays", {"text": text})
    assert answer.status_code in (200, 422)


@pytest.mark.parametrize("stay_id", ["x", "%00", "..%2f..", "'", "%ff", "me%20", "a" * 5000])
def test_an_id_of_nothing_is_not_found(world: World, stay_id: str) -> None:
    desk = world.signed_in(Role.OFFICE)
    with Unchanged():
        for path in (f"/api/stays/{stay_id}", f"/api/bookings/{stay_id}/link"):
            assert desk.get(path).status_code in (404, 405, 422), path
        assert post(desk, f"/api/stays/{stay_id}/check-in").status_code in (404, 405, 422)


def test_a_route_that_is_not_there_is_a_problem_document_or_a_plain_404(world: World) -> None:
    desk = world.signed_in(Role.OFFICE)
    assert desk.get("/api/nothing").status_code == 404
    assert desk.delete("/api/stays").status_code == 405


def test_the_desk_runs_a_booking_through_its_verbs(world: World) -> None:
    desk = world.signed_in(Role.OFFICE)
    booked = body_of(post(desk, "/api/bookings", booking_body(world)))["booking"]
    until = (world.now + 2 * DAY).isoformat()
    assert post(desk, f"/api/bookings/{booked['id']}/extend", {"leave_at": until}).status_code == 200
    assert body_of(desk.get(f"/api/bookings/{booked['id']}/link"))["registration_token"]
    made = body_of(post(desk, f"/api/bookings/{booked['id']}/guests", filled(world)))
    beds = world.units["dorm"].rooms[0]
    moved = {"room_id": beds.room_id, "bed_id": beds.beds[3].bed_id}
    assert post(desk, f"/api/stays/{made['stay']['id']}/move", moved).status_code == 200
    day = (world.now + timedelta(hours=8)).date().isoformat()
    listed = body_of(desk.get("/api/stays", {"date": day}))
    assert [row["id"] for row in listed["items"]] == [made["stay"]["id"]]
    assert post(desk, f"/api/bookings/{booked['id']}/cancel", {"reason": "ill"}).status_code == 200
    assert Booking.objects.get(id=booked["id"]).state == "CANCELLED"
    empty = body_of(post(desk, "/api/bookings", booking_body(world)))["booking"]
    assert post(desk, f"/api/bookings/{empty['id']}/no-show").status_code == 200


def test_a_feed_is_uploaded_and_answered_line_by_line(world: World) -> None:
    desk = world.signed_in(Role.OFFICE)
    calendar = SimpleUploadedFile("feed.ics", (EXAMPLES / "feeds" / "booking-feed.ics").read_bytes())
    answer = desk.post("/api/bookings/feed", {"file": calendar, "unit_id": world.units["home"].id})
    assert (answer.status_code, body_of(answer)["booked"]) == (200, 4)
    with Unchanged():
        problem(desk.post("/api/bookings/feed", {"file": SimpleUploadedFile("f", b"x"), "feed": "../../etc"}))
        problem(desk.post("/api/bookings/feed", {}))


def test_a_suspended_pass_mints_no_codes(world: World) -> None:
    (stay,) = world.stay()
    phone = world.bearer(guest_token(Stay.objects.get(id=stay.id), now=world.now))
    assert phone.get("/api/stays/me/codes").status_code == 200
    assert phone.get("/api/stays/me/codes?count=0").status_code == 422
    assert phone.get("/api/stays/me/codes?count=121").status_code == 422
