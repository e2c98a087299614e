"""The authors of what a deployment would bring to an environment, computed on demand from git."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.actions.projects.register import recorded_origin
from shipway.context import Context
from shipway.domain.authors import Authors
from shipway.domain.errors import GateRefused, RepositoryError
from shipway.domain.inputs import inputs_of
from shipway.domain.mailmap import Mailmap
from shipway.domain.registration import Registration
from shipway.domain.release import SUCCEEDED, Release
from shipway.domain.value import dataclass
from shipway.system.git import Repository
from shipway.system.git.history import changed_merges, commits, fetch, is_cut, written
from shipway.system.git.inputs import same_inputs, touched
from shipway.system.origin import Origin


@dataclass(frozen=True)
class Provenance:
    """Where an app's commit history is read."""

    clone: Repository
    url: str | None  # source for commits that the clone lacks, may contain credentials; None: none
    address: str  # the url for messages
    baseline: str  # commit whose history is ignored for a first deployment; "": nothing is ignored
    mailmap: Mailmap  # of the protected branch


def provenance(ctx: Context, app: str) -> Provenance:
    """The history by the app's registration; for an unregistered app, the clone alone. RepositoryError without a clone,
    or if the recorded address is unreachable."""
    clone, found = ctx.repository(), ctx.ledger.registration(app)
    if found is None:
        return Provenance(clone, clone.setting("remote.origin.url"), "its remote", "", Mailmap())
    return registered_provenance(
        found, recorded_origin(ctx, found, clone) or Origin(found.address, found.address, clone, ctx.home)
    )


def registered_provenance(registration: Registration, origin: Origin) -> Provenance:
    """The history in the recorded repository."""
    text = origin.text(registration.branch, ".mailmap") or ""
    return Provenance(origin.clone, origin.url, registration.address, registration.baseline, Mailmap.parse(text))


def authors(
    ctx: Context, source: Provenance, environment: str, release: Release, revision: str | None = None
) -> Authors:
    """The authors of all commits between the environment's current release and the given one. revision: the deployed
    commit, if it is another one with the release's tree. GateRefused if this clone lacks some of them."""
    before = replaced(ctx, release, environment)
    tips = _tips(source, release, revision)
    paths = _paths(release, before)
    without = _without(source, tips, before, paths)
    found = Authors(source.mailmap)
    merges: dict[str, tuple[str, str]] = {}
    new = list(written(source.clone.path, tips, without))
    touching = touched(source.clone.path, new, paths) if paths else None
    for commit in new:
        if touching is not None and not commit.is_merge and commit.revision not in touching:
            continue  # of another app
        found.add(commit)
        if commit.is_merge:
            merges[commit.revision] = (commit.name, commit.address)
    unknown = {commit: who for commit, who in merges.items() if not found.has(who[1], who[0])}
    for merge in changed_merges(source.clone.path, unknown):
        name, address = unknown[merge]
        found.name(name, address, "changes made in merge", merge)
    return found


def _paths(release: Release, before: Release | None) -> tuple[str, ...]:
    """The inputs of the release and of the one that it replaces, so that a release that narrows its inputs hides no
    author; empty: the whole repository."""
    own = inputs_of(release.plan)
    earlier = inputs_of(before.plan) if before else own
    return tuple(dict.fromkeys([*own, *earlier])) if own and earlier else ()


def replaced(ctx: Context, release: Release, environment: str) -> Release | None:
    """The release that this one replaces: the current one, or the one before this release's first deployment. None: a
    first deployment."""
    done = ctx.ledger.history(release.app, environment)
    good = [item for item in done if item.outcome == SUCCEEDED]  # newest first
    own = [index for index, item in enumerate(good) if item.release == release.number]
    earlier = good[own[-1] + 1 :] if own else good
    return ctx.ledger.release(release.app, earlier[0].release) if earlier else None


def _tips(source: Provenance, release: Release, revision: str | None) -> list[str]:
    """The commits whose history is new."""
    main = revision or release.revision
    if not has_commit(source, main):
        raise GateRefused(
            f"the authors of release {release.number} are unknown: commit {main[:12]} is not in this clone",
            hint="git fetch",
        )
    return [main, *([release.revision] if release.revision != main and has_commit(source, release.revision) else [])]


def _without(source: Provenance, tips: Sequence[str], before: Release | None, paths: Sequence[str]) -> list[str]:
    """The commits whose history is deployed already. GateRefused if a shallow clone can't be completed."""
    if before is not None and has_commit(source, before.revision):
        return _since(source, tips, before, paths)
    return _since_baseline(source, tips)


def _since(source: Provenance, tips: Sequence[str], before: Release, paths: Sequence[str]) -> list[str]:
    without = [before.revision]
    _complete(source, tips, without)
    found = list(written(source.clone.path, tips, without))
    if not found or not source.clone.merge_base(before.revision, tips[0]):
        return _since_baseline(source, tips)  # a rollback, or no common history with the current release
    # A commit with the deployed files counts as deployed, whether it was squashed, merged or rebased: with all those that
    # count now, or a release could bring what was committed while it was no input.
    if paths:
        same = same_inputs(source.clone.path, found, before.revision, paths)
    else:
        (deployed,) = commits(source.clone.path, [before.revision])
        same = {item.revision for item in found if item.tree == deployed.tree}
    return [*without, *(item.revision for item in found if item.revision in same and item.revision not in tips)]


def _since_baseline(source: Provenance, tips: Sequence[str]) -> list[str]:
    without = [source.baseline] if source.baseline and has_commit(source, source.baseline) else []
    _complete(source, tips, without)
    if without and next(written(source.clone.path, tips, without), None) is None:
        without = []  # the release is an ancestor of it: all authors count
        _complete(source, tips, without)
    return without


def _complete(source: Provenance, tips: Sequence[str], without: Sequence[str]) -> None:
    if not is_cut(source.clone.path, tips, without):
        return
    hint = "fetch the full history: git fetch --unshallow (in a hosted job: check out with full depth)"
    if source.url is None:
        raise GateRefused("the authors of the release are unknown: this clone is shallow", hint=hint)
    try:
        fetch(source.clone.path, source.url)
    except RepositoryError as error:
        cause = error.message.replace(source.url, source.address)
        unknown = f"the authors of the release are unknown: this clone is shallow, and its history can't be fetched from {source.address}: {cause}"
        raise GateRefused(unknown, hint=hint) from None
    if is_cut(source.clone.path, tips, without):  # its source is shallow as well
        raise GateRefused(
            f"the authors of the release are unknown: {source.address} lacks the full history too", hint=hint
        )


def has_commit(source: Provenance, revision: str) -> bool:
    """Whether the commit is in the clone, after fetching it if needed. A server may refuse a commit that no ref
    reaches."""
    if source.clone.has(revision):
        return True
    if source.url is None:
        return False
    try:
        fetch(source.clone.path, source.url, revision)
    except RepositoryError:
        pass
    return source.clone.has(revision)
