"""The states of a booking and of a stay, and who may do what when. The tables are the rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from linli.server.kernel.errors import Refusal


class BookingState(StrEnum):
    """Where a booking stands."""

    BOOKED = "BOOKED"
    CLOSED = "CLOSED"
    CANCELLED = "CANCELLED"
    NO_SHOW = "NO_SHOW"


class StayState(StrEnum):
    """Where one guest's stay stands: registered, verified (the pass opens), in the house, gone."""

    REGISTERED = "REGISTERED"
    VERIFIED = "VERIFIED"
    IN_HOUSE = "IN_HOUSE"
    CHECKED_OUT = "CHECKED_OUT"
    AUTO_CLOSED = "AUTO_CLOSED"
    NO_SHOW = "NO_SHOW"
    CANCELLED = "CANCELLED"


OPEN_STAYS = (StayState.REGISTERED, StayState.VERIFIED, StayState.IN_HOUSE)
GONE = (StayState.CHECKED_OUT, StayState.AUTO_CLOSED)

STEPS: Mapping[str, tuple[tuple[StayState, ...], StayState]] = MappingProxyType(
    {
        "verify": ((StayState.REGISTERED,), StayState.VERIFIED),
        "check_in": ((StayState.VERIFIED,), StayState.IN_HOUSE),
        "check_out": ((StayState.VERIFIED, StayState.IN_HOUSE), StayState.CHECKED_OUT),
        "auto_close": ((StayState.IN_HOUSE,), StayState.AUTO_CLOSED),
        "no_show": ((StayState.REGISTERED, StayState.VERIFIED), StayState.NO_SHOW),
        "cancel": ((StayState.REGISTERED, StayState.VERIFIED), StayState.CANCELLED),
        "move": (OPEN_STAYS, StayState.IN_HOUSE),
        "extend": (OPEN_STAYS, StayState.IN_HOUSE),
    }
)


class Identity(StrEnum):
    """How far a guest's identity has been verified; this says nothing about what was reported."""

    SELF_DECLARED = "SELF_DECLARED"
    DOC_CHECKED = "DOC_CHECKED"
    PERSON_MATCHED = "PERSON_MATCHED"


class ReportState(StrEnum):
    """Where the lodging report of a stay stands; DUE is set by check-in itself, so that no stay is ever silent."""

    NONE = "NONE"
    DUE = "DUE"
    QUEUED = "QUEUED"
    SENDING = "SENDING"
    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    PARKED = "PARKED"


class StayNotThere(Refusal):
    """This stay is {state}; that step is not possible from there."""

    zh = "该入住记录当前状态为 {state}，不能执行该操作。"


class BookingNotOpen(Refusal):
    """This booking is no longer open."""

    zh = "该预订已结束或已取消。"


class GuestsInHouse(Refusal):
    """Guests of this booking are in the house; check them out first."""

    zh = "该预订仍有客人在住，请先办理退房。"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The house's terms for stays; a change is a new row with its legal source, never an edit."""

    grace_before: timedelta = timedelta(hours=2)
    grace_after: timedelta = timedelta(hours=2)
    auto_close_after: timedelta = timedelta(hours=12)
    no_show_after: timedelta = timedelta(hours=24)
    source: str = "house default (domain reference A4, 1.5)"


def identity(level: int) -> Identity:
    """This will name the identity state of a verification level: 0–1 declared, 2–3 document checked, 4 person matched."""
    if level >= 4:
        return Identity.PERSON_MATCHED
    return Identity.DOC_CHECKED if level >= 2 else Identity.SELF_DECLARED


def check_step(state: str, step: str) -> StayState:
    """This will return the state that a step leads to, or refuse with `StayNotThere`."""
    before, after = STEPS[step]
    if state not in before:
        raise StayNotThere(state=state, step=step)
    return after
