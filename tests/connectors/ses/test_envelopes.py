"""Our envelopes are what zeep would write from the official WSDL, and what the official schema allows."""

import base64
import io
import zipfile
from typing import Any

import pytest
import zeep
from lxml import etree

from linli import schemas
from linli.server.connectors.platforms.ses_hospedajes import papers, soap
from tests.connectors.ses.guests import message
from tests.sim.ses.running import head

SERVICE = etree.XMLSchema(etree.parse(schemas.ses_hospedajes() / "comunicacion.xsd"))
ANNULMENT = etree.XMLSchema(etree.parse(schemas.ses_hospedajes() / "anularComunicacion.xsd"))
SOLICITUD = papers.packed(b"<x/>")

ENVELOPES = [
    (
        soap.lot(party="0000000001", operation="A", solicitud=SOLICITUD),
        "comunicacion",
        {"peticion": {"cabecera": head() | {"aplicacion": "Linli"}, "solicitud": SOLICITUD}},
    ),
    (
        soap.lot(party="0000000001", operation="B", solicitud=SOLICITUD),
        "comunicacion",
        {"peticion": {"cabecera": head("B") | {"aplicacion": "Linli"}, "solicitud": SOLICITUD}},
    ),
    (soap.lot_question("a-lot"), "consultaLote", {"codigosLote": {"lote": ["a-lot"]}}),
    (soap.communication_question("a-code"), "consultaComunicacion", {"codigos": {"codigo": ["a-code"]}}),
]


@pytest.fixture(scope="module")
def client() -> Any:
    """Zeep, by the official WSDL."""
    return zeep.Client(str(schemas.ses_hospedajes() / "comunicacion.wsdl"))


@pytest.mark.parametrize(("ours", "operation", "told"), ENVELOPES)
def test_our_envelope_is_zeeps(client: Any, ours: bytes, operation: str, told: dict[str, Any]) -> None:
    theirs = etree.tostring(client.create_message(client.service, operation, **told))
    # Canonical, with prefixes numbered anew: what remains is what the message says.
    assert canonical(ours) == canonical(theirs)


@pytest.mark.parametrize(("ours", "operation", "told"), ENVELOPES)
def test_our_envelope_is_valid_by_the_official_schema(ours: bytes, operation: str, told: dict[str, Any]) -> None:
    SERVICE.assertValid(etree.ElementTree(etree.fromstring(etree.tostring(etree.fromstring(ours)[0][0]))))


def test_an_annulment_is_valid_by_the_official_schema() -> None:
    ANNULMENT.assertValid(etree.fromstring(papers.write_annulments(["a", "b"])))


def test_a_payload_is_one_utf8_file_in_a_zip_in_base64() -> None:
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(papers.packed("<x>Ñ</x>".encode())))) as archive:
        (name,) = archive.namelist()
        assert archive.read(name) == "<x>Ñ</x>".encode()


def test_the_reference_of_a_communication_is_the_id_of_its_message() -> None:
    sent = message()
    written = papers.write_parts(establishment="X", parts=[papers.Part(reference=sent.message_id, fields=sent.fields)])
    assert etree.fromstring(written).findtext(".//referencia") == sent.message_id


def canonical(xml: bytes) -> str:
    """The canonical form of a document (C14N 2.0)."""
    return str(
        etree.canonicalize(xml.decode().partition("?>")[2] or xml.decode(), rewrite_prefixes=True, strip_text=True)
    )
