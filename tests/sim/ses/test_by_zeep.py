"""Zeep drives our Spanish platform by the official WSDL: an independent client that knows nothing of us."""

import base64
import io
import zipfile
from typing import Any

import httpx
import pytest
import requests
import zeep.exceptions

from tests.sim.ses.parts import annulment, communication, part, person, reference
from tests.sim.ses.running import OTHER, OTHER_PARTY, OTHER_PASSWORD, RunningSes, driver, head, packed, settled


def sent(service: Any, *communications: str) -> Any:
    """A lot, once it is decided."""
    answer = service.comunicacion(peticion={"cabecera": head(), "solicitud": packed(part(*communications))})
    assert answer.respuesta.codigo == 0, answer
    return settled(service, answer.respuesta.lote)


def results(lot: Any) -> list[Any]:
    """The records of a decided lot."""
    return list(lot.resultadoComunicaciones.resultadoComunicacion)


def summary(books: httpx.Client) -> dict[str, Any]:
    """The counts of the books."""
    shown: dict[str, Any] = books.get("/ses/v1/books", params={"size": 1}).json()
    return {name: value for name, value in shown.items() if name not in ("rows", "next")}


def test_a_lot_gets_a_number_and_each_record_a_code(service: Any, books: httpx.Client) -> None:
    lot = sent(service, communication(), communication())
    assert (lot.codigoEstado, [one.orden for one in results(lot)]) == (1, [1, 2])
    assert len({one.codigoComunicacion for one in results(lot)}) == 2


def test_one_bad_record_of_three_is_refused_and_the_others_stand(service: Any, books: httpx.Client) -> None:
    nif = {"tipoDocumento": "NIF", "numeroDocumento": "00000000T", "nacionalidad": "ESP"}
    before = summary(books)
    lot = sent(service, communication(), communication(person(**nif)), communication())
    first, second, third = results(lot)
    assert lot.codigoEstado == 6
    assert first.codigoComunicacion
    assert third.codigoComunicacion
    assert (second.codigoComunicacion, second.tipoError) == (None, "10131")
    assert second.error.startswith("apellido2")
    assert summary(books)["standing"] == before["standing"] + 2


PROSE = [
    ({"tipoDocumento": None}, "10131", "tipoDocumento"),
    ({"numeroDocumento": None}, "10131", "numeroDocumento"),
    ({"tipoDocumento": "CARNE"}, "10130", "tipoDocumento"),
    ({"tipoDocumento": "NIE", "numeroDocumento": "X0000000A"}, "10130", "numeroDocumento"),
    ({"telefono": None}, "10131", "telefono"),
    ({"sexo": "X"}, "10130", "sexo"),
    ({"nombre": ""}, "10131", "nombre"),
    ({"rol": "TI"}, "10130", "rol"),
    ({"fechaNacimiento": "2030-01-01"}, "10130", "fechaNacimiento"),
    ({"fechaNacimiento": "2015-01-01"}, "10131", "parentesco"),
    ({"fechaNacimiento": "2015-01-01", "parentesco": "HJ"}, "10131", "persona"),
    ({"parentesco": "ZZ"}, "10130", "parentesco"),
]


@pytest.mark.parametrize(("changes", "code", "field"), PROSE)
def test_what_only_the_prose_demands_is_refused_record_by_record(
    service: Any, books: httpx.Client, changes: dict[str, str | None], code: str, field: str
) -> None:
    (one,) = results(sent(service, communication(person(**changes))))
    assert (one.tipoError, one.error.partition(":")[0]) == (code, field)


def test_what_the_schema_refuses_is_refused_whole_and_leaves_no_trace(service: Any, books: httpx.Client) -> None:
    before = summary(books)
    wrong = packed(part(communication(), communication(person(nacionalidad="SE"))))
    answer = service.comunicacion(peticion={"cabecera": head(), "solicitud": wrong})
    assert (answer.respuesta.codigo, answer.respuesta.lote) == (10121, None)
    assert summary(books) == before


def bomb() -> bytes:
    """A document that names one entity over and over, which names another over and over."""
    names = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))
    return f'<!DOCTYPE x [<!ENTITY e0 "ha">{names}]><x>&e9;</x>'.encode()


def zip_bomb() -> str:
    """Fifty megabytes of nothing in a few kilobytes."""
    return packed(b"<x>" + b" " * 50_000_000 + b"</x>")


def two_files() -> str:
    """An archive of two documents."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("a.xml", part(communication()))
        archive.writestr("b.xml", part(communication()))
    return base64.b64encode(held.getvalue()).decode()


OUTSIDER = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><x>&e;</x>'
GARBAGE = [
    ("not base64 at all!", 10111),
    ("", 10111),
    ("QUJD", 10111),
    (base64.b64encode(part(communication())).decode(), 10111),
    (packed(b"<not closed"), 10118),
    (packed(b""), 10118),
    (packed('<?xml version="1.0" encoding="UTF-8"?><x>\xe9</x>'.encode("latin-1")), 10118),
    (packed(b'<?xml version="1.0" encoding="no-such-charset"?><x/>'), 10118),
    (packed(bomb()), 10118),
    (packed(OUTSIDER), 10118),
    (packed(b"<lotes/>"), 10118),
    (packed(annulment("a")), 10118),
    (zip_bomb(), 10111),
    (two_files(), 10111),
]


@pytest.mark.parametrize(("solicitud", "code"), GARBAGE)
def test_a_payload_that_is_none_is_refused_by_its_own_number(
    service: Any, books: httpx.Client, solicitud: str, code: int
) -> None:
    before = summary(books)
    answer = service.comunicacion(peticion={"cabecera": head(), "solicitud": solicitud})
    assert (answer.respuesta.codigo, answer.respuesta.lote) == (code, None)
    assert summary(books) == before


ENVELOPES = [b"", b"not xml", b"<x/>", bomb(), OUTSIDER, b"\xff\xfe\x00", b"[" * 60_000]


@pytest.mark.parametrize("raw", ENVELOPES)
def test_what_is_no_envelope_gets_a_fault(ses: RunningSes, raw: bytes) -> None:
    session = requests.Session()
    session.trust_env = False
    answer = session.post(ses.address, data=raw, auth=("arrendador-1", "a-secret-of-this-test"), timeout=10)
    assert (answer.status_code, b"Fault" in answer.content) == (500, True)


def test_the_same_reference_twice_is_counted_as_a_duplicate(service: Any, books: httpx.Client) -> None:
    same, before = reference(), summary(books)["duplicates"]
    for _ in range(2):
        sent(service, communication(referencia=same))
    assert summary(books)["duplicates"] == before + 1


def test_an_accepted_communication_is_shown_with_its_reference(service: Any, books: httpx.Client) -> None:
    mine = reference()
    (one,) = results(sent(service, communication(referencia=mine)))
    shown = service.consultaComunicacion(codigos={"codigo": [one.codigoComunicacion, "never-given"]})
    (found,) = shown.comunicacion
    assert (found.referencia, found.anulada, found.personas.persona[0].documento) == (mine, False, "L898902C3")


def test_a_communication_is_annulled_by_its_code_once(service: Any, books: httpx.Client) -> None:
    (one,) = results(sent(service, communication()))
    taken_back = []
    for _ in range(2):
        solicitud = packed(annulment(one.codigoComunicacion))
        answer = service.comunicacion(peticion={"cabecera": head("B"), "solicitud": solicitud})
        taken_back += results(settled(service, answer.respuesta.lote))
    assert [done.codigoComunicacion for done in taken_back] == [one.codigoComunicacion, None]
    assert taken_back[1].error == "codigoComunicacion: ya anulada"
    assert service.consultaComunicacion(codigos={"codigo": [one.codigoComunicacion]}).comunicacion[0].anulada is True


def test_a_lot_is_annulled_whole(service: Any, books: httpx.Client) -> None:
    lot = sent(service, communication(), communication())
    before = summary(books)["standing"]
    assert service.anulacionLote(lote=lot.lote).codigo == 0
    assert summary(books)["standing"] == before - 2
    assert [one.anulada for one in results(settled(service, lot.lote))] == [True, True]
    assert service.anulacionLote(lote="never-given").codigo == 10130


def test_a_stranger_sees_nothing_and_cannot_speak_for_another(
    service: Any, ses: RunningSes, books: httpx.Client
) -> None:
    lot = sent(service, communication())
    stranger = driver(ses.address, user=OTHER, password=OTHER_PASSWORD)
    assert stranger.consultaLote(codigosLote={"lote": [lot.lote]}).resultado == []
    assert stranger.anulacionLote(lote=lot.lote).codigo == 10130
    solicitud = packed(part(communication()))
    assert stranger.comunicacion(peticion={"cabecera": head(), "solicitud": solicitud}).respuesta.codigo == 10103
    own = stranger.comunicacion(peticion={"cabecera": head(party=OTHER_PARTY), "solicitud": solicitud})
    assert own.respuesta.codigo == 0


@pytest.mark.parametrize(("user", "password"), [("arrendador-1", "wrong"), ("nobody", ""), ("", "")])
def test_without_the_right_login_nothing_is_told(ses: RunningSes, user: str, password: str) -> None:
    with pytest.raises(zeep.exceptions.TransportError) as refused:
        driver(ses.address, user=user, password=password).catalogo(peticion={"catalogo": "SEXO"})
    assert refused.value.status_code == 401


def test_a_hundred_communications_are_a_lot_and_one_more_is_none(service: Any, books: httpx.Client) -> None:
    full = [communication() for _ in range(101)]
    answer = service.comunicacion(peticion={"cabecera": head(), "solicitud": packed(part(*full))})
    assert answer.respuesta.codigo == 10136
    assert len(results(sent(service, *full[:100]))) == 100


def test_the_catalogues_are_served(service: Any) -> None:
    told = service.catalogo(peticion={"catalogo": "TIPO_PARENTESCO"})
    assert "HJ" in {one.codigo for one in told.respuesta.resultado.tupla}
    assert service.catalogo(peticion={"catalogo": "NO_HAY"}).resultado.codigo == 10130


def test_the_wsdl_that_is_served_leads_back_here(ses: RunningSes) -> None:
    served = driver(ses.address, wsdl=f"{ses.address}?wsdl")
    assert served.catalogo(peticion={"catalogo": "SEXO"}).resultado.codigo == 0


def test_operation_c_shows_lots_too(service: Any, books: httpx.Client) -> None:
    lot = sent(service, communication())
    asked = f'<lotes xmlns="http://www.neg.hospedajes.mir.es/consultarComunicacion"><lote>{lot.lote}</lote></lotes>'
    answer = service.comunicacion(peticion={"cabecera": head("C"), "solicitud": packed(asked.encode())})
    assert [one.lote for one in answer.resultado] == [lot.lote]
