"""Names that apps and environments have and had: each finds what it was given to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shipway.domain.errors import PlanError
from shipway.domain.moving import move_of
from shipway.domain.plan import Environment, Plan, Step, Trigger
from shipway.domain.renaming import Names, Renaming
from shipway.planfile import parse


def renamed(environment: str, name: str, app: str = "shop") -> Renaming:
    return Renaming(app, environment, name, "ada@example.org", "", 1.0)


NAMES = Names(
    [renamed("", "store"), renamed("prod", "production"), renamed("prod", "live"), renamed("prod", "de", "blog")]
)
PLAN = Plan(
    "store", {},
    environments={
        "staging": Environment("staging", "http://staging.localhost"),
        "live": Environment("live", "http://localhost", Trigger(tag="v*"), after="staging"),
        "next": Environment("next", "http://next.localhost", after="production"),
    },
    pipeline={"proof": Step("proof", prove="live"), "unit": Step("unit")},
)  # fmt: skip


def test_every_name_finds_what_it_was_given_to() -> None:
    assert [NAMES.app(name) for name in ("shop", "store", "other")] == ["shop", "shop", "other"]
    assert [NAMES.environment("shop", name) for name in ("prod", "production", "live", "de")] == [
        "prod",
        "prod",
        "prod",
        "de",
    ]
    assert NAMES.environment("blog", "live") == "live", "of another app"


def test_the_newest_name_is_shown() -> None:
    assert NAMES.shown("shop") == "store"
    assert NAMES.shown("shop", "prod") == "live"
    assert NAMES.shown("shop", "staging") == "staging"
    assert Names([renamed("prod", "live"), renamed("prod", "prod")]).shown("shop", "prod") == "prod", "and back"


def test_a_plan_gets_the_first_names_in_all_its_places() -> None:
    found = NAMES.plan(PLAN)
    assert found.app == "shop"
    assert list(found.environments) == ["staging", "prod", "next"]
    assert found.environments["prod"] == replace(PLAN.environments["live"], name="prod")
    assert found.environments["next"].after == "prod"
    assert found.pipeline["proof"].prove == "prod"
    assert found.pipeline["unit"] is PLAN.pipeline["unit"]
    assert NAMES.plan(found) == found, "a plan with the old names means the same"


def test_in_a_cluster_it_stays_in_its_namespace() -> None:
    text = """
app: store
registry: {address: registry.example}
services: {web: {image: "caddy:2"}}
environments:
  live: {url: "http://a.example", platform: kubernetes}
  next: {url: "http://b.example", platform: {kubernetes: {namespace: own}}}
"""
    found = NAMES.plan(parse(text, "shipway.yaml", files=lambda path: True))
    hosts = {name: item.hosts[0].name for name, item in found.environments.items()}
    assert hosts == {"prod": "kubernetes:/shop-prod", "next": "kubernetes:/own"}
    was = replace(found, environments={"prod": found.environments["prod"]})
    assert move_of(was, "prod", found.environments["prod"]) is None


def test_a_plan_without_renamings_is_untouched() -> None:
    other = replace(PLAN, app="other")
    assert NAMES.plan(other) is other
    assert Names().plan(PLAN) is PLAN


def test_two_names_of_one_environment_are_refused() -> None:
    both = replace(PLAN, environments={**PLAN.environments, "prod": Environment("prod", "http://localhost")})
    with pytest.raises(
        PlanError, match="live and prod are names of one environment, which is called live now"
    ) as caught:
        NAMES.plan(both)
    assert caught.value.hint.startswith("remove prod from the plan")
