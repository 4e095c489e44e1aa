"""The machine-readable zone: the specimens of ICAO 9303, PyPI's `mrz` as an oracle, and what cameras do to lines."""

import string
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from mrz.checker.td3 import TD3CodeChecker
from mrz.generator.mrva import MRVACodeGenerator
from mrz.generator.mrvb import MRVBCodeGenerator
from mrz.generator.td1 import TD1CodeGenerator
from mrz.generator.td2 import TD2CodeGenerator
from mrz.generator.td3 import TD3CodeGenerator

from linli.documents import mrz, problems
from linli.documents.kinds import MrzForm
from linli.documents.mrz import FieldState
from linli.documents.numbers import Sex

TODAY = date(2026, 11, 24)
NAMES = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"
NUMBERS = "L898902C36UTO7408122F1204159ZE184226B<<<<<10"
TWINS = dict(zip("O0I1S5B8Z2", "0O1I5S8B2Z", strict=True))

letters = st.text(string.ascii_uppercase, min_size=1, max_size=12)
serials = st.text(string.ascii_uppercase + string.digits, min_size=5, max_size=9)
births = st.dates(date(1927, 1, 1), date(2026, 11, 23))
expiries = st.dates(date(2010, 1, 1), date(2045, 12, 31))


def read(*lines: str) -> mrz.Mrz:
    return mrz.read_mrz(lines, today=TODAY)


def short(day: date) -> str:
    return day.strftime("%y%m%d")


def test_the_specimen_of_the_standard_is_read_field_by_field():
    zone = read(NAMES, NUMBERS)
    assert zone.form is MrzForm.TD3
    assert set(zone.states.values()) == {FieldState.OK}
    assert (zone.document_code, zone.issuing_state, zone.nationality) == ("P", "UTO", "UTO")
    assert (zone.surname, zone.given_names) == ("ERIKSSON", "ANNA MARIA")
    assert (zone.number, zone.birth_date, zone.sex) == ("L898902C3", date(1974, 8, 12), Sex.FEMALE)
    assert (zone.expires_on, zone.optional) == (date(2012, 4, 15), "ZE184226B")


@pytest.mark.parametrize(
    ("lines", "form", "number"),
    [
        (
            ("I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<"),
            MrzForm.TD1,
            "D23145890",
        ),
        (("I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6"), MrzForm.TD2, "D23145890"),
        (
            ("V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L8988901C4XXX4009078F96121096ZE184226B<<<<<<"),
            MrzForm.MRV_A,
            "L8988901C",
        ),
        (("V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "L8988901C4XXX4009078F9612109<<<<<<<<"), MrzForm.MRV_B, "L8988901C"),
    ],
)
def test_cards_and_visas_of_the_standard_are_read_too(lines, form, number):
    zone = read(*lines)
    assert (zone.form, zone.number) == (form, number)
    assert zone.identifies
    assert zone.bad_fields == ()


def test_a_long_number_runs_on_in_the_optional_part():
    zone = read("I<UTOD23145890<7349<<<<<<<<<<<", "3407127M9507122UTO<<<<<<<<<<<2", "STEVENSON<<PETER<JOHN<<<<<<<<<")
    assert zone.number == "D23145890734"
    assert zone.optional == ""
    assert zone.bad_fields == ()


def test_an_expired_document_is_flagged_and_not_refused():
    zone = read(NAMES, NUMBERS)
    assert zone.expired(today=TODAY) is True
    assert zone.expired(today=date(2012, 4, 15)) is False


def test_unknown_parts_of_a_birth_date_stay_unknown():
    head, tail = "L898902C36UTO", "F1204159ZE184226B<<<<<1"
    born = "74<<<<" + mrz.check_digit("74<<<<")
    composite = mrz.check_digit("L898902C36" + born + "1204159ZE184226B<<<<<1")
    zone = read(NAMES, head + born + tail + composite)
    assert (zone.birth.year, zone.birth.month, zone.birth.day) == (1974, None, None)
    assert zone.birth_date is None
    assert zone.identifies


def test_a_birth_is_never_in_the_future():
    for text, year in (("261124", 2026), ("261125", 1926), ("991231", 1999), ("000229", 2000)):
        born = text + mrz.check_digit(text)
        zone = read(NAMES, f"L898902C36UTO{born}F1204159<<<<<<<<<<<<<<<0")
        assert zone.birth.year == year


def test_look_alikes_are_mended_where_the_check_digit_confirms_it():
    zone = read("P<UT0ERIKSS0N<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L8989O2C36UT074O8I22FI204I59ZE184226B<<<<<1O")
    assert zone.number == "L898902C3"
    assert (zone.issuing_state, zone.nationality, zone.surname) == ("UTO", "UTO", "ERIKSSON")
    assert zone.birth_date == date(1974, 8, 12)
    for name in ("number", "birth", "expiry", "issuing_state", "names", "nationality", "composite"):
        assert zone.states[name] is FieldState.REPAIRED
    assert zone.states["sex"] is FieldState.OK


def test_what_no_check_digit_confirms_is_bad_and_stays_as_seen():
    zone = read(NAMES, NUMBERS.replace("L898902C3", "L898903C3"))
    assert zone.number == "L898903C3"
    assert zone.states["number"] is FieldState.BAD
    assert zone.states["birth"] is FieldState.OK
    assert not zone.identifies


def test_two_possible_mendings_are_none():
    # Three zeros at weights 7: which of them was an O, the check digit cannot tell.
    number, check = "0X00X00X0", mrz.check_digit("OX00X00X0")
    assert mrz.mend(number, check) is None
    assert mrz.mend("0X77X77X7", mrz.check_digit("OX77X77X7")) == "OX77X77X7"


def test_all_letters_of_one_sort_are_mended_together():
    assert mrz.mend("XAOO74463", mrz.check_digit("XA0074463")) == "XA0074463"
    # Here one swap fits by chance as well: then neither is taken.
    assert mrz.mend("XOOO74O63", mrz.check_digit("X00074063")) is None


def test_an_impossible_date_is_bad_though_its_check_digit_fits():
    born = "740832" + mrz.check_digit("740832")
    zone = read(NAMES, f"L898902C36UTO{born}F1204159ZE184226B<<<<<10")
    assert zone.states["birth"] is FieldState.BAD
    assert zone.birth is None


@pytest.mark.parametrize(
    "lines",
    [
        (NAMES.rstrip("<"), NUMBERS),
        (NAMES.rstrip("<") + "<<<", NUMBERS.replace("<<<<<", "<<")),
        ("PUTOERIKSSON<<ANNA<MARIA", NUMBERS),
        (NAMES + "<<", NUMBERS.replace("<<<<<", "<<<<<<")),
        (NAMES.lower(), NUMBERS.lower()),
        ("P<UTOERIKSSON《ANNA‹MARIA", "L898902C3 6 UTO 740812 2 F 120415 9 ZE184226B «««10"),
        ("UTOPIA PASSPORT AND OTHER WORDS", "12 AUG 1974", NAMES, NUMBERS),
    ],
)
def test_lines_as_a_camera_gives_them_are_set_right(lines):
    zone = read(*lines)
    assert (zone.number, zone.surname, zone.given_names) == ("L898902C3", "ERIKSSON", "ANNA MARIA")
    assert zone.bad_fields == ()


def test_a_sign_of_another_alphabet_is_taken_for_what_it_looks_like():
    line = "X40817263" + mrz.check_digit("X40817263") + NUMBERS[10:]
    assert read(NAMES, "×4〇817263" + line[9:]).number == "X40817263"


def test_fillers_lost_in_a_short_country_are_found_by_the_check_digits():
    zone = read("P<D<<MUSTERMANN<<ERIKA", "C01X00T478D<6408125F2702283<4")
    assert (zone.number, zone.nationality) == ("C01X00T47", "D")
    assert zone.bad_fields == ()


def test_lines_without_a_break_between_them_are_parted():
    assert read(NAMES + NUMBERS).number == "L898902C3"


def test_dirt_behind_the_names_is_no_name():
    zone = read("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<K<<<<<<<<<", NUMBERS)
    assert zone.given_names == "ANNA MARIA"


@pytest.mark.parametrize(
    "text", ["", "hello", "<" * 44 + "\n" + "<" * 44, "510108199003070010", "A" * 10_000, "\x00\n\x00"]
)
def test_what_is_no_zone_is_refused(text):
    with pytest.raises(problems.MrzNotFound):
        mrz.read_mrz(text, today=TODAY)


def test_a_zone_keeps_its_holder_out_of_tracebacks():
    shown = repr(read(NAMES, NUMBERS))
    for secret in ("ERIKSSON", "L898902C3", "1974", "ZE184226B"):
        assert secret not in shown


def test_a_typed_number_confirms_what_look_alikes_left_open():
    zone = read(NAMES, NUMBERS)
    assert zone.confirms_number("L898902C3")
    assert not zone.confirms_number("L8989O2C3")
    assert not zone.confirms_number("X12345678")


@given(letters, letters, serials, births, st.sampled_from("MF<"), expiries)
def test_passports_agree_with_the_oracle(surname, given_names, number, born, sex, expires):
    made = str(
        TD3CodeGenerator("P", "UTO", surname, given_names, number, "UTO", short(born), sex, short(expires), force=True)
    )
    assume(bool(TD3CodeChecker(made)))
    zone = mrz.read_mrz(made, today=TODAY)
    assert zone.bad_fields == ()
    assert (zone.surname, zone.given_names, zone.number) == (surname, given_names, number)
    assert (zone.birth_date, zone.expires_on) == (born, expires)


@given(letters, letters, serials, births, expiries)
def test_other_forms_agree_with_the_oracle(surname, given_names, number, born, expires):
    days = (short(born), "F", short(expires))
    named = (surname, given_names, number, "UTO", *days)
    made = {
        MrzForm.TD1: TD1CodeGenerator("I", "UTO", number, *days, "UTO", surname, given_names, force=True),
        MrzForm.TD2: TD2CodeGenerator("I", "UTO", *named, force=True),
        MrzForm.MRV_A: MRVACodeGenerator("V", "UTO", *named, force=True),
        MrzForm.MRV_B: MRVBCodeGenerator("V", "UTO", *named, force=True),
    }
    for form, zone_text in made.items():
        zone = mrz.read_mrz(str(zone_text), today=TODAY)
        assert (zone.form, zone.bad_fields) == (form, ())
        assert (zone.number, zone.birth_date, zone.expires_on) == (number, born, expires)


@given(serials, births, expiries, st.integers(0, 43))
def test_one_look_alike_never_makes_a_wrong_field_look_right(number, born, expires, at):
    made = str(TD3CodeGenerator("P", "UTO", "DOE", "JO", number, "UTO", short(born), "F", short(expires), force=True))
    names, line = made.splitlines()
    assume(line[at] in TWINS)
    zone = mrz.read_mrz((names, line[:at] + TWINS[line[at]] + line[at + 1 :]), today=TODAY)
    right = {"number": number, "birth": born, "expiry": expires}
    seen = {"number": zone.number, "birth": zone.birth_date, "expiry": zone.expires_on}
    for name, state in zone.states.items():
        if name in right and state is not FieldState.BAD:
            assert seen[name] == right[name]


@given(serials, births, expiries, st.integers(0, 27), st.sampled_from(string.digits))
def test_one_wrong_digit_is_always_noticed(number, born, expires, at, digit):
    made = str(TD3CodeGenerator("P", "UTO", "DOE", "JO", number, "UTO", short(born), "F", short(expires), force=True))
    names, line = made.splitlines()
    assume(line[at].isdigit() and line[at] != digit)
    zone = mrz.read_mrz((names, line[:at] + digit + line[at + 1 :]), today=TODAY)
    assert FieldState.BAD in zone.states.values() or FieldState.REPAIRED in zone.states.values()


@given(st.lists(st.text(alphabet=string.ascii_uppercase + string.digits + "<« ", max_size=60), max_size=6))
def test_any_lines_are_a_zone_or_none(lines):
    mrz.find_mrz(lines, today=TODAY)
