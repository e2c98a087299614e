"""Which services of a Compose project are public, at which paths, under which name."""

from __future__ import annotations

import re

from shipway.drafting.compose_parts import Part, Reading, published
from shipway.drafting.draft import ServiceDraft
from shipway.drafting.proxy_rules import Rule
from shipway.drafting.variables import SITE

_LOCAL = re.compile(r"(^|\.)(localhost|local|test|internal|lan|invalid)$")
_PLACEHOLDER = re.compile(r"^(example\.(com|org|net)|.*\byour-?(domain|site|host)\b.*|(my)?domain\.(com|tld))$")
_SELF = re.compile(r"https?://(?:localhost|127\.0\.0\.1)(?::(\d+))?(?=[/,\s\"']|$)")


def settle(reading: Reading, parts: list[Part], rules: dict[str, Rule], hosts: list[str]) -> None:
    """Set routes, the name of production, and the variables that have the public address."""
    services = {part.name: service for part, service in zip(parts, reading.draft.services, strict=True)}
    _one_at_least(services)
    open_to_all = {name: rules[name] for name in services if name in rules and services[name].public}
    found = [*(host for rule in open_to_all.values() for host in rule.hosts), *hosts]
    found = [host.lower() for host in dict.fromkeys(found) if not _LOCAL.search(host)]
    plain = [host for host in found if not host.startswith("www.")]
    main = min(plain or found, key=lambda host: (host.count("."), len(host)), default="")
    if not main and any(host.endswith(SITE) for rule in open_to_all.values() for host in rule.hosts):
        main = SITE
    if main and main != SITE and not _PLACEHOLDER.search(main):
        source = next(
            (rule.source for rule in open_to_all.values() if main in [host.lower() for host in rule.hosts]), ""
        )
        reading.draft.url, reading.draft.url_because = f"https://{main}", source or "its proxy's configuration"
    taken: set[str] = set()
    for name, rule in open_to_all.items():
        own = [host.lower() for host in rule.hosts]
        elsewhere = bool(own) and main not in own
        service = services[name]
        path = rule.path or ("/" if not elsewhere and (own or len(open_to_all) == 1) else "")
        if service.port and path and path not in taken:
            service.route = path
            service.because["route"] = rule.source
            taken.add(path)
        if elsewhere and service.port:
            service.todo.append(
                f"it had a host of its own, {own[0].replace(SITE, 'DOMAIN')}: here it is reached by its path"
            )
    for host in found:
        if host != main and not any(host in [item.lower() for item in rule.hosts] for rule in open_to_all.values()):
            reading.draft.notes.append(
                f"{host} was another name of the site: a plan's environment has one, here {main}"
            )
    for service in services.values():
        if service.public and service.port and not (service.health or service.health_command):
            service.health_tcp = True
            service.because["health"] = (
                "no health check in the repository: a path that returns 200 when it is ready is better"
            )
    _addressed(reading, parts, services, main)


def _one_at_least(services: dict[str, ServiceDraft]) -> None:
    """The only service with a port is public, also where a proxy outside of the file made it so."""
    serving = [service for service in services.values() if service.port]
    if len(serving) == 1 and not any(service.public for service in serving):
        serving[0].public = True
        serving[0].because["route"] = "the only service with a port"


def _addressed(reading: Reading, parts: list[Part], services: dict[str, ServiceDraft], main: str) -> None:
    """Variables with the site's own address get that of each environment."""
    ports = {port for part in parts if services[part.name].public for port in published(part.raw.get("ports"))}
    found: dict[str, set[str]] = {}
    for service in services.values():
        for name, value in service.environment.items():
            found.setdefault(name, set()).add(_template(name, value, ports, main))
    for name, templates in found.items():
        template = next(iter(templates))
        if len(templates) == 1 and ("{url}" in template or "{host}" in template) and not _braces(template):
            reading.draft.addresses[name] = template
            for service in services.values():
                service.environment.pop(name, None)


def _template(name: str, value: str, ports: set[str], main: str) -> str:
    text = _SELF.sub(lambda match: "{url}" if not match[1] or match[1] in ports else match[0], value)
    text = re.sub(rf"https?://([\w-]+\.)*{re.escape(SITE)}(?=[/,\s]|$)", "{url}", text)
    text = re.sub(rf"([\w-]+\.)*{re.escape(SITE)}", "{host}", text)
    if re.search(r"(^|_)(DOMAIN|FQDN)(_NAME)?$", name) and _LOCAL.search(value):
        text = "{host}"
    if main and main != SITE:
        text = re.sub(rf"https?://{re.escape(main)}(?=[/,\s]|$)", "{url}", text)
        text = re.sub(rf"(?<![\w.@-]){re.escape(main)}(?=[/,\s:]|$)", "{host}", text)
    if re.search(r"ALLOWED_HOSTS?$", name) and "{host}" not in text and re.search(r"localhost|127\.0\.0\.1", text):
        separator = " " if " " in text and "," not in text else ","
        text = f"{{host}}{separator}{text}"
    return text


def _braces(template: str) -> bool:
    rest = template.replace("{url}", "").replace("{host}", "")
    return "{url}" in rest or "{host}" in rest
