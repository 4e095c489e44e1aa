"""Half-open stretches of time: `[start, end)`. A guest who leaves at noon does not meet the one who comes at noon."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from linli.server.kernel.errors import Refusal


class PeriodUpsideDown(Refusal):
    """The end must come after the start."""

    zh = "结束时间必须晚于开始时间。"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A half-open period of aware instants; raises `PeriodUpsideDown` when the end is not after the start."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise PeriodUpsideDown(field="end")

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    def meets(self, other: "Period") -> bool:
        """This will say whether the two share any instant."""
        return self.start < other.end and other.start < self.end

    def widened(self, *, before: timedelta = timedelta(0), after: timedelta = timedelta(0)) -> "Period":
        """This will return the period with grace added at either end."""
        return Period(start=self.start - before, end=self.end + after)
