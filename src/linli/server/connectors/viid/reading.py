"""Whatever a peer says, read in any dialect: what it meant, and how it said it. Nothing here raises but `Unreadable`."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NoReturn

from linli.server.connectors.viid import ids
from linli.server.connectors.viid.codes import NOTIFICATION, PLAIN_TYPE, Kind, Status
from linli.server.connectors.viid.dialects import Json, Trait, name_of

LONGEST_BODY = 8 * 1024 * 1024
MOST_OBJECTS = 1000
LONGEST_TEXT = 1024
CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9_.:-]+)", re.IGNORECASE)
# Names that are more than a capital first letter: peers write FaceId, faceid and iDType.
SPELT: Mapping[str, str] = {
    name.lower(): name
    for name in (
        *("FaceID", "PersonID", "ApeID", "ImageID", "SourceID", "DeviceID", "SubscribeID", "NotificationID"),
        *("DispositionID", "TollgateID", "OwnerApsID", "IDType", "IDNumber", "InfoIDs", "IPAddr", "ResourceURI"),
        *("UserId", "DoorID", "CommunityID", "SubImageList", "ImageInfo", "VIIDServerID"),
    )
}
LISTS_OF_ANSWERS = ("ResponseStatusListObject", "ResponseStatusList", "ResponseStatusObjectList")


class Unreadable(ValueError):
    """What came is no message of the view library; `status` says how it is to be refused."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.words)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one thing: its status, None when it is none that we know, the path it answers, and its number."""

    status: Status | None
    path: str
    id: str = field(repr=False)


@dataclass(slots=True)
class Reader:
    """Reads one message, and remembers which traits it showed of those it had occasion to show."""

    noticed: set[Trait] = field(default_factory=set)
    shown: set[Trait] = field(default_factory=set)

    @property
    def dialect(self) -> str:
        """This will name the dialect that was noticed."""
        return name_of(noticed=frozenset(self.noticed), shown=frozenset(self.shown))

    def body(self, raw: bytes, *, content_type: str = "") -> Json:
        """This will read a body as a JSON object, or raise `Unreadable` with the status that says why not."""
        word = content_type.partition(";")[0].strip().lower()
        charset = CHARSET.search(content_type)
        if charset and charset[1].lower().replace("_", "-") not in ("utf-8", "utf8"):
            raise Unreadable(Status.INVALID_JSON_FORMAT)
        if len(raw) > LONGEST_BODY:
            raise Unreadable(Status.INVALID_JSON_CONTENT)
        if "xml" in word or raw.lstrip()[:1] == b"<":
            # Never parsed: there is no entity to expand and no bomb to go off.
            raise Unreadable(Status.INVALID_XML_FORMAT)
        if word:
            self._note(Trait.PLAIN, word == PLAIN_TYPE)
        told = _json(raw)
        if not isinstance(told, dict):
            raise Unreadable(Status.INVALID_JSON_FORMAT)
        return told

    def objects(self, body: object, kind: Kind, *, notified: bool = False) -> list[Json] | None:
        """This will find the objects of a list under any of its names, their fields spelt as we do; None: there is no such list.

        A thing in the list that is no object is an empty one: it is refused by itself and spoils no other.
        """
        wanted = kind.notified if notified else kind.listed
        for name in dict.fromkeys((wanted, kind.listed, kind.turned, f"{kind.word}List")):
            found, _ = lookup(body, name)
            if found is None:
                continue
            if kind.notified in ("", kind.turned):
                self._note(Trait.LISTS, name != wanted)
            return self._within(found, kind)
        return None

    def one(self, body: object, envelope: str) -> Json:
        """This will find a single object by its envelope, spelt as we do; an empty one when there is none."""
        found, _ = lookup(body, envelope)
        return self.spelt(found) if isinstance(found, dict) else {}

    def spelt(self, one: Json) -> Json:
        """This will spell the fields of an object as we do, and lay its pictures aside."""
        told: Json = {}
        for name, value in one.items():
            self._note(Trait.SMALL, name[:1].islower())
            told[SPELT.get(name.lower(), name[:1].upper() + name[1:])] = value
        images = told.pop("SubImageList", None)
        if images is not None:
            self._note(Trait.IMAGES, isinstance(images, list))
        return told

    def outcomes(self, body: object) -> tuple[Outcome, ...]:
        """This will read an answer, for one thing or for several; nothing when it is no answer."""
        rows: Any = None
        for name in LISTS_OF_ANSWERS:
            rows, _ = lookup(body, name)
            if rows is not None:
                self._note(Trait.ANSWERS, name != LISTS_OF_ANSWERS[0])
                break
        within, _ = lookup(body if rows is None else rows, "ResponseStatusObject")
        rows = within if within is not None else rows
        rows = rows if isinstance(rows, list) else [rows]
        return tuple(self._outcome(row) for row in rows[:MOST_OBJECTS] if isinstance(row, dict))

    def moment(self, told: object) -> datetime | None:
        """This will read a time, fourteen digits or milliseconds since 1970, or give None."""
        text = str(told)
        in_milliseconds = re.fullmatch(r"[0-9]{13}", text) is not None
        self._note(Trait.EPOCH, in_milliseconds)
        try:
            if in_milliseconds:
                return datetime.fromtimestamp(int(text) / 1000, tz=UTC)
            return ids.moment_of(text)
        except (ids.BadNumber, ValueError, OverflowError, OSError):
            return None

    def _outcome(self, row: Json) -> Outcome:
        # Answers and orders are spelt with capitals in both families: what is small here shows nothing.
        told = {name.lower(): value for name, value in row.items()}
        code = told.get("statuscode")
        self._note(Trait.CODES, isinstance(code, int))
        if str(told.get("requesturl", "")).rstrip("/").endswith("/Register"):
            self._note(Trait.REGISTER, "/System/" not in str(told["requesturl"]))
        if "localtime" in told:
            self.moment(told["localtime"])
        known = isinstance(code, int | str) and not isinstance(code, bool) and re.fullmatch(r"[0-9]", str(code))
        return Outcome(
            status=Status(int(str(code))) if known else None,
            path=text(told, "requesturl", most=200),
            id=text(told, "id", most=60),
        )

    def _within(self, found: object, kind: Kind) -> list[Json]:
        rows = found
        if isinstance(found, dict):
            rows = next(
                (value for value in (lookup(found, kind.one)[0], lookup(found, kind.word)[0]) if value is not None), []
            )
        rows = rows if isinstance(rows, list) else [rows]
        if len(rows) > MOST_OBJECTS:
            raise Unreadable(Status.INVALID_JSON_CONTENT)
        spelt = self.spelt if kind.word != NOTIFICATION.word else _capital
        return [spelt(row) if isinstance(row, dict) else {} for row in rows]

    def _note(self, trait: Trait, is_so: bool) -> None:
        self.shown.add(trait)
        if is_so:
            self.noticed.add(trait)


def lookup(body: object, name: str) -> tuple[Any, str]:
    """This will find a key whatever its case: the value and the key as written, or (None, "")."""
    if not isinstance(body, dict):
        return None, ""
    if name in body:
        return body[name], name
    return next(((value, key) for key, value in body.items() if key.lower() == name.lower()), (None, ""))


def text(one: Json, name: str, *, most: int = LONGEST_TEXT) -> str:
    """This will take a field as a line of text without its control signs, cut to a length; "" for what is neither text nor number."""
    value = one.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return "".join(sign for sign in str(value)[: most * 2] if sign.isprintable())[:most]


def whole(one: Json, name: str) -> int | None:
    """This will take a field as a whole number of at most nine digits, written as a number or as digits, else None."""
    value = one.get(name)
    known = not isinstance(value, bool) and re.fullmatch(r"[0-9]{1,9}", str(value))
    return int(str(value)) if known else None


def _capital(one: Json) -> Json:
    return {SPELT.get(name.lower(), name[:1].upper() + name[1:]): value for name, value in one.items()}


def _json(raw: bytes) -> Any:
    try:
        # Said outright: left to itself the parser would guess UTF-16 or UTF-32 from the first bytes.
        return json.loads(raw.decode("utf-8-sig"), parse_constant=_no_number)
    except UnicodeDecodeError as problem:
        raise Unreadable(Status.INVALID_JSON_FORMAT) from problem
    except (ValueError, RecursionError) as problem:
        raise Unreadable(Status.INVALID_JSON_FORMAT) from problem


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)
