"""Spain's lodging platform SES.Hospedajes (RD 933/2021), version 3.1.3: the independently checkable twin of `lodging`.

Its interface is public, so anybody can hold what we send against the ministry's own schemas, which is done here before anything
leaves. It takes fictional data only: it belongs to another country (`synthetic.py`).

| message  | here                                                                                              |
|----------|---------------------------------------------------------------------------------------------------|
| CHECK_IN | a new communication (operation A, type PV)                                                         |
| AMEND    | the old one is annulled (operation B); when that is done, a new one is sent                        |
| CANCEL   | the old one is annulled                                                                           |

The platform does not know departures, moves or longer stays: they are not wanted. It decides by lots and later: a lot's number is
the ticket, and `ask` reads each record's own fate, so the good ones of a lot stand while the bad ones wait for a person.

A receipt is believed only when the communication that it names bears our reference: an answer does not say which lot it answers, so
a mixed-up one would give a guest somebody else's receipt. There is no question by reference. After an answer that was lost,
nobody can find out whether the lot arrived, and it is sent again: rather twice than never. Both bear the same reference.
"""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import urlsplit

from linli.server.connectors.platforms.ses_hospedajes import papers, parts, soap
from linli.server.connectors.platforms.ses_hospedajes.lots import (
    ANNUL,
    NEW,
    SCHEMAS,
    Lot,
    Ticket,
    first_operation,
    lots_of,
    ticket_of,
)
from linli.server.connectors.platforms.ses_hospedajes.parts import House
from linli.server.connectors.platforms.ses_hospedajes.synthetic import OnlyFiction, check_synthetic
from linli.server.connectors.protocol import Account, Facts, FactsMissing, Message, Occasion, Platform, Told
from linli.server.connectors.rules import LINK_FAILURES, MessageKind, Verdict
from linli.server.kernel.http import Answer, NoAnswer, Peer

SERVICE_PATH = "/hospedajes-web/ws/v1/comunicacion"
ANSWER_SECONDS = 5.0
# An answer that trickles keeps every single wait within its limit: the whole is limited too.
WHOLE_ANSWER = 1.6
CONNECTIONS = 16
MOST_TOGETHER = 100
# A lot that was given a number may show itself a little later; one that never does has not arrived.
MOST_MISSES = 5
DONE, WITH_ERRORS, BAD_LOT, FAILED_LOT, PROCESSING, WAITING = 1, 6, 2, 3, 4, 5
OF_SENDER = range(10100, 10110)
UNREADABLE = frozenset({10111, 10118})
TOO_MANY = 10136

# A courier's lease is twice as long.
MOST_SECONDS = 10.0
NOT_TRIED = Told(verdict=Verdict.UNREACHABLE, code="not_tried")

Read = TypeVar("Read")


class ExchangeFailed(Exception):
    """An exchange brought no answer that could be read; `told` is what it means."""

    def __init__(self, told: Told) -> None:
        super().__init__(told.verdict)
        self.told = told


@dataclass(frozen=True, slots=True, kw_only=True)
class SesPlatform:
    """The platform at one address, and what stands in for the facts that the estate does not keep."""

    peer: Peer = field(repr=False)
    path: str
    house: House
    name: str = "ses_hospedajes"
    recipient: str = "SES.Hospedajes (Spain)"
    together: int = MOST_TOGETHER
    own_accounts: bool = True
    fictional_only: bool = True
    allowed: Mapping[MessageKind, frozenset[str]] = field(
        default_factory=lambda: MappingProxyType(
            {
                MessageKind.CHECK_IN: parts.FIELDS,
                MessageKind.AMEND: parts.FIELDS,
                MessageKind.CANCEL: frozenset({"codigoEstablecimiento"}),
            }
        ),
        repr=False,
    )

    def purpose_of(self, kind: MessageKind) -> str:
        """This will name the one purpose under which anything leaves for Spain."""
        return "ses_hospedajes"

    def wants(self, kind: MessageKind) -> bool:
        """This will say whether the platform knows such a message."""
        return kind in self.allowed

    def render(self, *, occasion: Occasion, facts: Facts) -> Mapping[str, str]:
        """This will write the fields of one guest's part and hold them against the official schema; raises `FactsMissing`."""
        if occasion.kind is MessageKind.CANCEL:
            return {"codigoEstablecimiento": parts.establishment(facts)}
        fields = parts.part_of(facts=facts, house=self.house)
        document = papers.write_parts(
            establishment=fields["codigoEstablecimiento"], parts=[papers.Part(reference="x", fields=fields)]
        )
        broken = papers.broken_field(document, schema=SCHEMAS[NEW])
        if broken is not None:
            raise FactsMissing(broken)
        return fields

    def send(self, *, messages: Sequence[Message]) -> Sequence[Told]:
        """This will send messages in as few lots as may be; each comes back pending, or with what stood against it."""
        told: dict[str, Told] = {}
        fit: list[Message] = []
        for message in messages:
            refused = self._refused(message) or _broken(message)
            if refused is None:
                fit.append(message)
            else:
                told[message.message_id] = refused
        told.update(self._send_lots(fit))
        return [told[message.message_id] for message in messages]

    def _send_lots(self, messages: Sequence[Message]) -> dict[str, Told]:
        told: dict[str, Told] = {}
        seconds, failing = 0.0, False
        for lot in lots_of(messages, together=self.together):
            if failing or seconds > MOST_SECONDS:
                # Whoever sends on over a link that fails, or is slow, still has them in hand when the courier's lease ends.
                told.update({message.message_id: NOT_TRIED for message in lot.messages})
                continue
            answers = self._send_lot(lot)
            told.update(answers)
            first = answers[lot.messages[0].message_id]
            seconds, failing = seconds + first.seconds, first.verdict in LINK_FAILURES
        return told

    def ask(self, *, message: Message) -> Told:
        """This will ask what became of a message, and take the next step of an amendment whose annulment is done."""
        refused = self._refused(message)
        if refused is not None:
            return refused
        ticket = ticket_of(message)
        if ticket is None:
            # It has no number to ask by: nobody can know whether it arrived, and what is lost must be sent.
            return Told(verdict=Verdict.UNHEARD_OF)
        try:
            return self._ask(message, ticket)
        except ExchangeFailed as failed:
            return failed.told

    def _ask(self, message: Message, ticket: Ticket) -> Told:
        question = soap.lot_question(ticket.lote)
        state, answer = self._exchange(question, message, lambda raw: soap.lot_state(raw, lote=ticket.lote))
        if state is None:
            return _missed(message, ticket, answer)
        if state.state in (PROCESSING, WAITING):
            return _told(Verdict.PENDING, answer, ticket=ticket.written(message))
        if state.state in (DONE, WITH_ERRORS) and ticket.place in state.outcomes:
            return self._decided(message, ticket, state.outcomes[ticket.place], answer)
        return _told(LOT_VERDICTS.get(state.state, Verdict.NONSENSE), answer, code=f"lote_{state.state}")

    def _decided(self, message: Message, ticket: Ticket, outcome: soap.Outcome, answer: Answer) -> Told:
        if ticket.operation == ANNUL:
            return self._annulled(message, outcome, answer)
        if not outcome.code:
            return _rejected(answer, code=outcome.error_kind, says=outcome.error)
        question = soap.communication_question(outcome.code)
        # This answer holds the person again: it is read, and not kept as evidence.
        reference, _ = self._exchange(
            question, message, lambda raw: soap.reference_of(raw, code=outcome.code), keep=False
        )
        if reference is None:
            return _told(Verdict.NONSENSE, answer, code="accepted_and_denied")
        if reference != message.message_id:
            return _told(Verdict.UNHEARD_OF, answer, code="lot_of_another")
        return _told(Verdict.ACCEPTED, answer, receipt=outcome.code)

    def _annulled(self, message: Message, outcome: soap.Outcome, answer: Answer) -> Told:
        if not outcome.code and "anulad" not in outcome.error.lower():
            return _rejected(answer, code=outcome.error_kind, says=outcome.error)
        if outcome.code and outcome.code != message.takes_back:
            return _told(Verdict.UNHEARD_OF, answer, code="lot_of_another")
        if message.kind is MessageKind.CANCEL:
            return _told(Verdict.ACCEPTED, answer, receipt=message.takes_back)
        lot = Lot(operation=NEW, establishment=message.fields["codigoEstablecimiento"], messages=(message,))
        return self._send_lot(lot)[message.message_id]

    def _send_lot(self, lot: Lot) -> dict[str, Told]:
        first = lot.messages[0]
        account = _account(first)
        solicitud = papers.packed(lot.document())
        envelope = soap.lot(party=account.party_code, operation=lot.operation, solicitud=solicitud)
        try:
            taken, answer = self._exchange(envelope, first, soap.taken)
        except ExchangeFailed as failed:
            return {message.message_id: failed.told for message in lot.messages}
        if taken.code == 0:
            return {
                message.message_id: _told(
                    Verdict.PENDING,
                    answer,
                    ticket=Ticket(lote=taken.lote, place=place, operation=lot.operation).written(message),
                )
                for place, message in enumerate(lot.messages, start=1)
            }
        if len(lot.messages) > 1 and taken.code not in soap.UNEXPECTED and taken.code not in OF_SENDER:
            # The whole was refused, for one record's sake perhaps: the others must not wait for it.
            return {key: told for half in lot.halves() for key, told in self._send_lot(half).items()}
        return {message.message_id: _not_taken(taken, answer) for message in lot.messages}

    def _refused(self, message: Message) -> Told | None:
        try:
            check_synthetic(platform=self.name, fictional=message.estate.fictional)
        except OnlyFiction as refusal:
            return Told(verdict=Verdict.NOT_A_MESSAGE, code=refusal.code)
        return Told(verdict=Verdict.LOCKED_OUT, code="no_account") if message.account is None else None

    def _exchange(
        self, envelope: bytes, message: Message, read: Callable[[bytes], Read], *, keep: bool = True
    ) -> tuple[Read, Answer]:
        answer = self._answer(envelope, _account(message))
        evidence = answer.body if keep else b""
        try:
            return read(answer.body), answer
        except soap.Fault as fault:
            verdict = Verdict.NOT_A_MESSAGE if fault.ours else Verdict.BUSY
        except soap.NoAnswerOfTheService:
            verdict = _verdict_of_status(answer.status)
        raise ExchangeFailed(Told(verdict=verdict, status=answer.status, seconds=answer.seconds, raw=evidence))

    def _answer(self, envelope: bytes, account: Account) -> Answer:
        login = base64.b64encode(f"{account.username}:{account.secret}".encode()).decode()
        headers = {
            "Authorization": f"Basic {login}",
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": '""',
        }
        try:
            answer = self.peer.send("POST", self.path, content=envelope, headers=headers)
        except NoAnswer as silence:
            verdict = Verdict.NO_ANSWER if silence.sent else Verdict.UNREACHABLE
            raise ExchangeFailed(Told(verdict=verdict, code=silence.reason)) from silence
        if answer.status in (401, 403, 404, 407):
            told = Told(verdict=Verdict.LOCKED_OUT, status=answer.status, seconds=answer.seconds, raw=answer.body)
            raise ExchangeFailed(told)
        return answer


# What a lot's state means for its messages when it is neither decided nor on its way.
LOT_VERDICTS: Mapping[int, Verdict] = MappingProxyType({BAD_LOT: Verdict.NOT_A_MESSAGE, FAILED_LOT: Verdict.UNHEARD_OF})


def make(settings: Mapping[str, str]) -> Platform:
    """This will link to the platform that a table of the links file names: `url`, and the lodging's own `country`, `contact_email` …"""
    # Without an address nothing is lost: reports queue and say that the platform cannot be reached.
    parted = urlsplit(settings.get("url") or "http://127.0.0.1:9")
    seconds = float(settings.get("seconds") or ANSWER_SECONDS)
    peer = Peer(
        name="ses_hospedajes",
        url=f"{parted.scheme}://{parted.netloc}",
        timeout=seconds,
        connections=CONNECTIONS,
        whole=seconds * WHOLE_ANSWER,
    )
    path = parted.path if parted.path.strip("/") else SERVICE_PATH
    return SesPlatform(peer=peer, path=path, house=House.of(settings))


def _broken(message: Message) -> Told | None:
    if message.kind is MessageKind.CANCEL and not message.takes_back:
        return Told(verdict=Verdict.NOT_A_MESSAGE, code="nothing_to_take_back")
    # An amendment's new part is judged before the old one is annulled: else the guest would be in no books.
    operations = [NEW] if message.kind is not MessageKind.CANCEL else []
    operations += [ANNUL] if first_operation(message) == ANNUL else []
    for operation in operations:
        lot = Lot(
            operation=operation,
            establishment=message.fields.get("codigoEstablecimiento", ""),
            messages=(message,),
        )
        field_name = papers.broken_field(lot.document(), schema=SCHEMAS[operation])
        if field_name is not None:
            return Told(verdict=Verdict.REJECTED, code="xsd", field=field_name[:40])
    return None


def _account(message: Message) -> Account:
    assert message.account is not None  # whoever has none was refused before
    return message.account


def _missed(message: Message, ticket: Ticket, answer: Answer) -> Told:
    later = ticket.missed()
    if later.misses >= MOST_MISSES:
        return _told(Verdict.UNHEARD_OF, answer, code="lot_never_shown")
    return _told(Verdict.PENDING, answer, ticket=later.written(message))


def _not_taken(taken: soap.Taken, answer: Answer) -> Told:
    code = str(taken.code)
    if taken.code in soap.UNEXPECTED:
        return _told(Verdict.BUSY, answer, code=code)
    if taken.code in OF_SENDER:
        return _told(Verdict.LOCKED_OUT, answer, code=code)
    if taken.code in UNREADABLE or taken.code == TOO_MANY:
        return _told(Verdict.NOT_A_MESSAGE, answer, code=code)
    return _rejected(answer, code=code, says=taken.says)


def _rejected(answer: Answer, *, code: str, says: str) -> Told:
    if not code and not says:
        # Neither a code nor an error: the platform has not said anything about this record.
        return _told(Verdict.NONSENSE, answer)
    named = next((word for word in re.findall(r"\w+", says) if word in NAMES), "")
    return _told(Verdict.REJECTED, answer, code=code[:40] or "error", field=named)


NAMES = frozenset(name.removeprefix(parts.ADULT) for name in parts.FIELDS) | {
    "referencia",
    "numPersonas",
    "rol",
    "persona",
    "pago",
    "codigoComunicacion",
}


def _told(
    verdict: Verdict, answer: Answer, *, receipt: str = "", ticket: str = "", code: str = "", field: str = ""
) -> Told:
    return Told(
        verdict=verdict,
        receipt=receipt,
        ticket=ticket,
        code=code,
        field=field,
        status=answer.status,
        seconds=answer.seconds,
        raw=answer.body,
    )


def _verdict_of_status(status: int) -> Verdict:
    if status in (400, 413, 415, 422):
        return Verdict.NOT_A_MESSAGE
    return Verdict.BUSY if status >= 500 or status in (408, 425, 429) else Verdict.NONSENSE
