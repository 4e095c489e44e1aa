"""Where things are in a picture: boxes, the 68 points, the five among them, and how a face is cut out and set upright."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from linli.faces.pictures import Image

Points = NDArray[np.float32]
"""Points of a picture: n × 2, x and y in pixels."""

ALIGNED = 112
# Where eyes, nose and corners of the mouth stand in an aligned face of 112 × 112 pixels.
_FIVE = np.array([(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)])
# Which of the 68 points make one of the five: lids (the corners move with expression), tip of the nose, corners of the mouth.
_MADE_OF = ((37, 38, 40, 41), (43, 44, 46, 47), (30,), (48, 60), (54, 64))
_OUTER_CORNERS = (36, 45)
_NOSE = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A face's place in a picture, in pixels, and how sure the detector is of it (0–1)."""

    left: float
    top: float
    right: float
    bottom: float
    score: float

    @property
    def width(self) -> float:
        """How wide it is (pixels)."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """How high it is (pixels)."""
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """How large it is (square pixels)."""
        return max(self.width, 0.0) * max(self.height, 0.0)

    def overlap(self, other: Box) -> float:
        """Say how far two boxes are the same: what they share of what they cover, 0–1."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        shared = max(width, 0.0) * max(height, 0.0)
        return shared / (self.area + other.area - shared) if shared else 0.0


def distinct(boxes: list[Box], *, overlap: float) -> list[Box]:
    """Keep, of boxes that lie on one face, the surest; the surest first."""
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda box: -box.score):
        if all(box.overlap(other) <= overlap for other in kept):
            kept.append(box)
    return kept


def cut(image: Image, *, left: float, top: float, right: float, bottom: float) -> tuple[Image, float, float]:
    """Cut a rectangle out, as far as the picture goes; also gives the corner where it really began."""
    height, width = image.shape[:2]
    x0, y0 = min(max(int(left), 0), width - 1), min(max(int(top), 0), height - 1)
    x1, y1 = max(min(int(right), width), x0 + 1), max(min(int(bottom), height), y0 + 1)
    return image[y0:y1, x0:x1], float(x0), float(y0)


def cut_around(image: Image, box: Box, *, times: float) -> Image:
    """Cut the box out `times` as large, moved into the picture where it would stand over the edge, smaller where it must."""
    height, width = image.shape[:2]
    times = min(times, (height - 1) / max(box.height, 1.0), (width - 1) / max(box.width, 1.0))
    wide, high = max(box.width, 1.0) * times, max(box.height, 1.0) * times
    left = min(max((box.left + box.right - wide) / 2, 0.0), width - 1 - wide)
    top = min(max((box.top + box.bottom - high) / 2, 0.0), height - 1 - high)
    return cut(image, left=left, top=top, right=left + wide, bottom=top + high)[0]


def five_points(landmarks: Points) -> Points:
    """Give left eye, right eye, nose and both corners of the mouth (5 × 2) of the 68 points; left as the picture has it."""
    return np.array([landmarks[list(which)].mean(axis=0) for which in _MADE_OF], dtype=np.float32)


def align(image: Image, landmarks: Points) -> Image:
    """Turn, scale and move a face so that its five points lie where the embedder wants them: 112 × 112 × 3."""
    warped = cv2.warpAffine(image, similarity(five_points(landmarks), _FIVE), (ALIGNED, ALIGNED))
    return np.asarray(warped, dtype=np.uint8)


def similarity(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """Find the turn, scale and shift (2 × 3) that brings points nearest to others, least squares (Umeyama 1991).

    Points that all lie in one place give a shift without a turn.
    """
    source, target = np.asarray(source, dtype=np.float64), np.asarray(target, dtype=np.float64)
    middle, goal = source.mean(axis=0), target.mean(axis=0)
    spread = ((source - middle) ** 2).sum() / len(source)
    left, weight, right = np.linalg.svd((target - goal).T @ (source - middle) / len(source))
    mirror = np.array([1.0, np.sign(np.linalg.det(left) * np.linalg.det(right)) or 1.0])
    turn = (left * mirror) @ right * ((weight * mirror).sum() / spread if spread > 1e-9 else 1.0)
    return np.hstack([turn, (goal - turn @ middle)[:, None]])


def nose_offset(landmarks: Points) -> float:
    """Say how far the nose stands from the middle between the outer eye corners, in widths of the eyes.

    0 is straight ahead; positive towards the picture's right, which is the left of the person in a picture not mirrored.
    """
    left, right = landmarks[_OUTER_CORNERS[0]], landmarks[_OUTER_CORNERS[1]]
    across = right - left
    width = float(across @ across)
    return float((landmarks[_NOSE] - left) @ across) / width - 0.5 if width > 1e-6 else 0.0
