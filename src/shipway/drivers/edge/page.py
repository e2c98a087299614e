"""An owner's maintenance page as Traefik's dynamic configuration. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shipway.domain.log import LogLine
from shipway.domain.routes import hosts
from shipway.drivers.edge.dynamic import (
    HEADER_ROUTES,
    MARK_PRIORITY,
    address,
    adds,
    entry,
    mark,
    mark_router,
    to_line,
    version,
)
from shipway.drivers.edge.route_options import access, host_rule, plugin

PAGE_STATUS = '"DownstreamStatus":503'  # in the access log: the page itself


def render(
    owner: str, url: Mapping[str, Any], page: str, sources: Sequence[str] = (), rules: Mapping[str, Any] | None = None
) -> str:
    """The file of an owner under maintenance: it answers all requests to the address, except those from these addresses
    (of the environment's checks) and to reserved paths. rules: `access` of its table, which the page keeps too."""
    where = address(url)
    guards = dict(access(router(owner), {"url": url, "access": rules or {}}, realm=owner))
    others = "".join(f" && !ClientIP(`{each}`)" for each in sources)
    name = router(owner)
    routers = {
        name: {
            **entry(where, hosts(url)),
            "rule": f"{host_rule(hosts(url))}{others}",
            "priority": MARK_PRIORITY - 1,
            "middlewares": [f"{owner}.-maintain-id", *guards, name],
            "service": name,
        },
        f"{name}-mark": mark_router(where, mark_of(owner), f"{name}-mark"),
    }
    middlewares = {
        f"{owner}.-maintain-id": plugin(mode="identify"),
        **guards,
        name: plugin(mode="maintain", page=page),
        f"{name}-mark": adds(HEADER_ROUTES, version_of(url, page, sources, rules)),
    }
    # Never reached, but no internal one: of those the access log has no requests.
    services = {name: {"loadBalancer": {"servers": [{"url": "http://127.0.0.1:9"}]}}}
    found = {"http": {"routers": routers, "middlewares": middlewares, "services": services}}
    return f"# {to_line(url)}\n{to_line(found)}\n"


def router(owner: str) -> str:
    """Name of the router that shows the page."""
    return f"{owner}.-maintain"


def was_shown(owner: str, logs: Iterable[Iterable[Sequence[LogLine]]]) -> bool:
    """Whether these access logs have a request that it answered, which `access` didn't keep out."""
    shown = f'"RouterName":"{router(owner)}@file"'
    return any(shown in text and PAGE_STATUS in text for log in logs for batch in log for _, text in batch)


def url_of(text: str) -> dict[str, Any] | None:
    """The address of a file that `render` created; None for an empty one."""
    first = text.partition("\n")[0]
    found: dict[str, Any] | None = json.loads(first[2:]) if first.startswith("# ") else None
    return found


def page_of(text: str) -> str | None:
    """The page of such a file; None for an empty one."""
    content = text.partition("\n")[2]
    if not content.strip():
        return None
    middlewares = json.loads(content)["http"]["middlewares"]
    pages = [
        found["page"] for item in middlewares.values() if "page" in (found := item.get("plugin", {}).get("shipway", {}))
    ]
    return str(pages[0]) if pages else None


def mark_of(owner: str) -> str:
    """Public path that reports the page in effect."""
    return f"{mark(owner)}/maintenance"


def version_of(
    url: Mapping[str, Any], page: str, sources: Sequence[str] = (), rules: Mapping[str, Any] | None = None
) -> str:
    """The value of HEADER_ROUTES there."""
    return version([dict(url), page, *sources, *([dict(rules)] if rules else [])])
