"""How a face check is asked for over HTTP: the yes, the picture, what came of it, and who waits for another way."""

from dataclasses import replace
from typing import Annotated

from django.http import HttpRequest
from ninja import File, Router, Schema
from ninja.files import UploadedFile
from pydantic import ConfigDict, Field

from linli.server.connectors import actions
from linli.server.connectors.actions import FaceCheckConsent
from linli.server.connectors.face_check import client, queries
from linli.server.connectors.face_check.queries import AnotherWay, FaceCheckAnswer, FaceCheckState
from linli.server.kernel import clock
from linli.server.kernel.door import actor_of
from linli.server.kernel.text import Line, Word

router = Router(tags=["face checks"])


class FaceCheckConsentBody(Schema):
    """A yes to one's face being compared with one's document, and to nothing else; at the desk with the evidence of it."""

    model_config = ConfigDict(extra="forbid")

    notice_digest: Annotated[str, Field(min_length=64, max_length=64)]
    guardian: bool = False
    guardian_stay_id: Word | None = None
    on_paper: bool = False
    evidence: Annotated[Line, Field(max_length=200)] = ""


@router.get("/face-checks/another-way", response=list[AnotherWay])
def another_way(request: HttpRequest) -> tuple[AnotherWay, ...]:
    """This will list, for desk and host, the guests who tried a picture and still wait for another way."""
    return queries.list_another_way(actor=actor_of(request), now=clock.now())


@router.get("/stays/{stay_id}/face-check", response=FaceCheckState)
def get_face_check(request: HttpRequest, stay_id: str) -> FaceCheckState:
    """This will say whether a face check may be offered, with its notice, and which other ways there are."""
    return _offered(queries.get_face_check_state(actor=actor_of(request), stay_id=stay_id, now=clock.now()))


@router.post("/stays/{stay_id}/face-check/consent", response=FaceCheckState)
def consent(request: HttpRequest, stay_id: str, body: FaceCheckConsentBody) -> FaceCheckState:
    """This will record a separate yes to the face check notice, word for word the one that was shown."""
    given = FaceCheckConsent(
        notice_digest=body.notice_digest,
        guardian=body.guardian,
        guardian_stay_id=body.guardian_stay_id,
        on_paper=body.on_paper,
        evidence=body.evidence,
    )
    return _offered(
        actions.consent_to_face_check(actor=actor_of(request), stay_id=stay_id, consent=given, now=clock.now())
    )


@router.delete("/stays/{stay_id}/face-check/consent", response=FaceCheckState)
def withdraw(request: HttpRequest, stay_id: str) -> FaceCheckState:
    """This will take the yes back; no reason is asked."""
    return _offered(actions.withdraw_face_check_consent(actor=actor_of(request), stay_id=stay_id, now=clock.now()))


# Without an idempotency key on purpose: a repeated answer would have to be kept, and a transaction would be open while a guest waits.
@router.post("/stays/{stay_id}/face-check", response=FaceCheckAnswer)
def check_face(request: HttpRequest, stay_id: str, picture: File[UploadedFile]) -> FaceCheckAnswer:
    """This will show one picture to the face layer, once, and let go of it; whatever comes of it, another way serves."""
    return actions.check_face(
        actor=actor_of(request), stay_id=stay_id, content=picture.read(), layer=client.linked(), now=clock.now()
    )


def _offered(state: FaceCheckState) -> FaceCheckState:
    """Say that it is available only where a face layer is linked: what cannot be done is not offered."""
    return replace(state, available=state.available and client.is_linked())
