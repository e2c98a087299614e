"""Find the release that a user names: `r12` is always a release; digits alone may also be a version tag or a
revision."""

from __future__ import annotations

import re

from shipway.context import Context
from shipway.domain.errors import RepositoryError, UsageError
from shipway.domain.inputs import inputs_of, inputs_tree
from shipway.domain.preview import is_of_preview
from shipway.domain.release import Release
from shipway.system.addresses import addresses, identity
from shipway.system.git import Repository

NUMBER = re.compile(r"r([1-9]\d{0,8})")


def number_of(text: str) -> int | None:
    """12 of r12; None if it is not written as a release's number."""
    found = NUMBER.fullmatch(text)
    return int(found[1]) if found else None


def which_release(ctx: Context, app: str, text: str, *, revisions: bool) -> Release | None:
    """Find it by number, version tag and, with `revisions`, a revision of the repository. UsageError if it is
    ambiguous."""
    number = number_of(text)
    if number is not None:
        return ctx.ledger.release(app, number)
    found: dict[str, Release] = {}
    by_version = ctx.ledger.version(app, text)
    if by_version is not None:
        found[f"version {text}"] = by_version
    if re.fullmatch(r"[1-9]\d{0,8}", text) and (by_number := ctx.ledger.release(app, int(text))) is not None:
        found[f"release number {text}"] = by_number
    by_revision = _of_revision(ctx, app, text, required=not found and not text.isdecimal()) if revisions else None
    if by_revision is not None:
        found[f"revision {text}"] = by_revision
    if len({item.number for item in found.values()}) > 1:
        listed = ", ".join(f"{name} is r{item.number}" for name, item in found.items())
        raise UsageError(
            f"{text} is ambiguous: {listed}",
            hint=f"name the release, such as r{next(iter(found.values())).number}",
        )
    return next(iter(found.values()), None)


def app_of(ctx: Context, repository: Repository, file: str | None) -> str | None:
    """The app that is registered for a plan file of the repository; None if there is none."""
    here = set(map(identity, addresses(repository)))
    for app in ctx.ledger.apps():
        found = ctx.ledger.registration(app)
        if found and found.plan == file and here.intersection(map(identity, found.addresses)):
            return app
    return None


def revision_of(ctx: Context, repository: Repository, text: str, own: str | None = None) -> str:
    """The revision that r12 was built from, in the app's own repository; any other text is returned unchanged. own: the
    app, if it is known. UsageError if there is no such release."""
    number = number_of(text)
    if number is None:
        return text
    apps = [
        app
        for app in ([own] if own else ctx.ledger.apps())
        if (found := ctx.ledger.release(app, number)) and repository.has(found.revision)
    ]
    if len(apps) > 1:
        raise UsageError(
            f"{text} is a release of several apps: {', '.join(apps)}", hint="pass --app NAME, or --plan PATH"
        )
    if not apps:
        raise UsageError(
            f"there is no release {text} of this repository",
            hint="`shipway history` lists releases; if it is a branch, pass refs/heads/" + text,
        )
    release = ctx.ledger.release(apps[0], number)
    assert release is not None
    return release.revision


def _of_revision(ctx: Context, app: str, text: str, *, required: bool) -> Release | None:
    try:
        commit = ctx.repository().commit(text)
    except RepositoryError:
        if required:
            raise
        return None
    found = ctx.ledger.releases_of(app, commit.tree)
    newest = next(iter(ctx.ledger.releases(app, limit=1)), None)
    if newest is not None and (patterns := inputs_of(newest.plan)):  # see projects.plans.of_plan
        tree = inputs_tree(ctx.repository().tree_hashes(commit.revision, patterns))
        found = [*ctx.ledger.releases_of(app, tree), *found]
    found = sorted(found, key=lambda item: is_of_preview(item.plan))
    return next(iter([*(item for item in found if item.revision == commit.revision), *found]), None)
