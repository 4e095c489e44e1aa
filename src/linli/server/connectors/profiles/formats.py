"""How a fact is written for a platform: one function a format, and which facts each can write. What it cannot write is empty."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from linli.documents.kinds import find_kind
from linli.server.connectors.profiles.vocabulary import Shape

SEXES: Mapping[str, str] = MappingProxyType({"male": "1", "female": "2", "unspecified": "9"})  # GB/T 2261.1
UNKNOWN_SEX = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One way to write a fact: of which shapes, or of which single facts, and how."""

    shapes: frozenset[Shape]
    write: Callable[[Any, ZoneInfo], str]
    facts: frozenset[str] = frozenset()


def _text(value: str, zone: ZoneInfo) -> str:
    return value


def _joined(value: tuple[str, ...], zone: ZoneInfo) -> str:
    return ",".join(value)


def _number(value: int, zone: ZoneInfo) -> str:
    return str(value)


def _flag(value: bool, zone: ZoneInfo) -> str:
    return "1" if value else "0"


def _sex(value: str, zone: ZoneInfo) -> str:
    return SEXES.get(value, UNKNOWN_SEX)


def _document(value: str, zone: ZoneInfo) -> str:
    kind = find_kind(value)
    return kind.code if kind else ""


def _surname(value: str, zone: ZoneInfo) -> str:
    return _latin(_parted(value)[0])


def _given(value: str, zone: ZoneInfo) -> str:
    return _latin(_parted(value)[1])


def _in_time(pattern: str) -> Callable[[date | datetime, ZoneInfo], str]:
    # A moment is told by the platform's own clock, whatever zone an estate may have; a day is the same everywhere.
    return lambda value, zone: format(value.astimezone(zone) if isinstance(value, datetime) else value, pattern)


def _parted(name: str) -> tuple[str, str]:
    """This will part a name into surname and given names: at `,` or `<<`, else after the first word, as passports write it."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))
    surname, parted, given = re.sub(r"<<|,", "\x00", plain, count=1).partition("\x00")
    if not parted:
        surname, _, given = surname.strip().partition(" ")
    return surname, given


def _latin(text: str) -> str:
    return " ".join(re.sub(r"[^A-Za-z .'-]", " ", text).split()).strip("-'. ")


_TEXT, _DAY, _MOMENT = frozenset({Shape.TEXT}), frozenset({Shape.DAY, Shape.MOMENT}), frozenset({Shape.MOMENT})
FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "text": Format(shapes=_TEXT, write=_text),
        "joined": Format(shapes=frozenset({Shape.TEXTS}), write=_joined),
        "number": Format(shapes=frozenset({Shape.NUMBER}), write=_number),
        "flag": Format(shapes=frozenset({Shape.FLAG}), write=_flag),
        "day": Format(shapes=_DAY, write=_in_time("%Y%m%d")),
        "day_dashed": Format(shapes=_DAY, write=_in_time("%Y-%m-%d")),
        "minute": Format(shapes=_MOMENT, write=_in_time("%Y%m%d%H%M")),
        "second": Format(shapes=_MOMENT, write=_in_time("%Y%m%d%H%M%S")),
        "second_dashed": Format(shapes=_MOMENT, write=_in_time("%Y-%m-%d %H:%M:%S")),
        "sex_code": Format(shapes=_TEXT, write=_sex, facts=frozenset({"sex"})),
        "document_code": Format(shapes=_TEXT, write=_document, facts=frozenset({"document_kind"})),
        "region": Format(shapes=_TEXT, write=_text, facts=frozenset({"region", "nationality"})),
        "latin_surname": Format(shapes=_TEXT, write=_surname, facts=frozenset({"latin_name"})),
        "latin_given": Format(shapes=_TEXT, write=_given, facts=frozenset({"latin_name"})),
    }
)
# Written by a table of the profile itself instead of a function here.
CODED = "coded"
