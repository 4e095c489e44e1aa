"""A simulated device of the "HTTPv2" document: it calls a server, fetches persons, lets people pass and reports them.

`linli-sim terminal httpv2 --server http://127.0.0.1:8710 --sn SN` prints its control port, by which a test plays the rest:

    GET /state
    POST /swipe     {"card" | "qr" | "pin" with "number" | "face": base64, "entry": true, "temperature": 36.6}
    POST /network   {"up": false}                 POST /clock    {"offset_s": 95}
    POST /alarm     {"name": "anti", "on": true}  POST /fire     {"on": true}
    POST /records   {"twice": true, "shuffled": true}
    POST /settings  {"FaceThreshold": 58}         POST /reboot {}   /button {}

It calls every `--period` seconds; the heartbeat in its settings, of whole seconds, it keeps but does not follow.
"""

from __future__ import annotations

import argparse
import base64
import json
from collections.abc import Mapping
from typing import Any

from linli.sim.clock import clock_from_environment
from linli.sim.terminals import ports
from linli.sim.terminals.httpv2_device import HttpV2Device
from linli.sim.terminals.httpv2_memory import Model
from linli.sim.terminals.ports import Deed, Port


class HttpV2TerminalSim:
    """A device and its control port."""

    def __init__(self, *, device: HttpV2Device, host: str = "127.0.0.1", control_port: int = 0) -> None:
        """Take a device; raises OSError for a port that is taken."""
        self.device = device
        self.control = Port(answer=ports.control(self._deeds(), state=self.state), host=host, port=control_port)

    def start(self) -> None:
        """This will switch it on."""
        self.control.start()
        self.device.start()

    def stop(self) -> None:
        """This will switch it off."""
        self.device.stop()
        self.control.stop()

    def state(self) -> dict[str, Any]:
        """This will show the device from inside."""
        device = self.device
        return {
            "sn": device.sn,
            "opened": device.opened,
            "kept_open": device.kept_open,
            "alarms": sorted(device.alarms),
            "time": device.now().isoformat(),
            "people": [*device.memory.people.values()],
            "faces": len(device.memory.faces),
            "records": device.memory.records[-100:],
            "settings": device.memory.settings,
        }

    def _deeds(self) -> dict[str, Deed]:
        device = self.device
        return {
            "swipe": self._swipe,
            "network": lambda given: device.network(up=bool(given["up"])),
            "clock": lambda given: device.set_clock(offset_s=float(given["offset_s"])),
            "alarm": lambda given: device.alarm(name=str(given["name"]), on=bool(given["on"])),
            "fire": lambda given: device.alarm(name="fire", on=bool(given["on"])),
            "records": lambda given: device.send_records(twice=bool(given["twice"]), shuffled=bool(given["shuffled"])),
            "reboot": lambda given: device.reboot(),
            "button": lambda given: device.button(),
            "settings": device.change_settings,
        }

    def _swipe(self, given: Mapping[str, Any]) -> object:
        shown = {**given}
        if "face" in shown:
            shown["face"] = base64.b64decode(shown["face"])
        done = self.device.swipe(**shown)
        return {"opened": done.opened, "type": done.kind, "number": done.number, "message": done.message}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This will say what the command takes."""
    parser.add_argument("--server", required=True, help="where the driver listens, e.g. http://127.0.0.1:8710")
    parser.add_argument("--sn", required=True, help="the device's serial number")
    parser.add_argument("--token", default="", help="the secret in the address, where one is agreed")
    parser.add_argument("--period", type=float, default=3.0, help="seconds between heartbeats")
    parser.add_argument("--people", type=int, default=20_000, help="how many persons the model holds")
    parser.add_argument("--online", action="store_true", help="ask the server about what is not in its own list")


def terminal(asked: argparse.Namespace) -> HttpV2TerminalSim:
    """This will make the terminal that the command asked for."""
    device = HttpV2Device(
        server=asked.server,
        sn=asked.sn,
        token=asked.token,
        model=Model(people=asked.people),
        period_s=asked.period,
        online=asked.online,
        clock=clock_from_environment(),
    )
    return HttpV2TerminalSim(device=device, host=asked.host, control_port=asked.control_port)


def main(asked: argparse.Namespace) -> int:
    """This will run one device until SIGTERM or Ctrl-C."""
    device = terminal(asked)
    ports.serve(device, words=json.dumps({"ready": True, "sn": asked.sn, "control": device.control.url}))
    return 0
