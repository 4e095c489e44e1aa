"""How bookings and stays are asked over HTTP: by guests with a link, by operators, by the desk and the guard."""

from datetime import date, datetime
from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from ninja import File, Query, Router, Schema
from ninja.files import UploadedFile
from pydantic import AwareDatetime, Field

from linli.server.access import queries as access
from linli.server.access.queries import CodeView
from linli.server.kernel import clock
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.door import actor_of, created
from linli.server.kernel.errors import NotAllowed, NotFound
from linli.server.kernel.files import check_picture
from linli.server.kernel.periods import Period
from linli.server.kernel.text import Line, Passage, Word
from linli.server.lettings import queries as lettings
from linli.server.people.actions import DocumentInput, PersonInput
from linli.server.stays import actions, queries
from linli.server.stays.actions import Booked, GuardianForm, GuestForm, PictureRead, Registered
from linli.server.stays.queries import BookingView, Invitation, StayPage, StayView

router = Router(tags=["stays"])


class DocumentBody(Schema):
    """An identity document as typed; `mrz` is the machine-readable text, if it was typed or scanned."""

    type: Word
    number: Word
    issuing_country: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    valid_until: date | None = None
    mrz: Annotated[Passage, Field(max_length=200)] | None = None


class GuardianBody(Schema):
    """A minor's guardian; `in_same_stay` is the stay id of a guest of the same booking."""

    name: Word
    relation: Word
    phone: Word
    in_same_stay: Word | None = None


class GuestBody(Schema):
    """What a guest fills in on the phone page."""

    native_name: Line
    latin_name: Line | None = None
    sex: Literal["male", "female", "unspecified"]
    birth_date: date | None = None
    nationality: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    document: DocumentBody | None = None
    phone: Word | None = None
    room_id: Word | None = None
    bed_id: Word | None = None
    relation_to_booker: Annotated[Line, Field(max_length=60)] = ""
    guardian: GuardianBody | None = None
    house_rules_version: Annotated[str, Field(max_length=20)]
    notice_version: Annotated[str, Field(max_length=20)]
    overlap_reason: Annotated[Line, Field(max_length=120)] = ""


class BookerBody(Schema):
    """Who books."""

    name: Line = ""
    phone: Word = ""


class BookingBody(Schema):
    """A booking; without rooms and beds the first free ones are taken."""

    unit_id: Word
    arrive_at: AwareDatetime
    leave_at: AwareDatetime
    guests_expected: Annotated[int, Field(ge=1, le=60)]
    channel: Annotated[str, Field(max_length=20, pattern=r"^[a-z0-9_.-]+$")] = "operator"
    channel_ref: Annotated[Line, Field(max_length=80, min_length=1)] | None = None
    room_ids: Annotated[list[Word], Field(max_length=60)] = []
    bed_ids: Annotated[list[Word], Field(max_length=120)] = []
    booker: BookerBody = BookerBody()


class RecordBody(Schema):
    """A bench reader's signed record."""

    record: Annotated[str, Field(max_length=4000)]
    signature: Annotated[str, Field(max_length=200)]
    reader_id: Word


class ExtendBody(Schema):
    """Until when the stay is extended."""

    leave_at: AwareDatetime


class MoveBody(Schema):
    """Where the guest moves."""

    room_id: Word
    bed_id: Word | None = None


class StayReason(Schema):
    """Why."""

    reason: Line = ""


class CallBody(Schema):
    """What the guardian said."""

    answer: Literal["confirmed", "refused", "unreachable"]


class Codes(Schema):
    """Codes for the next half-minute windows, and the server's time."""

    codes: list[CodeView]
    now: datetime


def _scope_id(actor: Actor, kind: str) -> str:
    for scope in actor.scopes(Role.GUEST):
        if scope.startswith(f"{kind}:"):
            return scope.removeprefix(f"{kind}:")
    raise NotAllowed


def _form(body: GuestBody) -> GuestForm:
    document = None
    if body.document is not None:
        document = DocumentInput(
            kind=body.document.type,
            number=body.document.number,
            issuing_country=body.document.issuing_country,
            valid_until=body.document.valid_until,
            mrz=body.document.mrz,
        )
    guardian = body.guardian and GuardianForm(
        name=body.guardian.name,
        relation=body.guardian.relation,
        phone=body.guardian.phone,
        stay_id=body.guardian.in_same_stay,
    )
    person = PersonInput(
        native_name=body.native_name,
        latin_name=body.latin_name,
        sex=body.sex,
        birth_date=body.birth_date,
        nationality=body.nationality,
        phone=body.phone,
    )
    return GuestForm(
        person=person,
        document=document,
        house_rules_version=body.house_rules_version,
        notice_version=body.notice_version,
        room_id=body.room_id,
        bed_id=body.bed_id,
        relation_to_booker=body.relation_to_booker,
        guardian=guardian or None,
        overlap_reason=body.overlap_reason,
    )


@router.get("/registration", response=Invitation)
def get_invitation(request: HttpRequest) -> Invitation:
    """This will show what a registration link invites to."""
    actor = actor_of(request)
    return queries.get_invitation(actor=actor, booking_id=_scope_id(actor, "booking"), now=clock.now())


@router.post("/registration/guests", response={201: Registered})
def register_guest(request: HttpRequest, body: GuestBody) -> HttpResponse:
    """This will register one guest through the link."""
    actor, form = actor_of(request), _form(body)
    booking_id = _scope_id(actor, "booking")
    return created(
        request, lambda: actions.register_guest(actor=actor, booking_id=booking_id, form=form, now=clock.now())
    )


@router.post("/bookings/{booking_id}/guests", response={201: Registered})
def register_guest_at_the_desk(request: HttpRequest, booking_id: str, body: GuestBody) -> HttpResponse:
    """This will register a guest who has no phone, by the host or the guard."""
    actor, form = actor_of(request), _form(body)
    return created(
        request, lambda: actions.register_guest(actor=actor, booking_id=booking_id, form=form, now=clock.now())
    )


@router.get("/stays/me", response=StayView)
def get_my_stay(request: HttpRequest) -> StayView:
    """This will show a guest's own stay."""
    actor = actor_of(request)
    return queries.get_stay(actor=actor, stay_id=_scope_id(actor, "stay"))


@router.post("/stays/me/document-picture", response=PictureRead)
def read_my_document(request: HttpRequest, picture: File[UploadedFile]) -> PictureRead:
    """This will read a picture of the guest's document; it is never stored."""
    actor = actor_of(request)
    stay_id = _scope_id(actor, "stay")
    checked = check_picture(picture.read())
    return actions.read_document(actor=actor, stay_id=stay_id, picture=checked, now=clock.now())


@router.post("/stays/me/reader-record", response=StayView)
def accept_my_reader_record(request: HttpRequest, body: RecordBody) -> StayView:
    """This will take a bench reader's signed record of the guest's document."""
    actor = actor_of(request)
    return _accept_record(actor, _scope_id(actor, "stay"), body)


def _accept_record(actor: Actor, stay_id: str, body: RecordBody) -> StayView:
    return actions.accept_reader_record(
        actor=actor,
        stay_id=stay_id,
        record=body.record,
        signature=body.signature,
        reader_id=body.reader_id,
        now=clock.now(),
    )


@router.get("/stays/me/codes", response=Codes)
def list_my_codes(request: HttpRequest, count: Annotated[int, Query(ge=1, le=120)] = 20) -> Codes:
    """This will mint the codes of the next windows, so that a phone survives a dead zone."""
    actor = actor_of(request)
    stay = queries.get_stay(actor=actor, stay_id=_scope_id(actor, "stay"))
    if stay.access_pass is None:
        raise NotFound
    now = clock.now()
    minted = access.pass_codes(estate_id=actor.estate_id, pass_id=stay.access_pass.id, count=count, now=now)
    return Codes(codes=list(minted), now=now)


@router.post("/stays/me/check-out", response=StayView)
def check_out_myself(request: HttpRequest) -> StayView:
    """This will end the guest's own stay; every door closes at once."""
    actor = actor_of(request)
    return actions.check_out(actor=actor, stay_id=_scope_id(actor, "stay"), now=clock.now())


@router.get("/stays", response=StayPage)
def list_stays(
    request: HttpRequest,
    date: date | None = None,
    state: str | None = None,
    kind: str | None = None,
    unit: str | None = None,
    text: str | None = None,
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> StayPage:
    """This will list the stays of a day."""
    return queries.list_stays(
        actor=actor_of(request), day=date, state=state, belongs=kind, unit_id=unit, text=text, page=page
    )


@router.get("/stays/{stay_id}", response=StayView)
def get_stay(request: HttpRequest, stay_id: str) -> StayView:
    """This will show one stay."""
    return queries.get_stay(actor=actor_of(request), stay_id=stay_id)


@router.post("/stays/{stay_id}/eye-check", response=StayView)
def confirm_by_eye(request: HttpRequest, stay_id: str) -> StayView:
    """This will note that host or guard compared guest and document."""
    return actions.confirm_by_eye(actor=actor_of(request), stay_id=stay_id, now=clock.now())


@router.post("/stays/{stay_id}/reader-record", response=StayView)
def accept_reader_record(request: HttpRequest, stay_id: str, body: RecordBody) -> StayView:
    """This will take a reader's record at the desk."""
    return _accept_record(actor_of(request), stay_id, body)


@router.post("/stays/{stay_id}/guardian-call", response=StayView)
def record_guardian_call(request: HttpRequest, stay_id: str, body: CallBody) -> StayView:
    """This will note what a minor's guardian said."""
    return actions.record_guardian_call(actor=actor_of(request), stay_id=stay_id, answer=body.answer, now=clock.now())


@router.post("/stays/{stay_id}/check-in", response=StayView)
def check_in(request: HttpRequest, stay_id: str) -> StayView:
    """This will note an arrival by hand."""
    return actions.check_in(actor=actor_of(request), stay_id=stay_id, now=clock.now())


@router.post("/stays/{stay_id}/check-out", response=StayView)
def check_out(request: HttpRequest, stay_id: str) -> StayView:
    """This will end a stay at the desk."""
    return actions.check_out(actor=actor_of(request), stay_id=stay_id, now=clock.now())


@router.post("/stays/{stay_id}/move", response=StayView)
def move_guest(request: HttpRequest, stay_id: str, body: MoveBody) -> StayView:
    """This will give a guest another bed."""
    return actions.move_guest(
        actor=actor_of(request), stay_id=stay_id, room_id=body.room_id, bed_id=body.bed_id, now=clock.now()
    )


@router.post("/bookings", response={201: Booked})
def book(request: HttpRequest, body: BookingBody) -> HttpResponse:
    """This will book beds and return the registration link's token."""
    actor = actor_of(request)
    wanted = actions.Wanted(
        unit_id=body.unit_id,
        period=Period(start=body.arrive_at, end=body.leave_at),
        guests_expected=body.guests_expected,
        channel=body.channel,
        channel_ref=body.channel_ref,
        booker_name=body.booker.name,
        booker_phone=body.booker.phone,
        room_ids=body.room_ids,
        bed_ids=body.bed_ids,
    )
    return created(request, lambda: actions.book(actor=actor, wanted=wanted, now=clock.now()))


@router.get("/bookings", response=list[BookingView])
def list_bookings(
    request: HttpRequest, date: date | None = None, page: Annotated[int, Query(ge=1, le=100_000)] = 1
) -> list[BookingView]:
    """This will list the bookings of a day."""
    return list(queries.list_bookings(actor=actor_of(request), day=date, page=page))


@router.get("/bookings/{booking_id}/link", response=dict[str, str])
def get_link(request: HttpRequest, booking_id: str) -> dict[str, str]:
    """This will show the registration link of a booking again."""
    return {"registration_token": actions.show_link(actor=actor_of(request), booking_id=booking_id, now=clock.now())}


@router.post("/bookings/{booking_id}/cancel", response=BookingView)
def cancel_booking(request: HttpRequest, booking_id: str, body: StayReason) -> BookingView:
    """This will cancel a booking; its passes end at once."""
    return actions.cancel_booking(actor=actor_of(request), booking_id=booking_id, reason=body.reason, now=clock.now())


@router.post("/bookings/{booking_id}/extend", response=BookingView)
def extend_booking(request: HttpRequest, booking_id: str, body: ExtendBody) -> BookingView:
    """This will extend a booking."""
    return actions.extend_booking(
        actor=actor_of(request), booking_id=booking_id, leave_at=body.leave_at, now=clock.now()
    )


@router.post("/bookings/{booking_id}/no-show", response=BookingView)
def mark_no_show(request: HttpRequest, booking_id: str) -> BookingView:
    """This will note that nobody came."""
    return actions.mark_no_show(actor=actor_of(request), booking_id=booking_id, now=clock.now())


@router.post("/units/{unit_id}/close", response=lettings.UnitView)
def close_unit(request: HttpRequest, unit_id: str, body: StayReason) -> lettings.UnitView:
    """This will end the letting of a flat once nobody is booked or staying there."""
    return actions.close_unit(actor=actor_of(request), unit_id=unit_id, reason=body.reason, now=clock.now())
