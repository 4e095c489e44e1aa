"""A lower platform that registers with a library and does what it should, or, for the proof of a judge, one thing wrong."""

import threading
import time
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from linli.sim.clock import Clock
from linli.sim.platforms.viid import codes, fiction, ids
from linli.sim.platforms.viid.calls import Caller, Heard
from linli.sim.platforms.viid.dialects import STRICT, Dialect, Json, Reading
from linli.sim.terminals.ports import Port, Request, Response, in_json

TICK = 0.01


class Misdeed(StrEnum):
    """What a lower platform may do wrong on purpose."""

    ANONYMOUS = "anonymous"  # forgets its User-Identify now and then
    STUBBORN = "stubborn"  # sends a refused object again
    HASTY = "hasty"  # tries again at once
    FORGETFUL = "forgetful"  # loses what was not heard
    BACKWARDS = "backwards"  # sends the newest first
    DEAF = "deaf"  # pushes on after a subscription has ended
    SLOPPY = "sloppy"  # makes numbers of 47 digits
    UNTYPED = "untyped"  # sends text/plain
    IGNORANT = "ignorant"  # does not register again
    TIMELESS = "timeless"  # never asks what time it is
    TALKATIVE = "talkative"  # never leaves


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often it does what, in seconds."""

    keepalive: float = 30.0
    upload: float = 5.0
    push: float = 3.0
    backoff: float = 1.0
    longest_backoff: float = 60.0


@dataclass(slots=True, kw_only=True)
class LowerPlatform:
    """One lower platform on a thread of its own; its faces are fictional and grey."""

    url: str
    username: str
    password: str
    clock: Clock
    device_id: str = "51010800005030000021"
    camera_id: str = "51010800001190000001"
    dialect: Dialect = STRICT
    pace: Pace = field(default_factory=Pace)
    misdeeds: frozenset[Misdeed] = frozenset()
    dead_letters: list[str] = field(default_factory=list)
    _queue: deque[Json] = field(default_factory=deque)
    _notes: list[Json] = field(default_factory=list)
    _subscriptions: dict[str, datetime] = field(default_factory=dict)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _registered: bool = False
    _timed: bool = False
    _rests_until: float = 0.0
    _rest: float = 0.0
    _serial: int = 0
    _due: dict[str, float] = field(default_factory=dict)
    _port: Port = field(init=False)
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        """Listen for subscriptions; nothing is sent before `start`."""
        self._port = Port(answer=self._answer)
        self._thread = threading.Thread(target=self._live, daemon=True)

    @property
    def address(self) -> str:
        """Where it answers Subscribes."""
        return self._port.url

    def start(self) -> None:
        """This will begin to register, keep alive and upload."""
        self._port.start()
        self._thread.start()

    def stop(self) -> None:
        """This will take leave and end."""
        self._stopping.set()
        self._thread.join(timeout=10)
        self._port.stop()

    def _live(self) -> None:
        with self._caller() as caller:
            while not self._stopping.wait(TICK):
                # What is seen while nobody listens waits for its turn.
                if self._is_due("upload", self.pace.upload):
                    self._queue.append(self._face())
                if time.monotonic() < self._rests_until:
                    continue
                if not self._registered:
                    self._register(caller)
                else:
                    self._work(caller)
            if self._registered and Misdeed.TALKATIVE not in self.misdeeds:
                caller.unregister()

    def _caller(self) -> Caller:
        dialect = self.dialect
        if Misdeed.UNTYPED in self.misdeeds:
            dialect = _Untyped(traits=dialect.traits)
        return Caller(url=self.url, device_id=self.device_id, dialect=dialect, timeout_s=5)

    def _register(self, caller: Caller) -> None:
        heard = caller.register(username=self.username, password=self.password)[-1]
        self._registered = heard.code == codes.OK
        if not self._registered:
            self._rest_after_refusal()
        else:
            self._rest = 0.0
            if not self._timed and Misdeed.TIMELESS not in self.misdeeds:
                caller.ask_time()
            self._timed = True

    def _work(self, caller: Caller) -> None:
        if self._is_due("keepalive", self.pace.keepalive):
            self._heed(self._keep_alive(caller))
        elif self._subscriptions and self._is_due("push", self.pace.push):
            self._push(caller)
        elif self._queue:
            self._upload(caller)

    def _keep_alive(self, caller: Caller) -> Heard:
        if Misdeed.ANONYMOUS not in self.misdeeds:
            return caller.keep_alive()
        body: Json = {"KeepaliveObject": {"DeviceID": self.device_id}}
        caller.call(method="POST", path="/VIID/System/Keepalive", body=body, identify=False)
        return caller.keep_alive()

    def _upload(self, caller: Caller) -> None:
        place = -1 if Misdeed.BACKWARDS in self.misdeeds else 0
        one = self._queue[place]
        heard = caller.send(kind=codes.FACE, objects=[one])
        final = _is_final(heard)
        if final and heard.code != codes.OK:
            self.dead_letters.append(str(one["FaceID"]))
        if final and heard.code != codes.OK and Misdeed.STUBBORN in self.misdeeds:
            self._queue.rotate(-1)
        elif final or Misdeed.FORGETFUL in self.misdeeds:
            del self._queue[place]
        if final:
            self._rest = 0.0
        self._heed(heard)

    def _push(self, caller: Caller) -> None:
        now = self.clock()
        alive = [number for number, ends in self._subscriptions.items() if now < ends or Misdeed.DEAF in self.misdeeds]
        self._notes += [
            self._note(number, now) for number in alive if number not in {one["SubscribeID"] for one in self._notes}
        ]
        self._notes = [one for one in self._notes if one["SubscribeID"] in alive]
        for one in list(self._notes):
            heard = caller.send(kind=codes.NOTIFICATION, objects=[one])
            if _is_final(heard) or Misdeed.FORGETFUL in self.misdeeds:
                self._notes.remove(one)
            self._heed(heard)

    def _note(self, number: str, now: datetime) -> Json:
        one = self._face()
        return {
            "NotificationID": ids.office_id(office=number[:12], kind="04", at=now, serial=self._serial % 100_000),
            "SubscribeID": number,
            "Title": "人脸",
            "TriggerTime": ids.text_of(now),
            "InfoIDs": one["FaceID"],
            "ExecuteOperation": 1,
            **self.dialect.notified(kind=codes.FACE, objects=[one]),
        }

    def _heed(self, heard: Heard) -> None:
        if heard.status == 401 and Misdeed.IGNORANT not in self.misdeeds:
            self._registered = False
        elif heard.status != 200 or heard.code in (codes.BUSY, codes.REBOOT, None):
            self._rest_after_refusal()

    def _rest_after_refusal(self) -> None:
        if Misdeed.HASTY in self.misdeeds:
            return
        self._rest = min(self.pace.longest_backoff, self._rest * 2 or self.pace.backoff)
        self._rests_until = time.monotonic() + self._rest
        # A keepalive that falls due in the meantime is no new reason to try at once.
        self._due["keepalive"] = self._rests_until

    def _is_due(self, what: str, every: float) -> bool:
        now = time.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + every
        return True

    def _face(self) -> Json:
        self._serial += 1
        made = fiction.face(
            device_id=self.camera_id, at=self.clock(), serial=self._serial % 100_000, index=self._serial
        )
        if Misdeed.SLOPPY in self.misdeeds:
            made["FaceID"] = str(made["FaceID"])[:-1]
        return made

    def _answer(self, request: Request) -> Response:
        reading, now = Reading(), self.clock()
        if request.path.rstrip("/") != "/VIID/Subscribes":
            refused = self.dialect.status(url=request.path, code=codes.INVALID_OPERATION, id="", now=now)
            return in_json({"ResponseStatusObject": refused}, status=404)
        if request.method == "DELETE":
            numbers = request.query.get("IDList", "").split(",")
        else:
            told = reading.objects(body=request.as_json(), kind=codes.SUBSCRIBE) or []
            items = [reading.canonical(one) for one in told]
            numbers = [str(one["SubscribeID"]) for one in items]
            self._subscriptions |= {str(one["SubscribeID"]): ids.moment_of(str(one["EndTime"])) for one in items}
        if request.method == "DELETE" and Misdeed.DEAF not in self.misdeeds:
            for number in numbers:
                self._subscriptions.pop(number, None)
        rows = [self.dialect.status(url=request.path, code=codes.OK, id=number, now=now) for number in numbers]
        return replace(in_json(self.dialect.statuses(rows)), kind=self.dialect.content_type)


def _is_final(heard: Heard) -> bool:
    return heard.status == 200 and heard.code is not None and heard.code not in (codes.BUSY, codes.REBOOT)


class _Untyped(Dialect):
    """A dialect that does not say what its bodies are."""

    @property
    def content_type(self) -> str:
        return "text/plain"
