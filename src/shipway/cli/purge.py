"""`shipway purge`."""

from __future__ import annotations

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style


@click.command()
@click.argument("environment")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--all", "everything", is_flag=True, help="Purge everything of the environment's host names")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Purge what has this tag; may be repeated")
@click.option("--reason", default="", help="Why; recorded in the history")
@click.option("--wait", default="1m", metavar="DURATION", help="How long to repeat what fails [1m]")
@app_option
@click.pass_obj
def purge(
    options: Globals, environment: str, paths: tuple[str, ...], everything: bool, tags: tuple[str, ...], reason: str,
    wait: str, app: str | None,
) -> None:  # fmt: skip
    """Purge PATHs from the CDN in front of ENVIRONMENT: paths such as /news, and prefixes that end in *, such as '/news/*'.
    Without any, retry what is pending.

    Deployments and rollbacks purge automatically. The exit code is 37 if the CDN was not purged; the purge stays pending, and
    `shipway tick` tries again."""
    from shipway.actions.cdn.request import request_purge
    from shipway.app import open_context
    from shipway.cli.approve import seconds_of
    from shipway.domain.errors import UsageError

    if everything and (paths or tags):
        raise UsageError("--all purges everything", hint="pass paths and tags, or --all")
    patience = seconds_of(wait, "--wait")
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        known = options.known_app(ctx, app)
        known.environment(environment)
        done = request_purge(
            ctx,
            known.name,
            known.kept(environment),
            paths,
            tags,
            everything=everything,
            reason=reason,
            patience=patience,
        )
        for item in done:
            say(style(f"purged {item.what}", "green") + f": {item.verified}")
