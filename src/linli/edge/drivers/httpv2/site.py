"""The port on which devices of this make call, and which of them is which."""

from __future__ import annotations

import hmac
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from linli.edge.drivers.httpv2.words import Words
from linli.edge.drivers.listening import Call, Listener, Reply

if TYPE_CHECKING:
    from linli.edge.drivers.httpv2.terminal import HttpV2Terminal

TOKEN_HEADER = "x-linli-token"
_LOOK_S = 0.5
_MOST_STRANGERS = 20
_log = logging.getLogger("linli.gate")


class Site:
    """Shared by the terminals of one box: it tells them apart by serial number, and by their token where one is agreed.

    A device calls http://box:port/TOKEN/Device/Keepalive, or a proxy adds the token as a header; without one, no TOKEN/.
    """

    def __init__(self, *, listener: Listener, prefix: str = "") -> None:
        self._listener, self._prefix = listener, prefix.rstrip("/")
        self._lock = threading.Lock()
        self._terminals: dict[str, HttpV2Terminal] = {}
        self._strangers: deque[str] = deque(maxlen=_MOST_STRANGERS)
        self._closing = threading.Event()
        self._words: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()

    @property
    def strangers(self) -> list[str]:
        """The serial numbers that called last and belong to no terminal here, for whoever installs one."""
        with self._lock:
            return [*self._strangers]

    def join(self, terminal: HttpV2Terminal) -> None:
        """Answer this terminal's device. Raises OSError for a port that is taken."""
        with self._lock:
            first = not self._terminals
            if first:
                self._listener.on("POST", f"{self._prefix}/*", self._answer)
                self._listener.start()
                self._closing = threading.Event()
                threading.Thread(target=self._watch, args=(self._closing,), name="terminals", daemon=True).start()
                threading.Thread(target=self._speak, name="alarms", daemon=True).start()
            self._terminals[terminal.serial_number] = terminal

    def leave(self, terminal: HttpV2Terminal) -> None:
        """Answer this terminal's device no more; the last one closes the port."""
        with self._lock:
            if self._terminals.pop(terminal.serial_number, None) is None or self._terminals:
                return
            self._closing.set()
            self._words.put(None)
            self._listener.off("POST", f"{self._prefix}/*")
        self._listener.stop()

    def tell(self, words: Callable[[], None]) -> None:
        """Say something on another thread than a device's own: for fire every door is opened, also the one of who calls."""
        self._words.put(words)

    def _speak(self) -> None:
        while (words := self._words.get()) is not None:
            try:
                words()
            except Exception:
                _log.exception("an alarm could not be told")

    def _answer(self, call: Call) -> Reply:
        parts = [part for part in call.path.removeprefix(self._prefix).split("/") if part]
        number = str(call.words.get("SN") or call.words.get("DeviceSN") or "").strip()[:30]
        token = parts[0] if len(parts) > 2 else call.headers.get(TOKEN_HEADER, "")
        with self._lock:
            terminal = self._terminals.get(number)
            if terminal is None and number and number not in self._strangers:
                self._strangers.append(number)
        if terminal is None or not hmac.compare_digest(token.encode(), terminal.manner.token.encode()):
            return Reply(words=_stranger())
        return Reply(words=terminal.answer("/".join(parts[-2:]).lower(), call.words))

    def _watch(self, closing: threading.Event) -> None:
        while not closing.wait(_LOOK_S):
            with self._lock:
                terminals = [*self._terminals.values()]
            for terminal in terminals:
                terminal.look()


def _stranger() -> Words:
    # In the answer and not as the status: some firmware reads only the one, and none minds the other.
    return {"Success": 401, "Message": "this device is not registered here"}
