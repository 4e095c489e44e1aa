"""What stands is compared, not announced: what a platform was told of a flat, a door or a resident against how it is now."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction

from linli.server.connectors import subjects
from linli.server.connectors.actions.queueing import queue_gathered
from linli.server.connectors.models import Catalogued
from linli.server.connectors.protocol import FactsMissing, Occasion, Platform
from linli.server.connectors.rules import STANDING_SUBJECTS, Course, SubjectKind
from linli.server.connectors.subjects import Gathered
from linli.server.kernel import crypto

CHANGES_AT_ONCE = 500


def queue_catalogue(*, estate_id: str, platforms: Mapping[str, Platform], now: datetime) -> int:
    """This will queue what is new, has changed or is gone among flats, staff, residents, doors and devices; at most 500 of a kind at once."""
    return sum(
        _queue_changes(platform=platform, subject=subject, course=course, estate_id=estate_id, now=now)
        for platform in platforms.values()
        for subject, course in STANDING_SUBJECTS.items()
        if platform.wants(course.begins)
    )


def _queue_changes(*, platform: Platform, subject: SubjectKind, course: Course, estate_id: str, now: datetime) -> int:
    known = {
        row.subject_id: row
        for row in Catalogued.objects.filter(estate_id=estate_id, platform=platform.name, subject_kind=subject)
    }
    queued = 0
    for found in _changed(subjects.list_standing(estate_id=estate_id, subject_kind=subject), known, platform, course):
        gathered, digest = found
        with transaction.atomic():
            queued += _tell(gathered, digest, platform=platform, course=course, estate_id=estate_id, now=now)
        if queued >= CHANGES_AT_ONCE:
            break
    return queued


def _changed(
    standing: Iterable[Gathered], known: Mapping[str, Catalogued], platform: Platform, course: Course
) -> Iterable[tuple[Gathered, str]]:
    for gathered in standing:
        row = known.get(gathered.subject_id)
        if gathered.gone:
            if row is not None and not row.gone:
                yield gathered, row.digest
            continue
        digest = _digest(gathered, platform=platform, course=course)
        if row is None or row.gone or row.digest != digest:
            yield gathered, digest


def _tell(gathered: Gathered, digest: str, *, platform: Platform, course: Course, estate_id: str, now: datetime) -> int:
    row, new = Catalogued.objects.select_for_update().get_or_create(
        estate_id=estate_id,
        platform=platform.name,
        subject_kind=gathered.subject_kind,
        subject_id=gathered.subject_id,
        defaults={"digest": digest, "told_at": now},
    )
    if not new and (row.digest, row.gone) == (digest, gathered.gone):
        # Another worker has told it meanwhile.
        return 0
    begins = new or row.gone
    kind = course.ends if gathered.gone else course.begins if begins else course.changes
    row.digest, row.gone, row.told_at = digest, gathered.gone, now
    row.save()
    occasion = Occasion(kind=kind, happened_at=now, gone=gathered.gone)
    return queue_gathered(platform=platform, occasion=occasion, gathered=gathered, estate_id=estate_id, now=now)


def _digest(gathered: Gathered, *, platform: Platform, course: Course) -> str:
    # Of what would be told, at a time that never changes; keyed, because a document number could be guessed from a plain digest.
    occasion = Occasion(kind=course.changes, happened_at=datetime.fromisoformat("2000-01-01T00:00:00+00:00"))
    try:
        told: Mapping[str, str] = platform.render(occasion=occasion, facts=gathered.facts)
    except FactsMissing as missing:
        told = {"": missing.field}
    return crypto.blind_index(json.dumps(dict(told), sort_keys=True), context="catalogue").hex()
