"""The documents as the official schemas want them: written in order, judged by the XSD, packed; and XML from outside read without trust."""

import base64
import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import Any, TypeAlias

from lxml import etree

from linli import schemas
from linli.server.connectors.platforms.ses_hospedajes.parts import ADULT, PERSON

PART = "http://www.neg.hospedajes.mir.es/altaParteHospedaje"
ANNULMENT = "http://www.neg.hospedajes.mir.es/anularComunicacion"
ADDRESS = ("direccion", "codigoMunicipio", "nombreMunicipio", "codigoPostal", "pais")
BEFORE_ADDRESS = PERSON[: PERSON.index("direccion")]
AFTER_ADDRESS = PERSON[PERSON.index("pais") + 1 :]
# Every archive bears the same name and time: the same records make the same bytes.
ENTRY = zipfile.ZipInfo("solicitud.xml", date_time=(1980, 1, 1, 0, 0, 0))
_judging = Lock()

Element: TypeAlias = Any  # lxml ships no types


class NotXml(ValueError):
    """This is no XML that we would read: not well-formed, in an unknown charset, or with a document type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One guest's communication: the reference under which the platform knows it, and its fields."""

    reference: str
    fields: Mapping[str, str] = field(repr=False)


def write_parts(*, establishment: str, parts: Sequence[Part]) -> bytes:
    """This will write the parts of one establishment as one payload, in the schema's order."""
    root = etree.Element(f"{{{PART}}}peticion", nsmap={"alt": PART})
    request = _child(root, "solicitud")
    _child(request, "codigoEstablecimiento", establishment)
    for part in parts:
        _communication(request, part)
    return _written(root)


def write_annulments(codes: Iterable[str]) -> bytes:
    """This will write which communications are taken back."""
    root = etree.Element(f"{{{ANNULMENT}}}comunicaciones", nsmap={None: ANNULMENT})
    for code in codes:
        _child(root, f"{{{ANNULMENT}}}codigoComunicacion", code)
    return _written(root)


def broken_field(document: bytes, *, schema: str) -> str | None:
    """This will name the first element that breaks the official schema, or None when the document is in order."""
    with _judging:
        law = _law(schema)
        if law.validate(etree.fromstring(document)):
            return None
        told = str(law.error_log[0].message)
    # What is missing is named as what was expected; what is wrong is named itself.
    expected = re.search(r"Expected is (?:one of )?\( (?:\{[^}]*\})?(\w+)", told)
    named = expected or re.search(r"Element '(?:\{[^}]*\})?(\w+)'", told)
    return named[1] if named else "documento"


def packed(document: bytes) -> str:
    """This will pack a document as the platform wants it: Base64 of a ZIP of one UTF-8 file."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(ENTRY, document, compress_type=zipfile.ZIP_DEFLATED)
    return base64.b64encode(held.getvalue()).decode()


def read(raw: bytes) -> Element:
    """This will read XML from outside: no entity is resolved, no file or network is touched; raises `NotXml`."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as problem:
        raise NotXml from problem
    if root is None or root.getroottree().docinfo.internalDTD is not None:
        # SOAP forbids document types (SOAP 1.1, 3): whatever stands in one is not meant for us.
        raise NotXml
    return root


def _communication(request: Element, part: Part) -> None:
    fields = part.fields
    communication = _child(request, "comunicacion")
    contract = _child(communication, "contrato")
    adult = {name.removeprefix(ADULT): text for name, text in fields.items() if name.startswith(ADULT)}
    people = [fields, *([adult] if adult else [])]
    _child(contract, "referencia", part.reference)
    for name in ("fechaContrato", "fechaEntrada", "fechaSalida"):
        _told(contract, name, fields)
    _child(contract, "numPersonas", str(len(people)))
    _told(_child(contract, "pago"), "tipoPago", fields)
    for person in people:
        _person(_child(communication, "persona"), person)


def _person(person: Element, fields: Mapping[str, str]) -> None:
    _child(person, "rol", "VI")
    for name in BEFORE_ADDRESS:
        _told(person, name, fields)
    address = _child(person, "direccion")
    for name in ADDRESS:
        _told(address, name, fields)
    for name in AFTER_ADDRESS:
        _told(person, name, fields)


def _told(parent: Element, name: str, fields: Mapping[str, str]) -> None:
    if fields.get(name):
        _child(parent, name, fields[name])


def _child(parent: Element, name: str, text: str | None = None) -> Element:
    child = etree.SubElement(parent, name)
    child.text = text
    return child


def _written(root: Element) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


@cache
def _law(name: str) -> Any:
    return etree.XMLSchema(etree.parse(schemas.ses_hospedajes() / name))
