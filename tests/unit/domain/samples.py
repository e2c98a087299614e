"""A small plan and what belongs to it, for the tests of the pure core."""

from __future__ import annotations

from typing import Any

from shipway.domain.container import ContainerInfo, ContainerSpec
from shipway.domain.desired import Settings, render_desired
from shipway.domain.observed import DesiredState, Observed
from shipway.domain.plan import (
    Accessory,
    Approvals,
    BuildSource,
    Check,
    Database,
    Environment,
    Health,
    Plan,
    Service,
    StepImage,
    Trigger,
)  # fmt: skip
from shipway.domain.release import SUCCEEDED, Deployment, Release
from shipway.domain.tasks import Seed
from shipway.drivers.accessories import KINDS

STAGING = Environment("staging", "http://staging.shop.localhost:8080", Trigger(branch="staging"))
PRODUCTION = Environment(
    "production", "http://shop.example", Trigger(tag="v*", branch="main"), after="staging",
    approvals=Approvals(1, not_author=True, expire=100.0), replicas={"backend": 2},
    seed=Seed("backend", "seed", ("ADMIN",)),
)  # fmt: skip
PLAN = Plan(
    app="shop",
    services={
        "frontend": Service("frontend", BuildSource("frontend"), route="/", port=80, health=Health("/", timeout=5.0)),
        "backend": Service(
            "backend",
            BuildSource("backend"),
            route="/api",
            port=8000,
            health=Health("/api/ok", timeout=5.0),
            secrets=("KEY",),
        ),
        "worker": Service("worker", BuildSource("backend"), command="work --fast 'two words'", stop=30.0),
    },
    accessories={"db": Accessory("db", "postgres:15", "postgres", "DATABASE_URL", volume="/data")},
    database=Database("db", "backend", "alembic"),
    checks={"smoke": Check("smoke", StepImage("postgres:15"), "look")},
    environments={"staging": STAGING, "production": PRODUCTION},
)


def release(number: int = 1, schema: str | None = "0001", **images: str) -> Release:
    """A release whose images differ by its number."""
    known = {name: f"registry/shop/{name}@sha256:{number:064d}" for name in PLAN.services}
    return Release(
        number,
        "shop",
        f"{number:040d}",
        "tree",
        ("ada@example.org",),
        "a change",
        {**known, **images},
        PLAN,
        1,
        0.0,
        schema,
    )


def settings(version: str = "v1", key: int = 1) -> Settings:
    """Secrets of an environment."""
    secrets, versions = {"KEY": f"secret-{key}", "ADMIN": "pw"}, {"KEY": key, "ADMIN": 1}
    return Settings(version, secrets, versions, {"db": "db-password"}, kinds=KINDS)


def wanted(number: int = 1, environment: Environment = STAGING, key: int = 1, **more: Any) -> DesiredState:
    """What should run."""
    return render_desired(release(number), environment, settings(key=key), **more)


def running(spec: ContainerSpec, state: str = "running") -> ContainerInfo:
    """A container that is just as its specification says."""
    return ContainerInfo(spec.name, spec.name, spec.labels, state, spec.image, {})


def observed(of: DesiredState) -> Observed:
    """An environment in which all of this runs."""
    return Observed(tuple(map(running, of.services)), tuple(map(running, of.accessories)), of.routes)


def deployment(id: int, number: int, outcome: str = SUCCEEDED, environment: str = "staging") -> Deployment:
    """A deployment in the ledger."""
    return Deployment(id, "shop", environment, number, "deploy", "ada@example.org", "", float(id), outcome=outcome)
