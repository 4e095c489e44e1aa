"""Many pictures at once, and a yes taken back among them: never more than allowed, never one without consent."""

import threading
from collections import Counter

import pytest
from django.db import connection

from linli.server.connectors import actions
from linli.server.connectors.face_check.rules import (
    MOST_TRIES,
    FaceCheckConsentNeeded,
    FaceVerdict,
    Heard,
    TriesUsedUp,
)
from linli.server.connectors.models import FaceCheck
from linli.server.kernel.errors import Refusal
from linli.server.privacy.models import Consent, Disclosure
from linli.server.stays.queries import StayView
from tests.connectors.face_layer.layers import Scripted, say_yes, show
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)
UNSURE = Heard(verdict=FaceVerdict.UNSURE, score=500, receipt="FL7")


def crowd(world: World, stay: StayView, layer: Scripted, *, hands: int) -> "Counter[str]":
    """So many phones show a picture of one guest at the same moment; how each was answered."""
    start, said = threading.Barrier(hands), Counter[str]()

    def one() -> None:
        try:
            start.wait(timeout=20)
            said[show(world, stay, layer).outcome] += 1
        except Refusal as refusal:
            said[refusal.code] += 1
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(hands)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return said


def test_pictures_sent_at_once_are_counted_one_by_one(world: World) -> None:
    stay = world.register(world.book()).stay
    say_yes(world, stay)
    layer = Scripted(heard=UNSURE)
    said = crowd(world, stay, layer, hands=8)
    assert said == {"ANOTHER_WAY": MOST_TRIES, TriesUsedUp.code: 8 - MOST_TRIES}
    assert len(layer.asked) == FaceCheck.objects.count() == Disclosure.objects.count() == MOST_TRIES


def test_nothing_leaves_after_a_yes_was_taken_back(world: World) -> None:
    stay = world.register(world.book()).stay
    say_yes(world, stay)
    layer = Scripted(heard=UNSURE)
    taking = threading.Thread(target=take_back, args=(world, stay))
    taking.start()
    said = crowd(world, stay, layer, hands=4)
    taking.join(timeout=60)
    assert set(said) <= {"ANOTHER_WAY", FaceCheckConsentNeeded.code}
    ended = Consent.objects.get(withdraws__isnull=False)
    assert len(layer.asked) == said["ANOTHER_WAY"] == FaceCheck.objects.count()
    assert all(row.consent_id == ended.withdraws_id for row in FaceCheck.objects.all())
    with pytest.raises(FaceCheckConsentNeeded):
        show(world, stay, layer)


def take_back(world: World, stay: StayView) -> None:
    """Take the guest's yes back, in a thread."""
    actions.withdraw_face_check_consent(actor=world.guest(stay), stay_id=stay.id, now=world.now)
    connection.close()
