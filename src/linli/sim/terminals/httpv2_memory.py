"""What a simulated HTTPv2 device remembers: persons within the limits of its model, its settings, its records."""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

JPEG = b"\xff\xd8\xff"
UNLIMITED = 65_535

# The document's "RecordType" of what was let through, and of what was not.
BY_CARD, BY_FACE, BY_PIN, BY_CODE = 1, 3, 10, 32
EXPIRED, OUTSIDE_HOURS, ON_A_HOLIDAY, UNKNOWN, USED_UP, LOCKED, TOO_WARM = 16, 17, 18, 19, 21, 22, 30
UNKNOWN_CARD, UNKNOWN_CODE = 48, 49
OPENED_BY = {"card": BY_CARD, "face": BY_FACE, "pin": BY_PIN, "qr": BY_CODE}
_UNKNOWN_BY = {"card": UNKNOWN_CARD, "qr": UNKNOWN_CODE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What one model can hold: persons, bytes of a photo, and how many persons it fetches at once."""

    people: int = 20_000
    photo_bytes: int = 400 * 1024
    page: int = 100


class Memory:
    """One device's memory. Not for many threads at once."""

    def __init__(self, *, model: Model, sn: str) -> None:
        """Start as it leaves the factory."""
        self.model = model
        self.people: dict[int, dict[str, Any]] = {}
        self.faces: dict[str, int] = {}
        self._cards: dict[str, int] = {}
        self.records: list[dict[str, Any]] = []
        self.own_log: list[dict[str, Any]] = []
        self.settings: dict[str, Any] = _factory_settings(sn)
        self._unsent: dict[int, None] = {}
        self._unsent_log: list[dict[str, Any]] = []

    def take_in(self, row: Mapping[str, Any]) -> tuple[int, int] | None:
        """This will store a person, or say why not: the document's error code, and like whom."""
        number, card = int(row["UserID"]), str(row.get("CardNum") or "")
        if number not in self.people and len(self.people) >= self.model.people:
            return 24, 0
        if card and (whose := self._cards.get(card, number)) != number:
            return 23, whose
        photo = base64.b64decode(str(row.get("Photo") or ""))
        if photo and (problem := self._look_at(photo, number)):
            return problem
        self._cards.pop(str(self.people.get(number, {}).get("CardNum") or ""), None)
        self.people[number] = {name: value for name, value in row.items() if not name.startswith("Photo")}
        if card:
            self._cards[card] = number
        if photo:
            self._forget_face(number)
            self.faces[face_of(photo)] = number
        return None

    def let_go(self, number: int) -> bool:
        """This will forget a person, and say whether there was one."""
        self._forget_face(number)
        gone = self.people.pop(number, None)
        self._cards.pop(str((gone or {}).get("CardNum") or ""), None)
        return gone is not None

    def judge(self, shown: Mapping[str, Any], *, now: datetime, temperature: float | None) -> tuple[int, int]:
        """This will decide as the device does alone: the record type, and the person's number or 0."""
        way, number = self._recognise(shown)
        person = self.people.get(number)
        if person is None:
            return _UNKNOWN_BY.get(way, UNKNOWN), 0
        if person["ExpirationDate"] and now.timestamp() >= person["ExpirationDate"]:
            return EXPIRED, number
        if not self._within_hours(int(person["Timegroup"]), now):
            return OUTSIDE_HOURS, number
        if person.get("Holidays") == "*" and self._is_holiday(now):
            return ON_A_HOLIDAY, number
        if person["OpenTimes"] == 0:
            return USED_UP, number
        if temperature is not None and temperature > float(self.settings["TemperatureAlarmThreshold"]):
            return TOO_WARM, number
        if person["OpenTimes"] != UNLIMITED:
            person["OpenTimes"] -= 1
        return OPENED_BY[way], number

    def write(self, kind: int, shown: Mapping[str, Any], number: int, *, now: datetime, **rest: Any) -> dict[str, Any]:
        """This will write one record, to be sent."""
        record = {
            "RecordID": len(self.records) + 1,
            "RecordType": kind,
            "RecordDate": int(now.timestamp()),
            "UserID": str(number),
            "Name": self.people.get(number, {}).get("Name", ""),
            "IdentityCard": "",
            "CardNum": str(shown.get("card") or "0"),
            "QRCode": str(shown.get("qr") or ""),
            **rest,
        }
        self.records.append(record)
        self._unsent[record["RecordID"]] = None
        return record

    def log(self, log: int, kind: int, *, now: datetime) -> None:
        """This will write a line into the device's own log: 1 for the door, 2 for the system."""
        line = {"log": log, "RecordID": len(self.own_log) + 1, "RecordType": kind, "RecordDate": int(now.timestamp())}
        self.own_log.append(line)
        self._unsent_log.append(line)

    def unsent(self, *, shuffled: bool, twice: bool) -> list[dict[str, Any]]:
        """This will give the records that nobody has acknowledged, in whatever order and number is asked for."""
        waiting = [self.records[number - 1] for number in self._unsent]
        if shuffled:
            random.Random(len(waiting)).shuffle(waiting)
        return [record for record in waiting for _ in range(2 if twice else 1)]

    def sent(self, record: Mapping[str, Any]) -> None:
        """This will note that a record was acknowledged."""
        self._unsent.pop(int(record["RecordID"]), None)

    def send_all_again(self) -> None:
        """This will mark every record as not sent."""
        self._unsent = {int(record["RecordID"]): None for record in self.records}

    def take_log(self) -> list[dict[str, Any]]:
        """This will give the lines of the own log that were not sent."""
        waiting, self._unsent_log = self._unsent_log, []
        return waiting

    def keep_log(self, lines: Iterable[dict[str, Any]]) -> None:
        """This will take back lines that could not be sent."""
        self._unsent_log = [*lines, *self._unsent_log]

    def _forget_face(self, number: int) -> None:
        for mark in [mark for mark, whose in self.faces.items() if whose == number]:
            del self.faces[mark]

    def _look_at(self, photo: bytes, number: int) -> tuple[int, int] | None:
        if len(photo) > self.model.photo_bytes:
            return 3, 0
        if not photo.startswith(JPEG):
            return 30, 0
        whose = self.faces.get(face_of(photo), number)
        return None if whose == number else (20, whose)

    def _recognise(self, shown: Mapping[str, Any]) -> tuple[str, int]:
        if face := shown.get("face"):
            return "face", self.faces.get(face_of(face) if isinstance(face, bytes) else str(face), 0)
        for way, field in (("card", "CardNum"), ("qr", "QRCode"), ("pin", "Password")):
            if asked := str(shown.get(way) or ""):
                found = (number for number, person in self.people.items() if str(person.get(field) or "") == asked)
                whose = int(shown.get("number") or 0)
                # A PIN goes with one's own number, so that two people may have the same one.
                return way, next((number for number in found if way != "pin" or number == whose), 0)
        raise ValueError("show a card, a qr, a face, or a pin with a number")

    def _within_hours(self, group: int, now: datetime) -> bool:
        table: dict[str, Any] = next((table for table in self.settings["TimeGroups"] if table["Num"] == group), {})
        local = now + timedelta(hours=float(self.settings["TimeZone"]))
        clock = f"{local:%H:%M}"
        slots = str(table.get(f"Week{local.isoweekday()}") or "").split("/")
        return any(start <= clock <= end for start, _, end in (slot.partition("-") for slot in slots if slot))

    def _is_holiday(self, now: datetime) -> bool:
        today = (now + timedelta(hours=float(self.settings["TimeZone"]))).date().isoformat()
        return any(day.get("Date") == today for day in self.settings["Holidays"])

    def storage(self) -> dict[str, Any]:
        """This will count as the device does in its settings."""
        return {
            "Person": {"Max": self.model.people, "Current": len(self.people)},
            "Face": {"Max": self.model.people, "Current": len(self.faces)},
        }


def face_of(photo: bytes) -> str:
    """This will stand for the template of a face: whoever comes with the same picture is the same person."""
    return hashlib.sha256(photo).hexdigest()


def _factory_settings(sn: str) -> dict[str, Any]:
    always = {f"Week{day}": "00:00-23:59" for day in range(1, 8)}
    return {
        "DeviceSN": sn,
        "FirmwareVerson": "8.46",
        "FaceThreshold": 70,
        "FaceIR": 1,
        "FreeOpen": 0,
        "VisitorRootPassword": "",
        "MenuPassword": "0000",
        "SaveRecordPicture": 1,
        "AccessType": 0,
        "ReleaseTime": 3,
        "UseBodyTemperature": 0,
        "TemperatureAlarmThreshold": 37.3,
        "TimeZone": 8,
        "HTTPClient_KeepaliveTime": 30,
        "Holidays": [],
        "TimeGroups": [{"Num": number, **always} for number in range(1, 65)],
        "FunctionList": {"QRCode": True, "Face": True, "BodyTemperature": True, "TimeGroup": 64, "HTTPClient_V2": True},
    }
