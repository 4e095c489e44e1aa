"""A whole box with a camera: a folder of pictures at its gate, templates as the server sends them, and the models as they lie.

The enrolled person and her second picture are those of examples/faces; the stranger is another person's photograph.
"""

import shutil
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from linli.edge.box import Box
from linli.edge.enrolment import Enrolment
from linli.faces import models
from linli.gate import journal, passes, wire
from linli.gate.decision import Direction, Kind, Reason, Scan
from linli.gate.snapshot import Credential, Delta, FaceRule, GateRule, PassEntry, PassState
from linli.gate.wire import FaceSheet
from tests.edge.conftest import until
from tests.edge.fake_server import ESTATE
from tests.faces.conftest import a_template, engine, faces_home  # noqa: F401

HER, HER_SERIAL = "face_01HER", 7
EXAMPLES = Path(__file__).parents[2] / "examples" / "faces"
STRANGER = Path(__file__).parents[1] / "faces" / "pictures" / "grace-hopper.jpg"
OTHERS = 3


@pytest.fixture(scope="module")
def sheets(engine):  # noqa: F811
    """What the server would send: her template, made from the portrait, and some other people's."""
    face = engine.read(cv2.imread(str(EXAMPLES / "portrait.jpg")))
    templates = [engine.template(face.vector, id=HER)]
    templates += [a_template(f"face_{number}", number, model=engine.model) for number in range(OTHERS)]
    return tuple(FaceSheet(id=one.id, model=one.model, template=one.to_bytes()) for one in templates)


class CameraBox:
    """A box whose camera watches a folder, without a line to the server."""

    def __init__(self, home, *, rule=None):
        self.home, self.pictures = home, home.parent / "pictures"
        self.pictures.mkdir(exist_ok=True)
        enrolment = Enrolment(server="http://127.0.0.1:9", box="b", secret="s", estate=ESTATE, gates=("G01",))
        self.box = Box(enrolment=enrolment, home=home, control_port=0, cameras=[("G01", "in", self.pictures)])
        self.key, self.shown = Ed25519PrivateKey.generate(), 0
        self.version = self.box.agent.snapshot.version
        if rule is not None:
            self.take(rule=rule)
        self.box.start()

    @property
    def door(self):
        return self.box.agent.doors["G01"]

    def code(self):
        now = datetime.now(UTC)
        end, window = now + timedelta(hours=1), passes.window_at(now)
        claims = passes.PassClaims(serial=HER_SERIAL, key_id=1, groups=(1,), start=now, end=end, window=window)
        return passes.mint(claims=claims, key=self.key)

    @property
    def health(self):
        return self.box.control.answer("GET", "/health", {})[1]["parts"]["camera G01"]

    def stop(self):
        if not self.box._stopping.is_set():
            self.box.stop()

    def take(self, *, rule=None, state=PassState.ACTIVE):
        self.version += 1
        now = datetime.now(UTC).replace(microsecond=0)
        words = {"groups": (1,), "start": now - timedelta(hours=1), "end": now + timedelta(hours=1), "holder": "guest"}
        ids = {HER_SERIAL: HER, **{100 + number: f"face_{number}" for number in range(OTHERS)}}
        gate = GateRule(gate="G01", version=self.version, groups=frozenset({1}))
        delta = Delta(
            estate=ESTATE,
            since=self.version - 1,
            until=self.version,
            made_at=now,
            keys={1: self.key.public_key().public_bytes_raw()},
            gates=(replace(gate, face=rule),) if rule is not None else (),
            passes=tuple(
                PassEntry(
                    serial=serial,
                    version=self.version,
                    state=state if serial == HER_SERIAL else PassState.ACTIVE,
                    **words,
                )
                for serial in ids
            ),
            credentials=(
                *(Credential(kind="FACE", value=id, serial=who, version=self.version) for who, id in ids.items()),
                *(Credential(kind="CARD", value=f"C{who}", serial=who, version=self.version) for who in ids),
            ),
        )
        self.box.agent.take(delta)
        # As the line does before it sends the receipt.
        self.box.uplink._errands.follow(delta)

    def fetch(self, sheets):
        """Let the box fetch what it lacks, from a server that has these."""

        def ask(method, path, body=None):
            if not path.startswith("/api/gate/faces?ids="):
                return None
            asked = path.partition("=")[2].split(",")
            return wire.encode_faces(tuple(one for one in sheets if one.id in asked))

        self.box.uplink._errands.run(ask)

    def show(self, *paths):
        """Drop pictures into the folder, one after the other, each whole at once."""
        for path in paths:
            self.shown += 1
            part = self.pictures / f"{self.shown:03}.part"
            shutil.copyfile(path, part)
            part.rename(part.with_suffix(".jpg"))

    def lines(self, kind=Kind.FACE):
        parsed = [journal.parse(line).event for line in self.box.journal.lines("G01")]
        return [event for event in parsed if event.method == kind.value]

    def looked(self, monkeypatch):
        """Give a list that grows with every picture that the camera was shown and has judged."""
        judged = []
        watch = self.box._cameras._watches[0][1]
        see = watch.see

        def seen(image, at):
            who = see(image, at)
            judged.append(who)
            return who

        monkeypatch.setattr(watch, "see", seen)
        return judged


@pytest.fixture
def run_box(tmp_path, faces_home):  # noqa: F811
    running = []

    def run(**words):
        made = CameraBox(tmp_path / "box", **words)
        running.append(made)
        return made

    yield run
    for made in running:
        made.stop()


@pytest.fixture
def doorway(run_box, sheets):
    made = run_box(rule=FaceRule())
    made.fetch(sheets)
    return made


def second(times):
    return [EXAMPLES / "second.jpg"] * times


def test_another_picture_of_the_enrolled_opens_and_the_journal_has_the_evidence(doorway):
    assert doorway.health["well"]
    assert len(doorway.box._album) == 1 + OTHERS
    doorway.show(*second(3))
    until(lambda: doorway.door.opened)
    (event,) = doorway.lines()
    assert (event.reason, event.serial, event.opened) == ("OK", HER_SERIAL, True)
    word, score, margin, frames = event.note.split()
    assert (word, frames) == ("face", "3")
    assert float(score) > 0.6
    assert float(margin) > 0.05


def test_a_stranger_opens_nothing_and_leaves_no_line(doorway, monkeypatch):
    judged = doorway.looked(monkeypatch)
    doorway.show(*[STRANGER] * 5)
    until(lambda: len(judged) == 5)
    assert judged == [None] * 5
    assert (doorway.door.opened, doorway.lines()) == (0, [])


def test_after_revocation_the_same_picture_opens_nothing_and_the_template_is_nowhere(doorway, monkeypatch, sheets):
    doorway.show(*second(3))
    until(lambda: doorway.door.opened == 1)
    gallery = doorway.box._cameras._gallery
    assert HER in gallery
    doorway.take(state=PassState.REVOKED)
    assert HER not in gallery
    her = numpy.frombuffer(sheets[0].template, dtype=numpy.float32)
    assert (gallery._matrix @ her).max() < 0.3
    assert len(doorway.box._templates.load()) == OTHERS
    assert HER not in {sheet.id for sheet in doorway.box._templates.load()}
    doorway.fetch(sheets)
    assert HER not in gallery, "nor is it fetched again"
    # Nobody stays in view from before.
    doorway.box._cameras._watches[0][1]._in_view.clear()
    judged = doorway.looked(monkeypatch)
    doorway.show(*second(4))
    until(lambda: len(judged) == 4)
    assert doorway.door.opened == 1
    assert len(doorway.lines()) == 1


def test_where_a_turn_of_the_head_is_asked_a_still_picture_opens_nothing(run_box, sheets, monkeypatch):
    doorway = run_box(rule=FaceRule(head_turn=True))
    doorway.fetch(sheets)
    judged = doorway.looked(monkeypatch)
    doorway.show(*[EXAMPLES / "portrait.jpg"] * 10)
    until(lambda: len(judged) == 10)
    assert doorway.box._cameras._watches[0][1]._said.startswith("TURN_")
    assert (doorway.door.opened, doorway.lines()) == (0, [])


@pytest.mark.parametrize(("kind", "reason", "opened"), [("CODE", "OK", 3), ("CARD", "REPLAYED", 2)])
def test_above_the_cap_a_good_card_or_code_of_hers_lets_her_face_be_known(
    run_box, sheets, monkeypatch, kind, reason, opened
):
    """The card opened already; one person's card and face, one right after the other, open once (REPLAYED)."""
    doorway = run_box(rule=FaceRule(gallery_cap=2))
    doorway.fetch(sheets)
    judged = doorway.looked(monkeypatch)
    watch = doorway.box._cameras._watches[0][1]

    def scan(kind, code):
        return doorway.box.control._present(Scan(gate="G01", kind=Kind(kind), text=code)).verdict

    doorway.show(*second(3))
    until(lambda: len(judged) == 3)
    assert watch._said == "SECOND_FACTOR"
    assert scan("CARD", "C999").reason is Reason.UNKNOWN_CREDENTIAL
    assert watch._narrowed is None, "a card that is not good names nobody"
    assert scan("CARD", "C100").open
    doorway.show(*second(3))
    until(lambda: len(judged) == 6)
    assert judged == [None] * 6, "another's card does not do"
    assert scan(kind, doorway.code() if kind == "CODE" else f"C{HER_SERIAL}").open
    doorway.show(*second(3))
    until(lambda: doorway.box.readers[1].outcomes)
    assert [(event.serial, event.reason) for event in doorway.lines()] == [(HER_SERIAL, reason)]
    assert doorway.door.opened == opened
    assert watch._narrowed is None, "one card, one passage"


def missing(folder):
    (folder / "fr_feature.onnx").unlink()


def altered(folder):
    with (folder / "fr_detect.onnx").open("ab") as file:
        file.write(b"more")


def misdescribed(folder):
    (folder / "models.json").write_text("[]")


@pytest.mark.parametrize("spoil", [missing, altered, misdescribed])
def test_a_box_whose_models_are_not_as_meant_starts_and_says_so(run_box, sheets, tmp_path, monkeypatch, spoil):
    before = run_box(rule=FaceRule())
    before.fetch(sheets)
    assert before.box._templates.load()
    before.stop()
    shutil.copytree(models.home(), tmp_path / "models")
    spoil(tmp_path / "models")
    monkeypatch.setenv("LINLI_FACES_HOME", str(tmp_path / "models"))
    assert_starts_blind(run_box())


def test_a_box_without_the_programs_for_faces_starts_and_says_so(run_box, monkeypatch):
    monkeypatch.setitem(sys.modules, "linli.edge.cameras", None)
    assert_starts_blind(run_box(rule=FaceRule()))


def assert_starts_blind(doorway):
    assert not doorway.health["well"]
    assert doorway.health["words"]
    present = doorway.box._present
    assert present(Scan(gate="G01", kind=Kind.EXIT, direction=Direction.OUT)).verdict.open
    assert present(Scan(gate="G01", kind=Kind.CARD, text=f"C{HER_SERIAL}")).verdict.reason is Reason.OK
    assert doorway.door.opened == 2
    assert doorway.box._templates.load() == [], "faces that nobody follows are not kept"
    others = doorway.box.control.answer("GET", "/health", {})[1]["parts"]
    assert [name for name, part in others.items() if not part["well"]] == ["camera G01", "uplink"]
