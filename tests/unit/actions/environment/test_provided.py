"""Secrets from providers: fetched once, before anything changes; then the ledger's copy counts."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest, decide
from shipway.actions.environment.observe import require_secrets
from shipway.actions.environment.secret_lists import secret_states
from shipway.actions.environment.secret_names import require_own
from shipway.actions.operations.adjust import restart
from shipway.actions.operations.rotate import preview, rotate
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.context import Context
from shipway.domain.errors import DeployFailed, SecretError, SecretUnavailable, UsageError
from shipway.domain.provisioned import Infra
from shipway.domain.secret_source import FALLBACK, NEVER, OVERRIDE, Provided, SecretSource
from shipway.domain.secret_value import provider_for
from shipway.testing.faults import Death, Killed
from shipway.testing.memory import Behaviour
from shipway.testing.secrets_provider import MemoryProvider
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

VAULT = SecretSource("vault", "https://vault", "secret/shop")


class Home(World):
    """`provider`: what every source leads to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.provider = MemoryProvider()

    def controller(self, *, dies: Death | None = None, ahead: float = 0.0) -> Context:
        ctx = super().controller(dies=dies, ahead=ahead)
        return dataclasses.replace(ctx, provider=lambda source, scope, content: self.provider)

    def deploy(self, number: int, source: SecretSource = VAULT) -> None:
        environment = dataclasses.replace(STAGING, secrets_from=(source,))
        deploy(self.controller(), DeployRequest(self.release(number, environment=environment), environment))

    def value(self, service: str = "backend") -> str:
        """The variable KEY of the container that takes requests."""
        tables = self.edge.tables.values()
        names = [
            server
            for table in tables
            for route in table["routes"]
            for group in route["groups"]
            for server in group["upstreams"]
        ]
        (name,) = {item.split("//")[1].split(":")[0] for item in names if f"_{service}_" in item}
        return self.runtime.containers[name].spec.env["KEY"]


@pytest.fixture
def world(tmp_path: Path) -> Home:
    world = Home(tmp_path)
    world.provider.write({"KEY": "from-the-vault-1"})
    return world


def containers(world: World, service: str) -> set[str]:
    return {
        item.info.id
        for item in world.runtime.containers.values()
        if item.info.running and item.spec.labels["shipway.name"] == service
    }


def test_the_providers_value_is_used_and_recorded(world: Home) -> None:
    world.deploy(1)
    assert world.value() == "from-the-vault-1"
    assert world.provider.asked == [("KEY",)], "once for a deployment"
    now = world.ledger.current("shop", "staging")
    secrets = world.secrets(world.ledger)
    assert now is not None
    assert now.secrets["KEY"] == 2, "version 1 was set by a person"
    assert now.fingerprints["KEY"] == secrets.fingerprints("shop/staging", "KEY")[1]
    origin = secrets.origins("shop/staging")["KEY"][-1]
    assert (origin.version, origin.source, origin.source_version) == (2, VAULT.text, "1")


def test_secrets_of_the_infrastructure_are_those_of_the_ledger(world: Home) -> None:
    infra = Infra("terraform", "infra", outputs={"hosts": "hosts", "KEY": "key"})
    environment = dataclasses.replace(STAGING, secrets_from=(VAULT,), infra=infra)
    world.provider.write({})
    release = world.release(1, environment=environment)
    deploy(world.controller(), DeployRequest(release, environment))
    assert all("KEY" not in asked for asked in world.provider.asked)
    (state,) = [item for item in secret_states(world.controller(), release.plan, "staging") if item.name == "KEY"]
    assert (state.source, state.missing) == ("", False)
    require_own(release.plan, "staging", ["KEY"])
    world.secrets(world.ledger).remove("shop/staging", "KEY")
    with pytest.raises(SecretError, match="lacks 1 secret: KEY"):
        require_secrets(world.controller(), release.plan, environment, fetched_later=True)
    listed = dataclasses.replace(environment, secrets_from=(dataclasses.replace(VAULT, names={"KEY": "key"}),))
    assert provider_for(listed, "KEY") is not None


@pytest.mark.parametrize("error", [SecretUnavailable("it can't be reached"), None])
def test_nothing_changes_if_it_can_not_be_read_or_lacks_a_name(world: Home, error: SecretError | None) -> None:
    world.deploy(1)
    before = world.state(), dict(world.secrets(world.ledger).names("shop/staging"))
    world.provider.error = error
    world.provider.values.clear()
    with pytest.raises(SecretError, match="it can't be reached" if error else "has no KEY, for KEY") as caught:
        world.deploy(2)
    assert caught.value.__cause__ is None, "what prints it follows the causes"
    assert (world.state(), dict(world.secrets(world.ledger).names("shop/staging"))) == before


@pytest.mark.parametrize(("value", "why"), [(" \n", "blank"), ("a\0b", "NUL byte"), ("x" * 140_000, "at most 128 KiB")])
def test_a_value_that_can_not_be_used_is_not_even_stored(world: Home, value: str, why: str) -> None:
    world.provider.write({"KEY": value})
    with pytest.raises(SecretError, match=why):
        world.deploy(1)
    assert world.secrets(world.ledger).names("shop/staging") == {"KEY": 1}
    assert world.serving() == set()


def test_all_but_a_deployment_works_without_the_provider(world: Home) -> None:
    world.deploy(1)
    world.provider.write({"KEY": "from-the-vault-2"})
    world.deploy(2)
    world.provider.error = SecretUnavailable("it can't be reached")
    restart(world.controller(), "shop", "staging")
    assert world.value() == "from-the-vault-2"
    rollback(world.controller(), "shop", "staging", RollbackRequest(way="keep"))
    assert (world.serving(), world.value()) == ({1}, "from-the-vault-1")
    note = next(text for text in world.notes if "secrets with the values that the release ran with" in text)
    assert f"KEY: version 2 ({VAULT.text}, version 1) instead of version 3 ({VAULT.text}, version 2)" in note
    assert "from-the-vault" not in "\n".join(world.notes)


def test_an_urgent_release_while_the_provider_is_down(world: Home) -> None:
    world.deploy(1)
    world.provider.error = SecretUnavailable("it can't be reached")
    environment = dataclasses.replace(STAGING, secrets_from=(VAULT,))
    order = DeployRequest(world.release(2, environment=environment), environment, provided=Provided())
    deploy(world.controller(), order)
    assert (world.serving(), world.value()) == ({2}, "from-the-vault-1")


def test_a_dry_run_stores_nothing(world: Home) -> None:
    world.deploy(1)
    world.provider.write({"KEY": "from-the-vault-2"})
    environment = dataclasses.replace(STAGING, secrets_from=(VAULT,))
    release = world.ledger.release("shop", 1)
    assert release is not None
    changes = decide(world.controller(), DeployRequest(release, environment), create=False).changeset
    assert "backend" in changes.render()
    assert world.secrets(world.ledger).names("shop/staging")["KEY"] == 2


@pytest.mark.parametrize(
    ("use", "there", "expected"),
    [
        (NEVER, True, "from-the-vault-1"),
        (FALLBACK, True, "from-the-vault-1"),
        (FALLBACK, False, "secret-key"),
        (OVERRIDE, True, "secret-key"),
        (OVERRIDE, False, "secret-key"),
    ],
)
def test_a_value_of_the_ledger_counts_where_the_plan_says_so(world: Home, use: str, there: bool, expected: str) -> None:
    if not there:
        world.provider.values.clear()
    world.deploy(1, dataclasses.replace(VAULT, ledger=use))
    assert world.value() == expected


def test_a_copy_of_the_provider_is_no_fallback_and_no_override(world: Home) -> None:
    world.deploy(1)
    world.provider.values.clear()
    for number, use in ((2, FALLBACK), (3, OVERRIDE)):
        with pytest.raises(SecretError, match="has no KEY"):
            world.deploy(number, dataclasses.replace(VAULT, ledger=use))


def test_a_rotation_replaces_what_uses_changed_values_and_nothing_else(world: Home) -> None:
    world.deploy(1)
    before = {name: containers(world, name) for name in ("backend", "frontend", "worker")}
    assert rotate(world.controller(), "shop", "staging").changed == ()
    world.provider.write({"KEY": "from-the-vault-2"})
    assert "backend" in preview(world.controller(), "shop", "staging")
    assert world.value() == "from-the-vault-1"
    done = rotate(world.controller(), "shop", "staging", reason="quarterly")
    assert (done.changed, done.services, world.value()) == (("KEY",), ("backend",), "from-the-vault-2")
    assert containers(world, "backend") != before["backend"]
    assert {name: containers(world, name) for name in ("frontend", "worker")} == {
        name: before[name] for name in ("frontend", "worker")
    }
    newest = world.ledger.latest("shop", "staging")
    assert newest is not None
    assert newest.reason == "rotate secrets: KEY: quarterly"


def test_a_rotation_that_does_not_become_healthy_leaves_the_old_value(world: Home) -> None:
    world.deploy(1)
    world.provider.write({"KEY": "wrong"})
    world.runtime.behave("*backend*", Behaviour(healthy=False))
    with pytest.raises(DeployFailed):
        rotate(world.controller(), "shop", "staging")
    assert world.value() == "from-the-vault-1"
    world.runtime.behave("*backend*", Behaviour())
    restart(world.controller(), "shop", "staging")
    assert world.value() == "from-the-vault-1", "a restart takes what serves"


def test_a_generated_value(world: Home) -> None:
    deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    assert rotate(world.controller(), "shop", "staging", generate=["KEY"]).changed == ("KEY",)
    assert len(world.value()) > 30
    with pytest.raises(UsageError, match="no value can be generated for NOSUCH"):
        rotate(world.controller(), "shop", "staging", generate=["NOSUCH"])


def test_a_generated_value_of_a_provider_is_refused(world: Home) -> None:
    world.deploy(1)
    with pytest.raises(UsageError, match="KEY comes from vault"):
        rotate(world.controller(), "shop", "staging", generate=["KEY"])


@pytest.mark.every_point
@pytest.mark.parametrize("at", range(1, 60, 4))
def test_a_controller_that_dies_in_a_rotation(world: Home, at: int) -> None:
    world.deploy(1)
    world.provider.write({"KEY": "from-the-vault-2"})
    try:
        rotate(world.controller(dies=Death(at, after=False)), "shop", "staging")
    except Killed:
        pass
    world.now += 1000  # the lock of a dead process ends
    world.provider.error = SecretUnavailable("it can't be reached")  # whoever completes it asks no provider
    restart(world.controller(), "shop", "staging", ["worker"])
    assert world.value() in ("from-the-vault-1", "from-the-vault-2")
    assert world.ledger.pending("shop", "staging") == []
