"""Who should be on which terminal: the list, turned round, so that one changed pass touches nothing but itself."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from linli.edge.terminals import Person
from linli.gate.decision import Kind
from linli.gate.snapshot import Credential, Delta, PassEntry, PassState, Snapshot

# A device gets a person so long before the pass begins: time enough for one that is often away, and no longer.
AHEAD = timedelta(hours=48)
_SHOWN = frozenset({Kind.CARD.value, Kind.PIN.value, Kind.CODE.value})

Number = Callable[[Collection[int]], Mapping[int, int]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One person as a terminal needs them, made once for all terminals that take the same ways."""

    person: Person
    checksum: str
    mark: str
    version: int


class Roll:
    """The passes by door group, with their credentials. One thread at a time.

    `photo` gives the picture of a pass that waits to be taken in, if there is one with consent.
    """

    def __init__(
        self, *, number: Number, mark: Callable[[str], str], photo: Callable[[int], bytes] = lambda serial: b""
    ) -> None:
        self.snapshot = Snapshot(estate="")
        self._number, self._mark, self._photo = number, mark, photo
        self._groups: dict[int, set[int]] = {}
        self._groups_of: dict[int, tuple[int, ...]] = {}
        self._credentials: dict[int, dict[tuple[str, str], Credential]] = {}
        self._owners: dict[tuple[str, str], int] = {}
        self._sheets: dict[frozenset[str] | None, dict[int, Sheet | None]] = {}
        self._due: list[tuple[datetime, int]] = []

    def renew(self, snapshot: Snapshot) -> None:
        """Begin anew with a whole list."""
        self.snapshot = snapshot
        self._groups, self._groups_of, self._due, self._sheets = {}, {}, [], {}
        self._credentials, self._owners = {}, {}
        for one in snapshot.credentials.values():
            self._own(one)
        for entry in snapshot.passes.values():
            self._place(entry)
        # All at once: each number is written through to the disk.
        self._number([serial for serial in self._credentials if serial in snapshot.passes])

    def take(self, snapshot: Snapshot, delta: Delta) -> set[int]:
        """Follow the list by one change; give the passes that it touched."""
        self.snapshot = snapshot
        touched = {entry.serial for entry in delta.passes}
        for one in delta.credentials:
            now = snapshot.credentials.get((one.kind, one.value))
            if one.kind in _SHOWN and now is not None:
                touched.add(self._owners.get((one.kind, one.value), now.serial))
                touched.add(now.serial)
                self._own(now)
        for entry in delta.passes:
            known = snapshot.passes.get(entry.serial)
            if known is not None:
                self._place(known)
        if tables := {table.number for table in delta.hours}:
            touched |= {entry.serial for entry in snapshot.passes.values() if entry.hours in tables}
        for sheets in self._sheets.values():
            for serial in touched:
                sheets.pop(serial, None)
        return touched

    def due(self, now: datetime) -> set[int]:
        """Give the passes that came near or ended since last asked."""
        found = set()
        while self._due and self._due[0][0] <= now:
            found.add(heapq.heappop(self._due)[1])
        return found

    def at(self, groups: Iterable[int]) -> set[int]:
        """Name the passes that open any of these door groups."""
        return set().union(*(self._groups.get(group, ()) for group in groups))

    def opens(self, serial: int, groups: frozenset[int]) -> bool:
        """Say whether a pass opens any of these door groups."""
        return not groups.isdisjoint(self._groups_of.get(serial, ()))

    def sheet(self, serial: int, *, ways: frozenset[str] | None, now: datetime) -> Sheet | None:
        """Give a person for a terminal that takes these ways (None: all); None if they have no business there now."""
        entry = self.snapshot.passes.get(serial)
        if entry is None or entry.state is not PassState.ACTIVE or not entry.start - AHEAD <= now < entry.end:
            return None
        sheets = self._sheets.setdefault(ways, {})
        if serial not in sheets:
            sheets[serial] = self._write(entry, ways)
        return sheets[serial]

    def version(self, serial: int) -> int:
        """Say by which version of the list a pass stands as it does."""
        entry = self.snapshot.passes.get(serial)
        versions = [one.version for one in self._credentials.get(serial, {}).values()]
        return max([*versions, entry.version if entry else self.snapshot.version])

    def find_card(self, card: str) -> int | None:
        """Say whose card that is."""
        known = self.snapshot.credentials.get((Kind.CARD.value, card))
        return known.serial if known is not None and known.live else None

    def _write(self, entry: PassEntry, ways: frozenset[str] | None) -> Sheet | None:
        table = self.snapshot.hours.get(entry.hours) if entry.hours else None
        # Without its table, or by an empty one, a pass admits nobody; to a device no hours would mean any hour.
        if entry.hours and (table is None or not table.slots):
            return None
        shown = self._shown(entry.serial, ways)
        photo = self._photo(entry.serial) if ways is None or Kind.FACE.value in ways else b""
        if not photo and not any(shown.values()):
            return None
        person = Person(
            serial=entry.serial,
            number=self._number([entry.serial])[entry.serial],
            label=f"P-{entry.serial:016x}",
            start=entry.start,
            end=entry.end,
            hours=table.slots if table else (),
            holidays=table.holidays if table else True,
            uses=entry.uses,
            card=next(iter(shown[Kind.CARD.value]), ""),
            pin=next(iter(shown[Kind.PIN.value]), ""),
            codes=tuple(shown[Kind.CODE.value]),
            photo=photo,
        )
        checksum = person.checksum
        return Sheet(person, checksum, self._mark(checksum), self.version(entry.serial))

    def _shown(self, serial: int, ways: frozenset[str] | None) -> dict[str, list[str]]:
        """Give what this person may show there, by kind, the newest first."""
        shown: dict[str, list[str]] = {kind: [] for kind in _SHOWN}
        known = self._credentials.get(serial, {}).values()
        for one in sorted(known, key=lambda one: (-one.version, one.value)):
            if one.live and (ways is None or one.kind in ways):
                shown[one.kind].append(one.value)
        return shown

    def _own(self, one: Credential) -> None:
        if one.kind not in _SHOWN:
            return
        key = (one.kind, one.value)
        before = self._owners.get(key)
        if before is not None and before != one.serial:
            self._credentials.get(before, {}).pop(key, None)
        self._owners[key] = one.serial
        self._credentials.setdefault(one.serial, {})[key] = one

    def _place(self, entry: PassEntry) -> None:
        for group in self._groups_of.get(entry.serial, ()):
            self._groups[group].discard(entry.serial)
        self._groups_of[entry.serial] = entry.groups
        for group in entry.groups:
            self._groups.setdefault(group, set()).add(entry.serial)
        if entry.state is PassState.ACTIVE:
            for at in (entry.start - AHEAD, entry.end):
                heapq.heappush(self._due, (at, entry.serial))
