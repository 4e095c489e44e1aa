"""What a conformance run found: a table for people, one JSON object for machines."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """What is to be said of one step."""

    PASS = "pass"
    FAIL = "fail"
    NOTE = "note"  # wrong or missing, but the script does not demand it
    SKIPPED = "skipped"  # could not be tried, because an earlier step failed or its side is not there


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the script."""

    name: str
    zh: str
    sent: str
    came: str
    verdict: Verdict
    required: bool = True
    dialect: str = ""
    why: str = ""

    @property
    def holds(self) -> bool:
        """This will tell whether the run may pass with this step."""
        return self.verdict in (Verdict.PASS, Verdict.NOTE) or not self.required

    def as_json(self) -> dict[str, object]:
        """This will show the step as it stands in `--json`."""
        return {
            "step": self.name,
            "zh": self.zh,
            "sent": self.sent,
            "came": self.came,
            "verdict": self.verdict.value,
            "required": self.required,
            "dialect": self.dialect,
            "why": self.why,
        }


@dataclass(slots=True, kw_only=True)
class Report:
    """All steps of one run, in order; `told` hears of each as soon as it is decided."""

    role: str
    peer: str
    told: Callable[[Step], None] = lambda step: None
    steps: list[Step] = field(default_factory=list)

    def add(
        self,
        name: str,
        zh: str,
        *,
        sent: str,
        came: str,
        problems: list[str],
        required: bool = True,
        dialect: str = "",
    ) -> bool:
        """This will add a step that was tried; without problems it passes; tells whether it holds."""
        found = Verdict.PASS if not problems else Verdict.FAIL if required else Verdict.NOTE
        step = Step(
            name=name,
            zh=zh,
            sent=sent,
            came=came,
            verdict=found,
            required=required,
            dialect=dialect,
            why="; ".join(problems),
        )
        self._keep(step)
        return step.verdict is not Verdict.FAIL

    def skip(self, name: str, zh: str, *, why: str, required: bool = True) -> None:
        """This will add a step that was not tried."""
        self._keep(
            Step(name=name, zh=zh, sent="", came="", verdict=Verdict.SKIPPED, required=required, dialect="", why=why)
        )

    def _keep(self, step: Step) -> None:
        self.steps.append(step)
        self.told(step)

    @property
    def passed(self) -> bool:
        """This will tell whether everything required was tried and passed."""
        return all(step.holds for step in self.steps)

    def of(self, name: str) -> Step:
        """This will give a step by name, or raise KeyError."""
        found = [step for step in self.steps if step.name == name]
        if not found:
            raise KeyError(name)
        return found[0]

    def as_json(self) -> dict[str, object]:
        """This will show the whole run as one object."""
        counts = {verdict.value: sum(step.verdict is verdict for step in self.steps) for verdict in Verdict}
        return {
            "role": self.role,
            "peer": self.peer,
            "passed": self.passed,
            **counts,
            "steps": [step.as_json() for step in self.steps],
        }

    def as_table(self) -> str:
        """This will draw the run for people."""
        head = ("step 步骤", "sent 发出", "came 收到", "verdict 结论", "dialect 方言")
        rows = [head, *(_row(step) for step in self.steps)]
        widths = [max(width(row[place]) for row in rows) for place in range(len(head))]
        lines = [
            "  ".join(_padded(cell, wide) for cell, wide in zip(row, widths, strict=True)).rstrip() for row in rows
        ]
        lines.insert(1, "  ".join("-" * wide for wide in widths))
        reasons = [f"{step.name} {step.zh}: {step.why}" for step in self.steps if step.why]
        end = "passed 通过" if self.passed else "NOT passed 未通过"
        return "\n".join((*lines, *([""] if reasons else []), *reasons, "", f"{self.role} {self.peer}: {end}"))


def width(text: str) -> int:
    """This will count the columns a text takes in a terminal."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _row(step: Step) -> tuple[str, ...]:
    word = step.verdict.value.upper() if step.verdict is Verdict.FAIL else step.verdict.value
    return f"{step.name} {step.zh}", step.sent[:48], step.came[:56], word, step.dialect[:60]


def _padded(text: str, wide: int) -> str:
    return text + " " * (wide - width(text))
