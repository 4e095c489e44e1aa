"""The house's terms: the rules guests accept and the policy that times run by. New text is a new version, never an edit."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from linli.server.kernel import ids
from linli.server.kernel.actors import Actor, Role
from linli.server.privacy import actions as privacy
from linli.server.stays.models import HouseRules


def publish_house_rules(*, actor: Actor, version: str, zh: Sequence[str], en: Sequence[str], now: datetime) -> bool:
    """This will put a version of the house rules in force from now; a version that exists already stays as it is (False)."""
    actor.require(Role.COMMITTEE, Role.OFFICE, Role.SYSTEM)
    with transaction.atomic():
        _, new = HouseRules.objects.get_or_create(
            estate_id=actor.estate_id,
            version=version,
            defaults={"id": ids.new("rules"), "zh": list(zh), "en": list(en), "in_force_from": now},
        )
        if new:
            privacy.record(actor=actor, verb="publish_house_rules", subject=version, now=now)
    return new
