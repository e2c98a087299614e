"""THE table of the plan file: each section's keys, their kinds, and the object created from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shipway.domain import mounts, registry_access, routing
from shipway.domain import plan as domain
from shipway.domain.image import base_name
from shipway.domain.platform import KUBERNETES, cluster_host
from shipway.drivers.accessories import KINDS
from shipway.planfile import values as v
from shipway.planfile.builds import BUILD, IMAGE
from shipway.planfile.commands import PROVE
from shipway.planfile.develop import DEVELOP
from shipway.planfile.environments import ENVIRONMENT
from shipway.planfile.kinds import Choice, Number, Several
from shipway.planfile.mappings import ByName, Record
from shipway.planfile.previews import PREVIEWS
from shipway.planfile.secrets import SECRET, Secret

_KINDS = {
    "postgres": "postgres",
    "postgis": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
    "redis": "redis",
    "valkey": "redis",
}
ALL = "all"  # in `build` of a step: every service with a build


def accessory_kind(image: str) -> str:
    """The kind of an accessory by its image's name."""
    return _KINDS.get(base_name(image), "other")


def accessory(image: str = "", **given: Any) -> domain.Accessory:
    """Kind and port are derived from the image's name unless given; the image of an external one from its version."""
    kind = given.pop("kind", None) or accessory_kind(image)
    if isinstance(given.get("provides"), dict):
        given["forms"] = given.pop("provides")
    if given.get("external"):
        known, version = KINDS[kind].external, given.get("version")
        image = image or (known.image.format(version=version) if known and version else "")
        given["provides"] = given["external"]
    return domain.Accessory(image=image, kind=kind, port=given.pop("port", KINDS[kind].port), **given)


def service(
    name: str,
    route: tuple[str, routing.Routing] | None = None,
    drain: float | None = None,
    stop: float | None = None,
    secrets: tuple[Secret, ...] = (),
    **given: Any,
) -> domain.Service:
    """Splits off the secrets that the service reads from files. For a service without a route, `drain` sets `stop`:
    older plans used that name."""
    if route is None and drain is not None:
        drain, stop = None, drain if stop is None else stop
    times: dict[str, Any] = {key: value for key, value in (("drain", drain), ("stop", stop)) if value is not None}
    files = tuple(str(item) for item in secrets if item.as_file)
    given |= {"optional_secrets": tuple(str(item) for item in secrets if item.optional)}
    path, served = route or (None, routing.Routing())
    given |= {"route": path, "routing": served}
    return domain.Service(name, secrets=tuple(map(str, secrets)), secret_files=files, **times, **given)


HEALTH = Record(
    domain.Health,
    {
        "path": v.URL_PATH,
        "tcp": v.TRUE,
        "command": v.SHELL,
        "timeout": v.DURATION,
        "interval": v.DURATION,
        "headers": v.HEADERS,
    },
    short=("path", v.URL_PATH),
    exactly_one=("path", "tcp", "command"),
    together={"headers": ("path",)},
)
RESOURCES = Record(domain.Resources, {"cpus": v.CPUS, "memory": v.SIZE})
SECURITY = Record(
    domain.Security,
    {
        "no-new-privileges": Choice({"true": True, "false": False}),
        "pids": Number("a number of processes from 16 to 4194304", 16, 4_194_304),
        "capabilities": Several(
            Choice({name: name for name in v.CAPABILITIES}, "a capability such as NET_RAW or SYS_PTRACE")
        ),
    },
    renamed={"no-new-privileges": "no_new_privileges"},
)


def route(path: str, protocol: str = "http", **given: Any) -> tuple[str, routing.Routing]:
    """The path, and how the edge serves it."""
    return path, routing.Routing(protocol=protocol, **given)


ROUTE = Record(
    route,
    {
        "path": v.ROUTE,
        "strip": v.TRUE,
        "headers": v.RESPONSE_HEADERS,
        "body": v.BODY,
        "compress": v.TRUE,
        "sticky": v.TRUE,
        "timeout": v.WITHIN_A_DAY_FILLED,
        "protocol": Choice({name: name for name in ("http", "h2c")}),
    },
    required=("path",),
    short=("path", v.ROUTE),
)
VOLUME = Record(
    mounts.Volume,
    {"path": v.MOUNT, "folder": v.MOUNT, "snapshot": Choice({"true": True, "false": False})},
    required=("path",),
    named=True,
    short=("path", v.MOUNT),
)
SERVICE = Record(
    service,
    {
        "build": BUILD,
        "image": v.IMAGE,
        "entrypoint": v.COMMAND,
        "command": v.COMMAND,
        "port": v.PORT,
        "route": ROUTE,
        "health": HEALTH,
        "replicas": v.POSITIVE,
        "resources": RESOURCES,
        "security": SECURITY,
        "drain": v.WITHIN_A_DAY,
        "stop": v.WITHIN_A_DAY,
        "environment": v.VARIABLES,
        "secrets": Several(SECRET),
        "assets": v.ABSOLUTE,
        "volumes": ByName(VOLUME, v.NAME_PATTERN, v.NAME_WORDS, "uploads: /data"),
        "files": v.FILES,
        "develop": DEVELOP,
    },
    named=True,
    exactly_one=("build", "image"),
    together={"route": ("port", "health"), "assets": ("route",)},
)
ACCESSORY = Record(
    accessory,
    {
        "image": v.IMAGE,
        "kind": Choice({kind: kind for kind in KINDS if kind != domain.FILE_KIND}),
        "provides": v.PROVIDED,
        "url": v.ACCESSORY_URL,
        "port": v.PORT,
        "volume": v.ABSOLUTE,
        "health": HEALTH,
        "environment": v.VARIABLES,
        "secrets": v.SECRETS,
        "entrypoint": v.COMMAND,
        "command": v.COMMAND,
        "published": v.PUBLISHED_PORT,
        "external": v.SECRET,
        "version": v.SERVER_VERSION,
    },
    named=True,
    one_or_more=("image", "external"),
    together={"version": ("external",)},
)


def database(accessory: str = "", file: str | None = None, **given: Any) -> domain.Database:
    """A file's path names it."""
    return domain.Database(accessory or file or "", file=file, **given)


SNAPSHOTS = Choice({when: when for when in (domain.UNPROVEN, domain.ALWAYS, domain.NEVER)})
SNAPSHOT = Record(
    domain.Snapshots, {"when": SNAPSHOTS, "keep": v.POSITIVE}, required=("when",), short=("when", SNAPSHOTS)
)
DATABASE = Record(
    database,
    {
        "accessory": v.ACCESSORY,
        "file": v.DATABASE_FILE,
        "image": v.IMAGE,
        "service": v.SERVICE,
        "tool": Choice(
            {tool: tool for tool in ("alembic", "command", "dbmate", "django", "knex", "on-start", "sequelize", "sql")}
        ),
        "folder": v.INSIDE,
        "commands": Record(
            domain.DatabaseCommands,
            {"list": v.SHELL, "current": v.SHELL, "up": v.SHELL, "down": v.SHELL, "script": v.SHELL, "base": v.VALUE},
            required=("list", "current", "up", "down"),
        ),
        "snapshot": SNAPSHOT,
        "lock_timeout": v.LIMIT,
        "statement_timeout": v.LIMIT,
        "lock_retries": v.COUNT,
        "lock_pause": v.DURATION_OR_NONE,
        "contract": v.TEXT,
    },
    required=("service", "tool"),
    exactly_one=("accessory", "file"),
    together={"image": ("file",)},
)
REGISTRY = Record(
    registry_access.RegistryAccess,
    {"address": v.REGISTRY_ADDRESS, "user": v.TEXT, "password": v.SECRET, "token": v.SECRET},
    required=("address",),
    together={"user": ("password",), "password": ("user",)},
)
STEP = Record(
    domain.Step,
    {
        "run": v.SHELL,
        "image": IMAGE,
        "build": Several(v.SERVICE, filled=True),
        "prove": v.ENVIRONMENT,
        "needs": Several(v.STEP),
        "with": Several(v.ACCESSORY),
        "inputs": Several(v.PATH),
        "outputs": Several(v.INSIDE),
        "reports": Several(v.INSIDE),
        "cache": Several(v.CACHE),
        "timeout": v.DURATION,
        "retries": v.RETRIES,
        "env": v.VARIABLES,
        "resources": RESOURCES,
        "security": SECURITY,
    },
    renamed={"with": "accessories", "cache": "caches"},
    named=True,
    exactly_one=("run", "build", "prove"),
    together={
        "run": ("image",),
        **dict.fromkeys(
            ("image", "with", "inputs", "outputs", "reports", "cache", "env", "resources", "security"), ("run",)
        ),
    },
)
CHECK = Record(
    domain.Check,
    {"image": IMAGE, "run": v.SHELL, "timeout": v.DURATION, "env": v.VARIABLES},
    required=("image", "run"),
    named=True,
)


def plan(app: str, environments: Mapping[str, domain.Environment] | None = None, **given: Any) -> domain.Plan:
    """An environment in a cluster has its namespace as its only host."""
    found = {
        name: replace(item, hosts=(domain.Host(cluster_host(app, name, item.cluster)),))
        if item.platform == KUBERNETES else item
        for name, item in (environments or {}).items()
    }  # fmt: skip
    return domain.Plan(app=app, environments=found, **given)


PLAN = Record(
    plan,
    {
        "app": v.NAME,
        "inputs": Several(v.PATH, filled=True),
        "services": ByName(SERVICE, v.NAME_PATTERN, v.NAME_WORDS, "web: {build: web}", at_least=1),
        "accessories": ByName(ACCESSORY, v.NAME_PATTERN, v.NAME_WORDS, "db: {image: postgres:16}"),
        "database": DATABASE,
        "registry": REGISTRY,
        "pipeline": ByName(STEP, v.NAME_PATTERN, v.NAME_WORDS, "images: {build: all}"),
        "checks": ByName(
            CHECK, v.NAME_PATTERN, v.NAME_WORDS, "smoke: {image: curlimages/curl:8.8.0, run: curl -f $URL}"
        ),
        "prove": PROVE,
        "environments": ByName(ENVIRONMENT, v.NAME_PATTERN, v.NAME_WORDS, "staging: {url: http://staging.example.com}"),
        "previews": PREVIEWS,
    },
    required=("app", "services"),
)
