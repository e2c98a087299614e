"""`shipway ps`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style, table

if TYPE_CHECKING:
    from shipway.actions.operations.processes import Process
    from shipway.context import Context

EVERY = 2.0  # seconds
HEADING = ["host", "container", "release", "state", "cpu", "memory", "restarts", "last exit"]


@click.command()
@click.argument("environment")
@click.option("-a", "--all", "every", is_flag=True, help="Also stopped containers of the previous release")
@click.option("--watch", is_flag=True, help="Show it again every 2 seconds, until Ctrl-C")
@app_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON; with --watch one list a line")
@click.pass_obj
def ps(options: Globals, environment: str, every: bool, watch: bool, app: str | None, as_json: bool) -> None:
    """List the containers of ENVIRONMENT on all hosts, with their use of processor and memory, and their restarts. A cpu of 100 % is one processor."""
    from shipway.actions.operations.processes import SAMPLE, processes
    from shipway.app import open_context
    from shipway.domain.errors import EngineError

    with open_context(options.home, TerminalReporter(silent=True), actor="reader") as ctx:
        plan, where = options.known_app(ctx, app).with_plan(environment)
        try:
            while True:
                try:
                    found = processes(ctx, plan, where, every=every)
                except EngineError as error:
                    if not watch:
                        raise
                    ctx.reporter.note(error.message)  # it may be restarted
                    ctx.cancelled.wait(EVERY)
                    continue
                if watch:
                    click.clear()  # only of a terminal
                if as_json:
                    say(json.dumps([_data(item) for item in found], indent=None if watch else 2))
                else:
                    _show(ctx, found, hosts=len(where.hosts) > 1)
                if not watch:
                    return
                sys.stdout.flush()
                ctx.cancelled.wait(EVERY - SAMPLE)
        except KeyboardInterrupt:
            if not watch:
                raise
            raise SystemExit(130) from None


def _show(ctx: Context, found: list[Process], *, hosts: bool) -> None:
    rows = [_row(ctx, item) for item in found]
    table(rows if hosts else [row[1:] for row in rows], HEADING if hosts else HEADING[1:])
    if not found:
        say("nothing runs there")


def _data(item: Process) -> dict[str, object]:
    info = item.info
    return {
        "host": item.source.host, "role": item.source.role, "service": item.source.service, "replica": item.source.replica,
        "release": item.source.release, "container": info.name, "state": info.state, "started": info.started or None,
        "restarts": info.restarts, "exit_code": info.exit_code, "finished": info.finished or None,
        "out_of_memory": info.out_of_memory, "cpu": item.processor, "memory": item.memory,
    }  # fmt: skip


def _row(ctx: Context, item: Process) -> list[str]:
    from shipway.domain.size import readable
    from shipway.system.durations import ago, human

    info, now = item.info, ctx.clock()
    state = f"up {human(max(0.0, now - info.started))}" if info.running else info.state
    exited = (
        f"{'' if info.exit_code is None else info.exit_code} {ago(now - info.finished)}".strip()
        if info.finished
        else ""
    )
    if info.out_of_memory:
        exited = f"{exited} (out of memory)"
    name = f"{item.source.name} (session)" if item.source.role == "session" else item.source.name
    return [
        item.source.host.removeprefix("ssh://"), name, f"r{item.source.release}" if item.source.release else "",
        state if info.running and not info.crash_looping(now) else style(state, "yellow" if info.active else "red"),
        "" if item.processor is None else f"{item.processor:.0%}".replace("%", " %"),
        "" if item.memory is None else readable(item.memory), str(info.restarts or ""), exited,
    ]  # fmt: skip
