"""What a forge must say of the commit that is deployed: statuses of its checks, and reviews of its pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property

from shipway.actions.projects.approvals import Decisions
from shipway.actions.projects.forges import TOKEN, AtForge, forge_of
from shipway.context import Context
from shipway.domain import gate
from shipway.domain.count import counted
from shipway.domain.errors import ForgeError, GateRefused, RepositoryError
from shipway.domain.forge import APPROVED, MERGED, SUCCESS, Person, PullRequest, Reviewed, Status
from shipway.domain.plan import Environment
from shipway.domain.rules import InForce, RuleSet
from shipway.domain.value import dataclass

NOREPLY = re.compile(r"(?:(?P<id>\d+)[+-])?(?P<name>[^@]+)@users\.noreply\.[^@]+")


def unmet(ctx: Context, in_force: InForce, decisions: Decisions) -> list[str]:
    """The reasons against the deployment, by each rule set. What can't be read counts as missing."""
    said = _Said(ctx, decisions)

    def lacking(item: RuleSet, environment: Environment) -> list[str]:
        require = environment.require
        if not require.statuses and not require.reviews:
            return []
        try:
            return said.lacking_statuses(require.statuses) + said.lacking_reviews(require.reviews)
        except (ForgeError, GateRefused, RepositoryError) as error:
            return [f"the forge's statuses and reviews of {said.short} can't be read: {error.message}"]

    return gate.told_apart(in_force, lacking)


@dataclass(frozen=True)
class _Said:
    """By the forge about one commit, read once."""

    ctx: Context
    decisions: Decisions

    @property
    def revision(self) -> str:
        return self.decisions.revision or self.decisions.release.revision

    @property
    def short(self) -> str:
        return self.revision[:12]

    @cached_property
    def place(self) -> AtForge:
        """GateRefused if there is none."""
        book = self.decisions.book
        found = forge_of(self.ctx, book.registration.address) if book else None
        if found is None:
            how = f"`shipway webhook token` sets one, or the variable {TOKEN}: see approvals.md"
            raise GateRefused(f"Shipway has no token for the forge of this repository: {how}")
        return found

    @cached_property
    def statuses(self) -> dict[str, Status]:
        return {item.context: item for item in self.place.forge.statuses(self.place.repository, self.revision)}

    def lacking_statuses(self, names: Sequence[str]) -> list[str]:
        """The state of each that isn't a success."""
        states = {name: self.statuses[name].state if name in self.statuses else "missing" for name in names}
        return [f"the status {name} of {self.short} is {state}" for name, state in states.items() if state != SUCCESS]

    def lacking_reviews(self, count: int) -> list[str]:
        """What is missing."""
        if not count:
            return []
        pull = self.place.forge.pull_request_of(self.place.repository, self.revision)
        wanted = f"{self.short} needs {counted(count, 'review')} by someone other than its authors"
        if pull is None:
            return [f"{wanted}, and no pull request has it"]
        if not self._is_of(pull):
            return [f"{wanted}, and pull request {pull.number} is at {pull.head[:12]}, which is another commit"]
        notes: list[str] = []
        voters: set[str] = set()
        for item in self.place.forge.reviews(self.place.repository, pull.number):
            why = self._why_not(item, pull)
            if why:
                notes.append(why)
            else:
                voters.add(item.by.id or item.by.name)
        if len(voters) >= count:
            return []
        noted = f" ({'; '.join(notes)})" if notes else ""
        return [f"{wanted}, and pull request {pull.number} has {len(voters)}{noted}"]

    def _is_of(self, pull: PullRequest) -> bool:
        """Whether the commit is the pull request's, as it is now or as it was merged: and none that later ones corrected."""
        if pull.head and self.revision.startswith(pull.head):
            return True
        book = self.decisions.book
        if pull.action != MERGED or not pull.head or book is None:
            return False
        return not book.origin.is_older(self.revision, pull.head, book.registration.branch)

    def _why_not(self, item: Reviewed, pull: PullRequest) -> str:
        who = item.by.name or item.by.id
        if item.state != APPROVED:
            return f"{who} asks for changes" if item.state != "dismissed" else f"the review of {who} was dismissed"
        if not item.official:
            return f"{who} has no write access to the repository"
        if not item.commit or not pull.head or not item.commit.startswith(pull.head):
            return f"the review of {who} is older than the last push"
        if not (item.by.id or item.by.name) or _same(item.by, pull.author) or _wrote(item.by, self._addresses()):
            return f"the review of {who or 'an unknown person'}, an author, does not count"
        return ""

    def _addresses(self) -> Iterable[str]:
        return [address for author in self.decisions.authors.people.values() for address in author.addresses]


def _same(one: Person, other: Person) -> bool:
    """Whether they may be the same: who has neither is everybody."""
    if one.id and other.id:
        return one.id == other.id
    return bool(one.name and other.name and one.name.lower() == other.name.lower()) or not (other.id or other.name)


def _wrote(person: Person, addresses: Iterable[str]) -> bool:
    """Whether a forge's address for who hides their own names the person."""
    for address in addresses:
        found = NOREPLY.fullmatch(address.lower())
        if found and ((found["id"] and found["id"] == person.id) or found["name"] == person.name.lower()):
            return True
    return False
