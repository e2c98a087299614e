"""`shipway doctor`."""

from __future__ import annotations

import json

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style


@click.command()
@click.argument("environment", required=False)
@click.option("--fix", is_flag=True, help="Repair what can be repaired")
@click.option(
    "--wait", type=float, default=0.0, metavar="SECONDS", help="With --fix, wait for another deployment to end [0]"
)
@click.option(
    "--forget",
    metavar="HOST",
    help="Forget a host that was removed from the plan and no longer exists",
)
@app_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@click.pass_obj
def doctor(
    options: Globals,
    environment: str | None,
    fix: bool,
    wait: float,
    as_json: bool,
    app: str | None,
    forget: str | None,
) -> None:
    """Compare the ledger with what runs in ENVIRONMENT [all], and print the differences."""
    import dataclasses
    from contextlib import suppress
    from functools import partial

    from shipway.actions.environment.former_hosts import forget as forget_host
    from shipway.actions.upkeep.doctor import examine, repair, to_repair
    from shipway.app import open_context
    from shipway.domain.count import counted
    from shipway.domain.errors import DriftFound, ShipwayError, UsageError
    from shipway.system.parallel import attempt_all

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        known = options.known_app(ctx, app)
        if forget:
            if not environment:
                raise UsageError("--forget needs an environment", hint=f"shipway doctor ENVIRONMENT --forget {forget}")
            forget_host(ctx, known.name, known.kept(environment), forget)
        names = [environment] if environment else [item.name for item in known.environments()]
        chosen = [known.deployed(name)[1] for name in names]
        found = [finding for each in chosen for finding in examine(ctx, known.name, each)]
        failed: list[BaseException] = []
        if fix and (broken := to_repair(ctx, known.name, chosen, found, waits=wait > 0)):
            with suppress(ShipwayError):  # raised after leftovers are reported
                attempt_all(
                    *(partial(repair, ctx, known.name, each, wait=wait) for each in broken), on_error=failed.append
                )
            remaining = [finding for each in chosen for finding in examine(ctx, known.name, each)]
            fixed = [finding for finding in found if finding not in remaining]
        else:
            remaining, fixed = found, []
        if as_json:
            say(
                json.dumps(
                    {"found": list(map(dataclasses.asdict, remaining)), "fixed": list(map(dataclasses.asdict, fixed))},
                    indent=1,
                )
            )
        else:
            several = any(len(each.hosts) > 1 for each in chosen)
            for finding in fixed:
                say(f"{style('✓', 'green')} {finding.environment}  {finding.thing}: {finding.problem}; repaired")
            for finding in remaining:
                host = f"{finding.host}  " if several and finding.host else ""
                say(f"{style('✗', 'red')} {finding.environment}  {host}{finding.thing}: {finding.problem}")
                say(
                    style(
                        f"    --fix would {finding.remedy}" if finding.remedy else "    needs manual action",
                        "dim",
                    )
                )
            if not remaining:
                say(style("no drift", "green"))
        if failed:
            raise failed[0]
        if remaining:
            hint = "`shipway doctor --fix` repairs it" if any(item.remedy for item in remaining) and not fix else ""
            raise DriftFound(f"{counted(len(remaining), 'difference')} found", hint=hint)
