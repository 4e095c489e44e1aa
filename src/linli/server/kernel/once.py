"""Once: a POST with an `Idempotency-Key` happens once, however often a phone in a lift sends it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from linli.server.kernel import crypto
from linli.server.kernel.errors import Refusal
from linli.server.kernel.models import OnceKey

KEPT = timedelta(days=1)
# An answer may hold a guest's ticket: it is kept sealed, like anything that opens a door.
SEALED_AS = "once.answer"


class KeyReused(Refusal):
    """This idempotency key was already used for a different request."""

    zh = "该幂等键已用于另一个请求。"
    status = 422


class KeyUnreadable(Refusal):
    """An idempotency key has 8 to 80 visible ASCII characters."""

    zh = "幂等键应为 8 至 80 个可见 ASCII 字符。"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer as it went out: status and body, and whether it is a repetition."""

    status: int
    body: bytes
    repeated: bool


def once(
    *, estate_id: str, actor_id: str, key: str, request: bytes, now: datetime, act: Callable[[], tuple[int, bytes]]
) -> Answered:
    """This will act in one transaction with the note that it was done, or repeat the first answer; refuses with `KeyReused`.

    A refusal rolls the note back, so that the mended request may use the same key.
    """
    if not (8 <= len(key) <= 80 and key.isascii() and key.isprintable()):
        raise KeyUnreadable(field="Idempotency-Key")
    digest = hashlib.sha256(request).digest()
    with transaction.atomic():
        if not _first(estate_id, actor_id, key, digest, now):
            return _repeat(estate_id, actor_id, key, digest)
        status, body = act()
        OnceKey.objects.filter(estate_id=estate_id, actor_id=actor_id, key=key).update(
            status=status, answer=crypto.seal(body.decode(), context=SEALED_AS)
        )
    return Answered(status=status, body=body, repeated=False)


def _first(estate_id: str, actor_id: str, key: str, digest: bytes, now: datetime) -> bool:
    with connection.cursor() as cursor:
        # A twin that is still under way holds the unique key: this waits for it, then sees its answer.
        cursor.execute(
            """
            INSERT INTO kernel_oncekey (estate_id, actor_id, key, request_digest, asked_at) VALUES (%s, %s, %s, %s, %s)
            ON CONFLICT (estate_id, actor_id, key) DO NOTHING
            """,
            [estate_id, actor_id, key, digest, now],
        )
        return cursor.rowcount == 1


def _repeat(estate_id: str, actor_id: str, key: str, digest: bytes) -> Answered:
    row = OnceKey.objects.get(estate_id=estate_id, actor_id=actor_id, key=key)
    if bytes(row.request_digest) != digest or row.status is None or row.answer is None:
        raise KeyReused(field="Idempotency-Key")
    return Answered(status=row.status, body=crypto.unseal(bytes(row.answer), context=SEALED_AS).encode(), repeated=True)


def forget_old(*, now: datetime) -> int:
    """This will delete keys older than a day, and return how many."""
    return OnceKey.objects.filter(asked_at__lt=now - KEPT).delete()[0]
