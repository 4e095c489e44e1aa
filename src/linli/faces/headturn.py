"""Ask for a turn of the head to a side chosen at random, and judge from the landmarks whether it came.

It tells a printed picture from a face, because in a flat picture the nose does not move between the eyes. It does not tell a
film played on a screen, if the film happens to turn the right way: one time in two. It is no certified liveness.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """A side of the person who is asked."""

    LEFT = "LEFT"
    RIGHT = "RIGHT"


WORDS: dict[Side, tuple[str, str]] = {
    Side.LEFT: ("请向左转头，再转回来", "Turn your head to your left, and back"),
    Side.RIGHT: ("请向右转头，再转回来", "Turn your head to your right, and back"),
}


class Turn(StrEnum):
    """How far a turn has come."""

    WAITING = "WAITING"
    DONE = "DONE"
    WRONG_SIDE = "WRONG_SIDE"
    TOO_LATE = "TOO_LATE"
    JUMPED = "JUMPED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What was asked, and when (seconds by any clock that the frames share)."""

    side: Side
    asked_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one frame showed: `offset` as of `geometry.nose_offset`, in a picture that is not mirrored."""

    at: float
    offset: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far the nose must go and come back (widths of the eyes), how fast it may, and how long it may take.

    A flat print held at up to 50° moved it by 0.08 at most; a face seen from 20–25° aside by 0.12 to 0.15 (docs/faces.md).
    """

    ahead: float = 0.06
    turned: float = 0.12
    largest_step: float = 0.20
    longest_gap_s: float = 1.0
    within_s: float = 6.0
    frames_on_the_way: int = 2


LIMITS = Limits()


def choose(*, asked_at: float) -> Challenge:
    """Choose a side that nobody can foresee."""
    return Challenge(side=secrets.choice((Side.LEFT, Side.RIGHT)), asked_at=asked_at)


def judge(looks: Sequence[Look], *, challenge: Challenge, now: float, limits: Limits = LIMITS) -> Turn:
    """Judge the looks since the challenge, in order: ahead, then to the side in more than one step, then ahead again.

    A nose that jumps, or is lost for a while, may be another face's: that ends it.
    """
    towards = 1.0 if challenge.side is Side.LEFT else -1.0
    path = [(look.at, towards * look.offset) for look in looks if look.at >= challenge.asked_at]
    stage, on_the_way = 0, 0
    for number, (at, offset) in enumerate(path):
        if at - challenge.asked_at > limits.within_s:
            return Turn.TOO_LATE
        if number and _jumped(path[number - 1], (at, offset), limits):
            return Turn.JUMPED
        if stage and offset < -limits.turned:
            return Turn.WRONG_SIDE
        if stage == 0 and abs(offset) <= limits.ahead:
            stage = 1
        elif stage == 1 and offset > limits.ahead:
            on_the_way += 1
            stage = 2 if offset >= limits.turned and on_the_way >= limits.frames_on_the_way else 1
        elif stage == 2 and abs(offset) <= limits.ahead:
            return Turn.DONE
    return Turn.TOO_LATE if now - challenge.asked_at > limits.within_s else Turn.WAITING


def _jumped(before: tuple[float, float], after: tuple[float, float], limits: Limits) -> bool:
    return after[0] - before[0] > limits.longest_gap_s or abs(after[1] - before[1]) > limits.largest_step
