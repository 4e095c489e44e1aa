"""Document numbers, organisation codes and telephone numbers: checked, normalised, masked.

Sources: GB 11643-1999 (citizen number), GB 32100-2015 (unified social credit code), GB 11714 (organisation code),
E.164 (telephone numbers). Everything is pure; `today` is a date in the estate's zone.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from linli.documents import kinds, problems
from linli.documents.kinds import DocumentKind, NumberForm
from linli.documents.problems import Notice

MAX_AGE_YEARS = 130
MAX_TYPED = 64  # longer than any document number; what is longer is not even looked at

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_CITIZEN = (kinds.RESIDENT, kinds.HMT_RESIDENT, kinds.FOREIGN_CARD_2023)
_SEPARATORS = re.compile(r"[\s\-_.·()（）【】\[\]第号字]+")

# GB/T 2260; 83 stands only on the residence cards of Taiwan residents.
PROVINCES = {
    entry[:2]: entry[2:]
    for entry in re.split(
        " ",
        "11北京市 12天津市 13河北省 14山西省 15内蒙古自治区 21辽宁省 22吉林省 23黑龙江省 31上海市 32江苏省 33浙江省 "
        "34安徽省 35福建省 36江西省 37山东省 41河南省 42湖北省 43湖南省 44广东省 45广西壮族自治区 46海南省 50重庆市 "
        "51四川省 52贵州省 53云南省 54西藏自治区 61陕西省 62甘肃省 63青海省 64宁夏回族自治区 65新疆维吾尔自治区 "
        "71台湾省 81香港特别行政区 82澳门特别行政区 83台湾省",
    )
}


class Sex(StrEnum):
    """Sex as documents state it; unspecified is X in a passport."""

    MALE = "male"
    FEMALE = "female"
    UNSPECIFIED = "unspecified"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentNumber:
    """A document number that passed every check of its kind. Only `masked` shows up in a log or a traceback."""

    kind: DocumentKind
    number: str = field(repr=False)
    masked: str
    birth_date: date | None = field(default=None, repr=False)
    sex: Sex | None = field(default=None, repr=False)
    area: str | None = None  # six digits of GB/T 2260: where the number was first issued
    province: str | None = None
    notices: tuple[Notice, ...] = ()


def parse_number(kind: DocumentKind | str, text: str, *, today: date) -> DocumentNumber:
    """Check and normalise a typed document number (x to X, full-width to ASCII, separators dropped).

    Raises a subclass of DocumentProblem: KindUnknown, NumberMissing, WrongLength, WrongCharacters, WrongForm,
    OtherKind, OldNumberRefused, WrongCheckDigit, ImpossibleDate, BirthInFuture or AgeImpossible.
    """
    kind = kinds.get_kind(kind) if isinstance(kind, str) else kind
    number = normalise(text)
    form = _form_of(kind, number)
    if form.checked and citizen_check(number[:17]) != number[17]:
        raise problems.WrongCheckDigit
    birth = _birth(number, form, today=today)
    area = number[:6] if form.checked and number[0] != "9" else None
    province = PROVINCES.get(number[1:3] if number[0] == "9" else number[:2]) if form.checked else None
    return DocumentNumber(
        kind=kind,
        number=number,
        masked=_mask(number, hidden=form.hidden),
        birth_date=birth,
        sex=_sex(number, form),
        area=area,
        province=province,
        notices=(problems.AREA_UNKNOWN,) if form.checked and province is None else (),
    )


def normalise(text: str) -> str:
    """Write a number the way it is stored: capitals and digits, no separators; raises NumberMissing, WrongLength."""
    if len(text) > MAX_TYPED:
        raise problems.WrongLength
    number = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()
    if not number:
        raise problems.NumberMissing
    return number


def mask_number(kind: DocumentKind | str, number: str) -> str:
    """Hide a number for display: at most the first three and last four characters, and nothing of a birth date."""
    kind = kinds.get_kind(kind) if isinstance(kind, str) else kind
    form = next((form for form in kind.forms if _fits(form, number)), None)
    return _mask(number, hidden=form.hidden if form else range(0))


def check_holder(number: DocumentNumber, *, birth_date: date | None = None, sex: Sex | None = None) -> None:
    """Compare what was typed with what the number itself says; raises BirthDateDisagrees or SexDisagrees."""
    if birth_date and number.birth_date and birth_date != number.birth_date:
        raise problems.BirthDateDisagrees(field="birth_date")
    if sex and number.sex and sex != number.sex:
        raise problems.SexDisagrees(field="sex")


def citizen_check(first_seventeen: str) -> str:
    """Compute the check character of a citizen number (GB 11643-1999: ISO 7064 MOD 11-2)."""
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, first_seventeen, strict=True))
    return _CHECKS[total % 11]


def synthetic_resident_id(area: str, birth_date: date, sequence: int) -> str:
    """Make a number for a fictional person: odd sequences (1–999) are male, even ones female."""
    if not re.fullmatch(r"[0-9]{6}", area) or not 1 <= sequence <= 999:
        raise ValueError("an area has six digits and a sequence lies between 1 and 999")
    body = f"{area}{birth_date:%Y%m%d}{sequence:03d}"
    return body + citizen_check(body)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoliceCertificate:
    """A police station's paper that stands in for a lost or forgotten document."""

    number: DocumentNumber
    station: str
    valid_until: date


def parse_police_certificate(*, station: str, number: str, valid_until: date | None, today: date) -> PoliceCertificate:
    """Check a police certificate, which is valid through its last day.

    Raises CertificateIncomplete, CertificateExpired, or what `parse_number` raises.
    """
    station = unicodedata.normalize("NFKC", station).strip()
    if not 2 <= len(station) <= 60:
        raise problems.CertificateIncomplete(field="issuing_station")
    if valid_until is None:
        raise problems.CertificateIncomplete(field="valid_until")
    parsed = parse_number("police_certificate", number, today=today)
    if valid_until < today:
        raise problems.CertificateExpired(field="valid_until")
    return PoliceCertificate(number=parsed, station=station, valid_until=valid_until)


def _fits(form: NumberForm, number: str) -> bool:
    return len(number) in form.lengths and form.pattern.fullmatch(number) is not None


def _form_of(kind: DocumentKind, number: str) -> NumberForm:
    """The form this number is written in, or the kindest refusal there is."""
    hmt_number = _fits(kinds.HMT_RESIDENT, number)
    for form in kind.forms:
        if _fits(form, number) and not (form is kinds.RESIDENT and hmt_number):
            return form
    citizen = [form for form in kind.forms if form in _CITIZEN]
    if citizen and any(_fits(form, number) for form in _CITIZEN):
        raise problems.OtherKind(field="type")
    if kinds.RESIDENT in citizen and re.fullmatch(r"[0-9]{15}", number):
        raise problems.OldNumberRefused
    if not any(len(number) in form.lengths for form in kind.forms):
        raise problems.WrongLength
    if citizen or re.search(r"[^0-9A-Z]", number):
        raise problems.WrongCharacters
    raise problems.WrongForm


def _birth(number: str, form: NumberForm, *, today: date) -> date | None:
    if form.birth_at is None:
        return None
    digits = number[form.birth_at : form.birth_at + 8]
    try:
        birth = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        raise problems.ImpossibleDate from None
    if birth > today:
        raise problems.BirthInFuture
    if today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day)) > MAX_AGE_YEARS:
        raise problems.AgeImpossible
    return birth


def _sex(number: str, form: NumberForm) -> Sex | None:
    if form.sex_at is None:
        return None
    return Sex.MALE if int(number[form.sex_at]) % 2 else Sex.FEMALE


def _mask(number: str, *, hidden: range) -> str:
    # A short number shows less, so that at least half of it always stays hidden.
    head, tail = min(3, len(number) // 6), min(4, len(number) // 4)
    shown = set(range(head)) | set(range(len(number) - tail, len(number)))
    return "".join(char if at in shown and at not in hidden else "*" for at, char in enumerate(number))


_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_FORM = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}")
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
USCC_CATEGORIES = {
    "11": ("机关", "Public authority"),
    "12": ("事业单位", "Public institution"),
    "13": ("编办直管群众团体", "Mass organisation"),
    "51": ("社会团体", "Social association"),
    "52": ("民办非企业单位", "Private non-enterprise unit"),
    "53": ("基金会", "Foundation"),
    "91": ("企业", "Enterprise"),
    "92": ("个体工商户", "Individual business"),
    "93": ("农民专业合作社", "Farmers' cooperative"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditCode:
    """A unified social credit code that passed its check (GB 32100-2015)."""

    number: str
    category: str  # its first two characters, e.g. 92 for 个体工商户
    category_zh: str | None
    category_en: str | None
    area: str
    organisation_code: str
    notices: tuple[Notice, ...] = ()


def parse_uscc(text: str) -> CreditCode:
    """Check a unified social credit code; raises UsccWrong or UsccCheckWrong.

    A failing organisation code inside (GB 11714) is only a notice: the outer check character covers it already, and
    registries have issued codes that do not pass the inner one.
    """
    number = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text[:MAX_TYPED])).upper()
    if not _USCC_FORM.fullmatch(number):
        raise problems.UsccWrong(field="uscc")
    if uscc_check(number[:17]) != number[17]:
        raise problems.UsccCheckWrong(field="uscc")
    zh, en = USCC_CATEGORIES.get(number[:2], (None, None))
    sound = organisation_check(number[8:16]) == number[16]
    return CreditCode(
        number=number,
        category=number[:2],
        category_zh=zh,
        category_en=en,
        area=number[2:8],
        organisation_code=number[8:17],
        notices=() if sound else (problems.ORGANISATION_CODE_DOUBTFUL,),
    )


def uscc_check(first_seventeen: str) -> str:
    """Compute the check character of a unified social credit code (weights 3ⁿ mod 31)."""
    total = sum(pow(3, at, 31) * _USCC_ALPHABET.index(char) for at, char in enumerate(first_seventeen))
    return _USCC_ALPHABET[-total % 31]


def organisation_check(first_eight: str) -> str:
    """Compute the check character of an organisation code (GB 11714; letters count from A = 10)."""
    total = sum(weight * int(char, 36) for weight, char in zip(_ORGANISATION_WEIGHTS, first_eight, strict=True))
    return "0123456789X0"[11 - total % 11]


def synthetic_uscc(category: str, area: str, serial: int) -> str:
    """Make a credit code for a fictional organisation, sound in both of its checks."""
    if category not in USCC_CATEGORIES or not re.fullmatch(r"[0-9]{6}", area) or not 0 <= serial <= 999_999:
        raise ValueError("unknown category, area not six digits, or serial above 999999")
    organisation = f"{'MJ' if category[0] == '5' else 'MA'}{serial:06d}"
    body = category + area + organisation + organisation_check(organisation)
    return body + uscc_check(body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A telephone number as E.164; `region` is CN, HK, MO, TW or ZZ for elsewhere."""

    e164: str = field(repr=False)
    region: str
    masked: str


_REGIONS = {
    "CN": ("86", re.compile(r"1[3-9][0-9]{9}")),
    "HK": ("852", re.compile(r"[2-9][0-9]{7}")),
    "MO": ("853", re.compile(r"[268][0-9]{7}")),
    "TW": ("886", re.compile(r"9[0-9]{8}")),
}


def parse_phone(text: str, *, region: str = "CN") -> Phone:
    """Read a typed telephone number; one without + or 00 belongs to `region`. Raises PhoneWrong."""
    typed = re.sub(r"[\s\-().]+", "", unicodedata.normalize("NFKC", text[:MAX_TYPED]))
    typed = re.sub(r"^00", "+", typed)
    if re.fullmatch(r"86?1[3-9][0-9]{9}", typed) and len(typed) == 13:
        typed = "+" + typed
    if not typed.startswith("+"):
        prefix, pattern = _REGIONS.get(region, ("", None))
        local = typed.removeprefix("0") if region == "TW" else typed
        if pattern is None or not pattern.fullmatch(local):
            raise problems.PhoneWrong(field="phone")
        return _phone("+" + prefix + local, region=region, prefix=prefix)
    return _international(typed)


def _international(typed: str) -> Phone:
    for region, (prefix, pattern) in _REGIONS.items():
        if typed.startswith("+" + prefix):
            local = typed[len(prefix) + 1 :].removeprefix("0")
            if not pattern.fullmatch(local):
                raise problems.PhoneWrong(field="phone")
            return _phone("+" + prefix + local, region=region, prefix=prefix)
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", typed):
        raise problems.PhoneWrong(field="phone")
    return _phone(typed, region="ZZ", prefix="")


def _phone(e164: str, *, region: str, prefix: str) -> Phone:
    local = e164[len(prefix) + 1 :]
    head, tail = (3, 4) if len(local) >= 11 else (1, 2)
    hidden = "*" * (len(local) - head - tail)
    lead = "" if region == "CN" else "+" + prefix + (" " if prefix else "")
    return Phone(e164=e164, region=region, masked=lead + local[:head] + hidden + local[-tail:])
