"""From lines of text on a picture to the few fields that are kept: number, name, sex, birth date, last valid day.

Pure. Addresses, ethnicity and whatever else stands on a document are read past and never returned.
"""

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from statistics import median
from types import MappingProxyType

from linli.documents import mrz as zones
from linli.documents import numbers, problems
from linli.documents.mrz import FieldState, Mrz

LEGIBLE = 0.5  # below this score a line is noise, or stands on its head
SURE = 0.85  # below this score a line is read, but a better picture might read otherwise
SAME_ROW = 0.6  # of a line's height: centres nearer than this stand in one row
SAME_ROW_GAP = 5.0  # of a line's height: a value stands no further from its label

_LOOKALIKES = str.maketrans("OQDILZSBoilsb|", "00011258011581")
_SOLID_NUMBER = re.compile(r"(?<![0-9A-Za-z])[0-9OQDILZSBoilsb|]{17}[0-9OQDILZSBoilsb|Xx](?![0-9A-Za-z])")
_HAN_NAME = re.compile(r"[·\u3400-\u9fff\U00020000-\U0003ffff]{2,25}")
_LABELS = re.compile("姓名|性别|民族|出生|住址|公民身份|证件号|有效期|签发|国籍")
_BIRTH = re.compile(r"([12][0-9]{3})[年.\-/]([0-9]{1,2})[月.\-/]([0-9]{1,2})")
_HK_MACAO = re.compile(r"(?<![0-9A-Z])[HM][0-9]{8}(?:[0-9]{2})?(?![0-9A-Z])")
_TAIWAN = re.compile(r"证件号码?[^0-9]{0,3}([0-9]{8})(?![0-9])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of text as the engine saw it: its corners in pixels, clockwise from its top left, and a score 0–1."""

    text: str = field(repr=False)
    score: float
    corners: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadField:
    """One field as read; dates are ISO 8601, sexes the words of `numbers.Sex`."""

    value: str = field(repr=False)
    state: FieldState
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a picture said. `kind` is a key of `kinds.KINDS`, or "mrz" for a zone; None if there was no document."""

    kind: str | None
    fields: Mapping[str, ReadField]
    mrz: Mrz | None = None
    lines_seen: int = 0
    mean_score: float = 0.0

    @property
    def readable(self) -> bool:
        """Whether a document was recognised at all."""
        return self.kind is not None

    @property
    def sure_fields(self) -> frozenset[str]:
        """The fields that are sound and were seen clearly."""
        sound = ((name, read) for name, read in self.fields.items() if read.state is not FieldState.BAD)
        return frozenset(name for name, read in sound if read.score >= SURE)


def from_lines(lines: Sequence[Line], *, today: date) -> Reading:
    """Find the fields of a document among lines seen; a reading without a kind means that there was none."""
    rows = _rows([line for line in lines if line.score >= LEGIBLE])
    zone = zones.find_mrz([text for text, _ in rows], today=today)
    score = sum(line.score for line in lines) / len(lines) if lines else 0.0
    if zone is not None:
        return from_mrz(zone, lines_seen=len(lines), mean_score=score)
    kind, found = _card(rows, today=today)
    return Reading(kind=kind, fields=MappingProxyType(found), lines_seen=len(lines), mean_score=score)


def from_mrz(zone: Mrz, *, lines_seen: int = 0, mean_score: float = 1.0) -> Reading:
    """Make a reading of a machine-readable zone alone, as a passport scanner gives it."""
    found = {
        "number": _zone_field(zone, "number", zone.number),
        "latin_name": _zone_field(zone, "names", f"{zone.surname} {zone.given_names}".strip()),
        "nationality": _zone_field(zone, "nationality", zone.nationality),
        "issuing_state": _zone_field(zone, "issuing_state", zone.issuing_state),
    }
    if zone.birth_date:
        found["birth_date"] = _zone_field(zone, "birth", zone.birth_date.isoformat())
    if zone.expires_on:
        found["valid_until"] = _zone_field(zone, "expiry", zone.expires_on.isoformat())
    if zone.sex and zone.sex is not numbers.Sex.UNSPECIFIED:
        found["sex"] = _zone_field(zone, "sex", zone.sex.value)
    return Reading(kind="mrz", fields=MappingProxyType(found), mrz=zone, lines_seen=lines_seen, mean_score=mean_score)


def _zone_field(zone: Mrz, name: str, value: str) -> ReadField:
    return ReadField(value=value, state=zone.states[name], score=1.0)


def _card(rows: Sequence[tuple[str, float]], *, today: date) -> tuple[str | None, dict[str, ReadField]]:
    number = _citizen_number(rows)
    kind = _kind_of_citizen(number.value) if number else None
    if number is None:
        kind, number = _permit_number(rows)
    if number is None:
        return None, {}
    found = {"number": number}
    found.update(_named(rows))
    if number.state is not FieldState.BAD and kind and not _plausible(kind, number.value, today=today):
        found["number"] = ReadField(value=number.value, state=FieldState.BAD, score=number.score)
    return kind, found


def _citizen_number(rows: Sequence[tuple[str, float]]) -> ReadField | None:
    """The best candidate for a number of 18: one whose check character fits, or else one that is all digits."""
    bad = None
    for text, score in rows:
        for match in _SOLID_NUMBER.finditer(_after_label(text, "公民身份号码", "证件号码", "身份号码")):
            seen = match.group()
            if sum(char.isdigit() for char in seen) < 14:
                continue
            mended = seen.translate(_LOOKALIKES).upper()
            if numbers.citizen_check(mended[:17]) == mended[17]:
                state = FieldState.OK if seen.upper() == mended else FieldState.REPAIRED
                return ReadField(value=mended, state=state, score=score)
            if seen.upper() == mended:
                bad = ReadField(value=mended, state=FieldState.BAD, score=score)
    return bad


def _kind_of_citizen(number: str) -> str:
    if number[0] == "9":
        return "foreign_permanent_residence"
    return "hmt_residence_card" if number[:6] in ("810000", "820000", "830000") else "resident_id"


def _permit_number(rows: Sequence[tuple[str, float]]) -> tuple[str | None, ReadField | None]:
    whole = " ".join(text for text, _ in rows)
    if "通行证" not in whole:
        return None, None
    for text, score in rows:
        if (hk_macao := _HK_MACAO.search(text)) and "内地" in whole:
            return "hk_macao_permit", ReadField(value=hk_macao.group(), state=FieldState.OK, score=score)
        if (taiwan := _TAIWAN.search(text)) and "大陆" in whole:
            return "taiwan_permit", ReadField(value=taiwan.group(1), state=FieldState.OK, score=score)
    return None, None


def _plausible(kind: str, number: str, *, today: date) -> bool:
    try:
        numbers.parse_number(kind, number, today=today)
    except problems.DocumentProblem:
        return False
    return True


def _named(rows: Sequence[tuple[str, float]]) -> Iterator[tuple[str, ReadField]]:
    """The fields that stand behind a label: name, sex and birth date; the first of each."""
    seen: set[str] = set()
    for text, score in rows:
        for name, value in (("native_name", _name(text)), ("sex", _sex(text)), ("birth_date", _birth(text))):
            if value and name not in seen:
                seen.add(name)
                yield name, ReadField(value=value, state=FieldState.OK, score=score)


def _name(text: str) -> str | None:
    if "姓名" not in text:
        return None
    value = _LABELS.split(text.split("姓名", 1)[1])[0]
    found = _HAN_NAME.fullmatch(re.sub(r"[\s:：A-Za-z/]+", "", value).replace("•", "·").replace("・", "·"))
    return found.group().strip("·") if found else None


def _sex(text: str) -> str | None:
    found = re.search(r"性别[\s:：]*([男女])", text)
    return {"男": "male", "女": "female"}[found.group(1)] if found else None


def _birth(text: str) -> str | None:
    found = _BIRTH.search(text) if "出生" in text else None
    try:
        return date(*(int(part) for part in found.groups())).isoformat() if found else None
    except ValueError:
        return None


def _after_label(text: str, *labels: str) -> str:
    for label in labels:
        text = text.replace(label, " ")
    return text


def _rows(lines: Sequence[Line]) -> list[tuple[str, float]]:
    """Put lines that stand side by side together, from top to bottom, whatever the slant of the picture."""
    placed = sorted(_placed(lines), key=lambda one: one.middle)
    rows: list[list[_Placed]] = []
    for one in placed:
        row = next((row for row in reversed(rows[-3:]) if one.continues(row)), None)
        if row is None:
            rows.append([one])
        else:
            row.append(one)
    return [_row(row) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """A line in a picture turned upright."""

    line: Line
    left: float
    right: float
    middle: float
    height: float

    def continues(self, row: Sequence["_Placed"]) -> bool:
        height = max(self.height, row[0].height)
        near = min(max(self.left - other.right, other.left - self.right) for other in row)
        level = abs(self.middle - median(other.middle for other in row)) < SAME_ROW * height
        return level and near < SAME_ROW_GAP * height


def _row(row: Sequence[_Placed]) -> tuple[str, float]:
    ordered = sorted(row, key=lambda one: one.left)
    text = "".join(unicodedata.normalize("NFKC", one.line.text) + " " for one in ordered)
    # The engine sets spaces as it likes; only those between its boxes mean something.
    return re.sub(r"\s+", " ", text).strip(), min(one.line.score for one in ordered)


def _placed(lines: Sequence[Line]) -> list[_Placed]:
    slant = _slant(lines)
    cos, sin = math.cos(-slant), math.sin(-slant)
    placed = []
    for line in lines:
        turned = [(x * cos - y * sin, x * sin + y * cos) for x, y in line.corners]
        xs, ys = [x for x, _ in turned], [y for _, y in turned]
        (x0, y0), (x3, y3) = line.corners[0], line.corners[3]
        height = max(1.0, math.hypot(x3 - x0, y3 - y0))
        placed.append(_Placed(line=line, left=min(xs), right=max(xs), middle=(min(ys) + max(ys)) / 2, height=height))
    return placed


def _slant(lines: Sequence[Line]) -> float:
    """The angle in radians at which the longest lines run: short ones are too rough to tell."""
    spans = []
    for line in lines:
        (x0, y0), (x1, y1) = line.corners[0], line.corners[1]
        spans.append((math.hypot(x1 - x0, y1 - y0), math.atan2(y1 - y0, x1 - x0)))
    longest = sorted(spans, reverse=True)[:7]
    return median(angle for _, angle in longest) if longest else 0.0
