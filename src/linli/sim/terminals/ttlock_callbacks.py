"""How the simulated cloud calls the estate: again until the one word comes back, and, when it is told to, late and doubled."""

from __future__ import annotations

import json
import queue
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

ONE_TRY_S = 5.0
TRIES = 40
BETWEEN_S = 0.05

Batch = tuple[int, str, list[dict[str, Any]]]


class Callbacks:
    """The calls of one account, one after the other."""

    def __init__(self, *, admin: str, online: Callable[[], bool]) -> None:
        """Take whose locks they are, and what says whether the cloud is there."""
        self.url = ""
        self.answers: list[str] = []
        self.repeat, self.hold = 0, False
        self._admin, self._online = admin, online
        self._waiting: queue.Queue[Batch | None] = queue.Queue()
        self._held: list[Batch] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """This will begin to call."""
        self._thread.start()

    def stop(self) -> None:
        """This will stop."""
        self._stopping.set()
        self._waiting.put(None)

    def is_idle(self) -> bool:
        """Whether nothing waits to be called."""
        return self._waiting.empty()

    def call(self, *, lock_id: int, mac: str, rows: list[dict[str, Any]]) -> None:
        """This will tell the estate of some records."""
        if self.hold:
            self._held.append((lock_id, mac, rows))
        elif self.url:
            for _ in range(1 + self.repeat):
                self._waiting.put((lock_id, mac, rows))

    def change(self, *, url: str | None = None, hold: bool = False, repeat: int = 0) -> None:
        """This will say where calls go, and whether they wait, or come more than once."""
        self.url = self.url if url is None else url
        self.repeat, self.hold = repeat, hold
        if not hold:
            held, self._held = self._held, []
            # All at once, the newest first.
            for batch in reversed(held):
                for _ in range(1 + repeat):
                    self._waiting.put(batch)

    def _run(self) -> None:
        while (batch := self._waiting.get()) is not None:
            tries = 0
            while tries < TRIES and not self._stopping.is_set():
                tries += self._online()
                if self._online() and self._once(*batch) == "success":
                    break
                self._stopping.wait(BETWEEN_S)

    def _once(self, lock_id: int, mac: str, rows: list[dict[str, Any]]) -> str:
        form = {
            "notifyType": "1",
            "lockId": str(lock_id),
            "lockMac": mac,
            "admin": self._admin,
            "records": json.dumps(rows),
        }
        request = urllib.request.Request(self.url, data=urllib.parse.urlencode(form).encode())
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=ONE_TRY_S) as response:
                said: str = response.read(100).decode("utf-8", "replace")
        except (urllib.error.URLError, OSError) as problem:
            said = type(problem).__name__
        self.answers.append(said)
        return said
