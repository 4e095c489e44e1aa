"""What is stored of bookings, stays and the feeds they come from, and what can never be false."""

from linli.server.stays.models.feeds import FeedEntry, FeedSource, IntakeTask
from linli.server.stays.models.links import CalendarBlock, CalendarLink, HookEvent, OrderHook
from linli.server.stays.models.lodging import (
    BedHold,
    BenchReader,
    Booking,
    GuardianContact,
    HouseRules,
    Stay,
    StayPolicy,
)

__all__ = [
    "BedHold",
    "BenchReader",
    "Booking",
    "CalendarBlock",
    "CalendarLink",
    "FeedEntry",
    "FeedSource",
    "GuardianContact",
    "HookEvent",
    "HouseRules",
    "IntakeTask",
    "OrderHook",
    "Stay",
    "StayPolicy",
]
