"""Couriers: each platform has its own, so that a slow or dead one delays no other, and none delays a check-in.

A courier takes what is due (`actions.claim_due`), sends it without holding a transaction, and writes down what came of it
(`actions.record_answers`). What may leave together leaves in one exchange: of one account, and never two messages about one subject.
All that matters is in the database: a courier may be killed at any step, and the next one asks the platform before it sends again.
"""

import queue
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import structlog
from django.db import DataError, InterfaceError, OperationalError, connection

from linli.server.connectors import actions
from linli.server.connectors.actions import Claim
from linli.server.connectors.protocol import Platform, Told
from linli.server.connectors.rules import LINK_FAILURES, ReportState, Verdict
from linli.server.kernel import clock

# Most of a hand's time is waiting: at three faults in ten a platform holds each for half a second.
HANDS = 64
LOOK_SECONDS = 0.5
GATHER_SECONDS = 0.05
TROUBLE_SECONDS = 1.0
RECORD_PAUSES = (0.2, 1.0, 3.0)
log = structlog.get_logger(__name__)

# One exchange: what was sent together, and what came back for each.
Heard = tuple[Sequence[Claim], Sequence[Told]]


@dataclass(slots=True)
class Breaker:
    """A circuit breaker on real time: after some failures in a row nothing is sent for a while, then one try decides."""

    failures_at_most: int = 5
    first_pause: float = 2.0
    longest_pause: float = 10.0
    seconds: Callable[[], float] = time.monotonic
    _failures: int = 0
    _pause: float = 0.0
    _open_until: float = 0.0
    _trying: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def room(self, *, free: int) -> int:
        """This will say how many of the free hands may send now: all, one to try with, or none."""
        with self._lock:
            if not self._pause:
                return free
            if self.seconds() < self._open_until:
                return 0
            # One try at a time: the next comes after its own pause, whatever becomes of this one.
            self._open_until = self.seconds() + self._pause
            self._trying = True
            return min(free, 1)

    def note_failure(self) -> bool:
        """This will count a failure of the link, and say whether the circuit has just opened."""
        with self._lock:
            self._failures += 1
            if self._failures < self.failures_at_most:
                return False
            opened = not self._pause
            if opened or self._trying:
                # What was already under way when the circuit opened fails too, and must not lengthen the pause.
                self._pause = self.first_pause if opened else min(self._pause * 2, self.longest_pause)
                self._open_until = self.seconds() + self._pause
                self._trying = False
            return opened

    def note_success(self) -> bool:
        """This will count an answer, and say whether that has just closed the circuit."""
        with self._lock:
            closed = self._pause > 0
            self._failures, self._pause, self._trying = 0, 0.0, False
            return closed


class Courier:
    """One platform's courier: a look-out that claims, hands that send, and a clerk who writes down what came of it."""

    def __init__(
        self,
        *,
        platform: Platform,
        hands: int = HANDS,
        breaker: Breaker | None = None,
        changed: Callable[[str], None] = lambda estate_id: None,
    ) -> None:
        """Take a platform; `changed` is told the estate of every report whose state changed."""
        self._platform = platform
        self._hands = hands
        self._breaker = breaker or Breaker()
        self._changed = changed
        self._bell = threading.Event()
        self._busy = 0
        self._count = threading.Lock()
        self._bag: queue.SimpleQueue[Sequence[Claim] | None] = queue.SimpleQueue()
        self._desk: queue.SimpleQueue[Heard | None] = queue.SimpleQueue()

    def ring(self) -> None:
        """This will make the courier look at once."""
        self._bell.set()

    def run(self, *, stop: threading.Event) -> None:
        """This will deliver until `stop` is set, and then finish what is in hand."""
        hands = [
            threading.Thread(target=self._tell_all, name=f"courier-{self._platform.name}-{number}")
            for number in range(self._hands)
        ]
        clerk = threading.Thread(target=self._write_all_down, name=f"courier-{self._platform.name}-clerk")
        for thread in (*hands, clerk):
            thread.start()
        try:
            while not stop.is_set():
                self._bell.clear()
                # Whoever looked and found something looks again soon, and not at once: then one look finds many.
                if self._look():
                    stop.wait(GATHER_SECONDS)
                else:
                    self._bell.wait(LOOK_SECONDS)
        finally:
            for _ in hands:
                self._bag.put(None)
            for hand in hands:
                hand.join()
            self._desk.put(None)
            clerk.join()
            connection.close()

    def deliver_one(self) -> ReportState | None:
        """This will deliver one due report in this thread, and return its new state, or None when nothing is due."""
        claims = actions.claim_due(platform=self._platform, limit=1, now=clock.now())
        return self._write_down([(claims, self._tell(claims))])[0] if claims else None

    def _look(self) -> bool:
        with self._count:
            free = self._hands - self._busy
        room = self._breaker.room(free=free) if free else 0
        if not room:
            return False
        try:
            claims = actions.claim_due(platform=self._platform, limit=room * self._platform.together, now=clock.now())
        except Exception as problem:
            # The database may be restarting: nothing is lost, the rows wait.
            log.warning("courier_paused", platform=self._platform.name, problem=type(problem).__name__)
            connection.close()
            time.sleep(TROUBLE_SECONDS)
            return False
        loads = list(_loads(claims, together=self._platform.together))
        with self._count:
            self._busy += len(loads)
        for load in loads:
            self._bag.put(load)
        return bool(loads)

    def _tell_all(self) -> None:
        """Be a hand: tell the platform one load after another, and lay what it answers on the clerk's desk."""
        while (load := self._bag.get()) is not None:
            answers: Sequence[Told] | None = None
            try:
                answers = self._tell(load)
            except Exception as problem:
                # The leases will end and the reports be asked about: never lost, only late.
                log.warning("delivery_broken", report=load[0].report_id, problem=type(problem).__name__)
            finally:
                # Some links look into the database as they speak; between two loads a hand holds no connection, for the pool is small.
                connection.close()
            if answers is None:
                self._free(1)
            else:
                self._desk.put((load, answers))

    def _write_all_down(self) -> None:
        """Be the clerk: write down whatever lies on the desk, all of it in one transaction."""
        while (first := self._desk.get()) is not None:
            heard = [first, *_at_once(self._desk)]
            try:
                self._write_down(heard)
            except Exception as problem:
                log.warning("delivery_broken", report=first[0][0].report_id, problem=type(problem).__name__)
            finally:
                connection.close()
                self._free(len(heard))

    def _free(self, hands: int) -> None:
        with self._count:
            self._busy -= hands
        self._bell.set()

    def _write_down(self, heard: Sequence[Heard]) -> list[ReportState | None]:
        claims = [claim for load, _ in heard for claim in load]
        states = _record(claims, [told for _, answers in heard for told in answers])
        for _, answers in heard:
            self._judge(answers)
        for estate_id in {claim.estate_id for claim, state in zip(claims, states, strict=True) if state is not None}:
            self._changed(estate_id)
        return states

    def _tell(self, load: Sequence[Claim]) -> Sequence[Told]:
        if load[0].ask_first:
            return [self._platform.ask(message=claim.message) for claim in load]
        return self._platform.send(messages=[claim.message for claim in load])

    def _judge(self, answers: Sequence[Told]) -> None:
        # One exchange is one sign of the link's health, however many messages were in it; a part that failed alone is no sign.
        if all(told.verdict in LINK_FAILURES for told in answers):
            failed = answers[0]
            if failed.verdict is Verdict.LOCKED_OUT and self._platform.own_accounts:
                # One operator's account is refused: that says nothing of the others'.
                return
            if self._breaker.note_failure():
                log.warning("link_failing", platform=self._platform.name, verdict=failed.verdict, status=failed.status)
                actions.note_failing(platform=self._platform.name, failing_with=failed.verdict, now=clock.now())
        elif any(told.verdict is not Verdict.NONSENSE for told in answers) and self._breaker.note_success():
            log.warning("link_working", platform=self._platform.name)
            actions.note_working(platform=self._platform.name, now=clock.now())


def _loads(claims: Sequence[Claim], *, together: int) -> Iterator[Sequence[Claim]]:
    # A question goes alone; what is sent goes with what has the same account.
    parcels: dict[str, list[Claim]] = {}
    for claim in claims:
        if claim.ask_first:
            yield [claim]
        else:
            parcels.setdefault(claim.account_id, []).append(claim)
    for parcel in parcels.values():
        for start in range(0, len(parcel), together):
            yield parcel[start : start + together]


def _at_once(desk: "queue.SimpleQueue[Heard | None]") -> Iterator[Heard]:
    # What lies there now; the word to stop is put back, for it is meant for the next look.
    while not desk.empty():
        heard = desk.get()
        if heard is None:
            desk.put(None)
            return
        yield heard


def _record(claims: Sequence[Claim], answers: Sequence[Told]) -> list[ReportState | None]:
    # A receipt in hand is worth some patience with a database that restarts; without it the lease would have to run out.
    for pause in RECORD_PAUSES:
        try:
            return actions.record_answers(claims=claims, answers=answers, luck=random.random, now=clock.now())
        except (OperationalError, InterfaceError):
            connection.close()
            time.sleep(pause)
        except (DataError, ValueError):
            # One answer does not fit our books, and must not keep the others out of them.
            return [state for pair in zip(claims, answers, strict=True) for state in _record_alone(*pair)]
    return actions.record_answers(claims=claims, answers=answers, luck=random.random, now=clock.now())


def _record_alone(claim: Claim, told: Told) -> list[ReportState | None]:
    try:
        return actions.record_answers(claims=[claim], answers=[told], luck=random.random, now=clock.now())
    except (DataError, ValueError) as problem:
        log.warning("answer_does_not_fit", report=claim.report_id, problem=type(problem).__name__)
        return [None]
