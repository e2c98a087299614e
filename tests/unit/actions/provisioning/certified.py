"""An app on two hosts whose certificate is obtained by DNS."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.provisioning.certificate import renew_due
from shipway.actions.provisioning.in_force import Governed
from shipway.context import Context
from shipway.domain.certificate import BUNDLE
from shipway.domain.dns import record_set
from shipway.domain.names import route_owner
from shipway.domain.plan import LOCAL, Host
from shipway.domain.provision import CERTIFICATE
from shipway.domain.provisioned import Dns
from shipway.domain.routing import Tls
from shipway.testing.memory_authority import MemoryAuthority
from shipway.testing.memory_dns import MemoryDns
from tests.unit.domain import samples
from tests.unit.world import World

ZONE, CHALLENGE, SCOPE = "a.example", "_acme-challenge.a.example", "shop/staging"
OWNER = route_owner("shop", "staging")
STAGING = dataclasses.replace(
    samples.STAGING, url="https://a.example", aliases=("*.a.example",), tls=Tls(acme="ops@a.example"),
    dns=Dns("memory", ZONE, secrets={"api_key": "DNS_KEY"}, servers=("192.0.2.53", "192.0.2.54")),
    hosts=(Host(LOCAL), Host("ssh://two")),
)  # fmt: skip
FOREIGN = record_set(CHALLENGE, "TXT", 300, ["of someone else"])


class Shop:
    """An app on two hosts, its zone, and a CA."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder, [LOCAL, "ssh://two"])
        self.dns = MemoryDns({ZONE: [FOREIGN]})
        shown: Callable[[str], Any] = lambda name: self.dns.ask("x", "authoritative", name, "TXT").values or ()  # noqa: E731
        self.ca = MemoryAuthority(shown, lambda: self.world.now)
        self.secrets = self.world.secrets(self.world.ledger)
        self.secrets.set(SCOPE, "DNS_KEY", "right")
        self.place = STAGING

    def context(self) -> Context:
        found: Any = dataclasses.replace(
            self.world.controller(), dns=lambda settings, secrets: self.dns.open(secrets["api_key"]),
            lookup=lambda: self.dns, authority=lambda tls: self.ca,
        )  # fmt: skip
        return found

    def governed(self, *_: object) -> Governed:
        plan = dataclasses.replace(samples.PLAN, environments={"staging": self.place})
        return Governed(self.context(), plan, self.place, "main", "0123456789ab", "staging", lambda: None)  # type: ignore[arg-type, return-value]

    def tick(self, ctx: Context | None = None) -> None:
        renew_due(ctx or self.context(), None, self.governed)

    def deploy(self, number: int = 1) -> Any:
        made = self.world.release(number, environment=self.place)
        deploy(self.context(), DeployRequest(made, self.place))
        return made

    @property
    def bundle(self) -> str:
        return self.secrets.get(SCOPE, BUNDLE) or ""

    def served(self) -> list[str]:
        """The certificate that each edge has."""
        return [item.edge.tables[OWNER]["certificates"][0] for item in self.world.engines.values()]

    def proofs(self) -> tuple[str, ...]:
        return self.dns.zones[ZONE][CHALLENGE, "TXT"].values

    def outcomes(self) -> list[str]:
        return [item.outcome for item in self.world.ledger.provisions("shop", "staging", CERTIFICATE)]


@pytest.fixture
def shop(tmp_path: Path) -> Any:
    made = Shop(tmp_path)
    yield made
    made.world.close()
