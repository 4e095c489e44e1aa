"""What a guard hands out at the desk: a printed pass for somebody without a phone, half an hour for a courier."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from linli.gate.snapshot import PassState
from linli.server.access import rules
from linli.server.access.actions.passes import PURPOSE, grant_printed_pass, withdraw_papers
from linli.server.access.actions.versions import advance, hold_list
from linli.server.access.models import Pass
from linli.server.access.queries.passes import PassView, pass_codes, view
from linli.server.access.rules import Origin
from linli.server.kernel import ids
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotFound
from linli.server.kernel.periods import Period
from linli.server.privacy import actions as privacy
from linli.server.privacy import queries as purposes

DESK = (Role.SYSTEM, Role.ESTATE_ADMIN, Role.PROPERTY, Role.GUARD)
COURIER = "courier"
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A pass to print: its number to read out, its code to scan."""

    granted: PassView
    code: str = field(repr=False)


def issue_paper(*, actor: Actor, pass_id: str, now: datetime) -> Paper:
    """This will print a pass for whoever holds one and has no phone: the same doors, the same time; an earlier paper opens no more.

    It comes from the same origin, so that it ends with it. Refuses with `NotFound`, `PassNotActive` or `PassOver`.
    """
    actor.require(*DESK)
    with transaction.atomic():
        hold_list(estate_id=actor.estate_id)
        held = Pass.objects.filter(estate_id=actor.estate_id, id=pass_id, override=False, static=False).first()
        if held is None:
            raise NotFound(field="pass_id")
        rules.check_code(state=PassState(held.state), end=held.end, now=now)
        withdraw_papers(actor=actor, held=held, reason="printed anew", now=now)
        row = _twin(held, now)
        row.purpose_id = purposes.get_purpose(estate_id=actor.estate_id, code=PURPOSE).id
        row.version = advance(estate_id=actor.estate_id)
        row.save(force_insert=True)
        privacy.record(actor=actor, verb="issue_paper", subject=row.id, fields=[held.id], now=now)
    return _printed(view(row), actor.estate_id, now)


def admit_courier(*, actor: Actor, now: datetime) -> Paper:
    """This will let a courier through the estate gates for as long as couriers may, with a code to print or to photograph.

    Nobody asks who he is. Refuses with `NoSuchDoor` where there are no estate gates.
    """
    actor.require(*DESK)
    courier = ids.new("courier")
    with transaction.atomic():
        granted = grant_printed_pass(
            actor=actor,
            holder_kind=COURIER,
            holder_id=courier,
            period=Period(start=now, end=now + A_DAY),
            origin=Origin(kind="desk", id=courier),
            now=now,
        )
    return _printed(granted, actor.estate_id, now)


def _twin(held: Pass, now: datetime) -> Pass:
    return Pass(
        id=ids.new("pass"),
        estate_id=held.estate_id,
        serial=secrets.randbits(63) or 1,
        number=rules.pass_number(secrets.choice),
        holder_kind=held.holder_kind,
        holder_id=held.holder_id,
        origin_kind=held.origin_kind,
        origin_id=held.origin_id,
        dwelling_id=held.dwelling_id,
        groups=held.groups,
        told=held.groups,
        start=held.start,
        end=held.end,
        told_until=held.end,
        hours=held.hours,
        uses=held.uses,
        static=True,
        granted_at=now,
        changed_at=now,
    )


def _printed(granted: PassView, estate_id: str, now: datetime) -> Paper:
    code = pass_codes(estate_id=estate_id, pass_id=granted.id, count=1, now=now)[0]
    return Paper(granted=granted, code=code.code)
