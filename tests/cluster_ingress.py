"""An Ingress controller for the tests' own cluster, and one of a Gateway: the real Traefik, told of Ingresses, HTTPRoutes and of the pods
that are ready.

Traefik 3.7 itself can't watch a cluster of 1.20, which has no `discovery.k8s.io/v1`; so a thread reads Endpoints for it.
"""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shipway.domain.errors import ClusterError
from shipway.drivers.platform.kubernetes_api import KubernetesApi
from tests import cluster_gateway, outer_engine

PORT = 8080
INGRESSES = "/apis/networking.k8s.io/v1/ingresses"
LOOK = 0.2  # seconds between looks
Object = dict[str, Any]


@contextmanager
def serving(api: KubernetesApi) -> Iterator[None]:
    """On PORT of all addresses of this machine, which is the cluster's node."""
    with tempfile.TemporaryDirectory() as name:
        folder, over = Path(name), threading.Event()
        (folder / "watched").mkdir()
        outer_engine.copy("traefik:v3", "/usr/local/bin/traefik", folder / "traefik")
        follow(api, folder)
        words = [
            f"--entryPoints.web.address=:{PORT}", f"--providers.file.directory={folder / 'watched'}", "--log.level=ERROR",
            "--providers.providersThrottleDuration=50ms", "--global.checkNewVersion=false", "--global.sendAnonymousUsage=false",
        ]  # fmt: skip
        traefik = subprocess.Popen([str(folder / "traefik"), *words])
        thread = threading.Thread(target=_follow_on, args=(api, folder, over))
        thread.start()
        try:
            _until_it_listens()
            yield
        finally:
            over.set()
            thread.join()
            traefik.terminate()
            traefik.wait()


def _until_it_listens() -> None:
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", PORT), timeout=1).close()
        except OSError:
            assert time.monotonic() < until, f"Traefik doesn't listen on {PORT}"
            time.sleep(0.1)
        else:
            return


def _follow_on(api: KubernetesApi, folder: Path, over: threading.Event) -> None:
    while not over.wait(LOOK):
        try:
            follow(api, folder)
        except ClusterError as error:  # a controller keeps what it knows
            print(f"the Ingress controller: {error}")


def follow(api: KubernetesApi, folder: Path) -> None:
    """Tell Traefik, if something has changed."""
    paths = (INGRESSES, "/api/v1/services", "/api/v1/endpoints")
    ingresses, services, endpoints = (api.ask("GET", path).get("items") or [] for path in paths)
    routes = cluster_gateway.routes(api)
    told = json.dumps(configuration(ingresses, services, endpoints, routes), indent=1)  # JSON is YAML
    file = folder / "watched" / "cluster.yaml"
    if not file.exists() or file.read_text() != told:
        (folder / "next").write_text(told)
        (folder / "next").rename(file)
    for route in routes:
        cluster_gateway.answer(api, route)


def configuration(
    ingresses: list[Object], services: list[Object], endpoints: list[Object], routes: Sequence[Object] = ()
) -> Object:
    """Traefik's, which leads to the pods themselves."""
    ports = {_key(item): item["spec"].get("ports") or [] for item in services}
    ready = {_key(item): item.get("subsets") or [] for item in endpoints}
    routers: Object = {}
    leads: Object = {}
    for item in ingresses:
        for rule in item["spec"].get("rules") or []:
            for path in (rule.get("http") or {}).get("paths") or []:
                target, place = path["backend"]["service"], item["metadata"]["namespace"]
                key, number = (place, target["name"]), target["port"]["number"]
                name = f"{place}-{target['name']}-{number}"
                port = next((each.get("name") for each in ports.get(key, []) if each["port"] == number), None)
                leads[name] = {"loadBalancer": {"servers": [{"url": url} for url in _urls(ready.get(key, []), port)]}}
                routers[f"{rule['host']}{path['path'].replace('/', '-')}"] = {
                    "rule": f"Host(`{rule['host']}`) && {_below(path['path'])}", "service": name,
                    "priority": 1 + len(path["path"]),
                }  # fmt: skip
    if routes:
        for (place, name), numbers in ports.items():
            for each in numbers:
                servers = [{"url": url} for url in _urls(ready.get((place, name), []), each.get("name"))]
                leads[f"{place}-{name}-{each['port']}"] = {"loadBalancer": {"servers": servers}}
        found = cluster_gateway.configuration(list(routes), leads)
        routers |= found["routers"]
        leads |= found["services"]
    return {"http": {"routers": routers, "services": leads}} if routers else {}


def _key(item: Object) -> tuple[str, str]:
    return item["metadata"]["namespace"], item["metadata"]["name"]


def _below(prefix: str) -> str:
    """As Ingresses mean it: /api is not the beginning of /apis."""
    whole = prefix.rstrip("/")
    return f"(Path(`{whole}`) || PathPrefix(`{whole}/`))" if whole else "PathPrefix(`/`)"


def _urls(subsets: list[Object], port: str | None) -> list[str]:
    return sorted(
        f"http://{address['ip']}:{each['port']}"
        for subset in subsets
        for each in subset.get("ports") or []
        if each.get("name") == port
        for address in subset.get("addresses") or []
    )
