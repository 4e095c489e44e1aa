"""A terminal in memory that keeps a list, loses it, refuses and is away when told to; and an estate's list to drive it by."""

from linli.edge.doors import WELL, DoorFailed
from linli.edge.terminals import Limits, Trouble


class FakeTerminal:
    """Answers at once, or, while `away`, when it is back. `refuses` gives the trouble of a person, or None."""

    def __init__(self, gate="G01", **limits):
        self.gate, self.limits = gate, Limits(**limits)
        self.people, self.told = {}, None
        self.away = self.held = False
        self.opened = self.readings = 0
        self.pages, self.waiting = [], []
        self.refuses = lambda person: None
        self.forgets = False

    def start(self, told):
        self.told = told

    def stop(self):
        self.told = None

    def put(self, people):
        page = list(people)
        self.pages.append(len(page))
        self._do(lambda: [self._put(person) for person in page])

    def drop(self, numbers):
        page = list(numbers)
        self.pages.append(len(page))
        self._do(lambda: [self._drop(number) for number in page])

    def read_back(self):
        self.readings += 1
        self._do(lambda: self.told.listing({number: person.checksum for number, person in self.people.items()}))

    def come_back(self):
        self.away = False
        while self.waiting:
            self.waiting.pop(0)()

    def open(self, *, seconds):
        if self.away:
            raise DoorFailed("away")
        self.opened += 1
        self.held = self.held or seconds is None

    def release(self):
        self.held = False

    def health(self):
        return WELL

    def serials(self):
        return sorted(person.serial for person in self.people.values())

    def _put(self, person):
        trouble = self.refuses(person)
        if trouble is not None:
            return self.told.failed(person.number, trouble, "so it says")
        if not self.forgets:
            self.people[person.number] = person
        return self.told.put(person.number, person.checksum)

    def _drop(self, number):
        self.people.pop(number, None)
        self.told.dropped(number)

    def _do(self, deed):
        if self.away:
            self.waiting.append(deed)
        else:
            deed()


def photo_refused(person):
    return Trouble.PHOTO_UNUSABLE if person.photo else None
