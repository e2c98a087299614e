"""Free the space of what no environment needs any more: images on the hosts, outputs and logs of old runs here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shipway.context import Context, side_by_side
from shipway.domain import names
from shipway.domain.errors import ShipwayError
from shipway.domain.record import from_data
from shipway.domain.release import Deployment, Release
from shipway.domain.retention import Going, Known, Staying, built_images, kept_releases, sort_images
from shipway.domain.rollback import current
from shipway.steps import artifacts
from shipway.steps.run import StepResult

RUNS = 50  # newest ones of an app whose outputs, logs and step images stay
DAY = 86400.0
FRESH = 7 * DAY  # a step's image that is younger stays, whoever used it
ALL = 1000  # releases and runs whose images are known by name; those of older ones went while they were among these


@dataclass(frozen=True)
class OnHost:
    """The app's images on one host."""

    host: str
    going: tuple[Going, ...]
    staying: tuple[Staying, ...]


@dataclass(frozen=True)
class Found:
    """All that is to be pruned. Nothing has been touched yet."""

    hosts: tuple[OnHost, ...]
    files: tuple[Path, ...]  # below ctx.home: outputs of steps, and logs


def prune(ctx: Context, app: str) -> None:
    """What a deployment does in the end. What fails is told, and never fails the deployment."""
    try:
        remove(ctx, look(ctx, app))
    except (ShipwayError, OSError) as error:
        ctx.reporter.note(f"old images and outputs were not removed: {error}")


def look(ctx: Context, app: str) -> Found:
    """Find what may go. A host that can't be reached is told, and left out."""
    releases = ctx.ledger.releases(app, limit=ALL)
    histories = {name: ctx.ledger.history(app, name) for name in sorted(ctx.ledger.environments(app))}
    serving = {now.release for history in histories.values() if (now := current(history))}
    releases = _with(ctx, app, releases, serving)  # of an environment that is seldom deployed
    kept = kept_releases(histories, releases)
    releases = _with(ctx, app, releases, kept)
    known = _known(ctx, app, releases, kept)
    found = side_by_side(lambda host: _on_host(ctx, host, known), _hosts(ctx, histories, releases))
    return Found(tuple(item for item in found if item), tuple(_files(ctx, app)))


def _with(ctx: Context, app: str, releases: Sequence[Release], numbers: Iterable[int]) -> list[Release]:
    """And those of these numbers, newest first."""
    missing = sorted(set(numbers) - {release.number for release in releases}, reverse=True)
    older = (ctx.ledger.release(app, number) for number in missing)
    return [*releases, *(release for release in older if release)]


def remove(ctx: Context, found: Found) -> int:
    """Remove it; gives the number of names and files. What a container has begun to use since stays."""
    counts = side_by_side(lambda item: _remove(ctx.on(item.host), item.going), found.hosts)
    for path in found.files:
        path.unlink(missing_ok=True)
    for folder in {path.parent for path in found.files} - {ctx.home / "artifacts"}:
        if not any(folder.iterdir()):
            folder.rmdir()
    return sum(counts) + len(found.files)


def weigh(ctx: Context, found: Found) -> dict[str, int]:
    """Bytes free on the hosts from which images go, where that can be told."""
    hosts = [item.host for item in found.hosts if item.going]
    free = side_by_side(lambda host: ctx.on(host).runtime.free_space(), hosts)
    return {host: count for host, count in zip(hosts, free, strict=True) if count is not None}


def _hosts(ctx: Context, histories: Mapping[str, Sequence[Deployment]], releases: Sequence[Release]) -> list[str]:
    """Where images are built, and where the environments run, by the plans that they run."""
    plans = {release.number: release.plan for release in releases}
    running = [(name, plans.get(now.release)) for name, history in histories.items() if (now := current(history))]
    found = [host.name for name, plan in running if plan and name in plan.environments for host in plan.environments[name].hosts]
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
        if ctx.clock() - float(str(run["started"])) < DAY:
            reasons |= {f"{repository}:{run['revision']}": f"run {run['id']} is under way" for repository in repositories}
    return Known(
        releases=numbers,
        revisions={str(run["revision"]) for run in runs},
        kept=reasons,
        steps=names.step_images(app),
        step_images={result.image for result in _results(ctx, app)},
        fresh=ctx.clock() - FRESH,
    )


def _on_host(ctx: Context, host: str, known: Known) -> OnHost | None:
    try:
        there = ctx.on(host)
        images = there.images.list()  # before the containers: what one is made of meanwhile is there in both
        used = {container.image for container in there.runtime.list({})}
    except ShipwayError as error:
        ctx.reporter.note(f"{host} is left out: {error.message}")
        return None
    return OnHost(host, *sort_images(images, used, known))


def _remove(ctx: Context, going: Sequence[Going]) -> int:
    return sum(ctx.images.remove(name) for item in going for name in item.names)


def _results(ctx: Context, app: str) -> list[StepResult]:
    """Of the steps of the newest runs."""
    return [from_data(StepResult, result) for result in ctx.ledger.recent_steps(app, RUNS)]


def _files(ctx: Context, app: str) -> list[Path]:
    """Outputs that no step of a recent run of any app left, and logs of older runs of this one."""
    results = [result for known in ctx.ledger.apps() for result in _results(ctx, known)]
    folder = ctx.home / "artifacts"
    wanted = {artifacts.file(artifact, folder) for result in results for artifact in result.artifacts}
    outputs = [path for path in folder.glob("*") if path not in wanted and _is_old(ctx, path)]
    recent = {str(run["id"]) for run in ctx.ledger.runs(app, RUNS)}
    logs = [path for path in (ctx.home / "logs" / app).glob("*/*") if path.parent.name not in recent and _is_old(ctx, path)]
    return sorted(outputs) + sorted(logs)


def _is_old(ctx: Context, path: Path) -> bool:
    """A run that is under way may have left it a moment ago."""
    return path.is_file() and ctx.clock() - path.stat().st_mtime > DAY

