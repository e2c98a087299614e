"""Restart the release that runs in an environment, and change its numbers of replicas: without losing a request."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from shipway.actions.deployments.deploy import execute
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.environment.serving import serving
from shipway.actions.operations.sources import require_name
from shipway.context import Context
from shipway.domain.adjustments import planned
from shipway.domain.count import counted
from shipway.domain.errors import UsageError
from shipway.domain.plan import Plan
from shipway.domain.release import RESTART, SCALE

MOST = 10_000  # replicas of a service, as in a plan


def restart(
    ctx: Context, app: str, environment: str, services: Iterable[str] = (), *, reason: str = "", wait: float = 0.0
) -> int:
    """Replace the containers of these services (none: of all) by new ones with the same configuration: the new ones start
    beside the old ones, and take over once they are healthy. Returns the number of the release. A deployment `rolling`
    is for machines too small for two releases: there one service follows the other."""
    named = list(dict.fromkeys(services))
    with exclusive_access(ctx, app, environment, f"restart{_of(named)}", wait=wait) as own:
        _, release, where = serving(own, app, environment)
        for name in named:
            _require_service(release.plan, environment, name)
        chosen = named or list(release.plan.services)
        rolling = where.strategy.kind == "rolling"
        for group in [[name] for name in chosen] if rolling else [chosen]:
            now, _, _ = serving(own, app, environment)
            counts = now.adjustments.restarts
            restarts = {**counts, **{name: counts.get(name, 0) + 1 for name in group}}
            why = f"restart{_of(group if rolling else named)}" + (f": {reason}" if reason else "")
            adjustments = dataclasses.replace(now.adjustments, restarts=restarts)
            execute(own, DeployRequest(release, where, RESTART, why, like=now, adjustments=adjustments))
        return release.number


def scale(
    ctx: Context, app: str, environment: str, numbers: Mapping[str, int | None], *, reason: str = "", wait: float = 0.0
) -> dict[str, int]:
    """Run this number of replicas of these services on each host; None: the plan's. It holds for later releases too, until
    their plan has another number than before. Returns the numbers that were changed."""
    text = ", ".join(f"{name}={'plan' if number is None else number}" for name, number in numbers.items())
    with exclusive_access(ctx, app, environment, f"scale {text}", wait=wait) as own:
        now, release, where = serving(own, app, environment)
        for name, number in numbers.items():
            _require_service(release.plan, environment, name)
            _require_number(release.plan, environment, name, number)
        usual = {name: planned(release.plan, where, name) or 0 for name in release.plan.services}
        desired = {**now.adjustments.replicas, **{name: usual[name] if n is None else n for name, n in numbers.items()}}
        kept = {name: number for name, number in desired.items() if number != usual.get(name)}
        before = {**usual, **now.adjustments.replicas}
        changed = {name: desired[name] for name in numbers if desired[name] != before[name]}
        if changed:
            why = f"scale {text}" + (f": {reason}" if reason else "")
            adjustments = dataclasses.replace(now.adjustments, replicas=kept)
            execute(own, DeployRequest(release, where, SCALE, why, like=now, adjustments=adjustments))
        return changed


def _of(services: list[str]) -> str:
    return f" of {', '.join(services)}" if services else ""


def _require_service(plan: Plan, environment: str, name: str) -> None:
    """UsageError for an accessory, and for an unknown name."""
    require_name(plan, name)
    if name in plan.accessories:
        raise UsageError(
            f"{name} is an accessory, not a service: it has one container, and each restart interrupts the services",
            hint=f"a deployment with a changed image or changed settings replaces it: shipway deploy {environment} --force",
        )


def _require_number(plan: Plan, environment: str, name: str, number: int | None) -> None:
    if number is None:
        return
    if not 0 <= number <= MOST:
        raise UsageError(f"{name}={number} is not possible: a service has 0 to {MOST} replicas")
    if number == 0 and plan.services[name].route:
        raise UsageError(
            f"{name} serves {plan.services[name].route}: with {counted(0, 'replica')} its visitors would get errors",
            hint=f"shipway maintenance on {environment}",
        )
