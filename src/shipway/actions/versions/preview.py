"""What a version would bring to its environment, and everything that keeps it from being made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shipway.actions.deployments.admission import (
    Judgement,
    after_of,
    candidate_of,
    judged,
    refused_commit,
    refused_plan,
)
from shipway.actions.projects.approvals import Decisions
from shipway.actions.proofs.recorded import ProofSummary, newest, recorded_proofs
from shipway.actions.versions.situation import Situation, Subject, branches_before
from shipway.context import Context
from shipway.domain import changelog, gate, version
from shipway.domain.comparison import Difference, Side, compare
from shipway.domain.conventional import VersionCommit, level, proposed, uses
from shipway.domain.errors import GateRefused, RepositoryError, UsageError
from shipway.domain.inputs import inputs_of
from shipway.domain.release import Release
from shipway.domain.signers import people
from shipway.domain.value import dataclass
from shipway.domain.version import Tag, Version
from shipway.system.checkout import changed_files, commits_after, is_signed, signs
from shipway.system.patterns import matches

LISTED = 8  # files named in a message


@dataclass(frozen=True)
class VersionPreview:
    """A version, before and after it is made."""

    app: str
    environment: str
    version: str  # the tag
    why: str  # how the version was found
    before: str | None  # the tag of the newest version so far
    revision: str
    branch: str
    remote: str | None  # name of the remote that gets the tag; None: there is none
    signed: bool  # whether the tag is signed
    exists: bool  # whether this clone has the tag at this commit, signed if it has to be: only its push is missing
    commits: tuple[VersionCommit, ...]  # since then, newest first, without merges
    release: int | None  # that would be deployed; None: it is yet to be built
    running: int | None  # the release that runs there now
    images: tuple[Difference, ...]  # digests by service, of the running release and of this one
    configuration: tuple[Difference, ...]  # by path in the plan
    schema: tuple[str | None, str | None]  # revisions
    migrations: tuple[str, ...]  # that are applied: files, or names by a rollback proof
    validated: tuple[str, ...]  # environments where the release was validated
    proofs: tuple[ProofSummary, ...]
    waits: tuple[str, ...]  # approvals that are missing
    approvers: str  # who may give them
    entry: str | None  # in the changelog; None: there is none
    unlisted: int = 0  # commits that are newer than the entry
    refused: tuple[str, ...] = ()  # why it can't be made
    remedies: tuple[str, ...] = ()
    tagged: bool = False
    pushed: bool = False
    next: str = ""  # what happens now, or what to do

    def require(self) -> None:
        """GateRefused with all reasons against it."""
        if self.refused:
            listed = "\n".join(f"  - {reason}" for reason in self.refused)
            raise GateRefused(f"{self.version} can't be made:\n{listed}", hint="; or: ".join(self.remedies))


def choose(situation: Situation, asked: str | None, *, entries: bool) -> tuple[Tag, str]:
    """The version, and how it was found. entries: whether one that the changelog has comes first. UsageError if it is no
    version, not higher than the newest, or another commit's."""
    prefix, before = situation.prefix, situation.newest
    if asked is not None:
        try:
            tag = Tag(prefix, version.chosen(asked, prefix, before))
        except ValueError as error:
            raise UsageError(
                str(error), hint=f"one of {', '.join(version.LEVELS)}, or a version such as {prefix}1.4.0"
            ) from error
        why = asked if asked in version.LEVELS else "as asked"
    else:
        tag, why = _proposed(situation, entries=entries)
    if tag.name in situation.published:
        same = situation.published[tag.name] == situation.checkout.head
        raise UsageError(
            f"the tag {tag.name} exists" + (", and is this commit" if same else f": it is {situation.published[tag.name][:12]}"),
            hint=f"shipway deploy {situation.subject.environment} {tag.name}" if same else "choose a higher version",
        )  # fmt: skip
    if before is not None and not before < tag.version:
        raise UsageError(
            f"{tag.name} is not higher than {situation.before}, the newest version",
            hint=f"the next ones are {', '.join(f'{prefix}{before.next(item)}' for item in version.LEVELS)}",
        )
    if (there := situation.local.get(tag.name)) and there != situation.checkout.head:
        raise UsageError(
            f"this clone has a tag {tag.name} at {there[:12]}, which {situation.remote} lacks",
            hint=f"remove it: git tag --delete {tag.name}; or choose another version",
        )
    return tag, why


def _proposed(situation: Situation, *, entries: bool) -> tuple[Tag, str]:
    prefix, before = situation.prefix, situation.newest
    here = [name for name, commit in situation.local.items() if commit == situation.checkout.head]
    waiting = version.newest([name for name in here if name not in situation.published], prefix)
    own = version.read(waiting, prefix) if waiting else None
    if own is not None and f"{prefix}{own}" == waiting and (before is None or before < own):
        return Tag(prefix, own), "its tag was made, but not pushed"
    entry = changelog.prepared(situation.text(), before) if entries else None
    if entry is not None:
        return Tag(prefix, entry), f"{situation.changelog} has its entry"
    return Tag(prefix, proposed(before, situation.changes)), reason(situation.newest, situation.changes)


def reason(before: Version | None, changes: Sequence[VersionCommit]) -> str:
    """Why this version is proposed."""
    if before is None:
        return "the first version"
    if not uses(changes):
        return "patch, since the commits don't say more"
    kind = level(changes)
    if kind == version.MAJOR:
        return f"a breaking change: {next(item.subject for item in changes if item.breaking)}"
    if kind == version.MINOR:
        return f"a feature: {next(item.subject for item in changes if item.type == 'feat')}"
    return "only fixes and the like"


def preview(ctx: Context, situation: Situation, asked: str | None, *, entries: bool) -> VersionPreview:
    """What it would bring. entries: whether the changelog needs its entry."""
    subject = situation.subject
    tag, why = choose(situation, asked, entries=entries)
    release, reasons, waits, remedies = _judge(ctx, subject, tag, situation)
    entry = changelog.entry_of(situation.text(), tag.version) if entries else None
    if situation.empty:
        reasons.append(f"no commit was made since {situation.before}")
    if entries and situation.changelog and entry is None:
        reasons.append(
            f"{situation.changelog} has no entry for {tag.name} at this commit, which is the one to be tagged"
        )
        where = branches_before(ctx, subject)
        switch = f"git switch {where[0]}; " if where and situation.branch not in where else ""
        remedies.append(
            f"write it where it is validated: {switch}shipway release {tag.name} --prepare; or leave it: --no-changelog"
        )
    app, name = subject.plan.app, subject.in_force.environment
    current = ctx.ledger.current(app, name)
    running = ctx.ledger.release(app, current.release) if current else None
    shown = release or _unbuilt(subject, running)
    environment = shown.plan.environments.get(name)
    base = (
        Side("", running, running.plan.environments.get(name), current.schema if current else None) if running else None
    )
    found = compare(base, Side("", shown, environment, shown.schema)) if base else None
    schema = found.schema if found else (None, shown.schema)
    names, signed = (*after_of(subject.in_force), name), signs(subject.repository)
    return VersionPreview(
        app=app, environment=subject.environment, version=tag.name, why=why, before=situation.before,
        revision=situation.checkout.head, branch=situation.branch, remote=situation.remote,
        signed=signed,
        exists=tag.name in situation.local and (not signed or is_signed(subject.repository, tag.name)), commits=tuple(situation.commits),
        release=release.number if release else None, running=running.number if running else None,
        images=tuple(found.images) if found and release else _all_images(release), configuration=found.configuration if found else (),
        schema=schema, migrations=_migrations(situation, shown) or _proven(ctx, names, release), validated=tuple(ctx.names.shown(app, item) for item in after_of(subject.in_force)) if release else (),
        proofs=tuple(proof for item in names if release and (proof := newest(ctx, release, item))),
        waits=tuple(waits), approvers=_approvers(ctx, subject, release) if release and any("approval" in item for item in waits) else "",
        entry=entry, unlisted=commits_after(subject.repository, situation.checkout.head, situation.changelog) if entry and situation.changelog else 0,
        refused=tuple(reasons), remedies=tuple(remedies),
    )  # fmt: skip


def _judge(
    ctx: Context, subject: Subject, tag: Tag, situation: Situation
) -> tuple[Release | None, list[str], list[str], list[str]]:
    """The release; reasons against it; missing approvals, and what else it waits for; remedies."""
    book, in_force, commit, app = subject.book, subject.in_force, subject.commit, subject.plan.app
    known = candidate_of(book, in_force, commit, "")
    candidate = replace(known, tags=(*known.tags, tag.name), tag=tag.name)
    found: Judgement = judged(ctx, commit, app, book, in_force, candidate)
    reasons, remedies = list(found.reasons), list[str]()
    if found.release is None and not after_of(in_force):  # nothing is validated before; the tag's own run builds it
        reasons = refused_commit(book, in_force, candidate) + refused_plan(in_force, subject.plan)
        reasons += gate.refused_proof(subject.plan, in_force)
    elif found.release is None:
        reasons += _differs(ctx, subject, situation)
        remedies.append(_way_to_validation(ctx, subject, situation, tag))
    elif reasons:
        remedies.append("shipway rules shows the rules in force")
    taken = ctx.ledger.version(app, tag.name)
    if taken is not None and (found.release is None or taken.number != found.release.number):
        reasons.append(
            f"{tag.name} was deployed as release {taken.number}, whose tag is gone: a version is never reused"
        )
        remedies.append("choose a higher version")
    return found.release, reasons, [*found.unapproved, *found.waits], remedies


def _differs(ctx: Context, subject: Subject, situation: Situation) -> list[str]:
    """By which files the commit differs from what was validated last."""
    patterns, repository, found = inputs_of(subject.plan), subject.repository, []
    for name in after_of(subject.in_force):
        current = ctx.ledger.current(subject.plan.app, name)
        release = ctx.ledger.release(subject.plan.app, current.release) if current else None
        shown = ctx.names.shown(subject.plan.app, name)
        if release is None:
            found.append(f"nothing was validated on {shown} yet")
        elif repository.has(release.revision):
            paths = changed_files(repository, release.revision, situation.checkout.head)
            paths = [path for path in paths if not patterns or any(matches(path, item) for item in patterns)]
            more = f" and {len(paths) - LISTED} more" if len(paths) > LISTED else ""
            if paths:
                found.append(
                    f"it differs from release {release.number}, which {shown} runs, in: {', '.join(paths[:LISTED])}{more}"
                )
    return found


def _way_to_validation(ctx: Context, subject: Subject, situation: Situation, tag: Tag) -> str:
    branches, branch = branches_before(ctx, subject), situation.branch
    names = " and ".join(ctx.names.shown(subject.plan.app, name) for name in after_of(subject.in_force))
    if not branches or branch in branches:
        return f"have {names} deploy this commit: shipway run {branch}; then: shipway release {tag.name}"
    push = " && git push" if situation.remote else ""
    return (
        f"have {names} deploy the same files: git switch {branches[0]} && git merge {branch}{push}; then: git switch {branch} && "
        f"git merge --ff-only {branches[0]}{push}; shipway release {tag.name}"
    )


def _unbuilt(subject: Subject, running: Release | None) -> Release:
    """A stand-in for a release that is yet to be built: with the plan, and otherwise as what runs."""
    if running is not None:
        return replace(running, number=0, revision=subject.commit.revision, plan=subject.plan)
    return Release(
        0, subject.plan.app, subject.commit.revision, subject.commit.tree, (), subject.commit.subject, {}, subject.plan, 0, 0.0
    )  # fmt: skip


def _all_images(release: Release | None) -> tuple[Difference, ...]:
    return tuple(Difference(name, None, image) for name, image in release.images.items()) if release else ()


def _migrations(situation: Situation, release: Release) -> tuple[str, ...]:
    """Files that were added to the folder of migrations, where the plan names it."""
    database = release.plan.database
    service = release.plan.services.get(database.service) if database else None
    if (
        database is None
        or database.folder is None
        or service is None
        or service.build is None
        or situation.before is None
    ):
        return ()
    folder = f"{service.build.folder.strip('/')}/{database.folder.strip('/')}".replace("/./", "/").removeprefix("./")
    since = situation.published[situation.before]
    return tuple(changed_files(situation.subject.repository, since, situation.checkout.head, folder, added=True))


def _proven(ctx: Context, environments: Sequence[str], release: Release | None) -> tuple[str, ...]:
    """The migrations that a rollback proof applied; the last environment's proof says it best."""
    found = [proof.way for name in environments for proof in recorded_proofs(ctx, release, name)[:1]] if release else []
    return next((way.migrations for way in reversed(found) if way is not None), ())


def _approvers(ctx: Context, subject: Subject, release: Release) -> str:
    """Who may give the missing approvals."""
    in_force, revision = subject.in_force, subject.commit.revision
    rules = [item.approvals for _, item in in_force.environments]
    decisions = Decisions(ctx, release, in_force.environment, subject.book, in_force, revision)
    try:
        authors = decisions.authors if any(rule.not_author for rule in rules) else None
        known = (
            people((file.signers for file in decisions.signers), decisions.source.mailmap)
            if decisions.signers
            else None
        )
        if known is None:
            return f"anyone but its authors ({authors.render()})" if authors else "anyone"
        may = [min(group) for group in dict.fromkeys(known.values()) if not (authors and authors.find(group))]
        return ", ".join(sorted(may)) or "no one whose key is known"
    except (GateRefused, RepositoryError) as error:  # the deployment checks it again
        return f"unknown: {error.message}"
