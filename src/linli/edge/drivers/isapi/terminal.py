"""A Hikvision terminal by ISAPI: we ask it, over HTTP digest, and it posts what happens to a listener of ours.

Tried against our simulator only. The device strikes for its own time, so an opening's seconds are the device's to keep.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from linli.edge.doors import DoorFailed, Health
from linli.edge.drivers.bounded import DeviceAway, DeviceBusy
from linli.edge.drivers.isapi import events, forms
from linli.edge.drivers.isapi.address import IsapiAddress
from linli.edge.drivers.isapi.events import Event, NotAnEvent
from linli.edge.drivers.isapi.memory import Memory
from linli.edge.drivers.isapi.people import MOST_LEAVING, People
from linli.edge.drivers.isapi.wire import DeviceFault, IsapiClient, Refused
from linli.edge.drivers.listening import Call, Listener, Reply
from linli.edge.drivers.rounds import FIRST_PAUSE_S, Rounds
from linli.edge.drivers.wishes import Wish, Wishes
from linli.edge.terminals import Alarm, Limits, Person, Told, Trouble

MOST_COMING = 20  # before a departure is looked for again
MOST_TRIES = 4
SET_CLOCK_FROM_S = 2.0
OPENING_S = 3.0
_log = logging.getLogger("linli.gate")


def _this_clock() -> datetime | None:
    return datetime.now(UTC)


class IsapiTerminal:
    """One device at one gate. `now` gives the box's trusted time, or None while it has none.

    `holidays` gives the estate's; without it, nobody is taken whose hours do not count on holidays.
    """

    def __init__(
        self,
        *,
        gate: str,
        address: IsapiAddress,
        listener: Listener | None = None,
        mark_file: Path | None = None,
        holidays: Callable[[], Collection[date]] | None = None,
        now: Callable[[], datetime | None] = _this_clock,
        every_s: float = 30.0,
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        self.gate = gate
        self.limits = Limits()  # until the device has said
        self._address, self._now, self._every_s = address, now, every_s
        # A port without a secret would take anybody's word for who came in.
        self._listener = listener if address.events_token else None
        self._wishes = Wishes()
        self._rounds = Rounds(
            name=f"isapi {gate}",
            turn=self._turn,
            lost=self._lose,
            stirred=self._wishes.stirred,
            every_s=every_s,
            first_pause_s=first_pause_s,
        )
        self._client, self._door_client = self._connect(5.0), self._connect(OPENING_S)
        self._striking = threading.Lock()
        self._held = False
        self._complaints: dict[str, str] = {}
        zone = address.zone_minutes
        self._people = People(
            client=self._client, door=address.door, zone_minutes=zone, holidays=holidays, rest=self._rounds.rest
        )
        self._memory = Memory(
            client=self._client, zone_minutes=zone, file=mark_file, tell=self._tell, wiped=self._wishes.read_back
        )
        self._told: Told | None = None
        self._met = False
        self._look_at = 0.0

    def start(self, told: Told) -> None:
        """Begin to speak with the device."""
        self._told = told
        if self._listener is not None:
            self._listener.on("POST", self._address.events_path, self._answer)
            self._listener.start()
        self._rounds.start()

    def stop(self) -> None:
        """Stop, leaving the device as it is."""
        if self._listener is not None:
            self._listener.off("POST", self._address.events_path)
            self._listener.stop()
        self._rounds.stop()
        self._client.close()
        self._door_client.close()

    def put(self, people: Iterable[Person]) -> None:
        """Have these persons on the device; a face already taken in stays when no photo comes with its person."""
        self._wishes.put(people)

    def drop(self, numbers: Iterable[int]) -> None:
        """Have these persons off the device."""
        self._wishes.drop(numbers)

    def read_back(self) -> None:
        """Have the device give its own list."""
        self._wishes.read_back()

    def health(self) -> Health:
        """Say whether the device answers."""
        return self._rounds.health()

    def open(self, *, seconds: int | None) -> None:
        """Open for the device's own time, or, with None, until released. Raises DoorFailed.

        Until released is meant so: a device that was away or starts anew is told again, for there may be a fire.
        """
        if seconds is None:
            self._held = True
        self._strike("alwaysOpen" if seconds is None else "open")

    def release(self) -> None:
        """End an opening without a limit. Raises DoorFailed."""
        self._strike("close")
        self._held = False

    def _answer(self, call: Call) -> Reply:
        """Take what the device posted; anything but 200 makes it post again."""
        try:
            event = events.pushed(call.words, zone_minutes=self._address.zone_minutes)
        except NotAnEvent as problem:
            _log.warning("isapi %s: a post is unreadable: %s", self.gate, problem)
            return Reply(status=400)
        if self._told is None:
            return Reply(status=503)
        self._told.seen()
        if event is not None:
            # What this raises is a 500: not on the disk, so the device keeps it, or it is asked for later.
            self._memory.hear(event)
        return Reply()

    def _turn(self) -> None:
        try:
            self._go_round()
        except Refused as refusal:
            raise DeviceAway(f"the device refuses: {refusal}") from None

    def _go_round(self) -> None:
        if not self._met:
            self._meet()
        while batch := self._wishes.take(coming=MOST_COMING, leaving=MOST_LEAVING):
            self._fulfil(batch)
        if self._wishes.take_reading():
            self._read()
        if time.monotonic() >= self._look_at:
            self._look()

    def _lose(self, problem: DeviceAway) -> None:
        if isinstance(problem, DeviceBusy):
            return
        self._met = False
        if self._told is not None:
            self._told.alarm(Alarm.OFFLINE, True, str(problem))

    def _meet(self) -> None:
        device = self._client.get_xml("/ISAPI/System/deviceInfo")
        if self._held:
            self._hold_on()
        self.limits = self._people.learn()
        if self._listener is not None:
            self._ask_for_events(self._listener.port)
        assert self._told is not None
        self._told.seen(" ".join(filter(None, (device.get("model"), device.get("firmwareVersion"))))[:80])
        self._told.alarm(Alarm.OFFLINE, False)
        self._met = True
        self._look_at = 0.0

    def _ask_for_events(self, port: int) -> None:
        address = self._address
        words = {
            "id": "1",
            "url": address.events_path,
            "protocolType": "HTTP",
            "parameterFormatType": "JSON",
            "addressingFormatType": "ipaddress",
            "ipAddress": address.events_host or address.own_side(),
            "portNo": str(port),
            "httpAuthenticationMethod": "none",
        }
        try:
            self._client.put_xml("/ISAPI/Event/notification/httpHosts/1", "HttpHostNotification", words)
        except Refused as refusal:
            # It still remembers: events come late, by reading, and not never.
            _log.warning("isapi %s: the device will not post its events: %s", self.gate, refusal)

    def _look(self) -> None:
        """Compare clocks, read what was not pushed, and only then set the clock: old events bear the old time."""
        assert self._told is not None
        now = self._now()
        device_time = self._device_time()
        self._told.seen()
        self._told.clock(device_time)
        self._people.keep_holidays()
        self._check_threshold()
        more = self._memory.pull(now=now or device_time)
        if more:
            self._wishes.stirred.set()
            return
        if now is not None and abs((device_time - now).total_seconds()) > SET_CLOCK_FROM_S:
            self._set_clock()
        self._look_at = time.monotonic() + self._every_s

    def _hold_on(self) -> None:
        try:
            self._strike("alwaysOpen")
        except DoorFailed as problem:
            raise DeviceAway(str(problem)) from None

    def _check_threshold(self) -> None:
        if "FACE" not in self.limits.ways:
            return
        try:
            told = self._client.get_xml("/ISAPI/AccessControl/FaceCompareCond")
        except Refused:
            return
        threshold, least = told.get("faceMatchThresholdN", ""), self._address.least_face_threshold
        low = threshold.isascii() and threshold.isdecimal() and int(threshold[:9]) < least
        self._complain("threshold", f"the face threshold {threshold[:9]} is below {least}" if low else "")

    def _complain(self, about: str, words: str) -> None:
        assert self._told is not None
        self._complaints[about] = words
        complaints = [one for one in self._complaints.values() if one]
        self._told.alarm(Alarm.SETTING, bool(complaints), "; ".join(complaints))

    def _device_time(self) -> datetime:
        told = self._client.get_xml("/ISAPI/System/time")
        return forms.instant(told.get("localTime"), self._address.zone_minutes)

    def _set_clock(self) -> None:
        now, zone = self._now(), self._address.zone_minutes
        if now is None:
            return
        words = {
            "timeMode": "manual",
            "localTime": forms.local_text(now, zone),
            "timeZone": forms.zone_text(zone),
        }
        try:
            self._client.put_xml("/ISAPI/System/time", "Time", words)
        except Refused as refusal:
            _log.warning("isapi %s: the device's clock cannot be set: %s", self.gate, refusal)
            return
        assert self._told is not None
        self._told.clock(self._device_time())

    def _fulfil(self, batch: list[Wish]) -> None:
        waiting = list(batch)
        try:
            if batch[0].person is None:
                self._remove(waiting)
            while waiting and (person := waiting[0].person) is not None:
                self._bring(person)
                waiting.pop(0)
        except DeviceFault:
            waiting = self._tire(waiting)
            raise
        finally:
            self._wishes.keep(waiting)

    def _bring(self, person: Person) -> None:
        assert self._told is not None
        try:
            self._people.bring(person)
        except forms.NotToBeHad as problem:
            self._told.failed(person.number, problem.trouble, str(problem))
        else:
            self._told.put(person.number, person.checksum)

    def _remove(self, waiting: list[Wish]) -> None:
        assert self._told is not None
        numbers = [wish.number for wish in waiting]
        self._people.remove(numbers)
        while waiting:
            self._told.dropped(waiting[0].number)
            waiting.pop(0)

    def _tire(self, waiting: list[Wish]) -> list[Wish]:
        """Count a failure of the device itself; one person it always fails at must not hold up the others for ever."""
        first, *rest = waiting
        if first.person is None:
            return waiting
        if first.tries + 1 < MOST_TRIES:
            return [replace(first, tries=first.tries + 1), *rest]
        assert self._told is not None
        self._told.failed(first.number, Trouble.REFUSED, "the device fails at this person")
        return rest

    def _read(self) -> None:
        assert self._told is not None
        try:
            listing = self._people.listing()
        except DeviceAway:
            self._wishes.read_back()
            raise
        words = f"{listing.foreign} persons were enrolled at the device itself" if listing.foreign else ""
        self._complain("people", words)
        self._told.listing(listing.people)

    def _tell(self, event: Event) -> None:
        assert self._told is not None
        passage = event.passage(exit_readers=self._address.exit_readers)
        # Our own openings are in the agent's journal already, with who and why.
        if passage and not (passage.method == "REMOTE" and event.account in ("", self._address.username)):
            self._told.passage(passage)
        for alarm, on in event.alarms():
            self._told.alarm(alarm, on)

    def _strike(self, command: str) -> None:
        with self._striking:
            try:
                self._door_client.put_xml(
                    f"/ISAPI/AccessControl/RemoteControl/door/{self._address.door}",
                    "RemoteControlDoor",
                    {"cmd": command},
                )
            except (DeviceAway, Refused) as problem:
                raise DoorFailed(str(problem)) from None

    def _connect(self, timeout_s: float) -> IsapiClient:
        address = self._address
        return IsapiClient(
            url=address.url,
            username=address.username,
            password=address.password,
            timeout_s=timeout_s,
            verify=address.verify,
        )
