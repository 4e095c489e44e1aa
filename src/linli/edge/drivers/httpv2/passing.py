"""Who passes at one device: what it asks the agent beforehand, and what it reports afterwards."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

from linli.edge.doors import Outcome
from linli.edge.drivers.httpv2 import records
from linli.edge.drivers.httpv2.people import card_text
from linli.edge.drivers.httpv2.settings import Settings
from linli.edge.drivers.httpv2.words import REFUSED, WELL, Words, number_in
from linli.edge.terminals import Told
from linli.gate.decision import TEXTS, Direction, Kind, Scan

# A question is tried three times, two seconds each, and the record may bear the time of either end of that.
_ECHO_S = 10
_MOST_ECHOES = 200
_LATEST = 2**32
_NOT_TO_BE_ASKED = "请使用二维码或门卡 Please use a code or a card"
_log = logging.getLogger("linli.gate")


class Passing:
    """The passages of one device. `menu_changed` is called when a record tells of people changed at its own menu."""

    def __init__(self, *, gate: str, settings: Settings, menu_changed: Callable[[], None]) -> None:
        self.unreadable = 0
        self._gate, self._settings, self._menu_changed = gate, settings, menu_changed
        self._asking = threading.local()
        self._asked: deque[tuple[str, int]] = deque(maxlen=_MOST_ECHOES)

    @property
    def is_asking(self) -> bool:
        """Whether this thread carries a device's question to the agent just now."""
        return bool(getattr(self._asking, "now", False))

    def authorise(self, words: Words, told: Told) -> Words:
        """Put a device's question to the agent."""
        try:
            detail = records.detail_of(words)
        except records.BadRecord:
            return REFUSED
        scan, at = self._scan(detail), number_in(detail, "RecordDate")
        if scan is None:
            return {"Success": 0, "Message": _NOT_TO_BE_ASKED}
        if 0 < at < _LATEST:
            told.clock(datetime.fromtimestamp(at, UTC))
        outcome = self._ask(told, scan)
        if outcome is None:
            # Nothing may lock anyone in; without the agent nobody comes in.
            return {"Success": int(scan.direction is Direction.OUT)}
        if outcome.sequence is not None:
            self._asked.append((_shown(detail), at))
        return {"Success": int(outcome.verdict.open), "Message": " ".join(TEXTS[outcome.verdict.reason])}

    def take_record(self, words: Words, told: Told) -> Words:
        """Take one of the device's records; answered only once it is on the disk, for until then the device keeps it."""
        cards = self._settings.manner.cards
        try:
            detail = records.detail_of(words)
            passage = records.passage_of(detail, entrance=self._settings.entrance(), cards=cards)
        except records.BadRecord as problem:
            # Refused, it would come again for ever and hold up all that follow it; so it is counted and let go.
            self.unreadable += 1
            _log.error("%s: a terminal's record cannot be read: %s", self._gate, problem)
            return WELL
        if number_in(detail, "RecordType") in records.MENU_RECORDS:
            self._menu_changed()
        elif passage is not None and not self._is_echo(detail, int(passage.at.timestamp())):
            told.passage(passage)
        return WELL

    def take_own_log(self, words: Words, told: Told) -> Words:
        """Take the device's own log: openings by the button and from elsewhere are passages too."""
        for passage in records.own_passages(words):
            told.passage(passage)
        if records.changed_at_menu(words):
            self._menu_changed()
        return WELL

    def _scan(self, detail: Words) -> Scan | None:
        """Put a device's question as a scan; None for what only the device itself can judge: its own faces and PINs."""
        kind = records.kind_of(detail)
        inward = number_in(detail, "IsEntry", otherwise=int(self._settings.entrance()))
        texts = {
            Kind.CARD: card_text(detail.get("CardNum"), self._settings.manner.cards),
            Kind.CODE: str(detail.get("QRCode") or ""),
            Kind.IDCARD: str(detail.get("IdentityCard") or ""),
        }
        text = texts.get(kind, "")[:4096]
        if not text and inward:
            return None
        return Scan(
            gate=self._gate,
            kind=kind if text else Kind.EXIT,
            direction=Direction.IN if inward else Direction.OUT,
            text=text,
            temperature_c10=number_in(detail, "BodyTemp") or None,
        )

    def _ask(self, told: Told, scan: Scan) -> Outcome | None:
        self._asking.now = True
        try:
            return told.ask(scan)
        except Exception:
            _log.exception("%s: a terminal's question could not be answered", self._gate)
            return None
        finally:
            self._asking.now = False

    def _is_echo(self, detail: Words, at: int) -> bool:
        """Say whether the agent was asked about this very passage, and so has written it down itself."""
        for shown, asked_at in self._asked:
            if shown == _shown(detail) and abs(at - asked_at) <= _ECHO_S:
                self._asked.remove((shown, asked_at))
                return True
        return False


def _shown(detail: Words) -> str:
    return f"{detail.get('UserID') or 0}\t{detail.get('CardNum') or 0}\t{detail.get('QRCode') or ''}"
