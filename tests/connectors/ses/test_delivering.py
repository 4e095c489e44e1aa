"""Our side against the simulator over real HTTP: lots, receipts, annulments, and what becomes of each record by itself."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from linli.server.connectors.platforms.ses_hospedajes import SesPlatform
from linli.server.connectors.protocol import Account, Message
from linli.server.connectors.rules import MessageKind, Verdict
from linli.sim.serving import free_port
from tests.connectors.ses import guests
from tests.connectors.ses.delivering import decided, standing, summary
from tests.connectors.ses.guests import ACCOUNT, CHILD, ESTATE, STAYS, message, stay
from tests.sim.ses.running import OTHER, OTHER_PARTY, OTHER_PASSWORD, RunningSes


@pytest.mark.parametrize("kind", list(STAYS))
def test_every_kind_of_guest_gets_the_platforms_code_as_receipt(
    platform: SesPlatform, books: httpx.Client, kind: str
) -> None:
    sent = message(STAYS[kind])
    told = decided(platform, sent)
    assert told.verdict is Verdict.ACCEPTED, told
    assert standing(books)[sent.message_id] == told.receipt


def test_a_lot_is_pending_under_its_number_first(platform: SesPlatform, service: Any, books: httpx.Client) -> None:
    sent = message()
    (told,) = platform.send(messages=[sent])
    assert told.verdict is Verdict.PENDING
    (lot,) = service.consultaLote(codigosLote={"lote": [told.ticket.split("/")[0]]}).resultado
    assert lot.aplicacion == "Linli"


def test_messages_of_one_flat_travel_in_one_lot_and_of_two_flats_in_two(
    platform: SesPlatform, books: httpx.Client
) -> None:
    before = summary(books)["lots"]
    here, there = stay(), stay(unit_mark="DF2A00002")
    told = platform.send(messages=[message(here), message(there), message(here)])
    assert [one.verdict for one in told] == [Verdict.PENDING] * 3
    lots = [one.ticket.split("/")[0] for one in told]
    assert lots[0] == lots[2] != lots[1]
    assert summary(books)["lots"] == before + 2


def test_one_bad_record_of_three_comes_back_and_its_mended_one_goes_in_a_lot_of_its_own(
    platform: SesPlatform, books: httpx.Client
) -> None:
    before = summary(books)["duplicates"]
    spaniard = STAYS["spaniard_with_nif"]
    good, bad, other = message(), message(spaniard), message()
    # Valid by the schema, wrong by the prose: a NIF without a second surname.
    broken = replace(bad, fields={name: text for name, text in bad.fields.items() if name != "apellido2"})
    told = platform.send(messages=[good, broken, other])
    ends = [decided(platform, one, answer) for one, answer in zip((good, broken, other), told, strict=True)]
    assert [one.verdict for one in ends] == [Verdict.ACCEPTED, Verdict.REJECTED, Verdict.ACCEPTED]
    assert (ends[1].code, ends[1].field) == ("10131", "apellido2")
    mended = replace(bad, message_id=bad.message_id.removesuffix("1") + "2", ticket=told[1].ticket)
    assert decided(platform, mended).verdict is Verdict.ACCEPTED
    stands = standing(books)
    assert {good.message_id, other.message_id, mended.message_id} <= stands.keys()
    assert broken.message_id not in stands
    assert summary(books)["duplicates"] == before


def test_a_ticket_of_the_forerunner_is_no_answer_for_the_mended_message(
    platform: SesPlatform, books: httpx.Client
) -> None:
    first = message()
    (told,) = platform.send(messages=[first])
    mended = replace(first, message_id=first.message_id + "2", ticket=told.ticket)
    assert platform.ask(message=mended).verdict is Verdict.UNHEARD_OF


def test_what_breaks_the_schema_is_refused_here_and_the_others_still_leave(
    platform: SesPlatform, books: httpx.Client
) -> None:
    before = summary(books)["lots"]
    good, bad = message(), message()
    broken = replace(bad, fields={**bad.fields, "nacionalidad": "SE"})
    told = platform.send(messages=[broken, good])
    assert (told[0].verdict, told[0].code, told[0].field) == (Verdict.REJECTED, "xsd", "nacionalidad")
    assert told[1].verdict is Verdict.PENDING
    assert summary(books)["lots"] == before + 1


def test_a_withdrawn_guest_is_annulled_by_the_code_of_the_arrival(platform: SesPlatform, books: httpx.Client) -> None:
    arrival = message()
    receipt = decided(platform, arrival).receipt
    withdrawal = message(kind=MessageKind.CANCEL, takes_back=receipt)
    told = decided(platform, withdrawal)
    assert (told.verdict, told.receipt) == (Verdict.ACCEPTED, receipt)
    assert arrival.message_id not in standing(books)
    # Again, as after a courier's death: what is annulled stays annulled.
    assert decided(platform, withdrawal).verdict is Verdict.ACCEPTED


def test_an_amendment_annuls_the_old_part_and_sends_a_new_one(platform: SesPlatform, books: httpx.Client) -> None:
    arrival = message()
    receipt = decided(platform, arrival).receipt
    mended = message(STAYS["passport"], MessageKind.AMEND, takes_back=receipt)
    told = decided(platform, mended)
    assert told.verdict is Verdict.ACCEPTED
    assert told.receipt not in ("", receipt)
    stands = standing(books)
    assert (arrival.message_id in stands, stands[mended.message_id]) == (False, told.receipt)


def test_an_amendment_that_breaks_the_schema_annuls_nothing(platform: SesPlatform, books: httpx.Client) -> None:
    arrival = message()
    receipt = decided(platform, arrival).receipt
    mended = message(kind=MessageKind.AMEND, takes_back=receipt)
    broken = replace(mended, fields={**mended.fields, "fechaNacimiento": "yesterday"})
    (told,) = platform.send(messages=[broken])
    assert (told.verdict, told.field) == (Verdict.REJECTED, "fechaNacimiento")
    assert standing(books)[arrival.message_id] == receipt


def test_a_refused_amendment_can_be_mended_though_the_old_part_is_annulled_already(
    platform: SesPlatform, books: httpx.Client
) -> None:
    receipt = decided(platform, message()).receipt
    wrong = message(STAYS["spaniard_with_nif"], MessageKind.AMEND, takes_back=receipt)
    broken = replace(wrong, fields={name: text for name, text in wrong.fields.items() if name != "apellido2"})
    assert decided(platform, broken).field == "apellido2"
    mended = message(STAYS["spaniard_with_nif"], MessageKind.AMEND, takes_back=receipt)
    assert decided(platform, mended).verdict is Verdict.ACCEPTED


def test_a_code_that_was_never_given_cannot_be_annulled(platform: SesPlatform, books: httpx.Client) -> None:
    told = decided(platform, message(kind=MessageKind.CANCEL, takes_back="never-given"))
    assert (told.verdict, told.field) == (Verdict.REJECTED, "codigoComunicacion")
    (told,) = platform.send(messages=[message(kind=MessageKind.CANCEL)])
    assert (told.verdict, told.code) == (Verdict.NOT_A_MESSAGE, "nothing_to_take_back")


def test_each_operator_speaks_under_an_account_of_its_own(platform: SesPlatform, books: httpx.Client) -> None:
    other = Account(id="acc_2", username=OTHER, secret=OTHER_PASSWORD, party_code=OTHER_PARTY)
    theirs = message(account=other)
    (told,) = platform.send(messages=[theirs])
    assert decided(platform, theirs, told).verdict is Verdict.ACCEPTED
    # Under another's login the lot is not there: it is asked for in vain, and not for ever.
    stolen = replace(theirs, account=ACCOUNT, ticket=told.ticket)
    assert decided(platform, stolen, told).verdict is Verdict.UNHEARD_OF


ACCOUNTS = [
    (None, Verdict.LOCKED_OUT),
    (replace(ACCOUNT, secret="wrong"), Verdict.LOCKED_OUT),
    (replace(ACCOUNT, username="nobody"), Verdict.LOCKED_OUT),
    (replace(ACCOUNT, party_code="0000000009"), Verdict.LOCKED_OUT),
]


@pytest.mark.parametrize(("account", "verdict"), ACCOUNTS)
def test_a_wrong_account_locks_us_out_and_says_nothing_of_the_message(
    platform: SesPlatform, books: httpx.Client, account: Account | None, verdict: Verdict
) -> None:
    before = summary(books)
    assert platform.send(messages=[message(account=account)])[0].verdict is verdict
    assert summary(books) == before


def test_nothing_leaves_a_real_estate(platform: SesPlatform, books: httpx.Client) -> None:
    before = summary(books)
    real = message(estate=replace(ESTATE, fictional=False))
    for told in (*platform.send(messages=[real]), platform.ask(message=real)):
        assert (told.verdict, told.code) == (Verdict.NOT_A_MESSAGE, "only_fiction")
    assert summary(books) == before


def test_a_message_without_a_ticket_was_never_heard_of(platform: SesPlatform) -> None:
    assert platform.ask(message=message()).verdict is Verdict.UNHEARD_OF


def test_nobody_there_is_unreachable_and_nothing_was_sent() -> None:
    nobody = guests.platform(f"http://127.0.0.1:{free_port(host='127.0.0.1')}")
    assert nobody.send(messages=[message()])[0].verdict is Verdict.UNREACHABLE


def test_two_hundred_and_fifty_messages_are_three_lots_and_each_gets_its_own_receipt(
    platform: SesPlatform, books: httpx.Client
) -> None:
    before = summary(books)["lots"]
    sent = [message() for _ in range(250)]
    told = platform.send(messages=sent)
    assert summary(books)["lots"] == before + 3
    for one, answer in list(zip(sent, told, strict=True))[::50]:
        assert standing_code(platform, one, answer.ticket) == standing(books)[one.message_id]


def standing_code(platform: SesPlatform, one: Message, ticket: str) -> str:
    """The receipt of a message that was sent."""
    told = platform.ask(message=replace(one, ticket=ticket))
    return decided(platform, one, told).receipt


FAULTS = [
    ({"http_500": 1}, {Verdict.BUSY}),
    ({"lost_answer": 1}, {Verdict.NO_ANSWER}),
    ({"refuse_auth": 1}, {Verdict.LOCKED_OUT}),
    ({"nonsense": 1}, {Verdict.NONSENSE}),
    ({"pending": 1, "pending_s": 60}, {Verdict.PENDING}),
    ({"trickle": 1, "trickle_s": 60}, {Verdict.NO_ANSWER}),
    ({"timeout": 1, "timeout_s": 20}, {Verdict.NO_ANSWER}),
]


@pytest.mark.parametrize(("plan", "verdicts"), FAULTS)
def test_every_fault_is_read_for_what_it_is(
    ses: RunningSes, books: httpx.Client, plan: dict[str, float], verdicts: set[Verdict]
) -> None:
    books.post("/faults", json=plan)
    times = 1 if "timeout" in plan or "trickle" in plan else 6
    hasty = guests.platform(ses.address, seconds="1")
    told = {hasty.send(messages=[message()])[0].verdict for _ in range(times)}
    assert told == verdicts


def test_the_number_of_another_lot_gives_nobody_anothers_receipt(platform: SesPlatform, books: httpx.Client) -> None:
    first = message()
    assert decided(platform, first).verdict is Verdict.ACCEPTED
    books.post("/faults", json={"duplicate": 1})
    mixed_up = message()
    (told,) = platform.send(messages=[mixed_up])
    books.post("/faults", json={})
    end = decided(platform, mixed_up, told)
    assert (end.verdict, end.code, end.receipt) == (Verdict.UNHEARD_OF, "lot_of_another", "")


@pytest.mark.parametrize("fault", ["deny", "stray_receipt"])
def test_a_number_that_the_platform_denies_is_not_believed_for_ever(
    platform: SesPlatform, books: httpx.Client, fault: str
) -> None:
    books.post("/faults", json={fault: 1})
    sent = message()
    (told,) = platform.send(messages=[sent])
    books.post("/faults", json={})
    assert told.verdict is Verdict.PENDING
    end = decided(platform, sent, told)
    assert (end.verdict, end.code) == (Verdict.UNHEARD_OF, "lot_never_shown")


def test_after_a_lost_answer_it_is_sent_again_under_the_same_reference_and_the_books_show_it(
    platform: SesPlatform, books: httpx.Client
) -> None:
    before = summary(books)["duplicates"]
    books.post("/faults", json={"lost_answer": 1})
    sent = message()
    assert platform.send(messages=[sent])[0].verdict is Verdict.NO_ANSWER
    books.post("/faults", json={})
    assert platform.ask(message=sent).verdict is Verdict.UNHEARD_OF
    assert decided(platform, sent).verdict is Verdict.ACCEPTED
    # There is no question by reference: rather twice than never, and whoever looks for it finds it.
    assert summary(books)["duplicates"] == before + 1


def test_a_share_of_refused_records_leaves_the_others_of_their_lots(platform: SesPlatform, books: httpx.Client) -> None:
    books.post("/faults", json={"reject:PV": 0.3})
    sent = [message() for _ in range(30)]
    told = platform.send(messages=sent)
    books.post("/faults", json={})
    ends = [decided(platform, one, answer) for one, answer in zip(sent, told, strict=True)]
    refused = [one for one in ends if one.verdict is Verdict.REJECTED]
    assert {one.verdict for one in ends} == {Verdict.ACCEPTED, Verdict.REJECTED}
    assert len(refused) == books.get("/faults").json()["injected"]["reject:PV"]
    again = [
        decided(platform, replace(one, message_id=f"{one.message_id}-2"))
        for one, end in zip(sent, ends, strict=True)
        if end.verdict is Verdict.REJECTED
    ]
    assert {one.verdict for one in again} == {Verdict.ACCEPTED}
    assert {one.message_id.removesuffix("-2") for one in sent} <= {key.removesuffix("-2") for key in standing(books)}


def test_a_lot_that_was_numbered_survives_a_power_cut(ses: RunningSes, platform: SesPlatform) -> None:
    sent = message(stay(CHILD, guests.ADULT, relation="child"))
    (told,) = platform.send(messages=[sent])
    ses.kill()
    ses.start()
    assert decided(platform, sent, told).verdict is Verdict.ACCEPTED
