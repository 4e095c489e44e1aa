"""The machine-readable zone of passports, cards and visas (ICAO 9303 parts 3–7), as a camera or a scanner saw it.

A camera takes O for 0, I for 1, S for 5 and B for 8, and drops trailing fillers. A field that holds only digits or only
letters is mended by its type; a field of both is mended only if its check digit confirms exactly one mending. Every
field says whether it is ok, repaired or bad. Names and countries have no check digit: there "ok" means well formed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from linli.documents import problems
from linli.documents.kinds import MrzForm
from linli.documents.mrz_layouts import LAYOUTS, Layout, Span
from linli.documents.mrz_lines import clean_lines, grids
from linli.documents.numbers import Sex

_TO_DIGIT = str.maketrans("OQDILZSGB", "000112568")
_TO_LETTER = str.maketrans("012568", "OIZSGB")
# Look-alikes whose values differ under every weight, so that a check digit tells them apart. G and 6 (16 and 6) do not.
_TWINS = dict(zip("O0I1S5B8Z2", "0O1I5S8B2Z", strict=True))
_TWINS_TO_DIGIT = str.maketrans("OISBZ", "01582")
_SEXES = {"M": Sex.MALE, "F": Sex.FEMALE, "<": Sex.UNSPECIFIED, "X": Sex.UNSPECIFIED}
_CHECKED = ("number", "birth", "expiry", "composite")


class FieldState(StrEnum):
    """How far a field can be trusted."""

    OK = "ok"
    REPAIRED = "repaired"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class MrzDate:
    """A date of which parts may be unknown (written << in the zone)."""

    year: int | None
    month: int | None
    day: int | None

    @property
    def exact(self) -> date | None:
        """The date, if every part is known."""
        if self.year is None or self.month is None or self.day is None:
            return None
        return date(self.year, self.month, self.day)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mrz:
    """What a machine-readable zone says, and how far each field can be trusted. Nothing personal is in its repr."""

    form: MrzForm
    states: Mapping[str, FieldState]
    document_code: str
    issuing_state: str
    number: str = field(repr=False)
    number_check: str = field(repr=False)
    nationality: str
    birth: MrzDate | None = field(repr=False)
    sex: Sex | None = field(repr=False)
    expiry: MrzDate | None = field(repr=False)
    surname: str = field(repr=False)
    given_names: str = field(repr=False)
    optional: str = field(repr=False)

    @property
    def birth_date(self) -> date | None:
        """The birth date, if all of it is known."""
        return self.birth.exact if self.birth else None

    @property
    def expires_on(self) -> date | None:
        """The last valid day, if known."""
        return self.expiry.exact if self.expiry else None

    @property
    def identifies(self) -> bool:
        """Whether number, birth date and expiry each stand on a check digit that fits."""
        return all(self.states[name] is not FieldState.BAD for name in ("number", "birth", "expiry"))

    @property
    def bad_fields(self) -> tuple[str, ...]:
        """The fields that cannot be trusted."""
        return tuple(name for name, state in self.states.items() if state is FieldState.BAD)

    def expired(self, *, today: date) -> bool | None:
        """Whether the document has expired; None if its expiry cannot be read. A flag, never a refusal."""
        return self.expires_on < today if self.expires_on else None

    def confirms_number(self, number: str) -> bool:
        """Whether a typed number is the zone's: equal, or equal but for look-alikes and fitting its check digit."""
        if number == self.number:
            return self.states["number"] is not FieldState.BAD
        folded = number.translate(_TO_DIGIT) == self.number.translate(_TO_DIGIT)
        return folded and check_digit(number.ljust(9, "<")) == self.number_check


def read_mrz(text: str | Iterable[str], *, today: date) -> Mrz:
    """Find and read the zone among lines of text; raises MrzNotFound. `today` settles the century of a birth."""
    found = find_mrz(text, today=today)
    if found is None:
        raise problems.MrzNotFound(field="mrz")
    return found


def find_mrz(text: str | Iterable[str], *, today: date) -> Mrz | None:
    """Read the zone as `read_mrz` does; None if there is none."""
    lines = clean_lines(text)
    best: tuple[float, Mrz] | None = None
    for layout in LAYOUTS:
        for grid in grids(lines, layout):
            read = _Zone(layout, grid.lines, today=today).read()
            score = _score(read) + 0.25 * grid.seen_whole
            # With fewer than two sound check digits only a zone of exactly the right shape is believed to be one.
            if (score >= 2 or grid.seen_whole) and (best is None or score > best[0]):
                best = (score, read)
    return best[1] if best else None


def check_digit(text: str) -> str:
    """Compute a check digit of ICAO 9303-3 § 4.9: weights 7 3 1, letters from A = 10, fillers count nothing."""
    return str(sum((7, 3, 1)[at % 3] * (0 if char == "<" else int(char, 36)) for at, char in enumerate(text)) % 10)


def mend(seen: str, check: str) -> str | None:
    """Swap one look-alike, or make all letters of a sort digits, until the check digit fits; None if no or several ways do.

    No more than that: among many swaps one in ten fits by chance, and would make a misread number look right.
    """
    if not check.isdigit():
        return None
    if check_digit(seen) == check:
        return seen
    one = {seen[:at] + _TWINS[char] + seen[at + 1 :] for at, char in enumerate(seen) if char in _TWINS}
    many = {seen.replace(char, twin) for char, twin in _TWINS.items() if char.isalpha()} | {
        seen.translate(_TWINS_TO_DIGIT)
    }
    fitting = [text for text in one | many if check_digit(text) == check]
    return fitting[0] if len(fitting) == 1 else None


def _score(read: Mrz) -> float:
    """How many check digits fit; among equals the passport of its own country, then the fewest repairs."""
    sound = sum(read.states.get(name, FieldState.BAD) is not FieldState.BAD for name in _CHECKED)
    clean = sum(state is FieldState.OK for state in read.states.values())
    return sound + 0.5 * (read.issuing_state == read.nationality) + 0.01 * clean


class _Zone:
    """One full grid, read field by field and mended on the way, so that the composite sees the mended text."""

    def __init__(self, layout: Layout, lines: Sequence[str], *, today: date) -> None:
        self.layout = layout
        self.rows = [list(line) for line in lines]
        self.today = today
        self.states: dict[str, FieldState] = {}

    def read(self) -> Mrz:
        """The reading of this grid, however bad."""
        layout = self.layout
        code = self._letters("document_code", layout.document_code)
        issuer = self._letters("issuing_state", layout.issuing_state)
        surname, given = _names(self._letters("names", layout.names))
        number, check = self._number()
        nationality = self._letters("nationality", layout.nationality)
        birth = self._date("birth", layout.birth)
        sex = self._sex()
        expiry = self._date("expiry", layout.expiry)
        optional = self._optional(begins_at=max(0, len(number) - 8) if len(number) > 9 else 0)
        self._composite()
        return Mrz(
            form=layout.form,
            states=self.states,
            document_code=code,
            issuing_state=issuer,
            number=number,
            number_check=check,
            nationality=nationality,
            birth=birth,
            sex=sex,
            expiry=expiry,
            surname=surname,
            given_names=given,
            optional=optional,
        )

    def _get(self, span: Span) -> str:
        return "".join(self.rows[span.line][span.start : span.stop])

    def _put(self, span: Span, text: str) -> None:
        self.rows[span.line][span.start : span.stop] = text

    def _judge(self, name: str, *, seen: str, mended: str, sound: bool) -> None:
        repaired = FieldState.OK if seen == mended else FieldState.REPAIRED
        self.states[name] = repaired if sound else FieldState.BAD

    def _letters(self, name: str, span: Span) -> str:
        seen = self._get(span)
        mended = seen.translate(_TO_LETTER)
        self._put(span, mended)
        sound = mended[0] != "<" and mended.replace("<", "A").isalpha()
        self._judge(name, seen=seen, mended=mended, sound=sound)
        return mended.rstrip("<")

    def _check_after(self, span: Span) -> str:
        place = Span(span.line, span.stop, span.stop + 1)
        digit = self._get(place).translate(_TO_DIGIT)
        self._put(place, digit)
        return digit

    def _number(self) -> tuple[str, str]:
        span = self.layout.number
        running_on = self._running_on()
        seen = self._get(span) + running_on[:-1]
        check = running_on[-1:].translate(_TO_DIGIT) or self._check_after(span)
        mended = mend(seen, check)
        number = mended or seen
        self._judge("number", seen=seen, mended=number, sound=mended is not None and number.strip("<") != "")
        self._put(span, number[:9])
        if running_on:
            rest = self.layout.optional
            self._put(Span(rest.line, rest.start, rest.start + len(running_on)), number[9:] + check)
        return number.rstrip("<"), check

    def _running_on(self) -> str:
        """The rest of a number too long for its field, and its check digit, from the optional part (9303-5 § 4.2.2)."""
        span = self.layout.number
        rest = self._get(self.layout.optional).split("<")[0]
        begins = self.layout.long_numbers and self.rows[span.line][span.stop] == "<" and "<" not in self._get(span)
        return rest if begins and len(rest) >= 2 else ""

    def _date(self, name: str, span: Span) -> MrzDate | None:
        seen = self._get(span)
        mended = seen.translate(_TO_DIGIT)
        self._put(span, mended)
        check = self._check_after(span)
        read = _date_of(mended, today=self.today, born=name == "birth")
        self._judge(name, seen=seen, mended=mended, sound=read is not None and check_digit(mended) == check)
        return read

    def _sex(self) -> Sex | None:
        sex = _SEXES.get(self._get(self.layout.sex))
        self.states["sex"] = FieldState.BAD if sex is None else FieldState.OK
        return sex

    def _optional(self, *, begins_at: int) -> str:
        span = self.layout.optional
        seen = self._get(span)
        if self.layout.optional_checked:
            check = self._check_after(span)
            # An empty optional part may carry a filler in place of its check digit (9303-4 § 4.2.2).
            mended = seen if check == "<" and not seen.strip("<") else mend(seen, check)
            self._judge("optional", seen=seen, mended=mended or seen, sound=mended is not None)
            seen = mended or seen
            self._put(span, seen)
        return seen[begins_at:].strip("<")

    def _composite(self) -> None:
        layout = self.layout
        if layout.composite is None:
            return
        text = "".join(self._get(span) for span in layout.composite_over)
        seen = self._get(layout.composite)
        digit = seen.translate(_TO_DIGIT)
        self._judge("composite", seen=seen, mended=digit, sound=check_digit(text) == digit)


def _names(text: str) -> tuple[str, str]:
    # What stands after the fillers that end the names is dirt: nothing may stand there (9303-3 § 4.6).
    parts = text.split("<<")
    surname, given = parts[0], parts[1] if len(parts) > 1 else ""
    return surname.replace("<", " ").strip(), given.replace("<", " ").strip()


def _date_of(digits: str, *, today: date, born: bool) -> MrzDate | None:
    parts = [digits[at : at + 2] for at in (0, 2, 4)]
    if not all(part == "<<" or (part.isascii() and part.isdigit()) for part in parts):
        return None
    short, month, day = (None if part == "<<" else int(part) for part in parts)
    year = None
    if short is not None:
        year = _birth_year(short, month, day, today=today) if born else _nearest_year(short, today=today)
    try:
        # A leap year stands in for an unknown one, so that an unknown part never makes a date impossible.
        date(2000 if year is None else year, 1 if month is None else month, 1 if day is None else day)
    except ValueError:
        return None
    return MrzDate(year=year, month=month, day=day)


def _birth_year(short: int, month: int | None, day: int | None, *, today: date) -> int:
    # Never in the future: what would be, was a century ago.
    year = today.year // 100 * 100 + short
    return year - 100 if (year, month or 1, day or 1) > (today.year, today.month, today.day) else year


def _nearest_year(short: int, *, today: date) -> int:
    # Documents run for about ten years, and long-expired ones are shown too: the nearest century is meant.
    century = today.year // 100 * 100
    return min((century - 100 + short, century + short, century + 100 + short), key=lambda year: abs(year - today.year))
