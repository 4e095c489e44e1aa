"""The service's envelopes (SOAP 1.1, document/literal) and what its answers say. Strict in what it writes, tolerant in what it reads.

The ministry's own examples write `codigoRetorno` for `codigo` and `resutadoComunicacion` for `resultadoComunicacion`; whoever
believes its WSDL alone does not read them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from linli.server.connectors.platforms.ses_hospedajes.papers import Element, NotXml, read

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
SERVICE = "http://www.soap.servicios.hospedajes.mir.es/comunicacion"
APPLICATION = "Linli"
# The errors that say the service itself has failed.
UNEXPECTED = range(10900, 11000)


class NoAnswerOfTheService(ValueError):
    """What came back is no answer to what was asked."""


class Fault(Exception):
    """The service could not take the envelope; `ours` says that it blames us."""

    def __init__(self, text: str, *, ours: bool) -> None:
        super().__init__(text)
        self.ours = ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was answered to a lot: 0 and its number, or an error."""

    code: int
    says: str
    lote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one record of a lot: a code, or an error."""

    code: str
    error_kind: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LotState:
    """Where a lot stands, and its records by their place in it once it is decided."""

    state: int
    outcomes: dict[int, Outcome]


def lot(*, party: str, operation: str, solicitud: str) -> bytes:
    """This will write the envelope of a lot: operation A (PV, travellers) or B (annulments)."""
    root, request = _envelope("comunicacionRequest")
    asked = etree.SubElement(request, "peticion")
    head = etree.SubElement(asked, "cabecera")
    told = {"codigoArrendador": party, "aplicacion": APPLICATION, "tipoOperacion": operation}
    if operation == "A":
        told["tipoComunicacion"] = "PV"
    for name, text in told.items():
        etree.SubElement(head, name).text = text
    etree.SubElement(asked, "solicitud").text = solicitud
    return _written(root)


def lot_question(lote: str) -> bytes:
    """This will ask where a lot stands."""
    root, request = _envelope("consultaLoteRequest")
    etree.SubElement(etree.SubElement(request, "codigosLote"), "lote").text = lote
    return _written(root)


def communication_question(code: str) -> bytes:
    """This will ask for a communication by its code."""
    root, request = _envelope("consultaComunicacionRequest")
    etree.SubElement(etree.SubElement(request, "codigos"), "codigo").text = code
    return _written(root)


def taken(raw: bytes) -> Taken:
    """This will read the answer to a lot; raises `Fault`, `NoAnswerOfTheService`."""
    answer = _first(_entry(raw, "comunicacionResponse"), "respuesta")
    code = _number(answer, "codigo", "codigoRetorno")
    lote = _text(answer, "lote")
    if code == 0 and re.fullmatch(r"[0-9A-Za-z_-]{1,36}", lote) is None:
        raise NoAnswerOfTheService
    return Taken(code=code, says=_text(answer, "descripcion"), lote=lote)


def lot_state(raw: bytes, *, lote: str) -> LotState | None:
    """This will read where a lot stands, or None when the platform shows none of this number; raises `Fault`, `NoAnswerOfTheService`."""
    # The specification's example answers this question under the name of another answer.
    entry = _entry(raw, "consultaLoteResponse", "comunicacionResponse")
    code = _number(_first(entry, "respuesta"), "codigo", "codigoRetorno")
    if code in UNEXPECTED:
        raise Fault(str(code), ours=False)
    if code != 0:
        return None
    found = [one for one in _all(entry, "resultado") if _text(one, "lote") == lote]
    if not found:
        if next(_all(entry, "resultado"), None) is not None:
            # Lots were shown, and ours is not among them: the answer to somebody else's question.
            raise NoAnswerOfTheService
        return None
    return LotState(state=_number(found[0], "codigoEstado"), outcomes=dict(_outcomes(found[0])))


def reference_of(raw: bytes, *, code: str) -> str | None:
    """This will read under which reference a communication stands, or None when there is none; raises `Fault`, `NoAnswerOfTheService`."""
    entry = _entry(raw, "consultaComunicacionResponse")
    found = [one for one in _all(entry, "comunicacion") if _text(one, "codigo") == code]
    if not found and next(_all(entry, "comunicacion"), None) is not None:
        raise NoAnswerOfTheService
    return _text(found[0], "referencia") if found else None


def _outcomes(result: Element) -> Iterator[tuple[int, Outcome]]:
    for one in result.iter("resultadoComunicacion", "resutadoComunicacion"):
        yield (
            _number(one, "orden"),
            Outcome(
                code=_text(one, "codigoComunicacion"), error_kind=_text(one, "tipoError"), error=_text(one, "error")
            ),
        )


def _entry(raw: bytes, *names: str) -> Element:
    try:
        root = read(raw)
    except NotXml as problem:
        raise NoAnswerOfTheService from problem
    body = root.find(f"{{{SOAP}}}Body")
    if root.tag != f"{{{SOAP}}}Envelope" or body is None or len(body) != 1:
        raise NoAnswerOfTheService
    entry = body[0]
    if entry.tag == f"{{{SOAP}}}Fault":
        code = _text(entry, "faultcode").rpartition(":")[2]
        raise Fault(_text(entry, "faultstring"), ours=code.startswith("Client"))
    if entry.tag not in {f"{{{SERVICE}}}{name}" for name in names}:
        raise NoAnswerOfTheService
    return entry


def _envelope(name: str) -> tuple[Element, Element]:
    root = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soapenv": SOAP})
    body = etree.SubElement(root, f"{{{SOAP}}}Body")
    return root, etree.SubElement(body, f"{{{SERVICE}}}{name}", nsmap={"com": SERVICE})


def _written(root: Element) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _all(parent: Element, name: str) -> Iterator[Element]:
    return iter(parent.findall(name))


def _first(parent: Element, name: str) -> Element:
    found = parent.find(name)
    if found is None:
        raise NoAnswerOfTheService
    return found


def _text(parent: Element, name: str) -> str:
    return " ".join((parent.findtext(name) or "").split())


def _number(parent: Element, *names: str) -> int:
    text = next((told for name in names if (told := _text(parent, name))), "")
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise NoAnswerOfTheService
    return int(text)
