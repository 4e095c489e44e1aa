"""A simulated channel on a real port, in a thread of the test, and a reader of it that reads as the worker does."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime

from granian.constants import Interfaces
from granian.server.embed import Server

from linli.sim.feeds.calendar import Order
from linli.sim.feeds.channel import Channel, channel_app

PATIENCE_SECONDS = 20


@dataclass(kw_only=True)
class RunningChannel:
    """A channel that listens: change its orders and its fault, and fetch from its address."""

    channel: Channel
    port: int

    @property
    def url(self) -> str:
        """Where its calendar is."""
        return f"http://127.0.0.1:{self.port}/calendar.ics"

    def lets(self, *orders: Order, fault: str = "") -> None:
        """Have let exactly these, with that fault."""
        self.channel.orders, self.channel.fault = list(orders), fault


def order(number: int, arrive: date, leave: date, **facts: object) -> Order:
    """One order of the channel."""
    return Order(uid=f"C-{number}@channel.example", arrive_date=arrive, leave_date=leave, **facts)  # type: ignore[arg-type]


@contextmanager
def running() -> Iterator[RunningChannel]:
    """A channel that serves until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    channel = Channel(clock=lambda: datetime.now(UTC))
    server = Server(
        channel_app(channel=channel), address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False
    )
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    _wait_for(port)
    yield RunningChannel(channel=channel, port=port)
    server.interrupt_signal = True
    server.main_loop_interrupt.set()


def _wait_for(port: int) -> None:
    ended = threading.Event()
    for _ in range(PATIENCE_SECONDS * 50):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            ended.wait(0.02)
        else:
            return
    raise AssertionError("the channel does not listen")
