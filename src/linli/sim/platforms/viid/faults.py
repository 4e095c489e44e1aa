"""Faults of a view library on demand: which, how often, for which requests, and a count of what was done on purpose.

At most one fault is drawn for a request. Each may be narrowed to one word of the path: `timeout:Faces=1`.

| fault          | what the peer sees                                                  | is it in the books?      |
|----------------|---------------------------------------------------------------------|--------------------------|
| `refuse_auth`  | Register is refused, however right the answer to the challenge      | no                       |
| `stale_nonce`  | Register: the nonce has expired, `stale=true` and another one       | no                       |
| `forget`       | its registration is forgotten: 401 and a new challenge              | no                       |
| `item_error`   | each single item of a list may be answered with `item_code` (8)     | the others               |
| `timeout`      | no answer for `timeout_s`, then 504                                 | yes: it was accepted     |
| `unheard`      | no answer for `timeout_s`, then 504                                 | no                       |
| `http_500`     | 500                                                                 | no                       |
| `lost_answer`  | the connection breaks in the middle of the answer                   | yes                      |
| `duplicate`    | the answer that was given to another request                        | yes                      |
| `reboot`       | status 9 for the whole                                              | no                       |
| `busy`         | status 2 for the whole                                              | no                       |
| `nonsense`     | something that is no answer: HTML, half a JSON, a code nobody knows | half of the time         |
| `trickle`      | the answer comes a few bytes at a time, over `trickle_s`            | yes                      |
| `latency_ms`   | every answer comes later, by up to twice this                       | as otherwise             |
| `clock_offset_s` | the peer's clock is wrong by this much, in every time it tells    | as otherwise             |
"""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock

from linli.sim.faults import BadFaultPlan


class ViidFault(StrEnum):
    """What may go wrong with one request."""

    REFUSE_AUTH = "refuse_auth"
    STALE_NONCE = "stale_nonce"
    FORGET = "forget"
    TIMEOUT = "timeout"
    UNHEARD = "unheard"
    HTTP_500 = "http_500"
    LOST_ANSWER = "lost_answer"
    DUPLICATE = "duplicate"
    REBOOT = "reboot"
    BUSY = "busy"
    NONSENSE = "nonsense"
    TRICKLE = "trickle"


ITEM = "item_error"
OF_REGISTERING = (ViidFault.REFUSE_AUTH, ViidFault.STALE_NONCE)
OF_THE_WIRE = tuple(fault for fault in ViidFault if fault not in OF_REGISTERING)
NUMBERS: Mapping[str, float] = {
    "latency_ms": 0.0,
    "timeout_s": 30.0,
    "trickle_s": 10.0,
    "item_code": 8.0,
    "clock_offset_s": 0.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ViidPlan:
    """How often each fault happens, and the numbers that belong to them."""

    numbers: Mapping[str, float] = field(default_factory=lambda: NUMBERS)
    chances: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, float]:
        """This will show the plan as one flat object, in the form that `viid_plan` reads."""
        return {**self.numbers, **self.chances}


def viid_plan(wishes: Mapping[str, object]) -> ViidPlan:
    """This will make a plan of names and numbers; `all` is shared by the faults of the wire; raises BadFaultPlan."""
    told = {name: _number(name=name, value=value) for name, value in wishes.items()}
    chances: dict[str, float] = {}
    if "all" in told:
        share = told.pop("all") / len(OF_THE_WIRE)
        chances.update({fault.value: share for fault in OF_THE_WIRE})
    numbers = {**NUMBERS, **{name: told.pop(name) for name in NUMBERS if name in told}}
    for name, chance in told.items():
        if name.partition(":")[0] not in {*ViidFault, ITEM}:
            raise BadFaultPlan(f"unknown fault: {name}")
        if not 0 <= chance <= 1:
            raise BadFaultPlan(f"not a chance between 0 and 1: {name}")
        chances[name] = chance
    if sum(chance for name, chance in chances.items() if ":" not in name and name != ITEM) > 1 + 1e-9:
        raise BadFaultPlan("the chances of all faults add up to more than 1")
    return ViidPlan(numbers=numbers, chances=chances)


def viid_plan_in(text: str) -> ViidPlan:
    """This will read a plan written as `timeout:Faces=0.01,reboot=0.1,latency_ms=200`, or raise BadFaultPlan."""
    pieces = [piece.strip().partition("=") for piece in text.split(",") if piece.strip()]
    for name, equals, _ in pieces:
        if not equals:
            raise BadFaultPlan(f"not name=number: {name}")
    return viid_plan({name.strip(): value.strip() for name, _, value in pieces})


class ViidFaults:
    """This will draw faults by a plan that can change at any time; the same seed gives the same draws."""

    def __init__(self, *, plan: ViidPlan, seed: int) -> None:
        """Start with a plan and a seed."""
        self.plan = plan
        self._dice = random.Random(seed)
        self._injected: Counter[str] = Counter()
        self._lock = Lock()

    def draw(self, *, word: str) -> ViidFault | None:
        """This will draw at most one fault for a request about `word` (Register, Keepalive, Faces …), and count it."""
        with self._lock:
            point = self._dice.random()
            for fault in ViidFault:
                if fault in OF_REGISTERING and word != "Register":
                    continue
                point -= self.plan.chances.get(f"{fault}:{word}", self.plan.chances.get(fault.value, 0.0))
                if point < 0:
                    self._injected[fault.value] += 1
                    return fault
        return None

    def item_code(self, *, word: str) -> int:
        """This will draw the status of one sound item: 0, or the code of an item error."""
        chance = self.plan.chances.get(f"{ITEM}:{word}", self.plan.chances.get(ITEM, 0.0))
        if not chance:
            return 0
        with self._lock:
            if self._dice.random() >= chance:
                return 0
            self._injected[ITEM] += 1
        return int(self.plan.numbers["item_code"])

    def latency_s(self) -> float:
        """This will draw how much later this answer comes, in seconds."""
        with self._lock:
            return self._dice.uniform(0, 2 * self.plan.numbers["latency_ms"]) / 1000

    def toss(self) -> bool:
        """This will toss a coin."""
        with self._lock:
            return self._dice.random() < 0.5

    def injected(self) -> dict[str, int]:
        """This will count what was injected since the start, by fault."""
        with self._lock:
            return {name: self._injected[name] for name in (*(fault.value for fault in ViidFault), ITEM)}


def _number(*, name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadFaultPlan(f"not a number: {name}")
    try:
        number = float(value)
    except ValueError:
        raise BadFaultPlan(f"not a number: {name}={value}") from None
    if not -1_000_000 <= number <= 1_000_000 or (number < 0 and name != "clock_offset_s"):
        raise BadFaultPlan(f"out of range: {name}={value}")
    return number
