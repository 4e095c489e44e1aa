"""A face template lives as long as its pass, and when it goes not a byte of it stays."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from linli.edge.album import Album
from linli.edge.store import StoreFailed
from linli.edge.store.database import Database
from linli.edge.store.templates import TemplateStore
from linli.gate.snapshot import Credential, GateRule, PassEntry, PassState, Snapshot
from linli.gate.wire import FaceSheet

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
PATTERN = b"a pattern that can be found in a file " * 54
SECRET = "a box's secret"


class Faces:
    """A gallery that only remembers the ids."""

    def __init__(self):
        self.ids = {}

    def hold(self, sheet, *, holder):
        if sheet.model == "other":
            raise ValueError("another model")
        self.ids[sheet.id] = holder

    def drop(self, id):
        return self.ids.pop(id, None) is not None


def sheet(id, model="m-1"):
    return FaceSheet(id=id, model=model, template=PATTERN)


def listed(*ids, **changes):
    words = {"version": 1, "groups": (1,), "start": NOW, "end": NOW + timedelta(days=1), "holder": "guest"}
    return Snapshot(
        estate="estate_test",
        version=1,
        gates={"G01": GateRule(gate="G01", version=1, groups=frozenset({1}))},
        passes={number: PassEntry(**{**words, "serial": number, **changes}) for number, _ in enumerate(ids, 1)},
        credentials={
            ("FACE", id): Credential(kind="FACE", value=id, serial=number, version=1)
            for number, id in enumerate(ids, 1)
        },
    )


@pytest.fixture
def store(tmp_path):
    return TemplateStore(path=tmp_path / "templates.sqlite3", secret=SECRET)


def album(store, now=lambda: NOW):
    return Album(store=store, faces=Faces(), gates=("G01",), now=now)


def on_disk(folder):
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def sealed_on_disk(store):
    return [row[0] for row in store._database.open().execute("SELECT sealed FROM templates")]


def test_a_template_is_sealed_on_the_disk_and_read_back(store, tmp_path):
    store.add([sheet("face_1")])
    assert PATTERN[:64] not in on_disk(tmp_path)
    assert b"face_1" not in on_disk(tmp_path)
    store.close()
    assert TemplateStore(path=tmp_path / "templates.sqlite3", secret=SECRET).load() == [sheet("face_1")]


def test_a_dropped_template_leaves_not_a_byte_in_any_file(store, tmp_path):
    store.add([sheet("face_1"), sheet("face_2")])
    blobs = sealed_on_disk(store)
    pieces = [blob[start : start + 24] for blob in blobs for start in range(0, len(blob) - 24, 500)]
    assert any(piece in on_disk(tmp_path) for piece in pieces)
    store.drop(["face_1", "face_2"])
    assert not any(piece in on_disk(tmp_path) for piece in pieces)
    assert (tmp_path / "templates.sqlite3-wal").stat().st_size == 0


def test_while_somebody_reads_the_file_a_drop_is_not_called_done(store, tmp_path):
    store.add([sheet("face_1")])
    other = Database(path=tmp_path / "templates.sqlite3", schema="SELECT 1").open()
    other.execute("BEGIN")
    other.execute("SELECT * FROM templates").fetchall()
    with pytest.raises(StoreFailed):
        store.drop(["face_1"])
    other.execute("COMMIT")
    store.drop(["face_1"])
    assert store.load() == []


def test_a_damaged_file_of_templates_is_deleted_and_not_kept_aside(store, tmp_path):
    store.add([sheet("face_1")])
    store.close()
    (tmp_path / "templates.sqlite3").write_bytes(b"not a database" * 500)
    (tmp_path / "templates.sqlite3-wal").unlink(missing_ok=True)
    store.add([sheet("face_2")])
    assert store.load() == [sheet("face_2")]
    assert not list(tmp_path.glob("*.damaged-*"))


def test_what_another_secret_sealed_is_dropped(store, tmp_path):
    store.add([sheet("face_1")])
    store.close()
    assert TemplateStore(path=tmp_path / "templates.sqlite3", secret="another").load() == []


def test_a_box_without_cameras_deletes_the_file(store, tmp_path):
    store.add([sheet("face_1")])
    store.clear()
    assert list(tmp_path.iterdir()) == []


def test_what_the_list_lets_live_is_asked_for_and_nothing_else(store):
    book, snapshot = album(store), listed("face_1", "face_2")
    assert book.missing(snapshot) == ["face_1", "face_2"]
    book.take([sheet("face_1"), sheet("face_9")], snapshot)
    assert book.missing(snapshot) == ["face_2"]
    assert book._faces.ids == {"face_1": f"{1:016x}"}
    assert [one.id for one in store.load()] == ["face_1"]


@pytest.mark.parametrize(
    "changes",
    [{"state": PassState.REVOKED}, {"state": PassState.SUSPENDED}, {"end": NOW}, {"groups": (9,)}],
    ids=["revoked", "suspended", "ended", "other doors"],
)
def test_who_may_no_longer_pass_is_forgotten_in_memory_and_on_the_disk(store, changes):
    book = album(store)
    book.take([sheet("face_1")], listed("face_1"))
    book.follow(listed("face_1", **changes))
    assert book._faces.ids == {}
    assert store.load() == []
    assert book.missing(listed("face_1", **changes)) == []


def test_a_credential_taken_back_takes_its_template_along(store):
    book, snapshot = album(store), listed("face_1")
    book.take([sheet("face_1")], snapshot)
    dead = {key: replace(one, live=False) for key, one in snapshot.credentials.items()}
    book.follow(replace(snapshot, credentials=dead))
    assert store.load() == []


def test_offline_a_template_expires_with_its_pass(store):
    clock = [NOW]
    book, snapshot = album(store, now=lambda: clock[0]), listed("face_1")
    book.take([sheet("face_1")], snapshot)
    clock[0] = NOW + timedelta(hours=23)
    book.follow(snapshot)
    assert book.among("G01", snapshot) == {"face_1"}
    clock[0] = NOW + timedelta(hours=24)
    assert book.among("G01", snapshot) == frozenset()
    book.follow(snapshot)
    assert store.load() == []


def test_a_restart_holds_what_still_lives(store):
    album(store).take([sheet("face_1"), sheet("face_2")], listed("face_1", "face_2"))
    again = album(store)
    again.load(listed("face_1"))
    assert set(again._faces.ids) == {"face_1"}
    assert [one.id for one in store.load()] == ["face_1"]


def test_a_template_of_another_model_is_not_asked_for_for_ever(store):
    book, snapshot = album(store), listed("face_1")
    book.take([sheet("face_1", model="other")], snapshot)
    assert book._faces.ids == {}
    assert book.missing(snapshot) == []
