"""What a feed may not decide by itself: the questions it puts to an operator, in both languages, with the answers there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from linli.server.kernel.errors import Refusal


class TaskKind(StrEnum):
    """Why an operator is asked."""

    CONFLICT = "conflict"
    CHANGED = "changed"
    CANCELLED = "cancelled"
    MISSING = "missing"
    REFUSED = "refused"
    FEED_SILENT = "feed_silent"


class Choice(StrEnum):
    """What the operator decides; the last two are what the estate notes by itself when a question answers itself."""

    KEEP = "keep"
    TAKE = "take"
    FOLLOW = "follow"
    CANCEL = "cancel"
    SETTLED = "settled"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The words of a kind of task, and what may be chosen."""

    zh: str
    en: str
    choices: tuple[Choice, ...]


QUESTIONS: Mapping[TaskKind, Question] = MappingProxyType(
    {
        TaskKind.CONFLICT: Question(
            zh="渠道订单与本系统的预订争用同一床位，两者都已保留。请与客人或渠道协商，腾出床位后再接收。",
            en="An order from a channel wants beds that are already let; both were kept. Settle it with the guest or the channel, "
            "then take it in once beds are free.",
            choices=(Choice.TAKE, Choice.KEEP),
        ),
        TaskKind.CHANGED: Question(
            zh="渠道上的订单有变，但客人已登记，未作任何更改。是否照改？",
            en="The channel changed this order, but guests have registered; nothing was changed. Follow the channel?",
            choices=(Choice.FOLLOW, Choice.KEEP),
        ),
        TaskKind.CANCELLED: Question(
            zh="渠道上的订单已取消，但客人已登记，预订已保留。是否取消？",
            en="The channel cancelled this order, but guests have registered; the booking was kept. Cancel it?",
            choices=(Choice.CANCEL, Choice.KEEP),
        ),
        TaskKind.MISSING: Question(
            zh="渠道日历已多次不再列出该订单，预订已保留。是否取消？",
            en="The channel's calendar has repeatedly not named this order; the booking was kept. Cancel it?",
            choices=(Choice.CANCEL, Choice.KEEP),
        ),
        TaskKind.REFUSED: Question(
            zh="渠道订单未能登记，原因见说明。请处理后再接收。",
            en="An order from a channel could not be booked, for the reason given. Mend it, then take it in.",
            choices=(Choice.TAKE, Choice.KEEP),
        ),
        TaskKind.FEED_SILENT: Question(
            zh="渠道日历已超过一天没有可用的内容，现有预订均保留。请检查链接。",
            en="A channel's calendar has given nothing usable for more than a day; all bookings were kept. Please check the link.",
            choices=(Choice.KEEP,),
        ),
    }
)

CHOICES: Mapping[Choice, tuple[str, str]] = MappingProxyType(
    {
        Choice.KEEP: ("保持现状", "Leave as it is"),
        Choice.TAKE: ("接收订单", "Take the order in"),
        Choice.FOLLOW: ("按渠道更改", "Follow the channel"),
        Choice.CANCEL: ("取消预订", "Cancel the booking"),
        Choice.SETTLED: ("已自行解决", "Settled by itself"),
        Choice.SUPERSEDED: ("已有新的情况", "Overtaken by newer facts"),
    }
)


class TaskClosed(Refusal):
    """This question has been answered already."""

    zh = "该事项已处理。"


class NotAnAnswer(Refusal):
    """This is not one of the answers to this question: {choices}."""

    zh = "该事项不能这样处理，可选：{choices}。"
    status = 422


def check_choice(kind: str, choice: str) -> Choice:
    """This will return the choice, or refuse with `NotAnAnswer`."""
    allowed = QUESTIONS[TaskKind(kind)].choices
    if choice not in allowed:
        raise NotAnAnswer(field="choice", choices=", ".join(allowed))
    return Choice(choice)
