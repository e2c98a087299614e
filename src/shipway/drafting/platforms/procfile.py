"""A Procfile, with the app.json beside it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from shipway.drafting.draft import ServiceDraft, plan_name
from shipway.drafting.platforms.declared import IMAGES, Declared, accessory, command
from shipway.drafting.tree import Tree, items, join, mapping, number_of, text_of
from shipway.planfile.values import VARIABLE_PATTERN

PORT = 8000
# Add-ons by the beginning of their name: a kind, and the variable that holds the address.
_ADDONS = {
    "heroku-postgresql": ("postgres", "DATABASE_URL"), "heroku-redis": ("redis", "REDIS_URL"), "heroku-key-value": ("redis", "REDIS_URL"),
    "rediscloud": ("redis", "REDISCLOUD_URL"), "redistogo": ("redis", "REDISTOGO_URL"), "jawsdb": ("mysql", "JAWSDB_URL"),
    "cleardb": ("mysql", "CLEARDB_DATABASE_URL"), "cloudamqp": ("rabbitmq", "CLOUDAMQP_URL"), "mongolab": ("mongo", "MONGODB_URI"),
    "dokku-postgres": ("postgres", "DATABASE_URL"), "dokku-redis": ("redis", "REDIS_URL"), "memcachier": ("memcached", "MEMCACHIER_SERVERS"),
}  # fmt: skip


def read(tree: Tree) -> Iterator[Declared]:
    """One for each Procfile."""
    for path in tree.named("Procfile"):
        yield _read(tree, path)


def _read(tree: Tree, path: str) -> Declared:
    folder = posixpath.dirname(path) or "."
    found = Declared(path, folder, sets_port=PORT)
    for line in tree.text(path).splitlines():
        match = re.match(r"\s*([A-Za-z][\w-]*)\s*:\s*(\S.*)", line)
        if not match:
            continue
        if match[1] == "release":
            found.release = match[2].strip()
            continue
        if re.match(r"(\S*/)?(redis-server|postgres|mysqld|memcached|rabbitmq-server)\b", match[2]):
            found.notes.append(f"{path}: {match[1]} was left out: a plan has servers as accessories")
            continue
        name = plan_name(match[1], "process")
        web = name == "web"
        draft = ServiceDraft(name, serves=web, public=web, why=[f"{path}: {match[1]}"])
        draft.command = command(match[2])
        if draft.command is None:
            draft.todo.append(f"command: {match[2].strip()}, with its quotation marks closed")
        if all(item.name != name for item in found.services):
            found.services.append(draft)
    manifest = join(folder, "app.json")
    if tree.is_file(manifest):
        _app(tree, manifest, found)
    return found


def _app(tree: Tree, path: str, found: Declared) -> None:
    data = mapping(tree.json(path))
    for name, entry in mapping(data.get("env")).items():
        value = text_of(mapping(entry).get("value") if isinstance(entry, dict) else entry)
        if not re.search(VARIABLE_PATTERN, name):
            continue
        if mapping(entry).get("generator") or value is None:
            found.secrets.append(name)
        else:
            found.environment[name] = value
    for addon in data.get("addons") or [] if isinstance(data.get("addons"), list) else []:
        plan = text_of(mapping(addon).get("plan") if isinstance(addon, dict) else addon) or ""
        kind, variable = next((value for key, value in _ADDONS.items() if plan.startswith(key)), (None, ""))
        if kind is None:
            found.notes.append(f"{path}: the add-on {plan or addon} was ignored: a plan has nothing for it")
            continue
        name = {"postgres": "db", "mysql": "db"}.get(kind, kind)
        variable = f"{text_of(mapping(addon).get('as'))}_URL" if mapping(addon).get("as") else variable
        if all(item.name != name for item in found.accessories) and re.search(VARIABLE_PATTERN, variable):
            draft = accessory(name, kind, IMAGES[kind], variable, f"{path}: {plan}")
            found.accessories.append(draft)
    formation, health = mapping(data.get("formation")), mapping(data.get("healthchecks"))
    for service in found.services:
        quantity = number_of(mapping(formation.get(service.name)).get("quantity"), 100)
        service.replicas = quantity if quantity and quantity > 1 else None
        for check in items(health.get(service.name)):
            path_ = text_of(mapping(check).get("path"))
            if path_ and path_.startswith("/") and service.serves:
                service.health = path_
                service.why.append(f"health {path_} from {path}")
    scripts = mapping(data.get("scripts"))
    if text_of(scripts.get("postdeploy")):
        found.notes.append(
            f"{path}: postdeploy ({text_of(scripts['postdeploy'])}) was ignored: a plan has `seed:` in an environment for it"
        )
    predeploy = text_of(mapping(scripts.get("dokku")).get("predeploy"))
    found.release = found.release or predeploy
