"""Runs of a pipeline, their steps and the results of these, as the ledger holds them. All times are seconds since the
epoch (UTC)."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from shipway.domain.release import FAILED, SKIPPED, SUCCEEDED, Trigger
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class RunRecord:
    """A run of an app's pipeline for one commit."""

    number: int  # across all apps of a ledger
    app: str
    revision: str  # full hash
    tree: str  # hash of its tree
    trigger: Trigger
    started: float
    finished: float | None
    outcome: str


@dataclass(frozen=True)
class Artifact:
    """An output of a step: a tar file named by its digest, whose names are relative to `folder`."""

    folder: str  # of the repository; '' is its root
    path: str  # relative to the folder
    digest: str  # sha256 over names, modes, links and contents, but not times and owners
    left_out: tuple[str, ...] = ()  # pipes and devices, which archives can't contain

    @property
    def place(self) -> str:
        """Path of the output from the repository's root."""
        return posixpath.normpath(posixpath.join(self.folder, self.path)).strip("/")


@dataclass(frozen=True)
class StepResult:
    """What later steps and releases need of a passed step. Stored in the journal as plain data."""

    artifacts: tuple[Artifact, ...] = ()
    images: Mapping[str, str] = field(default_factory=dict)  # service or check: repository@digest
    tests: str = ""  # summary of its reports
    image: str = ""  # the built image that it ran in: retention keeps what recent runs used
    proof: Mapping[str, Any] = field(default_factory=dict)  # domain.proof.Proof as data, before there is a release


@dataclass(frozen=True)
class StepRecord:
    """A step of a run in the journal."""

    name: str
    key: str  # digest over all inputs of its result
    started: float
    finished: float | None
    outcome: str
    result: StepResult
    failure: str  # why it failed, if caused by the step itself

    @property
    def passed(self) -> bool:
        """Whether its result can be used."""
        return self.outcome in (SUCCEEDED, SKIPPED)

    @property
    def failed(self) -> bool:
        """Whether it would fail again: not if it was cancelled, or an engine or network failed."""
        return self.outcome == FAILED and bool(self.failure)
