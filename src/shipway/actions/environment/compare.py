"""Compare two releases, or what two environments run, by the ledger; the commits between them by the app's repository."""

from __future__ import annotations

from shipway.actions.environment.environments import KnownApp
from shipway.actions.environment.find_release import which_release
from shipway.context import Context
from shipway.domain import history, names
from shipway.domain.comparison import Comparison, Side, compare
from shipway.domain.errors import RepositoryError, UsageError
from shipway.domain.release import Release
from shipway.domain.schema_history import schema_revisions
from shipway.domain.value import dataclass

MOST = 200  # commits that are listed


@dataclass(frozen=True)
class Commits:
    """Those that lead to one side only, newest first: `revision author subject`."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    problem: str = ""  # why they are unknown


def compare_sides(known: KnownApp, first: str, second: str) -> tuple[Comparison, Commits]:
    """Each side is an environment, or a release by number or version. UsageError if one is neither."""
    one, other = _side(known, first), _side(known, second)
    return compare(one, other), _commits(known.ctx, one, other)


def named_release(known: KnownApp, text: str) -> Release:
    """The release that an environment runs, or that has this number or version. UsageError if it is neither."""
    return _side(known, text).release


def _side(known: KnownApp, text: str) -> Side:
    ctx, app, shown = known.ctx, known.name, text
    text = known.kept(text)
    if text in ctx.ledger.environments(app):
        deployments = ctx.ledger.history(app, text)
        current = history.current(deployments)
        release = ctx.ledger.release(app, current.release) if current else None
        if release is None:
            raise UsageError(f"nothing runs in {shown}", hint="`shipway history` lists what ran where")
        revisions = schema_revisions(deployments)
        secrets = tuple(name for name in ctx.secrets.names(names.scope(app, text)) if ":" not in name)
        return Side(
            f"{shown} (r{release.number})", release, release.plan.environments.get(text),
            revisions[-1].schema if revisions else None, secrets,
        )  # fmt: skip
    release = which_release(ctx, app, text, revisions=False)
    if release is None:
        listed = ", ".join(ctx.ledger.environments(app)) or "none"
        raise UsageError(
            f"{app} has no release {text}, and nothing was ever deployed to an environment of this name",
            hint=f"environments that were deployed to: {listed}; `shipway history` lists releases",
        )
    return Side(f"r{release.number}", release, None, release.schema)


def _commits(ctx: Context, first: Side, second: Side) -> Commits:
    one, other = first.release.revision, second.release.revision
    if one == other:
        return Commits((), ())
    try:
        repository = ctx.repository()
        missing = [item[:12] for item in (one, other) if not repository.has(item)]
        if missing:
            return Commits((), (), f"this clone lacks {' and '.join(missing)}")
        return Commits(tuple(repository.commits(other, one, MOST)), tuple(repository.commits(one, other, MOST)))
    except RepositoryError as error:
        return Commits((), (), error.message)
