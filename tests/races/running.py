"""Threads that really collide: each with its own connection, all let go at once, every outcome kept."""

import threading
from collections.abc import Callable, Sequence

from django.db import connection

PATIENCE_SECONDS = 60


def collide(*acts: Callable[[], object]) -> list[object]:
    """Run the acts at once and return for each its result or its exception, in the order given."""
    outcomes: list[object] = [None] * len(acts)
    start = threading.Barrier(len(acts))

    def run(place: int, act: Callable[[], object]) -> None:
        try:
            start.wait(PATIENCE_SECONDS)
            outcomes[place] = act()
        except Exception as problem:
            outcomes[place] = problem
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert not any(thread.is_alive() for thread in threads), "somebody waits for ever"
    return outcomes


def kinds(outcomes: Sequence[object]) -> list[str]:
    """The outcomes by name: of an exception its class, of anything else `ok`."""
    return sorted(type(outcome).__name__ if isinstance(outcome, Exception) else "ok" for outcome in outcomes)


def deadlocks() -> int:
    """How many deadlocks this database has broken so far."""
    with connection.cursor() as cursor:
        # Statistics of other sessions arrive with a delay of up to a second; ask for fresh ones.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])
