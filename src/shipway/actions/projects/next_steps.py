"""What to do after `init`, in order: lines for a shell, each a command or a comment."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from shipway.actions.projects.init import PLAN, InitResult
from shipway.domain.errors import RepositoryError
from shipway.system.git import Repository

STAGING = "staging"


def next_steps(result: InitResult, files: Sequence[str] = ()) -> list[str]:
    """files: others that were written, relative to the repository."""
    steps = []
    if result.todos:
        lines = ", ".join(str(number) for number in result.todos)
        steps.append(f"# resolve the TODOs in lines {lines} of {PLAN}")
    steps.append("shipway check" + ("" if result.check.valid else "  # the plan is not valid yet, see above"))
    added = " ".join(shlex.quote(name) for name in (PLAN, *files))
    steps.append(f'git add {added} && git commit -m "Add a deployment plan"')
    steps += _branches(result)
    steps += [f"shipway secret set {STAGING} {name}{_value(name)}" for name in result.secrets]
    steps.append(f"shipway run {STAGING}  # builds, tests and deploys the branch {STAGING}")
    if result.secrets:
        steps.append("# for production, set the same secrets: shipway secret set production NAME")
    steps.append("# to deploy on each push to a bare repository: shipway init --hook REPOSITORY.git")
    return steps


def _value(name: str) -> str:
    from shipway.drafting.settings import any_value

    return " --generate" if any_value(name) else "  # asks for the value"


def _branches(result: InitResult) -> list[str]:
    """Commands that bring the plan to the branch of staging, and to the remote if there is one."""
    try:
        repository = Repository.find(result.path.parent)
        branch = repository.main_branch()
        remote = repository.setting("remote.origin.url") is not None
    except RepositoryError:
        return ["# put the folder into a git repository first: Shipway deploys commits"]
    try:
        repository.commit(STAGING)
        steps = [f"git switch {STAGING} && git merge {branch} && git switch {branch}"]
    except RepositoryError:
        steps = [f"git branch {STAGING}"]
    return [*steps, f"git push origin {branch} {STAGING}"] if remote else steps
