"""A gallery finds who it is as a plain comparison would, whatever the order, and forgets for good."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linli.faces.gallery import BadTemplate, Gallery, Match, Miss, NoMatch, OtherModel, Template, template_from_bytes
from tests.faces.conftest import MODEL, a_template, a_vector, near

SEARCH = {"threshold": 0.55, "margin": 0.05, "cap": 1000}
PEOPLE = st.lists(st.integers(0, 200), min_size=1, max_size=90, unique=True)


def filled(seeds):
    gallery = Gallery(model=MODEL)
    for seed in seeds:
        gallery.add(a_template(f"face_{seed}", seed))
    return gallery


def by_hand(probe, templates, *, threshold, margin):
    """The same search, one comparison after another, in plain Python."""
    scores = sorted(
        ((sum(a * b for a, b in zip(probe, t.vector.tolist(), strict=True)), t.id) for t in templates), reverse=True
    )
    if not scores or scores[0][0] < threshold:
        return None
    behind = scores[0][0] - (scores[1][0] if len(scores) > 1 else 0.0)
    return scores[0][1] if behind >= margin else None


@given(seeds=PEOPLE, chosen=st.integers(0, 200), cosine=st.floats(0.3, 0.99), noise=st.integers(1000, 1005))
def test_a_search_finds_whom_a_plain_comparison_finds(seeds, chosen, cosine, noise):
    gallery = filled(seeds)
    probe = near(a_template("x", chosen), cosine, seed=noise)
    among = {f"face_{seed}" for seed in seeds if seed % 3}
    found = gallery.search(probe, among=among, **SEARCH)
    templates = [a_template(f"face_{seed}", seed) for seed in seeds if seed % 3]
    expected = by_hand(probe.vector.tolist(), templates, threshold=0.55, margin=0.05)
    if abs(cosine - 0.55) > 1e-3:
        assert (found.id if isinstance(found, Match) else None) == expected


@given(seeds=PEOPLE, gone=st.sets(st.integers(0, 200)), data=st.data())
def test_the_order_of_adding_and_dropping_does_not_matter(seeds, gone, data):
    there = filled(seeds)
    other = filled(data.draw(st.permutations(seeds)))
    for seed in sorted(gone):
        there.drop(f"face_{seed}")
    for seed in sorted(gone, reverse=True):
        other.drop(f"face_{seed}")
    assert there.ids() == other.ids() == {f"face_{seed}" for seed in seeds if seed not in gone}
    for seed in seeds:
        probe = near(a_template("x", seed), 0.8)
        one, two = (one.search(probe, among=there.ids(), **SEARCH) for one in (there, other))
        assert type(one) is type(two)
        assert isinstance(one, Match) is (seed not in gone)


@given(seeds=PEOPLE, gone=st.lists(st.integers(0, 200), min_size=1))
def test_whoever_is_dropped_is_nowhere_in_memory(seeds, gone):
    gallery = filled(seeds)
    for seed in gone:
        was_there = f"face_{seed}" in gallery
        assert gallery.drop(f"face_{seed}") is was_there
        assert f"face_{seed}" not in gallery
        assert not _holds(gallery, a_vector(seed))
    kept = [seed for seed in seeds if seed not in gone]
    assert len(gallery) == len(kept)
    assert all(_holds(gallery, a_vector(seed)) for seed in kept)
    assert not gallery._matrix[len(kept) :].any()


def test_growing_leaves_nothing_behind():
    gallery = filled(range(64))
    before = gallery._matrix
    gallery.add(a_template("face_64", 64))
    assert gallery._matrix is not before
    assert not before.any()
    gallery.clear()
    assert len(gallery) == 0
    assert not gallery._matrix.any()


def test_a_template_added_again_takes_the_place_of_the_older_one():
    gallery = filled([1])
    gallery.add(a_template("face_1", 2))
    assert len(gallery) == 1
    assert not _holds(gallery, a_vector(1))
    assert _holds(gallery, a_vector(2))


def test_a_stranger_is_nobody_and_an_empty_gallery_knows_nobody():
    stranger = a_template("x", 999)
    found = filled(range(50)).search(stranger, among={f"face_{n}" for n in range(50)}, **SEARCH)
    assert found.reason is Miss.NOBODY
    assert 0 < found.score < 0.55
    assert Gallery(model=MODEL).search(stranger, among={"face_1"}, **SEARCH) == NoMatch(reason=Miss.NOBODY)


def test_whoever_may_not_pass_here_now_is_not_found_although_held():
    gallery = filled([1, 2])
    probe = near(a_template("x", 1), 0.9)
    assert isinstance(gallery.search(probe, among={"face_1"}, **SEARCH), Match)
    assert gallery.search(probe, among={"face_2"}, **SEARCH).reason is Miss.NOBODY


def test_two_who_look_alike_are_neither():
    gallery = filled([1])
    gallery.add(near(a_template("x", 1), 0.98, id="twin"))
    probe = near(a_template("x", 1), 0.9, seed=5007)
    found = gallery.search(probe, among=gallery.ids(), **SEARCH)
    assert found.reason is Miss.TOO_CLOSE
    assert found.score > 0.85


def test_two_templates_of_one_holder_do_not_stand_against_each_other():
    gallery = Gallery(model=MODEL)
    first = a_template("face_a", 1, holder="pers_1")
    alike = near(first, 0.98, id="face_b")
    gallery.add(first)
    gallery.add(Template(id="face_b", model=MODEL, vector=alike.vector, holder="pers_1"))
    gallery.add(a_template("face_c", 2, holder="pers_2"))
    found = gallery.search(near(first, 0.9, seed=5007), among=gallery.ids(), **SEARCH)
    assert found.id in {"face_a", "face_b"}
    assert found.margin > 0.5


def test_more_than_the_cap_are_not_searched_but_one_may_be_compared():
    gallery = filled(range(20))
    probe = near(a_template("x", 3), 0.9)
    limits = {"threshold": 0.55, "margin": 0.05, "cap": 19}
    assert gallery.search(probe, among=gallery.ids(), **limits) == NoMatch(reason=Miss.TOO_MANY)
    assert isinstance(gallery.search(probe, among=gallery.ids() - {"face_9"}, **limits), Match)
    assert gallery.compare(probe, id="face_3", threshold=0.55).score == pytest.approx(0.9, abs=1e-3)
    assert gallery.compare(probe, id="face_4", threshold=0.55).reason is Miss.NOBODY
    assert gallery.compare(probe, id="face_99", threshold=0.55) == NoMatch(reason=Miss.NOBODY)


def test_templates_of_two_models_never_meet():
    gallery = filled([1])
    other = a_template("face_2", 1, model="mine-00000000")
    for meet in (
        lambda: gallery.add(other),
        lambda: gallery.search(other, among={"face_1"}, **SEARCH),
        lambda: gallery.compare(other, id="face_1", threshold=0.5),
    ):
        with pytest.raises(OtherModel):
            meet()
    assert gallery.ids() == {"face_1"}


def test_a_template_survives_being_written_down():
    template = a_template("face_1", 1, holder="pers_1")
    raw = template.to_bytes()
    assert len(raw) == 2048
    again = template_from_bytes(raw, id="face_1", model=MODEL, holder="pers_1")
    assert numpy.array_equal(again.vector, template.vector)
    assert not again.vector.flags.writeable
    assert "vector" not in repr(again)


@pytest.mark.parametrize(
    "vector", [numpy.zeros(512), numpy.ones(512), numpy.ones(128) / 128**0.5, numpy.full(512, numpy.nan)]
)
def test_what_is_no_template_is_refused(vector):
    with pytest.raises(BadTemplate):
        Template(id="face_1", model=MODEL, vector=vector)
    with pytest.raises(BadTemplate):
        template_from_bytes(numpy.asarray(vector, "<f4").tobytes(), id="face_1", model=MODEL)


def _holds(gallery, vector):
    return bool((numpy.abs(gallery._matrix - vector).max(axis=1) < 1e-6).any())
