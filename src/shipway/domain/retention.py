"""Which images stay on the hosts: those that serve, that a rollback may need, or that are still to be deployed.
Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from shipway.domain.history import current, since_last_destroy
from shipway.domain.image import ImageInfo, repository_of
from shipway.domain.plan import Environment
from shipway.domain.release import CHECK, PENDING, SUCCEEDED, Deployment, Release
from shipway.domain.value import dataclass


def kept_releases(histories: Mapping[str, Sequence[Deployment]], releases: Sequence[Release]) -> dict[int, str]:
    """Number and reason of each release whose images stay.

    histories: the deployments of every environment of the app; releases: of the app. Both newest first. Environments
    are independent, each with the `retain` of its running plan: deployments to one never remove images that another
    needs.
    """
    found = [
        need
        for name, deployments in histories.items()
        for need in _needs(name, since_last_destroy(deployments), releases)
    ]
    kept: dict[int, str] = {}
    for _, number, reason in sorted(found, key=lambda need: need[0]):
        kept.setdefault(number, reason)
    return kept


def _needs(
    environment: str, deployments: Sequence[Deployment], releases: Sequence[Release]
) -> Iterator[tuple[int, int, str]]:
    """Rank of the reason (the lowest is reported), number and reason."""
    now = current(deployments)
    serving = now.release if now else 0
    retain = _retain(environment, serving, releases)
    if now:
        yield 0, serving, f"serves in {environment}"
    for item in deployments:
        if item.outcome == PENDING:
            yield 1, item.release, f"is being deployed to {environment}"
    good = [item.release for item in deployments if item.outcome == SUCCEEDED and item.release != serving]
    recent = list(dict.fromkeys(good))
    # They differ after a rollback: the release rolled back from, and the next rollback target.
    older = sorted((number for number in recent if number < serving), reverse=True)
    for number in (*recent[:retain], *older[:retain]):
        yield 2, number, f"one of the last {retain} good releases of {environment}"
    newer = [release.number for release in releases if release.number > serving]
    for number in newer[: max(1, retain)]:
        yield 3, number, f"may still be deployed to {environment}"


def _retain(environment: str, serving: int, releases: Sequence[Release]) -> int:
    """The `retain` of the serving release's plan; before the first deployment, of the newest plan with the
    environment."""
    ordered = sorted(releases, key=lambda release: release.number != serving)
    plans = (release.plan.environments for release in ordered)
    found: Environment | None = next((plan[environment] for plan in plans if environment in plan), None)
    return found.retain if found else Environment.retain


def built_images(release: Release) -> list[str]:
    """References of the images that the team builds; third-party images are not included."""
    plan = release.plan
    return [
        reference for name, reference in release.images.items()
        if name.startswith(CHECK) or (name in plan.services and plan.services[name].build)
    ]  # fmt: skip


@dataclass(frozen=True)
class Known:
    """The ledger's knowledge of an app's images. Unknown images always stay."""

    releases: Mapping[str, int]  # reference (repository@digest): its newest release
    revisions: Collection[str]  # of all runs: the tags of their images
    kept: Mapping[str, str]  # reference: why it stays
    steps: str  # repository of the step images
    step_images: Collection[str]  # names of those used by recent runs
    fresh: float  # a newer step image stays (seconds since the epoch)


@dataclass(frozen=True)
class Removal:
    """An image to remove under these names. With further names it stays under those."""

    image: ImageInfo
    names: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Kept:
    """An image of the app that stays, and why."""

    image: ImageInfo
    reason: str


def sort_images(
    images: Sequence[ImageInfo], used: Collection[str], known: Known
) -> tuple[tuple[Removal, ...], tuple[Kept, ...]]:
    """Which of an engine's images to remove, and which of the app stay. used: image ids or names that containers have.

    An image is judged as a whole: the engine drops a digest with the last tag of its repository, so no name of a kept
    image is removed. Images without a name of this app are not listed.
    """
    repositories = {repository_of(reference) for reference in known.releases} | {known.steps}
    removals: list[Removal] = []
    kept: list[Kept] = []
    for image in sorted(images, key=lambda item: (item.names, item.id)):
        own = tuple(name for name in image.names if repository_of(name) in repositories)
        if not own:
            continue
        reason = _why_it_stays(image, own, used, known)
        if reason:
            kept.append(Kept(image, reason))
        else:
            removals.append(Removal(image, own, _what_it_was(own, known)))
    return tuple(removals), tuple(kept)


def _why_it_stays(image: ImageInfo, own: Sequence[str], used: Collection[str], known: Known) -> str:
    kept = next((known.kept[name] for name in own if name in known.kept), "")
    if kept:
        return kept
    if image.id in used or any(name in used for name in image.names):
        return "a container uses it"
    if any(name in known.step_images for name in own):
        return "steps of recent runs used it"
    if any(repository_of(name) == known.steps for name in own):
        return "a new image of a step" if image.created > known.fresh else ""
    if not any(name in known.releases or name.rpartition(":")[2] in known.revisions for name in own):
        return "unknown to this ledger"
    return ""


def _what_it_was(own: Sequence[str], known: Known) -> str:
    numbers = [known.releases[name] for name in own if name in known.releases]
    if numbers:
        return f"release {max(numbers)}"
    if any(repository_of(name) == known.steps for name in own):
        return "no recent run used it"
    return "part of no release"
