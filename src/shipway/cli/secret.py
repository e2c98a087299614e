"""`shipway secret`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, say
from shipway.domain.errors import SecretError, UsageError
from shipway.domain.names import PROOFS, REGISTRY
from shipway.domain.secret_value import FILE, as_bytes, as_text, problem, remedy, used_as_variable

if TYPE_CHECKING:
    from shipway.domain.plan import Plan


@click.group()
def secret() -> None:
    """Set, list and remove the secrets of an environment. They are encrypted in the ledger, and versioned."""


@secret.command("set")
@click.argument("environment")
@click.argument("name")
@click.option(
    "--for", "address", metavar="ADDRESS", help="For `registry`: the address of the registry, such as ghcr.io/acme"
)
@click.option("--generate", is_flag=True, help="Generate a random value instead of reading one from stdin")
@click.option(
    "--keep-newline", is_flag=True, help="Keep the newline at the end of the value from stdin [it is removed]"
)
@click.pass_obj
def set_(
    options: Globals, environment: str, name: str, address: str | None, generate: bool, keep_newline: bool
) -> None:
    """Set NAME for ENVIRONMENT, for `registry`, or for the proofs (`prove`). The value is prompted for, or read from stdin."""
    from shipway.actions.environment.secret_names import check_name
    from shipway.app import load_plan, open_context
    from shipway.context import environment_of

    with open_context(options.home, TerminalReporter(), actor=options.actor) as ctx:
        plan = load_plan(options.home)
        scope = f"{plan.app}/{environment}"
        if environment == REGISTRY:
            scope = registry_scope(plan, name, address)
        else:
            if address:
                raise UsageError(
                    "--for is only valid for the credentials of a registry",
                    hint=f"shipway secret set registry {name} --for {address}",
                )
            if environment != PROOFS:
                environment_of(plan, environment)
        unknown = check_name(plan, environment, name)
        if generate:
            import secrets

            value = secrets.token_urlsafe(32)
        elif sys.stdin.isatty():
            value = click.prompt(f"{name} for {environment}", hide_input=True, default="", show_default=False)
        else:
            given = sys.stdin.buffer.read(FILE + 2)
            value = as_text(given if keep_newline else given.removesuffix(b"\n"))
        require_fit(plan, environment, name, as_bytes(value))
        version = ctx.secrets.set(scope, name, value)
        say(
            f"{name} of {f'registry {address}' if address else environment} is now version {version}; the next deployment uses it"
        )
        if unknown:
            say(unknown, err=True)


@secret.command("remove")
@click.argument("environment")
@click.argument("name")
@click.option("--for", "address", metavar="ADDRESS", help="For `registry`: the address that it was set for")
@click.pass_obj
def remove(options: Globals, environment: str, name: str, address: str | None) -> None:
    """Remove NAME from ENVIRONMENT, from `registry`, or from the proofs (`prove`). A secret that the plan or the
    running release uses is not removed. Older versions stay encrypted in the ledger, for a rollback to a release that used them."""
    from shipway.actions.environment.secret_names import require_unused
    from shipway.app import load_plan, open_context

    with open_context(options.home, TerminalReporter(), actor=options.actor) as ctx:
        plan = load_plan(options.home)
        scope = registry_scope(plan, name, address) if address else f"{plan.app}/{environment}"
        known = ctx.secrets.names(scope)
        if name not in known or ":" in name:  # names with a colon are Shipway's own
            listed = ", ".join(item for item in known if ":" not in item) or "none"
            raise UsageError(f"{name} is not set for {address or environment}", hint=f"set there: {listed}")
        access = plan.registry
        if (
            address
            and access
            and name in (access.password, access.token)
            and registry_scope(plan, name, access.address) == scope
        ):
            raise UsageError(
                f"{name} was not removed: the plan's registry uses it", hint="remove it from the plan first"
            )
        if environment != REGISTRY:
            require_unused(ctx, plan, environment, name)
        ctx.secrets.remove(scope, name)
        say(
            f"{name} was removed from {address or environment}; older versions stay encrypted in the ledger, for rollbacks"
        )


@secret.command("list")
@click.argument("environment")
@click.pass_obj
def list_(options: Globals, environment: str) -> None:
    """List names and versions, never values."""
    from shipway.app import load_plan, open_context

    with open_context(options.home, TerminalReporter(), actor=options.actor) as ctx:
        plan = load_plan(options.home)
        for name, version in ctx.secrets.names(f"{plan.app}/{environment}").items():
            remark = "; without an address: not used" if environment == REGISTRY else ""
            say(f"{name}  version {version}{remark}")
        if environment == REGISTRY and plan.registry:
            for name, version in ctx.secrets.names(registry_scope(plan, "NAME", plan.registry.address)).items():
                say(f"{name}  version {version}, for {plan.registry.address}")


def require_fit(plan: Plan, environment: str, name: str, value: bytes) -> None:
    """SecretError if its consumers can't use the value."""
    variable = environment == REGISTRY or used_as_variable(plan, name)
    if why := problem(name, value, variable=variable):
        raise SecretError(why, hint=remedy(name) if variable and environment != REGISTRY else "")


def registry_scope(plan: Plan, name: str, address: str | None) -> str:
    """Scope of a secret set for a registry's address. UsageError without an address."""
    from shipway.drivers.registry.access import scope

    if not address or "://" in address or not address.strip("/"):
        example = plan.registry.address if plan.registry else "ghcr.io/acme"
        why = (
            "a registry's credentials are bound to its address"
            if not address
            else f"{address!r} is not a registry address"
        )
        raise UsageError(why, hint=f"shipway secret set registry {name} --for {example}")
    return scope(plan.app, address)
