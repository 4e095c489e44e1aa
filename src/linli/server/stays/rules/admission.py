"""The check-in decision for one guest, as a table that a lawyer can read.

Rows 1 to 18 keep the numbers of our working table (domain reference A1); 19 and 20 are ours. The first deciding row that fits
gives the result; every further row that fits adds its duties. Sources: 旅馆业治安管理办法 art. 6; 反恐怖主义法 art. 21;
出境入境管理法 art. 39; 未成年人保护法 art. 57 (五必须); 个人信息保护法 art. 28, 31.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum


class Result(StrEnum):
    """What the table says: let in, keep waiting for something nameable, or refuse."""

    ALLOW = "allow"
    HOLD = "hold"
    REFUSE = "refuse"


class Paper(StrEnum):
    """The state of a guest's identity document."""

    NONE = "none"
    CERTIFICATE = "certificate"
    VALID = "valid"
    EXPIRED = "expired"
    MRZ_BAD = "mrz_bad"
    FACE_SERVICE = "face_service"


class Belongs(StrEnum):
    """Whose document it is: mainland, Hong Kong/Macao/Taiwan, or foreign."""

    MAINLAND = "mainland"
    HMT = "hmt"
    FOREIGN = "foreign"


class Age(StrEnum):
    """The age bands the law distinguishes."""

    UNDER_14 = "under_14"
    UNDER_16 = "14_15"
    UNDER_18 = "16_17"
    ADULT = "adult"


class Company(StrEnum):
    """Who sleeps under the same booking as a minor."""

    GUARDIAN = "guardian"
    OTHER_ADULT = "other_adult"
    ALONE = "alone"


class Guardian(StrEnum):
    """How far a minor's guardian has been asked; a host or guard records the call, the guest's word is not enough."""

    NOT_ASKED = "not_asked"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    CONFIRMED = "confirmed"


class Elsewhere(StrEnum):
    """Whether the same document has another stay at the same time."""

    NO = "no"
    UNEXPLAINED = "unexplained"
    EXPLAINED = "explained"


class Duty(StrEnum):
    """What somebody must now do."""

    REPORT_NOW = "report_now"
    REPORT_FOREIGN_24H = "report_foreign_24h"
    REPORT_HMT_24H = "report_hmt_24h"
    COMPLETE_IDENTITY = "complete_identity"
    TWO_PERSON_CHECK = "two_person_check"
    AMEND_DOCUMENT = "amend_document"
    ATTACH_CERTIFICATE = "attach_certificate"
    NAME_POLICE_STATION = "name_police_station"
    MINOR_RECORD = "minor_record"
    CALL_GUARDIAN = "call_guardian"
    PATROL_NOTE = "patrol_note"
    CONTACT_POLICE = "contact_police"
    NO_FACE_ENROLMENT = "no_face_enrolment"
    EXIT_ENTRY_NOTICE = "exit_entry_notice"
    OTHER_BED = "other_bed"
    TELL_OPERATOR = "tell_operator"
    EXPLAIN_OVERLAP = "explain_overlap"
    OVERLAP_CASE = "overlap_case"
    SAME_DUTY_BY_THE_HOUR = "same_duty_by_the_hour"
    CONSENT_RECORD = "consent_record"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything the table looks at for one guest; nothing here names a person."""

    paper: Paper
    age: Age
    belongs: Belongs
    level: int
    company: Company
    guardian: Guardian
    two_eyes: bool
    room_full: bool
    unit_letting: bool
    elsewhere: Elsewhere
    by_the_hour: bool

    @property
    def minor(self) -> bool:
        """This will say whether the guest is under 18."""
        return self.age is not Age.ADULT

    @property
    def identified(self) -> bool:
        """This will say whether identity is at least at level 2: read or compared, not only typed."""
        return self.level >= 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line: the facts it asks for (an absent fact is 'any'), its result (None only adds duties), duties, and what to say."""

    number: int
    when: Mapping[str, object]
    result: Result | None
    duties: tuple[Duty, ...] = ()
    zh: str
    en: str

    def fits(self, facts: Facts) -> bool:
        """This will say whether every named fact holds; a tuple of values means 'one of'."""
        return all(_matches(getattr(facts, name), wanted) for name, wanted in self.when.items())


def _matches(value: object, wanted: object) -> bool:
    return value in wanted if isinstance(wanted, tuple) else value == wanted


ALLOW, HOLD, REFUSE = Result.ALLOW, Result.HOLD, Result.REFUSE
YOUNG = (Age.UNDER_14, Age.UNDER_16)
# The table asks for the guardian's word at 16 and 17 whether the young guest is alone or with an adult who is not the guardian.
NOT_GUARDIAN = (Company.ALONE, Company.OTHER_ADULT)

DECIDING = (
    Row(
        number=16,
        when={"unit_letting": False},
        result=REFUSE,
        duties=(Duty.TELL_OPERATOR,),
        zh="该房源暂停接待，不能办理新的入住。",
        en="This flat is not letting at present; no new stay can begin.",
    ),
    Row(
        number=5,
        when={"paper": Paper.NONE},
        result=REFUSE,
        duties=(Duty.NAME_POLICE_STATION,),
        zh="没有身份证明不能入住（反恐怖主义法第二十一条）。可到最近的派出所开具临时身份证明。",
        en="Nobody may stay without proof of identity (Counter-Terrorism Law art. 21). The nearest police station can issue a "
        "temporary certificate.",
    ),
    Row(
        number=15,
        when={"room_full": True},
        result=REFUSE,
        duties=(Duty.OTHER_BED,),
        zh="该房间已满，请选择其他床位。",
        en="This room is full; please choose another bed.",
    ),
    Row(
        number=17,
        when={"elsewhere": Elsewhere.UNEXPLAINED},
        result=REFUSE,
        duties=(Duty.EXPLAIN_OVERLAP,),
        zh="同一证件在同一时间另有入住登记，请说明原因（已换房或登记有误）。",
        en="The same document already has a stay at this time; please say why (moved, or a mistake).",
    ),
    Row(
        number=12,
        when={"paper": Paper.MRZ_BAD, "two_eyes": False},
        result=HOLD,
        duties=(Duty.TWO_PERSON_CHECK,),
        zh="护照机读码校验不符，需两名工作人员人工核对。",
        en="The passport's machine-readable line does not add up; two people of the house must compare it by eye.",
    ),
    Row(
        number=19,
        when={"paper": Paper.EXPIRED, "belongs": (Belongs.MAINLAND, Belongs.HMT), "level": (0, 1, 2, 3)},
        result=HOLD,
        duties=(Duty.COMPLETE_IDENTITY, Duty.NAME_POLICE_STATION),
        zh="证件已过有效期，请出示有效证件或派出所临时身份证明。",
        en="This document has expired; please show a valid one or a police certificate.",
    ),
    Row(
        number=8,
        when={"age": Age.UNDER_18, "company": NOT_GUARDIAN, "guardian": (Guardian.UNREACHABLE, Guardian.REFUSED)},
        result=HOLD,
        duties=(Duty.MINOR_RECORD, Duty.CONTACT_POLICE),
        zh="未能联系到监护人或监护人不同意，已转请民警联系。",
        en="The guardian could not be reached or does not agree; the police will be asked to make contact.",
    ),
    Row(
        number=9,
        when={
            "age": YOUNG,
            "company": NOT_GUARDIAN,
            "guardian": (Guardian.UNREACHABLE, Guardian.REFUSED),
        },
        result=HOLD,
        duties=(Duty.MINOR_RECORD, Duty.CONTACT_POLICE),
        zh="未能得到监护人确认，已转请民警联系。",
        en="The guardian's confirmation could not be had; the police will be asked to make contact.",
    ),
    Row(
        number=20,
        when={"age": YOUNG, "company": Company.ALONE},
        result=HOLD,
        duties=(Duty.MINOR_RECORD, Duty.CALL_GUARDIAN, Duty.CONTACT_POLICE),
        zh="未满十六周岁不能独自入住，需监护人确认并由工作人员处理。",
        en="A child under 16 cannot stay alone; the house will call the guardian and the police.",
    ),
    Row(
        number=9,
        when={"age": YOUNG, "company": Company.OTHER_ADULT, "guardian": Guardian.NOT_ASKED},
        result=HOLD,
        duties=(Duty.MINOR_RECORD, Duty.CALL_GUARDIAN),
        zh="与监护人以外的成年人同住，需先得到监护人确认及关系说明。",
        en="Staying with an adult who is not the guardian: the guardian must confirm first, and the relation be recorded.",
    ),
    Row(
        number=7,
        when={"age": Age.UNDER_18, "company": NOT_GUARDIAN, "guardian": Guardian.NOT_ASKED},
        result=HOLD,
        duties=(Duty.MINOR_RECORD, Duty.CALL_GUARDIAN),
        zh="十六、十七周岁独自入住，需先联系监护人。",
        en="A guest of 16 or 17 alone: the house must first reach the guardian.",
    ),
    Row(
        number=2,
        when={"identified": False},
        result=HOLD,
        duties=(Duty.COMPLETE_IDENTITY,),
        zh="身份尚未核验，请拍摄证件，或由房东、门卫当面核对。",
        en="Identity is not verified yet: photograph the document, or show it to the host or the guard.",
    ),
    Row(
        number=7,
        when={"age": Age.UNDER_18, "company": NOT_GUARDIAN, "guardian": Guardian.CONFIRMED},
        result=ALLOW,
        duties=(Duty.MINOR_RECORD, Duty.PATROL_NOTE),
        zh="已联系监护人，可以入住。",
        en="The guardian has been reached; welcome.",
    ),
    Row(
        number=9,
        when={"age": YOUNG, "company": Company.OTHER_ADULT, "guardian": Guardian.CONFIRMED},
        result=ALLOW,
        duties=(Duty.MINOR_RECORD,),
        zh="监护人已确认，可以入住。",
        en="The guardian has confirmed; welcome.",
    ),
    Row(
        number=6,
        when={"minor": True, "company": Company.GUARDIAN},
        result=ALLOW,
        duties=(Duty.MINOR_RECORD,),
        zh="未成年人登记完成，可以入住。",
        en="The young guest is registered; welcome.",
    ),
    Row(
        number=12,
        when={"paper": Paper.MRZ_BAD, "two_eyes": True},
        result=ALLOW,
        duties=(Duty.AMEND_DOCUMENT,),
        zh="已由两人核对，可以入住；护照信息待更正。",
        en="Compared by two people; welcome. The passport data will be mended later.",
    ),
    Row(
        number=3,
        when={"paper": Paper.FACE_SERVICE},
        result=ALLOW,
        duties=(Duty.CONSENT_RECORD,),
        zh="已经本人同意通过核验服务确认身份，可以入住。",
        en="Identity was confirmed by the authorised service with your consent; welcome.",
    ),
    Row(
        number=4,
        when={"paper": Paper.CERTIFICATE},
        result=ALLOW,
        duties=(Duty.ATTACH_CERTIFICATE,),
        zh="已登记派出所临时身份证明，可以入住。",
        en="The police certificate is registered; welcome.",
    ),
    Row(
        number=13,
        when={"paper": Paper.EXPIRED, "belongs": Belongs.FOREIGN},
        result=ALLOW,
        duties=(Duty.EXIT_ENTRY_NOTICE,),
        zh="已登记。证件或停留期限已过，请尽快联系出入境管理部门。",
        en="You are registered. Your document or stay permit has expired: please contact the exit-entry police soon.",
    ),
    Row(
        number=11,
        when={"belongs": Belongs.FOREIGN},
        result=ALLOW,
        zh="登记完成，欢迎入住。",
        en="You are registered; welcome.",
    ),
    Row(
        number=14,
        when={"belongs": Belongs.HMT},
        result=ALLOW,
        zh="登记完成，欢迎入住。",
        en="You are registered; welcome.",
    ),
    Row(number=1, when={}, result=ALLOW, zh="登记完成，欢迎入住。", en="You are registered; welcome."),
)

ADDING = (
    Row(number=10, when={"age": Age.UNDER_14}, result=None, duties=(Duty.NO_FACE_ENROLMENT,), zh="", en=""),
    Row(number=11, when={"belongs": Belongs.FOREIGN}, result=None, duties=(Duty.REPORT_FOREIGN_24H,), zh="", en=""),
    Row(number=14, when={"belongs": Belongs.HMT}, result=None, duties=(Duty.REPORT_HMT_24H,), zh="", en=""),
    Row(number=1, when={"belongs": Belongs.MAINLAND}, result=None, duties=(Duty.REPORT_NOW,), zh="", en=""),
    Row(number=17, when={"elsewhere": Elsewhere.EXPLAINED}, result=None, duties=(Duty.OVERLAP_CASE,), zh="", en=""),
    Row(number=18, when={"by_the_hour": True}, result=None, duties=(Duty.SAME_DUTY_BY_THE_HOUR,), zh="", en=""),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The table's answer for one guest: the deciding row, the result, all duties, and what to tell the guest."""

    row: int
    result: Result
    duties: tuple[Duty, ...]
    zh: str
    en: str


def decide(facts: Facts) -> Decision:
    """This will always find a row: the last one asks for nothing."""
    row = next(row for row in DECIDING if row.fits(facts))
    duties = list(row.duties)
    if row.result is not REFUSE:
        duties += [duty for extra in ADDING if extra.fits(facts) for duty in extra.duties]
    return Decision(
        row=row.number, result=row.result or HOLD, duties=tuple(dict.fromkeys(duties)), zh=row.zh, en=row.en
    )


def age_on(day: date, birth_date: date) -> int:
    """This will count full years; somebody born on 29 February comes of age on 1 March in common years (民法典 art. 201)."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def age_band(day: date, birth_date: date) -> Age:
    """This will name the band the law puts a guest of this birth date into on this day."""
    years = age_on(day, birth_date)
    if years < 14:
        return Age.UNDER_14
    if years < 16:
        return Age.UNDER_16
    return Age.UNDER_18 if years < 18 else Age.ADULT


def report_due_at(belongs: Belongs, checked_in_at: datetime) -> datetime:
    """This will say when the lodging report must have been received: three hours for mainland guests, 24 for others.

    Source: 出境入境管理法 art. 39 (24 h, a hard limit); the three hours are our default for 'in real time'.
    """
    return checked_in_at + (timedelta(hours=3) if belongs is Belongs.MAINLAND else timedelta(hours=24))


DAY_USE = timedelta(hours=6)
