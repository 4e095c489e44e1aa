"""Where each field stands in a machine-readable zone (ICAO 9303 parts 4–7), as data."""

from dataclasses import dataclass
from typing import NamedTuple

from linli.documents.kinds import MrzForm


class Span(NamedTuple):
    """Characters [start, stop) of one line, counted from zero."""

    line: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One form of the zone. Behind number, birth, expiry and a checked optional part stands its check digit."""

    form: MrzForm
    lines: int
    width: int
    first_letters: str
    document_code: Span
    issuing_state: Span
    names: Span
    number: Span
    nationality: Span
    birth: Span
    sex: Span
    expiry: Span
    optional: Span
    more_optional: Span | None = None
    optional_checked: bool = False
    long_numbers: bool = False
    composite: Span | None = None
    composite_over: tuple[Span, ...] = ()

    def after_fillers(self, line: int) -> int:
        """How many characters may follow the fillers that end a line's optional part."""
        ends = [span.stop for span in (self.optional, self.more_optional) if span and span.line == line]
        return self.width - max(ends, default=self.width)


def _two_lines(form: MrzForm, *, width: int, letters: str, optional: Span, composite: int | None = None) -> Layout:
    end = (Span(1, 0, 10), Span(1, 13, 20), Span(1, 21, composite)) if composite else ()
    return Layout(
        form=form,
        lines=2,
        width=width,
        first_letters=letters,
        document_code=Span(0, 0, 2),
        issuing_state=Span(0, 2, 5),
        names=Span(0, 5, width),
        number=Span(1, 0, 9),
        nationality=Span(1, 10, 13),
        birth=Span(1, 13, 19),
        sex=Span(1, 20, 21),
        expiry=Span(1, 21, 27),
        optional=optional,
        optional_checked=form is MrzForm.TD3,
        long_numbers=form is MrzForm.TD2,
        composite=Span(1, composite, composite + 1) if composite else None,
        composite_over=end,
    )


LAYOUTS = (
    _two_lines(MrzForm.TD3, width=44, letters="P", optional=Span(1, 28, 42), composite=43),
    _two_lines(MrzForm.TD2, width=36, letters="ACIP", optional=Span(1, 28, 35), composite=35),
    _two_lines(MrzForm.MRV_A, width=44, letters="V", optional=Span(1, 28, 44)),
    _two_lines(MrzForm.MRV_B, width=36, letters="V", optional=Span(1, 28, 36)),
    Layout(
        form=MrzForm.TD1,
        lines=3,
        width=30,
        first_letters="ACIP",
        document_code=Span(0, 0, 2),
        issuing_state=Span(0, 2, 5),
        names=Span(2, 0, 30),
        number=Span(0, 5, 14),
        nationality=Span(1, 15, 18),
        birth=Span(1, 0, 6),
        sex=Span(1, 7, 8),
        expiry=Span(1, 8, 14),
        optional=Span(0, 15, 30),
        more_optional=Span(1, 18, 29),
        long_numbers=True,
        composite=Span(1, 29, 30),
        composite_over=(Span(0, 5, 30), Span(1, 0, 7), Span(1, 8, 15), Span(1, 18, 29)),
    ),
)
