"""A reader that sees: QR codes in picture files, in a folder that pictures fall into, or in a video file."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy
import zxingcpp

from linli.edge.doors import WELL, Health, Outcome, Present
from linli.gate.decision import Direction, Kind, Scan

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"})
LARGEST_FILE = 20 * 1024 * 1024
_LARGEST_SIDE = 2400
_LOOK_EVERY_S = 0.2
# In a film the same code stays in view for many frames; it is presented again once it was gone for so long.
_GONE_FOR_S = 2.0
_log = logging.getLogger("linli.gate")


class UnreadablePicture(Exception):
    """That file is not a picture or a film that can be read."""


def read_picture(path: Path) -> list[str]:
    """Read the QR codes in a picture file, in the order found. Raises UnreadablePicture."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise UnreadablePicture(f"{path.name} is larger than {LARGEST_FILE // 1024 // 1024} MB")
        raw = path.read_bytes()
    except OSError as problem:
        raise UnreadablePicture(f"{path.name}: {problem.strerror}") from None
    frame = _decoded(raw)
    if frame is None:
        raise UnreadablePicture(f"{path.name} is not a picture")
    return codes_in(frame)


def codes_in(frame: Any) -> list[str]:
    """Read the QR codes in one frame, an array of pixels."""
    longest = max(frame.shape[:2])
    if longest > _LARGEST_SIDE:
        ratio = _LARGEST_SIDE / longest
        frame = cv2.resize(frame, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
    found = zxingcpp.read_barcodes(frame, formats=zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode]))
    return list(dict.fromkeys(str(code.text) for code in found if code.text))


class FrameReader:
    """Watches a source for one gate: a picture, a folder, or a film, told apart by what is at the path."""

    def __init__(self, *, gate: str, source: Path, direction: Direction = Direction.IN) -> None:
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
        """Wait for the end of a picture or a film; a folder has none."""
        if self._thread is not None:
            self._thread.join()

    def health(self) -> Health:
        """Say what the last file's trouble was, if any."""
        return Health(well=False, words=self._trouble) if self._trouble else WELL

    def _look(self, present: Present) -> None:
        for text in self._texts():
            scan = Scan(gate=self.gate, kind=Kind.CODE, direction=self.direction, text=text)
            self.outcomes = [*self.outcomes[-99:], present(scan)]
            if self._stopping.is_set():
                return

    def _texts(self) -> Iterator[str]:
        if self.source.is_dir():
            yield from self._from_folder()
        elif self.source.suffix.lower() in PICTURES:
            yield from self._from_picture(self.source)
        else:
            yield from self._from_film()

    def _from_picture(self, path: Path) -> Iterator[str]:
        try:
            yield from read_picture(path)
            self._trouble = ""
        except UnreadablePicture as problem:
            self._complain(str(problem))

    def _from_folder(self) -> Iterator[str]:
        done: dict[Path, tuple[int, int]] = {}
        waiting: dict[Path, tuple[int, int]] = {}
        while not self._stopping.is_set():
            here = self._pictures()
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

    def _from_film(self) -> Iterator[str]:
        film = cv2.VideoCapture(str(self.source))
        try:
            if not film.isOpened():
                self._complain(f"{self.source.name} is not a film")
                return
            rate = film.get(cv2.CAP_PROP_FPS) or 25.0
            last_seen: dict[str, float] = {}
            number = 0
            while not self._stopping.is_set():
                there, frame = film.read()
                if not there:
                    return
                at = number / rate
                number += 1
                for text in codes_in(frame):
                    if at - last_seen.get(text, float("-inf")) > _GONE_FOR_S:
                        yield text
                    last_seen[text] = at
        finally:
            film.release()

    def _pictures(self) -> dict[Path, tuple[int, int]]:
        try:
            return _pictures_in(self.source)
        except OSError as problem:
            self._complain(f"{self.source.name}: {problem.strerror}")
            return {}

    def _complain(self, words: str) -> None:
        _log.warning("%s: %s", self.gate, words)
        self._trouble = words


def _decoded(raw: bytes) -> Any:
    try:
        return cv2.imdecode(numpy.frombuffer(raw, dtype=numpy.uint8), cv2.IMREAD_GRAYSCALE) if raw else None
    except cv2.error:
        return None


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
