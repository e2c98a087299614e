"""Names of things on an engine. Parts are joined by `_`, which plan names can't contain, so no two apps collide.

A name is at most LONGEST characters: a container's name is a label of DNS. What would be longer is cut, and ends in two `_`
and a digest of the whole, which no name that fits can have.
"""

from __future__ import annotations

import hashlib

from shipway.domain.container import LABEL_APP, LABEL_ENVIRONMENT, LABEL_NAME, LABEL_ROLE

PROOFS, REGISTRY = "prove", "registry"  # scopes of secrets that belong to no environment
LONGEST = 63  # characters of a label of DNS
DIGEST = 10  # characters


def bounded(name: str, suffix: str = "") -> str:
    """`name + suffix`, as it is where it fits; else the name is cut and gets a digest."""
    if len(name) + len(suffix) <= LONGEST:
        return name + suffix
    digest = hashlib.sha256(name.encode()).hexdigest()[:DIGEST]
    return f"{name[: LONGEST - len(suffix) - DIGEST - 2]}__{digest}{suffix}"


def scope(app: str, environment: str) -> str:
    """Key of an environment in the secrets and the leases."""
    return f"{app}/{environment}"


def network(app: str, environment: str) -> str:
    """Joins the services and their accessories."""
    return bounded(f"shipway_{app}_{environment}")


def rotation_network(app: str, environment: str) -> str:
    """Joins the edge and the containers that are in service; healthy ones are attached at the switch."""
    return bounded(f"shipway_{app}_{environment}", "_rotation")


def visit_network(app: str, environment: str) -> str:
    """Joins the edge and the environment's checks, while one runs."""
    return bounded(f"shipway_{app}_{environment}", "_visit")


def accessory(app: str, environment: str, name: str) -> str:
    """Container of an accessory, and the volume with its data."""
    return bounded(f"{app}_{environment}_{name}")


def replaced(accessory_name: str) -> str:
    """Container that an accessory's container is replaced by keeps its name; the old one has this until all is settled."""
    return f"{accessory_name}.replaced"


def volume_of_version(volume: str, major: int) -> str:
    """The volume that an upgrade of a PostgreSQL to this version makes, beside the one with the accessory's name."""
    return f"{volume}.pg{major}"


def snapshots(app: str, environment: str, accessory_name: str) -> str:
    """Volume with an accessory's snapshots; no plan can have a name with a dot."""
    return bounded(f"{app}_{environment}_{accessory_name}", ".snapshots")


def replica(app: str, environment: str, service: str, release: int, config: str, index: int) -> str:
    """Container of a service: the same release with another configuration gets another name."""
    return bounded(f"{app}_{environment}_{service}", f"_{release}-{config.removeprefix('sha256:')[:6]}_{index}")


def route_owner(app: str, environment: str) -> str:
    """Owner of an environment's routes at the edge."""
    return f"{app}_{environment}"


def step_images(app: str) -> str:
    """Repository of the images that are built for steps to run in; it is never pushed."""
    return f"shipway-step/{app}"


def labels(app: str, environment: str, role: str, name: str) -> dict[str, str]:
    """The labels by which a container of an environment is found again."""
    return {LABEL_APP: app, LABEL_ENVIRONMENT: environment, LABEL_ROLE: role, LABEL_NAME: name}
