"""Passes of those who work here: given for as long as the contract and its terms say, given again for the next shift, ended with it."""

from datetime import datetime

from django.db import transaction

from linli.gate.snapshot import PassState
from linli.server.access import rules
from linli.server.access.actions.passes import amend_pass, grant_pass, revoke_passes
from linli.server.access.actions.versions import hold_list
from linli.server.access.models import Pass
from linli.server.access.queries.passes import PassView
from linli.server.access.rules import Origin
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.periods import Period
from linli.server.places import queries as places

EMPLOYERS = (Role.SYSTEM, Role.ESTATE_ADMIN, Role.PROPERTY)


def grant_contract_pass(
    *,
    actor: Actor,
    holder_kind: str,
    holder_id: str,
    contract: str,
    dwelling_id: str | None = None,
    until: datetime,
    now: datetime,
) -> PassView:
    """This will give an operator, cleaner, guard or staff a pass until the contract ends, or the shift by its terms, from now on.

    Asked again for the same holder, contract and flat it is the same pass, from now until the new end: its card goes on for the next
    shift. Refuses with `NoContractHolder`, `FlatWanted`, `ContractUnreadable`, `ContractOver`, `NotFound` or `NoSuchDoor`.
    """
    actor.require(*EMPLOYERS)
    rules.check_contract(
        holder_kind=holder_kind, holder_id=holder_id, contract=contract, dwelling_id=dwelling_id, until=until, now=now
    )
    if dwelling_id is not None:
        places.get_dwelling(estate_id=actor.estate_id, dwelling_id=dwelling_id)
    period, origin = Period(start=now, end=until), Origin(kind=rules.CONTRACT, id=contract)
    with transaction.atomic():
        # Of two desks that give the same pass at once the second lengthens what the first gave.
        hold_list(estate_id=actor.estate_id)
        held = Pass.objects.filter(
            estate_id=actor.estate_id,
            origin_kind=rules.CONTRACT,
            origin_id=contract,
            holder_kind=holder_kind,
            holder_id=holder_id,
            dwelling_id=dwelling_id,
            static=False,
        )
        known = held.exclude(state=PassState.REVOKED).first()
        if known is not None:
            return amend_pass(actor=actor, pass_id=known.id, period=period, now=now)
        return grant_pass(
            actor=actor,
            holder_kind=holder_kind,
            holder_id=holder_id,
            dwelling_id=dwelling_id,
            period=period,
            origin=origin,
            now=now,
        )


def end_contract(*, actor: Actor, contract: str, reason: str, now: datetime) -> int:
    """This will withdraw every pass of a contract at once, and return how many there were; refuses with `ReasonNeeded`."""
    actor.require(*EMPLOYERS)
    why = rules.check_reason(reason)
    return revoke_passes(actor=actor, origin=Origin(kind=rules.CONTRACT, id=contract), reason=why, now=now)
