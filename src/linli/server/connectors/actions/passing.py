"""Passages of people with a registered stay or residency, told to the platforms that a named purpose lets know of them.

Each gate's journal is read from where it was last told up to its first open gap: what comes late is told late, nothing twice.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction

from linli.server.access import queries as access
from linli.server.access.queries import JournalView, ToldPassage
from linli.server.connectors import subjects
from linli.server.connectors.actions.queueing import queue_gathered
from linli.server.connectors.models import PassageMark
from linli.server.connectors.protocol import FactsMissing, Occasion, Platform
from linli.server.connectors.rules import MessageKind
from linli.server.privacy import queries as privacy

LINES_AT_ONCE = 500
# A gate may be away for three days; what is still missing a day after that will hardly come, and must not hold up the rest.
GAP_PATIENCE = timedelta(days=4)


def queue_passages(*, estate_id: str, platforms: Mapping[str, Platform], now: datetime) -> int:
    """This will queue what has passed since the last look, at most 500 lines of each journal at once; the number of new messages."""
    wanting = [platform for platform in platforms.values() if platform.wants(MessageKind.PASSAGE)]
    if not wanting:
        return 0
    journals = access.list_journals(estate_id=estate_id)
    return sum(
        _queue_from(journal, platform=platform, estate_id=estate_id, now=now)
        for platform in wanting
        for journal in journals
    )


def _queue_from(journal: JournalView, *, platform: Platform, estate_id: str, now: datetime) -> int:
    whole = whole_up_to(journal, now=now)
    with transaction.atomic():
        mark, _ = PassageMark.objects.select_for_update().get_or_create(
            estate_id=estate_id, platform=platform.name, gate_id=journal.gate, defaults={"sequence": 0}
        )
        up_to = min(whole, mark.sequence + LINES_AT_ONCE)
        if up_to <= mark.sequence:
            return 0
        passages = access.list_told_passages(
            estate_id=estate_id,
            gate=journal.gate,
            after=mark.sequence,
            up_to=up_to,
            origins=subjects.HOLDERS_WITH_A_ROOF,
        )
        queued = sum(_queue_one(passage, platform=platform, estate_id=estate_id, now=now) for passage in passages)
        mark.sequence = up_to
        mark.save(update_fields=["sequence"])
    return queued


def whole_up_to(journal: JournalView, *, now: datetime) -> int:
    """This will say up to which line a journal has come in without a gap that may still be filled."""
    open_gaps = [gap.first for gap in journal.gaps if now - gap.found_at < GAP_PATIENCE]
    return min(open_gaps) - 1 if open_gaps else journal.sequence


def _queue_one(passage: ToldPassage, *, platform: Platform, estate_id: str, now: datetime) -> int:
    if not _consented(passage, platform=platform, estate_id=estate_id):
        return 0
    try:
        gathered = subjects.passage(passage, estate_id=estate_id)
    except FactsMissing:
        # Erased since: there is nobody left to tell of.
        return 0
    occasion = Occasion(kind=MessageKind.PASSAGE, happened_at=passage.happened_at)
    return queue_gathered(platform=platform, occasion=occasion, gathered=gathered, estate_id=estate_id, now=now)


def _consented(passage: ToldPassage, *, platform: Platform, estate_id: str) -> bool:
    # Whoever has not said yes is not queued and parked, but never written down at all.
    purpose = privacy.get_purpose(estate_id=estate_id, code=platform.purpose_of(MessageKind.PASSAGE))
    if not purpose.rests_on_consent:
        return True
    return privacy.find_consent(estate_id=estate_id, person_id=passage.holder_id, purpose=purpose.code) is not None
