"""The configuration files of a commit that a plan lays into containers."""

from __future__ import annotations

from shipway.domain.config_file import LARGEST, ConfigFile
from shipway.domain.errors import PlanError
from shipway.domain.inputs import secret_files_of
from shipway.domain.plan import Plan
from shipway.system.git import Repository

MODES = {"100644": False, "100755": True}  # of files in a tree: whether it is a program
POINTER = b"version https://git-lfs.github.com/"


def config_files(repository: Repository, revision: str, plan: Plan) -> dict[str, ConfigFile]:
    """By path in the repository. PlanError if one is missing or is no plain file: a link could lead anywhere."""
    named = {source for service in plan.services.values() for source in service.files.values()}
    encrypted = set(secret_files_of(plan)) - named
    if encrypted:  # one that an environment lacks is only an error for that environment
        encrypted &= repository.tree_hashes(revision, sorted(encrypted)).keys()
    found = {path: _file(repository, revision, path) for path in sorted(named | encrypted)}
    size = sum(len(file.data) for file in found.values())
    if size > LARGEST:
        raise PlanError(
            f"the files of the services of {plan.app} have {size} bytes together; at most {LARGEST >> 20} MB are allowed",
            hint="build an image with them: a Dockerfile with FROM and COPY",
        )
    return found


def _file(repository: Repository, revision: str, path: str) -> ConfigFile:
    mode = repository.tree_hashes(revision, [path]).get(path, "").split(" ")[0]
    content = repository.content(revision, path) if mode in MODES else None
    if content is None:
        what = "is a link or a submodule" if mode else "is not a file"
        raise PlanError(f"{path}, a file that the plan names, {what} at {revision[:12]}", hint="commit the file itself")
    if content.startswith(POINTER):
        raise PlanError(
            f"{path}, a file that the plan names, is stored by Git LFS", hint="commit the file itself: it is small"
        )
    return ConfigFile.of(content, executable=MODES[mode])
