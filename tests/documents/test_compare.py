"""What was read against what was typed: level 2 is earned, never given."""

from dataclasses import replace
from datetime import date

import pytest

from linli.documents import fields, mrz
from linli.documents.compare import COMPARED, TYPED, Typed, compare
from linli.documents.fields import ReadField, Reading
from linli.documents.mrz import FieldState

TODAY = date(2026, 11, 24)
GUEST = Typed(
    kind="resident_id",
    number="510108199003070010",
    native_name="林小邻",
    sex="male",
    birth_date=date(1990, 3, 7),
)
TRAVELLER = Typed(
    kind="foreign_passport",
    number="X40817263",
    latin_name="Maja Elisabet Lindqvist",
    sex="female",
    birth_date=date(1988, 5, 14),
    valid_until=date(2039, 11, 2),
    nationality="UTO",
)
ANNA = Typed(
    kind="foreign_passport", number="L898902C3", latin_name="ERIKSSON ANNA MARIA", birth_date=date(1974, 8, 12)
)
NAMES = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"
NUMBERS = "L898902C36UTO7408122F1204159ZE184226B<<<<<10"


def zone(names: str = NAMES, numbers: str = NUMBERS) -> Reading:
    return fields.from_mrz(mrz.read_mrz((names, numbers), today=TODAY))


@pytest.mark.parametrize("name", ["resident-id.png", "resident-id-askew-blurred.jpg", "resident-id-watermarked.png"])
def test_the_right_card_earns_level_two(read, name):
    result = compare(read(name), GUEST, today=TODAY)
    assert result.level == COMPARED
    assert set(result.matched) == {"number", "native_name", "sex", "birth_date"}
    assert (result.mismatched, result.unread, result.doubtful) == ((), (), ())


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"number": "51010819900307003X"}, "number"),
        ({"native_name": "林大邻"}, "native_name"),
        ({"sex": "female"}, "sex"),
        ({"birth_date": date(1990, 3, 8)}, "birth_date"),
    ],
)
def test_any_contradiction_keeps_the_guest_at_level_one(read, changed, field):
    result = compare(read("resident-id.png"), replace(GUEST, **changed), today=TODAY)
    assert result.level == TYPED
    assert result.mismatched == (field,)


def test_a_number_that_cannot_be_is_unread_and_doubtful(read):
    result = compare(read("resident-id-wrong-check-digit.png"), GUEST, today=TODAY)
    assert result.level == TYPED
    assert result.unread == ("number",)
    assert result.doubtful == ("number",)


def test_a_picture_of_something_else_leaves_everything_unread(read):
    result = compare(read("not-a-document.jpg"), GUEST, today=TODAY)
    assert result.level == TYPED
    assert set(result.unread) == {"number", "native_name", "sex", "birth_date"}
    assert compare(read("not-a-document.jpg"), TRAVELLER, today=TODAY).unread == (
        "number",
        "latin_name",
        "sex",
        "birth_date",
        "valid_until",
        "nationality",
    )


def test_somebody_else_s_card_is_a_mismatch(read):
    result = compare(read("hk-macao-permit.png"), GUEST, today=TODAY)
    assert result.level == TYPED
    assert "number" in result.mismatched


def test_a_permit_earns_level_two_by_number_and_name(read):
    permit = Typed(kind="hk_macao_permit", number="H00012345", native_name="何嘉样", birth_date=date(1985, 6, 15))
    assert compare(read("hk-macao-permit.png"), permit, today=TODAY).level == COMPARED


def test_a_passport_earns_level_two_by_its_zone(read):
    result = compare(read("passport-valid-until-2039.png"), TRAVELLER, today=TODAY)
    assert result.level == COMPARED
    assert result.expired is False
    assert set(result.matched) == {"number", "latin_name", "sex", "birth_date", "valid_until", "nationality"}


def test_an_expired_passport_is_flagged_and_still_compared(read):
    result = compare(read("passport-icao-specimen-expired.png"), ANNA, today=TODAY)
    assert (result.level, result.expired) == (COMPARED, True)


def test_a_bad_check_digit_in_number_birth_or_expiry_earns_nothing():
    for good, bad in (("L898902C3", "L898903C3"), ("7408122", "7408123"), ("1204159", "1204158")):
        result = compare(zone(numbers=NUMBERS.replace(good, bad)), ANNA, today=TODAY)
        assert result.level == TYPED
        assert result.doubtful != ()


def test_a_number_whose_look_alikes_are_open_is_settled_by_the_typed_one():
    typed = replace(ANNA, number="X00074063")
    head = "X00074063" + mrz.check_digit("X00074063")
    seen = zone(numbers="XOOO74O63" + head[9] + NUMBERS[10:])
    assert seen.mrz.states["number"] is FieldState.BAD
    assert compare(seen, typed, today=TODAY).level == COMPARED
    assert compare(seen, replace(typed, number="X0O074063"), today=TODAY).level == TYPED


def test_a_passport_shown_for_another_kind_is_a_mismatch():
    chinese = zone(names=NAMES.replace("UTO", "CHN"), numbers=NUMBERS)
    assert compare(chinese, ANNA, today=TODAY).mismatched == ("type",)
    assert compare(zone(), replace(ANNA, kind="prc_passport"), today=TODAY).mismatched == ("type",)
    assert compare(zone(), replace(ANNA, kind="hk_macao_permit"), today=TODAY).mismatched == ("type",)


def test_a_visa_is_no_passport():
    visa = zone("V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<<")
    assert compare(visa, ANNA, today=TODAY).level == TYPED


@pytest.mark.parametrize(
    ("printed", "typed", "same"),
    [
        ("ERIKSSON<<ANNA<MARIA", "Anna Maria Eriksson", True),
        ("ERIKSSON<<ANNAMARIA", "Eriksson Anna-Maria", True),
        ("LI<<XIAOMING", "Xiao Ming Li", True),
        ("MUELLER<<JOERG", "Jörg Müller", True),
        ("MULLER<<JORG", "Jörg Müller", True),
        ("OCONNOR<<SEAN", "Seán O’Connor", True),
        ("AAGAARD<<SOEREN", "Søren Ågaard", True),
        ("ERIKSSON<<ANNA<MARIA", "Anna Eriksson", False),
        ("ERIKSSON<<ANNA<MARIA", "Anna Maria Erikson", False),
        ("PAPANDROPOULOU<<ALEXANDRA<KONSTANTINA<M", "Alexandra Konstantina Maria Papandropoulou", True),
        ("PAPANDROPOULOU<<ALEXANDRA<KONSTANTINA<M", "Alexandra Konstantina Zoe Papandropoulou", False),
    ],
)
def test_latin_names_agree_in_any_order_and_spelling_but_not_in_part(printed, typed, same):
    result = compare(zone(names=f"P<UTO{printed}".ljust(44, "<")), replace(ANNA, latin_name=typed), today=TODAY)
    assert ("latin_name" in result.matched) is same
    assert (result.level == COMPARED) is same


def test_a_german_passport_agrees_with_the_country_as_typed():
    seen = zone("P<D<<MUSTERMANN<<ERIKA", "C01X00T478D<<6408125F2702283<<<<<<<<<<<<<<<4")
    typed = Typed(kind="foreign_passport", number="C01X00T47", birth_date=date(1964, 8, 12), nationality="DEU")
    assert compare(seen, typed, today=TODAY).level == COMPARED


def test_a_name_that_was_hardly_seen_is_unread_rather_than_wrong():
    found = {
        "number": ReadField(value=GUEST.number, state=FieldState.OK, score=0.99),
        "native_name": ReadField(value="林小郊", state=FieldState.OK, score=0.6),
    }
    result = compare(Reading(kind="resident_id", fields=found), GUEST, today=TODAY)
    assert result.level == TYPED
    assert "native_name" in result.unread
    assert result.mismatched == ()


def test_what_was_typed_stays_out_of_tracebacks():
    assert "林小邻" not in repr(GUEST)
    assert "510108" not in repr(GUEST)
