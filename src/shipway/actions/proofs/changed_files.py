"""The files of a folder that a branch adds or changes."""

from __future__ import annotations

from pathlib import Path

from shipway.domain.errors import RepositoryError
from shipway.domain.value import dataclass
from shipway.system.git import Repository


@dataclass(frozen=True)
class ChangedFiles:
    """Paths relative to the folder that differ from the commit `base`; `against` names it for people."""

    base: str
    against: str
    paths: frozenset[str]


def changed_files(folder: Path, reference: str) -> ChangedFiles:
    """Files that were added, changed or removed since the branch of the work tree left `reference` ('': the main branch
    of the remote, else the local one), including uncommitted ones. RepositoryError if that isn't known."""
    try:
        repository = Repository.find(folder)
    except RepositoryError as error:
        raise RepositoryError(
            error.message, hint="--changed compares with a commit; use --from, --since or --only without one"
        ) from error
    against = reference or _main(repository)
    commit = repository.commit(against).revision
    base = repository.merge_base(commit, "HEAD")
    if base is None:
        raise RepositoryError(
            f"{against} and HEAD have no common commit, as far as this clone knows",
            hint="fetch the whole history: git fetch --unshallow; in CI, check out with all commits",
        )
    return ChangedFiles(base, against, frozenset(repository.changed_in(folder, base)))


def _main(repository: Repository) -> str:
    name = repository.main_branch()
    for branch in (f"origin/{name}", name):
        if repository.has(branch):
            return branch
    raise RepositoryError(
        f"this clone has neither origin/{name} nor {name} to compare with",
        hint=f"fetch it: git fetch origin {name}:refs/remotes/origin/{name}; or name another: --changed REF",
    )
