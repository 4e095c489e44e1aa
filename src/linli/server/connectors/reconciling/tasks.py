"""What runs by itself: silence is looked for every minute, nights are counted when they are due. Safe to run twice."""

from datetime import datetime

from linli.server.connectors.platforms import linked
from linli.server.connectors.reconciling import actions
from linli.server.kernel.actors import system
from linli.server.places import queries as places


def watch_nights(*, now: datetime) -> int:
    """This will ask about silent guests and count the nights that are due, on every estate; returns how many nights."""
    return sum(
        actions.watch_nights(actor=system(estate_id), platforms=linked(), now=now) for estate_id in places.estate_ids()
    )
