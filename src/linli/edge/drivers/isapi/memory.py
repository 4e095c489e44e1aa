"""What an ISAPI device remembers of its own: read after an outage, told exactly once, in whichever way it came first."""

from __future__ import annotations

import json
import logging
import os
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from linli.edge.drivers.bounded import DeviceAway, NotTaken
from linli.edge.drivers.isapi import forms
from linli.edge.drivers.isapi.events import Event, NotAnEvent, remembered
from linli.edge.drivers.isapi.wire import IsapiClient, Refused

PAGE = 30
MOST_PAGES = 20  # at one go; a revocation waits for no more than this
LOOK_BACK = timedelta(hours=72)
_MOST_SEEN = 20_000
_LAST_SERIAL = 2**31 - 1
_log = logging.getLogger("linli.gate")


class Memory:
    """The events of one device. `tell` returns once an event is safe; what it raises leaves the event untold. `wiped` hears
    that the device counts anew, and so has probably forgotten everybody.

    The mark is the last event up to which all were told. It is kept in a file: without one, as at the first meeting,
    reading begins 72 hours ago, and what is told twice is one to the listener.
    """

    def __init__(
        self,
        *,
        client: IsapiClient,
        zone_minutes: int,
        file: Path | None,
        tell: Callable[[Event], None],
        wiped: Callable[[], None],
    ) -> None:
        self._client, self._zone, self._file, self._tell = client, zone_minutes, file, tell
        self._wiped = wiped
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._mark = _read(file)
        self._kept = self._mark

    def hear(self, event: Event) -> None:
        """Tell a pushed event, unless it was told already."""
        with self._lock:
            self._tell_once(event)
            # Only the very next one moves the mark: a push that was lost is found by reading.
            if self._mark and event.serial == self._mark[0] + 1:
                self._mark = (event.serial, event.record)

    def pull(self, *, now: datetime) -> bool:
        """Read on from the mark and tell what is new; say whether there is more. Raises DeviceAway."""
        condition, position = self._condition(now), 0
        for _ in range(MOST_PAGES):
            rows, given, more = self._page({**condition, "searchResultPosition": position})
            if position == 0 and self._was_wiped(rows):
                _log.warning("the device counts its events anew")
                self._wiped()
                with self._lock:
                    self._mark = None
                return True
            self._take(rows)
            # As many as were given: some models give fewer than they are asked for.
            position += given
            if not more:
                self._keep()
                return False
        self._keep()
        return True

    def _condition(self, now: datetime) -> dict[str, Any]:
        words: dict[str, Any] = {"searchID": uuid.uuid4().hex, "maxResults": PAGE, "major": 0, "minor": 0}
        if self._mark:
            return {**words, "beginSerialNo": self._mark[0], "endSerialNo": _LAST_SERIAL}
        # A day to spare at the end: the device's clock may be ahead.
        return {
            **words,
            "startTime": forms.local_text(now - LOOK_BACK, self._zone),
            "endTime": forms.local_text(now + timedelta(days=1), self._zone),
        }

    def _page(self, asked: dict[str, Any]) -> tuple[list[Event], int, bool]:
        try:
            told = self._client.post("/ISAPI/AccessControl/AcsEvent", {"AcsEventCond": asked}).get("AcsEvent")
        except Refused as refusal:
            raise DeviceAway(f"the device does not give its events: {refusal}") from None
        told = told if isinstance(told, dict) else {}
        listed = told.get("InfoList", [])
        rows = listed if isinstance(listed, list) else []
        events = []
        for row in rows:
            try:
                events.append(remembered(row, zone_minutes=self._zone))
            except NotAnEvent as problem:
                _log.warning("an event of the device is unreadable: %s", problem)
        return events, len(rows), told.get("responseStatusStrg") == "MORE" and bool(rows)

    def _was_wiped(self, rows: list[Event]) -> bool:
        """Say whether the marked event is another one now, or none: the mark itself is asked for to see that."""
        if not self._mark:
            return False
        first = rows[0] if rows else None
        return first is None or (first.serial == self._mark[0] and first.record != self._mark[1])

    def _take(self, rows: list[Event]) -> None:
        for event in rows:
            with self._lock:
                self._tell_once(event)
                if not self._mark or event.serial > self._mark[0]:
                    self._mark = (event.serial, event.record)

    def _tell_once(self, event: Event) -> None:
        if event.record in self._seen:
            return
        try:
            self._tell(event)
        except Exception as problem:
            raise NotTaken(f"an event could not be written down ({type(problem).__name__})") from problem
        self._seen[event.record] = None
        if len(self._seen) > _MOST_SEEN:
            self._seen.popitem(last=False)

    def _keep(self) -> None:
        if self._file is None or self._mark is None or self._mark == self._kept:
            return
        written = self._file.with_name(self._file.name + ".new")
        try:
            written.write_text(json.dumps({"serial": self._mark[0], "record": self._mark[1]}), encoding="ascii")
            os.replace(written, self._file)
            self._kept = self._mark
        except OSError as problem:
            # The mark only saves reading; the listener knows what it was told.
            _log.warning("the mark is not kept: %s", problem.strerror)


def _read(file: Path | None) -> tuple[int, str] | None:
    try:
        told = json.loads(file.read_text(encoding="ascii")) if file else {}
        return int(told["serial"]), str(told["record"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
