"""config/deploy.yml of Kamal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from shipway.domain.image import base_name
from shipway.drafting.draft import AccessoryDraft, ServiceDraft, plan_name
from shipway.drafting.files import plain
from shipway.drafting.platforms.declared import OTHERS, Declared, command
from shipway.drafting.tree import Tree, items, join, mapping, number_of, text_of
from shipway.drafting.variables import is_secret, usable
from shipway.drivers.accessories import known_volumes
from shipway.planfile.bounds import TooMuch
from shipway.planfile.document import Unreadable, compose
from shipway.planfile.sections import accessory_kind
from shipway.planfile.values import VARIABLE_PATTERN

_OWN = {"postgres": ("POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"), "mysql": ("MYSQL_", "MARIADB_")}


def read(tree: Tree) -> Iterator[Declared]:
    """One for each file."""
    for path in tree.named("deploy.yml"):
        if path == "config/deploy.yml" or path.endswith("/config/deploy.yml"):
            folder = join(path, "../..")
            found = _read(tree, path, folder)
            if found is not None:
                yield found


def _read(tree: Tree, path: str, folder: str) -> Declared | None:
    # Ruby between <%= and %> is not run: what it computes is unknown.
    text = re.sub(r"<%.*?%>", "", tree.text(path), flags=re.DOTALL)
    try:
        data = mapping(plain(compose(text)))
    except (Unreadable, TooMuch):
        return None
    if not text_of(data.get("service")) or not data.get("servers"):
        return None
    found = Declared(path, folder, name=text_of(data["service"]))
    clear, secret = _env(data.get("env"))
    found.environment, found.secrets = clear, secret
    builder = mapping(data.get("builder"))
    found.arguments = usable(mapping(builder.get("args")))
    proxy = mapping(data.get("proxy"))
    servers = data["servers"]
    roles = {"web": servers} if isinstance(servers, list) else mapping(servers)
    for name, raw in roles.items():
        found.services.append(_role(name, raw, proxy, data, found))
    for service in found.services:
        service.target = text_of(builder.get("target"))
        file = text_of(builder.get("dockerfile"))
        if file and tree.is_file(join(folder, file)) and ".." not in file:
            found.dockerfiles[service.name] = join(folder, file)
        _volumes(items(data.get("volumes")), service)
    _production(data, proxy, roles, found)
    for name, raw in mapping(data.get("accessories")).items():
        draft = _accessory(name, mapping(raw), found)
        if draft is not None:
            found.accessories.append(draft)
    hosts = {f"{found.name}-{name}": plan_name(name, "accessory") for name in mapping(data.get("accessories"))}
    for values in (found.environment, *(service.environment for service in found.services)):
        values.update({key: hosts[value] for key, value in values.items() if value in hosts})
    return found


def _role(name: str, raw: Any, proxy: dict[str, Any], data: dict[str, Any], found: Declared) -> ServiceDraft:
    role = mapping(raw)
    draft = ServiceDraft(plan_name(name, "role"), why=[f"{found.file}: {name}"])
    own = role.get("proxy")
    serves = name == "web" if own is None else own not in (False, "false")
    draft.serves = draft.public = serves
    draft.command = command(text_of(role.get("cmd")))
    draft.environment, draft.secrets = _env(role.get("env"))
    if serves:
        settings = {**proxy, **mapping(own)}
        former = mapping(data.get("healthcheck"))
        port = number_of(settings.get("app_port")) or number_of(former.get("port"))
        if port:
            draft.port = port
            draft.why.append(f"port {port} from app_port")
        health = text_of(mapping(settings.get("healthcheck")).get("path")) or text_of(former.get("path"))
        draft.health = health if health and health.startswith("/") else "/up"
        draft.why.append(f"health {draft.health} from {'healthcheck' if health else 'the default of Kamal'}")
        assets = text_of(data.get("asset_path"))
        draft.assets = assets.partition(":")[0] if assets and assets.startswith("/") else None
    memory = re.fullmatch(r"(\d{1,5})([mg])b?", (text_of(mapping(role.get("options")).get("memory")) or "").lower())
    draft.memory = f"{int(memory[1])}{memory[2].upper()}" if memory and int(memory[1]) > 5 else None
    return draft


def _env(raw: Any) -> tuple[dict[str, str], list[str]]:
    """The clear variables and the names of the secret ones. Without `clear` and `secret`, all are clear."""
    entries = mapping(raw)
    clear = mapping(entries.get("clear")) if "clear" in entries or "secret" in entries else entries
    names = [text_of(item) or "" for item in items(entries.get("secret"))]
    # NAME:OTHER takes the value of another secret.
    secrets = [name.partition(":")[0] for name in names]
    values = usable(clear)
    secrets += [name for name in values if is_secret(name)]
    secrets = [name for name in dict.fromkeys(secrets) if re.search(VARIABLE_PATTERN, name)]
    return {name: value for name, value in values.items() if name not in secrets}, secrets


def _volumes(raw: list[Any], service: ServiceDraft) -> None:
    for item in raw:
        parts = (text_of(item) or "").split(":")
        if len(parts) > 1:
            service.keep(parts[1], parts[0] if "/" not in parts[0] else "")


def _production(data: dict[str, Any], proxy: dict[str, Any], roles: dict[str, Any], found: Declared) -> None:
    host = text_of(proxy.get("host")) or next(iter(items(proxy.get("hosts"))), None)
    if host and re.fullmatch(r"[A-Za-z0-9.-]+", host):
        found.url = f"{'https' if proxy.get('ssl') in (True, 'true') else 'http'}://{host.lower()}"
    user = text_of(mapping(data.get("ssh")).get("user"))
    port = number_of(mapping(data.get("ssh")).get("port"))
    for raw in roles.values():
        listed = items(raw) if isinstance(raw, list) else items(mapping(raw).get("hosts"))
        for item in listed:
            name = text_of(next(iter(item), None) if isinstance(item, dict) else item)
            if name and re.fullmatch(r"[A-Za-z0-9.-]+", name):
                address = f"ssh://{user or 'root'}@{name}" + (f":{port}" if port else "")
                found.hosts += [address] if address not in found.hosts else []
    registry = mapping(data.get("registry"))
    server, account = text_of(registry.get("server")), text_of(registry.get("username"))
    password = next((text_of(item) for item in items(registry.get("password"))), None)
    if server and account and password and re.search(VARIABLE_PATTERN, password) and re.fullmatch(r"[\w.:/-]+", server):
        found.registry = {"address": server.rstrip("/"), "user": account, "password": password}


def _accessory(name: str, raw: dict[str, Any], found: Declared) -> AccessoryDraft | None:
    image = (text_of(raw.get("image")) or "").removeprefix("docker.io/")
    kind, base = accessory_kind(image), base_name(image)
    port = re.search(r"(\d+)$", text_of(raw.get("port")) or "")
    if not image or (kind == "other" and base not in OTHERS and not port):
        found.notes.append(f"{found.file}: the accessory {name} was ignored: nothing says where it listens")
        return None
    draft = AccessoryDraft(plan_name(name, "accessory"), image, kind, why=[f"{found.file}: {name}"])
    if kind == "other":
        draft.port, draft.url = OTHERS.get(base, (int(port[1]) if port else 0, "http://{host}:{port}"))
    clear, secret = _env(raw.get("env"))
    own = _OWN.get(kind, ())
    draft.environment = {key: value for key, value in clear.items() if not key.startswith(own or ("\0",))}
    draft.secrets = [key for key in secret if not key.startswith(own or ("\0",))]
    folders = [text_of(item) or "" for item in [*items(raw.get("directories")), *items(raw.get("volumes"))]]
    targets = [item.split(":")[1] for item in folders if ":/" in item]
    known = known_volumes(image)
    draft.volume = next((target for target in targets if target in known), None) or next(iter(targets or known), None)
    draft.command = command(text_of(raw.get("cmd")))
    for item in items(raw.get("files")):
        draft.todo.append(f"{text_of(item)} was mounted: put the file into an image of its own")
    return draft
