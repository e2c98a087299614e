"""`shipway secret`."""

from __future__ import annotations

import sys

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, say


@click.group()
def secret() -> None:
    """Secrets of an environment: kept in the home folder, readable by you alone, versioned."""


@secret.command("set")
@click.argument("environment")
@click.argument("name")
@click.option("--generate", is_flag=True, help="Make a random value instead of reading one from stdin")
@click.pass_obj
def set_(options: Globals, environment: str, name: str, generate: bool) -> None:
    """Set NAME for ENVIRONMENT (or `registry`). The value is asked for, or read from stdin."""
    from shipway.app import load_plan, open_context
    from shipway.context import environment_of

    with open_context(options.home, TerminalReporter(), actor=options.actor) as ctx:
        plan = load_plan(options.home)
        if environment != "registry":
            environment_of(plan, environment)
        if generate:
            import secrets

            value = secrets.token_urlsafe(32)
        elif sys.stdin.isatty():
            value = click.prompt(f"{name} for {environment}", hide_input=True, default="", show_default=False)
        else:
            value = sys.stdin.read().removesuffix("\n")
        version = ctx.secrets.set(f"{plan.app}/{environment}", name, value)
        say(f"{name} of {environment} is now version {version}; the next deployment uses it")


@secret.command("list")
@click.argument("environment")
@click.pass_obj
def list_(options: Globals, environment: str) -> None:
    """Names and versions, never values."""
    from shipway.app import load_plan, open_context

    with open_context(options.home, TerminalReporter(), actor=options.actor) as ctx:
        plan = load_plan(options.home)
        for name, version in ctx.secrets.names(f"{plan.app}/{environment}").items():
            say(f"{name}  version {version}")
