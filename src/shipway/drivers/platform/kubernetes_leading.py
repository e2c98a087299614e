"""Where the requests of an environment in a cluster go: its Services, its Ingress or its routes, and its jobs on a schedule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Event
from time import monotonic
from typing import Any

from shipway.domain.errors import ClusterError
from shipway.drivers.platform.kubernetes import LEAVE
from shipway.drivers.platform.kubernetes_addresses import GATEWAY, NETWORK, ROUTE
from shipway.drivers.platform.kubernetes_api import KubernetesApi
from shipway.drivers.platform.kubernetes_routes import require_gateway_api, until_accepted
from shipway.drivers.platform.object_names import RELEASE

Object = dict[str, Any]
ENDPOINTS = 30.0  # seconds that a cluster has until requests go where a Service says
LOOK = 0.1  # seconds between looks


class Leading:
    """Leads the requests of one environment. labels: those of all of its objects. gateway: NAME or NAMESPACE/NAME."""

    def __init__(self, api: KubernetesApi, namespace: str, labels: Mapping[str, str], gateway: str | None) -> None:
        self._api, self._namespace, self._labels, self._gateway = api, namespace, labels, gateway

    def switch(self, objects: Sequence[Object], *, force: bool) -> None:
        """To the release that these objects are of. Each is tried first and then set; if one is refused, the others get back what they
        had."""
        require_gateway_api(self._gateway, self._api.features().routes)
        services = [item for item in objects if item["kind"] == "Service" and RELEASE in item["spec"]["selector"]]
        others = [item for item in objects if item["kind"] in ("Ingress", ROUTE, "CronJob")]
        changed = [*services, *others]
        before = [
            self._api.get(item["apiVersion"], item["kind"], self._namespace, item["metadata"]["name"])
            for item in changed
        ]
        for item in changed:
            self._api.apply(item, force=force, dry=True)
        done: list[tuple[Object, Object | None]] = []
        try:
            for item, was in zip(changed, before, strict=True):
                done.append((item, was))
                self._api.apply(item, force=force)
            self._led(services)
            self._accepted(others)
        except BaseException:
            for item, was in reversed(done):
                self._put_back(item, was)
            raise
        self._drop(changed)

    def share(self, services: Sequence[Object], routes: Sequence[Object], *, force: bool) -> None:
        """Lead some requests to a release by Services of its own. What fails in between is for the caller to switch back."""
        require_gateway_api(self._gateway, self._api.features().routes)
        for item in services:
            self._api.apply(item, force=force)
        self._led(services)
        for dry in (True, False):
            for item in routes:
                self._api.apply(item, force=force, dry=dry)
        self._accepted(routes)

    def _accepted(self, objects: Sequence[Object]) -> None:
        for item in objects:
            if item["kind"] == ROUTE:
                until_accepted(self._api, item, self._gateway or "")

    def _led(self, services: Sequence[Object]) -> None:
        """Wait until requests go to these pods."""
        deadline = monotonic() + ENDPOINTS
        for item in services:
            name = item["metadata"]["name"]
            while not self._leads(item):
                if monotonic() >= deadline:
                    raise ClusterError(
                        f"Service {name} was set, and leads to no pod of its release after {ENDPOINTS:g} s: the cluster's controllers don't follow",
                        hint=f"`kubectl -n {self._namespace} get endpoints {name}` shows where it leads",
                    )
                Event().wait(LOOK)

    def _leads(self, item: Object) -> bool:
        chosen = self._api.list("v1", "Pod", self._namespace, item["spec"]["selector"])
        pods = {pod["metadata"]["name"] for pod in chosen}
        found = self._api.get("v1", "Endpoints", self._namespace, item["metadata"]["name"]) or {}
        led = [
            (address.get("targetRef") or {}).get("name")
            for part in found.get("subsets") or []
            for address in part.get("addresses") or []
        ]
        return bool(led) and set(led) <= pods

    def _put_back(self, item: Object, was: Object | None) -> None:
        name = item["metadata"]["name"]
        if was is None:
            self._api.delete(item["apiVersion"], item["kind"], self._namespace, name)
            return
        spec = was["spec"]
        if item["kind"] == "Service":  # the rest of it is the cluster's
            own = ("port", "targetPort", "protocol", "appProtocol")
            ports = [{key: port[key] for key in own if key in port} for port in spec["ports"]]
            spec = {"selector": spec["selector"], "ports": ports}
        labels = was["metadata"].get("labels", {})
        self._api.apply({**item, "metadata": {**item["metadata"], "labels": labels}, "spec": spec}, force=True)

    def _drop(self, kept: Sequence[Object]) -> None:
        """Remove addresses and times that this release has no more."""
        there = {(item["kind"], item["metadata"]["name"]) for item in kept}
        listed = [("v1", "Service"), (NETWORK, "Ingress"), (self._api.features().cron, "CronJob")]
        found = [
            *self.routes(),
            *(item for kind in listed for item in self._api.list(*kind, self._namespace, self._labels)),
        ]
        if any(item["kind"] == "Service" and RELEASE in item["metadata"]["labels"] for item in found):
            Event().wait(LEAVE)  # a proxy may still send requests to a Service that no route names any more
        for item in found:
            kind, name = item["kind"], item["metadata"]["name"]
            ours = kind != "Service" or RELEASE in (item["spec"].get("selector") or {})
            if ours and (kind, name) not in there:
                self._api.delete(item["apiVersion"], kind, self._namespace, name)

    def routes(self) -> list[Object]:
        """Those at a Gateway. A context without the right to see them had never the right to make one."""
        try:
            return self._api.list(GATEWAY, ROUTE, self._namespace, self._labels) if self._api.features().routes else []
        except ClusterError as error:
            if self._gateway or not error.forbidden:
                raise
            return []
