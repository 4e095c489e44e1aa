"""Who is given a receipt, what it says, and what has become of one that was printed. Pure: tables and words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from linli.server.connectors.rules import MessageKind, ReportState
from linli.server.kernel.errors import Refusal

# Guests whose registration the police have filed within a day; a mainland guest shows an identity card and needs no paper.
BASES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "foreign": (
            "《中华人民共和国出境入境管理法》第三十九条：外国人在中国境内住宿，应当办理住宿登记。",
            "Exit and Entry Administration Law of the P.R.C., article 39: lodging of foreigners is registered.",
        ),
        "hmt": (
            "《旅馆业治安管理办法》第六条：接待境外旅客住宿，应当在二十四小时内报送住宿登记。",
            "Rules on the Security of Lodging, article 6: guests from outside the mainland are reported within 24 hours.",
        ),
    }
)
NOTE = (
    "请妥善保管本回执，有关部门查验住宿登记时出示。扫描二维码可核验真伪及当前状态。本回执不是身份证件。",
    "Please keep this receipt and show it when your accommodation registration is asked for. "
    "Scan the code to verify it and see its present state. It is not an identity document.",
)
NO_TYPE = (
    "No Chinese typeface was found on this machine, so this copy is in English only; "
    "the Chinese text stands on the page behind the code."
)


class PaperState(StrEnum):
    """What has become of a printed receipt."""

    VALID = "VALID"
    AMENDED = "AMENDED"  # something on it was changed afterwards: a new one should be printed
    ENDED = "ENDED"  # the guest has left
    WITHDRAWN = "WITHDRAWN"  # the registration was taken back, or its receipt no longer stands


STATE_WORDS: Mapping[PaperState, tuple[str, str]] = MappingProxyType(
    {
        PaperState.VALID: ("有效：住宿登记已报送并取得回执。", "Valid: the stay is registered and the receipt stands."),
        PaperState.AMENDED: (
            "已变更：打印之后登记内容有更改，请重新打印。",
            "Amended: the registration was changed after this was printed; please print a new one.",
        ),
        PaperState.ENDED: ("已退房：该次住宿已结束。", "Ended: the guest has checked out."),
        PaperState.WITHDRAWN: ("已撤销：该登记不再有效。", "Withdrawn: this registration no longer stands."),
    }
)
AMENDING = (MessageKind.AMEND, MessageKind.ROOM_CHANGE, MessageKind.EXTEND)


class NotReceiptedYet(Refusal):
    """There is no receipt yet: the report of this stay is {state}."""

    zh = "尚无回执：该入住的报送状态为 {state}。"


class NoPaperForThisGuest(Refusal):
    """Receipts are printed for guests from abroad, Hong Kong, Macao and Taiwan."""

    zh = "住宿登记回执仅为境外及港澳台旅客打印。"


class NoChineseTypeface(Refusal):
    """This machine has no Chinese typeface, and this receipt cannot be printed without one; install for instance Noto Sans CJK."""

    zh = "本机未安装中文字体，无法打印该回执，请安装（例如 Noto Sans CJK）。"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the receipt: its name and what it says, in both languages."""

    name_zh: str
    name_en: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """A later message of the same stay, and when it was queued."""

    kind: MessageKind
    queued_at: datetime


def check_guest(belongs: str) -> tuple[str, str]:
    """This will return the legal basis of a guest's receipt, or refuse with `NoPaperForThisGuest`."""
    if belongs not in BASES:
        raise NoPaperForThisGuest
    return BASES[belongs]


def state_now(*, check_in: ReportState, same_edition: bool, later: Iterable[Later], printed_at: datetime) -> PaperState:
    """This will say what has become of a receipt: what takes it back counts first, then the guest's leaving, then changes."""
    messages = list(later)
    kinds = {message.kind for message in messages}
    if check_in is not ReportState.ACCEPTED or not same_edition or MessageKind.CANCEL in kinds:
        return PaperState.WITHDRAWN
    if MessageKind.CHECK_OUT in kinds:
        return PaperState.ENDED
    changed = any(message.kind in AMENDING and message.queued_at > printed_at for message in messages)
    return PaperState.AMENDED if changed else PaperState.VALID


def mask_mark(mark: str) -> str:
    """This will hide the middle of a flat's mark: who verifies a paper sees whether it is the one on it, and learns no address."""
    return f"{mark[:3]}{'*' * max(2, len(mark) - 5)}{mark[-2:]}" if len(mark) > 5 else "*" * len(mark)


def is_latin(text: str) -> bool:
    """This will say whether a text prints with a Latin typeface."""
    return all(ord(character) < 0x250 or character in "–—’“”·…" for character in text)
