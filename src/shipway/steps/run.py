"""State shared by the steps of one run, and the input of one attempt of a step."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import LABEL_APP, LABEL_NAME, LABEL_ROLE, LABEL_RUN, ContainerInfo
from shipway.domain.inputs import folder_of, inputs_of
from shipway.domain.plan import BuildSource, Plan, Step
from shipway.domain.release import Commit, digest_of
from shipway.domain.run import Artifact
from shipway.ports import Registry
from shipway.steps.log import StepLog
from shipway.system.git import Repository
from shipway.system.patterns import matches


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
    counts: bool = True  # whether the commit is in the app's repository: otherwise its results are not shared
    debug: str = ""  # a step whose container stays for a shell if it fails, until the run is cancelled
    builds: dict[str, threading.Lock] = field(default_factory=dict)  # one builder at a time per image
    guard: threading.Lock = field(default_factory=threading.Lock)

    @property
    def network(self) -> str:
        """The private network of this run."""
        return names.bounded(f"shipway_{self.name}")

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

    def build_key(self, source: BuildSource) -> dict[str, object]:
        """Inputs of an image built from the commit."""
        revision = self.commit.revision
        if self.holds_plan(source) or inputs_of(self.plan):  # its inputs but the plan
            files = self.repository.tree_hashes(revision, [source.folder])
            tree: str | None = digest_of({path: kind for path, kind in files.items() if self.sees(path)})
        else:
            tree = self.repository.tree_hash(revision, source.folder)
        return {
            "tree": tree, "folder": source.folder, "dockerfile": source.dockerfile,
            "target": source.target, "args": dict(source.args),
        }  # fmt: skip

    def sees(self, path: str) -> bool:
        """Whether a file of the repository is one of the plan's inputs, and not the plan: a changed plan repeats no test
        and rebuilds no image."""
        inputs = inputs_of(self.plan)
        return path != self.plan.file and (not inputs or any(matches(path, pattern) for pattern in inputs))

    def holds_plan(self, source: BuildSource) -> bool:
        """Whether the plan file is in the folder."""
        folder = source.folder.strip("/")
        return folder in (".", "") or self.plan.file.startswith(f"{folder}/")

    def folder_of(self, step: Step) -> str:
        """A step's working folder in the repository ('' is its root)."""
        build = step.image.build if step.image else None
        folder = folder_of(self.plan) if build is None else build.folder.strip("/")
        return "" if folder == "." else folder

    def lock(self, key: str) -> threading.Lock:
        """The lock of one image."""
        with self.guard:
            return self.builds.setdefault(key, threading.Lock())


def scratch(home: Path, number: int) -> Path:
    """The folder of an unfinished run: if it exists, something of the run may be on the engine too."""
    return home / "runs" / str(number)
