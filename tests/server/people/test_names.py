"""Names as people have them: text is text, and what cannot be shown is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linli.server.kernel.errors import Refusal
from linli.server.people import rules
from linli.server.people.rules.countries import check_country
from linli.server.people.rules.names import (
    NameMissing,
    NameNotLatin,
    NameTooLong,
    NameUnreadable,
    check_latin_name,
    check_name,
    mask_name,
)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  张伟 ", "张伟"),
        ("阿布都·热合曼", "阿布都·热合曼"),
        ("José\u00a0 García", "José García"),
        ("e\u0301va", "éva"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("Robert'); DROP TABLE people_person;--", "Robert'); DROP TABLE people_person;--"),
        ("क्‍ष", "क्‍ष"),
        ("𠮷野", "𠮷野"),
    ],
)
def test_a_name_in_any_script_is_kept_as_text(typed: str, kept: str) -> None:
    assert check_name(typed, field="native_name") == kept


@pytest.mark.parametrize(
    ("typed", "refusal"),
    [
        ("", NameMissing),
        (" \u3000 ", NameMissing),
        ("王\x00伟", NameUnreadable),
        ("王\n伟", NameUnreadable),
        ("evil\u202etxt", NameUnreadable),
        ("\ud800a", NameUnreadable),
        ("😀", NameUnreadable),
        ("12345", NameUnreadable),
        ("王" * 61, NameTooLong),
        ("a" * 100_000, NameTooLong),
    ],
)
def test_what_is_no_name_is_refused_at_its_field(typed: str, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal) as refused:
        check_name(typed, field="native_name")
    body = refused.value.problem()
    assert (body["status"], body["field"]) == (422, "native_name")
    assert body["message"]["zh"]
    assert body["message"]["en"]


def test_a_latin_name_is_latin() -> None:
    assert check_latin_name("Nguyễn Thị Hồng", field="latin_name") == "Nguyễn Thị Hồng"
    with pytest.raises(NameNotLatin):
        check_latin_name("Иван", field="latin_name")


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("张伟", "张*"),
        ("欧阳娜娜", "欧***"),
        ("Maria Gómez", "M*** G***"),
        ("阿布都·热合曼", "阿** 热**"),
        ("A", "A***"),
    ],
)
def test_a_masked_name_shows_a_beginning_only(name: str, masked: str) -> None:
    assert mask_name(name) == masked


@given(st.text(min_size=1, max_size=80))
def test_any_text_is_kept_whole_or_refused_kindly(text: str) -> None:
    try:
        name = check_name(text, field="native_name")
    except Refusal:
        return
    assert check_name(name, field="native_name") == name
    assert len(mask_name(name)) <= 80
    assert "\x00" not in name


def test_names_are_compared_without_capitals_accents_and_spaces() -> None:
    assert rules.folded("GARCÍA Muñoz") == rules.folded("garcia munoz")


def test_a_country_is_three_letters_as_iso_or_a_passport_writes_it() -> None:
    assert check_country(" fra ", field="nationality") == "FRA"
    assert check_country("D", field="nationality") == "DEU"
    assert check_country("UTO", field="nationality") == "UTO"
    for bad in ("", "CN", "XYZ", "中国", "FRAA"):
        with pytest.raises(Refusal):
            check_country(bad, field="nationality")
