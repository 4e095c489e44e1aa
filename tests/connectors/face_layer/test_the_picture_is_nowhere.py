"""A picture is shown once and is nowhere afterwards: no row, no file, no line of a log, and nothing of what a phone wrote into it."""

import base64
import contextlib
import io
import json
import logging
import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db import connection
from PIL import Image

from linli.server.connectors.face_check.picture import plain_copy
from linli.server.connectors.models import FaceCheck
from linli.server.kernel.files import NotAPicture
from linli.server.privacy import actions as privacy
from linli.server.privacy import queries as purposes
from linli.server.stays.models import Stay
from tests.connectors.face_layer.layers import Scripted, say_yes, show
from tests.sim.face_layer.running import RunningLayer
from tests.world import World

pytestmark = pytest.mark.django_db


def telling_picture(size: tuple[int, int] = (1600, 2000)) -> bytes:
    """A picture that says where, when and with what it was taken, lying on its side."""
    nothing = Image.new("L", size)
    image = Image.merge("RGB", (nothing, Image.effect_noise(size, 60), nothing))
    tags = Image.Exif()
    tags[0x010F], tags[0x0110], tags[0x0112], tags[0x0132] = "MakerOfPhones", "Model 9", 6, "2026:11:24 08:00:00"
    tags.get_ifd(0x8825)[2] = (30.0, 39.0, 30.0)
    out = io.BytesIO()
    image.save(out, "JPEG", exif=tags, comment=b"at home with grandmother")
    return out.getvalue()


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


def everything_stored() -> str:
    """Every row of every table, as text; bytes stand there as hexadecimal digits."""
    with connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
        parts = [f"SELECT coalesce(string_agg(t::text, '|'), '') FROM \"{name}\" t" for name in names]
        cursor.execute(" UNION ALL ".join(parts))
        return "\n".join(row[0] for row in cursor.fetchall())


def traces(content: bytes) -> list[str]:
    """How a piece of a picture would look wherever it might lie."""
    inside = content[len(content) // 2 : len(content) // 2 + 48]
    return [inside.hex(), base64.b64encode(content).decode()[200:260], repr(inside)[2:40]]


def test_no_row_no_file_and_no_log_has_the_picture(
    world: World, layer: Any, written: list[str], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    who = world.person()
    stay = world.register(world.book(), who).stay
    say_yes(world, stay)
    original = telling_picture()
    copy = plain_copy(original)
    written.clear()
    with caplog.at_level(logging.DEBUG):
        answer = show(world, stay, layer, content=original)
    assert answer.outcome == "CONFIRMED"
    assert written == []
    said = caplog.text + "".join(capfd.readouterr())
    stored = everything_stored()
    # The search would find it: what is meant to be kept is found.
    assert FaceCheck.objects.get().message_id in stored
    assert who.document_number not in said
    assert who.native_name not in said
    for trace in (*traces(original), *traces(copy)):
        assert trace not in stored
        assert trace not in said
    assert "face" not in {field.name for field in FaceCheck._meta.fields}
    assert "picture" not in {field.name for field in FaceCheck._meta.fields}


def test_nothing_that_a_phone_wrote_into_the_picture_leaves(world: World, layer: Any, books: httpx.Client) -> None:
    stay = world.register(world.book()).stay
    say_yes(world, stay)
    original = telling_picture()
    show(world, stay, layer, content=original)
    told = books.get("/face/v1/books", params={"after": books.get("/face/v1/books").json()["count"] - 1}).json()
    (row,) = told["rows"]
    assert (row["tags"], row["width"], row["height"]) == (0, 1024, 819)
    copy = plain_copy(original)
    for secret in (b"MakerOfPhones", b"grandmother", b"2026:11:24", b"Exif"):
        assert secret in original
        assert secret not in copy


def test_tags_made_to_break_a_reader_are_no_picture(world: World) -> None:
    broken = (
        telling_picture().replace(b"Exif\x00\x00MM", b"Exif\x00\x00XX").replace(b"Exif\x00\x00II", b"Exif\x00\x00XX")
    )
    with contextlib.suppress(NotAPicture):
        assert plain_copy(broken)[:2] == b"\xff\xd8"


def test_the_ledger_stands_when_the_layer_goes_down_after_it_was_asked(
    world: World, layer: Any, books: httpx.Client
) -> None:
    stay = world.register(world.book()).stay
    say_yes(world, stay)
    books.post("/faults", json={"lost_answer": 1})
    before = books.get("/face/v1/books").json()["count"]
    answer = show(world, stay, layer)
    assert (answer.outcome, answer.stay.state) == ("NOT_AVAILABLE", "REGISTERED")
    assert books.get("/face/v1/books").json()["count"] == before + 1
    check = FaceCheck.objects.get()
    person_id = Stay.objects.get(id=stay.id).person_id
    ledger = purposes.list_disclosures(estate_id=world.estate_id, person_id=person_id)
    assert [row.message_id for row in ledger] == [check.message_id]
    assert (check.verdict, check.code, check.score, check.receipt) == ("NO_ANSWER", "broken_connection", None, "")


@pytest.mark.django_db(transaction=True)
def test_the_ledger_is_committed_before_anything_leaves(world: World, other_side: RunningLayer) -> None:
    stay = world.register(world.book()).stay
    say_yes(world, stay)
    open_blocks: list[bool] = []
    show(world, stay, Scripted(first=lambda asked: open_blocks.append(connection.in_atomic_block)))
    assert open_blocks == [False]


def test_what_is_kept_can_be_given_out_and_ends_after_ninety_days(world: World) -> None:
    stay = world.register(world.book()).stay
    say_yes(world, stay)
    show(world, stay, Scripted())
    (holding,) = [one for one in purposes.holdings() if one.model == "connectors.FaceCheck"]
    person_id = Stay.objects.get(id=stay.id).person_id
    (told,) = holding.export(world.estate_id, person_id)
    assert (told["verdict"], told["score"], told["receipt"]) == ("SAME", 930, "FL1")
    assert json.dumps(told, default=str)
    assert holding.export(world.estate_id, "per_nobody") == []
    terms = purposes.get_purpose(estate_id=world.estate_id, code=holding.purpose_code)
    assert terms.retention_days == 90
    assert holding.erase_expired(world.now + timedelta(days=90)) == 0
    assert privacy.enforce_retention(now=world.now + timedelta(days=90, minutes=1))["connectors.FaceCheck"] == 1
    assert not FaceCheck.objects.exists()
