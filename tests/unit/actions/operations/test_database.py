"""Clients of accessories, and consoles of frameworks."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.operations.command import Person
from shipway.actions.operations.console import console
from shipway.actions.operations.database import database
from shipway.domain.console import Console
from shipway.domain.container import ContainerSpec
from shipway.domain.errors import UsageError
from shipway.domain.operation import CONSOLE, DATABASE
from shipway.testing.memory import Behaviour
from tests.unit.actions.operations.test_command import Screen
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

CONSOLES = (
    Console("One", ("one", "console"), ("one.txt",), pattern="(?m)^one"),
    Console("Two", ("two",), ("two.txt",), variable="TWO_APP"),
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World.deployed(tmp_path, STAGING, 1)
    world.runtime.behave("*_session_*", Behaviour(exit_code=2))
    return world


@pytest.fixture
def made(world: World) -> list[ContainerSpec]:
    """Specifications of all containers that are created from now on."""
    found: list[ContainerSpec] = []
    real = world.runtime.create
    world.runtime.create = lambda spec: found.append(spec) or real(spec)  # type: ignore[method-assign, func-returns-value]
    return found


def open_db(world: World, *arguments: str, name: str | None = None, read_only: bool = False) -> int:
    person = Person(Screen(), DATABASE)
    return database(world.controller(), "shop", "staging", name, arguments, person, read_only=read_only)


def test_the_database_with_its_address(world: World, made: list[ContainerSpec]) -> None:
    assert open_db(world, "-c", "SELECT 1") == 2
    (spec,) = made
    assert (spec.entrypoint, spec.command, spec.image) == (("psql",), ("-c", "SELECT 1"), "postgres:15")
    password = world.secrets(world.ledger).get("shop/staging", "accessory:db")
    assert spec.env == {
        "PGHOST": "db", "PGPORT": "5432", "PGUSER": "shop", "PGPASSWORD": password, "PGDATABASE": "shop",
    }  # fmt: skip
    assert spec.networks == {"shipway_shop_staging": ()}
    (found,) = world.ledger.operations("shop")
    assert (found.kind, found.service, found.detail, found.code) == ("db", "db", "client -c 'SELECT 1'", 2)


def test_only_reading(world: World, made: list[ContainerSpec]) -> None:
    open_db(world, read_only=True)
    assert made[0].env["PGOPTIONS"] == "-c default_transaction_read_only=on"
    assert world.ledger.operations("shop")[0].detail == "read-only client"


def test_what_is_no_database(world: World) -> None:
    with pytest.raises(UsageError, match="no service or accessory 'cache'"):
        open_db(world, name="cache")
    with pytest.raises(UsageError, match="backend is a service"):
        open_db(world, name="backend")


def run_console(world: World, service: str | None = None) -> int:
    ctx = dataclasses.replace(world.controller(), consoles=CONSOLES)
    return console(ctx, "shop", "staging", service, Person(Screen(), CONSOLE))


def test_a_console_is_found_in_the_image(world: World, made: list[ContainerSpec]) -> None:
    world.runtime.behave("*_console_*", Behaviour(files={"/app/one.txt": b"one\n"}))
    assert run_console(world) == 2
    assert made[-1].entrypoint == ("one",)
    assert made[-1].labels["shipway.name"] == "backend", "the service with the migrations"
    assert world.ledger.operations("shop")[0].kind == "console"
    assert "One of backend: one console" in world.notes
    assert not [name for name in world.runtime.containers if "_console" in name]


def test_a_file_with_something_else_is_none(world: World) -> None:
    world.runtime.behave("*_console_*", Behaviour(files={"/app/one.txt": b"not one\n"}))
    with pytest.raises(UsageError, match=r"the images of backend, frontend, worker has none of one.txt, two.txt"):
        run_console(world)
    with pytest.raises(UsageError, match=r"the image of worker has none of one.txt, two.txt") as caught:
        run_console(world, "worker")
    assert caught.value.hint == "run its command: shipway exec staging worker -- COMMAND"


def test_a_console_is_no_accessory(world: World) -> None:
    with pytest.raises(UsageError, match="db is an accessory"):
        run_console(world, "db")
