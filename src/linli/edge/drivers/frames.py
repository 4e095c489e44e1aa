"""A reader that sees: QR codes in picture files, in a folder that pictures fall into, in a video file or before a camera."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy
import zxingcpp

from linli.edge.drivers.watching import LARGEST_FILE, PICTURES, UnreadablePicture, Watcher
from linli.gate.decision import Direction, Kind, Scan

__all__ = ["LARGEST_FILE", "PICTURES", "FrameReader", "UnreadablePicture", "codes_in", "read_picture"]

_LARGEST_SIDE = 2400
# In a film the same code stays in view for many frames; it is presented again once it was gone for so long.
_GONE_FOR_S = 2.0


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


class FrameReader(Watcher):
    """Presents the codes that a source shows."""

    def __init__(self, *, gate: str, source: Path | str, direction: Direction = Direction.IN) -> None:
        super().__init__(gate=gate, source=source, direction=direction)
        self._last_seen: dict[str, float] = {}

    def in_picture(self, path: Path) -> Iterator[Scan]:
        """See the codes in a picture file. Raises UnreadablePicture."""
        for text in read_picture(path):
            yield self._scan(text)

    def in_frame(self, frame: Any, at: float) -> Iterator[Scan]:
        """See the codes in a frame that were not in view just before."""
        gone = {text for text, seen in self._last_seen.items() if at - seen > _GONE_FOR_S}
        for text in gone:
            del self._last_seen[text]
        for text in codes_in(frame):
            new = text not in self._last_seen
            self._last_seen[text] = at
            if new:
                yield self._scan(text)

    def _scan(self, text: str) -> Scan:
        return Scan(gate=self.gate, kind=Kind.CODE, direction=self.direction, text=text)


def _decoded(raw: bytes) -> Any:
    try:
        return cv2.imdecode(numpy.frombuffer(raw, dtype=numpy.uint8), cv2.IMREAD_GRAYSCALE) if raw else None
    except cv2.error:
        return None
