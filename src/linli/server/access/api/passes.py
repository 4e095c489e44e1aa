"""How passes are asked over HTTP: a guard's override, a withdrawal from the desk, and the proof that it reached every gate."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from linli.server.access import actions, queries
from linli.server.access.api.gates import CONSOLE
from linli.server.access.queries import (
    Origin,
    PassView,
    RevocationView,
)
from linli.server.kernel import clock
from linli.server.kernel.door import actor_of, created
from linli.server.kernel.periods import Period

router = Router(tags=["access"])


class OverrideAsked(Schema):
    """Whom a guard lets in, on what ground, for how many minutes."""

    holder_kind: str = Field(max_length=16)
    holder_id: str = Field(min_length=1, max_length=40)
    origin_kind: str = Field(min_length=1, max_length=16)
    origin_id: str = Field(min_length=1, max_length=40)
    minutes: int = Field(ge=1, le=120)
    reason: str = Field(min_length=1, max_length=200)


class Override(Schema):
    """A guard's override and the code to print; it opens the estate gates only."""

    # `pass` is a word of the language.
    granted: PassView
    code: str


class RevocationAsked(Schema):
    """Why a pass is withdrawn."""

    reason: str = Field(min_length=1, max_length=200)


@router.post("/passes/override", response={201: Override})
def override(request: HttpRequest, asked: OverrideAsked) -> HttpResponse:
    """This will let somebody through the estate gates on the guard's word, with a code to print, for at most two hours."""
    return created(request, lambda: _override(request, asked))


@router.post("/passes/{pass_id}/revoke", response=PassView)
def revoke(request: HttpRequest, pass_id: str, asked: RevocationAsked) -> PassView:
    """This will withdraw a pass at once; its receipts show when each gate has followed."""
    return actions.revoke_pass(actor=actor_of(request), pass_id=pass_id, reason=asked.reason, now=clock.now())


@router.get("/passes/{pass_id}/receipts", response=RevocationView)
def receipts(request: HttpRequest, pass_id: str) -> RevocationView:
    """This will show, gate by gate, when the newest change of a pass was receipted."""
    actor = actor_of(request)
    actor.require(*CONSOLE)
    return queries.list_receipts(estate_id=actor.estate_id, pass_id=pass_id)


def _override(request: HttpRequest, asked: OverrideAsked) -> Override:
    actor, now = actor_of(request), clock.now()
    granted = actions.grant_override(
        actor=actor,
        holder_kind=asked.holder_kind,
        holder_id=asked.holder_id,
        origin=Origin(kind=asked.origin_kind, id=asked.origin_id),
        period=Period(start=now, end=now + timedelta(minutes=asked.minutes)),
        reason=asked.reason,
        now=now,
    )
    code = queries.pass_codes(estate_id=actor.estate_id, pass_id=granted.id, count=1, now=now)[0]
    return Override(granted=granted, code=code.code)
