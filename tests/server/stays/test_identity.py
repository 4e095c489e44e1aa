"""How sure we become: a real picture (L2), a bench reader's signed record (L3), the eyes of the house (L4)."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from linli.server.kernel.errors import NotAllowed
from linli.server.kernel.files import check_picture
from linli.server.people import queries as people
from linli.server.people.actions import DocumentInput, PersonInput
from linli.server.stays import actions as stays
from linli.server.stays.actions.identity import RecordForged, RecordOfAnother, RecordTooOld
from linli.server.stays.models import Stay
from linli.server.stays.queries import StayView
from linli.server.stays.rules.states import StayNotThere
from tests.world import Unchanged, World, digest

pytestmark = pytest.mark.django_db
DOCUMENTS = Path(__file__).parents[3] / "examples" / "documents"
LIN = PersonInput(native_name="林小邻", sex="male", birth_date=date(1990, 3, 7), nationality="CHN")
LINS_CARD = DocumentInput(kind="resident_id", number="510108199003070010")


def lin(world: World) -> StayView:
    return world.register(world.book(), person=LIN, document=LINS_CARD).stay


def show(world: World, stay: StayView, name: str) -> stays.PictureRead:
    picture = check_picture((DOCUMENTS / name).read_bytes())
    return stays.read_document(actor=world.guest(stay), stay_id=stay.id, picture=picture, now=world.now)


def test_a_picture_that_agrees_lets_the_guest_in(world: World) -> None:
    stay = lin(world)
    read = show(world, stay, "resident-id.png")
    assert (read.level, read.stay.state, read.mismatched) == (2, "VERIFIED", ())
    assert {"number", "native_name"} <= set(read.matched) or "number" in read.matched
    assert read.stay.access_pass.state == "active"


def test_a_picture_of_somebody_else_leaves_the_guest_waiting(world: World) -> None:
    stay = world.register(world.book()).stay
    read = show(world, stay, "resident-id.png")
    assert (read.level, read.stay.state) == (1, "REGISTERED")
    assert "number" in read.mismatched
    assert read.stay.access_pass is None


def test_a_picture_of_no_document_is_an_answer_not_an_error(world: World) -> None:
    stay = lin(world)
    read = show(world, stay, "not-a-document.jpg")
    assert (read.level, read.stay.state, read.matched) == (1, "REGISTERED", ())


def test_a_card_with_a_wrong_check_digit_never_earns_level_two(world: World) -> None:
    stay = lin(world)
    assert show(world, stay, "resident-id-wrong-check-digit.png").level < 2


def test_a_picture_is_never_stored(world: World) -> None:
    stay = lin(world)
    show(world, stay, "resident-id.png")
    (check,) = [
        c for c in people.list_checks(estate_id=world.estate_id, document_id=row(stay).document_id) if c.level > 1
    ]
    assert check.method == "ocr"
    assert not [name for name in digest() if "picture" in name or "image" in name]


def row(stay: StayView) -> Stay:
    return Stay.objects.get(id=stay.id)


def test_a_picture_after_check_out_is_refused(world: World) -> None:
    (stay,) = world.stay(state="IN_HOUSE")
    stays.check_out(actor=world.guest(stay), stay_id=stay.id, now=world.now + timedelta(minutes=1))
    with Unchanged(), pytest.raises(StayNotThere):
        show(world, stay, "resident-id.png")


def test_another_guest_shows_no_picture_for_this_stay(world: World) -> None:
    (other,) = world.stay("dorm")
    stay = lin(world)
    picture = check_picture((DOCUMENTS / "resident-id.png").read_bytes())
    with Unchanged(), pytest.raises(NotAllowed):
        stays.read_document(actor=world.guest(other), stay_id=stay.id, picture=picture, now=world.now)


def test_a_readers_signed_record_is_level_three(world: World) -> None:
    reader, who = world.bench_reader(), world.person()
    stay = world.register(world.book(), who).stay
    told = reader.read(person=who, now=world.now).as_json()
    seen = stays.accept_reader_record(actor=world.guard, stay_id=stay.id, now=world.now, **told)
    assert (seen.level, seen.state, seen.identity) == (3, "VERIFIED", "DOC_CHECKED")


def test_a_record_that_was_changed_or_signed_by_a_stranger_is_forged(world: World) -> None:
    reader, who = world.bench_reader(), world.person()
    stay = world.register(world.book(), who).stay
    told = reader.read(person=who, now=world.now).as_json()
    stranger = world.bench_reader("reader-2").read(person=who, now=world.now).as_json()
    forged = [
        {**told, "record": told["record"].replace("CHN", "USA")},
        {**told, "signature": told["signature"][:-8] + "AAAAAAAA"},
        {**told, "signature": "签名"},
        {**told, "signature": ""},
        {**told, "reader_id": "reader-9"},
        {**stranger, "reader_id": "reader-1"},
        {**told, "reader_id": "reader-2"},
        {**told, "record": "\ud800"},
    ]
    for body in forged:
        with Unchanged(), pytest.raises(RecordForged):
            stays.accept_reader_record(actor=world.guard, stay_id=stay.id, now=world.now, **body)


def test_an_old_record_is_read_again(world: World) -> None:
    reader, who = world.bench_reader(), world.person()
    stay = world.register(world.book(), who).stay
    for taken in (world.now - timedelta(minutes=31), world.now + timedelta(minutes=5)):
        told = reader.read(person=who, now=taken).as_json()
        with Unchanged(), pytest.raises(RecordTooOld):
            stays.accept_reader_record(actor=world.guard, stay_id=stay.id, now=world.now, **told)


def test_a_genuine_record_of_another_document_is_refused(world: World) -> None:
    reader = world.bench_reader()
    stay = world.register(world.book()).stay
    told = reader.read(person=world.person(), now=world.now).as_json()
    with Unchanged(), pytest.raises(RecordOfAnother):
        stays.accept_reader_record(actor=world.guest(stay), stay_id=stay.id, now=world.now, **told)


def test_a_record_that_names_somebody_else_under_the_same_number_is_refused(world: World) -> None:
    reader, who = world.bench_reader(), world.person()
    stay = world.register(
        world.book(), person=PersonInput(native_name="欧阳某", sex=who.sex.value, nationality="CHN")
    ).stay
    typed = row(stay)
    number = people.get_identity(
        estate_id=world.estate_id, person_id=typed.person_id, document_id=typed.document_id
    ).document_number
    told = reader.read(person=replace(who, document_number=number), now=world.now).as_json()
    with Unchanged(), pytest.raises(RecordOfAnother):
        stays.accept_reader_record(actor=world.guard, stay_id=stay.id, now=world.now, **told)


def test_the_eye_of_host_or_guard_is_level_four(world: World) -> None:
    for actor in (world.guard, world.operator):
        stay = world.register(world.book("dorm")).stay
        seen = stays.confirm_by_eye(actor=actor, stay_id=stay.id, now=world.now)
        assert (seen.level, seen.state, seen.identity) == (4, "VERIFIED", "PERSON_MATCHED")


def test_nobody_vouches_for_themselves_nor_for_another_flats_guest(world: World) -> None:
    stay = world.register(world.book()).stay
    for nobody in (world.guest(stay), world.other_operator):
        with Unchanged(), pytest.raises(NotAllowed):
            stays.confirm_by_eye(actor=nobody, stay_id=stay.id, now=world.now)


def test_a_reader_is_enrolled_by_the_office_only(world: World) -> None:
    for nobody in (world.operator, world.guard):
        with Unchanged(), pytest.raises(NotAllowed):
            stays.enrol_reader(actor=nobody, reader_id="r", public_key=b"\x00" * 32, now=world.now)


@pytest.mark.parametrize(
    ("picture", "level"), [("passport-icao-specimen-expired.png", 2), ("passport-valid-until-2039.png", 2)]
)
def test_a_passports_machine_readable_lines_are_read_from_the_picture(world: World, picture: str, level: int) -> None:
    expired = "expired" in picture
    person = PersonInput(
        native_name="Eriksson Anna Maria" if expired else "Lindqvist Maja Elisabet",
        latin_name="ERIKSSON ANNA MARIA" if expired else "LINDQVIST MAJA ELISABET",
        sex="female",
        birth_date=date(1974, 8, 12) if expired else date(1988, 5, 14),
        nationality="UTO",
    )
    document = DocumentInput(
        kind="foreign_passport",
        number="L898902C3" if expired else "X40817263",
        issuing_country="UTO",
    )
    stay = world.register(world.book(), person=person, document=document).stay
    read = show(world, stay, picture)
    assert (read.level, read.stay.state) == (level, "VERIFIED")
    assert read.stay.decision.row == (13 if expired else 11)
