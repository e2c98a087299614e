"""What a release serves in an environment, as a CDN in front of it sees it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shipway.domain.cdn import Served, Side
from shipway.domain.plan import Environment, Health, Resources, Service
from shipway.domain.record import to_data
from shipway.domain.release import Release, digest_of


def side(
    release: Release, environment: Environment, fingerprints: Mapping[str, str],
    files: Mapping[str, Mapping[str, str] | None],
) -> Side:  # fmt: skip
    """files: of the `assets` folders by service, see `Served`. fingerprints: of the secrets."""
    routed = {name: item for name, item in release.plan.services.items() if item.route}
    return Side(
        {name: _served(environment, item, files.get(name)) for name, item in routed.items()},
        _digest(release, environment, fingerprints),
    )


def _served(environment: Environment, service: Service, files: Mapping[str, str] | None) -> Served:
    names = environment.domains.get(service.name) or (environment.domain, *environment.aliases)
    usual = environment.port == (443 if environment.scheme == "https" else 80)
    port = "" if usual else f":{environment.port}"
    exact = [name for name in names if not name.startswith("*")]
    origins = tuple(f"{environment.scheme}://{name}{port}" for name in exact)
    return Served(service.route or "/", origins, len(exact) < len(names), files)


def _digest(release: Release, environment: Environment, fingerprints: Mapping[str, str]) -> str:
    """Of images, configuration and secrets: not of what only decides how they run."""
    services = [
        to_data(replace(item, replicas=1, resources=Resources(), drain=0.0, stop=0.0, health=Health(tcp=True)))
        for item in release.plan.services.values()
    ]
    images = {name: image for name, image in release.images.items() if name in release.plan.services}
    return digest_of([
        services, images, to_data(release.files), dict(environment.environment), release.schema, dict(fingerprints),
        environment.url, list(environment.aliases), to_data(environment.domains),
    ])  # fmt: skip


def served_by(side: Side, url: str) -> str | None:
    """The name of the service that answers to a URL; None if none does."""
    found = [
        (len(service.path), name)
        for name, service in side.services.items()
        for origin in service.origins
        if url == origin + service.path or url.startswith(origin + service.path.rstrip("/") + "/")
    ]
    return max(found)[1] if found else None
