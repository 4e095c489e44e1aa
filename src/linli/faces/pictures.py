"""What a picture is here, and how one is opened without letting a small file unpack to gigabytes."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""Pixels: height × width × 3, blue green red, 0–255."""

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 40_000_000
_PNG = b"\x89PNG\r\n\x1a\n"
# The frame headers of JPEG; C4, C8 and CC lie among them and are something else.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})


class PictureUnreadable(ValueError):
    """That is not a JPEG or PNG picture that can be read."""


class PictureTooLarge(ValueError):
    """That picture has more bytes or more pixels than are looked at."""


def open_picture(raw: bytes, *, max_pixels: int = MAX_PIXELS) -> Image:
    """Open a JPEG or PNG file, turned upright as its camera says. Raises PictureUnreadable, PictureTooLarge."""
    if len(raw) > MAX_BYTES:
        raise PictureTooLarge(f"more than {MAX_BYTES // 1024 // 1024} MB")
    width, height = _size(raw)
    # The header tells the size, so that it is refused before it unpacks.
    if width * height > max_pixels:
        raise PictureTooLarge(f"{width} × {height} pixels, at most {max_pixels} are looked at")
    try:
        pixels = cv2.imdecode(np.frombuffer(raw, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        raise PictureUnreadable("the picture is damaged") from None
    if pixels is None:
        raise PictureUnreadable("the picture is damaged")
    return check_pixels(np.asarray(pixels), max_pixels=max_pixels)


def check_pixels(pixels: NDArray[np.generic], *, max_pixels: int = MAX_PIXELS) -> Image:
    """Take an array for a picture: height × width × 3 of uint8. Raises PictureUnreadable, PictureTooLarge."""
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or 0 in pixels.shape:
        raise PictureUnreadable("a picture is height × width × 3 bytes, blue green red")
    if pixels.shape[0] * pixels.shape[1] > max_pixels:
        raise PictureTooLarge(f"more than {max_pixels} pixels")
    return np.ascontiguousarray(pixels, dtype=np.uint8)


def _size(raw: bytes) -> tuple[int, int]:
    if raw.startswith(_PNG) and raw[12:16] == b"IHDR" and len(raw) >= 24:
        return int.from_bytes(raw[16:20], "big"), int.from_bytes(raw[20:24], "big")
    if raw.startswith(b"\xff\xd8"):
        for marker, at in _jpeg_segments(raw):
            if marker in _JPEG_FRAMES and at + 7 <= len(raw):
                height, width = raw[at + 3 : at + 5], raw[at + 5 : at + 7]
                return int.from_bytes(width, "big"), int.from_bytes(height, "big")
    raise PictureUnreadable("neither JPEG nor PNG")


def _jpeg_segments(raw: bytes) -> Iterator[tuple[int, int]]:
    """Name each marker and where its two bytes of length stand."""
    at = 2
    while at + 4 <= len(raw) and raw[at] == 0xFF:
        marker = raw[at + 1]
        if marker == 0xFF or marker in _JPEG_ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        yield marker, at + 2
        at += 2 + max(int.from_bytes(raw[at + 2 : at + 4], "big"), 2)
