"""What a platform said for the police alone (命中): every look is entered in the audit chain."""

from datetime import datetime

from django.db import transaction

from linli.server.connectors.models import Hit
from linli.server.connectors.queries import HitView, hit_view
from linli.server.kernel.actors import Actor, Role
from linli.server.privacy import actions as privacy

MOST = 200


def read_hits(*, actor: Actor, now: datetime) -> tuple[HitView, ...]:
    """This will show the newest hits to the police role, and enter that they were looked at; nobody else learns that any exist."""
    actor.require(Role.POLICE)
    with transaction.atomic():
        rows = list(
            Hit.objects.select_for_update().filter(estate_id=actor.estate_id).order_by("-told_at", "-id")[:MOST]
        )
        unread = [row.id for row in rows if row.read_at is None]
        Hit.objects.filter(id__in=unread).update(read_at=now, read_by=actor.id)
        privacy.record(actor=actor, verb="read_hits", subject=actor.estate_id, reason=str(len(rows)), now=now)
    return tuple(hit_view(row) for row in rows)
