"""Counting a night, asking about what differs, and answering: the only writers of questions. All of it is safe to run twice."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

import structlog
from django.db import transaction

from linli.server.connectors.models import NightCount, Question, Reconciliation
from linli.server.connectors.protocol import Platform
from linli.server.connectors.reconciling import counting, queries, rules
from linli.server.connectors.reconciling.counting import Counted, UnitNight
from linli.server.connectors.reconciling.queries import NightView, QuestionView
from linli.server.connectors.reconciling.rules import OFFICE, Difference, Night, QuestionKind, QuestionState
from linli.server.connectors.rules import MessageKind
from linli.server.kernel import ids
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotFound
from linli.server.places import queries as places
from linli.server.privacy import actions as privacy

# The house itself stands among the platforms under no name: its own figures are counted once a night, whatever is linked.
HOUSE = ""
LONGEST_ANSWER = 300
log = structlog.get_logger(__name__)


def reconcile(*, actor: Actor, day: date, platforms: Mapping[str, Platform], now: datetime) -> NightView:
    """This will count one night and hold it against every platform that is told of arrivals; each difference becomes a question.

    A platform that cannot be reached leaves its figure unknown, and its earlier questions as they are. Refuses with `NightNotYet`.
    """
    actor.require(Role.OFFICE, Role.ESTATE_ADMIN, Role.SYSTEM)
    zone = places.zone(estate_id=actor.estate_id)
    night = rules.night_of(day, zone=zone)
    rules.check_begun(night, now=now)
    units = counting.list_unit_nights(estate_id=actor.estate_id, night=night)
    _keep(actor.estate_id, HOUSE, night, known=None, counted=counting.count_house(units=units, night=night), now=now)
    for platform in _told_of_arrivals(platforms):
        # Asked before the transaction: nobody waits for a slow platform while holding a row.
        known, theirs = counting.ask_platform(platform=platform, night=night)
        _hold_against(actor.estate_id, platform.name, night, known=known, theirs=theirs, now=now)
    ask_about_silence(actor=actor, platforms=platforms, since=_first_arrival(units, night, zone), now=now)
    return queries.view_night(estate_id=actor.estate_id, day=day)


def ask_about_silence(*, actor: Actor, platforms: Mapping[str, Platform], since: datetime, now: datetime) -> int:
    """This will ask the office about every guest who came in and of whom a platform was told nothing, and return how many they are.

    A question of an evening that lies within what was looked at, and has nobody left, settles itself.
    """
    actor.require(Role.OFFICE, Role.ESTATE_ADMIN, Role.SYSTEM)
    zone = places.zone(estate_id=actor.estate_id)
    silent = 0
    for platform in _told_of_arrivals(platforms):
        with transaction.atomic():
            found = counting.list_silences(
                estate_id=actor.estate_id, platform=platform.name, since=since, zone=zone, now=now
            )
            rows = _locked(actor.estate_id, platform.name, kind=QuestionKind.SILENT)
            for one in found:
                silent += one.arrived - one.reported
                row = rows.pop((one.evening, one.unit_id), None) or _blank(
                    actor.estate_id, platform.name, one.evening, one.unit_id, one.unit_label
                )
                gap = Difference(kind=QuestionKind.SILENT, ours=one.arrived, theirs=one.reported)
                _ask(row, gap, owner=OFFICE, due_at=now, now=now)
            for (evening, _), row in rows.items():
                if rules.day_begins(evening, zone=zone) >= since:
                    _settle(row, now=now)
    return silent


def watch_nights(*, actor: Actor, platforms: Mapping[str, Platform], now: datetime) -> int:
    """This will count the nights that are due: the one that is just ending, and those not yet even or not yet known; returns how many.

    Guests of whom nobody was told are looked for every time: their silence is asked about at once, and not only at four.
    """
    actor.require(Role.SYSTEM)
    zone = places.zone(estate_id=actor.estate_id)
    ask_about_silence(actor=actor, platforms=platforms, since=_silence_since(actor.estate_id, zone, now), now=now)
    days = [day for day in _days(zone=zone, now=now) if _is_due(actor.estate_id, day, zone=zone, now=now)]
    for day in days:
        view = reconcile(actor=actor, day=day, platforms=platforms, now=now)
        log.info("night_reconciled", night=day.isoformat(), questions_open=view.questions_open)
    return len(days)


def answer_question(*, actor: Actor, question_id: str, text: str, now: datetime) -> QuestionView:
    """This will note what a question's owner found; refuses with `NotFound`, `NotAllowed`, `AnswerNeeded` or `QuestionSettled`."""
    answer = " ".join(text.split())[:LONGEST_ANSWER]
    with transaction.atomic():
        row = Question.objects.select_for_update().filter(estate_id=actor.estate_id, id=question_id).first()
        if row is None:
            raise NotFound(field="question_id")
        _require_owner(actor, row.owner)
        if not answer:
            raise rules.AnswerNeeded(field="text")
        if row.state == QuestionState.SETTLED:
            raise rules.QuestionSettled
        row.state, row.answer = QuestionState.ANSWERED, answer
        row.answered_by, row.answered_at = actor.id, now
        row.save(update_fields=["state", "answer", "answered_by", "answered_at"])
        privacy.record(actor=actor, verb="answer_question", subject=row.id, now=now)
    return queries.view_question(row)


def _require_owner(actor: Actor, owner: str) -> None:
    if owner == OFFICE:
        actor.require(Role.OFFICE, Role.ESTATE_ADMIN)
    else:
        actor.require(Role.OPERATOR, scope=owner)


def _hold_against(
    estate_id: str, platform: str, night: Night, *, known: bool | None, theirs: Mapping[str, int] | None, now: datetime
) -> None:
    # Gathered anew after the platform has answered: a guest who came in meanwhile is missing on neither side.
    units = counting.list_unit_nights(estate_id=estate_id, night=night)
    counted = counting.count_platform(estate_id=estate_id, platform=platform, units=units, theirs=theirs, night=night)
    _keep(estate_id, platform, night, known=known, counted=counted, now=now)


def _keep(
    estate_id: str, platform: str, night: Night, *, known: bool | None, counted: Sequence[Counted], now: datetime
) -> None:
    kinds = frozenset(QuestionKind) - rules.WITHIN_THE_HOUSE if platform else rules.WITHIN_THE_HOUSE
    uneven = {one.unit.unit_id: _of_kinds(one, kinds) for one in counted}
    with transaction.atomic():
        fresh = {"id": ids.new("rec"), "counted_at": now, "differences": 0}
        Reconciliation.objects.get_or_create(
            estate_id=estate_id, platform=platform, night_date=night.date, defaults=fresh
        )
        # Two who count the same night at once queue here.
        row = Reconciliation.objects.select_for_update().get(
            estate_id=estate_id, platform=platform, night_date=night.date
        )
        row.counted_at, row.known = now, known
        row.differences = sum(len(found) for found in uneven.values())
        row.save(update_fields=["counted_at", "known", "differences"])
        NightCount.objects.filter(reconciliation=row).delete()
        NightCount.objects.bulk_create(_count(row, one) for one in counted)
        _ask_about(row, counted, uneven, kinds=kinds, night=night, now=now)


def _ask_about(
    night_row: Reconciliation,
    counted: Iterable[Counted],
    uneven: Mapping[str, tuple[Difference, ...]],
    *,
    kinds: frozenset[QuestionKind],
    night: Night,
    now: datetime,
) -> None:
    # Silence has its own look, by arrival and at once; a figure that is not known neither asks nor settles.
    asked = kinds - {QuestionKind.SILENT} - ({QuestionKind.COUNTED} if night_row.known is not True else set())
    estate_id, platform = night_row.estate_id, night_row.platform
    found = Question.objects.select_for_update().filter(
        estate_id=estate_id, platform=platform, night_date=night.date, kind__in=asked
    )
    rows = {(row.unit_id, row.kind): row for row in found.order_by("id")}
    for one in counted:
        unit = one.unit
        for gap in uneven[unit.unit_id]:
            if gap.kind not in asked:
                continue
            row = rows.pop((unit.unit_id, gap.kind), None) or _blank(
                estate_id, platform, night.date, unit.unit_id, unit.unit_label
            )
            owner = rules.owner_of(kind=gap.kind, operator_id=unit.operator_id, stuck=one.told)
            due_at = rules.due_at(kind=gap.kind, stuck=one.told, night=night, now=now)
            _ask(row, gap, owner=owner, due_at=due_at, now=now)
    for row in rows.values():
        _settle(row, now=now)


def _ask(row: Question, gap: Difference, *, owner: str, due_at: datetime, now: datetime) -> None:
    known = not row._state.adding
    if (
        known
        and row.state != QuestionState.SETTLED
        and (row.ours, row.theirs, row.owner) == (gap.ours, gap.theirs, owner)
    ):
        return
    if not known or row.state == QuestionState.SETTLED:
        row.asked_at, row.due_at, row.settled_at = now, due_at, None
    # Other figures are another question: an answer to the old ones does not close it.
    row.state = QuestionState.OPEN
    row.kind, row.ours, row.theirs, row.owner = gap.kind, gap.ours, gap.theirs, owner
    row.save()


def _settle(row: Question, *, now: datetime) -> None:
    if row.state == QuestionState.SETTLED:
        return
    row.state, row.settled_at = QuestionState.SETTLED, now
    row.save(update_fields=["state", "settled_at"])


def _blank(estate_id: str, platform: str, day: date, unit_id: str, unit_label: str) -> Question:
    return Question(
        id=ids.new("qst"),
        estate_id=estate_id,
        platform=platform,
        night_date=day,
        unit_id=unit_id,
        unit_label=unit_label,
    )


def _locked(estate_id: str, platform: str, *, kind: QuestionKind) -> dict[tuple[date, str], Question]:
    rows = Question.objects.select_for_update().filter(estate_id=estate_id, platform=platform, kind=kind)
    return {(row.night_date, row.unit_id): row for row in rows.order_by("id")}


def _of_kinds(one: Counted, kinds: frozenset[QuestionKind]) -> tuple[Difference, ...]:
    return tuple(gap for gap in rules.differences(one.figures) if gap.kind in kinds)


def _count(row: Reconciliation, one: Counted) -> NightCount:
    figures = one.figures
    return NightCount(
        estate_id=row.estate_id,
        reconciliation=row,
        unit_id=one.unit.unit_id,
        unit_label=one.unit.unit_label,
        booked=figures.booked,
        registered=figures.registered,
        entered=figures.entered,
        due=figures.due if row.platform else 0,
        reported=figures.reported,
        receipted=figures.receipted,
        counted=figures.counted,
    )


def _told_of_arrivals(platforms: Mapping[str, Platform]) -> list[Platform]:
    return [platform for platform in platforms.values() if platform.wants(MessageKind.CHECK_IN)]


def _first_arrival(units: Iterable[UnitNight], night: Night, zone: str) -> datetime:
    came = [guest.came_at for unit in units for guest in unit.guests if guest.came_at is not None]
    return rules.day_begins(min([rules.evening_of(moment, zone=zone) for moment in came] + [night.date]), zone=zone)


def _silence_since(estate_id: str, zone: str, now: datetime) -> datetime:
    # As far back as anybody is still asked about, so that what was mended settles itself.
    lately = now - timedelta(days=2)
    asked = Question.objects.filter(estate_id=estate_id, kind=QuestionKind.SILENT).exclude(state=QuestionState.SETTLED)
    oldest = asked.order_by("night_date").values_list("night_date", flat=True).first()
    return lately if oldest is None else min(lately, rules.day_begins(oldest, zone=zone))


def _days(*, zone: str, now: datetime) -> list[date]:
    newest = rules.last_night(now=now, zone=zone)
    return [newest - timedelta(days=back) for back in range(rules.LOOKED_AT_FOR.days)]


def _is_due(estate_id: str, day: date, *, zone: str, now: datetime) -> bool:
    night = rules.night_of(day, zone=zone)
    rows = list(Reconciliation.objects.filter(estate_id=estate_id, night_date=day))
    if not rows:
        # Before the first night was counted there is nothing to catch up with but the last one.
        return day == rules.last_night(now=now, zone=zone)
    return any(
        rules.is_to_be_counted_again(
            counted_at=row.counted_at, known=row.known, uneven=row.differences > 0, night=night, now=now
        )
        for row in rows
    )
