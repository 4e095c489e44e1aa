"""Whoever lives here has a pass to the gates, the garage, the own entrance and the own flat; whoever moved out has none (appendix A4).

The register of residents decides and nobody else: nothing is asked for and nothing is applied for. What the desk took back by hand
stays taken back until the desk grants it anew.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from linli.gate.snapshot import PassState
from linli.server.access import rules
from linli.server.access.actions.passes import drawn_pass, fitted_period, revoke_those
from linli.server.access.actions.versions import advance, hold_list
from linli.server.access.models import DoorGroup, Pass
from linli.server.access.queries.passes import PassView, view
from linli.server.access.queries.terms import terms_of
from linli.server.access.rules import DoorKind, LivesNot, NoSuchDoor, Origin, ResidentHasPass, Terms
from linli.server.kernel import clock
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.periods import Period
from linli.server.people import queries as people
from linli.server.people.queries import LivingView
from linli.server.places import queries as places
from linli.server.privacy import actions as privacy
from linli.server.privacy import queries as purposes

PURPOSE = "access_pass"
RENEWERS = (Role.SYSTEM, Role.ESTATE_ADMIN, Role.OFFICE, Role.PROPERTY)
# A pass is lengthened so long before it ends, so that a gate without the server for days still has the newer end.
RENEWED_BEFORE = timedelta(days=30)
BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidentPasses:
    """What a look at the register led to: passes given, lengthened, turned from a child's into a resident's, and withdrawn."""

    granted: int
    renewed: int
    grown: int
    withdrawn: int


def keep_resident_passes(*, actor: Actor, now: datetime) -> ResidentPasses:
    """This will compare who lives here with who holds a resident's pass, and make the second like the first (a timer's work, each minute).

    The yearly review of appendix A4 is that of the register: a pass is lengthened as long as its residency stands there.
    """
    actor.require(Role.SYSTEM)
    today = clock.local_date(now, places.zone(estate_id=actor.estate_id))
    living = {one.id: one for one in people.list_living(estate_id=actor.estate_id, today=today)}
    kinds = {one.id: _kind(one, today) for one in living.values()}
    due = {kind: now + min(RENEWED_BEFORE, (_end(actor, kind, now) - now) / 2) for kind in (rules.GROWN, rules.YOUNG)}
    known = list(_held(actor.estate_id).values_list("origin_id", "id", "state", "end", "holder_kind", "static"))
    had = {origin for origin, *_ in known}
    gone, renewed, grown = set(), [], []
    for origin, pass_id, state, end, kind, static in known:
        if state == PassState.REVOKED:
            continue
        if origin not in living:
            gone |= {origin} if end > now else set()
            continue
        grown += [pass_id] if kind != kinds[origin] else []
        renewed += [pass_id] if not static and end < due[kinds[origin]] else []
    return ResidentPasses(
        withdrawn=_withdraw(actor, sorted(gone), now),
        grown=_grow(actor, grown, kinds, now),
        renewed=_renew(actor, renewed, now),
        granted=_grant(actor, [one for one in living.values() if one.id not in had], kinds, now),
    )


def grant_resident_pass(*, actor: Actor, residency_id: str, now: datetime) -> PassView:
    """This will give somebody who lives here a pass anew, after the one before was withdrawn.

    Refuses with `LivesNot`, `ResidentHasPass` while there is one that was not withdrawn, or `NoSuchDoor` on an estate without gates.
    """
    actor.require(*RENEWERS)
    today = clock.local_date(now, places.zone(estate_id=actor.estate_id))
    one = next(iter(people.list_living(estate_id=actor.estate_id, today=today, residency_id=residency_id)), None)
    if one is None:
        raise LivesNot(field="residency_id")
    with transaction.atomic():
        hold_list(estate_id=actor.estate_id)
        if _held(actor.estate_id).filter(origin_id=one.id).exclude(state=PassState.REVOKED).exists():
            raise ResidentHasPass
        row = next(iter(_rows(actor, [one], {one.id: _kind(one, today)}, now)), None)
        if row is None:
            raise NoSuchDoor(field="residency_id")
        row.version = advance(estate_id=actor.estate_id)
        row.save(force_insert=True)
        privacy.record(actor=actor, verb="grant_pass", subject=row.id, fields=[one.id], now=now)
    return view(row)


def _held(estate_id: str) -> "QuerySet[Pass]":
    return Pass.objects.filter(estate_id=estate_id, origin_kind=rules.RESIDENCY, override=False)


def _withdraw(actor: Actor, residencies: Sequence[str], now: datetime) -> int:
    gone = 0
    for at in range(0, len(residencies), BATCH):
        which = Q(origin_kind=rules.RESIDENCY, origin_id__in=residencies[at : at + BATCH])
        gone += revoke_those(actor=actor, which=which, reason="moved out", now=now)
    return gone


def _grant(actor: Actor, new: Sequence[LivingView], kinds: Mapping[str, str], now: datetime) -> int:
    granted = 0
    for at in range(0, len(new), BATCH):
        with transaction.atomic():
            hold_list(estate_id=actor.estate_id)
            some = [one.id for one in new[at : at + BATCH]]
            # Somebody at the desk may have been faster.
            taken = set(_held(actor.estate_id).filter(origin_id__in=some).values_list("origin_id", flat=True))
            rows = _rows(actor, [one for one in new[at : at + BATCH] if one.id not in taken], kinds, now)
            if rows:
                version = advance(estate_id=actor.estate_id)
                for row in rows:
                    row.version = version
                Pass.objects.bulk_create(rows)
                _record(actor, "grant_resident_passes", rows, now)
            granted += len(rows)
    return granted


def _renew(actor: Actor, pass_ids: Sequence[str], now: datetime) -> int:
    def lengthen(rows: list[Pass]) -> None:
        for row in rows:
            row.end = max(row.end, _end(actor, row.holder_kind, now))
            row.told_until, row.unlisted_at = max(row.told_until, row.end), None

    return _change(actor, pass_ids, "renew_resident_passes", lengthen, now)


def _grow(actor: Actor, pass_ids: Sequence[str], kinds: Mapping[str, str], now: datetime) -> int:
    def rename(rows: list[Pass]) -> None:
        for row in rows:
            row.holder_kind = kinds[row.origin_id]

    return _change(actor, pass_ids, "grow_resident_passes", rename, now)


def _change(
    actor: Actor, pass_ids: Sequence[str], verb: str, change: Callable[[list[Pass]], None], now: datetime
) -> int:
    changed = 0
    for at in range(0, len(pass_ids), BATCH):
        with transaction.atomic():
            hold_list(estate_id=actor.estate_id)
            some = Pass.objects.filter(estate_id=actor.estate_id, id__in=pass_ids[at : at + BATCH])
            rows = list(some.exclude(state=PassState.REVOKED))
            if not rows:
                continue
            change(rows)
            version = advance(estate_id=actor.estate_id)
            for row in rows:
                row.version, row.changed_at = version, now
            Pass.objects.bulk_update(rows, ["holder_kind", "end", "told_until", "unlisted_at", "version", "changed_at"])
            _record(actor, verb, rows, now)
            changed += len(rows)
    return changed


def _rows(actor: Actor, new: Iterable[LivingView], kinds: Mapping[str, str], now: datetime) -> list[Pass]:
    terms = {
        kind: terms_of(estate_id=actor.estate_id, holder_kind=kind, now=now) for kind in (rules.GROWN, rules.YOUNG)
    }
    ends = {kind: _end(actor, kind, now) for kind in terms}
    doors = _Doors(actor.estate_id)
    purpose = purposes.get_purpose(estate_id=actor.estate_id, code=PURPOSE).id
    rows = []
    for one in new:
        kind = kinds[one.id]
        groups = doors.of(one, terms[kind])
        if not groups:
            continue
        row = drawn_pass(
            estate_id=actor.estate_id,
            purpose_id=purpose,
            period=Period(start=now, end=ends[kind]),
            origin=Origin(kind=rules.RESIDENCY, id=one.id),
            groups=groups,
            now=now,
        )
        row.holder_kind, row.holder_id, row.dwelling_id = kind, one.person_id, one.dwelling_id
        row.hours, row.uses = terms[kind].hours, terms[kind].uses
        rows.append(row)
    return rows


class _Doors:
    """The door groups of an estate, read once for all who live there."""

    def __init__(self, estate_id: str) -> None:
        groups = list(DoorGroup.objects.filter(estate_id=estate_id).order_by("number"))
        self._shared = {group.kind: group.number for group in groups if group.kind in ("estate", "garage")}
        self._entrances = {group.entrance_id: group.number for group in groups if group.entrance_id}
        self._flats = {group.dwelling_id: group.number for group in groups if group.dwelling_id}

    def of(self, one: LivingView, terms: Terms) -> list[int]:
        """Those that open to a resident by these terms, as far as they are there; none while the estate has no gates."""
        found = [self._shared.get(kind) for kind in (DoorKind.ESTATE, DoorKind.GARAGE) if kind in terms.doors]
        if DoorKind.ENTRANCE in terms.doors:
            found.append(self._entrances.get(one.entrance_id))
        if DoorKind.DWELLING in terms.doors:
            found.append(self._flats.get(one.dwelling_id))
        return sorted(number for number in found if number is not None)


def _end(actor: Actor, kind: str, now: datetime) -> datetime:
    """Until when such a pass is given today: the yearly review, or what else its terms say."""
    terms = terms_of(estate_id=actor.estate_id, holder_kind=kind, now=now)
    year = Period(start=now, end=now + rules.A_YEAR)
    return rules.whole_seconds(fitted_period(estate_id=actor.estate_id, terms=terms, period=year, now=now)).end


def _kind(one: LivingView, today: date) -> str:
    if one.birth_date is None:
        return rules.GROWN
    return rules.YOUNG if rules.years_old(one.birth_date, on=today) < rules.CHILD else rules.GROWN


def _record(actor: Actor, verb: str, rows: Sequence[Pass], now: datetime) -> None:
    # One entry a batch, naming all: thousands of entries would hold the chain's end for seconds.
    subject = rows[0].id if len(rows) == 1 else f"{len(rows)} passes"
    privacy.record(actor=actor, verb=verb, subject=subject, fields=[row.id for row in rows], now=now)
