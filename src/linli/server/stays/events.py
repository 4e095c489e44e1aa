"""What happened to a guest's stay. Everything a reaction needs to find the facts is an id and a time."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestCheckedIn:
    """A guest is in the house; `checked_in_at` is the actual arrival, from which the reporting deadlines run."""

    estate_id: str
    stay_id: str
    checked_in_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationAmended:
    """Facts that were already reported have been corrected."""

    estate_id: str
    stay_id: str
    amended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestMoved:
    """A guest in the house changed room or bed."""

    estate_id: str
    stay_id: str
    moved_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StayExtended:
    """A guest in the house stays longer, until `leave_at`."""

    estate_id: str
    stay_id: str
    leave_at: datetime
    extended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestCheckedOut:
    """A guest left; `presumed` when nobody saw it and the estate closed the stay (推定退房)."""

    estate_id: str
    stay_id: str
    checked_out_at: datetime
    presumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StayCancelled:
    """A stay that may already have been reported did not take place after all."""

    estate_id: str
    stay_id: str
    cancelled_at: datetime
