"""`shipway preview`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style, table

if TYPE_CHECKING:
    from shipway.actions.environment.environments import KnownApp
    from shipway.context import Context
    from shipway.domain.preview import Preview


@click.group()
def preview() -> None:
    """Previews of pull requests: an environment of its own for each, until it is closed."""


@preview.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@app_option
@click.pass_obj
def list_(options: Globals, as_json: bool, app: str | None) -> None:
    """List the previews of an app, and what each is waiting for."""
    from shipway.actions.previews.view import seen
    from shipway.app import open_context
    from shipway.domain.record import to_data
    from shipway.system.durations import human

    with open_context(options.home, TerminalReporter(), actor="reader") as ctx:
        known = options.known_app(ctx, app)
        found = seen(ctx, known.name)
        if as_json:
            say(json.dumps(to_data(found), indent=2))
            return
        now = ctx.ledger.now()
        rows = [
            [item.environment, item.state, item.commit[:12], item.branch, item.url,
             f"in {human(item.ends - now)}" if item.ends > now else "", item.problem]
            for item in found
        ]  # fmt: skip
        table(rows, ["preview", "state", "commit", "branch", "address", "ends", "problem"])


@preview.command(name="open")
@click.argument("number", type=int, metavar="PR")
@click.argument("revision", required=False)
@app_option
@click.pass_obj
def open_(options: Globals, number: int, revision: str | None, app: str | None) -> None:
    """Make or update the preview of pull request PR from REVISION, a pushed branch or commit [HEAD]. The rules are those of the
    protected branch."""
    from shipway.actions.previews.view import preview_of
    from shipway.actions.previews.wishes import want_open
    from shipway.app import open_context
    from shipway.domain.errors import UsageError
    from shipway.domain.refs import HEADS

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as opened:
        _, repository, revision, commit, plan = options.chosen(opened, app, revision)
        known = options.known_app(opened, app)
        ref = repository.ref(revision)
        branch = ref.removeprefix(HEADS) if ref.startswith(HEADS) else ""
        _now(options, known, want_open(known.ctx, plan.app, number, branch, commit.revision))
        found = preview_of(known.ctx, plan.app, number)
        if found is None:
            raise UsageError(
                "the plan of the protected branch has no `previews`", hint="add the key there: docs/previews.md"
            )
        release = known.ctx.ledger.release(plan.app, found.release)
        if release is not None:
            say(style(release.plan.environments[found.environment].url, "green"))


@preview.command()
@click.argument("number", type=int, metavar="PR")
@app_option
@click.pass_obj
def close(options: Globals, number: int, app: str | None) -> None:
    """Remove the preview of pull request PR with its data, its routes and its secrets. Its history stays."""
    from shipway.actions.previews.wishes import require_preview, want_closed
    from shipway.app import open_context

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        known = options.known_app(ctx, app)
        found = require_preview(known.ctx, known.name, number)
        _now(options, known, want_closed(known.ctx, found, f"closed by {known.ctx.actor}"))


@preview.command()
@click.argument("number", type=int, metavar="PR")
@click.option("--for", "time", default="7d", metavar="TIME", show_default=True, help="How long it stands from now")
@app_option
@click.pass_obj
def extend(options: Globals, number: int, time: str, app: str | None) -> None:
    """Let the preview of pull request PR stand longer. The next push sets its end again."""
    from shipway.actions.previews.wishes import extend as extend_action
    from shipway.actions.previews.wishes import require_preview
    from shipway.app import open_context
    from shipway.cli.approve import seconds_of

    seconds = seconds_of(time, "--for")
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        known = options.known_app(ctx, app)
        found = extend_action(known.ctx, require_preview(known.ctx, known.name, number), seconds)
        say(f"{found.environment} stands for {time} from now")


@preview.command()
@click.argument("number", type=int, metavar="PR")
@app_option
@click.pass_obj
def wake(options: Globals, number: int, app: str | None) -> None:
    """Start the preview of pull request PR, if it sleeps. A request to it does the same."""
    from shipway.actions.previews.wishes import require_preview
    from shipway.app import open_context

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        known = options.known_app(ctx, app)
        _now(options, known, require_preview(known.ctx, known.name, number), force=True)


def _now(options: Globals, known: KnownApp, preview: Preview, *, force: bool = False) -> None:
    from shipway.actions.previews.bring_about import bring_about, sources
    from shipway.app import plan_parser, recorded_repository

    opened = sources(known, recorded_repository)
    bring_about(known.ctx, preview, opened, plan_parser(known.ctx), force=force)


def tend_one(options: Globals, ctx: Context, name: str) -> None:
    """What the server does for one preview, APP/NUMBER."""
    app, _, number = name.partition("/")
    for found in ctx.ledger.previews(app):
        if str(found.number) == number:
            _tend(options, ctx, found)


def tend_all(options: Globals, ctx: Context, app: str | None) -> None:
    """What `shipway tick` does for previews. One that fails keeps no other waiting."""
    from functools import partial

    from shipway.actions.previews.bring_about import to_do
    from shipway.system.parallel import attempt_all

    attempt_all(*(partial(_tend, options, ctx, item) for item in to_do(ctx, app)))


def _tend(options: Globals, ctx: Context, preview: Preview) -> None:
    from contextlib import suppress

    from shipway.domain.errors import LeaseHeld, PreviewFull

    with suppress(LeaseHeld, PreviewFull):  # another process does it; or it is said already
        _now(options, options.known_app(ctx, preview.app), preview)
