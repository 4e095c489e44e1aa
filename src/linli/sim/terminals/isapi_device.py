"""What is inside the simulated ISAPI terminal: its list, its faces, its weekly tables, its clock and what it remembers."""

from __future__ import annotations

import hashlib
import io
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from PIL import Image, ImageStat, UnidentifiedImageError

from linli.sim.clock import Clock

OK = (200, 1, "OK", "ok")
BUSY = (503, 2, "Device Busy", "deviceBusy")
DEVICE_ERROR = (500, 3, "Device Error", "deviceError")
NOT_SUPPORTED = (403, 4, "Invalid Operation", "notSupport")
BAD_FORMAT = (400, 5, "Invalid Format", "badJsonFormat")
REBOOT = (200, 7, "Reboot Required", "rebootRequired")
SMALLEST_FACE = 80

Status = tuple[int, int, str, str]


def bad_content(sub: str) -> Status:
    """This will be the status of a message whose content will not do."""
    return (400, 6, "Invalid Content", sub)


class IsapiDevice:
    """One terminal with one door. What it may hold is set at the start; every fault is set while it runs."""

    def __init__(
        self,
        *,
        clock: Clock,
        zone_minutes: int = 480,
        people: int = 3000,
        page: int = 30,
        photo_bytes: int = 200 * 1024,
        templates: int = 16,
        deletion_s: float = 0.1,
        remembered: int = 150_000,
        serial_number: str = "SIM-ISAPI-1",
    ) -> None:
        """Start empty, with a clock that is right."""
        self.lock = threading.RLock()
        self.users: dict[str, dict[str, Any]] = {}
        self.cards: dict[str, str] = {}
        self.faces: dict[str, str] = {}
        self.used: dict[str, int] = {}
        self.weeks: dict[int, dict[str, Any]] = {}
        self.templates: dict[int, dict[str, Any]] = {}
        self.holidays: dict[int, dict[str, Any]] = {}
        self.holiday_groups: dict[int, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.commands: list[str] = []
        self.ahead = timedelta()
        self.held = False
        self.threshold = 87
        self.broken_people: set[str] = set()
        self.happened: Callable[[dict[str, Any]], None] = lambda event: None
        self.people, self.page, self.photo_bytes, self.template_count = people, page, photo_bytes, templates
        self.serial_number, self.remembered, self.deletion_s = serial_number, remembered, deletion_s
        self._clock, self._zone = clock, timezone(timedelta(minutes=zone_minutes))
        self._serial = 0
        self._leaving: list[tuple[float, list[str]]] = []

    # --- what the estate may ask

    def set_user(self, given: object) -> Status:
        """This will add a person, or change one."""
        if not isinstance(given, dict) or not 1 <= len(str(given.get("employeeNo", ""))) <= 32:
            return bad_content("badParameters")
        number = str(given["employeeNo"])
        valid, password = given.get("Valid"), str(given.get("password", ""))
        if number in self.broken_people:
            return DEVICE_ERROR
        if len(str(given.get("name", ""))) > 32 or not isinstance(valid, dict) or not self._period(valid):
            return bad_content("badParameters")
        if password and not (password.isdecimal() and 4 <= len(password) <= 8):
            return bad_content("passwordError")
        for plan in given.get("RightPlan", []):
            template = int(plan.get("planTemplateNo", 0))
            if template != 1 and not self.templates.get(template, {}).get("enable"):
                return bad_content("planTemplateNotExist")
        self._forget_leaving()
        if number not in self.users and len(self.users) >= self.people:
            return bad_content("deviceUserFull")
        self.users[number] = {**self.users.get(number, {}), **given}
        return OK

    def delete_users(self, given: object) -> Status:
        """This will begin to delete persons, with all that is theirs; it takes a while."""
        if not isinstance(given, dict) or given.get("mode") not in ("all", "byEmployeeNo"):
            return bad_content("badParameters")
        listed = [str(row.get("employeeNo")) for row in given.get("EmployeeNoList", [])]
        if any(due > time.monotonic() for due, _ in self._leaving):
            return BUSY
        numbers = list(self.users) if given["mode"] == "all" else listed
        if not any(number in self.users for number in numbers):
            return bad_content("employeeNoNotExist")
        self._leaving.append((time.monotonic() + self.deletion_s, numbers))
        return OK

    def deletion(self) -> str:
        """This will say how far the deletion is."""
        self._forget_leaving()
        return "processing" if self._leaving else "success"

    def search_users(self, condition: dict[str, Any]) -> dict[str, Any]:
        """This will give a page of persons."""
        self._forget_leaving()
        wanted = {str(row.get("employeeNo")) for row in condition.get("EmployeeNoList", [])}
        users = self.users if not wanted else {one: self.users[one] for one in self.users.keys() & wanted}
        told = self._page(list(users.values()), condition, name="UserInfo")
        owners = Counter(self.cards.values())
        told["UserInfo"] = [self._row(user, owners) for user in told.get("UserInfo", [])]
        return told

    def set_card(self, given: object) -> Status:
        """This will give somebody a card."""
        if not isinstance(given, dict) or str(given.get("employeeNo")) not in self.users:
            return bad_content("employeeNoNotExist")
        card, number = str(given.get("cardNo", "")), str(given["employeeNo"])
        if not 1 <= len(card) <= 32:
            return bad_content("badParameters")
        if self.cards.get(card, number) != number:
            return bad_content("cardNoAlreadyExist")
        self.cards[card] = number
        return OK

    def delete_cards(self, given: object) -> Status:
        """This will take cards away, by their numbers or their holders'."""
        if not isinstance(given, dict):
            return bad_content("badParameters")
        cards = {str(row.get("cardNo")) for row in given.get("CardNoList", [])}
        people = {str(row.get("employeeNo")) for row in given.get("EmployeeNoList", [])}
        self.cards = {card: who for card, who in self.cards.items() if card not in cards and who not in people}
        return OK

    def search_cards(self, condition: dict[str, Any]) -> dict[str, Any]:
        """This will give a page of cards."""
        wanted = {str(row.get("employeeNo")) for row in condition.get("EmployeeNoList", [])}
        rows = [
            {"employeeNo": who, "cardNo": card, "cardType": "normalCard"}
            for card, who in self.cards.items()
            if not wanted or who in wanted
        ]
        return self._page(rows, condition, name="CardInfo")

    def set_face(self, record: object, picture: bytes) -> Status:
        """This will take somebody's face in, if the picture shows one well enough for a machine this simple."""
        if not isinstance(record, dict) or str(record.get("FPID")) not in self.users:
            return bad_content("employeeNoNotExist")
        if record.get("faceLibType") != "blackFD" or record.get("FDID") != "1":
            return bad_content("badParameters")
        if len(picture) > self.photo_bytes:
            return bad_content("picSizeTooLarge")
        if not _shows_something(picture):
            return bad_content("SubpicAnalysisModelingError")
        number, face = str(record["FPID"]), hashlib.sha256(picture).hexdigest()
        if any(other == face and who != number for who, other in self.faces.items()):
            return bad_content("faceDataAlreadyExist")
        self.faces[number] = face
        return OK

    def search_events(self, condition: dict[str, Any]) -> dict[str, Any]:
        """This will give a page of what the device remembers, oldest first."""
        first = int(condition.get("beginSerialNo", 0))
        last = int(condition.get("endSerialNo", 2**31))
        start, end = self._instant(condition.get("startTime")), self._instant(condition.get("endTime"))
        major, minor = int(condition.get("major", 0)), int(condition.get("minor", 0))
        rows = [
            event
            for event in self.events
            if first <= event["serialNo"] <= last
            and (start is None or self._instant(event["time"]) >= start)  # type: ignore[operator]
            and (end is None or self._instant(event["time"]) <= end)  # type: ignore[operator]
            and major in (0, event["major"])
            and minor in (0, event["minor"])
        ]
        return self._page(rows, condition, name="InfoList")

    def control_door(self, command: str, *, user: str, address: str) -> Status:
        """This will move the door as somebody with the password wants."""
        known = {"open": 1024, "close": 1025, "alwaysOpen": 1026, "alwaysClose": 1027}
        if command not in known:
            return bad_content("badParameters")
        self.commands.append(command)
        self.held = command == "alwaysOpen"
        self.happen(3, known[command], netUser=user, remoteHostAddr=address)
        return OK

    # --- time

    def now(self) -> datetime:
        """What the device's own clock says."""
        return (self._clock() + self.ahead).astimezone(self._zone)

    def set_clock(self, text: str) -> Status:
        """This will set it."""
        told = self._instant(text)
        if told is None:
            return bad_content("badParameters")
        self.ahead = told - self._clock()
        self.happen(3, 1028)
        return OK

    # --- what people do at the door

    def show_card(self, card: str, *, reader: int = 1) -> bool:
        """This will hold a card to a reader; say whether the door opened."""
        self._forget_leaving()
        return self._judge(self.cards.get(card), passed=1, unknown=9, reader=reader, cardNo=card)

    def enter_pin(self, pin: str, *, reader: int = 1) -> bool:
        """This will type a PIN."""
        self._forget_leaving()
        who = next((number for number, user in self.users.items() if user.get("password") == pin), None)
        return self._judge(who, passed=181, unknown=151, reader=reader)

    def show_face(self, number: str, *, reader: int = 1, temperature: float | None = None) -> bool:
        """This will look into the camera, as the person of that number."""
        self._forget_leaving()
        who = number if number in self.faces else None
        words = {} if temperature is None else {"currTemperature": temperature, "isAbnomalTemperature": False}
        if temperature is not None and temperature >= 37.3:
            words["isAbnomalTemperature"] = True
            self.happen(5, 76, cardReaderNo=reader, employeeNoString=number, **words)
            return False
        return self._judge(who, passed=75, unknown=76, reader=reader, **words)

    def wipe(self) -> None:
        """This will forget everything, as when somebody pressed the reset button; events are counted from one again."""
        with self.lock:
            for kept in (self.users, self.cards, self.faces, self.used, self.weeks, self.templates):
                kept.clear()
            self.events.clear()
            self._serial = 0

    def happen(self, major: int, minor: int, **words: Any) -> None:
        """This will remember an event, and say that it happened."""
        with self.lock:
            self._serial += 1
            event = {
                "major": major,
                "minor": minor,
                "time": self.now().isoformat(timespec="seconds"),
                "serialNo": self._serial,
                "doorNo": 1,
                **words,
            }
            self.events.append(event)
            del self.events[: -self.remembered]
        self.happened(event)

    def _judge(self, who: str | None, *, passed: int, unknown: int, reader: int, **words: Any) -> bool:
        told = {"cardReaderNo": reader, **words}
        if who is None:
            self.happen(5, unknown, **told)
            return False
        user = self.users[who]
        told = {**told, "employeeNoString": who, "name": user.get("name", "")}
        refused = self._refusal(who, user)
        if refused:
            self.happen(5, refused, **told)
            return False
        self.used[who] = self.used.get(who, 0) + 1
        self.happen(5, passed, **told)
        return True

    def _refusal(self, who: str, user: dict[str, Any]) -> int:
        begin, end = self._period(user["Valid"]) or (self.now(), self.now())
        if user["Valid"].get("enable") and not begin <= self.now() < end:
            return 8
        plans = [int(plan["planTemplateNo"]) for plan in user.get("RightPlan", []) if plan.get("doorNo") == 1]
        if not plans:
            return 6
        if not any(number == 1 or self._in_hours(number) for number in plans):
            return 7
        most = user.get("maxOpenDoorTime", 0) if user.get("userType") == "visitor" else 0
        return 6 if most and self.used.get(who, 0) >= most else 0

    def _in_hours(self, number: int) -> bool:
        template, now = self.templates.get(number, {}), self.now()
        week = self.weeks.get(template.get("weekPlanNo", 0), {})
        minute = f"{now:%H:%M:%S}"
        group = str(template.get("holidayGroupNo", ""))
        if group:
            listed = str(self.holiday_groups.get(int(group), {}).get("holidayPlanNo", ""))
            for plan in filter(None, listed.split(",")):
                day = self.holidays.get(int(plan), {})
                if day.get("enable") and day["beginDate"] <= now.date().isoformat() <= day["endDate"]:
                    return False
        return any(
            row["enable"]
            and row["week"] == f"{now:%A}"
            and row["TimeSegment"]["beginTime"] <= minute < row["TimeSegment"]["endTime"]
            for row in week.get("WeekPlanCfg", [])
        )

    def _forget_leaving(self) -> None:
        with self.lock:
            due = [numbers for at, numbers in self._leaving if at <= time.monotonic()]
            self._leaving = [(at, numbers) for at, numbers in self._leaving if at > time.monotonic()]
            gone = {number for numbers in due for number in numbers}
            for number in gone:
                self.users.pop(number, None)
                self.faces.pop(number, None)
                self.used.pop(number, None)
            if gone:
                self.cards = {card: who for card, who in self.cards.items() if who not in gone}

    def _row(self, user: dict[str, Any], owners: Counter[str]) -> dict[str, Any]:
        number = str(user["employeeNo"])
        shown = {name: value for name, value in user.items() if name != "password"}
        return {**shown, "numOfCard": owners[number], "numOfFace": int(number in self.faces)}

    def _page(self, rows: list[dict[str, Any]], condition: dict[str, Any], *, name: str) -> dict[str, Any]:
        position = int(condition.get("searchResultPosition", 0))
        most = min(int(condition.get("maxResults", 1)), self.page)
        page = rows[position : position + most]
        more = position + len(page) < len(rows)
        told = {
            "searchID": condition.get("searchID", ""),
            "responseStatusStrg": "MORE" if more else ("OK" if page else "NO MATCH"),
            "numOfMatches": len(page),
            "totalMatches": len(rows),
        }
        return {**told, name: page} if page else told

    def _period(self, valid: dict[str, Any]) -> tuple[datetime, datetime] | None:
        begin, end = self._instant(valid.get("beginTime")), self._instant(valid.get("endTime"))
        if begin is None or end is None or begin >= end or end.year > 2037:
            return None
        return begin, end

    def _instant(self, text: object) -> datetime | None:
        try:
            at = datetime.fromisoformat(str(text))
        except ValueError:
            return None
        return (at if at.tzinfo else at.replace(tzinfo=self._zone)).astimezone(UTC)


def _shows_something(picture: bytes) -> bool:
    """Say whether there is a picture with light and shade in it: a sheet of paper is no face."""
    try:
        with Image.open(io.BytesIO(picture), formats=["JPEG"]) as image:
            grey = image.convert("L")
    except (UnidentifiedImageError, OSError, ValueError):
        return False
    return min(grey.size) >= SMALLEST_FACE and ImageStat.Stat(grey).stddev[0] > 5
