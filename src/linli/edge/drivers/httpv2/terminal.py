"""One device that calls by itself: what waits here for it to fetch, and what it reports."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from linli.edge.doors import Health
from linli.edge.drivers.httpv2 import records
from linli.edge.drivers.httpv2.doorway import CLOSE, HOLD, OPEN, Doorway
from linli.edge.drivers.httpv2.passing import Passing
from linli.edge.drivers.httpv2.persons import Persons
from linli.edge.drivers.httpv2.settings import Manner, Settings
from linli.edge.drivers.httpv2.words import WELL, Words, number_in
from linli.edge.terminals import Alarm, Limits, Person, Told

if TYPE_CHECKING:
    from linli.edge.drivers.httpv2.site import Site

_SETTINGS_EVERY_S = 3600.0


class HttpV2Terminal:
    """A terminal that fetches its work: persons, withdrawals, openings and settings wait here until it calls.

    The document gives a person no start: one whose start is far off is held back here, and counts as there in a listing.
    """

    def __init__(
        self,
        *,
        gate: str,
        serial_number: str,
        site: Site,
        manner: Manner | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.gate = gate
        self.serial_number = serial_number
        self.manner = manner or Manner()
        self._site, self._now = site, now
        self._lock = threading.Lock()
        self._told: Told | None = None
        self._settings = Settings(self.manner)
        self._doorway = Doorway(wait_s=self.manner.open_wait_s)
        urgent = self._doorway.is_waited_for
        self._persons = Persons(settings=self._settings, lock=self._lock, now=now, urgent=urgent)
        self._passing = Passing(gate=gate, settings=self._settings, menu_changed=self._persons.read_back)
        self._alarms: dict[Alarm, str] | None = None
        self._complaints: list[str] = []
        self._heard_at: float | None = None
        self._told_away, self._settings_at = True, 0.0
        self._ask_settings, self._settings_asked = True, False
        self._answers: Mapping[str, Callable[[Words, Told], Words]] = {
            "device/keepalive": self._keepalive,
            "device/uploadworksetting": self._take_settings,
            "device/downloadworksetting": self._give_settings,
            "device/remotecommand": self._give_command,
            "device/requestauthorization": self._passing.authorise,
            "people/downloadpeoplelist": self._persons.give_arrivals,
            "people/downloadpeoplelistresult": self._persons.take_arrivals,
            "people/deletepeoplelist": self._persons.give_departures,
            "people/deletepeoplelistresult": self._persons.take_departures,
            "people/pushpeople": self._persons.take_person,
            "record/uploadidentifyrecord": self._passing.take_record,
            "record/uploadsystemrecord": self._passing.take_own_log,
        }

    @property
    def limits(self) -> Limits:
        """What this model can hold, as it said last."""
        with self._lock:
            return self._settings.limits()

    def start(self, told: Told) -> None:
        """Answer the device from now on. Raises OSError for a port that is taken."""
        self._told = told
        self._heard_at = None
        self._site.join(self)

    def stop(self) -> None:
        """Answer no more; the device keeps its list and its door."""
        self._site.leave(self)
        self._told = None

    def put(self, people: Iterable[Person]) -> None:
        """Have these persons fetched, each once the start is near."""
        self._persons.put(people)

    def drop(self, numbers: Iterable[int]) -> None:
        """Have these persons' numbers fetched and forgotten."""
        self._persons.drop(numbers)

    def read_back(self) -> None:
        """Have the device send its own list, once what is on its way has arrived."""
        self._persons.read_back()

    def repost(self) -> None:
        """Have the device send again every record that it still holds, after this box lost its own."""
        self._doorway.repost()

    def open(self, *, seconds: int | None) -> None:
        """Have the device fetch an opening. Raises DoorFailed when it does not call in time; then nothing opens later.

        A hold without a limit is different: it stays wanted, and the device gets it when it comes back.
        """
        if self._passing.is_asking:
            # The device waits for this very answer, and opens by itself.
            return
        if seconds is not None:
            with self._lock:
                self._settings.release_s = seconds
        self._doorway.command(HOLD if seconds is None else OPEN, away=self._is_away())

    def release(self) -> None:
        """Have the device end a hold. Raises DoorFailed when it does not call in time; it will still end when it does."""
        self._doorway.command(CLOSE, away=self._is_away())

    def health(self) -> Health:
        """Say whether the device calls, and what is wrong with it."""
        words = ["it does not call"] if self._is_away() else []
        with self._lock:
            words += [*self._complaints, self._persons.reading.trouble]
        words.append(f"{self._passing.unreadable} records could not be read" if self._passing.unreadable else "")
        said = "; ".join(filter(None, words))
        return Health(well=not said, words=said)

    def answer(self, name: str, words: Words) -> Words:
        """Answer one call of the device, by the call's name in small letters; what is not known is taken note of."""
        told = self._told
        if told is None:
            return {"Success": 401, "Message": "not in service"}
        self._hear(told)
        known = self._answers.get(name)
        return known(words, told) if known else WELL

    def look(self) -> None:
        """Notice when the device no longer calls; looked at every half a second."""
        told = self._told
        if told is not None and not self._told_away and self._is_away():
            self._told_away = True
            self._tell_alarm(Alarm.OFFLINE, "it does not call")

    def _is_away(self) -> bool:
        silence = self.manner.silence_s or 3 * self.manner.period_s + 2
        return self._heard_at is None or time.monotonic() - self._heard_at > silence

    def _hear(self, told: Told) -> None:
        if self._is_away():
            with self._lock:
                # Away for a while: its clock and its settings may be others now.
                self._ask_settings = True
                self._settings.begin_anew()
        self._heard_at = time.monotonic()
        if self._told_away:
            self._told_away = False
            self._tell_alarm(Alarm.OFFLINE, None)
        told.seen(str(self._settings.told.get("FirmwareVerson", "")))

    def _keepalive(self, words: Words, told: Told) -> Words:
        self._compare_alarms(records.alarms_in(words.get("AlarmStatus")))
        self._doorway.hear(kept_open=number_in(words, "KeepOpenStatus") == 1)
        self._persons.keep_up(told)
        with self._lock:
            return {"Success": 1, **self._flags()}

    def _flags(self) -> dict[str, int]:
        """Say what the device should come for; it takes them in this order."""
        persons, knows = self._persons, bool(self._settings.told)
        counting = persons.wants_count()
        asks = self._ask_settings or counting or time.monotonic() - self._settings_at > _SETTINGS_EVERY_S
        self._settings_asked = asks
        # What was set a moment ago is looked at first, before it is set again.
        sets = self._settings.wanted() & {"TimeGroups"} if asks else self._settings.wanted()
        return {
            "UploadWorkParameter": int(asks),
            "Remote": int(self._doorway.is_waited_for() or counting or persons.wants_query()),
            "SyncParameter": int(knows and bool(sets)),
            "DeletePeople": int(persons.wants_departures()),
            "AddPeople": int(knows and persons.wants_arrivals()),
        }

    def _take_settings(self, words: Words, told: Told) -> Words:
        with self._lock:
            unasked, booted_at = not self._settings_asked, self._settings.told.get("BootTime")
            self._settings_asked = self._ask_settings = False
            self._settings_at = time.monotonic()
            device_time = self._settings.hear(words, now=self._now())
            self._persons.count(self._settings.people())
            self._complaints = complaints = self._settings.complaints()
        if device_time is not None:
            told.clock(device_time)
        self._tell_alarm(Alarm.SETTING, "; ".join(complaints) if complaints else None)
        if unasked or self._settings.told.get("BootTime") != booted_at:
            # It has just started, or was changed at its menu: what it was handed before may be lost.
            self._persons.start_over(told)
        return WELL

    def _give_settings(self, words: Words, told: Told) -> Words:
        with self._lock:
            self._ask_settings = True
            return {"Success": 1, "DeviceSN": self.serial_number, **self._settings.push(now=self._now())}

    def _give_command(self, words: Words, told: Told) -> Words:
        command: dict[str, Any] = {"Success": 1}
        if word := self._doorway.take():
            command["Opendoor"] = word
        if self._doorway.take_repost():
            command["RepostRecord"] = 1
        command |= self._persons.give_query()
        self._persons.end_reading(told)
        return command

    def _compare_alarms(self, found: dict[Alarm, str]) -> None:
        before, self._alarms = self._alarms, found
        for alarm in records.TOLD_BY_KEEPALIVE:
            # At the first call beginnings and ends alike: the box may have been restarted in between.
            if before is None or found.get(alarm) != before.get(alarm):
                self._tell_alarm(alarm, found.get(alarm))

    def _tell_alarm(self, alarm: Alarm, words: str | None) -> None:
        """Tell an alarm that is on, in words, or, with None, that it is over."""
        told = self._told
        if told is not None:
            self._site.tell(lambda: told.alarm(alarm, words is not None, words or ""))
