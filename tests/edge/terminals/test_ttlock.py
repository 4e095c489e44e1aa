"""What is special about a lock behind its maker's cloud: whole hours, tokens, a gateway, callbacks, names that tell."""

import json
import logging
import re
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linli.edge.doors import DoorFailed
from linli.edge.drivers.bounded import DeviceAway, DeviceBusy
from linli.edge.drivers.listening import Listener
from linli.edge.drivers.ttlock import TtlockAccount, TtlockCloud, TtlockClouds, TtlockTerminal, cloud, codes, records
from linli.edge.terminals import Alarm, Trouble
from linli.gate.decision import Kind
from linli.gate.hours import Slot
from linli.gate.reasons import Reason
from linli.sim.terminals.ttlock import TtlockCloudSim
from tests.edge.conftest import until
from tests.edge.terminals.heard import Heard, person

LOCK = 7001
PASSWORD = "Sim-12345"
EVERY_DAY = tuple(Slot(weekday=day, start=0, end=1440) for day in range(7))
EVENINGS = tuple(Slot(weekday=day, start=18 * 60, end=22 * 60) for day in range(5))


def guest(number=1, **changes):
    return person(number, **{"pin": f"{482_900 + number}", **changes})


class Estate:
    """A cloud with one lock, and our terminal at it."""

    def __init__(self, sim, **changes):
        words = {"url": sim.url, "client_id": "sim-client", "client_secret": "sim-secret", "username": "estate"}
        words |= {"password": PASSWORD, "callback_token": "secret", **changes.pop("account", {})}
        self.sim, self.lock, self.listener = sim, sim.locks[LOCK], Listener()
        self.cloud = TtlockCloud(account=TtlockAccount(**words), listener=self.listener)
        options = {"every_s": 0.1, "first_pause_s": 0.02, "settle_s": 0.3, **changes}
        self.terminal = TtlockTerminal(gate="F1802", cloud=self.cloud, lock_id=LOCK, **options)
        self.heard = Heard()

    def start(self):
        self.terminal.start(self.heard)
        self.callbacks = f"http://127.0.0.1:{self.listener.port}/ttlock/secret"
        self.sim.callbacks.url = self.callbacks
        return self

    def pins(self):
        return {code.pin for code in self.lock.codes.values()}

    def put(self, *people):
        self.terminal.put(people)
        until(lambda: all(self.heard.puts.get(one.number) == one.checksum for one in people))

    def read_back(self):
        before = len(self.heard.listings)
        self.terminal.read_back()
        until(lambda: len(self.heard.listings) > before)
        return self.heard.listings[-1]


@pytest.fixture
def sim():
    sim = TtlockCloudSim(clock=lambda: datetime.now(UTC), password=PASSWORD)
    sim.start()
    yield sim
    sim.stop()


@pytest.fixture
def connect(sim):
    made = []

    def connect(**changes):
        estate = Estate(sim, **changes).start()
        made.append(estate)
        return estate

    yield connect
    for estate in made:
        estate.terminal.stop()


@pytest.fixture
def estate(connect):
    estate = connect()
    until(lambda: estate.terminal.health().well)
    return estate


INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))


@given(start=INSTANTS, stay=st.timedeltas(timedelta(minutes=1), timedelta(days=3000)), now=INSTANTS)
def test_a_window_is_whole_hours_outwards_and_never_longer_than_a_year(start, stay, now):
    window = codes.window_of(start, start + stay, now=now)
    for edge in (window.start, window.end):
        assert (edge.minute, edge.second, edge.microsecond) == (0, 0, 0)
    assert window.end - window.start <= codes.LONGEST
    if not window.cut and window.start <= start:
        assert start - window.start < codes.HOUR
        assert timedelta() <= window.end - (start + stay) < codes.HOUR


def test_a_stay_from_five_to_three_begins_at_two_and_one_until_noon_ends_at_noon():
    start, end = datetime(2026, 11, 24, 14, 55, tzinfo=UTC), datetime(2026, 11, 26, 12, tzinfo=UTC)
    window = codes.window_of(start, end, now=start)
    assert (window.start.hour, window.end, window.cut) == (14, end, False)


def test_the_pin_opens_in_its_window_and_its_name_tells_no_persons_name(estate):
    one = guest()
    assert not estate.sim.let_in(LOCK, one.pin)
    until(lambda: estate.heard.passages)
    estate.put(one)
    code = next(iter(estate.lock.codes.values()))
    assert (code.pin, code.start % 3_600_000, code.end % 3_600_000) == (one.pin, 0, 0)
    assert code.start <= one.start.timestamp() * 1000
    assert code.end >= one.end.timestamp() * 1000
    assert re.fullmatch(r"P-0001 #1 [0-9a-f]{16}\.[0-9a-f]{6}", code.name)
    assert estate.sim.let_in(LOCK, one.pin)
    until(lambda: len(estate.heard.passages) == 2)
    told = [(one.method, one.opened, one.reason, one.number) for one in estate.heard.passages]
    assert told == [("PIN", False, "UNKNOWN_CREDENTIAL", None), ("PIN", True, "OK", 1)]


@pytest.mark.parametrize(
    ("changes", "trouble"),
    [
        ({"pin": ""}, Trouble.NOT_OFFERED),
        ({"pin": "", "card": "AA"}, Trouble.NOT_OFFERED),
        ({"uses": 3}, Trouble.NOT_OFFERED),
        ({"hours": EVENINGS}, Trouble.NOT_OFFERED),
        ({"pin": "123"}, Trouble.REFUSED),
    ],
)
def test_what_a_lock_cannot_keep_is_refused_and_the_older_code_does_not_stay(estate, changes, trouble):
    estate.put(guest())
    estate.terminal.put([guest(**changes)])
    until(lambda: 1 in estate.heard.failures)
    assert estate.heard.failures[1][0] is trouble
    assert estate.pins() == set()


def test_a_card_or_a_week_without_gaps_is_no_hindrance_to_a_pin(estate):
    estate.put(guest(card="AA", hours=EVERY_DAY))
    assert estate.pins() == {guest().pin}


def test_a_change_sends_both_dates_and_keeps_the_makers_number(estate):
    estate.put(guest())
    before = next(iter(estate.lock.codes))
    changed = guest(end=datetime.now(UTC) + timedelta(days=9), pin="771234")
    estate.put(changed)
    assert list(estate.lock.codes) == [before]
    code = estate.lock.codes[before]
    assert code.pin == "771234"
    assert code.end < (datetime.now(UTC) + timedelta(days=10)).timestamp() * 1000
    assert not estate.sim.let_in(LOCK, guest().pin)


def test_a_code_never_used_cannot_be_changed_so_it_is_made_anew(estate):
    estate.lock.add(pin="99999999", name=f"P-0001 #1 {'0' * 16}.000000", start=0, end=3_600_000, computed=True)
    assert estate.read_back() == {1: codes.CHANGED}
    estate.put(guest())
    assert estate.pins() == {guest().pin}


def test_an_answer_that_was_lost_makes_no_second_code(estate):
    estate.sim.lost_answers = 1
    estate.put(guest())
    assert len(estate.lock.codes) == 1
    assert estate.read_back() == {1: guest().checksum}


def test_nobody_is_told_gone_while_the_lock_may_still_learn_their_code(estate):
    estate.sim.lost_answers = 1000
    estate.terminal.put([guest()])
    until(lambda: estate.pins())
    estate.terminal.drop([1])
    assert estate.heard.drops == []
    estate.sim.lost_answers = 0
    until(lambda: estate.heard.drops == [1])
    assert estate.pins() == set()


def test_after_a_restart_without_any_memory_a_code_is_still_found_and_taken_off(estate, connect):
    estate.put(guest(1), guest(2))
    estate.terminal.stop()
    again = connect()
    assert again.read_back() == {1: guest(1).checksum, 2: guest(2).checksum}
    again.terminal.drop([1])
    until(lambda: again.heard.drops == [1])
    assert again.pins() == {guest(2).pin}


def test_what_was_changed_in_the_makers_app_shows_and_strangers_codes_raise_an_alarm(estate):
    estate.put(guest(1), guest(2), guest(3))
    by_pin = {code.pin: code for code in estate.lock.codes.values()}
    by_pin[guest(1).pin].end += 3_600_000
    by_pin[guest(2).pin].name = "my brother"
    assert estate.read_back() == {1: codes.CHANGED, 3: guest(3).checksum}
    assert estate.heard.alarms[Alarm.SETTING] is True
    estate.put(guest(1), guest(2))
    assert estate.read_back() == {number: guest(number).checksum for number in (1, 2, 3)}
    assert estate.heard.alarms[Alarm.SETTING] is False


def test_two_persons_with_one_pin_are_one_too_many_and_a_full_lock_says_so(estate):
    estate.put(guest(1))
    estate.lock.capacity = 1
    estate.terminal.put([guest(2, pin=guest(1).pin), guest(3)])
    until(lambda: 2 in estate.heard.failures and 3 in estate.heard.failures)
    assert [estate.heard.failures[number][0] for number in (2, 3)] == [Trouble.REFUSED, Trouble.FULL]
    assert estate.read_back() == {1: guest(1).checksum}


def test_a_resident_of_many_years_gets_a_year_and_is_asked_for_again_before_it_ends():
    now = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
    one = guest(start=datetime(2020, 1, 1, tzinfo=UTC), end=datetime(2040, 1, 1, tzinfo=UTC))
    window = codes.window_of(one.start, one.end, now=now)
    assert window.cut
    assert window.start == datetime(2026, 11, 24, 12, tzinfo=UTC)
    code = codes.Code(id=1, pin=one.pin, name=codes.name_of(one, window), window=window)
    assert code.checksum(now=now) == one.checksum
    assert code.checksum(now=window.end - timedelta(days=29)) == codes.CHANGED


@pytest.mark.parametrize(
    ("hours", "kind"),
    [
        ((), (3, 0, 0)),
        (EVERY_DAY, (3, 0, 0)),
        (EVENINGS, (7, 18, 22)),
        (tuple(Slot(weekday=day, start=9 * 60 + 30, end=17 * 60 + 1) for day in (5, 6)), (5, 9, 18)),
        (tuple(Slot(weekday=day, start=60, end=120) for day in range(7)), (6, 1, 2)),
        ((Slot(weekday=2, start=0, end=60),), (10, 0, 1)),
    ],
)
def test_weekly_hours_find_the_makers_kind_of_random_code(hours, kind):
    assert codes.kind_of(hours) == kind


def test_weekly_hours_the_maker_has_no_kind_for_are_not_offered():
    with pytest.raises(codes.NotToBeHad):
        codes.kind_of((Slot(weekday=0, start=0, end=60), Slot(weekday=2, start=0, end=60)))


def test_a_lock_without_a_gateway_takes_no_pin_of_ours_and_opens_by_one_the_maker_made_up(sim, connect):
    sim.locks[LOCK].has_gateway = False
    estate = connect()
    until(lambda: estate.terminal.health().well)
    estate.terminal.put([guest()])
    until(lambda: 1 in estate.heard.failures)
    assert estate.heard.failures[1][0] is Trouble.NOT_OFFERED
    with pytest.raises(DoorFailed, match="no gateway"):
        estate.terminal.open(seconds=5)
    assert "/v3/lock/unlock" not in sim.calls
    now = datetime.now(UTC)
    issued = estate.terminal.issue_code(label="P-0001", start=now, end=now + timedelta(hours=5))
    assert issued.pin not in repr(issued)
    assert issued.window.start.minute == issued.window.end.minute == 0
    assert sim.let_in(LOCK, issued.pin)
    assert estate.heard.passages == []
    sim.carry_by_phone(LOCK)
    until(lambda: estate.heard.passages)


def test_an_ended_token_is_renewed_once_for_two_threads(estate):
    tokens = estate.sim.calls.count("/oauth2/token")
    estate.sim.end_tokens()
    start = threading.Barrier(8)

    def ask():
        start.wait()
        estate.cloud.call("/v3/lock/detail", lockId=LOCK)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert estate.sim.calls.count("/oauth2/token") == tokens + 1


def test_when_the_refresh_is_over_too_the_account_signs_in_again(estate):
    estate.sim.end_tokens()
    estate.sim._refresh.clear()
    assert estate.cloud.call("/v3/lock/detail", lockId=LOCK)["lockId"] == LOCK


def test_a_wrong_password_is_said_plainly_and_not_tried_again_and_again(sim, connect, caplog):
    caplog.set_level(logging.DEBUG)
    estate = connect(account={"password": "wrong-one"})
    until(lambda: "account" in estate.terminal.health().words)
    assert sim.calls.count("/oauth2/token") == 1
    assert "wrong-one" not in caplog.text + repr(estate.cloud.account)


def test_no_pin_and_no_secret_is_in_a_log_or_an_address(estate, caplog):
    caplog.set_level(logging.DEBUG)
    estate.put(guest())
    estate.sim.let_in(LOCK, guest().pin)
    estate.sim.let_in(LOCK, "135790")
    until(lambda: len(estate.heard.passages) == 2)
    estate.lock.busy = 1
    estate.put(guest(2))
    for secret in (guest().pin, guest(2).pin, "135790", PASSWORD, "sim-secret", *estate.sim._tokens):
        assert secret not in caplog.text
        assert all(secret not in path for path in estate.sim.calls)
        assert all(secret not in repr(passage) for passage in estate.heard.passages)


def test_a_callback_is_answered_with_the_one_word_and_only_at_its_own_address(estate):
    record = {"lockDate": 1_760_000_000_000, "recordType": 7, "success": 1, "keyboardPwd": "04a1"}
    form = {"notifyType": "1", "lockId": str(LOCK), "records": json.dumps([record])}
    with httpx.Client(trust_env=False) as client:
        assert client.post(estate.callbacks.replace("secret", "guess"), data=form).status_code == 404
        assert client.post(estate.callbacks, data={**form, "records": "["}).status_code == 400
        assert client.post(estate.callbacks, data={**form, "lockId": "x"}).status_code == 400
        assert client.post(estate.callbacks, data={**form, "records": "{}"}).status_code == 400
        assert estate.heard.passages == []
        for harmless in ({"notifyType": "2"}, {**form, "lockId": "9"}, {**form, "records": '[{"lockDate": 1}, 7]'}):
            assert client.post(estate.callbacks, data=harmless).text == "success"
        assert estate.heard.passages == []
        assert client.post(estate.callbacks, data=form).text == "success"
    assert [(one.method, one.card, one.opened) for one in estate.heard.passages] == [("CARD", "04A1", True)]


def test_what_could_not_be_written_down_is_called_again(estate):
    estate.put(guest())
    estate.heard.full_disk = True
    estate.sim.let_in(LOCK, guest().pin)
    until(lambda: estate.sim.callbacks.answers)
    assert "success" not in estate.sim.callbacks.answers
    estate.heard.full_disk = False
    until(lambda: "success" in estate.sim.callbacks.answers)
    assert len(estate.heard.passages) == 1


def test_late_doubled_and_disordered_callbacks_and_the_list_tell_each_record_once(estate):
    estate.put(guest())
    estate.sim.callbacks.change(hold=True, repeat=2)
    for _ in range(12):
        estate.sim.let_in(LOCK, guest().pin)
    estate.sim.callbacks.change(repeat=2)
    estate.sim.let_in(LOCK, guest().pin)
    until(lambda: len(estate.heard.passages) >= 13 and estate.sim.callbacks.is_idle())
    assert len({one.record for one in estate.heard.passages}) == len(estate.heard.passages) == 13


def test_a_lock_long_without_its_gateway_brings_its_last_five_hundred(estate):
    estate.put(guest())
    estate.lock.gateway_online = False
    for turn in range(510):
        estate.lock.write(4, shown=guest().pin if turn % 2 else "13579")
    estate.sim._set_gateway(estate.lock, online=True)
    until(lambda: len(estate.heard.passages) == 500)
    assert sum(one.number == 1 for one in estate.heard.passages) == 250


def test_a_pin_before_or_after_its_window_says_so(estate):
    now = datetime.now(UTC)
    estate.put(guest(1, start=now + timedelta(hours=3), end=now + timedelta(hours=9)))
    estate.put(guest(2, start=now - timedelta(hours=9), end=now - timedelta(hours=3)))
    for number in (1, 2):
        assert not estate.sim.let_in(LOCK, guest(number).pin)
    until(lambda: len(estate.heard.passages) == 2)
    assert [(one.reason, one.number) for one in estate.heard.passages] == [("NOT_YET", 1), ("EXPIRED", 2)]


def test_a_records_name_tells_nothing_of_the_pin_and_two_cards_at_once_are_two():
    def name(**words):
        return records.record_from({"lockDate": 1_760_000_000_000, "success": 1, **words}).name

    assert name(recordType=4, keyboardPwd="482913") == name(recordType=4, keyboardPwd="135790")
    assert name(recordType=7, keyboardPwd="AA") != name(recordType=7, keyboardPwd="BB")
    assert name(recordType=4) != name(recordType=7)


def test_every_record_is_in_words_of_the_gate_kernel():
    for kind in [*records._PASSAGES, *records._REFUSALS]:
        for success in (0, 1):
            record = records.record_from({"lockDate": 1_760_000_000_000, "recordType": kind, "success": success})
            passage = record.passage(lambda pin: None)
            assert passage.method in Kind.__members__
            assert passage.reason in Reason.__members__
            assert passage.opened is (success == 1 and kind in records._PASSAGES)


def test_a_finger_and_a_key_are_told_as_cards_of_nobody(estate):
    estate.sim.happen(LOCK, 8)
    estate.sim.happen(LOCK, 10)
    until(lambda: len(estate.heard.passages) == 2)
    told = [(one.method, one.card, one.number) for one in estate.heard.passages]
    assert told == [("CARD", "FINGER", None), ("CARD", "KEY", None)]


def test_our_own_opening_is_ours_to_journal_and_an_apps_is_told(estate):
    estate.terminal.open(seconds=5)
    assert estate.lock.unlocked == 1
    estate.sim.happen(LOCK, 1, name="landlord")
    until(lambda: estate.heard.passages)
    assert [(one.method, one.reason) for one in estate.heard.passages] == [("REMOTE", "REMOTE_OPENED")]


def test_alarms_begin_and_end_with_the_door_shut(estate):
    for kind, alarm in ((44, Alarm.TAMPER), (64, Alarm.HELD_OPEN), (50, Alarm.FIRE)):
        estate.sim.happen(LOCK, kind)
        until(lambda alarm=alarm: estate.heard.alarms.get(alarm) is True)
    estate.sim.happen(LOCK, 30)
    until(lambda: not any(estate.heard.alarms[one] for one in (Alarm.TAMPER, Alarm.HELD_OPEN, Alarm.FIRE)))


def test_a_weak_battery_is_an_alarm_until_it_is_changed(estate):
    until(lambda: estate.heard.alarms.get(Alarm.LOW_BATTERY) is False)
    estate.lock.battery = 19
    until(lambda: estate.heard.alarms[Alarm.LOW_BATTERY] is True)
    estate.lock.battery = 100
    until(lambda: estate.heard.alarms[Alarm.LOW_BATTERY] is False)


def test_a_lock_that_is_ahead_is_told_by_its_records_and_set_right_when_it_is_met(sim, connect):
    sim.locks[LOCK].ahead = timedelta(seconds=95)
    estate = connect()
    until(lambda: len(estate.heard.clocks) >= 2)
    ahead = [(told - datetime.now(UTC)).total_seconds() for told in estate.heard.clocks]
    assert ahead[0] > 80
    assert abs(ahead[1]) < 15
    assert sim.locks[LOCK].ahead == timedelta()
    estate.heard.clocks.clear()
    sim.locks[LOCK].ahead = timedelta(seconds=200)
    sim.happen(LOCK, 4, opened=False, shown="13579")
    until(lambda: estate.heard.clocks)
    assert 180 < (estate.heard.clocks[-1] - datetime.now(UTC)).total_seconds() < 220


def test_records_that_lay_in_the_lock_for_hours_say_nothing_of_its_clock(estate):
    estate.heard.clocks.clear()
    estate.lock.gateway_online = False
    estate.lock.ahead = -timedelta(hours=5)
    estate.sim.let_in(LOCK, "13579")
    estate.sim._set_gateway(estate.lock, online=True)
    until(lambda: estate.heard.passages)
    assert estate.heard.clocks == []


def test_while_the_gateway_is_away_records_still_come_and_what_is_wanted_waits(estate):
    estate.put(guest(1))
    estate.lock.gateway_online = False
    estate.terminal.drop([1])
    until(lambda: "gateway is offline" in estate.terminal.health().words)
    assert estate.heard.alarms[Alarm.OFFLINE] is True
    with pytest.raises(DoorFailed, match="gateway is offline"):
        estate.terminal.open(seconds=5)
    assert estate.sim.let_in(LOCK, guest(1).pin), "a lock that was not told opens"
    estate.sim.carry_by_phone(LOCK)
    until(lambda: estate.heard.passages)
    assert estate.heard.drops == []
    estate.sim._set_gateway(estate.lock, online=True)
    until(lambda: estate.heard.drops == [1])
    assert estate.heard.alarms[Alarm.OFFLINE] is False
    assert not estate.sim.let_in(LOCK, guest(1).pin)


def test_a_busy_gateway_is_no_outage(estate):
    estate.lock.busy = 3
    estate.put(guest())
    assert estate.heard.alarms.get(Alarm.OFFLINE) is False


def test_a_cloud_asked_too_often_is_left_alone(estate):
    estate.sim.refused_by_limit = 1
    until(lambda: "too often" in estate.terminal.health().words)
    assert estate.heard.alarms[Alarm.OFFLINE] is False


@pytest.mark.parametrize("code", sorted(cloud.MEANINGS))
def test_every_error_is_either_waited_out_or_a_refusal_in_words(code):
    with pytest.raises((DeviceAway, cloud.CloudRefused)) as caught:
        cloud._check(code)
    assert str(code) in str(caught.value)
    assert "refused (" not in str(caught.value)
    if code in (30006, -3003, -3037, 90000):
        assert isinstance(caught.value, DeviceBusy)
    if code in (-3007, -3008, -3009, -3006, -2009, -1007, -4043):
        assert isinstance(caught.value, cloud.CloudRefused)


def test_a_locks_settings_and_its_secret_make_an_account_shared_by_its_locks():
    settings = {"lock_id": LOCK, "client_id": "sim-client", "user": "estate"}
    account = TtlockAccount.read(settings, secret="sim-secret Sim-12345 calls")
    assert (account.url, account.callback_path) == (cloud.CLOUD, "/ttlock/calls")
    assert (account.client_secret, account.password) == ("sim-secret", PASSWORD)
    same = TtlockAccount.read({**settings, "lock_id": 7002}, secret="sim-secret Sim-12345 calls")
    clouds = TtlockClouds()
    assert clouds.of(account) is clouds.of(same)
    with pytest.raises(ValueError, match="two or three"):
        TtlockAccount.read(settings, secret="one")


def test_two_locks_of_one_account_share_the_address_for_callbacks():
    sim = TtlockCloudSim(clock=lambda: datetime.now(UTC), password=PASSWORD, lock_ids=(LOCK, 7002))
    sim.start()
    first = Estate(sim).start()
    second, heard = TtlockTerminal(gate="F1803", cloud=first.cloud, lock_id=7002, every_s=60), Heard()
    second.start(heard)
    until(lambda: second.health().well and first.terminal.health().well)
    sim.happen(7002, 7, shown="BB")
    until(lambda: heard.passages)
    sim.happen(LOCK, 7, shown="AA")
    until(lambda: first.heard.passages)
    second.stop()
    sim.happen(LOCK, 7, shown="CC")
    until(lambda: len(first.heard.passages) == 2)
    assert [one.card for one in heard.passages] == ["BB"]
    first.terminal.stop()
    sim.stop()


@pytest.mark.parametrize("make", ["isapi", "ttlock"])
def test_the_simulator_runs_as_a_program_with_a_control_port(make):
    command = [sys.executable, "-m", "linli.sim", "terminal", make]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        ready = json.loads(running.stdout.readline())
        with httpx.Client(trust_env=False) as client:
            assert client.get(f"{ready['control']}/state").json()["online"] is True
            assert client.post(f"{ready['control']}/nothing", json={}).status_code == 404
            assert client.get(f"{ready['device']}/anything").status_code in (200, 401)
        running.terminate()
        assert running.wait(timeout=10) == 0
