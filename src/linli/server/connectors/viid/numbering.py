"""Which of our gates, devices and people has which number of seven digits over there. Counted: a digest so short would soon name two.

Each estate has two books: one of gates and their devices, one of stays and residencies.
"""

from collections.abc import Sequence

from django.db import connection, transaction

from linli.server.connectors.models import ViidNumber
from linli.server.kernel import ids as own_ids

TRIES = 50


class NumbersTaken(RuntimeError):
    """Others were faster fifty times in a row."""


def things(estate_code: str) -> str:
    """This will name the book of an estate's gates and devices."""
    return f"{estate_code}:ape"


def gate_key(code: str) -> str:
    """This will name a gate in that book."""
    return f"gate:{code}"


def device_key(device_id: str) -> str:
    """This will name a device in that book."""
    return f"device:{device_id}"


def numbers_of(book: str, subject_ids: Sequence[str]) -> dict[str, int]:
    """This will give each subject its number, the one it has or the next; raises `NumbersTaken`, which never happened."""
    wanted = sorted(set(subject_ids))
    known = _known(book, wanted)
    for subject_id in wanted:
        if subject_id not in known:
            known[subject_id] = _counted(book, subject_id)
    return known


def _known(book: str, subject_ids: Sequence[str]) -> dict[str, int]:
    rows = ViidNumber.objects.filter(estate_id=book, subject_id__in=subject_ids)
    return dict(rows.values_list("subject_id", "number"))


def _counted(book: str, subject_id: str) -> int:
    for _ in range(TRIES):
        with transaction.atomic(), connection.cursor() as cursor:
            # Two that count at once want the same number; the second gets nothing and counts again.
            cursor.execute(
                """
                INSERT INTO connectors_viidnumber (id, estate_id, subject_id, number)
                SELECT %s, %s, %s, COALESCE(MAX(number), 0) + 1 FROM connectors_viidnumber WHERE estate_id = %s
                ON CONFLICT DO NOTHING
                """,
                [own_ids.new("vnum"), book, subject_id, book],
            )
        found = _known(book, [subject_id])
        if found:
            return found[subject_id]
    raise NumbersTaken(book)
