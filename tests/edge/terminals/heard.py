"""A listener that keeps what a terminal tells in the order it was told, and a guest to put on it."""

from datetime import UTC, datetime, timedelta

from linli.edge.terminals import Person

# The same throughout: a person made twice is the same person.
NOW = datetime.now(UTC).replace(microsecond=0)


class Heard:
    """Whatever a terminal tells, in order."""

    def __init__(self):
        self.puts, self.failures, self.drops = {}, {}, []
        self.listings, self.passages, self.clocks = [], [], []
        self.alarms, self.seen_as = {}, []
        self.full_disk = False

    def put(self, number, checksum):
        self.puts[number] = checksum

    def failed(self, number, trouble, words=""):
        self.failures[number] = (trouble, words)

    def dropped(self, number):
        self.drops.append(number)

    def listing(self, people):
        self.listings.append(dict(people))

    def passage(self, passage):
        if self.full_disk:
            raise OSError("no space")
        self.passages.append(passage)

    def alarm(self, alarm, on, words=""):
        self.alarms[alarm] = on

    def clock(self, device_time):
        self.clocks.append(device_time)

    def seen(self, firmware=""):
        self.seen_as.append(firmware)

    def ask(self, scan):
        raise AssertionError("this make does not ask")


def person(number=1, **changes):
    words = {
        "serial": 0xA0 + number,
        "number": number,
        "label": f"P-{number:04d}",
        "start": NOW - timedelta(hours=1),
        "end": NOW + timedelta(days=1),
    }
    return Person(**{**words, **changes})
