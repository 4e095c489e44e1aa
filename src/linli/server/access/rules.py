"""Is this allowed at the doors, and why not? Pure functions: no Django, no clock."""

from dataclasses import dataclass
from enum import StrEnum

from linli.gate.passes import MOST_GROUPS

LAST_GROUP = 65_535
LONGEST_LINE = 1_000

__all__ = ["LAST_GROUP", "LONGEST_LINE", "MOST_GROUPS", "DoorKind", "Origin"]


class DoorKind(StrEnum):
    """What kind of access point a gate or a door group is."""

    ESTATE = "estate"
    GARAGE = "garage"
    ENTRANCE = "entrance"
    DWELLING = "dwelling"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a pass comes from, told by its own domain: `Origin(kind="stay", id="stay_01J…")`. Access looks no further."""

    kind: str
    id: str
