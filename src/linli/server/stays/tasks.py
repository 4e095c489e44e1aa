"""What runs later: reactions to gates and lettings, and the nightly closing. Each is one action and safe to run twice."""

from datetime import datetime

from linli.server.access.events import PassFirstUsed
from linli.server.lettings.events import UnitResumed, UnitSuspended
from linli.server.places import queries as places
from linli.server.stays import actions


def mark_arrival(event: PassFirstUsed, now: datetime) -> None:
    """This will note a guest's arrival when the pass that first opened a gate belongs to a stay."""
    if event.origin_kind == "stay":
        actions.mark_arrival(estate_id=event.estate_id, stay_id=event.origin_id, happened_at=event.happened_at, now=now)


def hold_passes_of_unit(event: UnitSuspended, now: datetime) -> None:
    """This will suspend the passes that a suspended unit no longer carries."""
    actions.hold_passes_of_unit(estate_id=event.estate_id, unit_id=event.unit_id, at_once=event.at_once, now=now)


def release_passes_of_unit(event: UnitResumed, now: datetime) -> None:
    """This will give them back."""
    actions.release_passes_of_unit(estate_id=event.estate_id, unit_id=event.unit_id, now=now)


def close_overdue(*, now: datetime) -> int:
    """This will close overdue stays of every estate."""
    return sum(actions.close_overdue(estate_id=estate_id, now=now) for estate_id in places.estate_ids())
