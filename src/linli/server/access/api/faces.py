"""How faces are asked over HTTP: by a guest for themselves, by the desk for a pass number, by a box for its own doors.

There is no route that gives a face to a person, whatever their role: only a box's key opens the one that sends templates.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Body, File, Query, Router, Schema
from ninja.files import UploadedFile
from pydantic import Field

from linli.gate import wire
from linli.server.access import actions, queries
from linli.server.access.actions import Enrolled, EnrolmentAsked, FaceConsent
from linli.server.access.api.boxes import BoxKey
from linli.server.access.queries import (
    BoxView,
    FaceErrorView,
    FaceHoldings,
    FaceReportView,
    GateFaces,
    HolderFaces,
    RemovalView,
)
from linli.server.access.rules import FACE_PIXELS, MOST_IDS, check_frames
from linli.server.kernel import clock
from linli.server.kernel.actors import Role
from linli.server.kernel.door import actor_of, created
from linli.server.kernel.errors import BadField, SignInNeeded
from linli.server.kernel.files import PictureTooLarge, check_picture
from linli.server.kernel.text import Line, Passage, Word

router = Router(tags=["faces"])

COUNTERS = (Role.ESTATE_ADMIN, Role.OFFICE, Role.PROPERTY, Role.AUDITOR)
Number = Annotated[str, Field(max_length=20)]


class ConsentBody(Schema):
    """A yes to opening doors by face; at the desk with the pass's number and the evidence, for a minor by the guardian."""

    notice_digest: Annotated[str, Field(min_length=64, max_length=64)]
    pass_number: Number | None = None
    guardian: bool = False
    guardian_pass_number: Number | None = None
    on_paper: bool = False
    evidence: Annotated[Line, Field(max_length=200)] = ""


class EnrolmentBody(Schema):
    """Whose face is to be taken: one's own, or at the desk the one behind a pass number."""

    pass_number: Number | None = None


class WithdrawalBody(Schema):
    """Whose yes is taken back at the desk, and on what evidence, if there is any."""

    pass_number: Number
    evidence: Annotated[Line, Field(max_length=200)] = ""


class ErrorBody(Schema):
    """What was wrong: which gate, which passage if it left a line, and how."""

    gate: Annotated[Word, Field(max_length=16)]
    sequence: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = None
    kind: Literal["FALSE_ACCEPT", "FALSE_REJECT"]
    note: Annotated[Passage, Field(max_length=200)] = ""


@router.get("/faces/mine", response=HolderFaces)
def my_face(request: HttpRequest) -> HolderFaces:
    """This will tell a guest whether a face may open doors, whether one is held, and how far removals have come."""
    return queries.get_holder_faces(actor=actor_of(request), number=None, now=clock.now())


@router.delete("/faces/mine", response=HolderFaces)
def withdraw_my_face(request: HttpRequest) -> HolderFaces:
    """This will take back a guest's yes and remove the face everywhere; no reason is asked."""
    return actions.withdraw_face(actor=actor_of(request), number=None, now=clock.now())


@router.get("/faces/of", response=HolderFaces)
def face_of(request: HttpRequest, pass_number: Annotated[Number, Query()]) -> HolderFaces:
    """This will tell the desk the same of the holder behind a pass number."""
    return queries.get_holder_faces(actor=actor_of(request), number=pass_number, now=clock.now())


@router.post("/faces/consents", response=HolderFaces)
def consent(request: HttpRequest, body: ConsentBody) -> HolderFaces:
    """This will record a separate yes to the face notice, word for word the one that was shown."""
    given = FaceConsent(
        notice_digest=body.notice_digest,
        guardian=body.guardian,
        guardian_number=body.guardian_pass_number,
        on_paper=body.on_paper,
        evidence=body.evidence,
    )
    return actions.consent_to_face(actor=actor_of(request), number=body.pass_number, consent=given, now=clock.now())


@router.post("/faces/withdrawals", response=HolderFaces)
def withdraw(request: HttpRequest, body: WithdrawalBody) -> HolderFaces:
    """This will take back a yes at the desk and remove the face everywhere."""
    return actions.withdraw_face(
        actor=actor_of(request), number=body.pass_number, evidence=body.evidence, now=clock.now()
    )


@router.post("/faces/enrolments", response={201: EnrolmentAsked})
def begin(request: HttpRequest, body: EnrolmentBody) -> HttpResponse:
    """This will ask for a turn of the head and give the ticket under which the pictures are sent within three minutes."""
    return created(
        request,
        lambda: actions.begin_face_enrolment(actor=actor_of(request), number=body.pass_number, now=clock.now()),
    )


@router.post("/faces/enrolments/{ticket}/pictures", response=Enrolled)
def enrol(request: HttpRequest, ticket: str, picture: File[UploadedFile], frames: File[list[UploadedFile]]) -> Enrolled:
    """This will make a template of a front picture and the pictures of the turn, in order and not mirrored; none of them is stored."""
    actor = actor_of(request)
    check_frames(len(frames))
    return actions.enrol_face(
        actor=actor,
        ticket=ticket,
        picture=_picture(picture),
        turn=[_picture(frame) for frame in frames],
        maker=actions.face_maker(),
        now=clock.now(),
    )


@router.get("/faces/holdings", response=FaceHoldings)
def holdings(request: HttpRequest) -> FaceHoldings:
    """This will count the persons whose faces are held, and say what that number asks for."""
    actor = actor_of(request)
    actor.require(*COUNTERS)
    return queries.get_face_holdings(estate_id=actor.estate_id)


@router.post("/faces/errors", response={201: FaceErrorView})
def report_error(request: HttpRequest, body: ErrorBody) -> HttpResponse:
    """This will keep somebody's word that a gate was wrong about a face."""
    return created(
        request,
        lambda: actions.report_face_error(
            actor=actor_of(request),
            gate=body.gate,
            sequence=body.sequence,
            kind=body.kind,
            note=body.note,
            now=clock.now(),
        ),
    )


@router.get("/faces/errors", response=list[GateFaces])
def errors(request: HttpRequest, days: Annotated[int, Query(ge=1, le=90)] = 30) -> tuple[GateFaces, ...]:
    """This will show, gate by gate, the passages by face of the last days and how many were called wrong."""
    actor = actor_of(request)
    actor.require(*COUNTERS, Role.GUARD)
    return queries.list_gate_faces(estate_id=actor.estate_id, since=clock.now() - timedelta(days=days))


@router.post("/faces/reports", response={201: FaceReportView})
def take_report(request: HttpRequest, report: Annotated[dict[str, Any], Body()]) -> HttpResponse:
    """This will take in the JSON that `linli faces evaluate` wrote; gates refer to it by its digest."""
    return created(request, lambda: actions.take_face_report(actor=actor_of(request), report=report, now=clock.now()))


@router.get("/faces/reports", response=list[FaceReportView])
def reports(request: HttpRequest) -> tuple[FaceReportView, ...]:
    """This will list the evaluations that were taken in."""
    actor = actor_of(request)
    actor.require(*COUNTERS)
    return queries.list_face_reports(estate_id=actor.estate_id)


@router.get("/faces/{face_id}/receipts", response=RemovalView)
def removal_receipts(request: HttpRequest, face_id: str) -> RemovalView:
    """This will show when each gate confirmed that a removed face is gone there too."""
    return queries.list_removal_receipts(actor=actor_of(request), face_id=face_id)


@router.get("/gate/faces", auth=BoxKey(), response={200: None})
def gate_faces(request: HttpRequest, ids: Annotated[str, Query(max_length=4_500)] = "") -> HttpResponse:
    """This will send a box the templates it asks for, of those whose pass opens one of its own doors."""
    box = getattr(request, "auth", None)
    if not isinstance(box, BoxView):
        raise SignInNeeded
    wanted = [one for one in ids.split(",") if one]
    if len(wanted) > MOST_IDS:
        raise BadField(field="ids")
    sheets = queries.list_face_sheets(box=box, ids=wanted, now=clock.now())
    return HttpResponse(
        wire.encode_faces(sheets), content_type="application/json", headers={"Cache-Control": "no-store"}
    )


def _picture(file: UploadedFile) -> bytes:
    """Read a picture into memory, where it stays: settings take no upload to the disk."""
    checked = check_picture(file.read())
    if checked.width * checked.height > FACE_PIXELS:
        raise PictureTooLarge(field="picture")
    return checked.content
