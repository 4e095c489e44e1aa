"""Guests of every kind as facts, with nobody behind them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from linli.server.connectors.protocol import EstateFacts, Occasion, PersonFacts, StayFacts
from linli.server.connectors.rules import MessageKind

ESTATE = EstateFacts(code="DF2", division_code="510108", name_zh="东方新城二期", zone="Asia/Shanghai", fictional=True)
ARRIVED = datetime(2026, 6, 1, 15, 4, tzinfo=UTC)  # 23:04 in Chengdu
RESIDENT = PersonFacts(
    native_name="王甲子",
    latin_name=None,
    sex="male",
    birth_date=date(1990, 3, 7),
    nationality="CHN",
    document_kind="resident_id",
    document_number="510108199003070010",
)
GUESTS = {
    "resident": RESIDENT,
    "hong_kong": replace(RESIDENT, document_kind="hk_macao_permit", document_number="H12345678"),
    "macao": replace(RESIDENT, document_kind="hk_macao_permit", document_number="M1234567801", nationality="MAC"),
    "taiwan": replace(RESIDENT, document_kind="taiwan_permit", document_number="12345678", nationality="TWN"),
    "taiwan_residence_card": replace(
        RESIDENT,
        document_kind="hmt_residence_card",
        document_number="830000197712010044",
        birth_date=date(1977, 12, 1),
        sex="female",
    ),
    "police_certificate": replace(RESIDENT, document_kind="police_certificate", document_number="保和2026000123"),
    "passport": PersonFacts(
        native_name="Anna Maria Eriksson",
        latin_name="ERIKSSON ANNA MARIA",
        sex="female",
        birth_date=date(1974, 8, 12),
        nationality="UTO",
        document_kind="foreign_passport",
        document_number="L898902C3",
    ),
    "unspecified_sex": PersonFacts(
        native_name="Zoë Exemple",
        latin_name=None,
        sex="unspecified",
        birth_date=date(1999, 12, 31),
        nationality="FRA",
        document_kind="foreign_passport",
        document_number="X00000042",
    ),
}


def facts(guest: PersonFacts = RESIDENT, *, stay_id: str = "stay_01", arrived: datetime = ARRIVED) -> StayFacts:
    """One stay of a guest in a bed of a two-room flat."""
    return StayFacts(
        stay_id=stay_id,
        booking_id="bkg_01",
        unit_mark="DF2A00001",
        unit_address="东方新城二期3幢2单元502号",
        room_label="1",
        bed_label="2",
        checked_in_at=arrived,
        leave_at=arrived + timedelta(hours=13),
        left_at=None,
        presumed_left=False,
        minor=False,
        relation="",
        guest=guest,
    )


def occasion(kind: MessageKind = MessageKind.CHECK_IN, *, at: datetime = ARRIVED) -> Occasion:
    """Something that happened."""
    return Occasion(kind=kind, happened_at=at)
