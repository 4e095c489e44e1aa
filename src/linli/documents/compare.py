"""What a picture says against what was typed, and the level of identity this earns.

Level 1: typed only. Level 2: number and name on the picture agree, or number, birth date and expiry in a
machine-readable zone stand on sound check digits and agree; and nothing contradicts. A picture earns no more than that.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from itertools import permutations

from linli.documents import kinds, numbers
from linli.documents.fields import SURE, ReadField, Reading
from linli.documents.kinds import MrzForm
from linli.documents.mrz import FieldState

TYPED = 1
COMPARED = 2
FULL_NAME = 26  # the shortest form of the zone has room for 30 characters of names
MOST_WORDS = 5

# A zone writes these otherwise than ISO 3166 does (ICAO 9303-3 § 5).
ZONE_COUNTRIES = {"D": "DEU", "GBD": "GBR", "GBN": "GBR", "GBO": "GBR", "GBP": "GBR", "GBS": "GBR", "RKS": "XKX"}
# How zones spell letters beyond A–Z (ICAO 9303-3 § 6).
SPELT_OUT = str.maketrans(
    {"Ä": "AE", "Ö": "OE", "Ü": "UE", "ß": "SS", "ẞ": "SS", "Å": "AA", "Æ": "AE", "Ø": "OE", "Œ": "OE", "Þ": "TH",
     "Ð": "D", "Ł": "L", "Đ": "D", "ı": "I", "Ñ": "N"}
)  # fmt: skip

_ON_CARDS = ("number", "native_name", "sex", "birth_date")
_IN_ZONES = ("number", "latin_name", "sex", "birth_date", "valid_until", "nationality")


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What a guest typed: the number as `numbers.parse_number` wrote it, the nationality as ISO 3166 alpha-3."""

    kind: str
    number: str = field(repr=False)
    native_name: str = field(default="", repr=False)
    latin_name: str = field(default="", repr=False)
    sex: str | None = None
    birth_date: date | None = field(default=None, repr=False)
    valid_until: date | None = field(default=None, repr=False)
    nationality: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How far picture and typing agree, field by field."""

    level: int
    matched: tuple[str, ...]
    mismatched: tuple[str, ...]
    unread: tuple[str, ...]
    doubtful: tuple[str, ...] = ()  # fields of the zone whose check digits do not fit, or a number that cannot be
    expired: bool | None = None  # None where the picture does not tell


def compare(reading: Reading, typed: Typed, *, today: date) -> Comparison:
    """Compare field by field; never raises, because agreeing and differing are both normal."""
    verdicts = {name: _verdict(name, reading, typed) for name in _expected(reading, typed)}
    if reading.mrz and not _same_kind(reading, typed):
        verdicts["type"] = False
    matched = tuple(name for name, verdict in verdicts.items() if verdict is True)
    mismatched = tuple(name for name, verdict in verdicts.items() if verdict is False)
    unread = tuple(name for name, verdict in verdicts.items() if verdict is None)
    return Comparison(
        level=COMPARED if not mismatched and _enough(reading, matched) else TYPED,
        matched=matched,
        mismatched=mismatched,
        unread=unread,
        doubtful=_doubtful(reading),
        expired=reading.mrz.expired(today=today) if reading.mrz else None,
    )


def _expected(reading: Reading, typed: Typed) -> tuple[str, ...]:
    """The fields that were typed and that this kind of picture shows, or should have shown."""
    kind = kinds.find_kind(typed.kind)
    zone = reading.mrz or (not reading.readable and kind and kind.mrz is MrzForm.TD3)
    return tuple(name for name in (_IN_ZONES if zone else _ON_CARDS) if getattr(typed, name))


def _enough(reading: Reading, matched: tuple[str, ...]) -> bool:
    if reading.mrz:
        # The typed number itself may have settled a look-alike: it matched only if it fits the zone's check digit.
        sound = all(reading.mrz.states[name] is not FieldState.BAD for name in ("birth", "expiry"))
        return sound and {"number", "birth_date"} <= set(matched)
    return {"number", "native_name"} <= set(matched)


def _verdict(name: str, reading: Reading, typed: Typed) -> bool | None:
    """True if the field agrees, False if it differs, None if the picture did not show it well enough."""
    read = reading.fields.get(name)
    if read is None or read.state is FieldState.BAD:
        # A number that fails its check digit may still be the one typed, but for look-alikes.
        return True if name == "number" and _zone_confirms(reading, typed) else None
    agrees = _agrees(name, reading, read, typed)
    if not agrees and name == "native_name" and read.score < SURE:
        return None  # unread rather than mismatched: another picture may do
    return agrees


def _agrees(name: str, reading: Reading, read: ReadField, typed: Typed) -> bool:
    if name == "number":
        return read.value == typed.number or _zone_confirms(reading, typed)
    if name == "native_name":
        return _plain_name(read.value) == _plain_name(typed.native_name)
    if name == "latin_name":
        return _same_latin_name(read.value, typed.latin_name)
    if name == "nationality":
        return ZONE_COUNTRIES.get(read.value, read.value) == typed.nationality
    if name == "sex":
        return typed.sex in (read.value, numbers.Sex.UNSPECIFIED)
    day = typed.birth_date if name == "birth_date" else typed.valid_until
    return day is not None and read.value == day.isoformat()


def _zone_confirms(reading: Reading, typed: Typed) -> bool:
    return reading.mrz is not None and reading.mrz.confirms_number(typed.number)


def _same_kind(reading: Reading, typed: Typed) -> bool:
    kind = kinds.find_kind(typed.kind)
    if reading.mrz is None or kind is None or kind.mrz is None:
        return False
    if reading.mrz.form is not kind.mrz:
        return False
    ours = reading.mrz.issuing_state == "CHN"
    return kind.mrz is not MrzForm.TD3 or ours is (kind.whose is kinds.Whose.MAINLAND)


def _doubtful(reading: Reading) -> tuple[str, ...]:
    if reading.mrz:
        return reading.mrz.bad_fields
    return tuple(name for name, read in reading.fields.items() if read.state is FieldState.BAD)


def _plain_name(name: str) -> str:
    return re.sub(r"[\s·•・.]+", "", unicodedata.normalize("NFKC", name)).upper()


def _same_latin_name(read: str, wanted: str) -> bool:
    """Whether the same words stand in both, in any order; a zone may cut a long name and spells Ö as OE or as O."""
    seen = _words(read, spelt_out=False)
    return any(_alike(seen, _words(wanted, spelt_out=way)) for way in (False, True))


def _alike(seen: list[str], wanted: list[str]) -> bool:
    if sorted(seen) == sorted(wanted):
        return True
    if len(" ".join(seen)) >= FULL_NAME:  # the zone was full: the cut must be the only difference
        return all(any(full.startswith(part) for full in wanted) for part in seen)
    # XIAO MING and XIAOMING are one name: only where the words are parted may differ.
    few = max(len(seen), len(wanted)) <= MOST_WORDS
    return few and not _joined(seen).isdisjoint(_joined(wanted))


def _joined(words: list[str]) -> set[str]:
    return {"".join(order) for order in permutations(words)}


def _words(name: str, *, spelt_out: bool) -> list[str]:
    upper = unicodedata.normalize("NFC", name).upper()
    plain = upper.translate(SPELT_OUT) if spelt_out else upper.translate(str.maketrans("ØŁĐÆ", "OLDA"))
    letters = "".join(char for char in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(char))
    return re.sub(r"['’`]", "", letters).replace("-", " ").replace(",", " ").split()
