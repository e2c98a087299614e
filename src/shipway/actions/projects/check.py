"""Check a plan file: report all problems together, and return the plan if it is valid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from shipway import planfile
from shipway.actions.environment.public_address import taken
from shipway.actions.projects.renamed import hints
from shipway.context import Machine
from shipway.domain.build import CONTEXTS, PLATFORMS, Builder
from shipway.domain.count import counted
from shipway.domain.desired import public_table
from shipway.domain.errors import RepositoryError, ShipwayError
from shipway.domain.names import route_owner
from shipway.domain.plan import LOCAL, Environment, Plan
from shipway.domain.renaming import Names
from shipway.domain.value import dataclass
from shipway.drafting.starts import of_plan
from shipway.planfile.problem import Problem, tally
from shipway.ports import Ledger
from shipway.system.git import Repository


@dataclass(frozen=True)
class CheckResult:
    """Problems in the order of the file, and the plan unless one of them is an error."""

    problems: tuple[Problem, ...]
    plan: Plan | None
    renamed: tuple[str, ...] = ()  # hints about names that the ledger doesn't know

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


def check(path: Path, machine: Callable[[], Machine], ledger: Ledger | None = None) -> CheckResult:
    """Read and check the file, the accessories' images that are on this machine's engine, whether its edge serves others
    at the plan's addresses, and whether it can build the images. ledger: to know what was renamed, and what may be. PlanError
    if the file can't be read."""
    names = Names(ledger.renamings() if ledger else ())
    reading = planfile.examine(
        path,
        partial(_image_config, machine),
        partial(_address_taken, machine, names),
        partial(of_plan, path.parent),
        partial(_builder, machine),
    )
    renamed = hints(ledger, reading.plan) if ledger and reading.plan else []
    return CheckResult(reading.problems, reading.plan, tuple(renamed))


def check_files(path: Path) -> None:
    """RepositoryError if the newest commit has files that this clone lacks, such as an unfetched submodule."""
    try:
        repository = Repository.find(path.parent)
        head = repository.commit("HEAD")
    except RepositoryError:
        return  # a plan can be checked outside of a repository, and before the first commit
    repository.refuse_incomplete(head.revision)


def _image_config(machine: Callable[[], Machine], name: str) -> Mapping[str, object] | None:
    """The configuration of an image on the machine; None without the image or the engine."""
    try:
        found = machine().images.inspect(name)
    except ShipwayError:
        return None
    config = (found or {}).get("Config")
    return config if isinstance(config, dict) else None


def _builder(machine: Callable[[], Machine]) -> Builder | None:
    """What the machine can build; None without an engine."""
    try:
        here = machine()
        here.runtime.ping()
    except ShipwayError:
        return None
    try:
        return here.images.builder()
    except ShipwayError as error:
        return Builder(dict.fromkeys((CONTEXTS, PLATFORMS), (error.message, error.hint)))


def _address_taken(machine: Callable[[], Machine], names: Names, plan: Plan, environment: Environment) -> str | None:
    """A message about another environment that the machine already serves at the address; None without one, or without
    an engine."""
    table = public_table(plan, environment)
    if table is None or LOCAL not in [host.name for host in environment.hosts]:
        return None
    try:
        here = machine()
        app = names.app(plan.app)
        found = taken(here.edge, here.runtime, route_owner(app, names.environment(app, environment.name)), table)
    except ShipwayError:
        return None
    return found[0] if found else None
