"""The models come by checksum or not at all; another model takes a step only by its own name and sum."""

import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from linli.faces import cli, fetching, models
from linli.faces.models import BadModels, State, load


def put(folder, **told):
    folder.mkdir(exist_ok=True)
    (folder / models.REPLACEMENTS).write_text(json.dumps(told))
    return folder


def replacement(folder, content=b"other weights", name="mine.onnx"):
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return {"file": name, "sha256": hashlib.sha256(content).hexdigest()}


def test_what_was_fetched_is_what_is_meant(faces_home):
    registry = load(faces_home)
    assert {registry.state(step) for step in registry.models} == {State.PRESENT}
    assert fetching.wanting(faces_home) == ()


def test_fetching_again_does_nothing_and_needs_no_network(faces_home, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert fetching.fetch(faces_home) == ()


def test_a_damaged_model_is_told_and_only_it_is_brought_again(faces_home, tmp_path):
    home = shutil.copytree(faces_home, tmp_path / "faces", ignore=shutil.ignore_patterns("reports"))
    (home / "fr_eye.onnx").write_bytes(b"half a mod")
    assert load(home).state("eye") is State.ALTERED
    untouched = (home / "fr_pose.onnx").stat().st_ino
    assert fetching.fetch(home) == ("fr_eye.onnx",)
    assert load(home).state("eye") is State.PRESENT
    assert (home / "fr_pose.onnx").stat().st_ino == untouched
    assert sorted(path.name for path in home.iterdir()) == sorted(model.file for model in models.PACKAGE)


def test_without_npm_it_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(fetching.FetchFailed, match="npm is not here"):
        fetching.fetch(tmp_path / "faces")
    assert not (tmp_path / "faces").exists()


def npm(folder, script):
    folder.mkdir()
    program = folder / "npm"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return folder


def test_a_registry_that_fails_is_quoted_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{npm(tmp_path / 'bin', 'echo npm error 404 not found >&2; exit 1')}:/bin:/usr/bin")
    with pytest.raises(fetching.FetchFailed, match="404 not found"):
        fetching.fetch(tmp_path / "faces")
    assert not (tmp_path / "faces").exists()


def test_another_package_under_the_same_name_is_refused(tmp_path, monkeypatch):
    script = 'for last; do :; done; echo wrong > "$last/x-0.0.1.tgz"'
    monkeypatch.setenv("PATH", f"{npm(tmp_path / 'bin', script)}:/bin:/usr/bin")
    with pytest.raises(fetching.FetchFailed, match="not the package that is meant"):
        fetching.fetch(tmp_path / "faces")
    assert not (tmp_path / "faces").exists()


def test_npm_is_never_let_run_what_it_fetched(tmp_path, monkeypatch):
    said = tmp_path / "said"
    script = f'echo "$@" > {said}; exit 1'
    monkeypatch.setenv("PATH", f"{npm(tmp_path / 'bin', script)}:/bin:/usr/bin")
    with pytest.raises(fetching.FetchFailed):
        fetching.fetch(tmp_path / "faces")
    words = said.read_text().split()
    assert words[:2] == ["pack", "faceplugin-face-recognition-js@0.0.1"]
    assert "--ignore-scripts" in words
    assert not any("registry" in word or "http" in word for word in words)


def archive(path, files, *, kind=tarfile.REGTYPE):
    with tarfile.open(path, "w:gz") as packed:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.type, member.linkname = len(content), kind, "/etc/passwd"
            packed.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"package/model/fr_detect.onnx": b"not the weights"}, tarfile.REGTYPE),
        ({"package/model/fr_detect.onnx": b""}, tarfile.SYMTYPE),
        ({"../../fr_detect.onnx": b"x"}, tarfile.REGTYPE),
        ({"package/model/fr_detect.onnx": bytes(fetching.LARGEST_MODEL + 1)}, tarfile.REGTYPE),
    ],
    ids=["altered", "a link", "a path out", "too large"],
)
def test_an_archive_with_tricks_gives_nothing(tmp_path, monkeypatch, files, kind):
    package = archive(tmp_path / "package.tgz", files, kind=kind)
    monkeypatch.setattr(fetching, "PACKAGE_SHA256", hashlib.sha256(package.read_bytes()).hexdigest())
    with pytest.raises(fetching.FetchFailed):
        fetching.unpack(package, tmp_path / "home" / "faces")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["package.tgz"]


def test_the_models_stand_with_the_programs_unless_told_otherwise(monkeypatch, tmp_path):
    monkeypatch.delenv("LINLI_FACES_HOME", raising=False)
    assert models.home() == Path(sys.prefix) / "faces"
    monkeypatch.setenv("LINLI_FACES_HOME", str(tmp_path / "other"))
    assert models.home() == tmp_path / "other"
    assert models.home(tmp_path) == tmp_path


def test_another_model_takes_a_step_by_its_name_and_sum(tmp_path):
    told = replacement(tmp_path)
    registry = load(
        put(tmp_path, models={"embed": told}, thresholds={"similarity": 0.61, "gallery_cap": 90, "report": "ab"})
    )
    assert registry.models["embed"].id == f"mine-{told['sha256'][:8]}"
    assert registry.read("embed") == b"other weights"
    assert registry.thresholds.similarity == 0.61
    assert (registry.thresholds.gallery_cap, registry.thresholds.report) == (90, "ab")
    assert registry.models["detect"] == load(tmp_path / "elsewhere").models["detect"]
    assert "operator" in registry.models["embed"].licence


@pytest.mark.parametrize(
    "told",
    [
        {"modles": {}},
        {"models": []},
        {"models": {"nose": {"file": "a", "sha256": "0" * 64}}},
        {"models": {"embed": {"file": "a.onnx"}}},
        {"models": {"embed": {"file": "../a.onnx", "sha256": "0" * 64}}},
        {"models": {"embed": {"file": "", "sha256": "0" * 64}}},
        {"models": {"embed": {"file": "a.onnx", "sha256": "F" * 64}}},
        {"models": {"embed": {"file": 3, "sha256": "0" * 64}}},
        {"thresholds": {"similarty": 0.5}},
        {"thresholds": {"similarity": 55}},
        {"thresholds": {"similarity": True}},
        {"thresholds": {"similarity": "0.5"}},
        {"thresholds": {"gallery_cap": 2.5}},
        {"thresholds": {"report": 1}},
    ],
)
def test_a_list_of_models_that_is_wrong_is_refused_and_says_where(tmp_path, told):
    with pytest.raises(BadModels, match=r"models\.json"):
        load(put(tmp_path, **told))


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 5000, b" " * 70_000])
def test_a_list_of_models_that_is_no_list_is_refused(tmp_path, raw):
    (tmp_path / models.REPLACEMENTS).write_bytes(raw)
    with pytest.raises(BadModels):
        load(tmp_path)


def test_the_command_shows_every_model_with_the_caveat(faces_home, capsys):
    assert cli.main(["--home", str(faces_home), "models"]) == 0
    shown = capsys.readouterr().out
    for model in models.PACKAGE:
        assert model.sha256 in shown
    assert models.CAVEAT_EN in shown
    assert models.CAVEAT_ZH in shown
    assert "not measured" in shown


def test_the_command_says_what_is_missing(tmp_path, capsys):
    assert cli.main(["--home", str(tmp_path), "models"]) == 1
    assert capsys.readouterr().out.count("MISSING") == len(models.PACKAGE)


def test_the_command_fetches_from_a_file_and_refuses_a_wrong_one(tmp_path, capsys):
    (tmp_path / "wrong.tgz").write_bytes(b"wrong")
    assert cli.main(["--home", str(tmp_path / "faces"), "fetch", "--from", str(tmp_path / "wrong.tgz")]) == 1
    assert "not the package that is meant" in capsys.readouterr().err
    assert cli.main(["--home", str(tmp_path / "faces"), "fetch", "--from", str(tmp_path / "none.tgz")]) == 1
    assert "none.tgz" in capsys.readouterr().err


def test_no_weights_are_in_the_repository():
    root = Path(__file__).parents[2]
    tracked = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=False).stdout.split()
    assert [path for path in tracked if path.endswith((".onnx", ".tgz", ".dat", ".pth"))] == []
