"""What to do after `init`, in order: lines for a shell, each a command or a comment."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from shipway.actions.projects.init import PLAN, InitResult
from shipway.domain.errors import RepositoryError
from shipway.system.git import MAIN_BRANCHES, Repository

STAGING = "staging"


def next_steps(result: InitResult, files: Sequence[str] = ()) -> list[str]:
    """files: others that were written, relative to the repository."""
    steps = []
    if result.todos:
        lines = ", ".join(str(number) for number in result.todos)
        steps.append(f"# resolve the TODOs in lines {lines} of {PLAN}")
    steps.append("shipway check" + ("" if result.check.valid else "  # the plan is not valid yet, see above"))
    repository = _repository(result)
    if repository is None:
        steps.append(f"git init -b {MAIN_BRANCHES[0]}  # Shipway deploys commits")
    if repository is None or not _has_commits(repository):
        steps.append("# list .env and all other files with secrets in .gitignore: the next line adds what is not in it")
        steps.append('git add . && git commit -m "First commit"')
    else:
        added = " ".join(shlex.quote(name) for name in (PLAN, *files))
        steps.append(f'git add {added} && git commit -m "Add a deployment plan"')
    steps += _branches(repository)
    steps += [f"shipway secret set {STAGING} {name}{_value(name)}" for name in result.secrets]
    steps.append(f"shipway run {STAGING}  # builds, tests and deploys the branch {STAGING}")
    if result.secrets:
        steps.append("# for production, set the same secrets: shipway secret set production NAME")
    steps.append("# to deploy on each push to a bare repository: shipway init --hook REPOSITORY.git")
    return steps


def _value(name: str) -> str:
    from shipway.drafting.settings import any_value

    return " --generate" if any_value(name) else "  # asks for the value"


def _repository(result: InitResult) -> Repository | None:
    try:
        return Repository.find(result.path.parent)
    except RepositoryError:
        return None


def _has_commits(repository: Repository) -> bool:
    try:
        repository.commit("HEAD")
    except RepositoryError:
        return False
    return True


def _branches(repository: Repository | None) -> list[str]:
    """Commands that bring the plan to the branch of staging, and to the remote if there is one."""
    if repository is None:
        return [f"git branch {STAGING}"]
    branch = repository.main_branch()
    try:
        repository.commit(STAGING)
        steps = [f"git switch {STAGING} && git merge {branch} && git switch {branch}"]
    except RepositoryError:
        steps = [f"git branch {STAGING}"]
    remote = repository.setting("remote.origin.url") is not None
    return [*steps, f"git push origin {branch} {STAGING}"] if remote else steps
