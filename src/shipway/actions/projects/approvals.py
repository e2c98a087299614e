"""Whether a release's approvals suffice for an environment, by one rule or several."""

from __future__ import annotations

from functools import cached_property

from shipway.actions.projects.authors import Provenance, authors, provenance, registered_provenance
from shipway.actions.projects.in_force import Rulebook
from shipway.actions.projects.signers import signers_in_force
from shipway.context import Context
from shipway.domain import approvals
from shipway.domain.approvals import NAMESPACE, Vote
from shipway.domain.authors import Authors
from shipway.domain.errors import GateRefused, RepositoryError
from shipway.domain.history import previous_release
from shipway.domain.plan import Approvals
from shipway.domain.release import Approval, Release
from shipway.domain.rules import InForce
from shipway.domain.signers import SignersFile
from shipway.domain.value import dataclass
from shipway.system.ssh_signature import signer, verified


@dataclass(frozen=True)
class Decisions:
    """The approvals of one release for one environment, and the authors of its changes there."""

    ctx: Context
    release: Release
    environment: str
    book: Rulebook | None = None  # None: as the app is registered
    in_force: InForce | None = None
    revision: str | None = None  # the deployed one; None: the release's own

    @cached_property
    def authors(self) -> Authors:
        """The authors, computed once and only if a rule needs them. GateRefused if they can't be determined."""
        return authors(self.ctx, self.source, self.environment, self.release, self.revision)

    @cached_property
    def source(self) -> Provenance:
        """The commit history, and whose addresses are one person's. RepositoryError if it is unreachable."""
        book = self.book
        return registered_provenance(book.registration, book.origin) if book else provenance(self.ctx, self.release.app)

    @cached_property
    def before(self) -> Release | None:
        """The release that runs there; if it is this one, the release that it replaced last. None: there is none.

        An approval is bound to it, unlike the authors, whose range begins before this release's first deployment.
        """
        app, ledger = self.release.app, self.ctx.ledger
        number = previous_release(ledger.history(app, self.environment), self.release.number)
        return ledger.release(app, number) if number is not None else None

    @property
    def change(self) -> str:
        """Text of what the deployment would change."""
        return approvals.change(self.before, self.release)

    @cached_property
    def signers(self) -> tuple[SignersFile, ...]:
        """The key files, one for each rule in force that requires signatures."""
        return signers_in_force(self.ctx, self.book, self.in_force) if self.book and self.in_force else ()

    def vote(self, approval: Approval) -> Vote:
        """Attribute an approval to a person, by the mailmap of the protected branch. A signature is verified with the keys
        now in force, at the time of the ledger's clock. RepositoryError if the repository is unreachable."""
        mailmap = self.source.mailmap
        if not approval.signature:
            return approvals.claimed(approval, self.signers, mailmap)
        ledger = self.ctx.ledger
        text, now = approvals.statement(ledger.identity(), approval), ledger.now()
        change = approvals.change_digest(self.before, self.release)

        def admits(lines: list[str]) -> bool:
            return verified(text, approval.signature, lines, NAMESPACE, now)

        return approvals.signed(approval, signer(approval.signature), change, self.signers, admits, mailmap)

    def missing(self, rule: Approvals) -> list[str]:
        """Reasons for rejection by one rule."""
        if not rule.count:
            return []
        given = self.ctx.ledger.approvals(self.release.app, self.environment, self.release.number)
        try:
            writers = self.authors if rule.not_author else None
            votes = [self.vote(item) for item in given]
        except (GateRefused, RepositoryError) as error:
            return [f"{error.message} ({error.hint})" if error.hint else error.message]
        return approvals.missing(rule, self.release, votes, writers, self.ctx.ledger.now())

    def refused(self, rule: Approvals, *addresses: str) -> str | None:
        """Why this person may not approve the release; None if they may. GateRefused or RepositoryError if its authors
        can't be determined."""
        return approvals.refused_author(rule, self.release, addresses, self.authors) if rule.not_author else None
