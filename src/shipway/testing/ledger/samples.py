"""Records that the suites append to a ledger."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from shipway.domain.launch import LaunchRecord
from shipway.domain.operation import Operation
from shipway.domain.plan import Plan, Service
from shipway.domain.registration import AcceptedRules, Registration
from shipway.domain.release import Deployment, Release, Waiver
from shipway.domain.renaming import Renaming
from shipway.domain.snapshot import Snapshot
from shipway.ports import DeploymentLedger

PLAN = Plan("shop", {"web": Service("web", image="redis:7", secrets=("KEY",))})
RELEASE = Release(
    0, "shop", "a" * 40, "tree-1", ("ada@example.org",), "first", {"web": "r/web@sha256:1"}, PLAN, 1, 5.0, "0001"
)
DEPLOYMENT = Deployment(0, "shop", "staging", 1, "deploy", "ada@example.org", "because", 10.0, {"KEY": 2})
WAIVER = Waiver("shop", "staging", 1, "sha256:1", "DATA_LOST, old code SAFE", "eve@example.org", "known", 1.0, 2.5)
SNAPSHOT = Snapshot(
    "shop", "staging", 0, 1, "0001", 5.0, "ada@example.org", "asked for", "a.dump", 7, "sha", {"public.pets": 3}
)
REGISTRATION = Registration(
    "shop",
    "git@git.example:acme/shop.git",
    "shipway.yaml",
    "main",
    "b" * 40,
    "ada@example.org",
    1.5,
    "/srv/git/shop.git",
    "moved",
)
OPERATION = Operation(
    0, "shop", "staging", 1, "exec", "web", "ada@example.org", "ada@laptop", "flask users --add eve", 11.5
)
ACCEPTED = AcceptedRules("shop", "production", PLAN, ("sha256:1",), "eve@example.org", "the branch was renamed", 2.5)
LAUNCH = LaunchRecord("shop", "staging", "seed", "succeeded", 1, "flask seed", "ada@example.org", 2.5)
RENAMING = Renaming("shop", "prod", "live", "ada@example.org", "clearer", 1.5)


def ended(
    ledger: DeploymentLedger, outcome: str, release: int, *, environment: str = "staging", kind: str = "deploy", schema: str | None = None
) -> int:  # fmt: skip
    """A deployment that has ended with this outcome."""
    number = ledger.begin_deployment(
        dataclasses.replace(DEPLOYMENT, release=release, environment=environment, kind=kind)
    )
    ledger.end_deployment(number, outcome, 12.0, schema, "")
    return number


def numbers(deployments: Sequence[Deployment | None]) -> list[int]:
    """Their ids; 0 for None."""
    return [item.id if item else 0 for item in deployments]
