"""A face check over HTTP on both sides, from the phone page's yes to the door, by the settings an estate would write."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings as server
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from linli.server.connectors import platforms
from linli.server.connectors.face_check import client
from linli.server.connectors.models import FaceCheck
from linli.server.kernel.actors import Role
from linli.server.stays.actions.registration import guest_token
from linli.server.stays.models import Stay
from linli.server.stays.queries import StayView
from tests.connectors.face_layer.layers import digest_of
from tests.sim.face_layer.running import GREEN, RED, TOKEN, RunningLayer, picture
from tests.world import Unchanged, World, body_of

pytestmark = pytest.mark.django_db
JSON = "application/json"


def forget() -> None:
    """Let the process read its links anew."""
    client.linked.cache_clear()
    platforms.link_settings.cache_clear()


@pytest.fixture
def linked(other_side: RunningLayer, books: httpx.Client, tmp_path: Path, settings: Any) -> Iterator[None]:
    """The links file of an estate that has a face layer."""
    file = tmp_path / "links.toml"
    file.write_text(f'[face_layer]\nurl = "{other_side.url}"\ntoken = "{TOKEN}"\n')
    settings.ENV = replace(server.ENV, links=file)
    forget()
    yield
    forget()


def phone_of(world: World, stay: StayView) -> Client:
    return world.bearer(guest_token(Stay.objects.get(id=stay.id), now=world.now))


def send(browser: Client, stay: StayView, content: bytes) -> Any:
    return browser.post(f"/api/stays/{stay.id}/face-check", {"picture": SimpleUploadedFile("x.gif", content)})


def say(browser: Client, stay: StayView, **body: object) -> Any:
    return browser.post(f"/api/stays/{stay.id}/face-check/consent", json.dumps(body), content_type=JSON)


def test_a_guest_without_a_document_at_hand_is_let_in_after_a_separate_yes(world: World, linked: None) -> None:
    stay = world.register(world.book()).stay
    phone = phone_of(world, stay)
    state = body_of(phone.get(f"/api/stays/{stay.id}/face-check"))
    assert (state["available"], state["needed"], state["consented_at"], state["speaker"]) == (True, True, None, "self")
    assert state["notice"]["zh"]
    assert state["notice"]["en"]
    refused = send(phone, stay, picture(GREEN))
    assert (refused.status_code, body_of(refused)["code"]) == (409, "face_check_consent_needed")
    assert say(phone, stay, notice_digest=state["notice"]["digest"]).status_code == 200
    answer = body_of(send(phone, stay, picture(GREEN)))
    assert (answer["outcome"], answer["verdict"], answer["pictures_kept"]) == ("CONFIRMED", "SAME", 0)
    assert (answer["stay"]["state"], answer["stay"]["level"]) == ("VERIFIED", 4)
    codes = body_of(phone.get("/api/stays/me/codes"))
    assert codes["codes"]


def test_a_face_that_does_not_agree_is_told_as_another_way_and_the_desk_sees_no_verdict(
    world: World, linked: None
) -> None:
    stay = world.register(world.book()).stay
    desk = world.signed_in(Role.GUARD)
    assert say(desk, stay, notice_digest=digest_of(world), evidence="form 3").status_code == 200
    answer = body_of(send(desk, stay, picture(RED)))
    assert (answer["outcome"], answer["verdict"], answer["score"]) == ("ANOTHER_WAY", None, None)
    (waiting,) = body_of(desk.get("/api/face-checks/another-way"))
    assert waiting["stay_id"] == stay.id
    assert "NOT_SAME" not in json.dumps([answer, waiting])
    assert body_of(desk.post(f"/api/stays/{stay.id}/eye-check"))["state"] == "VERIFIED"
    assert body_of(desk.get("/api/face-checks/another-way")) == []


@pytest.mark.parametrize("more", [{"marketing": True}, {"face_pass": True}, {"purpose": "face_pass"}])
def test_one_checkbox_never_says_two_things(world: World, linked: None, more: dict[str, object]) -> None:
    stay = world.register(world.book()).stay
    phone = phone_of(world, stay)
    with Unchanged():
        answer = say(phone, stay, notice_digest=digest_of(world), **more)
    assert answer.status_code == 422


def test_a_yes_is_taken_back_on_the_phone(world: World, linked: None) -> None:
    stay = world.register(world.book()).stay
    phone = phone_of(world, stay)
    say(phone, stay, notice_digest=digest_of(world))
    assert body_of(phone.delete(f"/api/stays/{stay.id}/face-check/consent"))["consented_at"] is None
    with Unchanged():
        assert send(phone, stay, picture()).status_code == 409


@pytest.mark.parametrize("fault", ["http_500", "nonsense", "duplicate", "lost_answer", "refuse_auth", "stray_receipt"])
def test_whatever_the_layer_does_the_guest_is_told_another_way(
    world: World, linked: None, books: httpx.Client, fault: str
) -> None:
    stay = world.register(world.book()).stay
    phone = phone_of(world, stay)
    say(phone, stay, notice_digest=digest_of(world))
    books.post("/faults", json={fault: 1})
    answer = send(phone, stay, picture())
    assert answer.status_code == 200, answer.content
    told = body_of(answer)
    assert (told["outcome"], told["stay"]["state"]) == ("NOT_AVAILABLE", "REGISTERED")
    assert [way["key"] for way in told["other_ways"]] == ["document", "eye", "certificate"]
    assert FaceCheck.objects.get().verdict in ("NO_ANSWER", "REFUSED")


def test_an_estate_without_a_face_layer_says_so_at_once(world: World) -> None:
    forget()
    stay = world.register(world.book()).stay
    phone = phone_of(world, stay)
    say(phone, stay, notice_digest=digest_of(world))
    assert not body_of(phone.get(f"/api/stays/{stay.id}/face-check"))["available"]
    told = body_of(send(phone, stay, picture()))
    assert (told["outcome"], told["check_id"]) == ("NOT_AVAILABLE", None)
    assert not FaceCheck.objects.exists()


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"%PDF-1.7", b"\x89PNG\r\n\x1a\n"])
def test_bytes_that_are_no_picture_are_refused(world: World, linked: None, content: bytes) -> None:
    stay = world.register(world.book()).stay
    phone = phone_of(world, stay)
    say(phone, stay, notice_digest=digest_of(world))
    with Unchanged():
        assert send(phone, stay, content).status_code in (415, 422)
