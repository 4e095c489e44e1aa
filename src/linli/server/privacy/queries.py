"""What is so: purposes, who looked at what, what left, and whether the audit chain is whole."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from linli.server.kernel import crypto
from linli.server.kernel.errors import Refusal
from linli.server.privacy.models import AuditEntry, AuditHead, Consent, Disclosure, Purpose
from linli.server.privacy.rules import GENESIS, Holding, canonical_entry, notice_digest

__all__ = ["Holding", "holdings", "register"]


class NoPurpose(Refusal):
    """The estate has declared no purpose for holding this personal data."""

    zh = "小区尚未声明处理该个人信息的目的，不能写入。"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class PurposeView:
    """A purpose in force, with its notice in both languages and its retention in days."""

    id: str
    code: str
    legal_basis: str
    data_set: tuple[str, ...]
    retention_days: int
    recipients: tuple[str, ...]
    notice_version: str
    notice_zh: str
    notice_en: str

    @property
    def rests_on_consent(self) -> bool:
        """Whether only a person's own yes allows it (PIPL art. 13(1), 29)."""
        return self.legal_basis.startswith(("consent", "separate consent"))

    @property
    def notice_digest(self) -> str:
        """What names this notice word for word."""
        return notice_digest(code=self.code, version=self.notice_version, zh=self.notice_zh, en=self.notice_en)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeView:
    """What a person reads before saying yes; `digest` is sent back with the yes."""

    purpose: str
    version: str
    zh: str
    en: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentView:
    """A yes: for whom, by whom, to which notice, when, and when it was taken back."""

    id: str
    person_id: str
    given_by: str
    purpose: str
    notice_digest: str
    channel: str
    given_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureView:
    """What left about somebody: to whom, for which purpose on which legal basis, which fields, in which message, when."""

    message_id: str
    recipient: str
    purpose: str
    legal_basis: str
    fields: tuple[str, ...]
    disclosed_at: datetime


MOST_DISCLOSURES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFault:
    """Where the audit chain does not hold: the sequence, and `changed`, `missing`, `out_of_place` or `cut_off`."""

    sequence: int
    fault: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReport:
    """The outcome of checking an estate's audit chain: entries read, the head's digest to write down, and every fault."""

    estate_id: str
    entries: int
    head: str
    faults: tuple[ChainFault, ...]

    @property
    def whole(self) -> bool:
        """This will say whether nothing was changed, dropped or moved."""
        return not self.faults


_holdings: dict[str, Holding] = {}


def register(holding: Holding) -> None:
    """This will note what one model holds on persons; called from each domain's apps.py."""
    _holdings[holding.model] = holding


def holdings() -> tuple[Holding, ...]:
    """This will return every registered holding."""
    return tuple(_holdings.values())


def get_purpose(*, estate_id: str, code: str) -> PurposeView:
    """This will return the purpose with its newest notice, or refuse with `NoPurpose`; remembered for half a minute."""
    known = _purposes.get((estate_id, code))
    if known is None or time.monotonic() - known[0] > REMEMBERED_SECONDS:
        known = time.monotonic(), _read_purpose(estate_id, code)
        _purposes[estate_id, code] = known
    return known[1]


REMEMBERED_SECONDS = 30.0
_purposes: dict[tuple[str, str], tuple[float, PurposeView]] = {}


def forget_purposes() -> None:
    """This will read purposes anew from now on; called when they were declared."""
    _purposes.clear()


def _read_purpose(estate_id: str, code: str) -> PurposeView:
    row = Purpose.objects.filter(estate_id=estate_id, code=code).order_by("-declared_at", "-id").first()
    if row is None:
        raise NoPurpose
    return PurposeView(
        id=row.id,
        code=row.code,
        legal_basis=row.legal_basis,
        data_set=tuple(row.data_set),
        retention_days=row.retention_days,
        recipients=tuple(row.recipients),
        notice_version=row.notice_version,
        notice_zh=row.notice_zh,
        notice_en=row.notice_en,
    )


def get_notice(*, estate_id: str, purpose: str) -> NoticeView:
    """This will return the notice of a purpose as it stands today, or refuse with `NoPurpose`."""
    found = get_purpose(estate_id=estate_id, code=purpose)
    return NoticeView(
        purpose=found.code,
        version=found.notice_version,
        zh=found.notice_zh,
        en=found.notice_en,
        digest=found.notice_digest,
    )


def find_consent(*, estate_id: str, person_id: str, purpose: str) -> ConsentView | None:
    """This will return the yes that stands for a person and a purpose, or None; one to an older notice stands no longer."""
    wanted = get_purpose(estate_id=estate_id, code=purpose).notice_digest
    for consent in list_consents(estate_id=estate_id, person_id=person_id):
        if consent.purpose == purpose and consent.withdrawn_at is None and consent.notice_digest == wanted:
            return consent
    return None


def list_consents(*, estate_id: str, person_id: str) -> tuple[ConsentView, ...]:
    """This will list what a person, or a guardian for them, said yes to, newest first."""
    rows = Consent.objects.filter(estate_id=estate_id, person_id=person_id, withdraws__isnull=True)
    return tuple(_consent(row) for row in rows.select_related("purpose", "withdrawal").order_by("-at", "-id")[:200])


def _consent(row: Consent) -> ConsentView:
    taken_back = getattr(row, "withdrawal", None)
    return ConsentView(
        id=row.id,
        person_id=row.person_id,
        given_by=row.given_by,
        purpose=row.purpose.code,
        notice_digest=row.notice_digest,
        channel=row.channel,
        given_at=row.at,
        withdrawn_at=taken_back.at if taken_back else None,
    )


def list_disclosures(*, estate_id: str, person_id: str) -> tuple[DisclosureView, ...]:
    """This will list what left about one person, newest first, at most 500."""
    rows = Disclosure.objects.select_related("purpose").filter(estate_id=estate_id, person_id=person_id)
    return tuple(
        DisclosureView(
            message_id=row.message_id,
            recipient=row.recipient,
            purpose=row.purpose.code,
            legal_basis=row.purpose.legal_basis,
            fields=tuple(row.fields),
            disclosed_at=row.disclosed_at,
        )
        for row in rows.order_by("-disclosed_at", "-id")[:MOST_DISCLOSURES]
    )


def count_entries(*, estate_id: str, verb: str, subject: str) -> int:
    """This will count audit entries of one kind about one subject."""
    return AuditEntry.objects.filter(estate_id=estate_id, verb=verb, subject=subject).count()


def audited_estates() -> tuple[str, ...]:
    """This will name the estates that have an audit chain."""
    return tuple(AuditHead.objects.order_by("estate_id").values_list("estate_id", flat=True))


def verify_chain(*, estate_id: str) -> ChainReport:
    """This will read the whole chain of one estate and name every entry that was changed, dropped or moved."""
    head = AuditHead.objects.filter(estate_id=estate_id).first()
    faults: list[ChainFault] = []
    expected, previous, entries, last_at = 1, GENESIS, 0, None
    for row in _chain(estate_id):
        entries += 1
        if row.sequence != expected:
            faults.append(ChainFault(sequence=expected, fault="missing"))
        elif row.previous != previous:
            faults.append(ChainFault(sequence=row.sequence, fault="out_of_place"))
        if _digest(row) != row.digest:
            faults.append(ChainFault(sequence=row.sequence, fault="changed"))
        expected, previous, last_at = row.sequence + 1, row.digest, row.at
    if head is not None and (head.sequence, head.digest) != (expected - 1, previous):
        faults.append(ChainFault(sequence=head.sequence, fault="cut_off"))
    if head is None and last_at is not None:
        faults.append(ChainFault(sequence=expected - 1, fault="cut_off"))
    return ChainReport(estate_id=estate_id, entries=entries, head=previous, faults=tuple(faults))


def _chain(estate_id: str) -> Iterator[AuditEntry]:
    return AuditEntry.objects.filter(estate_id=estate_id).order_by("sequence").iterator(chunk_size=2000)


def _digest(row: AuditEntry) -> str:
    return crypto.sm3(
        canonical_entry(
            estate_id=row.estate_id,
            sequence=row.sequence,
            at=row.at,
            actor_id=row.actor_id,
            verb=row.verb,
            subject=row.subject,
            fields=row.fields,
            reason=row.reason,
            previous=row.previous,
        )
    ).hex()


def last_entry_at(*, estate_id: str) -> datetime | None:
    """This will say when something was last written into the chain."""
    return AuditEntry.objects.filter(estate_id=estate_id).order_by("-sequence").values_list("at", flat=True).first()
