"""Image in, face out: one call a step, each by a model of the registry, on one thread of the processor.

Models are loaded when first needed and then shared: one engine serves every camera of a box, from any thread.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray

from linli.faces import geometry
from linli.faces.gallery import LENGTH, Template, Vector
from linli.faces.geometry import Box, Points
from linli.faces.models import BadModels, Registry
from linli.faces.pictures import Image, check_pixels
from linli.faces.quality import DOOR, ENROLMENT, Limits, Quality, first_look, with_yaw

_NEVER_MIND = 3  # onnxruntime's "errors only": it warns of every weight that an older exporter also named as an input
_SAME_FACE = 0.4
_SMALLEST_BOX = 12.0
_MOST_FACES = 32
_CONTEXT = 2.7
_ROOM = 0.25
_MEAN, _SPREAD = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
Scale = float | NDArray[np.float32]
_DEGREES = np.arange(66, dtype=np.float32) * 3 - 99


class NoFace(ValueError):
    """There is no face in that picture."""


class ManyFaces(ValueError):
    """There is more than one face in that picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """How a head is held (degrees): turned aside, nodded, tilted. The sign of yaw is the sign of minus the nose's offset."""

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Face:
    """All that is known of one face in one picture. `vector` is None, and `live` 0, if its quality failed."""

    box: Box
    landmarks: Points
    quality: Quality
    live: float = 0.0
    vector: Vector | None = None


class Engine:
    """The models of one registry, ready to run."""

    def __init__(self, *, registry: Registry) -> None:
        self.registry = registry
        self._lock = threading.Lock()
        self._sessions: dict[str, Any] = {}

    @property
    def model(self) -> str:
        """Name the embedder; every template made here carries it."""
        return self.registry.models["embed"].id

    def warm_up(self) -> None:
        """Load every model now, so that the first person does not wait. Raises BadModels."""
        for step in ("detect", "landmarks", "embed", "liveness", "pose"):
            self._session(step)

    def detect(self, image: Image) -> list[Box]:
        """Find the faces in a picture (height × width × 3), the surest first; at most 32, each box in pixels."""
        height, width = image.shape[:2]
        small = cv2.resize(image, (320, 240))
        scores, boxes = self._run("detect", _planes(small[:, :, ::-1], less=127, over=128))
        sure = np.flatnonzero(scores[0, :, 1] >= self.registry.thresholds.detection)
        # The boxes come decoded, as parts of the picture's width and height; they may lie over its edge.
        found = [
            Box(left=left * width, top=top * height, right=right * width, bottom=bottom * height, score=float(score))
            for (left, top, right, bottom), score in zip(boxes[0, sure].tolist(), scores[0, sure, 1], strict=True)
        ]
        large = [box for box in found if min(box.width, box.height) >= _SMALLEST_BOX]
        return geometry.distinct(large, overlap=_SAME_FACE)[:_MOST_FACES]

    def landmarks(self, image: Image, box: Box) -> Points:
        """Find the 68 points of a face (68 × 2, pixels of the whole picture)."""
        face, x, y = geometry.cut(image, left=box.left, top=box.top, right=box.right, bottom=box.bottom)
        grey = cv2.cvtColor(cv2.resize(face, (64, 64)), cv2.COLOR_BGR2GRAY)
        (points,) = self._run("landmarks", (grey / 256).astype(np.float32)[None, None])
        scale, corner = np.array([face.shape[1], face.shape[0]]), np.array([x, y])
        return np.asarray(points.reshape(68, 2) * scale + corner, dtype=np.float32)

    def align(self, image: Image, landmarks: Points) -> Image:
        """Set a face upright: 112 × 112 × 3, on five of its points."""
        return geometry.align(image, landmarks)

    def quality(self, image: Image, box: Box, aligned: Image, *, limits: Limits) -> Quality:
        """Judge whether a face can be compared; how far it is turned is measured only if all else is well."""
        looked = first_look(image, box, aligned, limits=limits)
        return looked if looked.flaws else with_yaw(looked, self.pose(image, box).yaw, limits=limits)

    def liveness(self, image: Image, box: Box) -> float:
        """Guess whether a face is a living one's, 0–1. Weak: it is no certified presentation-attack detection."""
        around = cv2.resize(geometry.cut_around(image, box, times=_CONTEXT), (128, 128))
        (said,) = self._run("liveness", _planes(around))
        return float(_parts(said[0])[0])

    def pose(self, image: Image, box: Box) -> Pose:
        """Measure how the head is held (degrees)."""
        wide, high = box.width * _ROOM, box.height * _ROOM
        room = {"left": box.left - wide, "top": box.top - high, "right": box.right + wide, "bottom": box.bottom + high}
        face, _, _ = geometry.cut(image, **room)
        pixels = cv2.resize(face, (224, 224))[:, :, ::-1]
        said = self._run("pose", _planes(pixels, less=255 * _MEAN, over=255 * _SPREAD))
        yaw, pitch, roll = (float(_parts(one[0]) @ _DEGREES) for one in said)
        return Pose(yaw=yaw, pitch=pitch, roll=roll)

    def embed(self, aligned: Image) -> Vector:
        """Turn an aligned face (112 × 112 × 3) into 512 numbers of length one; the cosine of two tells how alike they are."""
        (said,) = self._run("embed", _planes(aligned, less=127, over=128))
        length = float(np.linalg.norm(said))
        if said.shape != (1, LENGTH) or not np.isfinite(length) or length < 1e-6:
            raise BadModels(f"{self.model} did not give {LENGTH} numbers")
        return np.asarray(said[0] / length, dtype=np.float32)

    def look(self, image: Image, box: Box, *, limits: Limits = DOOR) -> Face:
        """Take every step for one face that was found; stops at its quality if that failed."""
        landmarks = self.landmarks(image, box)
        aligned = self.align(image, landmarks)
        judged = self.quality(image, box, aligned, limits=limits)
        face = Face(box=box, landmarks=landmarks, quality=judged)
        if judged.flaws:
            return face
        return replace(face, live=self.liveness(image, box), vector=self.embed(aligned))

    def read(self, image: Image, *, limits: Limits = ENROLMENT) -> Face:
        """Read the one face of a picture that is to be kept as a template.

        Raises NoFace, ManyFaces (a much smaller face behind does not count), PictureUnreadable, PictureTooLarge.
        """
        image = check_pixels(image)
        found = sorted(self.detect(image), key=lambda box: -box.area)
        if not found:
            raise NoFace
        if len(found) > 1 and found[1].area > found[0].area / 4:
            raise ManyFaces
        return self.look(image, found[0], limits=limits)

    def template(self, vector: Vector, *, id: str, holder: str = "") -> Template:
        """Give a vector made here a name, and the name of the model that made it."""
        return Template(id=id, model=self.model, vector=vector, holder=holder)

    def _run(self, step: str, given: NDArray[np.float32]) -> list[Any]:
        session = self._sessions.get(step) or self._session(step)
        return list(session.run(None, {session.get_inputs()[0].name: given}))

    def _session(self, step: str) -> Any:
        with self._lock:
            if step not in self._sessions:
                self._sessions[step] = _open(self.registry, step)
            return self._sessions[step]


def _open(registry: Registry, step: str) -> Any:
    options = onnxruntime.SessionOptions()
    # On a busy box with two cores, two threads cost five times the processor time of one.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _NEVER_MIND
    options.enable_cpu_mem_arena = False
    raw = registry.read(step)
    try:
        return onnxruntime.InferenceSession(raw, options, providers=["CPUExecutionProvider"])
    except Exception as problem:
        # onnxruntime has an exception of its own for every trouble, and they share no name.
        raise BadModels(f"{registry.models[step].file} cannot be loaded ({type(problem).__name__})") from None


def _planes(pixels: NDArray[Any], *, less: Scale = 0.0, over: Scale = 1.0) -> NDArray[np.float32]:
    """Turn height × width × 3 into 1 × 3 × height × width of (x − less) / over; either may differ by channel."""
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.float32)[None]
    # In place, after the turn: each plane then lies in one piece.
    planes -= np.reshape(np.asarray(less, np.float32), (-1, 1, 1))
    planes *= np.reshape(1 / np.asarray(over, np.float32), (-1, 1, 1))
    return planes


def _parts(said: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn scores into parts of one (softmax)."""
    raised = np.exp(said - said.max())
    return np.asarray(raised / raised.sum(), dtype=np.float32)
