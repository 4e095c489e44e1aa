"""Rates, bounds and caps agree with another way to compute them; a folder of pictures gives a report that names nobody."""

import json
import math

import cv2
import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linli.faces import cli, evaluation, rates
from tests.faces import scenes
from tests.faces.conftest import a_vector

SCORES = st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=60).map(numpy.array)


@given(genuine=SCORES, impostor=SCORES, threshold=st.floats(-1, 1))
def test_a_rate_is_what_counting_one_by_one_gives(genuine, impostor, threshold):
    said = rates.rate(genuine, impostor, threshold=threshold)
    matched = sum(1 for score in impostor if score >= threshold)
    refused = sum(1 for score in genuine if not score >= threshold)
    assert (said.false_matches, said.false_refusals) == (matched, refused)
    assert said.fmr == pytest.approx(matched / len(impostor))
    assert said.fnmr == pytest.approx(refused / len(genuine))
    assert said.fmr_at_most >= said.fmr


@given(genuine=SCORES, impostor=SCORES)
def test_the_equal_error_rate_is_where_no_other_threshold_is_nearer(genuine, impostor):
    error, at = rates.equal_error_rate(genuine, impostor)

    def both(threshold):
        said = rates.rate(genuine, impostor, threshold=threshold)
        return said.fnmr, said.fmr

    nearest = min(abs(refused - matched) for refused, matched in map(both, [*genuine, *impostor]))
    refused, matched = both(at)
    assert abs(refused - matched) == pytest.approx(nearest, abs=1e-9)
    assert error == pytest.approx((refused + matched) / 2, abs=1e-9)


def test_two_bell_curves_have_the_equal_error_rate_of_the_textbook():
    rng = numpy.random.default_rng(11)
    genuine, impostor = rng.normal(0.6, 0.1, 200_000), rng.normal(0.2, 0.1, 200_000)
    error, at = rates.equal_error_rate(genuine, impostor)
    # Equal spreads cross in the middle, two standard deviations from each.
    assert at == pytest.approx(0.4, abs=0.005)
    assert error == pytest.approx(0.5 * math.erfc(2 / math.sqrt(2)), abs=0.001)


def test_scores_apart_have_no_error():
    assert rates.equal_error_rate(numpy.array([0.8, 0.9]), numpy.array([0.1, 0.2]))[0] == 0


@pytest.mark.parametrize(("seen", "of"), [(0, 300), (0, 85_000), (1, 500), (5, 2000), (40, 60_000)])
def test_the_upper_bound_is_the_binomial_one(seen, of):
    """Compared with binomial chances (Clopper and Pearson), which it approaches from above."""
    bound = rates.upper_bound(seen, of)
    chance = sum(
        math.exp(_log_binomial(of, k) + k * math.log(bound) + (of - k) * math.log1p(-bound)) for k in range(seen + 1)
    )
    assert chance == pytest.approx(0.05, rel=0.02)
    if not seen:
        assert bound == pytest.approx(3 / of, rel=0.01)


def _log_binomial(of, k):
    return sum(math.log(of - number) - math.log(number + 1) for number in range(k))


@given(st.floats(1e-6, 0.5))
def test_the_cap_is_the_largest_gallery_in_which_a_stranger_stays_alone(fmr):
    cap = rates.gallery_cap(fmr)

    def meets_somebody(people):
        return 1 - (1 - fmr) ** people

    assert meets_somebody(cap) <= 0.01 + 1e-9
    assert meets_somebody(cap + 1) > 0.01 - 1e-9


@pytest.mark.parametrize(
    ("fmr", "cap"), [(0.0, 1_000_000), (1.0, 0), (0.02, 0), (0.01, 1), (5e-4, 20), (3 / 85_000, 284)]
)
def test_caps_that_can_be_worked_out_by_hand(fmr, cap):
    assert rates.gallery_cap(fmr) == cap


def test_with_few_pictures_the_recommendation_stays_with_what_was_shipped():
    best = rates.recommended(numpy.array([0.8, 0.9]), numpy.array([0.1, 0.2]))
    assert best.threshold == rates.SHIPPED_THRESHOLD
    assert best.gallery_cap == 0


def test_with_many_pairs_the_recommendation_stands_above_the_highest_stranger():
    rng = numpy.random.default_rng(12)
    impostor = numpy.append(rng.normal(0.1, 0.05, 20_000).clip(-1, 0.40), 0.413)
    best = rates.recommended(numpy.array([0.7, 0.8]), impostor)
    assert best.threshold == pytest.approx(0.44)
    assert best.false_matches == 0
    assert best.gallery_cap == rates.gallery_cap(rates.upper_bound(0, 20_001))
    high = rates.recommended(numpy.array([0.7, 0.8]), numpy.append(impostor[:100], 0.7))
    assert high.threshold == pytest.approx(0.73)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=20), st.integers(1, 7))
def test_every_pair_is_compared_once(persons, block):
    vectors = numpy.array([a_vector(number) for number in range(len(persons))])
    before = evaluation._BLOCK
    evaluation._BLOCK = block
    try:
        genuine, impostor = evaluation.pair_scores(vectors, numpy.array(persons))
    finally:
        evaluation._BLOCK = before
    expected = {True: [], False: []}
    for one in range(len(persons)):
        for other in range(one + 1, len(persons)):
            expected[persons[one] == persons[other]].append(float(vectors[one] @ vectors[other]))
    assert numpy.allclose(sorted(genuine), sorted(expected[True]), atol=1e-6)
    assert numpy.allclose(sorted(impostor), sorted(expected[False]), atol=1e-6)


@pytest.fixture
def people(tmp_path):
    folder = tmp_path / "people"
    changes = [
        change for name, change in scenes.OTHER_PICTURES.items() if name in ("cut", "darker", "askew", "head tilted")
    ]
    for name, image in (("张三", scenes.collins()), ("李四", scenes.hopper())):
        (folder / name).mkdir(parents=True)
        for number, change in enumerate(changes):
            (folder / name / f"{number}.png").write_bytes(cv2.imencode(".png", change(image))[1].tobytes())
    (folder / "张三" / "broken.jpg").write_bytes(b"\xff\xd8 no")
    (folder / "张三" / "wall.jpg").write_bytes(
        cv2.imencode(".jpg", numpy.full((200, 200, 3), 128, numpy.uint8))[1].tobytes()
    )
    (folder / "张三" / "notes.txt").write_text("not a picture")
    return folder


def test_a_folder_of_pictures_gives_a_report_that_names_nobody(engine, people, tmp_path):
    report = evaluation.evaluate(people, engine=engine)
    assert (report["people"], report["pictures"]) == (2, 8)
    assert (report["genuine_pairs"], report["impostor_pairs"]) == (12, 16)
    assert report["left_out"] == {"NO_FACE": 1, "UNREADABLE": 1}
    assert report["equal_error_rate"] == 0
    assert report["highest_impostor"] < 0.3 < report["lowest_genuine"]
    assert report["enough_pairs"] is False
    assert report["recommended"]["threshold"] == 0.55
    assert report["model"] == engine.model
    path = evaluation.write_report(report, tmp_path / "reports")
    raw = path.read_text()
    assert json.loads(raw) == report
    assert not any(word in raw for word in ("张三", "李四", str(tmp_path), "vector"))


def test_a_reports_id_is_the_digest_of_what_it_says(engine, people):
    report = evaluation.evaluate(people, engine=engine)
    assert report["id"] == evaluation.report_id(report) == evaluation.evaluate(people, engine=engine)["id"]
    report["recommended"]["gallery_cap"] += 1
    assert report["id"] != evaluation.report_id(report)


def test_the_command_writes_the_report_beside_the_models_or_where_told(faces_home, people, tmp_path, capsys):
    words = ["--home", str(faces_home), "evaluate", str(people), "--out", str(tmp_path / "out")]
    assert cli.main(words) == 0
    printed = json.loads(capsys.readouterr().out)
    (written,) = (tmp_path / "out").iterdir()
    assert json.loads(written.read_text()) == printed
    assert written.name == f"face-report-{printed['id'][:12]}.json"


def test_too_few_pictures_are_said_so(faces_home, people, tmp_path, capsys):
    for path in sorted((people / "李四").iterdir()):
        path.unlink()
    assert cli.main(["--home", str(faces_home), "evaluate", str(people), "--out", str(tmp_path / "out")]) == 1
    assert "at least two persons" in capsys.readouterr().err
    assert cli.main(["--home", str(faces_home), "evaluate", str(tmp_path / "nowhere")]) == 1
    assert not (tmp_path / "out").exists()
