"""What goes on by itself: our registrations are kept alive, peers that fell silent are called stale, subscribers get what is due,
and what we have ordered is sent.

The links live in the worker, beside the couriers that send by them: one process holds a registration, and a restart registers again.
"""

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.db import connection

from linli.server.connectors.models import ViidPeer
from linli.server.connectors.platforms import linked
from linli.server.connectors.viid import catalogue, placing, pushing, registering
from linli.server.connectors.viid.client import Link, LinkState, Login
from linli.server.connectors.viid.dialects import dialect_of
from linli.server.connectors.viid.peers import SECRET
from linli.server.kernel import clock, crypto

LOOK_SECONDS = 1.0
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Keeper:
    """The links of one process to the libraries that the estates' admins have named, made anew when a login changes."""

    links: dict[str, Link] = field(default_factory=dict)

    def keep_alive(self, *, now: datetime) -> int:
        """This will do for each link what it needs now, write down how it stands, and return how many are online."""
        wanted = {row.id: row for row in ViidPeer.objects.filter(side="up", enabled=True)}
        for peer_id in set(self.links) - set(wanted):
            self._drop(peer_id)
        return sum(self._look_after(row, now=now) for row in wanted.values())

    def _look_after(self, row: ViidPeer, *, now: datetime) -> bool:
        link = self._link(row)
        before = link.registrations
        online = link.keep_alive() is LinkState.ONLINE
        news: dict[str, object] = {
            "state": link.state.value,
            "failures": link.failures,
            "offset_ms": _milliseconds(link.offset),
            "next_try_at": None if online else now + timedelta(seconds=link.wait_seconds),
        }
        if online:
            news["kept_alive_at"] = now
        if link.registrations != before:
            news["registered_at"] = now
        ViidPeer.objects.filter(id=row.id, enabled=True).update(**news)
        return online

    def _link(self, row: ViidPeer) -> Link:
        login = Login(
            url=row.url,
            device_id=catalogue.library_number(estate_id=row.estate_id),
            username=row.username,
            password=crypto.unseal(bytes(row.secret), context=SECRET),
        )
        link = self.links.get(row.id)
        if link is not None and link.login != login:
            self._drop(row.id)
            link = None
        if link is None:
            link = self.links[row.id] = Link(login=login, dialect=dialect_of(row.dialect), name="viid_peer")
        return link

    def _drop(self, peer_id: str) -> None:
        link = self.links.pop(peer_id)
        link.leave()
        link.close()


_keeper = Keeper()


def keep_links_alive(*, now: datetime) -> None:
    """This will keep every registration of this process alive, those of the couriers too, and note which peers fell silent."""
    for platform in linked().values():
        link = getattr(platform, "link", None)
        if isinstance(link, Link):
            link.keep_alive()
    _keeper.keep_alive(now=now)
    registering.note_silence(now=now)


def watch_links(*, stop: threading.Event) -> None:
    """This will look after links and subscribers every second until `stop` is set."""
    while not stop.is_set():
        try:
            keep_links_alive(now=clock.now())
            placing.settle_orders(links=_keeper.links, now=clock.now())
            pushing.push_due(now=clock.now())
        except Exception as problem:
            # The database may be restarting: what is due now is due a second later too.
            log.warning("viid_links_paused", problem=type(problem).__name__)
        finally:
            connection.close()
        stop.wait(LOOK_SECONDS)


def _milliseconds(offset: timedelta | None) -> int | None:
    if offset is None:
        return None
    return max(-(2**31), min(2**31 - 1, round(offset / timedelta(milliseconds=1))))
