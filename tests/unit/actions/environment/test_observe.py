"""A team shares a ledger; the second machine has a home of its own: no password is invented, and no secret is mistaken."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment.observe import settings
from shipway.actions.environment.secret_lists import read_import, secret_states
from shipway.context import Context
from shipway.domain.desired import render_desired
from shipway.domain.errors import KeyMissing, SecretError
from shipway.domain.plan import Plan, Service
from shipway.domain.release import Release
from shipway.drivers.secrets.key import Keys
from shipway.drivers.secrets.ledger import LedgerSecrets
from shipway.store import open_ledger
from tests.unit.domain.samples import STAGING
from tests.unit.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "first")


def without_secrets(world: World, number: int) -> Release:
    """A release that needs the database's password alone."""
    release = world.release(number)
    plan = dataclasses.replace(
        release.plan,
        services={name: dataclasses.replace(item, secrets=()) for name, item in release.plan.services.items()},
    )
    return world.ledger.add_release(dataclasses.replace(release, plan=plan, digest=""))


def elsewhere(world: World, tmp_path: Path) -> Context:
    """A process of another machine, which lacks the key."""
    ctx = world.controller()
    return dataclasses.replace(ctx, home=tmp_path, secrets=LedgerSecrets(ctx.ledger, Keys(tmp_path / "second" / "key")))


def urls(world: World, release: int) -> set[str]:
    found = [
        item.spec.env
        for item in world.runtime.containers.values()
        if item.info.labels.get("shipway.release") == str(release)
    ]
    return {env["DATABASE_URL"] for env in found}


def test_it_takes_the_password_of_the_running_database(world: World, tmp_path: Path) -> None:
    first, second = without_secrets(world, 1), without_secrets(world, 2)
    deploy(world.controller(), DeployRequest(first, STAGING))
    deploy(elsewhere(world, tmp_path), DeployRequest(second, STAGING))
    assert urls(world, first.number) == urls(world, second.number)
    assert not (tmp_path / "second" / "key").exists()


def test_it_is_refused_before_any_change_where_a_secret_is_needed(world: World, tmp_path: Path) -> None:
    deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    before = world.state()
    with pytest.raises(KeyMissing) as caught:
        deploy(elsewhere(world, tmp_path), DeployRequest(world.release(2), STAGING))
    assert "shipway key import" in caught.value.hint
    assert world.state() == before


def test_it_is_refused_where_no_database_runs_that_knows_the_password(world: World, tmp_path: Path) -> None:
    deploy(world.controller(), DeployRequest(without_secrets(world, 1), STAGING))
    world.runtime.remove("shop_staging_db")
    before = world.state()
    with pytest.raises(KeyMissing):
        deploy(elsewhere(world, tmp_path), DeployRequest(without_secrets(world, 2), STAGING))
    assert world.state() == before


def test_no_password_is_invented_for_a_database_that_runs(world: World, tmp_path: Path) -> None:
    """The first machine still has its secrets in files of before; the second one comes first."""
    first, second = without_secrets(world, 1), without_secrets(world, 2)
    deploy(world.controller(), DeployRequest(first, STAGING))
    ctx = world.controller()
    without = open_ledger(tmp_path / "empty.db")
    deploy(
        dataclasses.replace(ctx, secrets=LedgerSecrets(without, Keys(tmp_path / "key"))), DeployRequest(second, STAGING)
    )
    without.close()
    assert urls(world, first.number) == urls(world, second.number)


def test_a_deployments_secret_is_found_by_its_fingerprint(world: World, tmp_path: Path) -> None:
    release = world.release(1)
    deploy(world.controller(), DeployRequest(release, STAGING))
    then = world.ledger.deployments("shop", "staging")[0]
    assert (then.secrets, list(then.fingerprints)) == ({"KEY": 1}, ["KEY"])
    world.secrets(world.ledger).set("shop/staging", "KEY", "newer")
    assert settings(world.controller(), release, STAGING).secrets["KEY"] == "newer"
    assert settings(world.controller(), release, STAGING, like=then).secrets["KEY"] == "secret-key"
    moved = dataclasses.replace(then, secrets={"KEY": 7})
    assert settings(world.controller(), release, STAGING, like=moved).versions == {"KEY": 1}
    old = dataclasses.replace(then, secrets={"KEY": 2}, fingerprints={})
    assert settings(world.controller(), release, STAGING, like=old).secrets["KEY"] == "newer"
    lost = dataclasses.replace(then, fingerprints={"KEY": "other"})
    assert settings(world.controller(), release, STAGING, like=lost).secrets["KEY"] == "newer"


def test_an_optional_secret_may_be_unset(tmp_path: Path) -> None:
    world = World(tmp_path)
    ctx = world.controller()
    web = Service(
        "web", image="web:1", secrets=("TOKEN", "DSN", "CERT"), secret_files=("CERT",), optional_secrets=("DSN", "CERT")
    )
    other = Service("other", image="web:1", secrets=("CERT",))
    where = dataclasses.replace(STAGING, secrets=("METRICS",), optional_secrets=("METRICS",))
    plan = Plan("shop", {"web": web}, environments={"staging": where})
    made = Release(1, "shop", "a" * 40, "t", (), "s", {"web": "web@sha256:1", "other": "web@sha256:1"}, plan, 1, 0.0)
    with pytest.raises(SecretError, match="staging lacks 1 secret: TOKEN"):
        settings(ctx, made, where)
    ctx.secrets.set("shop/staging", "TOKEN", "value-of-token")
    spec = render_desired(made, where, settings(ctx, made, where)).workers[0]
    assert [name for name in spec.env if not name.startswith("SHIPWAY_")] == ["TOKEN"]
    assert dict(spec.files) == {}
    states = {item.name: (item.missing, item.optional) for item in secret_states(ctx, plan, "staging") if item.used_by}
    assert states == {"TOKEN": (False, False), "DSN": (False, True), "CERT": (False, True), "METRICS": (False, True)}
    for name in ("DSN", "CERT", "METRICS"):
        ctx.secrets.set("shop/staging", name, f"value-of-{name}")
    later = render_desired(made, where, settings(ctx, made, where)).workers[0]
    assert (later.env["DSN"], later.env["CERT_FILE"]) == ("value-of-DSN", "/run/secrets/CERT")
    assert later.name != spec.name, "the next deployment uses them"
    strict = dataclasses.replace(plan, services={"web": web, "other": other})
    ctx.secrets.remove("shop/staging", "CERT")
    with pytest.raises(SecretError, match="staging lacks 1 secret: CERT"):
        settings(ctx, dataclasses.replace(made, plan=strict, digest=""), where)
    imported = read_import(ctx, strict, where, "TOKEN=another-value\nNOPE=1\n", every=False)
    assert (imported.missing, imported.unused) == (("CERT",), ("NOPE",))
    world.close()
