"""Pipeline files of other systems, which run the plan there: `shipway ci`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shipway.domain.value import dataclass
from shipway.drafting.ci import github, gitlab, jenkins, woodpecker
from shipway.drafting.ci.model import Job, Pipeline


@dataclass(frozen=True)
class Platform:
    """A system that runs pipelines."""

    name: str
    file: str  # the path of its first file
    files: Callable[[Pipeline], Mapping[str, str]]  # texts by path
    secrets_of: Callable[[Job], list[str]]  # names there that a person sets
    where: str  # secrets are set
    part: str = ""  # the path of the file, where the team has an own one in its place
    runs_elsewhere: bool = False  # whether its usual machines live for one job only
    comment: str = "#"


PLATFORMS: Mapping[str, Platform] = {
    item.name: item
    for item in (
        Platform("github", github.FILE, github.files, github.secrets_of, github.WHERE, runs_elsewhere=True),
        Platform("gitlab", gitlab.FILE, gitlab.files, gitlab.secrets_of, gitlab.WHERE, part=gitlab.PART),
        Platform("jenkins", jenkins.FILE, jenkins.files, jenkins.secrets_of, jenkins.WHERE, comment="//"),
        Platform("woodpecker", woodpecker.FILE, woodpecker.files, woodpecker.secrets_of, woodpecker.WHERE),
    )
}
