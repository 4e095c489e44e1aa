"""Spain's lodging platform SES.Hospedajes as a simulator: its public interface, version 3.1.3, over real HTTP with own books.

    POST /hospedajes-web/ws/v1/comunicacion        SOAP 1.1 under HTTP Basic: the five operations of the official WSDL
    GET  /hospedajes-web/ws/v1/comunicacion?wsdl   the official WSDL, with this address in its last line
    GET  /ses/v1/books?after=&size=                counts, and the records as they came in
    GET  /faults · POST /faults {…}                the fault plan and what was injected; a POST replaces the whole plan
    GET  /health                                   no token needed

| operation           | what it does here                                                                              |
|---------------------|------------------------------------------------------------------------------------------------|
| comunicacion A, PV  | unpacks Base64 and ZIP, judges by the official XSD, gives a lot number; decides each record later  |
| comunicacion B      | the same for annulments by code                                                                |
| comunicacion C      | shows lots at once                                                                             |
| consultaLote        | state 5 while it waits, then 1 (all good) or 6 (some refused), and each record by its `orden`   |
| consultaComunicacion| shows an accepted communication, with its reference                                            |
| anulacionLote       | annuls every communication of a lot                                                            |
| catalogo            | the code tables                                                                                |

A lot that its schema refuses is refused whole. A lot is decided `--delay` seconds after it came; refused records are not kept as
communications and can be sent again, mended. The same reference sent twice is accepted twice, because nothing public says
otherwise; the books count it as a duplicate. Unscripted answers follow `ses_rules.py`.

Faults beside those of `linli.sim.faults`: `reject:PV` is the share of records that are refused in a lot; `reject` refuses the last
record of a lot; `duplicate` answers a lot with the number of the lot before; `deny` gives a number that is in no books;
`stray_receipt` books the lot and gives a number that is not its own; `pending` keeps a lot for `pending_s` more.
"""

import asyncio
import base64
import binascii
import hmac
import json
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar
from xml.sax.saxutils import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from linli import schemas
from linli.sim.clock import Clock
from linli.sim.faults import BadFaultPlan, Fault, FaultInjector, FaultPlan, plan_of
from linli.sim.platforms import ses_answers as answers
from linli.sim.platforms.ses_books import Books, Lot, Record, Sender, annulments_of, records_of
from linli.sim.platforms.ses_papers import (
    ANNULMENT,
    PART,
    QUESTION,
    Element,
    NotUnderstood,
    Refused,
    fault,
    payload_in,
    request_in,
    text_of,
)

ADDRESS = "/hospedajes-web/ws/v1/comunicacion"
OFFICIAL_ADDRESS = "https://hospedajes.ses.mir.es/hospedajes-web/ws/v1/comunicacion"
LONGEST_BODY = 6_000_000
MOST_COMMUNICATIONS = 100
MOST_LOTS = 10
LARGEST_PAGE = 1000
TRICKLES = 40
XML = "text/xml; charset=utf-8"
# Per-record refusals are drawn apart from the faults of the request that carries the records.
OF_RECORDS = "reject:PV"

Told = TypeVar("Told")

NONSENSE: tuple[tuple[str, bytes], ...] = (
    ("text/html", b"<html><body><h1>502 Bad Gateway</h1></body></html>"),
    (XML, b"<SOAP-ENV:Envelope xmlns:SOAP-ENV='http://schemas.xmlsoap.org/soap/envelope/'><SOAP-ENV:Body>"),
    (XML, answers.lot_taken("", code=0)),
    (XML, b'<?xml version="1.0" encoding="UTF-8"?><respuesta>\xe1\xff</respuesta>'),
    ("application/json", b'{"codigo": 0}'),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One lessor's login."""

    username: str
    password: str = field(repr=False)
    party: str


@dataclass(slots=True, kw_only=True)
class Ses:
    """One running platform: its books on one thread, its logins, its faults and its clock; `last` is the answer to the lot before."""

    books: Books
    logins: Mapping[str, Login]
    faults: FaultInjector
    record_faults: FaultInjector
    clock: Clock
    delay: timedelta
    token: str | None
    thread: ThreadPoolExecutor
    last: bytes = b""

    async def told(self, question: Callable[[], Told]) -> Told:
        """This will ask the books, one question at a time."""
        return await asyncio.get_running_loop().run_in_executor(self.thread, question)


class CutAnswer(Response):
    """An answer whose connection breaks in the middle: the sender cannot know whether it was heard."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send half of what was promised, and break."""
        headers = [(b"content-type", XML.encode()), (b"content-length", str(len(self.body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        raise ConnectionAbortedError("cut on purpose")


class TricklingAnswer(Response):
    """An answer that comes a few bytes at a time."""

    def __init__(self, body: bytes, *, seconds: float) -> None:
        """Take the answer and how long it shall take."""
        super().__init__(body, media_type=XML)
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it piece by piece."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        body = bytes(self.body)
        step = max(1, len(body) // TRICKLES)
        for start in range(0, len(body), step):
            await send({"type": "http.response.body", "body": body[start : start + step], "more_body": True})
            await asyncio.sleep(self.seconds / TRICKLES)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def ses_platform(
    *,
    books_file: Path,
    logins: Mapping[str, Login],
    faults: FaultInjector,
    clock: Clock,
    delay: timedelta,
    token: str | None = None,
) -> Starlette:
    """This will make the platform as an ASGI application over the given books."""
    ses = Ses(
        books=Books(file=books_file),
        logins=logins,
        faults=faults,
        record_faults=FaultInjector(plan=_of_records(faults.plan), seed=1),
        clock=clock,
        delay=delay,
        token=token,
        thread=ThreadPoolExecutor(max_workers=1, thread_name_prefix="books"),
    )
    return Starlette(
        routes=[
            Route(ADDRESS, partial(_serve, ses), methods=["POST"]),
            Route(ADDRESS, _show_wsdl, methods=["GET"]),
            Route("/ses/v1/books", partial(_show_books, ses), methods=["GET"]),
            Route("/faults", partial(_show_faults, ses), methods=["GET"]),
            Route("/faults", partial(_change_faults, ses), methods=["POST"]),
            Route("/health", _show_health, methods=["GET"]),
        ]
    )


async def _serve(ses: Ses, request: Request) -> Response:
    raw = await _body_of(request)
    if raw is None:
        return Response(status_code=413)
    await asyncio.sleep(ses.faults.latency_s())
    drawn = ses.faults.draw(kind="lote" if b"comunicacionRequest" in raw else None)
    sender = _sender(ses, request)
    if sender is None or drawn in (Fault.REFUSE_AUTH, Fault.EXPIRED_TOKEN):
        return Response(status_code=401, headers={"www-authenticate": 'Basic realm="ses"'})
    if drawn is Fault.TIMEOUT:
        await asyncio.sleep(ses.faults.plan.timeout_s)
        return Response(status_code=504)
    if drawn is Fault.HTTP_500:
        return Response(fault("Server", "Error interno"), status_code=500, media_type=XML)
    if drawn is Fault.NONSENSE and ses.faults.toss():
        return _nonsense(len(raw))
    try:
        asked = request_in(raw)
        answer = await OPERATIONS[asked.tag.partition("}")[2]](ses, sender, asked, drawn)
    except NotUnderstood as problem:
        return Response(fault("Client", str(problem)), status_code=500, media_type=XML)
    return _with_fault(ses, answer, drawn)


def _with_fault(ses: Ses, answer: bytes, drawn: Fault | None) -> Response:
    if drawn is Fault.LOST_ANSWER:
        return CutAnswer(answer)
    if drawn is Fault.TRICKLE:
        return TricklingAnswer(answer, seconds=ses.faults.plan.trickle_s)
    if drawn is Fault.NONSENSE:
        return _nonsense(len(answer))
    return Response(answer, media_type=XML)


async def _communicate(ses: Ses, sender: Sender, asked: Element, drawn: Fault | None) -> bytes:
    head, solicitud = "peticion/cabecera/", text_of(asked, "peticion/solicitud")
    operation = text_of(asked, f"{head}tipoOperacion")
    try:
        if text_of(asked, f"{head}codigoArrendador") != sender.party:
            raise Refused(10103, "Arrendador no encontrado")
        if operation == "C":
            return await _show_asked_lots(ses, sender, solicitud)
        lot = _lot(ses, sender, operation, asked, solicitud)
    except Refused as problem:
        return answers.lot_taken("", code=problem.code, says=problem.text)
    if drawn is Fault.DENY:
        return answers.lot_taken(str(uuid.uuid4()))
    if drawn is Fault.REJECT:
        lot = replace(lot, records=(*lot.records[:-1], replace(lot.records[-1], review=True)))
    now = ses.clock()
    due_at = now + ses.delay + timedelta(seconds=ses.faults.plan.pending_s if drawn is Fault.PENDING else 0)
    lote = await ses.told(lambda: ses.books.take(lot=lot, now=now, due_at=due_at))
    before, ses.last = ses.last, answers.lot_taken(lote)
    if drawn is Fault.STRAY_RECEIPT:
        return answers.lot_taken(str(uuid.uuid4()))
    return before if drawn is Fault.DUPLICATE and before else ses.last


def _lot(ses: Ses, sender: Sender, operation: str, asked: Element, solicitud: str) -> Lot:
    if operation == "B":
        payload = payload_in(solicitud, root=f"{{{ANNULMENT}}}comunicaciones")
        records, establishment = annulments_of([(one.text or "").strip() for one in payload]), ""
    else:
        if text_of(asked, "peticion/cabecera/tipoComunicacion") != "PV":
            raise Refused(10130, "tipoComunicacion: solo PV en este simulador")
        payload = payload_in(solicitud, root=f"{{{PART}}}peticion")
        establishment = text_of(payload, "solicitud/codigoEstablecimiento")
        if not establishment:
            raise Refused(10131, "codigoEstablecimiento: campo obligatorio")
        records = tuple(_looked_at(ses, one) for one in records_of(payload))
    if len(records) > MOST_COMMUNICATIONS:
        raise Refused(10136, "Se supera el numero maximo de comunicaciones")
    application = text_of(asked, "peticion/cabecera/aplicacion")
    return Lot(
        sender=sender, application=application, operation=operation, establishment=establishment, records=records
    )


def _looked_at(ses: Ses, record: Record) -> Record:
    return replace(record, review=True) if ses.record_faults.draw(kind="PV") is Fault.REJECT else record


async def _show_asked_lots(ses: Ses, sender: Sender, solicitud: str) -> bytes:
    payload = payload_in(solicitud, root=f"{{{QUESTION}}}lotes")
    numbers = [(one.text or "").strip() for one in payload]
    lots = await ses.told(lambda: ses.books.lots(sender=sender, numbers=numbers[:MOST_LOTS], now=ses.clock()))
    return answers.asked_lots(lots)


async def _show_lots(ses: Ses, sender: Sender, asked: Element, drawn: Fault | None) -> bytes:
    numbers = [(one.text or "").strip() for one in asked.iter("lote")]
    if len(numbers) > MOST_LOTS:
        return answers.lots([], code=10136, says="Se supera el numero maximo de lotes")
    return answers.lots(await ses.told(lambda: ses.books.lots(sender=sender, numbers=numbers, now=ses.clock())))


async def _show_communications(ses: Ses, sender: Sender, asked: Element, drawn: Fault | None) -> bytes:
    codes = [(one.text or "").strip() for one in asked.iter("codigo")][:MOST_COMMUNICATIONS]
    found = await ses.told(lambda: ses.books.communications(sender=sender, codes=codes, now=ses.clock()))
    return answers.communications(found)


async def _annul_lot(ses: Ses, sender: Sender, asked: Element, drawn: Fault | None) -> bytes:
    lote = text_of(asked, "lote")
    known = await ses.told(lambda: ses.books.annul_lot(sender=sender, lote=lote, now=ses.clock()))
    return answers.lot_annulled(known=known)


async def _show_catalogue(ses: Ses, sender: Sender, asked: Element, drawn: Fault | None) -> bytes:
    return answers.catalogue(text_of(asked, "peticion/catalogo"))


OPERATIONS = {
    "comunicacionRequest": _communicate,
    "consultaLoteRequest": _show_lots,
    "consultaComunicacionRequest": _show_communications,
    "anulacionLoteRequest": _annul_lot,
    "catalogoRequest": _show_catalogue,
}


async def _show_wsdl(request: Request) -> Response:
    if "wsdl" not in {name.lower() for name in request.query_params}:
        return Response(status_code=405)
    official = (schemas.ses_hospedajes() / "comunicacion.wsdl").read_bytes()
    here = escape(f"{request.url.scheme}://{request.url.netloc}{ADDRESS}", {'"': "&quot;"})
    return Response(official.replace(OFFICIAL_ADDRESS.encode(), here.encode()), media_type=XML)


async def _show_books(ses: Ses, request: Request) -> Response:
    if not _may_look(ses, request):
        return JSONResponse({"code": "UNAUTHORISED"}, status_code=401)
    after, size = request.query_params.get("after", "0"), request.query_params.get("size", "200")
    if not (after.isdecimal() and size.isdecimal()):
        return JSONResponse({"code": "BAD_PAGE"}, status_code=400)
    most = min(max(int(size), 1), LARGEST_PAGE)
    summary = await ses.told(lambda: ses.books.summary(now=ses.clock()))
    rows = await ses.told(lambda: ses.books.rows(after=int(after), size=most, now=ses.clock()))
    return JSONResponse({**summary, "rows": rows, "next": rows[-1]["position"] if rows else None})


async def _show_faults(ses: Ses, request: Request) -> Response:
    if not _may_look(ses, request):
        return JSONResponse({"code": "UNAUTHORISED"}, status_code=401)
    injected = {**ses.faults.injected(), OF_RECORDS: ses.record_faults.injected()[Fault.REJECT]}
    return JSONResponse({"plan": ses.faults.plan.as_json(), "injected": injected})


async def _change_faults(ses: Ses, request: Request) -> Response:
    if not _may_look(ses, request):
        return JSONResponse({"code": "UNAUTHORISED"}, status_code=401)
    try:
        wishes = json.loads(await _body_of(request) or b"")
        plan = plan_of(wishes if isinstance(wishes, dict) else {"": 0})
    except (BadFaultPlan, ValueError, RecursionError) as problem:
        return JSONResponse({"code": "BAD_FAULT_PLAN", "detail": str(problem)}, status_code=400)
    ses.faults.change(plan=plan)
    ses.record_faults.change(plan=_of_records(plan))
    return await _show_faults(ses, request)


async def _show_health(request: Request) -> Response:
    return JSONResponse({"platform": "ses_hospedajes", "state": "up"})


def _may_look(ses: Ses, request: Request) -> bool:
    sent = request.headers.get("authorization", "")
    return ses.token is None or hmac.compare_digest(sent.encode(), f"Bearer {ses.token}".encode())


def _sender(ses: Ses, request: Request) -> Sender | None:
    scheme, _, told = request.headers.get("authorization", "").partition(" ")
    try:
        username, _, password = base64.b64decode(told, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    login = ses.logins.get(username)
    if scheme.lower() != "basic" or login is None:
        return None
    right = hmac.compare_digest(password.encode(), login.password.encode())
    return Sender(username=username, party=login.party) if right else None


async def _body_of(request: Request) -> bytes | None:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > LONGEST_BODY:
            return None
    return bytes(raw)


def _nonsense(number: int) -> Response:
    kind, body = NONSENSE[number % len(NONSENSE)]
    return Response(body, media_type=kind)


def _of_records(plan: FaultPlan) -> FaultPlan:
    return FaultPlan(chances={OF_RECORDS: plan.chances.get(OF_RECORDS, 0.0)})
