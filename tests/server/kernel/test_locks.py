"""Locks: one holder at a time, held to the end of the transaction, several in one order."""

import threading

import pytest
from django.db import connection, transaction

from linli.server.kernel import locks
from linli.server.kernel.locks import Lock

pytestmark = pytest.mark.django_db(transaction=True)


def run_all(*targets) -> list[BaseException]:
    problems: list[BaseException] = []

    def guarded(target) -> None:
        try:
            target()
        except BaseException as problem:
            problems.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=guarded, args=(target,)) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return problems


def test_a_lock_has_one_holder_until_its_transaction_ends() -> None:
    inside, most = [], []

    def hold() -> None:
        with transaction.atomic():
            locks.take(Lock.BED, "bed_1")
            inside.append(1)
            most.append(len(inside))
            threading.Event().wait(0.02)
            inside.pop()

    assert run_all(*[hold] * 6) == []
    assert max(most) == 1


def test_locks_of_different_rank_or_name_do_not_meet() -> None:
    meeting = threading.Barrier(3, timeout=5)

    def hold(lock: Lock, key: str):
        def held() -> None:
            with transaction.atomic():
                locks.take(lock, key)
                meeting.wait()

        return held

    assert run_all(hold(Lock.BED, "x"), hold(Lock.PERSON, "x"), hold(Lock.BED, "y")) == []


def test_takers_of_the_same_beds_in_any_order_never_deadlock() -> None:
    keys = [f"bed_{number}" for number in range(12)]

    def hold(order: list[str]):
        def held() -> None:
            for _ in range(15):
                with transaction.atomic():
                    locks.take_all(Lock.BED, order)

        return held

    assert run_all(hold(keys), hold(keys[::-1]), hold(keys[6:] + keys[:6]), hold(keys[::2])) == []


def test_taking_none_is_taking_none() -> None:
    with transaction.atomic():
        locks.take_all(Lock.BED, [])
