"""The device's own list, gathered: it comes one person a call, and nothing says which is the last.

So the device is first asked how many it holds, and then for all of them; what was put or dropped meanwhile starts it over.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

_STALLED_S = 30.0
_MOST_TURNS = 3


class _State(Enum):
    IDLE = 0
    WANTED = 1
    COUNTED = 2
    GATHERING = 3


class Reading:
    """One reading of the list after another. One thread at a time."""

    def __init__(self) -> None:
        self.trouble = ""
        self._state = _State.IDLE
        self._expected = 0
        self._found: dict[int, tuple[str, int]] = {}
        self._turns = 0
        self._moved_at = 0.0

    @property
    def needs_count(self) -> bool:
        """Whether the device must say how many it holds."""
        return self._state is _State.WANTED

    @property
    def is_open(self) -> bool:
        """Whether a list is wanted or being gathered."""
        return self._state is not _State.IDLE

    @property
    def is_counted(self) -> bool:
        """Whether the device can be told to send everybody."""
        return self._state is _State.COUNTED

    @property
    def gathers(self) -> bool:
        """Whether persons are coming in."""
        return self._state is _State.GATHERING

    def want(self) -> None:
        """Want the list, from the beginning."""
        self._state, self._turns = _State.WANTED, 0

    def disturb(self) -> None:
        """Begin again: the list changed while it was being read."""
        if self.is_open:
            self._state = _State.WANTED

    def count(self, people: int | None) -> None:
        """Take how many the device holds; without that nothing says when the list is whole, and none is read."""
        if self._state is not _State.WANTED:
            return
        if people is None:
            self._state, self.trouble = _State.IDLE, "the device does not say how many persons it holds"
        else:
            self._state, self._expected = _State.COUNTED, people

    def begin(self, moment: float) -> bool:
        """Say whether the device should send everybody now."""
        if self._state is not _State.COUNTED:
            return False
        self._state, self._found, self._moved_at = _State.GATHERING, {}, moment
        return True

    def add(self, number: int, checksum: str, group: int, moment: float) -> None:
        """Take one person."""
        self._found[number] = (checksum, group)
        self._moved_at = moment

    def complete(self) -> Mapping[int, tuple[str, int]] | None:
        """Give the whole list, number to checksum and weekly table, once everybody is there."""
        if self._state is not _State.GATHERING or len(self._found) != self._expected:
            return None
        self._state, self.trouble = _State.IDLE, ""
        return self._found

    def check(self, moment: float) -> None:
        """Begin again when nobody came for a while; give up after three turns, and never pass off a part for the whole."""
        if self._state is not _State.GATHERING or moment - self._moved_at < _STALLED_S:
            return
        self._turns += 1
        self.trouble = f"the device sent {len(self._found)} of {self._expected} persons"
        self._state = _State.WANTED if self._turns < _MOST_TURNS else _State.IDLE
