"""Which of our stays and residencies has which twenty-digit number over there. Counted: a digest of seven digits would soon name two."""

from collections.abc import Sequence

from django.db import connection, transaction

from linli.server.connectors.models import ViidNumber
from linli.server.kernel import ids as own_ids

TRIES = 50


class NumbersTaken(RuntimeError):
    """Others were faster fifty times in a row."""


def numbers_of(estate_code: str, subject_ids: Sequence[str]) -> dict[str, int]:
    """This will give each subject its number, the one it has or the next; raises `NumbersTaken`, which never happened."""
    wanted = sorted(set(subject_ids))
    known = _known(estate_code, wanted)
    for subject_id in wanted:
        if subject_id not in known:
            known[subject_id] = _counted(estate_code, subject_id)
    return known


def _known(estate_code: str, subject_ids: Sequence[str]) -> dict[str, int]:
    rows = ViidNumber.objects.filter(estate_id=estate_code, subject_id__in=subject_ids)
    return dict(rows.values_list("subject_id", "number"))


def _counted(estate_code: str, subject_id: str) -> int:
    for _ in range(TRIES):
        with transaction.atomic(), connection.cursor() as cursor:
            # Two that count at once want the same number; the second gets nothing and counts again.
            cursor.execute(
                """
                INSERT INTO connectors_viidnumber (id, estate_id, subject_id, number)
                SELECT %s, %s, %s, COALESCE(MAX(number), 0) + 1 FROM connectors_viidnumber WHERE estate_id = %s
                ON CONFLICT DO NOTHING
                """,
                [own_ids.new("vnum"), estate_code, subject_id, estate_code],
            )
        found = _known(estate_code, [subject_id])
        if found:
            return found[subject_id]
    raise NumbersTaken(estate_code)
