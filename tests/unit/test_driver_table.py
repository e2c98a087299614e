"""A driver that is missing from the table, or a line of the table without its driver, is found here."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

import shipway.drivers
from shipway import ports
from shipway.domain.errors import UsageError
from shipway.drivers import DRIVERS, driver
from shipway.planfile.kinds import Choice
from shipway.planfile.sections import DATABASE

FOLDER = Path(shipway.drivers.__file__).parent
PROTOCOLS = {
    "runtime": ports.Runtime,
    "hosts": ports.Host,
    "host_setup": ports.HostSetup,
    "images": ports.Images,
    "registry": ports.Registry,
    "dns": ports.DnsProvider,
    "lookup": ports.DnsLookup,
    "infra": ports.InfraTool,
    "platform": ports.Platform,
    "edge": ports.Edge,
    "cdn": ports.CdnProvider,
    "forge": ports.Forge,
    "notifier": ports.Notifier,
    "secrets": ports.Secrets,
    "secret_provider": ports.SecretProvider,
    "project": ports.ProjectSource,
    "database": ports.DatabaseTool,
    "scratch": ports.Scratch,
    "server": ports.DatabaseServer,
    "authority": ports.CertificateAuthority,
    "lint": ports.Linter,
    "backups": ports.BackupStore,
    "sbom": ports.SbomTool,
}
HELPERS = {"runtime": {"engine"}}  # in the table, because the composition root makes it; no driver by itself


def methods(protocol: type) -> set[str]:
    return {
        name
        for name, value in vars(protocol).items()
        if not name.startswith("_") and (callable(value) or isinstance(value, property))
    }


def found(kind: str) -> set[str]:
    """All classes in the kind's folder that have every method of its protocol, as the table writes them."""
    targets = set()
    for path in (FOLDER / kind).glob("*.py"):
        module = f"shipway.drivers.{kind}" if path.stem == "__init__" else f"shipway.drivers.{kind}.{path.stem}"
        for name, item in inspect.getmembers(importlib.import_module(module), inspect.isclass):
            complete = methods(PROTOCOLS[kind]) <= set(dir(item)) and not inspect.isabstract(item)
            if item.__module__ == module and complete and not name.startswith("_"):
                targets.add(f"{module}:{name}")
    return targets


def test_every_kind_has_a_folder_and_a_protocol() -> None:
    folders = {path.parent.name for path in FOLDER.glob("*/__init__.py")}
    assert folders == set(DRIVERS) == set(PROTOCOLS)


@pytest.mark.parametrize("kind", sorted(PROTOCOLS))
def test_the_table_has_exactly_the_drivers_that_are_there(kind: str) -> None:
    listed = {target for name, target in DRIVERS[kind].items() if name not in HELPERS.get(kind, set())}
    assert listed == found(kind)


def test_every_line_leads_to_a_class() -> None:
    for kind, lines in DRIVERS.items():
        for name in lines:
            assert inspect.isclass(driver(kind, name))


def test_what_is_not_in_the_table() -> None:
    with pytest.raises(UsageError, match="no edge driver 'nosuch'") as caught:
        driver("edge", "nosuch")
    assert "traefik" in caught.value.hint
    with pytest.raises(UsageError, match="no nosuch driver"):
        driver("nosuch", "x")


def test_every_migration_tool_can_be_planned_and_made() -> None:
    tools = DATABASE.fields["tool"]
    assert isinstance(tools, Choice)
    assert set(tools.values) == set(DRIVERS["database"]) - {"bare"}  # for folders that no plan speaks of
    for name in tools.values:
        asked = set(inspect.signature(driver("database", name)).parameters)
        assert asked <= {"run", "client", "files", "folder", "commands", "cache", "start", "image", "kind"}, (
            f"services._tool has nothing else for {name}"
        )
