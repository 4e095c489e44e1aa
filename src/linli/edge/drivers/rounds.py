"""The one thread that goes round to a device: when there is something to do, every so often, and later when it is away."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from linli.edge.doors import Health
from linli.edge.drivers.bounded import DeviceAway

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0
_log = logging.getLogger("linli.gate")


class Rounds:
    """Rounds to one device. `turn` does all there is to do and raises DeviceAway; `lost` hears why it could not."""

    def __init__(
        self,
        *,
        name: str,
        turn: Callable[[], None],
        lost: Callable[[DeviceAway], None],
        stirred: threading.Event,
        every_s: float = 30.0,
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        self._name, self._turn, self._lost, self._stirred = name, turn, lost, stirred
        self._every_s, self._first_pause_s = every_s, first_pause_s
        self._stopping = threading.Event()
        self._words = "not spoken with yet"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to go round."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; a request under way is given a moment to end."""
        self._stopping.set()
        self._stirred.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    def rest(self, seconds: float) -> None:
        """Wait within a turn, unless it is time to stop. Raises DeviceAway then."""
        if self._stopping.wait(seconds):
            raise DeviceAway("stopping")

    def health(self) -> Health:
        """Say whether the last turn came to its end."""
        return Health(well=not self._words, words=self._words)

    def _run(self) -> None:
        pause = self._first_pause_s
        while not self._stopping.is_set():
            self._stirred.clear()
            problem = self._once()
            if problem is None:
                pause = self._first_pause_s
                self._stirred.wait(self._every_s)
            else:
                self._stopping.wait(max(pause, problem.pause_s))
                pause = min(2 * pause, LONGEST_PAUSE_S)

    def _once(self) -> DeviceAway | None:
        try:
            self._turn()
        except DeviceAway as problem:
            return self._note(problem)
        except Exception as problem:
            # A mistake here must not end the only thread that takes revocations to the device.
            _log.exception("%s: the driver failed", self._name)
            return self._note(DeviceAway(f"the driver failed ({type(problem).__name__})"))
        self._words = ""
        return None

    def _note(self, problem: DeviceAway) -> DeviceAway:
        if not self._stopping.is_set():
            words = str(problem)
            if words != self._words:
                _log.warning("%s: %s", self._name, words)
            try:
                self._lost(problem)
            except Exception:
                # Whoever should hear of it may have a full disk; the rounds go on.
                _log.exception("%s: nobody could be told", self._name)
            self._words = words
        return problem
