"""Pipeline files of other systems: what the plans of a repository ask for, compared with what is there."""

from __future__ import annotations

import difflib
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from shipway.actions.environment.observe import needed
from shipway.domain.errors import PlanError, UsageError
from shipway.domain.plan import LOCAL, PLAN_FILE, Plan
from shipway.domain.value import dataclass
from shipway.drafting.ci import Platform
from shipway.drafting.ci.model import Job, Pipeline, extras_of, jobs_of, notes_on
from shipway.planfile import DEPTH, is_found
from shipway.system.git import Repository
from shipway.system.inside import leads_inside
from shipway.system.installation import requirement
from shipway.system.umask import as_user

MISSING, CURRENT, OUTDATED, EDITED, FOREIGN, UNUSED = "missing", "current", "outdated", "edited", "foreign", "unused"
MOST = 1_000_000  # bytes of a file that is there
_FIRST = re.compile(r"(?:#|//) Written by `shipway ci ([^`\n]*)`; sha256:([0-9a-f]{64}) of what follows\.")
_COMMIT = re.compile(r"shipway(?:\[[\w,]+\])? @ (\S+)@[0-9a-f]{40}")  # see `installation.requirement`
_WORD = re.compile(r"[A-Za-z0-9@:/._+\[\],=<>~!#%&?() -]+")


@dataclass(frozen=True)
class CiOptions:
    """What a person chose; a file remembers it."""

    package: str = ""  # what pip installs
    runner: str = ""

    def words(self, platform: str) -> str:
        """The arguments of the command that chooses them."""
        given = {"--install": self.package, "--runner": self.runner}
        return shlex.join([platform, *(word for key, value in given.items() if value for word in (key, value))])


@dataclass(frozen=True)
class CiFile:
    """A file of the repository as the plans ask for it, and as it is."""

    path: str
    text: str  # empty: no environment needs it any more
    there: str  # empty if it is missing
    state: str

    @property
    def diff(self) -> str:
        """From what is there to what the plans ask for; empty without a difference."""
        lines = (self.there.splitlines(keepends=True), self.text.splitlines(keepends=True))
        return "".join(difflib.unified_diff(*lines, f"{self.path}, as it is", f"{self.path}, by the plan"))


@dataclass(frozen=True)
class CiResult:
    """All files, and what they were made from."""

    root: Path
    files: tuple[CiFile, ...]
    pipeline: Pipeline
    included: str = ""  # the path of the team's own file, which has to include the first one

    @property
    def is_current(self) -> bool:
        """Whether all files are as the plans ask."""
        return all(file.state == CURRENT for file in self.files)


def root_of(folder: Path) -> Path:
    """The root of the repository that has the folder. RepositoryError outside of one."""
    return Repository.find(folder).path.resolve()


def plans_of(root: Path) -> list[Path]:
    """The plan files of a repository that a push runs. PlanError if there are none."""
    if (root / PLAN_FILE).is_file():
        return [root / PLAN_FILE]
    below = [path for depth in range(1, DEPTH + 1) for path in sorted(root.glob("*/" * depth + PLAN_FILE))]
    found = [path for path in below if path.is_file() and is_found(path.relative_to(root).as_posix())]
    if not found:
        raise PlanError(f"there is no {PLAN_FILE} in {root}", hint="`shipway init` writes one")
    return found


def draft_ci(root: Path, platform: Platform, plans: Sequence[Plan], given: CiOptions) -> CiResult:
    """The files of a platform. given: options in place of those that its first file remembers. UsageError if they can't
    be used."""
    first, included = _first_file(root, platform)
    options = _options(root, first, given, requirement(extras_of(plans)))
    pipeline = _pipeline(plans, options)
    if platform.runs_elsewhere and not options.runner:
        _refuse_local(pipeline)
    drafts = {first if path == platform.file else path: text for path, text in platform.files(pipeline).items()}
    head = _head(platform, pipeline)
    files = [_compared(root, path, _marked(platform, options, head + text)) for path, text in drafts.items()]
    files += [_compared(root, path, "") for path in _former(root, drafts)]
    return CiResult(root, tuple(files), pipeline, included)


def write_ci(result: CiResult, *, force: bool = False) -> tuple[list[str], list[str]]:
    """The paths of the files that were written, and of those that were removed. UsageError if one would replace what a person
    wrote."""
    for file in result.files:
        if file.state in (EDITED, FOREIGN) and not force:
            why = "was edited since Shipway wrote it" if file.state == EDITED else "was not written by Shipway"
            raise UsageError(
                f"{file.path} {why}",
                hint="move your changes elsewhere, then pass --force, which replaces it; --check shows a diff",
            )
    written, removed = [], []
    for file in result.files:
        if file.state == CURRENT:
            continue
        if file.text:
            _write(result.root, file)
            written.append(file.path)
        else:
            (result.root / file.path).unlink()
            removed.append(file.path)
    return written, removed


def _pipeline(plans: Sequence[Plan], options: CiOptions) -> Pipeline:
    twice = [plan.app for plan in plans if [other.app for other in plans].count(plan.app) > 1]
    if twice:
        raise PlanError(f"several plans have `app: {twice[0]}`", hint="give each app a name of its own")
    jobs: list[Job] = []
    for plan in plans:
        if not plan.file.isprintable():
            raise UsageError(f"the path {plan.file!r} can't be in a pipeline file", hint="rename the folder")
        names = {name: needed(plan, place) for name, place in plan.environments.items()}
        jobs += jobs_of(plan, names, several=len(plans) > 1)
    files = {plan.app: plan.file for plan in plans}
    return Pipeline(tuple(jobs), files, options.package, options.runner, notes_on(plans))


def _refuse_local(pipeline: Pipeline) -> None:
    """A machine that lives for one job can't be a host."""
    for job in pipeline.jobs:
        if LOCAL in job.hosts:
            raise UsageError(
                f"{job.environment} of {job.app} runs on the machine that runs Shipway (`hosts` is local), and the usual runners "
                "live for one job only",
                hint="name its host in the plan, as ssh://deploy@web1.example.com; or pass --runner LABEL, of a runner on that machine",
            )


def _options(root: Path, path: str, given: CiOptions, own: str) -> CiOptions:
    """Those that are given, else those that the file remembers. own: what pip installs to get this Shipway, if it is known."""
    for name, value in (("--install", given.package), ("--runner", given.runner)):
        if value and not _WORD.fullmatch(value):
            raise UsageError(f"{name} {value[:60]!r} contains characters that no package and no label needs")
    found = _FIRST.match(_read(root / path))
    words = shlex.split(found[1])[1:] if found else []
    kept = {key: value for key, value in zip(words[::2], words[1::2], strict=False) if _WORD.fullmatch(value)}
    package = given.package or _pinned(kept.get("--install", ""), own)
    if not package:
        raise UsageError(
            "it is not known how a job installs Shipway: this one was not installed from a commit of a repository, and no "
            "package of it is published",
            hint="pass --install git+ADDRESS@COMMIT; the file remembers it",
        )
    return CiOptions(package, given.runner or kept.get("--runner", ""))


def _pinned(kept: str, own: str) -> str:
    """What a file remembers. A commit that was not chosen, but that of the Shipway which wrote the file, follows the one that
    writes it now: otherwise the job's own check would compare with another version's file."""
    before, now = _COMMIT.fullmatch(kept), _COMMIT.fullmatch(own)
    return own if not kept or (before and now and before[1] == now[1]) else kept


def _first_file(root: Path, platform: Platform) -> tuple[str, str]:
    """The path of a platform's first file, and that of the team's own one that has to include it."""
    there = _read(root / platform.file)
    if platform.part and there and not _FIRST.match(there):
        return platform.part, platform.file
    return platform.file, ""


def _head(platform: Platform, pipeline: Pipeline) -> str:
    """Comments on the secrets. Texts of a plan are in them: none may end the line, or be replaced before it is read."""
    lines = ["Don't edit it: change the plan, and repeat the command.", *_about_secrets(platform, pipeline)]
    safe = ("".join(char if char.isprintable() and char not in "\\$`" else "?" for char in line) for line in lines)
    return "".join(f"{platform.comment} {line}".rstrip() + "\n" for line in safe)


def _about_secrets(platform: Platform, pipeline: Pipeline) -> list[str]:
    listed = secret_lines(platform, pipeline)
    return (
        ["", f"Secrets, in {platform.where}:", *(f"  {name}: {why}" for name, why in listed.items())] if listed else []
    )


def secret_lines(platform: Platform, pipeline: Pipeline) -> Mapping[str, str]:
    """The secrets that a person sets on the platform, and what each one is."""
    found: dict[str, str] = {}
    for job in pipeline.jobs:
        names = set(platform.secrets_of(job))
        for secret in job.secrets:
            for name in (secret.name, secret.name.lower()):
                if name in names:
                    found[name] = secret.why + ("" if secret.required else " (optional)")
    return found


def _marked(platform: Platform, options: CiOptions, text: str) -> str:
    """With a first line that tells a file which was edited by hand."""
    words, digest = options.words(platform.name), sha256(text.encode()).hexdigest()
    mark = f"Written by `shipway ci {words}`; sha256:{digest} of what follows."
    return f"{platform.comment} {mark}\n{text}"


def _compared(root: Path, path: str, text: str) -> CiFile:
    there = _read(root / path)
    first, _, rest = there.partition("\n")
    mark = _FIRST.fullmatch(first)
    if not there:
        state = MISSING
    elif there == text:
        state = CURRENT
    elif mark is None:
        state = FOREIGN
    elif sha256(rest.encode()).hexdigest() != mark[2]:
        state = EDITED
    else:
        state = OUTDATED if text else UNUSED
    return CiFile(path, text, there, state)


def _former(root: Path, drafts: Mapping[str, str]) -> list[str]:
    """Files beside the drafts that Shipway wrote for an environment which is no more."""
    folders = {Path(path).parent for path in drafts if Path(path).parent != Path(".")}
    found = [path for folder in sorted(folders) for path in sorted((root / folder).glob("shipway-*.yml"))]
    paths = [path.relative_to(root).as_posix() for path in found if _FIRST.match(_read(path))]
    return [path for path in paths if path not in drafts]


def _read(path: Path) -> str:
    """Its text with the ends of lines that git stores; empty if there is no file."""
    try:
        with path.open("rb") as file:
            return file.read(MOST).decode("utf-8", "replace").replace("\r\n", "\n")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from error


def _write(root: Path, file: CiFile) -> None:
    path = root / file.path
    if path.is_symlink() or not leads_inside(root, file.path):
        raise UsageError(f"{file.path} is a link, or leads out of the repository", hint="remove the link")
    new = path.with_name(f".{path.name}.new")
    try:
        with as_user():
            path.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(file.text, encoding="utf-8")
        os.replace(new, path)
    except OSError as error:
        raise UsageError(f"{file.path} can't be written: {error.strerror}") from error
