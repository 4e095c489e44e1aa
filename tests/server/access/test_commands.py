import json
from datetime import timedelta

import pytest
from django.test import Client

from linli.gate import wire
from linli.gate.wire import CommandKind, CommandOutcome, CommandReply, TerminalReport
from linli.server.access import actions, queries
from linli.server.access.actions import TerminalInput
from linli.server.access.models import GateCommand
from linli.server.access.rules import NoBoxThere, ReasonNeeded
from linli.server.kernel import clock
from linli.server.kernel.actors import Role
from linli.server.kernel.errors import NotAllowed, NotFound
from linli.server.people import actions as people
from linli.server.people.actions import RoleInput
from linli.server.privacy.models import AuditEntry
from linli.server.streams import Client as Stream
from linli.server.streams import Hub
from tests.server.access.estate import NOON, Doors, found
from tests.world import digest

SECOND = timedelta(seconds=1)
DONE = CommandReply(outcome=CommandOutcome.DONE)


@pytest.fixture
def doors(db: None) -> Doors:
    return found()


@pytest.mark.parametrize("role", [Role.GUARD, Role.PROPERTY, Role.ESTATE_ADMIN])
def test_a_gate_is_opened_from_afar_with_a_reason_and_on_record(doors: Doors, role: Role) -> None:
    asked = actions.open_gate(actor=doors.actor(role), gate="G01", reason=" a  parcel ", now=NOON)
    (command,) = queries.list_open_commands(box=doors.box, now=NOON)
    assert (command.id, command.gate, command.kind, command.by) == (asked.id, "G01", CommandKind.OPEN, f"acct_{role}")
    assert (command.why, command.expires_at) == ("a parcel", NOON + 20 * SECOND)
    entry = AuditEntry.objects.get(verb="open_gate")
    assert (entry.subject, entry.reason, entry.actor_id) == ("G01", "a parcel", f"acct_{role}")


def test_without_the_right_a_reason_or_a_box_nothing_is_asked(doors: Doors) -> None:
    guard = doors.actor(Role.GUARD)
    actions.retire_box(actor=doors.keeper, box_id=doors.second_box("G09").id, now=NOON)
    before = digest()
    for role in (Role.OFFICE, Role.COMMITTEE, Role.POLICE, Role.AUDITOR, Role.OPERATOR):
        for ask in (actions.open_gate, actions.release_gate, actions.ask_for_listing, actions.ask_for_compare):
            with pytest.raises(NotAllowed):
                ask(actor=doors.actor(role), gate="G01", reason="because", now=NOON)
    with pytest.raises(ReasonNeeded):
        actions.open_gate(actor=guard, gate="G01", reason=" \t", now=NOON)
    with pytest.raises(NotFound):
        actions.open_gate(actor=guard, gate="G99", reason="because", now=NOON)
    with pytest.raises(NoBoxThere):
        actions.open_gate(actor=guard, gate="G09", reason="because", now=NOON)
    assert digest() == before


def test_an_opening_that_nobody_did_in_time_is_never_done(doors: Doors) -> None:
    asked = actions.open_gate(actor=doors.actor(Role.GUARD), gate="G01", reason="a parcel", now=NOON)
    late = NOON + 20 * SECOND
    assert queries.list_open_commands(box=doors.box, now=late) == ()
    # The answer of a box that did it in time may still be under way.
    assert actions.close_expired_commands(actor=doors.keeper, now=late) == 0
    assert actions.close_expired_commands(actor=doors.keeper, now=late + 11 * SECOND) == 1
    assert actions.close_expired_commands(actor=doors.keeper, now=late + 11 * SECOND) == 0
    assert outcome(doors, asked.id) == ("EXPIRED", "")
    # What really happened counts, and only once.
    reply(doors, asked.id, DONE)
    reply(doors, asked.id, CommandReply(outcome=CommandOutcome.FAILED, words="no"))
    assert outcome(doors, asked.id) == ("DONE", "")


def test_an_answer_twice_is_once_and_another_boxs_is_none(doors: Doors) -> None:
    far = doors.second_box("G07")
    asked = actions.open_gate(actor=doors.actor(Role.GUARD), gate="G01", reason="a parcel", now=NOON)
    assert queries.list_open_commands(box=far, now=NOON) == ()
    before = digest()
    with pytest.raises(NotFound):
        actions.record_command_reply(box=far, command_id=asked.id, reply=DONE, now=NOON)
    assert digest() == before
    reply(doors, asked.id, CommandReply(outcome=CommandOutcome.FAILED, words="the strike\0 is stuck"))
    first = outcome(doors, asked.id)
    reply(doors, asked.id, DONE)
    assert outcome(doors, asked.id) == first == ("FAILED", "the strike is stuck")
    assert queries.list_open_commands(box=doors.box, now=NOON) == ()


def test_the_box_is_woken_once_the_command_is_committed(doors: Doors, django_capture_on_commit_callbacks) -> None:  # type: ignore[no-untyped-def]
    with django_capture_on_commit_callbacks() as callbacks:
        actions.release_gate(actor=doors.actor(Role.GUARD), gate="G05", reason="false alarm", now=NOON)
    (told,) = [callback.args for callback in callbacks if "linli_snapshot" in getattr(callback, "args", ())]
    body = json.loads(told[1])
    assert (body["event"], body["data"]) == ("command", {"gate": "G05"})


def test_a_box_hears_the_wake_up_call_on_its_own_stream_and_the_console_does_not(doors: Doors) -> None:
    hub = Hub()
    box, other = (Stream(estate_id=estate, channel="linli_snapshot") for estate in (doors.estate_id, "est_other"))
    console = Stream(estate_id=doors.estate_id, channel="linli_console", hears=frozenset())
    for client in (box, other, console):
        hub._clients.add(client)
    told = {"estate": doors.estate_id, "event": "command", "data": {"gate": "G01"}}
    hub._spread("linli_snapshot", json.dumps(told))
    assert box.waiting.get_nowait() == ("command", '{"gate": "G01"}')
    assert other.waiting.empty()
    assert console.waiting.empty()


def test_every_night_each_gate_with_a_device_is_compared_and_the_outcome_is_kept(doors: Doors) -> None:
    for code, gate in (("T1", "G01"), ("T2", "G01"), ("T7", "G07")):
        terminal(doors, code, gate)
    gone = terminal(doors, "T8", "G08")
    actions.disable_terminal(actor=doors.keeper, terminal_id=gone.id, reason="broken", now=NOON)
    far = doors.second_box("G07")
    assert actions.ask_for_compares(actor=doors.keeper, now=NOON) == 2
    assert actions.ask_for_compares(actor=doors.keeper, now=NOON) == 0
    (mine,), (theirs,) = (queries.list_open_commands(box=box, now=NOON) for box in (doors.box, far))
    assert (mine.gate, mine.kind, theirs.gate) == ("G01", CommandKind.COMPARE, "G07")
    granted = doors.grant()
    actions.issue_card(actor=doors.actor(Role.GUARD), pass_id=granted.id, number="00A177", now=NOON)
    actions.record_terminal_reports(box=doors.box, reports=(TerminalReport(terminal="T1"),), now=NOON)
    reply(doors, mine.id, CommandReply(outcome=CommandOutcome.DONE, words="2 read"))
    assert outcome(doors, mine.id) == ("DONE", "2 read; missing 2, surplus 0, outdated 0, strangers 0")


def test_a_gate_is_commanded_over_http_once_by_key_and_its_box_answers(doors: Doors) -> None:
    guard, box = signed_in(Role.GUARD, doors), Client(headers={"authorization": f"Bearer {doors.key}"})
    body = json.dumps({"reason": "a parcel"})
    for _ in range(2):
        answer = guard.post(
            "/api/gates/G01/open", body, content_type="application/json", headers={"Idempotency-Key": "open-g01-1"}
        )
        assert answer.status_code == 201, answer.content
    assert GateCommand.objects.count() == 1
    (command,) = wire.decode_commands(box.get("/api/gate/commands").content)
    assert (command.kind, command.why) == (CommandKind.OPEN, "a parcel")
    for _ in range(2):
        done = box.post(f"/api/gate/commands/{command.id}", wire.encode_reply(DONE), content_type="application/json")
        assert (done.status_code, done.content) == (204, b"")
    assert wire.decode_commands(box.get("/api/gate/commands").content) == ()
    (shown,) = guard.get("/api/gate-commands?gate=G01").json()
    assert (shown["outcome"], shown["why"], shown["kind"]) == ("DONE", "a parcel", "OPEN")
    assert guard.post("/api/gates/G01/compare", "{}", content_type="application/json").status_code == 201
    assert guard.post("/api/gates/G01/open", "{}", content_type="application/json").status_code == 422
    assert signed_in(Role.COMMITTEE, doors).get("/api/gate-commands").status_code == 403


def test_the_board_shows_every_gate_in_one_statement(doors: Doors, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    terminal(doors, "T1", "G01")
    actions.note_seen(box=doors.box, now=NOON)
    with django_assert_max_num_queries(1):
        board = queries.get_board(estate_id=doors.estate_id, now=NOON + SECOND)
    assert [gate.code for gate in board] == ["G01", "G02", "G05", "G07", "G08", "G09"]
    first = board[0]
    assert (first.online, first.list_age_s, first.terminals.known, first.terminals.online) == (True, None, 1, 0)
    assert (first.alarms, first.last_passage, first.missing, first.unsent) == ((), None, 0, 0)
    assert signed_in(Role.COMMITTEE, doors).get("/api/gates/board").status_code == 200


def terminal(doors: Doors, code: str, gate: str) -> queries.TerminalView:
    asked = TerminalInput(gate=gate, make="simulated", settings={})
    return actions.register_terminal(actor=doors.keeper, code=code, asked=asked, now=NOON)


def reply(doors: Doors, command_id: str, said: CommandReply) -> None:
    actions.record_command_reply(box=doors.box, command_id=command_id, reply=said, now=NOON)


def outcome(doors: Doors, command_id: str) -> tuple[str, str]:
    one = queries.get_command(estate_id=doors.estate_id, command_id=command_id)
    return one.outcome, one.words


def signed_in(role: Role, doors: Doors) -> Client:
    username = f"{role.value.replace('_', '')}.{doors.estate_id[-6:].lower()}"
    people.open_account(
        actor=doors.keeper,
        username=username,
        password="seven quiet dragons",
        display_name="示范 Demo",
        roles=[RoleInput(role=role.value)],
        now=clock.now(),
    )
    browser = Client(raise_request_exception=False)
    assert browser.login(username=username, password="seven quiet dragons")
    return browser
