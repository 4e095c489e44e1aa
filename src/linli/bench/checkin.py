"""Check-ins a second with a million past stays present: register, verify, pass, arrive, report row; beside the same rows by raw SQL.

Two processes share the work, as two server processes would; the relay that turns events into report rows runs in a third and is
part of the time. Goal: at least 100 a second, sustained, on two cores.
"""

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django
import psycopg

from linli.bench.fresh import measured
from linli.sim.people import person

NAME = "linli.bench.checkin"
PAST_STAYS = 1_000_000
GUESTS, QUICK_GUESTS = 1_200, 120
PROCESSES = 2
SEED = 11
STARTING_SECONDS = 8.0


def run(*, quick: bool = False) -> dict[str, object]:
    """This will measure on a fresh seeded estate and return the figures."""
    return measured(NAME, "whole", str(QUICK_GUESTS if quick else GUESTS), str(20_000 if quick else PAST_STAYS))


def whole(guests: int, past: int) -> dict[str, object]:
    """This will write the past, measure our check-ins, then the floor, in the database of DATABASE_URL."""
    stays, tokens = _server("stays"), booked(guests)
    filled = _past(past)
    # Sustained: the processes are up and waiting when the clock starts.
    began = time.time() + STARTING_SECONDS
    shares = [tokens[place::PROCESSES] for place in range(PROCESSES)]
    children = [child(share, place * 1_000_000, began) for place, share in enumerate(shares)]
    relay = subprocess.Popen([sys.executable, "-m", NAME, "relay", str(guests)], env=dict(os.environ))
    codes = [child.wait() for child in children] + [relay.wait()]
    seconds = time.time() - began
    if any(codes):
        raise RuntimeError("a measuring process failed")
    reports = _count("SELECT count(*) FROM connectors_report")
    floor = _floor(guests)
    return {
        "checkins": guests,
        "past_stays": filled,
        "reports": reports,
        "per_second": round(guests / seconds, 1),
        "floor_per_second": round(guests / floor, 1),
        "ratio_to_floor": round(floor / seconds, 3),
        "silent": stays.count_silent(estate_id=_estate_id()),
        "goal_per_second": 100,
        "processes": PROCESSES,
    }


def part(index: int, booking_ids: list[str], *, took: Callable[[float], object] = lambda seconds: None) -> None:
    """This will register, verify and check in one guest per booking, as the API does; `took` hears how long each took."""
    actions, queries = _actions("stays"), _server("stays")
    system, clock = _kernel("actors").system, _kernel("clock")
    people = _actions("people")
    estate_id = _estate_id()
    actor = system(estate_id)
    now = clock.now()
    rules, notice = queries.house_rules(estate_id=estate_id, now=now), queries.notice(estate_id=estate_id)
    for place, booking_id in enumerate(booking_ids):
        someone = person(index=index + place, seed=SEED, today=now.date(), kind="mainland")
        form = actions.GuestForm(
            person=people.PersonInput(
                native_name=someone.native_name,
                latin_name=None,
                sex=someone.sex.value,
                birth_date=someone.birth_date,
                nationality="CHN",
                phone=someone.phone,
            ),
            document=people.DocumentInput(
                kind=someone.document_type,
                number=someone.document_number,
                issuing_country=None,
                valid_until=someone.valid_until,
                mrz=None,
            ),
            house_rules_version=rules.version,
            notice_version=notice.version,
        )
        began = time.perf_counter()
        done = actions.register_guest(actor=actor, booking_id=booking_id, form=form, now=clock.now())
        actions.confirm_by_eye(actor=actor, stay_id=done.stay.id, now=clock.now())
        actions.mark_arrival(estate_id=estate_id, stay_id=done.stay.id, happened_at=clock.now(), now=clock.now())
        took(time.perf_counter() - began)


def relay(guests: int) -> None:
    """This will carry events to report rows until there is one for every guest."""
    outbox, reactions = _kernel("outbox"), _import("linli.server.wiring").REACTIONS
    carrier = outbox.Relay(reactions)
    while _count("SELECT count(*) FROM connectors_report") < guests:
        if carrier.drain() == 0:
            time.sleep(0.02)


def booked(guests: int) -> list[str]:
    """This will book so many beds, one a flat and day, and return the bookings' ids."""
    actions, lettings = _actions("stays"), _server("lettings")
    period = _kernel("periods").Period
    clock, actor = _kernel("clock"), _kernel("actors").system(_estate_id())
    now = clock.now()
    units = lettings.list_active_units(estate_id=_estate_id())
    booked = []
    day = 0
    while len(booked) < guests:
        for unit in units:
            if len(booked) == guests:
                break
            start = now + timedelta(days=day)
            wanted = actions.Wanted(
                unit_id=unit.id, period=period(start=start, end=start + timedelta(hours=20)), guests_expected=1
            )
            booked.append(actions.book(actor=actor, wanted=wanted, now=now).booking.id)
        day += 1
    return booked


def _past(count: int) -> int:
    # Past stays by SQL: copies of one real stay, each with a booking of its own, spread over three years.
    with psycopg.connect(os.environ["DATABASE_URL"]) as database:
        database.execute(_PAST_PERSON)
        for statement in (_PAST_BOOKINGS, _PAST_STAYS):
            database.execute(statement, {"count": count})
        database.commit()
        database.autocommit = True
        database.execute("ANALYZE")
    return _count("SELECT count(*) FROM stays_stay")


FLOOR_ROWS = (
    ("people_person", "people_document", "people_documentcheck", "stays_stay", "privacy_auditentry"),
    ("people_documentcheck", "access_pass", "privacy_auditentry"),
    ("kernel_outboxevent", "connectors_report"),
)


def _floor(guests: int) -> float:
    # The rows a check-in leaves behind, written by the same number of connections with nothing asked and nothing checked.
    with psycopg.connect(os.environ["DATABASE_URL"]) as database:
        for name in {name for names in FLOOR_ROWS for name in names}:
            database.execute(f"CREATE TABLE floor_{name} (LIKE {name})")
            database.execute(f"CREATE TABLE one_{name} AS SELECT * FROM {name} ORDER BY id DESC LIMIT 1")
    began = time.perf_counter()
    command = [sys.executable, "-m", NAME, "floor", str(guests // PROCESSES)]
    children = [subprocess.Popen(command, env=dict(os.environ)) for _ in range(PROCESSES)]
    if any(child.wait() for child in children):
        raise RuntimeError("the floor could not be measured")
    return time.perf_counter() - began


def floor(guests: int) -> None:
    """This will copy the rows of one finished check-in so many times, each in three transactions as ours."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as database:
        for _ in range(guests):
            for names in FLOOR_ROWS:
                for name in names:
                    database.execute(f"INSERT INTO floor_{name} SELECT * FROM one_{name}")
                database.commit()


_PAST_PERSON = """
    CREATE TEMP TABLE past AS SELECT r.id AS person, d.id AS document, r.purpose_id AS purpose, r.estate_id AS estate
    FROM people_person r JOIN people_document d ON d.person_id = r.id LIMIT 1000
"""
_PAST_BOOKINGS = """
    INSERT INTO stays_booking (id, estate_id, unit_id, purpose_id, channel, arrive_at, leave_at, guests_expected, state,
        link_version, booker_masked, booked_by, booked_at)
    SELECT 'book_past' || n, u.estate_id, u.id, (SELECT purpose FROM past LIMIT 1), 'past',
        now() - interval '3 years' + (n %% 1000) * interval '1 day',
        now() - interval '3 years' + (n %% 1000) * interval '1 day' + interval '20 hours', 1, 'CLOSED', 0, '', 'past', now()
    FROM generate_series(1, %(count)s) n
    JOIN (SELECT *, row_number() OVER () - 1 AS place, count(*) OVER () AS units FROM lettings_unit) u ON u.place = n %% u.units
"""
_PAST_STAYS = """
    INSERT INTO stays_stay (id, estate_id, booking_id, unit_id, person_id, document_id, purpose_id, room_id, state, guest_masked,
        belongs, age, minor, document_masked, level, eyes, paper, company, elsewhere, overlap_reason, decision_row, decision_result, duties,
        relation_to_booker, house_rules_version, notice_version, arrive_at, leave_at, registered_at, registered_by, checked_in_at,
        checked_out_at, presumed_left, report_state, receipt)
    SELECT 'stay_' || b.id, b.estate_id, b.id, b.unit_id, p.person, p.document, p.purpose, r.room_id, 'CHECKED_OUT', '',
        'mainland', 'adult', false, '', 4, '{}', 'valid', 'alone', 'no', '', 1, 'allow', '{}', '', '1', '1', b.arrive_at, b.leave_at,
        b.arrive_at, 'past', b.arrive_at, b.leave_at, false, 'ACCEPTED', 'past'
    FROM stays_booking b
    JOIN (SELECT DISTINCT ON (unit_id) unit_id, room_id FROM lettings_letroom) r ON r.unit_id = b.unit_id
    JOIN (SELECT *, row_number() OVER () - 1 AS place FROM past) p
        ON p.place = abs(hashtext(b.id)) %% (SELECT count(*) FROM past)
    WHERE b.channel = 'past' AND %(count)s > 0
"""


def child(booking_ids: list[str], index: int, start: float) -> subprocess.Popen[bytes]:
    """This will start a process that checks these bookings in from an instant on."""
    command = [sys.executable, "-m", NAME, "part", str(index), str(start), *booking_ids]
    return subprocess.Popen(command, env=dict(os.environ))


def _count(statement: str) -> int:
    with psycopg.connect(os.environ["DATABASE_URL"]) as database:
        row = database.execute(statement).fetchone()
    return int(row[0]) if row else 0


def _estate_id() -> str:
    return str(_server("places").estate_ids()[0])


def _server(domain: str) -> Any:
    return _import(f"linli.server.{domain}.queries")


def _actions(domain: str) -> Any:
    return _import(f"linli.server.{domain}.actions")


def _kernel(module: str) -> Any:
    return _import(f"linli.server.kernel.{module}")


def _import(name: str) -> Any:
    # By name: the models can be loaded only once Django is set up, which a measuring process does first.
    return importlib.import_module(name)


if __name__ == "__main__":
    django.setup()
    match sys.argv[1:]:
        case ["whole", guests, past]:
            print(json.dumps(whole(int(guests), int(past))))
        case ["part", index, start, *booking_ids]:
            time.sleep(max(0.0, float(start) - time.time()))
            part(int(index), booking_ids)
        case ["relay", guests]:
            relay(int(guests))
        case ["floor", guests]:
            floor(int(guests))
