"""`shipway release`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style, table

if TYPE_CHECKING:
    from shipway.actions.versions.prepare import ChangelogEntry
    from shipway.actions.versions.preview import VersionPreview
    from shipway.domain.comparison import Difference

COMMITS = 30  # shown without --json


@click.command()
@click.argument("version", required=False, metavar="[patch|minor|major|VERSION]")
@click.option("--env", "environment", metavar="ENVIRONMENT", help="The environment [the one that is deployed by a tag]")
@click.option(
    "--prepare",
    is_flag=True,
    help="Only write the changelog's entry and commit it to this branch, to be validated; tag it later",
)
@click.option("--no-changelog", is_flag=True, help="Leave the changelog alone, and don't look for the entry")
@click.option("--no-push", is_flag=True, help="Push nothing")
@click.option("--dry-run", is_flag=True, help="Print what would go out, and change nothing")
@click.option("--yes", is_flag=True, help="Don't ask")
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@app_option
@click.pass_obj
def release(
    options: Globals, version: str | None, environment: str | None, prepare: bool, no_changelog: bool, no_push: bool,
    dry_run: bool, yes: bool, as_json: bool, app: str | None,
) -> None:  # fmt: skip
    """Make a version of the commit that is checked out: show what would go out, tag the commit, and push the tag.

    Without an argument: the version whose entry the changelog has, else the next one by conventional commits, else a patch. Only
    a commit is tagged whose files were validated in the preceding environment. The tag is signed where git has a key for it.
    """
    from shipway.actions.projects.in_force import read_rules
    from shipway.actions.versions.prepare import draft_entry, prepare_entry
    from shipway.actions.versions.preview import preview
    from shipway.actions.versions.situation import Subject, environment_by_tag, read_situation
    from shipway.actions.versions.tag import make_version
    from shipway.app import open_context, plan_parser
    from shipway.domain.count import counted
    from shipway.domain.errors import UsageError

    if prepare and no_changelog:
        raise UsageError("--prepare writes the changelog's entry, and --no-changelog leaves it alone", hint="pass one")
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as opened:
        ctx, repository, _, commit, plan = options.chosen(opened, app, "HEAD")
        book = read_rules(ctx, repository, plan, plan_parser(ctx), record=False)
        asked = ctx.names.environment(plan.app, environment) if environment else None
        in_force = book.of(ctx, environment_by_tag(book, plan, asked))
        situation = read_situation(ctx, Subject(repository, commit, plan, book, in_force), preparing=prepare)
        if prepare:
            draft = draft_entry(ctx, situation, version)
            entry = draft.shown
            if not as_json:
                _show_entry(entry)
            others = f", with {counted(entry.ahead, 'commit')} before it" if entry.ahead and not no_push else ""
            question = f"commit it to {entry.branch}{_pushing(entry.remote, no_push)}{others}?"
            if not dry_run and _confirmed(question, yes):
                entry = prepare_entry(ctx, situation, draft, send=not no_push)
            _end(entry, as_json)
        else:
            found = preview(ctx, situation, version, entries=not no_changelog and situation.changelog is not None)
            if not as_json:
                _show(found)
            question = f"tag {found.revision[:12]} as {found.version}{_pushing(found.remote, no_push)}?"
            if not dry_run and not found.refused and _confirmed(question, yes):
                found = make_version(ctx, situation, found, send=not no_push)
            _end(found, as_json)
            found.require()


def _end(found: VersionPreview | ChangelogEntry, as_json: bool) -> None:
    from shipway.domain.record import to_data

    if as_json:
        say(json.dumps(to_data(found), indent=2))
    elif found.next:
        say(style(found.next, "bold"))


def _pushing(remote: str | None, no_push: bool) -> str:
    return f" and push it to {remote}" if remote and not no_push else ""


def _confirmed(question: str, yes: bool) -> bool:
    from shipway.domain.errors import UsageError

    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError(
            "nothing was changed: there is no terminal to confirm it", hint="pass --yes to proceed, or --dry-run"
        )
    return click.confirm(question, err=True)


def _show_entry(entry: ChangelogEntry) -> None:
    since = f"since {entry.before}" if entry.before else "the first one"
    say(style(f"{entry.version} ({entry.why}; {since})", "bold"))
    say(f"{entry.path} has its entry:" if entry.exists else f"{entry.path} gets its entry:")
    for line in entry.entry.splitlines():
        say(f"  {line}")


def _show(found: VersionPreview) -> None:
    from shipway.domain.comparison import NONE
    from shipway.domain.count import counted

    say(style(f"{found.app} {found.version} to {found.environment} ({found.why})", "bold"))
    say(
        f"commit {found.revision[:12]} of {found.branch}"
        + (", with a signed tag" if found.signed else ", with a tag that isn't signed")
    )
    commits = found.commits[:COMMITS]
    say(f"commits since {found.before}:" if found.before else "commits:")
    for item in commits:
        say(f"  {item.revision[:12]} {item.author} {item.subject}")
    if len(found.commits) > COMMITS:
        say(style(f"  … and {len(found.commits) - COMMITS} more", "dim"))
    running = f"r{found.running}" if found.running else "nothing"
    built = f"r{found.release}" if found.release else "a release that the tag builds"
    say(f"release: {running} → {built}")
    if found.schema[0] != found.schema[1]:
        say(f"schema: {found.schema[0] or NONE} → {found.schema[1] or NONE}")
    for path in found.migrations:
        say(f"  + {path}")
    _differences("images", found.images, (running, built))
    _differences("configuration", found.configuration, (running, built))
    if found.validated:
        say(f"validated on: {', '.join(found.validated)}")
    for proof in found.proofs:
        say(f"rollback proof for {proof.environment}: {proof}")
    if found.entry is not None:
        say(
            "changelog:"
            if not found.unlisted
            else f"changelog ({counted(found.unlisted, 'commit')} newer than its entry):"
        )
        for line in found.entry.splitlines():
            say(f"  {line}")
    for reason in found.waits:
        say(f"waits: {reason}")
    if found.waits:
        say(f"  who may approve: {found.approvers}")


def _differences(title: str, found: tuple[Difference, ...], labels: tuple[str, str]) -> None:
    from shipway.domain.comparison import NONE

    if found:
        say(f"{title}:")
        cells = [[f"  {item.name}", _short(item.first), _short(item.second)] for item in found]
        table([[one, first or NONE, second or NONE] for one, first, second in cells], ["", *labels])


def _short(value: str | None) -> str:
    """The short digest alone of an image: the repository's name is the same mostly."""
    name, _, digest = (value or "").rpartition("@sha256:")
    return digest[:12] if name else value or ""
