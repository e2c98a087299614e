"""Approvals on a real engine, in jobs that see one commit: who wrote a release is found, and only a signature counts."""

from __future__ import annotations

import copy
import subprocess
from pathlib import Path

import pytest

from examples.project import ADA, GRACE
from shipway.domain.errors import GateRefused, UsageError
from tests.system.conftest import Make
from tests.system.tiny import Tiny

pytestmark = pytest.mark.engine


def key_of(project: Tiny, name: str) -> tuple[Path, str]:
    """A key, and what stands in the file of keys."""
    path = project.folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path, path.with_suffix(".pub").read_text()


def job(project: Tiny, ref: str) -> Tiny:
    """A hosted job: a clone of its own that has one commit."""
    made = copy.copy(project)
    made.clone = project.folder / f"job-{ref}"
    project.git("clone", "--quiet", "--no-local", "--depth", "1", "--branch", ref, str(project.clone), str(made.clone))
    return made


def test_an_author_does_not_approve_in_a_shallow_clone(make: Make) -> None:
    project = make()
    ada, grace = key_of(project, "ada"), key_of(project, "grace")
    project.plan["environments"]["production"]["approvals"] |= {"signed": True}
    project.git("switch", "--quiet", "main")
    project.write({".shipway/allowed_signers": f"{ADA} {ada[1]}{GRACE} {grace[1]}"})
    project.git("add", ".shipway")
    project.protect()
    project.shipway("run", "staging")
    staging = job(project, "staging")
    done = staging.shipway("--as", GRACE, "approve", "production", check=False)
    assert done.code == UsageError.exit_code, done.output
    assert "production accepts only signed approvals" in done.output
    done = staging.shipway("--as", GRACE, "approve", "production", f"--sign={ada[0]}", check=False)
    assert done.code == GateRefused.exit_code, done.output
    assert f"{ADA} is an author of release 1 (author of" in done.output
    project.promote("v1")
    tagged = job(project, "v1")
    done = tagged.shipway("run", "v1", check=False)
    assert done.code == GateRefused.exit_code, done.output
    assert (
        f"needs 1 signed approval by someone other than its authors and has 0; its authors: {ADA} (author of"
        in done.output
    )
    done = staging.shipway("approve", "production", "r1", f"--sign={grace[0]}")
    assert f"{GRACE} approved release 1 of {project.app} for production (signed with SHA256:" in done.output
    assert "from: nothing" in done.output
    tagged.shipway("run", "v1")
    assert project.answer("production") == "one"
    assert f"{GRACE} (signed)" in project.shipway("history", "production").output
    (approval,) = project.deployments("production")[0]["approvals"]
    assert (approval["actor"], approval["signed"], approval["key"][:7]) == (GRACE, True, "SHA256:")
