"""Who may let, how a unit moves from draft to closed, and how many may sleep where. The state machine is a table."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from linli.documents import numbers
from linli.server.kernel.actors import Role
from linli.server.kernel.errors import BadField, Refusal


class OperatorKind(StrEnum):
    """What an operator is in law: a natural person, an individual business (个体工商户) or a company."""

    NATURAL = "natural"
    INDIVIDUAL_BUSINESS = "individual_business"
    COMPANY = "company"


class LettingMode(StrEnum):
    """Whether strangers may share the room."""

    ROOM = "room"
    BED = "bed"


class UnitState(StrEnum):
    """Where a unit stands (domain sheet 9)."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    CHECKED = "CHECKED"
    CODED = "CODED"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    CLOSED = "CLOSED"


class Licence(StrEnum):
    """Natural persons without a licence are common in the trade: they may register, and the gap is shown."""

    HELD = "held"
    PENDING = "pending"


ORGANISATIONS = (OperatorKind.INDIVIDUAL_BUSINESS, OperatorKind.COMPANY)
MARKED = (UnitState.CODED, UnitState.ACTIVE, UnitState.SUSPENDED)
OPEN = tuple(state for state in UnitState if state is not UnitState.CLOSED)

# The first two characters of a credit code, by what the operator is (GB 32100-2015).
CATEGORIES = {OperatorKind.INDIVIDUAL_BUSINESS: ("92",), OperatorKind.COMPANY: ("91", "93", "52")}

OFFICE = (Role.SYSTEM, Role.ESTATE_ADMIN, Role.OFFICE)
INSPECTORS = (*OFFICE, Role.PROPERTY, Role.POLICE)
MOST_A_BED = 2
MARK_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
MARK_LENGTH = 8
_MARK = re.compile(r"[0-9A-Z][0-9A-Z-]{3,15}")


class UsccOfOtherKind(Refusal):
    """This credit code belongs to another kind of operator: 92 is an individual business, 91 a company."""

    zh = "该统一社会信用代码与经营者类型不符：92 为个体工商户，91 为企业。"
    status = 422


class OperatorIncomplete(Refusal):
    """A natural person registers with a document; a business with its name and credit code."""

    zh = "自然人须凭证件登记；个体工商户和企业须填写名称和统一社会信用代码。"
    status = 422


class OperatorKnown(Refusal):
    """This operator is registered already."""

    zh = "该经营者已登记。"


class OperatorClosed(Refusal):
    """This operator has stopped letting."""

    zh = "该经营者已停止经营。"


class OperatorStillLets(Refusal):
    """This operator still has open units."""

    zh = "该经营者仍有未注销的房源。"


class DwellingLet(Refusal):
    """This flat is a unit already; it must be closed first."""

    zh = "该房屋已登记为网约房，须先注销原房源。"


class StepImpossible(Refusal):
    """A unit that is {state} cannot go that way."""

    zh = "当前状态（{state}）不能执行该操作。"


class WhyNeeded(Refusal):
    """Please say why; it is kept in the unit's history."""

    zh = "请说明原因，原因将写入房源记录。"
    status = 422


class NothingToLet(Refusal):
    """A unit needs at least one room with a bed in it."""

    zh = "房源至少须有一间带床位的房间。"
    status = 422


class RoomElsewhere(Refusal):
    """That room is not in this flat, or is named twice."""

    zh = "该房间不在本房屋内，或重复填写。"
    status = 422


class TooMany(Refusal):
    """At most {most} people may sleep here."""

    zh = "此处最多可住 {most} 人。"
    status = 422


class MarkUnreadable(Refusal):
    """A mark has 4 to 16 capitals, digits and dashes."""

    zh = "标识编码为 4 至 16 位大写字母、数字或连字符。"
    status = 422


class MarkTaken(Refusal):
    """That mark hangs on another door."""

    zh = "该标识编码已用于另一房源。"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One way a unit may go: from where, to where, who may take it, and whether a reason must be given.

    `owner` says that the unit's own operator may take it too.
    """

    sources: tuple[UnitState, ...]
    target: UnitState
    roles: tuple[Role, ...]
    owner: bool = False
    reason: bool = False


STEPS = {
    "submit": Step(sources=(UnitState.DRAFT,), target=UnitState.SUBMITTED, roles=OFFICE, owner=True),
    "check": Step(sources=(UnitState.SUBMITTED,), target=UnitState.CHECKED, roles=INSPECTORS),
    "code": Step(sources=(UnitState.CHECKED,), target=UnitState.CODED, roles=OFFICE),
    "activate": Step(sources=(UnitState.CODED,), target=UnitState.ACTIVE, roles=OFFICE),
    "suspend": Step(sources=(UnitState.ACTIVE,), target=UnitState.SUSPENDED, roles=OFFICE, reason=True),
    "resume": Step(sources=(UnitState.SUSPENDED,), target=UnitState.ACTIVE, roles=OFFICE),
    # A draft that leads nowhere must not hold its flat for ever: every open state can be closed.
    "close": Step(sources=OPEN, target=UnitState.CLOSED, roles=OFFICE, owner=True, reason=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomTerms:
    """How one room is let: whole or by the bed, and how many may sleep in it."""

    room_id: str
    mode: str
    max_occupancy: int


def check_step(verb: str, state: str, *, reason: str) -> UnitState:
    """This will return the state a step leads to; refuses with `StepImpossible`, or `WhyNeeded` when a reason must be given."""
    step = STEPS[verb]
    if state not in step.sources:
        raise StepImpossible(field="state", state=state)
    if step.reason and len(reason.strip()) < 2:
        raise WhyNeeded(field="reason")
    return step.target


def list_verbs(state: str) -> tuple[str, ...]:
    """This will name the steps that lead on from a state."""
    return tuple(verb for verb, step in STEPS.items() if state in step.sources)


def check_rooms(terms: Sequence[RoomTerms], *, beds: dict[str, int]) -> None:
    """This will refuse terms for rooms that are not in the flat, hold no bed, or sleep more than two to a bed.

    `beds` tells how many beds stand in each of the flat's rooms. Raises `NothingToLet`, `RoomElsewhere`, `TooMany`, `BadField`.
    """
    if not terms:
        raise NothingToLet(field="rooms")
    if len({term.room_id for term in terms}) != len(terms) or any(term.room_id not in beds for term in terms):
        raise RoomElsewhere(field="rooms")
    for term in terms:
        count = beds[term.room_id]
        if count == 0:
            raise NothingToLet(field="rooms")
        if term.mode not in tuple(LettingMode):
            raise BadField(field="mode")
        # By the bed, strangers share the room: each has a bed of their own.
        most = count if term.mode == LettingMode.BED else count * MOST_A_BED
        if not 1 <= term.max_occupancy <= most:
            raise TooMany(field="max_occupancy", most=most)


def check_occupancy(wanted: int | None, terms: Sequence[RoomTerms]) -> int:
    """This will return how many may sleep in the unit: what is wanted, or what its rooms hold together; refuses with `TooMany`."""
    most = sum(term.max_occupancy for term in terms)
    if wanted is not None and not 1 <= wanted <= most:
        raise TooMany(field="max_occupancy", most=most)
    return wanted if wanted is not None else most


def check_uscc(kind: OperatorKind, text: str) -> str:
    """This will return the credit code; raises `UsccOfOtherKind`, or `DocumentProblem` for one that is wrong in itself."""
    code = numbers.parse_uscc(text)
    if code.category not in CATEGORIES[kind]:
        raise UsccOfOtherKind(field="uscc")
    return code.number


def check_mark(text: str) -> str:
    """This will return the mark in capitals, or refuse with `MarkUnreadable`."""
    mark = text.strip().upper()
    if not _MARK.fullmatch(mark):
        raise MarkUnreadable(field="mark_code")
    return mark


def unit_code(dwelling_code: str, earlier: int) -> str:
    """This will code a unit by its flat and how often that was let before: `DF2-03-1-0602-W1`. A code is never used again."""
    return f"{dwelling_code}-W{earlier + 1}"


def draw_mark(code: str) -> str:
    """This will draw the mark for a unit (一房一码): short, without letters that look alike, and always the same for one code."""
    number = int.from_bytes(hashlib.blake2b(code.encode(), digest_size=8).digest(), "big")
    characters = []
    for _ in range(MARK_LENGTH):
        number, at = divmod(number, len(MARK_ALPHABET))
        characters.append(MARK_ALPHABET[at])
    return "W" + "".join(characters)
