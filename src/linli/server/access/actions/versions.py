"""The next version of an estate's list, and the wake-up call that goes with it."""

import json
from collections.abc import Mapping
from functools import partial

from django.db import connection, transaction

from linli.server.kernel import locks
from linli.server.kernel.locks import Lock

SNAPSHOT_CHANNEL = "linli_snapshot"
CONSOLE_CHANNEL = "linli_console"


def advance(*, estate_id: str) -> int:
    """This will take the estate's next version inside the caller's transaction, and wake the gates once it is committed.

    The lock is held to the end of the transaction, so versions are committed in the order of their numbers: a reader that has seen
    version V has missed nothing at or below it. Call it late.
    """
    locks.take(Lock.SNAPSHOT, estate_id)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO access_snapshotcounter AS counter (estate_id, version) VALUES (%s, 1)
            ON CONFLICT (estate_id) DO UPDATE SET version = counter.version + 1 RETURNING version
            """,
            [estate_id],
        )
        version = int(cursor.fetchone()[0])
    tell_after_commit(channel=SNAPSHOT_CHANNEL, estate_id=estate_id, event="snapshot", body={"version": version})
    return version


def tell_after_commit(*, channel: str, estate_id: str, event: str, body: Mapping[str, object]) -> None:
    """This will notify the streams once the transaction is committed; inside it a notification would halve the commits.

    It may be lost with the process: gates ask by themselves every minute, a console reloads.
    """
    payload = json.dumps({"estate": estate_id, "event": event, "data": body}, separators=(",", ":"))
    transaction.on_commit(partial(_notify, channel, payload), robust=True)


def _notify(channel: str, payload: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [channel, payload])
