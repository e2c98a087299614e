"""Check before any change whether an accessory would lose its data or fail to start, from its image and its volume's
files."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from shipway.actions.environment.jobs import never_started
from shipway.context import Context
from shipway.domain import names
from shipway.domain.change import Change, Changeset
from shipway.domain.container import LABEL_NAME, LABEL_ROLE, ContainerInfo, ContainerSpec
from shipway.domain.data_version import Series
from shipway.domain.errors import UsageError
from shipway.domain.plan import Accessory, Plan
from shipway.domain.volumes import declared_by, is_anonymous, right_path, variables_of
from shipway.system.tars import reading_stream

COMPLETE = "shipway-upgraded"  # file in a data folder: an upgrade copied everything into it


def require_sound(
    ctx: Context,
    plan: Plan,
    environment: str,
    changes: Sequence[Change],
    there: Sequence[ContainerInfo],
    *,
    force: bool,
) -> None:
    """UsageError if an accessory to create or replace would fail, or is unsafe without `force`."""
    by_name = {item.name: item for item in there}
    for change in changes:
        assert change.spec is not None
        accessory = plan.accessories[change.spec.labels[LABEL_NAME]]
        ctx.images.pull(change.spec.image, lambda line: ctx.reporter.line("accessories", line))
        config = config_of(ctx, change.spec.image)
        before = by_name.get(change.name)
        if before is None and not force:
            _require_path(ctx, accessory, config)
        if before is None:
            _require_not_upgraded(ctx, plan.app, environment, accessory, change.spec, config)
        _require_series(ctx, environment, accessory, change.spec, config, before)


def misplaced(ctx: Context, plan: Plan, there: Sequence[ContainerInfo]) -> Iterator[tuple[str, str]]:
    """(container, problem) of the accessories with data in an anonymous volume beside the plan's one."""
    for item in there:
        accessory = plan.accessories.get(item.labels.get(LABEL_NAME, ""))
        if accessory is None or item.name.endswith(names.replaced("")):
            continue
        config = config_of(ctx, item.image)
        right = _right_path(ctx, accessory, config)
        if right is not None and is_anonymous(item.volumes.get(right, "")):
            yield (
                item.name,
                (
                    f"keeps its data in an anonymous volume ({item.volumes[right][:12]}…), not in the plan's volume: to copy it, "
                    f"set `volume: {right}` in the plan and deploy with --force"
                ),
            )


def of_version(ctx: Context, spec: ContainerSpec, accessory: Accessory) -> ContainerSpec:
    """Use the volume of an upgrade to this version, if there is one, for a container that no longer exists."""
    series = ctx.kind(accessory).series(accessory.image, variables_of(config_of(ctx, spec.image)))
    if series is None or spec.name not in spec.volumes or accessory.kind not in ctx.servers:
        return spec
    return _upgraded(ctx, spec, series.numbers) or spec


def _upgraded(ctx: Context, spec: ContainerSpec, numbers: Sequence[int]) -> ContainerSpec | None:
    """Use the volume of a complete upgrade to this version; None if there is none."""
    volume = names.volume_of_version(spec.name, numbers)
    if not ctx.runtime.has_volume(volume):
        return None
    chosen = dataclasses.replace(
        spec, volumes={volume if name == spec.name else name: path for name, path in spec.volumes.items()}
    )
    complete = _read(ctx, chosen, f"{spec.volumes[spec.name]}/{COMPLETE}")
    return None if complete is None else chosen


def leave_newer(ctx: Context, plan: Plan, changes: Changeset, there: Sequence[ContainerInfo]) -> Changeset:
    """Keep, in a rollback, an accessory whose files have another major version than the older plan's."""
    by_name = {item.name: item for item in there}
    kept = []
    for change in changes.changes:
        if change.kind == "accessory" and change.verb == "replace" and change.spec is not None:
            accessory = plan.accessories[change.spec.labels[LABEL_NAME]]
            new = _series_of(ctx, accessory)
            old = series_of_container(ctx, accessory, by_name[change.name])
            if new is not None and old is not None and not new.fits(old):
                ctx.reporter.note(f"{change.name} keeps running {old}: the older plan's {new} can't read its files")
                continue
        kept.append(change)
    return Changeset(changes.title, tuple(kept))


def serving_image(ctx: Context, container: str, accessory: Accessory) -> str:
    """The image whose tools fit the server: the plan's, or the server's own if its major version differs."""
    if not accessory.in_container:
        return accessory.image
    found = ctx.runtime.find(container)
    own = series_of_container(ctx, accessory, found) if found else None
    planned = _series_of(ctx, accessory)
    return found.image if found and own and planned and not own.fits(planned) else accessory.image


def config_of(ctx: Context, image: str) -> Mapping[str, object]:
    """Configuration of an image by name or id; empty if it isn't on this host."""
    found = (ctx.images.inspect(image) or {}).get("Config")
    return found if isinstance(found, dict) else {}


def series_of_container(ctx: Context, accessory: Accessory, container: ContainerInfo) -> Series | None:
    """The version of an accessory's container, from the variables of its image."""
    return ctx.kind(accessory).series("", variables_of(config_of(ctx, container.image)))


def _series_of(ctx: Context, accessory: Accessory) -> Series | None:
    return ctx.kind(accessory).series(accessory.image, variables_of(config_of(ctx, accessory.image)))


def _right_path(ctx: Context, accessory: Accessory, config: Mapping[str, object]) -> str | None:
    data = ctx.kind(accessory).data_folder(accessory, variables_of(config))
    return right_path(accessory, declared_by(config), data)


def _require_path(ctx: Context, accessory: Accessory, config: Mapping[str, object]) -> None:
    right = _right_path(ctx, accessory, config)
    if right is not None:
        raise UsageError(
            f"rejected: accessory {accessory.name} would keep its data in an anonymous volume, since {accessory.image} writes to "
            f"{right} and the plan's volume is {accessory.volume}",
            hint=f"in the plan: `volume: {right}`; if the image really writes to {accessory.volume}: shipway deploy ENVIRONMENT --force",
        )


def _require_not_upgraded(
    ctx: Context, app: str, environment: str, accessory: Accessory, spec: ContainerSpec, config: Mapping[str, object]
) -> None:
    """Reject a container that doesn't exist and would start with the files from before an upgrade, as with an older
    plan. Raises UsageError."""
    now = ctx.ledger.current(app, environment)
    release = ctx.ledger.release(app, now.release) if now else None
    runs = release.plan.accessories.get(accessory.name) if release else None
    new, old = ctx.kind(accessory).series(accessory.image, variables_of(config)), None
    if runs is not None and runs.kind == accessory.kind:
        old = _series_of(ctx, runs)
    if (
        new is None
        or old is None
        or new.fits(old)
        or not ctx.runtime.has_volume(names.volume_of_version(spec.name, old.numbers))
    ):
        return
    raise UsageError(
        f"rejected: accessory {accessory.name} was upgraded to {old}, with the volume {names.volume_of_version(spec.name, old.numbers)}, "
        f"and {accessory.image} would start with the data from before the upgrade",
        hint=f"`shipway doctor {environment} --fix` starts it as it was; or set the newer image in the plan",
    )


def _require_series(
    ctx: Context, environment: str, accessory: Accessory, spec: ContainerSpec, config: Mapping[str, object],
    before: ContainerInfo | None,
) -> None:  # fmt: skip
    new = ctx.kind(accessory).series(accessory.image, variables_of(config))
    old = _series_of_files(ctx, accessory, spec, config, before)
    if old is None and before is not None:
        old = series_of_container(ctx, accessory, before)
    if new is None or old is None or new.fits(old):
        return
    raise UsageError(
        f"rejected: the data of accessory {accessory.name} was written by {old}, and {accessory.image} is {new}, which can't "
        "read it, or would convert it for good",
        hint=_remedy(ctx, accessory, environment, old),
    )


def _remedy(ctx: Context, accessory: Accessory, environment: str, old: Series) -> str:
    if accessory.kind in ctx.servers:
        return f"`shipway database upgrade {environment}` upgrades the data by dump and restore; or set {old} in the plan again"
    return (
        "dump and restore: add an accessory of another name with the new image, load a dump of the old one, and let the services "
        f"use it; or set {old} in the plan again"
    )


def _series_of_files(
    ctx: Context, accessory: Accessory, spec: ContainerSpec, config: Mapping[str, object], before: ContainerInfo | None
) -> Series | None:
    """Version of the files in the previous container's data folder, else in the volume that the new one would get."""
    kind = ctx.kind(accessory)
    if kind.data is None or kind.versions is None or not kind.versions.file:
        return None
    folder = kind.data.of(accessory, variables_of(config)) or kind.data.path
    if before is not None:
        older = kind.data.of(accessory, variables_of(config_of(ctx, before.image))) or folder
        content = _content(ctx, before.name, f"{older}/{kind.versions.file}")
    elif any(ctx.runtime.has_volume(name) for name in spec.volumes):
        content = _read(ctx, of_version(ctx, spec, accessory), f"{folder}/{kind.versions.file}")
    else:
        return None
    return None if content is None else kind.versions.of_file(content)


def _read(ctx: Context, spec: ContainerSpec, path: str) -> str | None:
    """Read a small file in the volumes of a container that doesn't exist."""
    job = dataclasses.replace(
        spec,
        name=f"{spec.name}_job_version",
        labels={**spec.labels, LABEL_ROLE: "job"},
        networks={},
        publish=(),
        env={},
    )
    with never_started(ctx, job) as container:
        return _content(ctx, container, path)


def _content(ctx: Context, container: str, path: str) -> str | None:
    try:
        with reading_stream(ctx.runtime.get(container, path)) as tar:  # only what is needed: it may be of any size
            file = next((tar.extractfile(member) for member in tar if member.isfile()), None)
            return file.read(100).decode(errors="replace") if file else None
    except FileNotFoundError:
        return None
