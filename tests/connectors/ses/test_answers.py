"""Whatever the platform answers is read for what it is: nonsense, bombs, faults, the ministry's own misspellings."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from linli.server.connectors.platforms.ses_hospedajes import SesPlatform
from linli.server.connectors.protocol import Message
from linli.server.connectors.rules import Verdict
from tests.connectors.ses import guests
from tests.connectors.ses.guests import message, stay
from tests.connectors.ses.scripted import Script, scripted
from tests.sim.ses.test_by_zeep import OUTSIDER, bomb

LOTE = "11111111-2222-3333-4444-555555555555"
SERVICE = "http://www.soap.servicios.hospedajes.mir.es/comunicacion"


@pytest.fixture
def script() -> Iterator[Script]:
    """The other side."""
    with scripted() as started:
        yield started


@pytest.fixture
def platform(script: Script) -> SesPlatform:
    """Our side."""
    return guests.platform(script.url, seconds="2")


def soap(inside: str, *, prologue: str = '<?xml version="1.0" encoding="UTF-8"?>') -> bytes:
    """An envelope around an answer."""
    return (
        f'{prologue}<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Header/>'
        f"<S:Body>{inside}</S:Body></S:Envelope>"
    ).encode()


def entry(name: str, inside: str) -> bytes:
    """One of the service's answers."""
    return soap(f'<a:{name} xmlns:a="{SERVICE}">{inside}</a:{name}>')


def lot_answer(code: int = 0, lote: str = LOTE, says: str = "Ok", tag: str = "codigo") -> bytes:
    """The answer to a lot."""
    given = f"<lote>{lote}</lote>" if lote else ""
    return entry(
        "comunicacionResponse", f"<respuesta><{tag}>{code}</{tag}><descripcion>{says}</descripcion>{given}</respuesta>"
    )


def state_answer(state: int, records: str = "", *, lote: str = LOTE, name: str = "consultaLoteResponse") -> bytes:
    """The answer to where a lot stands."""
    return entry(
        name,
        "<respuesta><codigo>0</codigo><descripcion>Ok</descripcion></respuesta><resultado>"
        f"<lote>{lote}</lote><codigoEstado>{state}</codigoEstado>"
        f"<resultadoComunicaciones>{records}</resultadoComunicaciones></resultado>",
    )


def accepted(code: str = "c-1", place: int = 1) -> str:
    """A record that was taken."""
    return (
        f"<resultadoComunicacion><orden>{place}</orden><codigoComunicacion>{code}</codigoComunicacion>"
        "</resultadoComunicacion>"
    )


def shown(reference: str, code: str = "c-1") -> bytes:
    """A communication, shown again."""
    return entry(
        "consultaComunicacionResponse",
        "<resultado><codigo>0</codigo><descripcion>Ok</descripcion></resultado><comunicacion><tipo>PV</tipo>"
        f"<codigo>{code}</codigo><referencia>{reference}</referencia></comunicacion>",
    )


def asked(sent: Message) -> Message:
    """The same message with the ticket of its lot."""
    with scripted() as once:
        once.answers = [(200, lot_answer())]
        (told,) = guests.platform(once.url).send(messages=[sent])
    assert told.verdict is Verdict.PENDING
    return replace(sent, ticket=told.ticket)


SENT = [
    (200, b"", Verdict.NONSENSE),
    (200, b"<html><body>hello</body></html>", Verdict.NONSENSE),
    (200, b"\x00\xff", Verdict.NONSENSE),
    (200, lot_answer()[:80], Verdict.NONSENSE),
    (200, lot_answer(lote=""), Verdict.NONSENSE),
    (200, lot_answer(lote="a/b"), Verdict.NONSENSE),
    (200, lot_answer(lote="x" * 37), Verdict.NONSENSE),
    (200, lot_answer(tag="numero"), Verdict.NONSENSE),
    (200, entry("catalogoResponse", ""), Verdict.NONSENSE),
    (200, entry("comunicacionResponse", ""), Verdict.NONSENSE),
    (200, soap(""), Verdict.NONSENSE),
    (200, bomb(), Verdict.NONSENSE),
    (200, OUTSIDER, Verdict.NONSENSE),
    (200, soap("<x>&e;</x>", prologue='<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'), Verdict.NONSENSE),
    (200, soap("<x/>", prologue='<?xml version="1.0" encoding="no-such-charset"?>'), Verdict.NONSENSE),
    (200, lot_answer(says="á").decode().encode("latin-1"), Verdict.NONSENSE),
    (204, b"", Verdict.NONSENSE),
    (302, b"", Verdict.NONSENSE),
    (400, b"no", Verdict.NOT_A_MESSAGE),
    (401, b"", Verdict.LOCKED_OUT),
    (403, b"", Verdict.LOCKED_OUT),
    (404, b"", Verdict.LOCKED_OUT),
    (429, b"", Verdict.BUSY),
    (500, b"oops", Verdict.BUSY),
    (503, b"<html/>", Verdict.BUSY),
    (
        500,
        soap("<S:Fault><faultcode>S:Server</faultcode><faultstring>no</faultstring></S:Fault>"),
        Verdict.BUSY,
    ),
    (
        500,
        soap("<S:Fault><faultcode>S:Client</faultcode><faultstring>no</faultstring></S:Fault>"),
        Verdict.NOT_A_MESSAGE,
    ),
    (200, lot_answer(10103, ""), Verdict.LOCKED_OUT),
    (200, lot_answer(10111, ""), Verdict.NOT_A_MESSAGE),
    (200, lot_answer(10118, ""), Verdict.NOT_A_MESSAGE),
    (200, lot_answer(10121, "", "Element nombre"), Verdict.REJECTED),
    (200, lot_answer(10136, ""), Verdict.NOT_A_MESSAGE),
    (200, lot_answer(10999, ""), Verdict.BUSY),
    (200, lot_answer(tag="codigoRetorno"), Verdict.PENDING),
]


@pytest.mark.parametrize(("status", "body", "verdict"), SENT)
def test_an_answer_to_a_lot_is_read_for_what_it_is(
    platform: SesPlatform, script: Script, status: int, body: bytes, verdict: Verdict
) -> None:
    script.answers = [(status, body)]
    (told,) = platform.send(messages=[message()])
    assert told.verdict is verdict
    assert bool(told.ticket) is (verdict is Verdict.PENDING)
    assert told.receipt == ""


def test_a_refusal_of_the_whole_names_code_and_field(platform: SesPlatform, script: Script) -> None:
    script.answers = [(200, lot_answer(10121, "", "cvc-x: el valor del elemento 'apellido1' no es correcto"))]
    (told,) = platform.send(messages=[message()])
    assert (told.code, told.field) == ("10121", "apellido1")


def test_a_lot_that_is_refused_whole_is_halved_until_the_others_are_through(
    platform: SesPlatform, script: Script
) -> None:
    no, yes = (200, lot_answer(10121, "", "nombre")), (200, lot_answer())
    # Of four: all refused, the first two refused, the first refused, the second taken, the last two taken.
    script.answers = [no, no, no, yes, yes]
    told = platform.send(messages=[message() for _ in range(4)])
    assert [one.verdict for one in told] == [Verdict.REJECTED, *[Verdict.PENDING] * 3]
    assert [one.ticket.split("/")[1] for one in told[1:]] == ["1", "1", "2"]
    assert len(script.heard) == 5


def test_credentials_that_are_refused_are_not_tried_once_a_record(platform: SesPlatform, script: Script) -> None:
    script.answers = [(200, lot_answer(10103, ""))]
    told = platform.send(messages=[message() for _ in range(4)])
    assert {one.verdict for one in told} == {Verdict.LOCKED_OUT}
    assert len(script.heard) == 1


def test_a_link_that_fails_is_not_tried_lot_by_lot(platform: SesPlatform, script: Script) -> None:
    script.answers = [(503, b"")]
    flats = [stay(unit_mark=f"DF2A0000{number}") for number in range(4)]
    told = platform.send(messages=[message(flat) for flat in flats])
    assert [one.verdict for one in told] == [Verdict.BUSY, *[Verdict.UNREACHABLE] * 3]
    assert len(script.heard) == 1


ASKED = [
    (state_answer(4), Verdict.PENDING),
    (state_answer(5), Verdict.PENDING),
    (state_answer(3), Verdict.UNHEARD_OF),
    (state_answer(2), Verdict.NOT_A_MESSAGE),
    (state_answer(9), Verdict.NONSENSE),
    (state_answer(1), Verdict.NONSENSE),
    (state_answer(1, accepted(place=2)), Verdict.NONSENSE),
    (state_answer(1, accepted(), lote="another"), Verdict.NONSENSE),
    (state_answer(6, "<resultadoComunicacion><orden>1</orden></resultadoComunicacion>"), Verdict.NONSENSE),
    (state_answer(6, "<resultadoComunicacion><orden>one</orden></resultadoComunicacion>"), Verdict.NONSENSE),
    (lot_answer(), Verdict.PENDING),
    (bomb(), Verdict.NONSENSE),
    (
        entry("consultaLoteResponse", "<respuesta><codigo>10999</codigo><descripcion>x</descripcion></respuesta>"),
        Verdict.BUSY,
    ),
    (
        entry("consultaLoteResponse", "<respuesta><codigo>0</codigo><descripcion>Ok</descripcion></respuesta>"),
        Verdict.PENDING,
    ),
]


@pytest.mark.parametrize(("body", "verdict"), ASKED)
def test_an_answer_to_a_question_is_read_for_what_it_is(
    platform: SesPlatform, script: Script, body: bytes, verdict: Verdict
) -> None:
    sent = asked(message())
    script.answers = [(200, body)]
    told = platform.ask(message=sent)
    assert (told.verdict, told.receipt) == (verdict, "")


@pytest.mark.parametrize("name", ["consultaLoteResponse", "comunicacionResponse"])
@pytest.mark.parametrize("tag", ["resultadoComunicacion", "resutadoComunicacion"])
def test_the_ministrys_own_misspellings_are_read(platform: SesPlatform, script: Script, name: str, tag: str) -> None:
    sent = asked(message())
    records = accepted().replace("resultadoComunicacion", tag)
    script.answers = [(200, state_answer(1, records, name=name)), (200, shown(sent.message_id))]
    told = platform.ask(message=sent)
    assert (told.verdict, told.receipt) == (Verdict.ACCEPTED, "c-1")


def test_an_error_without_a_field_is_still_a_refusal(platform: SesPlatform, script: Script) -> None:
    sent = asked(message())
    wrong = (
        "<resultadoComunicacion><orden>1</orden><tipoError>Error validación de datos</tipoError>"
        "<error>No existe</error></resultadoComunicacion>"
    )
    script.answers = [(200, state_answer(6, wrong))]
    told = platform.ask(message=sent)
    assert (told.verdict, told.code, told.field) == (Verdict.REJECTED, "Error validación de datos", "")


def test_a_receipt_is_believed_only_with_our_reference(platform: SesPlatform, script: Script) -> None:
    sent = asked(message())
    script.answers = [(200, state_answer(1, accepted())), (200, shown("somebody-elses"))]
    told = platform.ask(message=sent)
    assert (told.verdict, told.receipt) == (Verdict.UNHEARD_OF, "")


def test_a_peer_that_accepts_and_then_denies_has_not_accepted(platform: SesPlatform, script: Script) -> None:
    sent = asked(message())
    denied = entry("consultaComunicacionResponse", "<resultado><codigo>0</codigo><descripcion/></resultado>")
    script.answers = [(200, state_answer(1, accepted())), (200, denied)]
    told = platform.ask(message=sent)
    assert (told.verdict, told.receipt, told.code) == (Verdict.NONSENSE, "", "accepted_and_denied")


def test_when_the_proof_cannot_be_had_there_is_no_receipt_yet(platform: SesPlatform, script: Script) -> None:
    sent = asked(message())
    script.answers = [(200, state_answer(1, accepted())), (503, b"")]
    assert platform.ask(message=sent).verdict is Verdict.BUSY


def test_the_evidence_of_a_receipt_does_not_hold_the_person_again(platform: SesPlatform, script: Script) -> None:
    sent = asked(message())
    script.answers = [(200, state_answer(1, accepted())), (200, shown(sent.message_id))]
    assert sent.message_id.encode() not in platform.ask(message=sent).raw


@pytest.mark.parametrize("ticket", ["", "x", "a/b/c/d/e", "//A/0/", "a/1/A/0/00000000", "a/b/A/0/ffffffff"])
def test_a_ticket_that_is_none_is_no_ticket(platform: SesPlatform, script: Script, ticket: str) -> None:
    assert platform.ask(message=message(ticket=ticket)).verdict is Verdict.UNHEARD_OF
    assert script.heard == []
