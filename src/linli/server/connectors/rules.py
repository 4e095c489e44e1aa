"""When a report is due, what an answer means for it, and when it waits for a person: tables and sums, without a clock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from linli.server.kernel.errors import Refusal


class MessageKind(StrEnum):
    """What is told to a platform: of a guest's stay, of a visit, and of what stands (people, flats, doors) or passes."""

    CHECK_IN = "CHECK_IN"
    AMEND = "AMEND"
    ROOM_CHANGE = "ROOM_CHANGE"
    EXTEND = "EXTEND"
    CHECK_OUT = "CHECK_OUT"
    CANCEL = "CANCEL"
    VISITOR_IN = "VISITOR_IN"
    VISITOR_OUT = "VISITOR_OUT"
    STAFF = "STAFF"
    UNIT_CREATE = "UNIT_CREATE"
    UNIT_UPDATE = "UNIT_UPDATE"
    UNIT_CLOSE = "UNIT_CLOSE"
    RESIDENT = "RESIDENT"
    DOOR = "DOOR"
    DEVICE = "DEVICE"
    PASSAGE = "PASSAGE"


class SubjectKind(StrEnum):
    """What a message is about; the messages about one subject keep their order."""

    STAY = "stay"
    VISIT = "visit"
    STAFF = "staff"
    UNIT = "unit"
    RESIDENT = "resident"
    DOOR = "door"
    DEVICE = "device"
    PASSAGE = "passage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The messages by which a subject begins, changes and ends; where one word serves for all, the message says which."""

    begins: MessageKind
    changes: MessageKind
    ends: MessageKind


# What stands is told when it is new, when it has changed and when it is gone: compared, not announced.
STANDING_SUBJECTS: Mapping[SubjectKind, Course] = MappingProxyType(
    {
        SubjectKind.UNIT: Course(
            begins=MessageKind.UNIT_CREATE, changes=MessageKind.UNIT_UPDATE, ends=MessageKind.UNIT_CLOSE
        ),
        **{
            subject: Course(begins=kind, changes=kind, ends=kind)
            for subject, kind in (
                (SubjectKind.STAFF, MessageKind.STAFF),
                (SubjectKind.RESIDENT, MessageKind.RESIDENT),
                (SubjectKind.DOOR, MessageKind.DOOR),
                (SubjectKind.DEVICE, MessageKind.DEVICE),
            )
        },
    }
)

# What a later message mends when it is stuck: an amendment to something that never arrived would be refused too.
MENDS: Mapping[MessageKind, frozenset[MessageKind]] = MappingProxyType(
    {
        MessageKind.AMEND: frozenset({MessageKind.CHECK_IN, MessageKind.AMEND}),
        MessageKind.UNIT_UPDATE: frozenset({MessageKind.UNIT_CREATE, MessageKind.UNIT_UPDATE}),
        **{
            kind: frozenset({kind})
            for kind in (MessageKind.STAFF, MessageKind.RESIDENT, MessageKind.DOOR, MessageKind.DEVICE)
        },
    }
)


class ReportState(StrEnum):
    """Where one message stands; it is always in exactly one of these."""

    QUEUED = "QUEUED"  # waits for its turn or its next try
    SENDING = "SENDING"  # a courier has it; when the courier dies its lease ends and another asks what became of it
    PENDING = "PENDING"  # the platform has it and has not decided
    ACCEPTED = "ACCEPTED"  # there is a receipt
    REJECTED = "REJECTED"  # the platform refused the content: a person must mend it
    PARKED = "PARKED"  # it does not move, for a reason that is written down, until its owner acts


UNFINISHED = (ReportState.QUEUED, ReportState.SENDING, ReportState.PENDING)
STUCK = (ReportState.REJECTED, ReportState.PARKED)


class Verdict(StrEnum):
    """What came back from one exchange with a platform."""

    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    PENDING = "PENDING"
    UNHEARD_OF = "UNHEARD_OF"  # asked for a message that never arrived there
    NOT_A_MESSAGE = "NOT_A_MESSAGE"  # the envelope itself is refused: sending it again cannot help
    NONSENSE = "NONSENSE"  # something came back that is no answer, or the answer to another message
    BUSY = "BUSY"  # 5xx, 429: later
    LOCKED_OUT = "LOCKED_OUT"  # our credentials or our address are refused
    NO_ANSWER = "NO_ANSWER"  # nothing came back; it may have arrived
    UNREACHABLE = "UNREACHABLE"  # nothing was sent


# These say something of the link and nothing of the message.
LINK_FAILURES = frozenset({Verdict.BUSY, Verdict.LOCKED_OUT, Verdict.NO_ANSWER, Verdict.UNREACHABLE})
# After these nobody knows whether the platform has the message: ask before sending again.
LEAVE_DOUBT = frozenset({Verdict.NONSENSE, Verdict.NO_ANSWER, Verdict.BUSY})


class Reason(StrEnum):
    """Why a report is not on its way."""

    NONE = ""
    REFUSED_BY_PLATFORM = "refused_by_platform"
    FACTS_MISSING = "facts_missing"
    NO_LEGAL_BASIS = "no_legal_basis"
    NO_CONSENT = "no_consent"
    NO_ACCOUNT = "no_account"
    FICTIONAL_ONLY = "fictional_only"
    FIELD_NOT_ALLOWED = "field_not_allowed"
    NOT_UNDERSTOOD = "not_understood"
    NONSENSE = "nonsense"
    PENDING_TOO_LONG = "pending_too_long"
    BEHIND_ANOTHER = "behind_another"
    UNREACHABLE = "unreachable"
    BUSY = "busy"
    LOCKED_OUT = "locked_out"


WORDS: Mapping[Reason, tuple[str, str]] = MappingProxyType(
    {
        Reason.REFUSED_BY_PLATFORM: (
            "平台退回，请按所示字段更正后重报。",
            "The platform refused it; mend the field and send again.",
        ),
        Reason.FACTS_MISSING: ("登记信息不全，无法报送。", "A fact that the platform asks for is missing."),
        Reason.NO_LEGAL_BASIS: ("该接收方不在告知目的之内，不予报送。", "No declared purpose names this recipient."),
        Reason.NO_CONSENT: ("本人未同意或已撤回同意，不予报送。", "The person has not consented, or has withdrawn."),
        Reason.NO_ACCOUNT: ("经营者尚未登记该平台的账号。", "The operator has no account at this platform yet."),
        Reason.FICTIONAL_ONLY: (
            "境外平台仅可用于虚构数据，不予报送。",
            "A platform of another country takes fictional data only.",
        ),
        Reason.FIELD_NOT_ALLOWED: ("含有未许可的字段，不予报送。", "It holds a field that may not leave."),
        Reason.NOT_UNDERSTOOD: ("平台无法识别报文，请联系技术人员。", "The platform cannot read the message at all."),
        Reason.NONSENSE: ("平台的应答无法识别。", "The platform's answers make no sense."),
        Reason.PENDING_TOO_LONG: ("平台超过一天未作处理。", "The platform has not decided for more than a day."),
        Reason.BEHIND_ANOTHER: (
            "同一对象的前一条报送尚未解决。",
            "An earlier message about the same subject waits for a person.",
        ),
        Reason.UNREACHABLE: ("平台无法连接，将自动重试。", "The platform cannot be reached; it will be tried again."),
        Reason.BUSY: ("平台繁忙，将自动重试。", "The platform is busy; it will be tried again."),
        Reason.LOCKED_OUT: (
            "平台拒绝本系统的凭据，请检查接口配置。",
            "The platform refuses our credentials; check the link.",
        ),
    }
)

OFFICE = "office"
# Who must act: whoever knows the guest mends content, the office mends links.
CONTENT = frozenset({Reason.REFUSED_BY_PLATFORM, Reason.FACTS_MISSING})
OF_OPERATORS = CONTENT | {Reason.NO_ACCOUNT}


class NothingToReplay(Refusal):
    """This report is {state}; only one that was rejected or parked can be sent again."""

    zh = "该报送当前状态为 {state}，只有被退回或搁置的报送可以重报。"


class StillBehind(Refusal):
    """An earlier message about the same subject must be settled first."""

    zh = "请先处理同一对象的前一条报送。"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How soon a report must be received, counted from what it reports, and where that is written."""

    alarm_after: timedelta
    due_after: timedelta
    source: str


TERMS: Mapping[str, Terms] = MappingProxyType(
    {
        "mainland": Terms(
            alarm_after=timedelta(minutes=30),
            due_after=timedelta(hours=3),
            source="旅馆业治安管理办法 art. 6 (at once; 3 h is the limit we hold ourselves to)",
        ),
        "hmt": Terms(
            alarm_after=timedelta(hours=12),
            due_after=timedelta(hours=24),
            source="旅馆业治安管理办法 art. 6 (24 h)",
        ),
        "foreign": Terms(
            alarm_after=timedelta(hours=12),
            due_after=timedelta(hours=24),
            source="出境入境管理法 art. 39 (24 h from the actual arrival, a hard limit)",
        ),
        "visitor": Terms(
            alarm_after=timedelta(minutes=30),
            due_after=timedelta(hours=3),
            source="湖南 2024 and 青岛 2023 ask for visitors beside guests; we hold ourselves to the guests' terms",
        ),
        "staff": Terms(
            alarm_after=timedelta(hours=24),
            due_after=timedelta(days=3),
            source="杭州 2023 asks for staff without a term; as for a changed business",
        ),
        "unit": Terms(
            alarm_after=timedelta(hours=24), due_after=timedelta(days=3), source="旅馆业治安管理办法 art. 4 (3 days)"
        ),
        "community": Terms(
            alarm_after=timedelta(hours=24), due_after=timedelta(days=3), source="our own: no text names a term"
        ),
        "view": Terms(
            alarm_after=timedelta(hours=24), due_after=timedelta(days=3), source="our own: no text names a term"
        ),
    }
)

FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(seconds=30)
PENDING_PAUSE = timedelta(seconds=2)
PENDING_AT_MOST = timedelta(hours=24)
NONSENSE_AT_MOST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a report stood when the answer came: tries that failed in a row, and since when the platform has been deciding."""

    failures: int
    nonsense: int
    pending_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What becomes of a report: its next state, why, whether doubt remains, and how long until it is looked at again."""

    state: ReportState
    reason: Reason = Reason.NONE
    in_doubt: bool = False
    pause: timedelta = timedelta(0)


def step_after(*, verdict: Verdict, standing: Standing, luck: float, now: datetime) -> Step:
    """This will say what an exchange means for its report; `luck` between 0 and 1 spreads the retries apart."""
    if verdict is Verdict.ACCEPTED:
        return Step(state=ReportState.ACCEPTED)
    if verdict is Verdict.REJECTED:
        return Step(state=ReportState.REJECTED, reason=Reason.REFUSED_BY_PLATFORM)
    if verdict is Verdict.NOT_A_MESSAGE:
        return Step(state=ReportState.PARKED, reason=Reason.NOT_UNDERSTOOD)
    if verdict is Verdict.PENDING:
        return _while_pending(standing=standing, luck=luck, now=now)
    if verdict is Verdict.UNHEARD_OF:
        # The question is settled: it never arrived, so it can be sent at once.
        return Step(state=ReportState.QUEUED)
    if verdict is Verdict.NONSENSE and standing.nonsense + 1 >= NONSENSE_AT_MOST:
        return Step(state=ReportState.PARKED, reason=Reason.NONSENSE, in_doubt=True)
    return _again(verdict=verdict, standing=standing, luck=luck)


def pause_after(*, failures: int, luck: float) -> timedelta:
    """This will double the pause with every failure up to half a minute, and shorten it by up to half at random."""
    full = min(timedelta(seconds=FIRST_PAUSE.total_seconds() * 2.0 ** min(failures, 10)), LONGEST_PAUSE)
    return full * (1 - luck / 2)


def owner_of(*, reason: Reason, operator_id: str) -> str:
    """This will name who must act: the operator for what a guest must mend, the office for the rest."""
    return f"operator:{operator_id}" if reason in OF_OPERATORS and operator_id else OFFICE


def shown_state(states: Iterable[ReportState]) -> ReportState | None:
    """This will sum up a stay's messages in their order: the first that is not accepted, else ACCEPTED; a sending one is queued."""
    last = None
    for state in states:
        if state is not ReportState.ACCEPTED:
            return ReportState.QUEUED if state is ReportState.SENDING else state
        last = state
    return last


def check_replay(*, state: ReportState, reason: Reason) -> None:
    """This will refuse unless the report waits for a person: `NothingToReplay`, `StillBehind`."""
    if state not in STUCK:
        raise NothingToReplay(state=state.value)
    if reason is Reason.BEHIND_ANOTHER:
        raise StillBehind


def fields_not_allowed(*, fields: Iterable[str], allowed: frozenset[str]) -> tuple[str, ...]:
    """This will name the fields that the platform's whitelist does not hold."""
    return tuple(sorted(set(fields) - allowed))


def _while_pending(*, standing: Standing, luck: float, now: datetime) -> Step:
    if standing.pending_since is not None and now - standing.pending_since >= PENDING_AT_MOST:
        return Step(state=ReportState.PARKED, reason=Reason.PENDING_TOO_LONG, in_doubt=True)
    return Step(state=ReportState.PENDING, pause=PENDING_PAUSE * (1 - luck / 2))


WHY: Mapping[Verdict, Reason] = MappingProxyType(
    {
        Verdict.NONSENSE: Reason.NONSENSE,
        Verdict.BUSY: Reason.BUSY,
        Verdict.LOCKED_OUT: Reason.LOCKED_OUT,
        Verdict.NO_ANSWER: Reason.UNREACHABLE,
        Verdict.UNREACHABLE: Reason.UNREACHABLE,
    }
)


def _again(*, verdict: Verdict, standing: Standing, luck: float) -> Step:
    # What is pending stays pending while we fail to ask: the platform has it.
    state = ReportState.QUEUED if standing.pending_since is None else ReportState.PENDING
    return Step(
        state=state,
        reason=WHY[verdict],
        in_doubt=verdict in LEAVE_DOUBT,
        pause=pause_after(failures=standing.failures, luck=luck),
    )
