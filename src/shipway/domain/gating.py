"""What a plan asks of a release before it is deployed: approvals, times, and what a forge says."""

from __future__ import annotations

from shipway.domain.value import dataclass


@dataclass(frozen=True)
class Approvals:
    """How many people must approve, and who must not."""

    count: int = 0
    not_author: bool = False
    expire: float | None = None  # seconds after which an approval no longer counts
    signed: bool = False  # only approvals with an SSH signature count
    signers: str = ".shipway/allowed_signers"  # file of keys in the repository, in ssh-keygen's format


@dataclass(frozen=True)
class Requirements:
    """What the forge of the repository must say of the commit that is deployed, and what must be known of its images."""

    statuses: tuple[str, ...] = ()  # names of those that must be a success
    reviews: int = 0  # of people other than its authors, after the last push
    signed: bool = False  # the team's signature on each image, with a statement of its origin
    sbom: bool = False  # a list of each image's software

    @property
    def text(self) -> str:
        """For messages; empty: nothing."""
        reviews = [f"{self.reviews} reviews"] if self.reviews else []
        images = [*(["signed images"] if self.signed else []), *(["an SBOM of each image"] if self.sbom else [])]
        return ", ".join([*(f"status {name!r}" for name in self.statuses), *reviews, *images])


@dataclass(frozen=True)
class Hotfix:
    """How a release may skip the environment where releases are validated."""

    approvals: int = 0  # how many people must approve it, more than other releases need; 0: it may not


@dataclass(frozen=True)
class Freeze:
    """A time without deployments: every week from a weekday and time to another one, or from a date to another one."""

    start: str  # Fri 16:00, 2026-12-20 or 2026-12-20 18:00
    end: str  # the same; a date without a time: to its end
    zone: str = "UTC"

    @property
    def text(self) -> str:
        """For messages."""
        return f"{self.start} to {self.end}, {self.zone}"
