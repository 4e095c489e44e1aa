"""A recording listener, and a bench on which each make stands with its simulated device."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from linli.edge.doors import Outcome
from linli.edge.terminals import Person
from linli.gate.decision import Reason, Verdict


class RecordingTold:
    """Keeps whatever a terminal tells, and counts the same passage once, as the reconciler does."""

    def __init__(self):
        self.lock = threading.Lock()
        self.taken, self.gone, self.failures = {}, [], []
        self.listings, self.passages, self.told_passages = [], {}, 0
        self.alarms, self.clocks, self.heard, self.firmware = {}, [], 0, ""
        self.asked = []
        self.opens = False
        self.refuse_passages = 0
        self.when_alarmed = lambda alarm, on: None

    def put(self, number, checksum):
        with self.lock:
            self.taken[number] = checksum

    def failed(self, number, trouble, words=""):
        with self.lock:
            self.failures.append((number, trouble, words))

    def dropped(self, number):
        with self.lock:
            self.gone.append(number)
            self.taken.pop(number, None)

    def listing(self, people):
        with self.lock:
            self.listings.append(dict(people))

    def passage(self, passage):
        with self.lock:
            self.told_passages += 1
            if self.refuse_passages:
                self.refuse_passages -= 1
                raise OSError("no space left on the device")
            before = self.passages.setdefault(passage.record, passage)
            assert before == passage, "one record never tells two things"

    def alarm(self, alarm, on, words=""):
        with self.lock:
            self.alarms[alarm] = words or True if on else False
        self.when_alarmed(alarm, on)

    def clock(self, device_time):
        with self.lock:
            self.clocks.append(device_time)

    def seen(self, firmware=""):
        with self.lock:
            self.heard += 1
            self.firmware = firmware or self.firmware

    def ask(self, scan):
        self.asked.append(scan)
        reason = Reason.OK if self.opens else Reason.UNKNOWN_CREDENTIAL
        verdict = Verdict(open=self.opens, reason=reason)
        return Outcome(
            gate=scan.gate, verdict=verdict, sequence=1, snapshot_version=1, decide_ms=0, journal_ms=0, door_ms=0
        )

    def triples(self):
        with self.lock:
            return sorted((p.at, p.number or 0, p.opened) for p in self.passages.values())


def some_person(number, **changes):
    """A person whose stay began an hour ago, with a card and a PIN of their own."""
    now = datetime.now(UTC).replace(microsecond=0)
    given = {
        "serial": 10_000 + number,
        "number": number,
        "label": f"P-{number}",
        "start": now - timedelta(hours=1),
        "end": now + timedelta(days=2),
        "card": str(90_000_000 + number),
        "pin": str(100_000 + number),
    }
    return Person(**{**given, **changes})


class Bench:
    """A terminal, started, with its simulated device: what the contract suite needs of every make.

    What a make cannot do by its nature it says here; the suite then leaves that out.
    """

    knows_cards = True  # else PINs only
    knows_hours = True
    knows_uses = True
    holds_open = True
    tells_clock = True
    terminal = None
    told = None

    def person(self, number, **changes):
        return some_person(number, **changes)

    def show(self, person):
        """Show the person's card (or PIN) to the device, and say whether it opened."""
        raise NotImplementedError

    def known(self):
        """The numbers of those whom the device knows."""
        raise NotImplementedError

    def meddle(self, number):
        """Prolong somebody's stay at the device itself, behind our back."""
        raise NotImplementedError

    def network(self, *, up):
        """Pull the device's cable, or put it back."""
        raise NotImplementedError

    def unruly(self):
        """Have the device send its records twice and in no order from now on."""
        raise NotImplementedError

    def set_clock(self, *, offset_s):
        raise NotImplementedError

    def opened(self):
        """How often the device's relay opened."""
        raise NotImplementedError

    def held(self):
        """Whether the door is held open."""
        raise NotImplementedError

    def close(self):
        raise NotImplementedError


def makes():
    """Every make: a name, and what builds its bench. One line each."""
    from tests.edge.terminals.bench_httpv2 import HttpV2Bench  # noqa: PLC0415
    from tests.edge.terminals.bench_isapi import IsapiBench  # noqa: PLC0415
    from tests.edge.terminals.bench_ttlock import TtlockBench  # noqa: PLC0415

    return {"httpv2": HttpV2Bench, "isapi": IsapiBench, "ttlock": TtlockBench}


@pytest.fixture(params=sorted(makes()))
def bench(request):
    bench = makes()[request.param]()
    yield bench
    bench.close()
