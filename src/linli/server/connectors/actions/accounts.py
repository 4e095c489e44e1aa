"""The accounts that operators have at platforms which want one of each: set, seen without the secret, taken away."""

from datetime import datetime

from django.db import transaction

from linli.server.connectors.models import PlatformAccount
from linli.server.connectors.platforms import MAKERS
from linli.server.connectors.queries import PlatformAccountView, account_view
from linli.server.kernel import crypto, ids
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotFound
from linli.server.lettings import queries as lettings
from linli.server.privacy import actions as privacy

SECRET = "account.secret"
KNOWN = frozenset(MAKERS)


def set_account(
    *, actor: Actor, platform: str, operator_id: str, username: str, secret: str, party_code: str, now: datetime
) -> PlatformAccountView:
    """This will keep an operator's account at a platform, sealed, in place of an earlier one; by the operator or the office."""
    _require(actor, operator_id)
    if platform not in KNOWN:
        raise NotFound
    lettings.get_operator(estate_id=actor.estate_id, operator_id=operator_id)
    with transaction.atomic():
        row, _ = PlatformAccount.objects.update_or_create(
            estate_id=actor.estate_id,
            platform=platform,
            operator_id=operator_id,
            defaults={
                "username": username,
                "secret": crypto.seal(secret, context=SECRET),
                "party_code": party_code,
                "set_at": now,
                "set_by": actor.id,
            },
            create_defaults={
                "id": ids.new("pacct"),
                "username": username,
                "secret": crypto.seal(secret, context=SECRET),
                "party_code": party_code,
                "set_at": now,
                "set_by": actor.id,
            },
        )
        privacy.record(actor=actor, verb="set_platform_account", subject=operator_id, reason=platform, now=now)
    return account_view(row)


def remove_account(*, actor: Actor, platform: str, operator_id: str, now: datetime) -> None:
    """This will forget an operator's account at a platform; refuses with `NotFound`."""
    _require(actor, operator_id)
    with transaction.atomic():
        gone, _ = PlatformAccount.objects.filter(
            estate_id=actor.estate_id, platform=platform, operator_id=operator_id
        ).delete()
        if not gone:
            raise NotFound
        privacy.record(actor=actor, verb="remove_platform_account", subject=operator_id, reason=platform, now=now)


def _require(actor: Actor, operator_id: str) -> None:
    if not actor.may(Role.OFFICE, Role.ESTATE_ADMIN):
        actor.require(Role.OPERATOR, scope=f"operator:{operator_id}")
