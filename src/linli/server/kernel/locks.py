"""Every lock in the house, on one page, in the one order in which they may be taken.

    0 FEED      advisory, one an order of a feed: two tellings of one order queue, before they look for beds
    1 BED       advisory, one a bed, always in the order of their ids: two bookings of the same beds queue, never deadlock
    2 row locks `SELECT … FOR UPDATE`, from the outside in: unit, booking, stay, pass
    3 PERSON    advisory, one a person: two registrations of one person queue
    4 SNAPSHOT  advisory, one an estate: gate snapshot versions are handed out in commit order
    5 the row lock on an estate's audit head: the chain has one end; taken last, held for a few statements

A lock is held to the end of the transaction. Taking an earlier one while holding a later one is a mistake.
"""

import hashlib
from collections.abc import Iterable
from enum import IntEnum

from django.db import connection


class Lock(IntEnum):
    """The advisory locks by rank."""

    FEED = 0
    BED = 1
    PERSON = 3
    SNAPSHOT = 4


def take(lock: Lock, key: str) -> None:
    """This will wait for the advisory lock on one thing and hold it until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_number(lock, key)])


def take_all(lock: Lock, keys: Iterable[str]) -> None:
    """This will take several locks of one rank in one round trip, ordered, so that two takers never cross."""
    numbers = sorted({_number(lock, key) for key in keys})
    if not numbers:
        return
    with connection.cursor() as cursor:
        # A subquery keeps the order of the array; without it the planner may evaluate in any order.
        cursor.execute("SELECT pg_advisory_xact_lock(n) FROM (SELECT unnest(%s::bigint[]) AS n) AS ordered", [numbers])


def _number(lock: Lock, key: str) -> int:
    digest = hashlib.blake2b(f"{int(lock)}:{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
