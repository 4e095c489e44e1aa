"""A terminal that speaks ISAPI: HTTP digest, its list, its faces, its events, posted to a host and kept to be asked for.

Everything the estate may do is on one port, under /ISAPI. On the other a test plays the people at the door and the faults:

    GET /state
    POST /card {"card", "reader"}   /pin {"pin"}   /face {"number", "temperature"}   /finger {}   /button {}
    POST /door {"state": "forced" | "held" | "closed"}   /tamper {"on"}   /fire {"on"}   /remote {"user"}
    POST /clock {"ahead_s"}   /network {"online"}   /busy {"requests"}   /reboot {"requests"}   /wipe {}   /threshold {"percent"}
    POST /posts {"lose", "repeat", "late"}   /enrol {"number", "name"}   /delete {"number"}
"""

from __future__ import annotations

import argparse
import json
import queue
import re
import threading
import urllib.error
import urllib.request
from datetime import timedelta
from typing import Any

from linli.sim.clock import clock_from_environment
from linli.sim.terminals import ports
from linli.sim.terminals.digest import Digest, in_xml
from linli.sim.terminals.isapi_device import (
    BAD_FORMAT,
    BUSY,
    NOT_SUPPORTED,
    OK,
    REBOOT,
    IsapiDevice,
    Status,
    bad_content,
)
from linli.sim.terminals.ports import Port, Request, Response, in_json

_AC = "/ISAPI/AccessControl/"


class IsapiTerminalSim:
    """The terminal on its two ports."""

    def __init__(
        self,
        *,
        device: IsapiDevice,
        username: str = "admin",
        password: str = "Sim-12345",
        host: str = "127.0.0.1",
        port: int = 0,
        control_port: int = 0,
        nonce_s: float = 60.0,
    ) -> None:
        """Take a device and the account that may command it."""
        self.device = device
        self.device.happened = self._happened
        self.port = Port(answer=self.answer, host=host, port=port)
        self.control = Port(answer=ports.control(self._deeds(), state=self.state), host=host, port=control_port)
        self.digest = Digest(username=username, password=password, nonce_s=nonce_s)
        self.online = True
        self.busy = self.reboots = 0
        self.lose = self.repeat = 0
        self.requests: list[str] = []
        self.post_to = ""
        self._late: list[dict[str, Any]] | None = None
        self._posts: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._poster = threading.Thread(target=self._post, daemon=True)

    @property
    def url(self) -> str:
        """Where the estate finds it."""
        return self.port.url

    def start(self) -> None:
        """This will switch it on."""
        self.port.start()
        self.control.start()
        self._poster.start()

    def stop(self) -> None:
        """This will switch it off."""
        self._posts.put(None)
        self.port.stop()
        self.control.stop()

    def state(self) -> dict[str, Any]:
        """What is inside, for a test to look at."""
        device = self.device
        device.deletion()
        return {
            "users": list(device.users.values()),
            "cards": device.cards,
            "faces": sorted(device.faces),
            "events": len(device.events),
            "commands": device.commands,
            "time": device.now().isoformat(),
            "post_to": self.post_to,
            "online": self.online,
        }

    def answer(self, request: Request) -> Response | None:
        """This will answer the estate, or not at all when the cable is out."""
        if not self.online:
            return None
        self.requests.append(f"{request.method} {request.path}")
        problem = self.digest.check(request)
        if problem is not None:
            return problem
        with self.device.lock:
            if self.busy:
                self.busy -= 1
                return _status(BUSY, request)
            if self.reboots:
                self.reboots -= 1
                return _status(REBOOT, request)
            try:
                return self._do(request)
            except (ValueError, KeyError, TypeError, AttributeError):
                return _status(BAD_FORMAT, request)

    def _do(self, request: Request) -> Response:
        device, path = self.device, request.path
        match (request.method, path):
            case ("GET", "/ISAPI/System/deviceInfo"):
                return in_xml(
                    "DeviceInfo", {"model": "DS-SIM", "serialNumber": device.serial_number, "firmwareVersion": "V1.0"}
                )
            case ("GET", "/ISAPI/System/time"):
                return in_xml("Time", {"timeMode": "manual", "localTime": device.now().isoformat(timespec="seconds")})
            case ("PUT", "/ISAPI/System/time"):
                return _status(device.set_clock(_text(request, "localTime")), request)
            case ("GET", "/ISAPI/AccessControl/FaceCompareCond"):
                return in_xml("FaceCompareCond", {"faceMatchThresholdN": str(device.threshold)})
            case ("PUT", "/ISAPI/Event/notification/httpHosts/1"):
                host, port = _text(request, "ipAddress"), int(_text(request, "portNo"))
                self.post_to = f"http://{host}:{port}{_text(request, 'url')}"
                return _status(OK, request)
            case ("PUT", "/ISAPI/AccessControl/RemoteControl/door/1"):
                who = self.digest.username
                return _status(device.control_door(_text(request, "cmd"), user=who, address="127.0.0.1"), request)
            case ("PUT", "/ISAPI/Intelligent/FDLib/FDSetUp"):
                return _status(device.set_face(*_form(request)), request)
            case ("GET", "/ISAPI/Intelligent/FDLib/capabilities"):
                return in_json({"FDLib": {"maxFaceDataSize": device.photo_bytes, "FDMaxNum": 1}})
        if path.startswith(_AC):
            return self._access(request, path.removeprefix(_AC))
        return _status(NOT_SUPPORTED, request)

    def _access(self, request: Request, what: str) -> Response:
        device = self.device
        match (request.method, *what.split("/")):
            case ("GET", "UserInfo", "capabilities"):
                most = {"maxResults": {"@min": 1, "@max": device.page}}
                return in_json({"UserInfo": {"maxRecordNum": device.people, "UserInfoSearchCond": most}})
            case ("GET", "UserRightPlanTemplate", "capabilities"):
                return in_json({"UserRightPlanTemplate": {"templateNo": {"@min": 1, "@max": device.template_count}}})
            case ("PUT", "UserInfo", "SetUp"):
                return _status(device.set_user(request.as_json().get("UserInfo")), request)
            case ("POST", "UserInfo", "Search"):
                found = device.search_users(request.as_json()["UserInfoSearchCond"])
                return in_json({"UserInfoSearch": found})
            case ("PUT", "UserInfoDetail", "Delete"):
                return _status(device.delete_users(request.as_json().get("UserInfoDetail")), request)
            case ("GET", "UserInfoDetail", "DeleteProcess"):
                return in_json({"UserInfoDetailDeleteProcess": {"status": device.deletion()}})
            case ("PUT", "CardInfo", "SetUp"):
                return _status(device.set_card(request.as_json().get("CardInfo")), request)
            case ("PUT", "CardInfo", "Delete"):
                return _status(device.delete_cards(request.as_json().get("CardInfoDelCond")), request)
            case ("POST", "CardInfo", "Search"):
                found = device.search_cards(request.as_json()["CardInfoSearchCond"])
                return in_json({"CardInfoSearch": found})
            case ("POST", "AcsEvent"):
                return in_json({"AcsEvent": device.search_events(request.as_json()["AcsEventCond"])})
        return self._plans(request, what)

    def _plans(self, request: Request, what: str) -> Response:
        kept = {
            "UserRightWeekPlanCfg": self.device.weeks,
            "UserRightPlanTemplate": self.device.templates,
            "UserRightHolidayPlanCfg": self.device.holidays,
            "UserRightHolidayGroupCfg": self.device.holiday_groups,
        }
        name, _, number = what.partition("/")
        if name not in kept or not number.isdecimal():
            return _status(NOT_SUPPORTED, request)
        if not 1 <= int(number) <= max(self.device.template_count, 32):
            return _status(bad_content("badParameters"), request)
        if request.method == "GET":
            return in_json({name: kept[name].get(int(number), {"enable": False})})
        kept[name][int(number)] = dict(request.as_json()[name])
        return _status(OK, request)

    def _deeds(self) -> dict[str, ports.Deed]:
        device = self.device
        return {
            "card": lambda given: device.show_card(str(given["card"]), reader=int(given.get("reader", 1))),
            "pin": lambda given: device.enter_pin(str(given["pin"]), reader=int(given.get("reader", 1))),
            "face": lambda given: device.show_face(str(given["number"]), temperature=given.get("temperature")),
            "finger": lambda given: device.happen(5, 38, cardReaderNo=1),
            "button": lambda given: device.happen(5, 23),
            "door": lambda given: device.happen(5, {"forced": 27, "held": 28, "closed": 26}[given["state"]]),
            "tamper": lambda given: device.happen(1, 0x404 if given["on"] else 0x405),
            "fire": lambda given: device.happen(5, 52 if given["on"] else 53),
            "remote": lambda given: device.control_door("open", user=str(given["user"]), address="192.0.2.1"),
            "clock": lambda given: self._set(device, "ahead", _seconds(given["ahead_s"])),
            "network": lambda given: self._set(self, "online", bool(given["online"])),
            "busy": lambda given: self._set(self, "busy", int(given["requests"])),
            "reboot": lambda given: self._set(self, "reboots", int(given["requests"])),
            "threshold": lambda given: self._set(device, "threshold", int(given["percent"])),
            "wipe": lambda given: device.wipe(),
            "posts": lambda given: self.change_posts(
                lose=int(given.get("lose", 0)), repeat=int(given.get("repeat", 0)), late=bool(given.get("late"))
            ),
            "enrol": lambda given: self._enrol(str(given["number"]), str(given.get("name", ""))),
            "delete": lambda given: device.users.pop(str(given["number"]), None) is not None,
        }

    @staticmethod
    def _set(thing: object, name: str, value: object) -> str:
        setattr(thing, name, value)
        return str(value)

    def _enrol(self, number: str, name: str) -> None:
        now = self.device.now().replace(tzinfo=None, microsecond=0)
        valid = {"enable": True, "beginTime": now.isoformat(), "endTime": now.replace(year=2037).isoformat()}
        self.device.users[number] = {"employeeNo": number, "name": name, "userType": "normal", "Valid": valid}

    def change_posts(self, *, lose: int = 0, repeat: int = 0, late: bool = False) -> None:
        """This will lose the next posts, send every one more than once, or hold them back until it is said again."""
        self.lose, self.repeat = lose, repeat
        if late:
            self._late = self._late or []
            return
        held, self._late = self._late or [], None
        # Held back and then all at once, the newest first: the wire keeps no order.
        for event in reversed(held):
            for _ in range(1 + repeat):
                self._posts.put(event)

    def _happened(self, event: dict[str, Any]) -> None:
        if self.lose:
            self.lose -= 1
        elif self._late is not None:
            self._late.append(event)
        else:
            for _ in range(1 + self.repeat):
                self._posts.put(event)

    def _post(self) -> None:
        while (event := self._posts.get()) is not None:
            if self.post_to and self.online:
                self._post_one(event)

    def _post_one(self, event: dict[str, Any]) -> None:
        words = {name: value for name, value in event.items() if name not in ("major", "minor", "time")}
        told = {
            "ipAddress": "127.0.0.1",
            "dateTime": event["time"],
            "eventType": "AccessControllerEvent",
            "eventState": "active",
            "AccessControllerEvent": {
                **words,
                "majorEventType": event["major"],
                "subEventType": event["minor"],
                "picturesNumber": 1,
            },
        }
        boundary = "MIME_boundary"
        parts = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="event_log"\r\nContent-Type: application/json\r\n\r\n'
            f'{json.dumps(told)}\r\n--{boundary}\r\nContent-Disposition: form-data; name="Picture"; filename="p.jpg"\r\n'
            f"Content-Type: image/jpeg\r\n\r\n"
        ).encode()
        body = parts + b"\xff\xd8\xff\xe0not a face\r\n\xff\xd9" + f"\r\n--{boundary}--\r\n".encode()
        kind = f"multipart/form-data; boundary={boundary}"
        request = urllib.request.Request(self.post_to, data=body, headers={"content-type": kind}, method="POST")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            opener.open(request, timeout=5).close()
        except (urllib.error.URLError, OSError):
            # Posted once: what was not taken is there to be asked for.
            return


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This will say what the command takes."""
    parser.add_argument("--username", default="admin")
    parser.add_argument("--password", default="Sim-12345", help="of the simulated device; nothing secret")
    parser.add_argument("--people", type=int, default=3000, help="how many persons it can hold")
    parser.add_argument("--deletion-s", type=float, default=1.0, help="how long a deletion takes")


def terminal(asked: argparse.Namespace) -> IsapiTerminalSim:
    """This will make the terminal that the command asked for."""
    device = IsapiDevice(clock=clock_from_environment(), people=asked.people, deletion_s=asked.deletion_s)
    return IsapiTerminalSim(
        device=device,
        username=asked.username,
        password=asked.password,
        host=asked.host,
        port=asked.port,
        control_port=asked.control_port,
    )


def main(asked: argparse.Namespace) -> int:
    """This will run one until SIGTERM or Ctrl-C."""
    sim = terminal(asked)
    ports.serve(sim, words=json.dumps({"ready": True, "device": sim.url, "control": sim.control.url}))
    return 0


def _status(status: Status, request: Request) -> Response:
    http, code, words, sub = status
    told = {"statusCode": code, "statusString": words, "subStatusCode": sub}
    if request.query.get("format") == "json":
        return in_json(told, status=http)
    return in_xml("ResponseStatus", {name: str(value) for name, value in told.items()}, status=http)


def _text(request: Request, name: str) -> str:
    found = re.search(rf"<{name}>([^<]*)</{name}>", request.body.decode())
    if found is None:
        raise ValueError(name)
    return found[1]


def _form(request: Request) -> tuple[object, bytes]:
    boundary = re.search(r'boundary="?([^";]+)', request.headers.get("content-type", ""))
    if boundary is None:
        raise ValueError("no boundary")
    record: object = None
    picture = b""
    for part in request.body.split(b"--" + boundary[1].encode()):
        head, _, content = part.partition(b"\r\n\r\n")
        if b'name="FaceDataRecord"' in head:
            record = json.loads(content)
        elif b'name="img"' in head:
            picture = content.removesuffix(b"\r\n")
    return record, picture


def _seconds(value: object) -> timedelta:
    return timedelta(seconds=float(str(value)))
