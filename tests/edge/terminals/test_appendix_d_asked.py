"""The script of appendix D with the devices that are asked: what a make cannot do by its nature is left out, and said."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from linli.edge.doors import DoorFailed
from linli.edge.drivers.isapi import IsapiAddress, IsapiTerminal
from linli.edge.drivers.listening import Listener
from linli.edge.drivers.ttlock import TtlockAccount, TtlockCloud, TtlockTerminal
from linli.edge.terminals import Alarm, Trouble
from linli.sim.terminals.isapi import IsapiTerminalSim
from linli.sim.terminals.isapi_device import IsapiDevice
from linli.sim.terminals.ttlock import TtlockCloudSim
from tests.edge.conftest import until
from tests.edge.terminals.bench_ttlock import LOCK
from tests.edge.terminals.conftest import RecordingTold, some_person
from tests.edge.terminals.test_appendix_d import MovedClock
from tests.edge.terminals.test_isapi import blank, photo

PASSWORD = "Sim-12345"
PEOPLE, NOT_A_PHOTO, WITHDRAWN = 120, 17, 41
QUICK = {"every_s": 0.1, "first_pause_s": 0.02}


@pytest.fixture
def running():
    running = []
    yield running
    for thing in reversed(running):
        thing.stop()


def isapi_gate(running, gate, clock):
    device = IsapiDevice(clock=clock, deletion_s=0.05)
    sim = IsapiTerminalSim(device=device, password=PASSWORD)
    sim.start()
    address = IsapiAddress(
        url=sim.url, username="admin", password=PASSWORD, events_host="127.0.0.1", events_token=f"secret-{gate}"
    )
    terminal = IsapiTerminal(gate=gate, address=address, listener=Listener(), now=clock, **QUICK)
    told = RecordingTold()
    terminal.start(told)
    running += [sim, terminal]
    return sim, terminal, told


def half_an_hour_without_a_network(clock, show, passages=50):
    true_times = []
    for turn in range(passages):
        clock.ahead += timedelta(seconds=36)
        true_times.append(clock())
        assert show(turn)
    return true_times


def fifty_passages_came_once_and_with_the_devices_time(told, true_times, *, ahead_s):
    until(lambda: len(told.passages) == len(true_times))
    times = sorted(passage.at for passage in told.passages.values())
    for at, true in zip(times, true_times, strict=True):
        assert abs(at - timedelta(seconds=ahead_s) - true) <= timedelta(seconds=1)


def test_the_script_with_a_terminal_that_is_asked(running):
    clock = MovedClock()
    other_sim, other, _ = isapi_gate(running, "G02", clock)
    sim, terminal, told = isapi_gate(running, "G01", clock)
    device = sim.device
    until(lambda: told.clocks and told.firmware)
    assert (terminal.limits.people, terminal.limits.ways) == (3000, {"CARD", "PIN", "FACE"})

    pictures = {3: photo(3), 5: photo(5), NOT_A_PHOTO: blank()}
    people = {number: some_person(number, photo=pictures.get(number, b"")) for number in range(1, PEOPLE + 1)}
    terminal.put(people.values())
    until(lambda: len(told.taken) == PEOPLE - 1)
    assert [(number, trouble) for number, trouble, _ in told.failures] == [(NOT_A_PHOTO, Trouble.PHOTO_UNUSABLE)]
    assert device.show_card(people[NOT_A_PHOTO].card), "use the card"
    people[NOT_A_PHOTO] = some_person(NOT_A_PHOTO)
    terminal.put([people[NOT_A_PHOTO]])
    until(lambda: len(told.taken) == PEOPLE)

    until(lambda: len(told.passages) == 1)
    told.passages.clear()
    for number in (3, 5, 3, 5):
        assert device.show_card(people[number].card)
        assert device.show_card(people[number].card, reader=2)
        assert device.enter_pin(people[number].pin)
        assert device.show_face(str(number))
        assert not device.show_face("99")
    until(lambda: len(told.passages) == 20)
    assert Counter(p.method for p in told.passages.values()) == {"CARD": 8, "PIN": 4, "FACE": 8}

    told.passages.clear()
    told.clocks.clear()
    sim.online = False
    until(lambda: told.alarms.get(Alarm.OFFLINE))
    device.ahead = timedelta(seconds=95)
    sim.change_posts(repeat=1, late=True)
    true_times = half_an_hour_without_a_network(clock, lambda turn: device.show_card(people[turn % 10 + 1].card))
    terminal.drop([WITHDRAWN])
    assert told.gone == []
    sim.online = True
    sim.change_posts(repeat=1)
    fifty_passages_came_once_and_with_the_devices_time(told, true_times, ahead_s=95)
    until(lambda: told.gone == [WITHDRAWN] and len(told.clocks) >= 2)
    assert 85 < (told.clocks[0] - clock()).total_seconds() < 105
    until(lambda: abs(device.ahead) < timedelta(seconds=2))
    assert not device.show_card(people.pop(WITHDRAWN).card)

    terminal.read_back()
    until(lambda: told.listings)
    assert told.listings[-1] == {number: person.checksum for number, person in people.items()}
    assert set(told.listings[-1]) == {int(number) for number in device.users}

    terminal.open(seconds=5)
    assert device.commands == ["open"]

    def open_all(alarm, on):
        if alarm is Alarm.FIRE and on:
            for one in (terminal, other):
                one.open(seconds=None)

    told.when_alarmed = open_all
    device.happen(5, 52)
    until(lambda: device.held and other_sim.device.held)
    device.happen(5, 53)
    until(lambda: told.alarms[Alarm.FIRE] is False)
    assert device.held
    for one in (terminal, other):
        one.release()
    assert not device.held

    until(lambda: told.alarms[Alarm.SETTING] is False)
    device.threshold = 58
    until(lambda: told.alarms[Alarm.SETTING])
    assert told.alarms[Alarm.SETTING] == "the face threshold 58 is below 60"


def test_a_hold_asked_for_while_the_terminal_is_away_is_kept_until_it_is_released(running):
    sim, terminal, told = isapi_gate(running, "G01", lambda: datetime.now(UTC))
    until(lambda: told.heard)
    sim.online = False
    until(lambda: told.alarms.get(Alarm.OFFLINE))
    with pytest.raises(DoorFailed):
        terminal.open(seconds=None)
    assert not sim.device.held
    sim.online = True
    until(lambda: sim.device.held)
    terminal.release()
    assert not sim.device.held


def test_the_script_with_a_lock_behind_a_cloud(running):
    """No photo, no hold, no threshold: a lock has none. From the inside its door opens by the handle, in a fire too."""
    clock = MovedClock()
    sim = TtlockCloudSim(clock=clock, password=PASSWORD)
    sim.start()
    words = {"client_id": "sim-client", "client_secret": "sim-secret", "username": "estate", "password": PASSWORD}
    account = TtlockAccount(url=sim.url, callback_token="secret", **words)
    listener, told, lock = Listener(), RecordingTold(), sim.locks[LOCK]
    cloud = TtlockCloud(account=account, listener=listener)
    terminal = TtlockTerminal(gate="F1802", cloud=cloud, lock_id=LOCK, now=clock, **QUICK)
    terminal.start(told)
    running += [sim, terminal]
    sim.callbacks.url = f"http://127.0.0.1:{listener.port}{account.callback_path}"
    until(lambda: terminal.health().well and told.firmware)

    people = {
        number: some_person(number, pin="" if number == NOT_A_PHOTO else f"{510_000 + number}")
        for number in range(1, 43)
    }
    terminal.put(people.values())
    until(lambda: len(told.taken) == 41)
    assert [(number, trouble) for number, trouble, _ in told.failures] == [(NOT_A_PHOTO, Trouble.NOT_OFFERED)]
    del people[NOT_A_PHOTO]

    for turn in range(20):
        assert sim.let_in(LOCK, people[turn % 5 + 1].pin)
    until(lambda: len(told.passages) == 20)
    assert {p.method for p in told.passages.values()} == {"PIN"}

    told.passages.clear()
    told.clocks.clear()
    lock.gateway_online = False
    lock.ahead = timedelta(seconds=95)
    sim.callbacks.change(repeat=1, hold=True)
    true_times = half_an_hour_without_a_network(clock, lambda turn: sim.let_in(LOCK, people[turn % 5 + 1].pin))
    terminal.drop([WITHDRAWN])
    until(lambda: told.alarms.get(Alarm.OFFLINE))
    assert told.gone == []
    lock.gateway_online = True
    sim.carry_by_phone(LOCK)
    sim.callbacks.change(repeat=1)
    fifty_passages_came_once_and_with_the_devices_time(told, true_times, ahead_s=95)
    until(lambda: told.gone == [WITHDRAWN] and len(told.clocks) >= 2)
    assert any(85 < (at - clock()).total_seconds() < 105 for at in told.clocks)
    until(lambda: lock.ahead == timedelta())
    assert not sim.let_in(LOCK, people.pop(WITHDRAWN).pin)

    terminal.read_back()
    until(lambda: told.listings)
    assert told.listings[-1] == {number: person.checksum for number, person in people.items()}
    before = lock.unlocked
    terminal.open(seconds=5)
    assert lock.unlocked == before + 1
    sim.happen(LOCK, 50)
    until(lambda: told.alarms.get(Alarm.FIRE))
