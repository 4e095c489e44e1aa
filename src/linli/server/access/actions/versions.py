"""The next version of an estate's list, and the wake-up call that goes with it."""

import json
from collections.abc import Mapping, Sequence
from functools import partial

from django.db import connection, transaction

from linli.server.kernel import locks
from linli.server.kernel.locks import Lock

SNAPSHOT_CHANNEL = "linli_snapshot"
CONSOLE_CHANNEL = "linli_console"


def hold_list(*, estate_id: str) -> None:
    """This will wait for the estate's list and hold it to the end of the caller's transaction; call it late.

    Versions are therefore committed in the order of their numbers: a reader that has seen version V has missed nothing at or below it.
    Whoever changes what stands on the list holds it first, so passes and gates need no locks of their own, and two actions that change
    several passes never wait for each other crosswise.
    """
    locks.take(Lock.SNAPSHOT, estate_id)


def advance(*, estate_id: str) -> int:
    """This will take the next version of the list, which the caller holds, and wake the gates once it is committed."""
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


def tell_after_commit(
    *,
    channel: str,
    estate_id: str,
    event: str,
    body: Mapping[str, object],
    also: Sequence[tuple[str, Mapping[str, object]]] = (),
) -> None:
    """This will notify the streams once the transaction is committed; inside it a notification would halve the commits.

    `also` are further events of the same moment, heard by others: one notification carries them all, 8,000 bytes at the most.
    It may be lost with the process: gates ask by themselves every minute, a console reloads.
    """
    told: dict[str, object] = {"estate": estate_id, "event": event, "data": body}
    if also:
        told["also"] = [{"event": name, "data": facts} for name, facts in also]
    payload = json.dumps(told, separators=(",", ":"))
    transaction.on_commit(partial(_notify, channel, payload), robust=True)


def _notify(channel: str, payload: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [channel, payload])
