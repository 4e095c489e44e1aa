"""Somebody is asked in by link, says who he is, and gets a pass that ends by eleven; the host may take it back at once."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from linli.server.access import rules
from linli.server.access.actions.passes import grant_pass, revoke_passes
from linli.server.access.models import Pass, VisitorInvitation
from linli.server.access.queries.terms import terms_of
from linli.server.access.queries.visitors import (
    NAME,
    PHONE,
    PURPOSE,
    InvitedView,
    VisitView,
    find_host,
    invited_view,
    linked_visit,
    own_visit,
    visit_view,
)
from linli.server.access.rules import Origin, VisitState
from linli.server.kernel import crypto, ids, locks, tickets
from linli.server.kernel.actors import Actor, system
from linli.server.kernel.locks import Lock
from linli.server.kernel.periods import Period
from linli.server.people import queries as people
from linli.server.places import queries as places
from linli.server.privacy import actions as privacy
from linli.server.privacy import queries as purposes
from linli.server.privacy.actions import NoticeOutdated

HOLDER = "visitor"
# Whose leaving takes back what they asked in: the holder of the pass, and what the invitation calls its host.
HOSTS = {"guest": "guest", "companion": "guest", "resident": "resident"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """An invitation and the token of its link, which is the visitor's whole key to it."""

    visit: VisitView
    token: str = field(repr=False)


def invite_visitor(*, actor: Actor, host_id: str | None, period: Period, now: datetime) -> Invited:
    """This will ask somebody in for a period, cut to what a visitor may have and to the host's own time here.

    A guest asks for themselves, the desk for the resident or guest named by `host_id`. Refuses with `NotAllowed`, `NotInHouse`,
    `VisitTooFar`, `TooLateToday` or `TooManyVisits`.
    """
    host = find_host(actor=actor, person_id=host_id, now=now)
    rules.check_visit(period, now=now)
    terms = terms_of(estate_id=actor.estate_id, holder_kind=HOLDER, now=now)
    asked = Period(start=period.start, end=min(period.end, host.until or period.end))
    cut = rules.fitted(terms, asked, zone=places.zone(estate_id=actor.estate_id), now=now)
    with transaction.atomic():
        # Of two invitations at once the eleventh is refused.
        locks.take(Lock.PERSON, host.person_id)
        rules.check_open_visits(_open_visits(actor.estate_id, host.person_id, now).count())
        row = VisitorInvitation(
            id=ids.new("visit"),
            estate_id=actor.estate_id,
            purpose_id=purposes.get_purpose(estate_id=actor.estate_id, code=PURPOSE).id,
            host_kind=host.kind,
            host_id=host.person_id,
            entrance_id=host.entrance_id,
            dwelling_id=host.dwelling_id,
            where=host.where[:80],
            start=cut.start,
            end=cut.end,
            state=VisitState.INVITED.value,
            invited_by=actor.id,
            invited_at=now,
        )
        row.save(force_insert=True)
        privacy.record(actor=actor, verb="invite_visitor", subject=row.id, fields=[host.kind, host.person_id], now=now)
    token = tickets.issue("visit", {"id": row.id, "estate_id": row.estate_id}, now=now)
    return Invited(visit=visit_view(row), token=token)


def accept_visit(*, actor: Actor, name: str, phone: str, notice_digest: str, now: datetime) -> InvitedView:
    """This will take the visitor's word who he is and give him a pass to the gates and the host's entrance; a second time is the first.

    Refuses with `NotAllowed`, `NotFound`, `VisitOver`, `NoticeOutdated`, or what is wrong with the name or the telephone number.
    """
    visit_id = linked_visit(actor=actor).id
    known, reached = people.plain_name(name), people.plain_phone(phone)
    with transaction.atomic():
        row = VisitorInvitation.objects.select_for_update().get(id=visit_id)
        rules.check_answerable(state=VisitState(row.state), end=row.end, now=now)
        if row.state == VisitState.ACCEPTED:
            return invited_view(row)
        notice = purposes.get_notice(estate_id=row.estate_id, purpose=PURPOSE)
        if notice_digest != notice.digest:
            raise NoticeOutdated(field="notice_digest")
        row.granted_id = grant_pass(
            actor=system(row.estate_id),
            holder_kind=HOLDER,
            holder_id=row.id,
            entrance_id=row.entrance_id,
            dwelling_id=row.dwelling_id,
            period=Period(start=row.start, end=row.end),
            origin=_origin(row),
            now=now,
        ).id
        row.sealed_name, row.sealed_phone = crypto.seal(known, context=NAME), crypto.seal(reached, context=PHONE)
        row.state, row.answered_at = VisitState.ACCEPTED.value, now
        row.save()
        privacy.record(actor=actor, verb="accept_visit", subject=row.id, fields=["name", "phone"], now=now)
    return invited_view(row)


def withdraw_visit(*, actor: Actor, visit_id: str, reason: str, now: datetime) -> VisitView:
    """This will take an invitation back, and the visitor's pass with it, at once; twice is once.

    Refuses with `NotFound`, `NotAllowed` or `ReasonNeeded`.
    """
    why = rules.check_reason(reason)
    own_visit(actor=actor, visit_id=visit_id, now=now)
    with transaction.atomic():
        row = VisitorInvitation.objects.select_for_update(of=("self",)).select_related("granted").get(id=visit_id)
        if row.state != VisitState.WITHDRAWN:
            _withdraw(actor, row, why, now)
    return visit_view(row)


def end_visits_of_host(*, estate_id: str, pass_id: str, now: datetime) -> int:
    """This will take back what a host who has left had asked in, and return how many; called when the host's own pass was withdrawn."""
    hand = system(estate_id)
    host = Pass.objects.filter(estate_id=estate_id, id=pass_id, holder_kind__in=HOSTS).first()
    if host is None or not host.holder_id or _lives_on(host):
        return 0
    kind = HOSTS[host.holder_kind]
    with transaction.atomic():
        open_ones = _open_visits(estate_id, host.holder_id, now).filter(host_kind=kind)
        rows = list(open_ones.order_by("id").select_for_update())
        for row in rows:
            _withdraw(hand, row, "the host has left", now)
    return len(rows)


def _lives_on(host: Pass) -> bool:
    """A resident whose pass was taken back, a lost phone's, still lives here; only whoever moved out asks nobody in."""
    if host.origin_kind != rules.RESIDENCY:
        return False
    living = people.list_residencies(estate_id=host.estate_id, person_id=host.holder_id)
    return any(one.moved_out_date is None for one in living)


def _withdraw(actor: Actor, row: VisitorInvitation, reason: str, now: datetime) -> None:
    row.state = VisitState.WITHDRAWN.value
    row.save(update_fields=["state"])
    # The host may not withdraw passes in general, only this one: the estate's own hand does it.
    revoke_passes(actor=system(row.estate_id), origin=_origin(row), reason=reason, now=now)
    privacy.record(actor=actor, verb="withdraw_visit", subject=row.id, reason=reason, now=now)


def _open_visits(estate_id: str, host_id: str, now: datetime) -> QuerySet[VisitorInvitation]:
    return VisitorInvitation.objects.filter(estate_id=estate_id, host_id=host_id, end__gt=now).exclude(
        state=VisitState.WITHDRAWN.value
    )


def _origin(row: VisitorInvitation) -> Origin:
    return Origin(kind="visit", id=row.id)
