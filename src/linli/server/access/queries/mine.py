"""What a guest may know of the own pass: its number, and by what ways it may be proved."""

from dataclasses import dataclass
from datetime import datetime

from linli.gate.decision import Kind
from linli.gate.ways import LADDER
from linli.server.access.models import Credential
from linli.server.access.queries.passes import PassView, find_pass
from linli.server.access.queries.terms import terms_of
from linli.server.access.rules import Origin
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotAllowed, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnWays:
    """The own pass's number, the ways open to its holder in the order to try them, and whether a PIN is there already."""

    number: str
    ways: tuple[str, ...]
    pin: bool


def own_pass(*, actor: Actor) -> PassView:
    """This will return the pass of the guest who asks; refuses with `NotAllowed` or `NotFound`."""
    stays = sorted(scope for scope in actor.scopes(Role.GUEST) if scope.startswith("stay:"))
    if not stays:
        raise NotAllowed
    found = find_pass(estate_id=actor.estate_id, origin=Origin(kind="stay", id=stays[0].removeprefix("stay:")))
    if found is None:
        raise NotFound
    return found


def get_own_ways(*, actor: Actor, now: datetime) -> OwnWays:
    """This will say by what ways the own pass may be proved; refuses as `own_pass` does."""
    held = own_pass(actor=actor)
    offered = terms_of(estate_id=actor.estate_id, holder_kind=held.holder_kind, now=now).ways
    pins = Credential.objects.filter(bearer_id=held.id, kind=Kind.PIN.value, live=True)
    return OwnWays(
        number=held.number,
        ways=tuple(kind.value for kind in LADDER if kind is Kind.GUARD or kind.value in offered),
        pin=pins.exists(),
    )
