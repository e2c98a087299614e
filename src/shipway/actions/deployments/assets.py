"""Share assets between two releases: a page of one release finds its files on containers of the other."""

from __future__ import annotations

import posixpath
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO

from shipway.actions.environment.jobs import never_started
from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import LABEL_APP, LABEL_ENVIRONMENT, ContainerSpec
from shipway.domain.errors import DiskFull, EngineError
from shipway.domain.plan import Service
from shipway.system.parallel import side_by_side

CHUNK = 1 << 16


def share_assets(
    ctx: Context,
    service: Service,
    new_containers: Sequence[str],
    old_containers: Sequence[str],
    new_image: str,
    old_image: str,
) -> None:
    """Add the files of the service's `assets` folder in the old image to the new containers, and vice versa.

    On one host. Call it after the new containers are created and before they start (some servers list their files
    then), in any case before a page of the new release is served: the engine writes files in place. Existing paths of a
    container are kept, so the call is idempotent. Files are copied from the images only, so those of earlier releases
    do not accumulate. A container that rejects them (read-only file system) is skipped with a note; this is no failure.
    """
    if not service.assets or new_image == old_image:
        return
    pairs = [(old_image, new_containers), (new_image, old_containers)]
    side_by_side(lambda pair: _lend(ctx, service, *pair), [pair for pair in pairs if all(pair)])


def _lend(ctx: Context, service: Service, image: str, containers: Sequence[str]) -> None:
    """Copy from one image to all of these containers."""
    assert service.assets is not None
    folder = posixpath.normpath(service.assets)
    try:
        with _of_image(ctx, service.name, image, folder, containers[0]) as archive:
            side_by_side(lambda container: _add(ctx, container, folder, archive), containers)
    except FileNotFoundError:
        return  # an image from before the plan had such a folder
    except DiskFull:
        raise
    except EngineError as error:
        ctx.reporter.note(f"{service.name}: the other release's assets can't be read: {error.message}")


def _add(ctx: Context, container: str, folder: str, archive: str) -> None:
    """Add the files that the container lacks."""
    try:
        there = _present(ctx, container, folder)
        missing = [name for name in _members(archive) if _is_free(name, there)]
        if missing:
            ctx.runtime.put(container, "/", _packed(archive, posixpath.dirname(folder), missing))
    except DiskFull:
        raise
    except EngineError as error:
        ctx.reporter.note(f"{container} doesn't get the other release's assets: {error.message}")


@contextmanager
def _of_image(ctx: Context, service: str, image: str, folder: str, user: str) -> Iterator[str]:
    """The engine's archive of the folder, as a file. FileNotFoundError if the image lacks it."""
    found = ctx.runtime.find(user)
    labels = found.labels if found else {}
    app, environment = labels.get(LABEL_APP, ""), labels.get(LABEL_ENVIRONMENT, "")
    name = f"{app}_{environment}_{service}_assets"
    with tempfile.NamedTemporaryFile(prefix="shipway-assets-") as file:
        spec = ContainerSpec(name, image, names.labels(app, environment, "job", service))
        with never_started(ctx, spec) as container:
            _write(ctx.runtime.get(container, folder), file)
        yield file.name


def _present(ctx: Context, container: str, folder: str) -> dict[str, bool]:
    """Like `_members`, for a container."""
    with tempfile.NamedTemporaryFile(prefix="shipway-assets-") as file:
        try:
            _write(ctx.runtime.get(container, folder), file)
        except FileNotFoundError:
            return {}
        return _members(file.name)


def _write(archive: Iterator[bytes], file: IO[bytes]) -> None:
    for chunk in archive:
        file.write(chunk)
    file.flush()


def _members(archive: str) -> dict[str, bool]:
    """Paths, which begin with the folder's own name, each with whether it is a folder."""
    with tarfile.open(archive) as tar:
        return {posixpath.normpath(member.name): member.isdir() for member in tar}


def _is_free(name: str, there: Mapping[str, bool]) -> bool:
    """Whether the path is free, and none of its parent folders is a file."""
    if name in there:
        return False
    above = posixpath.dirname(name)
    while above and above not in there:
        above = posixpath.dirname(above)
    return there.get(above, True)


def _packed(archive: str, above: str, chosen: Sequence[str]) -> Iterator[bytes]:
    """A tar stream from the root, with owners, modes and times of the image."""
    desired = set(chosen)
    with tempfile.TemporaryFile() as whole:
        with tarfile.open(archive) as source, tarfile.open(fileobj=whole, mode="w") as target:
            for member in source:
                if posixpath.normpath(member.name) not in desired:
                    continue
                data = source.extractfile(member) if member.isreg() else None
                member.name = posixpath.join(above, member.name).lstrip("/")
                if member.islnk():
                    member.linkname = posixpath.join(above, member.linkname).lstrip("/")
                target.addfile(member, data)
        whole.seek(0)
        while chunk := whole.read(CHUNK):
            yield chunk
