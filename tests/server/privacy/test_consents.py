"""A yes is given to the words that were shown, stands until it is taken back, and is never changed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from linli.server.privacy import actions as privacy
from linli.server.privacy import queries
from linli.server.privacy.actions import NoticeOutdated
from linli.server.privacy.models import AuditEntry, Consent
from linli.server.privacy.queries import NoPurpose
from tests.world import World

pytestmark = pytest.mark.django_db


def say_yes(world: World, person_id: str = "person_1", **changes):
    notice = queries.get_notice(estate_id=world.estate_id, purpose="face_pass")
    words = {
        "given_by": person_id,
        "purpose": "face_pass",
        "notice_digest": notice.digest,
        "channel": "phone",
        **changes,
    }
    return privacy.give_consent(actor=world.hand, person_id=person_id, now=world.now, **words)


def test_a_yes_is_kept_once_with_the_words_it_was_given_to(world: World) -> None:
    first, again = say_yes(world), say_yes(world)
    assert first == again
    assert first.withdrawn_at is None
    assert queries.find_consent(estate_id=world.estate_id, person_id="person_1", purpose="face_pass") == first
    assert AuditEntry.objects.filter(verb="give_consent", subject="person_1").count() == 1


def test_a_yes_to_other_words_than_those_in_force_counts_for_nothing(world: World) -> None:
    with pytest.raises(NoticeOutdated):
        say_yes(world, notice_digest="0" * 64)
    with pytest.raises(NoPurpose):
        say_yes(world, purpose="marketing")
    assert not Consent.objects.exists()


def test_it_can_be_taken_back_without_a_reason_and_given_anew(world: World) -> None:
    say_yes(world)
    later = replace_now(world, hours=1)
    assert privacy.withdraw_consent(actor=world.hand, person_id="person_1", purpose="face_pass", now=later.now) == 1
    assert queries.find_consent(estate_id=world.estate_id, person_id="person_1", purpose="face_pass") is None
    assert privacy.withdraw_consent(actor=world.hand, person_id="person_1", purpose="face_pass", now=later.now) == 0
    (consent,) = queries.list_consents(estate_id=world.estate_id, person_id="person_1")
    assert consent.withdrawn_at == later.now
    assert say_yes(world).id != consent.id


def test_taking_it_back_concerns_one_person_and_one_purpose_only(world: World) -> None:
    say_yes(world, "person_1")
    say_yes(world, "person_2")
    privacy.withdraw_consent(actor=world.hand, person_id="person_1", purpose="face_pass", now=world.now)
    assert queries.find_consent(estate_id=world.estate_id, person_id="person_2", purpose="face_pass")


def test_the_database_lets_nobody_change_a_yes_or_drop_one_that_stands(world: World) -> None:
    say_yes(world)
    with pytest.raises(DatabaseError), transaction.atomic():
        Consent.objects.update(given_by="somebody else")
    with pytest.raises(DatabaseError), transaction.atomic():
        Consent.objects.all().delete()
    assert Consent.objects.get().given_by == "person_1"


def test_a_yes_taken_back_goes_after_three_years(world: World) -> None:
    say_yes(world)
    privacy.withdraw_consent(actor=world.hand, person_id="person_1", purpose="face_pass", now=world.now)
    privacy.enforce_retention(now=world.now + timedelta(days=3 * 365 - 1))
    assert Consent.objects.count() == 2
    privacy.enforce_retention(now=world.now + timedelta(days=3 * 365 + 1))
    assert not Consent.objects.exists()


def replace_now(world: World, **hours: int) -> World:
    return replace(world, now=world.now + timedelta(**hours))
