"""Through the whole delivery core: a fictional foreign guest's stay reaches Spain, is amended and withdrawn; a real estate's never leaves."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from linli.server.connectors.actions import set_account
from linli.server.connectors.delivery import Breaker, Courier
from linli.server.connectors.models import PlatformAccount, Report
from linli.server.connectors.platforms import MAKERS
from linli.server.connectors.platforms.ses_hospedajes import SesPlatform
from linli.server.connectors.rules import MessageKind
from linli.server.kernel import clock
from linli.server.kernel.actors import Role
from linli.server.kernel.periods import Period
from linli.server.people.actions import DocumentInput, PersonInput
from linli.server.places.models import Estate
from linli.server.privacy import queries as privacy
from linli.server.stays import actions as stays
from linli.server.stays.actions import GuardianForm, GuestForm, Wanted
from linli.sim.people import FictionalPerson
from tests.connectors.ses import guests
from tests.connectors.ses.delivering import standing, summary
from tests.server.connectors.hostel import RULES, Hostel, found
from tests.sim.ses.running import PARTY, PASSWORD, USER, RunningSes, soon

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hostel(transactional_db: None) -> Hostel:
    """A fictional estate whose operator has an account at the platform."""

    made = found()
    Estate.objects.filter(id=made.estate_id).update(fictional=True)
    set_account(
        actor=made.actor(Role.OFFICE),
        platform="ses_hospedajes",
        operator_id=made.operator_id,
        username=USER,
        secret=PASSWORD,
        party_code=PARTY,
        now=clock.now(),
    )
    return made


@pytest.fixture
def linked(ses: RunningSes) -> SesPlatform:
    """Our link, with a contact of the lodging's own."""
    return guests.platform(ses.address, contact_email="casa@example.invalid")


def report(hostel: Hostel, stay_id: str, kind: MessageKind) -> Report:
    """The report of one occasion."""
    return next(row for row in hostel.reports(stay_id) if row.kind == kind)


def told(hostel: Hostel, platform: SesPlatform, stay_id: str, kind: MessageKind, *, minutes: int = 0) -> Any:
    """Queue one occasion and deliver until it stands still."""

    hostel.tell(stay_id, kind, {platform.name: platform}, at=clock.now() + timedelta(minutes=minutes))
    courier = Courier(platform=platform)

    def look() -> Any:
        courier.deliver_one()
        row = report(hostel, stay_id, kind)
        return row if row.state in ("ACCEPTED", "REJECTED", "PARKED") else None

    return soon(look)


def test_a_stay_is_told_amended_and_withdrawn_and_the_books_follow(
    hostel: Hostel, linked: SesPlatform, books: httpx.Client
) -> None:
    stay_id = hostel.arrive(kind="foreign")
    arrival = told(hostel, linked, stay_id, MessageKind.CHECK_IN)
    assert (arrival.state, arrival.reason, arrival.field) == ("ACCEPTED", "", "")
    assert standing(books)[arrival.message_id] == arrival.receipt
    amended = told(hostel, linked, stay_id, MessageKind.AMEND, minutes=1)
    assert (amended.state, amended.reason, amended.code) == ("ACCEPTED", "", "")
    stands = standing(books)
    assert (arrival.message_id in stands, stands[amended.message_id]) == (False, amended.receipt)
    withdrawn = told(hostel, linked, stay_id, MessageKind.CANCEL, minutes=2)
    assert (withdrawn.state, withdrawn.receipt) == ("ACCEPTED", amended.receipt)
    assert amended.message_id not in standing(books)


def test_nothing_of_a_real_estate_leaves_and_its_report_says_why(
    hostel: Hostel, linked: SesPlatform, books: httpx.Client
) -> None:

    Estate.objects.filter(id=hostel.estate_id).update(fictional=False)
    before = summary(books)
    row = told(hostel, linked, hostel.arrive(kind="foreign"), MessageKind.CHECK_IN)
    assert (row.state, row.reason, row.disclosed) == ("PARKED", "fictional_only", False)
    assert summary(books) == before


def test_a_resident_card_has_no_place_there_and_the_report_names_the_field(
    hostel: Hostel, linked: SesPlatform, books: httpx.Client
) -> None:
    before = summary(books)
    row = told(hostel, linked, hostel.arrive(kind="mainland"), MessageKind.CHECK_IN)
    assert (row.state, row.reason) == ("PARKED", "facts_missing")
    assert row.field in ("numeroDocumento", "apellido1")
    assert summary(books) == before


def test_a_wrong_account_leaves_the_report_waiting_and_the_books_untouched(
    hostel: Hostel, linked: SesPlatform, books: httpx.Client
) -> None:

    PlatformAccount.objects.filter(estate_id=hostel.estate_id).update(username="nobody")
    stay_id = hostel.arrive(kind="foreign")

    before = summary(books)
    hostel.tell(stay_id, MessageKind.CHECK_IN, {linked.name: linked}, at=clock.now())
    Courier(platform=linked).deliver_one()
    row = report(hostel, stay_id, MessageKind.CHECK_IN)
    assert (row.state, row.reason) == ("QUEUED", "locked_out")
    assert summary(books) == before


def test_the_link_is_made_from_its_table() -> None:

    made = MAKERS["ses_hospedajes"]({"url": "https://example.invalid/servicio", "country": "ESP"})
    assert isinstance(made, SesPlatform)
    assert (made.path, made.house.country, made.fictional_only) == ("/servicio", "ESP", True)


def family(hostel: Hostel) -> tuple[str, str]:
    """A grown-up and a child of one booking, both in the house; the ids of their stays."""
    now = clock.now()
    period = Period(start=now, end=now + timedelta(days=1))
    wanted = Wanted(unit_id=hostel.unit_id, period=period, guests_expected=2)
    booking = stays.book(actor=hostel.hand, wanted=wanted, now=now).booking
    grown_up, child = hostel.person(kind="foreign"), hostel.person(kind="foreign")
    first = register(hostel, booking.id, grown_up)
    child = replace(child, birth_date=now.date() - timedelta(days=3000), mrz=())
    guardian = GuardianForm(name="Alfa Muster", relation="mother", phone="13800138000", stay_id=first)
    return first, register(hostel, booking.id, child, relation_to_booker="child", guardian=guardian)


def register(hostel: Hostel, booking_id: str, guest: FictionalPerson, **more: Any) -> str:
    """Register a guest under a booking, look in the eye, check in; the id of the stay."""
    now = clock.now()
    form = GuestForm(
        person=PersonInput(
            native_name=guest.native_name,
            latin_name=guest.latin_name,
            sex=guest.sex.value,
            birth_date=guest.birth_date,
            nationality=guest.nationality,
        ),
        document=DocumentInput(
            kind=guest.document_type,
            number=guest.document_number,
            issuing_country=guest.issuing_country,
            valid_until=guest.valid_until,
            mrz="\n".join(guest.mrz) or None,
        ),
        house_rules_version=RULES,
        notice_version=privacy.get_purpose(estate_id=hostel.estate_id, code="lodging_registration").notice_version,
        **more,
    )
    stay_id = stays.register_guest(actor=hostel.hand, booking_id=booking_id, form=form, now=now).stay.id
    stays.confirm_by_eye(actor=hostel.actor(Role.GUARD), stay_id=stay_id, now=now)
    stays.check_in(actor=hostel.actor(Role.GUARD), stay_id=stay_id, now=now)
    return stay_id


def test_a_child_is_told_with_the_grown_up_of_its_booking_and_each_has_a_receipt(
    hostel: Hostel, linked: SesPlatform, books: httpx.Client
) -> None:
    grown_up, child = family(hostel)
    first, second = (told(hostel, linked, stay_id, MessageKind.CHECK_IN) for stay_id in (grown_up, child))
    assert [(row.state, row.reason, row.field) for row in (first, second)] == [("ACCEPTED", "", "")] * 2
    assert ("adulto_apellido1" in first.fields, "adulto_apellido1" in second.fields) == (False, True)
    assert "parentesco" in second.fields
    assert {first.message_id, second.message_id} <= standing(books).keys()


def test_under_heavy_faults_every_guest_has_a_receipt_of_their_own_that_stands(
    hostel: Hostel, ses: RunningSes, books: httpx.Client
) -> None:
    hasty = guests.platform(ses.address, contact_email="casa@example.invalid", seconds="1")
    stay_ids = [hostel.arrive(kind="foreign") for _ in range(12)]
    for stay_id in stay_ids:
        hostel.tell(stay_id, MessageKind.CHECK_IN, {hasty.name: hasty}, at=clock.now())
    books.post("/faults", json={"all": 0.3, "deny": 0.05, "stray_receipt": 0.05, "timeout_s": 2, "pending_s": 0.3})
    courier = Courier(platform=hasty, breaker=Breaker(first_pause=0.1, longest_pause=0.3))
    stop = threading.Event()
    thread = threading.Thread(target=courier.run, kwargs={"stop": stop})
    thread.start()
    try:
        soon(lambda: None if Report.objects.exclude(state="ACCEPTED").exists() else True, seconds=90)
    finally:
        stop.set()
        thread.join()
    stands = standing(books)
    receipts = [(row.message_id, row.receipt) for stay_id in stay_ids for row in hostel.reports(stay_id)]
    assert len({receipt for _, receipt in receipts}) == len(stay_ids)
    # The same reference may stand twice after a lost answer; what we hold is one of those that stand under our own.
    rows = books.get("/ses/v1/books", params={"size": 1000}).json()["rows"]
    booked = {(row["reference"], row["code"]) for row in rows}
    assert set(receipts) <= booked
    assert {message_id for message_id, _ in receipts} <= stands.keys()
