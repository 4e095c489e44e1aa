"""What a test may have the library do towards a peer: subscribe, notify, send a watch list, or register as a lower one.

`tell` serves what peers have ordered of us (3 devices, 4 their state) at the address of each order, and goes wrong where `spoil` says so:

| spoil       | what the peer hears                                                  |
|-------------|----------------------------------------------------------------------|
| `repeat`    | each notification twice, under one number                            |
| `stranger`  | a notification of an order that nobody has made                      |
| `late`      | of orders too that have ended or were cancelled                      |
| `people`    | a face and a person beside the devices                               |
| `malformed` | a notification whose number is none                                  |
| `old`       | how it was an hour ago                                               |
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from urllib.parse import urlsplit

from linli.sim.platforms.viid import fiction, ids
from linli.sim.platforms.viid.calls import Caller
from linli.sim.platforms.viid.codes import (
    APE,
    APE_STATUS,
    DISPOSITION,
    FACE,
    IMAGE,
    NOTIFICATION,
    PERSON,
    SUBSCRIBE,
    Kind,
)
from linli.sim.platforms.viid.dialects import Json
from linli.sim.platforms.viid.library import ViewLibrary

SHORTEST_TIMEOUT = 10.0
NOTIFY_KINDS = (APE, PERSON, FACE, IMAGE)
SPOILS = ("", "repeat", "stranger", "late", "people", "malformed", "old")
ACTIVE = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One errand as it was asked for; a missing or wrong word raises KeyError or ValueError."""

    library: ViewLibrary
    words: Mapping[str, object]
    now: datetime

    @property
    def peer(self) -> str:
        """This will give the peer's address."""
        return str(self.words["peer"])

    @property
    def office(self) -> str:
        """This will give the twelve digits of our police office."""
        return f"{self.library.device_id[:6]}000000"

    def number(self, name: str, otherwise: int) -> int:
        """This will read a whole number."""
        return int(str(self.words.get(name, otherwise)))

    def word(self, name: str, otherwise: str = "") -> str:
        """This will read a word."""
        return str(self.words.get(name, otherwise))

    def caller(self) -> Caller:
        """This will make ready to call the peer."""
        timeout = float(self.word("timeout_s", str(SHORTEST_TIMEOUT)))
        who = self.word("as", self.library.device_id)
        return Caller(url=self.peer, device_id=who, dialect=self.library.dialect, timeout_s=timeout)


_serial = count(1)


def subscribe(errand: Errand) -> Json:
    """This will subscribe at the peer to what the details name, until `seconds` from now."""
    ends = errand.now + timedelta(seconds=errand.number("seconds", 86_400))
    one = fiction.subscription(
        office=errand.office,
        resource=errand.word("resource", errand.library.device_id),
        receive_at=str(errand.words["receive_at"]),
        begins=errand.now,
        ends=ends,
        serial=next(_serial) % 100_000,
        details=errand.word("details", "11,12"),
    )
    one["ReportInterval"] = errand.number("every", 3)
    # Booked before it is sent: the first notification may come before the answer does.
    with errand.library.books.transaction():
        errand.library.books.subscribe(one=one, side="ours", peer=errand.peer, begins_at=errand.now, ends_at=ends)
    with errand.caller() as caller:
        heard = caller.send(kind=SUBSCRIBE, objects=[one])
    return {"subscription_id": one["SubscribeID"], **heard.as_json()}


def cancel(errand: Errand) -> Json:
    """This will cancel a subscription at the peer, by DELETE ?IDList or, for `by=put`, by PUT of it."""
    number = str(errand.words["subscription_id"])
    with errand.library.books.transaction():
        errand.library.books.cancel(id=number)
    with errand.caller() as caller:
        if errand.word("by") != "put":
            return caller.delete(kind=SUBSCRIBE, numbers=[number]).as_json()
        body = {"SubscribeID": number, "OperateType": 1, "CancelReason": "联调结束"}
        listed = caller.dialect.listed(kind=SUBSCRIBE, objects=[body])
        return caller.call(method="PUT", path=f"/VIID/Subscribes/{number}", body=listed).as_json()


def notify(errand: Errand) -> Json:
    """This will push one notification of a peer's subscription: `objects` as told, or fictional `faces`, `persons`."""
    carried = _objects(errand) or {FACE: _fictional(errand, "face", 1)}
    numbers = [str(one[kind.id_field]) for kind, objects in carried.items() for one in objects]
    body = _notification(errand, str(errand.words["subscription_id"]), carried, at=errand.now)
    body["InfoIDs"] = errand.word("info_ids", body["InfoIDs"])
    with errand.caller() as caller:
        heard = caller.call(
            method="POST",
            path=f"/VIID/{NOTIFICATION.path}",
            body=caller.dialect.listed(kind=NOTIFICATION, objects=[body]),
        )
    return {"notification_id": body["NotificationID"], "info_ids": numbers, **heard.as_json()}


def tell(errand: Errand) -> Json:
    """This will tell everybody who has ordered our devices of us how `devices` of them are (`online` 1, 2 or 9), and what each answered."""
    spoil = errand.word("spoil")
    if spoil not in SPOILS:
        raise ValueError(f"no such way to go wrong: {spoil}")
    with errand.library.books.transaction():
        known = errand.library.books.subscriptions(side="theirs", now=errand.now)
    chosen = [(number, one) for number, status, one in known if status == ACTIVE or spoil == "late"]
    return {"told": [_tell(errand, number, one, spoil=spoil) for number, one in chosen]}


def _tell(errand: Errand, number: str, one: Json, *, spoil: str) -> Json:
    at = errand.now - timedelta(hours=1) if spoil == "old" else errand.now
    carried = _ordered(errand, str(one["SubscribeDetail"]).split(","), at=at)
    if spoil == "people":
        carried |= {FACE: _fictional(errand, "face", 1), PERSON: _fictional(errand, "person", 1)}
    if spoil == "stranger":
        number = ids.office_id(office=errand.office, kind="03", at=errand.now, serial=next(_serial) % 100_000)
    body = _notification(errand, number, carried, at=at)
    if spoil == "malformed":
        body["NotificationID"] = "0"
    address = urlsplit(str(one["ReceiveAddr"]))
    home = Errand(
        library=errand.library,
        words={**errand.words, "peer": f"{address.scheme}://{address.netloc}"},
        now=errand.now,
    )
    with home.caller() as caller:
        listed = caller.dialect.listed(kind=NOTIFICATION, objects=[body])
        heard = [
            caller.call(method="POST", path=address.path or "/", body=listed) for _ in range(1 + (spoil == "repeat"))
        ]
    return {"subscription_id": number, "answers": [answer.as_json() for answer in heard]}


def _ordered(errand: Errand, details: list[str], *, at: datetime) -> dict[Kind, list[Json]]:
    online = errand.word("online", "1")
    devices = [{**one, "IsOnline": online} for one in _devices(errand, errand.number("devices", 2))]
    states = [{"ApeID": one["ApeID"], "IsOnline": online, "CurrentTime": ids.text_of(at)} for one in devices]
    carried = {"3": (APE, devices), "4": (APE_STATUS, states)}
    return dict(carried[detail] for detail in details if detail in carried)


def _notification(errand: Errand, subscription: str, carried: Mapping[Kind, list[Json]], *, at: datetime) -> Json:
    numbers = [str(one[kind.id_field]) for kind, objects in carried.items() for one in objects]
    body: Json = {
        "NotificationID": ids.office_id(office=errand.office, kind="04", at=errand.now, serial=next(_serial) % 100_000),
        "SubscribeID": subscription,
        "Title": "人员与人脸" if FACE in carried or PERSON in carried else "设备目录与状态",
        "TriggerTime": ids.text_of(at),
        "InfoIDs": ",".join(numbers),
        "ExecuteOperation": 1,
    }
    for kind, objects in carried.items():
        body |= errand.library.dialect.notified(kind=kind, objects=objects)
    return body


def dispose(errand: Errand) -> Json:
    """This will send the peer a watch list's entry that names nobody; an estate refuses it with 4."""
    one = fiction.disposition(
        office=errand.office,
        begins=errand.now,
        ends=errand.now + timedelta(days=1),
        receive_at=errand.word("receive_at", "http://192.0.2.1/VIID/DispositionNotifications"),
    )
    with errand.caller() as caller:
        return caller.send(kind=DISPOSITION, objects=[one]).as_json()


def register(errand: Errand) -> Json:
    """This will register at the peer as a lower platform, and say what each step brought."""
    with errand.caller() as caller:
        steps = caller.register(username=str(errand.words["username"]), password=str(errand.words["password"]))
    return {"steps": [step.status for step in steps], **steps[-1].as_json()}


def keep_alive(errand: Errand) -> Json:
    """This will send one keepalive as a lower platform."""
    with errand.caller() as caller:
        return caller.keep_alive().as_json()


def ask_time(errand: Errand) -> Json:
    """This will ask the peer's time."""
    with errand.caller() as caller:
        return caller.ask_time().as_json()


def upload(errand: Errand) -> Json:
    """This will upload objects as a lower platform: `objects` as told, or fictional `faces`, `persons`, `devices`."""
    told = _objects(errand)
    with errand.caller() as caller:
        heard = [caller.send(kind=kind, objects=objects) for kind, objects in told.items()]
    return {"answers": [one.as_json() for one in heard]}


def unregister(errand: Errand) -> Json:
    """This will take leave of the peer."""
    with errand.caller() as caller:
        return caller.unregister().as_json()


def _objects(errand: Errand) -> dict[Kind, list[Json]]:
    told = errand.words.get("objects")
    if isinstance(told, dict):
        return {kind: list(told[kind.path]) for kind in NOTIFY_KINDS if kind.path in told}
    faces, persons = (_fictional(errand, word, errand.number(f"{word}s", 0)) for word in ("face", "person"))
    devices = _devices(errand, errand.number("devices", 0))
    return {kind: told for kind, told in ((APE, devices), (PERSON, persons), (FACE, faces)) if told}


def _devices(errand: Errand, number: int) -> list[Json]:
    camera = _camera(errand)
    return [
        fiction.device(device_id=f"{camera[:14]}{place:06d}", name=f"闸机{place}", owner_id=errand.library.device_id)
        for place in range(1, 1 + number)
    ]


def _fictional(errand: Errand, word: str, number: int) -> list[Json]:
    made = fiction.face if word == "face" else fiction.person
    camera = _camera(errand)
    return [
        made(device_id=camera, at=errand.now, serial=next(_serial) % 100_000, index=place) for place in range(number)
    ]


def _camera(errand: Errand) -> str:
    return errand.word("device_id", f"{errand.library.device_id[:10]}1190000001")


ERRANDS: Mapping[str, Callable[[Errand], Json]] = {
    "subscribe": subscribe,
    "cancel": cancel,
    "notify": notify,
    "tell": tell,
    "dispose": dispose,
    "register": register,
    "keepalive": keep_alive,
    "time": ask_time,
    "upload": upload,
    "unregister": unregister,
}
