"""Passages of people with a registered stay or residency, told to the platforms that a named purpose lets know of them.

Each gate's journal is read from where it was last told up to its first open gap: what comes late is told late, nothing twice.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from linli.server.access import queries as access
from linli.server.access.queries import JournalView, ToldPassage
from linli.server.connectors import subjects
from linli.server.connectors.actions.queueing import News, news_of, queue_news
from linli.server.connectors.models import PassageMark
from linli.server.connectors.protocol import Occasion, Platform
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
        told = _consented(passages, platform=platform, estate_id=estate_id)
        queued = queue_news(_news(told, platform=platform, estate_id=estate_id), platform=platform, now=now)
        mark.sequence = up_to
        mark.save(update_fields=["sequence"])
    return queued


def whole_up_to(journal: JournalView, *, now: datetime) -> int:
    """This will say up to which line a journal has come in without a gap that may still be filled."""
    open_gaps = [gap.first for gap in journal.gaps if now - gap.found_at < GAP_PATIENCE]
    return min(open_gaps) - 1 if open_gaps else journal.sequence


def _news(told: Sequence[ToldPassage], *, platform: Platform, estate_id: str) -> list[News]:
    # Whoever has been erased since is left out: there is nobody left to tell of.
    occasions = {
        f"{one.gate}:{one.sequence}": Occasion(kind=MessageKind.PASSAGE, happened_at=one.happened_at) for one in told
    }
    return [
        news_of(gathered, occasions[gathered.subject_id], platform=platform, estate_id=estate_id)
        for gathered in subjects.passages(told, estate_id=estate_id)
    ]


def _consented(passages: Sequence[ToldPassage], *, platform: Platform, estate_id: str) -> Sequence[ToldPassage]:
    # Whoever has not said yes is not queued and parked, but never written down at all.
    purpose = privacy.get_purpose(estate_id=estate_id, code=platform.purpose_of(MessageKind.PASSAGE))
    if not purpose.rests_on_consent:
        return passages
    said_yes = {
        person_id: privacy.find_consent(estate_id=estate_id, person_id=person_id, purpose=purpose.code) is not None
        for person_id in {passage.holder_id for passage in passages}
    }
    return [passage for passage in passages if said_yes[passage.holder_id]]
