"""How a message is written: the facts as they are now, under a purpose that names the recipient, in whitelisted fields."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from linli.server.connectors import subjects
from linli.server.connectors.actions.standing import park
from linli.server.connectors.models import PlatformAccount, Report
from linli.server.connectors.protocol import EstateFacts, Facts, FactsMissing, Occasion, Platform
from linli.server.connectors.rules import MessageKind, Reason, SubjectKind, fields_not_allowed
from linli.server.kernel import crypto
from linli.server.kernel.errors import NotFound
from linli.server.places import queries as places
from linli.server.privacy import queries as privacy

BODY = "report.body"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A message as written for a platform: its fields, or why it could not be written and for want of which field."""

    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    reason: Reason = Reason.NONE
    field: str = ""


def enclose(row: Report, *, platform: Platform, gone: bool = False) -> None:
    """This will write the message of a report with the facts as they are now, or park it with what stands against it."""
    _put(row, _write_now(row, platform=platform, gone=gone))


def enclose_facts(row: Report, *, platform: Platform, facts: Facts | FactsMissing, gone: bool = False) -> None:
    """This will write the message of a report with facts that were just gathered, or park it for want of one."""
    if isinstance(facts, FactsMissing):
        _put(row, Written(reason=Reason.FACTS_MISSING, field=facts.field))
    else:
        _put(row, _write(row, platform=platform, facts=facts, gone=gone))


def estate_facts(*, estate_id: str) -> EstateFacts:
    """This will say which estate speaks."""
    estate = places.get_estate(estate_id=estate_id)
    return EstateFacts(
        code=estate.code,
        division_code=estate.division_code,
        name_zh=estate.name_zh,
        zone=estate.zone,
        fictional=estate.fictional,
    )


def what_forbids(row: Report, *, platform: Platform) -> Reason:
    """This will say what stands against this message leaving now: no purpose, no consent, a real estate abroad, or nothing."""
    try:
        purpose = privacy.get_purpose(estate_id=row.estate_id, code=platform.purpose_of(MessageKind(row.kind)))
    except privacy.NoPurpose:
        return Reason.NO_LEGAL_BASIS
    if platform.recipient not in purpose.recipients:
        return Reason.NO_LEGAL_BASIS
    if platform.fictional_only and not estate_facts(estate_id=row.estate_id).fictional:
        return Reason.FICTIONAL_ONLY
    if purpose.rests_on_consent and row.person_id:
        given = privacy.find_consent(estate_id=row.estate_id, person_id=row.person_id, purpose=purpose.code)
        return Reason.NONE if given else Reason.NO_CONSENT
    return Reason.NONE


def _put(row: Report, written: Written) -> None:
    row.fields = sorted(written.fields)
    if written.reason is not Reason.NONE:
        row.body = None
        park(row, reason=written.reason)
        row.field = written.field[:40]
        return
    row.body = crypto.seal(json.dumps(dict(written.fields), ensure_ascii=False, sort_keys=True), context=BODY)


def _write_now(row: Report, *, platform: Platform, gone: bool) -> Written:
    try:
        gathered = subjects.gather(
            estate_id=row.estate_id, subject_kind=SubjectKind(row.subject_kind), subject_id=row.subject_id
        )
    except FactsMissing as missing:
        return Written(reason=Reason.FACTS_MISSING, field=missing.field)
    except NotFound:
        return Written(reason=Reason.FACTS_MISSING, field="subject")
    return _write(row, platform=platform, facts=gathered.facts, gone=gone or gathered.gone)


def _write(row: Report, *, platform: Platform, facts: Facts, gone: bool) -> Written:
    forbidden = what_forbids(row, platform=platform)
    if forbidden is not Reason.NONE:
        return Written(reason=forbidden)
    if platform.own_accounts and not _has_account(row):
        return Written(reason=Reason.NO_ACCOUNT)
    occasion = Occasion(kind=MessageKind(row.kind), happened_at=row.happened_at, why=row.why, gone=gone)
    try:
        fields = platform.render(occasion=occasion, facts=facts)
    except FactsMissing as missing:
        return Written(reason=Reason.FACTS_MISSING, field=missing.field)
    too_much = fields_not_allowed(fields=fields, allowed=platform.allowed[occasion.kind])
    if too_much:
        return Written(reason=Reason.FIELD_NOT_ALLOWED, field=too_much[0])
    return Written(fields=fields)


def _has_account(row: Report) -> bool:
    return PlatformAccount.objects.filter(
        estate_id=row.estate_id, platform=row.platform, operator_id=row.operator_id
    ).exists()
