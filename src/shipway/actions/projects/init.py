"""Write a first plan for a repository, and the hook by which a bare repository runs the plan on a push."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from shipway.actions.projects.check import CheckResult
from shipway.actions.projects.push_limits import limit_pushes
from shipway.domain.errors import RepositoryError, UsageError
from shipway.domain.value import dataclass
from shipway.system import hook_client
from shipway.system.git import MAIN_BRANCHES, Repository, is_git_folder
from shipway.system.inside import leads_inside
from shipway.system.umask import as_user

PLAN = "shipway.yaml"
HOOK_MARK = "# Written by `shipway init --hook`."


@dataclass(frozen=True)
class InitResult:
    """A plan's text, its sources, and whether it is usable."""

    path: Path
    text: str
    found: tuple[tuple[str, str], ...]  # entry of the plan, and its reason
    notes: tuple[str, ...]
    secrets: tuple[str, ...]
    random: frozenset[str]  # those for which a random value does, as long as no environment was deployed
    check: CheckResult

    @property
    def todos(self) -> tuple[int, ...]:
        """Numbers of the lines with open questions."""
        return tuple(number for number, line in enumerate(self.text.splitlines(), 1) if "# TODO: " in line)


def draft_plan(folder: Path, compose: tuple[Path, ...] = ()) -> InitResult:
    """Draft a plan for the repository that contains `folder`, or for the folder itself outside of a repository. compose:
    the Compose files to read, in place of those that are found; UsageError if one can't be used."""
    from shipway.drafting.compose_model import NotCompose
    from shipway.drafting.settings import any_value
    from shipway.drafting.survey import survey
    from shipway.drafting.write import write
    from shipway.planfile import present
    from shipway.planfile.read import read
    from shipway.planfile.report import printable

    root, app, branch = _repository(folder)
    try:
        draft = survey(root, app, branch, tuple(_inside(root, path) for path in compose))
    except NotCompose as error:
        raise UsageError(str(error), hint="without --compose, shipway init looks for them") from error
    text = write(draft)
    reading = read(text, PLAN, lambda name: present(root, name))
    found = [(f"service {item.name}", "; ".join(item.why)) for item in draft.services]
    found += [(f"left out: {name}", reason) for name, reason in draft.left_out.items()]
    found += [(f"accessory {item.name}", "; ".join(item.why)) for item in draft.accessories]
    found += [(f"database: {item.tool}" if item.tool else "migrations", item.why) for item in draft.databases]
    found += [(f"step {item.name}", item.why) for item in draft.steps]
    found += [(f"check {item.name}", item.why) for item in draft.checks]
    lists = [
        *([*item.secrets, *item.secret_files] for item in draft.services),
        *(item.secrets for item in draft.accessories),
    ]
    secrets = dict.fromkeys(name for listed in lists for name in listed)
    own = {name for item in draft.accessories for name in item.secrets}  # passwords of databases that are created
    random = frozenset(name for name in secrets if name in own or any_value(name))
    result = CheckResult(reading.problems, reading.plan)
    reasons = tuple((printable(what), printable(why)) for what, why in found)
    notes = tuple(printable(note) for note in draft.notes)
    return InitResult(root / PLAN, text, reasons, notes, tuple(secrets), random, result)


def _inside(root: Path, path: Path) -> str:
    """The path of a file from the repository's root."""
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        raise UsageError(f"{path} is not in the repository {root}") from None


def write_plan(result: InitResult, *, force: bool) -> None:
    """Write the file; UsageError if a plan exists and `force` is not given, or it would be outside of the repository."""
    if result.path.exists() and not force:
        hint = "pass --stdout to print the draft, or --force to replace the file"
        raise UsageError(f"{result.path} already exists", hint=hint)
    if not leads_inside(result.path.parent, PLAN):
        raise UsageError(f"{result.path} is a link to no file of the repository", hint=f"rm {result.path}")
    path = result.path.resolve()  # a link stays one
    part = path.with_name(f".{path.name}.part")
    try:
        part.unlink(missing_ok=True)
        with as_user():
            part.touch(exist_ok=False)  # never through a link of the repository
        part.write_text(result.text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UsageError(f"{result.path} can't be written: {error.strerror}; it is as it was") from error


def write_hook(
    repository: Path, home: Path, executable: Path, *, force: bool, protected: str | None = None, largest: int | None = None
) -> Path:  # fmt: skip
    """Make a bare repository call `shipway hook` after each push. Idempotent. protected: the branch to register with
    the first push of a plan. largest: bytes of a push; None keeps the limit that is set.

    UsageError if the folder is no bare repository, or has another post-receive hook and `force` isn't given.
    """
    _check_bare(repository)
    hook = repository / "hooks" / "post-receive"
    text = hook_text(home, executable, protected)
    if hook.is_symlink() or (hook.exists() and HOOK_MARK not in hook.read_text(encoding="utf-8", errors="replace")):
        if not force:
            hint = f"call Shipway from it (`{text.splitlines()[-1]}`), or pass --force to replace it"
            raise UsageError(f"{hook} already exists, and is not Shipway's", hint=hint)
        hook.unlink()
    try:
        with as_user():
            hook.parent.mkdir(exist_ok=True)
        part = hook.with_name(f".{hook.name}.part")
        part.write_text(text, encoding="utf-8")
        part.chmod(0o755)
        part.replace(hook)
    except OSError as error:
        raise UsageError(f"{hook} can't be written: {error.strerror}") from error
    limit_pushes(repository, largest)
    return hook


def hook_text(home: Path, executable: Path, protected: str | None = None) -> str:
    """The hook: a process that waits for a push does the work, else a new one."""
    given = ["--home", str(home), "hook", *(["--protected", protected] if protected else [])]
    folder, client = shlex.quote(str(home / "server")), shlex.quote(str(Path(hook_client.__file__)))
    python = shlex.quote(sys.executable)
    return f"""\
#!/bin/sh
{HOOK_MARK}
if [ -S {folder}/{hook_client.SOCKET} ] && [ -x {python} ] && [ -r {client} ]; then
  {python} -I -S {client} {folder} {shlex.join(given)}
  code=$?
  [ $code -eq {hook_client.UNTAKEN} ] || exit $code
fi
exec {shlex.quote(str(executable))} {shlex.join(given)}
"""


def _check_bare(repository: Path) -> None:
    if not repository.is_dir():
        raise UsageError(f"there is no folder {repository}", hint=f"git init --bare {repository}")
    if not is_git_folder(repository) or not Repository.find(repository).is_bare:
        raise UsageError(
            f"{repository} is not a bare git repository",
            hint="install the hook in the repository that the team pushes to: git init --bare",
        )


def _repository(folder: Path) -> tuple[Path, str, str]:
    """Root, name and main branch."""
    try:
        repository = Repository.find(folder)
    except RepositoryError:
        return folder, folder.absolute().name, MAIN_BRANCHES[0]
    address = (repository.setting("remote.origin.url") or "").rstrip("/")
    name = address.replace(":", "/").rpartition("/")[2].removesuffix(".git") or repository.path.name
    return repository.path, name, repository.main_branch()
