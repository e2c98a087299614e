"""The desired state that a plan and its settings render to."""

from __future__ import annotations

import dataclasses

from shipway.domain.container import ContainerSpec
from shipway.domain.desired import Settings, render_desired
from shipway.domain.plan import Environment
from shipway.domain.platform import SWARM
from shipway.drivers.accessories import KINDS
from tests.unit.domain import samples
from tests.unit.domain.samples import PRODUCTION, STAGING, settings, wanted


def test_commands_are_split_by_shell_rules_and_drain_is_kept() -> None:
    worker = wanted().workers[0]
    assert worker.command == ("work", "--fast", "two words")
    assert worker.stop_grace == 30


def test_services_get_the_urls_of_accessories_and_only_their_own_secrets() -> None:
    frontend, backend = wanted().web
    assert backend.env["DATABASE_URL"] == "postgresql://shop:db-password@db:5432/shop"
    assert backend.env["KEY"] == "secret-1"
    assert "KEY" not in frontend.env


def test_secrets_hide_themselves() -> None:
    shown = f"{wanted()!r}{settings()!r}"
    assert "secret-1" not in shown
    assert "db-password" not in shown


def test_names_of_two_environments_never_meet() -> None:
    def names(specs: tuple[ContainerSpec, ...]) -> set[str]:
        return {spec.name for spec in specs}

    one, two = wanted(1), wanted(1, PRODUCTION)
    assert not names(one.services + one.accessories) & names(two.services + two.accessories)
    assert one.publish[0].address == "127.0.0.1"
    assert two.publish[0].address == "0.0.0.0"


def test_secrets_of_an_environment_reach_every_service() -> None:
    where = dataclasses.replace(STAGING, secrets=("KEY", "DSN"))
    given = Settings("v1", {"KEY": "k", "DSN": "d"}, {"KEY": 1, "DSN": 3}, {"db": "pw"}, kinds=KINDS)
    found = render_desired(samples.release(1), where, given)
    env = {spec.labels["shipway.name"]: spec.env for spec in (*found.web, *found.workers)}
    assert {name: (item["KEY"], item["DSN"]) for name, item in env.items()} == dict.fromkeys(env, ("k", "d"))
    assert set(env) == {"frontend", "backend", "worker"}
    again = render_desired(samples.release(1), where, dataclasses.replace(given, versions={"KEY": 1, "DSN": 4}))
    assert {spec.name for spec in found.web} & {spec.name for spec in again.web} == set(), "a new version replaces all"


def test_where_the_platform_ends_containers_each_request_has_a_connection_of_its_own() -> None:
    def fresh(environment: Environment) -> list[bool]:
        found = render_desired(samples.release(1), environment, settings())
        assert found.routes
        return ["fresh" in item for item in found.routes["routes"]]

    assert set(fresh(STAGING)) == {False}
    assert set(fresh(dataclasses.replace(STAGING, platform=SWARM))) == {True}
