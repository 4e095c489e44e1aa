"""The lodging platform (旅综平台): its mapping profile says which fields leave under which names; here its answers are read.

Its real interface is not public. This speaks our neutral contract, whose other side `linli-sim platform lodging` plays and whose
field table stands in that simulator's docstring.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType
from typing import Any

from linli.server.connectors.profiles import Profile, flat_facts, load_profile
from linli.server.connectors.protocol import Facts, Message, Occasion, Platform, Told
from linli.server.connectors.rules import MessageKind, Verdict
from linli.server.kernel.http import Answer, NoAnswer, Peer

MESSAGES = "/lodging/v1/messages"
NIGHTS = "/lodging/v1/nights"
ANSWER_SECONDS = 5.0
# A trickle keeps every read short; whoever has not said it all by then has said nothing. Well within a courier's lease.
WHOLE_SECONDS = 10.0
CONNECTIONS = 64
SHIPPED = "sichuan"
# Under which purpose each kind leaves; all the rest is a guest's registration.
PURPOSES: Mapping[MessageKind, str] = MappingProxyType(
    {
        MessageKind.VISITOR_IN: "visitor",
        MessageKind.VISITOR_OUT: "visitor",
        MessageKind.STAFF: "operator_file",
        MessageKind.UNIT_CREATE: "operator_file",
        MessageKind.UNIT_UPDATE: "operator_file",
        MessageKind.UNIT_CLOSE: "operator_file",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LodgingPlatform:
    """One lodging platform at one address, told by one profile."""

    peer: Peer = field(repr=False)
    profile: Profile
    name: str = "lodging"
    recipient: str = "lodging platform (旅综平台)"
    together: int = 1
    own_accounts: bool = False
    fictional_only: bool = False

    @property
    def allowed(self) -> Mapping[MessageKind, frozenset[str]]:
        """The fields that may leave, by kind of message: those the profile names."""
        return self.profile.allowed

    def purpose_of(self, kind: MessageKind) -> str:
        """This will name the duty under which a kind leaves: to register guests, to know visitors, to file operators."""
        return PURPOSES.get(kind, "lodging_registration")

    def wants(self, kind: MessageKind) -> bool:
        """This will say whether the profile has this kind of message."""
        return kind in self.profile.messages

    def render(self, *, occasion: Occasion, facts: Facts) -> Mapping[str, str]:
        """This will write the fields of one message, the fewest the profile asks for; raises `FactsMissing`."""
        return self.profile.write(occasion.kind, flat_facts(occasion=occasion, facts=facts))

    def send(self, *, messages: Sequence[Message]) -> Sequence[Told]:
        """This will send each message once, and read what comes back."""
        return [self._send(message) for message in messages]

    def ask(self, *, message: Message) -> Told:
        """This will ask what became of a message."""
        path = f"{MESSAGES}/{message.message_id}"
        told = _exchange(lambda: self.peer.get(path, attempts=1), message_id=message.message_id, asked=True)
        return replace(told, dialect=self.profile.edition)

    def count_guests(self, *, night: date) -> Mapping[str, int] | None:
        """This will ask how many guests each unit had that night by the platform's own books; None when it does not say."""
        try:
            answer = self.peer.get(f"{NIGHTS}/{night:%Y%m%d}")
        except NoAnswer:
            return None
        units = _parts_of(answer.body).get("units")
        if answer.status != 200 or not isinstance(units, dict):
            return None
        # A count that is no count would be read as nobody there: rather none at all.
        sound = all(type(guests) is int and guests >= 0 for guests in units.values())
        return MappingProxyType(units) if sound else None

    def _send(self, message: Message) -> Told:
        body = {
            "lsh": message.message_id,
            "kind": message.kind.value,
            "sent_at": message.queued_at.isoformat(),
            "body": dict(message.fields),
        }
        told = _exchange(lambda: self.peer.post(MESSAGES, body), message_id=message.message_id, asked=False)
        return replace(told, dialect=self.profile.edition)


def make(settings: Mapping[str, str]) -> Platform:
    """This will link to the platform that a table of the links file names; raises `ProfileRefused` for a profile that does not hold."""
    return at(url=settings.get("url", ""), token=settings.get("token", ""), profile=settings.get("profile") or SHIPPED)


def at(*, url: str, token: str, profile: str = SHIPPED) -> LodgingPlatform:
    """This will link to the platform at an address, told by a profile of ours or by one at a path."""
    # Without an address nothing is lost: reports queue and say that the platform cannot be reached.
    address = url or "http://127.0.0.1:9"
    peer = Peer(
        name="lodging",
        url=address,
        token=token,
        timeout=ANSWER_SECONDS,
        whole=WHOLE_SECONDS,
        connections=CONNECTIONS,
    )
    return LodgingPlatform(peer=peer, profile=load_profile(profile))


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
        # A hit changes nothing here or anywhere in the estate: whoever could tell from the desk that there was one would warn the guest.
        hit=verdict is Verdict.ACCEPTED and parts.get("hit") is True,
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
