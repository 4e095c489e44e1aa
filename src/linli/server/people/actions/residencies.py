"""Move into a flat and out of it (实有人口)."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction

from linli.server.kernel import clock, ids
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import BadField, NotFound
from linli.server.people import rules
from linli.server.people.actions.enrolment import BATCH, Enrolment, enrol, release
from linli.server.people.models import Household, Residency
from linli.server.people.rules import HouseholdInput
from linli.server.places import queries as places
from linli.server.privacy import actions as privacy
from linli.server.privacy import queries as purposes


def move_in(*, actor: Actor, households: Sequence[HouseholdInput], now: datetime) -> tuple[str, ...]:
    """This will move households into their flats, all or none, and return their ids.

    Raises `HouseholdWithoutHead`, `BadField`, `NotFound` for a flat that is not there, or what `enrol` raises.
    """
    actor.require(Role.SYSTEM, Role.ESTATE_ADMIN, Role.OFFICE)
    today = clock.local_date(now, places.zone(estate_id=actor.estate_id))
    for household in households:
        rules.check_household(household, today=today)
    flats = {flat_id for _, flat_id in places.list_dwelling_codes(estate_id=actor.estate_id)}
    if any(household.dwelling_id not in flats for household in households):
        raise NotFound(field="dwelling_id")
    purpose = purposes.get_purpose(estate_id=actor.estate_id, code="residency")
    with transaction.atomic():
        people = enrol(actor=actor, people=_members(households), purpose_code="residency", now=now)
        rows = [_household(actor.estate_id, household, now) for household in households]
        ids_in_order = iter(view.id for view in people)
        residencies = [
            Residency(
                id=ids.new("resi"),
                estate_id=actor.estate_id,
                household=row,
                person_id=next(ids_in_order),
                purpose_id=purpose.id,
                kind=member.kind,
                relation=member.relation,
                moved_in_date=household.moved_in_date,
            )
            for row, household in zip(rows, households, strict=True)
            for member in household.members
        ]
        Household.objects.bulk_create(rows, batch_size=BATCH)
        Residency.objects.bulk_create(residencies, batch_size=BATCH)
        privacy.record(
            actor=actor, verb="move_in", subject=rows[0].id if len(rows) == 1 else f"{len(rows)} households", now=now
        )
    return tuple(row.id for row in rows)


def move_out(*, actor: Actor, residency_id: str, moved_out_date: date, now: datetime) -> None:
    """This will end a residency; the last one to leave dissolves the household. Refuses with `NotFound` or `BadField`."""
    actor.require(Role.SYSTEM, Role.ESTATE_ADMIN, Role.OFFICE)
    with transaction.atomic():
        row = (
            Residency.objects.select_for_update()
            .filter(estate_id=actor.estate_id, id=residency_id, moved_out_date__isnull=True)
            .first()
        )
        if row is None:
            raise NotFound(field="residency_id")
        if moved_out_date < row.moved_in_date:
            raise BadField(field="moved_out_date")
        row.moved_out_date = moved_out_date
        row.save(update_fields=["moved_out_date"])
        _after_leaving(actor, row, now)
        privacy.record(actor=actor, verb="move_out", subject=row.id, now=now)


def _after_leaving(actor: Actor, row: Residency, now: datetime) -> None:
    still = Residency.objects.filter(estate_id=actor.estate_id, moved_out_date__isnull=True)
    if not still.filter(household_id=row.household_id).exists():
        Household.objects.filter(id=row.household_id).update(dissolved_at=now)
    if not still.filter(person_id=row.person_id).exists():
        release(actor=actor, person_id=row.person_id, purpose_code="residency", now=now)


def _members(households: Sequence[HouseholdInput]) -> list[Enrolment]:
    return [
        Enrolment(person=member.person, document=member.document)
        for household in households
        for member in household.members
    ]


def _household(estate_id: str, household: HouseholdInput, now: datetime) -> Household:
    return Household(id=ids.new("hous"), estate_id=estate_id, dwelling_id=household.dwelling_id, formed_at=now)
