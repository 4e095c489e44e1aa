"""Passes: granted, amended, suspended, resumed, withdrawn; and a guard's own hand for at most two hours."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from linli.gate.snapshot import PassState
from linli.server.access import rules
from linli.server.access.actions.versions import advance, hold_list
from linli.server.access.events import PassRevoked
from linli.server.access.models import Credential, DoorGroup, Pass
from linli.server.access.queries.passes import PassView, view
from linli.server.access.queries.terms import terms_of
from linli.server.access.rules import DoorKind, NoSuchDoor, Origin, PassWithdrawn, Terms
from linli.server.kernel import ids, outbox
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotAllowed, NotFound, Refusal
from linli.server.kernel.periods import Period
from linli.server.places import queries as places
from linli.server.privacy import actions as privacy
from linli.server.privacy import queries as purposes

# The domain that grants a pass has asked whether this actor may have this stay's; here only who could never be meant is turned away.
GRANTERS = (
    Role.SYSTEM,
    Role.ESTATE_ADMIN,
    Role.OFFICE,
    Role.PROPERTY,
    Role.GUARD,
    Role.OPERATOR,
    Role.GUEST,
)
DESK = (Role.ESTATE_ADMIN, Role.OFFICE, Role.PROPERTY, Role.GUARD)
PURPOSE = "access_pass"
# Whoever may pass one of these may pass them all; entrances and flats are one's own.
SHARED = frozenset({DoorKind.ESTATE, DoorKind.GARAGE, DoorKind.COMMON})
# A box's clock may be a day off before it says "unsure"; until then it may still hold an ended pass.
UNLISTED_AFTER = timedelta(hours=24)


class OverrideRunning(Refusal):
    """Somebody has already been let in by hand for this; the two hours are not over."""

    zh = "该对象的临时放行尚未到期，不能重复放行。"


def grant_pass(
    *,
    actor: Actor,
    holder_kind: str,
    holder_id: str,
    entrance_id: str | None = None,
    dwelling_id: str | None = None,
    period: Period,
    origin: Origin,
    now: datetime,
) -> PassView:
    """This will grant a pass on the terms of its kind of holder (appendix A4), the own entrance and flat included where they are named.

    A flat's own lock opens where the flat has one; of a flat alone the entrance is looked up. What is longer than the terms allow is
    cut. Joins the caller's transaction and takes the SNAPSHOT lock: call it late. Refuses with `UnknownHolder`, `NoSuchDoor`,
    `NotFound` or `TooLateToday`.
    """
    _require_some(actor, GRANTERS)
    terms = terms_of(estate_id=actor.estate_id, holder_kind=holder_kind, now=now)
    groups = _groups(actor.estate_id, terms.doors, entrance_id, dwelling_id)
    row = _granted(actor, _cut(actor, terms, period, now), origin, groups, now)
    row.holder_kind, row.holder_id, row.dwelling_id = holder_kind, holder_id, dwelling_id
    return _list(actor, row, terms, now)


def grant_printed_pass(
    *, actor: Actor, holder_kind: str, holder_id: str, period: Period, origin: Origin, now: datetime
) -> PassView:
    """This will grant a pass to the estate gates that is printed and not shown on a phone; otherwise as `grant_pass`."""
    _require_some(actor, GRANTERS)
    terms = terms_of(estate_id=actor.estate_id, holder_kind=holder_kind, now=now)
    groups = _groups(actor.estate_id, terms.doors)
    row = _granted(actor, _cut(actor, terms, period, now), origin, groups, now)
    row.holder_kind, row.holder_id, row.static = holder_kind, holder_id, True
    return _list(actor, row, terms, now)


def _list(actor: Actor, row: Pass, terms: Terms, now: datetime) -> PassView:
    row.hours, row.uses = terms.hours, terms.uses
    with transaction.atomic(savepoint=False):
        hold_list(estate_id=actor.estate_id)
        row.version = advance(estate_id=actor.estate_id)
        row.save(force_insert=True)
        privacy.record(actor=actor, verb="grant_pass", subject=row.id, now=now)
    return view(row)


def grant_override(
    *, actor: Actor, holder_kind: str, holder_id: str, origin: Origin, period: Period, reason: str, now: datetime
) -> PassView:
    """This will let somebody through the estate gates on a guard's word, with a printed code, for at most two hours.

    Refuses with `OverrideTooLong`, `ReasonNeeded`, or `OverrideRunning`: two hours do not become four.
    """
    actor.require(Role.GUARD)
    why = rules.check_reason(reason)
    rules.default_terms(holder_kind=holder_kind)
    rules.check_override(period=period, now=now)
    groups = _groups(actor.estate_id, (DoorKind.ESTATE,))
    with transaction.atomic():
        row = _granted(actor, period, origin, groups, now)
        row.holder_kind, row.holder_id = holder_kind, holder_id
        row.static = row.override = True
        row.reason = why
        # Asked while holding the list: of two guards at two desks one is told that the other was faster.
        hold_list(estate_id=actor.estate_id)
        if Pass.objects.filter(
            estate_id=actor.estate_id, origin_id=origin.id, origin_kind=origin.kind, override=True, end__gt=now
        ).exists():
            raise OverrideRunning
        row.version = advance(estate_id=actor.estate_id)
        row.save(force_insert=True)
        privacy.record(actor=actor, verb="grant_override", subject=row.id, reason=why, now=now)
    return view(row)


def amend_pass(
    *,
    actor: Actor,
    pass_id: str,
    period: Period | None = None,
    entrance_id: str | None = None,
    dwelling_id: str | None = None,
    now: datetime,
) -> PassView:
    """This will change a pass's period, its entrance or flat, or all; codes on a phone follow the list, and so does what was printed for it.

    Refuses with `NotFound`, `PassWithdrawn`, `NoSuchDoor`, `TooLateToday`.
    """
    _require_some(actor, GRANTERS)
    with transaction.atomic():
        hold_list(estate_id=actor.estate_id)
        row = _row(actor.estate_id, pass_id)
        if row.state == PassState.REVOKED:
            raise PassWithdrawn
        terms = terms_of(estate_id=actor.estate_id, holder_kind=row.holder_kind, now=now)
        if period is not None:
            # Counted from when the pass began: changing it again and again makes it no longer.
            whole = rules.whole_seconds(_cut(actor, terms, period, period.start))
            row.start, row.end = whole.start, whole.end
        if entrance_id is not None or dwelling_id is not None:
            row.groups = _groups(actor.estate_id, terms.doors, entrance_id, dwelling_id)
            row.dwelling_id = dwelling_id
        version = advance(estate_id=actor.estate_id)
        _amend(row, row, version, now)
        if not row.static:
            for paper in Pass.objects.filter(_papers(row)).exclude(state=PassState.REVOKED):
                _amend(paper, row, version, now)
        privacy.record(actor=actor, verb="amend_pass", subject=row.id, now=now)
    return view(row)


def _amend(row: Pass, like: Pass, version: int, now: datetime) -> None:
    row.start, row.end, row.groups, row.dwelling_id = like.start, like.end, like.groups, like.dwelling_id
    row.told = sorted({*row.told, *row.groups})
    row.told_until = max(row.told_until, row.end)
    # A stay may be extended after its pass had ended and left the list.
    row.unlisted_at = None
    row.changed_at, row.version = now, version
    row.save(update_fields=list(_AMENDED))


_AMENDED = ("start", "end", "groups", "dwelling", "told", "told_until", "unlisted_at", "changed_at", "version")


def revoke_passes(*, actor: Actor, origin: Origin, reason: str, now: datetime) -> int:
    """This will withdraw every pass of an origin at once, overrides too, and return how many there were; twice is once."""
    _require_some(actor, GRANTERS)
    return _change(actor, _of(origin), (PassState.ACTIVE, PassState.SUSPENDED), PassState.REVOKED, reason, now)


def revoke_pass(*, actor: Actor, pass_id: str, reason: str, now: datetime) -> PassView:
    """This will withdraw one pass from the desk, with a reason. Refuses with `NotFound` or `ReasonNeeded`; twice is once."""
    actor.require(*DESK)
    why = rules.check_reason(reason)
    with transaction.atomic():
        _change(actor, Q(id=pass_id), (PassState.ACTIVE, PassState.SUSPENDED), PassState.REVOKED, why, now)
        return view(_row(actor.estate_id, pass_id))


def withdraw_papers(*, actor: Actor, held: Pass, reason: str, now: datetime) -> int:
    """This will withdraw what was printed for a pass, and return how many papers that were."""
    states = (PassState.ACTIVE, PassState.SUSPENDED)
    return _change(actor, _papers(held), states, PassState.REVOKED, reason, now)


def suspend_passes(*, actor: Actor, origin: Origin, reason: str, now: datetime) -> int:
    """This will close the doors to an origin's passes until they are resumed, and return how many were open."""
    _require_some(actor, GRANTERS)
    return _change(actor, _of(origin), (PassState.ACTIVE,), PassState.SUSPENDED, reason, now)


def resume_passes(*, actor: Actor, origin: Origin, now: datetime) -> int:
    """This will open the doors again to an origin's suspended passes; a withdrawn one stays withdrawn."""
    _require_some(actor, GRANTERS)
    return _change(actor, _of(origin), (PassState.SUSPENDED,), PassState.ACTIVE, "", now)


def unlist_ended_passes(*, actor: Actor, now: datetime) -> int:
    """This will take passes off the gates' list a day after the last end any gate was told, and return how many (a timer's work).

    No gate needs to hear of it: by its own entry the pass has ended, and whoever is not on the list stays out. What proved such a
    pass ends with it, in a version of its own, should the pass ever be listed again.
    """
    actor.require(Role.SYSTEM)
    ended = Pass.objects.filter(
        estate_id=actor.estate_id, told_until__lt=now - UNLISTED_AFTER, unlisted_at__isnull=True
    )
    with transaction.atomic():
        hold_list(estate_id=actor.estate_id)
        proofs = Credential.objects.filter(live=True, bearer__in=ended)
        if proofs.exists():
            proofs.update(live=False, ended_at=now, version=advance(estate_id=actor.estate_id))
        return ended.update(unlisted_at=now)


def revoke_those(*, actor: Actor, which: Q, reason: str, now: datetime) -> int:
    """This will withdraw every pass that meets a condition, in one change of the list, and return how many there were."""
    return _change(actor, which, (PassState.ACTIVE, PassState.SUSPENDED), PassState.REVOKED, reason, now)


def drawn_pass(
    *, estate_id: str, purpose_id: str, period: Period, origin: Origin, groups: list[int], now: datetime
) -> Pass:
    """This will draw a pass that is on no list yet; who holds it and its version are for the caller to say."""
    whole = rules.whole_seconds(period)
    return Pass(
        id=ids.new("pass"),
        estate_id=estate_id,
        purpose_id=purpose_id,
        # Drawn, not counted: a serial says nothing of how many guests there are, and cannot be guessed.
        serial=secrets.randbits(63) or 1,
        number=rules.pass_number(secrets.choice),
        origin_kind=origin.kind,
        origin_id=origin.id,
        groups=groups,
        told=groups,
        start=whole.start,
        end=whole.end,
        told_until=whole.end,
        granted_at=now,
        changed_at=now,
    )


def _granted(actor: Actor, period: Period, origin: Origin, groups: list[int], now: datetime) -> Pass:
    purpose = purposes.get_purpose(estate_id=actor.estate_id, code=PURPOSE).id
    return drawn_pass(
        estate_id=actor.estate_id, purpose_id=purpose, period=period, origin=origin, groups=groups, now=now
    )


def _change(actor: Actor, which: Q, states: Iterable[PassState], state: PassState, reason: str, now: datetime) -> int:
    with transaction.atomic(savepoint=False):
        hold_list(estate_id=actor.estate_id)
        rows = list(
            Pass.objects.filter(which, estate_id=actor.estate_id, state__in=[before.value for before in states])
        )
        if not rows:
            return 0
        version = advance(estate_id=actor.estate_id)
        with connection.cursor() as cursor:
            facts = {"passes": [row.id for row in rows], "state": state.value, "version": version, "now": now}
            cursor.execute(_STAND, {**facts, "reason": reason[:200], "revoked": state is PassState.REVOKED})
            faces = [face_id for (face_id,) in cursor.fetchall()]
        if state is PassState.REVOKED:
            told = [(row.origin_id, _revoked(row, version, reason, now)) for row in rows]
            outbox.publish_all(told, estate_id=actor.estate_id, now=now)
        verb = {PassState.REVOKED: "revoke_pass", PassState.SUSPENDED: "suspend_pass"}.get(state, "resume_pass")
        for row in rows:
            privacy.record(actor=actor, verb=verb, subject=row.id, reason=reason, now=now)
        for face_id in faces:
            privacy.record(actor=actor, verb="remove_face", subject=face_id, reason="PASS_WITHDRAWN", now=now)
    return len(rows)


# A withdrawn pass takes what proves it along, a face to the last number, in one statement and one version; a suspended one keeps it.
_STAND = """
    WITH ended AS (
        UPDATE access_credential SET live = false, ended_at = %(now)s, version = %(version)s
        WHERE bearer_id = ANY(%(passes)s) AND live AND %(revoked)s
    ), emptied AS (
        UPDATE access_facetemplate SET sealed = NULL, quality = '{}', removed_at = %(now)s, removed_why = 'PASS_WITHDRAWN',
               removed_version = %(version)s
        WHERE removed_at IS NULL AND %(revoked)s
          AND credential_id IN (SELECT id FROM access_credential WHERE bearer_id = ANY(%(passes)s) AND kind = 'FACE')
        RETURNING id
    ), stood AS (
        UPDATE access_pass SET state = %(state)s, version = %(version)s, reason = %(reason)s, changed_at = %(now)s
        WHERE id = ANY(%(passes)s)
    )
    SELECT id FROM emptied
"""


def _revoked(row: Pass, version: int, reason: str, now: datetime) -> PassRevoked:
    return PassRevoked(
        estate_id=row.estate_id,
        pass_id=row.id,
        origin_kind=row.origin_kind,
        origin_id=row.origin_id,
        version=version,
        reason=reason[:200],
        revoked_at=now,
    )


def fitted_period(*, estate_id: str, terms: Terms, period: Period, now: datetime) -> Period:
    """This will cut a period to what the terms allow on the estate, or refuse with `TooLateToday`."""
    # Only an hour of the day needs a zone.
    zone = places.zone(estate_id=estate_id) if terms.ends_by is not None else "UTC"
    return rules.fitted(terms, period, zone=zone, now=now)


def _cut(actor: Actor, terms: Terms, period: Period, now: datetime) -> Period:
    return fitted_period(estate_id=actor.estate_id, terms=terms, period=period, now=now)


def _groups(
    estate_id: str, kinds: Iterable[DoorKind], entrance_id: str | None = None, dwelling_id: str | None = None
) -> list[int]:
    """Name the door groups of these kinds by number, of entrances and flats only the one named; refuse if none or too many fit."""
    wanted = frozenset(kinds)
    if dwelling_id is not None and entrance_id is None:
        entrance_id = places.get_dwelling(estate_id=estate_id, dwelling_id=dwelling_id).entrance_id
    which = Q(kind__in=[kind.value for kind in sorted(wanted & SHARED)])
    if entrance_id is not None and DoorKind.ENTRANCE in wanted:
        which |= Q(entrance_id=entrance_id)
    if dwelling_id is not None and DoorKind.DWELLING in wanted:
        which |= Q(dwelling_id=dwelling_id)
    found = dict(DoorGroup.objects.filter(which, estate_id=estate_id).order_by("number").values_list("number", "kind"))
    if DoorKind.ESTATE.value not in found.values() or not 1 <= len(found) <= rules.MOST_GROUPS:
        raise NoSuchDoor(field="estate")
    if entrance_id is not None and DoorKind.ENTRANCE in wanted and DoorKind.ENTRANCE.value not in found.values():
        raise NoSuchDoor(field="entrance_id")
    return list(found)


def _row(estate_id: str, pass_id: str) -> Pass:
    row = Pass.objects.filter(estate_id=estate_id, id=pass_id).first()
    if row is None:
        raise NotFound
    return row


def _papers(held: Pass) -> Q:
    """What was printed for a pass: of the same holder and origin, static, and no guard's override."""
    same = Q(estate_id=held.estate_id, origin_kind=held.origin_kind, origin_id=held.origin_id, holder_id=held.holder_id)
    return same & Q(static=True, override=False) & ~Q(id=held.id)


def _of(origin: Origin) -> Q:
    return Q(origin_id=origin.id, origin_kind=origin.kind)


def _require_some(actor: Actor, roles: Iterable[Role]) -> None:
    if not any(actor.scopes(role) for role in roles):
        raise NotAllowed
