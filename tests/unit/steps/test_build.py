"""What a build gets beside its folder, and what its key covers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest

from shipway.domain.build import BaseSource, BuildSource
from shipway.domain.errors import SecretError, UsageError
from shipway.domain.plan import Check, Plan, RegistryAccess, Service, Step, StepImage
from shipway.steps.build import LISTED, arguments, build_key, extras_of
from shipway.steps.image import build_images, image_key
from shipway.steps.log import StepLog
from shipway.steps.run import OTHER, PROTECTED, Attempt, Inputs, Run, level_of
from tests.unit.steps.test_sources import at, commit  # noqa: F401

WEB = BuildSource("web")
STAGING = level_of("staging", protected=False)


def key(run: Run, source: BuildSource, **based_on: str) -> dict[str, object]:
    return build_key(run, source, based_on)


def with_services(run: Run, **builds: BuildSource) -> Run:
    services = {name: Service(name, build=build) for name, build in builds.items()}
    return dataclasses.replace(run, plan=dataclasses.replace(run.plan, services=services))


def test_what_changes_an_image_is_in_its_key(at: Run) -> None:  # noqa: F811
    at = with_services(at, base=BuildSource("other"))
    sources = [
        WEB, BuildSource("web", args={"A": "1"}), BuildSource("web", secrets=("A",)), BuildSource("web", ssh={"a": "A"}),
        BuildSource("web", platforms=("linux/arm64",)), BuildSource("web", contexts={"o": "other"}),
        BuildSource("web", images={"BASE": "base"}), BuildSource("web", variables={"A": "SHIPWAY_REVISION"}),
        BuildSource("web", bases={"BASE": BaseSource("other")}),
    ]  # fmt: skip
    keys = [str(key(at, source)) for source in sources]
    assert len(set(keys)) == len(keys)
    other = commit(at, other__d_py="another d")
    changed = [index for index, source in enumerate(sources) if str(key(other, source)) != keys[index]]
    assert changed == [5, 6, 7, 8], "a context, images that it is built on, and the commit"
    assert key(at, WEB) == key(at, dataclasses.replace(WEB, cache=True))
    assert set(key(at, WEB)) == {"tree", "folder", "dockerfile", "target", "args"}, "as earlier versions made it"


def test_an_image_is_built_on_a_digest_where_an_earlier_step_built_it(at: Run) -> None:  # noqa: F811
    at = with_services(at, base=BuildSource("other"), web=BuildSource("web", images={"BASE": "base"}))
    step, inputs = Step("images", build=("web",)), Inputs(images={"base": "r/base@sha256:1"})
    one = image_key(at, step, inputs)
    assert one != image_key(at, step, Inputs(images={"base": "r/base@sha256:2"}))
    both = Step("images", build=("web", "base"))
    assert image_key(at, both, Inputs()) == image_key(at, both, Inputs(images={"web": "r/web@sha256:9"}))


def test_images_are_built_in_order_each_on_the_digest_of_the_other(at: Run, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    at = with_services(
        commit(at, web__Dockerfile="FROM x", other__Dockerfile="FROM x"),
        web=BuildSource("web", dockerfile="a.py", images={"BASE": "base"}), base=BuildSource("other", dockerfile="d.py"),
    )  # fmt: skip
    got: list[Mapping[str, str]] = []
    images = at.ctx.images
    real = images.build
    monkeypatch.setattr(images, "build", lambda *args, **given: (got.append(given["args"]), real(*args, **given))[1])
    step = Step("images", build=("web", "base"))
    with StepLog(at.log("images"), lambda line: line, lambda line: None, resumed_at=None) as log:
        result = build_images(at, Attempt(step, Inputs(), "key", 0, log))
    assert got == [{}, {"BASE": result.images["base"]}]
    assert "@sha256:" in result.images["base"]


def test_a_check_may_be_built_on_a_service_of_another_step(at: Run) -> None:  # noqa: F811
    at = with_services(commit(at, other__Dockerfile="FROM x"), base=BuildSource("other"), web=WEB)
    image = StepImage(build=BuildSource("web", dockerfile="a.py", images={"BASE": "base"}))
    at = dataclasses.replace(at, plan=dataclasses.replace(at.plan, checks={"smoke": Check("smoke", image, "look")}))
    with StepLog(at.log("images"), lambda line: line, lambda line: None, resumed_at=None) as log:
        result = build_images(at, Attempt(Step("images"), Inputs(), "key", 0, log))
    assert set(result.images) == {"check:smoke"}
    built = [call.split()[1].partition(":")[0] for call in at.ctx.images.calls if call.startswith("build ")]  # type: ignore[attr-defined]
    assert built == ["shipway-step/shop", "registry.memory/shop/check-smoke"]


def test_variables_must_be_listed_by_the_operator(at: Run, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    source = BuildSource("web", variables={"P": "PROXY", "REVISION": "SHIPWAY_REVISION"})
    monkeypatch.setenv("PROXY", "http://proxy")
    with pytest.raises(UsageError, match="PROXY of Shipway's process, which its operator did not list") as caught:
        build_key(at, source)
    assert f"{LISTED}=PROXY" in caught.value.hint
    monkeypatch.setenv(LISTED, "OTHER, PROXY")
    assert arguments(at, source, str, str) == {"P": "http://proxy", "REVISION": at.commit.revision}
    before = build_key(at, source)
    monkeypatch.setenv("PROXY", "http://another")
    assert build_key(at, source) != before
    monkeypatch.delenv("PROXY")
    with pytest.raises(UsageError, match="is not set"):
        build_key(at, source)


@pytest.mark.parametrize("level", [PROTECTED, STAGING])
def test_builds_of_trusted_commits_get_the_secrets(at: Run, level: str) -> None:  # noqa: F811
    at.ctx.secrets.set("shop/build", "TOKEN", "hunter2")
    at.ctx.secrets.set("shop/build", "KEY", "key")
    source = BuildSource("web", secrets=("TOKEN",), ssh={"default": "KEY"})
    with extras_of(dataclasses.replace(at, level=level), source, "") as extras:
        assert (extras.secrets, extras.ssh) == ({"TOKEN": "hunter2"}, {"default": "key"})


def test_a_build_of_another_branch_gets_a_secret_only_if_the_operator_lets_every_branch_read_it(at: Run) -> None:  # noqa: F811
    source = BuildSource("web", secrets=("TOKEN",))
    with pytest.raises(SecretError, match="TOKEN of builds is not set"), extras_of(at, source, ""):
        pass
    at.ctx.secrets.set("shop/build", "TOKEN", "hunter2")
    assert at.level == OTHER
    with pytest.raises(SecretError, match="only builds of the protected branch") as caught, extras_of(at, source, ""):
        pass
    assert caught.value.hint.endswith("shipway secret set build TOKEN --any-branch")
    at.ctx.secrets.set("shop/build@any", "TOKEN", "read-only")
    with extras_of(at, source, "") as extras:
        assert extras.secrets == {"TOKEN": "read-only"}
    with extras_of(dataclasses.replace(at, level=PROTECTED), source, "") as extras:
        assert extras.secrets == {"TOKEN": "hunter2"}


def test_layers_of_one_level_are_not_read_by_a_higher_one(at: Run) -> None:  # noqa: F811
    source = BuildSource("web", cache=True)
    with extras_of(at, source, "r.example/web") as extras:
        assert (extras.cache_from, extras.cache_to) == ((), ""), "Shipway's own registry is on this machine"
    plan = Plan("shop", {}, registry=RegistryAccess("r.example"))
    found = {}
    for level in (PROTECTED, STAGING, OTHER):
        with extras_of(dataclasses.replace(at, plan=plan, level=level), source, "r.example/web") as extras:
            found[level] = ([reference.partition(":")[2] for reference in extras.cache_from], extras.cache_to[14:])
    assert found == {
        PROTECTED: (["cache"], "cache"),
        STAGING: (["cache-environment-staging", "cache"], "cache-environment-staging"),
        OTHER: (["cache-other", "cache"], "cache-other"),
    }
    with extras_of(dataclasses.replace(at, plan=plan, caches=False), source, "r.example/web") as extras:
        assert (extras.cache_from, extras.fresh) == ((), True)


def test_a_commit_from_outside_gets_neither_secrets_nor_variables_and_leaves_no_layers(
    at: Run,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = dataclasses.replace(at.plan, registry=RegistryAccess("registry.example/shop"))
    for scope in ("build", "build@any"):
        at.ctx.secrets.set(f"shop/{scope}", "TOKEN", "the-token")
    monkeypatch.setenv(LISTED, "PROXY")
    monkeypatch.setenv("PROXY", "http://proxy")
    for level in (OTHER, PROTECTED, STAGING):
        outside = dataclasses.replace(at, outside=True, level=level, plan=plan)
        assert not outside.granted
        with (
            pytest.raises(SecretError, match="from outside"),
            extras_of(outside, BuildSource("web", secrets=("TOKEN",)), ""),
        ):
            pass
        with pytest.raises(UsageError, match="from outside"):
            build_key(outside, BuildSource("web", variables={"A": "PROXY"}))
        with extras_of(outside, BuildSource("web", cache=True), "registry.example/shop/web") as extras:
            assert (extras.cache_from, extras.cache_to) == ((), "")
