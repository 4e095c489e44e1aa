"""Whose face may be kept, from which pictures, until when; how many may be before an authority is told; how often it was wrong.

What makes numbers of pictures stands behind a protocol: the engine is one of its makers, and here is one that only pretends.
"""

import hashlib
import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from linli.faces.headturn import Side
from linli.server.kernel.errors import Refusal

ADULT, CHILD = 18, 14
# A stay may be extended late in the evening: so long after its pass a face may still be held, and no longer (P-12).
FACE_GRACE = timedelta(hours=24)
TICKET_SECONDS = 180
FEWEST_FRAMES, MOST_FRAMES = 4, 8
FACE_PIXELS = 16_000_000
MOST_IDS = 100
GUARDIAN = "guardian:"
WARN_AT, FILE_AT, WORKING_DAYS = 80_000, 100_000, 30
ERROR_KINDS = ("FALSE_ACCEPT", "FALSE_REJECT")
# Of one gate, without a passage to look up: a guard's as many as a busy hour may bring, those of all guests, who are not named, together.
ERRORS_AN_HOUR, GUESTS_ERRORS_AN_HOUR = 30, 12
REPORT_FORM, REPORT_BYTES = 1, 64 * 1024
# The normal quantile of a two-sided 95 % interval.
Z95 = 1.959963984540054
_COUNTS = ("people", "pictures", "genuine_pairs", "impostor_pairs")


class FaceConsentNeeded(Refusal):
    """A face is only taken after a separate consent; every door has another way in too."""

    zh = "采集人脸须先取得单独同意；每道门都有其他通行方式。"


class FaceGuardianNeeded(Refusal):
    """For somebody under {age} a guardian consents at the desk, or there is no face; a card or a code opens the same doors."""

    zh = "未满 {age} 周岁须由监护人到值班台单独同意，否则不采集人脸；卡或二维码同样可以开门。"
    status = 403


class BirthDateUnknown(Refusal):
    """No document tells this person's age; without it no face is taken."""

    zh = "没有证件可确认年龄，不能采集人脸。"


class TooManyErrors(Refusal):
    """That gate has been called wrong often enough this hour; somebody looks into it. A passage that left a line may still be named."""

    zh = "该门本小时的误识反馈已足够多，正在处理；如有具体通行记录，仍可指明后反馈。"
    status = 429


class EvidenceNeeded(Refusal):
    """Please say how the consent was given: the form's number, or that it was signed on the screen."""

    zh = "请注明同意的凭据（纸质单号或屏幕签字）。"
    status = 422


class FaceUnusable(Refusal):
    """This does not do: {en}."""

    zh = "不能使用：{says}。"
    status = 422


class FrameCount(Refusal):
    """Please send {least} to {most} pictures of the turn."""

    zh = "请提交 {least} 至 {most} 张转头照片。"
    status = 422


class EnrolmentOver(Refusal):
    """This enrolment is over or was somebody else's; please begin again."""

    zh = "该次采集已过期、已完成或不属于您，请重新开始。"


class FacesNotSetUp(Refusal):
    """Faces are not set up here; every door has another way in."""

    zh = "本小区尚未启用人脸；每道门都有其他通行方式。"


class NotAFacePassage(Refusal):
    """That line of the journal is no passage by face."""

    zh = "该记录不是人脸通行记录。"
    status = 422


class ReportUnreadable(Refusal):
    """This is no report of `linli faces evaluate`, or it was changed since."""

    zh = "该文件不是 `linli faces evaluate` 的评测报告，或已被改动。"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A face as numbers (float32, little-endian) with the model that made them, and what was measured of the picture."""

    template: bytes = field(repr=False)
    model: str
    quality: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """Why no face could be made of these pictures, for the person who stands there."""

    reason: str
    zh: str
    en: str


class FaceMaker(Protocol):
    """Makes numbers of a front picture and the pictures of a turn of the head, in their order and not mirrored."""

    def make(self, *, picture: bytes, turn: Sequence[bytes], side: Side) -> Made | Unusable:
        """This will return the numbers, or why not; it keeps and writes nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedFaceMaker:
    """A maker for trying the rules without models: numbers drawn from the picture's digest, or always the same answer."""

    answer: Unusable | None = None
    model: str = "simulated-00000000"

    def make(self, *, picture: bytes, turn: Sequence[bytes], side: Side) -> Made | Unusable:
        """This will return 2,048 bytes that only the same picture gives again."""
        drawn = b"".join(hashlib.sha256(picture + bytes([part])).digest() for part in range(64))
        return self.answer or Made(template=drawn, model=self.model, quality=("simulated",))


def years_old(born: date, *, on: date) -> int:
    """This will count full years; somebody born on 29 February is a year older on 1 March in common years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def check_errors(told: int, *, by_guests: bool) -> None:
    """This will refuse one more word without a passage than a gate's figures should take in an hour."""
    most = GUESTS_ERRORS_AN_HOUR if by_guests else ERRORS_AN_HOUR
    if told >= most:
        raise TooManyErrors(limit=most)


def minor_under(born: date, *, on: date) -> int | None:
    """This will name the age below which somebody is a child (14) or a minor (18), or None for an adult."""
    age = years_old(born, on=on)
    return CHILD if age < CHILD else ADULT if age < ADULT else None


def check_speaker(born: date | None, *, on: date, guardian: bool) -> None:
    """This will refuse a yes to a face that is not this speaker's to give: under 18 only a guardian says it (PIPL art. 31, P-07, P-08)."""
    if born is None or born > on:
        raise BirthDateUnknown
    below = minor_under(born, on=on)
    if below is not None and not guardian:
        raise FaceGuardianNeeded(age=below)


def check_frames(count: int) -> None:
    """This will refuse too few pictures of a turn to see one, or more than are needed."""
    if not FEWEST_FRAMES <= count <= MOST_FRAMES:
        raise FrameCount(field="frames", least=FEWEST_FRAMES, most=MOST_FRAMES)


def check_evidence(text: str) -> str:
    """This will return the evidence of a consent given at the desk, or refuse with `EvidenceNeeded`."""
    plain = " ".join(text.split())
    if not plain:
        raise EvidenceNeeded(field="evidence")
    return plain[:200]


def face_expires(end: datetime) -> datetime:
    """This will say when a face must be gone at the latest, by the end of the pass it proves (P-12)."""
    return end + FACE_GRACE


def working_days_after(day: date, *, count: int, holidays: Collection[date]) -> date:
    """This will count so many working days on: no Saturday, no Sunday, none of the estate's holidays."""
    while count:
        day += timedelta(days=1)
        if day.weekday() < 5 and day not in holidays:
            count -= 1
    return day


def wilson(seen: int, of: int) -> tuple[float, float]:
    """This will bound a rate on both sides with 95 % confidence (Wilson's score interval); of nothing it says nothing: 0 to 1."""
    if of <= 0:
        return 0.0, 1.0
    rate, spread = seen / of, Z95 * Z95 / of
    middle = (rate + spread / 2) / (1 + spread)
    half = Z95 * math.sqrt(rate * (1 - rate) / of + spread / (4 * of)) / (1 + spread)
    # Rounding must not put the rate itself outside: at 0 and at 1 the bound is the rate.
    return max(0.0, min(rate, middle - half)), min(1.0, max(rate, middle + half))


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What a gate refers to of an evaluation: thresholds in thousandths."""

    digest: str
    model: str
    threshold: int
    gallery_cap: int


def read_report(report: Mapping[str, Any]) -> Evaluation:
    """This will read an evaluation, if it still is what its id names and says what a gate needs; refuses with `ReportUnreadable`."""
    try:
        return _evaluation(report)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as problem:
        raise ReportUnreadable from problem


def _evaluation(report: Mapping[str, Any]) -> Evaluation:
    said = {name: value for name, value in report.items() if name != "id"}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), allow_nan=False)
    best, model = report["recommended"], report["model"]
    threshold, cap = best["threshold"], best["gallery_cap"]
    counted = all(type(report[name]) is int and report[name] > 0 for name in _COUNTS)
    sound = (
        report["form"] == REPORT_FORM
        and len(text) <= REPORT_BYTES
        and hashlib.sha256(text.encode()).hexdigest() == report["id"]
        and isinstance(model, str)
        and 0 < len(model) <= 80
        and isinstance(threshold, float)
        and 0.2 <= threshold <= 1.0
        and type(cap) is int
        and 0 <= cap <= 1_000_000
    )
    if not (counted and sound):
        raise ValueError("not an evaluation")
    return Evaluation(digest=report["id"], model=model, threshold=round(threshold * 1000), gallery_cap=cap)
