import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.db import connection
from django.test import Client

from linli.gate import wire
from linli.gate.wire import Listing, PersonReport, PersonState, Receipt, TerminalReport
from linli.server.access import actions, personal_data, queries
from linli.server.access.actions import TerminalInput
from linli.server.access.models import Gate, Terminal, TerminalPerson
from linli.server.access.rules import (
    FaceOnly,
    ReasonNeeded,
    SecretUnreadable,
    SettingUnreadable,
    TerminalCodeUnreadable,
    UnknownMake,
)
from linli.server.kernel import crypto
from linli.server.kernel.actors import Role
from linli.server.kernel.errors import NotAllowed, NotFound
from linli.server.privacy.models import AuditEntry
from tests.server.access.estate import NOON, Doors, found
from tests.world import digest

MINUTE = timedelta(minutes=1)
SECRET = "hunter-2-and-a-half"
SETTINGS = {
    "httpv2": {"sn": "SN00012345"},
    "isapi": {"address": "http://10.1.2.3", "user": "admin", "door": 1},
    "ttlock": {"lock_id": 123456, "client_id": "abc", "user": "estate"},
    "camera": {"source": "rtsp://10.1.2.4/1"},
    "simulated": {},
}


@pytest.fixture
def doors(db: None) -> Doors:
    return found()


# --- registering


@pytest.mark.parametrize("make", sorted(SETTINGS))
def test_a_device_of_each_make_is_registered_and_its_secret_is_never_shown(doors: Doors, make: str) -> None:
    shown = register(doors, "T1", make=make)
    assert (shown.code, shown.gate, shown.make, shown.enabled, shown.has_secret) == ("T1", "G01", make, True, True)
    assert shown.settings == SETTINGS[make]
    assert not shown.online
    row = Terminal.objects.get()
    assert crypto.unseal(bytes(row.sealed_secret), context="terminal.secret") == SECRET
    assert SECRET.encode() not in bytes(row.sealed_secret)
    assert SECRET not in repr(queries.list_terminals(estate_id=doors.estate_id, now=NOON))
    assert SECRET not in "".join(AuditEntry.objects.values_list("reason", flat=True))


@pytest.mark.parametrize(
    ("make", "settings", "refusal"),
    [
        ("fridge", {}, UnknownMake),
        ("httpv2", {}, SettingUnreadable),
        ("httpv2", {"sn": "x' OR 1=1"}, SettingUnreadable),
        ("httpv2", {"sn": "SN00012345", "colour": "red"}, SettingUnreadable),
        ("httpv2", {"sn": "S" * 33}, SettingUnreadable),
        ("isapi", {"address": "ftp://10.0.0.1", "user": "admin", "door": 1}, SettingUnreadable),
        ("isapi", {"address": "http://admin:pw@10.0.0.1", "user": "admin", "door": 1}, SettingUnreadable),
        ("isapi", {"address": "http://10.0.0.1:99999", "user": "admin", "door": 1}, SettingUnreadable),
        ("isapi", {"address": "http://10.0.0.1", "user": "admin", "door": 0}, SettingUnreadable),
        ("isapi", {"address": "http://10.0.0.1", "user": "admin", "door": True}, SettingUnreadable),
        ("ttlock", {"lock_id": "12", "client_id": "a", "user": "u"}, SettingUnreadable),
        ("ttlock", {"lock_id": 2**60, "client_id": "a", "user": "u"}, SettingUnreadable),
        ("ttlock", {"lock_id": 12, "client_id": "a"}, SettingUnreadable),
        ("camera", {"source": ""}, SettingUnreadable),
        ("camera", {"source": "x" * 201}, SettingUnreadable),
        ("simulated", {"sn": "1"}, SettingUnreadable),
    ],
)
def test_settings_are_read_by_their_make_and_a_wrong_one_changes_nothing(
    doors: Doors, make: str, settings: dict[str, object], refusal: type[Exception]
) -> None:
    before = digest()
    with pytest.raises(refusal):
        register(doors, "T1", make=make, settings=settings)
    assert digest() == before


def test_a_make_that_needs_a_secret_is_not_registered_without(doors: Doors) -> None:
    for make, secret in (("isapi", None), ("ttlock", ""), ("httpv2", "a\nb"), ("httpv2", "x" * 201)):
        with pytest.raises(SecretUnreadable):
            register(doors, "T1", make=make, secret=secret)
    assert not Terminal.objects.exists()
    assert not register(doors, "T1", make="httpv2", secret=None).has_secret


@pytest.mark.parametrize("code", ["", "t1", "T 1", "T" * 17, "T/1", "门1"])
def test_a_code_is_capital_letters_and_digits(doors: Doors, code: str) -> None:
    with pytest.raises(TerminalCodeUnreadable):
        register(doors, code)
    assert not Terminal.objects.exists()


def test_a_code_is_given_once_and_only_keepers_give_it(doors: Doors) -> None:
    register(doors, "T1")
    before = digest()
    with pytest.raises(actions.TerminalCodeTaken):
        register(doors, "T1", gate="G02")
    with pytest.raises(actions.NoSuchGate):
        register(doors, "T2", gate="G99")
    for role in (Role.GUARD, Role.OFFICE, Role.COMMITTEE, Role.POLICE, Role.AUDITOR):
        with pytest.raises(NotAllowed):
            register(doors, "T2", role=role)
    assert digest() == before


@pytest.mark.parametrize("make", ["camera", "isapi", "httpv2"])
def test_a_door_that_knows_faces_offers_another_way(doors: Doors, make: str) -> None:
    # The table itself refuses ["FACE"]; said twice, it is still the only way.
    Gate.objects.filter(code="G07").update(ways=["FACE", "FACE"])
    before = digest()
    with pytest.raises(FaceOnly):
        register(doors, "T1", gate="G07", make=make)
    assert digest() == before
    Gate.objects.filter(code="G07").update(ways=["CODE", "CARD", "PIN", "FACE"])
    assert register(doors, "T1", gate="G07", make=make).gate == "G07"


def test_a_change_keeps_the_secret_unless_another_is_given_or_the_make_changes(doors: Doors) -> None:
    terminal = register(doors, "T1", make="isapi")
    moved = {**SETTINGS["isapi"], "address": "https://10.1.2.9:8443/"}
    change(doors, terminal.id, make="isapi", settings=moved, secret=None)
    (plan,) = actions.hand_out_terminals(box=doors.box, now=NOON)
    assert (plan.secret, plan.settings["address"]) == (SECRET, "https://10.1.2.9:8443")
    change(doors, terminal.id, make="isapi", secret="another")
    assert actions.hand_out_terminals(box=doors.box, now=NOON)[0].secret == "another"
    with pytest.raises(SecretUnreadable):
        change(doors, terminal.id, make="ttlock", secret=None)
    assert not change(doors, terminal.id, make="simulated", secret=None).has_secret


def test_a_device_at_another_gate_begins_anew(doors: Doors) -> None:
    terminal = register(doors, "T1")
    granted = doors.grant()
    report(doors, "T1", people=[ok(granted)], listing=[granted])
    change(doors, terminal.id, gate="G02")
    shown = queries.get_terminal(estate_id=doors.estate_id, terminal_id=terminal.id, now=NOON)
    assert (shown.gate, shown.ok, shown.listed, shown.listed_at) == ("G02", 0, 0, None)


def test_a_disabled_device_is_no_longer_told_to_its_box_and_a_change_brings_it_back(doors: Doors) -> None:
    terminal = register(doors, "T1")
    with pytest.raises(ReasonNeeded):
        actions.disable_terminal(actor=doors.actor(Role.PROPERTY), terminal_id=terminal.id, reason=" ", now=NOON)
    assert actions.hand_out_terminals(box=doors.box, now=NOON)
    for _ in range(2):
        actions.disable_terminal(actor=doors.actor(Role.PROPERTY), terminal_id=terminal.id, reason="broken", now=NOON)
    assert actions.hand_out_terminals(box=doors.box, now=NOON) == ()
    assert AuditEntry.objects.filter(verb="disable_terminal").count() == 1
    change(doors, terminal.id)
    assert len(actions.hand_out_terminals(box=doors.box, now=NOON)) == 1
    with pytest.raises(NotFound):
        actions.disable_terminal(actor=doors.keeper, terminal_id="terminal_x", reason="gone", now=NOON)


def test_a_box_is_woken_and_its_gate_is_told_anew(doors: Doors, django_capture_on_commit_callbacks) -> None:  # type: ignore[no-untyped-def]
    known = doors.whole_list()
    with django_capture_on_commit_callbacks() as callbacks:
        register(doors, "T1", gate="G05")
    told = [json.loads(callback.args[1]) for callback in callbacks if "linli_snapshot" in getattr(callback, "args", ())]
    assert [one["data"] for one in told if one["event"] == "terminals"] == [{"gate": "G05"}]
    # A box that misses the call sees that the gate's rule has changed.
    change_ = queries.get_delta(box=doors.box, since=known.version, now=NOON)
    assert [rule.gate for rule in change_.gates] == ["G05"]


def test_a_box_that_loses_a_gate_is_woken_to_leave_its_devices_alone(
    doors: Doors,
    django_capture_on_commit_callbacks,  # type: ignore[no-untyped-def]
) -> None:
    register(doors, "T7", gate="G07")
    with django_capture_on_commit_callbacks() as callbacks:
        far = doors.second_box("G07", "G08")
    told = [json.loads(callback.args[1]) for callback in callbacks if "linli_snapshot" in getattr(callback, "args", ())]
    assert [one["data"] for one in told if one["event"] == "terminals"] == [{"gate": "G07"}]
    assert actions.hand_out_terminals(box=doors.box, now=NOON) == ()
    assert len(actions.hand_out_terminals(box=far, now=NOON)) == 1


# --- a box and its own devices


def test_a_box_learns_its_own_devices_only_and_that_is_written_down_once_a_day(doors: Doors) -> None:
    register(doors, "T1", gate="G01")
    register(doors, "T7", gate="G07")
    far = doors.second_box("G07")
    (mine,) = actions.hand_out_terminals(box=doors.box, now=NOON)
    assert (mine.code, mine.gate, mine.secret, mine.settings) == ("T1", "G01", SECRET, SETTINGS["simulated"])
    assert [plan.code for plan in actions.hand_out_terminals(box=far, now=NOON)] == ["T7"]
    for minute in range(5):
        actions.hand_out_terminals(box=doors.box, now=NOON + minute * MINUTE)
    entries = AuditEntry.objects.filter(verb="hand_out_terminal_secrets", actor_id=doors.box_id)
    assert list(entries.values_list("fields", flat=True)) == [["T1"]]
    actions.hand_out_terminals(box=doors.box, now=NOON + timedelta(days=1))
    assert entries.count() == 2
    register(doors, "T2", gate="G02")
    actions.hand_out_terminals(box=doors.box, now=NOON + timedelta(days=1))
    assert entries.count() == 3


def test_what_a_box_reports_is_kept_once_whatever_the_order(doors: Doors) -> None:
    register(doors, "T1")
    granted = doors.grant()
    steps = [
        told(granted, PersonState.PENDING, NOON),
        told(granted, PersonState.FAILED, NOON + MINUTE, trouble="PHOTO_UNUSABLE", words="blurred"),
        told(granted, PersonState.OK, NOON + 2 * MINUTE),
        told(granted, PersonState.REMOVED, NOON + 3 * MINUTE),
    ]
    late = NOON + timedelta(hours=1)
    for order in (steps, steps[::-1], [steps[3], steps[0], steps[2], steps[1], steps[3]]):
        TerminalPerson.objects.all().delete()
        for step in order:
            report(doors, "T1", people=[step], now=late)
        row = TerminalPerson.objects.get()
        assert (row.state, row.changed_at, row.trouble) == ("REMOVED", NOON + 3 * MINUTE, "")
    # All in one message, twice.
    TerminalPerson.objects.all().delete()
    for _ in range(2):
        assert report(doors, "T1", people=steps, now=late).people == 1
    assert TerminalPerson.objects.get().state == "REMOVED"


def test_a_box_whose_clock_runs_ahead_does_not_silence_itself(doors: Doors) -> None:
    register(doors, "T1")
    granted = doors.grant()
    report(doors, "T1", people=[told(granted, PersonState.PENDING, NOON + timedelta(days=300))], now=NOON)
    report(doors, "T1", people=[told(granted, PersonState.OK, NOON + MINUTE)], now=NOON + MINUTE)
    assert TerminalPerson.objects.get().state == "OK"


def test_passes_nobody_knows_and_other_boxes_devices_are_counted_and_left_out(doors: Doors) -> None:
    register(doors, "T1", gate="G01")
    register(doors, "T7", gate="G07")
    far, granted = doors.second_box("G07"), doors.grant()
    strange = [
        PersonReport(serial=serial, state=PersonState.OK, version=1, at=NOON) for serial in (0, 7, 2**63, 2**64 - 1)
    ]
    reports = (
        TerminalReport(terminal="T1", people=(ok(granted), *strange)),
        TerminalReport(terminal="T7", people=(ok(granted),), trouble="mine now"),
        TerminalReport(terminal="T99"),
    )
    taken = actions.record_terminal_reports(box=doors.box, reports=reports, now=NOON)
    assert (taken.people, taken.unknown_serials, taken.foreign_terminals) == (1, 4, 2)
    assert TerminalPerson.objects.get().terminal.code == "T1"
    assert Terminal.objects.get(code="T7").trouble == ""
    actions.record_terminal_reports(box=far, reports=reports, now=NOON)
    assert TerminalPerson.objects.count() == 2


def test_an_older_word_of_a_device_or_its_list_changes_nothing(doors: Doors) -> None:
    register(doors, "T1")
    first, second = doors.grant("stay_1"), doors.grant("stay_2")
    newer = TerminalReport(
        terminal="T1",
        seen_at=NOON + MINUTE,
        firmware="2.0",
        drift_ms=-95_000,
        trouble="clock",
        listing=listing([first, second], at=NOON + MINUTE, unknown=2),
    )
    older = TerminalReport(terminal="T1", seen_at=NOON, firmware="1.0", drift_ms=5, listing=listing([first], at=NOON))
    late = NOON + 2 * MINUTE
    actions.record_terminal_reports(box=doors.box, reports=(newer,), now=late)
    before = queries.list_terminals(estate_id=doors.estate_id, now=late)
    actions.record_terminal_reports(box=doors.box, reports=(older, newer, older), now=late)
    (shown,) = queries.list_terminals(estate_id=doors.estate_id, now=late)
    assert (shown,) == before
    assert (shown.firmware, shown.drift_ms, shown.trouble, shown.listed, shown.strangers) == (
        "2.0",
        -95_000,
        "clock",
        2,
        2,
    )
    assert shown.online


def test_the_list_of_devices_counts_what_stands_how(doors: Doors) -> None:
    register(doors, "T1")
    granted = [doors.grant(f"stay_{number}") for number in range(4)]
    people = [
        ok(granted[0]),
        told(granted[1], PersonState.FAILED, NOON, trouble="PHOTO_UNUSABLE"),
        told(granted[2], PersonState.FAILED, NOON, trouble="FULL"),
        told(granted[3], PersonState.PENDING, NOON),
    ]
    report(doors, "T1", people=people)
    (shown,) = queries.list_terminals(estate_id=doors.estate_id, now=NOON)
    assert (shown.ok, shown.pending, shown.failed) == (1, 1, 2)
    assert shown.troubles == {"PHOTO_UNUSABLE": 1, "FULL": 1}


# --- who can open


def test_who_can_open_is_what_the_device_holds_beside_what_it_should(doors: Doors) -> None:
    register(doors, "T1")
    kept, gone, owed = doors.grant("stay_1"), doors.grant("stay_2"), doors.grant("stay_3")
    carded(doors, kept, "A1")
    carded(doors, gone, "A2")
    report(doors, "T1", people=[ok(kept, 10**6), ok(gone, 10**6)], listing=[kept, gone], unknown=1)
    doors.revoke("stay_2")
    carded(doors, owed, "A3")
    told_ = who(doors, "G01", now=NOON + MINUTE)
    (keeper,) = told_.keepers
    assert (keeper.terminal, keeper.read_at, keeper.age_s, keeper.strangers) == ("T1", NOON, 60.0, 1)
    assert (keeper.holds, keeper.opens, keeper.missing, keeper.surplus, keeper.outdated) == (2, 2, 1, 1, 0)
    by_serial = {one.serial: one for one in keeper.people}
    assert {serial: one.standing for serial, one in by_serial.items()} == {
        kept.serial: "OK",
        gone.serial: "SURPLUS",
        owed.serial: "MISSING",
    }
    assert by_serial[kept.serial].holder_kind == "guest"
    assert by_serial[gone.serial].opens
    assert not by_serial[owed.serial].opens
    assert "person_of" not in repr(told_)
    # The device confirms: from then on it opens to nobody who should not.
    done = [
        told(gone, PersonState.REMOVED, NOON + 2 * MINUTE, version=10**6),
        told(owed, PersonState.OK, NOON + 2 * MINUTE, version=10**6),
    ]
    report(doors, "T1", people=done, now=NOON + 2 * MINUTE)
    (keeper,) = who(doors, "G01", now=NOON + 2 * MINUTE).keepers
    assert (keeper.holds, keeper.missing, keeper.surplus, keeper.outdated) == (2, 0, 0, 0)


def test_a_device_that_lost_its_list_is_seen_at_the_next_reading(doors: Doors) -> None:
    register(doors, "T1")
    granted = doors.grant()
    carded(doors, granted, "A1")
    report(doors, "T1", people=[ok(granted, 10**6)])
    assert drift(doors) == (1, 1, 0, 0, 0)
    report(doors, "T1", listing=[], at=NOON + MINUTE, now=NOON + MINUTE)
    assert drift(doors) == (1, 0, 1, 0, 0)


def test_a_pass_that_changed_since_the_device_took_it_is_outdated_until_it_says_otherwise(doors: Doors) -> None:
    register(doors, "T1")
    granted = doors.grant()
    carded(doors, granted, "A1")
    version = queries.snapshot_version(estate_id=doors.estate_id)
    report(doors, "T1", people=[ok(granted, version)], listing=[granted])
    assert drift(doors) == (1, 1, 0, 0, 0)
    carded(doors, granted, "A2")
    assert drift(doors) == (1, 1, 0, 0, 1)
    report(doors, "T1", people=[told(granted, PersonState.OK, NOON + MINUTE, version=10**6)], now=NOON + MINUTE)
    assert drift(doors) == (1, 1, 0, 0, 0)
    failed = told(granted, PersonState.FAILED, NOON + 2 * MINUTE, trouble="CARD_TAKEN", version=10**6)
    report(doors, "T1", people=[failed], now=NOON + 2 * MINUTE)
    assert drift(doors) == (1, 1, 0, 0, 1)


def test_a_device_needs_only_who_has_something_to_show_there(doors: Doors) -> None:
    register(doors, "T1", make="ttlock", gate="G07")
    register(doors, "T8", make="simulated", gate="G08")
    granted = doors.grant(entrance=0)
    carded(doors, granted, "A1")
    # The lock takes PINs, the pass has none; the other entrance is none of its doors.
    assert drift(doors, "G07") == (0, 0, 0, 0, 0)
    assert drift(doors, "G08") == (0, 0, 0, 0, 0)
    register(doors, "T7", make="isapi", gate="G07")
    drifts = queries.list_drift(estate_id=doors.estate_id, gate="G07", now=NOON)
    assert {one.terminal: one.wanted for one in drifts} == {"T1": 0, "T7": 1}
    Gate.objects.filter(code="G07").update(ways=["CODE", "PIN"])
    assert {one.wanted for one in queries.list_drift(estate_id=doors.estate_id, gate="G07", now=NOON)} == {0}


def test_a_gate_without_a_device_answers_from_the_list_its_box_receipted(doors: Doors) -> None:
    first, second = doors.grant("stay_1"), doors.grant("stay_2")
    assert who(doors, "G01").keepers[0].read_at is None
    version = queries.snapshot_version(estate_id=doors.estate_id)
    receipt = Receipt(version=version, gates=("G01",), applied_at=NOON)
    actions.record_receipt(box=doors.box, receipt=receipt, now=NOON)
    (keeper,) = who(doors, "G01", now=NOON + MINUTE).keepers
    assert (keeper.terminal, keeper.version, keeper.read_at, keeper.age_s) == (None, version, NOON, 60.0)
    assert (keeper.holds, keeper.opens, keeper.missing, keeper.surplus) == (2, 2, 0, 0)
    doors.revoke("stay_2", now=NOON + MINUTE)
    third = doors.grant("stay_3", now=NOON + MINUTE)
    (keeper,) = who(doors, "G01", now=NOON + MINUTE).keepers
    standing = {one.serial: one.standing for one in keeper.people}
    assert standing == {first.serial: "OK", second.serial: "SURPLUS", third.serial: "MISSING"}
    with pytest.raises(NotFound):
        who(doors, "G99")


def test_a_long_list_is_shown_in_part_with_what_is_amiss_first_and_counted_whole(doors: Doors) -> None:
    register(doors, "T1")
    granted = [doors.grant(f"stay_{number}") for number in range(6)]
    for number, one in enumerate(granted):
        carded(doors, one, f"A{number}")
    report(doors, "T1", people=[ok(one, 10**6) for one in granted], listing=granted)
    doors.revoke("stay_5")
    (keeper,) = queries.who_can_open(estate_id=doors.estate_id, gate="G01", limit=2, now=NOON).keepers
    assert (keeper.holds, len(keeper.people), keeper.people[0].serial) == (6, 2, granted[5].serial)


def test_a_withdrawal_shows_every_gates_receipt_and_every_devices_word(doors: Doors) -> None:
    register(doors, "T1", gate="G01")
    register(doors, "T2", gate="G02")
    register(doors, "T8", gate="G08")
    granted = doors.grant()
    actions.record_terminal_reports(
        box=doors.box,
        reports=tuple(TerminalReport(terminal=code, people=(ok(granted),)) for code in ("T1", "T2")),
        now=NOON,
    )
    doors.revoke(now=NOON)
    closure = queries.list_terminal_receipts(estate_id=doors.estate_id, pass_id=granted.id)
    assert (closure.holding, closure.removed_seconds, closure.receipts.receipted) == (2, None, 0)
    # The other entrance's device never heard of it, and is not asked.
    assert [one.terminal for one in closure.terminals] == ["T1", "T2"]
    version = queries.snapshot_version(estate_id=doors.estate_id)
    for number, code in enumerate(("T1", "T2"), start=1):
        at = NOON + timedelta(seconds=number)
        report(doors, code, people=[told(granted, PersonState.REMOVED, at, version=version)], now=at)
    actions.record_receipt(
        box=doors.box, receipt=Receipt(version=version, gates=doors.box.gates, applied_at=NOON), now=NOON
    )
    closure = queries.list_terminal_receipts(estate_id=doors.estate_id, pass_id=granted.id)
    assert (closure.holding, closure.removed_seconds, closure.receipts.receipted) == (0, 2.0, 6)
    assert [one.state for one in closure.terminals] == ["REMOVED", "REMOVED"]
    assert [one.changed_at for one in closure.terminals] == [NOON + timedelta(seconds=s) for s in (1, 2)]


# --- over HTTP


def test_a_box_fetches_its_devices_and_reports_over_http(doors: Doors) -> None:
    register(doors, "T1", make="isapi")
    granted = doors.grant()
    box = Client(raise_request_exception=False, headers={"authorization": f"Bearer {doors.key}"})
    answer = box.get("/api/gate/terminals")
    (plan,) = wire.decode_terminals(answer.content)
    assert (plan.code, plan.secret, answer["Cache-Control"]) == ("T1", SECRET, "no-store")
    body = wire.encode_reports((TerminalReport(terminal="T1", people=(ok(granted),), listing=listing([granted])),))
    for _ in range(2):
        done = box.post("/api/gate/terminal-reports", body, content_type="application/json")
        assert (done.status_code, done.content) == (204, b"")
    assert TerminalPerson.objects.get().state == "OK"
    before = digest()
    for rubbish in (b"", b"{", b'{"wire":2,"kind":"receipt"}', b"[" * 3000):
        answer = box.post("/api/gate/terminal-reports", rubbish, content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (422, "unreadable_message")
    stranger = Client(raise_request_exception=False)
    assert stranger.get("/api/gate/terminals").status_code == 401
    assert digest() == before


def test_secrets_are_rewrapped_with_the_others(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    register(doors, "T1")
    register(doors, "T2", make="httpv2", secret=None)
    ring = crypto.keyring()
    monkeypatch.setattr(crypto, "keyring", lambda: ring.rotated())
    assert actions.renew_seals() == 2


def test_words_of_removed_passes_are_forgotten_after_ninety_days(doors: Doors) -> None:
    register(doors, "T1")
    first, second = doors.grant("stay_1"), doors.grant("stay_2")
    report(doors, "T1", people=[told(first, PersonState.REMOVED, NOON), ok(second)])
    exported = personal_data.export_terminals(doors.estate_id, "person_of_stay_1")
    assert [(row["terminal"], row["state"]) for row in exported] == [("T1", "REMOVED")]
    assert personal_data.erase_terminals(NOON + timedelta(days=90)) == 0
    assert personal_data.erase_terminals(NOON + timedelta(days=91)) == 1
    assert TerminalPerson.objects.get().state == "OK"


# --- at the same moment


@pytest.fixture
def busy(transactional_db: None) -> Doors:
    return found()


def test_two_hands_of_a_box_that_report_at_once_come_to_one_row_a_pass(busy: Doors) -> None:
    for code, gate in (("T1", "G01"), ("T2", "G02"), ("T7", "G07")):
        register(busy, code, gate=gate)
    granted = [busy.grant(f"stay_{number}") for number in range(8)]
    late = NOON + timedelta(hours=1)
    for turn in range(5):
        at = NOON + turn * MINUTE
        forward = [
            TerminalReport(terminal=code, people=tuple(told(one, PersonState.OK, at) for one in granted))
            for code in ("T1", "T2", "T7")
        ]
        backward = [
            TerminalReport(
                terminal=code,
                people=tuple(told(one, PersonState.REMOVED, at + MINUTE / 2) for one in granted[::-1]),
            )
            for code in ("T7", "T2", "T1")
        ]
        with ThreadPoolExecutor(2) as pool:
            running = [
                pool.submit(_own, partial(actions.record_terminal_reports, box=busy.box, reports=reports, now=late))
                for reports in (forward, backward)
            ]
            for one in running:
                one.result(20)
        assert set(TerminalPerson.objects.values_list("state", flat=True)) == {"REMOVED"}
    assert TerminalPerson.objects.count() == 24


def _own(act) -> object:  # type: ignore[no-untyped-def]
    try:
        return act()
    finally:
        connection.close()


# --- hands


def register(
    doors: Doors,
    code: str,
    *,
    gate: str = "G01",
    make: str = "simulated",
    settings: dict[str, object] | None = None,
    secret: str | None = SECRET,
    role: Role = Role.ESTATE_ADMIN,
) -> queries.TerminalView:
    asked = TerminalInput(
        gate=gate, make=make, settings=SETTINGS.get(make, {}) if settings is None else settings, secret=secret
    )
    return actions.register_terminal(actor=doors.actor(role), code=code, asked=asked, now=NOON)


def change(
    doors: Doors,
    terminal_id: str,
    *,
    gate: str = "G01",
    make: str = "simulated",
    settings: dict[str, object] | None = None,
    secret: str | None = None,
) -> queries.TerminalView:
    asked = TerminalInput(gate=gate, make=make, settings=settings or SETTINGS[make], secret=secret)
    return actions.change_terminal(actor=doors.actor(Role.PROPERTY), terminal_id=terminal_id, asked=asked, now=NOON)


def told(
    granted: queries.PassView, state: PersonState, at: datetime, *, version: int = 1, trouble: str = "", words: str = ""
) -> PersonReport:
    return PersonReport(
        serial=int(granted.serial, 16), state=state, version=version, at=at, trouble=trouble, words=words
    )


def ok(granted: queries.PassView, version: int = 1) -> PersonReport:
    return told(granted, PersonState.OK, NOON, version=version)


def listing(granted: list[queries.PassView], *, at: datetime = NOON, unknown: int = 0) -> Listing:
    return Listing(at=at, serials=tuple(int(one.serial, 16) for one in granted), checksum="c", unknown=unknown)


def report(  # type: ignore[no-untyped-def]
    doors: Doors, code: str, *, people=(), listing=None, at: datetime = NOON, unknown: int = 0, now: datetime = NOON
) -> actions.ReportsTaken:
    read = (
        None
        if listing is None
        else Listing(at=at, serials=tuple(int(p.serial, 16) for p in listing), checksum="c", unknown=unknown)
    )
    one = TerminalReport(terminal=code, seen_at=now, people=tuple(people), listing=read)
    return actions.record_terminal_reports(box=doors.box, reports=(one,), now=now)


def carded(doors: Doors, granted: queries.PassView, number: str) -> None:
    actions.issue_card(actor=doors.actor(Role.GUARD), pass_id=granted.id, number=f"00{number}77", now=NOON)


def who(doors: Doors, gate: str, *, now: datetime = NOON) -> queries.WhoView:
    return queries.who_can_open(estate_id=doors.estate_id, gate=gate, limit=100, now=now)


def drift(doors: Doors, gate: str = "G01") -> tuple[int, int, int, int, int]:
    (one,) = queries.list_drift(estate_id=doors.estate_id, gate=gate, now=NOON + MINUTE)
    return (one.wanted, one.holds, one.missing, one.surplus, one.outdated)
