"""`shipway config`."""

from __future__ import annotations

import json
import re
from typing import Any

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style

PLAIN = re.compile(r"[A-Za-z/][\w./@+-]*(:[\w./@+-]+)*")
WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}  # which YAML doesn't read as text


@click.command()
@click.argument("environment")
@click.argument("release", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@app_option
@click.pass_obj
def config(options: Globals, environment: str, release: str | None, as_json: bool, app: str | None) -> None:
    """Print the resolved configuration of ENVIRONMENT: images, variables, replicas, hosts and all other settings. Secrets are
    masked.

    In a checkout it is that of its plan; elsewhere, that of the release which runs there; with RELEASE (a number or version),
    that of this release.
    """
    from shipway.actions.environment.find_release import which_release
    from shipway.actions.environment.resolved import resolved
    from shipway.app import open_context
    from shipway.context import environment_of
    from shipway.domain.errors import UsageError

    with open_context(options.home, TerminalReporter(), actor="reader") as ctx:
        known = options.known_app(ctx, app)
        plan, where = known.with_plan(environment)
        chosen = which_release(ctx, known.name, release, revisions=False) if release else None
        if release and chosen is None:
            raise UsageError(f"{known.name} has no release {release}", hint="`shipway history` lists them")
        current = ctx.ledger.current(known.name, where.name)
        running = ctx.ledger.release(known.name, current.release) if current else None
        if chosen is None and running is not None and running.plan == plan:
            chosen = running
        if chosen is not None:
            plan, where = chosen.plan, environment_of(chosen.plan, where.name)
        found = resolved(known.ctx, plan, where, chosen)
        if as_json:
            say(json.dumps(found, indent=2))
            return
        of = f"release {chosen.number}" if chosen else "the plan; no release has it yet"
        runs = ", which runs there" if chosen and running and chosen.number == running.number else ""
        say(style(f"# {of}{runs}", "dim"))
        say(as_yaml(found))


def as_yaml(value: Any, indent: str = "") -> str:
    """As a YAML document, without keys that have nothing to say."""
    lines = []
    for key, item in value.items():
        if item in (None, {}, []):
            continue
        name = f"{indent}{_scalar(key)}:"
        if isinstance(item, dict):
            lines += [name, as_yaml(item, f"{indent}  ")]
        elif isinstance(item, list) and any(isinstance(each, dict) for each in item):
            lines.append(name)
            for each in item:
                block = as_yaml(each, f"{indent}    ") if isinstance(each, dict) else f"{indent}    {_scalar(each)}"
                lines.append(f"{indent}  - {block.lstrip()}")
        elif isinstance(item, list):
            lines.append(f"{name} [{', '.join(map(_scalar, item))}]")
        else:
            lines.append(f"{name} {_scalar(item)}")
    return "\n".join(lines)


def _scalar(value: object) -> str:
    """A JSON value is YAML too; plain words need no quotes."""
    plain = isinstance(value, str) and PLAIN.fullmatch(value) and value.lower() not in WORDS
    return str(value) if plain else json.dumps(value, ensure_ascii=False)
