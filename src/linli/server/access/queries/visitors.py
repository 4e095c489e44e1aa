"""Who was asked in: by the host, at the desk, and as the visitor's own phone sees it."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from linli.gate.snapshot import PassState
from linli.server.access.models import DoorGroup, Pass, VisitorInvitation
from linli.server.access.queries.passes import CodeView, pass_codes
from linli.server.access.rules import DoorKind, NotInHouse, VisitOver, VisitState
from linli.server.kernel import crypto
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotAllowed, NotFound
from linli.server.people import queries as people
from linli.server.places import queries as places
from linli.server.privacy import queries as privacy

DESK = (Role.ESTATE_ADMIN, Role.OFFICE, Role.PROPERTY, Role.GUARD)
NAME, PHONE = "visitor.name", "visitor.phone"
PURPOSE = "visitor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """Who asks somebody in: a guest in house or a resident, the entrance and the flat, and until when at most."""

    kind: str
    person_id: str
    entrance_id: str | None
    dwelling_id: str | None
    where: str
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitView:
    """An invitation as host and desk see it; the visitor is masked."""

    id: str
    state: VisitState
    host_kind: str
    where: str
    start: datetime
    end: datetime
    name_masked: str
    phone_masked: str
    pass_number: str
    invited_at: datetime
    answered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitedView:
    """An invitation as the visitor's phone sees it, with the notice to read before saying who one is."""

    state: VisitState
    estate_zh: str
    estate_en: str
    where: str
    start: datetime
    end: datetime
    pass_number: str
    notice_zh: str
    notice_en: str
    notice_digest: str


def find_host(*, actor: Actor, person_id: str | None, now: datetime) -> Host:
    """This will return on whose behalf the actor asks somebody in: a guest on their own, the desk for a person who is here now.

    Refuses with `NotAllowed` or `NotInHouse`.
    """
    stay_id = _own_stay(actor)
    if stay_id is not None:
        return _guest(Pass.objects.filter(estate_id=actor.estate_id, origin_kind="stay", origin_id=stay_id), now)
    actor.require(*DESK)
    if person_id is None:
        raise NotInHouse(field="host_id")
    return _resident(actor.estate_id, person_id) or _guest(
        Pass.objects.filter(estate_id=actor.estate_id, holder_id=person_id), now
    )


def list_visits(*, actor: Actor, now: datetime) -> tuple[VisitView, ...]:
    """This will list a guest's own invitations, or at the desk everybody's, newest first; refuses with `NotAllowed`."""
    rows = VisitorInvitation.objects.filter(estate_id=actor.estate_id).select_related("granted")
    if _own_stay(actor) is not None:
        rows = rows.filter(host_id=find_host(actor=actor, person_id=None, now=now).person_id)
    else:
        actor.require(*DESK)
    return tuple(visit_view(row) for row in rows.order_by("-invited_at", "-id")[:200])


def get_visit(*, actor: Actor, visit_id: str, now: datetime) -> VisitView:
    """This will return an invitation to its host or the desk; refuses with `NotFound` or `NotAllowed`."""
    return visit_view(own_visit(actor=actor, visit_id=visit_id, now=now))


def own_visit(*, actor: Actor, visit_id: str, now: datetime) -> VisitorInvitation:
    """This will return an invitation's row to its host or the desk; refuses with `NotFound` or `NotAllowed`."""
    mine = find_host(actor=actor, person_id=None, now=now).person_id if _own_stay(actor) is not None else None
    if mine is None:
        actor.require(*DESK)
    row = VisitorInvitation.objects.filter(estate_id=actor.estate_id, id=visit_id).select_related("granted").first()
    if row is None or (mine is not None and row.host_id != mine):
        raise NotFound(field="visit_id")
    return row


def get_invited(*, actor: Actor) -> InvitedView:
    """This will return the invitation whose link the actor holds; refuses with `NotAllowed` or `NotFound`."""
    return invited_view(linked_visit(actor=actor))


def linked_visit(*, actor: Actor) -> VisitorInvitation:
    """This will return the row of the invitation whose link the actor holds; refuses with `NotAllowed` or `NotFound`."""
    scopes = sorted(scope for scope in actor.scopes(Role.GUEST) if scope.startswith("visit:"))
    if not scopes:
        raise NotAllowed
    visit_id = scopes[0].removeprefix("visit:")
    row = VisitorInvitation.objects.filter(estate_id=actor.estate_id, id=visit_id).select_related("granted").first()
    if row is None:
        raise NotFound
    return row


def visit_codes(*, actor: Actor, count: int, now: datetime) -> tuple[CodeView, ...]:
    """This will sign the visitor's codes of the next windows; refuses with `VisitOver`, `PassNotActive` or `PassOver`."""
    row = linked_visit(actor=actor)
    if row.state != VisitState.ACCEPTED or row.granted_id is None:
        raise VisitOver
    return pass_codes(estate_id=row.estate_id, pass_id=row.granted_id, count=count, now=now)


def visit_view(row: VisitorInvitation) -> VisitView:
    """This will show a stored invitation with its visitor masked."""
    name = crypto.unseal(bytes(row.sealed_name), context=NAME) if row.sealed_name else ""
    phone = crypto.unseal(bytes(row.sealed_phone), context=PHONE) if row.sealed_phone else ""
    return VisitView(
        id=row.id,
        state=VisitState(row.state),
        host_kind=row.host_kind,
        where=row.where,
        start=row.start,
        end=row.end,
        name_masked=people.masked_name(name) if name else "",
        phone_masked=people.masked_phone(phone) if phone else "",
        pass_number=row.granted.number if row.granted else "",
        invited_at=row.invited_at,
        answered_at=row.answered_at,
    )


def invited_view(row: VisitorInvitation) -> InvitedView:
    """This will show an invitation to its visitor, who learns nothing of the host but the door."""
    estate = places.get_estate(estate_id=row.estate_id)
    notice = privacy.get_notice(estate_id=row.estate_id, purpose=PURPOSE)
    return InvitedView(
        state=VisitState(row.state),
        estate_zh=estate.name_zh,
        estate_en=estate.name_en,
        where=row.where,
        start=row.start,
        end=row.end,
        pass_number=row.granted.number if row.granted else "",
        notice_zh=notice.zh,
        notice_en=notice.en,
        notice_digest=notice.digest,
    )


def _own_stay(actor: Actor) -> str | None:
    stays = sorted(scope for scope in actor.scopes(Role.GUEST) if scope.startswith("stay:"))
    return stays[0].removeprefix("stay:") if stays else None


def _guest(passes: QuerySet[Pass], now: datetime) -> Host:
    row = passes.filter(
        holder_kind__in=("guest", "companion"), state=PassState.ACTIVE, override=False, start__lte=now, end__gt=now
    ).first()
    if row is None:
        raise NotInHouse
    group = DoorGroup.objects.filter(
        estate_id=row.estate_id, number__in=row.groups, kind=DoorKind.ENTRANCE.value
    ).first()
    return Host(
        kind="guest",
        person_id=row.holder_id,
        entrance_id=group.entrance_id if group else None,
        dwelling_id=row.dwelling_id,
        where=group.name_zh if group else "",
        until=row.end,
    )


def _resident(estate_id: str, person_id: str) -> Host | None:
    living = [
        one for one in people.list_residencies(estate_id=estate_id, person_id=person_id) if not one.moved_out_date
    ]
    if not living:
        return None
    flat = places.get_dwelling(estate_id=estate_id, dwelling_id=living[0].dwelling_id)
    return Host(
        kind="resident",
        person_id=person_id,
        entrance_id=flat.entrance_id,
        dwelling_id=flat.id,
        where=flat.label_zh,
        until=None,
    )
