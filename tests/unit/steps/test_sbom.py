"""What is recorded of an image when it is built, and which builds are scanned."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from shipway.domain.build import BuildSource
from shipway.domain.errors import EngineError, SbomError
from shipway.domain.packages import packages_of
from shipway.domain.plan import Step
from shipway.domain.provenance import Base
from shipway.steps.bases import Bases
from shipway.steps.image import build_images
from shipway.steps.log import StepLog
from shipway.steps.run import OTHER, PROTECTED, Attempt, Inputs, Run
from shipway.steps.sbom import finish_scans, make_sbom
from shipway.testing.memory_sbom import MemorySbom
from tests.unit.steps.test_build import STAGING, with_services
from tests.unit.steps.test_sources import at, commit  # noqa: F401

DIGEST = "sha256:" + "a" * 64


def built(run: Run, tool: MemorySbom | None, **changes: Any) -> tuple[Run, str]:
    """After a step that builds an image whose build has an argument with a secret value."""
    source = BuildSource("web", args={"PLAIN": "very-private"}, target="prod")
    run = with_services(commit(run, web__Dockerfile="FROM x"), web=source)
    run = dataclasses.replace(run, ctx=dataclasses.replace(run.ctx, sbom=lambda: tool), **changes)
    with StepLog(run.log("images"), lambda line: line, lambda line: None, resumed_at=None) as log:
        result = build_images(run, Attempt(Step("images", build=("web",)), Inputs(), "key", 0, log))
    finish_scans(run)
    return run, result.images["web"]


def test_how_an_image_was_built_is_recorded_without_values(at: Run) -> None:  # noqa: F811
    run, image = built(at, None, level=PROTECTED)
    found = run.ctx.ledger.image_builds("shop", [image])[image]
    assert (found.service, found.run, found.revision, found.ref) == ("web", 1, run.commit.revision, "refs/heads/topic")
    assert (found.folder, found.dockerfile, found.target, found.level) == ("web", "Dockerfile", "prod", PROTECTED)
    assert found.arguments == ("PLAIN",)
    assert "very-private" not in str(found)
    assert found.started < found.finished


@pytest.mark.parametrize("level", [PROTECTED, STAGING])
def test_builds_for_an_environment_are_scanned_beside_other_steps(at: Run, level: str) -> None:  # noqa: F811
    tool = MemorySbom()
    run, image = built(at, tool, level=level)
    assert list(run.scans) == [image]
    [package] = packages_of(run.ctx.ledger.image_sboms("shop", [image])[image].document)
    assert (package.name, package.kind) == ("openssl", "deb")
    before = list(tool.calls)
    assert make_sbom(run.ctx, "shop", image).tool == "memory 1"
    assert tool.calls == before, "it is scanned once"


def test_other_builds_are_not(at: Run) -> None:  # noqa: F811
    tool = MemorySbom()
    run, _ = built(at, tool, level=OTHER)
    assert not run.scans
    assert not tool.calls


def test_a_build_from_outside_leaves_no_record(at: Run) -> None:  # noqa: F811
    tool = MemorySbom()
    run, image = built(at, tool, level=PROTECTED, outside=True)
    assert not run.scans
    assert run.ctx.ledger.image_builds("shop", [image]) == {}


def test_a_scan_that_fails_fails_no_step(at: Run) -> None:  # noqa: F811
    tool = MemorySbom()
    tool.fail("scan", error=SbomError("it has no space"))
    run, image = built(at, tool, level=PROTECTED)
    assert run.ctx.ledger.image_sboms("shop", [image]) == {}
    with pytest.raises(SbomError, match="can't be read: it is away"):
        make_sbom(_away(run).ctx, "shop", image)
    assert make_sbom(run.ctx, "shop", image).image == image


def _away(run: Run) -> Run:
    run.ctx.images.fail("pull", error=EngineError("it is away"))  # type: ignore[attr-defined]
    return run


def seen(*lines: str, source: BuildSource = BuildSource("web")) -> dict[str, str]:  # noqa: B008
    bases = Bases(source)
    for line in lines:
        bases.line(line)
    return bases._found


def test_bases_are_read_from_the_builders_output() -> None:
    assert seen(
        "#1 [internal] load build definition from Dockerfile",
        "#3 [internal] load metadata for docker.io/library/redis:7",
        f"#4 [a 1/2] FROM docker.io/library/redis:7@{DIGEST}",
        f"#4 sha256:{'b' * 64}",
        "#4 CACHED",
        "#5 [1/3] FROM registry.example:5000/base:v1",
        "#6 [a 2/2] RUN make",
        f"#7 [1/1] FROM docker.io/library/late@{DIGEST}",
    ) == {"docker.io/library/redis:7": DIGEST, "registry.example:5000/base:v1": ""}


@pytest.mark.parametrize(
    "line",
    [
        f"#9 [1/1] FROM evil@{DIGEST}",
        f"#9 [x 1/1] FROM evil@{DIGEST}",
    ],
)
@pytest.mark.parametrize("before", ["#5 [a 2/2] RUN printf x", "#5 [2/3] COPY a b", "#5 0.531 hi", "#5 12.1 "])
def test_what_an_instruction_prints_names_no_base(before: str, line: str) -> None:
    assert seen(before, line) == {}


def test_names_from_the_plan_that_are_printed_name_none() -> None:
    line = f"#9 [1/1] FROM evil@{DIGEST}"
    for source in (BuildSource("web", dockerfile=f"D\n{line}"), BuildSource("web", target="x\r"), BuildSource("a\nb")):
        assert seen(line, source=source) == {}


def test_a_base_that_only_the_engine_has(at: Run) -> None:  # noqa: F811
    at.ctx.images.public.add(f"docker.example/base@{DIGEST}")  # type: ignore[attr-defined]
    at.ctx.images.pull(f"docker.example/base@{DIGEST}", lambda line: None)
    at.ctx.images.tag(f"docker.example/base@{DIGEST}", "base", "v1")
    bases = Bases(BuildSource("web"))
    bases.line("#4 [1/2] FROM docker.io/library/base:v1")
    bases.line("#5 [1/2] FROM unknown")
    assert bases.of(at.ctx) == (Base("docker.io/library/base:v1", DIGEST), Base("unknown"))
    at.ctx.redactor.add({"NAME": "unknown"})
    assert bases.of(at.ctx) == (Base("docker.io/library/base:v1", DIGEST),)
