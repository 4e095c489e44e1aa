"""The public-health mode is asked for by one, approved by another, ends by itself, and leaves nothing but counts (P-29)."""

from datetime import datetime, timedelta

from django.db import connection, transaction

from linli.server.access import rules
from linli.server.access.actions.house import renew_house_list
from linli.server.access.actions.versions import hold_list
from linli.server.access.models import HealthOrder, HealthProposal
from linli.server.access.queries.health import HealthOrderView, HealthProposalView, order_view, proposal_view
from linli.server.access.rules import AlreadyAnswered, HealthOrderRunning, HealthTerms, OrderOver
from linli.server.kernel import ids
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotFound
from linli.server.privacy import actions as privacy

ASKERS = (Role.ESTATE_ADMIN, Role.OFFICE)
APPROVERS = (Role.ESTATE_ADMIN, Role.COMMITTEE)
# A gate may have been away when the order ended: what it then brings is purged too.
LATE = timedelta(days=30)


def propose_health_order(*, actor: Actor, terms: HealthTerms, now: datetime) -> HealthProposalView:
    """This will ask for the public-health mode; nothing is read at any door until somebody else approves.

    Refuses with `BasisNeeded`, `OrderTooLong`, `NothingToRead`, `ShutOutOfHome`, or `HealthOrderRunning`.
    """
    actor.require(*ASKERS)
    rules.check_order(terms, now=now)
    for kind in terms.holders:
        rules.default_terms(holder_kind=kind)
    with transaction.atomic():
        hold_list(estate_id=actor.estate_id)
        _check_none(actor.estate_id)
        row = HealthProposal(
            id=ids.new("proposal"),
            estate_id=actor.estate_id,
            legal_basis=terms.legal_basis.strip(),
            ordered_by=terms.ordered_by.strip(),
            most_c10=terms.most_c10,
            code_wanted=terms.code_wanted,
            holders=sorted(set(terms.holders)),
            end=terms.end,
            asked_by=actor.id,
            asked_at=now,
        )
        row.save(force_insert=True)
        privacy.record(
            actor=actor, verb="propose_health_order", subject=row.id, reason=terms.legal_basis.strip(), now=now
        )
    return proposal_view(row)


def approve_health_order(*, actor: Actor, proposal_id: str, now: datetime) -> HealthOrderView:
    """This will put the public-health mode in force as proposed, and tell every gate.

    Refuses with `NotFound`, `OwnProposal`, `AlreadyAnswered`, or with `OrderTooLong` when its end has passed.
    """
    actor.require(*APPROVERS)
    with transaction.atomic():
        hold_list(estate_id=actor.estate_id)
        asked = _waiting(actor, proposal_id)
        rules.check_approver(asked_by=asked.asked_by, actor_id=actor.id)
        terms = HealthTerms(
            legal_basis=asked.legal_basis,
            ordered_by=asked.ordered_by,
            end=asked.end,
            most_c10=asked.most_c10,
            code_wanted=asked.code_wanted,
            holders=tuple(asked.holders),
        )
        rules.check_order(terms, now=now)
        _answer(asked, actor, accepted=True, now=now)
        row = HealthOrder(
            id=ids.new("order"),
            estate_id=actor.estate_id,
            legal_basis=asked.legal_basis,
            ordered_by=asked.ordered_by,
            asked_by=asked.asked_by,
            approved_by=actor.id,
            most_c10=asked.most_c10,
            code_wanted=asked.code_wanted,
            holders=asked.holders,
            start=now,
            end=asked.end,
        )
        row.save(force_insert=True)
        renew_house_list(estate_id=actor.estate_id)
        privacy.record(actor=actor, verb="approve_health_order", subject=row.id, reason=asked.legal_basis, now=now)
    return order_view(row, now)


def decline_health_order(*, actor: Actor, proposal_id: str, reason: str, now: datetime) -> HealthProposalView:
    """This will turn a proposal down, with a reason, by somebody other than who asked. Refuses like `approve_health_order`."""
    actor.require(*APPROVERS)
    why = rules.check_reason(reason)
    with transaction.atomic():
        hold_list(estate_id=actor.estate_id)
        asked = _waiting(actor, proposal_id)
        rules.check_approver(asked_by=asked.asked_by, actor_id=actor.id)
        _answer(asked, actor, accepted=False, now=now)
        privacy.record(actor=actor, verb="decline_health_order", subject=asked.id, reason=why, now=now)
    return proposal_view(asked)


def end_health_order(*, actor: Actor, order_id: str, reason: str, now: datetime) -> HealthOrderView:
    """This will end the public-health mode before its time, by one person alone: off is the normal state.

    Refuses with `NotFound`, `ReasonNeeded`, or `OrderOver`.
    """
    actor.require(*ASKERS, *APPROVERS)
    why = rules.check_reason(reason)
    with transaction.atomic():
        hold_list(estate_id=actor.estate_id)
        row = HealthOrder.objects.filter(estate_id=actor.estate_id, id=order_id).first()
        if row is None:
            raise NotFound
        if row.ended_at is not None:
            raise OrderOver
        _end(row, min(now, row.end))
        privacy.record(actor=actor, verb="end_health_order", subject=row.id, reason=why, now=now)
    return order_view(row, now)


def end_due_health_orders(*, actor: Actor, now: datetime) -> int:
    """This will end orders whose time is over, purge what ended ones left behind, and return how many ended (a timer's work)."""
    actor.require(Role.SYSTEM)
    ended = 0
    # A proposal that nobody answered in time must not stand in the way of the next.
    HealthProposal.objects.filter(estate_id=actor.estate_id, answered_at__isnull=True, end__lte=now).update(
        answered_by=actor.id, answered_at=now
    )
    if HealthOrder.objects.filter(estate_id=actor.estate_id, ended_at__isnull=True, end__lte=now).exists():
        with transaction.atomic():
            hold_list(estate_id=actor.estate_id)
            for row in HealthOrder.objects.filter(estate_id=actor.estate_id, ended_at__isnull=True, end__lte=now):
                _end(row, row.end)
                privacy.record(actor=actor, verb="end_health_order", subject=row.id, reason="its time is over", now=now)
                ended += 1
    if HealthOrder.objects.filter(estate_id=actor.estate_id, ended_at__isnull=False, purged_at__isnull=True).exists():
        purge_health_events(actor=actor, now=now)
    return ended


def purge_health_events(*, actor: Actor, now: datetime) -> int:
    """This will turn events that tell of somebody's health into counts: all once no order runs, else those past fourteen days.

    Returns how many there were (a timer's work). Late lines of a gate that was away are purged by the next night.
    """
    actor.require(Role.SYSTEM)
    orders = HealthOrder.objects.filter(estate_id=actor.estate_id)
    running = orders.filter(ended_at__isnull=True).exists()
    if not running and not orders.filter(ended_at__gt=now - LATE).exists():
        return 0
    facts = {
        "estate": actor.estate_id,
        "reasons": [reason.value for reason in rules.HEALTH_REASONS],
        "remark": f"(^| )({'|'.join(reason.value for reason in rules.HEALTH_REASONS)})( |$)",
        "cutoff": now - rules.KEPT if running else None,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_PURGE, facts)
        gone = int(cursor.fetchone()[0])
        purged = [] if running else list(orders.filter(ended_at__isnull=False, purged_at__isnull=True))
        for order in purged:
            order.purged_at = now
            order.save(update_fields=["purged_at"])
        if gone or purged:
            fields = [f"{gone} events", *(order.id for order in purged)]
            privacy.record(actor=actor, verb="purge_health_events", subject=actor.estate_id, fields=fields, now=now)
    return gone


def _check_none(estate_id: str) -> None:
    waits = HealthProposal.objects.filter(estate_id=estate_id, answered_at__isnull=True).exists()
    if waits or HealthOrder.objects.filter(estate_id=estate_id, ended_at__isnull=True).exists():
        raise HealthOrderRunning


def _waiting(actor: Actor, proposal_id: str) -> HealthProposal:
    row = HealthProposal.objects.filter(estate_id=actor.estate_id, id=proposal_id).first()
    if row is None:
        raise NotFound
    if row.answered_at is not None:
        raise AlreadyAnswered
    return row


def _answer(row: HealthProposal, actor: Actor, *, accepted: bool, now: datetime) -> None:
    row.answered_by, row.answered_at, row.accepted = actor.id, now, accepted
    row.save(update_fields=["answered_by", "answered_at", "accepted"])


def _end(row: HealthOrder, at: datetime) -> None:
    row.ended_at = at
    row.save(update_fields=["ended_at"])
    renew_house_list(estate_id=row.estate_id)


# An unsure or hasty clock must not keep an event for ever: then our own time decides.
_PURGE = """
    WITH gone AS (
        DELETE FROM access_gateevent
        WHERE estate_id = %(estate)s AND (reason = ANY(%(reasons)s) OR note ~ %(remark)s)
          AND (%(cutoff)s::timestamptz IS NULL
               OR CASE WHEN clock_sure AND happened_at <= received_at THEN happened_at ELSE received_at END < %(cutoff)s)
        RETURNING gate, method, direction, reason, opened,
                  (CASE WHEN clock_sure AND happened_at <= received_at THEN happened_at ELSE received_at END) AS at
    ), counted AS (
        INSERT INTO access_passagecount AS c (estate_id, gate, date, method, direction, reason, opened, passages)
        SELECT %(estate)s, gate,
               (at AT TIME ZONE coalesce((SELECT zone FROM places_estate WHERE id = %(estate)s), 'Asia/Shanghai'))::date,
               method, direction, reason, opened, count(*)
        FROM gone GROUP BY 2, 3, 4, 5, 6, 7
        ON CONFLICT (estate_id, gate, date, method, direction, reason, opened) DO UPDATE SET passages = c.passages + excluded.passages
    )
    SELECT count(*) FROM gone
"""
