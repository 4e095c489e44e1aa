"""What is on the disk survives kill -9, a full disk, damage and tampering; and it says what it lost."""

import os
import sqlite3
from datetime import UTC, datetime

import pytest

from linli.edge.box import Box
from linli.edge.enrolment import Enrolment
from linli.edge.inspection import inspect_home
from linli.edge.store import JournalStore, StoreFailed
from linli.edge.store.floors import RESERVE
from linli.edge.store.journals import check
from linli.gate import journal, wire
from linli.gate.decision import Direction, Kind, Reason, Scan
from tests.edge.conftest import LocalBox

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
EXIT = Scan(gate="G01", kind=Kind.EXIT, direction=Direction.OUT)


def event(**changes):
    usual = {
        "at": NOW,
        "clock": "ok",
        "method": "CODE",
        "direction": "in",
        "opened": True,
        "reason": "OK",
        "serial": 1,
        "snapshot_version": 1,
    }
    return journal.Event(**{**usual, **changes})


def fill_disk(database):
    """Let SQLite find no room for another page, as on a full disk, until the file is opened anew."""
    connection = database.open()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={pages}")
    return connection


def damage(path, *, at=4096, length=4096 * 3):
    with path.open("r+b") as file:
        file.seek(at)
        file.write(os.urandom(length))


def numbers(store, gate="G01"):
    return [journal.parse(line).sequence for line in store.lines(gate)]


def test_a_chain_goes_on_over_a_restart(tmp_path):
    path = tmp_path / "journal.sqlite3"
    for _ in range(3):
        store = JournalStore(path=path, gates=("G01",))
        store.append(gate="G01", event=event())
        # Not closed: a crash does not say goodbye.
    store = JournalStore(path=path, gates=("G01",))
    assert journal.verify(store.lines("G01")).heads["G01"] == store.heads()["G01"]
    assert numbers(store) == [1, 2, 3]


def test_a_restart_before_the_first_event_skips_nothing(tmp_path):
    for _ in range(3):
        store = JournalStore(path=tmp_path / "journal.sqlite3", gates=("G01",))
        assert store.heads()["G01"].sequence == 0
    assert store.append(gate="G01", event=event()) == 1


def test_a_box_whose_disk_is_dead_at_the_start_still_lets_everybody_out(tmp_path):
    (tmp_path / "file").write_text("where a folder should be")
    box = Box(
        enrolment=Enrolment(server="http://127.0.0.1:9", box="b", secret="s", estate="e", gates=("G01",)),
        home=tmp_path / "file" / "box",
        control_port=0,
    )
    box.start()
    outcome = box.agent.present(EXIT)
    assert outcome.verdict.open
    assert outcome.sequence is None
    assert not box.agent.health()["list"].well
    status, words = box.control.answer("GET", "/gates", {})
    assert (status, words["unsent"], words["gates"][0]["opened"]) == (200, None, 1)
    box.stop()


def test_an_opening_between_journal_and_strike_is_visible_after_a_restart(tmp_path):
    store = JournalStore(path=tmp_path / "box" / "journal.sqlite3", gates=("G01",))
    (tmp_path / "box").mkdir()
    store.append(gate="G01", event=event(), strike_follows=True)
    confirmed = store.append(gate="G01", event=event(), strike_follows=True)
    store.struck(gate="G01", sequence=confirmed)
    store.flush()
    box = LocalBox(tmp_path / "box", gates=("G01",))
    found = journal.parse(box.lines()[-1])
    assert (found.sequence, found.event.reason, found.event.note) == (3, "STRIKE_UNCONFIRMED", "sequence 1")
    assert len(LocalBox(tmp_path / "box", gates=("G01",)).lines()) == 3, "it is told once"


def test_a_disk_that_is_gone_lets_nobody_in_unrecorded_and_everybody_out(box, server):
    server.grant(1)
    box.agent.take(server.delta(0))
    box.agent.present(EXIT)
    away = box.home.with_name("away")
    box.home.rename(away)
    outcomes = [box.agent.present(EXIT) for _ in range(40)]
    assert all(outcome.verdict.open and outcome.sequence is None for outcome in outcomes)
    entry = box.agent.present(Scan(gate="G01", kind=Kind.CODE, text=server.code(1)))
    assert entry.verdict.reason is Reason.JOURNAL_FAILED
    assert box.doors["G01"].opened == 1 + 40
    assert not box.agent.health()["journal"].well

    away.rename(box.home)
    box.agent.keep_house()
    events = [journal.parse(line).event for line in box.lines()]
    assert [e.reason for e in events] == ["EXIT"] * 41 + ["JOURNAL_FAILED"]
    assert events[-1].note == "late:"
    assert box.agent.health()["journal"].well
    assert not check(box.lines(), head=box.journal.heads()["G01"])
    assert box.agent.present(Scan(gate="G01", kind=Kind.CODE, text=server.code(1))).verdict.open


def test_a_failed_write_uses_no_sequence(tmp_path):
    store = JournalStore(path=tmp_path / "journal.sqlite3", gates=("G01",))
    for _ in range(5):
        store.append(gate="G01", event=event())
    fill_disk(store._database)
    failed = 0
    for _ in range(60):
        try:
            store.append(gate="G01", event=event(note="x" * 80))
        except StoreFailed:
            failed += 1
    assert failed
    assert numbers(store) == list(range(1, 66 - failed))


@pytest.mark.parametrize("how", ["overwritten", "truncated", "not a database"])
def test_a_damaged_journal_is_set_aside_and_no_sequence_is_used_twice(tmp_path, how):
    home = tmp_path / "box"
    box = LocalBox(home)
    for _ in range(40):
        box.agent.present(EXIT)
    box.journal.close()
    path = home / "journal.sqlite3"
    if how == "overwritten":
        damage(path)
    elif how == "truncated":
        os.truncate(path, 5000)
    else:
        path.write_text("hello, this is not a database at all" * 30)
    again = LocalBox(home)
    assert again.agent.present(EXIT).sequence > 40
    aside = again.journal.set_aside
    assert [path.name for path in aside] == ["journal.sqlite3.damaged-1"]
    assert aside[0].exists()
    assert "journal journal.sqlite3.damaged-1" in again.agent.health()
    assert not inspect_home(home)["well"]
    server_side = journal.verify(again.lines(), heads={})
    assert not server_side.broken
    assert server_side.gaps[-1].last == RESERVE + 2, "what was lost is a gap that anybody can see"


def test_lines_still_readable_in_a_damaged_journal_are_saved(tmp_path):
    path = tmp_path / "journal.sqlite3"
    store = JournalStore(path=path, gates=("G01", "G02"))
    for _ in range(3):
        store.append(gate="G01", event=event())
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=77")
    again = JournalStore(path=path, gates=("G01", "G02"))
    sequence = again.append(gate="G01", event=event())
    assert numbers(again) == [1, 2, 3, sequence]
    assert sequence > 3 + 1
    assert [row.sequence for row in again.unsent(limit=10)] == [1, 2, 3, sequence]


def test_a_journal_damaged_while_running_goes_on_in_a_new_file(tmp_path):
    path = tmp_path / "journal.sqlite3"
    store = JournalStore(path=path, gates=("G01",))
    store.append(gate="G01", event=event())
    path.unlink()
    sequence = store.append(gate="G01", event=event())
    assert sequence > 2
    assert numbers(JournalStore(path=path, gates=("G01",))) == [sequence]


def test_a_damaged_list_is_set_aside_and_comes_again_from_the_server(tmp_path, server):
    for serial in range(1, 300):
        server.grant(serial)
    box = LocalBox(tmp_path / "box")
    box.agent.take(server.delta(0))
    box.lists.close()
    damage(tmp_path / "box" / "list.sqlite3")
    again = LocalBox(tmp_path / "box")
    assert again.agent.snapshot.version == 0
    assert again.agent.present(EXIT).verdict.open
    again.agent.take(server.delta(again.agent.snapshot.version))
    assert again.agent.snapshot.version == server.version
    assert LocalBox(tmp_path / "box").agent.snapshot == again.agent.snapshot


def test_a_list_whose_file_vanishes_is_written_whole_again(tmp_path, server):
    server.grant(1)
    box = LocalBox(tmp_path / "box")
    box.agent.take(server.delta(0))
    (tmp_path / "box" / "list.sqlite3").unlink()
    server.grant(2)
    box.agent.take(server.delta(box.agent.snapshot.version))
    assert set(LocalBox(tmp_path / "box").agent.snapshot.passes) == {1, 2}


def test_the_list_of_another_estate_is_not_used(tmp_path, server):
    server.grant(1)
    box = LocalBox(tmp_path / "box")
    box.agent.take(server.delta(0))
    box.lists.close()
    with sqlite3.connect(tmp_path / "box" / "list.sqlite3") as connection:
        connection.execute("""UPDATE facts SET value='"estate_other"' WHERE name='estate'""")
    assert not LocalBox(tmp_path / "box").agent.snapshot.passes


@pytest.mark.parametrize(
    ("tampering", "words"),
    [
        ("UPDATE journal SET line=replace(line, 'EXIT\tout\t1', 'EXIT\tout\t0') WHERE sequence=4", "changed"),
        ("DELETE FROM journal WHERE sequence=4", "missing"),
        ("DELETE FROM journal WHERE sequence=9", "last lines are missing"),
        ("UPDATE journal SET line='nonsense' WHERE sequence=9", "changed"),
    ],
)
def test_tampering_with_the_journal_is_found_here_and_by_the_server(tmp_path, server, tampering, words):
    box = LocalBox(tmp_path / "box", gates=("G01",))
    for _ in range(9):
        box.agent.present(EXIT)
    assert inspect_home(box.home)["well"]
    with sqlite3.connect(tmp_path / "box" / "journal.sqlite3") as connection:
        connection.execute(tampering)
    connection.close()
    found = inspect_home(box.home)
    assert not found["well"]
    assert any(words in trouble for trouble in found["trouble"])
    box.agent.present(EXIT)
    rows = box.journal.unsent(limit=100)
    receipt = server.take_journal(wire.encode_journal(row.line for row in rows))
    assert receipt.broken or receipt.gaps
    box.journal.acknowledge(rows=rows, receipt=receipt)
    assert not box.journal.unsent(limit=100), "a line that nobody believes does not block those after it"


def test_a_box_restored_from_an_old_image_goes_on_beyond_what_the_server_has(tmp_path, server):
    box = LocalBox(tmp_path / "old", gates=("G01", "G02"))
    box.agent.present(EXIT)
    _send_all(box, server)
    image = LocalBox(tmp_path / "image", gates=("G01", "G02"))
    image.agent.present(EXIT)
    for _ in range(20):
        box.agent.present(EXIT)
    _send_all(box, server)
    for _ in range(3):
        image.agent.present(EXIT)
    _send_all(image, server)
    assert not image.journal.unsent(limit=100)
    events = server.events("G01")
    assert len(events) == 21 + 4
    assert len({line.sequence for line in events}) == 25
    assert image.agent.present(EXIT).sequence > events[-1].sequence


def test_a_replaced_box_starts_where_the_enrolment_says(tmp_path):
    store = JournalStore(path=tmp_path / "journal.sqlite3", gates=("G01", "G02"), first={"G01": 501})
    assert store.append(gate="G01", event=event()) == 501
    assert store.append(gate="G02", event=event()) == 1


def test_a_server_that_claims_an_absurd_position_is_not_believed(tmp_path):
    store = JournalStore(path=tmp_path / "journal.sqlite3", gates=("G01",))
    store.append(gate="G01", event=event())
    rows = store.unsent(limit=9)
    store.acknowledge(rows=rows, receipt=wire.JournalReceipt(stored={"G01": 1 << 62, "G99": 5}))
    assert store.append(gate="G01", event=event()) == 2


def _send_all(box, server):
    for _ in range(5):
        rows = box.journal.unsent(limit=100)
        receipt = server.take_journal(wire.encode_journal(row.line for row in rows))
        box.journal.acknowledge(rows=rows, receipt=receipt)
