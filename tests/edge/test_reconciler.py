"""On every terminal stands who may pass there, and nobody else, whatever the terminal, the network and the disk do."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from linli.edge.reconciler import Reconciler
from linli.edge.store.people import PeopleStore
from linli.edge.terminals import Alarm, Passage, Trouble
from linli.gate import journal
from linli.gate.decision import Direction, Kind, Scan
from linli.gate.hours import Hours, Slot
from linli.gate.snapshot import Credential, Delta, GateRule, PassEntry, PassState
from linli.gate.wire import PersonState
from tests.edge.conftest import LocalBox
from tests.edge.fake_server import ESTATE
from tests.edge.fake_terminal import FakeTerminal, photo_refused

NOW = datetime.now(UTC).replace(microsecond=0)


class Site:
    """A box with its reconciler, worked by hand, and a list that changes by one version at a time."""

    def __init__(self, home, **changes):
        self.box = LocalBox(home)
        self.agent, self.version, self.mono = self.box.agent, 0, 1000.0
        self.changes = changes
        self.begin()

    def begin(self):
        self.store = PeopleStore(path=self.box.home / "people.sqlite3", secret="a box's secret")
        self.reconciler = Reconciler(
            agent=self.agent,
            journal=self.box.journal,
            store=self.store,
            clock=self.box.clock,
            monotonic=lambda: self.mono,
            **self.changes,
        )

    def list(self, *, passes=(), credentials=(), **rest):
        since, self.version = self.version, self.version + 1
        self.agent.take(
            Delta(
                estate=ESTATE,
                since=since,
                until=self.version,
                made_at=datetime.now(UTC),
                passes=tuple(replace(entry, version=self.version) for entry in passes),
                credentials=tuple(replace(one, version=self.version) for one in credentials),
                **rest,
            )
        )
        self.work()

    def open_gates(self):
        rules = [
            GateRule(gate="G01", version=1, groups=frozenset({1})),
            GateRule(gate="G02", version=1, groups=frozenset({2})),
        ]
        self.list(gates=tuple(rules))

    def work(self):
        for _ in range(3):
            self.reconciler.work()

    def later(self, seconds):
        self.mono += seconds
        self.work()

    def tell(self):
        reports = self.reconciler.reports()
        self.reconciler.accepted(reports)
        return {report.terminal: report for report in reports}


def entry(serial, **changes):
    words = {"serial": serial, "version": 0, "groups": (1,), "holder": "guest"}
    period = {"start": NOW - timedelta(hours=1), "end": NOW + timedelta(days=2)}
    return PassEntry(**{**words, **period, **changes})


def card(serial, value=None, **changes):
    return Credential(kind="CARD", value=value or f"{serial:08X}", serial=serial, version=0, **changes)


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path / "box")
    site.open_gates()
    return site


@pytest.fixture
def terminal(site):
    terminal = FakeTerminal("G01")
    site.reconciler.add("T1", terminal)
    site.work()
    return terminal


def grant(site, *serials, **changes):
    site.list(passes=[entry(serial, **changes) for serial in serials], credentials=[card(serial) for serial in serials])


def test_a_pass_with_a_card_stands_on_the_terminals_of_its_doors_and_on_no_other(site, terminal):
    other = FakeTerminal("G02")
    site.reconciler.add("T2", other)
    grant(site, 1)
    grant(site, 2, groups=(2,))
    grant(site, 3, groups=(1, 2))
    assert terminal.serials() == [1, 3]
    assert other.serials() == [2, 3]
    assert {person.card for person in terminal.people.values()} == {"00000001", "00000003"}


def test_a_pass_that_could_show_nothing_there_is_not_sent(site):
    pin_only = FakeTerminal("G01", ways=frozenset({"PIN"}))
    site.reconciler.add("T1", pin_only)
    site.list(passes=[entry(1), entry(2), entry(3)], credentials=[card(1), replace(card(2, "2468"), kind="PIN")])
    assert pin_only.serials() == [2]


@pytest.mark.parametrize(
    "changes",
    [
        {"state": PassState.SUSPENDED},
        {"state": PassState.REVOKED},
        {"end": NOW - timedelta(minutes=1)},
        {"start": NOW + timedelta(days=3), "end": NOW + timedelta(days=5)},
        {"hours": 7},
    ],
    ids=["suspended", "revoked", "ended", "far off", "hours unknown"],
)
def test_who_has_no_business_there_now_is_not_sent(site, terminal, changes):
    grant(site, 1, **changes)
    assert terminal.people == {}


def test_weekly_hours_go_along_and_an_empty_table_admits_nobody(site, terminal):
    slot = Slot(weekday=0, start=480, end=600)
    grant(site, 1, hours=7)
    site.list(hours=(Hours(number=7, version=9, slots=(slot,), holidays=False),))
    (person,) = terminal.people.values()
    assert (person.hours, person.holidays) == ((slot,), False)
    site.list(hours=(Hours(number=7, version=10, slots=()),))
    assert terminal.people == {}


def test_a_revocation_takes_a_person_off_and_is_settled_only_when_the_device_confirms(site, terminal):
    grant(site, 1)
    assert site.reconciler.settled_version("G01") == site.version
    terminal.away = True
    before = site.version
    site.list(passes=[entry(1, state=PassState.REVOKED)])
    site.list(passes=[entry(9, groups=(2,))])
    assert site.reconciler.settled_version("G01") == before
    assert site.reconciler.settled_version("G02") is None, "a gate without terminals has nothing to wait for"
    terminal.come_back()
    site.work()
    assert terminal.people == {}
    assert site.reconciler.settled_version("G01") == site.version
    (report,) = site.tell()["T1"].people
    assert (report.serial, report.state, report.version) == (1, PersonState.REMOVED, before + 1)


def test_a_lost_card_is_settled_only_when_the_device_has_the_new_one(site, terminal):
    grant(site, 1)
    terminal.away = True
    before = site.version
    site.list(credentials=[card(1, live=False), card(1, "NEW")])
    assert site.reconciler.settled_version("G01") == before
    terminal.come_back()
    assert [person.card for person in terminal.people.values()] == ["NEW"]
    assert site.reconciler.settled_version("G01") == site.version


def test_a_change_that_the_device_refuses_takes_the_old_right_off(site, terminal):
    grant(site, 1)
    terminal.refuses = lambda person: Trouble.CARD_TAKEN
    site.list(credentials=[card(1, live=False), card(1, "NEW")])
    assert terminal.people == {}
    assert site.reconciler.settled_version("G01") == site.version
    report = site.tell()["T1"].people[0]
    assert (report.state, report.trouble) == (PersonState.FAILED, "CARD_TAKEN")


def test_people_are_sent_in_pages_no_longer_than_the_device_takes(site):
    small = FakeTerminal("G01", page=4)
    site.reconciler.add("T1", small)
    grant(site, *range(1, 12))
    assert sorted(small.pages) == [3, 4, 4]
    assert len(small.people) == 11


def test_one_change_sends_one_person(site, terminal):
    grant(site, *range(1, 50))
    terminal.pages.clear()
    grant(site, 99)
    assert terminal.pages == [1]


def test_who_was_refused_is_tried_again_later_and_ever_more_seldom(site, terminal):
    terminal.refuses = lambda person: Trouble.REFUSED
    grant(site, 1)
    terminal.pages.clear()
    site.later(30)
    assert terminal.pages == []
    site.later(31)
    assert terminal.pages == [1]
    site.later(61)
    assert terminal.pages == [1], "the second pause is longer"
    terminal.refuses = lambda person: None
    site.later(61)
    assert terminal.serials() == [1]
    assert site.tell()["T1"].people[0].state is PersonState.OK


def test_who_found_no_room_is_tried_again_when_somebody_leaves(site, terminal):
    grant(site, 1)
    terminal.refuses = lambda person: Trouble.FULL
    grant(site, 2)
    terminal.refuses = lambda person: None
    site.list(passes=[entry(1, state=PassState.REVOKED)])
    assert terminal.serials() == [2]


def test_a_photo_that_will_not_do_is_left_away_and_said(tmp_path):
    site = Site(tmp_path / "box", photo=lambda serial: b"a picture")
    site.open_gates()
    terminal = FakeTerminal("G01")
    terminal.refuses = photo_refused
    site.reconciler.add("T1", terminal)
    grant(site, 1)
    assert terminal.serials() == [1]
    (report,) = site.tell()["T1"].people
    assert (report.state, report.trouble) == (PersonState.OK, "PHOTO_UNUSABLE")


def test_what_was_written_is_read_back(site, terminal):
    readings = terminal.readings
    grant(site, 1)
    site.later(70)
    assert terminal.readings == readings + 1
    assert site.tell()["T1"].listing.serials == (1,)
    site.later(70)
    assert terminal.readings == readings + 1, "nothing was written since"


def test_drift_is_shown_and_repaired_and_strangers_are_dropped(site, terminal):
    grant(site, 1, 2)
    site.tell()
    lost = min(terminal.people)
    stranger = replace(terminal.people.pop(lost), number=4711, serial=0xBAD)
    terminal.people[4711] = stranger
    other = max(number for number in terminal.people if number != 4711)
    terminal.people[other] = replace(terminal.people[other], card="FALSE")
    site.reconciler.compare()
    report = site.tell()["T1"]
    assert report.trouble == "drift: 1 missing, 1 altered, 1 not ours to be there"
    assert report.listing.unknown == 1
    site.work()
    assert terminal.serials() == [1, 2]
    assert {person.card for person in terminal.people.values()} == {"00000001", "00000002"}
    site.later(70)
    assert site.tell()["T1"].trouble == ""


def test_the_whole_list_is_compared_once_a_day(site, terminal):
    grant(site, 1)
    site.later(70)
    terminal.people.clear()
    site.later(24 * 3600)
    site.work()
    assert terminal.serials() == [1]


def test_a_device_that_keeps_nobody_is_not_written_to_for_ever(site, terminal):
    terminal.forgets = True
    grant(site, 1)
    for _ in range(20):
        site.later(70)
    assert len(terminal.pages) < 10
    report = site.tell()["T1"].people[-1]
    assert (report.state, report.trouble) == (PersonState.FAILED, "REFUSED")


def test_who_can_open_a_door_is_answered_by_the_device_itself(site, terminal):
    grant(site, 1, 2)
    terminal.people.pop(min(terminal.people))
    site.reconciler.compare("G01")
    assert site.reconciler.can_open("G01")["T1"].serials == (2,)


def test_a_restart_sends_nothing_that_already_stands(site, terminal):
    grant(site, 1, 2)
    site.begin()
    again = FakeTerminal("G01")
    again.people = terminal.people
    site.reconciler.add("T1", again)
    site.work()
    assert again.pages == []
    assert site.reconciler.settled_version("G01") == site.version


def test_a_box_that_lost_its_list_empties_no_device(site, terminal, tmp_path):
    grant(site, 1, 2)
    fresh = Site(tmp_path / "fresh")
    again = FakeTerminal("G01")
    again.people = terminal.people
    fresh.reconciler.add("T1", again)
    fresh.work()
    assert again.serials() == [1, 2]
    assert again.pages == []


def test_who_was_revoked_while_the_box_was_off_is_taken_off_at_the_start(site, terminal):
    grant(site, 1, 2)
    site.agent.on_list = lambda snapshot, delta: None
    site.list(passes=[entry(1, state=PassState.REVOKED)])
    site.begin()
    again = FakeTerminal("G01")
    again.people, again.away = terminal.people, True
    site.reconciler.add("T1", again)
    site.work()
    assert site.reconciler.settled_version("G01") < site.version
    again.come_back()
    site.work()
    assert again.serials() == [2]
    assert site.reconciler.settled_version("G01") == site.version


def test_a_number_is_never_given_twice_not_even_after_the_file_was_lost(site, terminal):
    grant(site, 1, 2)
    before = set(terminal.people)
    site.store.close()
    (site.box.home / "people.sqlite3").unlink()
    site.begin()
    again = FakeTerminal("G01")
    again.people = terminal.people
    site.reconciler.add("T1", again)
    site.work()
    assert again.serials() == [1, 2]
    assert not before & set(again.people)


def passage(record="77", **changes):
    words = {
        "record": record,
        "at": datetime.now(UTC),
        "method": "CARD",
        "direction": "in",
        "opened": True,
        "reason": "OK",
    }
    return Passage(**{**words, **changes})


def events(site, gate="G01"):
    return [journal.parse(line).event for line in site.box.lines(gate)]


def test_a_devices_record_is_one_line_at_the_corrected_time(site, terminal):
    grant(site, 1)
    number = min(terminal.people)
    terminal.told.clock(datetime.now(UTC) + timedelta(seconds=95))
    at = datetime.now(UTC) + timedelta(seconds=95)
    for _ in range(2):
        terminal.told.passage(passage(at=at, number=number))
    (event,) = [event for event in events(site) if event.method == "CARD"]
    assert event.serial == 1
    assert abs((event.at - (at - timedelta(seconds=95))).total_seconds()) < 1
    assert event.note.startswith(f"rec T1/77 dt {int(at.timestamp())} d 9")


def test_a_record_told_twice_at_once_is_one_line(site, terminal):
    one = passage()
    threads = [threading.Thread(target=terminal.told.passage, args=(one,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(events(site)) == 1


def test_a_box_killed_between_the_line_and_its_mark_still_takes_a_record_once(site, terminal, monkeypatch):
    monkeypatch.setattr(PeopleStore, "take", lambda self, records, **rest: None)
    terminal.told.passage(passage("A/odd record, with signs\t!"))
    monkeypatch.undo()
    site.begin()
    again = FakeTerminal("G01")
    site.reconciler.add("T1", again)
    again.told.passage(passage("A/odd record, with signs\t!"))
    again.told.passage(passage("another"))
    assert len(events(site)) == 2


def test_an_alarm_is_written_when_it_begins_and_when_it_ends_and_once(site, terminal):
    for on in (True, True, False, False):
        terminal.told.alarm(Alarm.TAMPER, on, "the cover")
    assert [(event.method, event.reason, event.note) for event in events(site)] == [
        ("ALARM", "ALARM", "TAMPER T1 the cover"),
        ("ALARM", "ALARM_OVER", "TAMPER T1 the cover"),
    ]


def test_an_alarm_that_outlasts_a_restart_ends_on_record(site, terminal):
    terminal.told.alarm(Alarm.FORCED, True)
    site.begin()
    again = FakeTerminal("G01")
    site.reconciler.add("T1", again)
    again.told.alarm(Alarm.FORCED, True)
    again.told.alarm(Alarm.FORCED, False)
    assert [event.reason for event in events(site)] == ["ALARM", "ALARM_OVER"]


def test_a_clock_more_than_half_a_minute_off_is_an_alarm_until_it_is_right(site, terminal):
    for seconds in (20, 95, 96, 0):
        terminal.told.clock(datetime.now(UTC) + timedelta(seconds=seconds))
    assert [event.reason for event in events(site)] == ["ALARM", "ALARM_OVER"]
    assert events(site)[0].note.startswith("CLOCK T1 +9")


def test_a_silent_device_is_an_alarm_until_it_is_heard(site, terminal):
    site.later(100)
    assert events(site) == []
    site.later(30)
    terminal.told.seen("1.2")
    assert [(event.reason, event.note) for event in events(site)] == [
        ("ALARM", "OFFLINE T1 not heard"),
        ("ALARM_OVER", "OFFLINE T1"),
    ]
    assert site.tell()["T1"].firmware == "1.2"


def test_fire_told_by_a_device_opens_every_door(site, terminal):
    terminal.told.alarm(Alarm.FIRE, True)
    deadline = [thread for thread in threading.enumerate() if thread.name.startswith("fire")]
    for thread in deadline:
        thread.join(5)
    assert all(door.held for door in site.box.doors.values())
    assert "FIRE" in [event.reason for event in events(site, "G02")]


def test_a_device_that_asks_is_answered_and_nothing_is_struck(site, terminal):
    grant(site, 1)
    answer = terminal.told.ask(Scan(gate="G01", kind=Kind.CARD, text="00000001"))
    assert answer.verdict.open
    assert site.box.doors["G01"].opened == 0
    assert events(site)[-1].opened
    out = terminal.told.ask(Scan(gate="G01", kind=Kind.EXIT, direction=Direction.OUT))
    assert out.verdict.open
    assert site.box.doors["G01"].opened == 0


def test_what_the_server_has_is_not_told_again(site, terminal):
    grant(site, 1)
    assert [person.state for person in site.tell()["T1"].people] == [PersonState.OK]
    assert site.tell() == {}
    site.list(passes=[entry(1, state=PassState.REVOKED)])
    assert [person.state for person in site.reconciler.reports()[0].people] == [PersonState.REMOVED]
