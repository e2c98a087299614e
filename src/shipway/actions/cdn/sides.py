"""What two releases serve: read from the ledger, and the files of `assets` folders from their images."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping
from functools import partial
from typing import IO

from shipway.actions.environment.jobs import never_started
from shipway.context import Context
from shipway.domain import names
from shipway.domain.cdn import Cdn, Side, Targets, decide
from shipway.domain.container import ContainerSpec
from shipway.domain.errors import EngineError
from shipway.domain.plan import Service
from shipway.domain.purge import Purge
from shipway.domain.release import Release
from shipway.domain.served import side
from shipway.system.parallel import side_by_side
from shipway.system.tars import TooLarge, reading_stream

CHUNK = 1 << 16
LARGEST = 1 << 30  # bytes of an assets folder that is read


def decided(ctx: Context, purge: Purge, cdn: Cdn, most: int) -> Targets:
    """What a purge of a deployment has to purge. What an earlier deployment of the same release served is unknown:
    another secret or setting may have made the difference."""
    before = None if purge.previous == purge.release else side_of(ctx, purge, purge.previous, cdn)
    return decide(cdn, before, _required(side_of(ctx, purge, purge.release, cdn)), most)


def _required(found: Side | None) -> Side:
    assert found is not None
    return found


def side_of(ctx: Context, purge: Purge, number: int | None, cdn: Cdn | None) -> Side | None:
    """What a release serves in the environment; None if the ledger doesn't know. cdn: with the files of its `assets`."""
    release = ctx.ledger.release(purge.app, number) if number is not None else None
    where = release.plan.environments.get(purge.environment) if release else None
    if release is None or where is None:
        return None
    here = ctx.on(where.hosts[0].name)
    assets = [item for item in release.plan.services.values() if cdn and item.assets and item.name in cdn.assets]
    files = side_by_side(partial(_files, here, release, purge.environment), assets)
    deployments = ctx.ledger.deployments_of(purge.app, purge.environment, release.number)
    return side(
        release,
        where,
        deployments[0].fingerprints if deployments else {},
        {item.name: found for item, found in zip(assets, files, strict=True)},
    )


def _files(ctx: Context, release: Release, environment: str, service: Service) -> Mapping[str, str] | None:
    """Digests of the files of its `assets` folder in the image, by path below it; None if they can't be read here."""
    image = release.images.get(service.name)
    if image is None or ctx.images.inspect(image) is None:
        return None
    folder = posixpath.normpath(service.assets or "")
    labels = names.labels(release.app, environment, "job", service.name)
    spec = ContainerSpec(f"{release.app}_{environment}_{service.name}_purge", image, labels)
    try:
        with never_started(ctx, spec) as container, reading_stream(ctx.runtime.get(container, folder), LARGEST) as tar:
            found, links = dict[str, str](), dict[str, tuple[str, str]]()
            for member in tar:
                name = posixpath.normpath(member.name).partition("/")[2]
                content = tar.extractfile(member) if member.isfile() else None
                if content is not None:
                    found[name] = _digest(content)
                elif member.islnk() or member.issym():
                    base = "" if member.islnk() else posixpath.dirname(member.name)
                    target = posixpath.normpath(posixpath.join(base, member.linkname)).partition("/")[2]
                    links[name] = member.linkname, target
            return found | {name: f"link to {text}: {found.get(target, '')}" for name, (text, target) in links.items()}
    except FileNotFoundError:
        return {}
    except (EngineError, TooLarge):
        return None


def _digest(content: IO[bytes]) -> str:
    found = hashlib.sha256()
    while chunk := content.read(CHUNK):
        found.update(chunk)
    return found.hexdigest()
