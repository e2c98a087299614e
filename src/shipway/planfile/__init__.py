"""The plan file: from `shipway.yaml` to a Plan. Importing this package is cheap; reading imports what it needs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.domain.errors import PlanError
from shipway.domain.plan import PLAN_FILE, Plan

if TYPE_CHECKING:
    from shipway.planfile.read import Images, Reading, Taken

HINT = "`shipway init` writes a first plan"


def find(folder: Path) -> Path:
    """The path of the plan file that applies to a folder: in it, or in a folder above. PlanError if there is none."""
    for place in (folder, *folder.parents):
        if (place / PLAN_FILE).is_file():
            return place / PLAN_FILE
    raise PlanError(f"there is no {PLAN_FILE} in {folder} or its parent folders", hint="`shipway init` writes one")


def load(path: Path) -> Plan:
    """Load the plan from a file. PlanError if it can't be read; with all `problems` if it has errors."""
    return _plan_of(examine(path))


def parse(text: str, file: str, *, files: Callable[[str], bool] | None = None) -> Plan:
    """Parse a plan from its text; `files` tells whether a path relative to the plan's folder exists. Raises as
    `load`."""
    from shipway.planfile.read import read

    return _plan_of(read(text, file, files))


def examine(path: Path, images: Images | None = None, taken: Taken | None = None) -> Reading:
    """The plan if it is valid, and all problems of the file including warnings. PlanError if it can't be read. images:
    an image's configuration on the engine. taken: who is already served at an environment's address there."""
    from shipway.planfile.read import read

    return read(_text(path), _shown(path), lambda name: present(path.parent, name), images, taken)


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
    key = hashlib.sha256(f"{__version__}\n{text}".encode()).hexdigest()
    kept = cache / f"{key}.json"
    plan = cached.read(kept)
    if plan is None:
        plan = load(path)
        cached.write(kept, plan)
    return plan


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
