"""Who somebody says to be: the fewest facts, checked against each other and against what is already known."""

from dataclasses import dataclass, field
from datetime import date

from linli.documents import kinds, numbers
from linli.documents.numbers import Phone, Sex
from linli.documents.problems import DocumentProblem
from linli.server.kernel.errors import Refusal
from linli.server.people.rules.countries import HOME, REGIONS, check_country
from linli.server.people.rules.documents import (
    CheckedDocument,
    DocumentContradicts,
    DocumentInput,
    ZoneContradicts,
    check_document,
    refusal,
)
from linli.server.people.rules.names import SEXES, check_latin_name, check_name, folded

BELONGS = ("mainland", "hmt", "foreign")
OLDEST = 130
# Papers that anybody may hold: whose they are is told by the nationality.
ANYBODYS = frozenset({"police_certificate", "other", "birth_certificate"})


class SexUnknown(Refusal):
    """Sex is male, female, or unspecified as in some passports."""

    zh = "性别应为 male、female 或 unspecified。"
    status = 422


class BirthDateMissing(Refusal):
    """The birth date is needed."""

    zh = "请填写出生日期。"
    status = 422


class BirthDateImpossible(Refusal):
    """Nobody was born on this day: it lies in the future, or more than 130 years ago."""

    zh = "出生日期有误：在未来，或距今超过 130 年。"
    status = 422


class NationalityDisagrees(Refusal):
    """This document is not issued to people of this nationality."""

    zh = "该证件类型与所填国籍（地区）不符。"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonInput:
    """A person as somebody typed it; the sex is as in documents, the nationality alpha-3."""

    native_name: str = field(repr=False)
    sex: str
    nationality: str
    latin_name: str | None = field(default=None, repr=False)
    birth_date: date | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """A person and a document that agree with each other and may be written."""

    native_name: str = field(repr=False)
    latin_name: str | None = field(repr=False)
    sex: str
    birth_date: date = field(repr=False)
    nationality: str
    belongs: str
    phone: Phone | None
    document: CheckedDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is on file about somebody, opened for comparing."""

    native_name: str = field(repr=False)
    latin_name: str | None = field(repr=False)
    sex: str
    birth_date: date | None = field(repr=False)
    nationality: str


def check_identity(person: PersonInput, document: DocumentInput, *, today: date) -> Identified:
    """This will check a person with a document, and return them as they are written.

    Raises `NameMissing`, `NameTooLong`, `NameUnreadable`, `NameNotLatin`, `SexUnknown`, `CountryUnknown`, `PhoneWrong`,
    `BirthDateMissing`, `BirthDateImpossible`, `NationalityDisagrees`, or what `check_document` raises.
    """
    nationality = check_country(person.nationality, field="nationality")
    if person.sex not in SEXES:
        raise SexUnknown(field="sex")
    native, latin = _names(person)
    checked = check_document(document, nationality=nationality, today=today)
    return Identified(
        native_name=native,
        latin_name=latin,
        sex=person.sex,
        birth_date=_birth_date(person, checked, today=today),
        nationality=nationality,
        belongs=belongs(checked.number.kind, nationality),
        phone=read_phone(person.phone) if person.phone else None,
        document=checked,
    )


def check_same(known: Known, told: Identified) -> None:
    """This will refuse with `DocumentContradicts` when the facts told are not those on file for the same document."""
    names = {folded(name) for name in (known.native_name, known.latin_name) if name}
    told_names = {folded(name) for name in (told.native_name, told.latin_name) if name}
    if not names & told_names:
        raise DocumentContradicts(field="native_name")
    if known.birth_date is not None and known.birth_date != told.birth_date:
        raise DocumentContradicts(field="birth_date")
    if known.sex != told.sex:
        raise DocumentContradicts(field="sex")
    if known.nationality != told.nationality:
        raise DocumentContradicts(field="nationality")


def belongs(kind: kinds.DocumentKind, nationality: str) -> str:
    """This will say whether somebody counts as mainland, hmt or foreign: the document decides; refuses a nationality it excludes."""
    if kind.key in ANYBODYS:
        return "mainland" if nationality == HOME else "hmt" if nationality in REGIONS else "foreign"
    allowed = {
        kinds.Whose.MAINLAND: nationality == HOME,
        kinds.Whose.HMT: nationality == HOME or nationality in REGIONS,
        kinds.Whose.FOREIGN: nationality != HOME and nationality not in REGIONS,
    }
    if not allowed[kind.whose]:
        raise NationalityDisagrees(field="nationality")
    return kind.whose.value


def read_phone(text: str) -> Phone:
    """This will read a telephone number, or refuse with `PhoneWrong`."""
    try:
        return numbers.parse_phone(text)
    except DocumentProblem as problem:
        raise refusal(problem) from problem


def _names(person: PersonInput) -> tuple[str, str | None]:
    typed = (person.latin_name or "").strip()
    latin = check_latin_name(typed, field="latin_name") if typed else None
    # A foreigner's passport may know Latin letters only: then that is the native form as well.
    native = check_name(person.native_name if person.native_name.strip() or not latin else latin, field="native_name")
    return native, latin


def _birth_date(person: PersonInput, document: CheckedDocument, *, today: date) -> date:
    typed = person.birth_date
    if typed is not None and not _possible(typed, today=today):
        raise BirthDateImpossible(field="birth_date")
    try:
        numbers.check_holder(
            document.number, birth_date=typed, sex=Sex(person.sex) if person.sex != "unspecified" else None
        )
    except DocumentProblem as problem:
        raise refusal(problem) from problem
    zone = document.zone
    if zone is not None and typed and zone.birth_date and "birth" not in zone.bad_fields and zone.birth_date != typed:
        raise ZoneContradicts(field="birth_date")
    birth = typed or document.number.birth_date or (zone.birth_date if zone else None)
    if birth is None:
        raise BirthDateMissing(field="birth_date")
    return birth


def _possible(birth: date, *, today: date) -> bool:
    age = today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))
    return birth <= today and age <= OLDEST
