"""What stands is compared, not announced: what a platform was told of a flat, a door or a resident against how it is now."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice

from django.db import transaction

from linli.server.connectors import subjects
from linli.server.connectors.actions.queueing import news_of, queue_news
from linli.server.connectors.models import Catalogued
from linli.server.connectors.protocol import FactsMissing, Occasion, Platform
from linli.server.connectors.rules import STANDING_SUBJECTS, Course, SubjectKind
from linli.server.connectors.subjects import Gathered
from linli.server.kernel import crypto

CHANGES_AT_ONCE = 500
TOLD_TOGETHER = 100
NEVER_TOLD = ""


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
    standing = subjects.list_standing(estate_id=estate_id, subject_kind=subject)
    changed = islice(_changed(standing, known, platform, course), CHANGES_AT_ONCE)
    queued = 0
    while found := list(islice(changed, TOLD_TOGETHER)):
        with transaction.atomic():
            queued += _tell(found, platform=platform, course=course, estate_id=estate_id, now=now)
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


def _tell(
    found: Sequence[tuple[Gathered, str]], *, platform: Platform, course: Course, estate_id: str, now: datetime
) -> int:
    rows = _held([gathered for gathered, _ in found], platform=platform, estate_id=estate_id, now=now)
    changed, news = [], []
    for gathered, digest in found:
        row = rows[gathered.subject_id]
        if (row.digest, row.gone) == (digest, gathered.gone):
            # Another worker has told it meanwhile.
            continue
        begins = row.digest == NEVER_TOLD or row.gone
        kind = course.ends if gathered.gone else course.begins if begins else course.changes
        row.digest, row.gone, row.told_at = digest, gathered.gone, now
        changed.append(row)
        occasion = Occasion(kind=kind, happened_at=now, gone=gathered.gone)
        news.append(news_of(gathered, occasion, platform=platform, estate_id=estate_id))
    Catalogued.objects.bulk_create(
        changed, update_conflicts=True, unique_fields=["id"], update_fields=["digest", "gone", "told_at"]
    )
    return queue_news(news, platform=platform, now=now)


def _held(found: Sequence[Gathered], *, platform: Platform, estate_id: str, now: datetime) -> Mapping[str, Catalogued]:
    # A subject that is new to us gets its row first, so that of two workers one waits for the other.
    blank = [
        Catalogued(
            estate_id=estate_id,
            platform=platform.name,
            subject_kind=one.subject_kind,
            subject_id=one.subject_id,
            digest=NEVER_TOLD,
            told_at=now,
        )
        for one in sorted(found, key=lambda one: one.subject_id)
    ]
    Catalogued.objects.bulk_create(blank, ignore_conflicts=True)
    held = Catalogued.objects.select_for_update().filter(
        estate_id=estate_id,
        platform=platform.name,
        subject_kind=found[0].subject_kind,
        subject_id__in=[one.subject_id for one in found],
    )
    return {row.subject_id: row for row in held.order_by("subject_id")}


def _digest(gathered: Gathered, *, platform: Platform, course: Course) -> str:
    # Of what would be told, at a time that never changes; keyed, because a document number could be guessed from a plain digest.
    occasion = Occasion(kind=course.changes, happened_at=datetime.fromisoformat("2000-01-01T00:00:00+00:00"))
    try:
        told: Mapping[str, str] = platform.render(occasion=occasion, facts=gathered.facts)
    except FactsMissing as missing:
        told = {"": missing.field}
    return crypto.blind_index(json.dumps(dict(told), sort_keys=True), context="catalogue").hex()
