"""A minor's guardian is called by the host or the guard, and the answer is written down (五必须)."""

from datetime import datetime
from typing import Literal

from django.db import transaction

from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotFound
from linli.server.privacy import actions as privacy
from linli.server.stays import queries
from linli.server.stays.actions.letting import require_letting
from linli.server.stays.actions.registration import locked_stay, settle
from linli.server.stays.models import GuardianContact
from linli.server.stays.queries import StayView


def record_guardian_call(
    *, actor: Actor, stay_id: str, answer: Literal["confirmed", "refused", "unreachable"], now: datetime
) -> StayView:
    """This will note what a minor's guardian said to the host or the guard (未成年人保护法 art. 57), and ask the table again."""
    with transaction.atomic():
        stay = locked_stay(actor=actor, stay_id=stay_id)
        if not actor.may(Role.GUARD):
            require_letting(actor, stay)
        called = GuardianContact.objects.filter(stay=stay).update(answer=answer, called_at=now, called_by=actor.id)
        if not called:
            raise NotFound
        unit = settle(stay, now=now)
        privacy.record(actor=actor, verb="record_guardian_call", subject=stay.id, reason=answer, now=now)
    return queries.view(stay, unit=unit)
