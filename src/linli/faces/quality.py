"""Whether a face in a picture is good enough to be compared, and if not, what to do about it, in words for the person."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from linli.faces.geometry import Box
from linli.faces.pictures import Image


class Flaw(StrEnum):
    """What is wrong with a picture of a face, in the order in which it is said."""

    TOO_SMALL = "TOO_SMALL"
    CUT_OFF = "CUT_OFF"
    TOO_DARK = "TOO_DARK"
    TOO_BRIGHT = "TOO_BRIGHT"
    BLURRED = "BLURRED"
    TURNED = "TURNED"


WORDS: dict[Flaw, tuple[str, str]] = {
    Flaw.TOO_SMALL: ("请靠近一些", "Come closer"),
    Flaw.CUT_OFF: ("请让整张脸进入画面", "Bring your whole face into the picture"),
    Flaw.TOO_DARK: ("光线太暗", "It is too dark"),
    Flaw.TOO_BRIGHT: ("光线太亮", "It is too bright"),
    Flaw.BLURRED: ("画面模糊，请保持不动", "The picture is blurred: hold still"),
    Flaw.TURNED: ("请正对镜头", "Look straight at the camera"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From where on a picture is good enough: pixels, grey 0–255, sharpness (see `sharpness`), degrees."""

    smallest: float = 48.0
    darkest: float = 45.0
    brightest: float = 215.0
    sharpest_blur: float = 25.0
    most_yaw: float = 30.0


DOOR = Limits()
# What is kept for the length of a stay is asked to be better than what is looked at once.
ENROLMENT = Limits(smallest=80.0, darkest=55.0, brightest=205.0, sharpest_blur=45.0, most_yaw=15.0)
# A whole face's box is so many times as wide as high; the detector shrinks the box of a face that the picture's edge cuts off,
# so it is told by its shape and by the edge being near (in parts of its width or height).
_NARROWEST, _WIDEST = 0.66, 1.15
_NEAR_EDGE = 0.08


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """The measures of one face and what failed, if anything; `yaw` is None where it was not worth measuring."""

    size: float
    brightness: float
    sharpness: float
    yaw: float | None
    flaws: tuple[Flaw, ...]

    @property
    def flaw(self) -> Flaw | None:
        """What to say first, or None."""
        return self.flaws[0] if self.flaws else None


def first_look(image: Image, box: Box, aligned: Image, *, limits: Limits) -> Quality:
    """Measure what costs nothing: size, place, light and sharpness."""
    grey = cv2.cvtColor(aligned, cv2.COLOR_BGR2GRAY)
    size, light, sharp = min(box.width, box.height), brightness(grey), sharpness(grey)
    failed = {
        Flaw.TOO_SMALL: size < limits.smallest,
        Flaw.CUT_OFF: _cut_off(image, box),
        Flaw.TOO_DARK: light < limits.darkest,
        Flaw.TOO_BRIGHT: light > limits.brightest,
        Flaw.BLURRED: sharp < limits.sharpest_blur,
    }
    flaws = tuple(flaw for flaw, so in failed.items() if so)
    return Quality(size=size, brightness=light, sharpness=sharp, yaw=None, flaws=flaws)


def with_yaw(looked: Quality, yaw: float, *, limits: Limits) -> Quality:
    """Add how far the head is turned (degrees)."""
    turned = (Flaw.TURNED,) if abs(yaw) > limits.most_yaw else ()
    return Quality(
        size=looked.size,
        brightness=looked.brightness,
        sharpness=looked.sharpness,
        yaw=yaw,
        flaws=(*looked.flaws, *turned),
    )


def brightness(grey: np.ndarray) -> float:
    """Say how bright the middle of an aligned face is, 0–255; what lies around the face does not count."""
    side = grey.shape[0]
    return float(grey[side // 4 : side * 7 // 8, side // 4 : side * 3 // 4].mean())


def sharpness(grey: np.ndarray) -> float:
    """Say how sharp an aligned face is: the variance of its second derivative, with its contrast taken out."""
    contrast = float(grey.std())
    if contrast < 1.0:
        return 0.0
    return float(cv2.Laplacian(grey, cv2.CV_64F).var()) * (50.0 / contrast) ** 2


def _cut_off(image: Image, box: Box) -> bool:
    height, width = image.shape[:2]
    room = min(
        box.left / box.width, (width - box.right) / box.width, box.top / box.height, (height - box.bottom) / box.height
    )
    return room < _NEAR_EDGE and not _NARROWEST <= box.width / box.height <= _WIDEST
