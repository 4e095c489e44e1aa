"""Whatever shows pictures to a gate: a picture file, a folder that pictures fall into, a film, or a camera that runs on."""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2

from linli.edge.doors import WELL, Health, Outcome, Present
from linli.gate.decision import Direction, Scan

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"})
LARGEST_FILE = 20 * 1024 * 1024
_LOOK_EVERY_S = 0.2
_AGAIN_AFTER_S = 2.0
# Without the camera's address: that may hold its password.
_LOST = "the camera gives no picture"
_log = logging.getLogger("linli.gate")


class UnreadablePicture(Exception):
    """That file is not a picture or a film that can be read."""


class Watcher(ABC):
    """Watches a source for one gate and presents what its driver sees in it.

    A path is told apart by what is there: a picture, a folder, or a film. A text is a camera: its number on this box ("0") or
    its address (rtsp://…); it is opened again when it was lost, and only its newest picture is looked at.
    """

    def __init__(self, *, gate: str, source: Path | str, direction: Direction = Direction.IN) -> None:
        self.gate, self.source, self.direction = gate, source, direction
        self.outcomes: list[Outcome] = []
        self._trouble = ""
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, present: Present) -> None:
        """Begin to look, on a thread of its own."""
        self._thread = threading.Thread(target=self._look, args=(present,), name=f"frames-{self.gate}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def wait(self) -> None:
        """Wait for the end of a picture or a film; a folder and a camera have none."""
        if self._thread is not None:
            self._thread.join()

    def health(self) -> Health:
        """Say what the last file's trouble was, if any."""
        return Health(well=False, words=self._trouble) if self._trouble else WELL

    @abstractmethod
    def in_picture(self, path: Path) -> Iterator[Scan]:
        """See what is in a picture file. Raises UnreadablePicture."""

    @abstractmethod
    def in_frame(self, frame: Any, at: float) -> Iterator[Scan]:
        """See what is in a frame of a film or a camera (height × width × 3), at so many seconds."""

    def _look(self, present: Present) -> None:
        for scan in self._scans():
            self.outcomes = [*self.outcomes[-99:], present(scan)]
            if self._stopping.is_set():
                return

    def _scans(self) -> Iterator[Scan]:
        if isinstance(self.source, str):
            yield from self._from_camera(self.source)
        elif self.source.is_dir():
            yield from self._from_folder(self.source)
        elif self.source.suffix.lower() in PICTURES:
            yield from self._from_picture(self.source)
        else:
            yield from self._from_film(self.source)

    def _from_picture(self, path: Path) -> Iterator[Scan]:
        try:
            yield from self.in_picture(path)
            self._trouble = ""
        except UnreadablePicture as problem:
            self._complain(str(problem))

    def _from_folder(self, folder: Path) -> Iterator[Scan]:
        done: dict[Path, tuple[int, int]] = {}
        waiting: dict[Path, tuple[int, int]] = {}
        while not self._stopping.is_set():
            here = self._pictures(folder)
            for path, state in sorted(here.items()):
                if done.get(path) == state:
                    continue
                if waiting.get(path) != state:
                    # Still being written, perhaps: it is read once it has stayed the same for one look.
                    waiting[path] = state
                    continue
                done[path] = waiting.pop(path)
                yield from self._from_picture(path)
            done = {path: state for path, state in done.items() if path in here}
            self._stopping.wait(_LOOK_EVERY_S)

    def _from_film(self, path: Path) -> Iterator[Scan]:
        film = cv2.VideoCapture(str(path))
        try:
            if not film.isOpened():
                self._complain(f"{path.name} is not a film")
                return
            rate = film.get(cv2.CAP_PROP_FPS) or 25.0
            number = 0
            while not self._stopping.is_set():
                there, frame = film.read()
                if not there:
                    return
                yield from self.in_frame(frame, number / rate)
                number += 1
        finally:
            film.release()

    def _from_camera(self, name: str) -> Iterator[Scan]:
        while not self._stopping.is_set():
            camera = _Newest(cv2.VideoCapture(int(name) if name.isdigit() else name))
            try:
                while not self._stopping.is_set() and (frame := camera.read()) is not None:
                    if self._trouble == _LOST:
                        self._trouble = ""
                    yield from self.in_frame(frame, time.monotonic())
            finally:
                camera.release()
            self._complain(_LOST)
            self._stopping.wait(_AGAIN_AFTER_S)

    def _pictures(self, folder: Path) -> dict[Path, tuple[int, int]]:
        try:
            return _pictures_in(folder)
        except OSError as problem:
            self._complain(f"{folder.name}: {problem.strerror}")
            return {}

    def _complain(self, words: str) -> None:
        if words != self._trouble:
            _log.warning("%s: %s", self.gate, words)
        self._trouble = words


class _Newest:
    """Reads a camera as fast as it gives and keeps one picture: whoever looks slowly must not look into the past."""

    def __init__(self, camera: Any) -> None:
        self._camera = camera
        self._changed = threading.Condition()
        self._frame: Any = None
        self._ended = not camera.isOpened()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    def read(self) -> Any:
        """Wait for a picture not yet seen; None once there are no more."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._ended, timeout=10.0)
            frame, self._frame = self._frame, None
            return frame

    def release(self) -> None:
        """Let the camera go."""
        self._ended = True
        self._thread.join(timeout=5)
        self._camera.release()

    def _run(self) -> None:
        while not self._ended:
            there, frame = self._camera.read()
            with self._changed:
                self._frame, self._ended = (frame if there else self._frame), self._ended or not there
                self._changed.notify_all()


def _pictures_in(folder: Path) -> dict[Path, tuple[int, int]]:
    found = {}
    for path in folder.iterdir():
        if path.suffix.lower() in PICTURES:
            try:
                state = path.stat()
            except FileNotFoundError:
                continue
            found[path] = (state.st_mtime_ns, state.st_size)
    return found
