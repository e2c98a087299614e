"""`shipway worker`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter

# What work on most pushes needs.
LOADED = (
    "shipway.actions.runs.pushed", "shipway.planfile.read", "shipway.steps.command", "shipway.steps.image",
    "shipway.drivers.runtime.docker", "shipway.drivers.runtime.engine", "shipway.drivers.images.docker", "shipway.drivers.edge.traefik",
    "shipway.store.sqlite", "shipway.store.ledger", "shipway.system.recorder", "shipway.system.spellings", "concurrent.futures",
    "http.client", "ruamel.yaml", "shipway.drivers.credentials", "shipway.drivers.registry.embedded", "shipway.drivers.registry.remote",
)  # fmt: skip

if TYPE_CHECKING:
    from shipway.context import Context
    from shipway.domain.errors import ShipwayError


@click.command()
@click.option("--at-once", default=2, metavar="COUNT", help="Pushes that are worked on at the same time [2]")
@click.option("--url", default="", help="The address of the pages, for links in what others are told")
@click.option("--push", type=int, hidden=True, help="Work on this one, which the caller has claimed")
@click.option("--token", type=int, hidden=True, help="Of that claim")
@click.option("--spare", is_flag=True, hidden=True, help="Load everything, and wait for a push and its token on stdin")
@click.option("--waiting", type=int, hidden=True, help="Judge this deployment, which waits, again")
@click.option("--preview", hidden=True, help="Do what is wanted of this one, APP/NUMBER")
@click.pass_obj
def worker(
    options: Globals, at_once: int, url: str, push: int | None, token: int | None, spare: bool, waiting: int | None,
    preview: str | None,
) -> None:  # fmt: skip
    """Process the queue of pushes, and do what `shipway tick` does, until Ctrl-C, without a page.

    `shipway serve` does this itself. Each push is worked on by a process of its own, which goes on when this command ends.
    """
    import threading
    from contextlib import suppress
    from dataclasses import replace
    from pathlib import Path

    from shipway.actions.messages.deliver import Messenger
    from shipway.actions.runs.queue import work_on
    from shipway.app import open_context, plan_parser
    from shipway.cli.preview import tend_one
    from shipway.domain.errors import UsageError
    from shipway.server.clock import Clock
    from shipway.server.dispatcher import Dispatcher
    from shipway.server.poller import Poller
    from shipway.server.previews import Tender

    if spare:
        given = _spare()
        if given is None:
            return
        push, token = given
        with suppress(OSError):  # what `ps` and `top` show
            Path("/proc/self/comm").write_text(f"push {push}", encoding="ascii")
    silent = push is not None or waiting is not None or preview is not None
    with open_context(options.home, TerminalReporter(silent=silent), actor=options.actor or "server") as ctx:
        if waiting is not None:
            _take_up(options, ctx, waiting)
            return
        if preview is not None:
            tend_one(options, ctx, preview)
            return
        if push is None:
            ctx.reporter.note("works on the queue until Ctrl-C")
            over = threading.Event()
            for part in (Clock(ctx), Poller(ctx), Tender(ctx), Messenger(ctx, url)):
                threading.Thread(target=part.run, args=(over,), daemon=True).start()
            with suppress(KeyboardInterrupt):  # how it ends; what runs goes on
                Dispatcher(ctx, at_once).run(over)
            over.set()
            return
        claimed = ctx.ledger.push(push)
        if claimed is None or token is None:
            raise UsageError(f"there is no push {push} with that claim")
        work_on(ctx, replace(claimed, token=token), plan_parser(ctx), report)


def _spare() -> tuple[int, int] | None:
    """The push that comes, when everything is loaded that work on one needs; None: the server has ended."""
    import importlib
    import sys

    for name in LOADED:
        importlib.import_module(name)
    words = sys.stdin.readline().split()
    return (int(words[0]), int(words[1])) if len(words) == 2 else None


def _take_up(options: Globals, ctx: Context, id: int) -> None:
    from contextlib import suppress

    from shipway.actions.runs.waiting import sources, take_up
    from shipway.app import plan_parser, recorded_repository
    from shipway.domain.errors import LeaseHeld

    found = ctx.ledger.waiting_of(id)
    if found is None or found.ended is not None:
        return
    known = options.known_app(ctx, found.app)
    with suppress(LeaseHeld):  # another process does it
        take_up(known.ctx, found.app, found.environment, sources(known, plan_parser(ctx), recorded_repository))


def report(ctx: Context, error: ShipwayError) -> None:
    """An error, after which other work follows; without colours, since it is kept and printed elsewhere."""
    ctx.reporter.note(f"error: {error.message}")
    if error.hint:
        ctx.reporter.note(f"hint: {error.hint}")
