"""Read a mapping profile from its file, and refuse one that is wrong anywhere, by line: a field in doubt must not leave."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from linli.server.connectors.profiles.formats import CODED, FORMATS
from linli.server.connectors.profiles.profile import ABROAD, HOME, Profile, Row
from linli.server.connectors.profiles.vocabulary import FACTS, OF_PEOPLE, SENSITIVE_NAMES, WORDS, Fact
from linli.server.connectors.rules import MessageKind

LONGEST_FILE = 256 * 1024
LONGEST_FIELD = 4000
LONGEST_UNSAID = 200
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
HEAD: Mapping[str, type] = {"name": str, "version": str, "source": str, "effective": date, "zone": str}
ROW: Mapping[str, type] = {
    "fact": str,
    "format": str,
    "fixed": str,
    "need": str,
    "longest": int,
    "cut": bool,
    "of": str,
    "otherwise": str,
    "codes": str,
    "legal_basis": str,
}
NEEDS = ("required", "optional")
Codes = Mapping[str, Mapping[str, str]]


class ProfileRefused(ValueError):
    """A mapping profile is wrong; the message names the file, the line and what is wrong there."""

    def __init__(self, *, where: str, line: int, what: str) -> None:
        super().__init__(f"{where}:{line}: {what}" if line else f"{where}: {what}")
        self.where, self.line, self.what = where, line, what


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The text of a profile with the line on which each table and each key stands, so that a refusal can point at it."""

    where: str
    lines: Mapping[str, int]

    def refuse(self, at: str, what: str) -> ProfileRefused:
        """This will make the refusal of what stands at a dotted place; where that is not written, of the table around it."""
        while at and at not in self.lines:
            at = at.rpartition(".")[0]
        return ProfileRefused(where=self.where, line=self.lines.get(at, 0), what=what)


def load_profile(named: str) -> Profile:
    """This will load a profile that ships with us by name, or any other by the path of its file; raises `ProfileRefused`."""
    if "/" in named or named.endswith(".toml"):
        path = Path(named).expanduser()
        return read_profile(_text_in(path), where=str(path))
    shipped = resources.files(__package__).joinpath(f"{named}.toml") if NAME.fullmatch(named) else None
    if shipped is None or not shipped.is_file():
        raise ProfileRefused(where=named, line=0, what="no profile of this name ships; a file is named by its path")
    return read_profile(shipped.read_text(encoding="utf-8"), where=f"{named}.toml")


def read_profile(text: str, *, where: str) -> Profile:
    """This will read a profile's text; raises `ProfileRefused` with the first thing that is wrong."""
    try:
        read = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        line = re.search(r"line (\d+)", str(problem))
        last = len(text.splitlines())
        raise ProfileRefused(where=where, line=int(line[1]) if line else last, what=str(problem)) from problem
    sheet = Sheet(where=where, lines=_lines(text))
    for name in read.keys() - {"profile", "codes", "part", "message"}:
        raise sheet.refuse(name, f"there is no table {name}; there are profile, codes, part and message")
    head = _head(read.get("profile"), sheet)
    codes = _codes(_table(read.get("codes", {}), "codes", sheet), sheet)
    parts = _table(read.get("part", {}), "part", sheet)
    messages = _table(read.get("message", {}), "message", sheet)
    if not messages:
        raise sheet.refuse("message", "a profile without messages tells nobody anything")
    return Profile(
        name=head["name"],
        version=head["version"],
        source=head["source"],
        effective_date=head["effective"],
        zone=_zone(head["zone"], sheet),
        messages=MappingProxyType(
            {
                _kind(name, sheet): _rows(name, read, parts=parts, codes=codes, sheet=sheet)
                for name, read in messages.items()
            }
        ),
    )


def _text_in(path: Path) -> str:
    try:
        if path.stat().st_size > LONGEST_FILE:
            raise ProfileRefused(where=str(path), line=0, what="this file is too long to be a profile")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise ProfileRefused(where=str(path), line=0, what=f"it cannot be read: {type(problem).__name__}") from problem


def _head(read: object, sheet: Sheet) -> Mapping[str, Any]:
    head = _table(read, "profile", sheet)
    for name in head.keys() - HEAD.keys():
        raise sheet.refuse(f"profile.{name}", f"a profile says nothing of {name}")
    for name, shape in HEAD.items():
        if not isinstance(head.get(name), shape) or not head[name]:
            raise sheet.refuse(f"profile.{name}", f"a profile must say its {name} ({shape.__name__})")
    return head


def _zone(name: str, sheet: Sheet) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise sheet.refuse("profile.zone", f"there is no time zone {name}") from None


def _codes(read: Mapping[str, Any], sheet: Sheet) -> Codes:
    for name, table in read.items():
        at = f"codes.{name}"
        for word, code in _table(table, at, sheet).items():
            if not isinstance(code, str) or not code:
                raise sheet.refuse(f"{at}.{word}", f"the code of {word} must be a text")
    return read


def _kind(name: str, sheet: Sheet) -> MessageKind:
    try:
        return MessageKind(name)
    except ValueError:
        raise sheet.refuse(f"message.{name}", f"there is no kind of message {name}") from None


def _rows(name: str, read: object, *, parts: Mapping[str, Any], codes: Codes, sheet: Sheet) -> tuple[Row, ...]:
    at, kind = f"message.{name}", _kind(name, sheet)
    own = dict(_table(read, at, sheet))
    rows: dict[str, Row] = {}
    named = own.pop("parts", [])
    for part in named if isinstance(named, list) else [named]:
        if not isinstance(part, str) or part not in parts:
            raise sheet.refuse(f"{at}.parts", f"there is no part {part}")
        _take(_table(parts[part], f"part.{part}", sheet), f"part.{part}", kind, rows, codes, sheet)
    _take(own, at, kind, rows, codes, sheet)
    if not rows:
        raise sheet.refuse(at, f"{name} has no fields")
    return tuple(rows.values())


def _take(
    read: Mapping[str, Any], at: str, kind: MessageKind, rows: dict[str, Row], codes: Codes, sheet: Sheet
) -> None:
    for name, row in read.items():
        if name in rows:
            raise sheet.refuse(f"{at}.{name}", f"{name} is named twice in {kind.value}")
        rows[name] = _row(name, _table(row, f"{at}.{name}", sheet), f"{at}.{name}", kind, codes, sheet)


def _row(name: str, read: Mapping[str, Any], at: str, kind: MessageKind, codes: Codes, sheet: Sheet) -> Row:
    if not NAME.fullmatch(name):
        raise sheet.refuse(at, f"{name} is no name of a field: small letters, digits and _")
    for key, value in read.items():
        if key not in ROW:
            raise sheet.refuse(at, f"a field says nothing of {key}; it may say {', '.join(ROW)}")
        if type(value) is not ROW[key]:
            raise sheet.refuse(at, f"{key} of {name} must be of the type {ROW[key].__name__}")
    for problem in _problems(name, read, kind, codes):
        raise sheet.refuse(at, problem)
    return Row(
        name=name,
        fact=read.get("fact", ""),
        format=read.get("format", ""),
        fixed=read.get("fixed", ""),
        required=read.get("need", "optional") == "required",
        longest=read.get("longest", LONGEST_UNSAID),
        cut=read.get("cut", False),
        of=read.get("of", ""),
        otherwise=read.get("otherwise", ""),
        codes=codes.get(read.get("codes", ""), {}),
        legal_basis=read.get("legal_basis", ""),
    )


def _problems(name: str, read: Mapping[str, Any], kind: MessageKind, codes: Codes) -> Iterable[str]:
    if name in SENSITIVE_NAMES and not read.get("legal_basis", "").strip():
        yield f"{name} carries sensitive data (PIPL art. 28): its row must name the law as legal_basis"
    if read.get("need", "optional") not in NEEDS:
        yield f"need of {name} is one of: {', '.join(NEEDS)}"
    if read.get("of", "") not in ("", HOME, ABROAD) or (read.get("of") and kind not in OF_PEOPLE):
        yield f"of limits {name} to people from {HOME} or from {ABROAD}"
    if not 1 <= read.get("longest", 1) <= LONGEST_FIELD:
        yield f"longest of {name} is between 1 and {LONGEST_FIELD}"
    if "fixed" in read:
        if read.keys() & {"fact", "format", "codes", "otherwise"} or not read["fixed"]:
            yield f"{name} is either a fixed text or a fact"
        return
    fact = FACTS.get(read.get("fact", ""))
    if fact is None:
        yield f"there is no fact {read.get('fact', '')!r}; there are: {', '.join(sorted(FACTS))}"
        return
    yield from _misfits(name, read, fact, kind)
    yield from _wrong_format(name, read, fact, codes)


def _misfits(name: str, read: Mapping[str, Any], fact: Fact, kind: MessageKind) -> Iterable[str]:
    if kind not in fact.kinds:
        yield f"the fact {read['fact']} is not known of a {kind.value}"
    if fact.sensitive and not read.get("legal_basis", "").strip():
        yield f"{read['fact']} is sensitive (PIPL art. 28): the row of {name} must name the law as legal_basis"
    if not fact.held and read.get("need") == "required":
        yield f"the estate does not collect {read['fact']}: {name} can only be optional"


def _wrong_format(name: str, read: Mapping[str, Any], fact: Fact, codes: Codes) -> Iterable[str]:
    written = read.get("format", "")
    if written == CODED:
        words, table = WORDS.get(read["fact"]), codes.get(read.get("codes", ""))
        if words is None:
            yield f"{read['fact']} has no words to give codes to; {', '.join(WORDS)} have"
        elif table is None or not words <= table.keys():
            yield f"codes of {name} must name a table with a code for each of: {', '.join(sorted(words))}"
        return
    if "codes" in read:
        yield f"codes of {name} are only for the format {CODED}"
    known = FORMATS.get(written)
    if known is None:
        yield f"there is no format {written!r}; there are: {', '.join([*FORMATS, CODED])}"
    elif fact.shape not in known.shapes or (known.facts and read["fact"] not in known.facts):
        yield f"the format {written} cannot write {read['fact']}"


def _table(read: object, at: str, sheet: Sheet) -> Mapping[str, Any]:
    if not isinstance(read, dict):
        raise sheet.refuse(at, f"{at} must be a table")
    return read


def _lines(text: str) -> Mapping[str, int]:
    # The reader of TOML does not say where it found what. Keys one to a line are a habit of ours; any other still has its table's line.
    table = ""
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if head := re.match(r"\s*\[+\s*([^\[\]]+?)\s*\]+", line):
            table = _dotted(head[1])
            found.setdefault(table, number)
        elif key := re.match(r"\s*((?:[\w.-]|\"[^\"]*\"|'[^']*')+)\s*=", line):
            found.setdefault(".".join(filter(None, (table, _dotted(key[1])))), number)
    return MappingProxyType(found)


def _dotted(name: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in name.split("."))
