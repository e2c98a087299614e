"""Services and accessories from a compose file."""

from __future__ import annotations

import posixpath
import re
import shlex
from pathlib import Path
from typing import Any

from shipway.domain.image import base_name
from shipway.domain.plan import Accessory
from shipway.domain.shell_syntax import shell_syntax
from shipway.domain.volumes import right_path
from shipway.drafting import dockerfile
from shipway.drafting.draft import AccessoryDraft, Draft, ServiceDraft, plan_name
from shipway.drafting.files import plain
from shipway.drafting.unsupported import mounts, other_ports, unsupported, unsupported_in_build
from shipway.drafting.variables import entries, split
from shipway.drivers.accessories import KINDS, known_variables, known_volumes
from shipway.planfile.bounds import TooMuch, text_of
from shipway.planfile.document import Unreadable, compose
from shipway.planfile.sections import accessory_kind

FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
# Images that are no kind of their own in Shipway, but have a well-known port and URL format.
_OTHERS = {
    "rabbitmq": (5672, "amqp://{host}:{port}"),
    "mongo": (27017, "mongodb://{host}:{port}"),
    "memcached": (11211, "memcached://{host}:{port}"),
    "elasticsearch": (9200, "http://{host}:{port}"),
    "opensearch": (9200, "http://{host}:{port}"),
    "meilisearch": (7700, "http://{host}:{port}"),
    "minio": (9000, "http://{host}:{port}"),
    "nats": (4222, "nats://{host}:{port}"),
    "mailpit": (1025, "smtp://{host}:{port}"),
    "mailhog": (1025, "smtp://{host}:{port}"),
}
_PROXIES = ("traefik", "nginx-proxy", "nginx-proxy-manager", "caddy-docker-proxy")


def find(root: Path, draft: Draft) -> str | None:
    """Add the compose file's content; returns its name, or None without a usable one."""
    file = next((name for name in FILES if (root / name).is_file()), None)
    if file is None:
        return None
    try:
        data = plain(compose(text_of(root / file)))
    except (Unreadable, TooMuch, OSError) as error:
        draft.notes.append(f"{file} can't be read ({error}): it was ignored")
        return None
    services = {name: _sound(_mapping(raw)) for name, raw in _mapping(_mapping(data).get("services")).items()}
    draft.notes += [f"{file}: {key} was ignored" for key in _mapping(data) if key in ("include", "secrets", "configs")]
    outside = [
        name
        for name, raw in _mapping(_mapping(data).get("volumes")).items()
        if {"external", "driver", "driver_opts"} & {*_mapping(raw)}
    ]
    draft.notes += [
        f"{file}: the content of volume {name} is not adopted: Shipway creates its own volumes" for name in outside
    ]
    if not services:
        draft.notes.append(f"{file} has no `services:`: it was ignored")
        return None
    for name, raw in services.items():
        if "build" not in _mapping(raw) and _mapping(raw).get("image") and _is_accessory(_mapping(raw)):
            draft.accessories.append(_accessory(name, _mapping(raw), file))
    accessories = {name: _by_name(draft, name) for name in services}
    for name, raw in services.items():
        if accessories[name] is None:
            draft.services.append(_service(root, name, _mapping(raw), file, accessories))
    return file


def _sound(raw: dict[str, Any]) -> dict[str, Any]:
    """Remove values of an invalid type, as if their keys were missing."""
    texts: dict[str, type | tuple[type, ...]] = {
        "image": str,
        "command": (str, list),
        "entrypoint": (str, list),
        "build": (str, dict),
        "env_file": (str, list),
    }
    found = {key: value for key, value in raw.items() if isinstance(value, texts.get(key, object))}
    build = found.get("build")
    if isinstance(build, dict):
        found["build"] = {
            key: value
            for key, value in build.items()
            if key not in ("context", "dockerfile", "target") or isinstance(value, str)
        }
    return found


def _by_name(draft: Draft, name: str) -> AccessoryDraft | None:
    return next((item for item in draft.accessories if item.name == plan_name(name)), None)


def _is_accessory(raw: dict[str, Any]) -> bool:
    image = _without_variables(raw["image"])
    return accessory_kind(image) != "other" or base_name(image) in _OTHERS


def _accessory(name: str, raw: dict[str, Any], file: str) -> AccessoryDraft:
    image = _without_variables(raw["image"])
    kind = accessory_kind(image)
    draft = AccessoryDraft(plan_name(name), image, kind, why=[f"{file}: {image}"])
    draft.command, draft.entrypoint = _command(raw.get("command")), _command(raw.get("entrypoint"))
    draft.volume = _volume(raw) or _default_volume(kind, image)
    if len(_named_volumes(raw)) > 1:
        draft.todo.append(
            f"it had {len(_named_volumes(raw))} volumes, but an accessory has one: is {draft.volume} the one with its data?"
        )
    if kind == "other":
        draft.port, draft.url = _OTHERS[base_name(image)]
    own = ("POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB")
    made_by_shipway = own if kind == "postgres" else ("MYSQL_", "MARIADB_") if kind == "mysql" else ()
    values, secrets, todo = split(entries(raw.get("environment")))
    draft.environment = {key: value for key, value in values.items() if not key.startswith(made_by_shipway or ("\0",))}
    unset = [key for key in secrets if not key.startswith(made_by_shipway or ("\0",))]
    draft.secrets = [key for key in unset if key not in draft.environment]
    draft.todo += todo
    _right_volume(draft, file)
    _shell(draft)
    if kind == "redis" and "requirepass" in (draft.command or ""):
        draft.todo.append(
            "command: remove --requirepass: the address that Shipway provides has no password, and only this environment's services reach it"
        )
    draft.todo += unsupported(raw) + other_ports(_ports(raw), draft.port or KINDS[kind].port) + mounts(raw)
    return draft


def _right_volume(draft: AccessoryDraft, file: str) -> None:
    """The path that the image actually writes to: another one in a compose file never stored anything."""
    as_planned = Accessory(
        draft.name, draft.image, draft.kind, volume=draft.volume, environment=draft.environment, command=draft.command
    )
    data = KINDS[draft.kind].data_folder(as_planned, known_variables(draft.image))
    right = right_path(as_planned, known_volumes(draft.image), data)
    if right is not None:
        draft.todo.append(
            f"{file} has its volume at {draft.volume}, where {draft.image} stores nothing: its data is in an anonymous volume"
        )
        draft.volume = right


def _shell(draft: ServiceDraft | AccessoryDraft) -> None:
    found = shell_syntax(draft.command or "")
    if found:
        draft.todo.append(
            f"command: {', '.join(found)} requires a shell (`sh -c '…'`), and a value in place of each variable"
        )


def _service(
    root: Path, name: str, raw: dict[str, Any], file: str, accessories: dict[str, AccessoryDraft | None]
) -> ServiceDraft:
    draft = ServiceDraft(plan_name(name, "service"), why=[f"{file}: {name}"])
    if draft.name != name:
        draft.todo.append(f"it is named {name} in {file}: other services now reach it as {draft.name}")
    if "build" in raw:
        _build(draft, raw["build"])
    else:
        draft.image = _without_variables(str(raw.get("image") or ""))
    draft.command, draft.entrypoint = _command(raw.get("command")), _command(raw.get("entrypoint"))
    draft.port = next(iter(_ports(raw)), None)
    draft.public = bool(raw.get("ports"))
    if draft.port:
        draft.why.append(f"port {draft.port} from {'ports' if raw.get('ports') else 'expose'}")
    _health(draft, _mapping(raw.get("healthcheck")).get("test"))
    found = entries(raw.get("environment"))
    _addresses(draft, found, accessories)
    draft.environment, draft.secrets, todo = split(found)
    draft.todo += todo
    if raw.get("env_file"):
        draft.todo.append(f"add the variables of env_file {_listed(raw['env_file'])} to `environment:` or `secrets:`")
    kept = [path for path in (_target(volume) for volume in _named_volumes(raw)) if path]
    draft.todo += [
        f"{path} was in a volume: services have no volumes; use an accessory or an external store" for path in kept
    ]
    _shell(draft)
    if base_name(draft.image or "") in _PROXIES:
        draft.todo.append("Shipway's edge routes to all services: is this proxy needed?")
    draft.todo += unsupported(raw) + other_ports(_ports(raw), draft.port) + mounts(raw, draft.folder)
    worker = draft.command and not draft.port  # it runs another program than the Dockerfile's
    if draft.folder is not None and not worker:
        dockerfile.complete(draft, dockerfile.read(root / draft.folder / draft.dockerfile))
    return draft


def _build(draft: ServiceDraft, raw: Any) -> None:
    long = raw if isinstance(raw, dict) else {"context": raw}
    context = str(long.get("context") or ".")
    if re.match(r"\w+://|git@|github\.com/", context):
        draft.todo.append(f"build: {context} is another repository: build its image there, and set `image:` here")
        context = "."
    draft.folder = posixpath.normpath(context)
    draft.dockerfile = posixpath.normpath(str(long.get("dockerfile") or "Dockerfile"))
    draft.target = long.get("target")
    draft.args, secret, todo = split(entries(long.get("args")))
    draft.todo += (
        [f"build argument {name}: its value is not in this file" for name in secret] + todo + unsupported_in_build(long)
    )
    if draft.folder.startswith(("..", "/")) or draft.dockerfile.startswith(("..", "/")):
        draft.todo.append(f"build: {draft.folder} with {draft.dockerfile} is outside of its folder")
        draft.folder = "."


def _addresses(
    draft: ServiceDraft, found: dict[str, str | None], accessories: dict[str, AccessoryDraft | None]
) -> None:
    """Remove from `found` the variables that accessories provide: those with an accessory's host in an address."""
    for name, value in list(found.items()):
        match = re.match(r"([a-z0-9+]+)://(?:[^@/]*@)?([\w.-]+)", value or "")
        accessory = accessories.get(match[2] if match else value or "")
        if accessory is None:
            continue
        if match is None:  # only the host, as in DB_HOST
            if accessory.kind in ("postgres", "mysql"):
                draft.todo.append(
                    f"{name}: Shipway generates the password of {accessory.name}; read it from the address that it provides"
                )
            continue
        del found[name]
        if accessory.provides is None:
            accessory.provides = name
            accessory.why.append(f"{name} of {draft.name} is its address")
        elif accessory.provides != name:
            draft.todo.append(f"{name}: {accessory.name} provides {accessory.provides}; read that variable instead")
        if "+" in match[1] or match[1] == "postgres":
            given = "postgresql" if match[1].startswith("postgres") else match[1].partition("+")[0]
            draft.todo.append(f"{name} began with {match[1]}://; Shipway provides {given}://")


def _health(draft: ServiceDraft, test: Any) -> None:
    words = test if isinstance(test, list) else ["CMD-SHELL", test] if test else []
    if len(words) < 2 or words[0] == "NONE":
        return
    command = str(words[1]) if words[0] == "CMD-SHELL" else shlex.join(str(word) for word in words[1:])
    path = dockerfile.health_path(command)
    if path and draft.port:
        draft.health = path
        draft.why.append(f"health {path} from healthcheck")
    else:
        draft.health_command = command.replace("$$", "$")
        draft.why.append("health from healthcheck")


def _command(raw: Any) -> str | None:
    if isinstance(raw, list):
        return shlex.join(str(word) for word in raw) or None
    return " ".join(str(raw).split()) if raw else None


def _ports(raw: dict[str, Any]) -> list[int]:
    """The ports in the container, from `8080:80`, `127.0.0.1:8080:80/tcp`, `80`, `9000-9001` or {target: 80}."""
    found = list[int]()
    for item in [*_list(raw.get("ports")), *_list(raw.get("expose"))]:
        text = str(item.get("target", "") if isinstance(item, dict) else _without_variables(str(item)))
        match = re.search(r"(\d{1,5})(?:-(\d{1,5}))?(?:/\w+)?$", text)
        if match:
            found += [port for port in (int(match[1]), int(match[2] or match[1])) if 0 < port < 65536]
    return list(dict.fromkeys(found))


def _volume(raw: dict[str, Any]) -> str | None:
    return next((path for path in (_target(volume) for volume in _named_volumes(raw)) if path), None)


def _named_volumes(raw: dict[str, Any]) -> list[Any]:
    """Without mounted folders of the developer's machine, for source or configuration."""
    volumes = _list(raw.get("volumes"))
    return [
        item
        for item in volumes
        if (
            item.get("type") == "volume"
            if isinstance(item, dict)
            else isinstance(item, str) and item[:1] not in ("", *"./~$")
        )
    ]


def _target(volume: Any) -> str | None:
    if isinstance(volume, dict):
        target = volume.get("target")
        return target if isinstance(target, str) and target.startswith("/") else None
    parts = str(volume).split(":")
    return parts[1] if len(parts) > 1 and parts[1].startswith("/") else None


def _default_volume(kind: str, image: str) -> str | None:
    if kind == "mysql":
        return "/var/lib/mysql"
    if kind != "postgres":
        return None
    version = re.match(r"(\d+)", image.rpartition(":")[2])
    return "/var/lib/postgresql" if version and int(version[1]) >= 18 else "/var/lib/postgresql/data"


def _without_variables(text: str) -> str:
    """`postgres:${VERSION:-16}` becomes postgres:16; a variable without a default is removed."""
    return re.sub(r"\$\{\w+(?::?-([^}]*))?[^}]*\}", lambda match: match[1] or "", text).rstrip(":")


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _listed(value: Any) -> str:
    return ", ".join(str(item) for item in _list(value)) or str(value)
