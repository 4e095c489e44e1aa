"""An estate on an evening that is over: guests who come, are reported, leave, and the verbs to count their night."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from importlib import import_module
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from linli.server.connectors.actions import queue_reports
from linli.server.connectors.delivery import Courier
from linli.server.connectors.models import Question, Report
from linli.server.connectors.protocol import Occasion, Platform
from linli.server.connectors.reconciling import actions
from linli.server.connectors.reconciling.queries import NightView, PlatformNight
from linli.server.connectors.rules import MessageKind
from linli.server.kernel import clock
from linli.server.stays import actions as stays
from linli.server.stays.queries import StayView
from tests import world as worlds
from tests.world import World

LOCAL = ZoneInfo("Asia/Shanghai")


@dataclass(kw_only=True)
class Evening:
    """One evening of the small estate; `world.now` is eight o'clock, `after` is the next morning at ten."""

    world: World
    day: date
    platform: Platform
    platforms: Mapping[str, Platform] = field(default_factory=dict)

    @property
    def after(self) -> datetime:
        """When the night is over."""
        return self.at(10, day=1)

    def at(self, hour: int, minute: int = 0, *, day: int = 0) -> datetime:
        """A time of this evening, or so many days after it."""
        start = datetime.combine(self.day + timedelta(days=day), datetime.min.time(), tzinfo=LOCAL)
        return start + timedelta(hours=hour, minutes=minute)

    def arrive(self, flat: str = "dorm", *, guests: int = 1, **wanted: Any) -> list[StayView]:
        """Guests book, register and come in."""
        return self.world.stay(flat, guests=guests, state="IN_HOUSE", **wanted)

    def tell(self, *guests: StayView, kind: MessageKind = MessageKind.CHECK_IN, at: datetime | None = None) -> None:
        """Queue a message about each, as the relay would."""
        for guest in guests:
            moment = at or guest.checked_in_at
            assert moment is not None
            occasion = Occasion(kind=kind, happened_at=moment)
            queue_reports(
                actor=self.world.hand, occasion=occasion, stay_id=guest.id, platforms=self.platforms, now=moment
            )

    def deliver(self) -> None:
        """Let a courier deliver everything that is due."""
        courier = Courier(platform=self.platform)
        for _ in range(40):
            Report.objects.filter(state__in=["QUEUED", "PENDING"]).update(next_try_at=clock.now())
            if courier.deliver_one() is None:
                return

    def leave(self, guest: StayView, *, at: datetime) -> None:
        """Check out at a time."""
        stays.check_out(actor=self.world.guard, stay_id=guest.id, now=at)

    def count(self, *, now: datetime | None = None) -> NightView:
        """Count the night."""
        return actions.reconcile(actor=self.world.hand, day=self.day, platforms=self.platforms, now=now or self.after)

    def lodging(self) -> PlatformNight:
        """The night beside the platform, counted now."""
        (night,) = self.count().platforms
        return night

    def questions(self, *, state: str = "OPEN") -> list[tuple[str, str, int, int]]:
        """What is asked: kind, owner's kind, ours and theirs."""
        rows = Question.objects.filter(estate_id=self.world.estate_id, state=state).order_by("kind", "unit_label")
        return [(row.kind, row.owner.partition(":")[0], row.ours, row.theirs) for row in rows]


def build(*, platform: Platform) -> Evening:
    """Found the estate and stop its clock at eight in the evening of the day before yesterday."""
    world = worlds.build()
    found = Evening(
        world=world,
        day=clock.local_date(world.now, "Asia/Shanghai") - timedelta(days=2),
        platform=platform,
        platforms=MappingProxyType({platform.name: platform}),
    )
    world.now = found.at(20)
    return found


def link(monkeypatch: pytest.MonkeyPatch, found: Evening, *modules: str) -> None:
    """Let the process be linked to that platform, where the timer, the command or a route looks."""
    for module in modules or ("reconciling.command", "reconciling.tasks"):
        # By its name: the package of routes calls its routers as their modules are called.
        place = import_module(f"linli.server.connectors.{module}")
        monkeypatch.setattr(place, "linked", lambda: found.platforms)
