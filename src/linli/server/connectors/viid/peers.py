"""Peers as the estate's admin knows them: who may register with us, and where we register. A secret goes in and never comes out."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from linli.server.connectors.models import ViidPeer
from linli.server.connectors.viid import ids
from linli.server.connectors.viid.client import LinkState
from linli.server.connectors.viid.dialects import UnknownDialect, dialect_of
from linli.server.kernel import addresses, crypto
from linli.server.kernel import ids as own_ids
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import BadField, NotFound, Refusal
from linli.server.privacy import actions as privacy

SECRET = "viid.peer"
SHORTEST_SECRET = 12
READERS = (Role.ESTATE_ADMIN, Role.OFFICE, Role.AUDITOR)


class PeerKnown(Refusal):
    """A peer with this number is already known here."""

    zh = "该编号的对端已经登记。"


class SecretTooShort(Refusal):
    """The secret of a peer has at least {least} characters."""

    zh = "对端密钥至少 {least} 个字符。"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerDraft:
    """A peer as it is to be: its twenty digits, its side, where it is and under which account registrations are made."""

    device_id: str
    name: str
    side: str
    url: str
    username: str
    secret: str = field(repr=False)
    dialect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerChange:
    """What is to be different; None leaves a thing as it is."""

    name: str | None = None
    url: str | None = None
    username: str | None = None
    secret: str | None = field(default=None, repr=False)
    dialect: str | None = None
    enabled: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerView:
    """A peer and how the link with it stands; its secret is not shown to anybody."""

    id: str
    device_id: str
    name: str
    side: str
    url: str
    username: str
    dialect: str
    state: str
    registered_at: datetime | None
    kept_alive_at: datetime | None
    offset_ms: int | None
    failures: int
    enabled: bool


def list_peers(*, actor: Actor) -> tuple[PeerView, ...]:
    """This will list the peers of the estate by their numbers, to the admin, the office and the auditor."""
    actor.require(*READERS)
    rows = ViidPeer.objects.filter(estate_id=actor.estate_id).order_by("device_id")
    return tuple(_view(row) for row in rows)


def add_peer(*, actor: Actor, draft: PeerDraft, now: datetime) -> PeerView:
    """This will make a peer known; refuses with `PeerKnown`, `SecretTooShort` or `BadField`."""
    actor.require(Role.ESTATE_ADMIN)
    _check_number(draft.device_id)
    _check_account(draft.username, draft.secret)
    _check_address(draft.url, needed=draft.side == "up")
    _check_dialect(draft.dialect)
    with transaction.atomic():
        row, new = ViidPeer.objects.get_or_create(
            estate_id=actor.estate_id,
            device_id=draft.device_id,
            defaults={
                "id": own_ids.new("vpeer"),
                "name": draft.name,
                "side": draft.side,
                "url": draft.url.rstrip("/"),
                "username": draft.username,
                "secret": crypto.seal(draft.secret, context=SECRET),
                "dialect": draft.dialect,
            },
        )
        if not new:
            raise PeerKnown(field="device_id")
        privacy.record(actor=actor, verb="add_viid_peer", subject=row.id, now=now)
    return _view(row)


def change_peer(*, actor: Actor, peer_id: str, change: PeerChange, now: datetime) -> PeerView:
    """This will change a peer; another account, or being switched off, ends its registration. Refuses as `add_peer`, or with `NotFound`."""
    actor.require(Role.ESTATE_ADMIN)
    with transaction.atomic():
        row = ViidPeer.objects.select_for_update().filter(estate_id=actor.estate_id, id=peer_id).first()
        if row is None:
            raise NotFound
        changed = _apply(row, change)
        if changed & {"username", "secret", "url", "enabled"}:
            row.state, row.registered_from, row.failures, row.next_try_at = LinkState.OFFLINE.value, "", 0, None
        row.save()
        privacy.record(actor=actor, verb="change_viid_peer", subject=row.id, fields=sorted(changed), now=now)
    return _view(row)


def _apply(row: ViidPeer, change: PeerChange) -> set[str]:
    if change.url is not None:
        _check_address(change.url, needed=row.side == "up")
        row.url = change.url.rstrip("/")
    if change.dialect is not None:
        _check_dialect(change.dialect)
        row.dialect = change.dialect
    if change.username is not None:
        _check_account(change.username, "x" * SHORTEST_SECRET)
        row.username = change.username
    if change.secret is not None:
        _check_account(row.username, change.secret)
        row.secret = crypto.seal(change.secret, context=SECRET)
    row.name = row.name if change.name is None else change.name
    row.enabled = row.enabled if change.enabled is None else change.enabled
    every = ("name", "url", "username", "secret", "dialect", "enabled")
    return {name for name in every if getattr(change, name) is not None}


def _check_number(device_id: str) -> None:
    try:
        ids.device_of(device_id)
    except ids.BadNumber:
        raise BadField(field="device_id") from None


def _check_account(username: str, secret: str) -> None:
    # The digest is computed over bytes that the two sides must agree on: plain letters leave nothing to disagree about.
    if not username.isascii() or not username.isprintable() or not username or set(username) & set(':"\\'):
        raise BadField(field="username")
    if len(secret) < SHORTEST_SECRET:
        raise SecretTooShort(field="secret", least=SHORTEST_SECRET)
    if not secret.isascii() or not secret.isprintable():
        raise BadField(field="secret")


def _check_address(url: str, *, needed: bool) -> None:
    if not url and not needed:
        return
    try:
        addresses.parts(url)
    except addresses.AddressRefused:
        raise BadField(field="url") from None


def _check_dialect(name: str) -> None:
    try:
        dialect_of(name)
    except UnknownDialect:
        raise BadField(field="dialect") from None


def _view(row: ViidPeer) -> PeerView:
    return PeerView(
        id=row.id,
        device_id=row.device_id,
        name=row.name,
        side=row.side,
        url=row.url,
        username=row.username,
        dialect=row.dialect or "strict",
        state=row.state,
        registered_at=row.registered_at,
        kept_alive_at=row.kept_alive_at,
        offset_ms=row.offset_ms,
        failures=row.failures,
        enabled=row.enabled,
    )
