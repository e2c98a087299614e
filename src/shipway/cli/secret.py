"""`shipway secret`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import note_renamed, say, style, table
from shipway.cli.secret_lists import copy, edit, export, import_, opened
from shipway.cli.secret_rotate import rotate
from shipway.domain.errors import SecretError, UsageError
from shipway.domain.names import ANY_BRANCH, BUILDS, PROOFS, REGISTRY
from shipway.domain.secret_value import FILE, as_text

if TYPE_CHECKING:
    from shipway.actions.environment.secret_lists import SecretState
    from shipway.domain.plan import Plan


OTHERS = (REGISTRY, PROOFS, BUILDS)  # scopes that are no environments


class Commands(click.Group):
    """Accepts a former name."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """`remove` is now `unset`."""
        if args[:1] == ["remove"]:
            if not ctx.resilient_parsing:
                note_renamed("`shipway secret remove`", "`shipway secret unset`")
            args = ["unset", *args[1:]]
        return super().resolve_command(ctx, args)


@click.group(cls=Commands)
def secret() -> None:
    """Set, list, copy and remove the secrets of an environment. They are encrypted in the ledger, and versioned."""


for command in (import_, export, copy, edit, rotate):
    secret.add_command(command)


@secret.command("set")
@click.argument("environment")
@click.argument("name")
@click.option(
    "--for", "address", metavar="ADDRESS", help="For `registry`: the address of the registry, such as ghcr.io/acme"
)
@click.option("--any-branch", is_flag=True, help="For `build`: builds of every branch get it, whoever may push there")
@click.option("--generate", is_flag=True, help="Generate a random value instead of reading one from stdin")
@click.option(
    "--keep-newline", is_flag=True, help="Keep the newline at the end of the value from stdin [it is removed]"
)
@app_option
@click.pass_obj
def set_(
    options: Globals, environment: str, name: str, address: str | None, any_branch: bool, generate: bool,
    keep_newline: bool, app: str | None,
) -> None:  # fmt: skip
    """Set NAME for ENVIRONMENT, for `registry`, for builds of images (`build`), or for the proofs (`prove`). The value is
    prompted for, or read from stdin."""
    from shipway.actions.environment.secret_names import check_name, require_fit

    with opened(options, app) as known:
        ctx = known.ctx
        plan = known.any_plan() if environment in OTHERS else known.with_plan(environment)[0]
        scope = f"{plan.app}/{known.kept(environment)}"
        if environment == REGISTRY:
            scope = registry_scope(plan, name, address)
        elif address:
            raise UsageError(
                "--for is only valid for the credentials of a registry",
                hint=f"shipway secret set registry {name} --for {address}",
            )
        if any_branch:
            if environment != BUILDS:
                raise UsageError("--any-branch is only valid for builds", hint=f"shipway secret set {BUILDS} {name}")
            scope = f"{plan.app}/{ANY_BRANCH}"
        unknown = check_name(plan, known.kept(environment), name)
        if generate:
            import secrets

            value = secrets.token_urlsafe(32)
        elif sys.stdin.isatty():
            value = click.prompt(f"{name} for {environment}", hide_input=True, default="", show_default=False)
        else:
            given = sys.stdin.buffer.read(FILE + 2)
            value = as_text(given if keep_newline else given.removesuffix(b"\n"))
        require_fit(ctx.kinds, plan, known.kept(environment), name, value)
        version = ctx.secrets.set(scope, name, value)
        say(
            f"{name} of {f'registry {address}' if address else environment} is now version {version}; "
            f"the next {'build' if environment == BUILDS else 'deployment'} uses it"
        )
        if unknown:
            say(unknown, err=True)


@secret.command("unset")
@click.argument("environment")
@click.argument("names", nargs=-1, required=True)
@click.option("--for", "address", metavar="ADDRESS", help="For `registry`: the address that they were set for")
@app_option
@click.pass_obj
def unset(options: Globals, environment: str, names: tuple[str, ...], address: str | None, app: str | None) -> None:
    """Remove NAMES from ENVIRONMENT, from `registry`, from builds (`build`), or from the proofs (`prove`). If the plan or the running release uses
    one of them, none is removed. Older versions stay encrypted in the ledger, for a rollback to a release that used them."""
    from shipway.actions.environment.secret_names import require_unused

    with opened(options, app) as known:
        ctx = known.ctx
        plan = known.any_plan() if environment in OTHERS else known.with_plan(environment)[0]
        scope = registry_scope(plan, names[0], address) if address else f"{plan.app}/{known.kept(environment)}"
        there = dict(ctx.secrets.names(scope))
        if environment == BUILDS:
            there |= ctx.secrets.names(f"{plan.app}/{ANY_BRANCH}")
        for name in names:
            if name not in there or ":" in name:  # names with a colon are Shipway's own
                listed = ", ".join(item for item in there if ":" not in item) or "none"
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
                require_unused(ctx, plan, known.kept(environment), name)
        for name in names:
            ctx.secrets.remove(scope, name)
            if environment == BUILDS:
                ctx.secrets.remove(f"{plan.app}/{ANY_BRANCH}", name)
            say(
                f"{name} was removed from {address or environment}; older versions stay encrypted in the ledger, for rollbacks"
            )


@secret.command("list")
@click.argument("environment")
@click.option("--missing", is_flag=True, help="Only names that are used but not set; exit code 5 if there are any")
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@app_option
@click.pass_obj
def list_(options: Globals, environment: str, missing: bool, as_json: bool, app: str | None) -> None:
    """List names with their versions and what uses them, never values. Names that are used but not set are listed too."""
    from shipway.actions.environment.secret_lists import SecretState, secret_states
    from shipway.domain.count import counted

    with opened(options, app, "reader") as known:
        ctx = known.ctx
        if environment == REGISTRY:
            plan, found = known.any_plan(), list[SecretState]()
            for name, version in ctx.secrets.names(f"{plan.app}/{REGISTRY}").items():
                found.append(SecretState(name, version, ()))
            if plan.registry:
                for name, version in ctx.secrets.names(registry_scope(plan, "NAME", plan.registry.address)).items():
                    found.append(SecretState(name, version, (plan.registry.address,)))
        else:
            plan = known.any_plan() if environment in OTHERS else known.with_plan(environment)[0]
            found = secret_states(ctx, plan, known.kept(environment))
        lacking = [item for item in found if item.missing]
        shown = lacking if missing else found
        if as_json:
            import json

            from shipway.domain.record import to_data

            say(json.dumps(to_data(shown), indent=2))
        else:
            unused = "without an address: not used" if environment == REGISTRY else "not used"
            now = ctx.clock()
            rows = [
                [
                    item.name,
                    _state(item),
                    _age(item, now),
                    ", ".join(item.used_by) or style(unused, "yellow"),
                ]
                for item in shown
            ]
            table(rows, ["name", "set", "since", "used by"])
            if not rows:
                say(f"no secret of {environment} is missing" if missing else f"{environment} has no secrets")
        if missing and lacking:
            commands = "\n".join(f"  shipway secret set {environment} {item.name}" for item in lacking)
            raise SecretError(f"{environment} lacks {counted(len(lacking), 'secret')}", hint=f"set them:\n{commands}")


def _state(item: SecretState) -> str:
    if item.missing:
        return style("missing", "red")
    if item.version is None:
        return f"fetched from {item.source}" if item.source else "not set (optional)"
    theirs = (
        f" of {item.source}" + (f", its {item.source_version}" if item.source_version else "") if item.source else ""
    )
    return f"version {item.version}{theirs}"


def _age(item: SecretState, now: float) -> str:
    from shipway.system.durations import ago

    return "" if item.since is None else ago(now - item.since)


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
