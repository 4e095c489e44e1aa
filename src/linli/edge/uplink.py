"""The line to the server: deltas down, receipts and journal up. It may be cut for days; nothing at a door waits for it.

Threads: one listens to the wake-up stream, one pulls deltas and sends receipts, one pushes the journal; a box with terminals
or cameras has two more, for what is told of them and for what it is asked to do.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from linli.edge.agent import Agent
from linli.edge.clock import TrustedClock
from linli.edge.enrolment import Enrolment
from linli.edge.errands import Errands
from linli.edge.store import JournalStore, StoreFailed
from linli.gate import wire
from linli.gate.journal import Gap
from linli.gate.snapshot import Delta, WrongEstate

BATCH_LINES = 2000
POLL_S, POLL_DEAF_S = 60.0, 5.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 30.0
_LINGER_S = 0.02
_LARGEST_ANSWER = 64 * 1024 * 1024
_STREAM_SILENCE_S = 45.0
_STREAM_STOOD_S = 5.0
_log = logging.getLogger("linli.gate")


class Unreachable(Exception):
    """The server cannot be reached, or does not answer as a server of ours would."""


class Unknown(Unreachable):
    """The server has no such route: it is older than this box."""


class CableOut(Unreachable):
    """Somebody pulled the cable on purpose."""


class BackOff:
    """Waits that double up to half a minute, each shortened at random so that boxes do not come back as one."""

    def __init__(self, *, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._failures = 0

    def fail(self) -> float:
        """Count a failure and say how long to wait (s)."""
        longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return longest * (0.5 + 0.5 * self._chance())

    def succeed(self) -> None:
        """Start again from the shortest wait."""
        self._failures = 0


@dataclass(slots=True)
class LineState:
    """How the line stands, for people."""

    reached_at: float | None = None
    listening: bool = False
    trouble: str = ""
    announced: int = 0
    receipted: int = -1
    sent: int = 0


class Uplink:
    """One box's line. `cable` can be pulled by hand, for drills and tests."""

    def __init__(
        self,
        *,
        enrolment: Enrolment,
        agent: Agent,
        journal: JournalStore,
        clock: TrustedClock,
        client: httpx.Client | None = None,
        errands: Errands | None = None,
    ) -> None:
        self.cable = threading.Event()
        self.cable.set()
        self.state = LineState()
        self._gates = enrolment.gates
        self._agent, self._journal, self._clock = agent, journal, clock
        self._client = client or _client_for(enrolment)
        self._stopping = threading.Event()
        self._pull, self._push = threading.Event(), threading.Event()
        self._run_errands, self._obey = threading.Event(), threading.Event()
        self._errands = errands
        self._receipting = threading.Lock()
        self._receipted: dict[str, int] = {}
        self._start_over = self._greeted = False
        self._offered: set[Gap] = set()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to talk to the server, on threads of its own."""
        self._agent.on_event = self._push.set
        works: list[tuple[Callable[[], None], threading.Event | None, str]] = [
            (self.listen, None, "listen"),
            (self.pull, self._pull, "pull"),
            (self.push, self._push, "push"),
        ]
        if self._errands is not None:
            self._errands.on_change(self._run_errands.set)
            works += [(self.run_errands, self._run_errands, "errands"), (self.obey, self._obey, "obey")]
        for work, wake, name in works:
            thread = threading.Thread(target=self._repeat, args=(work, wake), name=f"uplink-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Hang up; what is unsent stays on the disk."""
        self._stopping.set()
        for wake in self._wakes:
            wake.set()
        self.cable.set()
        self._client.close()
        # The listener may sit in a read that nothing interrupts; it writes nothing and dies with the process.
        for thread in self._threads[1:]:
            thread.join(timeout=3)

    def pull_cable(self, *, online: bool) -> None:
        """Take the cable out or put it back; back in, everything is tried at once."""
        if online:
            self.cable.set()
            for wake in self._wakes:
                wake.set()
        else:
            self.cable.clear()

    def listen(self) -> None:
        """Hold the wake-up stream until it breaks. Raises Unreachable if it never really stood."""
        self._check_cable()
        timeout = httpx.Timeout(10.0, read=_STREAM_SILENCE_S)
        started = time.monotonic()
        try:
            with self._client.stream("GET", "/api/stream/gate", timeout=timeout) as answer:
                _check(answer)
                # Whatever was announced before the stream stood is asked for.
                self.state.listening = True
                self._pull.set()
                self._hear(answer)
            ending = "ended"
        except (httpx.HTTPError, httpx.StreamError) as problem:
            ending = f"{type(problem).__name__}: {problem}"
        finally:
            self.state.listening = False
        if time.monotonic() - started < _STREAM_STOOD_S:
            raise Unreachable(f"stream: {ending}")

    def pull(self) -> None:
        """Fetch what is new until there is no more, and send receipts. Raises Unreachable, BadMessage or StoreFailed."""
        while not self._stopping.is_set():
            start_over, self._start_over = self._start_over, False
            before = self._agent.snapshot.version
            try:
                delta = self._fetch(since=0 if start_over else before)
                if start_over:
                    self._replace_list(delta)
                elif delta.until < before:
                    # The server was set back (a backup was restored): its word counts, from the beginning.
                    _log.warning("the server stands at %d, behind this box's %d: starting over", delta.until, before)
                    self._start_over = True
                    continue
                else:
                    self._agent.take(delta)
            except Exception:
                self._start_over = self._start_over or start_over
                raise
            if self._errands is not None:
                # What the list no longer lets live is gone from here before anybody is told that it is.
                self._errands.follow(delta)
                self._run_errands.set()
                self._obey.set()
            self._send_receipt()
            version = self._agent.snapshot.version
            if version >= self.state.announced or version == before:
                return

    def push(self) -> None:
        """Send the journal until all of it is with the server. Raises Unreachable, BadMessage or StoreFailed."""
        while not self._stopping.is_set():
            # The first batch is empty: its answer says where the server stands with each gate, and so whether this
            # box lost its history, before a line goes up under a number that is taken.
            rows = self._journal.unsent(limit=BATCH_LINES) if self._greeted else []
            if not rows and self._greeted:
                return
            body = wire.encode_journal(row.line for row in rows)
            answer = self._ask("POST", "/api/gate/journal", body=body, kind=wire.JOURNAL_TYPE)
            receipt = wire.decode_journal_receipt(answer)
            moved = self._journal.acknowledge(rows=rows, receipt=receipt)
            self._offer_again(receipt)
            for broken in receipt.broken:
                _log.error("the server refuses %s %d: %s", broken.gate, broken.sequence, broken.why)
            self._greeted = True
            self.state.sent += moved
            if rows and not moved:
                raise Unreachable("journal: the server took none of the lines")

    def run_errands(self) -> None:
        """Tell what the terminals told, and receipt what they confirmed meanwhile. Raises Unreachable, BadMessage or StoreFailed."""
        if self._errands is not None:
            self._send_receipt()
            self._errands.run(self._ask_if_known)

    def obey(self) -> None:
        """Do what the server asks of this box. Raises Unreachable or BadMessage."""
        if self._errands is not None:
            self._errands.obey(self._ask_if_known)

    @property
    def _wakes(self) -> tuple[threading.Event, ...]:
        return self._pull, self._push, self._run_errands, self._obey

    def _repeat(self, work: Callable[[], None], wake: threading.Event | None) -> None:
        back_off = BackOff()
        while not self._stopping.is_set():
            if wake is not None:
                wake.clear()
            try:
                work()
            except CableOut:
                self.cable.wait()
                continue
            except (Unreachable, wire.BadMessage, WrongEstate, StoreFailed, httpx.HTTPError, RuntimeError) as problem:
                if self._stopping.is_set():
                    return
                self._complain(problem)
                self._stopping.wait(back_off.fail())
                continue
            except Exception:
                # The line must never die of a mistake of ours: it complains, waits and goes on.
                _log.exception("uplink")
                self._stopping.wait(back_off.fail())
                continue
            back_off.succeed()
            if wake is not None and wake.wait(POLL_S if self.state.listening else POLL_DEAF_S):
                self._stopping.wait(_LINGER_S if wake is self._push else 0)

    def _hear(self, answer: httpx.Response) -> None:
        event, lines = "", []
        for line in answer.iter_lines():
            self._check_cable()
            if self._stopping.is_set():
                return
            if line.startswith("event:"):
                event = line[6:].strip()
            elif line.startswith("data:"):
                lines.append(line[5:].strip())
            elif not line:
                self._heard(event, "\n".join(lines))
                event, lines = "", []

    def _heard(self, event: str, words: str) -> None:
        if event == "snapshot":
            self.state.announced = max(self.state.announced, wire.decode_announcement(words))
            self._pull.set()
        elif event == "resync":
            self._start_over = True
            self.state.announced = 0
            self._pull.set()
        elif event == "command":
            self._obey.set()
        elif event == "terminals" and self._errands is not None:
            self._errands.look_again()
            self._run_errands.set()

    def _fetch(self, *, since: int) -> Delta:
        started = time.monotonic()
        delta = wire.decode_delta(self._ask("GET", f"/api/gate/delta?since={since}"))
        self._clock.hear(server_time=delta.made_at, took_s=time.monotonic() - started)
        return delta

    def _replace_list(self, delta: Delta) -> None:
        if delta.since != 0 or not delta.keys:
            raise wire.BadMessage("a list from the beginning starts at 0 and brings its keys")
        self._agent.start_over(delta)
        with self._receipting:
            self._receipted, self.state.receipted = {}, -1

    def _send_receipt(self) -> None:
        """Say of each gate by which version it decides: with terminals, only by what they have confirmed."""
        with self._receipting:
            version = self._agent.snapshot.version
            if self._errands is not None and not self._errands.is_followed(version):
                return
            ready: dict[int, list[str]] = {}
            for gate in self._gates:
                settled = self._errands.settled(gate) if self._errands is not None else None
                stands = version if settled is None else min(version, settled)
                if stands != self._receipted.get(gate, -1) and (stands or settled is None):
                    ready.setdefault(stands, []).append(gate)
            for stands, gates in sorted(ready.items()):
                receipt = wire.Receipt(version=stands, gates=tuple(gates), applied_at=self._clock.read().now)
                self._ask("POST", "/api/gate/receipts", body=wire.encode_receipt(receipt), kind="application/json")
                self._receipted.update(dict.fromkeys(gates, stands))
            self.state.receipted = min(self._receipted.get(gate, -1) for gate in self._gates)

    def _ask_if_known(self, method: str, path: str, body: bytes | None = None) -> bytes | None:
        """Ask what an older server does not know; None then."""
        try:
            return self._ask(method, path, body=body, kind="application/json" if body is not None else "")
        except Unknown:
            return None

    def _offer_again(self, receipt: wire.JournalReceipt) -> None:
        """Send again what the server misses and this box still has; once, lest a line both refuse goes round for ever."""
        for gap in receipt.gaps:
            if gap not in self._offered and gap.gate in self._gates and self._journal.holds(gap):
                self._offered.add(gap)
                self._journal.resend(gate=gap.gate, first=gap.first)

    def _ask(self, method: str, path: str, *, body: bytes | None = None, kind: str = "") -> bytes:
        self._check_cable()
        headers = {"content-type": kind} if kind else {}
        try:
            with self._client.stream(method, path, content=body, headers=headers) as answer:
                _check(answer)
                raw = bytearray()
                for piece in answer.iter_bytes():
                    raw += piece
                    if len(raw) > _LARGEST_ANSWER:
                        raise Unreachable(f"{path}: an answer without end")
        except (httpx.HTTPError, httpx.StreamError) as problem:
            raise Unreachable(f"{path}: {type(problem).__name__}: {problem}") from problem
        self.state.reached_at, self.state.trouble = time.monotonic(), ""
        return bytes(raw)

    def _check_cable(self) -> None:
        if not self.cable.is_set():
            raise CableOut

    def _complain(self, problem: Exception) -> None:
        words = f"{type(problem).__name__}: {problem}"[:300]
        if words != self.state.trouble:
            _log.warning("uplink: %s", words)
        self.state.trouble = words


def _check(answer: httpx.Response) -> None:
    if answer.status_code == 404:
        raise Unknown(f"{answer.request.url.path}: the server does not know that")
    if answer.status_code not in (200, 204):
        raise Unreachable(f"{answer.request.url.path}: the server answers {answer.status_code}")


def _client_for(enrolment: Enrolment) -> httpx.Client:
    return httpx.Client(
        base_url=enrolment.server,
        headers={"authorization": f"Bearer {enrolment.token}", "user-agent": f"linli-gate/{wire.WIRE_VERSION}"},
        timeout=httpx.Timeout(15.0, connect=5.0),
        # A box talks to its own server and to nobody else; a proxy of the environment is none of its business.
        trust_env=False,
    )
