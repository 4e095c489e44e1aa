"""What is special about devices that call by themselves."""

import json
import random
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from linli.edge.doors import DoorFailed
from linli.edge.drivers.httpv2 import CardWriting, HttpV2Terminal, Manner, Site
from linli.edge.drivers.httpv2.hours import GROUPS, NoGroupLeft, TimeGroups, week_of
from linli.edge.drivers.httpv2.people import MOST_PHOTO
from linli.edge.drivers.httpv2.records import passage_of
from linli.edge.drivers.listening import Listener
from linli.edge.terminals import Alarm, Trouble
from linli.gate.decision import Direction, Kind, Reason
from linli.gate.hours import Slot
from linli.sim.terminals.httpv2_memory import JPEG, Model
from tests.edge.conftest import until
from tests.edge.terminals.bench_httpv2 import QUICK, SN, HttpV2Bench
from tests.edge.terminals.conftest import RecordingTold, some_person

PHOTO = JPEG + b"\x01" * 2_000
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def made():
    benches = []

    def make(**given):
        benches.append(HttpV2Bench(**given))
        return benches[-1]

    yield make
    for bench in benches:
        bench.close()


@pytest.fixture
def wire(made):
    """A terminal without a device: the test itself speaks on the wire."""
    bench = made(start=False)
    client = httpx.Client(base_url=f"http://127.0.0.1:{bench.listener.port}", trust_env=False, timeout=20)

    def call(path, **words):
        return client.post(path, json={"SN": SN, **words}).json()

    def settle(people=0):
        call("/Device/Keepalive")
        storage = {"Person": {"Max": 100, "Current": people}}
        call("/Device/UploadWorkSetting", SystemTime=int(datetime.now(UTC).timestamp()), PeopleStorageInfo=storage)
        call("/Device/Keepalive")
        call("/Device/DownloadWorkSetting")

    bench.call, bench.settle = call, settle
    yield bench
    client.close()


def put(bench, *people):
    bench.terminal.put(people)
    until(lambda: all(bench.told.taken.get(person.number) == person.checksum for person in people))


# Who may call.


def test_a_device_without_its_token_or_with_another_is_not_heard(made):
    bench = made(token="a-long-secret", start=False)
    base = f"http://127.0.0.1:{bench.listener.port}"
    for path, headers in (
        ("/Device/Keepalive", {}),
        ("/another/Device/Keepalive", {}),
        ("/Device/Keepalive", {"x-linli-token": "another"}),
    ):
        answer = httpx.post(base + path, json={"SN": SN}, headers=headers, trust_env=False).json()
        assert answer["Success"] == 401
    assert bench.told.heard == 0
    bench.device.start()
    until(lambda: bench.told.heard)
    in_header = {"x-linli-token": "a-long-secret"}
    assert (
        httpx.post(base + "/Device/Keepalive", json={"SN": SN}, headers=in_header, trust_env=False).json()["Success"]
        == 1
    )


def test_strangers_are_remembered_for_whoever_installs_them_but_not_without_end(wire):
    for number in range(30):
        assert wire.call("/Device/Keepalive", SN=f"X{number}" * 20)["Success"] == 401
    assert len(wire.site.strangers) == 20
    assert all(len(number) <= 30 for number in wire.site.strangers)
    assert wire.told.heard == 0


@pytest.mark.parametrize("words", [{"SN": ["x"]}, {"SN": {}}, {"SN": None}, {}])
def test_a_call_without_a_number_is_refused(wire, words):
    answer = httpx.post(f"http://127.0.0.1:{wire.listener.port}/Device/Keepalive", json=words, trust_env=False)
    assert answer.json()["Success"] == 401


@pytest.mark.parametrize(
    "path",
    [
        *("/Device/Keepalive", "/Device/UploadWorkSetting", "/Device/DownloadWorkSetting", "/Device/RemoteCommand"),
        *("/People/DownloadPeopleList", "/People/DownloadPeopleListResult", "/People/DeletePeopleList"),
        *("/People/DeletePeopleListResult", "/People/PushPeople", "/Device/RequestAuthorization"),
        *("/Record/UploadIdentifyRecord", "/Record/UploadSystemRecord", "/Device/SomethingNew"),
    ],
)
def test_nonsense_in_any_call_is_survived(wire, path):
    names = (
        "Limit",
        "FailList",
        "SuccessCount",
        "DeleteList",
        "UserID",
        "PushType",
        "Detail",
        "RecordDetail",
        "Records",
    )
    more = (
        "AlarmStatus",
        "KeepOpenStatus",
        "SystemTime",
        "TimeGroups",
        "PeopleStorageInfo",
        "FaceThreshold",
        "RecordType",
    )
    wire.terminal.put([some_person(1)])
    for value in (None, -1, 1e300, "x", [], [None, 1e300, {"UserID": []}], {}, {"Person": []}, True, "9" * 400):
        answer = wire.call(path, **dict.fromkeys((*names, *more), value))
        assert answer["Success"] in (0, 1)
    wire.settle()
    assert wire.call("/Device/Keepalive")["AddPeople"] == 1


# Persons.


def test_the_device_learns_a_label_and_no_name_and_no_identity_card(wire):
    wire.terminal.put([some_person(7, label="访客-" + "七" * 40, codes=("x" * 200, "LINLI:7"), uses=3, holidays=False)])
    wire.settle()
    wire.call("/Device/Keepalive")
    row = wire.call("/People/DownloadPeopleList", Limit=10)["PeopleList"][0]
    assert "IdentityCard" not in row
    assert len(row["Name"].encode()) < 64
    assert row["Name"].startswith("访客-七")
    assert (row["AccessType"], row["KeepOpen"], row["Timegroup"]) == (0, 0, 1)
    assert (row["QRCode"], row["OpenTimes"], row["Holidays"], row["CardNum"]) == ("LINLI:7", 3, "*", "90000007")
    assert abs(row["ExpirationDate"] - (datetime.now(UTC) + timedelta(days=2)).timestamp()) <= 60
    assert len(row["Code"]) < 64


def test_a_photo_is_taken_in_and_the_face_opens_and_stays_when_the_stay_is_prolonged(made):
    bench = made()
    person = some_person(1, photo=PHOTO)
    put(bench, person)
    assert bench.device.swipe(face=PHOTO).opened
    put(bench, replace(person, photo=b"", end=NOW + timedelta(days=9)))
    assert bench.device.swipe(face=PHOTO).opened
    bench.terminal.drop([1])
    until(lambda: bench.told.gone == [1])
    assert bench.device.memory.faces == {}


def test_a_photo_that_cannot_be_had_is_told_and_the_other_ways_remain(made):
    bench = made()
    big, twin = some_person(1, photo=JPEG + bytes(MOST_PHOTO)), some_person(3, photo=PHOTO)
    put(bench, some_person(2, photo=PHOTO), big, twin)
    assert sorted(failure[:2] for failure in bench.told.failures) == [
        (1, Trouble.PHOTO_TOO_BIG),
        (3, Trouble.FACE_TAKEN),
    ]
    assert [bench.show(person) for person in (big, twin)] == [True, True]
    assert bench.device.swipe(face=PHOTO).number == 2


def test_who_has_only_an_unusable_photo_is_not_there(made):
    bench = made()
    bench.terminal.put([some_person(1, card="", pin="", photo=b"no picture")])
    until(lambda: bench.told.failures)
    assert bench.told.failures[0][:2] == (1, Trouble.PHOTO_UNUSABLE)
    put(bench, some_person(2))
    assert (bench.known(), set(bench.told.taken)) == ({2}, {2})


def test_what_a_device_cannot_hold_is_said_of_each_and_costs_nobody_else(made):
    bench = made(model=Model(people=3))
    put(bench, some_person(1))
    nine_slots = tuple(Slot(weekday=0, start=60 * hour, end=60 * hour + 30) for hour in range(9))
    unfit = [
        some_person(2, card=some_person(1).card),
        some_person(3, pin="123"),
        some_person(4, card="04A1B2"),
        some_person(5, card="", pin=""),
        some_person(6, hours=nine_slots),
        some_person(7, card=str(2**64)),
    ]
    bench.terminal.put([*unfit, some_person(8), some_person(9)])
    until(lambda: len(bench.told.failures) == len(unfit) and bench.known() == {1, 8, 9})
    assert {number: trouble for number, trouble, _ in bench.told.failures} == {
        2: Trouble.CARD_TAKEN,
        **dict.fromkeys((3, 4, 5, 6, 7), Trouble.NOT_OFFERED),
    }
    bench.terminal.put([some_person(10)])
    until(lambda: bench.told.failures[-1][:2] == (10, Trouble.FULL))
    assert bench.known() == {1, 8, 9}


def test_cards_in_hexadecimal_writing_go_to_the_device_and_come_back(made):
    bench = made(manner={"cards": CardWriting.HEXADECIMAL})
    put(bench, some_person(1, card="04A1B2C3"))
    assert bench.device.swipe(card=str(0x04A1B2C3)).opened
    until(lambda: bench.told.passages)
    assert [passage.card for passage in bench.told.passages.values()] == ["4A1B2C3"]


def test_a_device_that_counts_badly_is_asked_about_each(made):
    bench = made()
    bench.device.miscounts = True
    put(bench, some_person(1), some_person(2))
    bench.terminal.put([some_person(3, card=some_person(1).card), some_person(4)])
    until(lambda: 4 in bench.told.taken and bench.told.failures)
    assert bench.told.failures[0][:2] == (3, Trouble.CARD_TAKEN)


def test_a_page_that_is_never_answered_for_is_handed_out_again(wire):
    wire.terminal.put([some_person(1)])
    wire.settle()
    wire.call("/Device/Keepalive")
    assert len(wire.call("/People/DownloadPeopleList")["PeopleList"]) == 1
    assert wire.call("/People/DownloadPeopleList")["PeopleList"] == []
    # The device restarts in the middle.
    wire.call("/Device/UploadWorkSetting", BootTime=4711)
    assert len(wire.call("/People/DownloadPeopleList")["PeopleList"]) == 1
    until(lambda: wire.call("/Device/Keepalive")["AddPeople"])
    assert len(wire.call("/People/DownloadPeopleList")["PeopleList"]) == 1
    assert wire.told.taken == {}
    wire.call("/People/DownloadPeopleListResult", SuccessCount=1, FailCount=0, FailList=[])
    assert set(wire.told.taken) == {1}


def test_a_device_that_never_takes_somebody_is_given_up_on(wire):
    wire.terminal.put([some_person(1)])
    wire.settle()
    for _ in range(5):
        until(lambda: wire.call("/Device/Keepalive")["AddPeople"])
        assert wire.call("/People/DownloadPeopleList")["PeopleList"]
    until(lambda: wire.call("/Device/Keepalive")["Success"] and wire.told.failures)
    assert wire.told.failures[0][:2] == (1, Trouble.REFUSED)
    assert wire.call("/Device/Keepalive")["AddPeople"] == 0


def test_a_withdrawal_is_only_called_done_when_the_device_says_so_of_that_number(wire):
    wire.terminal.drop([1, 2, 3])
    wire.settle()
    assert wire.call("/Device/Keepalive")["DeletePeople"] == 1
    assert wire.call("/People/DeletePeopleList")["DeleteList"] == [1, 2, 3]
    wire.call("/People/DeletePeopleListResult", DeleteCount=1, DeletList=[1])
    assert wire.told.gone == [1]
    assert wire.call("/Device/Keepalive")["Remote"] == 1
    assert wire.call("/Device/RemoteCommand")["QueryPeople"] == [2, 3]
    wire.call("/People/PushPeople", PushType=4, UserID="2")
    assert wire.told.gone == [1, 2]
    wire.call("/People/PushPeople", PushType=4, UserID="3", Detail={"UserID": "3", "Name": "still here"})
    assert wire.told.gone == [1, 2]
    assert wire.call("/People/DeletePeopleList")["DeleteList"] == [3]


def test_a_person_is_given_to_the_device_only_when_the_start_is_near(wire):
    clock = [NOW]
    wire.terminal._persons._now = lambda: clock[0]
    soon = some_person(1, start=NOW + timedelta(hours=2), end=NOW + timedelta(hours=9))
    wire.terminal.put([soon])
    wire.settle()
    assert wire.call("/Device/Keepalive")["AddPeople"] == 0
    clock[0] = soon.start - timedelta(seconds=40)
    assert wire.call("/Device/Keepalive")["AddPeople"] == 0
    clock[0] = soon.start - timedelta(seconds=20)
    assert wire.call("/Device/Keepalive")["AddPeople"] == 1
    assert wire.call("/People/DownloadPeopleList")["PeopleList"][0]["UserID"] == "1"


def test_a_page_with_photos_stays_small(wire):
    wire.terminal.put([some_person(number, photo=JPEG + bytes(390_000)) for number in range(1, 31)])
    wire.settle()
    wire.call("/Device/Keepalive")
    pages = []
    while rows := wire.call("/People/DownloadPeopleList", Limit=100)["PeopleList"]:
        pages.append(len(rows))
        wire.call("/People/DownloadPeopleListResult", SuccessCount=len(rows), FailCount=0, FailList=[])
    assert sum(pages) == 30
    assert max(pages) <= 11


def test_somebody_changed_at_the_menu_makes_the_list_be_read(made):
    bench = made()
    put(bench, some_person(1))
    bench.device.memory.people[99] = {"UserID": "99", "Name": "a friend of the guard", "ExpirationDate": 0}
    form = {"SN": (None, SN), "PushType": (None, "1"), "UserID": (None, "99")}
    httpx.post(f"http://127.0.0.1:{bench.listener.port}/People/PushPeople", files=form, trust_env=False)
    until(lambda: bench.told.listings)
    assert set(bench.told.listings[-1]) == {1, 99}
    assert bench.told.listings[-1][99] not in ("", bench.told.taken[1])


def test_a_list_that_is_never_whole_is_not_passed_off_for_one(wire):
    wire.terminal.read_back()
    wire.settle(people=2)
    wire.call("/Device/Keepalive")
    wire.call("/Device/RemoteCommand")
    wire.call("/People/PushPeople", PushType=4, UserID="1", Detail={"UserID": "1"})
    reading = wire.terminal._persons.reading
    for _ in range(3):
        reading.check(reading._moved_at + 60)
        reading.count(2)
        reading.begin(reading._moved_at)
    assert wire.told.listings == []
    assert "0 of 2" in wire.terminal.health().words


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_in_between_the_device_ends_with_what_is_wanted(made, seed):
    bench, dice, up = made(), random.Random(seed), True
    wanted = {}
    for turn in range(150):
        number = dice.randrange(1, 25)
        if dice.random() < 0.3:
            bench.terminal.drop([number])
            wanted.pop(number, None)
        else:
            hours = dice.choice([(), (Slot(weekday=dice.randrange(7), start=0, end=600),)])
            wanted[number] = some_person(number, end=NOW + timedelta(days=1 + turn), hours=hours)
            bench.terminal.put([wanted[number]])
        match dice.randrange(12):
            case 0:
                up = False
                bench.network(up=up)
            case 1 | 2:
                up = True
                bench.network(up=up)
            case 3:
                bench.device.reboot()
            case 4:
                bench.terminal.read_back()
            case 5:
                bench.device.miscounts = not bench.device.miscounts
            case 6 | 7 | 8 if up:
                calls = len(bench.device.heard) + dice.randrange(1, 9)
                until(lambda calls=calls: len(bench.device.heard) >= calls)
    bench.network(up=True)
    bench.terminal.read_back()
    goal = {number: person.checksum for number, person in wanted.items()}
    until(lambda: bench.told.listings and bench.told.listings[-1] == goal)
    assert bench.known() == set(wanted)


# Hours.


def test_hours_are_written_as_the_device_counts_them():
    slots = (
        Slot(weekday=0, start=0, end=1440),
        Slot(weekday=2, start=540, end=720),
        Slot(weekday=2, start=720, end=1080),
        Slot(weekday=2, start=1200, end=1201),
        Slot(weekday=6, start=0, end=1),
    )
    assert week_of(slots) == ("00:00-23:59", "", "09:00-17:59/20:00-20:00", "", "", "", "00:00-00:00")


def test_a_table_keeps_its_number_when_the_box_is_restarted(made):
    bench = made()
    today, other = NOW.weekday(), (NOW.weekday() + 3) % 7
    allowed, shut = (
        tuple(Slot(weekday=(day + away) % 7, start=0, end=1440) for away in (0, 1, -1)) for day in (today, other)
    )
    inside, outside = some_person(1, hours=allowed), some_person(2, hours=shut)
    put(bench, inside, outside)
    bench.terminal.stop()
    told = RecordingTold()
    again = HttpV2Terminal(gate="G01", serial_number=SN, site=bench.site, manner=bench.manner)
    bench.terminal = again
    again.start(told)
    # In the other order than before: numbers given out afresh would have changed places.
    newcomers = some_person(4, hours=shut), some_person(3, hours=allowed)
    again.put(newcomers)
    until(lambda: set(told.taken) == {3, 4})
    assert [bench.show(some_person(number)) for number in (1, 2, 3, 4)] == [True, False, True, False]


def test_the_sixty_fifth_table_is_refused_and_unused_ones_are_given_again():
    groups = TimeGroups()
    tables = [(Slot(weekday=0, start=minute, end=1440),) for minute in range(70)]
    numbers = [groups.number(table, in_use=set(range(1, 65))) for table in tables[: GROUPS - 1]]
    assert numbers == list(range(2, 65))
    assert groups.number(tables[5], in_use=()) == 7
    with pytest.raises(NoGroupLeft):
        groups.number(tables[65], in_use=set(range(1, 65)))
    assert groups.number(tables[66], in_use=set(range(1, 65)) - {9}) == 9
    assert not groups.is_known(9)
    assert len(groups.as_words()) == GROUPS
    assert groups.is_known(9)


def test_nobody_comes_before_the_hours_that_they_refer_to(wire):
    wire.settle()
    wire.terminal.put([some_person(1, hours=(Slot(weekday=1, start=0, end=60),))])
    assert wire.call("/People/DownloadPeopleList")["PeopleList"] == []
    flags = wire.call("/Device/Keepalive")
    assert (flags["SyncParameter"], flags["AddPeople"]) == (1, 1)
    assert wire.call("/People/DownloadPeopleList")["PeopleList"] == []
    table = wire.call("/Device/DownloadWorkSetting")["TimeGroups"][1]
    assert (table["Num"], table["Week2"], table["Week1"]) == (2, "00:00-00:59", "")
    assert wire.call("/People/DownloadPeopleList")["PeopleList"][0]["Timegroup"] == 2


# Settings and alarms.


def test_settings_are_brought_in_line(made):
    bench = made(manner={"holidays": (date(2026, 10, 1),)})
    settings = bench.device.memory.settings
    bench.device.change_settings({"TimeZone": 3})
    until(lambda: settings["TimeZone"] == 8)
    until(lambda: settings["SaveRecordPicture"] == 0 and settings["HTTPClient_KeepaliveTime"] == 1)
    assert settings["Holidays"] == [{"Num": 1, "Date": "2026-10-01", "Type": 1, "Cycle": 0}]
    assert settings["MenuPassword"] == "0000", "what is not ours is left alone"
    bench.terminal.open(seconds=7)
    until(lambda: settings["ReleaseTime"] == 7)


def test_what_is_wrong_with_a_device_is_said_in_words(made):
    bench = made()
    until(lambda: Alarm.SETTING in bench.told.alarms)
    bench.device.change_settings({"FaceThreshold": 58, "FaceIR": 0, "FreeOpen": 1, "VisitorRootPassword": "1234"})
    until(lambda: bench.told.alarms[Alarm.SETTING])
    words = bench.told.alarms[Alarm.SETTING]
    assert all(part in words for part in ("FaceThreshold 58", "FaceIR", "FreeOpen", "VisitorRootPassword"))
    assert "1234" not in words
    assert words in bench.terminal.health().words


def test_a_setting_that_a_device_never_takes_is_not_pushed_for_ever(wire):
    wire.settle()
    pushed = 0
    for _ in range(8):
        wire.call("/Device/Keepalive")
        wire.call("/Device/UploadWorkSetting", SaveRecordPicture=1)
        if wire.call("/Device/Keepalive")["SyncParameter"]:
            pushed += "SaveRecordPicture" in wire.call("/Device/DownloadWorkSetting")
    assert pushed == 2  # and once while it was settled
    until(lambda: wire.told.alarms.get(Alarm.SETTING))
    assert "does not take" in wire.told.alarms[Alarm.SETTING]


@pytest.mark.parametrize(
    ("name", "alarm"),
    [
        ("fire", Alarm.FIRE),
        ("anti", Alarm.TAMPER),
        ("illegal", Alarm.TAMPER),
        ("password", Alarm.TAMPER),
        ("openTimeout", Alarm.HELD_OPEN),
        ("doorSensor", Alarm.FORCED),
    ],
)
def test_an_alarm_begins_and_ends(made, name, alarm):
    bench = made()
    until(lambda: bench.told.alarms.get(alarm) is False)
    bench.device.alarm(name=name, on=True)
    until(lambda: bench.told.alarms[alarm])
    bench.device.alarm(name=name, on=False)
    until(lambda: bench.told.alarms[alarm] is False)


def test_a_device_that_stops_calling_is_offline_until_it_calls(made):
    bench = made()
    until(lambda: bench.told.alarms.get(Alarm.OFFLINE) is False)
    bench.network(up=False)
    until(lambda: bench.told.alarms[Alarm.OFFLINE])
    bench.network(up=True)
    until(lambda: bench.told.alarms[Alarm.OFFLINE] is False)


# The door.


def test_a_hold_asked_for_while_the_device_was_away_or_restarted_is_not_forgotten(made):
    bench = made()
    until(lambda: bench.terminal.health().well)
    bench.network(up=False)
    until(lambda: not bench.terminal.health().well)
    with pytest.raises(DoorFailed):
        bench.terminal.open(seconds=None)
    bench.network(up=True)
    until(bench.held)
    bench.device.reboot()
    assert not bench.held()
    until(bench.held)
    bench.network(up=False)
    until(lambda: not bench.terminal.health().well)
    with pytest.raises(DoorFailed):
        bench.terminal.release()
    bench.network(up=True)
    until(lambda: not bench.held())


def test_a_long_import_stops_for_an_opening_and_for_a_withdrawal(wire):
    wire.terminal.put([some_person(number) for number in range(1, 6)])
    wire.settle()
    wire.call("/Device/Keepalive")

    def fetch():
        rows = wire.call("/People/DownloadPeopleList", Limit=1)["PeopleList"]
        wire.call("/People/DownloadPeopleListResult", SuccessCount=len(rows), FailCount=0, FailList=[])
        return len(rows)

    assert fetch() == 1
    opening = threading.Thread(target=wire.terminal.open, kwargs={"seconds": 5})
    opening.start()
    until(lambda: wire.call("/Device/Keepalive")["Remote"])
    assert fetch() == 0
    assert wire.call("/Device/RemoteCommand")["Opendoor"] == 1
    opening.join(timeout=10)
    assert fetch() == 1
    wire.terminal.drop([1])
    assert fetch() == 0
    assert wire.call("/Device/Keepalive")["DeletePeople"] == 1
    assert wire.call("/People/DeletePeopleList")["DeleteList"] == [1]
    wire.call("/People/DeletePeopleListResult", DeleteList=[1])
    assert [fetch() for _ in range(4)] == [1, 1, 1, 0]
    assert set(wire.told.taken) == {2, 3, 4, 5}


def test_a_hold_that_somebody_else_set_is_left_alone(wire):
    wire.settle()
    for _ in range(3):
        assert wire.call("/Device/Keepalive", KeepOpenStatus=1)["Remote"] == 0


# Passages.


@pytest.mark.parametrize(
    ("kind", "method", "opened", "reason"),
    [
        (1, Kind.CARD, True, Reason.OK),
        (3, Kind.FACE, True, Reason.OK),
        (10, Kind.PIN, True, Reason.OK),
        (31, Kind.PIN, True, Reason.OK),
        (32, Kind.CODE, True, Reason.OK),
        (47, Kind.IDCARD, True, Reason.OK),
        (29, Kind.CARD, True, Reason.OK),
        (15, Kind.CARD, False, Reason.REPLAYED),
        (16, Kind.CARD, False, Reason.EXPIRED),
        (17, Kind.CARD, False, Reason.OUTSIDE_HOURS),
        (18, Kind.CARD, False, Reason.OUTSIDE_HOURS),
        (19, Kind.CARD, False, Reason.UNKNOWN_CREDENTIAL),
        (21, Kind.CARD, False, Reason.USES_EXHAUSTED),
        (22, Kind.CARD, False, Reason.REFUSED_BY_DEVICE),
        (24, Kind.CARD, False, Reason.REFUSED_BY_DEVICE),
        (30, Kind.CARD, False, Reason.TEMPERATURE),
        (48, Kind.CARD, False, Reason.UNKNOWN_CREDENTIAL),
        (49, Kind.CODE, False, Reason.UNKNOWN_CREDENTIAL),
        (999, Kind.CARD, False, Reason.REFUSED_BY_DEVICE),
    ],
)
def test_each_type_of_record_has_its_word(kind, method, opened, reason):
    detail = {"RecordID": 5, "RecordType": kind, "RecordDate": 1718616771, "UserID": "3", "CardNum": "77", "IsEntry": 0}
    passage = passage_of({**detail, "BodyTemp": 368}, entrance=True, cards=CardWriting.DECIMAL)
    assert (passage.method, passage.opened, passage.reason) == (method, opened, reason)
    assert (passage.record, passage.at.timestamp(), passage.direction) == ("5-1718616771", 1718616771, "out")
    assert (passage.number, passage.card, passage.temperature_c10) == (3, "77", 368)


@pytest.mark.parametrize(("kind", "opened", "card"), [(2, True, "FINGER"), (36, True, "PALM"), (27, False, "FINGER")])
def test_a_finger_that_somebody_enrolled_at_the_menu_stands_out(kind, opened, card):
    detail = {"RecordID": 5, "RecordType": kind, "RecordDate": 1718616771, "UserID": "3"}
    passage = passage_of(detail, entrance=True, cards=CardWriting.DECIMAL)
    assert (passage.method, passage.opened, passage.card) == (Kind.CARD, opened, card)


@pytest.mark.parametrize("kind", [33, 34, 35, 44])
def test_a_record_of_nobody_passing_is_no_passage(kind):
    detail = {"RecordID": 5, "RecordType": kind, "RecordDate": 1718616771}
    assert passage_of(detail, entrance=True, cards=CardWriting.DECIMAL) is None


def test_a_passage_comes_by_form_or_json_and_under_either_name(wire):
    detail = {"RecordType": 1, "RecordDate": 1718616771, "UserID": "3"}
    base = f"http://127.0.0.1:{wire.listener.port}/Record/UploadIdentifyRecord"
    for number, name in ((1, "RecordDetail"), (2, "recordJson")):
        form = {
            "SN": (None, SN),
            name: (None, json.dumps({**detail, "RecordID": number})),
            "pic": ("a.jpg", PHOTO * 400, "image/jpeg"),
        }
        assert httpx.post(base, files=form, trust_env=False).json()["Success"] == 1
    wire.call("/Record/UploadIdentifyRecord", **detail, RecordID=3)
    wire.call("/Record/UploadIdentifyRecord", RecordDetail={**detail, "RecordID": 4})
    assert set(wire.told.passages) == {f"{number}-1718616771" for number in (1, 2, 3, 4)}


def test_a_device_that_begins_to_count_anew_loses_no_passage(wire):
    for at in (1718616771, 1718700000):
        wire.call("/Record/UploadIdentifyRecord", RecordID=1, RecordType=1, RecordDate=at)
    assert len(wire.told.passages) == 2


def test_a_record_that_cannot_be_read_does_not_hold_up_the_others(wire):
    wire.settle()
    for detail in ("{", "[]", '{"RecordID": 1}', '{"RecordID": 1, "RecordType": 1, "RecordDate": 1e300}'):
        assert wire.call("/Record/UploadIdentifyRecord", RecordDetail=detail)["Success"] == 1
    assert wire.told.passages == {}
    assert "4 records could not be read" in wire.terminal.health().words


def test_a_code_that_only_the_agent_can_judge_is_put_to_it_and_written_down_once(made):
    bench = made(online=True)
    until(lambda: bench.terminal.health().well)
    refused = bench.device.swipe(qr="LINLI:dynamic", temperature=36.6)
    assert not refused.opened
    assert "本门不认识此凭证" in refused.message
    bench.told.opens = True
    assert bench.device.swipe(qr="LINLI:dynamic").opened
    scan = bench.told.asked[0]
    assert (scan.gate, scan.kind, scan.text, scan.direction) == ("G01", Kind.CODE, "LINLI:dynamic", Direction.IN)
    assert scan.temperature_c10 == 366
    put(bench, some_person(1))
    bench.show(some_person(1))
    until(lambda: bench.told.passages)
    assert [passage.method for passage in bench.told.passages.values()] == ["CARD"]


def test_the_agents_own_opening_of_this_door_does_not_wait_for_the_device_that_asks(made):
    bench = made(online=True)
    until(lambda: bench.terminal.health().well)
    answer = bench.told.ask

    def ask(scan):
        bench.terminal.open(seconds=5)
        return answer(scan)

    bench.told.ask, bench.told.opens = ask, True
    assert bench.device.swipe(card="4711").opened
    assert bench.opened() == 1


def test_whoever_wants_out_gets_out_even_when_the_agent_fails(made):
    bench = made(online=True)
    until(lambda: bench.terminal.health().well)

    def ask(scan):
        raise RuntimeError("told to fail")

    bench.told.ask = ask
    assert bench.device.swipe(qr="LINLI:1", entry=False).opened
    assert not bench.device.swipe(qr="LINLI:1", entry=True).opened
    assert bench.device.swipe(face=PHOTO, entry=False).opened


def test_a_strangers_face_is_asked_to_show_something_else(made):
    bench = made(online=True)
    until(lambda: bench.terminal.health().well)
    bench.told.opens = True
    refused = bench.device.swipe(face=PHOTO)
    assert not refused.opened
    assert "code or a card" in refused.message
    assert bench.told.asked == []


def test_the_exit_button_is_a_passage(made):
    bench = made()
    bench.device.button()
    until(lambda: bench.told.passages)
    passage = next(iter(bench.told.passages.values()))
    assert (passage.method, passage.direction, passage.opened, passage.reason) == ("EXIT", "out", True, "EXIT")


def test_a_box_that_lost_its_journal_gets_the_records_again(made):
    bench = made()
    put(bench, some_person(1))
    for _ in range(5):
        bench.show(some_person(1))
    until(lambda: len(bench.told.passages) == 5)
    lost = dict(bench.told.passages)
    bench.told.passages.clear()
    bench.terminal.repost()
    until(lambda: bench.told.passages == lost)


def test_several_devices_share_one_port_and_the_last_one_closes_it():
    listener = Listener()
    site = Site(listener=listener, prefix="/httpv2")
    terminals = [
        HttpV2Terminal(gate=f"G{number}", serial_number=f"SN{number}", site=site, manner=Manner(**QUICK))
        for number in (1, 2)
    ]
    told = [RecordingTold(), RecordingTold()]
    for terminal, hears in zip(terminals, told, strict=True):
        terminal.start(hears)
    url = f"http://127.0.0.1:{listener.port}/httpv2/Device/Keepalive"

    def knock(number):
        return httpx.post(url, json={"SN": number}, trust_env=False).json()["Success"]

    assert [knock("SN1"), knock("SN2"), knock("SN3")] == [1, 1, 401]
    assert [hears.heard for hears in told] == [1, 1]
    terminals[0].stop()
    assert [knock("SN1"), knock("SN2")] == [401, 1]
    terminals[1].stop()
    with pytest.raises(httpx.TransportError):
        knock("SN2")


def test_the_simulator_runs_as_a_command_and_is_played_by_its_control_port(made):
    bench = made(start=False)
    url = f"http://127.0.0.1:{bench.listener.port}"
    command = [sys.executable, "-m", "linli.sim", "terminal", "httpv2", "--server", url, "--sn", SN, "--period", "0.1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        control = json.loads(process.stdout.readline())["control"]
        put(bench, some_person(1))
        with httpx.Client(base_url=control, trust_env=False) as client:
            assert client.post("/swipe", json={"card": some_person(1).card}).json()["done"]["opened"]
            assert client.post("/swipe", json={}).status_code == 422
            assert client.post("/fire", json={"on": True}).status_code == 200
            assert client.get("/state").json()["kept_open"]
        until(lambda: bench.told.passages and bench.told.alarms.get(Alarm.FIRE))
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()
