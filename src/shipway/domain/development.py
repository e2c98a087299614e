"""Decide how a checkout of an app runs on a developer's machine: its names, its plan, and what a changed file causes. Pure."""

from __future__ import annotations

import dataclasses
import fnmatch
import hashlib
import posixpath
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field

from shipway.domain.desired import mounts
from shipway.domain.errors import UsageError
from shipway.domain.mounts import Volume
from shipway.domain.plan import Environment, Plan, Service, Step
from shipway.domain.record import to_data
from shipway.domain.release import digest_of
from shipway.domain.value import dataclass

Matches = Callable[[str, str], bool]  # whether a path is what a pattern of the plan means

ENVIRONMENT, REVISION = "development", "working-tree"  # SHIPWAY_ENVIRONMENT and SHIPWAY_REVISION of the services
PORT, SECURE_PORT = 8090, 8443  # of the local names, unless one is chosen
NOTHING = "/dev/null"  # mounted over a file that a container must not see
REBUILD, RESTART, COPY = "rebuild", "restart", "copy"
# Files whose change always builds an image again that has its sources from the working tree.
DEPENDENCIES = (
    "*Dockerfile*", ".dockerignore", "Containerfile",
    "requirements*.txt", "requirements*.in", "pyproject.toml", "setup.py", "setup.cfg", "poetry.lock", "uv.lock", "pdm.lock",
    "Pipfile", "Pipfile.lock", "package.json", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml",
    "bun.lock", ".npmrc", "Gemfile", "Gemfile.lock", "composer.json", "composer.lock", "go.mod", "go.sum", "Cargo.toml",
    "Cargo.lock", "mix.exs", "mix.lock", "pom.xml", "build.gradle", "build.gradle.kts",
)  # fmt: skip
MIGRATIONS = frozenset({"migrations", "migrate", "versions"})  # folders that tools keep them in
TESTS = ("test", "tests", "unit")  # steps that `dev test` takes for the app's tests, in this order


@dataclass(frozen=True)
class Checkout:
    """A working tree of an app on this machine."""

    app: str
    root: str  # the repository's folder
    plan: str  # path of the plan in the repository
    host: str  # of its local name
    port: int
    secure: bool = False

    @property
    def environment(self) -> str:
        """Its name on the engine. It has a dot, so that no environment of a plan can have it."""
        return environment_of(self.root, self.plan)

    @property
    def url(self) -> str:
        """Where its routes are served."""
        scheme, usual = ("https", 443) if self.secure else ("http", 80)
        return f"{scheme}://{self.host}" + ("" if self.port == usual else f":{self.port}")


def environment_of(root: str, plan: str) -> str:
    """A name for the working tree in that folder that stays the same."""
    key = hashlib.sha256(f"{root}\0{plan}".encode()).hexdigest()[:6]
    return f"dev.{slug(posixpath.basename(root))}-{key}"


def slug(text: str) -> str:
    """A text as part of a host name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:20].strip("-") or "checkout"


def host_of(app: str, root: str, taken: Iterable[str]) -> str:
    """The local name of a checkout: that of the app for the first one, with the folder's name for the others. taken: names
    of other checkouts."""
    used = set(taken)
    folder = slug(posixpath.basename(root))
    numbered = (f"{folder}-{number}.{app}.localhost" for number in range(2, len(used) + 3))
    return next(name for name in (f"{app}.localhost", f"{folder}.{app}.localhost", *numbered) if name not in used)


@dataclass(frozen=True)
class Development:
    """A plan as it runs on a developer's machine."""

    plan: Plan
    environment: Environment
    services: tuple[str, ...]  # those that run
    unknown: tuple[str, ...] = ()  # external accessories that nothing is started for: their addresses must be given


def development(
    plan: Plan, checkout: Checkout, given: Mapping[str, str], only: Sequence[str] = (), *, linked: bool = False
) -> Development:
    """The plan with what `develop` says, with one replica of each service, and with a container in place of each external
    accessory. given: variables of the developer. only: these services; none: all. linked: whether `.git` is a file, as in a
    further work tree. UsageError for an unknown service."""
    for name in only:
        if name not in plan.services:
            raise UsageError(
                f"the plan of {plan.app} has no service {name!r}", hint=f"it has: {', '.join(plan.services)}"
            )
    services = {name: _service(item, checkout.root, linked) for name, item in plan.services.items()}
    accessories, unknown = {}, []
    for name, item in plan.accessories.items():
        startable = bool(item.image) and bool(item.as_container().port)
        if item.external and (item.external in given or not startable):
            accessories[name] = item
            unknown += [] if item.external in given else [item.external]
        else:
            accessories[name] = dataclasses.replace(item.as_container(), published=None)
    own = dataclasses.replace(plan, services=services, accessories=accessories, registry=None)
    environment = _environment(plan, own, checkout, given, only or tuple(services))
    whole = dataclasses.replace(own, environments={environment.name: environment})
    return Development(whole, environment, tuple(only) or tuple(services), tuple(unknown))


def _environment(
    plan: Plan, own: Plan, checkout: Checkout, given: Mapping[str, str], chosen: Sequence[str]
) -> Environment:
    every = list(plan.environments.values())
    secrets = dict.fromkeys(name for item in every for name in item.secrets)
    optional = [
        name for name in secrets if all(name in (*item.optional_secrets,) for item in every if name in item.secrets)
    ]
    seed = next((item.seed for item in every if item.seed), None)
    provided = {name for item in own.accessories.values() for name in provided_names(item.provides, item.forms)}
    listed = {*secrets, *(name for item in own.services.values() for name in item.secrets), *provided}
    return Environment(
        name=checkout.environment,
        url=checkout.url,
        environment={
            **{name: value for name, value in given.items() if name not in listed},
            "SHIPWAY_ENVIRONMENT": ENVIRONMENT,
            "SHIPWAY_REVISION": REVISION,
        },
        replicas={name: int(name in chosen) for name in own.services},
        seed=seed,
        secrets=tuple(secrets),
        optional_secrets=tuple(optional),
    )


def provided_names(provides: str | None, forms: Mapping[str, str]) -> tuple[str, ...]:
    """Variables that an accessory provides."""
    return (*([provides] if provides else ()), *forms)


def _service(service: Service, root: str, linked: bool) -> Service:
    own = service.develop
    volumes = dict(service.volumes)
    volumes = {
        name: dataclasses.replace(item, folder=None) for name, item in volumes.items()
    }  # no folder of the host, which environments on this machine may use
    if own is None:
        return dataclasses.replace(service, replicas=1, volumes=volumes)
    build = dataclasses.replace(service.build, target=own.target) if service.build and own.target else service.build
    laid = {
        f"develop-{number}": Volume(f"develop-{number}", path, folder_in(root, folder))
        for number, (folder, path) in enumerate(own.mount.items())
    }
    # A container that can write to the repository itself could have git run programs on the developer's machine.
    for path in (path for folder, path in own.mount.items() if folder_in(root, folder) == posixpath.normpath(root)):
        laid["develop-git"] = Volume("develop-git", posixpath.join(path, ".git"), NOTHING if linked else None)
    if own.run:
        service = dataclasses.replace(service, entrypoint="sh -c", command=shlex.quote(own.run))
    port = own.port or service.port
    return dataclasses.replace(service, build=build, port=port, replicas=1, volumes={**volumes, **laid})


def folder_in(root: str, folder: str) -> str:
    """The absolute path of a folder of the repository."""
    return posixpath.normpath(posixpath.join(root, folder.strip("/")))


def mounted(plan: Plan, environment: Environment, service: str) -> dict[str, str]:
    """What the containers of a service of `development` have from the working tree, as mounts of a container."""
    chosen = plan.services[service]
    laid = {name: item for name, item in chosen.volumes.items() if name.startswith("develop-")}
    return mounts(plan, environment, dataclasses.replace(chosen, volumes=laid))


# What a change causes


def sources(plan: Plan, service: str) -> tuple[str, ...]:
    """Folders of the repository that the image of a service is built from."""
    build = plan.services[service].build if service in plan.services else None
    if build is None:
        return ()
    found = [build.folder, *build.contexts.values(), *(item.folder for item in build.bases.values())]
    found += [folder for other in build.images.values() for folder in sources(plan, other)]
    return tuple(dict.fromkeys(item.strip("/") or "." for item in found))


def counts(plan: Plan, service: str, path: str, matches: Matches) -> bool:
    """Whether a file is part of the service's image although the container has folders from the working tree."""
    if path == plan.file or not any(_below(path, folder) for folder in sources(plan, service)):
        return False
    own = plan.services[service].develop
    if own is None or not any(_below(path, folder) for folder in own.mount):
        return True
    return _rebuilds(own.watch, path, matches)


def reaction(plan: Plan, service: str, path: str, matches: Matches) -> str | None:
    """What a changed file causes: REBUILD, RESTART or COPY of a service; None: nothing, or its own reloader sees it."""
    chosen = plan.services[service]
    own = chosen.develop
    if path == plan.file:
        return None
    built = any(_below(path, folder) for folder in sources(plan, service))
    if own is not None and any(_below(path, folder) for folder in own.laid):
        if (built or own.watch) and chosen.build and _rebuilds(own.watch, path, matches):
            return REBUILD
        if own.restarts:
            return RESTART
        return COPY if any(_below(path, folder) for folder in own.sync) else None
    if built:
        return REBUILD
    if own is not None and own.watch and any(matches(path, item) for item in own.watch):
        return REBUILD if chosen.build else RESTART
    return RESTART if path in chosen.files.values() else None


def _rebuilds(watch: Sequence[str], path: str, matches: Matches) -> bool:
    if watch and any(matches(path, item) for item in watch):
        return True
    name = posixpath.basename(path)
    known = DEPENDENCIES[:3] if watch else DEPENDENCIES
    return any(fnmatch.fnmatchcase(name.lower(), item.lower()) for item in known)


def copies(service: Service, path: str) -> list[str]:
    """The paths in the container of a changed file of copied folders."""
    own = service.develop
    found = []
    for folder, target in own.sync.items() if own else ():
        if _below(path, folder):
            inside = posixpath.relpath(path, folder.strip("/") or ".")
            found.append(posixpath.join(target, inside))
    return found


def is_migration(plan: Plan, path: str) -> bool:
    """Whether a file may be a migration of the plan's database."""
    database = plan.database
    if database is None or database.on_start or not any(_below(path, item) for item in sources(plan, database.service)):
        return False
    parts = posixpath.dirname(path).split("/")
    if database.folder and database.folder.strip("/").split("/")[-1] in parts:
        return True
    return not MIGRATIONS.isdisjoint(parts)


def migration_key(plan: Plan, files: Mapping[str, str], database: str) -> str:
    """Digest over what the migrated database depends on. files: hashes of the working tree's files; database: id of the
    container that has it."""
    own = {path: kind for path, kind in files.items() if is_migration(plan, path)}
    return digest_of([database, to_data(plan.database), own or dict(files)])


def _below(path: str, folder: str) -> bool:
    clean = folder.strip("/").removeprefix("./")
    return clean in ("", ".") or path == clean or path.startswith(f"{clean}/")


# A plan that is edited while it runs


def plan_changes(before: Plan, after: Plan) -> list[str]:
    """What of an edited plan takes effect only when `shipway dev` is started again; empty: nothing."""
    found: list[str] = []
    for what, old, new in (
        ("service", before.services, after.services), ("accessory", before.accessories, after.accessories)
    ):  # fmt: skip
        for name in dict.fromkeys((*old, *new)):
            if name not in new:
                found.append(f"{what} {name} is gone")
            elif name not in old:
                found.append(f"{what} {name} is new")
            elif old[name] != new[name]:
                keys = _differing(old[name], new[name])
                found.append(f"{what} {name}: {', '.join(keys)}")
    if before.database != after.database:
        found.append("database")
    seeds = [next((item.seed for item in plan.environments.values() if item.seed), None) for plan in (before, after)]
    if seeds[0] != seeds[1]:
        found.append("seed")
    return found


def _differing(old: object, new: object) -> list[str]:
    assert dataclasses.is_dataclass(old)
    return [item.name for item in dataclasses.fields(old) if getattr(old, item.name) != getattr(new, item.name)]


# Steps


def step_of_tests(plan: Plan, arguments: Sequence[str]) -> Step:
    """The step that runs the app's tests, with further arguments for its command. UsageError if none is recognized."""
    commands = {name: item for name, item in plan.pipeline.items() if item.run}
    named = [commands[name] for name in TESTS if name in commands]
    reporting = [item for item in commands.values() if item.reports]
    found = (*named, *reporting)
    if not found:
        known = f"it has: {', '.join(commands)}" if commands else "add one named `test` to its `pipeline`"
        raise UsageError(
            f"the plan of {plan.app} has no step named {', '.join(TESTS)}, and none with `reports`", hint=known
        )
    chosen = found[0]
    return dataclasses.replace(chosen, run=" ".join([chosen.run or "", *map(shlex.quote, arguments)]))


@dataclass(frozen=True)
class Part:
    """One service or accessory of a checkout, for `shipway dev status`."""

    name: str
    kind: str  # service or accessory
    state: str  # running, exited … as the engine says; missing
    container: str
    exit_code: int | None = None


@dataclass(frozen=True)
class DevelopmentStatus:
    """What `shipway dev status` shows."""

    app: str
    environment: str
    url: str
    process: int | None  # the id of the process that runs it; None: none does
    parts: tuple[Part, ...] = field(default_factory=tuple)
