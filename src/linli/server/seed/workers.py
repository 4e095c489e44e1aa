"""Passes of those who live and work in 东方新城二期: every resident's from the register, and some by contract. Nobody alive is meant."""

from datetime import datetime, timedelta

from linli.server.access import actions as access
from linli.server.kernel.actors import Actor
from linli.server.places import queries as tree
from linli.server.seed.plan import Plan

GUARDS, STAFF, CLEANED_FLATS = 6, 4, 20
HOUSE_CONTRACT, CLEANING_CONTRACT = "DF2-物业-2026", "DF2-保洁-2026"
A_YEAR = timedelta(days=365)


def give_passes(*, actor: Actor, drawn: Plan, now: datetime) -> None:
    """This will give the residents theirs, the guards a first shift, staff theirs, and one cleaner a pass to each of some let flats."""
    access.keep_resident_passes(actor=actor, now=now)
    for kind, count in (("guard", GUARDS), ("staff", STAFF)):
        for number in range(1, count + 1):
            access.grant_contract_pass(
                actor=actor,
                holder_kind=kind,
                holder_id=f"demo_{kind}_{number}",
                contract=HOUSE_CONTRACT,
                until=now + A_YEAR,
                now=now,
            )
    flats = dict(tree.list_dwelling_codes(estate_id=actor.estate_id))
    for flat in drawn.let_flats[:CLEANED_FLATS]:
        access.grant_contract_pass(
            actor=actor,
            holder_kind="cleaner",
            holder_id="demo_cleaner_1",
            contract=CLEANING_CONTRACT,
            dwelling_id=flats[flat.dwelling_code],
            until=now + A_YEAR,
            now=now,
        )
