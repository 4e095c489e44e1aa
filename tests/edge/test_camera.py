"""A face opens a door: its own only, only while it may pass here, only as often as frames agree; and no frame is kept.

There is one photograph of the person who is enrolled; the other pictures of her are made from it (tests/faces/scenes.py).
The stranger is another person's photograph.
"""

import gc
import threading
from datetime import UTC, datetime, timedelta

import cv2
import numpy
import pytest
import segno

from linli.edge.drivers.camera import _NOTICES, CameraReader, FaceWatch
from linli.edge.drivers.watching import UnreadablePicture
from linli.faces import headturn
from linli.faces.engine import Engine
from linli.faces.gallery import Gallery
from linli.faces.headturn import Challenge, Side
from linli.faces.models import load
from linli.gate.decision import Kind, Reason
from linli.gate.snapshot import Credential, Delta, FaceRule, GateRule, PassEntry
from tests.edge.conftest import until
from tests.edge.fake_server import ESTATE
from tests.faces import scenes
from tests.faces.conftest import a_template, engine, faces_home  # noqa: F401

HER = "face_01HER"
LIKENESSES = ("cut", "darker", "askew", "head tilted")


@pytest.fixture(scope="module")
def enrolled(engine):  # noqa: F811
    return engine.read(scenes.collins())


class Doorway:
    """One watch with all that it is told and all that it tells."""

    def __init__(self, engine, face):  # noqa: F811
        self.gallery = Gallery(model=engine.model)
        self.gallery.add(engine.template(face.vector, id=HER))
        for seed in range(30):
            self.gallery.add(a_template(f"face_{seed}", seed, model=engine.model))
        self.among = set(self.gallery.ids())
        self.rule = FaceRule()
        self.now = 0.0
        self.told = []
        self.watch = FaceWatch(
            engine=engine,
            gallery=self.gallery,
            among=lambda: self.among,
            rule=lambda: self.rule,
            tell=lambda notice: self.told.append(notice.code),
            monotonic=lambda: self.now,
        )

    def show(self, images, *, start=0.0, every=0.2):
        seen = [self.watch.see(image, start + every * number) for number, image in enumerate(images)]
        return [who for who in seen if who is not None]


@pytest.fixture
def doorway(engine, enrolled):  # noqa: F811
    return Doorway(engine, enrolled)


def likenesses(image):
    return [scenes.OTHER_PICTURES[name](image) for name in LIKENESSES]


def test_other_pictures_of_the_enrolled_face_are_recognised_once(doorway):
    (who,) = doorway.show(likenesses(scenes.collins()) * 3)
    assert who.id == HER
    assert who.frames == 3
    kind, score, margin, frames = who.evidence.split()
    assert (kind, frames) == ("face", "3")
    assert float(score) > 0.85
    assert float(margin) > 0.5
    assert doorway.told == ["RECOGNISED"]


def test_fewer_frames_than_the_rule_asks_open_nothing(doorway):
    assert doorway.show(likenesses(scenes.collins())[:2]) == []
    assert doorway.show([scenes.collins()], start=10.0) == []
    doorway.rule = FaceRule(frames=2)
    assert len(doorway.show([scenes.collins()], start=10.3)) == 1


def test_a_frame_of_somebody_else_in_between_starts_the_count_again(doorway):
    her, other = scenes.collins(), scenes.hopper()
    assert doorway.show([her, her, other, her, her, other]) == []
    assert doorway.told == ["NOBODY"]


def test_a_stranger_is_nobody_however_long_they_stand_there(doorway):
    assert doorway.show(likenesses(scenes.hopper()) * 3) == []
    assert doorway.told == ["NOBODY"]


def test_whoever_may_not_pass_here_now_is_nobody(doorway):
    doorway.among.discard(HER)
    assert doorway.show([scenes.collins()] * 4) == []
    doorway.among.add(HER)
    assert len(doorway.show([scenes.collins()] * 4, start=5.0)) == 1


def test_after_withdrawal_the_next_frame_finds_nobody(doorway):
    assert doorway.show([scenes.collins()] * 2) == []
    doorway.gallery.drop(HER)
    assert doorway.show([scenes.collins()] * 4, start=0.4) == []


def test_whoever_left_and_comes_back_is_presented_again(doorway):
    assert len(doorway.show([scenes.collins()] * 8)) == 1
    assert len(doorway.show([scenes.collins()] * 4, start=4.0)) == 0
    assert len(doorway.show([scenes.collins()] * 4, start=12.0)) == 1


def test_above_the_cap_a_second_factor_is_asked_and_then_one_is_compared_with_one(doorway):
    doorway.rule = FaceRule(gallery_cap=20)
    assert doorway.show([scenes.collins()] * 4) == []
    assert doorway.told == ["SECOND_FACTOR"]
    doorway.watch.narrow("face_3")
    assert doorway.show([scenes.collins()] * 4, start=1.0) == []
    doorway.watch.narrow(HER)
    (who,) = doorway.show([scenes.collins()] * 4, start=2.0)
    assert who.id == HER
    # One card, one passage: the next needs a card again.
    assert doorway.show([scenes.collins()] * 4, start=20.0) == []


def test_a_card_is_good_for_some_seconds_and_for_its_holder_only(doorway):
    doorway.rule = FaceRule(gallery_cap=20)
    doorway.watch.narrow(HER, seconds=10.0)
    assert doorway.show([scenes.hopper()] * 4) == []
    doorway.now = 10.1
    assert doorway.show([scenes.collins()] * 4, start=10.1) == []
    doorway.among.discard(HER)
    doorway.watch.narrow(HER)
    assert doorway.show([scenes.collins()] * 4, start=11.0) == []


def test_whoever_stays_in_view_and_shows_a_card_is_presented_again(doorway):
    assert len(doorway.show([scenes.collins()] * 4)) == 1
    doorway.watch.narrow(HER)
    assert len(doorway.show([scenes.collins()] * 4, start=0.8)) == 1


def test_two_enrolled_who_look_alike_are_asked_for_a_second_factor(doorway, engine, enrolled):  # noqa: F811
    doorway.gallery.add(engine.template(enrolled.vector, id="face_twin"))
    doorway.among.add("face_twin")
    assert doorway.show([scenes.collins()] * 4) == []
    assert doorway.told == ["SECOND_FACTOR"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda image: (image * 0.2).astype(numpy.uint8), "TOO_DARK"),
        (lambda image: image[::4, ::4].copy(), "TOO_SMALL"),
    ],
)
def test_a_poor_picture_opens_nothing_and_says_what_to_do(doorway, change, code):
    assert doorway.show([change(scenes.collins())] * 5) == []
    assert doorway.told == [code]
    assert all((_NOTICES[code].zh, _NOTICES[code].en))


def test_what_does_not_look_alive_opens_nothing(doorway, engine, monkeypatch):  # noqa: F811
    monkeypatch.setattr(engine, "liveness", lambda image, box: 0.2)
    assert doorway.show([scenes.collins()] * 5) == []
    assert doorway.told == ["NOT_LIVE"]


@pytest.fixture
def turning_left(doorway, monkeypatch):
    doorway.rule = FaceRule(head_turn=True)
    monkeypatch.setattr(headturn, "choose", lambda *, asked_at: Challenge(side=Side.LEFT, asked_at=asked_at))
    return doorway


def test_where_a_turn_is_asked_a_turn_to_that_side_opens(turning_left, enrolled):
    film = scenes.turning(scenes.collins(), enrolled.landmarks, to=28)
    (who,) = turning_left.show([scenes.collins()] * 3 + film)
    assert who.id == HER
    assert turning_left.told == ["TURN_LEFT", "RECOGNISED"]


def test_where_a_turn_is_asked_a_still_picture_does_not_open(turning_left):
    assert turning_left.show([scenes.collins()] * 45) == []
    assert turning_left.told[:2] == ["TURN_LEFT", "TURN_FAILED"]


def test_a_turn_to_the_other_side_does_not_open(turning_left, enrolled):
    film = scenes.turning(scenes.collins(), enrolled.landmarks, to=-28)
    assert turning_left.show([scenes.collins()] * 3 + film) == []
    assert turning_left.told == ["TURN_LEFT", "TURN_FAILED"]


def test_a_print_held_up_first_and_ones_own_face_for_the_turn_does_not_open(turning_left, engine):  # noqa: F811
    her, thief = scenes.collins(), scenes.hopper()
    face = engine.read(thief)
    # The thief's face stands just where the printed one stood.
    place = engine.detect(her)[0]
    scale = place.width / face.box.width
    shift = numpy.float32(
        [[scale, 0, place.left - face.box.left * scale], [0, scale, place.top - face.box.top * scale]]
    )
    film = [
        cv2.warpAffine(frame, shift, her.shape[1::-1], borderMode=cv2.BORDER_REFLECT)
        for frame in scenes.turning(thief, face.landmarks, to=28)
    ]
    assert turning_left.show([her] * 3 + film[:-1] + [her] * 3) == []
    assert turning_left.told[:2] == ["TURN_LEFT", "TURN_FAILED"]


def test_a_withdrawal_during_the_turn_is_heard(turning_left, enrolled):
    film = scenes.turning(scenes.collins(), enrolled.landmarks, to=28)
    assert turning_left.show([scenes.collins()] * 3 + film[:5]) == []
    turning_left.among.discard(HER)
    assert turning_left.show(film[5:], start=1.6) == []


def test_no_frame_outlives_its_look(doorway):
    class Frame(numpy.ndarray):
        pass

    frames = [scenes.collins().view(Frame) for _ in range(4)]
    assert len(doorway.show(frames)) == 1
    size = frames[0].nbytes
    del frames
    gc.collect()
    assert not [thing for thing in gc.get_objects() if type(thing) is Frame]
    assert not [value for value in vars(doorway.watch).values() if getattr(value, "nbytes", 0) >= size]


def a_list(*, serials=(7,), version=10):
    now = datetime.now(UTC).replace(microsecond=0)
    start, end = now - timedelta(hours=1), now + timedelta(hours=1)
    return Delta(
        estate=ESTATE,
        since=0,
        until=version,
        made_at=now,
        keys={1: bytes(32)},
        gates=(GateRule(gate="G01", version=version, groups=frozenset({1})),),
        passes=tuple(
            PassEntry(serial=serial, version=version, groups=(1,), start=start, end=end, holder="guest")
            for serial in serials
        ),
        credentials=tuple(Credential(kind="FACE", value=HER, serial=serial, version=version) for serial in serials),
    )


def film(path, images):
    height, width = images[0].shape[:2]
    out = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (width, height))
    for image in images:
        out.write(cv2.resize(image, (width, height)))
    out.release()
    return path


def watched(box, doorway, source):
    reader = CameraReader(gate="G01", source=source, watch=doorway.watch)
    reader.start(box.agent.present)
    reader.wait()
    return reader


def test_a_film_of_the_face_opens_the_door_and_the_journal_says_how_sure_it_was(box, doorway, tmp_path):
    box.agent.take(a_list())
    reader = watched(box, doorway, film(tmp_path / "film.avi", [scenes.collins()] * 8))
    (outcome,) = reader.outcomes
    assert outcome.verdict.reason is Reason.OK
    assert box.doors["G01"].opened == 1
    line = box.lines()[-1]
    assert f"\t{Kind.FACE.value}\tin\t1\tOK\t" in line
    assert "face 0." in line
    assert HER not in line


def test_a_film_of_a_stranger_opens_nothing_and_leaves_no_line(box, doorway, tmp_path):
    box.agent.take(a_list())
    before = list(box.lines())
    reader = watched(box, doorway, film(tmp_path / "film.avi", [scenes.hopper()] * 8))
    assert reader.outcomes == []
    assert box.doors["G01"].opened == 0
    assert list(box.lines()) == before


def test_a_face_whose_credential_is_not_on_the_list_is_refused_by_the_agent(box, doorway, tmp_path):
    box.agent.take(a_list(serials=()))
    (outcome,) = watched(box, doorway, film(tmp_path / "film.avi", [scenes.collins()] * 8)).outcomes
    assert outcome.verdict.reason is Reason.UNKNOWN_CREDENTIAL
    assert box.doors["G01"].opened == 0


def test_a_printed_code_before_the_camera_of_faces_opens_nothing(box, doorway, tmp_path):
    box.agent.take(a_list())
    segno.make("LL1.a-code-of-a-closed-stay").save(str(tmp_path / "code.png"), scale=8)
    assert watched(box, doorway, tmp_path / "code.png").outcomes == []
    assert box.doors["G01"].opened == 0


def test_pictures_that_fall_into_a_folder_are_frames(box, doorway, tmp_path):
    box.agent.take(a_list())
    folder = tmp_path / "frames"
    folder.mkdir()
    reader = CameraReader(gate="G01", source=folder, watch=doorway.watch)
    reader.start(box.agent.present)
    try:
        (folder / "0.jpg").write_bytes(b"not a picture")
        until(lambda: not reader.health().well)
        for number, image in enumerate(likenesses(scenes.collins())[:3]):
            (folder / f"{number + 1}.jpg").write_bytes(cv2.imencode(".jpg", image)[1].tobytes())
        until(lambda: reader.outcomes)
    finally:
        reader.stop()
    assert reader.outcomes[0].verdict.open
    assert box.doors["G01"].opened == 1
    assert sorted(path.name for path in folder.iterdir()) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]


def test_a_camera_is_watched_until_told_to_stop_and_its_loss_is_its_health(box, doorway, tmp_path):
    """A text is a camera; a film's name plays one here, which ends and is opened again."""
    box.agent.take(a_list())
    path = film(tmp_path / "film.avi", [scenes.collins()] * 40)
    doorway.rule = FaceRule(frames=1)
    reader = CameraReader(gate="G01", source=str(path), watch=doorway.watch)
    reader.start(box.agent.present)
    try:
        until(lambda: reader.outcomes)
        until(lambda: not reader.health().well)
    finally:
        reader.stop()
    assert reader.outcomes[0].verdict.open
    assert str(path) not in reader.health().words
    assert not [thread for thread in threading.enumerate() if thread.name == "frames-G01"]


def test_without_its_models_the_camera_says_so_and_the_reader_lives(box, doorway, tmp_path):
    lost = FaceWatch(
        engine=Engine(registry=load(tmp_path)), gallery=doorway.gallery, among=set, rule=lambda: doorway.rule
    )
    cv2.imwrite(str(tmp_path / "her.png"), scenes.collins())
    reader = CameraReader(gate="G01", source=tmp_path / "her.png", watch=lost)
    reader.start(box.agent.present)
    reader.wait()
    assert reader.outcomes == []
    assert "linli faces fetch" in reader.health().words


def test_a_file_that_is_no_picture_is_unreadable(doorway, tmp_path):
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    reader = CameraReader(gate="G01", source=tmp_path, watch=doorway.watch)
    for name in ("x.png", "nowhere.png"):
        with pytest.raises(UnreadablePicture):
            list(reader.in_picture(tmp_path / name))
