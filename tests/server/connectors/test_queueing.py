"""Events become reports: each once, in order, with the fewest fields, and never silently."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from linli.server.connectors import tasks
from linli.server.connectors.actions import CheckInNotQueued
from linli.server.connectors.models import Report
from linli.server.connectors.platforms import linked
from linli.server.connectors.platforms.lodging import at
from linli.server.connectors.rules import MessageKind, ReportState
from linli.server.kernel import clock, crypto
from linli.server.people.models import Person
from linli.server.privacy import queries as privacy
from linli.server.stays import actions as stays
from linli.server.stays import queries as stays_queries
from linli.server.stays.events import GuestCheckedIn, GuestCheckedOut
from tests.server.connectors.hostel import Hostel

pytestmark = pytest.mark.django_db


def test_a_check_in_is_queued_with_its_deadline_counted_from_the_arrival(hostel: Hostel) -> None:
    stay_id = hostel.arrive()
    hostel.relay()
    (report,) = hostel.reports(stay_id)
    assert (report.kind, report.state, report.sequence) == ("CHECK_IN", "QUEUED", 1)
    assert report.due_at - report.happened_at == timedelta(hours=3)
    assert report.alarm_at - report.happened_at == timedelta(minutes=30)
    assert report.operator_id == hostel.operator_id
    stay = stays_queries.get_stay(actor=hostel.hand, stay_id=stay_id)
    assert stay.report is not None
    assert stay.report.state == "QUEUED"


def test_a_foreign_guest_has_a_day(hostel: Hostel) -> None:
    stay_id = hostel.arrive(kind="foreign")
    hostel.relay()
    (report,) = hostel.reports(stay_id)
    assert report.due_at - report.happened_at == timedelta(hours=24)


def test_what_is_queued_is_sealed_and_holds_only_what_the_profile_names(hostel: Hostel) -> None:
    guest = hostel.person()
    stay_id = hostel.arrive(person=guest)
    hostel.relay()
    (report,) = hostel.reports(stay_id)
    stored = bytes(report.body or b"")
    assert guest.document_number.encode() not in stored
    fields = json.loads(crypto.unseal(stored, context="report.body"))
    assert fields["zjhm"] == guest.document_number
    assert set(fields) == set(report.fields) <= linked()["lodging"].allowed[MessageKind.CHECK_IN]


def test_the_same_event_twice_is_one_report(hostel: Hostel) -> None:
    stay_id = hostel.arrive()
    hostel.relay()
    (report,) = hostel.reports(stay_id)
    event = GuestCheckedIn(estate_id=hostel.estate_id, stay_id=stay_id, checked_in_at=report.happened_at)
    for _ in range(3):
        tasks.queue_report(event, clock.now())
    assert len(hostel.reports(stay_id)) == 1


def test_a_check_out_that_overtakes_its_check_in_waits_for_it(hostel: Hostel) -> None:
    stay_id = hostel.arrive()
    hostel.leave(stay_id)
    event = GuestCheckedOut(estate_id=hostel.estate_id, stay_id=stay_id, checked_out_at=clock.now(), presumed=False)
    with pytest.raises(CheckInNotQueued):
        tasks.queue_report(event, clock.now())
    assert hostel.reports(stay_id) == []
    hostel.relay()
    assert [report.kind for report in hostel.reports(stay_id)] == ["CHECK_IN", "CHECK_OUT"]


def test_a_guest_who_never_came_is_not_reported(hostel: Hostel) -> None:
    stay_id = hostel.register(hostel.person())
    assert hostel.tell(stay_id, MessageKind.CANCEL, linked(), at=clock.now()) == 0
    assert hostel.reports(stay_id) == []


def test_a_move_and_an_extension_follow_the_check_in(hostel: Hostel) -> None:
    stay_id = hostel.arrive()
    stay = stays_queries.get_stay(actor=hostel.hand, stay_id=stay_id)
    other_room = list(hostel.rooms)[1]
    stays.move_guest(actor=hostel.hand, stay_id=stay_id, room_id=other_room, bed_id=None, now=clock.now())
    stays.extend_booking(
        actor=hostel.hand, booking_id=stay.booking_id, leave_at=stay.leave_at + timedelta(days=1), now=clock.now()
    )
    hostel.leave(stay_id)
    hostel.relay()
    kinds = [report.kind for report in hostel.reports(stay_id)]
    assert kinds == ["CHECK_IN", "ROOM_CHANGE", "EXTEND", "CHECK_OUT"]
    assert [report.sequence for report in hostel.reports(stay_id)] == [1, 2, 3, 4]


def test_what_cannot_be_written_is_parked_for_the_operator_and_holds_the_rest_back(hostel: Hostel) -> None:
    guest = hostel.person(kind="foreign")
    stay_id = hostel.arrive(person=guest)
    hostel.leave(stay_id)
    facts = stays_queries.get_report_facts(estate_id=hostel.estate_id, stay_id=stay_id)
    _forget_names(facts.person_id)
    hostel.relay()
    first, second = hostel.reports(stay_id)
    assert (first.state, first.reason, first.field) == ("PARKED", "facts_missing", "ywx")
    assert first.owner == f"operator:{hostel.operator_id}"
    assert (second.state, second.reason) == ("PARKED", "behind_another")
    stay = stays_queries.get_stay(actor=hostel.hand, stay_id=stay_id)
    assert stay.report is not None
    assert stay.report.state == "PARKED"


def test_without_a_purpose_that_names_the_recipient_nothing_is_written(hostel: Hostel) -> None:
    stay_id = hostel.arrive()
    facts = stays_queries.get_report_facts(estate_id=hostel.estate_id, stay_id=stay_id)
    stranger = replace(at(url="", token=""), recipient="somebody else")
    hostel.tell(stay_id, MessageKind.CHECK_IN, {"lodging": stranger}, at=clock.now())
    (report,) = hostel.reports(stay_id)
    assert (report.state, report.reason, report.body) == ("PARKED", "no_legal_basis", None)
    assert privacy.list_disclosures(estate_id=hostel.estate_id, person_id=facts.person_id) == ()


def test_no_guest_in_the_house_is_silent(hostel: Hostel) -> None:
    stay_ids = [hostel.arrive() for _ in range(5)]
    hostel.relay()
    states = set(Report.objects.filter(subject_id__in=stay_ids).values_list("state", flat=True))
    assert states <= {state.value for state in ReportState}
    assert stays_queries.count_silent(estate_id=hostel.estate_id) == 0


def _forget_names(person_id: str) -> None:
    # As an old import may have left it: no Latin letters anywhere.
    Person.objects.filter(id=person_id).update(
        latin_name=None, native_name=crypto.seal("Анна", context="person.native_name")
    )
