"""Through the whole delivery core: the catalogue and passages reach the view library, people the community platform, and the ledger knows."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from linli.server.access.models import GateEvent, JournalHead, Pass
from linli.server.connectors.actions import queue_catalogue, queue_passages
from linli.server.connectors.delivery import Courier
from linli.server.connectors.models import Report
from linli.server.connectors.platforms.community import CommunityPlatform
from linli.server.connectors.platforms.viid import ViewLibraryPlatform
from linli.server.connectors.protocol import Platform
from linli.server.connectors.rules import MessageKind
from linli.server.connectors.viid.client import Link
from linli.server.kernel import clock
from linli.server.privacy import actions as privacy
from linli.server.privacy import queries as privacy_queries
from linli.server.stays.models import Stay
from tests.server.connectors.hostel import Hostel, found
from tests.sim.viid.running import LOWER, PASSWORD, USER, RunningLibrary

pytestmark = pytest.mark.django_db(transaction=True)
FACES = "view_library_faces"


@pytest.fixture
def hostel(transactional_db: None) -> Hostel:
    """An estate with one flat and one gate."""
    return found()


def deliver(platform: Platform) -> None:
    """Let a courier deliver until nothing is due."""
    courier = Courier(platform=platform)
    for _ in range(60):
        Report.objects.filter(state__in=["QUEUED", "PENDING"]).update(next_try_at=clock.now())
        if courier.deliver_one() is None:
            return


def states(kind: MessageKind) -> list[str]:
    return list(Report.objects.filter(kind=kind).order_by("happened_at", "id").values_list("state", flat=True))


def pass_by(hostel: Hostel, stay_id: str, sequence: int, at: datetime) -> None:
    """The gate saw a guest go in."""
    granted = Pass.objects.filter(origin_kind="stay", origin_id=stay_id).order_by("-start")[0]
    GateEvent.objects.create(
        estate_id=hostel.estate_id,
        gate="G01",
        sequence=sequence,
        serial=granted.serial,
        direction="in",
        happened_at=at,
        received_at=at,
        clock_sure=True,
        method="FACE",
        opened=True,
        reason="OK",
        snapshot_version=1,
        note="",
        prev=b"",
        hash=b"",
    )
    JournalHead.objects.update_or_create(
        estate_id=hostel.estate_id, gate="G01", defaults={"sequence": sequence, "hash": ""}
    )


def say_yes(hostel: Hostel, person_id: str) -> None:
    notice = privacy_queries.get_notice(estate_id=hostel.estate_id, purpose=FACES)
    privacy.give_consent(
        actor=hostel.hand,
        person_id=person_id,
        given_by=person_id,
        purpose=FACES,
        notice_digest=notice.digest,
        channel="phone",
        now=clock.now(),
    )


def test_the_catalogue_is_told_when_it_changes_and_is_nobodys_data(
    hostel: Hostel, above: RunningLibrary, link: Link
) -> None:
    platform = ViewLibraryPlatform(link=link)
    assert queue_catalogue(estate_id=hostel.estate_id, platforms={"viid": platform}, now=clock.now()) == 1
    deliver(platform)
    row = Report.objects.get(kind=MessageKind.DOOR)
    assert (row.state, len(row.receipt), row.person_id, row.disclosed) == ("ACCEPTED", 20, "", row.disclosed)
    assert row.receipt in str(above.books_of("object", kind="APE", size=1000))
    assert queue_catalogue(estate_id=hostel.estate_id, platforms={"viid": platform}, now=clock.now()) == 0


def test_only_whoever_said_yes_is_seen_passing_and_the_ledger_says_so(
    hostel: Hostel, above: RunningLibrary, link: Link
) -> None:
    platform = ViewLibraryPlatform(link=link, faces=True)
    said_yes, said_nothing = hostel.arrive(), hostel.arrive()
    person = Stay.objects.get(id=said_yes).person_id
    say_yes(hostel, person)
    at = clock.now() - timedelta(minutes=1)
    for sequence, stay_id in enumerate((said_yes, said_nothing, said_yes), start=1):
        pass_by(hostel, stay_id, sequence, at)
    assert queue_passages(estate_id=hostel.estate_id, platforms={"viid": platform}, now=clock.now()) == 2
    deliver(platform)
    rows = Report.objects.filter(kind=MessageKind.PASSAGE)
    assert {(row.state, row.person_id) for row in rows} == {("ACCEPTED", person)}
    assert len({row.receipt for row in rows}) == 2
    ledger = privacy_queries.list_disclosures(estate_id=hostel.estate_id, person_id=person)
    mine = [line for line in ledger if line.purpose == FACES]
    assert [sorted(line.fields) for line in mine] == [["DeviceID", "Serial", "ShotTime"]] * 2
    other = Stay.objects.get(id=said_nothing).person_id
    assert not [
        line
        for line in privacy_queries.list_disclosures(estate_id=hostel.estate_id, person_id=other)
        if line.purpose == FACES
    ]
    assert queue_passages(estate_id=hostel.estate_id, platforms={"viid": platform}, now=clock.now()) == 0


def test_a_yes_taken_back_before_it_leaves_keeps_it_here(hostel: Hostel, above: RunningLibrary, link: Link) -> None:
    platform = ViewLibraryPlatform(link=link, faces=True)
    stay_id = hostel.arrive()
    person = Stay.objects.get(id=stay_id).person_id
    say_yes(hostel, person)
    pass_by(hostel, stay_id, 1, clock.now() - timedelta(minutes=1))
    assert queue_passages(estate_id=hostel.estate_id, platforms={"viid": platform}, now=clock.now()) == 1
    privacy.withdraw_consent(actor=hostel.hand, person_id=person, purpose=FACES, now=clock.now())
    before = above.books_of("object", kind="Face", size=1000)["rows"]
    deliver(platform)
    assert states(MessageKind.PASSAGE) == ["PARKED"]
    assert above.books_of("object", kind="Face", size=1000)["rows"] == before


def test_after_faults_of_every_kind_each_is_there_once(
    hostel: Hostel, above: RunningLibrary, link: Link, ticks: Any
) -> None:
    platform = ViewLibraryPlatform(link=link, faces=True)
    stay_id = hostel.arrive()
    say_yes(hostel, Stay.objects.get(id=stay_id).person_id)
    at = clock.now() - timedelta(minutes=10)
    for sequence in range(1, 16):
        pass_by(hostel, stay_id, sequence, at + timedelta(seconds=sequence))
    queue_passages(estate_id=hostel.estate_id, platforms={"viid": platform}, now=clock.now())
    before = len(above.books_of("object", kind="Face", size=1000)["rows"])
    above.faults(http_500=0.1, lost_answer=0.1, reboot=0.1, forget=0.1, duplicate=0.05)
    settle(platform, ticks)
    assert states(MessageKind.PASSAGE) == ["ACCEPTED"] * 15
    assert len(above.books_of("object", kind="Face", size=1000)["rows"]) == before + 15


def settle(platform: Platform, ticks: Any) -> None:
    """Deliver through faults, which end after a while."""
    for _ in range(30):
        ticks.at += 61
        deliver(platform)
        if not Report.objects.exclude(state="ACCEPTED").exists():
            return


@pytest.fixture
def registry(tmp_path: Any) -> Any:
    """The community platform."""
    running = RunningLibrary(books=tmp_path / "books.sqlite", name="community").start()
    yield running
    running.stop()


def test_the_community_knows_who_sleeps_here_which_door_and_who_went_through(
    hostel: Hostel, registry: RunningLibrary, link_to: Callable[..., Link]
) -> None:
    platform = CommunityPlatform(link=link_to(registry.url, user=USER, password=PASSWORD, device_id=LOWER))
    platforms: dict[str, Platform] = {"community": platform}
    stay_id = hostel.arrive()
    hostel.tell(stay_id, MessageKind.CHECK_IN, platforms, at=clock.now())
    queue_catalogue(estate_id=hostel.estate_id, platforms=platforms, now=clock.now())
    pass_by(hostel, stay_id, 1, clock.now() - timedelta(minutes=1))
    queue_passages(estate_id=hostel.estate_id, platforms=platforms, now=clock.now())
    deliver(platform)
    assert {row.state for row in Report.objects.filter(platform="community")} == {"ACCEPTED"}
    person, door, went = (
        registry.books_of("object", kind=kind)["rows"] for kind in ("PersonInfo", "DoorInfo", "PassRecord")
    )
    assert (len(person), len(door), len(went)) == (1, 1, 1)
    receipt = Report.objects.get(kind=MessageKind.CHECK_IN, platform="community").receipt
    assert receipt in str(went[0])
    ledger = privacy_queries.list_disclosures(
        estate_id=hostel.estate_id, person_id=Stay.objects.get(id=stay_id).person_id
    )
    assert {line.purpose for line in ledger if line.recipient == platform.recipient} == {"community_registration"}
