"""What a receipt says of a stay, and what its code says of it later. Everything is masked: nobody's data is opened for a paper."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import QuerySet

from linli.documents.kinds import find_kind
from linli.server.connectors.models import Report
from linli.server.connectors.queries import Words
from linli.server.connectors.receipts import rules
from linli.server.connectors.receipts.printing import Paper
from linli.server.connectors.receipts.rules import Later, Line, PaperState
from linli.server.connectors.rules import MessageKind, ReportState, SubjectKind
from linli.server.kernel import tickets
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotFound
from linli.server.lettings import queries as lettings
from linli.server.people import queries as people
from linli.server.places import queries as places
from linli.server.stays import queries as stays
from linli.server.stays.queries import ReportFacts

# The receipt of the police's lodging platform is the one the law speaks of.
PLATFORM = "lodging"
TICKET = "receipt"
TITLE = ("境外旅客住宿登记回执", "Accommodation Registration Receipt")


class ReceiptUnknown(NotFound):
    """This code is not one of ours, or the registration it names is no longer kept."""

    zh = "该二维码不是本系统签发的，或所指登记已过保存期限。"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptView:
    """What anybody who scans a receipt's code is shown, and nothing more."""

    estate_zh: str
    estate_en: str
    unit_mark_masked: str
    arrived_date: date
    until_date: date
    name_masked: str
    receipt: str
    received_at: datetime
    printed_at: datetime
    state: str
    says: Words


def get_paper(*, actor: Actor, stay_id: str, now: datetime) -> Paper:
    """This will compose the receipt of a stay for its guest, the flat's operator or the desk.

    Refuses with `NotFound`, `NotAllowed`, `NoPaperForThisGuest` or `NotReceiptedYet`.
    """
    stay = stays.get_stay(actor=actor, stay_id=stay_id)
    _require_reader(actor, stay_id=stay.id, unit_id=stay.unit_id)
    basis = rules.check_guest(stay.belongs)
    row = _check_in(actor.estate_id, stay.id)
    if row is None or row.state != ReportState.ACCEPTED or row.accepted_at is None:
        raise rules.NotReceiptedYet(state=row.state if row else "NOT_DUE")
    facts = stays.get_report_facts(estate_id=actor.estate_id, stay_id=stay.id)
    return Paper(
        title_zh=TITLE[0],
        title_en=TITLE[1],
        lines=_lines(facts, estate_id=actor.estate_id, receipt=row.receipt, received_at=row.accepted_at),
        notes=(basis, rules.NOTE),
        address=f"{settings.ENV.public_url}/api/receipts/{_sign(row, now=now)}",
    )


def get_receipt(*, token: str, now: datetime) -> ReceiptView:
    """This will say what has become of the receipt behind a code; refuses with `ReceiptUnknown` when we never signed it."""
    body = tickets.read(TICKET, token, now=now)
    row = _named(body) if body else None
    if body is None or row is None or row.accepted_at is None:
        raise ReceiptUnknown
    facts = _facts(row)
    estate = places.get_estate(estate_id=row.estate_id)
    printed_at = datetime.fromtimestamp(body["at"], tz=ZoneInfo("UTC"))
    state = _state(row, edition=body.get("e"), printed_at=printed_at)
    zone = ZoneInfo(estate.zone)
    zh, en = rules.STATE_WORDS[state]
    return ReceiptView(
        estate_zh=estate.name_zh,
        estate_en=estate.name_en,
        unit_mark_masked=rules.mask_mark(facts.unit_mark),
        arrived_date=(facts.checked_in_at or row.happened_at).astimezone(zone).date(),
        until_date=(facts.checked_out_at or facts.leave_at).astimezone(zone).date(),
        name_masked=_person(facts, estate_id=row.estate_id).name_masked,
        receipt=row.receipt,
        received_at=row.accepted_at,
        printed_at=printed_at,
        state=state.value,
        says=Words(zh=zh, en=en),
    )


def _require_reader(actor: Actor, *, stay_id: str, unit_id: str) -> None:
    if actor.may(Role.OFFICE, Role.GUARD) or actor.may(Role.GUEST, scope=f"stay:{stay_id}"):
        return
    unit = lettings.get_unit(estate_id=actor.estate_id, unit_id=unit_id)
    actor.require(Role.OPERATOR, scope=f"operator:{unit.operator_id}")


def _sign(row: Report, *, now: datetime) -> str:
    # The edition goes along: a registration that had to be sent anew has another receipt, and the old paper says so.
    return tickets.issue(TICKET, {"id": row.id, "e": row.edition}, now=now)


def _named(body: dict[str, object]) -> Report | None:
    return Report.objects.filter(id=str(body.get("id")), kind=MessageKind.CHECK_IN).first()


def _check_in(estate_id: str, stay_id: str) -> Report | None:
    return _of_stay(estate_id, stay_id).filter(kind=MessageKind.CHECK_IN).first()


def _of_stay(estate_id: str, stay_id: str) -> "QuerySet[Report]":
    return Report.objects.filter(
        estate_id=estate_id, platform=PLATFORM, subject_kind=SubjectKind.STAY, subject_id=stay_id
    ).order_by("sequence")


def _state(row: Report, *, edition: object, printed_at: datetime) -> PaperState:
    later = _of_stay(row.estate_id, row.subject_id).filter(sequence__gt=row.sequence)
    return rules.state_now(
        check_in=ReportState(row.state),
        same_edition=edition == row.edition,
        later=[Later(kind=MessageKind(kind), queued_at=at) for kind, at in later.values_list("kind", "queued_at")],
        printed_at=printed_at,
    )


def _facts(row: Report) -> ReportFacts:
    try:
        return stays.get_report_facts(estate_id=row.estate_id, stay_id=row.subject_id)
    except NotFound:
        raise ReceiptUnknown from None


def _person(facts: ReportFacts, *, estate_id: str) -> people.PersonView:
    return people.get_person(estate_id=estate_id, person_id=facts.person_id, document_id=facts.document_id)


def _lines(facts: ReportFacts, *, estate_id: str, receipt: str, received_at: datetime) -> tuple[Line, ...]:
    estate = places.get_estate(estate_id=estate_id)
    unit = lettings.get_unit(estate_id=estate_id, unit_id=facts.unit_id)
    person = _person(facts, estate_id=estate_id)
    kind = find_kind(person.document_kind or "")
    arrived = _minute(facts.checked_in_at, estate.zone)
    leaves = _minute(facts.leave_at, estate.zone)
    received = _minute(received_at, estate.zone)
    return (
        _line("姓名", "Name", person.name_masked),
        _line("证件种类", "Document", kind.zh if kind else "", kind.en if kind else ""),
        _line("证件号码", "Document number", person.document_masked or ""),
        _line("国家或地区", "Nationality or region", person.nationality),
        _line("住宿地址", "Address", f"{estate.name_zh} {unit.label_zh}", f"{estate.name_en}, {unit.label_en}"),
        _line("房源标识", "Mark of the flat", facts.unit_mark),
        _line("入住时间", "Arrived", arrived),
        _line("预计离开", "Until", leaves),
        _line("回执编号", "Receipt number", receipt),
        _line("回执时间", "Received", received),
        _line("登记平台", "Registered with", "公安旅馆业治安管理平台", "Police platform for lodging"),
    )


def _line(name_zh: str, name_en: str, zh: str, en: str | None = None) -> Line:
    return Line(name_zh=name_zh, name_en=name_en, zh=zh, en=zh if en is None else en)


def _minute(moment: datetime | None, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" if moment else ""
