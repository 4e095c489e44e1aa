"""What happened to units."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitActivated:
    """A unit may be booked from now on."""

    estate_id: str
    unit_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSuspended:
    """A unit takes no new stays; with `at_once`, nobody in it may enter either."""

    estate_id: str
    unit_id: str
    at_once: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitResumed:
    """A suspended unit takes stays again."""

    estate_id: str
    unit_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitClosed:
    """A unit is let no more."""

    estate_id: str
    unit_id: str
