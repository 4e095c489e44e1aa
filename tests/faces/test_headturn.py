"""A head that turns to the side asked passes; a still picture, a waved print, the wrong side and a swapped face do not."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linli.faces import geometry, headturn
from linli.faces.headturn import LIMITS, Challenge, Look, Side, Turn, judge
from tests.faces import scenes

LEFT = Challenge(side=Side.LEFT, asked_at=0.0)
RIGHT = Challenge(side=Side.RIGHT, asked_at=0.0)
THERE_AND_BACK = (0.0, 0.04, 0.09, 0.15, 0.18, 0.12, 0.07, 0.02)


def looks(offsets, *, every=0.1, start=0.0):
    return [Look(at=start + every * number, offset=offset) for number, offset in enumerate(offsets)]


def verdict(offsets, challenge, **words):
    path = looks(offsets, **words)
    return judge(path, challenge=challenge, now=path[-1].at if path else 0.0)


def test_a_turn_to_the_side_asked_and_back_passes():
    assert verdict(THERE_AND_BACK, LEFT) is Turn.DONE
    assert verdict([-offset for offset in THERE_AND_BACK], RIGHT) is Turn.DONE


def test_a_turn_to_the_other_side_fails_at_once():
    assert verdict(THERE_AND_BACK, RIGHT) is Turn.WRONG_SIDE


def test_a_turn_is_not_done_before_the_face_is_back():
    assert verdict(THERE_AND_BACK[:6], LEFT) is Turn.WAITING


def test_a_face_that_was_aside_from_the_start_must_first_look_ahead():
    assert verdict((0.17, 0.16, 0.15), LEFT) is Turn.WAITING


def test_a_nose_that_jumps_or_is_lost_for_a_while_ends_it():
    assert verdict((0.0, 0.0, 0.25, 0.0), LEFT) is Turn.JUMPED
    path = [*looks((0.0, 0.05, 0.1)), *looks((0.14, 0.1, 0.0), start=1.5)]
    assert judge(path, challenge=LEFT, now=2.0) is Turn.JUMPED


def test_one_frame_aside_is_no_turn():
    assert verdict((0.0, 0.13, 0.0, 0.0), LEFT) is Turn.WAITING


def test_whoever_takes_too_long_or_does_nothing_is_too_late():
    assert judge([], challenge=LEFT, now=LIMITS.within_s + 0.1) is Turn.TOO_LATE
    assert judge([], challenge=LEFT, now=1.0) is Turn.WAITING
    assert verdict(THERE_AND_BACK, LEFT, every=0.95) is Turn.TOO_LATE


def test_what_was_seen_before_the_challenge_does_not_count():
    before = looks(THERE_AND_BACK, start=-2.0)
    assert judge(before, challenge=LEFT, now=0.1) is Turn.WAITING


@given(st.lists(st.floats(-LIMITS.turned + 1e-6, LIMITS.turned - 1e-6), max_size=60), st.sampled_from([LEFT, RIGHT]))
def test_nothing_below_the_limit_ever_passes(offsets, challenge):
    assert verdict(offsets, challenge) is not Turn.DONE


def test_the_side_cannot_be_foreseen():
    sides = [headturn.choose(asked_at=5.0).side for _ in range(200)]
    assert 60 < sides.count(Side.LEFT) < 140


@pytest.fixture(scope="module")
def portrait(engine):
    return engine.read(scenes.collins())


def offsets_of(engine, frames):
    found = []
    for frame in frames:
        box = engine.detect(frame)[0]
        found.append(geometry.nose_offset(engine.landmarks(frame, box)))
    return found


def test_the_face_seen_from_aside_and_back_passes_on_the_side_it_turned_to(engine, portrait):
    frames = scenes.turning(scenes.collins(), portrait.landmarks, to=28)
    offsets = offsets_of(engine, frames)
    assert verdict(offsets, LEFT) is Turn.DONE
    assert verdict(offsets, RIGHT) is not Turn.DONE


def test_a_still_picture_does_not_pass_however_it_trembles(engine):
    rng = numpy.random.default_rng(5)
    frames = []
    for _ in range(10):
        shift = numpy.float32([[1, 0, rng.uniform(-15, 15)], [0, 1, rng.uniform(-10, 10)]])
        image = scenes.rolled(scenes.collins(), rng.uniform(-12, 12))
        frames.append(scenes.cv2.warpAffine(image, shift, image.shape[1::-1], borderMode=scenes.cv2.BORDER_REFLECT))
    offsets = offsets_of(engine, frames)
    assert max(map(abs, offsets)) < LIMITS.ahead
    assert {verdict(offsets, LEFT), verdict(offsets, RIGHT)} == {Turn.WAITING}


def test_a_print_turned_in_the_hand_does_not_pass(engine):
    way = (0, 15, 30, 45, 50, 45, 30, 15, 0, -15, -30, -45, -50, -45, -30, -15, 0)
    offsets = offsets_of(engine, [scenes.printed(scenes.collins(), degrees) for degrees in way])
    assert max(map(abs, offsets)) < LIMITS.turned
    assert Turn.DONE not in {verdict(offsets, LEFT), verdict(offsets, RIGHT)}
