"""What a view library answers to one request; nothing here knows sockets, so that a conformance run can play it too."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from linli.sim.platforms.viid import codes, ids
from linli.sim.platforms.viid.books import Books, text_of, without_pictures
from linli.sim.platforms.viid.checks import flaw_of
from linli.sim.platforms.viid.codes import NOTIFICATION, NOTIFIED, SUBSCRIBE, Kind
from linli.sim.platforms.viid.dialects import STRICT, Dialect, Json, Reading, lookup
from linli.sim.platforms.viid.digest import Guard, Proof
from linli.sim.platforms.viid.faults import ViidFault

LAPSE = timedelta(seconds=180)  # three missed keepalives of a minute
LARGEST_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request; names of headers in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def word(self) -> str:
        """This will name what the request is about: Register, Keepalive, Faces …"""
        words = [word for word in self.path.split("/") if word not in ("", "VIID", "System", "Community")]
        return words[0] if words else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    code: int | None = None


class Spoiling(Protocol):
    """What goes wrong on purpose with one request."""

    @property
    def fault(self) -> ViidFault | None:
        """The fault of the whole request."""

    def item_code(self, *, word: str, number: str) -> int:
        """This will give the status of one sound item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unspoilt:
    """Nothing goes wrong."""

    fault: ViidFault | None = None

    def item_code(self, *, word: str, number: str) -> int:
        """This will find every sound item in order."""
        return 0


@dataclass(slots=True, kw_only=True)
class ViewLibrary:
    """One library: who it is, whom it lets in, what it keeps, and in which dialect it speaks."""

    device_id: str
    books: Books
    guard: Guard
    collections: Mapping[str, Kind] = field(default_factory=lambda: codes.COLLECTIONS)
    dialect: Dialect = STRICT
    lapse: timedelta = LAPSE
    offset: timedelta = timedelta()
    reboots: int = 0

    def answer(self, *, asked: Asked, now: datetime, spoiling: Spoiling | None = None) -> Answer:
        """This will answer one request and book it; both are on disk when it returns."""
        spoiling, reading = spoiling or Unspoilt(), Reading()
        with self.books.transaction():
            turn = _Turn(library=self, asked=asked, now=now, spoiling=spoiling, reading=reading)
            answer = turn.answer()
            self.books.record(row=_row(asked=asked, answer=answer, now=now, reading=reading, fault=spoiling.fault))
        return answer


@dataclass(slots=True, kw_only=True)
class _Turn:
    """One request on its way through."""

    library: ViewLibrary
    asked: Asked
    now: datetime
    spoiling: Spoiling
    reading: Reading
    body: Json = field(default_factory=dict)

    @property
    def told_time(self) -> datetime:
        return self.now + self.library.offset

    def answer(self) -> Answer:
        parts = [part for part in self.asked.path.split("/") if part]
        if parts[:1] != ["VIID"] or len(parts) < 2:
            return self._whole(codes.INVALID_OPERATION, status=404, why="no such address")
        if self.asked.word == "Register":
            return self._register()
        if self.spoiling.fault is ViidFault.FORGET:
            self.library.books.leave(device_id=self.peer, state="FORGOTTEN")
        if not self.library.books.is_registered(device_id=self.peer, now=self.now, lapse=self.library.lapse):
            return self._challenge()
        if self.library.reboots > 0:
            self.library.reboots -= 1
            return self._whole(codes.REBOOT)
        if self.spoiling.fault in UNWELL:
            return self._whole(UNWELL[self.spoiling.fault])
        self.library.books.keep_alive(device_id=self.peer, now=self.now, keepalive=self.asked.word == "Keepalive")
        return self._of_a_peer(parts=parts[1:])

    @property
    def peer(self) -> str:
        return self.asked.headers.get("user-identify", "")[:40]

    def _of_a_peer(self, *, parts: list[str]) -> Answer:
        if self.asked.method in ("POST", "PUT") and not self._read():
            return self._whole(codes.BAD_JSON, status=400)
        simple = self._simple().get((self.asked.method, "/".join(parts)))
        if simple is not None:
            return simple()
        path, _, number = "/".join(parts).rpartition("/")
        whole = "/".join(parts)
        kinds = {**self.library.collections, SUBSCRIBE.path: SUBSCRIBE, NOTIFICATION.path: NOTIFICATION}
        kind = kinds.get(whole) or kinds.get(path)
        if kind is None:
            return self._whole(codes.INVALID_OPERATION, status=404, why="no such address")
        return self._collection(kind=kind, number="" if whole in kinds else number)

    def _simple(self) -> dict[tuple[str, str], Callable[[], Answer]]:
        return {
            ("POST", "System/UnRegister"): self._unregister,
            ("POST", "System/Keepalive"): self._keep_alive,
            ("GET", "System/Time"): self._time,
        }

    def _collection(self, *, kind: Kind, number: str) -> Answer:
        method = self.asked.method
        if method == "GET":
            return self._list(kind=kind, number=number)
        if method == "DELETE":
            return self._delete(
                kind=kind, numbers=[number] if number else self.asked.query.get("IDList", "").split(",")
            )
        if kind is SUBSCRIBE and method == "PUT" and number:
            return self._delete(kind=kind, numbers=[number])
        if method not in ("POST", "PUT") or (kind is NOTIFICATION and method == "PUT"):
            return self._whole(codes.INVALID_OPERATION, status=405, why="no such verb")
        items = self.reading.objects(body=self.body, kind=kind)
        if items is None:
            return self._whole(codes.BAD_CONTENT, why=f"no {kind.listed}")
        take = {SUBSCRIBE.word: self._take_subscription, NOTIFICATION.word: self._take_notification}
        rows = [take.get(kind.word, self._take)(self.reading.canonical(item), kind) for item in items]
        return self._rows(rows)

    def _register(self) -> Answer:
        proof, username = self.library.guard.prove(
            header=self.asked.headers.get("authorization", ""), method=self.asked.method, target=self.asked.target
        )
        if self.spoiling.fault is ViidFault.REFUSE_AUTH and proof is Proof.SOUND:
            proof = Proof.WRONG
        if self.spoiling.fault is ViidFault.STALE_NONCE and proof is Proof.SOUND:
            proof = Proof.STALE
        if proof is not Proof.SOUND:
            return self._challenge(stale=proof is Proof.STALE)
        if self.spoiling.fault in UNWELL:
            return self._whole(UNWELL[self.spoiling.fault])
        told = lookup(self.body if self._read() else None, "RegisterObject")[0]
        device_id = str(self.reading.fields(told or {}, "DeviceID").get("DeviceID", ""))
        if (flaw := ids.flaw_of_device(device_id)) is not None:
            return self._whole(codes.BAD_CONTENT, why=f"DeviceID: {flaw}")
        self.library.books.register(device_id=device_id, username=username, now=self.now)
        return self._whole(codes.OK, id=device_id)

    def _unregister(self) -> Answer:
        if (answer := self._wrong_sender("UnRegisterObject")) is not None:
            return answer
        self.library.books.leave(device_id=self.peer, state="GONE")
        return self._whole(codes.OK, id=self.peer)

    def _keep_alive(self) -> Answer:
        return self._wrong_sender("KeepaliveObject") or self._whole(codes.OK, id=self.peer)

    def _wrong_sender(self, envelope: str) -> Answer | None:
        told = lookup(self.body, envelope)[0]
        device_id = self.reading.fields(told, "DeviceID").get("DeviceID") if isinstance(told, dict) else None
        if device_id == self.peer:
            return None
        return self._whole(codes.BAD_CONTENT, why=f"{envelope}.DeviceID is not User-Identify")

    def _time(self) -> Answer:
        told = {
            "VIIDServerID": self.library.device_id,
            "TimeMode": "0",
            "LocalTime": self.library.dialect.time(self.told_time),
            "TimeZone": "UTC+8",
        }
        return self._in_json({"SystemTimeObject": told})

    def _take(self, one: Json, kind: Kind) -> tuple[int, str, str]:
        number, told = str(one.get(kind.id_field) or ""), _flat(one, kind)
        number = str(told.get(kind.id_field) or number)
        if (flaw := flaw_of(kind=kind, one=told)) is not None:
            return self._refused(kind, number, codes.BAD_CONTENT, flaw)
        if (code := self.spoiling.item_code(word=self.asked.word, number=number)) != codes.OK:
            return self._refused(kind, number, code, "on purpose")
        replace = self.asked.method == "PUT"
        if not self.library.books.take(
            kind=kind, one=told, peer=self.peer, via="request", now=self.now, replace=replace
        ):
            return self._refused(kind, number, codes.BAD_CONTENT, f"{kind.id_field}: already used for another one")
        return codes.OK, number, ""

    def _take_subscription(self, one: Json, kind: Kind) -> tuple[int, str, str]:
        number = str(one.get("SubscribeID") or "")
        if str(one.get("OperateType", "0")) == "1":
            return self._cancelled(number)
        if (flaw := flaw_of(kind=kind, one=one)) is not None:
            return self._refused(kind, number, codes.BAD_CONTENT, flaw)
        begins, ends = ids.moment_of(str(one["BeginTime"])), ids.moment_of(str(one["EndTime"]))
        self.library.books.subscribe(one=one, side="theirs", peer=self.peer, begins_at=begins, ends_at=ends)
        return codes.OK, number, ""

    def _take_notification(self, one: Json, kind: Kind) -> tuple[int, str, str]:
        number, carried = str(one.get("NotificationID") or ""), self._carried(one)
        told = {name: value for name, value in one.items() if not isinstance(value, dict | list)}
        told["Carried"] = [str(told_one.get(inner.id_field, "")) for inner, told_one in carried]
        if (flaw := flaw_of(kind=kind, one=told)) is not None:
            return self._refused(kind, number, codes.BAD_CONTENT, flaw)
        for inner, item in carried:
            if (flaw := flaw_of(kind=inner, one=item)) is not None:
                return self._refused(kind, number, codes.BAD_CONTENT, f"{item.get(inner.id_field)}: {flaw}")
        if not self.library.books.pushed(id=str(one["SubscribeID"]), now=self.now):
            return self._refused(kind, number, codes.INVALID_OPERATION, "no such subscription, or it has ended")
        if (code := self.spoiling.item_code(word=self.asked.word, number=number)) != codes.OK:
            return self._refused(kind, number, code, "on purpose")
        for inner, item in carried:
            self.library.books.take(kind=inner, one=item, peer=self.peer, via="notification", now=self.now)
        self.library.books.take(kind=kind, one=told, peer=self.peer, via="request", now=self.now)
        return codes.OK, number, ""

    def _carried(self, one: Json) -> list[tuple[Kind, Json]]:
        found: list[tuple[Kind, Json]] = []
        for kind in NOTIFIED:
            items = self.reading.objects(body=one, kind=kind, notified=True) or []
            found += [(kind, _flat(self.reading.canonical(item), kind)) for item in items]
        return found

    def _cancelled(self, number: str) -> tuple[int, str, str]:
        if self.library.books.cancel(id=number):
            return codes.OK, number, ""
        return self._refused(SUBSCRIBE, number, codes.INVALID_OPERATION, "no such subscription")

    def _delete(self, *, kind: Kind, numbers: list[str]) -> Answer:
        numbers = [number.strip() for number in numbers if number.strip()]
        if not numbers:
            return self._whole(codes.BAD_CONTENT, why="IDList: missing")
        if kind is SUBSCRIBE:
            return self._rows([self._cancelled(number) for number in numbers])
        gone = [(number, self.library.books.drop(kind=kind, id=number)) for number in numbers]
        unknown = (codes.INVALID_OPERATION, "no such object")
        return self._rows(
            [(codes.OK, number, "") if done else (unknown[0], number, unknown[1]) for number, done in gone]
        )

    def _list(self, *, kind: Kind, number: str) -> Answer:
        query = dict(self.asked.query)
        start, size = (_number(query.pop(name, ""), other) for name, other in PAGE)
        wanted = {name.rpartition(".")[2]: value for name, value in query.items()}
        if number:
            wanted[kind.id_field] = number
        if kind is SUBSCRIBE:
            theirs = self.library.books.subscriptions(side="theirs", now=self.now)
            told = [{**one, "SubscribeStatus": status} for id, status, one in theirs if number in ("", id)]
        else:
            told = self.library.books.objects(
                kind=kind, wanted=wanted, after=max(0, start - 1), size=min(max(size, 1), LARGEST_PAGE)
            )
        return self._in_json(self.library.dialect.listed(kind=kind, objects=[_wire_form(one) for one in told]))

    def _read(self) -> bool:
        try:
            told = json.loads(self.asked.body)
        except (ValueError, RecursionError):
            return False
        self.body = told if isinstance(told, dict) else {}
        self.reading.content_type(self.asked.headers.get("content-type", ""))
        return isinstance(told, dict)

    def _refused(self, kind: Kind, number: str, code: int, why: str) -> tuple[int, str, str]:
        self.library.books.refuse(kind=kind, id=number[:60], code=code, why=why, now=self.now)
        return code, number, why

    def _rows(self, rows: list[tuple[int, str, str]]) -> Answer:
        say = self.library.dialect
        told = [
            say.status(url=self.asked.path, code=code, id=number, now=self.told_time, why=why)
            for code, number, why in rows
        ]
        return self._in_json(say.statuses(told), code=max((code for code, _, _ in rows), default=0))

    def _whole(self, code: int, *, status: int = 200, id: str = "", why: str = "") -> Answer:
        said = self.library.dialect.status(url=self.asked.path, code=code, id=id, now=self.told_time, why=why)
        return self._in_json({"ResponseStatusObject": said}, status=status, code=code)

    def _challenge(self, *, stale: bool = False) -> Answer:
        headers = {"www-authenticate": self.library.guard.challenge(stale=stale)}
        said = self.library.dialect.status(
            url=self.asked.path, code=codes.INVALID_OPERATION, id="", now=self.told_time, why="not registered"
        )
        return self._in_json({"ResponseStatusObject": said}, status=401, code=codes.INVALID_OPERATION, headers=headers)

    def _in_json(
        self, said: Json, *, status: int = 200, code: int | None = codes.OK, headers: Mapping[str, str] | None = None
    ) -> Answer:
        body = json.dumps(said, ensure_ascii=False).encode()
        kind = {"content-type": self.library.dialect.content_type}
        return Answer(status=status, body=body, headers={**kind, **(headers or {})}, code=code)


UNWELL: Mapping[ViidFault | None, int] = {ViidFault.REBOOT: codes.REBOOT, ViidFault.BUSY: codes.BUSY}
PAGE = (("RecordStartNo", 1), ("PageRecordNum", 100))


def _flat(one: Json, kind: Kind) -> Json:
    # A picture's fields stand in ImageInfo beside its Data, or all together.
    nested = one.get("ImageInfo")
    if kind is not codes.IMAGE or not isinstance(nested, dict):
        return one
    rest = {name: value for name, value in one.items() if name != "ImageInfo"}
    return {**Reading().canonical(nested), **rest}


def _wire_form(one: Json) -> Json:
    images = one.get("SubImages")
    rest = {name: value for name, value in one.items() if name != "SubImages"}
    return rest if images is None else {**rest, "SubImageList": {"SubImageInfoObject": images}}


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else otherwise


def _row(
    *, asked: Asked, answer: Answer, now: datetime, reading: Reading, fault: ViidFault | None
) -> dict[str, object]:
    try:
        body = json.dumps(without_pictures(json.loads(asked.body)), ensure_ascii=False)
    except (ValueError, RecursionError):
        body = f"{len(asked.body)} bytes that are no JSON" if asked.body else ""
    return {
        "seen_at": text_of(now),
        "method": asked.method,
        "path": asked.path,
        "query": "&".join(f"{name}={value}" for name, value in asked.query.items()),
        "identify": asked.headers.get("user-identify", "")[:40],
        "content_type": asked.headers.get("content-type", "")[:80],
        "body": body,
        "status": answer.status,
        "answer": answer.body.decode(),
        "dialect": reading.words(),
        "fault": fault.value if fault else "",
    }
