"""The lock's driver and its simulated cloud, for the suite that every make must pass."""

from datetime import UTC, datetime, timedelta

from linli.edge.drivers.listening import Listener
from linli.edge.drivers.ttlock import TtlockAccount, TtlockCloud, TtlockTerminal
from linli.sim.terminals.ttlock import TtlockCloudSim
from tests.edge.terminals.conftest import Bench, RecordingTold

LOCK = 7001
PASSWORD = "Sim-12345"


class TtlockBench(Bench):
    knows_cards = False
    knows_hours = False
    knows_uses = False
    holds_open = False

    def __init__(self):
        self.sim = TtlockCloudSim(clock=lambda: datetime.now(UTC), password=PASSWORD)
        self.sim.start()
        account = TtlockAccount(
            url=self.sim.url,
            client_id="sim-client",
            client_secret="sim-secret",
            username="estate",
            password=PASSWORD,
            callback_token="a-path-of-its-own",
        )
        listener = Listener()
        cloud = TtlockCloud(account=account, listener=listener)
        self.terminal = TtlockTerminal(
            gate="G01", cloud=cloud, lock_id=LOCK, every_s=0.1, first_pause_s=0.02, settle_s=0.3
        )
        self.told = RecordingTold()
        self.terminal.start(self.told)
        self.sim.callbacks.url = f"http://127.0.0.1:{listener.port}{account.callback_path}"

    @property
    def lock(self):
        return self.sim.locks[LOCK]

    def show(self, person):
        return self.sim.let_in(LOCK, person.pin)

    def known(self):
        return {int(code.name.split("#")[1].split()[0]) for code in self.lock.codes.values()}

    def meddle(self, number):
        for code in self.lock.codes.values():
            if f" #{number} " in code.name:
                code.end += 86_400_000

    def network(self, *, up):
        self.sim.online = up
        if up and self.sim.callbacks.repeat:
            self.sim.callbacks.change(repeat=1)

    def unruly(self):
        self.sim.callbacks.change(hold=True, repeat=1)

    def set_clock(self, *, offset_s):
        self.lock.ahead = timedelta(seconds=offset_s)

    def opened(self):
        return self.lock.unlocked

    def close(self):
        self.terminal.stop()
        self.sim.stop()
