"""`shipway secret edit` on an encrypted file of the repository."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipway.cli.output import say
from shipway.domain.errors import SecretError, UsageError
from shipway.domain.secret_source import AGE

if TYPE_CHECKING:
    from shipway.actions.environment.environments import KnownApp
    from shipway.domain.plan import Environment, Plan
    from shipway.domain.secret_source import SecretSource
    from shipway.drivers.secret_provider.age import AgeFile
    from shipway.drivers.secret_provider.operator import Operator


def age_source(environment: Environment) -> SecretSource | None:
    """The file that `edit` works on; None: the ledger. UsageError if there are several."""
    found = [item for item in environment.secrets_from if item.kind == AGE]
    if len(found) > 1:
        files = ", ".join(item.place for item in found)
        raise UsageError(f"{environment.name} has several files: {files}", hint="one file for each environment")
    return found[0] if found else None


def edit_file(
    known: KnownApp, plan: Plan, where: Environment, source: SecretSource, run_editor: Callable[[Path], None],
    *, home: Path, add: Sequence[str], remove: Sequence[str],
) -> None:  # fmt: skip
    """Decrypt, edit, and encrypt again for the same recipients and those added. The text is only in a private file in
    memory."""
    from shipway.actions.environment.secret_edit import file_problems
    from shipway.domain.names import scope
    from shipway.drivers.secret_provider.age import AgeFile, check_recipient, encrypt, write_file
    from shipway.drivers.secret_provider.operator import Operator
    from shipway.system.git import Repository
    from shipway.system.private_file import private_file

    if known.plan is None:
        raise UsageError(
            f"the secrets of {where.name} are in {source.place}, a file of the repository, which is not here",
            hint="run this in a clone of the repository",
        )
    for text in add:
        check_recipient(text)
    path = Repository.find(Path.cwd()).path.resolve() / source.place
    if path.resolve() != path:
        raise UsageError(f"{path} is a link, or in one", hint="commit the file itself")
    operator = Operator(home, scope(plan.app, where.name), os.environ)
    before = _opened(path, source.place, operator)
    recipients = [item for item in dict.fromkeys((*before.recipients, *add)) if item not in remove]
    if unknown := set(remove).difference(before.recipients):
        raise UsageError(f"{', '.join(unknown)} can't read {source.place} anyway")
    if not recipients:
        raise UsageError(f"no one could read {source.place}", hint="keep or add a recipient")
    with private_file(before.text, f"{where.name}.env") as file:
        while True:
            run_editor(file)
            try:
                text = file.read_text(encoding="utf-8")
                problems = file_problems(known.ctx, plan, where, text)
                if problems:
                    raise SecretError("\n".join(["the file has problems:", *(f"  {item}" for item in problems)]))
                break
            except (SecretError, UnicodeDecodeError) as error:
                say(f"nothing was changed: {error}", err=True)
                if not (os.isatty(0) and click.confirm("edit again?", default=True, err=True)):
                    raise SecretError("nothing was changed; the edited values are lost") from error
    if text == before.text and tuple(recipients) == before.recipients and path.exists():
        say("nothing was changed")
        return
    write_file(path, encrypt(AgeFile(before.scope, tuple(recipients), text)))
    say(f"{source.place} is encrypted for {', '.join(recipients)}; commit it and deploy that commit")
    if remove:
        say("whoever was removed may have read the older file: set new values too", err=True)


def _opened(path: Path, place: str, operator: Operator) -> AgeFile:
    """The decrypted file, or a new one for this machine's identity, which is created if there is none."""
    from shipway.drivers.secret_provider.age import AgeFile, create_identity, decrypt, has_identity, own_recipients

    try:
        return decrypt(path.read_bytes(), place, operator)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise SecretError(f"{path} can't be read: {error.strerror}") from None
    if not has_identity(operator):
        created = create_identity(operator)
        say(f"created an age identity in {created}: keep a copy, the file can't be read without it", err=True)
    return AgeFile(operator.scope, tuple(own_recipients(operator)), "")
