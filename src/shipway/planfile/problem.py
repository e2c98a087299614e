"""Problems of a plan: position, and what was expected."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from shipway.domain.count import counted
from shipway.domain.errors import PlanError
from shipway.domain.value import dataclass

ERROR, WARNING = "error", "warning"
DOCUMENTATION = "docs/plan.md"

Paint = Callable[[str, str], str]  # text and colour to text


@dataclasses.dataclass(frozen=True, order=True)
class Mark:
    """A position in the file, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Problem:
    """A problem. A plan with errors can't be used; one with warnings can."""

    severity: str
    file: str
    line: int
    column: int
    path: str  # such as services.backend.health; empty for the file as a whole
    message: str
    expected: str = ""
    doc: str = DOCUMENTATION

    def render(self, paint: Paint = lambda text, colour: text) -> str:
        """`file:line:column: severity: path: message`, and a second line with what was expected."""
        severity = paint(self.severity, "red" if self.severity == ERROR else "yellow")
        what = f"{self.path}: {self.message}" if self.path else self.message
        line = f"{self.file}:{self.line}:{self.column}: {severity}: {what}"
        return f"{line}\n    expected: {self.expected}" if self.expected else line


class InvalidPlan(PlanError):
    """The plan file has problems; the message renders all of them, errors and warnings."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        message = "\n".join([*(problem.render() for problem in problems), tally(problems)])
        super().__init__(message, hint=documentation(problems))


def tally(problems: Sequence[Problem]) -> str:
    """Such as `3 errors, 1 warning`."""
    errors = sum(problem.severity == ERROR for problem in problems)
    warnings = len(problems) - errors
    return ", ".join(counted(number, word) for number, word in ((errors, ERROR), (warnings, WARNING)) if number)


def documentation(problems: Sequence[Problem]) -> str:
    """Link to the documentation of the affected keys."""
    sections = dict.fromkeys(problem.doc.partition("#")[2] for problem in problems if "#" in problem.doc)
    return f"{DOCUMENTATION} describes every key" + (f"; see there: {', '.join(sections)}" if sections else "")
