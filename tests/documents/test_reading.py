"""Real pictures, really read: the specimens under examples/, turned, shrunk, broken and hostile."""

import contextlib
import io
import struct
import threading
import time
import zlib
from datetime import date

import numpy as np
import pytest
from PIL import Image

from linli.documents import fields, problems, reading
from linli.documents.fields import Line
from linli.documents.mrz import FieldState
from tests.documents.conftest import EXAMPLES

TODAY = date(2026, 11, 24)
CARD = {
    "number": "510108199003070010",
    "native_name": "林小邻",
    "sex": "male",
    "birth_date": "1990-03-07",
}


def values(read: fields.Reading) -> dict[str, str]:
    return {name: field.value for name, field in read.fields.items()}


def example(name: str) -> Image.Image:
    return Image.open(EXAMPLES / "documents" / name).convert("RGB")


def jpeg(picture: Image.Image, **options) -> bytes:
    held = io.BytesIO()
    picture.save(held, "JPEG", quality=80, **options)
    return held.getvalue()


@pytest.mark.parametrize("name", ["resident-id.png", "resident-id-askew-blurred.jpg", "resident-id-watermarked.png"])
def test_a_resident_card_is_read_field_by_field(read, name):
    card = read(name)
    assert card.kind == "resident_id"
    assert values(card) == CARD
    assert all(field.state is FieldState.OK for field in card.fields.values())


def test_a_number_that_cannot_be_is_read_and_marked_bad(read):
    card = read("resident-id-wrong-check-digit.png")
    assert card.fields["number"].value == "510108199003070011"
    assert card.fields["number"].state is FieldState.BAD
    assert "number" not in card.sure_fields


def test_a_permit_is_read_by_its_name_and_number(read):
    card = read("hk-macao-permit.png")
    assert card.kind == "hk_macao_permit"
    assert values(card) == {
        "number": "H00012345",
        "native_name": "何嘉样",
        "sex": "female",
        "birth_date": "1985-06-15",
    }


def test_the_specimen_of_the_standard_is_read_by_its_zone(read):
    page = read("passport-icao-specimen-expired.png")
    assert values(page) == {
        "number": "L898902C3",
        "latin_name": "ERIKSSON ANNA MARIA",
        "nationality": "UTO",
        "issuing_state": "UTO",
        "birth_date": "1974-08-12",
        "valid_until": "2012-04-15",
        "sex": "female",
    }
    assert page.mrz.identifies
    assert page.mrz.bad_fields == ()
    assert page.mrz.expired(today=TODAY) is True


def test_a_passport_in_force_is_not_flagged(read):
    page = read("passport-valid-until-2039.png")
    assert (page.mrz.number, page.mrz.surname, page.mrz.given_names) == ("X40817263", "LINDQVIST", "MAJA ELISABET")
    assert page.mrz.expired(today=TODAY) is False


def test_what_is_no_document_is_said_to_be_none(read):
    view = read("not-a-document.jpg")
    assert view.kind is None
    assert not view.readable
    assert dict(view.fields) == {}


def test_addresses_and_ethnicity_are_never_returned(read):
    for name in ("resident-id.png", "resident-id-askew-blurred.jpg", "resident-id-watermarked.png"):
        held = " ".join(values(read(name)).values()) + repr(read(name))
        for secret in ("虚构路", "样本市", "汉"):
            assert secret not in held
        assert "林小邻" not in repr(read(name))
        assert "510108" not in repr(read(name))


@pytest.mark.parametrize("quarters", [90, 180, 270])
def test_a_card_lying_any_way_round_is_read(quarters):
    turned = example("resident-id.png").rotate(quarters, expand=True)
    assert values(reading.read_picture(jpeg(turned), today=TODAY)) == CARD


def test_a_passport_standing_on_its_head_is_read():
    turned = example("passport-valid-until-2039.png").rotate(180)
    assert reading.read_picture(jpeg(turned), today=TODAY).mrz.number == "X40817263"


def test_the_camera_s_own_note_of_orientation_is_heeded():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn a quarter to the right
    stored = example("resident-id.png").rotate(90, expand=True)
    assert values(reading.read_picture(jpeg(stored, exif=exif), today=TODAY)) == CARD


def test_a_photograph_of_twelve_megapixels_and_a_thumbnail_are_read():
    desk = Image.new("RGB", (4000, 3000), (96, 84, 72))
    desk.paste(example("resident-id.png").resize((1700, 1067)), (900, 800))
    assert values(reading.read_picture(jpeg(desk), today=TODAY)) == CARD
    assert values(reading.read_picture(jpeg(example("resident-id.png").resize((400, 251))), today=TODAY)) == CARD


def test_pixels_are_read_as_files_are():
    pixels = np.ascontiguousarray(np.asarray(example("resident-id.png"))[:, :, ::-1])
    assert values(reading.read_picture(pixels, today=TODAY)) == CARD


def test_grey_and_transparent_pictures_are_read():
    grey = io.BytesIO()
    example("resident-id.png").convert("L").save(grey, "PNG")
    clear = io.BytesIO()
    example("resident-id.png").convert("RGBA").save(clear, "PNG")
    for held in (grey, clear):
        assert values(reading.read_picture(held.getvalue(), today=TODAY)) == CARD


def gif() -> bytes:
    held = io.BytesIO()
    Image.new("RGB", (400, 400)).save(held, "GIF")
    return held.getvalue()


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00" * 4000, b"<svg onload=alert(1)>", b"\xff\xd8\xff\xe0 not a jpeg", b"\x89PNG\r\n\x1a\n", gif()],
)
def test_what_is_no_jpeg_or_png_is_refused(data):
    with pytest.raises(problems.PictureWrong):
        reading.read_picture(data, today=TODAY)


def test_a_cut_or_scribbled_file_is_refused_or_read_but_never_breaks():
    whole = (EXAMPLES / "documents" / "not-a-document.jpg").read_bytes()
    cut = [whole[: len(whole) * part // 8] for part in range(1, 8)]
    scribbled = [whole[:at] + b"\x00\xff" + whole[at + 2 :] for at in range(2, 600, 90)]
    for data in cut + scribbled:
        with contextlib.suppress(problems.PictureWrong):
            assert reading.read_picture(data, today=TODAY).kind is None


def test_a_bomb_is_refused_before_it_unpacks():
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10_000)))
    before = time.monotonic()
    with pytest.raises(problems.PictureTooLarge):
        reading.read_picture(bomb, today=TODAY)
    assert time.monotonic() - before < 1


def test_pictures_too_large_and_too_small_are_refused():
    with pytest.raises(problems.PictureTooLarge):
        reading.read_picture(b"\xff\xd8" + bytes(reading.MAX_BYTES), today=TODAY)
    with pytest.raises(problems.PictureTooSmall):
        reading.read_picture(jpeg(Image.new("RGB", (100, 100))), today=TODAY)
    with pytest.raises(problems.PictureWrong):
        reading.read_picture(np.zeros((400, 400), np.uint8), today=TODAY)


def test_a_blank_page_is_no_document():
    assert reading.read_picture(jpeg(Image.new("RGB", (800, 600), "white")), today=TODAY).kind is None


def test_nothing_is_written_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    reading.read_picture((EXAMPLES / "documents" / "resident-id.png").read_bytes(), today=TODAY)
    assert list(tmp_path.iterdir()) == []


def test_two_guests_at_once_are_both_read():
    found: list[str] = []

    def one(name: str, field: str) -> None:
        data = (EXAMPLES / "documents" / name).read_bytes()
        found.append(reading.read_picture(data, today=TODAY).fields[field].value)

    both = [
        threading.Thread(target=one, args=("resident-id.png", "number")),
        threading.Thread(target=one, args=("hk-macao-permit.png", "number")),
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted(found) == ["510108199003070010", "H00012345"]


def line(text: str, left: float, top: float, *, score: float = 1.0) -> Line:
    right, bottom = left + 20 * len(text), top + 30
    return Line(text=text, score=score, corners=((left, top), (right, top), (right, bottom), (left, bottom)))


def test_a_number_with_look_alikes_is_mended_only_if_its_check_character_confirms_it():
    seen = fields.from_lines([line("公民身份号码 51O108199003O70O10", 0, 0)], today=TODAY)
    assert seen.fields["number"].value == "510108199003070010"
    assert seen.fields["number"].state is FieldState.REPAIRED
    assert fields.from_lines([line("51O108199003O70O15", 0, 0)], today=TODAY).kind is None


def test_a_label_and_a_value_in_two_boxes_are_one_row():
    lines = [line("姓名", 40, 100), line("阿依古丽·买买提", 140, 104), line("510108199003070010", 300, 400)]
    assert values(fields.from_lines(lines, today=TODAY))["native_name"] == "阿依古丽·买买提"


def test_a_value_far_from_its_label_is_not_taken_for_it():
    lines = [line("姓名", 40, 100), line("样本", 900, 100), line("510108199003070010", 300, 400)]
    assert "native_name" not in fields.from_lines(lines, today=TODAY).fields


def test_a_birth_date_that_does_not_exist_is_not_read():
    lines = [line("出生 1990年2月30日", 0, 0), line("510108199003070010", 0, 200)]
    assert "birth_date" not in fields.from_lines(lines, today=TODAY).fields


def test_a_taiwan_permit_is_known_by_its_heading():
    lines = [line("台湾居民来往大陆通行证", 0, 0), line("姓名 陈样本", 0, 100), line("证件号码 01234567", 0, 200)]
    seen = fields.from_lines(lines, today=TODAY)
    assert (seen.kind, seen.fields["number"].value) == ("taiwan_permit", "01234567")


def test_lines_without_anything_are_no_document():
    assert fields.from_lines([], today=TODAY).kind is None
    assert fields.from_lines([line("早餐", 0, 0), line("", 5, 5)], today=TODAY).kind is None
