"""The keys that may sign approvals: from the files that the rules in force name, each read where those rules come
from."""

from __future__ import annotations

from shipway.actions.projects.authors import has_commit, registered_provenance
from shipway.actions.projects.in_force import Rulebook
from shipway.context import Context
from shipway.domain.plan import Environment
from shipway.domain.release import Release
from shipway.domain.rules import InForce
from shipway.domain.signers import SignersFile


def signers_in_force(ctx: Context, book: Rulebook, in_force: InForce) -> tuple[SignersFile, ...]:
    """Key files of the protected branch and of the current release: a key removed there no longer counts, and a new one
    doesn't count for the release that adds it. RepositoryError if the recorded repository is unreachable."""
    files = []
    rules = in_force.protected.rules
    if rules is not None and rules.approvals.signed:
        branch, path = book.registration.branch, rules.approvals.signers
        files.append(SignersFile.read(f"{path} of {branch}", book.origin.text(branch, path)))
    running = in_force.running.rules if in_force.running and not in_force.replaced else None  # accepted ones replace it
    release = _running(ctx, book.registration.app, in_force.environment)
    if running is not None and running.approvals.signed and release is not None:
        files.append(_of_release(book, release, running))
    return tuple(files)


def _running(ctx: Context, app: str, environment: str) -> Release | None:
    now = ctx.ledger.current(app, environment)
    return ctx.ledger.release(app, now.release) if now else None


def _of_release(book: Rulebook, release: Release, rules: Environment) -> SignersFile:
    name = f"{rules.approvals.signers} of release {release.number}, which runs there"
    source = registered_provenance(book.registration, book.origin)
    if not has_commit(source, release.revision):
        return SignersFile(name, problem=f"its commit {release.revision[:12]} is not in this clone (git fetch)")
    return SignersFile.read(name, book.origin.text_at(release.revision, rules.approvals.signers))
