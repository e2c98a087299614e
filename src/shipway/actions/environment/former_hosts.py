"""Former hosts, which were removed from an environment's plan while unreachable or without a complete clean-up.
Containers there keep running, so the ledger remembers the hosts until they are clean or declared gone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from shipway.actions.environment.locks import environment_lease
from shipway.actions.environment.observe import observe
from shipway.context import Context
from shipway.domain import names
from shipway.domain.errors import EngineError, ShipwayError, UsageError
from shipway.domain.plan import Environment, Host
from shipway.system.parallel import attempt_all


def former_hosts(ctx: Context, app: str, environment: str) -> dict[str, str]:
    """The former hosts, and why each could not be cleaned up."""
    known = json.loads(ctx.ledger.property(_property(app, environment)) or "{}")
    return {str(host): str(why) for host, why in known.items()}


def remember(ctx: Context, app: str, environment: str, hosts: Mapping[str, str]) -> None:
    """Remember exactly these hosts."""
    if former_hosts(ctx, app, environment) != hosts:
        ctx.ledger.replace_property(_property(app, environment), json.dumps(dict(hosts), sort_keys=True))


def with_former(ctx: Context, app: str, environment: str, hosts: list[Host]) -> list[Host]:
    """These hosts, and those to clean up."""
    known = {host.name for host in hosts}
    return [*hosts, *(Host(name) for name in former_hosts(ctx, app, environment) if name not in known)]


def remedy(environment: str, host: str) -> str:
    """How to clean up the host, or forget it."""
    return f"once it is reachable, `shipway doctor {environment} --fix` cleans it up; if it no longer exists: `shipway doctor {environment} --forget {host}`"


def differences(ctx: Context, app: str, environment: Environment) -> Iterator[tuple[str, str, str, str]]:
    """Yield host, thing, problem and remedy, as `upkeep.doctor.Finding` has them."""
    known = {host.name for host in environment.hosts}
    for host in former_hosts(ctx, app, environment.name):
        if host in known:
            continue
        try:
            found = observe(ctx.on(host), app, environment.name)
        except ShipwayError as error:
            yield (
                host,
                "host",
                f"was removed from the plan, and its containers may still run ({error.message}): {remedy(environment.name, host)}",
                "",
            )
            continue
        if found.services or found.routes is not None:
            running = ", ".join(item.name for item in found.services) or "routes"
            yield (
                host,
                "host",
                f"was removed from the plan, but still has {running}",
                "clean it up; accessories and volumes stay",
            )


def clean_up(ctx: Context, app: str, environment: Environment, clean: Callable[[Host], object]) -> None:
    """Clean up reachable hosts; the others stay remembered. clean: removes what runs on one."""
    remaining = {}

    def one(name: str) -> None:
        try:
            clean(Host(name))
        except EngineError as error:
            remaining[name] = error.message
            ctx.reporter.note(f"{name} was removed from the plan, but not cleaned up: {error.message}")

    known = former_hosts(ctx, app, environment.name)
    attempt_all(*(partial(one, name) for name in known if name not in {host.name for host in environment.hosts}))
    remember(ctx, app, environment.name, remaining)


def forget(ctx: Context, app: str, environment: str, host: str) -> None:
    """Forget a host that is gone for good. UsageError if it isn't remembered."""
    with environment_lease(ctx, app, environment, f"forget {host}") as own:
        known = former_hosts(own, app, environment)
        if host not in known:
            listed = ", ".join(known) or "none"
            raise UsageError(f"{host} is not a former host of {environment}", hint=f"former hosts: {listed}")
        remember(own, app, environment, {name: why for name, why in known.items() if name != host})


def _property(app: str, environment: str) -> str:
    return f"former hosts of {names.scope(app, environment)}"
