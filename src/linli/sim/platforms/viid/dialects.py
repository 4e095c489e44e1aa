"""How peers differ in saying the same, by trait: what we say in one dialect, and what we notice while reading any.

`strict` is what most public implementations agree on; `loose` is the family of those that serialise their own classes:
every trait at once. A dialect is a family, traits added to it, or both: `strict,list_names,epoch_time`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from linli.sim.platforms.viid import codes, ids
from linli.sim.platforms.viid.codes import Kind

Json = dict[str, Any]

TRAITS: Mapping[str, str] = {
    "list_names": "a request's list is FaceObjectList and a notification's FaceListObject",
    "number_codes": "StatusCode is a number",
    "lower_camel": "the fields of objects begin with a small letter",
    "epoch_time": "LocalTime is in milliseconds since 1970",
    "response_list": "a list of answers is ResponseStatusList",
    "short_register": "Register is told without /System",
    "bare_images": "SubImageList is a plain list",
    "plain_json": "Content-Type is application/json",
}
FAMILIES: Mapping[str, frozenset[str]] = {"strict": frozenset(), "loose": frozenset(TRAITS)}
# The strict family's own word for what it says; asked for, it takes the opposite trait away.
OPPOSITES = {"string_codes": "number_codes", "upper_camel": "lower_camel", "viid_json": "plain_json"}


class UnknownDialect(ValueError):
    """There is no such dialect, family or trait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One way of saying things."""

    traits: frozenset[str]

    @property
    def name(self) -> str:
        """This will name the family, or the traits when it is none."""
        families = [name for name, traits in FAMILIES.items() if traits == self.traits]
        return families[0] if families else ",".join(("strict", *sorted(self.traits)))

    @property
    def content_type(self) -> str:
        """This will name the type of a body."""
        kind = codes.PLAIN_CONTENT if "plain_json" in self.traits else codes.STRICT_CONTENT
        return f"{kind};charset=UTF-8"

    def listed(self, *, kind: Kind, objects: Iterable[Json]) -> Json:
        """This will wrap objects as a request does."""
        name = kind.turned if "list_names" in self.traits else kind.listed
        return {name: {kind.inner: [self.spoken(one) for one in objects]}}

    def notified(self, *, kind: Kind, objects: Iterable[Json]) -> Json:
        """This will wrap objects as they lie within a notification."""
        name = kind.notified
        if "list_names" in self.traits and name == kind.turned:
            name = kind.listed
        return {name: {kind.inner: [self.spoken(one) for one in objects]}}

    def spoken(self, fields: Json) -> Json:
        """This will say the fields of one object."""
        said = {name: self._images(value) if name == "SubImageList" else value for name, value in fields.items()}
        return {small(name): value for name, value in said.items()} if "lower_camel" in self.traits else said

    def status(self, *, url: str, code: int, id: str, now: datetime, why: str = "") -> Json:
        """This will say what became of one thing."""
        if "short_register" in self.traits:
            url = url.replace("/System/Register", "/Register")
        return {
            "RequestURL": url,
            "StatusCode": code if "number_codes" in self.traits else str(code),
            "StatusString": f"{codes.STATUS[code]}: {why}" if why else codes.STATUS[code],
            "Id": id,
            "LocalTime": self.time(now),
        }

    def statuses(self, rows: list[Json]) -> Json:
        """This will wrap what became of several things."""
        name = "ResponseStatusList" if "response_list" in self.traits else "ResponseStatusListObject"
        return {name: {"ResponseStatusObject": rows}}

    def time(self, moment: datetime) -> str | int:
        """This will say what time it is."""
        return int(moment.timestamp() * 1000) if "epoch_time" in self.traits else ids.text_of(moment)

    def _images(self, value: Any) -> Any:
        inner = value.get("SubImageInfoObject") if isinstance(value, dict) else None
        return [self.spoken(one) for one in inner] if inner and "bare_images" in self.traits else value


def dialect_of(text: str) -> Dialect:
    """This will read a dialect written as `loose` or `strict,list_names`; raises UnknownDialect."""
    traits: set[str] = set()
    for word in filter(None, (part.strip() for part in text.split(","))):
        if word in FAMILIES:
            traits |= FAMILIES[word]
        elif word in TRAITS:
            traits.add(word)
        elif word in OPPOSITES:
            traits.discard(OPPOSITES[word])
        else:
            raise UnknownDialect(word)
    return Dialect(traits=frozenset(traits))


STRICT = dialect_of("strict")
LOOSE = dialect_of("loose")


@dataclass(slots=True, kw_only=True)
class Reading:
    """Whatever a peer said, read by any dialect; what is noticed stays here."""

    noticed: set[str] = field(default_factory=set)
    strange: set[str] = field(default_factory=set)

    def objects(self, *, body: object, kind: Kind, notified: bool = False) -> list[Json] | None:
        """This will find the objects of a list under any of its names, or None when there is no such list."""
        wanted, other = (kind.notified, kind.listed) if notified else (kind.listed, kind.turned)
        names = dict.fromkeys((wanted, other, kind.turned, f"{kind.word}List", kind.path.rsplit("/", 1)[-1]))
        for name in filter(None, names):
            found, key = lookup(body, name)
            if found is None:
                continue
            if name != wanted:
                self._notice(trait="list_names", known=name in (kind.listed, kind.turned), word=key)
            return self._inner(wrapped=found, kind=kind)
        return None

    def fields(self, one: Json, *names: str) -> Json:
        """This will give the named fields of an object whatever their case; those that are missing are not there."""
        told: Json = {}
        for name in names:
            value, key = lookup(one, name)
            if value is not None:
                told[name] = value
            if key and key != name:
                self._notice(trait="lower_camel", known=key == small(name), word=key)
        return told

    def canonical(self, one: Json) -> Json:
        """This will give an object with capital first letters throughout, and its pictures as a plain list."""
        told: Json = {}
        for name, value in one.items():
            if name[:1].islower():
                self.noticed.add("lower_camel")
            told[codes.SPELT.get(name.lower(), name[:1].upper() + name[1:])] = value
        images = told.pop("SubImageList", None)
        if images is not None:
            if isinstance(images, list):
                self.noticed.add("bare_images")
            inner = images if isinstance(images, list) else lookup(images, "SubImageInfoObject")[0]
            told["SubImages"] = [self.canonical(image) for image in inner or [] if isinstance(image, dict)]
        return told

    def statuses(self, body: object) -> list[tuple[int | None, str, str]] | None:
        """This will read an answer as (code, id, words) for each thing, or None when it is no answer at all."""
        wrapped = None
        for name in ("ResponseStatusListObject", "ResponseStatusList", "ResponseStatusObjectList"):
            found, key = lookup(body, name)
            if found is not None:
                wrapped = found
                if name != "ResponseStatusListObject":
                    self._notice(trait="response_list", known=name == "ResponseStatusList", word=key)
        rows = lookup(wrapped, "ResponseStatusObject")[0] if isinstance(wrapped, dict) else wrapped
        if wrapped is None:
            rows = lookup(body, "ResponseStatusObject")[0]
        rows = rows if isinstance(rows, list) else [rows]
        if not rows or not all(isinstance(row, dict) for row in rows):
            return None
        return [self._status(row) for row in rows]

    def _status(self, row: Json) -> tuple[int | None, str, str]:
        told = self.fields(row, "RequestURL", "StatusCode", "StatusString", "Id", "LocalTime")
        if isinstance(told.get("StatusCode"), int):
            self.noticed.add("number_codes")
        if str(told.get("RequestURL", "")).rstrip("/").endswith("/VIID/Register"):
            self.noticed.add("short_register")
        if "LocalTime" in told:
            self.moment(told["LocalTime"])
        code = str(told.get("StatusCode", ""))
        known = int(code) if code.isascii() and code.isdecimal() and int(code) in codes.STATUS else None
        return known, str(told.get("Id", "")), str(told.get("StatusString", ""))

    def moment(self, told: object) -> datetime | None:
        """This will read a time as fourteen digits or as milliseconds, or give None."""
        text = str(told)
        try:
            if len(text) == 13 and text.isdecimal():
                self.noticed.add("epoch_time")
                return datetime.fromtimestamp(int(text) / 1000, tz=ids.ZONE)
            return ids.moment_of(text)
        except (ValueError, OverflowError, OSError):
            self.strange.add("LocalTime")
            return None

    def content_type(self, told: str) -> None:
        """This will notice the type of a body."""
        word = told.partition(";")[0].strip().lower()
        if word == codes.PLAIN_CONTENT:
            self.noticed.add("plain_json")
        elif word != codes.STRICT_CONTENT.lower():
            self.strange.add(f"Content-Type {word[:40]}")

    def words(self) -> str:
        """This will name what was noticed: a family, or its traits."""
        name = Dialect(traits=frozenset(self.noticed)).name
        return name + ("; strange: " + ", ".join(sorted(self.strange)) if self.strange else "")

    def _inner(self, *, wrapped: object, kind: Kind) -> list[Json]:
        if isinstance(wrapped, dict):
            inner = None
            for name in (kind.inner, f"{kind.word}Object", kind.word):
                inner, key = lookup(wrapped, name)
                if inner is not None:
                    if key != kind.inner:
                        self.strange.add(key)
                    break
            wrapped = inner
        rows = wrapped if isinstance(wrapped, list) else [wrapped] if isinstance(wrapped, dict) else []
        return [row if isinstance(row, dict) else {} for row in rows]

    def _notice(self, *, trait: str, known: bool, word: str) -> None:
        if known:
            self.noticed.add(trait)
        else:
            self.strange.add(word)


def lookup(body: object, name: str) -> tuple[Any, str]:
    """This will find a key whatever its case: the value and the key as it was written, or (None, "")."""
    if not isinstance(body, dict):
        return None, ""
    if name in body:
        return body[name], name
    for key, value in body.items():
        if isinstance(key, str) and key.lower() == name.lower():
            return value, key
    return None, ""


def small(name: str) -> str:
    """This will begin a name with a small letter."""
    return name[:1].lower() + name[1:]
