"""The networks and accessories of one host: create, replace and restore them. A replaced container stays, stopped and renamed, until
the deployment is finalized; volumes of accessories are never removed with their container."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial

from shipway.actions.environment.accessory_rules import of_version
from shipway.context import Context
from shipway.domain import names
from shipway.domain.change import Change
from shipway.domain.container import (
    LABEL_APP,
    LABEL_CONFIG,
    LABEL_ENVIRONMENT,
    LABEL_NAME,
    LABEL_ROLE,
    ContainerInfo,
    ContainerSpec,
)
from shipway.domain.errors import DeployFailed
from shipway.domain.plan import Accessory, Health, Plan
from shipway.domain.volumes import is_anonymous
from shipway.steps.container import capture
from shipway.steps.health import wait_healthy
from shipway.steps.starting import create_and_start
from shipway.system.parallel import attempt_all

STARTING = ("create", "start", "replace", "restore")  # verbs of changes after which an accessory runs
COPY_TIMEOUT = 6 * 3600.0
# Copies from an anonymous volume into the plan's one. Restarts an incomplete earlier copy, and keeps other files.
COPY = r"""
cd /to && rm -rf .shipway-copy || exit 1
[ -z "$(find . -mindepth 1 ! -type d | head -n 1)" ] || { echo "the volume already has files"; exit 1; }
find . -mindepth 1 -type d -empty -delete
mkdir .shipway-copy && cp -a /from/. .shipway-copy/ && sync || exit 1
find .shipway-copy -mindepth 1 -maxdepth 1 -exec mv {} . \; && chown "$(stat -c %u:%g /from)" . && chmod "$(stat -c %a /from)" . && rmdir .shipway-copy
"""


def ensure_networks(ctx: Context, app: str, environment: str, *, wide: bool = False) -> None:
    """Those of an environment, where they are missing. wide: of all its hosts, else of this one."""
    labels = {LABEL_APP: app, LABEL_ENVIRONMENT: environment}
    ctx.runtime.ensure_network(names.network(app, environment), labels, wide=wide)
    ctx.runtime.ensure_network(names.rotation_network(app, environment), labels, pinned=True, wide=wide)


def start_accessories(
    ctx: Context, changes: Sequence[Change], plan: Plan, there: Sequence[ContainerInfo], new: list[str] | None = None
) -> None:
    """Apply these changes and wait until all are healthy. there: the accessories as observed. new: receives the names
    of created volumes."""
    by_name = {item.name: item for item in there}
    for change in changes:
        assert change.spec is not None
        if change.verb == "start":
            ctx.runtime.start(change.name)
        elif change.verb == "restore":
            restore(ctx, change.name, change.spec.stop_grace)
        else:
            accessory = plan.accessories[change.spec.labels[LABEL_NAME]]
            _create(
                ctx,
                change,
                accessory,
                by_name.get(change.name),
                by_name.get(names.replaced(change.name)),
                [] if new is None else new,
            )
    wait_healthy(ctx, [_health(ctx, change, plan) for change in changes])


def restore(ctx: Context, name: str, grace: float) -> None:
    """Restore the replaced accessory. Idempotent at any point."""
    if ctx.runtime.find(names.replaced(name)) is not None:
        if ctx.runtime.find(name) is not None:
            ctx.runtime.stop(name, grace)
            ctx.runtime.remove(name, volumes=False)
        ctx.runtime.rename(names.replaced(name), name)
    ctx.runtime.start(name)


def forget_replaced(ctx: Context, changes: Sequence[Change]) -> None:
    """Remove the containers replaced by these changes, and leftovers of earlier ones; their volumes stay."""
    replaced = [names.replaced(change.name) for change in changes if change.verb == "replace"]
    leftover = [change.name for change in changes if change.verb == "remove"]
    attempt_all(*(partial(ctx.runtime.remove, name, volumes=False) for name in dict.fromkeys((*replaced, *leftover))))


def _create(
    ctx: Context,
    change: Change,
    accessory: Accessory,
    found: ContainerInfo | None,
    replaced: ContainerInfo | None,
    made: list[str],
) -> None:
    assert change.spec is not None
    ctx.images.pull(change.spec.image, lambda line: ctx.reporter.line("accessories", line))
    before = found or replaced
    spec = with_volumes_of(change.spec, before) if before else of_version(ctx, change.spec, accessory)
    made += [name for name in spec.volumes if not ctx.runtime.has_volume(name)]
    if found is not None:
        if replaced is not None:
            ctx.runtime.remove(replaced.name, volumes=False)
        ctx.runtime.stop(found.name, change.spec.stop_grace)
        ctx.runtime.rename(found.name, names.replaced(change.name))
    if before is not None:
        for path, volume in hidden(spec, before).items():
            _copy(ctx, spec, volume, next(name for name, at in spec.volumes.items() if at == path))
    create_and_start(ctx, spec)
    if before is None:  # a failed first deployment leaves nothing behind
        info = ctx.runtime.find(spec.name)
        made += [name for name in info.volumes.values() if is_anonymous(name)] if info else []


def with_volumes_of(spec: ContainerSpec, before: ContainerInfo | None) -> ContainerSpec:
    """Add the previous container's volumes, including anonymous ones, at paths where this one would have none, and the
    volume of a database upgrade instead of the usual one."""
    if before is None:
        return spec
    own = {path: name for name, path in spec.volumes.items()}
    kept = {
        path: volume for path, volume in before.volumes.items()
        if (path not in own and volume not in spec.volumes) or volume.startswith(f"{own.get(path)}.")
    }  # fmt: skip
    return dataclasses.replace(spec, volumes={name: path for path, name in {**own, **kept}.items()})


def hidden(spec: ContainerSpec, before: ContainerInfo) -> dict[str, str]:
    """Anonymous volumes of the previous container, by path, where this one has a named volume."""
    own = {path: name for name, path in spec.volumes.items()}
    return {path: name for path, name in before.volumes.items() if own.get(path) == spec.name and is_anonymous(name)}


def _copy(ctx: Context, spec: ContainerSpec, source: str, target: str) -> None:
    ctx.reporter.note(
        f"the data of {spec.name} is in an anonymous volume: it is copied to {target}, and kept in {source}; when you have verified the copy: {ctx.runtime.commands.remove_volumes} {source}"
    )
    job = ContainerSpec(
        name=f"{spec.name}_job_copy", image=spec.image, labels={**spec.labels, LABEL_ROLE: "job", LABEL_CONFIG: "copy"},
        entrypoint=("sh", "-c"), command=(COPY,), volumes={source: "/from", target: "/to"},
    )  # fmt: skip
    code, output = capture(ctx, job, timeout=COPY_TIMEOUT)
    if code != 0:
        raise DeployFailed(
            f"the data of {spec.name} can't be copied from the volume {source} to {target}:\n  {output.strip()[-500:]}",
            hint=f"no data was lost: it is still in the volume {source}",
        )


def _health(ctx: Context, change: Change, plan: Plan) -> tuple[str, Health | None, int | None]:
    assert change.spec is not None
    accessory = plan.accessories[change.spec.labels[LABEL_NAME]]
    kind = ctx.kind(accessory)
    return change.name, kind.health_of(accessory), kind.port_of(accessory)
