"""Cards, PINs, identity cards and faces: issued to a pass, replaced, taken back. Each proves one pass at a time.

Whatever is taken back stays on the list as not live, so that a gate that hears late still hears it. A pass that is withdrawn takes
all of its own with it in the same change; one that is only suspended keeps them.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from linli.gate.credentials import idcard_digest
from linli.gate.decision import Kind
from linli.gate.snapshot import PassState
from linli.server.access import rules
from linli.server.access.actions.house import pepper_of
from linli.server.access.actions.passes import GRANTERS
from linli.server.access.actions.versions import advance, hold_list
from linli.server.access.models import Credential, Pass
from linli.server.access.queries.credentials import CredentialView, IssuedPin, context_of, index_of, view
from linli.server.access.queries.mine import own_pass
from linli.server.access.queries.terms import terms_of
from linli.server.access.rules import CredentialOver, CredentialTaken
from linli.server.kernel import crypto, ids
from linli.server.kernel.actors import Actor, Role, system
from linli.server.kernel.errors import NotAllowed, NotFound
from linli.server.privacy import actions as privacy
from linli.server.privacy import queries as purposes

ISSUERS = (Role.SYSTEM, Role.ESTATE_ADMIN, Role.PROPERTY, Role.GUARD)
PURPOSES = {Kind.FACE: "face_pass"}
PASS_PURPOSE = "access_pass"
# Of a million PINs a few ten thousand are taken at most: so many draws in a row never fail by chance.
DRAWS = 40


def issue_card(*, actor: Actor, pass_id: str, number: str, now: datetime) -> CredentialView:
    """This will have a card prove a pass; the same card again is the first one.

    Refuses with `NotFound`, `PassNotActive`, `PassOver`, `CardUnreadable`, `WayNotForHolder`, `CredentialTaken`, `TooManyCredentials`.
    """
    actor.require(*ISSUERS)
    value = rules.check_card(number)
    with transaction.atomic():
        return view(_issue(actor, pass_id, Kind.CARD, value, now, shown=value))


def issue_pin(*, actor: Actor, pass_id: str, now: datetime) -> IssuedPin:
    """This will draw a PIN for a pass that opens doors already, and return its digits this once.

    Before a guest is identified there is no such pass, and so no PIN. Refuses as `issue_card` does.
    """
    actor.require(*ISSUERS)
    with transaction.atomic():
        hold_list(estate_id=actor.estate_id)
        pin = _free_pin(actor.estate_id)
        return IssuedPin(credential=view(_issue(actor, pass_id, Kind.PIN, pin, now)), pin=pin)


def register_idcard(*, actor: Actor, pass_id: str, number: str, now: datetime) -> CredentialView:
    """This will have an identity card, read by a gate's reader, prove a pass; kept is only its digest under the estate's key.

    Refuses with `NumberUnreadable` and as `issue_card` does.
    """
    actor.require(*ISSUERS)
    plain = rules.check_idcard(number)
    with transaction.atomic():
        hold_list(estate_id=actor.estate_id)
        digest = idcard_digest(plain, pepper=pepper_of(estate_id=actor.estate_id))
        return view(_issue(actor, pass_id, Kind.IDCARD, digest, now, shown=plain))


def issue_face_credential(*, actor: Actor, pass_id: str, template_id: str, now: datetime) -> tuple[str, int]:
    """This will have a face's template prove a pass, and return the credential's id and the version in which gates hear of it.

    Joins the caller's transaction, which has asked for the consent and keeps the template. Refuses with `NotFound`, `PassNotActive`,
    `PassOver`, `WayNotForHolder` (never a child's face) or `TooManyCredentials`.
    """
    _require_some(actor, GRANTERS)
    with transaction.atomic():
        row = _issue(actor, pass_id, Kind.FACE, template_id, now)
    return row.id, row.version


def end_credential(*, actor: Actor, credential_id: str, reason: str, now: datetime) -> int:
    """This will take back what proves a pass and return the version by which every gate has heard of it; twice is once.

    Joins the caller's transaction; refuses with `NotFound`.
    """
    _require_some(actor, GRANTERS)
    with transaction.atomic():
        hold_list(estate_id=actor.estate_id)
        row = _row(actor.estate_id, credential_id)
        if row.live:
            _end(actor, [row], reason, now)
    return row.version


def withdraw_credential(*, actor: Actor, credential_id: str, reason: str, now: datetime) -> CredentialView:
    """This will take back a card, PIN or identity card from the desk, with a reason. Refuses with `NotFound` or `ReasonNeeded`."""
    actor.require(*ISSUERS)
    why = rules.check_reason(reason)
    with transaction.atomic():
        end_credential(actor=actor, credential_id=credential_id, reason=why, now=now)
        return view(_row(actor.estate_id, credential_id))


def replace_card(*, actor: Actor, credential_id: str, number: str, reason: str, now: datetime) -> CredentialView:
    """This will put another card in place of a lost one: the old one opens nothing from the same change on.

    Refuses with `NotFound`, `CredentialOver`, `ReasonNeeded` and as `issue_card` does.
    """
    actor.require(*ISSUERS)
    value, why = rules.check_card(number), rules.check_reason(reason)
    with transaction.atomic():
        old = _replaced(actor, credential_id, Kind.CARD, why, now)
        return view(_issue(actor, old.bearer_id, Kind.CARD, value, now, shown=value))


def replace_pin(*, actor: Actor, credential_id: str, reason: str, now: datetime) -> IssuedPin:
    """This will draw new digits in place of forgotten or known ones, shown this once; refuses as `replace_card` does."""
    actor.require(*ISSUERS)
    why = rules.check_reason(reason)
    with transaction.atomic():
        old = _replaced(actor, credential_id, Kind.PIN, why, now)
        pin = _free_pin(actor.estate_id)
        return IssuedPin(credential=view(_issue(actor, old.bearer_id, Kind.PIN, pin, now)), pin=pin)


def show_own_pin(*, actor: Actor, now: datetime) -> IssuedPin:
    """This will show a guest the PIN of the own pass, drawing one if there is none; that it was looked at is written down.

    Nobody else is ever shown digits that were shown once: the desk draws new ones. Refuses with `NotAllowed`, `NotFound`, or as `issue_pin`
    does.
    """
    bearer = own_pass(actor=actor)
    own = Credential.objects.select_related("bearer").filter(bearer_id=bearer.id, kind=Kind.PIN.value, live=True)
    live = own.first()
    # A guest may not hand out credentials in general, only have this one: the estate's own hand does it.
    hand = system(actor.estate_id)
    with transaction.atomic():
        if live is None:
            shown = issue_pin(actor=hand, pass_id=bearer.id, now=now)
            privacy.record(actor=actor, verb="draw_own_pin", subject=shown.credential.id, fields=["pin"], now=now)
            return shown
        rules.check_code(state=PassState(live.bearer.state), end=live.bearer.end, now=now)
        privacy.record(
            actor=actor, verb="reveal_pin", subject=live.id, fields=["pin"], reason="the holder looked", now=now
        )
        return IssuedPin(credential=view(live), pin=crypto.unseal(bytes(live.sealed), context=context_of(live.kind)))


def _issue(actor: Actor, pass_id: str, kind: Kind, value: str, now: datetime, *, shown: str = "") -> Credential:
    """Hold the list, so that of two desks with one card the second is told; then let it prove this pass and no other."""
    estate_id = actor.estate_id
    hold_list(estate_id=estate_id)
    bearer = Pass.objects.filter(estate_id=estate_id, id=pass_id).first()
    if bearer is None:
        raise NotFound(field="pass_id")
    rules.check_code(state=PassState(bearer.state), end=bearer.end, now=now)
    rules.check_way(terms_of(estate_id=estate_id, holder_kind=bearer.holder_kind, now=now), kind)
    index = index_of(estate_id=estate_id, kind=kind, value=value)
    known = Credential.objects.select_related("bearer").filter(
        estate_id=estate_id, kind=kind.value, index=index, live=True
    )
    taken = known.first()
    if taken is not None and taken.bearer_id == pass_id:
        return taken
    if taken is not None:
        # A card that comes back from a pass that is over is free again, and says so to gates that still know it.
        if now < taken.bearer.end:
            raise CredentialTaken(field="number")
        _end(actor, [taken], "its pass is over", now)
    live = Credential.objects.filter(estate_id=estate_id, bearer_id=pass_id, kind=kind.value, live=True).count()
    rules.check_room(kind, live=live)
    row = Credential(
        id=ids.new("cred"),
        estate_id=estate_id,
        purpose_id=purposes.get_purpose(estate_id=estate_id, code=PURPOSES.get(kind, PASS_PURPOSE)).id,
        bearer=bearer,
        kind=kind.value,
        index=index,
        sealed=crypto.seal(value, context=context_of(kind.value)),
        label=rules.label(kind, shown),
        issued_at=now,
        version=advance(estate_id=estate_id),
    )
    row.save(force_insert=True)
    privacy.record(actor=actor, verb="issue_credential", subject=row.id, fields=[kind.value, pass_id], now=now)
    return row


def _end(actor: Actor, rows: Iterable[Credential], reason: str, now: datetime) -> None:
    version = advance(estate_id=actor.estate_id)
    for row in rows:
        row.live, row.ended_at, row.version = False, now, version
        row.save(update_fields=["live", "ended_at", "version"])
        privacy.record(
            actor=actor, verb="end_credential", subject=row.id, fields=[row.kind, row.bearer_id], reason=reason, now=now
        )


def _replaced(actor: Actor, credential_id: str, kind: Kind, reason: str, now: datetime) -> Credential:
    hold_list(estate_id=actor.estate_id)
    old = _row(actor.estate_id, credential_id)
    if old.kind != kind:
        raise NotFound(field="credential_id")
    if not old.live:
        raise CredentialOver
    _end(actor, [old], reason, now)
    return old


def _free_pin(estate_id: str) -> str:
    drawn = [rules.draw_pin(secrets.randbelow) for _ in range(DRAWS)]
    indexes = {index_of(estate_id=estate_id, kind=Kind.PIN, value=pin): pin for pin in drawn}
    taken = Credential.objects.filter(estate_id=estate_id, kind=Kind.PIN.value, live=True, index__in=list(indexes))
    for index in taken.values_list("index", flat=True):
        indexes.pop(bytes(index), None)
    return next(iter(indexes.values()))


def _row(estate_id: str, credential_id: str) -> Credential:
    row = Credential.objects.select_related("bearer").filter(estate_id=estate_id, id=credential_id).first()
    if row is None:
        raise NotFound(field="credential_id")
    return row


def _require_some(actor: Actor, roles: Iterable[Role]) -> None:
    if not any(actor.scopes(role) for role in roles):
        raise NotAllowed
