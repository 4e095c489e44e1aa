"""Who hears which live events of the doors: what names a passage, a door's state or an alarm is not for everybody who watches."""

from collections.abc import Mapping
from types import MappingProxyType

from linli.server.kernel.actors import Actor, Role

_DESK = (Role.ESTATE_ADMIN, Role.PROPERTY, Role.GUARD)
# An event that is not named here (a report's state, a count) says nothing of anybody and goes to every watcher.
HEARERS: Mapping[str, tuple[Role, ...]] = MappingProxyType(
    {
        "gate": (*_DESK, Role.OFFICE, Role.POLICE, Role.AUDITOR),
        "door": (*_DESK, Role.POLICE),
        "alarm": (*_DESK, Role.POLICE),
        "terminal": _DESK,
    }
)


def classes_heard(*, actor: Actor) -> tuple[str, ...]:
    """This will name the classes of events an actor hears; a role in part of the estate hears none of them."""
    return tuple(sorted(event for event, roles in HEARERS.items() if actor.may(*roles)))
