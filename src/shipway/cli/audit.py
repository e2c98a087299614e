"""`shipway audit`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, say, style, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shipway.actions.audit.view import Shown
    from shipway.domain.audit import Entry

DEFAULT = "show"
COLOURS = {"succeeded": "green", "failed": "red", "refused": "red", "began": "yellow", "interrupted": "yellow"}


class DefaultGroup(click.Group):
    """`shipway audit` is `shipway audit show`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Add the default command, unless another one or help is asked for."""
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


@click.group(cls=DefaultGroup)
def audit() -> None:
    """Show who did what, from where and how it ended, and verify that the record is unchanged. `shipway audit` is short
    for `show`."""


@audit.command()
@click.option("--app", metavar="NAME", default="", help="Only of this app")
@click.option("--environment", metavar="NAME", default="", help="Only of this environment")
@click.option("--actor", metavar="EMAIL", default="", help="Only by this person")
@click.option(
    "--kind", metavar="KIND", default="", help="Only of this kind: command, request, deployment, approval, secret …"
)
@click.option("--since", metavar="TIME", help="Only later ones: 10m, 1h, 2d ago, or 2024-01-31T10:00")
@click.option("--until", metavar="TIME", help="Only earlier ones")
@click.option("--limit", type=click.IntRange(1), help="The most entries to print [50; all with --json or --csv]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: all entries as they are in the chain")
@click.option("--csv", "as_csv", is_flag=True, help="Print the same as CSV")
@click.pass_obj
def show(
    options: Globals, app: str, environment: str, actor: str, kind: str, since: str | None, until: str | None,
    limit: int | None, as_json: bool, as_csv: bool,
) -> None:  # fmt: skip
    """List actions, newest first."""
    from itertools import islice

    from shipway.actions.audit import view
    from shipway.app import open_context
    from shipway.domain.audit import AuditFilter
    from shipway.domain.errors import UsageError
    from shipway.domain.identity import identity
    from shipway.system.durations import past

    if as_json and as_csv:
        raise UsageError("choose one of --json and --csv")
    with open_context(options.home, TerminalReporter(), actor="reader") as ctx:
        now = ctx.clock()
        only = AuditFilter(
            app, environment, identity(actor) if actor else "", kind, past(since, now) if since else None,
            past(until, now) if until else None,
        )  # fmt: skip
        if not as_json and not as_csv:
            _show(view.shown(ctx, only, limit or 50))
            return
        found = islice(view.exported(ctx, only), limit)
        if as_csv:
            say(view.as_csv(None))
            for entry in found:
                say(view.as_csv(entry))
        else:
            _as_json(found)


def _as_json(found: Iterable[Entry]) -> None:
    """An array with an entry a line, without holding them all."""
    from shipway.domain.record import to_data

    start = "["
    for entry in found:
        say(f"{start}{json.dumps(to_data(entry))}")
        start = ","
    say("]" if start == "," else "[]")


def _show(found: list[Shown]) -> None:
    from shipway.system.durations import timestamp

    rows = [
        [
            str(item.entry.number), timestamp(item.entry.at), item.entry.kind, "/".join(filter(None, (item.entry.app, item.entry.environment))),
            item.entry.what, style(item.outcome, COLOURS.get(item.outcome, "dim")),
            item.entry.actor, ", ".join(filter(None, (item.entry.proof, item.entry.origin))),
        ]
        for item in found
    ]  # fmt: skip
    table(rows, ["entry", "when", "kind", "of", "what", "outcome", "by", "proof and origin"], narrow=("what",))
    if not rows:
        say("nothing like that was recorded")


@audit.command()
@click.option(
    "--head",
    metavar="DIGEST",
    default="",
    help="A digest that was noted earlier: finds entries removed since at the end",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@click.pass_obj
def verify(options: Globals, head: str, as_json: bool) -> None:
    """Compare each entry with its digest, and with the one before it. Exit code 44, with the numbers, if entries were changed,
    removed or inserted. Note the digest that it prints, elsewhere."""
    from shipway.actions.audit.view import check
    from shipway.app import open_context
    from shipway.domain.errors import AuditBroken
    from shipway.domain.record import to_data

    with open_context(options.home, TerminalReporter(), actor="reader") as ctx:
        found = check(ctx, head)
    if as_json:
        say(json.dumps(to_data(found), indent=2))
    if found.problems:
        raise AuditBroken(
            "the audit was changed:" + "".join(f"\n  {problem}" for problem in found.problems),
            hint="compare it with a backup of the ledger, and see who can write to its database",
        )
    if not as_json:
        say(f"{found.entries} entries, none changed, removed or inserted")
        say(f"head: {found.head}")
