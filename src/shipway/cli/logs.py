"""`shipway logs`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, coloured, write_masked

if TYPE_CHECKING:
    from shipway.actions.operations.logs import Merged
    from shipway.actions.operations.sources import Source

LAST = "100"  # lines, unless an option chooses others
COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "red")


@click.command()
@click.argument("environment")
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option("-f", "--follow", is_flag=True, help="Print new lines as they are written, until Ctrl-C")
@click.option("--since", metavar="TIME", help="Only later lines: 10m, 1h, 2d ago, or 2024-01-31T10:00")
@click.option("--grep", metavar="REGEX", help="Only lines that match")
@click.option("--release", metavar="RELEASE", help="Only containers of this release, such as r41, or a version tag")
@click.option(
    "-n", "--lines", "last", metavar="N", help=f"The last N lines, or all [{LAST}; all with --since or --grep]"
)
@click.option("-t", "--times", is_flag=True, help="Print the time of each line, in UTC")
@app_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line")
@click.pass_obj
def logs(
    options: Globals, environment: str, services: tuple[str, ...], follow: bool, since: str | None, grep: str | None,
    release: str | None, last: str | None, times: bool, app: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Print what the services of ENVIRONMENT have written, on all hosts in the order of time: also containers that have ended, of this and of the previous release. Name accessories, such as db, to see theirs."""
    from shipway.actions.environment.find_release import which_release
    from shipway.actions.operations.logs import LogQuery
    from shipway.actions.operations.logs import logs as read
    from shipway.app import open_context
    from shipway.domain.errors import UsageError
    from shipway.domain.log import stamp
    from shipway.system.durations import past

    try:
        pattern = re.compile(grep) if grep else None
    except re.error as error:
        raise UsageError(f"--grep {grep!r} is not a regular expression: {error}") from error
    chosen = last or ("all" if since or grep else LAST)
    if chosen != "all" and not chosen.isdecimal():
        raise UsageError(f"--lines {chosen!r} is not a number", hint="pass a number of lines, or all")
    with open_context(options.home, TerminalReporter(silent=True), actor="reader") as ctx:
        plan, where = options.known_app(ctx, app).with_plan(environment)
        number = None
        if release:
            found = which_release(ctx, plan.app, release, revisions=False)
            if found is None:
                raise UsageError(f"{plan.app} has no release {release}", hint=f"shipway history {environment}")
            number = found.number
        query = LogQuery(
            services, stamp(past(since, ctx.clock())) if since else None, pattern, number,
            None if chosen == "all" else int(chosen), follow,
        )  # fmt: skip
        show = _json() if as_json else _text(times, len(where.hosts) > 1)
        try:
            for batch in read(ctx, plan, where, query):
                write_masked(show(batch))
        except KeyboardInterrupt:
            if not follow:
                raise
            raise SystemExit(130) from None


def _text(times: bool, hosts: bool) -> Callable[[list[Merged]], list[str]]:
    """Lines for people: the container in a colour of its own, then what it wrote."""
    prefixes: dict[str, str] = {}
    width = 0

    def prefix(source: Source) -> str:
        nonlocal width
        host = f"{source.host.removeprefix('ssh://')} " if hosts else ""
        release = f" r{source.release}" if source.release is not None and source.role == "service" else ""
        label = f"{host}{source.name}{release}"
        width = max(width, len(label))
        return coloured(f"{label.ljust(width)} │ ", COLOURS[len(prefixes) % len(COLOURS)])

    def show(batch: list[Merged]) -> list[str]:
        for source in {item[2].info.id: item[2] for item in batch}.values():
            if source.info.id not in prefixes:
                prefixes[source.info.id] = prefix(source)
        if times:
            return [f"{time[:10]} {time[11:23]} {prefixes[source.info.id]}{line}" for time, line, source in batch]
        return [f"{prefixes[source.info.id]}{line}" for _, line, source in batch]

    return show


def _json() -> Callable[[list[Merged]], list[str]]:
    """Objects for programs, one a line."""
    import json

    heads: dict[str, str] = {}

    def head(source: Source) -> str:
        data = {
            "host": source.host, "service": source.service, "replica": source.replica, "release": source.release,
            "container": source.info.name,
        }  # fmt: skip
        return json.dumps(data)[:-1]

    def show(batch: list[Merged]) -> list[str]:
        lines = []
        for time, line, source in batch:
            key = source.info.id
            if key not in heads:
                heads[key] = head(source)
            lines.append(f'{heads[key]}, "time": "{time}", "line": {json.dumps(line, ensure_ascii=False)}}}')
        return lines

    return show
