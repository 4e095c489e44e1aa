"""What the doors do after something happened there: reactions, run from the outbox."""

from datetime import datetime

from linli.server.access import actions
from linli.server.access.events import PassRevoked


def end_visits_of_host(event: PassRevoked, now: datetime) -> None:
    """This will take back what a host who has left had asked in."""
    actions.end_visits_of_host(estate_id=event.estate_id, pass_id=event.pass_id, now=now)
