"""Whether the approvals that a release has are enough for an environment, by one rule or by several."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from shipway.actions.authors import authors, provenance, registered_provenance
from shipway.actions.in_force import Rulebook
from shipway.context import Context
from shipway.domain import approvals
from shipway.domain.authors import Authors
from shipway.domain.errors import GateRefused, RepositoryError
from shipway.domain.plan import Approvals
from shipway.domain.release import Release


@dataclass(frozen=True)
class Decisions:
    """The approvals of one release for one environment, and who wrote what it brings there."""

    ctx: Context
    release: Release
    environment: str
    book: Rulebook | None = None  # None: as the app is registered
    revision: str | None = None  # by which it is deployed; None: the release's own

    @cached_property
    def authors(self) -> Authors:
        """Computed once, and only where a rule asks. GateRefused where they can't be told."""
        book, ctx = self.book, self.ctx
        source = registered_provenance(book.registration, book.origin) if book else provenance(ctx, self.release.app)
        return authors(ctx, source, self.environment, self.release, self.revision)

    def missing(self, rule: Approvals) -> list[str]:
        """Reasons against a deployment by one rule."""
        if not rule.count:
            return []
        given = self.ctx.ledger.approvals(self.release.app, self.environment, self.release.number)
        try:
            writers = self.authors if rule.not_author else None
        except (GateRefused, RepositoryError) as error:
            return [f"{error.message} ({error.hint})" if error.hint else error.message]
        return approvals.missing(rule, self.release, [approvals.claimed(item) for item in given], writers, self.ctx.clock())

    def refused(self, rule: Approvals, actor: str) -> str | None:
        """Why this person may not decide on the release; None where they may. GateRefused or RepositoryError where it can't be
        told who wrote it."""
        return approvals.refused_author(rule, self.release, [actor], self.authors) if rule.not_author else None
