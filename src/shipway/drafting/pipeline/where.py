"""Where steps run: the repository, its images, and the test stages of its Dockerfiles."""

from __future__ import annotations

import posixpath
import re

from shipway.domain.value import dataclass
from shipway.drafting import versions
from shipway.drafting.builds import Build
from shipway.drafting.dependencies import Project
from shipway.drafting.draft import StepDraft
from shipway.drafting.tree import Tree, within


@dataclass(frozen=True)
class Where:
    """The repository and its builds."""

    tree: Tree
    builds: list[Build]

    def image(self, language: str, folder: str, *, slim: bool = True) -> str:
        """The image for a language in a folder."""
        return versions.image(self.tree, language, folder, self.builds, slim=slim)

    def step(
        self, name: str, run: str, install: str, folder: str, image: str, why: str, *, entered: bool = False
    ) -> StepDraft:
        """A step in the test stage of the project's Dockerfile if it has one, else in a plain image that first installs
        what is needed. entered: whether `install` already changed to the folder."""
        build = next((item for item in self.builds if item.home == folder and item.facts.test_stage), None)
        if build is not None and build.dockerfile == "Dockerfile":
            stage = build.facts.test_stage
            return StepDraft(name, run, "", build.context, stage, why=f"{why}; stage {stage} of {build.path}")
        enter = "" if folder == "." or entered else f"cd {folder} && "
        return StepDraft(name, f"{enter}{install}{' && ' if install else ''}{run}", image, why=why)


def lock_folder(tree: Tree, folder: str, *names: str) -> tuple[str, str] | None:
    """The nearest folder at or above with one of the files, and that file."""
    place = folder
    while True:
        found = next((name for name in names if name in tree.names(place)), None)
        if found:
            return place, found
        if place in (".", ""):
            return None
        place = posixpath.dirname(place) or "."


def member(tree: Tree, project: Project, root: str, patterns: list[str]) -> bool:
    """Whether a project is in a workspace of `root`."""
    below = within(project.folder, root)
    if below in (None, "."):
        return False
    for pattern in patterns:
        text = re.escape(pattern.strip("./").rstrip("/")).replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
        if re.fullmatch(text, below or ""):
            return True
    return False
