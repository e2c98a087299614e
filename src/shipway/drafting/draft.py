"""A draft of a plan: filled from a repository by the other modules, written as a file by `write`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from shipway.planfile.values import NAME_PATTERN


@dataclass
class ServiceDraft:
    """One entry of `services`."""

    name: str
    folder: str | None = None  # of its build; None: `image` is used unchanged
    dockerfile: str = "Dockerfile"
    target: str | None = None
    args: dict[str, str] = field(default_factory=dict)
    image: str | None = None
    entrypoint: str | None = None
    command: str | None = None
    port: int | None = None
    route: str | None = None
    health: str | None = None  # a path, or …
    health_command: str | None = None  # … a command, or …
    health_tcp: bool = False
    replicas: int | None = None
    cpus: str | None = None
    memory: str | None = None
    capabilities: list[str] = field(default_factory=list)
    stop: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    secret_files: list[str] = field(default_factory=list)  # secrets that it reads from files
    volumes: dict[str, str] = field(default_factory=dict)  # path by name
    files: dict[str, str] = field(default_factory=dict)  # path in the container: file of the repository
    public: bool = True  # False if it is known not to be reachable from outside
    serves: bool | None = None  # whether it listens on a port; None: unknown
    assets: str | None = None
    home: str | None = None  # the folder of its source, if its build's folder contains more
    todo: list[str] = field(default_factory=list)  # written as comments
    remarks: list[str] = field(default_factory=list)  # likewise, where nothing is to be done
    because: dict[str, str] = field(
        default_factory=dict
    )  # the source of a line, by key or variable; a comment behind it
    why: list[str] = field(default_factory=list)

    def keep(self, path: str, name: str = "") -> None:
        """Add a volume for a folder, unless it has one."""
        if path.startswith("/") and ":" not in path and path not in self.volumes.values():
            base = plan_name(name or path.rstrip("/").rpartition("/")[2] or "data", "data")
            free = (f"{base[:36]}-{number}" if number else base for number in range(1000))
            self.volumes[next(option for option in free if option not in self.volumes)] = path


def address_form(scheme: str) -> str:
    """The text of `provides` for the address of a database in another scheme, such as postgresql+asyncpg."""
    return f"{scheme}://{{user}}:{{password}}@{{host}}:{{port}}/{{database}}"


@dataclass
class AccessoryDraft:
    """One entry of `accessories`."""

    name: str
    image: str
    kind: str
    provides: str | None = None  # "" if no service reads an address
    forms: dict[str, str] = field(
        default_factory=dict
    )  # further variables of `provides`, each with a part of the address
    url: str | None = None
    port: int | None = None  # only if it differs from the kind's
    volume: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    entrypoint: str | None = None
    command: str | None = None
    health_command: str | None = None
    todo: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    because: dict[str, str] = field(default_factory=dict)
    why: list[str] = field(default_factory=list)


@dataclass
class StepDraft:
    """One entry of `pipeline` with a command."""

    name: str
    run: str
    image: str  # a name, or …
    folder: str | None = None  # … this folder's build, at …
    target: str | None = None  # … this stage
    accessories: list[str] = field(default_factory=list)  # that are started for it
    outputs: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    todo: list[str] = field(default_factory=list)
    why: str = ""


@dataclass
class CheckDraft:
    """One entry of `checks`: tests of a deployed environment."""

    name: str
    run: str
    image: str
    todo: list[str] = field(default_factory=list)
    why: str = ""


@dataclass
class DatabaseDraft:
    """The `database` section; `unsupported` has a message if Shipway doesn't support it."""

    accessory: str = ""
    service: str = ""
    tool: str = ""
    folder: str | None = None
    commands: dict[str, str] = field(default_factory=dict)  # of the tool `command`
    unsupported: str = ""
    todo: list[str] = field(default_factory=list)
    why: str = ""
    file: str = ""  # in place of an accessory
    image: str = ""  # with what reads the file, where the service's has it not


@dataclass
class Draft:
    """The whole plan. `notes` are for the terminal, not for the file."""

    app: str
    branch: str = "main"
    services: list[ServiceDraft] = field(default_factory=list)
    accessories: list[AccessoryDraft] = field(default_factory=list)
    databases: list[DatabaseDraft] = field(default_factory=list)
    steps: list[StepDraft] = field(default_factory=list)
    origin: str = ""  # the files that services and accessories are from
    composed: list[str] = field(default_factory=list)  # services of a Compose file
    built: list[str] = field(default_factory=list)  # Dockerfiles that it builds
    left_out: dict[str, str] = field(default_factory=dict)  # reason by name of a service that the plan doesn't have
    # Variables of every service whose value is the environment's public address, with {url} or {host} in it.
    addresses: dict[str, str] = field(default_factory=dict)
    url: str | None = None  # of production
    url_because: str = ""
    hosts: list[tuple[str, str | None]] = field(default_factory=list)  # of production: name, and address for the others
    checks: list[CheckDraft] = field(default_factory=list)
    registry: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def plan_name(text: str, fallback: str = "app") -> str:
    """The closest valid name: `My_App.git` becomes `my-app`."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower().removesuffix(".git")).strip("-")[:40].rstrip("-")
    name = name if re.search(NAME_PATTERN, name) else f"{fallback}-{name}"[:40].rstrip("-")
    return fallback if name == "all" else name
