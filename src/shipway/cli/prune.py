"""`shipway prune`."""

from __future__ import annotations

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style, table


@click.command()
@click.option("--dry-run", is_flag=True, help="Print what would be removed, and remove nothing")
@app_option
@click.pass_obj
def prune(options: Globals, dry_run: bool, app: str | None) -> None:
    """Remove images of the app from every host, unless an environment runs them, may roll back to them or may still deploy
    them. Also remove outputs and logs of old runs. Images of other apps, or of none, are never touched."""
    from shipway.actions.environment.prune import look, remove, weigh
    from shipway.app import load_plan, open_context
    from shipway.domain.size import readable

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        found = look(ctx, app or load_plan(options.home).app)
        for host in found.hosts:
            say(style(host.host, "bold") + (f"  skipped: {host.error.message}" if host.error else ""))
            removals = [
                (style("remove", "yellow"), _name(item.image.names), readable(item.image.size), item.reason)
                for item in host.removals
            ]
            kept = [
                (style("keep", "green"), _name(item.image.names), readable(item.image.size), item.reason)
                for item in host.kept
            ]
            table([*removals, *kept], ("", "image", "size", "why"))
        if found.files:
            say(
                f"{len(found.files)} outputs and logs of old runs, {readable(sum(path.stat().st_size for path in found.files))}"
            )
        if dry_run:
            return
        before, gone = weigh(ctx, found), list[str]()
        try:
            remove(ctx, found, gone.append)
        finally:
            freed = sum(max(0, after - before.get(host, after)) for host, after in weigh(ctx, found).items())
            say(
                f"{len(gone)} image names and files removed, {readable(freed)} freed" if gone else "nothing was removed"
            )


def _name(names: tuple[str, ...]) -> str:
    """A name without the registry, and with a short tag or digest."""
    first = next((name for name in names if "@" not in name), names[0])
    head, colon, tag = first.rpartition(":")
    return f"{'/'.join(head.split('@')[0].split('/')[-2:])}{colon}{tag[:12]}"
