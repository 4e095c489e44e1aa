"""Face layers that say what a test wants, and the everyday steps around a check."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from linli.server.connectors import actions
from linli.server.connectors.actions import FaceCheckConsent
from linli.server.connectors.face_check.queries import FaceCheckAnswer, FaceCheckState
from linli.server.connectors.face_check.rules import PURPOSE, Asked, FaceLayer, FaceVerdict, Heard
from linli.server.kernel.actors import Actor
from linli.server.privacy import queries as purposes
from linli.server.stays.queries import StayView
from tests.sim.face_layer.running import picture
from tests.world import World

SAME = Heard(verdict=FaceVerdict.SAME, score=930, receipt="FL1", seconds=0.2)


@dataclass
class Scripted:
    """A layer that answers as told, keeps what it was asked, and may do something first."""

    heard: Heard = SAME
    first: Callable[[Asked], object] = lambda asked: None
    free: bool = True
    asked: list[Asked] = field(default_factory=list)

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Say whether it is free."""
        yield self.free

    def ask(self, *, asked: Asked) -> Heard:
        """Answer as told."""
        self.asked.append(asked)
        self.first(asked)
        return self.heard


def digest_of(world: World, purpose: str = PURPOSE) -> str:
    """The digest of a notice as it stands."""
    return purposes.get_notice(estate_id=world.estate_id, purpose=purpose).digest


def say_yes(world: World, stay: StayView, *, actor: Actor | None = None, **more: Any) -> FaceCheckState:
    """Say yes as the guest, or as somebody at the desk."""
    given = FaceCheckConsent(**{"notice_digest": digest_of(world), **more})
    return actions.consent_to_face_check(
        actor=actor or world.guest(stay), stay_id=stay.id, consent=given, now=world.now
    )


def show(
    world: World, stay: StayView, layer: FaceLayer, *, actor: Actor | None = None, content: bytes | None = None
) -> FaceCheckAnswer:
    """Show a picture as the guest, or as somebody who helps."""
    return actions.check_face(
        actor=actor or world.guest(stay),
        stay_id=stay.id,
        content=picture() if content is None else content,
        layer=layer,
        now=world.now,
    )
