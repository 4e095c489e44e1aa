"""The lodging platform (旅综平台): which fields leave, under which names, and how its answers are read.

Its real interface is not public. This speaks our neutral contract, whose other side `linli-sim platform lodging` plays and whose
field table stands in that simulator's docstring. Ethnicity, address, faith, phone and photographs are not in the profile.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from linli.documents.kinds import find_kind
from linli.server.connectors.protocol import FactsMissing, Message, Occasion, Platform, StayFacts, Told
from linli.server.connectors.rules import MessageKind, Verdict
from linli.server.kernel.http import Answer, NoAnswer, Peer

MESSAGES = "/lodging/v1/messages"
ANSWER_SECONDS = 5.0
CONNECTIONS = 16
ZONE = ZoneInfo("Asia/Shanghai")  # the platform's own clock, whatever zone an estate may have
ENTERED_BY = "Linli"
SEXES: Mapping[str, str] = MappingProxyType({"male": "1", "female": "2", "unspecified": "9"})  # GB/T 2261.1
AT_HOME = frozenset({"CHN", "HKG", "MAC", "TWN"})
REGION_OF_CARD: Mapping[str, str] = MappingProxyType({"81": "HKG", "82": "MAC", "83": "TWN"})
REGION_OF_PERMIT: Mapping[str, str] = MappingProxyType({"H": "HKG", "M": "MAC"})

_ALWAYS = frozenset({"zsbh", "lgdm", "czr", "czsj"})
_PERSON = frozenset({"xm", "ywx", "ywm", "xb", "csrq", "gj", "zjlx", "zjhm"})
PROFILE: Mapping[MessageKind, frozenset[str]] = MappingProxyType(
    {
        MessageKind.CHECK_IN: _ALWAYS | _PERSON | {"fh", "cw", "rzsj", "ydtfsj"},
        MessageKind.AMEND: _ALWAYS | _PERSON | {"rzsj"},
        MessageKind.ROOM_CHANGE: _ALWAYS | {"fh", "cw", "hfsj"},
        MessageKind.EXTEND: _ALWAYS | {"ydtfsj"},
        MessageKind.CHECK_OUT: _ALWAYS | {"tfsj", "tdtf"},
        MessageKind.CANCEL: _ALWAYS | {"cxyy"},
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LodgingPlatform:
    """One lodging platform at one address."""

    peer: Peer = field(repr=False)
    name: str = "lodging"
    recipient: str = "lodging platform (旅综平台)"
    purpose_code: str = "lodging_registration"
    allowed: Mapping[MessageKind, frozenset[str]] = field(default_factory=lambda: PROFILE, repr=False)

    def wants(self, kind: MessageKind) -> bool:
        """This will say whether the profile has this kind of message."""
        return kind in self.allowed

    def render(self, *, occasion: Occasion, facts: StayFacts) -> Mapping[str, str]:
        """This will write the fields of one message, the fewest the profile asks for; raises `FactsMissing`."""
        fields = {
            "zsbh": facts.stay_id,
            "lgdm": _present(facts.unit_mark, field="lgdm"),
            "czr": ENTERED_BY,
            "czsj": _minute(occasion.happened_at),
            **RENDERERS[occasion.kind](occasion, facts),
        }
        return {name: text for name, text in fields.items() if text}

    def send(self, *, message: Message) -> Told:
        """This will send one message once, and read what comes back."""
        body = {
            "lsh": message.message_id,
            "kind": message.kind.value,
            "sent_at": message.queued_at.isoformat(),
            "body": dict(message.fields),
        }
        return _exchange(lambda: self.peer.post(MESSAGES, body), message_id=message.message_id, asked=False)

    def ask(self, *, message_id: str) -> Told:
        """This will ask what became of a message."""
        path = f"{MESSAGES}/{message_id}"
        return _exchange(lambda: self.peer.get(path, attempts=1), message_id=message_id, asked=True)


def lodging_platform() -> Platform:
    """This will link to the platform that this process's settings name."""
    environment = settings.ENV
    return at(url=environment.lodging_url, token=environment.lodging_token)


def at(*, url: str, token: str) -> LodgingPlatform:
    """This will link to the platform at an address."""
    # Without an address nothing is lost: reports queue and say that the platform cannot be reached.
    address = url or "http://127.0.0.1:9"
    peer = Peer(name="lodging", url=address, token=token, timeout=ANSWER_SECONDS, connections=CONNECTIONS)
    return LodgingPlatform(peer=peer)


def _arrival(occasion: Occasion, facts: StayFacts) -> dict[str, str]:
    return {
        **_person(occasion, facts),
        **_bed(facts),
        "rzsj": _minute(facts.checked_in_at),
        "ydtfsj": _minute(facts.leave_at),
    }


def _person(occasion: Occasion, facts: StayFacts) -> dict[str, str]:
    guest = facts.guest
    kind = find_kind(guest.document_kind)
    if kind is None:
        raise FactsMissing("zjlx")
    region = _region(guest.document_kind, guest.document_number, guest.nationality)
    return {
        **(_home_name(guest.native_name) if region in AT_HOME else _latin_name(guest.latin_name or guest.native_name)),
        "xb": SEXES.get(guest.sex, "0"),
        "csrq": _day(guest.birth_date),
        "gj": region,
        "zjlx": kind.code,
        "zjhm": _present(guest.document_number, field="zjhm"),
    }


def _correction(occasion: Occasion, facts: StayFacts) -> dict[str, str]:
    # The arrival goes along: a gate that was offline may have known it earlier than the desk.
    return {**_person(occasion, facts), "rzsj": _minute(facts.checked_in_at)}


def _move(occasion: Occasion, facts: StayFacts) -> dict[str, str]:
    return {**_bed(facts), "hfsj": _minute(occasion.happened_at)}


def _extension(occasion: Occasion, facts: StayFacts) -> dict[str, str]:
    return {"ydtfsj": _minute(facts.leave_at)}


def _departure(occasion: Occasion, facts: StayFacts) -> dict[str, str]:
    return {"tfsj": _minute(occasion.happened_at), "tdtf": "1" if facts.presumed_left else "0"}


def _withdrawal(occasion: Occasion, facts: StayFacts) -> dict[str, str]:
    return {"cxyy": occasion.why or "未入住"}


RENDERERS: Mapping[MessageKind, Callable[[Occasion, StayFacts], dict[str, str]]] = MappingProxyType(
    {
        MessageKind.CHECK_IN: _arrival,
        MessageKind.AMEND: _correction,
        MessageKind.ROOM_CHANGE: _move,
        MessageKind.EXTEND: _extension,
        MessageKind.CHECK_OUT: _departure,
        MessageKind.CANCEL: _withdrawal,
    }
)


def _bed(facts: StayFacts) -> dict[str, str]:
    return {"fh": _present(facts.room_label, field="fh"), "cw": facts.bed_label or ""}


def _region(document_kind: str, number: str, nationality: str) -> str:
    # Permits and residence cards name the region in their number; what was typed as nationality is often CHN.
    if document_kind == "hk_macao_permit":
        return REGION_OF_PERMIT.get(number[:1], nationality)
    if document_kind == "hmt_residence_card":
        return REGION_OF_CARD.get(number[:2], nationality)
    return "TWN" if document_kind == "taiwan_permit" else _present(nationality, field="gj")


def _home_name(native_name: str) -> dict[str, str]:
    return {"xm": _present(native_name, field="xm")}


def _latin_name(name: str) -> dict[str, str]:
    """This will part a name into surname and given names: at `,` or `<<`, else after the first word, as passports write it."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))
    surname, parted, given = re.sub(r"<<|,", "\x00", plain, count=1).partition("\x00")
    if not parted:
        surname, _, given = surname.strip().partition(" ")
    return {"ywx": _present(_latin(surname), field="ywx"), "ywm": _latin(given)}


def _latin(text: str) -> str:
    return " ".join(re.sub(r"[^A-Za-z .'-]", " ", text).split()).strip("-'. ")[:50]


def _present(text: str, *, field: str) -> str:
    if not text:
        raise FactsMissing(field)
    return text


def _day(day: date | None) -> str:
    if day is None:
        raise FactsMissing("csrq")
    return f"{day:%Y%m%d}"


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(ZONE):%Y%m%d%H%M}"


def _exchange(ask: Callable[[], Answer], *, message_id: str, asked: bool) -> Told:
    try:
        answer = ask()
    except NoAnswer as silence:
        return Told(verdict=Verdict.NO_ANSWER if silence.sent else Verdict.UNREACHABLE, code=silence.reason)
    verdict = _verdict_of_status(answer.status, asked=asked)
    if verdict is not None:
        return Told(verdict=verdict, status=answer.status, seconds=answer.seconds, raw=answer.body)
    return _read(answer, message_id=message_id)


def _verdict_of_status(status: int, *, asked: bool) -> Verdict | None:
    if status == 200:
        return None
    if status == 404 and asked:
        return Verdict.UNHEARD_OF
    if status in (401, 403, 404, 407):
        return Verdict.LOCKED_OUT
    if status in (400, 413, 415, 422) and not asked:
        return Verdict.NOT_A_MESSAGE
    return Verdict.BUSY if status >= 500 or status in (408, 425, 429) else Verdict.NONSENSE


def _read(answer: Answer, *, message_id: str) -> Told:
    parts = _parts_of(answer.body)
    verdict = VERDICTS.get(str(parts.get("answer")), Verdict.NONSENSE)
    receipt, code = parts.get("receipt"), parts.get("code")
    if parts.get("lsh") != message_id:
        # The answer to another message: whoever takes it for this one loses a guest.
        verdict = Verdict.NONSENSE
    if verdict is Verdict.ACCEPTED and not _is_word(receipt):
        verdict = Verdict.NONSENSE
    if verdict is Verdict.REJECTED and not _is_word(code):
        verdict = Verdict.NONSENSE
    return Told(
        verdict=verdict,
        receipt=str(receipt) if verdict is Verdict.ACCEPTED else "",
        code=str(code) if verdict is Verdict.REJECTED else "",
        field=str(parts.get("field") or "")[:40] if verdict is Verdict.REJECTED else "",
        status=answer.status,
        seconds=answer.seconds,
        raw=answer.body,
    )


VERDICTS: Mapping[str, Verdict] = MappingProxyType(
    {"ACCEPTED": Verdict.ACCEPTED, "REJECTED": Verdict.REJECTED, "PENDING": Verdict.PENDING}
)


def _parts_of(body: bytes) -> dict[str, Any]:
    try:
        parts = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return parts if isinstance(parts, dict) else {}


def _is_word(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[\x21-\x7e]{1,40}", value) is not None
