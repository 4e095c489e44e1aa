"""Our library over HTTP: who registers, what they may ask, and what is always refused.

Nothing here raises: every request gets a status of the standard's own. A watch list (布控) is refused whole and nothing of it is kept; so
are people, faces and pictures, for no purpose of the estate's names them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from urllib.parse import unquote

import structlog
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, UnreadablePostError

from linli.server.connectors.models import ViidPeer
from linli.server.connectors.viid import catalogue, codes, hearing, orders, registering, shapes
from linli.server.connectors.viid.codes import Kind, Status
from linli.server.connectors.viid.dialects import STRICT, Dialect, Json, dialect_of
from linli.server.connectors.viid.orders import Answered
from linli.server.connectors.viid.reading import Reader, Unreadable, lookup, text
from linli.server.kernel import clock

ROOT = "/VIID/"
USUAL_PAGE, LARGEST_PAGE = 100, 1000
BAD_FORM = frozenset({Status.INVALID_JSON_FORMAT, Status.INVALID_XML_FORMAT})
# What the standard knows and this estate does not take: by their paths, so that each refusal can name its object.
REFUSED: Mapping[str, Kind] = MappingProxyType(
    {
        kind.path.removeprefix(ROOT): kind
        for kind in (
            *(codes.DISPOSITION, codes.ALERT, codes.FACE, codes.PERSON, codes.IMAGE),
            *(codes.TOLLGATE, codes.MOTOR, codes.NON_MOTOR),
        )
    }
)
log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Turn:
    """One request of a registered peer."""

    method: str
    path: str
    number: str
    query: Mapping[str, str]
    raw: bytes = field(repr=False)
    content_type: str
    peer: ViidPeer
    say: Dialect
    now: datetime
    reader: Reader = field(default_factory=Reader)

    def body(self) -> Json:
        """This will read the body, or raise `Unreadable`."""
        return self.reader.body(self.raw, content_type=self.content_type)

    def objects(self, kind: Kind) -> list[Json]:
        """This will read the objects of the body, or raise `Unreadable` where there is no such list."""
        found = self.reader.objects(self.body(), kind)
        if found is None:
            raise Unreadable(Status.INVALID_JSON_CONTENT)
        return found


def serve(request: HttpRequest, rest: str) -> HttpResponse:
    """This will answer one request to the library."""
    path, now = ROOT + rest, clock.now()
    try:
        return _answer(request, rest.strip("/"), path, now)
    except Unreadable as problem:
        return _whole(STRICT, path, problem.status, now=now, http=400 if problem.status in BAD_FORM else 200)
    except DatabaseError as problem:
        log.warning("viid_database_busy", problem=type(problem).__name__)
        return _whole(STRICT, path, Status.DEVICE_BUSY, now=now, http=503)
    except Exception as problem:
        # Only its kind: what a message held could stand in its words.
        log.error("viid_surprise", problem=type(problem).__name__)
        return _whole(STRICT, path, Status.OTHER_ERROR, now=now, http=503)


def _answer(request: HttpRequest, rest: str, path: str, now: datetime) -> HttpResponse:
    raw = _raw(request)
    if rest in ("System/Register", "Register"):
        return _register(request, raw, path, now)
    peer = registering.known_peer(
        device_id=request.headers.get("User-Identify", "")[:21], address=_address(request), now=now
    )
    if peer is None:
        return _challenge(path, now)
    registering.keep_alive(peer=peer, now=now)
    whole = rest in ROUTES or rest in REFUSED or "/" not in rest
    head, _, number = (rest, "", "") if whole else rest.rpartition("/")
    turn = Turn(
        method=str(request.method),
        path=path,
        number=unquote(number)[:60],
        query={name: str(value) for name, value in request.GET.items()},
        raw=raw,
        content_type=request.headers.get("Content-Type", ""),
        peer=peer,
        say=dialect_of(peer.dialect),
        now=now,
    )
    try:
        return _route(turn, head)
    except Unreadable as problem:
        return _whole(turn.say, path, problem.status, now=now, http=400 if problem.status in BAD_FORM else 200)


def _route(turn: Turn, head: str) -> HttpResponse:
    refused = REFUSED.get(head)
    if refused is not None:
        return _refuse(turn, refused)
    verbs = ROUTES.get(head)
    if verbs is None:
        return _whole(turn.say, turn.path, Status.INVALID_OPERATION, now=turn.now, http=404, why="no such resource")
    act = verbs.get(turn.method)
    if act is None:
        return _whole(turn.say, turn.path, Status.INVALID_OPERATION, now=turn.now, http=405, why="no such verb")
    return act(turn)


def _register(request: HttpRequest, raw: bytes, path: str, now: datetime) -> HttpResponse:
    header = request.headers.get("Authorization", "")
    if request.method != "POST":
        return _whole(STRICT, path, Status.INVALID_OPERATION, now=now, http=405, why="no such verb")
    if not header:
        return _challenge(path, now)
    reader = Reader()
    told = reader.one(reader.body(raw, content_type=request.headers.get("Content-Type", "")), "RegisterObject")
    # One more than there may be: what is too long must not be taken for its beginning.
    device_id = text(told, "DeviceID", most=21)
    try:
        peer = registering.register(
            header=header,
            method="POST",
            target=request.get_full_path(),
            device_id=device_id,
            address=_address(request),
            now=now,
        )
    except registering.NotProven as refused:
        return _challenge(path, now, stale=refused.stale)
    log.info("viid_peer_registered", peer=peer.id)
    return _whole(dialect_of(peer.dialect), path, Status.OK, now=now, id=device_id)


def _keepalive(turn: Turn) -> HttpResponse:
    return _of_the_sender(turn, "KeepaliveObject")


def _unregister(turn: Turn) -> HttpResponse:
    answer = _of_the_sender(turn, "UnRegisterObject")
    if turn.peer.device_id == _told_id(turn, "UnRegisterObject"):
        registering.leave(peer=turn.peer)
    return answer


def _of_the_sender(turn: Turn, envelope: str) -> HttpResponse:
    if _told_id(turn, envelope) != turn.peer.device_id:
        return _whole(
            turn.say, turn.path, Status.INVALID_JSON_CONTENT, now=turn.now, why="DeviceID is not the sender's"
        )
    return _whole(turn.say, turn.path, Status.OK, now=turn.now, id=turn.peer.device_id)


def _told_id(turn: Turn, envelope: str) -> str:
    return text(turn.reader.one(turn.body(), envelope), "DeviceID", most=21)


def _time(turn: Turn) -> HttpResponse:
    library = catalogue.library_number(estate_id=turn.peer.estate_id)
    return _json(turn.say, shapes.system_time(turn.say, library=library, at=turn.now))


def _list_devices(turn: Turn) -> HttpResponse:
    wanted = {name.rpartition(".")[2].lower(): value for name, value in turn.query.items()}
    start, size = _number(wanted.pop("recordstartno", ""), 1), _number(wanted.pop("pagerecordnum", ""), USUAL_PAGE)
    if turn.number:
        wanted["apeid"] = turn.number
    found = [
        one
        for one in catalogue.own_devices(estate_id=turn.peer.estate_id)
        if all(str(lookup(one, name)[0]) == value for name, value in wanted.items())
    ]
    first = max(0, start - 1)
    return _json(turn.say, turn.say.listed(codes.APE, found[first : first + min(max(size, 1), LARGEST_PAGE)]))


def _take_devices(turn: Turn) -> HttpResponse:
    return _rows(turn, [_kept(turn, told, codes.APE) for told in turn.objects(codes.APE)])


def _list_orders(turn: Turn) -> HttpResponse:
    shown = orders.orders_of(peer=turn.peer, number=turn.number, now=turn.now)
    return _json(turn.say, turn.say.listed(codes.SUBSCRIBE, shown))


def _take_orders(turn: Turn) -> HttpResponse:
    if turn.number and turn.method == "PUT":
        # PUT /Subscribes/{id} is how an order is called off; its body only says why.
        return _rows(turn, [orders.cancel_order(peer=turn.peer, number=turn.number)])
    return _rows(
        turn,
        [orders.take_order(peer=turn.peer, told=told, now=turn.now) for told in turn.objects(codes.SUBSCRIBE)],
    )


def _drop_orders(turn: Turn) -> HttpResponse:
    numbers = [turn.number] if turn.number else turn.query.get("IDList", "").split(",")[:LARGEST_PAGE]
    named = [number.strip()[:33] for number in numbers if number.strip()]
    if not named:
        raise Unreadable(Status.INVALID_JSON_CONTENT)
    return _rows(turn, [orders.cancel_order(peer=turn.peer, number=number) for number in named])


def _take_notifications(turn: Turn) -> HttpResponse:
    heard = [
        hearing.take_notification(peer=turn.peer, told=told, reader=turn.reader, now=turn.now)
        for told in turn.objects(codes.NOTIFICATION)
    ]
    return _rows(turn, [row for rows in heard for row in rows])


def _kept(turn: Turn, told: Json, kind: Kind) -> Answered:
    status = catalogue.keep_device(peer=turn.peer, told=told, now=turn.now)
    return Answered(id=text(told, kind.number, most=20), status=status)


def _refuse(turn: Turn, kind: Kind) -> HttpResponse:
    if turn.method not in ("POST", "PUT") or turn.number:
        return _whole(turn.say, turn.path, Status.INVALID_OPERATION, now=turn.now, why="not kept here")
    told = turn.reader.objects(turn.body(), kind) or []
    if not told:
        return _whole(turn.say, turn.path, Status.INVALID_OPERATION, now=turn.now, why="not kept here")
    return _rows(turn, [hearing.unwanted(one, kind) for one in told])


Verb = Callable[[Turn], HttpResponse]
ROUTES: Mapping[str, Mapping[str, Verb]] = MappingProxyType(
    {
        "System/Keepalive": {"POST": _keepalive},
        "System/UnRegister": {"POST": _unregister},
        "System/Time": {"GET": _time},
        "APEs": {"GET": _list_devices, "POST": _take_devices, "PUT": _take_devices},
        "Subscribes": {"GET": _list_orders, "POST": _take_orders, "PUT": _take_orders, "DELETE": _drop_orders},
        "SubscribeNotifications": {"POST": _take_notifications},
    }
)


def _rows(turn: Turn, answers: Sequence[Answered]) -> HttpResponse:
    rows = [
        shapes.status(turn.say, path=turn.path, status=one.status, id=one.id, at=turn.now, why=one.why)
        for one in answers
    ]
    return _json(turn.say, turn.say.statuses(rows))


def _whole(
    say: Dialect, path: str, status: Status, *, now: datetime, http: int = 200, id: str = "", why: str = ""
) -> HttpResponse:
    told = shapes.status(say, path=path, status=status, id=id, at=now, why=why)
    return _json(say, {"ResponseStatusObject": told}, http=http)


def _challenge(path: str, now: datetime, *, stale: bool = False) -> HttpResponse:
    answer = _whole(STRICT, path, Status.INVALID_OPERATION, now=now, http=401, why="not registered")
    answer["WWW-Authenticate"] = registering.challenge(now=now, stale=stale).header()
    return answer


def _json(say: Dialect, body: Json, *, http: int = 200) -> HttpResponse:
    answer = HttpResponse(shapes.encoded(body), status=http, content_type=say.content_type)
    answer["Cache-Control"] = "no-store"
    return answer


def _raw(request: HttpRequest) -> bytes:
    try:
        return request.body
    except RequestDataTooBig as problem:
        raise Unreadable(Status.INVALID_JSON_CONTENT) from problem
    except UnreadablePostError as problem:
        raise Unreadable(Status.INVALID_JSON_FORMAT) from problem


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))[:45]


def _number(digits: str, otherwise: int) -> int:
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else otherwise
