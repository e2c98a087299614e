"""The plan file: from `shipway.yaml` to a Plan. Importing this package is cheap; reading imports what it needs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.domain.errors import PlanError
from shipway.domain.plan import PLAN_FILE, Plan

if TYPE_CHECKING:
    from shipway.planfile.read import Images, Reading, Starts, Taken

HINT = "`shipway init` writes a first plan"


DEPTH = 2  # folders between the root of a repository and a plan that is found without its path
SKIPPED = ("node_modules", "vendor")  # folders of other projects' files


def find(folder: Path) -> Path:
    """The path of the plan file that applies to a folder: in it, or in a folder above; else the only one in the
    folders of a repository below it. PlanError if there is none, or several."""
    for place in (folder, *folder.parents):
        if (place / PLAN_FILE).is_file():
            return place / PLAN_FILE
    if not any((place / ".git").exists() for place in (folder, *folder.parents)):
        raise PlanError(f"there is no {PLAN_FILE} in {folder} or its parent folders", hint="`shipway init` writes one")
    below = [path for depth in range(1, DEPTH + 1) for path in sorted(folder.glob("*/" * depth + PLAN_FILE))]
    found = [path for path in below if path.is_file() and is_found(path.relative_to(folder).as_posix())]
    if not found:
        raise PlanError(f"there is no {PLAN_FILE} in {folder} or its parent folders", hint="`shipway init` writes one")
    require_one([path.relative_to(folder).as_posix() for path in found], str(folder))
    return found[0]


def is_found(path: str) -> bool:
    """Whether a plan at this path of a repository is found without being named: in the root, or in apps/shop."""
    *folders, name = path.split("/")
    skipped = any(folder in SKIPPED or folder.startswith(".") for folder in folders)
    return name == PLAN_FILE and len(folders) <= DEPTH and not skipped


def require_one(paths: Sequence[str], where: str) -> None:
    """PlanError that lists the plans if there are several."""
    if len(paths) > 1:
        listed = "\n".join(f"  {path}" for path in paths)
        raise PlanError(f"there are {len(paths)} plans in {where}:\n{listed}", hint="pass --plan PATH, or --app NAME")


def load(path: Path) -> Plan:
    """Load the plan from a file. PlanError if it can't be read; with all `problems` if it has errors."""
    return _plan_of(examine(path))


def parse(text: str, file: str, *, files: Callable[[str], bool] | None = None) -> Plan:
    """Parse a plan from its text; file: its path in the repository; `files` tells whether a path relative to the plan's
    folder exists. Raises as `load`."""
    from shipway.planfile.read import read

    return _plan_of(read(text, file, files, place=file))


def examine(
    path: Path, images: Images | None = None, taken: Taken | None = None, starts: Starts | None = None
) -> Reading:
    """The plan if it is valid, and all problems of the file including warnings. PlanError if it can't be read. images:
    an image's configuration on the engine. taken: who is already served at an environment's address there. starts: by which
    command a service migrates when it starts, if it does."""
    from shipway.planfile.read import read

    exists = partial(present, path.parent)
    return read(_text(path), _shown(path), exists, images, taken, starts, place=place_of(path))


def present(folder: Path, name: str) -> bool:
    """Whether something is there. False for a name that no file can have, such as one that is too long."""
    try:
        return (folder / name).exists()
    except (OSError, ValueError):
        return False


def load_cached(path: Path, cache: Path) -> Plan:
    """Like `load`; a file that was valid before is neither parsed nor checked for its folders again."""
    import hashlib

    from shipway import __version__
    from shipway.planfile import cached

    text = _text(path)
    key = hashlib.sha256(f"{__version__}\n{place_of(path)}\n{text}".encode()).hexdigest()
    kept = cache / f"{key}.json"
    plan = cached.read(kept)
    if plan is None:
        plan = load(path)
        cached.write(kept, plan)
    return plan


def place_of(path: Path) -> str:
    """The path of a plan file in its repository; its name alone if it is in none."""
    path = path.absolute()
    root = next((folder for folder in path.parents if (folder / ".git").exists()), path.parent)
    return path.relative_to(root).as_posix()


def _plan_of(reading: Reading) -> Plan:
    if reading.plan is None:
        from shipway.planfile.problem import InvalidPlan

        raise InvalidPlan(reading.problems)
    return reading.plan


def _text(path: Path) -> str:
    from shipway.planfile.bounds import TooMuch, text_of

    try:
        return text_of(path)
    except FileNotFoundError:
        raise PlanError(f"there is no {path}", hint=HINT) from None
    except TooMuch as error:
        raise PlanError(
            f"{path} {error}", hint="save it as UTF-8" if "UTF" in str(error) else "a plan has a few hundred lines"
        ) from None
    except OSError as error:
        raise PlanError(f"{path} can't be read: {error.strerror}") from error


def _shown(path: Path) -> str:
    """The shorter of its absolute path and its path from the working directory."""
    return min(os.path.relpath(path), str(path.absolute()), key=len)
