"""Messages about terminals, commands and faces: between the server and a box, beside the list and the journal."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from linli.gate.wire import envelope, fields


class PersonState(StrEnum):
    """How one pass stands on one terminal."""

    PENDING = "PENDING"
    OK = "OK"
    FAILED = "FAILED"
    REMOVED = "REMOVED"


class CommandKind(StrEnum):
    """What a box may be asked from afar."""

    OPEN = "OPEN"
    RELEASE = "RELEASE"
    LISTING = "LISTING"
    COMPARE = "COMPARE"


class CommandOutcome(StrEnum):
    """What came of it."""

    DONE = "DONE"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalPlan:
    """One device a box looks after: how to reach it, and its secret."""

    code: str
    gate: str
    make: str
    model: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonReport:
    """How one pass stands on a terminal since `at`, and by which version of the list."""

    serial: int
    state: PersonState
    version: int
    at: datetime
    trouble: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A terminal's own list, read back: the passes it would open to. `unknown` counts people that are none of ours."""

    at: datetime
    serials: tuple[int, ...]
    checksum: str
    unknown: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalReport:
    """What a box says of one terminal: the changes since its last report, and the device's own list if it was read."""

    terminal: str
    seen_at: datetime | None = None
    firmware: str = ""
    drift_ms: int | None = None
    trouble: str = ""
    people: tuple[PersonReport, ...] = ()
    listing: Listing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Something to do at a gate, by whom and why; after `expires_at` it is too late."""

    id: str
    gate: str
    kind: CommandKind
    by: str
    why: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandReply:
    """What came of a command."""

    outcome: CommandOutcome
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSheet:
    """One template on its way to a box that may need it: little-endian float32 numbers, and the model that made them."""

    id: str
    model: str
    template: bytes = field(repr=False)


def encode_terminals(plans: tuple[TerminalPlan, ...]) -> bytes:
    """Write the devices of a box."""
    rows = [
        {
            "code": plan.code,
            "gate": plan.gate,
            "make": plan.make,
            "model": plan.model,
            "settings": dict(plan.settings),
            "secret": plan.secret,
        }
        for plan in plans
    ]
    return envelope.dump("terminals", terminals=rows)


def decode_terminals(raw: bytes | str) -> tuple[TerminalPlan, ...]:
    """Read the devices of a box. Raises BadMessage."""
    return envelope.read(raw, "terminals", lambda message: tuple(_plan(row) for row in message["terminals"]))


def encode_reports(reports: tuple[TerminalReport, ...]) -> bytes:
    """Write what a box says of its terminals."""
    return envelope.dump("terminal_reports", reports=[_report_row(report) for report in reports])


def decode_reports(raw: bytes | str) -> tuple[TerminalReport, ...]:
    """Read what a box says of its terminals. Raises BadMessage."""
    return envelope.read(raw, "terminal_reports", lambda message: tuple(_report(row) for row in message["reports"]))


def encode_commands(commands: tuple[Command, ...]) -> bytes:
    """Write what a box is asked to do."""
    rows = [
        {
            "id": one.id,
            "gate": one.gate,
            "kind": one.kind.value,
            "by": one.by,
            "why": one.why,
            "expires_at": fields.instant_words(one.expires_at),
        }
        for one in commands
    ]
    return envelope.dump("commands", commands=rows)


def decode_commands(raw: bytes | str) -> tuple[Command, ...]:
    """Read what a box is asked to do. Raises BadMessage."""
    return envelope.read(raw, "commands", lambda message: tuple(_command(row) for row in message["commands"]))


def encode_reply(reply: CommandReply) -> bytes:
    """Write what came of a command."""
    return envelope.dump("command_reply", outcome=reply.outcome.value, words=reply.words[:200])


def decode_reply(raw: bytes | str) -> CommandReply:
    """Read what came of a command. Raises BadMessage."""
    return envelope.read(
        raw,
        "command_reply",
        lambda message: CommandReply(
            outcome=CommandOutcome(message["outcome"]), words=fields.text(message.get("words", ""))
        ),
    )


def encode_faces(sheets: tuple[FaceSheet, ...]) -> bytes:
    """Write templates."""
    rows = [[one.id, one.model, base64.b64encode(one.template).decode("ascii")] for one in sheets]
    return envelope.dump("faces", faces=rows)


def decode_faces(raw: bytes | str) -> tuple[FaceSheet, ...]:
    """Read templates. Raises BadMessage."""
    return envelope.read(raw, "faces", lambda message: tuple(_sheet(*row[:3]) for row in message["faces"]))


def _plan(row: Any) -> TerminalPlan:
    if not isinstance(row["settings"], dict):
        raise ValueError("settings are an object")
    return TerminalPlan(
        code=fields.text(row["code"]),
        gate=fields.gate_code(row["gate"]),
        make=fields.text(row["make"]),
        model=fields.text(row.get("model", "")),
        settings=row["settings"],
        secret=fields.text(row.get("secret", "")),
    )


def _report_row(report: TerminalReport) -> dict[str, object]:
    listing = report.listing
    return {
        "terminal": report.terminal,
        "seen_at": fields.instant_words(report.seen_at) if report.seen_at else None,
        "firmware": report.firmware,
        "drift_ms": report.drift_ms,
        "trouble": report.trouble,
        "people": [
            [f"{one.serial:016x}", one.state.value, one.version, fields.instant_words(one.at), one.trouble, one.words]
            for one in report.people
        ],
        "listing": None
        if listing is None
        else {
            "at": fields.instant_words(listing.at),
            "serials": [f"{serial:016x}" for serial in listing.serials],
            "checksum": listing.checksum,
            "unknown": listing.unknown,
        },
    }


def _report(row: Any) -> TerminalReport:
    seen_at, drift, listing = row.get("seen_at"), row.get("drift_ms"), row.get("listing")
    if drift is not None and type(drift) is not int:
        raise ValueError("a drift is whole milliseconds")
    return TerminalReport(
        terminal=fields.text(row["terminal"]),
        seen_at=fields.instant(seen_at) if seen_at else None,
        firmware=fields.text(row.get("firmware", "")),
        drift_ms=drift,
        trouble=fields.text(row.get("trouble", "")),
        people=tuple(_person(*person[:6]) for person in row.get("people", ())),
        listing=_listing(listing) if listing else None,
    )


def _person(serial: Any, state: Any, version: Any, at: Any, trouble: Any = "", words: Any = "") -> PersonReport:
    return PersonReport(
        serial=fields.serial_number(serial),
        state=PersonState(state),
        version=fields.count(version),
        at=fields.instant(at),
        trouble=fields.text(trouble),
        words=fields.text(words),
    )


def _listing(row: Any) -> Listing:
    return Listing(
        at=fields.instant(row["at"]),
        serials=tuple(fields.serial_number(serial) for serial in row["serials"]),
        checksum=fields.text(row["checksum"]),
        unknown=fields.count(row.get("unknown", 0)),
    )


def _command(row: Any) -> Command:
    return Command(
        id=fields.text(row["id"]),
        gate=fields.gate_code(row["gate"]),
        kind=CommandKind(row["kind"]),
        by=fields.text(row["by"]),
        why=fields.text(row["why"]),
        expires_at=fields.instant(row["expires_at"]),
    )


def _sheet(face_id: Any, model: Any, template: Any) -> FaceSheet:
    if not isinstance(template, str) or len(template) > 20_000:
        raise ValueError("a template is at most 15,000 bytes")
    return FaceSheet(
        id=fields.text(face_id), model=fields.text(model), template=base64.b64decode(template, validate=True)
    )
