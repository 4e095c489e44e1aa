"""What reports hold on a person can be shown to that person, and goes when its term is over."""

from datetime import timedelta

import pytest

from linli.server.connectors import personal_data
from linli.server.connectors.delivery import Courier
from linli.server.connectors.models import Attempt, Report
from linli.server.connectors.platforms.lodging import LodgingPlatform
from linli.server.kernel import clock
from linli.server.privacy import queries as privacy
from tests.server.connectors.hostel import Hostel

pytestmark = pytest.mark.django_db


def _holding(model: str) -> privacy.Holding:
    return next(holding for holding in privacy.holdings() if holding.model == model)


def test_a_person_is_shown_what_was_told_of_them(hostel: Hostel, platform: LodgingPlatform, books: object) -> None:
    stay_id = hostel.arrive()
    hostel.arrive()
    hostel.relay()
    while Courier(platform=platform).deliver_one():
        pass
    (report,) = hostel.reports(stay_id)
    (told,) = _holding("connectors.Report").export(hostel.estate_id, report.person_id)
    assert (told["subject"], told["receipt"], told["fields"]) == (stay_id, report.receipt, report.fields)


def test_after_three_years_what_was_accepted_goes_and_what_was_not_stays_until_it_is_settled(
    hostel: Hostel, platform: LodgingPlatform, books: object
) -> None:
    accepted = hostel.arrive()
    hostel.relay()
    Courier(platform=platform).deliver_one()
    waiting = hostel.arrive()
    hostel.relay()
    later = clock.now() + personal_data.KEPT
    for holding in ("connectors.Attempt", "connectors.Report"):
        _holding(holding).erase_expired(later - timedelta(hours=1))
    assert (Report.objects.count(), Attempt.objects.count()) == (2, 1)
    for holding in ("connectors.Attempt", "connectors.Report"):
        _holding(holding).erase_expired(later + timedelta(hours=1))
    assert hostel.reports(accepted) == []
    assert [report.state for report in hostel.reports(waiting)] == ["QUEUED"]
    assert Attempt.objects.count() == 0
