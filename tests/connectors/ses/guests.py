"""Guests of every kind at the Spanish platform, with nobody behind them, and messages about them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from linli.server.connectors.platforms import ses_hospedajes
from linli.server.connectors.platforms.ses_hospedajes import SesPlatform
from linli.server.connectors.protocol import Account, EstateFacts, Message, Occasion, PersonFacts, StayFacts
from linli.server.connectors.rules import MessageKind
from linli.server.kernel import ids
from tests.connectors.guests import facts as plain_facts
from tests.sim.ses.running import PARTY, PASSWORD, USER

ARRIVED = datetime(2026, 6, 1, 7, 4, tzinfo=UTC)  # 15:04 in Chengdu
ESTATE = EstateFacts(code="DF2", division_code="510108", name_zh="东方新城二期", zone="Asia/Shanghai", fictional=True)
ACCOUNT = Account(id="acc_1", username=USER, secret=PASSWORD, party_code=PARTY)

ADULT = PersonFacts(
    native_name="Anna Maria Eriksson",
    latin_name="ERIKSSON, ANNA MARIA",
    sex="female",
    birth_date=date(1974, 8, 12),
    nationality="SWE",
    document_kind="foreign_passport",
    document_number="L898902C3",
    phone="+46000000000",
)
PARTNER = replace(
    ADULT, native_name="Nils Eriksson", latin_name="ERIKSSON, NILS", sex="male", document_number="L898902C4"
)
CHILD = replace(
    ADULT,
    native_name="Elsa Eriksson",
    latin_name="ERIKSSON, ELSA",
    birth_date=date(2018, 2, 3),
    document_number="L898902C5",
    phone="",
)
BABY = replace(CHILD, native_name="Ida Eriksson", latin_name="ERIKSSON, IDA", document_number="", document_kind="other")
SPANIARD = replace(
    ADULT,
    native_name="Gómez Ñandú, José",
    latin_name=None,
    second_surname="Ejemplo",
    sex="male",
    nationality="ESP",
    document_kind="other",
    document_number="00000000T",
)
CHINESE = replace(
    ADULT,
    native_name="王甲子",
    latin_name="WANG, JIAZI",
    nationality="CHN",
    document_kind="prc_passport",
    document_number="E00000001",
)


def stay(guest: PersonFacts = ADULT, *company: PersonFacts, relation: str = "", **changes: object) -> StayFacts:
    """One guest's stay, with whoever travels along."""
    row = replace(plain_facts(guest, arrived=ARRIVED), company=company, relation=relation)
    return replace(row, **changes)  # type: ignore[arg-type]


STAYS = {
    "adult": stay(ADULT),
    "couple_with_child_first": stay(ADULT, PARTNER, CHILD),
    "couple_with_child_second": stay(PARTNER, ADULT, CHILD),
    "couple_with_child_third": stay(CHILD, ADULT, PARTNER, relation="child", minor=True),
    "minor_with_guardian": stay(
        CHILD, replace(ADULT, native_name="X", latin_name="TUTOR, ALFA"), relation="ward", minor=True
    ),
    "baby_without_a_document": stay(BABY, ADULT, relation="子女", minor=True),
    "no_second_surname": stay(replace(ADULT, second_surname="")),
    "spaniard_with_nif": stay(SPANIARD),
    "foreigner_with_nie": stay(replace(ADULT, document_number="X0000000T", document_kind="other")),
    "passport": stay(replace(ADULT, nationality="UTO")),
    "chinese_passport": stay(CHINESE),
    "unspecified_sex": stay(replace(ADULT, sex="unspecified")),
}


def platform(url: str = "http://127.0.0.1:9", **settings: str) -> SesPlatform:
    """Our side."""
    made = ses_hospedajes.make({"url": url, **settings})
    assert isinstance(made, SesPlatform)
    return made


RENDERING = platform()


def occasion(kind: MessageKind = MessageKind.CHECK_IN) -> Occasion:
    """Something that happened."""
    return Occasion(kind=kind, happened_at=ARRIVED)


def message(
    facts: StayFacts | None = None,
    kind: MessageKind = MessageKind.CHECK_IN,
    *,
    takes_back: str = "",
    ticket: str = "",
    account: Account | None = ACCOUNT,
    estate: EstateFacts = ESTATE,
) -> Message:
    """A message about a stay, under an id of its own."""
    fields = RENDERING.render(occasion=occasion(kind), facts=facts or stay())
    return Message(
        message_id=ids.new("rep") + "-1",
        kind=kind,
        queued_at=ARRIVED + timedelta(minutes=1),
        subject_id="stay_01",
        estate=estate,
        fields=fields,
        takes_back=takes_back,
        ticket=ticket,
        account=account,
    )
