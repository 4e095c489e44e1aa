"""What comes in at the Spanish platform and what goes out: SOAP 1.1, Base64, ZIP, and the official schemas that judge them.

Written apart from the server's side on purpose: the other side of a wire must not share our mistakes.
"""

import base64
import binascii
import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any, TypeAlias

from lxml import etree

from linli import schemas

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
SERVICE = "http://www.soap.servicios.hospedajes.mir.es/comunicacion"
PART = "http://www.neg.hospedajes.mir.es/altaParteHospedaje"
ANNULMENT = "http://www.neg.hospedajes.mir.es/anularComunicacion"
QUESTION = "http://www.neg.hospedajes.mir.es/consultarComunicacion"
# Which official file judges the payload of which root.
SCHEMA_OF: Mapping[str, str] = {
    f"{{{PART}}}peticion": "altaParteHospedaje.xsd",
    f"{{{ANNULMENT}}}comunicaciones": "anularComunicacion.xsd",
    f"{{{QUESTION}}}lotes": "consultarComunicacion.xsd",
}
MOST_PACKED = 4_000_000
MOST_UNPACKED = 8_000_000
_judging = Lock()

Element: TypeAlias = Any  # lxml ships no types


class NotUnderstood(ValueError):
    """The request is no SOAP message of this service; the sender gets a fault."""


class Refused(ValueError):
    """The payload cannot be taken: an error of the service's catalogue, and what is wrong."""

    def __init__(self, code: int, text: str) -> None:
        """Say which error it is."""
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text[:100]


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One element to write: its name, and either text or further branches."""

    name: str
    holds: "str | Sequence[Branch]"


def branch(name: str, *holds: Branch) -> Branch:
    """This will hold branches under a name."""
    return Branch(name=name, holds=holds)


def leaf(name: str, text: object) -> Branch:
    """This will hold a text under a name."""
    return Branch(name=name, holds=str(text))


def envelope(operation: str, branches: Sequence[Branch]) -> bytes:
    """This will write an answer of the service."""
    root = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"SOAP-ENV": SOAP})
    body = etree.SubElement(root, f"{{{SOAP}}}Body")
    _grow(etree.SubElement(body, f"{{{SERVICE}}}{operation}", nsmap={"ns3": SERVICE}), branches)
    return _bytes_of(root)


def fault(code: str, text: str) -> bytes:
    """This will write a SOAP fault: `Client` when the sender is wrong, `Server` when we are."""
    root = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"SOAP-ENV": SOAP})
    told = etree.SubElement(etree.SubElement(root, f"{{{SOAP}}}Body"), f"{{{SOAP}}}Fault")
    _grow(told, (leaf("faultcode", f"SOAP-ENV:{code}"), leaf("faultstring", text)))
    return _bytes_of(root)


def request_in(raw: bytes) -> Element:
    """This will find the one request in a SOAP message, as the service's own schema describes it; raises NotUnderstood."""
    try:
        root = _parsed(raw)
    except Refused as problem:
        raise NotUnderstood(problem.text) from None
    body = root.find(f"{{{SOAP}}}Body")
    if root.tag != f"{{{SOAP}}}Envelope" or body is None or len(body) != 1:
        raise NotUnderstood("no SOAP 1.1 envelope with one body entry")
    broken = _broken_law("comunicacion.xsd", body[0])
    if broken is not None:
        raise NotUnderstood(broken)
    return body[0]


def payload_in(solicitud: str, *, root: str) -> Element:
    """This will unpack the payload (Base64 of a ZIP of one UTF-8 XML file) and hold it against its schema; raises Refused."""
    document = _parsed(_unzipped(_decoded(solicitud)))
    if document.tag != root:
        raise Refused(10118, "El fichero no corresponde a la operacion")
    problem = _broken_law(SCHEMA_OF[root], document)
    if problem is not None:
        raise Refused(10121, problem)
    return document


def text_of(element: Element, path: str) -> str:
    """This will read the text at a path, or nothing."""
    return (element.findtext(path) or "").strip()


def as_text(element: Element) -> str:
    """This will write a part of a document as text."""
    return str(etree.tostring(element, encoding="unicode", with_tail=False))


def from_text(text: str) -> Element:
    """This will read a part of a document that `as_text` wrote."""
    return _parsed(text.encode())


def _decoded(solicitud: str) -> bytes:
    packed = "".join(solicitud.split())
    if len(packed) > MOST_PACKED:
        raise Refused(10111, "Fichero demasiado grande")
    try:
        return base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(10111, "Fichero no codificado en Base64") from None


def _unzipped(packed: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            names = archive.namelist()
            if len(names) != 1:
                raise Refused(10111, "El zip debe contener un fichero")
            with archive.open(names[0]) as file:
                # What the archive claims of its size is not believed: a bomb is read up to the limit and no further.
                document = file.read(MOST_UNPACKED + 1)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        RuntimeError,
        NotImplementedError,
        ValueError,
    ) as problem:
        if isinstance(problem, Refused):
            raise
        raise Refused(10111, "Fichero zip incorrecto") from None
    if len(document) > MOST_UNPACKED:
        raise Refused(10111, "Fichero demasiado grande")
    return document


def _parsed(raw: bytes) -> Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError):
        raise Refused(10118, "XML mal formado") from None
    if root is None or root.getroottree().docinfo.internalDTD is not None:
        # A document type has no place in these messages: what it could declare are bombs and foreign files.
        raise Refused(10118, "XML con DOCTYPE")
    return root


def _broken_law(name: str, element: Element) -> str | None:
    document = etree.ElementTree(etree.fromstring(etree.tostring(element, with_tail=False)))
    with _judging:
        law = _law(name)
        if law.validate(document):
            return None
        return str(law.error_log[0].message)


@cache
def _law(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(schemas.ses_hospedajes() / name))


def _grow(parent: Element, branches: Sequence[Branch]) -> None:
    for one in branches:
        child = etree.SubElement(parent, one.name)
        if isinstance(one.holds, str):
            child.text = one.holds
        else:
            _grow(child, one.holds)


def _bytes_of(root: Element) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))
