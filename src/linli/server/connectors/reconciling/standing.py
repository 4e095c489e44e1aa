"""Where one stay stands with each platform: exactly one named state at all times, so that none is ever silent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from linli.server.connectors.models import Report
from linli.server.connectors.protocol import Platform
from linli.server.connectors.queries import Words
from linli.server.connectors.rules import TERMS, MessageKind, Reason, ReportState, SubjectKind
from linli.server.connectors.rules import WORDS as REASON_WORDS
from linli.server.kernel.actors import Actor
from linli.server.stays import queries as stays


class Standing(StrEnum):
    """The named states of a stay at one platform."""

    NOT_WANTED = "NOT_WANTED"
    NOT_DUE = "NOT_DUE"
    SILENT = "SILENT"
    QUEUED = "QUEUED"
    SENDING = "SENDING"
    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    PARKED = "PARKED"
    NO_CONSENT = "NO_CONSENT"


WORDS: Mapping[Standing, tuple[str, str]] = MappingProxyType(
    {
        Standing.NOT_WANTED: ("该平台不接收此类信息。", "This platform does not ask to be told."),
        Standing.NOT_DUE: ("尚未入住，暂无需报送。", "The guest has not come in yet; nothing is due."),
        Standing.SILENT: (
            "已入住但尚未生成报送，请管理处核对。",
            "In the house and not reported: the office must look.",
        ),
        Standing.QUEUED: ("等待报送。", "Waiting to be sent."),
        Standing.SENDING: ("正在报送。", "Being sent."),
        Standing.PENDING: ("平台正在处理。", "The platform has it and is deciding."),
        Standing.ACCEPTED: ("已报送，取得回执。", "Reported; the receipt is here."),
        Standing.REJECTED: ("平台退回，需更正后重报。", "Refused by the platform; it must be mended."),
        Standing.PARKED: ("已搁置，等待处理。", "Set aside until somebody acts."),
        Standing.NO_CONSENT: ("本人未同意，不予报送。", "The person has not consented; nothing is sent."),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingView:
    """A stay at one platform: its state, since when, by when a receipt is due, the receipt, and words for it."""

    platform: str
    state: str
    since: datetime | None
    due_at: datetime | None
    overdue: bool
    receipt: str | None
    owner: str | None
    says: Words


def standing_of(
    *, wanted: bool, came_in: bool, reports: Sequence[tuple[ReportState, Reason]]
) -> tuple[Standing, int | None]:
    """This will name the one state of a stay at a platform, and the place of the report that says so, if one does.

    What was reported counts before anything else: of several messages the first that has no receipt, else the last.
    """
    for place, (state, reason) in enumerate(reports):
        if state is not ReportState.ACCEPTED:
            withheld = state is ReportState.PARKED and reason is Reason.NO_CONSENT
            return (Standing.NO_CONSENT if withheld else Standing(state.value)), place
    if reports:
        return Standing.ACCEPTED, len(reports) - 1
    if not wanted:
        return Standing.NOT_WANTED, None
    return (Standing.SILENT if came_in else Standing.NOT_DUE), None


def list_standings(
    *, actor: Actor, stay_id: str, platforms: Mapping[str, Platform], now: datetime
) -> tuple[StandingView, ...]:
    """This will show where a stay stands with every linked platform, and with those that were linked once, to whoever may see the stay."""
    stay = stays.get_stay(actor=actor, stay_id=stay_id)
    rows = Report.objects.filter(estate_id=actor.estate_id, subject_kind=SubjectKind.STAY, subject_id=stay.id)
    by_platform: dict[str, list[Report]] = {name: [] for name in sorted(platforms)}
    for row in rows.order_by("platform", "sequence"):
        by_platform.setdefault(row.platform, []).append(row)
    return tuple(
        _view(name, found, wanted=_wanted(platforms.get(name)), came_at=stay.checked_in_at, terms=stay.belongs, now=now)
        for name, found in by_platform.items()
    )


def _view(
    platform: str, rows: Sequence[Report], *, wanted: bool, came_at: datetime | None, terms: str, now: datetime
) -> StandingView:
    told = [(ReportState(row.state), Reason(row.reason)) for row in rows]
    state, place = standing_of(wanted=wanted, came_in=came_at is not None, reports=told)
    row = rows[place] if place is not None else None
    due_at = _due_at(row, state, came_at=came_at, terms=terms)
    return StandingView(
        platform=platform,
        state=state.value,
        since=_since(row, came_at=came_at) if state is not Standing.NOT_WANTED else None,
        due_at=due_at,
        overdue=due_at is not None and state is not Standing.ACCEPTED and due_at < now,
        receipt=(row.receipt or None) if row else None,
        owner=(row.owner or None) if row else None,
        says=_words(state, row),
    )


def _due_at(row: Report | None, state: Standing, *, came_at: datetime | None, terms: str) -> datetime | None:
    if row is not None:
        return None if state is Standing.NO_CONSENT else row.due_at
    return came_at + TERMS[terms].due_after if came_at and state is Standing.SILENT else None


def _since(row: Report | None, *, came_at: datetime | None) -> datetime | None:
    if row is None:
        return came_at
    return row.accepted_at or row.pending_since or row.queued_at


def _words(state: Standing, row: Report | None) -> Words:
    reason = REASON_WORDS.get(Reason(row.reason)) if row else None
    zh, en = reason or WORDS[state]
    return Words(zh=zh, en=en)


def _wanted(platform: Platform | None) -> bool:
    return platform is not None and platform.wants(MessageKind.CHECK_IN)
