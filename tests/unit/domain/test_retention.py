"""What stays and what may go, as tables."""

from __future__ import annotations

import dataclasses

from shipway.domain.image import ImageInfo, repository_of
from shipway.domain.plan import Service
from shipway.domain.release import DESTROY, FAILED, PENDING, Deployment, Release
from shipway.domain.retention import Known, built_images, kept_releases, sort_images
from tests.unit.domain.samples import PLAN, PRODUCTION, STAGING, deployment, release


def releases(newest: int, *, staging: int = 5, production: int = 5) -> list[Release]:
    """1 to newest, newest first."""
    environments = {
        "staging": dataclasses.replace(STAGING, retain=staging),
        "production": dataclasses.replace(PRODUCTION, retain=production),
    }
    plan = dataclasses.replace(PLAN, environments=environments)
    return [dataclasses.replace(release(number), plan=plan) for number in range(newest, 0, -1)]


def history(*numbers: int, environment: str = "staging") -> list[Deployment]:
    """All good; oldest first as written, newest first as the ledger gives them."""
    return [deployment(index, number, environment=environment) for index, number in enumerate(numbers, 1)][::-1]


def test_the_current_one_and_those_before_it() -> None:
    kept = kept_releases({"staging": history(*range(1, 11))}, releases(10, staging=3))
    assert kept == {
        10: "serves in staging",
        **dict.fromkeys((9, 8, 7), "one of the last 3 good releases of staging"),
    }


def test_many_deployments_to_one_environment_take_nothing_from_another() -> None:
    histories = {"staging": history(*range(1, 41)), "production": history(1, 2, 3, environment="production")}
    kept = kept_releases(histories, releases(40, staging=2, production=2))
    assert [number for number, why in kept.items() if "staging" in why] == [40, 39, 38]
    assert (kept[3], {1, 2} <= set(kept)) == ("serves in production", True)


def test_failures_do_not_count() -> None:
    past = history(1, 2, 3, 4, 5)
    past[1] = dataclasses.replace(past[1], outcome=FAILED)
    past[2] = dataclasses.replace(past[2], outcome=FAILED)
    assert sorted(kept_releases({"staging": past}, releases(5, staging=2))) == [1, 2, 5]


def test_after_a_rollback_both_ways_stay_open() -> None:
    kept = kept_releases({"staging": history(1, 2, 3, 4, 5, 3)}, releases(5, staging=1))
    assert sorted(kept) == [2, 3, 5]  # 5 was left last; 2 is where the next rollback goes
    assert kept[3] == "serves in staging"


def test_what_is_under_way_and_what_is_still_to_come() -> None:
    past = [deployment(9, 2, PENDING), *history(7)]
    kept = kept_releases(
        {"staging": past, "production": history(7, environment="production")}, releases(20, staging=1, production=3)
    )
    assert kept[2] == "is being deployed to staging"
    assert kept[20] == "may still be deployed to staging"
    assert sorted(number for number, why in kept.items() if why == "may still be deployed to production") == [18, 19]


def test_an_environment_that_was_never_deployed_or_was_destroyed() -> None:
    destroyed = [dataclasses.replace(deployment(9, 4), kind=DESTROY), *history(1, 2, 3, 4)]
    for past in ([], destroyed):
        assert sorted(kept_releases({"staging": past}, releases(6, staging=2))) == [5, 6]


def test_none_to_go_back_to() -> None:
    assert sorted(kept_releases({"staging": history(1, 2, 3)}, releases(3, staging=0))) == [3]


def test_images_that_the_team_does_not_build_are_nobodys() -> None:
    services = {**PLAN.services, "cache": Service("cache", image="redis:7")}
    made = dataclasses.replace(release(1, cache="redis@sha256:1"), plan=dataclasses.replace(PLAN, services=services))
    made = dataclasses.replace(made, images={**made.images, "check:smoke": "registry/shop/check-smoke@sha256:2"})
    assert "redis@sha256:1" not in built_images(made)
    assert "registry/shop/check-smoke@sha256:2" in built_images(made)
    assert len(built_images(made)) == 4


WEB = "127.0.0.1:5055/shop/web"
KNOWN = Known(
    releases={f"{WEB}@sha256:1": 1, f"{WEB}@sha256:2": 2, f"{WEB}@sha256:3": 3},
    revisions={"rev1", "rev2", "rev3", "rev4"},
    kept={f"{WEB}@sha256:3": "release 3: serves in staging", f"{WEB}:rev4": "run 4 is under way"},
    steps="shipway-step/shop",
    step_images={"shipway-step/shop:used"},
    fresh=1000.0,
)


def image(identity: str, *names: str, created: float = 0.0) -> ImageInfo:
    return ImageInfo(identity, names, 1, created)


def decided(*images: ImageInfo, used: set[str] | None = None) -> dict[str, str]:
    """By image: what happens to it and why; nothing where it isn't mentioned."""
    going, staying = sort_images(images, used or set(), KNOWN)
    taken = {item.image.id: f"takes {' '.join(item.names)}: {item.reason}" for item in going}
    return {**taken, **{item.image.id: f"stays: {item.reason}" for item in staying}}


def test_images_of_a_release() -> None:
    assert decided(
        image("a", f"{WEB}:rev1", f"{WEB}@sha256:1"),
        image("b", f"{WEB}@sha256:2"),
        image("c", f"{WEB}:rev3", f"{WEB}@sha256:3"),
    ) == {
        "a": f"takes {WEB}:rev1 {WEB}@sha256:1: release 1",
        "b": f"takes {WEB}@sha256:2: release 2",
        "c": "stays: release 3: serves in staging",
    }


def test_a_kept_image_keeps_all_its_names() -> None:
    """With the last tag of a repository the engine would drop the digest that a rollback asks for."""
    assert decided(image("a", f"{WEB}:rev1", f"{WEB}@sha256:3")) == {"a": "stays: release 3: serves in staging"}


def test_other_peoples_images_and_names_are_not_touched() -> None:
    assert decided(
        image("a", "postgres:15", "postgres@sha256:1"),
        image("b"),
        image("c", "127.0.0.1:5055/shop-two/web:rev1"),
        image("d", "registry.example/shop/web:rev1"),
        image("e", f"{WEB}:rev1", "mine:1", "127.0.0.1:5055/other/web:rev1"),
        image("f", "shipway-step/shop-two:used"),
    ) == {"e": f"takes {WEB}:rev1: part of no release"}


def test_what_the_ledger_does_not_know_stays() -> None:
    assert decided(image("a", f"{WEB}:by-hand"), image("b", f"{WEB}@sha256:99")) == {
        "a": "stays: unknown to this ledger",
        "b": "stays: unknown to this ledger",
    }


def test_what_runs_and_what_is_being_built_stays() -> None:
    images = (image("a", f"{WEB}@sha256:1"), image("b", f"{WEB}@sha256:2"), image("c", f"{WEB}:rev4"))
    assert decided(*images, used={"a", f"{WEB}@sha256:2"}) == {
        "a": "stays: a container uses it",
        "b": "stays: a container uses it",
        "c": "stays: run 4 is under way",
    }


def test_images_of_steps() -> None:
    assert decided(
        image("a", "shipway-step/shop:used"),
        image("b", "shipway-step/shop:new", created=1001.0),
        image("c", "shipway-step/shop:old", created=999.0),
    ) == {
        "a": "stays: steps of recent runs used it",
        "b": "stays: a new image of a step",
        "c": "takes shipway-step/shop:old: no recent run used it",
    }


def test_repositories() -> None:
    assert repository_of("a:1") == repository_of("a@sha256:1") == repository_of("a") == "a"
    assert (
        repository_of("host:5055/a/b")
        == repository_of("host:5055/a/b:t")
        == repository_of("host:5055/a/b@sha256:1")
        == "host:5055/a/b"
    )
