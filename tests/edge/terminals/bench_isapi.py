"""The ISAPI driver and its simulated terminal, for the suite that every make must pass."""

from datetime import UTC, datetime, timedelta

from linli.edge.drivers.isapi import IsapiAddress, IsapiTerminal
from linli.edge.drivers.listening import Listener
from linli.sim.terminals.isapi import IsapiTerminalSim
from linli.sim.terminals.isapi_device import IsapiDevice
from tests.edge.terminals.conftest import Bench, RecordingTold

PASSWORD = "Sim-12345"


class IsapiBench(Bench):
    def __init__(self):
        self.device = IsapiDevice(clock=lambda: datetime.now(UTC), deletion_s=0.05)
        self.sim = IsapiTerminalSim(device=self.device, password=PASSWORD)
        self.sim.start()
        address = IsapiAddress(
            url=self.sim.url,
            username="admin",
            password=PASSWORD,
            events_host="127.0.0.1",
            events_token="a-path-of-its-own",
        )
        self.terminal = IsapiTerminal(gate="G01", address=address, listener=Listener(), every_s=0.1, first_pause_s=0.02)
        self.told = RecordingTold()
        self.terminal.start(self.told)

    def show(self, person):
        return self.device.show_card(person.card)

    def known(self):
        self.device.deletion()
        return {int(number) for number in self.device.users}

    def meddle(self, number):
        self.device.users[str(number)]["Valid"]["endTime"] = "2036-01-01T00:00:00"

    def network(self, *, up):
        self.sim.online = up
        if up and self.sim.repeat:
            self.sim.change_posts(repeat=1)

    def unruly(self):
        self.sim.change_posts(repeat=1, late=True)

    def set_clock(self, *, offset_s):
        self.device.ahead = timedelta(seconds=offset_s)

    def opened(self):
        return self.device.commands.count("open")

    def held(self):
        return self.device.held

    def close(self):
        self.terminal.stop()
        self.sim.stop()
