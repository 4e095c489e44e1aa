"""A real picture of a real code opens a door: printed, photographed askew, on a screen, in a film."""

import json
import shutil
import subprocess
import sys

import cv2
import numpy
import pytest
import segno

from linli.edge.drivers.frames import FrameReader, UnreadablePicture, read_picture
from linli.gate.decision import Direction, Reason
from tests.edge.conftest import until


def draw(path, text, *, scale=6, border=4):
    segno.make(text, error="m").save(str(path), scale=scale, border=border)
    return path


def photograph(path, drawn):
    """Lay the code on a grey table, turn and tilt it, blur it, let the lamp shine unevenly, and save as JPEG."""
    code = cv2.imread(str(drawn), cv2.IMREAD_GRAYSCALE)
    height, width = code.shape
    table = numpy.full((900, 1200), 120, dtype=numpy.uint8)
    corners = numpy.float32([[0, 0], [width, 0], [width, height], [0, height]])
    seen = numpy.float32([[330, 180], [800, 240], [760, 720], [270, 640]])
    warp = cv2.getPerspectiveTransform(corners, seen)
    laid = cv2.warpPerspective(code, warp, (1200, 900), dst=table, borderMode=cv2.BORDER_TRANSPARENT)
    blurred = cv2.GaussianBlur(laid, (5, 5), 1.2)
    light = numpy.tile(numpy.linspace(0.65, 1.1, 1200), (900, 1))
    noise = numpy.random.default_rng(7).normal(0, 6, (900, 1200))
    cv2.imwrite(
        str(path), numpy.clip(blurred * light + noise, 0, 255).astype(numpy.uint8), [cv2.IMWRITE_JPEG_QUALITY, 70]
    )
    return path


@pytest.fixture
def ready(box, server):
    server.grant(1)
    server.grant(2)
    box.agent.take(server.delta(0))
    return box


def look(box, source, *, gate="G01", direction=Direction.IN):
    reader = FrameReader(gate=gate, source=source, direction=direction)
    reader.start(box.agent.present)
    reader.wait()
    return reader


def test_a_picture_of_a_code_opens_and_after_the_revocation_it_does_not(ready, server, tmp_path):
    picture = photograph(tmp_path / "photo.jpg", draw(tmp_path / "code.png", server.code(1)))
    (outcome,) = look(ready, picture).outcomes
    assert outcome.verdict.reason is Reason.OK
    assert ready.doors["G01"].opened == 1
    server.revoke(1)
    ready.agent.take(server.delta(0))
    (outcome,) = look(ready, picture).outcomes
    assert outcome.verdict.reason is Reason.REVOKED
    assert ready.doors["G01"].opened == 1


@pytest.mark.parametrize("turn", [cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180, None], ids=["quarter", "half", "upright"])
@pytest.mark.parametrize("dark", [False, True], ids=["on paper", "on a dark screen"])
def test_a_code_is_read_whichever_way_it_is_held(server, tmp_path, turn, dark):
    code = server.code(1)
    frame = cv2.imread(str(draw(tmp_path / "code.png", code, scale=4)), cv2.IMREAD_GRAYSCALE)
    frame = frame if turn is None else cv2.rotate(frame, turn)
    cv2.imwrite(str(tmp_path / "held.png"), 255 - frame if dark else frame)
    assert read_picture(tmp_path / "held.png") == [code]


def test_a_very_large_picture_is_made_smaller_first(server, tmp_path):
    code = server.code(1)
    assert read_picture(draw(tmp_path / "huge.png", code, scale=120)) == [code]


def test_two_codes_in_one_picture_are_both_shown(ready, server, tmp_path):
    first, second = (
        cv2.imread(str(draw(tmp_path / f"{serial}.png", server.code(serial))), cv2.IMREAD_GRAYSCALE)
        for serial in (1, 2)
    )
    cv2.imwrite(str(tmp_path / "both.png"), numpy.hstack([first, second]))
    reader = look(ready, tmp_path / "both.png")
    assert sorted(outcome.verdict.serial for outcome in reader.outcomes) == [1, 2]


def test_a_picture_without_a_code_says_nothing(ready, tmp_path):
    cv2.imwrite(str(tmp_path / "wall.png"), numpy.full((300, 300), 200, dtype=numpy.uint8))
    reader = look(ready, tmp_path / "wall.png")
    assert not reader.outcomes
    assert reader.health().well


@pytest.mark.parametrize("content", [None, b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 50], ids=str)
def test_a_file_that_is_no_picture_is_named_and_opens_nothing(ready, tmp_path, content):
    path = tmp_path / "bad.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnreadablePicture, match=r"bad\.png"):
        read_picture(path)
    reader = look(ready, path)
    assert not reader.outcomes
    assert not reader.health().well


def test_a_code_in_view_for_a_whole_film_is_shown_once(ready, server, tmp_path):
    frame = cv2.imread(str(draw(tmp_path / "code.png", server.code(1))), cv2.IMREAD_GRAYSCALE)
    frame = cv2.cvtColor(cv2.resize(frame, (480, 480)), cv2.COLOR_GRAY2BGR)
    empty = numpy.full_like(frame, 90)
    film = cv2.VideoWriter(str(tmp_path / "film.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (480, 480))
    for number in range(60):
        # In view for the first two seconds, gone for three, and there again at the end.
        film.write(empty if number % 7 == 3 or 20 <= number < 50 else frame)
    film.release()
    reader = look(ready, tmp_path / "film.avi")
    assert [outcome.verdict.reason for outcome in reader.outcomes] == [Reason.OK, Reason.REPLAYED]


def test_a_file_that_is_no_film_is_named(ready, tmp_path):
    (tmp_path / "film.mp4").write_bytes(b"no film")
    reader = look(ready, tmp_path / "film.mp4")
    assert "film.mp4" in reader.health().words


def test_pictures_that_fall_into_a_folder_are_shown_as_they_come(ready, server, tmp_path):
    folder = tmp_path / "camera"
    folder.mkdir()
    reader = FrameReader(gate="G01", source=folder)
    reader.start(ready.agent.present)
    draw(folder / "a.png", server.code(1))
    until(lambda: len(reader.outcomes) == 1)
    draw(folder / "b.png", server.code(9))
    (folder / "c.png").write_bytes(b"half a pic")
    (folder / "notes.txt").write_text("no picture")
    until(lambda: len(reader.outcomes) == 2)
    until(lambda: not reader.health().well)
    reader.stop()
    assert [outcome.verdict.reason for outcome in reader.outcomes] == [Reason.OK, Reason.NOT_ON_LIST]


def test_the_way_out_by_picture(ready, server, tmp_path):
    picture = draw(tmp_path / "code.png", server.code(9))
    (outcome,) = look(ready, picture, direction=Direction.OUT).outcomes
    assert outcome.verdict.open


def read_by_command(agent, picture, *arguments):
    command = [sys.executable, "-m", "linli.edge.cli", "read-picture", str(picture), *arguments]
    answer = subprocess.run(
        [*command, "--control-port", str(agent.ready["control_port"])], capture_output=True, text=True, timeout=60
    )
    return answer.returncode, json.loads(answer.stdout) if answer.stdout else answer.stderr


def test_the_command_shows_a_picture_to_a_running_agent(run_agent, server, tmp_path):
    folder = tmp_path / "camera"
    folder.mkdir()
    server.grant(1)
    agent = run_agent("--frames", f"G02={folder}")
    until(lambda: agent.state()["receipted_version"] == server.version)
    picture = photograph(tmp_path / "photo.jpg", draw(tmp_path / "code.png", server.code(1)))
    status, words = read_by_command(agent, picture, "--gate", "G01")
    assert (status, words["outcomes"][0]["reason"]) == (0, "OK")
    shutil.copy(picture, folder / "photo.jpg")
    until(lambda: agent.gate("G02")["opened"] == 1)
    server.revoke(1)
    until(lambda: agent.state()["receipted_version"] == server.version)
    status, words = read_by_command(agent, picture, "--gate", "G01")
    assert (status, words["outcomes"][0]["reason"]) == (1, "REVOKED")
    status, words = read_by_command(agent, picture)
    assert (status, len(words["codes"])) == (0, 1)
    status, words = read_by_command(agent, tmp_path / "missing.png", "--gate", "G01")
    assert (status, "missing.png" in words) == (2, True)
