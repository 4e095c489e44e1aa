"""Fill an empty database with 东方新城二期 at its true size: `linli seed dongfang`. Everybody in it is fictional."""

import json
import os
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import connection, transaction

from linli.server import env
from linli.server.access import actions as access
from linli.server.access import queries as gates
from linli.server.kernel import actors, clock, ids
from linli.server.kernel.actors import Actor
from linli.server.lettings import actions as lettings
from linli.server.lettings import queries as units
from linli.server.people import actions as people
from linli.server.people import queries as accounts
from linli.server.places import actions as places
from linli.server.places import queries as tree
from linli.server.privacy import actions as privacy
from linli.server.seed import persons, plan, workers
from linli.server.seed.plan import Plan
from linli.server.stays import actions as stays

# User name and role are one word, so that a demonstration needs no list by heart.
LOGINS = (
    ("admin", "estate_admin", "示范管理员 Demo admin"),
    ("office", "office", "示范办公室 Demo office"),
    ("property", "property", "示范物业 Demo property"),
    ("committee", "committee", "示范自管会 Demo committee"),
    ("guard", "guard", "示范门岗 Demo guard"),
    ("police", "police", "示范民警 Demo police"),
    ("auditor", "auditor", "示范审计 Demo auditor"),
    ("operator", "operator", "示范经营者 Demo operator"),
)
HOUSE_RULES_VERSION = "2026-1"
HOUSE_RULES_ZH = (
    "22:00 至次日 8:00 请保持安静。",
    "每位入住者均须登记；访客须登记并在 23:00 前离开。",
    "不得超过核定入住人数，不得留宿未登记人员。",
    "楼道和房间内禁止吸烟、使用明火和给电动车充电。",
    "垃圾分类投放，爱护公共设施。",
)
HOUSE_RULES_EN = (
    "Please be quiet from 22:00 to 8:00.",
    "Everybody who stays registers; visitors register too and leave before 23:00.",
    "Never more people than the flat may hold, and nobody who has not registered.",
    "No smoking, no open fire and no charging of scooters in the flat or on the stairs.",
    "Sort your rubbish and look after what belongs to all.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedCounts:
    """What stands in the database now, and the demo accounts' password if they were opened just now."""

    estate_id: str
    operators: int
    units: int
    rooms: int
    beds: int
    gates: int
    households: int
    residents: int
    accounts: int
    password: str | None


def main(*, town: str = "dongfang") -> int:
    """Fill the database, write the demo sign-ins beside the keys (never into the database), and say what there is."""
    began = time.monotonic()
    counts = dongfang(now=clock.now())
    home = env.load().home
    if counts.password is not None:
        _write_logins(home, counts.password)
    print(
        f"{plan.NAME_ZH} {plan.NAME_EN} ({town}): {counts.operators} operators, {counts.units} units, {counts.rooms} rooms, "
        f"{counts.beds} beds, {counts.gates} gates, {counts.residents} residents in {counts.households} households, "
        f"{time.monotonic() - began:.1f} s"
    )
    if counts.password is not None:
        print(f"Sign in as {', '.join(name for name, _, _ in LOGINS)}: password {counts.password}")
    return 0


def dongfang(*, now: datetime) -> SeedCounts:
    """This will write the whole estate, or nothing; where it stands already it is left as it is, and only counted."""
    known = tree.find_estate(code=plan.CODE)
    password = None
    if known is None:
        password = secrets.token_urlsafe(9)
        # One transaction: an interrupted seed leaves an empty database, and the next run starts afresh. The estate is
        # nobody's before the commit, so that no other process can wait for the locks taken on the way.
        with transaction.atomic():
            estate_id = _write(actors.system(ids.new("est")), password, now)
            _analyse()
    else:
        estate_id = known.id
    return _count(estate_id, password, now)


def _analyse() -> None:
    # Until somebody counts, the planner takes these tables for empty, and the first hour's questions take minutes.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _write(actor: Actor, password: str, now: datetime) -> str:
    drawn = Plan()
    places.found_estate(
        actor=actor,
        code=plan.CODE,
        name_zh=plan.NAME_ZH,
        name_en=plan.NAME_EN,
        zone=plan.ZONE,
        division_code=plan.DIVISION,
        fictional=True,
        now=now,
    )
    privacy.declare_purposes(actor=actor, now=now)
    stays.publish_house_rules(actor=actor, version=HOUSE_RULES_VERSION, zh=HOUSE_RULES_ZH, en=HOUSE_RULES_EN, now=now)
    places.lay_out(actor=actor, buildings=drawn.buildings, now=now)
    entrances = tree.list_entrances(estate_id=actor.estate_id)
    access.lay_out_gates(actor=actor, groups=plan.door_groups(entrances), gates=plan.gates(entrances), now=now)
    access.declare_terms(actor=actor, now=now)
    operator_ids = lettings.register_operators(actor=actor, operators=persons.operators(), now=now)
    lettings.let_units(actor=actor, units=_units(drawn, operator_ids), now=now)
    people.move_in(actor=actor, households=_households(actor, drawn), now=now)
    workers.give_passes(actor=actor, drawn=drawn, now=now)
    _open_accounts(actor, password, operator_ids[0], now)
    return actor.estate_id


def _units(drawn: Plan, operator_ids: tuple[str, ...]) -> list[lettings.UnitDraft]:
    return [
        lettings.UnitDraft(operator_id=operator_ids[flat.operator], dwelling_code=flat.dwelling_code, modes=flat.modes)
        for flat in drawn.let_flats
    ]


def _households(actor: Actor, drawn: Plan) -> list[people.HouseholdInput]:
    flats = dict(tree.list_dwelling_codes(estate_id=actor.estate_id))
    families = persons.Persons("residents")
    return [families.household(flats[code], size) for code, size in drawn.household_sizes]


def _open_accounts(actor: Actor, password: str, operator_id: str, now: datetime) -> None:
    for username, role, shown in LOGINS:
        scope = f"operator:{operator_id}" if role == "operator" else "*"
        people.open_account(
            actor=actor,
            username=username,
            password=password,
            display_name=shown,
            roles=[people.RoleInput(role=role, scope=scope)],
            now=now,
        )


def _count(estate_id: str, password: str | None, now: datetime) -> SeedCounts:
    let = units.count_lettings(estate_id=estate_id)
    residents = accounts.count_residents(estate_id=estate_id)
    return SeedCounts(
        estate_id=estate_id,
        operators=let.operators,
        units=let.units,
        rooms=let.rooms,
        beds=let.beds,
        gates=len(gates.list_gates(estate_id=estate_id, now=now)),
        households=residents.households,
        residents=residents.residents,
        accounts=len(accounts.list_accounts(estate_id=estate_id)),
        password=password,
    )


def _write_logins(home: Path, password: str) -> None:
    told = {role: {"username": name, "password": password} for name, role, _ in LOGINS}
    _write_privately(home / "demo-logins.json", json.dumps(told, indent=2) + "\n")
    names = "  ".join(name for name, _, _ in LOGINS)
    lines = f"演示账号 demo accounts  {names}\n密码 password           {password}\n"
    _write_privately(home / "demo-logins.txt", lines)


def _write_privately(file: Path, text: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
