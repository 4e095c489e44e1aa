"""A device of the "HTTPv2" document: it calls a server, fetches persons, lets people pass and reports them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from linli.sim.clock import Clock, clock_from_environment
from linli.sim.terminals.httpv2_memory import JPEG, OPENED_BY, Memory, Model

_TIMEOUT_S = 2.0
_TRIES = 3
_QUIET = (400, 401, 403)
_PICTURE = JPEG + bytes(2_000)


class _Unheard(Exception):
    """The server did not answer, or does not want to hear this device now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swipe:
    """What the device did with what it was shown."""

    opened: bool
    kind: int
    number: int
    message: str = ""


class HttpV2Device:
    """One device. `online`: it asks the server about what is not in its own list. Safe to call from many threads."""

    def __init__(
        self,
        *,
        server: str,
        sn: str,
        token: str = "",
        model: Model | None = None,
        period_s: float = 0.05,
        online: bool = False,
        clock: Clock | None = None,
    ) -> None:
        """Take where to call, and as whom."""
        self.sn = sn
        self.memory = Memory(model=model or Model(), sn=sn)
        self.online = online
        self.opened = 0
        self.kept_open = False
        self.alarms: set[str] = set()
        self.twice = self.shuffled = False
        # Habits of some firmware, to be switched on: it names only whom it knew among the deleted, or counts badly.
        self.names_unknown, self.miscounts = False, False
        self.heard: list[str] = []
        self._period_s = period_s
        self._clock = clock or clock_from_environment()
        self._offset = timedelta()
        self._up, self._told_settings = True, False
        self._address = f"/{token}" if token else ""
        self._client = httpx.Client(base_url=server, timeout=_TIMEOUT_S, trust_env=False)
        self._line, self._lock = threading.Lock(), threading.RLock()
        self._stopping, self._stirred = threading.Event(), threading.Event()
        self._beat_at = 0.0
        self._booted_at = int(self._clock().timestamp())
        self._thread = threading.Thread(target=self._live, name=f"device {sn}", daemon=True)

    # What a person, a cable or a screwdriver does.

    def start(self) -> None:
        """This will switch it on."""
        self._thread.start()

    def stop(self) -> None:
        """This will switch it off; what it knows is kept."""
        self._stopping.set()
        self._stirred.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self._client.close()

    def swipe(self, *, entry: bool = True, temperature: float | None = None, **shown: Any) -> Swipe:
        """This will show it a card, a qr, a face (JPEG), or a pin with a number; raises ValueError for nothing."""
        with self._lock:
            now = self.now()
            kind, number = self.memory.judge(shown, now=now, temperature=temperature)
        rest = {"IsEntry": int(entry), "BodyTemp": round((temperature or 0) * 10)}
        opened, message = kind in OPENED_BY.values(), ""
        if not opened and number == 0 and self.online:
            asked = next(OPENED_BY[way] for way in OPENED_BY if shown.get(way))
            opened, message = self._authorise(asked, shown, rest)
            kind = asked if opened else kind
        with self._lock:
            photo = len(_PICTURE) if shown.get("face") and self.memory.settings["SaveRecordPicture"] else 0
            self.memory.write(kind, shown, number, now=now, PhotoLen=photo, **rest)
            self.opened += opened
        self._stirred.set()
        return Swipe(opened=opened, kind=kind, number=number, message=message)

    def network(self, *, up: bool) -> None:
        """This will pull its cable, or put it back."""
        self._up = up
        self._stirred.set()

    def set_clock(self, *, offset_s: float) -> None:
        """This will set its clock so far ahead of the true time."""
        self._offset = timedelta(seconds=offset_s)

    def alarm(self, *, name: str, on: bool) -> None:
        """This will begin or end an alarm by the document's name; with fire the door opens by itself."""
        with self._lock:
            (self.alarms.add if on else self.alarms.discard)(name)
            if name == "fire" and on:
                self.kept_open = True
        self._stirred.set()

    def send_records(self, *, twice: bool, shuffled: bool) -> None:
        """This will from now on send its records twice, or in no order."""
        self.twice, self.shuffled = twice, shuffled

    def button(self) -> None:
        """This will press the exit button inside."""
        with self._lock:
            self.opened += 1
            self.memory.log(1, 6, now=self.now())
        self._stirred.set()

    def reboot(self) -> None:
        """This will switch it off and on: persons and records stay, whatever it was in the middle of is lost."""
        with self._lock:
            self.kept_open, self._told_settings = False, False
            self._booted_at += 1
            self.memory.log(2, 28, now=self.now())
        self._stirred.set()

    def change_settings(self, changes: Mapping[str, Any]) -> None:
        """This will change settings at its menu; like a real one, it then tells them."""
        with self._lock:
            self.memory.settings.update(changes)
            self._told_settings = False
        self._stirred.set()

    def now(self) -> datetime:
        """This will tell the time by its own clock."""
        return self._clock() + self._offset

    # What it does by itself.

    def _live(self) -> None:
        while not self._stopping.is_set():
            self._stirred.clear()
            try:
                self._beat()
                self._send_records()
            except _Unheard:
                pass
            self._stirred.wait(self._period_s)

    def _beat(self) -> None:
        flags = self._call_in()
        if not self._told_settings or flags.get("UploadWorkParameter"):
            self._tell_settings()
        if flags.get("Remote"):
            self._obey(self._ask("/Device/RemoteCommand", {"SN": self.sn}))
        if flags.get("SyncParameter"):
            self._take_settings(self._ask("/Device/DownloadWorkSetting", {"SN": self.sn}))
        if flags.get("DeletePeople"):
            self._delete_people()
        if flags.get("AddPeople"):
            self._fetch_people()

    def _call_in(self) -> dict[str, Any]:
        with self._lock:
            state = {"KeepOpenStatus": int(self.kept_open), "AlarmStatus": ",".join(sorted(self.alarms))}
        self._beat_at = time.monotonic()
        return self._ask("/Device/Keepalive", {"SN": self.sn, "RelayStatus": 0, "DoorSensorStatus": 0, **state})

    def _tell_settings(self) -> None:
        with self._lock:
            told = {**self.memory.settings, "SystemTime": int(self.now().timestamp())}
            told |= {"PeopleStorageInfo": self.memory.storage(), "BootTime": self._booted_at}
            self._told_settings = True
        self._ask("/Device/UploadWorkSetting", told)

    def _take_settings(self, given: Mapping[str, Any]) -> None:
        with self._lock:
            if (instant := given.get("SystemTime")) is not None:
                self._offset = timedelta(seconds=instant - self._clock().timestamp())
            known = self.memory.settings
            known.update({name: value for name, value in given.items() if name in known and name != "SystemTime"})

    def _obey(self, command: Mapping[str, Any]) -> None:
        with self._lock:
            match command.get("Opendoor", 0):
                case 1:
                    self.opened += 1
                    self.memory.log(2, 1, now=self.now())
                case 2 | 3 as word:
                    self.kept_open = word == 2
            if command.get("Closealarm"):
                self.alarms.clear()
            if command.get("RepostRecord"):
                self.memory.send_all_again()
            everybody = [*self.memory.people] if command.get("PushAllPeople") else []
        for number in [*everybody, *command.get("QueryPeople", [])]:
            self._push_person(int(number))

    def _push_person(self, number: int) -> None:
        with self._lock:
            person = self.memory.people.get(number)
        form = {"SN": self.sn, "PushType": "4", "UserID": str(number)}
        if person is not None:
            form["Detail"] = json.dumps(person, ensure_ascii=False)
        self._post("/People/PushPeople", files={name: (None, text) for name, text in form.items()})

    def _fetch_people(self) -> None:
        while True:
            page = self._ask("/People/DownloadPeopleList", {"SN": self.sn, "Limit": self.memory.model.page})
            if page.get("Success") != 1 or not page.get("PeopleList"):
                return
            failures = []
            with self._lock:
                for row in page["PeopleList"]:
                    if problem := self.memory.take_in(row):
                        failures.append({"UserID": row["UserID"], "ErrorCode": problem[0], "RepeatID": str(problem[1])})
            good = 0 if self.miscounts else len(page["PeopleList"]) - len(failures)
            result = {"SuccessCount": good, "FailCount": len(failures), "FailList": failures}
            self._ask("/People/DownloadPeopleListResult", {"SN": self.sn, **result})
            self._beat_between()

    def _delete_people(self) -> None:
        while True:
            page = self._ask("/People/DeletePeopleList", {"SN": self.sn})
            if page.get("Success") != 1 or not page.get("DeleteList"):
                return
            with self._lock:
                numbers = [int(number) for number in page["DeleteList"]]
                gone = [number for number in numbers if self.memory.let_go(number) or self.names_unknown]
            result = {"DeleteCount": len(gone), "DeleteAll": 0, "DeleteList": gone}
            self._ask("/People/DeletePeopleListResult", {"SN": self.sn, **result})
            self._beat_between()

    def _beat_between(self) -> None:
        # Also in the middle of long work the server hears of it in time; what it wants besides has to wait.
        if time.monotonic() - self._beat_at >= max(self._period_s, 1.0):
            self._call_in()

    def _send_records(self) -> None:
        with self._lock:
            waiting = self.memory.unsent(shuffled=self.shuffled, twice=self.twice)
            lines = self.memory.take_log()
        try:
            for log in {line["log"] for line in lines}:
                of_it = [{k: v for k, v in line.items() if k != "log"} for line in lines if line["log"] == log]
                self._ask("/Record/UploadSystemRecord", {"SN": self.sn, "RecordType": log, "Records": of_it})
        except _Unheard:
            with self._lock:
                self.memory.keep_log(lines)
            raise
        for record in waiting:
            self._post("/Record/UploadIdentifyRecord", files=_form(self.sn, record))
            with self._lock:
                self.memory.sent(record)
            self._beat_between()

    def _authorise(self, kind: int, shown: Mapping[str, Any], rest: Mapping[str, Any]) -> tuple[bool, str]:
        instant = self.now().timestamp()
        ask = {"RecordID": int(instant * 1000), "RecordType": kind, "RecordDate": int(instant), "UserID": "0", **rest}
        ask |= {"CardNum": str(shown.get("card") or "0"), "QRCode": str(shown.get("qr") or ""), "PhotoLen": 0}
        try:
            answer = self._post("/Device/RequestAuthorization", files=_form(self.sn, ask), wanted=(0, 1, 2))
        except _Unheard:
            return False, ""
        return answer["Success"] in (1, 2), str(answer.get("Message", ""))

    def _ask(self, path: str, words: Mapping[str, Any]) -> dict[str, Any]:
        return self._post(path, json=words)

    def _post(self, path: str, *, wanted: tuple[int, ...] = (1,), **body: Any) -> dict[str, Any]:
        """This will ask up to three times; raises _Unheard, after which it keeps quiet until the next heartbeat."""
        for _ in range(_TRIES):
            if not self._up or self._stopping.is_set():
                raise _Unheard
            try:
                with self._line:
                    answer = self._client.post(f"{self._address}{path}", **body)
                    self.heard.append(f"{path} {answer.status_code}")
                words = answer.json() if answer.status_code == 200 else {"Success": answer.status_code}
            except (httpx.HTTPError, ValueError):
                continue
            if words.get("Success") in wanted:
                return dict(words)
            self.heard[-1] = f"{path} {words.get('Success')}"
            raise _Unheard
        raise _Unheard


def _form(sn: str, record: Mapping[str, Any]) -> dict[str, Any]:
    form: dict[str, Any] = {"SN": (None, sn), "RecordDetail": (None, json.dumps(record, ensure_ascii=False))}
    if record.get("PhotoLen"):
        form["Photo"] = ("photo.jpg", _PICTURE, "image/jpeg")
    return form
