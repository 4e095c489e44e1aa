"""What a night came to beside every platform, and what is asked of whom."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, Q, QuerySet

from linli.server.connectors.models import NightCount, Question, Reconciliation
from linli.server.connectors.queries import Words
from linli.server.connectors.reconciling import rules
from linli.server.connectors.reconciling.rules import OFFICE, QuestionKind, QuestionState
from linli.server.kernel.actors import Actor, Role
from linli.server.places import queries as places

PAGE = 50
READERS = (Role.OFFICE, Role.ESTATE_ADMIN, Role.POLICE, Role.AUDITOR, Role.SYSTEM)
ASKED = (Role.OFFICE, Role.ESTATE_ADMIN, Role.AUDITOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCount:
    """One flat's six figures; `counted` is null where the other side's is not known, which is not zero."""

    unit_id: str
    unit_label: str
    booked: int
    registered: int
    entered: int
    due: int
    reported: int
    receipted: int
    counted: int | None
    even: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformNight:
    """One night beside one platform, summed over the flats. `known` null: it never counts nights; false: it was not reached."""

    platform: str
    counted_at: datetime
    known: bool | None
    booked: int
    registered: int
    entered: int
    due: int
    reported: int
    receipted: int
    counted: int | None
    silent: int
    differences: int
    questions_open: int
    units: tuple[UnitCount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NightView:
    """One night: beside each platform, and what is still asked about it."""

    date: date
    counted_at: datetime | None
    differences: int
    questions_open: int
    platforms: tuple[PlatformNight, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionView:
    """One difference as it is asked about, in both languages; `platform` null lies within the house."""

    id: str
    platform: str | None
    night: date
    unit_id: str
    unit_label: str
    kind: str
    ours: int
    theirs: int
    says: Words
    owner: str
    state: str
    asked_at: datetime
    due_at: datetime
    answer: str | None
    answered_by: str | None
    answered_at: datetime | None
    settled_at: datetime | None
    settled_says: Words | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionCounts:
    """How many questions stand where, and how many are unanswered past their time."""

    open: int
    answered: int
    settled: int
    overdue: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionPage:
    """A page of questions, 50 a page, those that wait longest first, and the counts of all."""

    items: tuple[QuestionView, ...]
    counts: QuestionCounts
    total: int
    page: int
    size: int


def get_night(*, actor: Actor, day: date) -> NightView:
    """This will show a night as it was last counted, to the office and whoever watches it; a night never counted is empty."""
    actor.require(*READERS)
    rules.night_of(day, zone=places.zone(estate_id=actor.estate_id))
    return view_night(estate_id=actor.estate_id, day=day)


def list_questions(*, actor: Actor, state: str | None, day: date | None, page: int, now: datetime) -> QuestionPage:
    """This will list questions: all of them to the office, own flats' to an operator, and to the police the counts alone."""
    rows = _visible(actor)
    if day is not None:
        rows = rows.filter(night_date=day)
    counts = _counts(rows, now=now)
    if state:
        rows = rows.filter(state=state)
    if not actor.may(*ASKED) and actor.may(Role.POLICE):
        rows = rows.none()
    chosen = rows.order_by("due_at", "id")[(page - 1) * PAGE : page * PAGE]
    return QuestionPage(
        items=tuple(view_question(row) for row in chosen), counts=counts, total=rows.count(), page=page, size=PAGE
    )


def view_night(*, estate_id: str, day: date) -> NightView:
    """This will show a night as it was last counted."""
    rows = list(Reconciliation.objects.filter(estate_id=estate_id, night_date=day).order_by("platform"))
    counts: dict[str, list[NightCount]] = {}
    for count in NightCount.objects.filter(estate_id=estate_id, reconciliation__in=rows).order_by("unit_label"):
        counts.setdefault(count.reconciliation_id, []).append(count)
    waiting = Question.objects.filter(estate_id=estate_id, night_date=day, state=QuestionState.OPEN)
    still = dict(waiting.values_list("platform").annotate(Count("id")).order_by())
    return NightView(
        date=day,
        counted_at=max((row.counted_at for row in rows), default=None),
        differences=sum(row.differences for row in rows),
        questions_open=sum(still.values()),
        # The house's own row holds what no platform is needed for; its figures stand in every platform's as well.
        platforms=tuple(
            _platform(row, counts.get(row.id, []), still.get(row.platform, 0)) for row in rows if row.platform
        ),
    )


def view_question(row: Question) -> QuestionView:
    """This will show a question in words."""
    zh, en = rules.words(kind=QuestionKind(row.kind), unit=row.unit_label, ours=row.ours, theirs=row.theirs)
    settled = row.state == QuestionState.SETTLED
    return QuestionView(
        id=row.id,
        platform=row.platform or None,
        night=row.night_date,
        unit_id=row.unit_id,
        unit_label=row.unit_label,
        kind=row.kind,
        ours=row.ours,
        theirs=row.theirs,
        says=Words(zh=zh, en=en),
        owner=row.owner,
        state=row.state,
        asked_at=row.asked_at,
        due_at=row.due_at,
        answer=row.answer or None,
        answered_by=row.answered_by or None,
        answered_at=row.answered_at,
        settled_at=row.settled_at,
        settled_says=Words(zh=rules.SETTLED_WORDS[0], en=rules.SETTLED_WORDS[1]) if settled else None,
    )


def _platform(row: Reconciliation, counts: Iterable[NightCount], questions_open: int) -> PlatformNight:
    units = tuple(_unit(count) for count in counts)
    return PlatformNight(
        platform=row.platform,
        counted_at=row.counted_at,
        known=row.known,
        booked=sum(unit.booked for unit in units),
        registered=sum(unit.registered for unit in units),
        entered=sum(unit.entered for unit in units),
        due=sum(unit.due for unit in units),
        reported=sum(unit.reported for unit in units),
        receipted=sum(unit.receipted for unit in units),
        counted=sum(unit.counted or 0 for unit in units) if row.known else None,
        silent=sum(unit.due - unit.reported for unit in units),
        differences=row.differences,
        questions_open=questions_open,
        units=units,
    )


def _unit(count: NightCount) -> UnitCount:
    chain = {count.booked, count.registered, count.entered}
    told = {count.due, count.reported, count.receipted}
    # Who may not be told of is missing at the platform and is no difference: the house's half and the platform's are judged apart.
    return UnitCount(
        unit_id=count.unit_id,
        unit_label=count.unit_label,
        booked=count.booked,
        registered=count.registered,
        entered=count.entered,
        due=count.due,
        reported=count.reported,
        receipted=count.receipted,
        counted=count.counted,
        even=len(chain) == 1 and len(told) == 1 and count.counted in (None, count.receipted),
    )


def _visible(actor: Actor) -> "QuerySet[Question]":
    rows = Question.objects.filter(estate_id=actor.estate_id)
    if actor.may(*READERS):
        return rows
    actor.require_any(Role.OPERATOR)
    return rows.filter(owner__in=actor.scopes(Role.OPERATOR) - {OFFICE})


def _counts(rows: "QuerySet[Question]", *, now: datetime) -> QuestionCounts:
    found = dict(rows.values_list("state").annotate(Count("id")).order_by())
    late = Q(state=QuestionState.OPEN, due_at__lt=now)
    return QuestionCounts(
        open=found.get(QuestionState.OPEN, 0),
        answered=found.get(QuestionState.ANSWERED, 0),
        settled=found.get(QuestionState.SETTLED, 0),
        overdue=rows.filter(late).count(),
    )
