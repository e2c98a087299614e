"""`shipway secret unset`: what is in use stays, and what a rollback needs stays readable."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment.secret_names import require_unused
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.app import open_context
from shipway.cli.output import TerminalReporter
from shipway.domain.errors import SecretError, UsageError
from shipway.domain.release import Release
from shipway.planfile import parse
from tests.unit.cli.secret_home import home_of, run_secret
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

PLAN = """
app: shop
registry: {address: ghcr.io/acme, user: bot, password: TOKEN}
services:
  web: {image: "nginx:1", secrets: [KEY]}
environments: {staging: {url: "http://staging.localhost"}}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return home_of(PLAN, tmp_path, monkeypatch)


def run(home: Path, *words: str, value: bytes = b"") -> str:
    return run_secret(home, *words, value=value).output


def test_one_that_nothing_uses_goes(home: Path) -> None:
    run(home, "set", "staging", "OLD", value=b"value")
    assert "OLD was removed from staging; older versions stay encrypted in the ledger" in run(
        home, "unset", "staging", "OLD"
    )
    assert "OLD" not in run(home, "list", "staging")
    with pytest.raises(UsageError, match="OLD is not set for staging"):
        run(home, "unset", "staging", "OLD")


def test_what_the_plan_uses_stays(home: Path) -> None:
    run(home, "set", "staging", "KEY", value=b"value")
    with pytest.raises(
        UsageError, match="KEY was not removed from staging, since it is used by the plan's service web"
    ) as refused:
        run(home, "unset", "staging", "KEY")
    assert "to change its value: shipway secret set staging KEY" in refused.value.hint
    assert "KEY" in run(home, "list", "staging")


@pytest.mark.parametrize("names", ["", ", names: {DNS_KEY: dns, KEY: key}"])
def test_what_operators_commands_use_stays_where_a_provider_has_the_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: str
) -> None:
    """They read the ledger alone."""
    place = f"""{{url: "https://shop.example", secrets_from: [{{command: vault{names}}}],
      dns: {{provider: powerdns, zone: shop.example, options: {{host: dns}}, secrets: {{api_key: DNS_KEY}}}}}}"""
    plan = parse(PLAN.replace('{url: "http://staging.localhost"}', place), "shipway.yaml")
    world = World(tmp_path)
    with pytest.raises(UsageError, match="DNS_KEY was not removed from staging, since it is used by the plan's dns"):
        require_unused(world.controller(), plan, "staging", "DNS_KEY")
    require_unused(world.controller(), plan, "staging", "KEY")


def test_a_name_that_is_not_set_is_refused_with_those_that_are(home: Path) -> None:
    with open_context(home, TerminalReporter(silent=True)) as ctx:
        ctx.secrets.set("shop/staging", "accessory:db", "generated")
    run(home, "set", "staging", "KEY", value=b"value")
    for name in ("KYE", "accessory:db"):
        with pytest.raises(UsageError, match=f"{name} is not set for staging") as refused:
            run(home, "unset", "staging", name)
        assert refused.value.hint == "set there: KEY"


def test_credentials_of_a_registry_are_removed_by_their_address(home: Path) -> None:
    for address in ("ghcr.io/acme", "ghcr.io/other"):
        run(home, "set", "registry", "TOKEN", "--for", address, value=b"value")
    with pytest.raises(UsageError, match="the plan's registry uses it"):
        run(home, "unset", "registry", "TOKEN", "--for", "ghcr.io/acme")
    assert "TOKEN was removed from ghcr.io/other" in run(home, "unset", "registry", "TOKEN", "--for", "ghcr.io/other")
    assert "ghcr.io/acme" in run(home, "list", "registry")


def test_one_of_several_that_is_used_keeps_all(home: Path) -> None:
    for name in ("OLD", "KEY"):
        run(home, "set", "staging", name, value=b"value")
    with pytest.raises(UsageError, match="KEY was not removed"):
        run(home, "unset", "staging", "OLD", "KEY")
    assert "OLD" in run(home, "list", "staging")


def test_its_former_name_is_told(home: Path) -> None:
    run(home, "set", "staging", "OLD", value=b"value")
    told = run(home, "remove", "staging", "OLD")
    assert "`shipway secret remove` is now `shipway secret unset`" in told
    assert "OLD was removed from staging" in told


def without_secrets(release: Release) -> Release:
    services = {name: dataclasses.replace(item, secrets=()) for name, item in release.plan.services.items()}
    return dataclasses.replace(release, number=0, plan=dataclasses.replace(release.plan, services=services), digest="")


def test_what_the_running_release_uses_stays_and_a_rollback_finds_what_was_removed(tmp_path: Path) -> None:
    world = World(tmp_path)
    first = world.release(1)
    deploy(world.controller(), DeployRequest(first, STAGING))
    second = world.ledger.add_release(without_secrets(world.release(2)))
    ctx = world.controller()
    with pytest.raises(UsageError, match="service backend of release 1"):
        require_unused(ctx, second.plan, "staging", "KEY")
    deploy(ctx, DeployRequest(second, STAGING))
    require_unused(ctx, second.plan, "staging", "KEY")
    assert ctx.secrets.remove("shop/staging", "KEY")
    with pytest.raises(SecretError, match="staging lacks 1 secret"):
        deploy(world.controller(), DeployRequest(first, STAGING))
    rollback(world.controller(), "shop", "staging", RollbackRequest())
    assert world.serving() == {1}
    values = {item.spec.env.get("KEY") for name, item in world.runtime.containers.items() if "_backend_1-" in name}
    assert values == {"secret-key"}
