"""What a document must be to be written down, how it is found again, and which check earns which level."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from linli.documents import kinds, mrz, numbers
from linli.documents.mrz import Mrz
from linli.documents.numbers import DocumentNumber
from linli.documents.problems import DocumentProblem
from linli.server.kernel.errors import Refusal
from linli.server.people.rules.countries import HOME, check_country

METHODS = ("typed", "ocr", "mrz", "reader", "eye", "certificate", "face")
# The highest level each way of checking can earn (domain sheet 9: verification levels).
HIGHEST = {"typed": 1, "ocr": 2, "mrz": 2, "reader": 3, "eye": 4, "certificate": 4, "face": 4}
LONGEST_EVIDENCE = 1000
# Their number is the holder's citizen number, so that a person is recognised whichever of them is shown.
CITIZEN_KINDS = frozenset({"resident_id", "temporary_id", "household_book"})
# The same number exists in several countries: it means something only with the one that issued it.
ISSUED_ABROAD = frozenset({"foreign_passport", "foreign_residence_permit", "other"})
_CODE = re.compile(r"[A-Za-z0-9_.:/+-]{0,80}")


class DocumentRefused(Refusal):
    """This document cannot be accepted."""

    zh = "该证件无法受理。"
    status = 422


class DocumentContradicts(Refusal):
    """What was typed differs from what is known of this document; please compare it with the document or ask the office."""

    zh = "填写的内容与该证件已登记的信息不一致，请核对证件或联系社区办公室。"


class ZoneContradicts(Refusal):
    """What was typed differs from the machine-readable lines of the document."""

    zh = "填写的内容与证件机读区不一致。"
    status = 422


class ValidityImpossible(Refusal):
    """A document is not valid for a century."""

    zh = "证件有效期有误。"
    status = 422


class LevelNotEarned(Refusal):
    """This way of checking cannot earn level {level}."""

    zh = "该核验方式达不到 {level} 级。"
    status = 422


class EvidenceNamesSomebody(Refusal):
    """The evidence of a check must not contain personal data."""

    zh = "核验凭据中不得包含个人信息。"
    status = 422


class ReasonNeeded(Refusal):
    """Please say why; the reason is written into the audit chain."""

    zh = "请说明理由，理由将写入审计链。"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentInput:
    """A document as somebody typed it; `issued_by` is the police station of a certificate."""

    kind: str
    number: str = field(repr=False)
    issuing_country: str | None = None
    valid_until: date | None = None
    mrz: str | None = field(default=None, repr=False)
    issued_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedDocument:
    """A document that may be written: its parsed number, where it was issued, how it is found, what its zone said."""

    number: DocumentNumber
    issuing_country: str
    valid_until: date | None
    issued_by: str
    find_text: str = field(repr=False)
    zone: Mrz | None = field(default=None, repr=False)

    @property
    def level(self) -> int:
        """This will say what typing alone earned: 1 when a check digit confirms the number, else 0."""
        zone_sound = self.zone is not None and self.zone.identifies and self.zone.confirms_number(self.number.number)
        return 1 if zone_sound or self.number.birth_date is not None else 0

    @property
    def evidence(self) -> dict[str, Any]:
        """This will say what the level rests on, without naming anybody."""
        if self.zone is None:
            return {"check_digit": self.number.birth_date is not None}
        return {"zone": "sound" if self.zone.identifies else "doubtful", "doubtful": list(self.zone.bad_fields)}


def check_document(document: DocumentInput, *, nationality: str, today: date) -> CheckedDocument:
    """This will check the typed document; raises a kind of `DocumentRefused`, `CountryUnknown` or `ZoneContradicts`."""
    try:
        kind = kinds.get_kind(document.kind, issuing_country=document.issuing_country)
        number = numbers.parse_number(kind, document.number, today=today)
        if document.issued_by is not None:
            numbers.parse_police_certificate(
                station=document.issued_by, number=document.number, valid_until=document.valid_until, today=today
            )
        zone = mrz.read_mrz(document.mrz, today=today) if document.mrz else None
    except DocumentProblem as problem:
        raise refusal(problem) from problem
    if document.valid_until and abs(document.valid_until.year - today.year) > 100:
        raise ValidityImpossible(field="document.valid_until")
    country = _issuing_country(document, kind.whose, nationality)
    if zone is not None and not zone.confirms_number(number.number) and "number" not in zone.bad_fields:
        raise ZoneContradicts(field="document.number")
    return CheckedDocument(
        number=number,
        issuing_country=country,
        valid_until=document.valid_until or (zone.expires_on if zone else None),
        issued_by=(document.issued_by or "").strip(),
        find_text=find_text(kind.key, number.number, country),
        zone=zone,
    )


def find_text(kind: str, number: str, issuing_country: str) -> str:
    """This will return what a document is found by: equal for every document that carries the same number of one family."""
    if kind in CITIZEN_KINDS:
        return f"citizen:{number}"
    if kind in ISSUED_ABROAD:
        return f"{kind}:{issuing_country}:{number}"
    return f"{kind}:{number}"


def check_level(*, method: str, level: int) -> None:
    """This will refuse a level that the method cannot earn with `LevelNotEarned`."""
    if not 0 <= level <= HIGHEST.get(method, -1):
        raise LevelNotEarned(field="level", level=level)


def check_evidence(evidence: Mapping[str, Any], *, number: str, names: Iterable[str]) -> None:
    """This will refuse evidence that is more than short codes, or that holds the number or a name: `EvidenceNamesSomebody`."""
    if len(json.dumps(evidence, default=str)) > LONGEST_EVIDENCE:
        raise EvidenceNamesSomebody(field="evidence")
    for text in (*evidence.keys(), *_texts(evidence.values())):
        named = bool(number) and number in text
        if named or text in names or not _CODE.fullmatch(text):
            raise EvidenceNamesSomebody(field="evidence")


def check_reason(reason: str) -> str:
    """This will return the reason trimmed, or refuse with `ReasonNeeded`."""
    if len(reason.strip()) < 3:
        raise ReasonNeeded(field="reason")
    return reason.strip()[:300]


def refusal(problem: DocumentProblem) -> Refusal:
    """This will turn a document's problem into a refusal with the same code and words, at the field that was typed."""
    return _refusal_type(type(problem))(field=_FIELDS.get(problem.field, problem.field))


_FIELDS = {"number": "document.number", "type": "document.type", "mrz": "document.mrz"} | {
    name: f"document.{name}" for name in ("valid_until", "issuing_station")
}


def _refusal_type(problem: type[DocumentProblem]) -> type[Refusal]:
    if problem.code not in _refusal_types:
        members = {"__doc__": problem.__doc__, "zh": problem.zh, "code": problem.code}
        _refusal_types[problem.code] = type(problem.__name__, (DocumentRefused,), members)
    return _refusal_types[problem.code]


_refusal_types: dict[str, type[Refusal]] = {}


def _issuing_country(document: DocumentInput, whose: kinds.Whose, nationality: str) -> str:
    if document.issuing_country:
        return check_country(document.issuing_country, field="document.issuing_country")
    abroad = whose is kinds.Whose.FOREIGN and document.kind in ISSUED_ABROAD
    return nationality if abroad else HOME


def _texts(values: Iterable[Any]) -> Iterable[str]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from _texts(value)
        elif isinstance(value, Mapping):
            yield from value.keys()
            yield from _texts(value.values())
        elif not isinstance(value, bool | None):
            yield str(value)
