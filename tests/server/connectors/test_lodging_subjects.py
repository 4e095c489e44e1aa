"""Flats, staff and visitors all the way to the lodging platform's books, and a hit that nobody but the police learns of."""

from collections.abc import Mapping
from datetime import timedelta

import httpx
import pytest

from linli.server.access import actions as access
from linli.server.connectors import actions
from linli.server.connectors.delivery import Courier
from linli.server.connectors.models import Hit, Report
from linli.server.connectors.platforms.lodging import LodgingPlatform
from linli.server.connectors.protocol import Occasion
from linli.server.connectors.rules import MessageKind
from linli.server.kernel import clock
from linli.server.kernel.actors import Role
from linli.server.kernel.errors import NotAllowed
from linli.server.privacy.models import Disclosure
from linli.server.stays import actions as stays
from tests.server.connectors.hostel import Hostel
from tests.server.connectors.test_subjects import came, guest_of, visit

pytestmark = pytest.mark.django_db(transaction=True)


def deliver(platform: LodgingPlatform) -> None:
    """Let a courier bring everything that is due."""
    courier = Courier(platform=platform)
    while courier.deliver_one() is not None:
        pass


def states(hostel: Hostel) -> Mapping[str, list[str]]:
    """The states of an estate's reports, by kind."""
    found: dict[str, list[str]] = {}
    for kind, state in Report.objects.filter(estate_id=hostel.estate_id).values_list("kind", "state"):
        found.setdefault(kind, []).append(state)
    return found


def test_flats_and_staff_are_told_once_and_again_when_they_are_gone(
    hostel: Hostel, platform: LodgingPlatform, books: httpx.Client
) -> None:
    links = {"lodging": platform}
    for expected in (2, 0):
        queued = actions.queue_catalogue(estate_id=hostel.estate_id, platforms=links, now=clock.now())
        assert queued == expected
        deliver(platform)
    assert states(hostel) == {"UNIT_CREATE": ["ACCEPTED"], "STAFF": ["ACCEPTED"]}
    stays.close_unit(actor=hostel.hand, unit_id=hostel.unit_id, reason="sold", now=clock.now())
    assert actions.queue_catalogue(estate_id=hostel.estate_id, platforms=links, now=clock.now()) == 2
    deliver(platform)
    assert states(hostel) == {
        "UNIT_CREATE": ["ACCEPTED"],
        "STAFF": ["ACCEPTED", "ACCEPTED"],
        "UNIT_CLOSE": ["ACCEPTED"],
    }
    # Only of the operator in person is there anything to disclose; the flat is nobody's data.
    ledger = Disclosure.objects.filter(estate_id=hostel.estate_id)
    assert {row.fields.count("zjhm") for row in ledger} == {1}
    assert ledger.count() == 2


def test_a_visitor_comes_and_goes_in_the_platforms_books(
    hostel: Hostel, platform: LodgingPlatform, books: httpx.Client
) -> None:
    host = guest_of(hostel, stay=hostel.arrive())
    visit_id, granted = visit(hostel, host=host)
    came(granted, granted.start)
    tell(hostel, platform, visit_id, Occasion(kind=MessageKind.VISITOR_IN, happened_at=granted.start))
    now = clock.now()
    access.withdraw_visit(actor=host, visit_id=visit_id, reason="time to go", now=now)
    tell(hostel, platform, visit_id, Occasion(kind=MessageKind.VISITOR_OUT, happened_at=now))
    deliver(platform)
    reports = hostel.reports(visit_id)
    assert [(one.kind, one.state, one.field) for one in reports] == [
        ("VISITOR_IN", "ACCEPTED", ""),
        ("VISITOR_OUT", "ACCEPTED", ""),
    ]
    rows = {row["lfbh"]: row for row in books.get("/lodging/v1/visits", params={"size": 1000}).json()["rows"]}
    assert rows[visit_id]["state"] == "OUT"
    (entry,) = Disclosure.objects.filter(person_id=visit_id, message_id=reports[0].message_id)
    assert "xm" in entry.fields


def tell(hostel: Hostel, platform: LodgingPlatform, visit_id: str, occasion: Occasion) -> None:
    """Queue one occasion of a visit."""
    estate_id, now = hostel.estate_id, clock.now()
    queued = actions.queue_visit(platform=platform, occasion=occasion, visit_id=visit_id, estate_id=estate_id, now=now)
    assert queued == 1


def test_a_hit_is_for_the_police_and_everything_else_is_as_without_it(
    hostel: Hostel, platform: LodgingPlatform, books: httpx.Client
) -> None:
    wanted, other = hostel.person(), hostel.person()
    books.post("/hits", json={"zjhm": [wanted.document_number]})
    ids = [hostel.arrive(person=guest) for guest in (wanted, other)]
    for stay_id in ids:
        hostel.tell(stay_id, MessageKind.CHECK_IN, {"lodging": platform}, at=clock.now() - timedelta(minutes=1))
    deliver(platform)
    books.post("/hits", json={"zjhm": []})
    (hit,) = Hit.objects.filter(estate_id=hostel.estate_id)
    assert hit.subject_id == ids[0]
    alike = ("state", "reason", "owner", "code", "field", "attempts", "in_doubt", "fields", "failures")
    first, second = (hostel.reports(stay_id)[0] for stay_id in ids)
    assert {name: getattr(first, name) for name in alike} == {name: getattr(second, name) for name in alike}
    (shown,) = actions.read_hits(actor=hostel.actor(Role.POLICE), now=clock.now())
    assert shown.subject_id == ids[0]
    for role in (Role.OFFICE, Role.ESTATE_ADMIN, Role.GUARD, Role.AUDITOR, Role.OPERATOR):
        with pytest.raises(NotAllowed):
            actions.read_hits(actor=hostel.actor(role), now=clock.now())
