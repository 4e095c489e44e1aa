"""What is special about ISAPI: digest, deletion that takes a while, templates, a memory to read after an outage."""

import io
import json
import logging
import shutil
import subprocess
import threading
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
from PIL import Image

from linli.edge.doors import DoorFailed
from linli.edge.drivers.bounded import DeviceAway
from linli.edge.drivers.isapi import IsapiAddress, IsapiTerminal, events, forms
from linli.edge.drivers.isapi.wire import IsapiClient, xml_texts
from linli.edge.drivers.listening import Listener
from linli.edge.terminals import Alarm, Trouble
from linli.gate.decision import Kind
from linli.gate.hours import Slot
from linli.gate.reasons import Reason
from linli.sim.terminals.isapi import IsapiTerminalSim
from linli.sim.terminals.isapi_device import IsapiDevice
from linli.sim.terminals.ports import Port, Response
from tests.edge.conftest import until
from tests.edge.terminals.heard import Heard, person

PASSWORD = "Sim-12345"


def photo(shade=0):
    picture = Image.effect_mandelbrot((120 + shade, 120), (-2, -1.5, 1, 1.5), 40).convert("RGB")
    written = io.BytesIO()
    picture.save(written, "JPEG")
    return written.getvalue()


def blank():
    written = io.BytesIO()
    Image.new("RGB", (200, 200), "white").save(written, "JPEG")
    return written.getvalue()


@pytest.fixture
def started():
    running = []
    yield running
    for thing in reversed(running):
        thing.stop()


@pytest.fixture
def sim(started):
    device = IsapiDevice(clock=lambda: datetime.now(UTC), people=40, page=7)
    sim = IsapiTerminalSim(device=device, password=PASSWORD)
    sim.start()
    started.append(sim)
    return sim


@pytest.fixture
def connect(sim, started, tmp_path):
    def connect(**changes):
        heard = Heard()
        words = {"username": "admin", "password": PASSWORD, "events_host": "127.0.0.1", "events_token": "secret"}
        address = IsapiAddress(url=sim.url, **{**words, **changes.pop("address", {})})
        options = {"every_s": 0.1, "first_pause_s": 0.02, "mark_file": tmp_path / "mark.json"}
        terminal = IsapiTerminal(gate="G01", address=address, listener=Listener(), **{**options, **changes})
        terminal.start(heard)
        started.append(terminal)
        return terminal, heard

    return connect


@pytest.fixture
def met(connect):
    terminal, heard = connect()
    until(lambda: heard.clocks)
    return terminal, heard


def test_a_person_stands_on_the_device_with_their_card_pin_and_time_of_day(sim, met):
    terminal, heard = met
    guest = person(card="04A1B2C3", pin="482913", uses=0)
    terminal.put([guest])
    until(lambda: heard.puts.get(1) == guest.checksum)
    user = sim.device.users["1"]
    assert (user["employeeNo"], user["name"], user["userType"], user["password"]) == ("1", "P-0001", "normal", "482913")
    eight_ahead = (guest.start + timedelta(hours=8)).replace(tzinfo=None)
    assert user["Valid"]["beginTime"] == eight_ahead.isoformat()
    assert sim.device.cards == {"04A1B2C3": "1"}
    assert sim.device.show_card("04A1B2C3")
    assert sim.device.enter_pin("482913")
    assert terminal.limits.people == 40
    assert terminal.limits.ways == {"CARD", "PIN", "FACE"}


def test_who_may_enter_three_times_is_a_visitor_for_the_device_counts_only_those(sim, met):
    terminal, heard = met
    terminal.put([person(card="AA", uses=3)])
    until(lambda: 1 in heard.puts)
    assert sim.device.users["1"]["userType"] == "visitor"
    assert [sim.device.show_card("AA") for _ in range(4)] == [True, True, True, False]


def test_a_person_put_again_with_another_card_keeps_no_old_one(sim, met):
    terminal, heard = met
    terminal.put([person(card="AA")])
    until(lambda: 1 in heard.puts)
    changed = person(card="BB", pin="")
    terminal.put([changed])
    until(lambda: heard.puts[1] == changed.checksum)
    assert sim.device.cards == {"BB": "1"}


def test_a_face_is_taken_in_and_an_unusable_photo_leaves_the_card_working(sim, met):
    terminal, heard = met
    terminal.put([person(1, card="AA", photo=photo()), person(2, card="BB", photo=blank())])
    until(lambda: 1 in heard.puts and 2 in heard.failures)
    assert sim.device.show_face("1")
    assert heard.failures[2][0] is Trouble.PHOTO_UNUSABLE
    assert sim.device.show_card("BB")
    terminal.put([person(3, photo=photo()), person(4, photo=b"\xff\xd8" + bytes(300_000))])
    until(lambda: 3 in heard.failures and 4 in heard.failures)
    assert heard.failures[3][0] is Trouble.FACE_TAKEN
    assert heard.failures[4][0] is Trouble.PHOTO_TOO_BIG


def test_a_photo_is_not_sent_twice_and_the_face_stays_when_the_person_is_put_again(sim, met):
    terminal, heard = met
    terminal.put([person(1, photo=photo())])
    until(lambda: 1 in heard.puts)
    later = person(1, end=datetime.now(UTC) + timedelta(days=2))
    terminal.put([later])
    until(lambda: heard.puts[1] == later.checksum)
    assert sim.device.show_face("1")


def test_somebody_elses_card_is_refused_and_a_full_device_says_so(sim, met):
    terminal, heard = met
    terminal.put([person(1, card="AA"), person(2, card="AA")])
    until(lambda: 1 in heard.puts and 2 in heard.failures)
    assert heard.failures[2][0] is Trouble.CARD_TAKEN
    terminal.put([person(number) for number in range(3, 42)])
    until(lambda: 41 in heard.failures)
    assert heard.failures[41][0] is Trouble.FULL
    assert len(sim.device.users) == 40


def test_a_deletion_is_confirmed_only_when_the_device_has_come_to_its_end(sim, met):
    terminal, heard = met
    sim.device.deletion_s = 0.5
    terminal.put([person(1, card="AA", photo=photo())])
    until(lambda: 1 in heard.puts)
    terminal.drop([1])
    until(lambda: "PUT /ISAPI/AccessControl/UserInfoDetail/Delete" in sim.requests)
    assert heard.drops == []
    until(lambda: heard.drops == [1])
    assert (sim.device.users, sim.device.cards, sim.device.faces) == ({}, {}, {})
    assert not sim.device.show_card("AA")


def test_who_was_never_there_counts_as_gone(met):
    terminal, heard = met
    terminal.drop([77])
    until(lambda: heard.drops == [77])


def test_the_list_is_read_back_page_by_page_and_shows_what_was_changed_at_the_device(sim, met):
    terminal, heard = met
    people = [person(number, card=f"A{number}") for number in range(1, 20)]
    terminal.put(people)
    terminal.read_back()
    until(lambda: heard.listings)
    assert heard.listings[-1] == {one.number: one.checksum for one in people}
    sim.device.users["5"]["Valid"]["endTime"] = "2037-01-01T00:00:00"
    del sim.device.cards["A6"]
    sim._enrol("boss", "somebody's friend")
    terminal.read_back()
    until(lambda: len(heard.listings) == 2)
    listing = heard.listings[-1]
    assert {number for number, checksum in listing.items() if checksum != people[number - 1].checksum} == {5, 6}
    assert heard.alarms[Alarm.SETTING] is True


def test_after_a_restart_the_driver_says_who_is_there_and_that_it_cannot_tell_more(connect):
    first, heard = connect()
    first.put([person(1)])
    until(lambda: 1 in heard.puts)
    second, later = connect(address={"events_token": "other"})
    second.read_back()
    until(lambda: later.listings)
    assert later.listings == [{1: ""}]


EVENINGS = tuple(Slot(weekday=day, start=18 * 60, end=1440) for day in range(5))
MORNINGS = (Slot(weekday=0, start=0, end=60), Slot(weekday=0, start=120, end=180))


def test_hours_become_a_template_that_is_found_again_after_a_restart(sim, connect):
    terminal, heard = connect()
    terminal.put([person(1, hours=EVENINGS), person(2, hours=MORNINGS), person(3, hours=EVENINGS)])
    until(lambda: len(heard.puts) == 3)
    plans = {number: user["RightPlan"][0]["planTemplateNo"] for number, user in sim.device.users.items()}
    assert plans["1"] == plans["3"] != plans["2"]
    assert "1" not in plans.values()
    week = sim.device.weeks[int(plans["1"])]["WeekPlanCfg"]
    monday = [row for row in week if row["week"] == "Monday" and row["enable"]]
    assert [row["TimeSegment"] for row in monday] == [{"beginTime": "18:00:00", "endTime": "24:00:00"}]
    assert len(week) == 7 * forms.MOST_SEGMENTS
    second, later = connect(address={"events_token": "other"})
    second.put([person(4, hours=MORNINGS), person(5, hours=EVENINGS)])
    until(lambda: len(later.puts) == 2)
    assert sim.device.users["4"]["RightPlan"][0]["planTemplateNo"] == plans["2"]
    assert sim.device.users["5"]["RightPlan"][0]["planTemplateNo"] == plans["1"]


def test_a_table_of_somebody_else_is_never_overwritten(sim, met):
    terminal, heard = met
    for number in range(2, 16):
        sim.device.templates[number] = {"enable": True, "templateName": "theirs", "weekPlanNo": number}
    terminal.put([person(1, hours=EVENINGS), person(2, hours=MORNINGS)])
    until(lambda: 1 in heard.puts and 2 in heard.failures)
    assert sim.device.users["1"]["RightPlan"][0]["planTemplateNo"] == "16"
    assert heard.failures[2][0] is Trouble.FULL
    assert "2" not in sim.device.users


def test_whose_hours_do_not_count_on_holidays_is_shut_out_on_those_days(sim, connect):
    today = (datetime.now(UTC) + timedelta(hours=8)).date()
    terminal, heard = connect(holidays=lambda: [today, date(2027, 1, 1)])
    all_week = tuple(Slot(weekday=day, start=0, end=1440) for day in range(7))
    terminal.put([person(1, card="AA", hours=all_week, holidays=False), person(2, card="BB", hours=all_week)])
    until(lambda: len(heard.puts) == 2)
    assert not sim.device.show_card("AA")
    assert sim.device.show_card("BB")


def test_without_the_holidays_such_a_person_is_not_offered_and_an_older_right_does_not_stay(sim, met):
    terminal, heard = met
    terminal.put([person(1, card="AA")])
    until(lambda: 1 in heard.puts)
    terminal.put([person(1, card="AA", hours=EVENINGS, holidays=False)])
    until(lambda: 1 in heard.failures)
    assert heard.failures[1][0] is Trouble.NOT_OFFERED
    assert "1" not in sim.device.users
    assert not sim.device.show_card("AA")


def test_a_busy_device_and_one_that_starts_anew_are_asked_again(sim, met):
    terminal, heard = met
    sim.busy, sim.reboots = 2, 2
    terminal.put([person(1)])
    until(lambda: 1 in heard.puts)
    assert sim.busy == sim.reboots == 0


def test_a_person_the_device_always_fails_at_does_not_hold_up_the_others(sim, met):
    terminal, heard = met
    sim.device.broken_people.add("1")
    terminal.put([person(1), person(2)])
    until(lambda: 2 in heard.puts)
    assert heard.failures[1][0] is Trouble.REFUSED


def test_what_happens_is_pushed_in_our_words(sim, met):
    terminal, heard = met
    terminal.put([person(1, card="AA", pin="4829", photo=photo())])
    until(lambda: 1 in heard.puts)
    device = sim.device
    device.show_card("AA")
    device.show_card("AA", reader=2)
    device.show_card("FF")
    device.enter_pin("4829")
    device.show_face("1", temperature=36.5)
    device.show_face("1", temperature=38.1)
    device.happen(5, 38, cardReaderNo=1)
    device.happen(5, 23)
    until(lambda: len(heard.passages) == 8)
    told = [(one.method, one.direction, one.opened, one.reason, one.number) for one in heard.passages]
    assert told == [
        ("CARD", "in", True, "OK", 1),
        ("CARD", "out", True, "OK", 1),
        ("CARD", "in", False, "UNKNOWN_CREDENTIAL", None),
        ("PIN", "in", True, "OK", 1),
        ("FACE", "in", True, "OK", 1),
        ("FACE", "in", False, "TEMPERATURE", 1),
        ("CARD", "in", True, "OK", None),
        ("EXIT", "out", True, "EXIT", None),
    ]
    assert [one.temperature_c10 for one in heard.passages[4:6]] == [365, 381]
    assert heard.passages[6].card == events.FINGER


def test_every_kind_of_passage_is_in_words_of_the_gate_kernel():
    for (major, minor), _ in events._PASSAGES.items():
        event = events.Event(serial=1, at=datetime.now(UTC), kind=(major, minor), words={})
        passage = event.passage(exit_readers=frozenset())
        assert passage.method in Kind.__members__
        assert passage.reason in Reason.__members__


def test_alarms_begin_and_end(sim, met):
    _, heard = met
    for minor, alarm, on in [
        (27, Alarm.FORCED, True),
        (26, Alarm.FORCED, False),
        (28, Alarm.HELD_OPEN, True),
        (26, Alarm.HELD_OPEN, False),
        (52, Alarm.FIRE, True),
        (53, Alarm.FIRE, False),
    ]:
        sim.device.happen(5, minor)
        until(lambda alarm=alarm, on=on: heard.alarms.get(alarm) is on)
    sim.device.happen(1, 0x404)
    until(lambda: heard.alarms.get(Alarm.TAMPER))


def test_lost_doubled_and_disordered_pushes_come_out_once_each(sim, met):
    _, heard = met
    sim.change_posts(lose=5, repeat=2)
    for number in range(20):
        sim.device.show_card(f"C{number}")
    sim.change_posts(late=True)
    for number in range(20, 30):
        sim.device.show_card(f"C{number}")
    sim.change_posts(repeat=1)
    until(lambda: {one.card for one in heard.passages} >= {f"C{number}" for number in range(30)})
    assert len(heard.passages) == 30
    assert len({one.record for one in heard.passages}) == 30


def test_after_an_outage_the_memory_is_read_once_with_the_clock_as_it_was(sim, connect):
    _, heard = connect()
    until(lambda: heard.clocks)
    sim.online = False
    until(lambda: heard.alarms.get(Alarm.OFFLINE) is True)
    sim.device.ahead = timedelta(seconds=95)
    for number in range(70):
        sim.device.show_card(f"D{number}")
    heard.clocks.clear()
    sim.online = True
    until(lambda: len(heard.passages) == 70 and len(heard.clocks) >= 2)
    assert heard.alarms[Alarm.OFFLINE] is False
    # Told as it was, 95 s ahead, before it was set right.
    drifts = [(told - datetime.now(UTC)).total_seconds() for told in heard.clocks[:2]]
    assert drifts[0] > 85
    until(lambda: abs(sim.device.ahead) < timedelta(seconds=2))
    assert sorted(one.card for one in heard.passages) == sorted(f"D{number}" for number in range(70))
    assert all(one.at > datetime.now(UTC) + timedelta(seconds=80) for one in heard.passages)


def test_a_driver_that_was_stopped_reads_on_from_its_mark(sim, connect, started):
    terminal, heard = connect()
    sim.device.show_card("AA")
    until(lambda: heard.passages)
    until(lambda: sim.requests.count("POST /ISAPI/AccessControl/AcsEvent") > 3)
    terminal.stop()
    started.remove(terminal)
    sim.device.show_card("BB")
    _, later = connect()
    until(lambda: any(one.card == "BB" for one in later.passages))
    # The marked event itself is asked for, to see that it is still the same; the listener knows it.
    assert {one.card for one in later.passages} <= {"AA", "BB"}


def test_a_device_wiped_at_the_factory_loses_no_event_to_an_old_mark(sim, met):
    terminal, heard = met
    for _ in range(5):
        sim.device.show_card("AA")
    until(lambda: len(heard.passages) == 5)
    serial = sim.device.events[-1]["serialNo"]
    until(lambda: terminal._memory._mark and terminal._memory._mark[0] >= serial)
    sim.change_posts(lose=1)
    sim.device.wipe()
    sim.device.ahead = timedelta(seconds=1)
    sim.device.show_card("EE")
    until(lambda: heard.passages[-1].card == "EE")
    assert len({one.record for one in heard.passages}) == 6
    # Whoever was on it is not any more; that must not wait for the night.
    until(lambda: {} in heard.listings)


def test_an_event_that_cannot_be_written_down_is_not_lost(sim, met):
    _, heard = met
    heard.full_disk = True
    sim.device.show_card("AA")
    until(lambda: sim._posts.empty())
    heard.full_disk = False
    until(lambda: heard.passages)
    assert [one.card for one in heard.passages] == ["AA"]


def test_a_remote_opening_by_us_is_ours_to_journal_and_another_accounts_is_told(sim, met):
    terminal, heard = met
    terminal.open(seconds=5)
    terminal.open(seconds=None)
    assert sim.device.held
    terminal.release()
    assert sim.device.commands == ["open", "alwaysOpen", "close"]
    sim.device.control_door("open", user="someone", address="192.0.2.1")
    until(lambda: heard.passages)
    assert [(one.method, one.reason) for one in heard.passages] == [("REMOTE", "REMOTE_OPENED")]


def test_a_door_whose_cable_is_out_says_so(sim, met):
    terminal, _ = met
    sim.online = False
    with pytest.raises(DoorFailed):
        terminal.open(seconds=5)
    assert sim.device.commands == []


def test_a_wrong_password_is_tried_once_and_then_left_for_a_while(sim, connect):
    terminal, heard = connect(address={"password": "wrong-one"})
    until(lambda: "password" in terminal.health().words)
    terminal.put([person(1)])
    assert heard.puts == {}
    assert "wrong-one" not in repr(terminal.health()) + repr(terminal._address)
    assert len(sim.requests) <= 4


def test_no_pin_no_password_and_no_secret_path_is_in_a_log(sim, met, caplog):
    caplog.set_level(logging.DEBUG)
    terminal, heard = met
    terminal.put([person(1, card="AA", pin="482913"), person(2, pin="12")])
    until(lambda: 1 in heard.puts and 2 in heard.failures)
    sim.device.enter_pin("482913")
    until(lambda: heard.passages)
    sim.busy = 1
    terminal.drop([1])
    until(lambda: heard.drops)
    for secret in ("482913", PASSWORD, "/isapi/secret"):
        assert secret not in caplog.text
        assert secret not in repr(heard.passages)


def test_a_nonce_that_ran_out_is_asked_for_anew(sim, met):
    terminal, heard = met
    sim.digest.nonce_s = 0.0
    sim.digest._nonces.clear()
    sim.digest.nonce_s = 60.0
    terminal.put([person(1)])
    until(lambda: 1 in heard.puts)


def test_a_post_to_another_path_or_without_an_event_changes_nothing(sim, connect, started):
    listener = Listener()
    heard = Heard()
    address = IsapiAddress(url=sim.url, username="admin", password=PASSWORD, events_token="secret")
    terminal = IsapiTerminal(gate="G01", address=address, listener=listener, every_s=60)
    terminal.start(heard)
    started.append(terminal)
    at = f"http://127.0.0.1:{listener.port}"
    event = {"eventType": "AccessControllerEvent", "dateTime": "2026-11-24T12:00:00+08:00"}
    event["AccessControllerEvent"] = {"majorEventType": 5, "subEventType": 1, "serialNo": 9, "cardNo": "AA"}
    with httpx.Client(trust_env=False) as client:
        assert client.post(f"{at}/isapi/guess", json=event).status_code == 404
        assert client.post(f"{at}/isapi/secret", json={"eventType": "heartBeat"}).status_code == 200
        assert client.post(f"{at}/isapi/secret", json={**event, "dateTime": "yesterday"}).status_code == 400
        assert client.post(f"{at}/isapi/secret", data={"event_log": "{"}).status_code == 400
        assert heard.passages == []
        assert client.post(f"{at}/isapi/secret", data={"event_log": json.dumps(event)}).status_code == 200
    assert [one.card for one in heard.passages] == ["AA"]


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        b"<a>",
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a><a/>'.encode("utf-16"),
        b"\xff\xfe",
    ],
)
def test_xml_with_a_document_type_or_none_at_all_is_not_read(body):
    with pytest.raises(DeviceAway):
        xml_texts(body)


def test_an_answer_without_end_is_not_read_to_its_end(started):
    port = Port(answer=lambda request: Response(body=b"[" * 5_000_000))
    port.start()
    started.append(port)
    client = IsapiClient(url=port.url, username="a", password="b", timeout_s=5)
    with pytest.raises(DeviceAway, match="longer"):
        client.get("/anything")
    client.close()


def test_times_are_the_devices_own_and_end_before_2038():
    assert forms.local_text(datetime(2026, 1, 1, 17, tzinfo=UTC), 480) == "2026-01-02T01:00:00"
    assert forms.local_text(datetime(2099, 1, 1, tzinfo=UTC), 480) == "2037-12-31T23:59:59"
    assert forms.instant("2026-01-02T01:00:00", 480) == datetime(2026, 1, 1, 17, tzinfo=UTC)
    assert forms.zone_text(480) == "CST-8:00:00"


def test_a_terminals_settings_and_its_password_are_enough_to_be_posted_to(sim, started):
    address = IsapiAddress.read({"address": sim.url, "user": "admin", "door": 1}, secret=PASSWORD)
    other = IsapiAddress.read({"address": sim.url, "user": "admin", "door": 2}, secret=PASSWORD)
    assert address.events_path != other.events_path
    assert PASSWORD not in repr(address)
    assert address.events_token not in repr(address)
    terminal, heard = IsapiTerminal(gate="G01", address=address, listener=Listener(), every_s=60), Heard()
    terminal.start(heard)
    started.append(terminal)
    until(lambda: terminal.health().well)
    assert sim.post_to.startswith("http://127.0.0.1:")
    sim.device.show_card("AA")
    until(lambda: heard.passages)


def test_two_threads_may_open_the_door_at_once(sim, met):
    terminal, _ = met
    threads = [threading.Thread(target=terminal.open, kwargs={"seconds": 5}) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sim.device.commands == ["open"] * 6


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_another_program_gets_the_same_from_the_simulator(sim):
    """The oracle: curl speaks digest as the standard has it, and the JSON is written by hand here."""
    form = {"UserInfo": {"employeeNo": "9", "name": "by hand", "userType": "normal"}}
    form["UserInfo"]["Valid"] = {"enable": True, "beginTime": "2026-01-01T00:00:00", "endTime": "2030-01-01T00:00:00"}
    command = [
        "curl",
        "-sS",
        "--noproxy",
        "*",
        "--digest",
        "-u",
        f"admin:{PASSWORD}",
        "-X",
        "PUT",
        "-d",
        json.dumps(form),
    ]
    address = f"{sim.url}/ISAPI/AccessControl/UserInfo/SetUp?format=json"
    told = subprocess.run([*command, address], capture_output=True, check=True, timeout=20)
    assert json.loads(told.stdout)["statusCode"] == 1
    assert sim.device.users["9"]["name"] == "by hand"
    wrong = [*command, address]
    wrong[wrong.index(f"admin:{PASSWORD}")] = "admin:guess"
    told = subprocess.run(
        [*wrong, "-o", "/dev/null", "-w", "%{http_code}"], capture_output=True, check=True, timeout=20
    )
    assert told.stdout == b"401"
