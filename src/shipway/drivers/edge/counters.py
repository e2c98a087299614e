"""Convert Traefik's counters in Prometheus's text format to Traffic by release. Pure."""

from __future__ import annotations

import re
from collections import Counter

from shipway.domain.traffic import Traffic

REQUESTS = "traefik_service_requests_total"
SECONDS = "traefik_service_request_duration_seconds_bucket"
LINE = re.compile(r"^(\w+)\{([^}]*)\} (\S+)$")
LABEL = re.compile(r'(\w+)="([^"]*)"')


def traffic(text: str, owner: str) -> dict[int, Traffic]:
    """Traffic by release of the owner, over all its routes."""
    requests: Counter[int] = Counter()
    errors: Counter[int] = Counter()
    seconds: dict[int, Counter[float]] = {}
    for line in text.splitlines():
        found = LINE.match(line)
        if found is None or found[1] not in (REQUESTS, SECONDS):
            continue
        labels, count = dict(LABEL.findall(found[2])), int(float(found[3]))
        release = _release(labels.get("service", ""), owner)
        if release is None:
            continue
        if found[1] == REQUESTS:
            requests[release] += count
            errors[release] += count if labels["code"].startswith("5") else 0
        elif labels["le"] != "+Inf":
            seconds.setdefault(release, Counter())[float(labels["le"])] += count
    return {
        release: Traffic(count, errors[release], dict(seconds.get(release, {}))) for release, count in requests.items()
    }


def _release(service: str, owner: str) -> int | None:
    """The release of a service OWNER.ROUTE.RELEASE@file; None for any other service."""
    found = re.fullmatch(rf"{re.escape(owner)}\.[^.-][^.]*\.(\d+)@file", service)
    return int(found[1]) if found else None
