"""Two view libraries over real ports: the estate registers above, is subscribed to from there, and tells what it was asked for."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from linli.server.connectors.models import ViidDevice, ViidPeer, ViidSubscription
from linli.server.connectors.viid import catalogue, ours, peers, placing, pushing, tasks
from linli.server.connectors.viid.peers import PeerChange, PeerDraft
from linli.server.kernel import clock
from linli.server.kernel.actors import Role
from tests.connectors.viid import calling
from tests.sim.viid.running import PASSWORD, UPPER, USER, RunningLibrary
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def keeper(monkeypatch: pytest.MonkeyPatch) -> Iterator[tasks.Keeper]:
    """A process that has just started."""
    made = tasks.Keeper()
    monkeypatch.setattr(tasks, "_keeper", made)
    yield made
    for link in made.links.values():
        link.close()


@pytest.fixture
def upper(world: World, above: RunningLibrary) -> str:
    """The library above, as the admin has made it known; its id with us."""
    draft = PeerDraft(
        device_id=UPPER, name="上级", side="up", url=above.url, username=USER, secret=PASSWORD, dialect="strict"
    )
    return peers.add_peer(actor=world.actor(Role.ESTATE_ADMIN), draft=draft, now=world.now).id


def row(peer_id: str) -> ViidPeer:
    return ViidPeer.objects.get(id=peer_id)


def test_the_estate_registers_above_and_writes_down_how_it_stands(
    world: World, above: RunningLibrary, upper: str, keeper: tasks.Keeper
) -> None:
    above.faults(clock_offset_s=90)
    tasks.keep_links_alive(now=clock.now())
    assert row(upper).state == "ONLINE"
    assert abs((row(upper).offset_ms or 0) - 90_000) < 3000
    assert row(upper).registered_at is not None
    mine = catalogue.library_number(estate_id=world.estate_id)
    assert mine in str(above.books_of("registration", size=1000)["rows"])


def test_a_refused_registration_is_seen_and_a_mended_one_works(
    world: World, above: RunningLibrary, upper: str, keeper: tasks.Keeper
) -> None:
    admin = world.actor(Role.ESTATE_ADMIN)
    peers.change_peer(actor=admin, peer_id=upper, change=PeerChange(secret="a-wrong-secret-of-it"), now=world.now)
    tasks.keep_links_alive(now=clock.now())
    assert (row(upper).state, row(upper).failures) == ("OFFLINE", 1)
    assert row(upper).next_try_at is not None
    peers.change_peer(actor=admin, peer_id=upper, change=PeerChange(secret=PASSWORD), now=world.now)
    tasks.keep_links_alive(now=clock.now())
    assert (row(upper).state, row(upper).failures) == ("ONLINE", 0)


def test_a_peer_that_is_switched_off_is_left(
    world: World, above: RunningLibrary, upper: str, keeper: tasks.Keeper
) -> None:
    tasks.keep_links_alive(now=clock.now())
    peers.change_peer(
        actor=world.actor(Role.ESTATE_ADMIN), peer_id=upper, change=PeerChange(enabled=False), now=world.now
    )
    tasks.keep_links_alive(now=clock.now())
    assert keeper.links == {}
    assert row(upper).state == "OFFLINE"


def test_it_is_subscribed_to_from_above_and_tells_its_devices(
    world: World, above: RunningLibrary, upper: str, live_server: Any
) -> None:
    tasks.keep_links_alive(now=clock.now())
    receive_at = f"{above.url}/VIID/SubscribeNotifications"
    above.run("subscribe", peer=live_server.url, receive_at=receive_at, details="3,4", seconds=3600)
    assert ViidSubscription.objects.get().state == 0
    assert pushing.push_due(now=clock.now()) == 1
    told = above.books_of("object", kind="APE", size=1000)
    assert "G01" in str(told)
    assert ViidSubscription.objects.get().pushed_up_to != pushing.NOTHING_YET


def test_a_watch_list_and_faces_from_above_are_refused_and_so_are_devices_that_nobody_ordered(
    world: World, above: RunningLibrary, upper: str, live_server: Any
) -> None:
    tasks.keep_links_alive(now=clock.now())
    number = "510108000000032026112420150000001"
    for said in (
        above.run("dispose", peer=live_server.url),
        above.run("notify", peer=live_server.url, subscription_id=number, faces=2),
        above.run("upload", peer=live_server.url, faces=1, persons=1),
    ):
        assert "InvalidOperation" in str(said), said
    assert ViidDevice.objects.count() == 0
    # Devices too, for nobody has ordered them.
    assert "InvalidOperation" in str(above.run("notify", peer=live_server.url, subscription_id=number, devices=2))
    assert ViidDevice.objects.count() == 0


def order(world: World, upper: str, live_server: Any, settings: Any, keeper: tasks.Keeper) -> str:
    """Order the devices of the library above, and let it say yes; the id of the order."""
    settings.LINLI_PUBLIC_URL = live_server.url
    tasks.keep_links_alive(now=clock.now())
    draft = ours.OrderDraft(
        peer_id=upper, details=("3", "4"), begins_at=None, ends_at=clock.now() + timedelta(days=1), reason="联网"
    )
    made = ours.order_devices(actor=world.actor(Role.OFFICE), draft=draft, now=clock.now() - timedelta(seconds=1))
    assert placing.settle_orders(links=keeper.links, now=clock.now()) == 1
    return made.id


def stands(world: World) -> ours.OrderView:
    (told,) = ours.list_our_orders(actor=world.actor(Role.OFFICE), now=clock.now())
    return told


def said(told: dict[str, Any]) -> list[Any]:
    return [[row[0] for row in answer["statuses"]] for one in told["told"] for answer in one["answers"]]


@pytest.mark.parametrize("dialect", ["strict", "loose"])
def test_the_estate_orders_devices_above_and_is_told_of_them_until_it_cancels(
    world: World, above: RunningLibrary, upper: str, live_server: Any, settings: Any, keeper: tasks.Keeper, dialect: str
) -> None:
    above.run("dialect", dialect=dialect)
    ViidPeer.objects.filter(id=upper).update(dialect=dialect)
    order_id = order(world, upper, live_server, settings, keeper)
    assert (stands(world).state, stands(world).answer) == ("ACTIVE", "ACCEPTED")
    assert stands(world).number in str(above.books_of("subscription", size=1000)["rows"])
    assert said(above.run("tell", online="2")) == [[0]]
    assert {one.online for one in ViidDevice.objects.all()} == {False}
    assert said(above.run("tell", spoil="repeat")) == [[0], [0]]
    assert {one.online for one in ViidDevice.objects.all()} == {True}
    assert said(above.run("tell", spoil="old", online="2")) == [[0]]
    assert {one.online for one in ViidDevice.objects.all()} == {True}
    assert said(above.run("tell", spoil="people")) == [[0, 4, 4]]
    assert said(above.run("tell", spoil="stranger")) == [[4]]
    assert said(above.run("tell", spoil="malformed")) == [[8]]
    assert (stands(world).notices, stands(world).unwanted, ViidDevice.objects.count()) == (4, 2, 2)
    ours.cancel_our_order(actor=world.actor(Role.OFFICE), order_id=order_id, reason="撤销", now=clock.now())
    assert said(above.run("tell")) == [[4]]
    assert placing.settle_orders(links=keeper.links, now=clock.now()) == 1
    assert stands(world).state == "CANCELLED"
    assert above.run("tell") == {"told": []}
    assert said(above.run("tell", spoil="late"))[-1] == [4]
    assert stands(world).notices == 4


def test_an_order_that_a_library_above_refuses_or_does_not_hear_says_so(
    world: World, above: RunningLibrary, upper: str, live_server: Any, settings: Any, keeper: tasks.Keeper
) -> None:
    tasks.keep_links_alive(now=clock.now())
    above.faults(lost_answer__Subscribes=1)
    order(world, upper, live_server, settings, keeper)
    assert (stands(world).state, stands(world).answer) == ("ORDERED", "NO_ANSWER")
    # It has heard it all the same: what it tells before its answer is taken.
    assert said(above.run("tell"))[-1] == [0]
    above.faults(busy__Subscribes=1)
    assert placing.settle_orders(links=keeper.links, now=clock.now() + timedelta(seconds=31)) == 1
    assert (stands(world).state, stands(world).answer, stands(world).answer_code) == ("ORDERED", "BUSY", "2")
    above.faults()
    assert placing.settle_orders(links=keeper.links, now=clock.now() + timedelta(seconds=62)) == 1
    assert stands(world).state == "ACTIVE"


def test_the_library_above_may_register_here_as_a_lower_one(
    world: World, above: RunningLibrary, live_server: Any
) -> None:
    lower = calling.peer_of(world, number=calling.NUMBER)
    login = {"username": calling.USER, "password": calling.SECRET, "as": lower.device_id}
    told = above.run("register", peer=live_server.url, **login)
    assert told["steps"] == [401, 200], told
    above.run("keepalive", peer=live_server.url, **login)
    assert above.run("unregister", peer=live_server.url, **login)
    assert ViidPeer.objects.get(device_id=lower.device_id).state == "OFFLINE"


def test_the_keepers_loop_ends_when_it_is_told_to(
    world: World, above: RunningLibrary, upper: str, keeper: tasks.Keeper
) -> None:
    stop = threading.Event()
    loop = threading.Thread(target=tasks.watch_links, kwargs={"stop": stop})
    loop.start()
    try:
        assert _soon(lambda: row(upper).state == "ONLINE")
    finally:
        stop.set()
        loop.join(timeout=20)
        connection.close()
    assert not loop.is_alive()


def _soon(so: Callable[[], bool]) -> bool:
    until = time.monotonic() + 15
    while not so():
        if time.monotonic() > until:
            return False
        threading.Event().wait(0.05)
    return True
