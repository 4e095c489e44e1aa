"""The audit chain: append-only in the database, and whoever gets past that is found; one chain however many write."""

import threading
from datetime import timedelta, timezone

import pytest
from django.db import IntegrityError, connection, transaction

from linli.server.kernel import clock
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotAllowed
from linli.server.people.models import Document, Person
from linli.server.privacy import actions as privacy
from linli.server.privacy import queries
from linli.server.privacy.models import AuditEntry, AuditHead, Disclosure, Purpose
from linli.server.privacy.queries import NoPurpose
from linli.server.privacy.rules import PURPOSES
from linli.server.stays import actions as stays
from tests.world import Unchanged, World

pytestmark = pytest.mark.django_db
TABLE = AuditEntry._meta.db_table


def faults(world: World) -> list[tuple[int, str]]:
    report = queries.verify_chain(estate_id=world.estate_id)
    return [(fault.sequence, fault.fault) for fault in report.faults]


def write(world: World, count: int = 5) -> int:
    """Write entries and return the sequence before the first."""
    before = AuditHead.objects.get(estate_id=world.estate_id).sequence
    for number in range(count):
        privacy.record(actor=world.office, verb="look", subject=f"per_{number}", reason="查询 ✓", now=world.now)
    return before


def tamper(sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TABLE} DISABLE TRIGGER audit_is_append_only")
        cursor.execute(sql, values)
        # Constraints checked at the end of the statement must be, before the table may be altered again.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {TABLE} ENABLE TRIGGER audit_is_append_only")


def test_an_untouched_chain_is_whole(world: World) -> None:
    write(world)
    report = queries.verify_chain(estate_id=world.estate_id)
    assert report.whole
    assert report.entries == AuditHead.objects.get(estate_id=world.estate_id).sequence
    assert report.head == AuditHead.objects.get(estate_id=world.estate_id).digest


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor_id", "nobody"),
        ("verb", "peek"),
        ("subject", "per_x"),
        ("reason", ""),
        ("fields", ["document.number"]),
        ("at", "2020-01-01T00:00:00Z"),
    ],
)
def test_a_changed_entry_is_found(world: World, column: str, value: object) -> None:
    before = write(world)
    tamper(
        f"UPDATE {TABLE} SET {column} = %s WHERE estate_id = %s AND sequence = %s", value, world.estate_id, before + 2
    )
    assert faults(world) == [(before + 2, "changed")]


def test_a_changed_entry_with_its_digest_recomputed_is_found_by_the_next(world: World) -> None:
    before = write(world)
    row = AuditEntry.objects.get(estate_id=world.estate_id, sequence=before + 2)
    row.reason = "nothing to see"
    digest = queries._digest(row)
    tamper(
        f"UPDATE {TABLE} SET reason = %s, digest = %s WHERE estate_id = %s AND sequence = %s",
        row.reason,
        digest,
        world.estate_id,
        before + 2,
    )
    assert faults(world) == [(before + 3, "out_of_place")]


def test_a_dropped_entry_is_found(world: World) -> None:
    before = write(world)
    tamper(f"DELETE FROM {TABLE} WHERE estate_id = %s AND sequence = %s", world.estate_id, before + 3)
    assert (before + 3, "missing") in faults(world)


def test_entries_cut_off_the_end_are_found(world: World) -> None:
    before = write(world)
    tamper(f"DELETE FROM {TABLE} WHERE estate_id = %s AND sequence > %s", world.estate_id, before + 3)
    assert faults(world) == [(before + 5, "cut_off")]


def test_a_chain_that_is_gone_altogether_is_found(world: World) -> None:
    before = write(world)
    tamper(f"DELETE FROM {TABLE} WHERE estate_id = %s", world.estate_id)
    assert faults(world) == [(before + 5, "cut_off")]


def test_a_head_that_is_gone_is_found(world: World) -> None:
    write(world)
    AuditHead.objects.filter(estate_id=world.estate_id).delete()
    assert [fault for _, fault in faults(world)] == ["cut_off"]


def test_two_entries_that_changed_places_are_found(world: World) -> None:
    before = write(world)
    tamper(
        f"UPDATE {TABLE} SET sequence = CASE sequence WHEN %s THEN -1 ELSE -2 END WHERE estate_id = %s AND sequence IN (%s, %s)",
        before + 2,
        world.estate_id,
        before + 2,
        before + 3,
    )
    tamper(
        f"UPDATE {TABLE} SET sequence = CASE sequence WHEN -1 THEN %s ELSE %s END WHERE estate_id = %s AND sequence < 0",
        before + 3,
        before + 2,
        world.estate_id,
    )
    found = faults(world)
    assert {sequence for sequence, _ in found} >= {before + 2, before + 3}
    assert {fault for _, fault in found} >= {"changed", "out_of_place"}


@pytest.mark.parametrize("sql", [f"UPDATE {TABLE} SET reason = 'x'", f"DELETE FROM {TABLE}"])
def test_the_database_refuses_to_change_the_chain(world: World, sql: str) -> None:
    write(world)
    with Unchanged(), pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_a_time_in_another_zone_is_the_same_time(world: World) -> None:
    shanghai = world.now.astimezone(timezone(timedelta(hours=8)))
    privacy.record(actor=world.office, verb="look", subject="per_1", now=shanghai)
    assert faults(world) == []


@pytest.mark.parametrize("reason", ["x" * 1000, "é\u0301", "🀄" * 301, '"\\', "\n\t", "' ; DROP TABLE x; --"])
def test_whatever_the_reason_says_the_chain_stays_whole(world: World, reason: str) -> None:
    privacy.record(actor=world.office, verb="look", subject="per_1", fields=("a", "b"), reason=reason, now=world.now)
    assert faults(world) == []


def test_what_was_rolled_back_leaves_no_hole(world: World) -> None:
    with transaction.atomic():
        privacy.record(actor=world.office, verb="look", subject="per_1", now=world.now)
        transaction.set_rollback(True)
    write(world, 2)
    assert faults(world) == []


def test_every_estate_has_a_chain_of_its_own(world: World) -> None:
    elsewhere = Actor(id="a", estate_id="est_other")
    privacy.record(actor=elsewhere, verb="look", subject="x", now=world.now)
    assert queries.verify_chain(estate_id="est_other").entries == 1
    assert set(queries.audited_estates()) >= {"est_other", world.estate_id}
    assert queries.verify_chain(estate_id="est_nobody").whole


@pytest.mark.django_db(transaction=True)
def test_many_threads_append_to_one_whole_chain(world: World) -> None:
    before = AuditHead.objects.get(estate_id=world.estate_id).sequence
    problems: list[BaseException] = []

    def append(name: str) -> None:
        try:
            for number in range(20):
                privacy.record(
                    actor=world.actor(Role.GUARD, name=name), verb="look", subject=str(number), now=world.now
                )
        except BaseException as problem:
            problems.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=append, args=(f"guard-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = queries.verify_chain(estate_id=world.estate_id)
    assert problems == []
    assert (report.entries, report.faults) == (before + 160, ())


@pytest.mark.django_db(transaction=True)
def test_the_very_first_entries_of_an_estate_race_and_make_one_chain() -> None:
    problems: list[BaseException] = []

    now = clock.now()

    def append(number: int) -> None:
        try:
            privacy.record(actor=Actor(id=f"a{number}", estate_id="est_new"), verb="v", subject="s", now=now)
        except BaseException as problem:
            problems.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=append, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert queries.verify_chain(estate_id="est_new").entries == 6


def test_no_person_is_written_before_a_purpose_is_declared(world: World) -> None:
    booked = world.book()
    form = world.form(world.person())
    with transaction.atomic():
        Disclosure.objects.all().delete()
        assert Purpose.objects.filter(estate_id=world.estate_id).count() == len(PURPOSES)
        Purpose.objects.filter(estate_id=world.estate_id, code="access_pass").delete()
        stay = stays.register_guest(
            actor=world.link(booked.booking.id), booking_id=booked.booking.id, form=form, now=world.now
        ).stay
        with Unchanged(), pytest.raises(NoPurpose):
            stays.confirm_by_eye(actor=world.guard, stay_id=stay.id, now=world.now)


@pytest.mark.parametrize("model", [Person, Document])
def test_the_database_refuses_a_personal_row_without_a_purpose(world: World, model) -> None:
    world.stay()
    with Unchanged(), pytest.raises(IntegrityError), transaction.atomic():
        model.objects.filter(estate_id=world.estate_id).update(purpose=None)


@pytest.mark.parametrize("changes", [{"legal_basis": ""}, {"retention_days": 0}])
def test_a_purpose_has_a_legal_basis_and_an_end(world: World, changes: dict) -> None:
    with Unchanged(), pytest.raises(IntegrityError), transaction.atomic():
        Purpose.objects.filter(estate_id=world.estate_id, code="residency").update(**changes)


def test_purposes_are_declared_once_and_by_whom_it_concerns(world: World) -> None:
    assert privacy.declare_purposes(actor=world.hand, now=world.now) == 0
    with Unchanged(), pytest.raises(NotAllowed):
        privacy.declare_purposes(actor=world.operator, now=world.now)


def test_every_purpose_says_why_how_long_and_in_both_languages(world: World) -> None:
    for row in Purpose.objects.filter(estate_id=world.estate_id):
        view = queries.get_purpose(estate_id=world.estate_id, code=row.code)
        assert view.legal_basis
        assert view.retention_days > 0
        assert view.data_set
        assert view.notice_zh
        assert view.notice_en


def leaving(person_id: str, *, message_id: str = "LSH-1", purpose: str = "lodging_registration") -> privacy.Leaving:
    return privacy.Leaving(person_id=person_id, purpose_code=purpose, fields=("name",), message_id=message_id)


def test_a_message_that_is_sent_again_is_disclosed_once(world: World) -> None:
    (stay,) = world.stay()
    told = {"actor": world.hand, "recipient": "lodging", "now": world.now}
    for _ in range(3):
        privacy.disclose(leaving=[leaving(stay.id)], **told)
    assert len(queries.list_disclosures(estate_id=world.estate_id, person_id=stay.id)) == 1
    privacy.disclose(leaving=[leaving(stay.id), leaving(stay.id, message_id="LSH-2")], **told)
    assert len(queries.list_disclosures(estate_id=world.estate_id, person_id=stay.id)) == 2


def test_only_the_estates_own_hand_discloses_and_only_for_a_declared_purpose(world: World) -> None:
    told = {"recipient": "lodging", "now": world.now}
    with Unchanged(), pytest.raises(NotAllowed):
        privacy.disclose(actor=world.office, leaving=[leaving("per_1")], **told)
    with Unchanged(), pytest.raises(NoPurpose):
        privacy.disclose(actor=world.hand, leaving=[leaving("per_1"), leaving("per_2", purpose="marketing")], **told)
