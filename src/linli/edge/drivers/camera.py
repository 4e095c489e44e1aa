"""A reader that knows faces: it looks for those who may pass here now, and for nobody else. No picture outlives its frame.

Each frame goes detect → align → quality → liveness → search; a person is presented when as many frames agree as the gate's rule
says, and once. Where too many may pass to be searched safely, a card or a code says who it is first (`FaceWatch.narrow`), and
the face is then compared with that one person's. Liveness here is weak: see docs/faces.md.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from linli.edge.drivers.watching import LARGEST_FILE, UnreadablePicture, Watcher
from linli.faces import geometry, headturn
from linli.faces.engine import Engine, Face
from linli.faces.gallery import Gallery, Match, Miss, NoMatch, Template
from linli.faces.geometry import Box
from linli.faces.headturn import Challenge, Look, Turn
from linli.faces.models import BadModels
from linli.faces.pictures import Image, PictureTooLarge, PictureUnreadable, check_pixels, open_picture
from linli.faces.quality import WORDS as FLAW_WORDS
from linli.gate.decision import Direction, Kind, Scan
from linli.gate.snapshot import FaceRule

NARROW_FOR_S = 10.0
# Frames agree if no more time than this lies between one and the next.
_LONGEST_GAP_S = 2.0
# A person who stays in view is presented again once they were gone for so long.
_GONE_FOR_S = 4.0
# After a turn of the head that failed, the next is asked for no sooner: a guess at the side is right one time in two.
_REST_S = 3.0
_SAME_PLACE = 0.25
# A face seen from aside is less like itself than from ahead, and still far more so than another's.
_TURNED_ALIKE = 0.6
_log = logging.getLogger("linli.gate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a display at the gate says to whoever stands there."""

    code: str
    zh: str
    en: str


_NOTICES = {
    notice.code: notice
    for notice in (
        Notice(
            code="NOBODY",
            zh="未识别到有权通行的人，请改用卡、码或其他方式",
            en="Not recognised here: use your card, code or another way",
        ),
        Notice(code="SECOND_FACTOR", zh="请先刷卡或出示二维码", en="Show your card or code first"),
        Notice(
            code="NOT_LIVE",
            zh="未能确认为真人，请改用卡、码或其他方式",
            en="This does not look like a person: use your card, code or another way",
        ),
        Notice(
            code="TURN_FAILED",
            zh="转头未完成，请重试或改用其他方式",
            en="The turn was not seen: try again, or use another way",
        ),
        Notice(code="RECOGNISED", zh="已识别", en="Recognised"),
        *(Notice(code=flaw.value, zh=zh, en=en) for flaw, (zh, en) in FLAW_WORDS.items()),
        *(Notice(code=f"TURN_{side.value}", zh=zh, en=en) for side, (zh, en) in headturn.WORDS.items()),
    )
}

Tell = Callable[[Notice], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """Whose template it is, with the lowest score and margin of the frames that agreed."""

    id: str
    score: float
    margin: float
    frames: int

    @property
    def evidence(self) -> str:
        """Say it for the journal."""
        return f"face {self.score:.3f} {self.margin:.3f} {self.frames}"


@dataclass(slots=True, kw_only=True)
class _Turning:
    """A turn of the head under way: who is asked, and what was seen since."""

    who: Recognised
    challenge: Challenge
    box: Box
    looks: list[Look] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Narrowed:
    id: str
    until: float


class FaceWatch:
    """Decides, frame by frame, who stands before one camera. `among` names the templates of those who may pass here now."""

    def __init__(
        self,
        *,
        engine: Engine,
        gallery: Gallery,
        among: Callable[[], Collection[str]],
        rule: Callable[[], FaceRule],
        tell: Tell = lambda notice: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine, self._gallery = engine, gallery
        self._among, self._rule, self._tell, self._monotonic = among, rule, tell, monotonic
        self._agreed: list[tuple[float, Match]] = []
        self._in_view: dict[str, float] = {}
        self._turning: _Turning | None = None
        self._rest_until = float("-inf")
        self._narrowed: _Narrowed | None = None
        self._said = ""

    def narrow(self, template_id: str, *, seconds: float = NARROW_FOR_S) -> None:
        """Compare with this person only, for so long: a card or a code said who it is. May be called from any thread."""
        self._narrowed = _Narrowed(id=template_id, until=self._monotonic() + seconds)

    def see(self, image: Image, at: float) -> Recognised | None:
        """Look at a frame, at so many seconds; gives a person when enough frames agree, once while they stay in view."""
        self._in_view = {id: seen for id, seen in self._in_view.items() if at - seen <= _GONE_FOR_S}
        boxes = self._engine.detect(image)
        if self._turning is not None:
            return self._watch_turn(self._turning, image, boxes, at)
        if not boxes:
            self._said = ""
            return None
        # The nearest face is the one at the door; who stands behind waits for their turn.
        face = self._engine.look(image, max(boxes, key=lambda box: box.area))
        match = self._match(face)
        if match is None:
            return None
        return self._agree(match, face.box, at)

    def _match(self, face: Face) -> Match | None:
        if face.quality.flaw is not None or face.vector is None:
            self._say(str(face.quality.flaw))
            return None
        if face.live < self._engine.registry.thresholds.liveness:
            self._agreed = []
            self._say("NOT_LIVE")
            return None
        found = self._find(self._engine.template(face.vector, id="seen"))
        if isinstance(found, Match):
            return found
        self._agreed = []
        self._say("NOBODY" if found.reason is Miss.NOBODY else "SECOND_FACTOR")
        return None

    def _find(self, seen: Template) -> Match | NoMatch:
        rule, among, narrowed = self._rule(), self._among(), self._narrowed
        if narrowed is not None and self._monotonic() < narrowed.until:
            if narrowed.id not in among:
                return NoMatch(reason=Miss.NOBODY)
            return self._gallery.compare(seen, id=narrowed.id, threshold=rule.threshold / 1000)
        self._narrowed = None
        limits = {"threshold": rule.threshold / 1000, "margin": rule.margin / 1000}
        return self._gallery.search(seen, among=among, cap=rule.gallery_cap, **limits)

    def _agree(self, match: Match, box: Box, at: float) -> Recognised | None:
        if match.id in self._in_view and self._narrowed is None:
            self._in_view[match.id] = at
            return None
        if self._agreed:
            when, other = self._agreed[-1]
            if other.id != match.id or not 0 <= at - when <= _LONGEST_GAP_S:
                self._agreed = []
        self._agreed.append((at, match))
        rule = self._rule()
        if len(self._agreed) < rule.frames:
            return None
        who = Recognised(
            id=match.id,
            score=min(other.score for _, other in self._agreed),
            margin=min(other.margin for _, other in self._agreed),
            frames=len(self._agreed),
        )
        self._agreed = []
        if not rule.head_turn:
            return self._present(who, at)
        if at >= self._rest_until:
            challenge = headturn.choose(asked_at=at)
            self._turning = _Turning(who=who, challenge=challenge, box=box)
            self._say(f"TURN_{challenge.side.value}")
        return None

    def _watch_turn(self, turning: _Turning, image: Image, boxes: list[Box], at: float) -> Recognised | None:
        box = max(boxes, key=turning.box.overlap, default=None)
        same = box is None or self._follow(turning, image, box, at)
        state = headturn.judge(turning.looks, challenge=turning.challenge, now=at)
        if same and state is Turn.WAITING:
            return None
        self._turning = None
        if same and state is Turn.DONE and box is not None:
            # Whoever turned must be the one who was recognised, and may still pass.
            back = self._match(self._engine.look(image, box))
            if back is not None and back.id == turning.who.id:
                return self._present(turning.who, at)
        self._rest_until = at + _REST_S
        self._say("TURN_FAILED")
        return None

    def _follow(self, turning: _Turning, image: Image, box: Box, at: float) -> bool:
        """Note where the nose is; False if this is not the face that was asked."""
        landmarks = self._engine.landmarks(image, box)
        seen = self._engine.template(self._engine.embed(self._engine.align(image, landmarks)), id="seen")
        moved_on = box.overlap(turning.box) < _SAME_PLACE
        turning.box = box
        turning.looks.append(Look(at=at, offset=geometry.nose_offset(landmarks)))
        # Or a printed face could be swapped for a living one for the length of the turn.
        alike = self._gallery.compare(seen, id=turning.who.id, threshold=self._rule().threshold / 1000 * _TURNED_ALIKE)
        return isinstance(alike, Match) and not moved_on

    def _present(self, who: Recognised, at: float) -> Recognised:
        self._in_view[who.id] = at
        self._narrowed = None
        self._say("RECOGNISED")
        return who

    def _say(self, code: str) -> None:
        # Once, not thirty times a second.
        if code != self._said:
            self._said = code
            self._tell(_NOTICES[code])


class CameraReader(Watcher):
    """Presents the people whom a watch recognises in a source."""

    def __init__(self, *, gate: str, source: Path | str, watch: FaceWatch, direction: Direction = Direction.IN) -> None:
        super().__init__(gate=gate, source=source, direction=direction)
        self.watch = watch

    def in_picture(self, path: Path) -> Iterator[Scan]:
        """See the nearest person in a picture file, as one frame. Raises UnreadablePicture."""
        try:
            if path.stat().st_size > LARGEST_FILE:
                raise UnreadablePicture(f"{path.name} is larger than {LARGEST_FILE // 1024 // 1024} MB")
            image = open_picture(path.read_bytes())
        except OSError as problem:
            raise UnreadablePicture(f"{path.name}: {problem.strerror}") from None
        except (PictureUnreadable, PictureTooLarge) as problem:
            raise UnreadablePicture(f"{path.name}: {problem}") from None
        try:
            yield from self._seen(image, time.monotonic())
        except BadModels as problem:
            raise UnreadablePicture(str(problem)) from None

    def in_frame(self, frame: Any, at: float) -> Iterator[Scan]:
        """See the nearest person in a frame."""
        try:
            yield from self._seen(check_pixels(frame), at)
            self._trouble = ""
        except (PictureUnreadable, PictureTooLarge, BadModels) as problem:
            # Without its models a camera knows nobody; the other ways in at this gate go on.
            self._complain(str(problem))

    def _seen(self, image: Image, at: float) -> Iterator[Scan]:
        who = self.watch.see(image, at)
        if who is not None:
            yield Scan(gate=self.gate, kind=Kind.FACE, direction=self.direction, text=who.id, evidence=who.evidence)
