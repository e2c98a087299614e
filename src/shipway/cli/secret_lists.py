"""`shipway secret`: many at once, from and to files and from another environment."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, secret_line
from shipway.domain.errors import SecretError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from shipway.actions.environment.environments import KnownApp
    from shipway.actions.environment.secret_lists import Import

LARGEST = 16 << 20  # bytes of a file of secrets


@contextmanager
def opened(options: Globals, app: str | None, actor: str | None = None) -> Iterator[KnownApp]:
    """The app, by `--app` or the folder. actor: another one than the user."""
    from shipway.app import open_context

    with open_context(options.home, TerminalReporter(), actor=actor or options.actor) as ctx:
        yield options.known_app(ctx, app)


@click.command("import")
@click.argument("environment")
@click.argument("file", type=click.File("rb"))
@click.option("--all", "every", is_flag=True, help="Also set names that nothing in the plan uses")
@click.option("--dry-run", is_flag=True, help="Print what would be set, and set nothing")
@app_option
@click.pass_obj
def import_(options: Globals, environment: str, file: BinaryIO, every: bool, dry_run: bool, app: str | None) -> None:
    """Set secrets of ENVIRONMENT from the lines NAME=value of FILE (- is stdin): those that the plan uses.

    Quotes, comments and `export` are read as in other .env files; nothing is interpolated. If a line is wrong, nothing is
    set.
    """
    from shipway.actions.environment.secret_lists import read_import, set_all

    with opened(options, app) as known:
        plan, where = known.with_plan(environment)
        found = read_import(known.ctx, plan, where, _text(file), every=every)
        if not dry_run:
            set_all(known.ctx, plan.app, where.name, found.values)
        _report(found, environment, every=every, dry_run=dry_run)


def _text(file: BinaryIO) -> str:
    data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise SecretError(f"the file is larger than {LARGEST >> 20} MB")
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError as error:
        raise SecretError(
            f"the file is not UTF-8 text (byte {error.start + 1})",
            hint="set binary secrets one by one: shipway secret set",
        ) from None


def _report(found: Import, environment: str, *, every: bool, dry_run: bool) -> None:
    if found.values:
        say(f"{'would set' if dry_run else 'set'} for {environment}: {', '.join(found.values)}")
    else:
        say(f"nothing to set for {environment}")
    lines = (
        ("set to the same value already", found.same),
        ("not set, since the value is blank", found.blank),
        ("names another variable ($NAME), which is not replaced", found.references),
        ("used by nothing in the plan" + ("" if every else ", so not set (--all sets them too)"), found.unused),
        (f"still missing for {environment}", found.missing),
    )
    for why, listed in lines:
        if listed:
            say(f"{why}: {', '.join(listed)}", err=True)


@click.command("export")
@click.argument("environment")
@click.argument("names", nargs=-1)
@click.option("--to", "path", metavar="FILE", help="A new file, readable only by you [stdout]")
@app_option
@click.pass_obj
def export(options: Globals, environment: str, names: tuple[str, ...], path: str | None, app: str | None) -> None:
    """Print the values of ENVIRONMENT [NAMES: only these] as lines NAME=value, which `shipway secret import` reads."""
    from pathlib import Path

    from shipway.actions.environment.secret_lists import export as read
    from shipway.system.private_file import write_private

    with opened(options, app) as known:
        plan, where = known.with_plan(environment)
        text = read(known.ctx, plan.app, where.name, names)
        if path is None:
            secret_line(text.removesuffix("\n"))
            return
        try:
            write_private(Path(path), text)
        except FileExistsError:
            raise UsageError(f"{path} exists", hint="name a new file") from None
        except OSError as error:
            raise UsageError(f"{path} can't be written: {error.strerror}") from None
        say(f"the secrets of {environment} are in {path}, not encrypted: remove it after use")


@click.command("copy")
@click.option("--from", "source", metavar="ENVIRONMENT", required=True, help="Where they are set")
@click.argument("environment")
@click.argument("names", nargs=-1)
@click.option("--values", is_flag=True, help="Copy the values too, also over other values of NAMES")
@click.option("--force", is_flag=True, help="Copy values to an environment that needs fewer approvals")
@app_option
@click.pass_obj
def copy(
    options: Globals, source: str, environment: str, names: tuple[str, ...], values: bool, force: bool, app: str | None
) -> None:
    """Set for ENVIRONMENT the secrets that another one has [NAMES: only these].

    Each value is prompted for; without a terminal, the names are printed as lines to fill in for `shipway secret import`.
    Values are only copied with --values, and not to an environment that needs fewer approvals.
    """
    from shipway.actions.environment.secret_lists import copy_values, require_copy, to_copy
    from shipway.actions.environment.secret_names import provider_of, require_own

    if force and not values:
        raise UsageError("--force has no meaning without --values")
    with opened(options, app) as known:
        ctx = known.ctx
        first, target = known.with_plan(source), known.with_plan(environment)
        found = to_copy(
            ctx, known.name, known.kept(source), known.kept(environment), names, again=values and bool(names)
        )
        if names:
            require_own(target[0], target[1].name, found)
        found = [name for name in found if provider_of(target[0], target[1].name, name) is None]
        if not found:
            say(f"{environment} has all secrets that {source} has" if not names else "nothing to copy")
            return
        if values:
            if not force:
                require_copy(ctx, first, target)
            copy_values(ctx, known.name, known.kept(source), known.kept(environment), found)
            say(f"copied from {source} to {environment}: {', '.join(found)}")
        elif sys.stdin.isatty() and sys.stdout.isatty():
            _prompt(known, environment, found)
        else:
            for name in found:
                say(f"{name}=")
            say(f"fill in the values, then: shipway secret import {environment} FILE", err=True)


def _prompt(known: KnownApp, environment: str, names: list[str]) -> None:
    from shipway.actions.environment.secret_names import require_fit

    plan, where = known.with_plan(environment)
    for name in names:
        value = click.prompt(f"{name} for {environment} (empty: skip)", hide_input=True, default="", show_default=False)
        if value:
            require_fit(known.ctx.kinds, plan, where.name, name, value)
            known.ctx.secrets.set(f"{plan.app}/{where.name}", name, value)
            say(f"{name} is set for {environment}")


@click.command("edit")
@click.argument("environment")
@click.argument("names", nargs=-1)
@click.option("--ledger", is_flag=True, help="Edit the secrets in the ledger, also if the plan names an encrypted file")
@click.option("--recipient", "add", multiple=True, metavar="KEY", help="Of a file: add a reader (age1… or ssh-…)")
@click.option("--remove-recipient", "remove", multiple=True, metavar="KEY", help="Of a file: remove a reader")
@app_option
@click.pass_obj
def edit(
    options: Globals, environment: str, names: tuple[str, ...], ledger: bool, add: tuple[str, ...],
    remove: tuple[str, ...], app: str | None,
) -> None:  # fmt: skip
    """Edit the values of ENVIRONMENT [NAMES: only these] in $VISUAL or $EDITOR, as lines NAME=value: those in the ledger, or
    in the file of the repository that `secrets_from: {age: …}` names.

    The text is in memory where the machine allows it, readable only by you, and always removed. New lines set secrets, a
    removed line removes one that nothing uses.
    """
    from shipway.actions.environment.secret_edit import apply_edit, describe
    from shipway.actions.environment.secret_lists import export as read
    from shipway.cli.secret_file import age_source, edit_file
    from shipway.system.private_file import private_file

    with opened(options, app) as known:
        plan, where = known.with_plan(environment)
        source = None if ledger else age_source(where)
        if source is not None:
            if names:
                raise UsageError(f"{source.place} is edited as a whole", hint=f"shipway secret edit {environment}")
            edit_file(known, plan, where, source, _run_editor, home=options.home, add=add, remove=remove)
            return
        if add or remove:
            raise UsageError(
                "only a file of the repository has recipients", hint="`secrets_from: {age: …}` in the plan"
            )
        before = read(known.ctx, plan.app, where.name, names)
        with private_file(before, f"{environment}.env") as file:
            while True:
                _run_editor(file)
                try:
                    done = apply_edit(known.ctx, plan, where, before, file.read_text(encoding="utf-8"))
                    break
                except (SecretError, UsageError, UnicodeDecodeError) as error:
                    say(f"nothing was changed: {error}", err=True)
                    if not (sys.stdin.isatty() and click.confirm("edit again?", default=True, err=True)):
                        raise SecretError("nothing was changed; the edited values are lost") from error
        say(describe(done, environment))
        if not done.set and not done.removed:
            say(
                "if the editor returned before you saved: it needs its option to wait, as in EDITOR='code --wait'",
                err=True,
            )


def _run_editor(file: Path) -> None:
    """Run the user's editor; its own files get no rights for others. UsageError if it fails."""
    import os
    import shlex
    import signal
    import subprocess

    given = os.environ.get("VISUAL", "").strip() or os.environ.get("EDITOR", "").strip() or "vi"
    try:
        editor = shlex.split(given)
    except ValueError:
        raise UsageError(
            f"the editor {given!r} has a quote that is never closed", hint="correct VISUAL or EDITOR"
        ) from None
    before = signal.signal(signal.SIGINT, lambda number, frame: None)  # Ctrl-C is the editor's
    try:
        done = subprocess.run([*editor, str(file)], check=False, umask=0o077)
    except OSError as error:
        raise UsageError(
            f"{editor[0]} can't be started: {error.strerror}", hint="set EDITOR to a program that edits a file"
        ) from None
    finally:
        signal.signal(signal.SIGINT, before)
    if done.returncode:
        raise UsageError(f"{editor[0]} exited with {done.returncode}: nothing was changed")
