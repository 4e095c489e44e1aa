"""The persons an ISAPI device knows: written, taken off with proof, and read back.

What the device holds of a person it gives back, except the PIN and the face. So this remembers, while it runs, what it
wrote, and compares; after a restart it can say who is there, and not whether somebody changed them at the device.
"""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from linli.edge.drivers.bounded import DeviceAway
from linli.edge.drivers.isapi import forms
from linli.edge.drivers.isapi.forms import NotToBeHad
from linli.edge.drivers.isapi.wire import IsapiClient, Refused
from linli.edge.terminals import Limits, Person, Trouble

ACCESS = "/ISAPI/AccessControl"
FACES = "/ISAPI/Intelligent/FDLib"
MOST_ROWS = 200_000
MOST_LEAVING = 50  # in one deletion
DELETION_S = 60.0
MOST_HOLIDAYS = 32
_POLLS_S = (0.05, 0.1, 0.2, 0.5)  # the last again and again
_TEMPLATES = 16  # where the device does not say
_PHOTO_BYTES = 200 * 1024
_HOLIDAY_GROUP = 1
_FULL = ("full", "limit", "exceed", "maxnum", "nospace")
_UNSUPPORTED = ("notsupport", "invalidoperation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The device's own list: our numbers with their checksums, and how many persons on it are not ours."""

    people: Mapping[int, str]
    foreign: int


class People:
    """The list of one device, used by one thread."""

    def __init__(
        self,
        *,
        client: IsapiClient,
        door: int,
        zone_minutes: int,
        holidays: Callable[[], Collection[date]] | None,
        rest: Callable[[float], None],
    ) -> None:
        self.limits = Limits(photo_bytes=_PHOTO_BYTES)
        self._client, self._door, self._zone, self._rest = client, door, zone_minutes, rest
        self._holidays = holidays
        self._kept_holidays: tuple[date, ...] | None = None
        self._templates = _TEMPLATES
        self._numbers: dict[str, int] = {}
        self._written: dict[int, tuple[str, str]] = {}

    def learn(self) -> Limits:
        """Ask what the device can hold and take. Raises DeviceAway."""
        users = _section(self._client.get(f"{ACCESS}/UserInfo/capabilities"), "UserInfo")
        search = _section(users, "UserInfoSearchCond")
        ways = {"CARD", "PIN"}
        photo = _PHOTO_BYTES
        try:
            library = _section(self._client.get(f"{FACES}/capabilities"), "FDLib")
            photo = _whole(library.get("maxFaceDataSize"), otherwise=_PHOTO_BYTES)
            ways.add("FACE")
        except Refused:
            photo = 0
        try:
            plans = _section(self._client.get(f"{ACCESS}/UserRightPlanTemplate/capabilities"), "UserRightPlanTemplate")
            self._templates = _whole(_section(plans, "templateNo").get("@max"), otherwise=_TEMPLATES)
        except Refused:
            self._templates = forms.ALWAYS
        self.limits = Limits(
            people=_whole(users.get("maxRecordNum"), otherwise=0),
            page=max(1, _whole(_section(search, "maxResults").get("@max"), otherwise=30)),
            photo_bytes=photo,
            ways=frozenset(ways),
        )
        # A device that was away may have been wiped or changed: tables are looked for again.
        self._numbers.clear()
        self._kept_holidays = None
        return self.limits

    def bring(self, person: Person) -> None:
        """Have a person on the device as told. Raises DeviceAway, or NotToBeHad, when no wider right is left there."""
        try:
            forms.check_person(person)
            template = self._template_for(person)
            form = forms.user_form(person, door=self._door, template=template, zone_minutes=self._zone)
            self._put("UserInfo/SetUp", form, _of_person)
        except NotToBeHad:
            # An older version of this person may stand there with more than they may now.
            self.remove([person.number])
            raise
        self._set_cards(person)
        if person.photo:
            self._set_face(person)
        digest = forms.row_digest(form["UserInfo"], cards=1 if person.card else 0)
        self._written[person.number] = (person.checksum, digest)

    def remove(self, numbers: Collection[int]) -> None:
        """Take persons off the device and make sure that they are. Raises DeviceAway. Faces and cards go with them."""
        if not numbers:
            return
        listed = [{"employeeNo": str(number)} for number in numbers]
        try:
            self._client.put(
                f"{ACCESS}/UserInfoDetail/Delete",
                {"UserInfoDetail": {"mode": "byEmployeeNo", "EmployeeNoList": listed}},
            )
            self._wait_for_deletion()
        except Refused as refusal:
            # Somebody who is not there is as gone as somebody who left; the search below has the last word.
            if not _says(refusal, ("notexist", "notfound", "nouser")):
                raise DeviceAway(f"the device does not delete: {refusal}") from None
        left = {number for row in self._search(listed) for number in _numbers(row)}
        if left & set(numbers):
            raise DeviceAway("the device still knows somebody it has deleted")
        for number in numbers:
            self._written.pop(number, None)

    def listing(self) -> Listing:
        """Read the device's own list, all of it. Raises DeviceAway."""
        people: dict[int, str] = {}
        foreign = 0
        for row in self._search(None):
            found = _numbers(row)
            if not found:
                foreign += 1
                continue
            checksum, digest = self._written.get(found[0], ("", ""))
            cards = _whole(row.get("numOfCard"), otherwise=-1)
            same = digest in ("", forms.row_digest(row, cards=cards if cards >= 0 else 0))
            people[found[0]] = checksum if same else "changed at the device"
        return Listing(people=people, foreign=foreign)

    def keep_holidays(self) -> None:
        """Tell the device which days are holidays, when that has changed and somebody's hours depend on it."""
        if self._holidays is None or self._kept_holidays is None:
            return
        self._write_holidays()

    def _template_for(self, person: Person) -> int:
        if not person.hours:
            return forms.ALWAYS
        if not person.holidays:
            if self._holidays is None:
                raise NotToBeHad(Trouble.NOT_OFFERED, "this device is not told the holidays")
            self._write_holidays()
        name = forms.hours_name(person.hours, holidays=person.holidays)
        if name not in self._numbers:
            self._numbers[name] = self._write_hours(person, name)
        return self._numbers[name]

    def _write_hours(self, person: Person, name: str) -> int:
        """Find this table's number on the device, or a free one, and write the table there."""
        room = self._templates - forms.ALWAYS
        first = int(name[-8:], 16)
        for step in range(max(room, 0)):
            number = forms.ALWAYS + 1 + (first + step) % room
            there = self._template(number)
            # Never somebody else's: persons who keep that table's hours would keep ours from now on.
            if there.get("templateName") != name and there.get("enable") is not False:
                continue
            group = "" if person.holidays else str(_HOLIDAY_GROUP)
            template = forms.template_form(name=name, number=number, holiday_group=group)
            week = forms.week_form(person.hours)
            self._put(f"UserRightWeekPlanCfg/{number}", week, _of_person)
            self._put(f"UserRightPlanTemplate/{number}", template, _of_person)
            return number
        if room < 1:
            raise NotToBeHad(Trouble.NOT_OFFERED, "this device keeps no weekly hours")
        raise NotToBeHad(Trouble.FULL, f"all {room} weekly tables of the device are in use")

    def _write_holidays(self) -> None:
        days = tuple(sorted(self._holidays() if self._holidays else ()))[-MOST_HOLIDAYS:]
        if days == self._kept_holidays:
            return
        numbers = range(1, len(days) + 1)
        for number, day in zip(numbers, days, strict=True):
            form = forms.holiday_form(day)
            self._put(f"UserRightHolidayPlanCfg/{number}", form, _of_person)
        group = forms.holiday_group_form(numbers)
        self._put(f"UserRightHolidayGroupCfg/{_HOLIDAY_GROUP}", group, _of_person)
        self._kept_holidays = days

    def _set_cards(self, person: Person) -> None:
        number = str(person.number)
        there = self._cards(number)
        wanted = {person.card} if person.card else set()
        # The new card first: between two requests nobody stands before a shut door.
        if wanted - there:
            card = {"CardInfo": {"employeeNo": number, "cardNo": person.card, "cardType": "normalCard"}}
            self._put("CardInfo/SetUp", card, _of_card)
        if there - wanted:
            gone = {"CardInfoDelCond": {"CardNoList": [{"cardNo": card_no} for card_no in sorted(there - wanted)]}}
            self._put("CardInfo/Delete", gone, _of_card)

    def _cards(self, number: str) -> set[str]:
        condition = {
            "searchID": uuid.uuid4().hex,
            "searchResultPosition": 0,
            "maxResults": self.limits.page,
            "EmployeeNoList": [{"employeeNo": number}],
        }
        try:
            told = self._client.post(f"{ACCESS}/CardInfo/Search", {"CardInfoSearchCond": condition})
        except Refused:
            return set()
        rows = _section(told, "CardInfoSearch").get("CardInfo", [])
        return {str(row.get("cardNo", "")) for row in _rows(rows) if str(row.get("employeeNo")) == number}

    def _set_face(self, person: Person) -> None:
        if "FACE" not in self.limits.ways:
            raise NotToBeHad(Trouble.NOT_OFFERED, "this device knows no faces")
        if len(person.photo) > self.limits.photo_bytes:
            raise NotToBeHad(Trouble.PHOTO_TOO_BIG, f"a photo has at most {self.limits.photo_bytes} bytes")
        # The maker calls the library of those who may enter by this name; there is no list of the unwanted here.
        words = {"faceLibType": "blackFD", "FDID": "1", "FPID": str(person.number)}
        try:
            self._client.put_picture(f"{FACES}/FDSetUp", words, person.photo)
        except Refused as refusal:
            raise NotToBeHad(_of_face(refusal), str(refusal)) from None

    def _wait_for_deletion(self) -> None:
        until = time.monotonic() + DELETION_S
        for turn in itertools.count():
            told = self._client.get(f"{ACCESS}/UserInfoDetail/DeleteProcess")
            status = _section(told, "UserInfoDetailDeleteProcess").get("status")
            if status == "success":
                return
            if status == "failed":
                raise DeviceAway("the device could not delete")
            if time.monotonic() > until:
                raise DeviceAway("the device does not come to the end of a deletion")
            self._rest(_POLLS_S[min(turn, len(_POLLS_S) - 1)])

    def _search(self, listed: list[dict[str, str]] | None) -> Iterator[dict[str, Any]]:
        """Read rows page by page: all of them, or those of the numbers listed."""
        condition: dict[str, Any] = {"searchID": uuid.uuid4().hex, "maxResults": self.limits.page}
        if listed is not None:
            condition["EmployeeNoList"] = listed
        position = 0
        while position < MOST_ROWS:
            asked = {"UserInfoSearchCond": {**condition, "searchResultPosition": position}}
            try:
                told = _section(self._client.post(f"{ACCESS}/UserInfo/Search", asked), "UserInfoSearch")
            except Refused as refusal:
                # Not to be taken for an empty list.
                raise DeviceAway(f"the device does not give its list: {refusal}") from None
            rows = _rows(told.get("UserInfo", []))
            yield from rows
            position += len(rows)
            if told.get("responseStatusStrg") != "MORE":
                return
            if not rows:
                break
        raise DeviceAway("the device's list does not end")

    def _put(self, what: str, form: dict[str, Any], trouble: Callable[[Refused], Trouble]) -> None:
        try:
            self._client.put(f"{ACCESS}/{what}", form)
        except Refused as refusal:
            raise NotToBeHad(trouble(refusal), str(refusal)) from None

    def _template(self, number: int) -> dict[str, Any]:
        try:
            return _section(self._client.get(f"{ACCESS}/UserRightPlanTemplate/{number}"), "UserRightPlanTemplate")
        except Refused:
            # One that cannot be read cannot be seen to be free.
            return {}


def _of_person(refusal: Refused) -> Trouble:
    return Trouble.FULL if _says(refusal, _FULL) else Trouble.REFUSED


def _of_card(refusal: Refused) -> Trouble:
    return Trouble.CARD_TAKEN if _says(refusal, ("exist", "duplicate")) else _of_person(refusal)


def _of_face(refusal: Refused) -> Trouble:
    if _says(refusal, ("exist", "duplicate", "similar")):
        return Trouble.FACE_TAKEN
    if _says(refusal, ("toolarge", "size", "toobig")):
        return Trouble.PHOTO_TOO_BIG
    if _says(refusal, _UNSUPPORTED):
        return Trouble.NOT_OFFERED
    return Trouble.FULL if _says(refusal, _FULL) else Trouble.PHOTO_UNUSABLE


def _says(refusal: Refused, words: tuple[str, ...]) -> bool:
    return any(word in refusal.sub.lower() for word in words)


def _section(told: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = told.get(name)
    return section if isinstance(section, dict) else {}


def _rows(rows: object) -> list[dict[str, Any]]:
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _numbers(row: Mapping[str, Any]) -> list[int]:
    text = str(row.get("employeeNo", ""))
    # Written as we write them: "007" was enrolled by somebody else.
    return [int(text)] if text.isascii() and text.isdecimal() and len(text) <= 10 and str(int(text)) == text else []


def _whole(value: object, *, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else otherwise
