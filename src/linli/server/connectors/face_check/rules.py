"""What the face layer may be asked and how its answers are named; who may say yes for whom, and what is said to people.

The estate is told one of three things: confirmed, another way please, or not available now. A picture that does not agree accuses
nobody, so it is worded like one that could not be judged (domain sheet A1 rows 3 and 4; no mandatory face at check-in).
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from linli.server.kernel.errors import Refusal

PURPOSE = "face_verification"
RECIPIENT = "face layer (人脸AI能力层)"
PLATFORM = "face_layer"
LEAVES = ("name", "document_kind", "document_number", "picture")
MOST_TRIES = 5
TRIES_WITHIN = timedelta(hours=24)
FACE_PIXELS = 16_000_000
HIGHEST_SCORE = 1000
OF_AGE_TO_CONSENT = 14
GUARDIAN = "guardian:"


class FaceVerdict(StrEnum):
    """What became of one question."""

    SAME = "SAME"
    NOT_SAME = "NOT_SAME"
    UNSURE = "UNSURE"
    NO_ANSWER = "NO_ANSWER"  # nothing usable came back; this also stands while the question is on its way
    REFUSED = "REFUSED"  # the layer refuses us or what we ask


class Outcome(StrEnum):
    """What people are told: never more than they need to go on."""

    CONFIRMED = "CONFIRMED"
    ANOTHER_WAY = "ANOTHER_WAY"
    NOT_AVAILABLE = "NOT_AVAILABLE"


OUTCOMES: Mapping[FaceVerdict, Outcome] = MappingProxyType(
    {
        FaceVerdict.SAME: Outcome.CONFIRMED,
        FaceVerdict.NOT_SAME: Outcome.ANOTHER_WAY,
        FaceVerdict.UNSURE: Outcome.ANOTHER_WAY,
        FaceVerdict.NO_ANSWER: Outcome.NOT_AVAILABLE,
        FaceVerdict.REFUSED: Outcome.NOT_AVAILABLE,
    }
)
WORDS: Mapping[Outcome, tuple[str, str]] = MappingProxyType(
    {
        Outcome.CONFIRMED: (
            "已经本人同意通过核验服务确认身份。照片未保存。",
            "Your identity was confirmed by the verification service with your consent. The picture was not kept.",
        ),
        Outcome.ANOTHER_WAY: (
            "这次没有确认成功，请用其他方式。这不影响您入住，照片未保存。",
            "This could not be confirmed this time: another way, please. Your stay is not affected, and the picture was not kept.",
        ),
        Outcome.NOT_AVAILABLE: (
            "核验服务现在不可用，请用其他方式，不必等待。这不影响您入住，照片未保存。",
            "The verification service is not available now: another way, please, there is no need to wait. Your stay is not "
            "affected, and the picture was not kept.",
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherWay:
    """A way to be let in that asks for no face."""

    key: str
    zh: str
    en: str


OTHER_WAYS = (
    OtherWay(key="document", zh="拍摄或读取身份证件。", en="Photograph your document, or lay it on the reader."),
    OtherWay(
        key="eye",
        zh="请房东或门卫当面核对本人和证件。",
        en="Show yourself and your document to the host or the guard.",
    ),
    OtherWay(
        key="certificate",
        zh="没带证件时，可到最近的派出所开具临时身份证明。",
        en="Without a document, the nearest police station issues a temporary certificate.",
    ),
)


class FaceCheckConsentNeeded(Refusal):
    """A face is compared only after a separate yes to exactly that; every other way stays open without one."""

    zh = "人脸核验须先取得单独同意；不同意也可以用其他方式入住。"
    status = 409


class GuardianConsentNeeded(Refusal):
    """For a child under 14 only a guardian may say yes, at the desk; every other way stays open without one."""

    zh = "未满十四周岁须由监护人在服务台单独同意；不同意也可以用其他方式入住。"
    status = 409


class OwnConsentNeeded(Refusal):
    """From the age of 14 everybody says yes or no for themselves."""

    zh = "年满十四周岁须由本人同意。"
    status = 409


class FaceNotNeeded(Refusal):
    """This stay does not wait for anybody's identity; no picture is needed."""

    zh = "该入住不需要核验身份，无须拍照。"
    status = 409


class FaceEvidenceNeeded(Refusal):
    """Please say how the consent to the face check was given: the form's number, or that it was signed on the screen."""

    zh = "请注明同意人脸核验的凭据（纸质单号或屏幕签字）。"
    status = 422


class TriesUsedUp(Refusal):
    """This was tried {most} times: another way, please. Your document, the host or the guard serve just as well."""

    zh = "人脸核验已试过 {most} 次，请用其他方式：出示证件，或请房东、门卫当面核对。"
    status = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question, unsealed: whether the person in the picture is the holder of this document. It lives for one exchange."""

    check_id: str
    document_kind: str
    document_number: str = field(repr=False)
    name: str = field(repr=False)
    picture: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came back: the verdict, the score in thousandths, the receipt, and a code where something went wrong."""

    verdict: FaceVerdict
    score: int | None = None
    receipt: str = ""
    code: str = ""
    seconds: float = 0.0


class FaceLayer(Protocol):
    """The other side of a check."""

    def turn(self) -> AbstractContextManager[bool]:
        """Whether a question may be asked now; a layer that was just found dead is not asked again for a while."""

    def ask(self, *, asked: Asked) -> Heard:
        """Ask once. Never raises: what went wrong is a verdict."""


def check_speaker(*, age: int, guardian: bool) -> None:
    """This will refuse a yes that is not this speaker's to give (PIPL art. 31; 人脸识别技术应用安全管理办法)."""
    if age < OF_AGE_TO_CONSENT and not guardian:
        raise GuardianConsentNeeded
    if age >= OF_AGE_TO_CONSENT and guardian:
        raise OwnConsentNeeded


def check_said(evidence: str) -> str:
    """This will return the evidence of a yes that was given at the desk, or refuse with `FaceEvidenceNeeded`."""
    plain = " ".join(evidence.split())
    if not plain:
        raise FaceEvidenceNeeded(field="evidence")
    return plain[:200]


def check_tries(used: int) -> None:
    """This will refuse with `TriesUsedUp` when a stay has had its tries."""
    if used >= MOST_TRIES:
        raise TriesUsedUp(most=MOST_TRIES)


def age_on(day: date, birth_date: date) -> int:
    """This will count full years; whoever was born on 29 February is a year older on 1 March in common years."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))
