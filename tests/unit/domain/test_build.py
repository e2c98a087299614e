"""How images are built, and what a machine can build."""

from __future__ import annotations

from shipway.domain import rights
from shipway.domain.build import (
    CONTEXTS,
    PLATFORMS,
    BaseSource,
    Builder,
    BuildExtras,
    BuildSource,
    features,
    in_order,
    lacking,
)
from shipway.domain.plan import Plan, Service, Step, StepImage

SOURCE = BuildSource(
    "web",
    contexts={"shared": "libs"},
    secrets=("A", "B"),
    ssh={"default": "B"},
    platforms=("linux/amd64", "linux/arm64"),
)


def test_what_a_machine_lacks_is_named_by_the_key_of_the_plan() -> None:
    lacks = {CONTEXTS: ("no contexts", "install"), PLATFORMS: ("one platform", "create")}
    assert lacking(Builder(lacks), SOURCE) == lacks
    assert lacking(Builder(), SOURCE) == lacking(Builder(lacks), BuildSource("web", platforms=("linux/arm64",))) == {}
    assert features(BaseSource("base", contexts={"shared": "libs"})) == (CONTEXTS,)


def test_only_an_image_for_several_platforms_is_pushed_by_its_build() -> None:
    assert [BuildExtras(platforms=SOURCE.platforms[:count]).pushes for count in range(3)] == [False, False, True]


def test_an_image_comes_after_those_that_it_is_built_on() -> None:
    needs = {"web": ["base"], "base": ["os"], "worker": ["base"], "other": ["elsewhere"]}
    assert in_order(["web", "other", "worker", "base", "os"], needs) == ["os", "base", "web", "other", "worker"]
    assert in_order(["b", "a"], {}) == ["b", "a"]


def test_secrets_of_builds_that_the_protected_plan_lacks_are_refused() -> None:
    services = {"web": Service("web", build=SOURCE)}
    steps = {
        "unit": Step(
            "unit", "test", StepImage(build=BuildSource("web", bases={"BASE": BaseSource("base", secrets=("C",))}))
        )
    }
    plan = Plan("shop", services, pipeline=steps)
    assert rights.of_builds(plan) == ["A", "B", "C"]
    assert rights.of_steps(plan, plan) == []
    assert rights.of_steps(plan, Plan("shop", services)) == ["builds: secret C"]
    assert rights.of_steps(plan, None) == ["builds: secret A", "builds: secret B", "builds: secret C"]
