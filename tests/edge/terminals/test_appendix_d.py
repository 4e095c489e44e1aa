"""The script of appendix D, step by step, with a device that calls: from the first unknown knock to a threshold too low."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from linli.edge.drivers.httpv2 import HttpV2Terminal, Manner, Site
from linli.edge.drivers.listening import Listener
from linli.edge.terminals import Alarm, Trouble
from linli.sim.terminals.httpv2_device import HttpV2Device
from linli.sim.terminals.httpv2_memory import JPEG
from tests.edge.conftest import until
from tests.edge.terminals.bench_httpv2 import QUICK, SN
from tests.edge.terminals.conftest import RecordingTold, some_person

PEOPLE, NOT_A_PHOTO, WITHDRAWN = 250, 17, 41


class MovedClock:
    """The true time of the estate, which a test moves on by half an hour without waiting."""

    def __init__(self):
        self.ahead = timedelta()

    def __call__(self):
        return datetime.now(UTC) + self.ahead


class Estate:
    """Two gates, two devices, one port."""

    def __init__(self):
        self.clock, self.listener = MovedClock(), Listener()
        self.site = Site(listener=self.listener)
        self.terminals, self.told, self.devices = {}, {}, {}

    def install(self, gate, sn):
        terminal = HttpV2Terminal(gate=gate, serial_number=sn, site=self.site, manner=Manner(**QUICK), now=self.clock)
        self.terminals[gate], self.told[gate] = terminal, RecordingTold()
        terminal.start(self.told[gate])

    def switch_on(self, gate, sn):
        url = f"http://127.0.0.1:{self.listener.port}"
        self.devices[gate] = HttpV2Device(server=url, sn=sn, clock=self.clock)
        self.devices[gate].start()
        return self.devices[gate]


@pytest.fixture
def estate():
    estate = Estate()
    yield estate
    for device in estate.devices.values():
        device.stop()
    for terminal in estate.terminals.values():
        terminal.stop()


def photo_of(number):
    return JPEG + bytes([number % 256]) * 3_000 if number != NOT_A_PHOTO else b"a holiday picture"


def the_people():
    with_photo = {3, 5, NOT_A_PHOTO}
    return {
        number: some_person(number, codes=(f"LINLI:{number}",), photo=photo_of(number) if number in with_photo else b"")
        for number in range(1, PEOPLE + 1)
    }


def test_the_script_of_appendix_d(estate):
    # Another gate is in service already, so that the port is open when an unknown device knocks.
    estate.install("G02", "FC-OTHER")
    other = estate.switch_on("G02", "FC-OTHER")
    device = estate.switch_on("G01", SN)

    an_unknown_device_is_refused_and_keeps_quiet(estate, device)
    estate.install("G01", SN)
    terminal, told = estate.terminals["G01"], estate.told["G01"]
    a_registered_device_tells_its_settings(terminal, told, device)
    people = the_people()
    people_come_by_the_hundred_and_one_photo_is_not_usable(terminal, told, device, people)
    twenty_pass_by_four_ways(told, device)
    true_times = half_an_hour_without_a_network(estate, terminal, told, device, people)
    fifty_late_and_doubled_passages_are_told_once(told, device, true_times)
    the_withdrawal_is_confirmed(told, device)
    del people[WITHDRAWN]
    the_devices_dump_is_what_is_wanted(terminal, told, people)
    a_remote_opening_is_fetched(terminal, device)
    with_fire_every_door_opens(estate, told, device, other)
    a_threshold_too_low_is_flagged(told, device)


def an_unknown_device_is_refused_and_keeps_quiet(estate, device):
    until(lambda: len(device.heard) >= 3)
    assert set(device.heard) == {"/Device/Keepalive 401"}
    assert estate.site.strangers == [SN]
    assert not device.swipe(card="90000001").opened


def a_registered_device_tells_its_settings(terminal, told, device):
    until(lambda: told.clocks and told.firmware)
    assert "/Device/UploadWorkSetting 200" in device.heard
    assert told.firmware == "8.46"
    assert terminal.limits.people == 20_000
    assert terminal.limits.ways == {"CARD", "PIN", "CODE", "FACE"}
    until(lambda: device.memory.settings["SaveRecordPicture"] == 0), "nobody's picture is kept at a gate"


def people_come_by_the_hundred_and_one_photo_is_not_usable(terminal, told, device, people):
    device.heard.clear()
    terminal.put(people.values())
    until(lambda: len(told.taken) == PEOPLE)
    assert told.taken == {number: person.checksum for number, person in people.items()}
    assert told.failures == [(NOT_A_PHOTO, Trouble.PHOTO_UNUSABLE, "error 30")]
    until(lambda: device.heard.count("/People/DownloadPeopleListResult 200") >= 3)
    assert set(device.memory.faces.values()) == {3, 5}
    refused = people[NOT_A_PHOTO]
    assert device.swipe(card=refused.card).opened
    assert device.swipe(qr=refused.codes[0]).opened
    assert not device.swipe(face=refused.photo).opened
    until(lambda: len(told.passages) == 4)  # with the one before anybody was known


def twenty_pass_by_four_ways(told, device):
    told.passages.clear()
    for number in (3, 5, 3, 5, 3):
        assert device.swipe(card=str(90_000_000 + number)).opened
        assert device.swipe(qr=f"LINLI:{number}").opened
        assert device.swipe(pin=str(100_000 + number), number=number).opened
        assert device.swipe(face=photo_of(number), entry=False).opened
    until(lambda: len(told.passages) == 20)
    passages = told.passages.values()
    assert Counter(p.method for p in passages) == {"CARD": 5, "CODE": 5, "PIN": 5, "FACE": 5}
    assert Counter((p.number, p.direction, p.opened, p.reason) for p in passages) == {
        (3, "in", True, "OK"): 9,
        (3, "out", True, "OK"): 3,
        (5, "in", True, "OK"): 6,
        (5, "out", True, "OK"): 2,
    }


def half_an_hour_without_a_network(estate, terminal, told, device, people):
    told.passages.clear()
    told.clocks.clear()
    device.network(up=False)
    until(lambda: told.alarms.get(Alarm.OFFLINE))
    device.set_clock(offset_s=95)
    device.send_records(twice=True, shuffled=True)
    true_times = []
    for turn in range(49):
        estate.clock.ahead += timedelta(seconds=36)
        true_times.append(estate.clock().replace(microsecond=0))
        number = turn % 10 + 1
        assert device.swipe(card=people[number].card).opened
    terminal.drop([WITHDRAWN])
    assert device.swipe(card=people[WITHDRAWN].card).opened, "nobody could tell the device yet"
    true_times.append(estate.clock().replace(microsecond=0))
    assert (len(true_times), told.gone, told.passages) == (50, [], {})
    return true_times


def fifty_late_and_doubled_passages_are_told_once(told, device, true_times):
    device.network(up=True)
    until(lambda: len(told.passages) == len(true_times))
    until(lambda: told.alarms[Alarm.OFFLINE] is False)
    times = sorted(passage.at for passage in told.passages.values())
    # The device's own time is kept as it is; whoever knows the drift can correct it to the second.
    for at, true in zip(times, true_times, strict=True):
        assert abs(at - timedelta(seconds=95) - true) <= timedelta(seconds=1)
    assert len({passage.record for passage in told.passages.values()}) == len(true_times)
    until(lambda: len(told.clocks) >= 2)
    assert 90 < (told.clocks[0] - true_times[-1]).total_seconds() < 110
    assert (told.clocks[-1] - true_times[-1]).total_seconds() < 30, "the device was set right"


def the_withdrawal_is_confirmed(told, device):
    until(lambda: told.gone == [WITHDRAWN])
    assert WITHDRAWN not in device.memory.people
    assert not device.swipe(card=str(90_000_000 + WITHDRAWN)).opened


def the_devices_dump_is_what_is_wanted(terminal, told, people):
    terminal.read_back()
    until(lambda: told.listings)
    assert told.listings[-1] == {number: person.checksum for number, person in people.items()}


def a_remote_opening_is_fetched(terminal, device):
    before = device.opened
    terminal.open(seconds=5)
    until(lambda: device.opened == before + 1)


def with_fire_every_door_opens(estate, told, device, other):
    def open_all(alarm, on):
        if alarm is Alarm.FIRE and on:
            for terminal in estate.terminals.values():
                terminal.open(seconds=None)

    told.when_alarmed = open_all
    device.alarm(name="fire", on=True)
    until(lambda: told.alarms[Alarm.FIRE])
    until(lambda: device.kept_open and other.kept_open)
    device.alarm(name="fire", on=False)
    until(lambda: told.alarms[Alarm.FIRE] is False)
    assert device.kept_open
    assert other.kept_open
    for terminal in estate.terminals.values():
        terminal.release()
    until(lambda: not device.kept_open and not other.kept_open)


def a_threshold_too_low_is_flagged(told, device):
    assert told.alarms[Alarm.SETTING] is False
    device.change_settings({"FaceThreshold": 58})
    until(lambda: told.alarms[Alarm.SETTING])
    assert told.alarms[Alarm.SETTING] == "FaceThreshold 58 is below 60"
    device.change_settings({"FaceThreshold": 75})
    until(lambda: told.alarms[Alarm.SETTING] is False)
