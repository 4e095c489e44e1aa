"""The estate decides on what terms passes are given: first those of appendix A4, then its own, each from a day on."""

from datetime import datetime

from django.db import transaction

from linli.server.access import rules
from linli.server.access.actions.house import pepper_of
from linli.server.access.actions.versions import advance, hold_list
from linli.server.access.models import Gate, HolderTerms, WeeklyHours
from linli.server.access.queries.terms import TermsView, all_terms, forget_terms, slot_rows, terms_view
from linli.server.access.rules import DoorKind, Terms, TermsTaken, TermsUnsound
from linli.server.kernel import ids
from linli.server.kernel.actors import Actor, Role
from linli.server.privacy import actions as privacy


def declare_terms(*, actor: Actor, now: datetime) -> int:
    """This will write the terms and weekly hours an estate begins with, where none were decided, and return how many kinds were new."""
    actor.require(Role.SYSTEM, Role.ESTATE_ADMIN)
    with transaction.atomic():
        hold_list(estate_id=actor.estate_id)
        pepper_of(estate_id=actor.estate_id)
        _declare_hours(actor.estate_id)
        decided = set(HolderTerms.objects.filter(estate_id=actor.estate_id).values_list("holder_kind", flat=True))
        new = [terms for kind, terms in rules.DEFAULTS.items() if kind not in decided]
        HolderTerms.objects.bulk_create([_row(actor, terms, now, now) for terms in new])
        if new:
            fields = [terms.holder_kind for terms in new]
            privacy.record(actor=actor, verb="declare_terms", subject=actor.estate_id, fields=fields, now=now)
    forget_terms()
    return len(new)


def change_terms(*, actor: Actor, terms: Terms, in_force_from: datetime, now: datetime) -> TermsView:
    """This will decide new terms for a kind of holder from an instant on; passes already given keep theirs.

    Refuses with `UnknownHolder`, `SourceNeeded`, `TermsUnsound`, `TermsBackdated`, `FaceNotForChildren`, `TermsTaken`, or `FaceOnly` when a
    gate would be left with a face and no other way for them.
    """
    actor.require(Role.ESTATE_ADMIN)
    sound = rules.check_terms(terms, in_force_from=in_force_from, now=now)
    with transaction.atomic():
        hold_list(estate_id=actor.estate_id)
        _check_hours(actor.estate_id, sound)
        _check_gates(actor.estate_id, sound, now)
        same = HolderTerms.objects.filter(
            estate_id=actor.estate_id, holder_kind=terms.holder_kind, in_force_from=in_force_from
        )
        if same.exists():
            raise TermsTaken(field="in_force_from")
        row = _row(actor, sound, in_force_from, now)
        row.save(force_insert=True)
        privacy.record(
            actor=actor, verb="change_terms", subject=sound.holder_kind, fields=["terms"], reason=sound.source, now=now
        )
    forget_terms()
    return terms_view(row)


def _declare_hours(estate_id: str) -> None:
    if WeeklyHours.objects.filter(estate_id=estate_id, number=rules.DAYTIME).exists():
        return
    WeeklyHours.objects.create(
        estate_id=estate_id,
        number=rules.DAYTIME,
        name_zh="每日 07:00–22:00",
        name_en="Every day 07:00–22:00",
        slots=slot_rows(rules.DAYTIME_SLOTS),
        version=advance(estate_id=estate_id),
    )


def _check_hours(estate_id: str, terms: Terms) -> None:
    # A gate admits nobody by a table it does not have.
    if terms.hours and not WeeklyHours.objects.filter(estate_id=estate_id, number=terms.hours).exists():
        raise TermsUnsound(field="hours")


def _check_gates(estate_id: str, terms: Terms, now: datetime) -> None:
    others = [one for one in all_terms(estate_id=estate_id, now=now) if one.holder_kind != terms.holder_kind]
    for kind, ways in Gate.objects.filter(estate_id=estate_id).values_list("kind", "ways"):
        rules.check_ways(door=DoorKind(kind), ways=ways, terms=[*others, terms])


def _row(actor: Actor, terms: Terms, in_force_from: datetime, now: datetime) -> HolderTerms:
    return HolderTerms(
        id=ids.new("terms"),
        estate_id=actor.estate_id,
        holder_kind=terms.holder_kind,
        doors=[door.value for door in terms.doors],
        early_minutes=int(terms.early.total_seconds() // 60),
        late_minutes=int(terms.late.total_seconds() // 60),
        longest_minutes=int(terms.longest.total_seconds() // 60),
        ends_by=terms.ends_by,
        review_days=terms.review.days,
        ways=list(terms.ways),
        hours=terms.hours,
        uses=terms.uses,
        source=terms.source,
        in_force_from=in_force_from,
        decided_by=actor.id,
        decided_at=now,
    )
