"""Services of a Compose file that a plan doesn't have: the edge or Shipway replaces them, or they are tools for people."""

from __future__ import annotations

import re
from typing import Any

from shipway.domain.image import base_name

_EDGE = "Shipway's edge routes requests"
_CERTIFICATES = "Shipway's edge obtains certificates"
_MACHINE = "it needs the Docker Engine's socket, which containers don't get"
_PERSON = "a tool for people, not a part of the application"
_TESTS = "for tests: a pipeline step or a check starts what it needs"
_REASONS: tuple[tuple[str, str], ...] = (
    (r"traefik|nginx-proxy|nginx-proxy-manager|caddy-docker-proxy|caddy-proxy|jwilder/.*|swag|haproxy-ingress", _EDGE),
    (r"certbot|letsencrypt.*|acme-companion|docker-letsencrypt.*|acme\.sh|lego|mkcert.*", _CERTIFICATES),
    (r"watchtower|ouroboros|shepherd|diun|wud|whatsupdocker", "`shipway` deploys new versions"),
    (r"autoheal|docker-gc|docker-autoheal|docker-socket-proxy|socket-proxy", "Shipway starts and removes containers"),
    (r"portainer.*|dozzle|yacht|lazydocker|dockge|ctop|cadvisor|docker-volume-backup", _MACHINE),
    (r"adminer|phpmyadmin|pgadmin4?|pgweb|mongo-express|redis-?commander|redisinsight|redis-insight|phpredisadmin|cloudbeaver"
     r"|bull-board|kafka-ui|kafdrop|akhq|sqlpad|elasticvue|cerebro|dbgate", _PERSON),
    (r"selenium|standalone-(chrome|firefox|chromium|edge)|playwright|cypress|included|k6|locust|wait-for-it|dockerize", _TESTS),
    (r"cloudflared|ngrok|tailscale|frpc", "a tunnel to the proxy: it belongs to the machine, beside Shipway's edge"),
)  # fmt: skip
_WATCHERS = re.compile(
    r"prometheus|grafana\S*|zipkin|jaeger|all-in-one|kibana|loki|alertmanager|otel\S*|opentelemetry\S*|\S*exporter|chronograf|flower"
)
_PROXIES = ("nginx", "nginx-unprivileged", "openresty", "caddy", "haproxy", "traefik", "envoy")


def reason(image: str, mounts: list[dict[str, str]]) -> str:
    """Why a service with this image is left out; empty if it isn't."""
    repository = image.split("@")[0].rsplit(":", 1)[0] if "/" in image else ""
    for pattern, words in _REASONS:
        if re.fullmatch(pattern, base_name(image)) or re.fullmatch(pattern, repository):
            return words
    if any(item["source"].endswith("/docker.sock") for item in mounts):
        return _EDGE if base_name(image) in _PROXIES else _MACHINE
    return ""


def is_for_operators(image: str) -> bool:
    """Whether its pages are for those who operate the application."""
    return _WATCHERS.fullmatch(base_name(image)) is not None


def is_proxy(image: str) -> bool:
    """Whether the image is a web server that is often put in front of others."""
    return base_name(image) in _PROXIES


_FOR_PEOPLE = {"dev", "development", "debug", "test", "tests", "tools", "assets", "watch", "e2e", "ci", "local"}


def on_demand(raw: dict[str, Any], active: set[str], *, sample: bool) -> str:
    """The profile by which a service has to be asked for; empty if it always runs. active: those that are asked for.
    sample: by a sample of settings."""
    profiles = [str(item) for item in raw.get("profiles") or []]
    if not profiles or (active - _FOR_PEOPLE if sample else active) & set(profiles):
        return ""
    return ", ".join(profiles)
