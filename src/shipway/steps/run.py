"""State shared by the steps of one run, and the input of one attempt of a step."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import LABEL_APP, LABEL_NAME, LABEL_ROLE, LABEL_RUN, ContainerInfo
from shipway.domain.inputs import folder_of, inputs_of
from shipway.domain.plan import Plan, Step
from shipway.domain.release import Commit, digest_of
from shipway.domain.run import Artifact
from shipway.domain.value import dataclass
from shipway.ports import Registry
from shipway.steps.log import StepLog
from shipway.system.git import Repository
from shipway.system.parallel import in_background
from shipway.system.patterns import matches

if TYPE_CHECKING:
    from concurrent.futures import Future

    from shipway.domain.provenance import ImageSbom

# Levels of trust: commits on the protected branch, and those that the rules in force don't deploy. Between them: those
# that they deploy to an environment, by its name.
PROTECTED, OTHER = "protected", "other"


@dataclass(frozen=True)
class Inputs:
    """What earlier steps of the run made."""

    artifacts: Sequence[Artifact] = ()  # of all steps that this one needs
    images: Mapping[str, str] = field(default_factory=dict)  # all built so far, as in StepResult


@dataclass(frozen=True)
class Attempt:
    """One attempt of a step."""

    step: Step
    inputs: Inputs
    key: str  # digest over all inputs of its result
    number: int  # from 0
    log: StepLog
    begun: ContainerInfo | None = None  # its container, if a process that died has started it


@dataclass(frozen=True)
class Run:
    """One execution of the pipeline for one commit."""

    ctx: Context
    repository: Repository
    commit: Commit
    plan: Plan
    number: int
    folder: Path  # scratch, removed at the end
    registry: Registry
    version: str  # tag or short revision, for labels
    branch: str = ""  # ref of the trigger: results limited to one branch are stored under it
    level: str = OTHER  # of trust: what a run of one level caches is read by runs of the same level alone
    caches: bool = True  # whether steps are skipped, and steps and builds use what earlier runs cached
    counts: bool = True  # whether the commit is in the app's repository: otherwise its results are not shared
    outside: bool = False  # whether the commit is only in a pull request of another repository: no secrets, no caches
    debug: str = ""  # a step whose container stays for a shell if it fails, until the run is cancelled
    again: str = ""  # a step that runs even if it is unchanged since it passed
    step_images: str = ""  # repository of the images that it builds for steps; "": that of the app
    builds: dict[str, threading.Lock] = field(default_factory=dict)  # one builder at a time per image
    guard: threading.Lock = field(default_factory=threading.Lock)
    scans: dict[str, Future[ImageSbom]] = field(default_factory=dict)  # by image: its SBOM, which is being made
    connecting: list[Future[None]] = field(default_factory=list)  # the creation of its network, once it has begun
    renewed: set[str] = field(default_factory=set)  # without `caches`: what this run has made again

    @property
    def network(self) -> str:
        """The private network of this run."""
        return names.bounded(f"shipway_{self.name}")

    def begin_network(self) -> Future[None]:
        """Create the network, which takes the engine longer than a container: meanwhile, one in it can be prepared."""
        with self.guard:
            if not self.connecting or (self.connecting[0].done() and self.connecting[0].exception()):
                labels = {LABEL_APP: self.plan.app, LABEL_RUN: str(self.number)}
                self.connecting[:] = [in_background(self.ctx.runtime.ensure_network, self.network, labels)]
            return self.connecting[0]

    @property
    def name(self) -> str:
        """Prefix of its container names: the same run number of another ledger has another one."""
        return f"{self.plan.app}_run{self.number}-{self.ctx.ledger.identity()[:8]}"

    @property
    def artifacts(self) -> Path:
        """Where outputs are stored by their digest, across runs."""
        return self.ctx.home / "artifacts"

    def log(self, step: str) -> Path:
        """File with the output of a step."""
        return self.ctx.home / "logs" / self.plan.app / str(self.number) / f"{step}.log"

    def labels(self, role: str, name: str) -> dict[str, str]:
        """Labels by which everything of this run is found and removed."""
        return {LABEL_APP: self.plan.app, LABEL_RUN: str(self.number), LABEL_ROLE: role, LABEL_NAME: name}

    @property
    def granted(self) -> bool:
        """Whether its builds get secrets: the commit is on the protected branch, or the rules in force deploy it."""
        return self.level != OTHER and not self.outside

    def tree_of(self, folder: str) -> str | None:
        """Key over the files of a folder, as builds get them; None if it is missing."""
        revision = self.commit.revision
        if not self.selects(folder):
            return self.repository.tree_hash(revision, folder)
        files = self.repository.tree_hashes(revision, [folder or "."])  # its inputs but the plan
        return digest_of({path: kind for path, kind in files.items() if self.sees(path)})

    def selects(self, folder: str) -> bool:
        """Whether builds get only some of a folder's files: the plan's inputs, and not the plan."""
        folder = folder.strip("/")
        return folder in (".", "") or self.plan.file.startswith(f"{folder}/") or bool(inputs_of(self.plan))

    def sees(self, path: str) -> bool:
        """Whether a file of the repository is one of the plan's inputs, and not the plan: a changed plan repeats no test
        and rebuilds no image."""
        inputs = inputs_of(self.plan)
        return path != self.plan.file and (not inputs or any(matches(path, pattern) for pattern in inputs))

    def folder_of(self, step: Step) -> str:
        """A step's working folder in the repository ('' is its root)."""
        build = step.image.build if step.image else None
        folder = folder_of(self.plan) if build is None else build.folder.strip("/")
        return "" if folder == "." else folder

    def lock(self, key: str) -> threading.Lock:
        """The lock of one image."""
        with self.guard:
            return self.builds.setdefault(key, threading.Lock())


def level_of(environment: str | None, *, protected: bool) -> str:
    """The level of a run of a commit for an environment. protected: whether the commit is on the protected branch."""
    return PROTECTED if protected else f"environment-{environment}" if environment else OTHER
