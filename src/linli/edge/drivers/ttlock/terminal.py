"""A lock on a flat's door, reached through its maker's cloud: it holds PINs, and tells what happened when it can.

Tried against our simulator only. Cards and faces stay with the gates; from the inside the door always opens by its handle.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from linli.edge.doors import DoorFailed, Health
from linli.edge.drivers.bounded import DeviceAway, DeviceBusy, NotTaken
from linli.edge.drivers.rounds import FIRST_PAUSE_S, Rounds
from linli.edge.drivers.ttlock import codes, records
from linli.edge.drivers.ttlock.cloud import BY_RADIO_S, CloudRefused, Records, TtlockCloud
from linli.edge.drivers.ttlock.codes import NotToBeHad
from linli.edge.drivers.ttlock.lockcodes import IssuedCode, LockCodes
from linli.edge.drivers.ttlock.records import NotARecord, Record
from linli.edge.drivers.wishes import Wish, Wishes
from linli.edge.terminals import Alarm, Limits, Person, Told
from linli.gate.hours import Slot

LOOK_BACK = timedelta(hours=72)
OVERLAP = timedelta(hours=1)
SWEEP_S = 6 * 3600.0
CLOCK_S = 3600.0
SETTLE_S = 60.0  # after a lost answer; a gateway gives up sooner
SET_CLOCK_FROM_S = 30.0  # the maker's own threshold
# Later than this after it happened, a record says how long the lock was not heard, and not how wrong its clock is.
_PROMPT = timedelta(minutes=10)
_MOST_SEEN = 5000
_PAGE = 100
_MOST_PAGES = 200
_log = logging.getLogger("linli.gate")


def _this_clock() -> datetime:
    return datetime.now(UTC)


class TtlockTerminal:
    """One lock at one gate. The cloud is shared by the locks of an account."""

    def __init__(
        self,
        *,
        gate: str,
        cloud: TtlockCloud,
        lock_id: int,
        now: Callable[[], datetime] = _this_clock,
        every_s: float = 60.0,
        first_pause_s: float = FIRST_PAUSE_S,
        settle_s: float = SETTLE_S,
    ) -> None:
        self.gate = gate
        self.limits = Limits(page=_PAGE, ways=frozenset({"PIN"}))
        self._cloud, self._lock_id, self._now, self._every_s = cloud, lock_id, now, every_s
        self._wishes = Wishes()
        self._rounds = Rounds(
            name=f"ttlock {gate}",
            turn=self._turn,
            lost=self._lose,
            stirred=self._wishes.stirred,
            every_s=every_s,
            first_pause_s=first_pause_s,
        )
        self._codes = LockCodes(cloud=cloud, lock_id=lock_id, now=now, settle_s=settle_s)
        self._told: Told | None = None
        self._hearing = threading.Lock()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._met = self._known_gateway = False
        self._look_at = self._clock_at = self._sweep_at = float("-inf")
        self._pulled_to: datetime | None = None

    def start(self, told: Told) -> None:
        """Begin to speak with the cloud."""
        self._told = told
        self._cloud.join(self._lock_id, self._hear)
        self._rounds.start()

    def stop(self) -> None:
        """Stop, leaving the lock as it is."""
        self._cloud.leave(self._lock_id)
        self._rounds.stop()

    def put(self, people: Iterable[Person]) -> None:
        """Have these persons' PINs on the lock."""
        self._wishes.put(people)

    def drop(self, numbers: Iterable[int]) -> None:
        """Have these numbers' PINs off the lock."""
        self._wishes.drop(numbers)

    def read_back(self) -> None:
        """Have the lock's list read."""
        self._wishes.read_back()

    def health(self) -> Health:
        """Say whether the cloud, and the lock behind it, answer."""
        return self._rounds.health()

    def open(self, *, seconds: int | None) -> None:
        """Unlock through the gateway, for the lock's own time. Raises DoorFailed."""
        if self._known_gateway and not self._codes.has_gateway:
            raise DoorFailed("this lock has no gateway: it opens by a PIN, or from the inside")
        self._strike("/v3/lock/unlock")

    def release(self) -> None:
        """Lock again. Raises DoorFailed."""
        self._strike("/v3/lock/lock")

    def issue_code(self, *, label: str, start: datetime, end: datetime, hours: tuple[Slot, ...] = ()) -> IssuedCode:
        """Have a code made up that works without a gateway. Raises DeviceAway, CloudRefused or NotToBeHad."""
        return self._codes.issue(label=label, start=start, end=end, hours=hours)

    def _turn(self) -> None:
        try:
            self._go_round()
        except CloudRefused as refusal:
            raise DeviceAway(f"the cloud refuses: {refusal}") from None

    def _go_round(self) -> None:
        # What the cloud knows is read even while the lock cannot be reached.
        if time.monotonic() >= self._look_at:
            self._look()
        if not self._met:
            self._meet()
        while batch := self._wishes.take(coming=1, leaving=1):
            self._fulfil(batch[0])
        if self._wishes.take_reading():
            self._read()
        if self._codes.has_gateway and time.monotonic() >= self._clock_at:
            self._compare_clocks()

    def _lose(self, problem: DeviceAway) -> None:
        if isinstance(problem, DeviceBusy):
            return
        self._met = False
        if self._told is not None:
            self._told.alarm(Alarm.OFFLINE, True, str(problem))

    def _look(self) -> None:
        assert self._told is not None
        detail = self._ask("/v3/lock/detail")
        gateways = self._ask("/v3/gateway/listByLock").get("list")
        self._codes.has_gateway, self._known_gateway = bool(gateways), True
        self._told.seen(str(detail.get("modelNum", "") or detail.get("lockName", ""))[:80])
        self._weigh(detail.get("electricQuantity"))
        if self._pulled_to is None:
            self._codes.read()
        self._pull()
        self._look_at = time.monotonic() + self._every_s

    def _meet(self) -> None:
        assert self._told is not None
        self._codes.read()
        if self._codes.has_gateway:
            self._compare_clocks()
        self._told.alarm(Alarm.OFFLINE, False)
        self._met = True

    def _compare_clocks(self) -> None:
        """Ask the lock what time it is, which only works when gateway and lock are there, and set it when it is wrong."""
        assert self._told is not None
        lock_time = self._lock_time()
        self._told.clock(lock_time)
        if abs((lock_time - self._now()).total_seconds()) > SET_CLOCK_FROM_S:
            self._ask("/v3/lock/updateDate")
            self._told.clock(self._lock_time())
        self._clock_at = time.monotonic() + CLOCK_S

    def _lock_time(self) -> datetime:
        try:
            return codes.from_ms(self._ask("/v3/lock/queryDate").get("date"))
        except (ValueError, OverflowError, OSError):
            raise DeviceAway("the lock tells no time") from None

    def _fulfil(self, wish: Wish) -> None:
        assert self._told is not None
        try:
            if wish.person is None:
                self._codes.remove([wish.number])
                self._told.dropped(wish.number)
            else:
                self._codes.bring(wish.person)
                self._told.put(wish.number, wish.person.checksum)
        except NotToBeHad as problem:
            self._told.failed(wish.number, problem.trouble, str(problem))
        except BaseException:
            self._wishes.keep([wish])
            raise

    def _read(self) -> None:
        assert self._told is not None
        try:
            found = self._codes.read()
        except DeviceAway:
            self._wishes.read_back()
            raise
        now = self._now()
        foreign = sum(code.number is None and code.window.end > now for code in found)
        words = f"{foreign} codes on the lock are not ours" if foreign else ""
        self._told.alarm(Alarm.SETTING, foreign > 0, words)
        self._told.listing({code.number: code.checksum(now=now) for code in found if code.number is not None})

    def _pull(self) -> None:
        """Read what the cloud has of the lock since last time; now and then further back, for a lock was away too."""
        now = self._now()
        sweep = self._pulled_to is None or time.monotonic() >= self._sweep_at
        since = now - LOOK_BACK if sweep or self._pulled_to is None else self._pulled_to - OVERLAP
        for page in range(1, _MOST_PAGES + 1):
            told = self._ask(
                "/v3/lockRecord/list",
                startDate=codes.to_ms(since),
                endDate=codes.to_ms(now + timedelta(days=1)),
                pageNo=page,
                pageSize=_PAGE,
            )
            rows = told.get("list")
            if not isinstance(rows, list):
                raise DeviceAway("the cloud does not give the lock's records")
            self._take([row for row in rows if isinstance(row, dict)])
            pages = told.get("pages", 1)
            if not rows or not isinstance(pages, int) or page >= pages:
                break
        self._pulled_to = now
        if sweep:
            self._sweep_at = time.monotonic() + SWEEP_S

    def _hear(self, rows: Records) -> None:
        """Take a callback, on the listener's thread; returns once all of it is safe."""
        assert self._told is not None
        self._told.seen()
        taken = self._take(rows)
        if taken:
            self._judge_clock(max(taken, key=lambda record: record.at))
            weighed = [record.battery for record in taken if record.battery is not None]
            self._weigh(weighed[-1] if weighed else None)

    def _take(self, rows: Records) -> list[Record]:
        assert self._told is not None
        taken = []
        for row in rows:
            try:
                record = records.record_from(row)
            except NotARecord as problem:
                _log.warning("ttlock %s: a record is unreadable: %s", self.gate, problem)
                continue
            taken.append(record)
        for record in sorted(taken, key=lambda record: record.at):
            with self._hearing:
                self._tell_once(record)
        return taken

    def _tell_once(self, record: Record) -> None:
        assert self._told is not None
        if record.name in self._seen:
            return
        # Our own openings are in the agent's journal already, with who and why.
        ours = record.kind == records.GATEWAY_UNLOCK and record.username in ("", self._cloud.account.username)
        passage = None if ours else record.passage(self._codes.find)
        try:
            if passage is not None:
                self._told.passage(passage)
            for alarm, on in record.alarms():
                self._told.alarm(alarm, on)
        except Exception as problem:
            raise NotTaken(f"a record could not be written down ({type(problem).__name__})") from problem
        self._seen[record.name] = None
        if len(self._seen) > _MOST_SEEN:
            self._seen.popitem(last=False)

    def _judge_clock(self, newest: Record) -> None:
        """The newest record of a callback came at once, so the lock's time and the cloud's differ by the lock's error."""
        assert self._told is not None
        if newest.server_at is not None and abs(newest.server_at - newest.at) < _PROMPT:
            self._told.clock(self._now() + (newest.at - newest.server_at))

    def _weigh(self, percent: object) -> None:
        assert self._told is not None
        if isinstance(percent, int) and not isinstance(percent, bool):
            self._told.alarm(Alarm.LOW_BATTERY, percent < records.WEAK_PERCENT, f"{percent} %")

    def _strike(self, path: str) -> None:
        try:
            self._cloud.call(path, lockId=self._lock_id)
        except (DeviceAway, CloudRefused) as problem:
            raise DoorFailed(str(problem)) from None

    def _ask(self, path: str, **words: object) -> dict[str, Any]:
        return self._cloud.call(path, within_s=BY_RADIO_S, lockId=self._lock_id, **words)
