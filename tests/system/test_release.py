"""From a merged change to production: the changelog's entry, staging, `shipway release`, and the hook that deploys the tag."""

from __future__ import annotations

import subprocess
import time

import pytest

from examples.project import GRACE
from shipway.domain.errors import GateRefused, RepositoryError
from tests.system.conftest import Make
from tests.system.tiny import Tiny

pytestmark = pytest.mark.engine
ADDED = "web/migrations/0002_age"
LOG = "# Changelog\n\n## [Unreleased]\n"


def hosted(make: Make) -> Tiny:
    """A project with a changelog and a remote that deploys what is pushed to it."""
    project = make(database=True)
    project.change("one", files={"CHANGELOG.md": LOG})
    project.git("init", "--quiet", "--bare", "--initial-branch=main", str(project.remote))
    project.git("remote", "add", "origin", str(project.remote))
    project.git("push", "--quiet", "origin", "main")
    project.shipway("init", "--hook", str(project.remote))
    project.git("push", "--quiet", "origin", "staging")
    assert project.answer() == "one"
    return project


def to_main(project: Tiny) -> str:
    """staging's revision to main, as by a reviewed merge."""
    project.git("switch", "--quiet", "main")
    project.git("merge", "--quiet", "--ff-only", "staging")
    project.git("push", "--quiet", "origin", "main")
    return project.git("rev-parse", "HEAD").output.strip()


def tags(project: Tiny) -> list[str]:
    """Those of the clone and of the remote, which are the same."""
    here = project.git("tag").output.split()
    assert here == project.git("--git-dir", str(project.remote), "tag").output.split()
    return here


def test_from_staging_to_production_by_a_version(make: Make) -> None:
    project = hosted(make)
    key = project.folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    project.git("config", "gpg.format", "ssh")
    project.git("config", "user.signingKey", str(key))

    # The entry is committed to staging, whose push deploys it there.
    to_main(project)
    told = project.shipway("release", "--yes", check=False)
    assert told.code == GateRefused.exit_code, told.output
    assert "CHANGELOG.md has no entry for v0.1.0" in told.output
    project.git("switch", "--quiet", "staging")
    told = project.shipway("release", "--prepare", "--yes")
    assert "once it is validated: bring it to main; there: shipway release v0.1.0" in told.output
    revision = to_main(project)

    # Without its approval the tag waits.
    told = project.shipway("release", "--yes")
    assert "who may approve: anyone but its authors (ada@example.org" in told.output
    assert "then: shipway deploy production v0.1.0" in told.output
    assert tags(project) == ["v0.1.0"]
    assert project.git("rev-parse", "v0.1.0^{commit}").output.strip() == revision
    assert "-----BEGIN SSH SIGNATURE-----" in project.git("cat-file", "tag", "v0.1.0").output
    project.shipway("--as", GRACE, "approve", "production")
    project.shipway("deploy", "production", "v0.1.0")
    assert project.answer("production") == "one"

    # With it, the push of the tag deploys.
    project.git("switch", "--quiet", "staging")
    project.change(
        "two",
        files={
            f"{ADDED}.up.sql": "ALTER TABLE pets ADD age int;\n",
            f"{ADDED}.down.sql": "ALTER TABLE pets DROP age;\n",
        },
    )
    project.shipway("release", "minor", "--prepare", "--yes")
    project.shipway("--as", GRACE, "approve", "production")
    to_main(project)
    preview = project.json("release", "--dry-run")
    assert (preview["version"], preview["before"], preview["waits"]) == ("v0.2.0", "v0.1.0", [])
    assert [item["subject"] for item in preview["commits"]] == ["The changelog of v0.2.0", "Version two"]
    assert [item["name"] for item in preview["images"]] == ["web"]
    assert preview["schema"] == ["0001", "0002"]
    assert preview["migrations"] == [f"{ADDED}.down.sql", f"{ADDED}.up.sql"]
    told = project.shipway("release", "--yes")
    assert f"production runs v0.2.0 (release {preview['release']})" in told.output
    assert project.answer("production") == "two"
    assert tags(project) == ["v0.1.0", "v0.2.0"]

    # What staging never had is not tagged; nor is what the remote rejects.
    project.change("three")
    project.git("push", "--quiet", "origin", "main")
    told = project.shipway("release", "v0.3.0", "--no-changelog", "--yes", check=False)
    assert told.code == GateRefused.exit_code, told.output
    assert "which staging runs, in: web/Caddyfile, web/name" in told.output
    project.git("push", "--quiet", "origin", "main:staging")
    assert project.answer() == "three"
    hook = project.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho tags are protected >&2\nexit 1\n")
    hook.chmod(0o755)
    told = project.shipway("release", "v0.3.0", "--no-changelog", "--yes", check=False)
    assert told.code == RepositoryError.exit_code, told.output
    assert "the tag was removed here again" in told.output
    assert tags(project) == ["v0.1.0", "v0.2.0"]
    assert project.answer("production") == "two"


def test_killed_while_the_hook_deploys(make: Make) -> None:
    """The tag is complete on both sides, and the deployment goes on without whoever pushed it."""
    project = make()
    project.plan["environments"]["production"].pop("approvals")
    project.protect()
    project.git("init", "--quiet", "--bare", "--initial-branch=main", str(project.remote))
    project.git("remote", "add", "origin", str(project.remote))
    project.git("push", "--quiet", "origin", "main")
    project.shipway("init", "--hook", str(project.remote))
    project.git("push", "--quiet", "origin", "staging")
    to_main(project)
    running = project.start("release", "--yes")
    running.until("deploy production")
    running.kill()
    assert tags(project) == ["v0.1.0"]
    told = project.shipway("release", "v0.1.0", "--yes", check=False)
    assert "the tag v0.1.0 exists, and is this commit" in told.output
    deadline = time.monotonic() + 120.0
    while project.answer("production") != "one":
        assert time.monotonic() < deadline, "the hook died with the push"
        time.sleep(0.2)
