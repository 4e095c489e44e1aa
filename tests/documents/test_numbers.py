"""Document numbers, organisation codes and telephone numbers, against python-stdnum and by property."""

import string
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric, uscc

from linli.documents import kinds, numbers, problems
from linli.documents.kinds import KINDS, Whose
from linli.documents.numbers import Sex

TODAY = date(2026, 11, 24)
AREAS = ["510108", "110105", "440305", "310115", "500103", "653101"]

people = st.builds(
    numbers.synthetic_resident_id,
    st.sampled_from(AREAS),
    st.dates(date(1900, 1, 1), TODAY),
    st.integers(1, 999),
)


def refusal(kind: str, text: str, *, today: date = TODAY) -> problems.DocumentProblem:
    with pytest.raises(problems.DocumentProblem) as caught:
        numbers.parse_number(kind, text, today=today)
    return caught.value


@pytest.mark.parametrize(
    ("kind", "text", "born", "sex"),
    [
        ("resident_id", "510108199003070010", date(1990, 3, 7), Sex.MALE),
        ("resident_id", "510108201202290024", date(2012, 2, 29), Sex.FEMALE),
        ("temporary_id", "510108199003070010", date(1990, 3, 7), Sex.MALE),
        ("household_book", "510108201202290024", date(2012, 2, 29), Sex.FEMALE),
        ("hmt_residence_card", "810000198506150039", date(1985, 6, 15), Sex.MALE),
        ("hmt_residence_card", "830000197712010044", date(1977, 12, 1), Sex.FEMALE),
        ("foreign_permanent_residence", "911840198808080055", date(1988, 8, 8), None),
    ],
)
def test_a_citizen_number_tells_birth_date_and_sex(kind, text, born, sex):
    number = numbers.parse_number(kind, text, today=TODAY)
    assert (number.number, number.birth_date, number.sex) == (text, born, sex)
    assert number.notices == ()


@pytest.mark.parametrize(
    ("kind", "text", "stored"),
    [
        ("resident_id", "５１０１０８１９９００３０７００１０", "510108199003070010"),
        ("resident_id", " 510108 19900307 0010 ", "510108199003070010"),
        ("hk_macao_permit", "h12345678", "H12345678"),
        ("hk_macao_permit", "M1234567801", "M1234567801"),
        ("taiwan_permit", "12345678", "12345678"),
        ("taiwan_permit", "1234567801", "1234567801"),
        ("taiwan_permit", "12345678(B)", "12345678B"),
        ("foreign_permanent_residence", "USA110078091211", "USA110078091211"),
        ("prc_passport", "E12345678", "E12345678"),
        ("prc_passport", "EA1234567", "EA1234567"),
        ("prc_passport", "G12345678", "G12345678"),
        ("prc_passport", "SE1234567", "SE1234567"),
        ("foreign_passport", "L898902C3", "L898902C3"),
        ("birth_certificate", "t510123456", "T510123456"),
        ("hk_macao_exit_permit", "CA1234567", "CA1234567"),
        ("officer_card", "军字第12345678号", "军12345678"),
        ("police_certificate", "成公保和(2026)第0012号", "成公保和20260012"),
    ],
)
def test_a_number_is_stored_in_one_way_however_it_was_typed(kind, text, stored):
    assert numbers.parse_number(kind, text, today=TODAY).number == stored


def test_a_small_x_is_a_large_one():
    number = next(
        number
        for number in (numbers.synthetic_resident_id("510108", date(1990, 3, 7), at) for at in range(1, 50))
        if number.endswith("X")
    )
    assert numbers.parse_number("resident_id", number.lower(), today=TODAY).number == number


@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [
        ("resident_id", "", problems.NumberMissing),
        ("resident_id", "   ", problems.NumberMissing),
        ("resident_id", "51010819900307001", problems.WrongLength),
        ("resident_id", "5101081990030700100", problems.WrongLength),
        ("resident_id", "5" * 100_000, problems.WrongLength),
        ("resident_id", "51010819900307O010", problems.WrongCharacters),
        ("resident_id", "'; DROP TABLE x;--", problems.WrongLength),
        ("resident_id", "51010819900307\x00010", problems.WrongCharacters),
        ("resident_id", "٥١٠١٠٨١٩٩٠٠٣٠٧٠٠١٠", problems.WrongCharacters),
        ("resident_id", "510108199003070011", problems.WrongCheckDigit),
        ("resident_id", "510108900307001", problems.OldNumberRefused),
        ("resident_id", "810000198506150039", problems.OtherKind),
        ("resident_id", "911840198808080055", problems.OtherKind),
        ("hmt_residence_card", "510108199003070010", problems.OtherKind),
        ("foreign_permanent_residence", "510108199003070010", problems.OtherKind),
        ("hk_macao_permit", "Q12345678", problems.WrongForm),
        ("hk_macao_permit", "H1234", problems.WrongLength),
        ("prc_passport", "EI1234567", problems.WrongForm),
        ("foreign_passport", "ABCDEFGH", problems.WrongForm),
        ("foreign_passport", "L89<8902", problems.WrongCharacters),
        ("birth_certificate", "5101234567", problems.WrongForm),
        ("a_library_card", "1", problems.KindUnknown),
    ],
)
def test_a_wrong_number_is_refused_for_its_own_reason(kind, text, problem):
    refused = refusal(kind, text)
    assert type(refused) is problem
    assert refused.message()["zh"]
    assert refused.message()["en"]


def with_check(body: str) -> str:
    return body + numbers.citizen_check(body)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("51010819900230001", problems.ImpossibleDate),
        ("51010819001301001", problems.ImpossibleDate),
        ("51010819000229001", problems.ImpossibleDate),
        ("51010800000101001", problems.ImpossibleDate),
        ("51010820261125001", problems.BirthInFuture),
        ("51010818951123001", problems.AgeImpossible),
    ],
)
def test_a_birth_date_that_cannot_be_is_refused(body, problem):
    assert type(refusal("resident_id", with_check(body))) is problem


def test_the_vectors_of_the_domain_sheet_are_valid_to_stdnum():
    assert ric.is_valid("510108199003070010")
    assert ric.is_valid("510108201202290024")


def test_a_child_born_today_and_somebody_of_130_are_accepted():
    for born in (TODAY, date(1896, 11, 24)):
        text = numbers.synthetic_resident_id("510108", born, 1)
        assert numbers.parse_number("resident_id", text, today=TODAY).birth_date == born


def test_an_unknown_area_is_told_and_not_refused():
    number = numbers.parse_number("resident_id", with_check("66010119900307001"), today=TODAY)
    assert [notice.code for notice in number.notices] == ["document_area_unknown"]


def test_a_code_that_two_kinds_share_is_settled_by_the_issuing_country():
    assert kinds.get_kind("414").whose is Whose.FOREIGN
    assert kinds.get_kind("414", issuing_country="CHN").whose is Whose.MAINLAND
    assert kinds.get_kind("111").key == "resident_id"
    assert kinds.get_kind("990").key == "other"


def test_every_row_of_the_table_is_complete():
    for kind in KINDS.values():
        assert kind.zh
        assert kind.en
        assert len(kind.code) == 3
        assert kind.forms
    assert KINDS["resident_id"].carries_birth
    assert not KINDS["foreign_permanent_residence"].carries_birth


@given(people)
def test_the_resident_number_agrees_with_stdnum(text):
    # Not its is_valid: it knows when each area code began, and a former code stays valid here.
    assert ric.calc_check_digit(text) == text[-1]
    assert numbers.parse_number("resident_id", text, today=TODAY).birth_date == ric.get_birth_date(text)


@given(people, st.integers(0, 17), st.sampled_from(string.digits + "X"))
def test_no_single_mistyped_character_passes(text, at, char):
    wrong = text[:at] + char + text[at + 1 :]
    if wrong != text:
        refusal("resident_id", wrong)


@given(people, st.integers(0, 16))
def test_no_two_neighbours_change_places_unseen(text, at):
    wrong = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if wrong != text:
        refusal("resident_id", wrong)


@given(people)
def test_the_masked_number_shows_little_and_nothing_of_the_birth_date(text):
    number = numbers.parse_number("resident_id", text, today=TODAY)
    assert number.masked == text[:3] + "*" * 11 + text[-4:]
    assert numbers.mask_number("resident_id", text) == number.masked
    assert text not in repr(number)
    assert str(number.birth_date) not in repr(number)


@given(st.sampled_from(sorted(KINDS)), st.text(max_size=80))
def test_any_text_is_either_a_number_or_a_refusal(kind, text):
    try:
        number = numbers.parse_number(kind, text, today=TODAY)
    except problems.DocumentProblem:
        return
    shown = sum(char != "*" for char in number.masked)
    assert shown <= 7
    assert shown <= len(number.number) / 2


def test_no_message_repeats_the_number():
    assert "510108" not in str(refusal("resident_id", "510108199003070011"))


def test_what_was_typed_must_agree_with_the_number():
    number = numbers.parse_number("resident_id", "510108199003070010", today=TODAY)
    numbers.check_holder(number, birth_date=date(1990, 3, 7), sex=Sex.MALE)
    with pytest.raises(problems.BirthDateDisagrees):
        numbers.check_holder(number, birth_date=date(1990, 3, 8))
    with pytest.raises(problems.SexDisagrees):
        numbers.check_holder(number, sex=Sex.FEMALE)


def test_a_police_certificate_needs_its_station_its_number_and_its_last_day():
    def parse(**changed):
        given_ = {"station": "保和派出所", "number": "20260012", "valid_until": TODAY} | changed
        return numbers.parse_police_certificate(**given_, today=TODAY)

    assert parse().number.number == "20260012"
    with pytest.raises(problems.CertificateIncomplete):
        parse(station=" ")
    with pytest.raises(problems.CertificateIncomplete):
        parse(valid_until=None)
    with pytest.raises(problems.CertificateExpired):
        parse(valid_until=TODAY - timedelta(days=1))
    with pytest.raises(problems.NumberMissing):
        parse(number="")


def test_synthetic_numbers_need_sensible_parts():
    for area, sequence in (("51", 1), ("510108", 0), ("510108", 1000)):
        with pytest.raises(ValueError, match="six digits"):
            numbers.synthetic_resident_id(area, TODAY, sequence)


def test_the_codes_of_the_domain_sheet_pass_and_say_what_is_doubtful():
    for text in ("92510108MA6000001A", "91510108MA6000002G", "52510108MJ00000030"):
        code = numbers.parse_uscc(text)
        assert uscc.is_valid(text)
        # Their inner organisation codes do not pass GB 11714: worth telling, no ground for refusing.
        assert [notice.code for notice in code.notices] == ["uscc_organisation_code_doubtful"]
    assert numbers.parse_uscc("92510108ma6000001a").category_zh == "个体工商户"


@given(st.sampled_from(sorted(numbers.USCC_CATEGORIES)), st.sampled_from(AREAS), st.integers(0, 999_999))
def test_a_synthetic_credit_code_is_sound_in_both_checks(category, area, serial):
    text = numbers.synthetic_uscc(category, area, serial)
    assert uscc.is_valid(text)
    assert numbers.parse_uscc(text).notices == ()


@given(st.integers(0, 999_999), st.integers(0, 17), st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY"))
def test_no_single_mistyped_character_of_a_credit_code_passes(serial, at, char):
    text = numbers.synthetic_uscc("92", "510108", serial)
    wrong = text[:at] + char + text[at + 1 :]
    if wrong != text:
        with pytest.raises(problems.DocumentProblem):
            numbers.parse_uscc(wrong)


@pytest.mark.parametrize("text", ["", "92510108MA600000", "92510108MA600000IA", "9251０108MA6000001A1", "x" * 9999])
def test_what_is_no_credit_code_is_refused(text):
    with pytest.raises(problems.UsccWrong):
        numbers.parse_uscc(text)


def test_real_codes_pass_the_inner_check_too():
    assert numbers.organisation_check("79965505") == "8"
    assert numbers.organisation_check("71526726") == "X"


@pytest.mark.parametrize(
    ("text", "region", "e164", "masked"),
    [
        ("138 0013 8000", "CN", "+8613800138000", "138****8000"),
        ("＋86 13800138000", "CN", "+8613800138000", "138****8000"),
        ("8613800138000", "CN", "+8613800138000", "138****8000"),
        ("0086-138-0013-8000", "CN", "+8613800138000", "138****8000"),
        ("00852 9123 4567", "CN", "+85291234567", "+852 9*****67"),
        ("91234567", "HK", "+85291234567", "+852 9*****67"),
        ("66123456", "MO", "+85366123456", "+853 6*****56"),
        ("0912 345 678", "TW", "+886912345678", "+886 9******78"),
        ("+886 0912 345 678", "CN", "+886912345678", "+886 9******78"),
        ("+46 70 174 06 05", "CN", "+46701740605", "+467****0605"),
    ],
)
def test_a_telephone_number_becomes_e164_and_is_masked(text, region, e164, masked):
    phone = numbers.parse_phone(text, region=region)
    assert (phone.e164, phone.masked) == (e164, masked)
    assert e164 not in repr(phone)


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("", "CN"), ("12800138000", "CN"), ("1380013800", "CN"), ("+8612345678901", "CN"), ("+85212345678", "CN"),
        ("12345678", "HK"), ("+0123456789", "CN"), ("call me", "CN"), ("13800138000", "ZZ"), ("+" * 9000, "CN"),
        ("+1234567890123456", "CN"),
    ],
)  # fmt: skip
def test_what_is_no_telephone_number_is_refused(text, region):
    with pytest.raises(problems.PhoneWrong):
        numbers.parse_phone(text, region=region)
