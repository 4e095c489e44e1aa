"""From seen lines to full ones: the zone's alphabet, its lines among others, and fillers that the camera dropped."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from linli.documents.mrz_layouts import Layout

MAX_LINES = 80  # a page of a passport has fewer; what is longer is no document
MAX_SURPLUS = 4  # fillers that a camera may have invented in one line
MAX_EARLY = 3  # fillers lost inside a short number or in "D<<"

# What an engine trained on Chinese writes for signs of the zone.
_SIGNS = str.maketrans(
    dict.fromkeys("‹〈⟨＜ㄑくㄍ({[", "<")
    | dict.fromkeys("«《≪", "<<")
    | dict.fromkeys("×✕", "X")
    | dict.fromkeys("〇○", "O")
)
_GLUED = {88: 44, 90: 30, 72: 36}  # zones sent without a break between their lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Lines at their full width; `seen_whole` if nothing had to be added or removed."""

    lines: tuple[str, ...]
    seen_whole: bool


def clean_lines(text: str | Iterable[str]) -> list[str]:
    """Bring typed or seen lines to the zone's alphabet A–Z 0–9 <; lines that cannot be part of a zone are left out."""
    raw = text.splitlines() if isinstance(text, str) else list(text)
    lines: list[str] = []
    for line in raw[:MAX_LINES]:
        plain = unicodedata.normalize("NFKC", line[:200].translate(_SIGNS)).upper()
        kept = re.sub(r"[^A-Z0-9<]", "", plain)
        width = _GLUED.get(len(kept), max(len(kept), 1))
        lines.extend(kept[at : at + width] for at in range(0, len(kept), width))
    return [line for line in lines if len(line) >= 20 or (len(line) >= 5 and "<<" in line)]


def grids(lines: Sequence[str], layout: Layout) -> Iterator[Grid]:
    """Every believable way to see this layout in consecutive lines."""
    for at in range(len(lines) - layout.lines + 1):
        window = lines[at : at + layout.lines]
        if _like_a_letter(window[0][0]) not in layout.first_letters:
            continue
        if any(len(line) > layout.width + MAX_SURPLUS for line in window):
            continue
        whole = all(len(line) == layout.width for line in window)
        stretched = [list(dict.fromkeys(_stretched(line, layout, number))) for number, line in enumerate(window)]
        yield from (Grid(lines=choice, seen_whole=whole) for choice in product(*stretched))


def _like_a_letter(char: str) -> str:
    return {"1": "I", "0": "O"}.get(char, char)


def _stretched(line: str, layout: Layout, number: int) -> Iterator[str]:
    missing = layout.width - len(line)
    if number == layout.names.line:
        yield from _stretched_names(line, layout)
    elif missing == 0:
        yield line
    elif missing < 0:
        yield from _shortened(line, layout, number)
    else:
        yield from _lengthened(line, layout, number)


def _stretched_names(line: str, layout: Layout) -> Iterator[str]:
    if not line[layout.width :].strip("<"):
        yield line[: layout.width].ljust(layout.width, "<")
    if layout.names.start and line[1] != "<" and len(line) < layout.width:
        yield (line[0] + "<" + line[1:]).ljust(layout.width, "<")  # "P<UTO" seen as "PUTO"


def _shortened(line: str, layout: Layout, number: int) -> Iterator[str]:
    surplus = len(line) - layout.width
    for start, stop in _runs(line)[-1:]:
        if stop - start >= surplus and len(line) - stop <= layout.after_fillers(number):
            yield line[:start] + line[start + surplus :]


def _lengthened(line: str, layout: Layout, number: int) -> Iterator[str]:
    """Add the missing fillers where they end the optional part, and perhaps a few earlier; the check digits choose."""
    missing = layout.width - len(line)
    after = layout.after_fillers(number)
    ends = [start for start, stop in _runs(line) if len(line) - stop <= after]
    if after == 0:
        ends = ends or [len(line)]
    end = ends[-1] if ends else len(line)
    if ends:
        yield line[:end] + "<" * missing + line[end:]
    for early in (start for start, _ in _runs(line) if start not in ends):
        for count in range(1, min(missing, MAX_EARLY) + 1):
            if ends or count == missing:
                yield line[:early] + "<" * count + line[early:end] + "<" * (missing - count) + line[end:]


def _runs(line: str) -> list[tuple[int, int]]:
    return [run.span() for run in re.finditer("<+", line)]
