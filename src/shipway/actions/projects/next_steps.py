"""What to do after `init`, in order: lines for a shell, each a command or a comment.

Comments are lines of their own, without quotation marks: an interactive zsh takes them for commands. No command reads from
the terminal, since it would read the next line that was pasted.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from shipway.actions.projects.init import PLAN, InitResult
from shipway.domain.errors import RepositoryError
from shipway.system.git import MAIN_BRANCHES, Repository

STAGING, PRODUCTION = "staging", "production"
PUBLIC = "# TODO: its public address"  # as `drafting.write` ends such a line
VALUES = ".env"  # of the person's own machine
TO_FILL = f".env.{STAGING}"
_LARGEST = 1 << 20  # characters of VALUES that are read


def next_steps(result: InitResult, files: Sequence[str] = ()) -> list[str]:
    """files: others that were written, relative to the repository."""
    repository = _repository(result.path.parent)
    steps = []
    text = result.text.splitlines()
    addresses = [number for number in result.todos if text[number - 1].endswith(PUBLIC)]  # this machine's will do first
    if open_ := [number for number in result.todos if number not in addresses]:
        which = "the TODO in line" if len(open_) == 1 else "the TODOs in lines"
        steps.append(f"# resolve {which} {_listed(open_)} of {PLAN}")
    if not result.check.valid:
        steps.append("# the plan is not valid yet, see above")
    steps.append("shipway check")
    if repository is None:
        steps.append(f"git init --initial-branch={MAIN_BRANCHES[0]}")
    if repository is None or not _has_commits(repository):
        steps.append(
            f"# the next line adds all files that git does not ignore, but no {VALUES}: look for others with secrets"
        )
        added = f"--all -- ':(exclude,glob)**/{VALUES}'"
    else:
        added = " ".join(shlex.quote(name) for name in (PLAN, *files))
    steps.append(f'git add {added} && git commit -m "Add a deployment plan"')
    steps += _branches(repository)
    steps += _secrets(result, repository)
    steps += [f"# build, test and deploy the branch {STAGING}", f"shipway run {STAGING}"]
    if addresses:
        steps.append(f"# addresses in {PLAN} are of this machine, write the public ones: line {_listed(addresses)}")
    if result.secrets:
        random = [
            f"shipway secret set {PRODUCTION} {name} --generate" for name in result.secrets if name in result.random
        ]
        others = len(random) < len(result.secrets)
        rest = [f"shipway secret import {PRODUCTION} FILE (FILE: lines NAME=VALUE)"] if others else []
        steps.append(f"# production has secrets of its own: {'; '.join([*random, *rest])}")
    steps.append("# to deploy on each push to a bare repository: shipway init --hook REPOSITORY.git")
    return steps


def _secrets(result: InitResult, repository: Repository | None) -> list[str]:
    """Random values where they do, then the person's own from a file, which the first command makes if it isn't there."""
    random = [name for name in result.secrets if name in result.random]
    others = [name for name in result.secrets if name not in result.random]
    steps, missing = list[str](), others
    for file in _files(result.path.parent) if others else ():
        known = _names(file)
        if any(name in known for name in missing):
            path = file.relative_to(result.path.parent).as_posix()
            steps.append(f"shipway secret import {STAGING} {shlex.quote(path)}")
            missing = [name for name in missing if name not in known]
    if missing:
        if repository is None or not repository.ignores(TO_FILL):
            steps.append(f'echo {TO_FILL} >> "$(git rev-parse --git-path info/exclude)"')
        steps += [
            f"printf '%s=\\n' {' '.join(missing)} >> {TO_FILL}",
            f"# write the values into {TO_FILL}, which git ignores",
            f"shipway secret import {STAGING} {TO_FILL}",
        ]
    steps += [f"shipway secret set {STAGING} {name} --generate" for name in random]
    registry = result.check.plan.registry if result.check.plan else None
    if registry is not None and (name := registry.password or registry.token):
        steps += [
            "# this one asks for the value: paste it alone",
            f"shipway secret set registry {name} --for {shlex.quote(registry.address)}",
        ]
    return steps


def _files(root: Path) -> list[Path]:
    """The person's own files of values, the upper ones first."""
    return [path for pattern in ("", "*/", "*/*/") for path in sorted(root.glob(pattern + VALUES)) if path.is_file()]


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def _names(file: Path) -> set[str]:
    """Names with a value in a file of variables; none if it can't be imported."""
    from shipway.domain import dotenv

    try:
        with file.open(encoding="utf-8") as opened:
            parsed = dotenv.parse(opened.read(_LARGEST))
    except (OSError, ValueError):
        return set()
    return set() if parsed.problems else {item.name for item in parsed.found if item.value.strip()}


def _repository(folder: Path) -> Repository | None:
    try:
        return Repository.find(folder)
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
    remote = repository.setting("remote.origin.url") is not None
    try:
        repository.commit(STAGING)
        steps = [f"git switch {STAGING} && git merge {branch} && git switch {branch}"]
    except RepositoryError:
        steps = [f"git branch {STAGING}"]
    return [*steps, f"git push origin {branch} {STAGING}"] if remote else steps
