"""`shipway prune`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style, table

if TYPE_CHECKING:
    from shipway.actions.environment.prune import Found
    from shipway.domain.retention import Kept, Removal


@click.command()
@click.option("--dry-run", is_flag=True, help="Print what would be removed, and remove nothing")
@click.option("--json", "as_json", is_flag=True, help="With --dry-run, print JSON")
@app_option
@click.pass_obj
def prune(options: Globals, dry_run: bool, as_json: bool, app: str | None) -> None:
    """Remove images of the app from every host, unless an environment runs them, may roll back to them or may still deploy
    them. Also remove outputs, logs and unused caches of old runs. Images of other apps, or of none, are never touched."""
    from shipway.actions.environment.prune import look, remove, weigh
    from shipway.app import open_context
    from shipway.domain.errors import UsageError
    from shipway.domain.size import readable

    if as_json and not dry_run:
        raise UsageError("--json has no meaning without --dry-run")
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        found = look(ctx, options.known_app(ctx, app).name)
        if as_json:
            import json

            say(json.dumps(_data(found), indent=2))
            return
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
        if found.caches:
            rows = [
                (style("remove", "yellow"), item.volume, "?" if item.size is None else readable(item.size), item.reason)
                for item in found.caches
            ]
            table(rows, ("", "cache of steps", "size", "why"))
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


def _data(found: Found) -> dict[str, object]:
    def image(item: Removal | Kept) -> dict[str, object]:
        return {"names": list(item.image.names), "size": item.image.size, "reason": item.reason}

    hosts = [
        {"host": host.host, "error": host.error.message if host.error else None,
         "remove": list(map(image, host.removals)), "keep": list(map(image, host.kept))}
        for host in found.hosts
    ]  # fmt: skip
    return {
        "hosts": hosts,
        "files": [str(path) for path in found.files],
        "caches": [{"volume": item.volume, "size": item.size, "reason": item.reason} for item in found.caches],
    }


def _name(names: tuple[str, ...]) -> str:
    """A name without the registry, and with a short tag or digest."""
    first = next((name for name in names if "@" not in name), names[0])
    head, colon, tag = first.rpartition(":")
    return f"{'/'.join(head.split('@')[0].split('/')[-2:])}{colon}{tag[:12]}"
