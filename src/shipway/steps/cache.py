"""Folders of a step's container that outlive it, such as a package manager's downloads: volumes of this machine's engine.

Runs share one only if they are of the same level of trust, and the steps have the same image and path.
"""

from __future__ import annotations

import posixpath
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from shipway.domain import names
from shipway.domain.container import LABEL_APP, LABEL_CONFIG, LABEL_NAME, LABEL_ROLE, ContainerSpec
from shipway.domain.errors import EngineError, StepFailed
from shipway.domain.plan import Step, StepImage
from shipway.domain.release import digest_of
from shipway.ports import OnLine
from shipway.steps.run import Run
from shipway.system.owner import home

ROLE = "cache"


def cache_volumes(run: Run, step: Step, image: str, workdir: str, on_line: OnLine) -> dict[str, str]:
    """The volumes of the step's caches, with the path of each in the container; created if missing. image: the name of
    the step's image on the engine."""
    found: dict[str, str] = {}
    if run.outside:  # what it left, others would read
        return found
    assert step.image is not None
    for path in _paths(run, step.caches, image):
        if f"{workdir}/".startswith(f"{path}/"):
            raise StepFailed(
                f"the cache {path} would hide the files of the step, which works in {workdir}",
                hint=f"cache a folder below {workdir}, or another one",
            )
        volume = names.cache(run.plan.app, run.level, digest_of([_identity(step.image), path]))
        with run.lock(volume):
            _ensure(run, volume, path, image, on_line)
        found[volume] = path
    return found


def used_at(home_folder: Path, volume: str) -> Path:
    """The file whose time of change is when the cache was last used."""
    return home_folder / "caches" / volume


def _paths(run: Run, paths: Sequence[str], image: str) -> list[str]:
    if not any(path.startswith("~") for path in paths):
        return list(paths)
    base = _home(run, image)
    return [posixpath.normpath(f"{base}/{path[1:]}") if path.startswith("~") else path for path in paths]


def _home(run: Run, image: str) -> str:
    """The home folder of the image's user."""
    found = (run.ctx.images.inspect(image) or {}).get("Config")
    config = found if isinstance(found, dict) else {}
    variables = dict(str(item).partition("=")[::2] for item in config.get("Env") or ())
    user = str(config.get("User") or "")
    if variables.get("HOME"):
        return variables["HOME"]
    if user.partition(":")[0] in ("", "0", "root"):
        return "/root"
    return _in_container(
        run, image, {}, lambda container: home(user, lambda path: run.ctx.runtime.get(container, path))
    )


def _identity(image: StepImage) -> object:
    """Steps with different images share no cache: what was compiled for one need not run in the other."""
    return image.name or (image.build and [image.build.folder, image.build.dockerfile, image.build.target])


def _ensure(run: Run, volume: str, path: str, image: str, on_line: OnLine) -> None:
    runtime, mark = run.ctx.runtime, used_at(run.ctx.home, volume)
    if not run.caches and volume not in run.renewed:
        run.renewed.add(volume)
        try:
            runtime.remove_volume(volume)
        except EngineError as error:
            on_line(f"the cache {path} is used by another run, and was not emptied: {error.message}")
    if not runtime.has_volume(volume):
        # By a container of its own: the labels of a step's container are those of one run, and removed with it.
        _in_container(run, image, {volume: path}, lambda container: "")
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()


def _in_container(run: Run, image: str, volumes: dict[str, str], read: Callable[[str], str]) -> str:
    """Read something from a container of the image that is never started."""
    name = names.bounded(f"{run.name}_cache", f"_{uuid.uuid4().hex[:8]}")
    labels = {LABEL_APP: run.plan.app, LABEL_ROLE: ROLE, LABEL_NAME: run.level, LABEL_CONFIG: name}
    container = run.ctx.runtime.create(ContainerSpec(name, image, labels, volumes=volumes, command=("true",)))
    try:
        return read(container)
    finally:
        run.ctx.runtime.remove(container, volumes=False)
