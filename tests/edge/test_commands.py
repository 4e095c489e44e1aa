"""What a box is asked to do it does once, and what its terminals told the server hears; an older server is no trouble."""

from datetime import UTC, datetime, timedelta

import pytest

from linli.edge.enrolment import Enrolment
from linli.edge.errands import Errands
from linli.edge.fitting import Fitting
from linli.edge.uplink import Uplink
from linli.gate import wire
from linli.gate.snapshot import PassState
from linli.gate.wire import Command, CommandKind, CommandOutcome, TerminalPlan
from tests.edge.fake_terminal import FakeTerminal
from tests.edge.test_reconciler import Site, entry, events, grant


class Server:
    """The routes of terminals and commands, called directly."""

    def __init__(self):
        self.commands, self.replies, self.reports, self.plans = [], [], [], ()
        self.old = self.deaf = False

    def __call__(self, method, path, body=None):
        if self.old:
            return None
        if path == "/api/gate/commands":
            return wire.encode_commands(tuple(self.commands))
        if path.startswith("/api/gate/commands/"):
            if self.deaf:
                raise TimeoutError
            self.replies.append((path.rpartition("/")[2], wire.decode_reply(body)))
        if path == "/api/gate/terminal-reports":
            self.reports += wire.decode_reports(body)
        if path == "/api/gate/terminals":
            return wire.encode_terminals(self.plans)
        return b""


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path / "box")
    site.open_gates()
    return site


def errands(site, **changes):
    words = {"agent": site.agent, "reconciler": site.reconciler, "store": site.store, "clock": site.box.clock}
    return Errands(**{**words, "build": lambda plans: None, **changes})


def command(kind=CommandKind.OPEN, *, seconds=20, id="command_1", gate="G01"):
    expires_at = datetime.now(UTC) + timedelta(seconds=seconds)
    return Command(id=id, gate=gate, kind=kind, by="account_1", why="忘带手机", expires_at=expires_at)


def test_an_opening_from_afar_is_on_record_with_who_and_why(site):
    server = Server()
    server.commands = [command()]
    errands(site).obey(server)
    assert site.box.doors["G01"].opened == 1
    assert (events(site)[-1].method, events(site)[-1].note) == ("REMOTE", "account_1: 忘带手机")
    assert server.replies[0][1].outcome is CommandOutcome.DONE


def test_an_answer_that_is_lost_opens_nothing_twice(site):
    server, doing = Server(), errands(site)
    server.commands, server.deaf = [command()], True
    with pytest.raises(TimeoutError):
        doing.obey(server)
    server.deaf = False
    doing.obey(server)
    errands(site).obey(server)
    assert site.box.doors["G01"].opened == 1
    assert [reply.outcome for _, reply in server.replies] == [CommandOutcome.DONE] * 2


def test_a_box_killed_while_it_was_at_it_says_so_and_opens_nothing(site):
    site.store.note_command("command_1", outcome="", words="", at=datetime.now(UTC))
    server = Server()
    server.commands = [command()]
    errands(site).obey(server)
    assert site.box.doors["G01"].opened == 0
    assert server.replies[0][1].outcome is CommandOutcome.FAILED


def test_what_comes_too_late_is_not_done(site):
    server = Server()
    server.commands = [command(seconds=-1)]
    errands(site).obey(server)
    assert site.box.doors["G01"].opened == 0
    assert events(site) == []
    assert server.replies[0][1].outcome is CommandOutcome.EXPIRED


def test_a_gate_of_another_box_is_refused(site):
    server = Server()
    server.commands = [command(gate="G40")]
    errands(site).obey(server)
    assert server.replies[0][1].outcome is CommandOutcome.FAILED


def test_a_listing_is_the_devices_own_and_goes_up(site):
    terminal, server = FakeTerminal("G01"), Server()
    site.reconciler.add("T1", terminal)
    grant(site, 1)
    doing = errands(site)
    server.commands = [command(CommandKind.LISTING)]
    doing.obey(server)
    doing.run(server)
    assert server.reports[-1].listing.serials == (1,)
    assert server.replies[0][1].outcome is CommandOutcome.DONE
    server.reports.clear()
    doing.run(server)
    assert server.reports == []


def test_a_server_that_knows_none_of_this_is_no_trouble(site):
    terminal, server = FakeTerminal("G01"), Server()
    site.reconciler.add("T1", terminal)
    grant(site, 1)
    server.old = True
    doing = errands(site)
    doing.run(server)
    doing.obey(server)
    assert site.reconciler.reports(), "what nobody took is told again"


def test_the_terminals_planned_are_kept_sealed_and_known_at_the_next_start(site):
    plans = (TerminalPlan(code="T1", gate="G01", make="httpv2", settings={"sn": "S123"}, secret="a-device-secret"),)
    server = Server()
    server.plans = plans
    built = []
    errands(site, build=built.append).run(server)
    assert built == [plans]
    assert site.store.plans() == plans
    assert b"a-device-secret" not in b"".join(path.read_bytes() for path in site.box.home.iterdir())


def test_a_gate_with_a_terminal_is_served_by_it_and_by_a_plain_door_when_it_goes(site):
    fitting = Fitting(agent=site.agent, reconciler=site.reconciler, clock=site.box.clock, home=site.box.home)
    plan = TerminalPlan(code="T1", gate="G01", make="httpv2", settings={"sn": "S123"}, secret="token")
    unfit = TerminalPlan(code="T2", gate="G02", make="isapi", settings={}, secret="")
    plain = site.agent.doors["G01"]
    fitting.build((plan, unfit))
    assert site.agent.doors["G01"] is not plain
    assert site.agent.doors["G02"] is site.box.doors["G02"], "a plan that will not do leaves the gate as it is"
    first = site.agent.doors["G01"]
    fitting.build((plan,))
    assert site.agent.doors["G01"] is first
    fitting.build(())
    assert site.agent.doors["G01"] is not first
    assert site.reconciler.settled_version("G01") is None


def test_a_gate_with_terminals_is_receipted_only_for_what_they_confirmed(site, server):
    terminal = FakeTerminal("G01")
    site.reconciler.add("T1", terminal)
    grant(site, 1)
    line = Uplink(
        enrolment=Enrolment(**{**server.enrolment(), "gates": server.gates}),
        agent=site.agent,
        journal=site.box.journal,
        clock=site.box.clock,
        errands=errands(site),
    )
    terminal.away = True
    before = site.version
    site.list(passes=[entry(1, state=PassState.REVOKED)])
    line.run_errands()
    assert {receipt.gates: receipt.version for _, receipt in server.receipts} == {
        ("G01",): before,
        ("G02",): site.version,
    }
    terminal.come_back()
    line.run_errands()
    line.stop()
    assert (server.receipts[-1][1].gates, server.receipts[-1][1].version) == (("G01",), site.version)
