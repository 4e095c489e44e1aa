"""A picture of a document in, a few fields out; the picture lives in memory for the length of one call.

The recogniser is PP-OCRv4 through rapidocr (its models come inside the wheel): one engine a process, built when first
needed, one thread, one picture at a time. Nothing is written anywhere.
"""

import ctypes
import io
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from rapidocr_onnxruntime import RapidOCR  # type: ignore[import-untyped]

from linli.documents import problems
from linli.documents.fields import Line, Reading, from_lines

MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 60_000_000
MIN_SIDE = 120
WORKING_SIDE = 1800  # longest side in pixels: a line of 44 characters across half a picture keeps 20 pixels a character
SMALL_SIDE = 900  # smaller pictures are enlarged to this, or their letters are lost on the detector
UPRIGHT_SCORE = 0.85  # upside-down text is read with less confidence than this
TALL = 1.5
ENOUGH = frozenset({"number", "native_name"})

Picture = NDArray[np.uint8]

_ONE_AT_A_TIME = threading.Lock()
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)


def read_picture(data: bytes | Picture, *, today: date) -> Reading:
    """Read a JPEG or PNG file (or pixels in OpenCV's BGR order), turned and tilted as it may be.

    A picture without a document gives a reading without a kind. Raises PictureWrong, PictureTooLarge, PictureTooSmall.
    `today` settles the century of a birth.
    """
    picture = _sized(_opened(data) if isinstance(data, bytes) else data)
    with _ONE_AT_A_TIME:
        try:
            return _best_reading(picture, today=today)
        finally:
            _give_back()


def warm_up() -> None:
    """Build the engine now, so that the first guest does not wait for it."""
    _engine()


def _best_reading(picture: Picture, *, today: date) -> Reading:
    best, lines = _reading(picture, today=today)
    for look in _other_looks(picture, lines, upright=best.mean_score >= UPRIGHT_SCORE):
        if best.mrz or best.sure_fields >= ENOUGH:
            break
        best = max(best, _reading(look(), today=today)[0], key=lambda reading: len(reading.sure_fields))
    return best


def _other_looks(picture: Picture, lines: list[Line], *, upright: bool) -> Iterator[Callable[[], Picture]]:
    """What is worth trying when too little was read: another side up, or the paper whitened under a watermark."""
    if not lines:
        return
    if _sideways(lines):
        yield lambda: _turned(picture, 1)
        yield lambda: _turned(picture, 3)
    elif upright:
        yield lambda: _whitened(picture)
    else:
        yield lambda: _turned(picture, 2)
        yield lambda: _whitened(picture)


def _reading(picture: Picture, *, today: date) -> tuple[Reading, list[Line]]:
    lines = _lines(picture)
    # The engine reads tall boxes too, but labels and values then stand in no row: the page must be turned first.
    return from_lines([] if _sideways(lines) else lines, today=today), lines


def _lines(picture: Picture) -> list[Line]:
    # Without the engine's own classifier: it turns rows of < upside down. The page is turned instead, if need be.
    found, _ = _engine()(picture, use_cls=False)
    return [
        Line(text=text, score=float(score), corners=tuple((float(x), float(y)) for x, y in box))
        for box, text, score in found or ()
    ]


@cache
def _engine() -> Any:
    return RapidOCR(
        intra_op_num_threads=1,
        inter_op_num_threads=1,
        text_score=0.0,  # what is illegible still tells which way up the page is
        det_limit_type="max",
        det_limit_side_len=960,
        rec_batch_num=1,  # lines differ much in length: a batch is padded to its longest
    )


def _opened(data: bytes) -> Picture:
    if len(data) > MAX_BYTES:
        raise problems.PictureTooLarge(field="picture")
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
            # The header says how large it is; a small file that unpacks to gigabytes is refused before it unpacks.
            if image.width * image.height > MAX_PIXELS:
                raise problems.PictureTooLarge(field="picture")
            image.draft("RGB", (WORKING_SIDE, WORKING_SIDE))
            upright = ImageOps.exif_transpose(image)
            return np.ascontiguousarray(np.asarray(_opaque(upright))[:, :, ::-1])
    except problems.DocumentProblem:
        raise
    except Image.DecompressionBombError:
        raise problems.PictureTooLarge(field="picture") from None
    except _BROKEN:
        raise problems.PictureWrong(field="picture") from None


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _sized(picture: Picture) -> Picture:
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise problems.PictureWrong(field="picture")
    height, width = picture.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise problems.PictureTooSmall(field="picture")
    longest = max(height, width)
    wanted = min(max(longest, SMALL_SIDE), WORKING_SIDE)
    if wanted == longest:
        return picture
    size = (round(width * wanted / longest), round(height * wanted / longest))
    how = cv2.INTER_AREA if wanted < longest else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=how), dtype=np.uint8)


def _sideways(lines: list[Line]) -> bool:
    return sum(_is_tall(line) for line in lines) * 2 > len(lines)


def _is_tall(line: Line) -> bool:
    xs, ys = [x for x, _ in line.corners], [y for _, y in line.corners]
    return (max(ys) - min(ys)) > TALL * (max(xs) - min(xs))


def _turned(picture: Picture, quarters: int) -> Picture:
    return np.ascontiguousarray(np.rot90(picture, quarters))


def _whitened(picture: Picture) -> Picture:
    """Paper made white and ink made black, so that pale watermarks vanish."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    paper = cv2.medianBlur(cv2.dilate(grey, np.ones((15, 15), np.uint8)), 31)
    flat = 255.0 * grey / np.maximum(paper, 1)
    levels = np.clip((flat - 90.0) * (255.0 / 110.0), 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(levels, cv2.COLOR_GRAY2BGR), dtype=np.uint8)


def _give_back() -> None:
    # glibc keeps what a picture needed (some 200 MB) for ever; other C libraries have no such call and need none.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
