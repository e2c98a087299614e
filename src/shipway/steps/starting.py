"""Start a container, and explain image errors by which its command can't be executed."""

from __future__ import annotations

import posixpath
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from shipway.context import Context
from shipway.domain.container import LABEL_NAME, ContainerSpec
from shipway.domain.errors import DeployFailed, EngineError, NotRunnable, ShipwayError
from shipway.domain.start_failure import explain, refusal_in
from shipway.system.tars import reading_stream

MOST = 65536  # bytes of a file that are read


def create_and_start(ctx: Context, spec: ContainerSpec, networks: Mapping[str, Sequence[str]] | None = None) -> None:
    """DeployFailed with service and remedy if the image is at fault. networks: as in `create`."""
    create(ctx, spec, networks or {})
    start(ctx, spec)


def create(ctx: Context, spec: ContainerSpec, networks: Mapping[str, Sequence[str]]) -> None:
    """The first half. networks: further networks to join, with its aliases there."""
    with _explained(ctx, spec):
        ctx.runtime.create(spec)
        for network, aliases in networks.items():
            ctx.runtime.connect(network, spec.name, aliases)


def start(ctx: Context, spec: ContainerSpec) -> None:
    """The second half."""
    with _explained(ctx, spec):
        ctx.runtime.start(spec.name)


@contextmanager
def _explained(ctx: Context, spec: ContainerSpec) -> Iterator[None]:
    try:
        yield
    except NotRunnable as error:
        why = explanation(ctx, spec.name, error.message)
        name = spec.labels.get(LABEL_NAME, spec.name)
        if why is None:
            raise DeployFailed(f"{name} can't be started: {error.message}") from error
        raise DeployFailed(f"{name} can't be started: {why[0]} ({spec.name})", hint=why[1]) from error
    except EngineError as error:
        if spec.publish and re.search(r"already (allocated|in use)", error.message):
            error.hint = (
                error.hint or f"give {spec.labels.get(LABEL_NAME, spec.name)} another port: `published:` in the plan"
            )
        raise


def explanation(ctx: Context, container: str, text: str) -> tuple[str, str] | None:
    """The problem and its remedy, from the engine's error or the last log lines; None if they don't show one."""
    refusal = refusal_in(text)
    return explain(refusal, beginning(ctx, container, refusal.file), ctx.runtime.commands) if refusal else None


def beginning(ctx: Context, container: str, file: str) -> bytes | None:
    """The beginning of a file of a container; None if it can't be read."""
    try:
        info = ctx.runtime.find(container)
        if info is None or "/" not in file:
            return None
        config = (ctx.images.inspect(info.image) or {}).get("Config")
        workdir = str(config.get("WorkingDir") or "/") if isinstance(config, dict) else "/"
        chunks = ctx.runtime.get(container, posixpath.normpath(posixpath.join(workdir, file)))
        with reading_stream(chunks) as tar:  # only what is needed: the file may be of any size
            content = next((tar.extractfile(member) for member in tar if member.isfile()), None)
            return content.read(MOST) if content else None
    except (ShipwayError, OSError, tarfile.TarError):
        return None
