"""An API server of Kubernetes in memory, over HTTP: apply, read, list and remove. Pods are ready at once, a Service leads to those that
it selects, and a Gateway's controller answers as a test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from shipway.drivers.platform import kubeconfig
from shipway.drivers.platform.kubernetes_api import KubernetesApi

Object = dict[str, Any]
GATEWAY_API = "gateway.networking.k8s.io"
ACCEPTED: tuple[Object, ...] = (
    {"type": "Accepted", "status": "True", "reason": "Accepted"},
    {"type": "ResolvedRefs", "status": "True", "reason": "ResolvedRefs"},
)


def accepts(route: Object) -> list[Object]:
    """What a controller writes about a route that it leads."""
    return says(route, *ACCEPTED)


def says(route: Object, *conditions: Object) -> list[Object]:
    """It says this of the present state of a route."""
    generation = route["metadata"]["generation"]
    own = [{"observedGeneration": generation, **item} for item in conditions]
    return [
        {"parentRef": dict(ref), "controllerName": "tests/c", "conditions": own} for ref in route["spec"]["parentRefs"]
    ]


class ApiServer:
    """controller: what is said of an HTTPRoute, by its parents. refused: the answer to a request, by method and the end of its path.
    asked: all requests that change something, in their order."""

    def __init__(self, *, gateway: bool = True) -> None:
        self.groups = {"policy": ["v1"], "batch": ["v1"], **({GATEWAY_API: ["v1"]} if gateway else {})}
        self.controller: Callable[[Object], list[Object]] = accepts
        self.refused: dict[tuple[str, str], tuple[int, str]] = {}
        self.asked: list[str] = []
        self._applied: dict[str, dict[str, Object]] = {}  # by path and field manager
        self._generations: dict[str, int] = {}
        self.lock = threading.RLock()

    def names(self, kind: str) -> list[str]:
        """Of all objects of a kind."""
        with self.lock:
            return sorted(item["metadata"]["name"] for item in self._all() if item["kind"] == kind)

    def object(self, kind: str, name: str) -> Object:
        """The one of that kind and name."""
        with self.lock:
            (found,) = [item for item in self._all() if (item["kind"], item["metadata"]["name"]) == (kind, name)]
            return found

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, Object]:
        """Of a request."""
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        for (verb, end), (status, message) in self.refused.items():
            if method == verb and parts.path.endswith(end):
                return status, {"message": message}
        with self.lock:
            if method == "PATCH":
                return self._apply(parts.path, query, json.loads(body))
            if method == "DELETE":
                self.asked.append(f"DELETE {parts.path.rpartition('/')[2]}")
                self._generations.pop(parts.path, None)
                return (200, {}) if self._applied.pop(parts.path, None) else self._missing(parts.path)
            return self._get(parts.path, query)

    def _apply(self, path: str, query: Mapping[str, str], item: Object) -> tuple[int, Object]:
        if query.get("dryRun"):
            return 200, item
        self.asked.append(f"PATCH {path.rpartition('/')[2]}")
        before = self._seen(path)
        self._applied.setdefault(path, {})[query["fieldManager"]] = item
        after = self._seen(path)
        changed = before is None or after is None or before.get("spec") != after.get("spec")
        self._generations[path] = self._generations.get(path, 0) + int(changed)
        return 200, self._seen(path) or {}

    def _get(self, path: str, query: Mapping[str, str]) -> tuple[int, Object]:
        known: dict[str, Object] = {
            "/version": {"major": "1", "minor": "30", "gitVersion": "v1.30.0"},
            "/apis": {"groups": [{"name": name, "versions": [{"version": of} for of in each]} for name, each in self.groups.items()]},
            "/apis/batch/v1": {"resources": [{"kind": "Job"}, {"kind": "CronJob"}]},
            f"/apis/{GATEWAY_API}/v1": {"resources": [{"kind": "HTTPRoute"}]},
        }  # fmt: skip
        if path in known:
            return 200, known[path]
        if (found := self._seen(path)) is not None:
            return 200, found
        folder, _, name = path.rpartition("/")
        if folder.endswith("/endpoints"):
            service = self._seen(f"{folder.removesuffix('/endpoints')}/services/{name}")
            pods = self._pods(service["spec"]["selector"]) if service else []
            addresses = [{"targetRef": {"name": pod["metadata"]["name"]}} for pod in pods]
            return 200, {"subsets": [{"addresses": addresses}] if addresses else []}
        if name == "pods":
            return 200, {"metadata": {}, "items": self._pods(_labels(query))}
        if "/" in path.partition("/namespaces/")[2].partition("/")[2] or folder.endswith("/namespaces"):
            return self._missing(path)
        listed = [
            item for at in self._applied if at.rpartition("/")[0] == path and (item := self._seen(at)) is not None
        ]
        chosen = _labels(query).items()
        return 200, {"metadata": {}, "items": [item for item in listed if chosen <= item["metadata"]["labels"].items()]}

    def _all(self) -> Iterator[Object]:
        for path in self._applied:
            if (found := self._seen(path)) is not None:
                yield found

    def _seen(self, path: str) -> Object | None:
        parts = self._applied.get(path)
        if not parts:
            return None
        found: Object = {}
        for item in parts.values():
            found = _merged(found, item)
        found["metadata"]["generation"] = generation = self._generations.get(path, 1)
        if found["kind"] == "Deployment":
            count = found["spec"].get("replicas", 1)
            ready = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
            found["status"] = {"observedGeneration": generation, **dict.fromkeys(ready, count)}
        if found["kind"] == "HTTPRoute":
            found["status"] = {"parents": self.controller(found)}
        return found

    def _pods(self, chosen: Mapping[str, str]) -> list[Object]:
        templates = [
            (item["metadata"]["name"], item["spec"]["template"]["metadata"]["labels"])
            for item in self._all()
            if item["kind"] == "Deployment" and item["spec"].get("replicas", 1)
        ]
        found = [(name, labels) for name, labels in templates if chosen.items() <= labels.items()]
        return [{"metadata": {"name": f"{name}-1", "labels": labels}} for name, labels in found]

    @staticmethod
    def _missing(path: str) -> tuple[int, Object]:
        return 404, {"message": f"{path} not found"}


def _labels(query: Mapping[str, str]) -> dict[str, str]:
    pairs = (item.partition("=") for item in query.get("labelSelector", "").split(",") if item)
    return {name: value for name, _, value in pairs}


def _merged(one: Object, other: Object) -> Object:
    both = dict(one)
    for key, value in other.items():
        both[key] = _merged(both[key], value) if isinstance(value, dict) and isinstance(both.get(key), dict) else value
    return both


@contextmanager
def serving(server: ApiServer, folder: Path) -> Iterator[KubernetesApi]:
    """Its client. folder: for a kubeconfig."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            """Not needed."""

        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, found = server.answer(self.command, self.path, body)
            data = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PATCH = do_DELETE = _reply

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    config = {
        "current-context": "tests", "contexts": [{"name": "tests", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{listening.server_address[1]}"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }  # fmt: skip
    (folder / "kubeconfig").write_text(json.dumps(config))
    try:
        yield KubernetesApi(kubeconfig.find(None, {"KUBECONFIG": str(folder / "kubeconfig")}))
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()
