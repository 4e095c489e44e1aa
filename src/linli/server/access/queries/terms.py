"""On what terms passes are granted today, what was in force before, and at which hours they count."""

import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from linli.gate.hours import Slot
from linli.server.access import rules
from linli.server.access.models import HolderTerms, HouseList, WeeklyHours
from linli.server.access.rules import DoorKind, Terms

REMEMBERED_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsView:
    """Terms of a kind of holder as they were decided; those an estate begins with were decided by nobody yet."""

    holder_kind: str
    doors: tuple[str, ...]
    ways: tuple[str, ...]
    early_minutes: int
    late_minutes: int
    longest_minutes: int
    ends_by: int | None
    review_days: int
    hours: int
    uses: int
    source: str
    in_force_from: datetime | None
    decided_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotView:
    """On one weekday (0 is Monday) from one minute of the day up to, not including, another."""

    weekday: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursView:
    """A weekly table by its number, and whether it counts on holidays too."""

    number: int
    name_zh: str
    name_en: str
    slots: tuple[SlotView, ...]
    holidays: bool


def terms_of(*, estate_id: str, holder_kind: str, now: datetime) -> Terms:
    """This will return the terms in force for a kind of holder, remembered for half a minute; refuses with `UnknownHolder`."""
    default = rules.default_terms(holder_kind=holder_kind)
    for begins, terms in _remembered(estate_id):
        if terms.holder_kind == holder_kind and begins <= now:
            return terms
    return default


def all_terms(*, estate_id: str, now: datetime) -> tuple[Terms, ...]:
    """This will return the terms in force for every kind of holder."""
    return tuple(terms_of(estate_id=estate_id, holder_kind=kind, now=now) for kind in rules.DEFAULTS)


def forget_terms() -> None:
    """This will read terms anew from now on; called when they were decided."""
    _known.clear()


def list_terms(*, estate_id: str, now: datetime) -> tuple[TermsView, ...]:
    """This will list what is in force for every kind of holder, by kind."""
    kinds = sorted(rules.DEFAULTS)
    found = _in_force(estate_id, now)
    return tuple(found.get(kind) or _undecided(rules.default_terms(holder_kind=kind)) for kind in kinds)


def list_terms_history(*, estate_id: str, holder_kind: str) -> tuple[TermsView, ...]:
    """This will list everything ever decided for a kind of holder, newest first, what is still to come included."""
    rows = HolderTerms.objects.filter(estate_id=estate_id, holder_kind=holder_kind).order_by("-in_force_from")
    return tuple(terms_view(row) for row in rows[:200])


def list_hours(*, estate_id: str) -> tuple[HoursView, ...]:
    """This will list the weekly tables by number."""
    rows = WeeklyHours.objects.filter(estate_id=estate_id).order_by("number")
    return tuple(
        HoursView(
            number=row.number,
            name_zh=row.name_zh,
            name_en=row.name_en,
            slots=tuple(SlotView(weekday=day, start=start, end=end) for day, start, end in row.slots),
            holidays=row.holidays,
        )
        for row in rows
    )


def list_holidays(*, estate_id: str) -> tuple[date, ...]:
    """This will list the days on which tables without holidays do not count."""
    row = HouseList.objects.filter(estate_id=estate_id).first()
    return tuple(row.holidays) if row else ()


def slot_rows(slots: tuple[Slot, ...]) -> list[list[int]]:
    """This will write slots as they are stored."""
    return [[slot.weekday, slot.start, slot.end] for slot in slots]


_known: dict[str, tuple[float, tuple[tuple[datetime, Terms], ...]]] = {}


def _remembered(estate_id: str) -> tuple[tuple[datetime, Terms], ...]:
    known = _known.get(estate_id)
    if known is None or time.monotonic() - known[0] > REMEMBERED_SECONDS:
        rows = HolderTerms.objects.filter(estate_id=estate_id).order_by("-in_force_from", "-id")
        known = time.monotonic(), tuple((row.in_force_from, _terms(row)) for row in rows)
        _known[estate_id] = known
    return known[1]


def _in_force(estate_id: str, now: datetime) -> dict[str, TermsView]:
    rows = HolderTerms.objects.filter(estate_id=estate_id, in_force_from__lte=now).order_by("in_force_from", "id")
    return {row.holder_kind: terms_view(row) for row in rows}


def _terms(row: HolderTerms) -> Terms:
    return Terms(
        holder_kind=row.holder_kind,
        doors=tuple(DoorKind(door) for door in row.doors),
        ways=tuple(row.ways),
        early=timedelta(minutes=row.early_minutes),
        late=timedelta(minutes=row.late_minutes),
        longest=timedelta(minutes=row.longest_minutes),
        ends_by=row.ends_by,
        review=timedelta(days=row.review_days),
        hours=row.hours,
        uses=row.uses,
        source=row.source,
    )


def terms_view(row: HolderTerms) -> TermsView:
    """This will show stored terms."""
    return TermsView(
        holder_kind=row.holder_kind,
        doors=tuple(row.doors),
        ways=tuple(row.ways),
        early_minutes=row.early_minutes,
        late_minutes=row.late_minutes,
        longest_minutes=row.longest_minutes,
        ends_by=row.ends_by,
        review_days=row.review_days,
        hours=row.hours,
        uses=row.uses,
        source=row.source,
        in_force_from=row.in_force_from,
        decided_by=row.decided_by,
    )


def _undecided(terms: Terms) -> TermsView:
    return TermsView(
        holder_kind=terms.holder_kind,
        doors=tuple(door.value for door in terms.doors),
        ways=terms.ways,
        early_minutes=int(terms.early.total_seconds() // 60),
        late_minutes=int(terms.late.total_seconds() // 60),
        longest_minutes=int(terms.longest.total_seconds() // 60),
        ends_by=terms.ends_by,
        review_days=terms.review.days,
        hours=terms.hours,
        uses=terms.uses,
        source=terms.source,
        in_force_from=None,
        decided_by="",
    )
