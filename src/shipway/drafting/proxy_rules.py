"""Rules of a reverse proxy about a service: from labels (Traefik, Caddy), variables (nginx-proxy), and configuration files
(nginx, Caddy, Traefik, HAProxy)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

_HOST = re.compile(r"(?:Host|HostSNI)\(([^)]{0,1000})\)|Host:([^;]{1,1000})")
_PATH = re.compile(
    r"Path(?:Prefix|Strip|PrefixStrip)?\(\s*[`'\"]([^`'\"{*]{0,200})|Path(?:Prefix|PrefixStrip)?:([^;,{*]{1,200})"
)
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+", re.IGNORECASE)


@dataclass
class Rule:
    """What a proxy knows about a service."""

    source: str  # such as `labels`
    port: int | None = None
    path: str = ""  # that it is public under; empty: not known
    hosts: list[str] = field(default_factory=list)
    health: str = ""
    todo: list[str] = field(default_factory=list)  # what the plan doesn't express
    public: bool | None = None  # None: not known


def from_labels(labels: Mapping[str, str | None]) -> Rule | None:
    """The rule in a service's labels; None if no proxy reads them."""
    found = {key: str(value or "") for key, value in labels.items()}
    traefik = {key.removeprefix("traefik."): value for key, value in found.items() if key.startswith("traefik.")}
    caddy = {key: value for key, value in found.items() if re.match(r"caddy(_\d+)?(\.|$)", key)}
    if traefik:
        return _traefik(traefik)
    return _caddy(caddy) if caddy else None


def _traefik(labels: Mapping[str, str]) -> Rule:
    rule = Rule("the labels of traefik")
    if labels.get("enable", "").lower() == "false":
        rule.public = False
        return rule
    for key, value in labels.items():
        if key.endswith("loadbalancer.server.port") or key == "port":
            rule.port = rule.port or _port(value)
        elif re.search(r"loadbalancer\.healthcheck\.path$", key) and value.startswith("/"):
            rule.health = value
        elif re.search(r"(^http\.routers\..*\.rule|^frontend\.rule)$", key):
            rule.public = True
            rule.hosts += [host for host in hosts_of(value) if host not in rule.hosts]
            path = _PATH.search(value)
            rule.path = rule.path or (_path(path[1] or path[2]) if path else "")
        elif re.search(r"middlewares\..*\.(basicauth|ipwhitelist|ipallowlist|forwardauth)\.", key, re.IGNORECASE):
            rule.todo.append(f"{_middleware(key)} of traefik protected it: a plan doesn't")
        elif re.search(r"stripprefix", key, re.IGNORECASE):
            rule.todo.append("traefik removed the prefix of the path (strip): here requests keep it")
        elif re.search(
            r"middlewares\..*\.(headers|ratelimit|buffering|replacepath\w*|redirectregex)\.", key, re.IGNORECASE
        ):
            rule.todo.append(f"{_middleware(key)} of traefik: a plan has no such rule")
    rule.todo = list(dict.fromkeys(rule.todo))
    return rule


def _middleware(key: str) -> str:
    return next(part for part in key.split(".")[3:] if part)


def _caddy(labels: Mapping[str, str]) -> Rule:
    rule = Rule("the labels of caddy", public=True)
    for key, value in labels.items():
        if re.fullmatch(r"caddy(_\d+)?", key):
            rule.hosts += [host for host in re.split(r"[\s,]+", value) if _NAME.fullmatch(host)]
        elif key.endswith("reverse_proxy"):
            match = re.search(r"upstreams(?:\s+\w+)?\s+(\d+)|:(\d+)", value)
            rule.port = rule.port or (_port(match[1] or match[2]) if match else None)
        if re.search(r"\.(\d+_)?(handle_path|handle|route)$", key):
            rule.path = rule.path or _path(value)
            if "handle_path" in key:
                rule.todo.append("caddy removed the prefix of the path (strip): here requests keep it")
        elif re.search(r"basic_?auth", key):
            rule.todo.append("basicauth of caddy protected it: a plan doesn't")
    return rule


def from_variables(variables: Mapping[str, str]) -> Rule | None:
    """The rule in the variables that nginx-proxy reads."""
    hosts = [host for host in variables.get("VIRTUAL_HOST", "").split(",") if _NAME.fullmatch(host)]
    if "VIRTUAL_HOST" not in variables:
        return None
    return Rule(
        "VIRTUAL_HOST",
        _port(variables.get("VIRTUAL_PORT", "")),
        _path(variables.get("VIRTUAL_PATH", "")),
        hosts,
        public=True,
    )


PROXY_VARIABLES = ("VIRTUAL_HOST", "VIRTUAL_PORT", "VIRTUAL_PATH", "LETSENCRYPT_HOST", "LETSENCRYPT_EMAIL")


@dataclass
class Configuration:
    """What a proxy's own files say. rules: by Compose service."""

    rules: dict[str, Rule] = field(default_factory=dict)
    hosts: list[str] = field(default_factory=list)
    other: str = ""  # a protocol that isn't HTTP, by which it serves the application
    serves: list[str] = field(default_factory=list)  # paths of files that it serves itself
    site: bool = False  # it serves files at /


_TOKEN = re.compile(
    r"(?P<open>(?:location|handle_path|handle|route)\b(?P<where>[^{;\n]{0,300})\{)"
    r"|(?P<fast>(?:fastcgi|uwsgi|scgi)_pass)\s+(?P<gateway>[^;\s]+)"
    r"|(?:(?P<way>proxy_pass|grpc_pass|reverse_proxy)\s+(?P<target>[^;\n{]{1,500}))"
    r"|url:\s*[\"']?https?://(?P<url>[\w.-]+):(?P<urlport>\d+)"
    r"|(?P<files>\b(?:alias|root|file_server|try_files)\b)"
    r"|(?P<brace>[{}])"
)
_UPSTREAM = re.compile(r"upstream\s+(?P<name>[\w.-]+)\s*\{(?P<body>[^}]{0,4000})\}")
_SERVER = re.compile(r"(?:server|^\s*server\s+\w+)\s+([\w-]+):(\d+)", re.MULTILINE)


def from_files(texts: Mapping[str, str], services: Collection[str]) -> Configuration:
    """What configuration files say about these services. texts: by file."""
    found = Configuration()
    for file, raw in texts.items():
        text = re.sub(r"^\s*#.*$", "", raw, flags=re.MULTILINE)
        found.hosts += [host for host in _hosts_in(text) if host not in found.hosts]
        upstreams = {match["name"]: _SERVER.search(match["body"]) for match in _UPSTREAM.finditer(text)}
        rest = _UPSTREAM.sub("", text)
        for path, target in _targets(rest, found):
            match = re.match(r"(?:\S+\s+)?(?:https?://)?([\w.-]+)(?::(\d+|\$\{?\w+\}?))?", target)
            if match is None:
                continue
            upstream = upstreams.get(match[1])
            name, port = (upstream[1], upstream[2]) if upstream else (match[1], match[2] or "80")
            if name in services:
                rule = found.rules.setdefault(name, Rule(file, _port(port), path, public=True))
                rule.path = min(rule.path or path, path, key=len)
        for name, port in re.findall(r"^\s*server\s+\S+\s+([\w-]+):(\d+)", text, re.MULTILINE):  # HAProxy
            if name in services:
                found.rules.setdefault(name, Rule(file, _port(port), public=True))
    return found


def _targets(text: str, found: Configuration) -> Iterator[tuple[str, str]]:
    """Each address that requests are passed to, with the path that they have."""
    stack: list[str] = []
    for match in _TOKEN.finditer(text):
        here = next((path for path in reversed(stack) if path), "/")
        if match["open"]:
            stack.append(_path(re.sub(r"^\s*(=|~\*?|\^~)\s*", "", match["where"]).strip()) or "/")
        elif match["brace"] == "{":
            stack.append("")
        elif match["brace"]:
            stack = stack[:-1]
        elif match["fast"]:
            found.other = match["fast"].removesuffix("_pass")
        elif match["way"]:
            target = match["target"].strip()
            matcher = re.match(r"(/\S*|@\w+)\s+(\S+)", target) if match["way"] == "reverse_proxy" else None
            yield (_path(matcher[1]) or here, matcher[2]) if matcher else (here, target.split()[0])
        elif match["url"]:
            yield "/", f"{match['url']}:{match['urlport']}"
        elif match["files"] in ("alias", "root", "file_server"):
            if here == "/" and match["files"] != "alias":
                found.site = True
            elif here not in found.serves:
                found.serves.append(here)


def hosts_of(rule: str) -> list[str]:
    """The host names in a rule of Traefik."""
    found = [part for match in _HOST.finditer(rule) for part in re.split(r"[\s,`'\"]+", match[1] or match[2] or "")]
    return [part for part in found if _NAME.fullmatch(part)]


def _hosts_in(text: str) -> Iterator[str]:
    for line in text.splitlines():
        named = re.match(r"\s*server_name\s+([^;]+);", line)
        site = re.match(r"(?:https?://)?([\w.-]+\.[a-z]{2,})(?:[,\s][^{]*)?\{\s*$", line)
        words = named[1].split() if named else [site[1]] if site else hosts_of(line)
        yield from (word for word in words if _NAME.fullmatch(word) and not re.fullmatch(r"[\d.]+", word))


def _path(text: str) -> str:
    """A route: `/api/*`, `/api/` and `/api` are /api; empty for something else, such as a pattern."""
    path = text.strip().rstrip("*").rstrip("/")
    if text.strip() in ("/", "/*"):
        return "/"
    return path if re.fullmatch(r"/[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*", path) else ""


def _port(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() and 0 < int(text[:6]) < 65536 else None
