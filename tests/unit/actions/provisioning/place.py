"""A repository behind ssh whose protected branch has DNS and infrastructure, and providers of both in memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.environment.environments import KnownApp, known_app
from shipway.actions.provisioning.in_force import Governed, governed
from shipway.app import plan_parser
from shipway.context import Context
from shipway.domain.dns import record_set
from shipway.domain.infra import InfraPlace, Output
from shipway.domain.provisioned import Dns, Infra
from shipway.domain.registration import Registration
from shipway.drivers.project.work_tree import WorkTree
from shipway.testing.memory_dns import MemoryDns
from shipway.testing.memory_infra import MemoryInfra
from tests.unit.system.repositories import ADA, bare, commit, git, repository
from tests.unit.world import World

ZONE = "shop.example"
PLAN = """
app: shop
services: {web: {image: "nginx:1", port: 80, route: /, health: {path: /}}}
environments:
  production:
    url: https://shop.example
    redirects: [www.shop.example]
    dns: {provider: powerdns, zone: shop.example, options: {host: dns.shop.example}, secrets: {api_key: DNS_KEY}}
    infra:
      tool: terraform
      folder: infra
      variables: {region: eu}
      secrets: [CLOUD_TOKEN]
      outputs: {hosts: hosts, addresses: addresses, DATABASE_URL: database_url}
"""
URL = "postgres://shop:correct-horse@db/shop"
RESULTS: Mapping[str, Output] = {
    "hosts": Output(["ssh://deploy@192.0.2.10"]),
    "addresses": Output(["192.0.2.10"]),
    "database_url": Output(URL, sensitive=True),
}


class Place:
    """The working tree is `work`, its remote ssh://git@server/….git. sent: keys that a provider got, by its host. code: the files of
    infrastructure that a tool saw."""

    def __init__(self, folder: Path, plan: str = PLAN, *, registered: bool = True) -> None:
        self.work = repository(folder / "work", {"shipway.yaml": plan, "infra/main.tf": "protected"})
        self.bare = bare(self.work, folder / "shop.git")
        self.url = f"ssh://git@server{self.bare}"
        git(self.work, "remote", "add", "origin", self.url)
        self.world = World(folder / "home")
        if registered:
            self.world.ledger.register(Registration("shop", self.url, "shipway.yaml", "main", "", ADA, 1.0))
        self.dns = MemoryDns({ZONE: [record_set(ZONE, "MX", 300, ["10 mail.example.net."])]})
        self.infra = MemoryInfra({"server.web": "one", "thing.database": "one"}, RESULTS)
        self.sent: dict[str, str] = {}
        self.code: list[str] = []
        self.secrets: dict[str, str] = {}
        for name in ("DNS_KEY", "CLOUD_TOKEN"):
            self.world.secrets(self.world.ledger).set("shop/production", name, f"value-of-{name}")

    def context(self) -> Context:
        def dns(settings: Dns, secrets: Mapping[str, str]) -> MemoryDns:
            self.sent[settings.options["host"]] = secrets["api_key"]
            return self.dns

        def infra(settings: Infra, place: InfraPlace) -> MemoryInfra:
            self.code.append((place.source / "main.tf").read_text())
            self.secrets = dict(place.secrets)
            return self.infra

        found: Any = dataclasses.replace(
            self.world.controller(), actor=ADA, dns=dns, lookup=lambda: self.dns, infra=infra
        )
        return found

    def known(self, ctx: Context) -> KnownApp:
        from shipway.app import load_plan

        return known_app(ctx, WorkTree(self.work, load_plan(ctx.home, self.work / "shipway.yaml")))

    def governed(self) -> Governed:
        ctx = self.context()
        return governed(ctx, self.known(ctx), plan_parser(ctx), "production")

    def push(self, files: Mapping[str, str], branch: str = "main") -> None:
        if branch != "main":
            git(self.work, "switch", "--quiet", "--create", branch)
        commit(self.work, files)
        git(self.work, "push", "--quiet", str(self.bare), branch)


def by_ssh(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git reaches ssh://git@server/PATH: the server is this machine."""
    script = folder / "ssh"
    script.write_text('#!/bin/sh\nshift\nexec sh -c "$*"\n')
    script.chmod(0o755)
    for name, value in {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_SSH": str(script), "GIT_SSH_VARIANT": "simple"}.items():
        monkeypatch.setenv(name, value)
