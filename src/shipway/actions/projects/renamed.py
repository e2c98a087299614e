"""Recognize an app or an environment that a plan renames while the ledger doesn't know it yet: deployed as a new one, it
would stand beside the old one, which has the data and the addresses."""

from __future__ import annotations

from collections.abc import Iterator

from shipway.context import Context
from shipway.domain.errors import GateRefused
from shipway.domain.plan import Environment, Plan
from shipway.domain.renaming import Names
from shipway.ports import Ledger
from shipway.system.addresses import identity


def hints(ledger: Ledger, plan: Plan) -> list[str]:
    """What the plan may have renamed, and the command for it."""
    found, plan = list[str](), Names(ledger.renamings()).plan(plan)
    if plan.app not in ledger.apps():
        for app in ledger.apps():
            registration = ledger.registration(app)
            if registration and registration.plan == plan.file and _is_renamed(ledger, app, plan):
                found.append(
                    f"the ledger has no app {plan.app}; is it {app}, renamed? shipway rename app {app} {plan.app}"
                )
        return found
    for name in plan.environments:
        found += [_hint(name, old) for old, _ in _candidates(ledger, plan, name)]
    return found


def refuse_renamed(ctx: Context, plan: Plan, name: str) -> None:
    """GateRefused if the environment was never deployed and has an address of one that runs and that the plan no longer
    has. Any other candidate is noted."""
    for old, was in _candidates(ctx.ledger, plan, name):
        here = plan.environments[name]
        if here.port == was.port and set(here.public_names) & set(was.public_names):
            raise GateRefused(
                f"nothing was ever deployed to {name}, and it has the address of {old}, which runs and which the plan no longer has",
                hint=f"if it is {old}, renamed: shipway rename environment {old} {name}; if it is another one, give it a "
                f"`url` of its own, or first: shipway destroy {old}",
            )
        ctx.reporter.note(f"note: {_hint(name, old)}")


def refuse_renamed_app(ctx: Context, plan: Plan, address: str) -> None:
    """GateRefused if the same plan file of the repository at this address is registered for another app that runs."""
    for app in ctx.ledger.apps():
        found = ctx.ledger.registration(app)
        if app == plan.app or found is None or found.plan != plan.file:
            continue
        if identity(address) in map(identity, found.addresses) and _runs(ctx.ledger, app):
            old = ctx.names.shown(app)
            raise GateRefused(
                f"{plan.file} of {address} is the plan of {old}, which runs, but now it has `app: {plan.app}`",
                hint=f"if the app was renamed: shipway rename app {old} {plan.app}; if {plan.app} is another app: "
                "shipway rules register --reason TEXT",
            )


def _hint(name: str, old: str) -> str:
    return f"nothing was ever deployed to {name}; is it {old}, renamed? shipway rename environment {old} {name}"


def _candidates(ledger: Ledger, plan: Plan, name: str) -> list[tuple[str, Environment]]:
    """Environments that run and that the plan lacks, as their release has them; none if this one is known."""
    if name in ledger.environments(plan.app):
        return []
    return [(old, was) for old, was in _running(ledger, plan.app) if old not in plan.environments]


def _running(ledger: Ledger, app: str) -> Iterator[tuple[str, Environment]]:
    """The app's environments that run, as their release has them."""
    for name in ledger.environments(app):
        current = ledger.current(app, name)
        release = ledger.release(app, current.release) if current else None
        if release is not None and name in release.plan.environments:
            yield name, release.plan.environments[name]


def _runs(ledger: Ledger, app: str) -> bool:
    return any(ledger.current(app, name) for name in ledger.environments(app))


def _is_renamed(ledger: Ledger, app: str, plan: Plan) -> bool:
    """Whether the app runs at one of the plan's addresses."""
    urls = {item.url for item in plan.environments.values()}
    return any(was.url in urls for _, was in _running(ledger, app))
