"""A key is used once: twins, repeats, a different request, a refusal that gives the key back."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from linli.server.kernel import once as memory
from linli.server.kernel.errors import NotFound
from linli.server.kernel.models import OnceKey
from linli.server.kernel.once import Answered, KeyReused, KeyUnreadable, once

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
KEY = "0123456789abcdef"


def ask(
    act: Callable[[], tuple[int, bytes]], *, key: str = KEY, request: bytes = b"POST /x", who: str = "a"
) -> Answered:
    return once(estate_id="e", actor_id=who, key=key, request=request, now=NOW, act=act)


class Counting:
    """An act that counts how often it is done."""

    def __init__(self) -> None:
        self.done = 0

    def __call__(self) -> tuple[int, bytes]:
        self.done += 1
        return 201, f'{{"n":{self.done}}}'.encode()


@pytest.mark.django_db
def test_the_same_request_is_done_once_and_answered_alike() -> None:
    act = Counting()
    first, second = ask(act), ask(act)
    assert act.done == 1
    assert (second.status, second.body, second.repeated) == (first.status, first.body, True)


@pytest.mark.django_db
def test_a_different_request_under_the_same_key_is_refused() -> None:
    act = Counting()
    ask(act)
    with pytest.raises(KeyReused):
        ask(act, request=b"POST /y")
    assert act.done == 1


@pytest.mark.django_db
def test_two_actors_may_use_the_same_key() -> None:
    act = Counting()
    ask(act, who="a")
    ask(act, who="b")
    assert act.done == 2


@pytest.mark.django_db
def test_a_refusal_gives_the_key_back() -> None:
    def refuse() -> tuple[int, bytes]:
        raise NotFound

    with pytest.raises(NotFound):
        ask(refuse)
    assert OnceKey.objects.count() == 0
    assert ask(Counting()).repeated is False


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "short", "x" * 81, "钥匙钥匙钥匙钥匙", "abcdefg\n", "abcdefgh\x00"])
def test_a_key_that_is_no_key_is_refused_and_nothing_is_done(key: str) -> None:
    act = Counting()
    with pytest.raises(KeyUnreadable):
        ask(act, key=key)
    assert act.done == 0


@pytest.mark.django_db
def test_the_answer_is_kept_sealed_and_forgotten_after_a_day() -> None:
    ask(lambda: (201, b'{"guest_token":"secret"}'))
    assert b"secret" not in bytes(OnceKey.objects.get().answer)
    assert memory.forget_old(now=NOW + timedelta(hours=23)) == 0
    assert memory.forget_old(now=NOW + timedelta(hours=25)) == 1


@pytest.mark.django_db(transaction=True)
def test_of_twins_one_acts_and_the_other_repeats_its_answer() -> None:
    act, answers = Counting(), []
    inside = threading.Event()

    def slow() -> tuple[int, bytes]:
        inside.set()
        time.sleep(0.2)
        return act()

    def twin() -> None:
        try:
            answers.append(ask(slow))
        finally:
            connection.close()

    first = threading.Thread(target=twin)
    first.start()
    inside.wait(5)
    others = [threading.Thread(target=twin) for _ in range(3)]
    for thread in others:
        thread.start()
    for thread in (first, *others):
        thread.join()
    assert act.done == 1
    assert sorted(answer.repeated for answer in answers) == [False, True, True, True]
    assert len({answer.body for answer in answers}) == 1


@pytest.mark.django_db(transaction=True)
def test_when_the_first_twin_is_refused_the_second_acts() -> None:
    act, answers, inside = Counting(), [], threading.Event()

    def refused_late() -> tuple[int, bytes]:
        inside.set()
        time.sleep(0.2)
        raise NotFound

    def first() -> None:
        try:
            with pytest.raises(NotFound):
                ask(refused_late)
        finally:
            connection.close()

    def second() -> None:
        try:
            answers.append(ask(act))
        finally:
            connection.close()

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    inside.wait(5)
    threads[1].start()
    for thread in threads:
        thread.join()
    assert (act.done, answers[0].repeated) == (1, False)
