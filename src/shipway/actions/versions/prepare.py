"""Write a version's entry into the changelog and commit it, on a branch where it is validated before it is tagged."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace

from shipway.actions.versions.preview import choose
from shipway.actions.versions.situation import Situation, decoded
from shipway.context import Context
from shipway.domain import changelog
from shipway.domain.conventional import VersionCommit, uses
from shipway.domain.errors import GateRefused, RepositoryError, UsageError
from shipway.domain.value import dataclass
from shipway.domain.version import Tag
from shipway.system.checkout import commit_file, push, read_bytes

_OWN = re.compile(r"(?:docs: t|T)he changelog of \S+")  # the subject of such a commit


@dataclass(frozen=True)
class ChangelogEntry:
    """A version's entry in the changelog, before and after it is committed."""

    version: str  # the tag that is to come
    why: str  # how the version was found
    before: str | None  # the tag of the newest version so far
    branch: str
    remote: str | None
    path: str
    entry: str
    ahead: int  # commits of the branch that the remote lacks, and that are pushed with it
    exists: bool  # whether the commit that is checked out has it already
    committed: str | None = None  # the commit that was made
    pushed: bool = False
    next: str = ""  # what to do


@dataclass(frozen=True)
class Draft:
    """An entry, and the commit that brings it."""

    shown: ChangelogEntry
    content: bytes = b""  # of the whole file
    subject: str = ""  # of the commit


def draft_entry(ctx: Context, situation: Situation, asked: str | None) -> Draft:
    """The entry as it would be written. UsageError without a changelog; GateRefused if there is nothing to write."""
    path, here = situation.changelog, situation.checkout
    if path is None:
        raise UsageError(
            f"this commit has no {changelog.NAME} to prepare", hint="commit one, or tag without it: shipway release"
        )
    tag, why = choose(situation, asked, entries=True)
    text = situation.text()
    found = [item for item in situation.changes if not _OWN.fullmatch(item.subject)]
    subject = f"The changelog of {tag.name}"
    subject = f"docs: t{subject[1:]}" if uses(found) else subject
    facts = (tag.name, why, situation.before, situation.branch, situation.remote, path)
    if (known := changelog.entry_of(text, tag.version)) is not None:
        _refuse_changed(here.changed)
        return Draft(ChangelogEntry(*facts, known, situation.ahead, True))
    if not found:
        raise GateRefused(f"no commit was made since {situation.before}", hint="there is nothing to release")
    date = time.strftime("%Y-%m-%d", time.gmtime(ctx.clock()))
    written = decoded(read_bytes(situation.subject.repository, path), path)
    if not here.changed:
        if read_bytes(situation.subject.repository, path) is None:
            raise RepositoryError(
                f"{path} is no regular file here", hint="pass --no-changelog, or replace it by a file"
            )
        made = _inserted(path, written, tag, date, found)
    else:  # of a process that died after it had written the file
        made = _inserted(path, text, tag, date, found)
        if written.replace("\r\n", "\n") != made.replace("\r\n", "\n"):
            _refuse_changed(here.changed)
        made = written
    return Draft(
        ChangelogEntry(*facts, changelog.entry_of(made, tag.version) or "", situation.ahead, False),
        made.encode(),
        subject,
    )


def _inserted(path: str, text: str, tag: Tag, date: str, found: Sequence[VersionCommit]) -> str:
    try:
        return changelog.insert(text, tag, date, found)
    except ValueError as error:
        raise UsageError(f"{path} gets no entry: {error}", hint="correct it, or pass --no-changelog") from error


def _refuse_changed(changed: tuple[str, ...]) -> None:
    if changed:
        raise RepositoryError(
            f"uncommitted changes: {', '.join(changed)}", hint="commit them, or set them aside: git stash"
        )


def prepare_entry(ctx: Context, situation: Situation, draft: Draft, *, send: bool) -> ChangelogEntry:
    """Commit the entry and push the branch. RepositoryError if the remote rejects it: the commit stays."""
    repository, entry, branch = situation.subject.repository, draft.shown, draft.shown.branch
    committed = None
    if not entry.exists:
        committed = commit_file(repository, entry.path, draft.content, f"{draft.subject}\n")
    pushed = False
    if send and situation.remote and (committed or situation.ahead or situation.unpublished):
        try:
            push(
                repository, situation.remote, [f"refs/heads/{branch}:refs/heads/{branch}"],
                lambda line: ctx.reporter.line("push", line),
            )  # fmt: skip
        except RepositoryError as error:
            raise RepositoryError(
                f"{branch} could not be pushed to {situation.remote}; the commit of the entry stays here: {error.message}",
                hint=f"try again with the same command; for a pull request: git push {situation.remote} HEAD:refs/heads/changelog-{entry.version}; "
                "to undo it: git reset --keep HEAD~1",
            ) from error
        pushed = True
    return replace(entry, committed=committed, pushed=pushed, next=_next(situation, entry, pushed=pushed))


def _next(situation: Situation, entry: ChangelogEntry, *, pushed: bool) -> str:
    triggers = [item.trigger for _, item in situation.subject.in_force.environments]
    target = next((name for trigger in triggers for name in trigger.branches), entry.branch)
    push_first = (
        f"git push {situation.remote} {entry.branch}; " if situation.remote and not pushed and not entry.exists else ""
    )
    merge = "" if target == entry.branch else f"bring it to {target}; there: "
    return f"{push_first}once it is validated: {merge}shipway release {entry.version}"
