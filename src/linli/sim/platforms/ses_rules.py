"""What the Spanish platform asks of a communication beyond its schema, and its catalogues.

The schema leaves much optional that the specification demands in prose: a document of every adult, a second surname with a NIF,
a kinship of every minor and an adult beside them, a way to reach everybody.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from linli.sim.platforms.ses_papers import Element, text_of

OF_AGE = 18
WRONG, MISSING = "10130", "10131"

CATALOGUES: Mapping[str, Mapping[str, str]] = {
    "TIPO_DOCUMENTO": {
        "NIF": "Número de identificación fiscal",
        "NIE": "Número de identidad de extranjero",
        "PAS": "Pasaporte",
        "OTRO": "Otro",
    },
    "SEXO": {"H": "Hombre", "M": "Mujer", "O": "Otro"},
    "TIPO_PARENTESCO": {
        "AB": "Abuelo/a",
        "BA": "Bisabuelo/a",
        "BN": "Bisnieto/a",
        "CD": "Cuñado/a",
        "CY": "Cónyuge",
        "HJ": "Hijo/a",
        "HR": "Hermano/a",
        "NI": "Nieto/a",
        "PM": "Padre o madre",
        "SB": "Sobrino/a",
        "SG": "Suegro/a",
        "TI": "Tío/a",
        "YN": "Yerno o nuera",
        "TU": "Tutor/a",
        "OT": "Otro",
    },
    "TIPO_ESTABLECIMIENTO": {"VUT": "Vivienda de uso turístico", "OTROS": "Otros"},
    "TIPO_PAGO": {
        "DESTI": "Pago en destino",
        "EFECT": "Efectivo",
        "MOVIL": "Pago por móvil",
        "OTRO": "Otros medios",
        "PLATF": "Plataforma de pago",
        "TARJT": "Tarjeta",
        "TRANS": "Transferencia",
        "TREG": "Tarjeta regalo",
    },
}
CHECK_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a communication is refused: an error of the catalogue, the field, and in words."""

    code: str
    field: str
    says: str

    @property
    def text(self) -> str:
        """The error as the platform words it: the field first."""
        return f"{self.field}: {self.says}"[:100]


def problem_of(communication: Element, *, now: datetime) -> Problem | None:
    """This will find the first thing wrong with a communication that its schema let pass, or None."""
    return next(_problems(communication, now), None)


def _problems(communication: Element, now: datetime) -> Iterator[Problem]:
    contract = communication.find("contrato")
    people = communication.findall("persona")
    if contract is None:
        yield _missing("contrato")
        return
    yield from _of_contract(contract, len(people))
    arrival = _day(text_of(contract, "fechaEntrada"))
    for person in people:
        for check in CHECKS:
            yield from check(person, arrival)
    ages = [_age(person, arrival) for person in people]
    if ages and all(age < OF_AGE for age in ages):
        yield _missing("persona", "un menor debe ir con un adulto")


def _of_contract(contract: Element, people: int) -> Iterator[Problem]:
    if not text_of(contract, "referencia"):
        yield _missing("referencia")
    if text_of(contract, "pago/tipoPago") not in CATALOGUES["TIPO_PAGO"]:
        yield _wrong("tipoPago")
    if int(text_of(contract, "numPersonas")) != people:
        yield _wrong("numPersonas", "no coincide con las personas")
    if text_of(contract, "fechaSalida")[:19] <= text_of(contract, "fechaEntrada")[:19]:
        yield _wrong("fechaSalida", "anterior a la entrada")


def _is_a_guest(person: Element, arrival: date) -> Iterator[Problem]:
    if text_of(person, "rol") != "VI":
        yield _wrong("rol")


def _has_a_name(person: Element, arrival: date) -> Iterator[Problem]:
    for field in ("nombre", "apellido1"):
        if not text_of(person, field):
            yield _missing(field)


def _has_a_document(person: Element, arrival: date) -> Iterator[Problem]:
    kind, number = text_of(person, "tipoDocumento"), text_of(person, "numeroDocumento")
    if _age(person, arrival) >= OF_AGE:
        for field, text in (("tipoDocumento", kind), ("numeroDocumento", number)):
            if not text:
                yield _missing(field)
    if kind and kind not in CATALOGUES["TIPO_DOCUMENTO"]:
        yield _wrong("tipoDocumento")
    if kind in ("NIF", "NIE") and not _checks(number):
        yield _wrong("numeroDocumento", "letra de control incorrecta")
    if kind == "NIF" and not text_of(person, "apellido2"):
        yield _missing("apellido2", "obligatorio con NIF")


def _was_born(person: Element, arrival: date) -> Iterator[Problem]:
    if _day(text_of(person, "fechaNacimiento")) > arrival:
        yield _wrong("fechaNacimiento", "posterior a la entrada")


def _has_a_sex_of_the_table(person: Element, arrival: date) -> Iterator[Problem]:
    if text_of(person, "sexo") and text_of(person, "sexo") not in CATALOGUES["SEXO"]:
        yield _wrong("sexo")


def _lives_somewhere(person: Element, arrival: date) -> Iterator[Problem]:
    if not text_of(person, "direccion/direccion"):
        yield _missing("direccion")
    needed = "codigoMunicipio" if text_of(person, "direccion/pais").upper() == "ESP" else "nombreMunicipio"
    if not text_of(person, f"direccion/{needed}"):
        yield _missing(needed)


def _can_be_reached(person: Element, arrival: date) -> Iterator[Problem]:
    if not any(text_of(person, field) for field in ("telefono", "telefono2", "correo")):
        yield _missing("telefono", "telefono o correo")


def _is_somebodys_child(person: Element, arrival: date) -> Iterator[Problem]:
    kinship = text_of(person, "parentesco")
    if kinship and kinship not in CATALOGUES["TIPO_PARENTESCO"]:
        yield _wrong("parentesco")
    if not kinship and _age(person, arrival) < OF_AGE:
        yield _missing("parentesco", "obligatorio para menores")


CHECKS: tuple[Callable[[Element, date], Iterator[Problem]], ...] = (
    _is_a_guest,
    _has_a_name,
    _was_born,
    _has_a_document,
    _has_a_sex_of_the_table,
    _lives_somewhere,
    _can_be_reached,
    _is_somebodys_child,
)


def _age(person: Element, day: date) -> int:
    born = _day(text_of(person, "fechaNacimiento"))
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _checks(number: str) -> bool:
    # The letter of NIF and NIE: the number modulo 23; X, Y and Z stand for 0, 1 and 2.
    parts = re.fullmatch(r"([XYZ]?)(\d{7,8})([A-Z])", number)
    if parts is None or len(number) != 9:
        return False
    first = {"X": "0", "Y": "1", "Z": "2"}.get(parts[1], "")
    return CHECK_LETTERS[int(first + parts[2]) % 23] == parts[3]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        # The schema allows years that our calendar does not have; nobody was born in one.
        return date.max


def _missing(field: str, says: str = "campo obligatorio") -> Problem:
    return Problem(code=MISSING, field=field, says=says)


def _wrong(field: str, says: str = "valor incorrecto") -> Problem:
    return Problem(code=WRONG, field=field, says=says)
