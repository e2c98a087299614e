"""Free space that no environment needs any more: images on the hosts; outputs, logs and caches of old runs here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from shipway.actions.environment.caches import Cache, removable_caches, remove_cache
from shipway.context import Context
from shipway.domain import names
from shipway.domain.errors import EngineError, ShipwayError, StoreError
from shipway.domain.history import current
from shipway.domain.release import Deployment, Release
from shipway.domain.retention import Kept, Known, Removal, built_images, kept_releases, sort_images
from shipway.domain.value import dataclass
from shipway.steps import artifacts
from shipway.system.parallel import attempt_all, attempt_side_by_side, errors_of, side_by_side

RUNS = 50  # newest runs of an app whose outputs, logs and step images stay
DAY = 86400.0
FRESH = 7 * DAY  # a newer step image stays, whatever used it
EVENTS = 90 * DAY  # output of runs and deployments in the ledger
ALL = 1000  # releases and runs whose images are known by name; older ones were pruned while they were among these


@dataclass(frozen=True)
class OnHost:
    """The app's images on one host."""

    host: str
    removals: tuple[Removal, ...] = ()
    kept: tuple[Kept, ...] = ()
    error: ShipwayError | None = None  # why nothing is known of it


@dataclass(frozen=True)
class Found:
    """Everything to prune. Nothing has been changed yet."""

    hosts: tuple[OnHost, ...]
    files: tuple[Path, ...]  # below ctx.home: outputs of steps, and logs
    caches: tuple[Cache, ...] = ()  # of steps, on this machine


def prune(ctx: Context, app: str) -> None:
    """Prune at the end of a deployment. Failures are reported, and never fail the deployment."""
    try:
        ctx.ledger.forget_events(app, ctx.clock() - EVENTS)
        remove(ctx, look(ctx, app))
    except (ShipwayError, OSError) as error:
        ctx.reporter.note(f"old images and outputs were not removed: {error}")


def look(ctx: Context, app: str) -> Found:
    """Find what can be removed, on the reachable hosts."""
    releases = ctx.ledger.releases(app, limit=ALL)
    histories = {name: ctx.ledger.history(app, name) for name in sorted(ctx.ledger.environments(app))}
    serving = {now.release for deployments in histories.values() if (now := current(deployments))}
    releases = _with(ctx, app, releases, serving)  # of an environment that is rarely deployed
    kept = kept_releases(histories, releases)
    releases = _with(ctx, app, releases, kept)
    known = _known(ctx, app, releases, kept)
    found = side_by_side(lambda host: _on_host(ctx, host, known), _hosts(ctx, histories, releases))
    return Found(tuple(found), tuple(_files(ctx, app)), tuple(_caches(ctx, app)))


def _with(ctx: Context, app: str, releases: Sequence[Release], numbers: Iterable[int]) -> list[Release]:
    """Add the releases with these numbers, newest first."""
    missing = sorted(set(numbers) - {release.number for release in releases}, reverse=True)
    older = (ctx.ledger.release(app, number) for number in missing)
    return [*releases, *(release for release in older if release)]


def remove(ctx: Context, found: Found, removed: Callable[[str], None] = lambda name: None) -> None:
    """Remove it, and report each removed name and file. What a container has begun to use since stays. Failures and
    unreachable hosts do not stop the rest: one final error lists them all."""

    def on_host(item: OnHost) -> None:
        with errors_of(item.host):
            _remove_images(ctx, item, removed)

    files = (partial(_remove_file, path, removed) for path in found.files)
    caches = (partial(_remove_cache, ctx, cache, removed) for cache in found.caches)
    attempt_all(partial(attempt_side_by_side, on_host, found.hosts), *files, *caches, *_empty_folders(ctx, found))


def _caches(ctx: Context, app: str) -> list[Cache]:
    """None if the engine can't be reached, which is reported for its images."""
    try:
        return removable_caches(ctx, app)
    except EngineError:
        return []


def _remove_cache(ctx: Context, cache: Cache, removed: Callable[[str], None]) -> None:
    if remove_cache(ctx, cache):
        removed(cache.volume)


def _remove_images(ctx: Context, item: OnHost, removed: Callable[[str], None]) -> None:
    if item.error is not None:
        raise item.error
    there = ctx.on(item.host)
    attempt_all(*(partial(_remove_image, there, name, removed) for removal in item.removals for name in removal.names))


def _remove_image(ctx: Context, name: str, removed: Callable[[str], None]) -> None:
    if ctx.images.remove(name):
        removed(name)


def _remove_file(path: Path, removed: Callable[[str], None]) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{path} can't be removed: {error.strerror}") from error
    removed(str(path))


def _empty_folders(ctx: Context, found: Found) -> Iterator[Callable[[], None]]:
    """Folders of runs whose logs are all gone."""
    for folder in sorted({path.parent for path in found.files} - {ctx.home / "artifacts"}):
        yield partial(_remove_folder, folder)


def _remove_folder(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()


def weigh(ctx: Context, found: Found) -> dict[str, int]:
    """Free bytes on the hosts from which images are removed, if known."""

    def look(host: str) -> int | None:
        try:
            return ctx.on(host).runtime.free_space()
        except ShipwayError:
            return None

    hosts = [item.host for item in found.hosts if item.removals]
    free = side_by_side(look, hosts)
    return {host: count for host, count in zip(hosts, free, strict=True) if count is not None}


def _hosts(ctx: Context, histories: Mapping[str, Sequence[Deployment]], releases: Sequence[Release]) -> list[str]:
    """Hosts where images are built, and those of the environments by their current plans."""
    plans = {release.number: release.plan for release in releases}
    running = [
        (name, plans.get(now.release)) for name, deployments in histories.items() if (now := current(deployments))
    ]
    found = [
        host.name
        for name, plan in running
        if plan and name in plan.environments
        for host in plan.environments[name].hosts
    ]
    return list(dict.fromkeys([ctx.machine.name, *found]))


def _known(ctx: Context, app: str, releases: Sequence[Release], kept: dict[int, str]) -> Known:
    runs = ctx.ledger.runs(app, ALL)
    numbers: dict[str, int] = {}
    reasons: dict[str, str] = {}
    for release in releases:
        for reference in built_images(release):
            numbers.setdefault(reference, release.number)
            if release.number in kept:
                reasons.setdefault(reference, f"release {release.number}: {kept[release.number]}")
    repositories = {reference.partition("@")[0] for reference in numbers}
    for run in ctx.ledger.pending_runs(app):
        if ctx.clock() - run.started < DAY:
            reasons |= {
                f"{repository}:{run.revision}": f"run {run.number} is in progress" for repository in repositories
            }
    return Known(
        releases=numbers,
        revisions={run.revision for run in runs},
        kept=reasons,
        steps=names.step_images(app),
        step_images={result.image for result in ctx.ledger.recent_steps(app, RUNS)},
        fresh=ctx.clock() - FRESH,
    )


def _on_host(ctx: Context, host: str, known: Known) -> OnHost:
    try:
        there = ctx.on(host)
        images = there.images.list()  # before the containers: an image used meanwhile is then in both lists
        used = {container.image for container in there.runtime.list({})}
    except ShipwayError as error:
        return OnHost(host, error=error)
    return OnHost(host, *sort_images(images, used, known))


def _files(ctx: Context, app: str) -> list[Path]:
    """Outputs that no recent run's step of any app has, and logs of this app's older runs."""
    results = [result for known in ctx.ledger.apps() for result in ctx.ledger.recent_steps(known, RUNS)]
    folder = ctx.home / "artifacts"
    desired = {artifacts.file(artifact, folder) for result in results for artifact in result.artifacts}
    outputs = [path for path in folder.glob("*") if path not in desired and _is_old(ctx, path)]
    recent = {str(run.number) for run in ctx.ledger.runs(app, RUNS)}
    logs = [
        path for path in (ctx.home / "logs" / app).glob("*/*") if path.parent.name not in recent and _is_old(ctx, path)
    ]
    return sorted(outputs) + sorted(logs)


def _is_old(ctx: Context, path: Path) -> bool:
    """A run in progress may have just written it."""
    return path.is_file() and ctx.clock() - path.stat().st_mtime > DAY
