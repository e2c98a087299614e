"""Names of objects on an engine. Parts are joined by `_`, which plan names can't contain, so no two apps collide.

A name has at most LONGEST characters, since a container's name is a DNS label. A longer one is cut and ends in two `_`
and a digest of the whole; no shorter name can end like that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from shipway.domain.container import LABEL_APP, LABEL_ENVIRONMENT, LABEL_NAME, LABEL_ROLE

PROOFS, REGISTRY, BUILDS = "prove", "registry", "build"  # scopes of secrets that belong to no environment
SIGNING = "signing@team"  # scope of private keys that sign images; no environment can have this name
ANY_BRANCH = "build@any"  # scope of those that builds of every branch get; no environment can have this name
LONGEST = 63  # characters of a DNS label
DIGEST = 10  # characters


def bounded(name: str, suffix: str = "") -> str:
    """Return `name + suffix`; if that is too long, the name is cut and gets a digest."""
    if len(name) + len(suffix) <= LONGEST:
        return name + suffix
    digest = hashlib.sha256(name.encode()).hexdigest()[:DIGEST]
    return f"{name[: LONGEST - len(suffix) - DIGEST - 2]}__{digest}{suffix}"


def scope(app: str, environment: str) -> str:
    """Key of an environment for secrets and locks."""
    return f"{app}/{environment}"


def schedules_lock(app: str, environment: str) -> str:
    """Lock of an environment's jobs on a schedule."""
    return f"{scope(app, environment)}/schedules"


def waiting_lock(app: str, environment: str) -> str:
    """Lock of an environment's deployment that waits, while it is judged and deployed."""
    return f"{scope(app, environment)}/waiting"


def purges_lock(app: str, environment: str) -> str:
    """Lock of an environment's purges that are attempted again."""
    return f"{scope(app, environment)}/purges"


def scheduled(app: str, environment: str, schedule: str, run: int) -> str:
    """Container of a run on a schedule, by its id in the ledger."""
    return bounded(f"{app}_{environment}_schedule_{schedule}", f"_{run}")


def network(app: str, environment: str) -> str:
    """Network of the services and their accessories."""
    return bounded(f"shipway_{app}_{environment}")


def rotation_network(app: str, environment: str) -> str:
    """Network of the edge and the containers in rotation; healthy containers are attached at the switch."""
    return bounded(f"shipway_{app}_{environment}", "_rotation")


def visit_network(app: str, environment: str) -> str:
    """Network of the edge and the environment's checks, while a check runs."""
    return bounded(f"shipway_{app}_{environment}", "_visit")


def accessory(app: str, environment: str, name: str) -> str:
    """Name of an accessory's container and of its data volume."""
    return bounded(f"{app}_{environment}_{name}")


def replaced(accessory_name: str) -> str:
    """Name of a replaced accessory container until the deployment is finalized; its replacement takes over the name."""
    return f"{accessory_name}.replaced"


def volume_of_version(volume: str, numbers: Sequence[int]) -> str:
    """Name of the volume that a database upgrade to this version creates beside the accessory's own volume."""
    if len(numbers) > 1:  # two identify the format of its files
        return f"{volume}.v{'.'.join(map(str, numbers))}"
    return f"{volume}.pg{numbers[0]}"


def snapshots(app: str, environment: str, accessory_name: str) -> str:
    """Volume of an accessory's snapshots; its dot avoids collisions with names from plans."""
    return bounded(f"{app}_{environment}_{accessory_name}", ".snapshots")


def backups(app: str, environment: str, accessory_name: str) -> str:
    """Volume of a backup's files while it is made, verified or restored."""
    return bounded(f"{app}_{environment}_{accessory_name}", ".backup")


def backups_lock(app: str, environment: str) -> str:
    """Lock of an environment's backups; an empty app: of the ledger's."""
    return f"{scope(app, environment)}/backups" if app else "backups of the ledger"


def recovery(app: str, environment: str, accessory_name: str) -> str:
    """Volume of the files from which a time is restored."""
    return bounded(f"{app}_{environment}_{accessory_name}", ".recovery")


def replay(app: str, environment: str, accessory_name: str) -> str:
    """The same while a backup is verified, which a restore must not disturb."""
    return bounded(f"{app}_{environment}_{accessory_name}", ".replay")


def archive_lock(app: str, environment: str) -> str:
    """Lock of the stored log of changes of an environment's database."""
    return f"{scope(app, environment)}/archive"


MARK = "X-Shipway-Routes"  # header of a response to `mark`
VOLUME = ".volume"  # ends the name of each; its dot avoids collisions with names from plans


def volume(app: str, environment: str, name: str) -> str:
    """Volume of an environment's services."""
    return bounded(f"{app}_{environment}_{name}", VOLUME)


def cache(app: str, level: str, digest: str) -> str:
    """Volume of a cache of steps, by the level of its runs and a digest of image and path."""
    return bounded(f"{app}_cache_{level}_{digest.removeprefix('sha256:')[:12]}", ".cache")


def replica(app: str, environment: str, service: str, release: int, config: str, index: int) -> str:
    """Container of a service. The name differs for another configuration of the same release."""
    return bounded(f"{app}_{environment}_{service}", f"_{release}-{config.removeprefix('sha256:')[:6]}_{index}")


def mark(owner: str) -> str:
    """Path at which every edge of an owner of routes shows the version of them, in the header MARK."""
    return f"/.well-known/shipway/{owner}"


def route_owner(app: str, environment: str) -> str:
    """Owner of an environment's routes at the edge."""
    return f"{app}_{environment}"


def step_images(app: str) -> str:
    """Repository of the images built for steps; never pushed."""
    return f"shipway-step/{app}"


def labels(app: str, environment: str, role: str, name: str) -> dict[str, str]:
    """The labels that identify an environment's containers."""
    return {LABEL_APP: app, LABEL_ENVIRONMENT: environment, LABEL_ROLE: role, LABEL_NAME: name}


def development_images(app: str, service: str) -> str:
    """Repository of the images that `shipway dev` builds of a service; never pushed."""
    return f"shipway-dev/{app}/{service}"


def development_step_images(app: str) -> str:
    """Repository of the images that it builds for steps: pruning an app's step images leaves them."""
    return f"shipway-dev-step/{app}"
