"""`shipway prove`."""

from __future__ import annotations

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, say


@click.command()
@click.argument("revision", required=False)
@click.option("--env", "environment", metavar="ENVIRONMENT", help="What the way leads to and from [the one that asks for proofs]")
@click.option("--mode", type=click.Choice(["schema", "data", "rows"]), help="How the copy of its database is filled [the plan's]")
@click.option("--again", is_flag=True, help="Walk it although it was walked")
@click.option("--json", "as_json", is_flag=True, help="Print the proof as JSON")
@click.pass_obj
def prove(options: Globals, revision: str | None, environment: str | None, mode: str | None, again: bool, as_json: bool) -> None:
    """Walk the way back from a release (of REVISION, a version or a number [the newest]) before it is deployed."""
    import json

    from shipway.actions.prove import find_environment, find_release
    from shipway.actions.prove import prove as prove_action
    from shipway.actions.proven import refusals
    from shipway.app import load_plan, open_context
    from shipway.domain.errors import NotProven
    from shipway.domain.record import to_data

    with open_context(options.home, TerminalReporter(quiet=options.quiet or as_json), actor=options.actor) as ctx:
        release = find_release(ctx, load_plan(options.home).app, revision)
        where = find_environment(release.plan, environment)
        proof = prove_action(ctx, release, where, mode=mode, again=again)
        if proof is None:
            say(f"{where.name} runs nothing yet: there is nothing to go back to")
            return
        say(json.dumps(to_data(proof), indent=2, ensure_ascii=False))
        if not proof.leads_back:
            listed = "\n".join(f"  - {reason}" for reason in refusals(proof))
            raise NotProven(f"release {release.number} has no way back on {where.name}:\n{listed}")
