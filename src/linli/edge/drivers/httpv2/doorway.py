"""Openings that wait for the device to come and fetch them."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

from linli.edge.doors import DoorFailed

# The document's "Opendoor".
OPEN, HOLD, CLOSE = 1, 2, 3


@dataclass(slots=True, eq=False)
class _Command:
    word: int
    taken: threading.Event = field(default_factory=threading.Event)


class Doorway:
    """The relay of one device. A hold that could not be delivered is still wanted when the device comes back: fire."""

    def __init__(self, *, wait_s: float) -> None:
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._commands: deque[_Command] = deque()
        self._held: bool | None = None
        self._reposts = False

    def command(self, word: int, *, away: bool) -> None:
        """Have the device do this, and return once it has fetched it. Raises DoorFailed when it does not come in time."""
        asked = _Command(word)
        with self._lock:
            if word != OPEN:
                self._held = word == HOLD
            if not away:
                self._commands.append(asked)
        if away:
            raise DoorFailed("the device is away")
        if asked.taken.wait(self._wait_s):
            return
        with self._lock:
            if asked.taken.is_set():
                return
            # A door must not open minutes later, for nobody.
            self._commands.remove(asked)
        raise DoorFailed(f"the device did not come within {self._wait_s:g} s")

    def is_waited_for(self) -> bool:
        """Say whether the device should come and fetch something."""
        with self._lock:
            return bool(self._commands) or self._reposts

    def take(self) -> int:
        """Give the device its next command, 0 for none; the same one asked for twice is fetched once."""
        with self._lock:
            if not self._commands:
                return 0
            word = self._commands[0].word
            while self._commands and self._commands[0].word == word:
                self._commands.popleft().taken.set()
            return word

    def repost(self) -> None:
        """Want every record again that the device still holds."""
        self._reposts = True

    def take_repost(self) -> bool:
        """Say whether the records are wanted again, and forget that they were."""
        wanted, self._reposts = self._reposts, False
        return wanted

    def hear(self, *, kept_open: bool) -> None:
        """Compare what the device says with what is wanted of it, and want it again."""
        with self._lock:
            if self._held is None or self._commands:
                return
            if kept_open != self._held:
                self._commands.append(_Command(HOLD if self._held else CLOSE))
            elif not self._held:
                self._held = None
