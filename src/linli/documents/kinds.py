"""Which documents exist, whose they are, and how their numbers look.

The table at the end is meant to be edited: a new document is a new row. Reporting codes are those of GA/T 517 (as used
by police systems); a document without a code of its own there is reported as 990 (other) until a platform says better.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from linli.documents import problems


class Whose(StrEnum):
    """Whose document it is; this decides the reporting duty and its deadline."""

    MAINLAND = "mainland"
    HMT = "hmt"
    FOREIGN = "foreign"


class MrzForm(StrEnum):
    """How the machine-readable zone is laid out (ICAO 9303 parts 4–7)."""

    TD1 = "TD1"
    TD2 = "TD2"
    TD3 = "TD3"
    MRV_A = "MRV-A"
    MRV_B = "MRV-B"


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberForm:
    """One way in which a kind of document writes its number."""

    pattern: re.Pattern[str]
    lengths: range
    checked: bool = False  # the GB 11643 check character stands at the end
    birth_at: int | None = None  # where YYYYMMDD stands
    hidden: range = field(default=range(0))  # positions that are never shown, not even in the masked form
    sex_at: int | None = None  # odd is male, even is female


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentKind:
    """One kind of identity document."""

    key: str  # stable, unique, used in the API and the database
    code: str  # GA/T 517, sent to the platforms; several kinds may share one
    zh: str
    en: str
    whose: Whose
    forms: tuple[NumberForm, ...] = field(repr=False)
    mrz: MrzForm | None = None

    @property
    def carries_birth(self) -> bool:
        """Whether every number of this kind tells the birth date."""
        return all(form.birth_at is not None for form in self.forms)


def _form(pattern: str, lengths: range | int) -> NumberForm:
    span = range(lengths, lengths + 1) if isinstance(lengths, int) else lengths
    return NumberForm(pattern=re.compile(pattern), lengths=span)


def _citizen_form(first: str, *, sex_at: int | None = 16) -> NumberForm:
    # GB 11643-1999: area 6, birth 8, sequence 3, check 1.
    return NumberForm(
        pattern=re.compile(rf"{first}[0-9]*[0-9X]"),
        lengths=range(18, 19),
        checked=True,
        birth_at=6,
        hidden=range(6, 14),
        sex_at=sex_at,
    )


RESIDENT = _citizen_form("[1-8]")
HMT_RESIDENT = _citizen_form("8[123]0000")
# 9, province 2, numeric country 3, birth 8, sequence 3, check. That its sequence tells the sex is not confirmed.
FOREIGN_CARD_2023 = _citizen_form("9", sex_at=None)
# Alpha-3 country, then 12 digits of which the fifth to tenth are understood to be the birth date: never shown.
FOREIGN_CARD_2017 = NumberForm(pattern=re.compile(r"[A-Z]{3}[0-9]{12}"), lengths=range(15, 16), hidden=range(7, 13))
_ANY_PASSPORT = _form(r"[A-Z0-9]*[0-9][A-Z0-9]*", range(5, 21))
_OFFICER = _form(r"[\u4e00-\u9fffA-Z]{0,6}[0-9]{5,12}[\u4e00-\u9fff]{0,2}", range(6, 21))

_ROWS = (
    DocumentKind(
        key="resident_id", code="111", zh="居民身份证", en="Resident ID card", whose=Whose.MAINLAND, forms=(RESIDENT,)
    ),
    DocumentKind(
        key="temporary_id",
        code="112",
        zh="临时居民身份证",
        en="Temporary resident ID card",
        whose=Whose.MAINLAND,
        forms=(RESIDENT,),
    ),
    DocumentKind(
        key="household_book",
        code="113",
        zh="户口簿",
        en="Household register",
        whose=Whose.MAINLAND,
        forms=(RESIDENT,),  # the child's own number, as printed in the book
    ),
    DocumentKind(
        key="officer_card", code="114", zh="军官证", en="Officer card", whose=Whose.MAINLAND, forms=(_OFFICER,)
    ),
    DocumentKind(
        key="armed_police_card",
        code="115",
        zh="武警警官证",
        en="Armed police officer card",
        whose=Whose.MAINLAND,
        forms=(_OFFICER,),
    ),
    DocumentKind(
        key="birth_certificate",
        code="117",
        zh="出生医学证明",
        en="Medical birth certificate",
        whose=Whose.MAINLAND,
        forms=(_form(r"[A-Z][0-9]{9}", 10),),
    ),
    DocumentKind(
        key="prc_passport",
        code="414",
        zh="中国普通护照",
        en="PRC ordinary passport",
        whose=Whose.MAINLAND,
        forms=(
            _form(r"E[0-9]{8}", 9),
            _form(r"E[A-HJ-NP-Z][0-9]{7}", 9),
            _form(r"G[0-9]{8}", 9),
            _form(r"(?:D|S|P|DE|SE|PE)[0-9]{7,8}", range(8, 11)),  # diplomatic, service, public affairs
        ),
        mrz=MrzForm.TD3,
    ),
    DocumentKind(
        key="foreign_passport",
        code="414",
        zh="外国护照",
        en="Foreign passport",
        whose=Whose.FOREIGN,
        forms=(_ANY_PASSPORT,),
        mrz=MrzForm.TD3,
    ),
    DocumentKind(
        key="prc_travel_document",
        code="415",
        zh="旅行证",
        en="PRC travel document",
        whose=Whose.MAINLAND,
        forms=(_form(r"[A-Z]?[0-9]{7,9}", range(7, 11)),),
        mrz=MrzForm.TD3,
    ),
    DocumentKind(
        key="taiwan_permit",
        code="511",
        zh="台湾居民来往大陆通行证",
        en="Mainland travel permit for Taiwan residents",
        whose=Whose.HMT,
        # The card has 8 digits; older booklets 10, or 8 and a renewal letter or two renewal digits.
        forms=(_form(r"[0-9]{8}", 8), _form(r"[0-9]{10}", 10), _form(r"[0-9]{8}[A-Z]", 9)),
        mrz=MrzForm.TD1,
    ),
    DocumentKind(
        key="hk_macao_exit_permit",
        code="513",
        zh="往来港澳通行证",
        en="Exit permit for travel to Hong Kong and Macao",
        whose=Whose.MAINLAND,
        forms=(_form(r"[CW][0-9]{8}", 9), _form(r"C[A-HJ-NP-Z][0-9]{7}", 9)),
    ),
    DocumentKind(
        key="hk_macao_permit",
        code="516",
        zh="港澳居民来往内地通行证",
        en="Mainland travel permit for Hong Kong and Macao residents",
        whose=Whose.HMT,
        forms=(_form(r"[HM][0-9]{8}", 9), _form(r"[HM][0-9]{10}", 11)),  # older prints add two renewal digits
        mrz=MrzForm.TD1,  # GA/T 704.14: three lines of 30, issuer CHN
    ),
    DocumentKind(
        key="hmt_residence_card",
        code="990",  # GA/T 517 knows no code of its own for the card of 2018
        zh="港澳台居民居住证",
        en="Residence card for Hong Kong, Macao and Taiwan residents",
        whose=Whose.HMT,
        forms=(HMT_RESIDENT,),
    ),
    DocumentKind(
        key="foreign_permanent_residence",
        code="553",
        zh="外国人永久居留身份证",
        en="Foreign permanent resident ID card",
        whose=Whose.FOREIGN,
        forms=(FOREIGN_CARD_2023, FOREIGN_CARD_2017),
        mrz=MrzForm.TD1,
    ),
    DocumentKind(
        key="foreign_residence_permit",
        code="554",
        zh="外国人居留证",
        en="Foreign residence permit",
        whose=Whose.FOREIGN,
        forms=(_form(r"[A-Z0-9]*[0-9][A-Z0-9]*", range(6, 21)),),
    ),
    DocumentKind(
        key="police_certificate",
        code="990",
        zh="派出所身份证明",
        en="Police certificate of identity",
        whose=Whose.MAINLAND,
        forms=(_form(r"[\u4e00-\u9fffA-Z0-9]*[0-9][\u4e00-\u9fffA-Z0-9]*", range(4, 31)),),
    ),
    DocumentKind(
        key="other",
        code="990",
        zh="其他证件",
        en="Other document",
        whose=Whose.FOREIGN,
        forms=(_form(r"[\u4e00-\u9fffA-Z0-9]*[0-9][\u4e00-\u9fffA-Z0-9]*", range(4, 31)),),
    ),
)

KINDS: Mapping[str, DocumentKind] = MappingProxyType({row.key: row for row in _ROWS})

_HOME = frozenset({"CHN", "CN", "156"})
_BY_CODE = {row.code: row for row in reversed(_ROWS) if row.code != "990"} | {"990": KINDS["other"]}


def find_kind(name: str, *, issuing_country: str | None = None) -> DocumentKind | None:
    """Find a kind by its key or its GA/T 517 code; None if there is none.

    414 is a foreign passport unless China issued it; a code shared by other kinds (990) means "other".
    """
    if name == "414":
        return KINDS["prc_passport" if (issuing_country or "").upper() in _HOME else "foreign_passport"]
    return KINDS.get(name) or _BY_CODE.get(name)


def get_kind(name: str, *, issuing_country: str | None = None) -> DocumentKind:
    """Find a kind as `find_kind` does; raises KindUnknown."""
    kind = find_kind(name, issuing_country=issuing_country)
    if kind is None:
        raise problems.KindUnknown(field="type")
    return kind
