"""What the lodging platform accepts: each field's form, each kind's fields, and the catalogue of its refusals.

The check digit is computed here a second time, apart from `linli.documents`: the other side of a wire must not share
our mistakes.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

ESTATE_ZONE = ZoneInfo("Asia/Shanghai")
CLOCKS_DIFFER = timedelta(minutes=10)
LONGEST_STAY = timedelta(days=366)

CATALOGUE: Mapping[str, tuple[str, str]] = {
    "BAD_ENVELOPE": ("报文格式不正确", "The message is not of the agreed shape."),
    "LSH_REUSED": ("流水号已用于另一条报文", "This message id was already used for a different message."),
    "UNKNOWN_KIND": ("未知的报文种类", "There is no such kind of message."),
    "MISSING": ("缺少必填项", "A required field is missing."),
    "UNKNOWN_FIELD": ("不接受的字段", "This field is not accepted here."),
    "BAD_FORMAT": ("格式不正确", "The field is not of the right form."),
    "BAD_DATE": ("日期或时间不存在", "There is no such date or time."),
    "BAD_CODE": ("代码不在代码表中", "The code is not in the table."),
    "BAD_CHECK_DIGIT": ("校验码错误", "The check digit is wrong."),
    "MISMATCH": ("与其他字段不一致", "The field contradicts another one."),
    "IN_THE_FUTURE": ("时间晚于当前时间", "The time has not come yet."),
    "OUT_BEFORE_IN": ("退房早于入住", "The guest would leave before arriving."),
    "NOT_CHECKED_IN": ("没有已受理的入住登记", "No check-in was accepted for this stay."),
    "ALREADY_CHECKED_IN": ("已登记入住", "This stay is already checked in."),
    "ALREADY_CHECKED_OUT": ("已退房", "This stay is already checked out."),
    "CANCELLED": ("登记已撤销", "This stay's registration was cancelled."),
    "NOT_VISITING": ("没有已受理的来访登记", "No visit was accepted under this number."),
    "ALREADY_VISITING": ("该来访已登记", "This visit is registered already."),
    "ALREADY_LEFT": ("访客已离开", "This visitor has left already."),
    "STAFF_UNKNOWN": ("没有该从业人员的登记", "Nobody is registered under this staff number."),
    "UNIT_UNKNOWN": ("没有该房源的登记", "No unit is registered under this code."),
    "UNIT_KNOWN": ("该房源已登记", "This unit is registered already."),
    "UNIT_CLOSED": ("该房源已注销", "This unit was closed."),
    "MANUAL_REVIEW": ("需人工核查", "A person must look at this."),
}

ISO_COUNTRIES = frozenset(
    re.findall(
        r"[A-Z]{3}",
        """
ABW AFG AGO AIA ALA ALB AND ARE ARG ARM ASM ATA ATF ATG AUS AUT AZE BDI BEL BEN BES BFA BGD BGR BHR BHS BIH BLM
BLR BLZ BMU BOL BRA BRB BRN BTN BVT BWA CAF CAN CCK CHE CHL CHN CIV CMR COD COG COK COL COM CPV CRI CUB CUW CXR
CYM CYP CZE DEU DJI DMA DNK DOM DZA ECU EGY ERI ESH ESP EST ETH FIN FJI FLK FRA FRO FSM GAB GBR GEO GGY GHA GIB
GIN GLP GMB GNB GNQ GRC GRD GRL GTM GUF GUM GUY HKG HMD HND HRV HTI HUN IDN IMN IND IOT IRL IRN IRQ ISL ISR ITA
JAM JEY JOR JPN KAZ KEN KGZ KHM KIR KNA KOR KWT LAO LBN LBR LBY LCA LIE LKA LSO LTU LUX LVA MAC MAF MAR MCO MDA
MDG MDV MEX MHL MKD MLI MLT MMR MNE MNG MNP MOZ MRT MSR MTQ MUS MWI MYS MYT NAM NCL NER NFK NGA NIC NIU NLD NOR
NPL NRU NZL OMN PAK PAN PCN PER PHL PLW PNG POL PRI PRK PRT PRY PSE PYF QAT REU ROU RUS RWA SAU SDN SEN SGP SGS
SHN SJM SLB SLE SLV SMR SOM SPM SRB SSD STP SUR SVK SVN SWE SWZ SXM SYC SYR TCA TCD TGO THA TJK TKL TKM TLS TON
TTO TUN TUR TUV TWN TZA UGA UKR UMI URY USA UZB VAT VCT VEN VGB VIR VNM VUT WLF WSM YEM ZAF ZMB ZWE
""",
    )
)
# ICAO 9303 part 3, section 5: stateless persons, refugees, United Nations, British kinds, and UTO, the specimen state.
ICAO_EXTRAS = frozenset(
    re.findall(r"[A-Z]{3}", "UTO XXA XXB XXC XXX UNO UNA UNK XOM XXK EUE GBD GBN GBO GBP GBS XKX RKS")
)
COUNTRIES = ISO_COUNTRIES | ICAO_EXTRAS
AT_HOME = frozenset({"CHN", "HKG", "MAC", "TWN"})

DOCUMENT_FORMS: Mapping[str, str] = {
    "111": r"\d{17}[\dX]",
    "112": r"\d{17}[\dX]",
    "113": r"\d{17}[\dX]",
    "114": r"[0-9A-Z一-鿿第号字-]{4,30}",
    "115": r"[0-9A-Z一-鿿第号字-]{4,30}",
    "117": r"[A-Z]\d{9}",
    "414": r"[A-Z0-9]{5,20}",
    "415": r"[A-Z0-9]{5,20}",
    "511": r"\d{8}(\d{2}|[A-Z0-9]{1,2})?",
    "513": r"[A-Z]\d{8}",
    "516": r"[HM]\d{8}(\d{2})?",
    "553": r"9\d{16}[\dX]|[A-Z]{3}\d{12}",
    "554": r"[A-Z0-9]{5,20}",
    "990": r"[0-9A-Za-z一-鿿()（）〔〕-]{1,40}",
}
WITH_BIRTH_AND_CHECK_DIGIT = frozenset({"111", "112", "113"})
# Cards with a number like a resident's under a code that others share: 553 since 2023; 990 for HK, Macao and Taiwan.
CARD_OF_18: Mapping[str, str] = {"553": r"9\d{16}[\dX]", "990": r"8[123]0000\d{11}[\dX]"}
REGIONS_OF_DOCUMENT: Mapping[str, frozenset[str]] = {
    "111": frozenset({"CHN"}),
    "511": frozenset({"TWN"}),
    "516": frozenset({"HKG", "MAC"}),
}

Need = Literal["required", "optional"]
Body = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a message is rejected: a code of the catalogue and the field it is about."""

    code: str
    field: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The form of one field: a pattern, and whether it is a date or a minute."""

    pattern: str
    moment: str | None = None


_NAME = r"[^\W\d_](?:[\w .·•'’,-]{0,58}[\w.])?"
_LATIN = r"[A-Za-z](?:[A-Za-z .'-]{0,48}[A-Za-z.])?"
_MINUTE = Form(pattern=r"\d{12}", moment="%Y%m%d%H%M")
_DATE = Form(pattern=r"\d{8}", moment="%Y%m%d")

FORMS: Mapping[str, Form] = {
    "zsbh": Form(pattern=r"[0-9A-Za-z_-]{1,40}"),
    "lgdm": Form(pattern=r"[0-9A-Za-z-]{1,32}"),
    "xm": Form(pattern=_NAME),
    "ywx": Form(pattern=_LATIN),
    "ywm": Form(pattern=_LATIN),
    "xb": Form(pattern=r"[0129]"),
    "csrq": _DATE,
    "gj": Form(pattern=r"[A-Z]{3}"),
    "zjlx": Form(pattern=r"\d{3}"),
    "zjhm": Form(pattern=r".{1,40}"),
    "fh": Form(pattern=r"[\w#.()（）-]{1,20}"),
    "cw": Form(pattern=r"[\w#.()（）-]{1,20}"),
    "rzsj": _MINUTE,
    "ydtfsj": _MINUTE,
    "tfsj": _MINUTE,
    "tdtf": Form(pattern=r"[01]"),
    "hfsj": _MINUTE,
    "rjrq": _DATE,
    "nlkrq": _DATE,
    "qzzl": Form(pattern=r"[0-9A-Z]{1,10}"),
    "qzhm": Form(pattern=r"[0-9A-Z]{1,20}"),
    "qzyxq": _DATE,
    "rjka": Form(pattern=r"[\w .()（）-]{1,40}"),
    "lfbh": Form(pattern=r"[0-9A-Za-z_-]{1,40}"),
    "lfsj": _MINUTE,
    "yjlksj": _MINUTE,
    "lksj": _MINUTE,
    "rybh": Form(pattern=r"[0-9A-Za-z_-]{1,40}"),
    "lgdms": Form(pattern=r"[0-9A-Za-z-]{1,32}(,[0-9A-Za-z-]{1,32}){0,199}"),
    "gw": Form(pattern=r"[1239]"),
    "rzrq": _DATE,
    "lzbz": Form(pattern=r"[01]"),
    "dz": Form(pattern=r"[^\x00-\x1f\x7f<>]{2,120}"),
    "lc": Form(pattern=r"-?\d{1,2}"),
    "fjs": Form(pattern=r"\d{1,3}"),
    "cws": Form(pattern=r"\d{1,3}"),
    "jyz": Form(pattern=r"[^\x00-\x1f\x7f<>]{1,80}"),
    "jyzdm": Form(pattern=r"[0-9A-HJ-NP-RT-UW-Y]{18}"),
    "zt": Form(pattern=r"[0123]"),
    "gbsj": _MINUTE,
    "gbyy": Form(pattern=r"[^\x00-\x1f\x7f<>]{1,100}"),
    "cxyy": Form(pattern=r"[^\x00-\x1f\x7f<>]{1,100}"),
    "czr": Form(pattern=r"[\w .:·-]{1,40}"),
    "czsj": _MINUTE,
}

_ENTERED: dict[str, Need] = {"czr": "required", "czsj": "required"}
_ALWAYS: dict[str, Need] = {"zsbh": "required", "lgdm": "required", **_ENTERED}
_NAMED: dict[str, Need] = {
    "xm": "optional",
    "ywx": "optional",
    "ywm": "optional",
    "xb": "required",
    "csrq": "required",
    "gj": "required",
    "zjlx": "required",
    "zjhm": "required",
}
_PERSON: dict[str, Need] = {
    **_NAMED,
    **dict.fromkeys(("qzzl", "qzhm", "qzyxq", "rjrq", "rjka", "nlkrq"), "optional"),
}
_FLAT: dict[str, Need] = {
    "lgdm": "required",
    "dz": "required",
    "lc": "optional",
    "fjs": "required",
    "cws": "required",
    "jyz": "required",
    "jyzdm": "optional",
    "zt": "required",
}
LAYOUT: Mapping[str, Mapping[str, Need]] = {
    "CHECK_IN": _ALWAYS | _PERSON | {"fh": "required", "cw": "optional", "rzsj": "required", "ydtfsj": "required"},
    "AMEND": _ALWAYS | _PERSON | {"rzsj": "optional"},
    "ROOM_CHANGE": _ALWAYS | {"fh": "required", "cw": "optional", "hfsj": "required"},
    "EXTEND": _ALWAYS | {"ydtfsj": "required"},
    "CHECK_OUT": _ALWAYS | {"tfsj": "required", "tdtf": "optional"},
    "CANCEL": _ALWAYS | {"cxyy": "required"},
    "VISITOR_IN": _ENTERED
    | {"lfbh": "required", "lgdm": "required", "fh": "optional", "xm": "required"}
    | {"zjlx": "optional", "zjhm": "optional", "lfsj": "required", "yjlksj": "optional"},
    "VISITOR_OUT": _ENTERED | {"lfbh": "required", "lgdm": "required", "lksj": "required"},
    "STAFF": _ENTERED
    | _NAMED
    | {"rybh": "required", "lgdms": "required", "gw": "required", "rzrq": "required", "lzbz": "required"},
    "UNIT_CREATE": _ENTERED | _FLAT,
    "UNIT_UPDATE": _ENTERED | _FLAT,
    "UNIT_CLOSE": _ENTERED | {"lgdm": "required", "gbsj": "required", "gbyy": "optional"},
}
# By which field of each kind the books know whom or what it is about.
REFERENCES: Mapping[str, str] = {
    **dict.fromkeys(("VISITOR_IN", "VISITOR_OUT"), "lfbh"),
    "STAFF": "rybh",
    **dict.fromkeys(("UNIT_CREATE", "UNIT_UPDATE", "UNIT_CLOSE"), "lgdm"),
}


def refusal_of(*, kind: str, body: Mapping[str, object], now: datetime) -> Refusal | None:
    """This will find the first thing wrong with the fields of a message, or None when they are in order."""
    layout = LAYOUT.get(kind)
    if layout is None:
        return Refusal(code="UNKNOWN_KIND", field="kind")
    for name in sorted(body.keys() - layout.keys()):
        return Refusal(code="UNKNOWN_FIELD", field=name[:40])
    for name, need in layout.items():
        if name not in body and need == "required":
            return Refusal(code="MISSING", field=name)
        if name in body and (problem := _wrong_form(name=name, value=body[name])) is not None:
            return Refusal(code=problem, field=name)
    fields = {name: str(value) for name, value in body.items()}
    return next(filter(None, (check(fields, now) for check in CROSS_CHECKS)), None)


def minute_of(text: str) -> datetime:
    """This will read a twelve-digit minute in the estate's zone."""
    return datetime.strptime(text, "%Y%m%d%H%M").replace(tzinfo=ESTATE_ZONE)


def _wrong_form(*, name: str, value: object) -> str | None:
    form = FORMS[name]
    if not isinstance(value, str) or re.fullmatch(form.pattern, value) is None:
        return "BAD_FORMAT"
    if form.moment is None:
        return None
    try:
        return "BAD_FORMAT" if not value.isascii() else _no_such_moment(value=value, form=form.moment)
    except ValueError:
        return "BAD_DATE"


def _no_such_moment(*, value: str, form: str) -> str | None:
    moment = datetime.strptime(value, form).replace(tzinfo=ESTATE_ZONE)
    return "BAD_DATE" if moment.year < 1890 else None


def _name_is_there(fields: Body, now: datetime) -> Refusal | None:
    if "gj" not in fields:
        return None
    needed = "xm" if fields["gj"] in AT_HOME else "ywx"
    return Refusal(code="MISSING", field=needed) if needed not in fields else None


def _codes_are_known(fields: Body, now: datetime) -> Refusal | None:
    if "gj" in fields and fields["gj"] not in COUNTRIES:
        return Refusal(code="BAD_CODE", field="gj")
    if "zjlx" in fields and fields["zjlx"] not in DOCUMENT_FORMS:
        return Refusal(code="BAD_CODE", field="zjlx")
    return None


def _document_is_sound(fields: Body, now: datetime) -> Refusal | None:
    kind, number = fields.get("zjlx"), fields.get("zjhm")
    if kind is None and number is None:
        return None
    if kind is None or number is None:
        return Refusal(code="MISSING", field="zjlx" if kind is None else "zjhm")
    if re.fullmatch(DOCUMENT_FORMS[kind], number, re.ASCII) is None:
        return Refusal(code="BAD_FORMAT", field="zjhm")
    if kind in WITH_BIRTH_AND_CHECK_DIGIT or re.fullmatch(CARD_OF_18.get(kind, r"(?!)"), number):
        if _check_digit(number[:17]) != number[17]:
            return Refusal(code="BAD_CHECK_DIGIT", field="zjhm")
        # A visitor gives a name and perhaps a document, never a birth date or a sex.
        if "csrq" in fields and number[6:14] != fields["csrq"]:
            return Refusal(code="MISMATCH", field="csrq")
    if (
        kind in WITH_BIRTH_AND_CHECK_DIGIT
        and fields.get("xb", "0") in "12"
        and (int(number[16]) % 2 == 1) != (fields["xb"] == "1")
    ):
        return Refusal(code="MISMATCH", field="xb")
    if kind in REGIONS_OF_DOCUMENT and "gj" in fields and fields["gj"] not in REGIONS_OF_DOCUMENT[kind]:
        return Refusal(code="MISMATCH", field="gj")
    return None


def _born_already(fields: Body, now: datetime) -> Refusal | None:
    today = now.astimezone(ESTATE_ZONE).strftime("%Y%m%d")
    return Refusal(code="IN_THE_FUTURE", field="csrq") if fields.get("csrq", "") > today else None


def _happened_already(fields: Body, now: datetime) -> Refusal | None:
    for name in ("rzsj", "tfsj", "hfsj", "lfsj", "lksj", "gbsj", "czsj"):
        if name in fields and minute_of(fields[name]) > now + CLOCKS_DIFFER:
            return Refusal(code="IN_THE_FUTURE", field=name)
    return None


def _visit_is_one_day(fields: Body, now: datetime) -> Refusal | None:
    if "lfsj" not in fields or "yjlksj" not in fields:
        return None
    planned = minute_of(fields["yjlksj"]) - minute_of(fields["lfsj"])
    if planned < timedelta(0):
        return Refusal(code="OUT_BEFORE_IN", field="yjlksj")
    return Refusal(code="BAD_DATE", field="yjlksj") if planned > timedelta(days=1) else None


def _leaves_after_arriving(fields: Body, now: datetime) -> Refusal | None:
    if "rzsj" not in fields or "ydtfsj" not in fields:
        return None
    planned = minute_of(fields["ydtfsj"]) - minute_of(fields["rzsj"])
    if planned <= timedelta(0):
        return Refusal(code="OUT_BEFORE_IN", field="ydtfsj")
    return Refusal(code="BAD_DATE", field="ydtfsj") if planned > LONGEST_STAY else None


def _check_digit(first17: str) -> str:
    # GB 11643-1999: weights 2^(18-i) mod 11, remainder to `1 0 X 9 8 7 6 5 4 3 2`.
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(first17))
    return "10X98765432"[total % 11]


CROSS_CHECKS: tuple[Callable[[Body, datetime], Refusal | None], ...] = (
    _codes_are_known,
    _name_is_there,
    _born_already,
    _document_is_sound,
    _happened_already,
    _leaves_after_arriving,
    _visit_is_one_day,
)
