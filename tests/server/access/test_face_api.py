"""Faces over HTTP, with the real engine and real pictures of one astronaut: from the yes on the phone to the door, and out again."""

import json
import os
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from linli.faces import fetching, models
from linli.faces.engine import Engine
from linli.faces.gallery import template_from_bytes
from linli.faces.pictures import open_picture
from linli.gate import wire
from linli.gate.decision import Kind, Scan, decide
from linli.gate.snapshot import Snapshot, apply
from linli.server.access.models import FaceTemplate, Pass
from linli.server.kernel.actors import Role
from linli.server.stays.actions.registration import guest_token
from linli.server.stays.models import Stay
from linli.server.stays.queries import StayView
from tests.world import Unchanged, World, body_of, build

FACES = Path(__file__).parents[3] / "examples" / "faces"
PORTRAIT = (FACES / "portrait.jpg").read_bytes()
JSON = "application/json"


@pytest.fixture(scope="module", autouse=True)
def _weights() -> None:
    # The models are fetched once, checked by sha256; a machine that cannot fetch them fails, it does not skip.
    fetching.fetch(models.home())


@pytest.fixture
def world(db: None) -> World:
    return build()


def phone_of(world: World, stay: StayView) -> Client:
    """The guest's phone."""
    return world.bearer(guest_token(Stay.objects.get(id=stay.id), now=world.now))


def turned(side: str) -> list[bytes]:
    """The pictures of a turn of the head to that side and back."""
    return [(FACES / f"{side.lower()}-{number}.jpg").read_bytes() for number in range(1, 9)]


def say_yes(client: Client, **more: object) -> Any:
    notice = body_of(client.get("/api/privacy/notices/face_pass"))
    body = {"notice_digest": notice["digest"], **more}
    return client.post("/api/faces/consents", json.dumps(body), content_type=JSON)


def begin(client: Client, **more: object) -> Any:
    return client.post("/api/faces/enrolments", json.dumps(more), content_type=JSON)


def send(client: Client, ticket: str, *, picture: bytes = PORTRAIT, frames: list[bytes]) -> Any:
    files = {
        "picture": SimpleUploadedFile("a.jpg", picture),
        "frames": [SimpleUploadedFile(f"{number}.jpg", frame) for number, frame in enumerate(frames)],
    }
    return client.post(f"/api/faces/enrolments/{ticket}/pictures", files)


def enrol(client: Client, **more: object) -> Any:
    asked = body_of(begin(client, **more))
    return send(client, asked["ticket"], frames=turned(asked["side"]))


@pytest.fixture
def written() -> Iterator[list[str]]:
    """Every file that is opened to be written while the test runs."""
    names: list[str] = []
    watching = [True]

    def note(event: str, about: tuple[Any, ...]) -> None:
        if watching[0] and event == "open" and about[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            names.append(str(about[0]))

    sys.addaudithook(note)
    yield names
    watching[0] = False


def test_a_guest_enrols_on_the_phone_and_another_picture_of_them_opens_the_door(world: World) -> None:
    (stay,) = world.stay(state="IN_HOUSE")
    phone, box = phone_of(world, stay), world.bearer(world.box.key)
    assert begin(phone).status_code == 409
    assert say_yes(phone).status_code == 200
    answer = enrol(phone)
    assert answer.status_code == 200, answer.content
    face = body_of(answer)["face"]
    assert body_of(answer)["pictures_kept"] == 0
    assert body_of(phone.get("/api/faces/mine"))["held"] == face

    (sheet,) = wire.decode_faces(box.get(f"/api/gate/faces?ids={face['id']},face_none").content)
    engine = Engine(registry=models.load(models.home()))
    assert sheet.model == engine.model == face["model"]
    stored = template_from_bytes(sheet.template, id=sheet.id, model=sheet.model)
    second = engine.read(open_picture((FACES / "second.jpg").read_bytes()))
    assert second.vector is not None
    assert float(stored.vector @ second.vector) > engine.registry.thresholds.similarity
    known = apply(Snapshot(estate=world.estate_id), wire.decode_delta(box.get("/api/gate/delta").content))
    assert decide(Scan(gate="G01", kind=Kind.FACE, text=face["id"]), known, world.now).open

    gone = body_of(phone.delete("/api/faces/mine"))
    assert (gone["held"], gone["removed"][0]["id"]) == (None, face["id"])
    assert wire.decode_faces(box.get(f"/api/gate/faces?ids={face['id']}").content) == ()
    assert body_of(phone.get(f"/api/faces/{face['id']}/receipts"))["gates"] == 4


def test_no_picture_touches_the_disk_however_large(world: World, written: list[str]) -> None:
    (stay,) = world.stay(state="IN_HOUSE")
    phone = phone_of(world, stay)
    say_yes(phone)
    asked = body_of(begin(phone))
    large = as_png(PORTRAIT, times=4)
    assert len(large) > 2_621_440
    written.clear()
    answer = send(phone, asked["ticket"], picture=large, frames=turned(asked["side"]))
    assert answer.status_code == 200, answer.content
    assert written == []
    row = FaceTemplate.objects.get()
    assert len(bytes(row.sealed)) < 4_000
    assert all(len(measure) < 40 for measure in row.quality)


def as_png(picture: bytes, *, times: int) -> bytes:
    """The same picture as a large file: enlarged, with a little noise that nothing packs away."""
    image = Image.open(BytesIO(picture))
    larger = numpy.asarray(image.resize((image.width * times, image.height * times), Image.Resampling.BICUBIC)).astype(
        int
    )
    noisy = larger + numpy.random.default_rng(3).integers(-3, 4, larger.shape)
    out = BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype("uint8")).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("trick", ["still", "wrong side", "no face", "stranger turns"])
def test_what_is_no_face_that_turns_as_asked_is_refused_with_the_reason(world: World, trick: str) -> None:
    (stay,) = world.stay(state="IN_HOUSE")
    phone = phone_of(world, stay)
    say_yes(phone)
    asked = body_of(begin(phone))
    other = {"LEFT": "RIGHT", "RIGHT": "LEFT"}[asked["side"]]
    grey = BytesIO()
    Image.new("RGB", (640, 480), (120, 120, 120)).save(grey, "JPEG")
    hopper = (Path(__file__).parents[2] / "faces" / "pictures" / "grace-hopper.jpg").read_bytes()
    picture, frames, reason = {
        "still": (PORTRAIT, [PORTRAIT] * 6, "NO_TURN"),
        "wrong side": (PORTRAIT, turned(other), "WRONG_SIDE"),
        "no face": (grey.getvalue(), turned(asked["side"]), "NO_FACE"),
        "stranger turns": (PORTRAIT, [*turned(asked["side"])[:5], hopper], "OTHER_FACE"),
    }[trick]
    with Unchanged():
        answer = send(phone, asked["ticket"], picture=picture, frames=frames)
    told = body_of(answer)
    assert (answer.status_code, told["code"], told["details"]["reason"]) == (422, "face_unusable", reason)
    assert told["message"]["zh"].startswith("不能使用：")


def test_what_is_no_picture_or_too_many_is_refused(world: World) -> None:
    (stay,) = world.stay(state="IN_HOUSE")
    phone = phone_of(world, stay)
    say_yes(phone)
    ticket = body_of(begin(phone))["ticket"]
    with Unchanged():
        assert send(phone, ticket, picture=b"<svg/>", frames=turned("left")).status_code == 415
        assert send(phone, ticket, frames=[PORTRAIT] * 9).status_code == 422
        assert send(phone, ticket, frames=[PORTRAIT] * 3).status_code == 422
        assert send(phone, ticket, picture=b"x" * 26_000_000, frames=[PORTRAIT] * 4).status_code in (413, 422)
        assert send(phone, "x.y.z-not-a-ticket", frames=turned("left")).status_code == 409


def test_the_guard_enrols_whoever_stands_there_by_the_number_on_their_pass(world: World) -> None:
    (stay,) = world.stay(state="IN_HOUSE")
    desk, number = world.signed_in(Role.GUARD), Pass.objects.get().number
    assert say_yes(desk, pass_number=number).status_code == 422
    assert say_yes(desk, pass_number=number, evidence="signed on the screen").status_code == 200
    answer = enrol(desk, pass_number=number)
    assert answer.status_code == 200, answer.content
    shown = body_of(desk.get(f"/api/faces/of?pass_number={number}"))
    assert shown["held"] == body_of(answer)["face"]
    taken = desk.post("/api/faces/withdrawals", json.dumps({"pass_number": number}), content_type=JSON)
    assert (taken.status_code, body_of(taken)["held"]) == (200, None)
    assert body_of(phone_of(world, stay).get("/api/faces/mine"))["removed"][0]["why"] == "CONSENT_WITHDRAWN"


def test_nobody_but_a_box_is_given_a_face_and_no_answer_to_a_person_holds_one(world: World) -> None:
    (stay,) = world.stay(state="IN_HOUSE")
    phone = phone_of(world, stay)
    say_yes(phone)
    face = body_of(enrol(phone))["face"]
    (sheet,) = wire.decode_faces(world.bearer(world.box.key).get(f"/api/gate/faces?ids={face['id']}").content)
    encoded = wire.encode_faces((sheet,)).decode().split('"')
    secret = max(encoded, key=len)
    for role in (Role.POLICE, Role.ESTATE_ADMIN, Role.AUDITOR, Role.OFFICE, Role.GUARD):
        browser = world.signed_in(role)
        assert browser.get(f"/api/gate/faces?ids={face['id']}").status_code == 401
        for path in ("holdings", "errors", "reports", "mine", f"of?pass_number={Pass.objects.get().number}"):
            assert secret[:40] not in browser.get(f"/api/faces/{path}").content.decode()
    assert phone.get(f"/api/gate/faces?ids={face['id']}").status_code == 401
    assert secret[:40] not in phone.get("/api/faces/mine").content.decode()


def test_operators_and_the_police_have_no_business_with_faces(world: World) -> None:
    world.stay(state="IN_HOUSE")
    number = Pass.objects.get().number
    operator = world.signed_in(Role.OPERATOR, scope=f"operator:{world.operator_id}")
    for stranger in (operator, world.signed_in(Role.POLICE)):
        with Unchanged():
            for path in ("holdings", "errors", "reports", "mine", f"of?pass_number={number}", "face_x/receipts"):
                assert stranger.get(f"/api/faces/{path}").status_code == 403, path
            assert begin(stranger, pass_number=number).status_code == 403
            assert say_yes(stranger, pass_number=number, evidence="x").status_code == 403
            assert stranger.delete("/api/faces/mine").status_code == 403
    assert Client().get("/api/faces/mine").status_code == 401


def test_the_console_counts_faces_reads_errors_and_takes_an_evaluation(world: World) -> None:
    (stay,) = world.stay(state="IN_HOUSE")
    admin, phone = world.signed_in(Role.ESTATE_ADMIN), phone_of(world, stay)
    assert body_of(admin.get("/api/faces/holdings"))["duty"] == "none"
    told = {"gate": "G01", "kind": "FALSE_REJECT", "note": "glasses"}
    assert phone.post("/api/faces/errors", json.dumps(told), content_type=JSON).status_code == 201
    (gate,) = body_of(admin.get("/api/faces/errors?days=7"))
    assert (gate["gate"], gate["false_rejects"]["reported"]) == ("G01", 1)
    assert admin.post("/api/faces/reports", json.dumps({"form": 1}), content_type=JSON).status_code == 422
    assert body_of(admin.get("/api/faces/reports")) == []


def test_a_box_asks_for_a_hundred_faces_at_most(world: World) -> None:
    box = world.bearer(world.box.key)
    assert box.get("/api/gate/faces?ids=" + ",".join(f"f{number}" for number in range(101))).status_code == 422
    assert wire.decode_faces(box.get("/api/gate/faces").content) == ()
