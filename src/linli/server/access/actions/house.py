"""What every gate of an estate is told besides passes: weekly tables, holidays, and the key under which identity numbers are compared."""

import base64
import secrets
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.db import transaction

from linli.gate.hours import Slot
from linli.server.access import rules
from linli.server.access.actions.versions import advance, hold_list
from linli.server.access.models import HouseList, WeeklyHours
from linli.server.access.queries.terms import slot_rows
from linli.server.kernel import crypto
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import BadField
from linli.server.privacy import actions as privacy

KEEPERS = (Role.SYSTEM, Role.ESTATE_ADMIN, Role.PROPERTY)
PEPPER = "house.pepper"
PEPPER_BYTES = 32
MOST_HOLIDAYS, LAST_TABLE = 400, 999


def set_weekly_hours(
    *,
    actor: Actor,
    number: int,
    name: tuple[str, str],
    slots: Sequence[Slot],
    holidays: bool,
    now: datetime,
) -> int:
    """This will write a weekly table under its number, named in Chinese and English, and return the version gates hear of it in.

    Refuses with `HoursUnsound`.
    """
    actor.require(*KEEPERS)
    if not 1 <= number <= LAST_TABLE:
        raise BadField(field="number")
    rows = slot_rows(rules.check_slots(tuple(slots)))
    with transaction.atomic():
        hold_list(estate_id=actor.estate_id)
        version = advance(estate_id=actor.estate_id)
        WeeklyHours.objects.update_or_create(
            estate_id=actor.estate_id,
            number=number,
            defaults={
                "name_zh": name[0][:80],
                "name_en": name[1][:80],
                "slots": rows,
                "holidays": holidays,
                "version": version,
            },
        )
        privacy.record(actor=actor, verb="set_weekly_hours", subject=str(number), now=now)
    return version


def set_holidays(*, actor: Actor, days: Iterable[date], now: datetime) -> int:
    """This will write the estate's holidays in place of those before, and return the version gates hear of them in."""
    actor.require(*KEEPERS)
    listed = sorted(set(days))
    if len(listed) > MOST_HOLIDAYS:
        raise BadField(field="days")
    with transaction.atomic():
        hold_list(estate_id=actor.estate_id)
        renew_house_list(estate_id=actor.estate_id)
        HouseList.objects.filter(estate_id=actor.estate_id).update(holidays=listed)
        fields = [day.isoformat() for day in listed[:20]]
        privacy.record(actor=actor, verb="set_holidays", subject=actor.estate_id, fields=fields, now=now)
        return HouseList.objects.get(estate_id=actor.estate_id).version


def renew_house_list(*, estate_id: str) -> int:
    """This will have every gate told anew what holds everywhere, and return the version; the caller has changed it, in this transaction.

    Whoever orders or ends the public-health mode calls this too.
    """
    hold_list(estate_id=estate_id)
    pepper_of(estate_id=estate_id)
    version = advance(estate_id=estate_id)
    HouseList.objects.filter(estate_id=estate_id).update(version=version)
    return version


def pepper_of(*, estate_id: str) -> bytes:
    """This will return the key under which identity numbers are compared, drawn at first need; the caller holds the list.

    It never changes: what was digested under it could not be digested again, for the numbers are not kept.
    """
    row = HouseList.objects.filter(estate_id=estate_id).first()
    if row is not None:
        return base64.b64decode(crypto.unseal(bytes(row.sealed_pepper), context=PEPPER))
    pepper = secrets.token_bytes(PEPPER_BYTES)
    sealed = crypto.seal(base64.b64encode(pepper).decode("ascii"), context=PEPPER)
    HouseList.objects.create(estate_id=estate_id, sealed_pepper=sealed, version=advance(estate_id=estate_id))
    return pepper
