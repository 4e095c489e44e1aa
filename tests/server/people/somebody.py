"""People who do not exist, for tests."""

from datetime import date
from typing import Any

from linli.documents.numbers import synthetic_resident_id
from linli.server.people.actions import DocumentInput, PersonInput

BIRTH = date(1990, 3, 7)
NUMBER = synthetic_resident_id("510108", BIRTH, 1)
MISTYPED = NUMBER[:17] + ("0" if NUMBER[17] != "0" else "1")
SPECIMEN_ZONE = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"


def wang(**changes: Any) -> PersonInput:
    """A man of Chengdu."""
    facts = {
        "native_name": "王甲子",
        "sex": "male",
        "nationality": "CHN",
        "birth_date": BIRTH,
        "phone": "15400001111",
    }
    return PersonInput(**(facts | changes))


def card(**changes: Any) -> DocumentInput:
    """His identity card."""
    return DocumentInput(**({"kind": "resident_id", "number": NUMBER, "valid_until": date(2036, 1, 1)} | changes))


def anna(**changes: Any) -> PersonInput:
    """The holder of the specimen passport of ICAO 9303."""
    facts = {
        "native_name": "",
        "latin_name": "Eriksson Anna Maria",
        "sex": "female",
        "nationality": "UTO",
        "birth_date": date(1974, 8, 12),
    }
    return PersonInput(**(facts | changes))


def passport(**changes: Any) -> DocumentInput:
    """The specimen passport."""
    facts = {"kind": "foreign_passport", "number": "L898902C3", "issuing_country": "UTO", "mrz": SPECIMEN_ZONE}
    return DocumentInput(**(facts | changes))
