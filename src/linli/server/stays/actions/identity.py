"""How sure we become who a guest is: a picture that is read and forgotten (L2), a reader's signed record (L3), two eyes or a face (L4)."""

import base64
import binascii
import json
import threading
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import transaction

from linli.documents import reading as reader
from linli.documents.compare import Comparison, Typed, compare
from linli.server.kernel import clock
from linli.server.kernel.actors import Actor, Role, system
from linli.server.kernel.errors import Refusal
from linli.server.kernel.files import Picture
from linli.server.lettings.queries import UnitView
from linli.server.people import actions as people
from linli.server.people import queries as people_queries
from linli.server.places import queries as places
from linli.server.privacy import actions as privacy
from linli.server.stays import queries
from linli.server.stays.actions.letting import require_letting
from linli.server.stays.actions.registration import locked_stay, settle
from linli.server.stays.models import BenchReader, Stay
from linli.server.stays.queries import StayView
from linli.server.stays.rules.admission import Age, Belongs, Paper
from linli.server.stays.rules.states import OPEN_STAYS, StayNotThere

BY_OCR, BY_READER, BY_EYE = 2, 3, 4
RECORD_AGE = timedelta(minutes=30)
READ_WAIT_SECONDS = 20.0
RECORD_CHARACTERS = 4000
# One picture at a time: reading one keeps a core busy for a second or two, and the gates must not wait for it.
_reading = threading.Semaphore(1)


class ReaderBusy(Refusal):
    """Other documents are being read right now; please try again in a moment."""

    zh = "正在读取其他证件，请稍后再试。"
    status = 503


class RecordForged(Refusal):
    """This reader's record is not genuine, or its reader is not enrolled here."""

    zh = "读卡记录无效，或该读卡器未在本小区登记。"
    status = 422


class RecordTooOld(Refusal):
    """This reader's record is older than half an hour; please read the document again."""

    zh = "读卡记录已超过半小时，请重新读取证件。"


class RecordOfAnother(Refusal):
    """The document that was read is not the one that was registered."""

    zh = "所读证件与登记的证件不一致。"


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRead:
    """What a picture said against what was typed, and where the stay stands now. The picture itself is gone."""

    level: int
    matched: tuple[str, ...]
    mismatched: tuple[str, ...]
    unread: tuple[str, ...]
    stay: StayView


def read_document(*, actor: Actor, stay_id: str, picture: Picture, now: datetime) -> PictureRead:
    """This will read a picture of the document in memory, compare it with what was typed, and let go of it.

    Raises `ReaderBusy`, `StayNotThere`; a picture that does not agree is an answer, not an error.
    """
    view = queries.get_stay(actor=actor, stay_id=stay_id)
    if view.state not in OPEN_STAYS:
        raise StayNotThere(state=view.state)
    today = clock.local_date(now, places.zone(estate_id=actor.estate_id))
    found = _compared(picture.content, _typed(actor, stay_id), today=today)
    with transaction.atomic():
        stay = locked_stay(actor=actor, stay_id=stay_id)
        if stay.state not in OPEN_STAYS:
            raise StayNotThere(state=stay.state)
        _note_paper(stay, found)
        # A picture that does not agree proves nothing, and takes nothing away that was proved otherwise.
        level = found.level if found.level >= BY_OCR else stay.level
        unit = _check(stay, level=level, method="ocr", evidence=_evidence(found), actor=actor, now=now)
        privacy.record(actor=actor, verb="read_document", subject=stay.id, fields=found.matched, now=now)
    return PictureRead(
        level=stay.level,
        matched=found.matched,
        mismatched=found.mismatched,
        unread=found.unread,
        stay=queries.view(stay, unit=unit),
    )


def _compared(content: bytes, typed: Typed, *, today: date) -> Comparison:
    if not _reading.acquire(timeout=READ_WAIT_SECONDS):
        raise ReaderBusy
    try:
        return compare(reader.read_picture(content, today=today), typed, today=today)
    finally:
        _reading.release()


def _typed(actor: Actor, stay_id: str) -> Typed:
    row = Stay.objects.only("person_id", "document_id").get(estate_id=actor.estate_id, id=stay_id)
    known = people_queries.get_identity(estate_id=actor.estate_id, person_id=row.person_id, document_id=row.document_id)
    return Typed(
        kind=known.document_kind,
        number=known.document_number,
        native_name=known.native_name,
        latin_name=known.latin_name or "",
        sex=known.sex,
        birth_date=known.birth_date,
        valid_until=known.document_valid_until,
        nationality=known.nationality,
    )


def _note_paper(stay: Stay, found: Comparison) -> None:
    if found.doubtful and stay.paper == Paper.VALID and "number" in found.doubtful:
        stay.paper = Paper.MRZ_BAD
    elif found.level >= BY_OCR and stay.paper in (Paper.VALID, Paper.MRZ_BAD):
        stay.paper = Paper.EXPIRED if found.expired else Paper.VALID


def _evidence(found: Comparison) -> dict[str, list[str]]:
    # Names of fields, never their contents.
    return {"matched": list(found.matched), "mismatched": list(found.mismatched), "unread": list(found.unread)}


def _check(stay: Stay, *, level: int, method: str, evidence: dict[str, Any], actor: Actor, now: datetime) -> UnitView:
    people.record_check(
        actor=system(stay.estate_id),
        document_id=stay.document_id,
        level=level,
        method=method,
        evidence={**evidence, "by": actor.id},
        now=now,
    )
    stay.level = max(stay.level, level)
    return settle(stay, now=now)


def accept_reader_record(
    *, actor: Actor, stay_id: str, record: str, signature: str, reader_id: str, now: datetime
) -> StayView:
    """This will take a bench reader's signed record of the document as proof (L3).

    Raises `RecordForged`, `RecordTooOld`, `RecordOfAnother` or `StayNotThere`.
    """
    body = _genuine(actor.estate_id, record, signature, reader_id)
    _check_age(body, now=now)
    with transaction.atomic():
        stay = locked_stay(actor=actor, stay_id=stay_id)
        if stay.state not in OPEN_STAYS:
            raise StayNotThere(state=stay.state)
        _require_same(body, _typed(actor, stay_id))
        if stay.paper == Paper.MRZ_BAD:
            stay.paper = Paper.VALID
        unit = _check(stay, level=BY_READER, method="reader", evidence={"reader": reader_id}, actor=actor, now=now)
        privacy.record(actor=actor, verb="accept_reader_record", subject=stay.id, reason=reader_id, now=now)
    return queries.view(stay, unit=unit)


def _require_same(body: dict[str, Any], typed: Typed) -> None:
    # The number alone is not enough: what is reported is the name that was typed, and the reader has seen the true one.
    document = body.get("document")
    read = document if isinstance(document, dict) else {}
    facts = (
        read.get("type") == typed.kind,
        read.get("number") == typed.number,
        body.get("birth_date") in (None, typed.birth_date and typed.birth_date.isoformat()),
        body.get("name") is None or _plain(body["name"]) in {_plain(typed.native_name), _plain(typed.latin_name)},
    )
    if not all(facts):
        raise RecordOfAnother(field="record")


def _plain(name: object) -> str:
    return "".join(unicodedata.normalize("NFKC", str(name)).casefold().split())


def _genuine(estate_id: str, record: str, signature: str, reader_id: str) -> dict[str, Any]:
    key = BenchReader.objects.filter(estate_id=estate_id, reader_id=reader_id, retired_at__isnull=True).first()
    if key is None or len(record) > RECORD_CHARACTERS:
        raise RecordForged(field="reader_id")
    try:
        proof = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
        Ed25519PublicKey.from_public_bytes(bytes(key.public_key)).verify(proof, record.encode())
        body = json.loads(record)
    except (InvalidSignature, binascii.Error, ValueError) as problem:
        raise RecordForged(field="signature") from problem
    if not isinstance(body, dict) or body.get("reader_id") != reader_id:
        raise RecordForged(field="record")
    return body


def _check_age(body: dict[str, Any], *, now: datetime) -> None:
    try:
        read_at = datetime.fromisoformat(str(body.get("read_at")))
        age = now - read_at
    except (ValueError, TypeError) as problem:
        raise RecordForged(field="record") from problem
    if not -timedelta(minutes=2) <= age <= RECORD_AGE:
        raise RecordTooOld(field="record")


def confirm_by_eye(*, actor: Actor, stay_id: str, now: datetime) -> StayView:
    """This will note that the host or the guard saw guest and document together (L4); a doubtful passport needs two of them."""
    with transaction.atomic():
        stay = locked_stay(actor=actor, stay_id=stay_id)
        if not actor.may(Role.GUARD):
            require_letting(actor, stay)
        if stay.state not in OPEN_STAYS:
            raise StayNotThere(state=stay.state)
        stay.eyes = sorted({*stay.eyes, actor.id})
        unit = _check(stay, level=BY_EYE, method="eye", evidence={}, actor=actor, now=now)
        privacy.record(actor=actor, verb="confirm_by_eye", subject=stay.id, now=now)
    return queries.view(stay, unit=unit)


def confirm_by_face(*, actor: Actor, stay_id: str, document_id: str, check_id: str, now: datetime) -> StayView:
    """This will take the face layer's word that the guest is the holder of the registered document (L4); the check is the evidence.

    Raises `StayNotThere`, or `RecordOfAnother` when another document is registered by now.
    """
    actor.require(Role.SYSTEM)
    with transaction.atomic():
        stay = locked_stay(actor=actor, stay_id=stay_id)
        if stay.state not in OPEN_STAYS:
            raise StayNotThere(state=stay.state)
        if stay.document_id != document_id:
            raise RecordOfAnother(field="document_id")
        # Nobody has seen the document itself: that is row 3 of the table, which asks for the record of the consent.
        if stay.level < BY_OCR and (stay.paper, stay.age, stay.belongs) == (Paper.VALID, Age.ADULT, Belongs.MAINLAND):
            stay.paper = Paper.FACE_SERVICE
        unit = _check(stay, level=BY_EYE, method="face", evidence={"check": check_id}, actor=actor, now=now)
        privacy.record(actor=actor, verb="confirm_by_face", subject=stay.id, reason=check_id, now=now)
    return queries.view(stay, unit=unit)


def enrol_reader(*, actor: Actor, reader_id: str, public_key: bytes, now: datetime) -> None:
    """This will trust a bench reader's signature from now on."""
    actor.require(Role.OFFICE, Role.ESTATE_ADMIN, Role.SYSTEM)
    with transaction.atomic():
        BenchReader.objects.update_or_create(
            estate_id=actor.estate_id,
            reader_id=reader_id,
            defaults={"public_key": public_key, "enrolled_at": now, "retired_at": None},
        )
        privacy.record(actor=actor, verb="enrol_reader", subject=reader_id, now=now)
