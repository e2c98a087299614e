"""Builds with secrets and on other images, and caches of steps: what the branch of a commit decides."""

from __future__ import annotations

import pytest

from shipway.domain.errors import GateRefused, SecretError
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine
from tests.system.conftest import Make
from tests.system.tiny import DOCKERFILE, IMAGE, Tiny, engine

pytestmark = pytest.mark.engine

# With the app's name, so that no earlier build's layer is used.
FROM_BASE = "ARG BASE\nFROM ${BASE}\nRUN --mount=type=secret,id=TOKEN echo APP: it is $(cat /run/secrets/TOKEN)\n"
REMEMBERS = (
    "echo before: $(cat ~/.cache/tool/file 2>/dev/null); mkdir -p ~/.cache/tool; cat web/name > ~/.cache/tool/file"
)


@pytest.fixture(scope="module")
def project(make: Make) -> Tiny:
    """Its web image is built on a base image of the repository, with a secret; its step has a cache."""
    made = make()
    made.plan["services"]["web"]["build"] = {"folder": "web", "args": {"BASE": {"build": "base"}}, "secrets": ["TOKEN"]}
    made.write({
        "base/Dockerfile": f"FROM {IMAGE}\nRUN echo shared > /base\n",
        "web/Dockerfile": FROM_BASE.replace("APP", made.app) + DOCKERFILE.partition("\n")[2],
    })  # fmt: skip
    made.change("one")
    made.protect()
    made.git("switch", "--quiet", "main")
    made.git("merge", "--quiet", "--ff-only", "staging")
    made.git("switch", "--quiet", "staging")
    return made


def test_a_release_is_built_with_its_secret_and_another_branch_gets_none(project: Tiny) -> None:
    start = project.git("rev-parse", "HEAD").output.strip()
    missing = project.shipway("run", "staging", check=False)
    assert missing.code == SecretError.exit_code, missing.output
    assert "shipway secret set build TOKEN" in missing.output
    project.shipway("secret", "set", "build", "TOKEN", "--generate")
    assert "build of web" in project.shipway("secret", "list", "build").output
    done = project.shipway("run", "staging")
    assert project.answer() == "one"
    history = " ".join(
        str(layer)
        for image in engine("/images/json")
        if any(f"/{project.app}/web:" in name for name in image["RepoTags"] or ())
        for layer in engine(f"/images/{image['Id']}/history")
    )
    assert "echo shared > /base" in history, "it was built on the base image"
    assert f"{project.app}: it is «TOKEN»" in done.output

    project.git("switch", "--quiet", "--create", "topic")
    project.plan["pipeline"] = {"unit": {"run": "true", "image": {"build": project.plan["services"]["web"]["build"]}}}
    project.change("topic")
    refused = project.shipway("run", "topic", check=False)
    assert refused.code == SecretError.exit_code, refused.output
    assert "only builds of the protected branch" in refused.output

    project.plan["pipeline"]["unit"]["image"]["build"]["secrets"] = ["OTHER"]
    project.change("topic")
    refused = project.shipway("run", "topic", check=False)
    assert refused.code == GateRefused.exit_code, refused.output
    assert "builds: secret OTHER" in refused.output
    project.git("switch", "--quiet", "staging")
    project.undo(start)


def test_a_branch_can_not_change_what_the_protected_branch_finds_in_its_cache(project: Tiny) -> None:
    """Each run is of a commit with other files, so that no step is skipped."""

    def run(name: str, *options: str) -> str:
        project.plan["pipeline"] = {"unit": {"run": REMEMBERS, "image": IMAGE, "cache": ["~/.cache/tool"]}}
        project.change(name)
        done = project.shipway("run", "--step", "unit", *options)
        (line,) = [line for line in done.output.splitlines() if "│ before:" in line]
        return line.partition("before:")[2].strip()

    project.git("switch", "--quiet", "--create", "attack", "main")
    assert run("poison") == ""
    project.git("switch", "--quiet", "main")
    assert run("main-1") == ""
    assert run("main-2") == "main-1"
    assert run("main-3", "--no-cache") == ""
    project.git("switch", "--quiet", "attack")
    assert run("poison-2") == "poison", "the caches of other levels stay"
    caches = [name for name in project.volumes() if name.endswith(".cache")]
    assert len(caches) == 2
    project.shipway("prune")
    assert [name for name in project.volumes() if name.endswith(".cache")] == caches, "small ones that were just used"
    for name in caches:
        DockerRuntime(Engine()).remove_volume(name)
    project.git("switch", "--quiet", "staging")
