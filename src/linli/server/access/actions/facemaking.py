"""The one maker of templates that looks at pictures: the face engine, built when first needed, one enrolment at a time.

The pictures live in memory for the length of one call. Nothing is written anywhere.
"""

import threading
from collections.abc import Sequence
from functools import cache
from typing import Any

from linli.faces.headturn import Side
from linli.server.access.rules import FACE_PIXELS, FaceMaker, FacesNotSetUp, Made, Unusable

# A face turned aside is less like the one ahead, and still much more than a stranger's.
TURNED_ALIKE = 0.6
# Phones send no times that could be trusted; the pictures of a turn are taken this far apart.
FRAME_SECONDS = 0.5
_ONE_AT_A_TIME = threading.Lock()
_WORDS = {
    "UNREADABLE": ("图片无法读取", "a picture cannot be read"),
    "NO_FACE": ("没有看到人脸", "there is no face in the picture"),
    "MANY_FACES": ("画面中不止一张人脸", "there is more than one face in the picture"),
    "NOT_LIVE": ("看起来不是真人，请换个光线再拍", "it does not look like a living face; try another light"),
    "OTHER_FACE": ("转头照片中不是同一个人", "the turn shows another face than the picture"),
    "WRONG_SIDE": ("转头方向不对", "the head turned to the other side"),
    "JUMPED": ("转头动作不连贯，请慢一些", "the turn was not seen whole; turn slower"),
    "NO_TURN": ("没有看到转头再转回", "the turn to the side and back was not seen"),
}


@cache
def face_maker() -> FaceMaker:
    """This will return the process's maker; refuses with `FacesNotSetUp` where the engine is not installed."""
    try:
        return _EngineMaker()
    except ImportError as problem:
        raise FacesNotSetUp from problem


def _unusable(reason: str) -> Unusable:
    zh, en = _WORDS[reason]
    return Unusable(reason=reason, zh=zh, en=en)


class _EngineMaker:
    def __init__(self) -> None:
        # Numbers and models are only paid for by a process in which somebody enrols.
        from linli.faces import engine, geometry, headturn, models, pictures, quality  # noqa: PLC0415

        self._geometry, self._headturn, self._models = geometry, headturn, models
        self._pictures, self._quality = pictures, quality
        self._several, self._none = engine.ManyFaces, engine.NoFace
        self._engine = engine.Engine(registry=models.load(models.home()))

    def make(self, *, picture: bytes, turn: Sequence[bytes], side: Side) -> Made | Unusable:
        """This will return the numbers, or why not; refuses with `FacesNotSetUp` when a model is missing."""
        with _ONE_AT_A_TIME:
            try:
                return self._made(picture, turn, side)
            except (self._pictures.PictureUnreadable, self._pictures.PictureTooLarge):
                return _unusable("UNREADABLE")
            except self._models.BadModels as problem:
                raise FacesNotSetUp from problem

    def _made(self, picture: bytes, turn: Sequence[bytes], side: Side) -> Made | Unusable:
        try:
            face = self._engine.read(self._pictures.open_picture(picture, max_pixels=FACE_PIXELS))
        except self._none:
            return _unusable("NO_FACE")
        except self._several:
            return _unusable("MANY_FACES")
        judged = face.quality
        if judged.flaw is not None or face.vector is None:
            zh, en = self._quality.WORDS[judged.flaw] if judged.flaw else _WORDS["NO_FACE"]
            return Unusable(reason=str(judged.flaw), zh=zh, en=en)
        if face.live < self._engine.registry.thresholds.liveness:
            return _unusable("NOT_LIVE")
        failed = self._turn(face.vector, turn, side)
        if failed:
            return _unusable(failed)
        template = self._engine.template(face.vector, id="enrolled")
        measured = (
            f"size {judged.size:.0f}",
            f"light {judged.brightness:.0f}",
            f"sharp {judged.sharpness:.0f}",
            f"yaw {judged.yaw or 0:.0f}",
            f"live {face.live:.2f}",
        )
        return Made(template=template.to_bytes(), model=template.model, quality=measured)

    def _turn(self, vector: Any, turn: Sequence[bytes], side: Side) -> str:
        """Judge the turn by where the nose is in each picture; empty when the head turned and came back, one face throughout."""
        looks = []
        for number, raw in enumerate(turn):
            image = self._pictures.open_picture(raw, max_pixels=FACE_PIXELS)
            box = max(self._engine.detect(image), key=lambda found: found.area, default=None)
            if box is None:
                continue
            points = self._engine.landmarks(image, box)
            seen = self._engine.embed(self._engine.align(image, points))
            if float(seen @ vector) < self._engine.registry.thresholds.similarity * TURNED_ALIKE:
                return "OTHER_FACE"
            looks.append(self._headturn.Look(at=number * FRAME_SECONDS, offset=self._geometry.nose_offset(points)))
        asked = self._headturn.Challenge(side=side, asked_at=0.0)
        state = self._headturn.judge(looks, challenge=asked, now=len(turn) * FRAME_SECONDS)
        return "" if state is self._headturn.Turn.DONE else state.value if state.value in _WORDS else "NO_TURN"
