"""What leaves for the Spanish platform of one stay: the fields of a traveller's part, or which of them is missing.

The specification parts travellers by booking; Linli reports by stay, because each guest's report has its own receipt, its own
deadline and its own withdrawal. So one communication is one guest: two of a family are two communications, which may travel in one
lot. A minor's communication also holds one adult of the same company, because the platform takes no minor without one.

What Linli does not know it does not invent. It keeps nobody's home: as address stands the flat, where the guest can be found. It
knows no payment: `OTRO`. Who left neither phone nor e-mail is reached through the lodging's own contact, when the link has one.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from linli.server.connectors.protocol import Facts, FactsMissing, PersonFacts, StayFacts

OF_AGE = 18
SEXES: Mapping[str, str] = MappingProxyType({"male": "H", "female": "M", "unspecified": "O"})
PASSPORTS = frozenset({"foreign_passport", "prc_passport"})
CHECK_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
# What guests write of how they belong together; whatever else they write is told as `OT` (other).
KINSHIPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "HJ": ("child", "son", "daughter", "子女", "儿子", "女儿", "孩子"),
        "NI": ("grandchild", "grandson", "granddaughter", "孙子", "孙女", "外孙", "外孙女"),
        "HR": ("sibling", "brother", "sister", "兄弟", "姐妹", "兄妹", "姐弟", "弟弟", "妹妹", "哥哥", "姐姐"),
        "SB": ("nephew", "niece", "侄子", "侄女", "外甥", "外甥女"),
        "TU": ("ward", "guardian", "监护人", "被监护人"),
    }
)
_PERSON = (
    "nombre",
    "apellido1",
    "apellido2",
    "tipoDocumento",
    "numeroDocumento",
    "fechaNacimiento",
    "nacionalidad",
    "sexo",
    "direccion",
    "codigoMunicipio",
    "nombreMunicipio",
    "codigoPostal",
    "pais",
    "telefono",
    "correo",
    "parentesco",
)
ADULT = "adulto_"
CONTRACT = ("fechaContrato", "fechaEntrada", "fechaSalida", "tipoPago")
PERSON = _PERSON
FIELDS = frozenset({"codigoEstablecimiento", *CONTRACT, *PERSON, *(ADULT + name for name in PERSON)})


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What the link says of the lodging itself, for the facts that Linli does not keep."""

    zone: ZoneInfo
    country: str
    postal_code: str
    municipality: str
    municipality_code: str
    payment: str
    contact_email: str

    @staticmethod
    def of(settings: Mapping[str, str]) -> "House":
        """This will read it from the link's table; without a word it is the fictional estate in Chengdu."""
        return House(
            zone=ZoneInfo(settings.get("zone") or "Asia/Shanghai"),
            country=settings.get("country") or "CHN",
            postal_code=settings.get("postal_code") or "610000",
            municipality=settings.get("municipality") or "Chengdu",
            municipality_code=settings.get("municipality_code", ""),
            payment=settings.get("payment") or "OTRO",
            contact_email=settings.get("contact_email", ""),
        )


def establishment(facts: Facts) -> str:
    """This will give the establishment's code: the mark that hangs on the flat's door; raises `FactsMissing`."""
    return _present(facts.unit_mark if isinstance(facts, StayFacts) else "", field="codigoEstablecimiento")


def part_of(*, facts: Facts, house: House) -> dict[str, str]:
    """This will write the fields of one guest's part; raises `FactsMissing`."""
    code = establishment(facts)
    assert isinstance(facts, StayFacts)  # establishment() has refused everything else
    arrival = facts.checked_in_at.astimezone(house.zone)
    adult = _adult_beside(facts, day=arrival.date())
    fields = {
        "codigoEstablecimiento": code,
        "fechaContrato": arrival.date().isoformat(),
        "fechaEntrada": _moment(facts.checked_in_at, house=house),
        "fechaSalida": _moment(facts.leave_at, house=house),
        "tipoPago": house.payment,
        **_person(facts.guest, facts=facts, house=house, minor=adult is not None),
    }
    if adult is not None:
        fields["parentesco"] = kinship(facts.relation)
        told = _person(adult, facts=facts, house=house, minor=False)
        fields.update({ADULT + name: text for name, text in told.items()})
    return {name: said for name, text in fields.items() if (said := _sayable(text, field=name))}


def kinship(relation: str) -> str:
    """This will give the platform's code of a kinship that was written in words: `OT` for what it has no code for."""
    said = relation.strip().lower()
    return next((code for code, words in KINSHIPS.items() if said in words), "OT")


def _person(person: PersonFacts, *, facts: StayFacts, house: House, minor: bool) -> dict[str, str]:
    kind, number = _document(person)
    if not number and not minor:
        raise FactsMissing("numeroDocumento")
    surname, given = _names(person)
    second = _latin(person.second_surname)
    if kind == "NIF" and not second:
        raise FactsMissing("apellido2")
    return {
        "nombre": given,
        "apellido1": surname,
        "apellido2": second,
        "tipoDocumento": kind if number else "",
        "numeroDocumento": number,
        "fechaNacimiento": _birth(person).isoformat(),
        "nacionalidad": person.nationality,
        "sexo": SEXES.get(person.sex, ""),
        **_address(facts, house=house),
        **_contact(person, facts=facts, house=house),
    }


def _address(facts: StayFacts, *, house: House) -> dict[str, str]:
    spanish = house.country == "ESP"
    return {
        "direccion": _present(facts.unit_address, field="direccion"),
        # Spain names its own municipalities by code and all others by name.
        "codigoMunicipio": _present(house.municipality_code, field="codigoMunicipio") if spanish else "",
        "nombreMunicipio": "" if spanish else house.municipality,
        "codigoPostal": house.postal_code,
        "pais": house.country,
    }


def _contact(person: PersonFacts, *, facts: StayFacts, house: House) -> dict[str, str]:
    phone = next((one.phone for one in (person, facts.guest, *facts.company) if one.phone), "")
    if not phone and not house.contact_email:
        raise FactsMissing("telefono")
    return {"telefono": phone} if phone else {"correo": house.contact_email}


def _document(person: PersonFacts) -> tuple[str, str]:
    number = person.document_number.upper().replace(" ", "").replace("-", "")
    if number and _has_check_letter(number):
        if number[0] in "XYZ" and person.nationality != "ESP":
            return "NIE", number
        if number[0].isdigit() and person.nationality == "ESP":
            return "NIF", number
    return ("PAS" if person.document_kind in PASSPORTS else "OTRO"), person.document_number


def _has_check_letter(number: str) -> bool:
    # RD 1553/2005 and Orden INT/2058/2008: the letter is the number modulo 23; X, Y and Z count as 0, 1 and 2.
    if re.fullmatch(r"(\d{8}|[XYZ]\d{7})[A-Z]", number, re.ASCII) is None:
        return False
    digits = number[:-1].translate(str.maketrans("XYZ", "012"))
    return CHECK_LETTERS[int(digits) % 23] == number[-1]


def _names(person: PersonFacts) -> tuple[str, str]:
    # As passports write it: the surname first, parted at `,` or `<<`, else after the first word.
    name = person.latin_name or person.native_name
    surname, parted, given = re.sub(r"<<|,", "\x00", name, count=1).partition("\x00")
    if not parted:
        surname, _, given = surname.strip().partition(" ")
    return _present(_latin(surname), field="apellido1"), _present(_latin(given), field="nombre")


def _latin(text: str) -> str:
    # Accents stay, as Spanish names have them; other scripts are no name that this platform could compare with a passport.
    return " ".join("".join(_letters(unicodedata.normalize("NFC", text))).split()).strip("-'. ")


def _letters(text: str) -> Iterator[str]:
    for char in text:
        yield char if char in " .'-" or (char.isalpha() and ord(char) < 0x250) else " "


def _adult_beside(facts: StayFacts, *, day: date) -> PersonFacts | None:
    # The adult who answers for a minor; an adult guest needs none.
    if not _is_minor(facts.guest, day):
        return None
    adult = next((one for one in facts.company if not _is_minor(one, day)), None)
    if adult is None:
        raise FactsMissing("persona")
    return adult


def _sayable(text: str, *, field: str) -> str:
    # A schema that folds blanks takes a blank for nothing; control characters have no place in XML at all.
    said = " ".join(text.split())
    if any(unicodedata.category(char) in ("Cc", "Cs") or char in "\ufffe\uffff" for char in said):
        raise FactsMissing(field.removeprefix(ADULT))
    return said


def _is_minor(person: PersonFacts, day: date) -> bool:
    born = _birth(person)
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day)) < OF_AGE


def _birth(person: PersonFacts) -> date:
    if person.birth_date is None:
        raise FactsMissing("fechaNacimiento")
    return person.birth_date


def _moment(moment: datetime, *, house: House) -> str:
    # The specification writes the lodging's own clock, without a zone.
    return moment.astimezone(house.zone).replace(tzinfo=None).isoformat(timespec="seconds")


def _present(text: str, *, field: str) -> str:
    if not text:
        raise FactsMissing(field)
    return text
