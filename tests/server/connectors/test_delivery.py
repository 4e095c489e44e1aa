"""From the queue to the receipt, against the platform over real HTTP: lost answers, nonsense, refusals, order, replay."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from linli.server.connectors import actions
from linli.server.connectors.delivery import Courier
from linli.server.connectors.models import Attempt, Link, Report
from linli.server.connectors.platforms.lodging import LodgingPlatform, at
from linli.server.connectors.protocol import Told
from linli.server.connectors.rules import NONSENSE_AT_MOST, MessageKind, NothingToReplay, Reason, StillBehind
from linli.server.kernel import clock, crypto
from linli.server.kernel.actors import Role
from linli.server.kernel.errors import NotAllowed
from linli.server.people import actions as people
from linli.server.people.actions import DocumentInput, PersonInput
from linli.server.privacy import queries as privacy
from linli.server.stays import actions as stays
from linli.server.stays import queries as stays_queries
from linli.sim.people import FictionalPerson
from tests.server.connectors.hostel import Hostel
from tests.sim.messages import ZONE

pytestmark = pytest.mark.django_db


def rush() -> None:
    """Let the pauses be over."""
    Report.objects.filter(state__in=["QUEUED", "PENDING"]).update(next_try_at=clock.now())


def deliver(courier: Courier, *, times: int = 20) -> None:
    """Deliver until nothing is due, without waiting out the pauses."""
    for _ in range(times):
        rush()
        if courier.deliver_one() is None:
            return


def kinds_in_books(books: httpx.Client, stay_id: str) -> list[tuple[str, str]]:
    """What the other side has of a stay, in its order."""
    rows: list[dict[str, Any]] = []
    after: int | None = 0
    while after is not None:
        page = books.get("/lodging/v1/books", params={"after": after, "size": 1000}).json()
        rows, after = rows + page["rows"], page["next"]
    return [(row["kind"], row["answer"]) for row in rows if row["zsbh"] == stay_id]


@pytest.fixture
def courier(platform: LodgingPlatform) -> Courier:
    """One courier without hands of its own."""
    return Courier(platform=platform)


def test_a_stay_is_reported_in_order_and_both_sides_say_the_same(
    hostel: Hostel, courier: Courier, books: httpx.Client
) -> None:
    stay_id = hostel.arrive()
    hostel.leave(stay_id)
    hostel.relay()
    deliver(courier)
    reports = hostel.reports(stay_id)
    assert [(report.kind, report.state) for report in reports] == [("CHECK_IN", "ACCEPTED"), ("CHECK_OUT", "ACCEPTED")]
    assert kinds_in_books(books, stay_id) == [("CHECK_IN", "ACCEPTED"), ("CHECK_OUT", "ACCEPTED")]
    there = books.get(f"/lodging/v1/messages/{reports[0].message_id}").json()
    assert there["receipt"] == reports[0].receipt
    stay = stays_queries.get_stay(actor=hostel.hand, stay_id=stay_id)
    assert stay.report is not None
    assert (stay.report.state, stay.report.receipt) == ("ACCEPTED", reports[1].receipt)


def test_what_left_is_in_the_disclosure_ledger_once(hostel: Hostel, courier: Courier, books: httpx.Client) -> None:
    stay_id = hostel.arrive()
    hostel.relay()
    books.post("/faults", json={"http_500": 1})
    for _ in range(3):
        rush()
        courier.deliver_one()
    books.post("/faults", json={})
    deliver(courier)
    (report,) = hostel.reports(stay_id)
    (entry,) = privacy.list_disclosures(estate_id=hostel.estate_id, person_id=report.person_id)
    assert (entry.message_id, entry.recipient) == (report.message_id, "lodging platform (旅综平台)")
    assert sorted(entry.fields) == report.fields


def test_raw_message_and_answer_are_kept_sealed(hostel: Hostel, courier: Courier, books: httpx.Client) -> None:
    guest = hostel.person()
    stay_id = hostel.arrive(person=guest)
    hostel.relay()
    deliver(courier)
    (attempt,) = Attempt.objects.filter(report__subject_id=stay_id)
    assert guest.document_number.encode() not in bytes(attempt.request or b"")
    sent = json.loads(crypto.unseal(bytes(attempt.request or b""), context="report.body"))
    answered = json.loads(crypto.unseal(bytes(attempt.answer or b""), context="attempt.answer"))
    assert (sent["zjhm"], answered["answer"]) == (guest.document_number, "ACCEPTED")


@pytest.mark.parametrize("fault", ["lost_answer", "nonsense", "duplicate", "http_500", "pending"])
def test_every_fault_ends_in_one_row_there_and_a_receipt_here(
    hostel: Hostel, courier: Courier, books: httpx.Client, fault: str
) -> None:
    stay_ids = [hostel.arrive() for _ in range(4)]
    hostel.relay()
    books.post("/faults", json={fault: 1, "pending_s": 0})
    for _ in stay_ids:
        courier.deliver_one()
    assert Report.objects.exclude(state="ACCEPTED").filter(subject_id__in=stay_ids).exists()
    books.post("/faults", json={})
    deliver(courier, times=40)
    for stay_id in stay_ids:
        assert [report.state for report in hostel.reports(stay_id)] == ["ACCEPTED"]
        assert kinds_in_books(books, stay_id) == [("CHECK_IN", "ACCEPTED")]


def test_nonsense_without_end_is_parked_for_the_office_and_sent_after_mending(
    hostel: Hostel, courier: Courier, books: httpx.Client
) -> None:
    stay_id = hostel.arrive()
    hostel.relay()
    books.post("/faults", json={"nonsense": 1})
    deliver(courier, times=3 * NONSENSE_AT_MOST)
    (report,) = hostel.reports(stay_id)
    assert (report.state, report.reason, report.owner) == ("PARKED", "nonsense", "office")
    books.post("/faults", json={})
    count = actions.replay_all(
        actor=hostel.actor(Role.OFFICE),
        reason=Reason.NONSENSE,
        platforms={"lodging": at(url="", token="")},
        now=clock.now(),
    )
    deliver(courier)
    assert count == 1
    (mended,) = hostel.reports(stay_id)
    assert (mended.state, mended.message_id) == ("ACCEPTED", report.message_id)
    assert kinds_in_books(books, stay_id) == [("CHECK_IN", "ACCEPTED")]


def test_a_refusal_waits_for_the_operator_holds_the_rest_back_and_goes_out_mended(
    hostel: Hostel, courier: Courier, platform: LodgingPlatform, books: httpx.Client
) -> None:
    guest = replace(hostel.person(), native_name="<b>王甲子</b>")
    stay_id = hostel.arrive(person=guest)
    hostel.leave(stay_id)
    hostel.relay()
    deliver(courier)
    first, second = hostel.reports(stay_id)
    assert (first.state, first.code, first.field) == ("REJECTED", "BAD_FORMAT", "xm")
    assert first.owner == f"operator:{hostel.operator_id}"
    assert (second.state, second.reason) == ("PARKED", "behind_another")
    owner = hostel.actor(Role.OPERATOR, scope=first.owner)
    platforms = {"lodging": platform}
    with pytest.raises(StillBehind):
        actions.replay_report(actor=owner, report_id=second.id, platforms=platforms, now=clock.now())
    correct_name(hostel, guest, name="王甲子")
    actions.replay_report(actor=owner, report_id=first.id, platforms=platforms, now=clock.now())
    deliver(courier)
    assert [report.state for report in hostel.reports(stay_id)] == ["ACCEPTED", "ACCEPTED"]
    assert hostel.reports(stay_id)[0].message_id != first.message_id
    assert kinds_in_books(books, stay_id) == [
        ("CHECK_IN", "REJECTED"),
        ("CHECK_IN", "ACCEPTED"),
        ("CHECK_OUT", "ACCEPTED"),
    ]


def test_an_amendment_mends_a_refused_check_in_instead_of_following_it(
    hostel: Hostel, courier: Courier, platform: LodgingPlatform, books: httpx.Client
) -> None:
    guest = replace(hostel.person(), native_name="<b>王甲子</b>")
    stay_id = hostel.arrive(person=guest)
    hostel.relay()
    deliver(courier)
    correct_name(hostel, guest, name="王甲子")
    hostel.tell(stay_id, MessageKind.AMEND, {"lodging": platform}, at=clock.now())
    deliver(courier)
    assert [(report.kind, report.state) for report in hostel.reports(stay_id)] == [("CHECK_IN", "ACCEPTED")]


def test_an_amendment_after_acceptance_is_a_message_of_its_own(
    hostel: Hostel, courier: Courier, platform: LodgingPlatform, books: httpx.Client
) -> None:
    stay_id = hostel.arrive()
    hostel.relay()
    deliver(courier)
    hostel.tell(stay_id, MessageKind.AMEND, {"lodging": platform}, at=clock.now())
    deliver(courier)
    assert kinds_in_books(books, stay_id) == [("CHECK_IN", "ACCEPTED"), ("AMEND", "ACCEPTED")]


def test_replay_is_for_the_office_and_the_operator_of_the_flat_alone(
    hostel: Hostel, courier: Courier, platform: LodgingPlatform, books: httpx.Client
) -> None:
    stay_id = hostel.arrive()
    hostel.relay()
    (report,) = hostel.reports(stay_id)
    platforms = {"lodging": platform}
    with pytest.raises(NothingToReplay):
        actions.replay_report(
            actor=hostel.actor(Role.OFFICE), report_id=report.id, platforms=platforms, now=clock.now()
        )
    for stranger in (
        hostel.actor(Role.OPERATOR, scope="operator:op_other"),
        hostel.actor(Role.POLICE),
        hostel.actor(Role.GUARD),
    ):
        with pytest.raises(NotAllowed):
            actions.replay_report(actor=stranger, report_id=report.id, platforms=platforms, now=clock.now())
    (unchanged,) = hostel.reports(stay_id)
    assert (unchanged.state, unchanged.attempts) == ("QUEUED", 0)


def recorded(claim: actions.Claim, told: Told, *, now: datetime) -> str | None:
    (state,) = actions.record_answers(claims=[claim], answers=[told], luck=lambda: 0.5, now=now)
    return state


def test_a_dead_courier_leaves_a_lease_and_the_next_one_asks_before_it_sends(
    hostel: Hostel, courier: Courier, platform: LodgingPlatform, books: httpx.Client
) -> None:
    stay_id = hostel.arrive()
    hostel.relay()
    (claim,) = actions.claim_due(platform=platform, limit=5, now=clock.now())
    platform.send(messages=[claim.message])
    assert actions.claim_due(platform=platform, limit=5, now=clock.now()) == ()
    later = clock.now() + timedelta(minutes=2)
    (second,) = actions.claim_due(platform=platform, limit=5, now=later)
    assert second.ask_first
    told = platform.ask(message=second.message)
    assert recorded(second, told, now=later) == "ACCEPTED"
    assert kinds_in_books(books, stay_id) == [("CHECK_IN", "ACCEPTED")]


def test_a_courier_that_wakes_too_late_changes_nothing(
    hostel: Hostel, platform: LodgingPlatform, books: httpx.Client
) -> None:
    stay_id = hostel.arrive()
    hostel.relay()
    (slow,) = actions.claim_due(platform=platform, limit=1, now=clock.now())
    later = clock.now() + timedelta(minutes=2)
    (quick,) = actions.claim_due(platform=platform, limit=1, now=later)
    (told,) = platform.send(messages=[quick.message])
    assert recorded(quick, told, now=later) == "ACCEPTED"
    stale = platform.ask(message=replace(slow.message, message_id="never-sent"))
    assert recorded(slow, stale, now=later) is None
    (report,) = hostel.reports(stay_id)
    assert (report.state, report.exchanges.count()) == ("ACCEPTED", 2)


def test_two_messages_of_one_stay_are_never_under_way_together(hostel: Hostel, platform: LodgingPlatform) -> None:
    stay_id = hostel.arrive()
    hostel.leave(stay_id)
    hostel.relay()
    claims = actions.claim_due(platform=platform, limit=10, now=clock.now())
    assert [claim.message.kind for claim in claims] == [MessageKind.CHECK_IN]


def test_a_platform_that_denies_what_it_had_pending_is_told_again(
    hostel: Hostel, courier: Courier, platform: LodgingPlatform, books: httpx.Client
) -> None:
    stay_id = hostel.arrive()
    hostel.relay()
    books.post("/faults", json={"pending": 1, "pending_s": 600})
    courier.deliver_one()
    (report,) = hostel.reports(stay_id)
    assert (report.state, report.pending_since is not None) == ("PENDING", True)
    rush()
    (claim,) = actions.claim_due(platform=platform, limit=1, now=clock.now())
    denied = platform.ask(message=replace(claim.message, message_id="never-sent"))
    assert recorded(claim, denied, now=clock.now()) == "QUEUED"
    (report,) = hostel.reports(stay_id)
    assert report.pending_since is None


def test_a_paused_link_sends_nothing_and_its_reports_keep_queueing(
    hostel: Hostel, courier: Courier, books: httpx.Client
) -> None:
    stay_id = hostel.arrive()
    hostel.relay()
    chief = hostel.actor(Role.ESTATE_ADMIN)
    with pytest.raises(actions.PauseReasonNeeded):
        actions.pause_link(actor=chief, platform="lodging", reason=" ", now=clock.now())
    with pytest.raises(NotAllowed):
        actions.pause_link(actor=hostel.actor(Role.OFFICE), platform="lodging", reason="why", now=clock.now())
    assert Link.objects.get(estate_id=hostel.estate_id).paused_at is None
    actions.pause_link(actor=chief, platform="lodging", reason="The platform asked for it.", now=clock.now())
    assert courier.deliver_one() is None
    actions.resume_link(actor=chief, platform="lodging", now=clock.now())
    deliver(courier)
    assert [report.state for report in hostel.reports(stay_id)] == ["ACCEPTED"]


def test_a_platform_that_locks_us_out_says_so_and_loses_nothing(
    hostel: Hostel, platform: LodgingPlatform, books: httpx.Client
) -> None:
    stay_id = hostel.arrive()
    hostel.relay()
    stranger = Courier(platform=at(url=str(books.base_url), token="wrong"))
    for _ in range(6):
        rush()
        stranger.deliver_one()
    link = Link.objects.get(estate_id=hostel.estate_id)
    assert (link.failing_since is not None, link.failing_with) == (True, "LOCKED_OUT")
    (report,) = hostel.reports(stay_id)
    assert (report.state, report.reason) == ("QUEUED", "locked_out")
    deliver(Courier(platform=platform))
    assert hostel.reports(stay_id)[0].state == "ACCEPTED"


class Shrunk:
    """The real platform after one field was struck from its whitelist."""

    def __init__(self, platform: LodgingPlatform, *, without: str) -> None:
        self._platform = platform
        self.allowed = {kind: names - {without} for kind, names in platform.allowed.items()}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._platform, name)


def test_a_field_that_is_no_longer_allowed_does_not_leave(
    hostel: Hostel, platform: LodgingPlatform, books: httpx.Client
) -> None:
    stay_id = hostel.arrive()
    hostel.relay()
    shrunk = Shrunk(platform, without="cw")
    assert Courier(platform=shrunk).deliver_one() is None
    (report,) = hostel.reports(stay_id)
    assert (report.state, report.reason, report.field) == ("PARKED", "field_not_allowed", "cw")
    assert kinds_in_books(books, stay_id) == []
    assert privacy.list_disclosures(estate_id=hostel.estate_id, person_id=report.person_id) == ()
    stay = stays_queries.get_stay(actor=hostel.hand, stay_id=stay_id)
    assert stay.report is not None
    assert stay.report.state == "PARKED"
    office, platforms = hostel.actor(Role.OFFICE), {"lodging": platform}
    actions.replay_report(actor=office, report_id=report.id, platforms=platforms, now=clock.now())
    deliver(Courier(platform=platform))
    assert kinds_in_books(books, stay_id) == [("CHECK_IN", "ACCEPTED")]


def test_an_earlier_arrival_known_late_is_amended(hostel: Hostel, courier: Courier, books: httpx.Client) -> None:
    stay_id = hostel.arrive(registered_at=clock.now() - timedelta(hours=1))
    hostel.relay()
    deliver(courier)
    earlier = clock.now() - timedelta(minutes=30)
    stays.mark_arrival(estate_id=hostel.estate_id, stay_id=stay_id, happened_at=earlier, now=clock.now())
    hostel.relay()
    deliver(courier)
    there = books.get(f"/lodging/v1/stays/{stay_id}").json()
    assert there["rzsj"] == earlier.astimezone(ZONE).strftime("%Y%m%d%H%M")


def test_late_reports_are_flagged_at_the_alarm_and_at_the_deadline(hostel: Hostel) -> None:
    stay_id = hostel.arrive()
    hostel.relay()
    now = clock.now()
    assert actions.mark_overdue(now=now) == (0, 0)
    assert actions.mark_overdue(now=now + timedelta(minutes=31)) == (1, 0)
    assert actions.mark_overdue(now=now + timedelta(hours=3, minutes=1)) == (0, 1)
    assert actions.mark_overdue(now=now + timedelta(hours=9)) == (0, 0)
    (report,) = hostel.reports(stay_id)
    assert report.alarmed_at is not None
    assert report.breached_at is not None


def correct_name(hostel: Hostel, guest: FictionalPerson, *, name: str) -> None:
    """The office compares with the document and mends the name."""
    (known,) = {row.person_id for row in Report.objects.filter(estate_id=hostel.estate_id)}
    people.correct_person(
        actor=hostel.actor(Role.OFFICE),
        person_id=known,
        person=PersonInput(
            native_name=name, sex=guest.sex.value, birth_date=guest.birth_date, nationality=guest.nationality
        ),
        document=DocumentInput(kind=guest.document_type, number=guest.document_number),
        reason="compared with the document",
        now=clock.now(),
    )
