"""Accessories from the services of a Compose file."""

from __future__ import annotations

import re

from shipway.domain.image import base_name
from shipway.domain.plan import Accessory
from shipway.domain.shell_syntax import shell_syntax
from shipway.domain.volumes import right_path
from shipway.drafting import healthchecks, mounts
from shipway.drafting.addresses import PASSWORDS
from shipway.drafting.compose_files import OTHERS
from shipway.drafting.compose_parts import Part, Reading, text_of
from shipway.drafting.draft import AccessoryDraft
from shipway.drafting.unsupported import of_services, other_ports, unsupported
from shipway.drafting.variables import Settings, add
from shipway.drivers.accessories import KINDS, known_variables, known_volumes
from shipway.planfile.sections import accessory_kind

_OWN = {  # variables by which an image creates its user and its database
    "postgres": ("POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"),
    "mysql": tuple(f"{brand}_{name}" for brand in ("MYSQL", "MARIADB") for name in ("USER", "PASSWORD", "DATABASE", "ROOT_PASSWORD")),
}  # fmt: skip
_OPEN = ("POSTGRES_HOST_AUTH_METHOD", "MYSQL_ALLOW_EMPTY_PASSWORD", "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD", "ALLOW_EMPTY_PASSWORD",
         "MYSQL_RANDOM_ROOT_PASSWORD", "MARIADB_RANDOM_ROOT_PASSWORD")  # fmt: skip
_SETTINGS = {"postgres": ("POSTGRES_INITDB", "PGDATA"), "mysql": (), "redis": ()}  # that it reads beside those


_KINDS = {  # by the image's name, beside those of the plan language
    "mysql-server": "mysql", "percona": "mysql", "percona-server": "mysql", "pgvector": "postgres", "timescaledb": "postgres",
    "timescaledb-ha": "postgres", "pgvecto-rs": "postgres", "vectorchord-postgres": "postgres", "redis-stack-server": "redis", "redismod": "redis",
}  # fmt: skip


def kind_of(image: str) -> str:
    """The kind of an accessory with this image."""
    return _KINDS.get(base_name(image), accessory_kind(image))


def image_of(part: Part) -> str:
    """The image of a server that the part is or is built on; empty if it is another program."""
    image = part.base if part.folder is not None else part.image
    return image if kind_of(image) != "other" or base_name(image) in OTHERS else ""


def is_server(part: Part, parts: list[Part], texts: str) -> bool:
    """Whether an unknown image looks like a server that the others use: it keeps data, and they name it as a host."""
    if part.folder is not None or not part.image or part.labels or part.command:
        return False
    port = next(iter([*part.ports, *part.exposed]), None)
    keeps = any(item["type"] in ("volume", "bind") and item["target"].startswith("/") for item in part.mounts)
    named = re.search(rf"(^|//|@)({re.escape(part.name)})(:\d+|/|$)", texts, re.MULTILINE) is not None
    builds = any(other.folder is not None for other in parts)
    return bool(port and keeps and named and builds and port not in (80, 443))


def draft(reading: Reading, part: Part) -> AccessoryDraft:
    """The accessory, without what services decide: the variable of its address, and whether they know its password."""
    image = image_of(part) or part.image
    kind = kind_of(image)
    name = reading.names[part.name]
    found = AccessoryDraft(name, image, kind, why=[f"{reading.file}: {image}"])
    if name != part.name:
        found.remarks.append(f"it is named {part.name} in {reading.file}: services reach it as {name}")
    found.command, found.entrypoint = text_of(part.raw.get("command")), text_of(part.raw.get("entrypoint"))
    if part.folder is not None:
        file = f"{part.folder}/{part.dockerfile}".removeprefix("./")
        found.remarks.append(f"it was built by {file}: what that adds to {image} isn't carried over")
        found.command = found.entrypoint = None
    _ports(found, part)
    _volume(reading, found, part)
    _variables(reading, found, part)
    _right_volume(found, reading.file)
    if kind == "redis" and "requirepass" in (found.command or ""):
        kept = re.sub(r"\s*--requirepass[= ]+\S+", "", found.command or "").strip()
        found.command = None if kept in ("redis-server", "valkey-server") else kept or None
        found.remarks.append(
            "its password was removed: it has no password, and only this environment's services reach it"
        )
    syntax = shell_syntax(found.command or "")
    if syntax:
        found.todo.append(
            f"command: {', '.join(syntax)} requires a shell (`sh -c '…'`), and a value in place of each variable"
        )
    found.todo += unsupported(part.raw, accessory=True)
    found.remarks += of_services(part.raw)
    return found


def _ports(found: AccessoryDraft, part: Part) -> None:
    if found.kind != "other":
        return
    check = healthchecks.read((part.raw.get("healthcheck") or {}).get("test"), {}, part.name)
    usual = OTHERS.get(base_name(found.image))
    port = usual[0] if usual else next(iter([*part.ports, *part.exposed]), None)
    found.port, found.url = port, usual[1] if usual else "http://{host}:{port}"
    found.remarks += other_ports([*part.ports, *part.exposed], port)
    found.health_command = check.command or None if check else None


def _volume(reading: Reading, found: AccessoryDraft, part: Part) -> None:
    known = known_volumes(found.image)
    given = [{**item, "type": "volume"} if item["target"].rstrip("/") in known else item for item in part.mounts]
    kept = mounts.read(reading.root, given, None)
    paths = list(kept.volumes.values())
    data = [path for path in paths if path in known]
    found.volume = next(iter([*data, *paths]), None) or _default_volume(found.kind, found.image)
    if len(paths) > 1:
        found.todo.append(
            f"it had {len(paths)} volumes, but an accessory has one: is {found.volume} the one with its data?"
        )
    found.remarks += kept.notes
    found.todo += kept.todo


def _default_volume(kind: str, image: str) -> str | None:
    if kind == "mysql":
        return "/var/lib/mysql"
    if kind != "postgres":
        return None
    version = re.match(r"(\d+)", image.rpartition(":")[2])
    return "/var/lib/postgresql" if version and int(version[1]) >= 18 else "/var/lib/postgresql/data"


def _variables(reading: Reading, found: AccessoryDraft, part: Part) -> None:
    settings = Settings()
    own = _OWN.get(found.kind, ())
    written = set(part.raw.get("environment") or {})
    usual = _SETTINGS.get(found.kind, (f"{base_name(found.image).partition('-')[0].upper()}_",))
    for name, (raw, source, _) in reading.variables(part).items():
        if name in _OPEN:
            value = reading.text(name, raw, source)
            found.remarks.append(f"{name}={value} was not carried over: the database has a password")
        elif name.removesuffix("_FILE") not in own and (name in written or name.startswith(usual)):
            add(settings, name, raw, source)
    found.environment, found.secrets, found.todo = settings.values, settings.secrets, [*found.todo, *settings.todo]
    found.because |= settings.because


def finish(reading: Reading, part: Part, found: AccessoryDraft) -> None:
    """Where services know its password: its user and database are those of the file."""
    own = reading.variables(part)
    if found.kind not in PASSWORDS or not {*PASSWORDS[found.kind], "MYSQL_ROOT_PASSWORD"} & {*found.secrets}:
        return

    def value(*names: str) -> str:
        return next((text for name in names if name in own and (text := reading.text(name, *own[name][:2]))), "")

    if found.kind == "postgres":
        user = value("POSTGRES_USER") or "postgres"
        found.environment = {"POSTGRES_USER": user, "POSTGRES_DB": value("POSTGRES_DB") or user, **found.environment}
    else:
        names = {
            "MYSQL_USER": value("MYSQL_USER", "MARIADB_USER"),
            "MYSQL_DATABASE": value("MYSQL_DATABASE", "MARIADB_DATABASE"),
        }
        found.environment = {**{name: text for name, text in names.items() if text}, **found.environment}


def _right_volume(found: AccessoryDraft, file: str) -> None:
    """The path that the image actually writes to: another one in a Compose file never stored anything."""
    planned = Accessory(
        found.name, found.image, found.kind, volume=found.volume, environment=found.environment, command=found.command
    )
    data = KINDS[found.kind].data_folder(planned, known_variables(found.image))
    right = right_path(planned, known_volumes(found.image), data)
    if right is not None:
        found.todo.append(
            f"{file} has its volume at {found.volume}, where {found.image} stores nothing: its data is in an anonymous volume"
        )
        found.volume = right
