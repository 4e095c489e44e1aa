"""What a peer did towards us: every request with its answer, in order, and the questions a judge asks of them."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from linli.sim.platforms.viid import codes, ids
from linli.sim.platforms.viid.dialects import Reading
from linli.sim.platforms.viid.library import Answer, Asked

UPLOADS = {kind.path: kind for kind in (codes.FACE, codes.PERSON, codes.IMAGE, codes.NOTIFICATION)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request of the peer and what we answered."""

    at: float  # monotonic seconds
    now: datetime
    asked: Asked
    answer: Answer
    numbers: tuple[str, ...] = ()  # of the objects it carried, in order
    taken: tuple[str, ...] = ()  # of those that were answered with 0
    subscriptions: tuple[str, ...] = ()  # for which it notified us
    dialect: str = ""

    @property
    def word(self) -> str:
        """This will name what it was about."""
        return self.asked.word

    @property
    def heard(self) -> bool:
        """This will tell whether we took it, as a whole."""
        return self.answer.status == 200 and self.answer.code in (codes.OK, codes.BAD_CONTENT, codes.INVALID_OPERATION)


@dataclass(slots=True, kw_only=True)
class Watch:
    """The log of a run; whoever waits is woken by every exchange."""

    exchanges: list[Exchange] = field(default_factory=list)
    _woken: threading.Condition = field(default_factory=threading.Condition)

    def keep(self, *, asked: Asked, answer: Answer, now: datetime) -> None:
        """This will add an exchange."""
        exchange = read_exchange(asked=asked, answer=answer, now=now)
        with self._woken:
            self.exchanges.append(exchange)
            self._woken.notify_all()

    def wait(self, question: Callable[[], bool], *, seconds: float) -> bool:
        """This will wait until the answer is yes, or give False after so many seconds."""
        with self._woken:
            return self._woken.wait_for(question, timeout=seconds)

    def about(self, *words: str, since: int = 0) -> list[Exchange]:
        """This will give the exchanges about these words, from the given place on."""
        return [one for one in list(self.exchanges[since:]) if one.word in words]

    def of_objects(self, *, since: int = 0) -> list[Exchange]:
        """This will give the exchanges that carried objects."""
        return [one for one in list(self.exchanges[since:]) if one.numbers]

    def first_seen(self) -> list[str]:
        """This will list the numbers of all objects in the order in which they were first sent."""
        return list(dict.fromkeys(number for one in self.of_objects() for number in one.numbers))

    def taken(self) -> list[str]:
        """This will list the numbers of all objects in the order in which they were first taken."""
        return list(dict.fromkeys(number for one in self.of_objects() for number in one.taken))

    def pauses_after(self, refused: Callable[[Exchange], bool], *, since: int) -> Iterator[tuple[str, float]]:
        """This will give, for each refused exchange, how long the peer waited before it tried the same again."""
        told = list(self.exchanges[since:])
        for place, one in enumerate(told):
            if refused(one):
                again = [later for later in told[place + 1 :] if same_try(one, later)]
                if again:
                    yield one.word, again[0].at - one.at


def same_try(one: Exchange, later: Exchange) -> bool:
    """This will tell whether a later exchange says the same again; a Register begins anew without a proof."""
    if one.word == "Register":
        return later.word == "Register" and "authorization" not in later.asked.headers
    return one.word == later.word and one.numbers == later.numbers


def read_exchange(*, asked: Asked, answer: Answer, now: datetime) -> Exchange:
    """This will read what an exchange carried."""
    reading, kind = Reading(), UPLOADS.get(asked.word)
    try:
        body = json.loads(asked.body) if asked.body else None
    except (ValueError, RecursionError):
        body = None
    if body is not None:
        reading.content_type(asked.headers.get("content-type", ""))
    items = reading.objects(body=body, kind=kind) if kind is not None and asked.method in ("POST", "PUT") else None
    canonical = [reading.canonical(item) for item in items or []]
    numbers = tuple(str(one.get(kind.id_field, "")) for one in canonical) if kind is not None else ()
    statuses = Reading().statuses(json.loads(answer.body)) or []
    good = {number for code, number, _ in statuses if code == codes.OK}
    return Exchange(
        at=time.monotonic(),
        now=now,
        asked=asked,
        answer=answer,
        numbers=numbers,
        taken=tuple(number for number in numbers if number in good),
        subscriptions=tuple(str(one["SubscribeID"]) for one in canonical if "SubscribeID" in one),
        dialect=reading.words(),
    )


def times_of(numbers: list[str]) -> list[str]:
    """This will read from the numbers of objects when each was seen, in the order given; other numbers say nothing."""
    return [number[22:36] for number in dict.fromkeys(numbers) if len(number) == 48]


def flaws_of_identity(exchanges: list[Exchange]) -> list[str]:
    """This will list the words of requests after the first registration that do not say whose they are."""
    registered = False
    found: dict[str, None] = {}
    for one in exchanges:
        if registered and one.word != "Register":
            flaw = ids.flaw_of_device(one.asked.headers.get("user-identify"))
            if flaw is not None:
                found[f"{one.asked.method} {one.word}: User-Identify {flaw}"] = None
        registered = registered or (one.word == "Register" and one.heard)
    return list(found)
