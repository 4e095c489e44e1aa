"""A device that calls, on the bench."""

from linli.edge.drivers.httpv2 import HttpV2Terminal, Manner, Site
from linli.edge.drivers.listening import Listener
from linli.sim.terminals.httpv2_device import HttpV2Device
from linli.sim.terminals.httpv2_memory import Model
from tests.edge.terminals.conftest import Bench, RecordingTold

SN = "FC-8200H12345678"
QUICK = {"period_s": 1, "silence_s": 0.4, "open_wait_s": 3.0, "patience_s": 0.5}


class HttpV2Bench(Bench):
    def __init__(self, *, manner=None, model=None, online=False, token="", start=True):
        self.listener = Listener()
        self.site = Site(listener=self.listener)
        self.told = RecordingTold()
        self.manner = Manner(**{**QUICK, "token": token, **(manner or {})})
        self.terminal = HttpV2Terminal(gate="G01", serial_number=SN, site=self.site, manner=self.manner)
        self.terminal.start(self.told)
        self.device = HttpV2Device(
            server=f"http://127.0.0.1:{self.listener.port}", sn=SN, token=token, model=model or Model(), online=online
        )
        if start:
            self.device.start()

    def show(self, person):
        return self.device.swipe(card=person.card).opened

    def known(self):
        return set(self.device.memory.people)

    def meddle(self, number):
        self.device.memory.people[number]["ExpirationDate"] += 86_400

    def network(self, *, up):
        self.device.network(up=up)

    def unruly(self):
        self.device.send_records(twice=True, shuffled=True)

    def set_clock(self, *, offset_s):
        self.device.set_clock(offset_s=offset_s)

    def opened(self):
        return self.device.opened

    def held(self):
        return self.device.kept_open

    def close(self):
        self.device.stop()
        self.terminal.stop()
