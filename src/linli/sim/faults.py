"""Faults on demand: what may go wrong between two parties, how often, and a count of what was done on purpose.

At most one fault is drawn for a request; latency is added to every request. Probabilities are between 0 and 1.

| fault            | what the client sees                                            | is the message in the books? |
|------------------|-----------------------------------------------------------------|------------------------------|
| `latency_ms`     | every answer comes later, by up to twice this (mean: this)       | as otherwise                 |
| `timeout`        | no answer for `timeout_s`, then 504                              | no                           |
| `http_500`       | 500                                                              | no                           |
| `lost_answer`    | the connection breaks in the middle of the answer                | yes                          |
| `duplicate`      | the answer that was given to the message before, once more       | yes                          |
| `nonsense`       | something that is no answer: HTML, half a JSON, a wrong type      | half of the time             |
| `pending`        | PENDING; it settles after `pending_s`                            | yes                          |
| `reject`         | REJECTED with MANUAL_REVIEW; `reject:CHECK_OUT` for one kind only | yes, as rejected             |
| `refuse_auth`    | 401 UNAUTHORISED, whatever the token                             | no                           |
| `expired_token`  | 401 TOKEN_EXPIRED: it was good a moment ago                      | no                           |
| `trickle`        | the answer, a few bytes at a time, over `trickle_s`              | yes                          |
| `deny`           | ACCEPTED with a receipt; asked later, it never heard of it       | no                           |
| `stray_receipt`  | ACCEPTED with the receipt of a message that nobody sent          | yes                          |
| `clock_offset_s` | its clock is wrong by this, before or after                      | judged by that clock         |
| `hit`            | `"hit": true` beside ACCEPTED, on top of any other fault          | as otherwise                 |
"""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock


class Fault(StrEnum):
    """What may go wrong with one request."""

    TIMEOUT = "timeout"
    HTTP_500 = "http_500"
    LOST_ANSWER = "lost_answer"
    DUPLICATE = "duplicate"
    NONSENSE = "nonsense"
    PENDING = "pending"
    REJECT = "reject"
    REFUSE_AUTH = "refuse_auth"
    EXPIRED_TOKEN = "expired_token"
    TRICKLE = "trickle"
    DENY = "deny"
    STRAY_RECEIPT = "stray_receipt"


# A rejection is about content and waits for a person to mend it; `--faults 0.05` means a bad wire, not bad content.
OF_THE_WIRE = (Fault.TIMEOUT, Fault.HTTP_500, Fault.LOST_ANSWER, Fault.DUPLICATE, Fault.NONSENSE, Fault.PENDING)
SECONDS = ("latency_ms", "timeout_s", "pending_s", "trickle_s", "clock_offset_s")
# What a question cannot suffer: it changes no books, so what concerns only messages passes it by.
OF_MESSAGES = (Fault.PENDING, Fault.REJECT, Fault.DUPLICATE, Fault.DENY, Fault.STRAY_RECEIPT)


class BadFaultPlan(ValueError):
    """The faults asked for are not a plan: an unknown name, a number out of range, or more than 1 in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPlan:
    """How often each fault happens, and how long the slow ones last."""

    latency_ms: float = 0.0
    timeout_s: float = 30.0
    pending_s: float = 2.0
    trickle_s: float = 10.0
    clock_offset_s: float = 0.0
    hit: float = 0.0
    chances: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, float]:
        """This will show the plan as one flat object, in the form that `plan_of` reads."""
        return {
            "latency_ms": self.latency_ms,
            "timeout_s": self.timeout_s,
            "pending_s": self.pending_s,
            "trickle_s": self.trickle_s,
            "clock_offset_s": self.clock_offset_s,
            "hit": self.hit,
            **self.chances,
        }


def plan_of(wishes: Mapping[str, object]) -> FaultPlan:
    """This will make a plan of names and numbers; `all` is shared by the faults of the wire; raises BadFaultPlan."""
    numbers = {name: _number(name=name, value=value) for name, value in wishes.items()}
    chances: dict[str, float] = {}
    if "all" in numbers:
        share = numbers.pop("all") / len(OF_THE_WIRE)
        chances.update({fault.value: share for fault in OF_THE_WIRE})
    durations = {name: numbers.pop(name) for name in SECONDS if name in numbers}
    hit = numbers.pop("hit", 0.0)
    for name, chance in numbers.items():
        if name.partition(":")[0] not in set(Fault) or (":" in name and not name.startswith("reject:")):
            raise BadFaultPlan(f"unknown fault: {name}")
        chances[name] = chance
    if (
        sum(chance for name, chance in chances.items() if ":" not in name) > 1 + 1e-9
        or max([*chances.values(), hit]) > 1
    ):
        raise BadFaultPlan("the chances of all faults add up to more than 1")
    return FaultPlan(**durations, hit=hit, chances=chances)


def plan_in(text: str) -> FaultPlan:
    """This will read a plan written as `timeout=0.01,pending=0.1,latency_ms=200`, or raise BadFaultPlan."""
    wishes: dict[str, object] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, value = part.partition("=")
        if not equals:
            raise BadFaultPlan(f"not name=number: {part}")
        wishes[name.strip()] = value.strip()
    return plan_of(wishes)


class FaultInjector:
    """This will draw faults by a plan that can change at any time; the same seed gives the same draws."""

    def __init__(self, *, plan: FaultPlan, seed: int) -> None:
        """Start with a plan and a seed."""
        self.plan = plan
        self._dice = random.Random(seed)
        self._injected: Counter[str] = Counter()
        self._lock = Lock()

    def change(self, *, plan: FaultPlan) -> None:
        """This will draw by another plan from now on; the counts go on."""
        self.plan = plan

    def draw(self, *, kind: str | None = None) -> Fault | None:
        """This will draw at most one fault for a request (`kind` of message, or None for a question), and count it."""
        with self._lock:
            fault = self._drawn(kind=kind)
            if fault is not None:
                self._injected[fault.value] += 1
            return fault

    def latency_s(self) -> float:
        """This will draw how much later this answer comes, in seconds."""
        if not self.plan.latency_ms:
            return 0.0
        with self._lock:
            return self._dice.uniform(0, 2 * self.plan.latency_ms) / 1000

    def hits(self) -> bool:
        """This will draw whether the register of wanted people has this person, by chance."""
        if not self.plan.hit:
            return False
        with self._lock:
            return self._dice.random() < self.plan.hit

    def toss(self) -> bool:
        """This will toss a coin."""
        with self._lock:
            return self._dice.random() < 0.5

    def injected(self) -> dict[str, int]:
        """This will count what was injected since the start, by fault."""
        with self._lock:
            return {fault.value: self._injected[fault.value] for fault in Fault}

    def _drawn(self, *, kind: str | None) -> Fault | None:
        chances = self.plan.chances
        if kind is not None and self._dice.random() < chances.get(f"reject:{kind}", 0.0):
            return Fault.REJECT
        point = self._dice.random()
        for fault in Fault:
            point -= chances.get(fault.value, 0.0)
            if point < 0:
                return fault if kind is not None or fault not in OF_MESSAGES else None
        return None


def _number(*, name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadFaultPlan(f"not a number: {name}")
    try:
        number = float(value)
    except ValueError:
        raise BadFaultPlan(f"not a number: {name}={value}") from None
    if not (-1_000_000 if name == "clock_offset_s" else 0) <= number <= 1_000_000:
        raise BadFaultPlan(f"out of range: {name}={value}")
    return number
