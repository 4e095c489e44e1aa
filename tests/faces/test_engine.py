"""Each step on real pictures with the real models: found, set upright, judged, and told apart from another person."""

import numpy
import pytest

from linli.faces import geometry, quality
from linli.faces.engine import Engine, ManyFaces, NoFace
from linli.faces.gallery import LENGTH
from linli.faces.models import BadModels, ModelMissing, load
from linli.faces.pictures import MAX_BYTES, PictureTooLarge, PictureUnreadable, check_pixels, open_picture
from linli.faces.quality import Flaw
from tests.faces import scenes


@pytest.fixture(scope="module")
def enrolled(engine):
    return engine.read(scenes.collins())


def test_a_face_is_found_once_and_where_it_is(engine):
    (box,) = engine.detect(scenes.collins())
    assert box.score > 0.99
    # The eyes, the nose and the mouth as one reads them off the picture by hand.
    by_hand = [(144, 99), (189, 101), (165, 127), (150, 139), (184, 140)]
    found = geometry.five_points(engine.landmarks(scenes.collins(), box))
    assert numpy.abs(found - numpy.array(by_hand)).max() < 8
    assert box.left < 125
    assert box.right > 205
    assert 55 < box.top < 80
    assert 165 < box.bottom < 185


def test_a_picture_without_a_face_has_none(engine):
    grain = numpy.random.default_rng(3).integers(0, 255, (300, 400, 3), dtype=numpy.uint8)
    for empty in (numpy.zeros((240, 320, 3), numpy.uint8), grain, scenes.collins()[200:, :]):
        with pytest.raises(NoFace):
            engine.read(numpy.ascontiguousarray(empty))


def test_two_faces_side_by_side_are_two_and_are_not_enrolled(engine):
    both = numpy.hstack([scenes.collins(), scenes.collins()])
    assert len(engine.detect(both)) == 2
    with pytest.raises(ManyFaces):
        engine.read(both)


def test_an_aligned_face_has_its_five_points_where_the_embedder_wants_them(engine):
    image = scenes.rolled(scenes.collins(), 20)
    (box,) = engine.detect(image)
    landmarks = engine.landmarks(image, box)
    aligned = engine.align(image, landmarks)
    assert aligned.shape == (112, 112, 3)
    assert aligned.dtype == numpy.uint8
    moved = geometry.similarity(geometry.five_points(landmarks), geometry._FIVE)
    upright = geometry.five_points(landmarks) @ moved[:, :2].T + moved[:, 2]
    # By least squares: a real face is not quite the one the model was shown.
    assert numpy.abs(upright - geometry._FIVE).max() < 8


@pytest.mark.parametrize("degrees", [-170, -30, 0, 12, 90])
def test_a_turn_a_scale_and_a_shift_are_found_again(degrees):
    turn = numpy.deg2rad(degrees)
    true = 1.7 * numpy.array([[numpy.cos(turn), -numpy.sin(turn)], [numpy.sin(turn), numpy.cos(turn)]])
    points = geometry._FIVE
    found = geometry.similarity(points, points @ true.T + [5.0, -3.0])
    assert numpy.allclose(found, numpy.hstack([true, [[5.0], [-3.0]]]), atol=1e-6)


def test_a_template_is_512_numbers_of_length_one_and_names_its_model(engine, enrolled):
    template = engine.template(enrolled.vector, id="face_1")
    assert template.vector.shape == (LENGTH,)
    assert template.vector.dtype == numpy.float32
    assert numpy.linalg.norm(template.vector) == pytest.approx(1, abs=1e-5)
    assert template.model == "fr_feature-87aacdfe"


@pytest.mark.parametrize("name", scenes.OTHER_PICTURES)
def test_another_picture_of_the_same_face_is_recognised(engine, enrolled, name):
    seen = engine.read(scenes.OTHER_PICTURES[name](scenes.collins()), limits=quality.DOOR)
    assert seen.quality.flaws == ()
    assert float(seen.vector @ enrolled.vector) > 0.85
    assert seen.live > 0.6


def test_another_persons_face_is_far_below_the_threshold(engine, enrolled):
    stranger = engine.read(scenes.hopper())
    assert float(stranger.vector @ enrolled.vector) < 0.3
    for change in scenes.OTHER_PICTURES.values():
        seen = engine.read(change(scenes.hopper()), limits=quality.DOOR)
        assert float(seen.vector @ enrolled.vector) < 0.3


@pytest.mark.parametrize(
    ("change", "flaw"),
    [
        (lambda image: image[::3, ::3], Flaw.TOO_SMALL),
        (lambda image: image[:, 165:], Flaw.CUT_OFF),
        (lambda image: image[:140], Flaw.CUT_OFF),
        (lambda image: (image * 0.2).astype(numpy.uint8), Flaw.TOO_DARK),
        (lambda image: numpy.clip(image * 1.0 + 70, 0, 255).astype(numpy.uint8), Flaw.TOO_BRIGHT),
        (lambda image: scenes.cv2.GaussianBlur(image, (0, 0), 3), Flaw.BLURRED),
    ],
    ids=lambda value: value.value if isinstance(value, Flaw) else "",
)
def test_a_poor_picture_is_refused_with_its_reason_and_gives_no_template(engine, change, flaw):
    face = engine.read(numpy.ascontiguousarray(change(scenes.collins())))
    assert flaw in face.quality.flaws
    assert face.vector is None
    assert face.live == 0
    assert all(quality.WORDS[face.quality.flaw])


def test_a_face_from_aside_is_refused_at_enrolment_and_passes_as_a_turn(engine, enrolled):
    offsets, yaws = [], []
    for degrees in (-30, -15, 0, 15, 30):
        image = scenes.from_aside(scenes.collins(), enrolled.landmarks, degrees)
        (box,) = engine.detect(image)
        offsets.append(geometry.nose_offset(engine.landmarks(image, box)))
        yaws.append(engine.pose(image, box).yaw)
    assert offsets == sorted(offsets)
    assert yaws == sorted(yaws, reverse=True)
    # Two independent models say the same, with opposite signs.
    assert numpy.corrcoef(offsets, yaws)[0, 1] < -0.9
    looked = quality.with_yaw(enrolled.quality, 40.0, limits=quality.ENROLMENT)
    assert looked.flaw is Flaw.TURNED
    assert not quality.with_yaw(enrolled.quality, -9.0, limits=quality.ENROLMENT).flaws


def test_every_flaw_is_said_in_both_languages():
    assert set(quality.WORDS) == set(Flaw)
    assert all(zh and en for zh, en in quality.WORDS.values())


def test_a_picture_file_opens_as_pixels_and_what_is_none_does_not(tmp_path):
    raw = (scenes.PICTURES / "eileen-collins.jpg").read_bytes()
    assert numpy.array_equal(open_picture(raw), scenes.collins())
    png = scenes.cv2.imencode(".png", scenes.collins())[1].tobytes()
    assert numpy.array_equal(open_picture(png), scenes.collins())
    for wrong in (
        b"",
        b"GIF89a",
        raw[:200],
        raw[:2],
        png[:30],
        b"\xff\xd8" + b"\xff" * 50,
        b"\xff\xd8\xff\xe0\x00\x00",
    ):
        with pytest.raises(PictureUnreadable):
            open_picture(wrong)


def test_a_picture_that_would_unpack_too_large_is_refused_before_it_does():
    bomb = bytearray(scenes.cv2.imencode(".png", scenes.collins())[1].tobytes())
    bomb[16:24] = (60_000).to_bytes(4, "big") * 2
    with pytest.raises(PictureTooLarge):
        open_picture(bytes(bomb))
    with pytest.raises(PictureTooLarge):
        open_picture(bytes(MAX_BYTES + 1))
    with pytest.raises(PictureTooLarge):
        check_pixels(scenes.collins(), max_pixels=1000)


@pytest.mark.parametrize("shape", [(10, 10), (10, 10, 4), (0, 10, 3)])
def test_an_array_that_is_no_picture_is_refused(shape):
    with pytest.raises(PictureUnreadable):
        check_pixels(numpy.zeros(shape, numpy.uint8))
    with pytest.raises(PictureUnreadable):
        check_pixels(numpy.zeros((10, 10, 3), numpy.float32))


def test_without_its_models_an_engine_says_so_and_a_changed_file_is_never_run(tmp_path, faces_home):
    with pytest.raises(ModelMissing, match="linli faces fetch"):
        Engine(registry=load(tmp_path)).detect(scenes.collins())
    (tmp_path / "fr_detect.onnx").write_bytes((faces_home / "fr_detect.onnx").read_bytes() + b"\0")
    with pytest.raises(BadModels, match="not the file that is meant"):
        Engine(registry=load(tmp_path)).detect(scenes.collins())
