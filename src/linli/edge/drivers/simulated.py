"""The reference driver: doors that only count, and a control port that plays the reader, the button and the cable."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from linli.edge.agent import Agent, UnknownGate
from linli.edge.doors import WELL, DoorFailed, Health, Outcome, Present
from linli.edge.store import JournalStore, StoreFailed
from linli.edge.uplink import Uplink
from linli.gate import ways
from linli.gate.decision import TEXTS, Direction, Kind, Scan

_LARGEST_BODY = 65_536
_log = logging.getLogger("linli.gate")

Answer = tuple[int, dict[str, Any]]


class SimulatedDoor:
    """A door without hardware: it counts, can be held open, and fails when told to."""

    def __init__(self) -> None:
        self.opened = 0
        self.held = False
        self.failing = False
        self.opened_at: float | None = None

    def open(self, *, seconds: int | None) -> None:
        """Count an opening. Raises DoorFailed while it is told to fail."""
        if self.failing:
            raise DoorFailed("told to fail")
        self.opened += 1
        self.held = self.held or seconds is None
        self.opened_at = time.monotonic()

    def release(self) -> None:
        """End a hold. Raises DoorFailed while it is told to fail."""
        if self.failing:
            raise DoorFailed("told to fail")
        self.held = False

    def health(self) -> Health:
        """Say whether it is told to fail."""
        return Health(well=False, words="told to fail") if self.failing else WELL


class ControlPort:
    """A reader for tests and simulated days: scans come over HTTP on this machine only.

    POST /gates/{code}/scan {"kind", "code", "direction", "by", "why", "temperature_c10", "health"}   GET /gates    GET /health
    POST /gates/{code}/door {"failing": true}    POST /gates/{code}/release {"by"}    POST /uplink {"online": false}
    """

    def __init__(
        self,
        *,
        agent: Agent,
        journal: JournalStore,
        uplink: Uplink,
        port: int,
        faces: Callable[[], int] = lambda: 0,
        parts: Callable[[], Mapping[str, Health]] = dict,
    ) -> None:
        self._agent, self._journal, self._uplink, self._faces = agent, journal, uplink, faces
        self._parts = parts
        self._present: Present = agent.present
        self._server = _Server(("127.0.0.1", port), self.answer)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="control", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def start(self, present: Present) -> None:
        """Begin to take scans."""
        self._present = present
        self._thread.start()

    def stop(self) -> None:
        """Stop taking scans."""
        self._server.shutdown()
        self._server.server_close()

    def health(self) -> Health:
        """Say whether it listens."""
        return WELL if self._thread.is_alive() else Health(well=False, words="not listening")

    def answer(self, method: str, path: str, given: dict[str, Any]) -> Answer:
        """Answer one request: a status and a JSON object. Raises nothing."""
        parts = [part for part in path.split("?")[0].split("/") if part]
        try:
            match (method, *parts):
                case ("GET", "gates"):
                    return 200, self._gates()
                case ("GET", "health"):
                    return 200, self._health()
                case ("POST", "uplink"):
                    self._uplink.pull_cable(online=_truth(given, "online"))
                    return 200, {"online": self._uplink.cable.is_set()}
                case ("POST", "gates", gate, "scan"):
                    return 200, outcome_words(self._present(scan_from(gate, given)))
                case ("POST", "gates", gate, "door"):
                    return 200, self._door(gate, given)
                case ("POST", "gates", gate, "release"):
                    self._agent.release(gate=gate, by=_words(given, "by", "control"))
                    return 200, {"gate": gate, "held": False}
        except UnknownGate:
            return 404, {"code": "UNKNOWN_GATE", "detail": "this box does not serve that gate"}
        except (ValueError, TypeError) as problem:
            return 422, {"code": "BAD_REQUEST", "detail": str(problem)[:200]}
        except DoorFailed as problem:
            return 409, {"code": "DOOR_FAILED", "detail": str(problem)}
        return 404, {"code": "NOT_FOUND", "detail": f"{method} {path}"[:200]}

    def _gates(self) -> dict[str, Any]:
        snapshot, line = self._agent.snapshot, self._uplink.state
        sequences: dict[str, int | None] = dict.fromkeys(self._agent.doors)
        try:
            sequences.update({gate: head.sequence for gate, head in self._journal.heads().items()})
            unsent: int | None = self._journal.count_unsent()
        except StoreFailed:
            unsent = None
        return {
            "estate": snapshot.estate,
            "online": self._uplink.cable.is_set(),
            "listening": line.listening,
            "trouble": line.trouble,
            "snapshot_version": snapshot.version,
            "receipted_version": line.receipted,
            "passes": len(snapshot.passes),
            "templates": self._faces(),
            "unsent": unsent,
            "gates": [self._gate(gate, sequences[gate]) for gate in self._agent.doors],
        }

    def _gate(self, gate: str, sequence: int | None) -> dict[str, Any]:
        count, door = self._agent.counts[gate], self._agent.doors[gate]
        offered = ways.ladder(self._agent.snapshot.gates.get(gate))
        chinese, english = ways.words(offered)
        return {
            "gate": gate,
            "ways": {"order": [kind.value for kind in offered], "zh": chinese, "en": english},
            "opened": count.opened,
            "refused": count.refused,
            "held": getattr(door, "held", False),
            "sequence": sequence,
            "last": outcome_words(count.last) if count.last else None,
        }

    def _health(self) -> dict[str, Any]:
        parts = {**self._agent.health(), **self._parts(), "control": self.health()}
        line = self._uplink.state
        parts["uplink"] = Health(well=line.listening and not line.trouble, words=line.trouble)
        return {
            "well": all(part.well for part in parts.values()),
            "parts": {name: {"well": part.well, "words": part.words} for name, part in parts.items()},
        }

    def _door(self, gate: str, given: Mapping[str, Any]) -> dict[str, Any]:
        door = self._agent.doors.get(gate)
        if not isinstance(door, SimulatedDoor):
            raise UnknownGate(gate)
        door.failing = _truth(given, "failing")
        return {"gate": gate, "failing": door.failing}


def scan_from(gate: str, given: Mapping[str, Any]) -> Scan:
    """Read a scan from JSON. Raises ValueError or TypeError, saying what is wrong."""
    kind = _words(given, "kind", "CODE").upper()
    direction = _words(given, "direction", "in").lower()
    if kind not in Kind.__members__:
        raise ValueError(f"kind is one of {', '.join(Kind)}")
    if direction not in ("in", "out"):
        raise ValueError("direction is in or out")
    return Scan(
        gate=gate,
        kind=Kind(kind),
        direction=Direction(direction),
        text=_words(given, "code", ""),
        by=_words(given, "by", ""),
        why=_words(given, "why", ""),
        evidence=_words(given, "evidence", ""),
        temperature_c10=_tenths(given, "temperature_c10"),
        health=_words(given, "health", ""),
    )


def outcome_words(outcome: Outcome) -> dict[str, Any]:
    """Put an outcome in words for JSON: the verdict, its texts, its line in the journal, the times in milliseconds."""
    verdict = outcome.verdict
    chinese, english = TEXTS[verdict.reason]
    return {
        "gate": outcome.gate,
        "open": verdict.open,
        "reason": verdict.reason.value,
        "remark": verdict.remark.value if verdict.remark else None,
        "serial": None if verdict.serial is None else f"{verdict.serial:016x}",
        "holder": verdict.holder,
        "sequence": outcome.sequence,
        "snapshot_version": outcome.snapshot_version,
        "message": {"zh": chinese, "en": english},
        "ms": {
            "decide": round(outcome.decide_ms, 3),
            "journal": round(outcome.journal_ms, 3),
            "door": round(outcome.door_ms, 3),
        },
    }


def _words(given: Mapping[str, Any], name: str, otherwise: str) -> str:
    value = given.get(name, otherwise)
    if not isinstance(value, str) or len(value) > 4096:
        raise ValueError(f"{name} is a text of at most 4096 characters")
    return value


def _tenths(given: Mapping[str, Any], name: str) -> int | None:
    value = given.get(name)
    if value is not None and (type(value) is not int or not 200 <= value <= 500):
        raise ValueError(f"{name} is a temperature in tenths of a degree, 200 to 500")
    return value


def _truth(given: Mapping[str, Any], name: str) -> bool:
    value = given.get(name)
    if not isinstance(value, bool):
        raise TypeError(f"{name} is true or false")
    return value


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], answer: Callable[[str, str, dict[str, Any]], Answer]) -> None:
        self.answer = answer
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60
    server: _Server

    def do_GET(self) -> None:
        self._send(*self.server.answer("GET", self.path, {}))

    def do_POST(self) -> None:
        # Another page open in a browser on this machine must not be able to open doors.
        if self.headers.get_content_type() != "application/json":
            self._refuse(415, "UNSUPPORTED_MEDIA_TYPE", "send application/json")
            return
        length = self.headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()) or int(length) > _LARGEST_BODY:
            self._refuse(413, "TOO_LARGE", f"a body has a length of at most {_LARGEST_BODY}")
            return
        try:
            given = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            self._send(400, {"code": "BAD_JSON", "detail": "the body is not JSON"})
            return
        if not isinstance(given, dict):
            self._send(400, {"code": "BAD_JSON", "detail": "the body is a JSON object"})
            return
        self._send(*self.server.answer("POST", self.path, given))

    def _refuse(self, status: int, code: str, detail: str) -> None:
        self.close_connection = True
        self._send(status, {"code": code, "detail": detail})

    def _send(self, status: int, words: dict[str, Any]) -> None:
        body = json.dumps(words, ensure_ascii=False).encode("utf-8", "replace")
        self.send_response(status)
        self.send_header("content-type", "application/json; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a code in an address or a body is not for a log."""
