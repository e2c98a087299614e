"""Check a plan file: report all problems together, and return the plan if it is valid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from shipway import planfile
from shipway.actions.projects.register import MOVE
from shipway.domain.count import counted
from shipway.domain.errors import RepositoryError
from shipway.domain.plan import PLAN_FILE, Environment, Plan
from shipway.planfile.problem import Problem, tally
from shipway.system.git import Repository


@dataclass(frozen=True)
class CheckResult:
    """Problems in the order of the file, and the plan unless one of them is an error."""

    problems: tuple[Problem, ...]
    plan: Plan | None

    @property
    def valid(self) -> bool:
        """Whether the plan is usable. Warnings don't count."""
        return self.plan is not None

    def summary(self, file: str) -> str:
        """The summary line."""
        warnings = tally(self.problems)
        if self.plan is None:
            return warnings
        parts = {"service": self.plan.services, "environment": self.plan.environments, "step": self.plan.pipeline}
        counts = ", ".join(counted(len(items), word) for word, items in parts.items())
        return f"{file} is valid: {counts}" + (f" ({warnings})" if warnings else "")


def check(
    path: Path,
    images: Callable[[str], Mapping[str, object] | None] | None = None,
    taken: Callable[[Plan, Environment], str | None] | None = None,
) -> CheckResult:
    """Read and check the file, the accessories' images that are on the engine, and whether its edge serves others at
    the plan's addresses. PlanError if the file can't be read."""
    reading = planfile.examine(path, images, taken)
    return CheckResult(reading.problems, reading.plan)


def misplaced(path: Path) -> str:
    """Message about a plan that isn't in the root of its repository; else empty."""
    try:
        root = Repository.find(path.parent).path
    except RepositoryError:
        return ""
    if path.name != PLAN_FILE or path.resolve().parent == root.resolve():
        return ""
    return f"{path} is no plan of this repository, which has its own at {root / PLAN_FILE}; {MOVE}"


def check_files(path: Path) -> None:
    """RepositoryError if the newest commit has files that this clone lacks, such as an unfetched submodule."""
    try:
        repository = Repository.find(path.parent)
        head = repository.commit("HEAD")
    except RepositoryError:
        return  # a plan can be checked outside of a repository, and before the first commit
    repository.refuse_incomplete(head.revision)
