"""`linli-sim feed`: run one simulated channel."""

import argparse
import json
from pathlib import Path

from linli.sim import serving
from linli.sim.clock import clock_from_environment
from linli.sim.feeds.calendar import FAULTS
from linli.sim.feeds.channel import OF_THE_WIRE, Channel, channel_app, order_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This will say what the command takes."""
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free port; it is printed")
    parser.add_argument("--orders", type=Path, default=None, help="a JSON list of orders to begin with")
    parser.add_argument("--fault", default="", choices=["", *FAULTS, *OF_THE_WIRE], help="what is wrong from the start")
    parser.set_defaults(run=main)


def main(asked: argparse.Namespace) -> int:
    """This will serve the channel until it is told to end."""
    told = json.loads(asked.orders.read_text(encoding="utf-8")) if asked.orders is not None else []
    channel = Channel(clock=clock_from_environment(), orders=[order_of(order) for order in told], fault=asked.fault)
    port = asked.port or serving.free_port(host=asked.host)
    serving.serve(application=channel_app(channel=channel), host=asked.host, port=port, name="channel")
    return 0
