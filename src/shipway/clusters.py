"""An environment in a cluster, as the machine of its one host."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from shipway.context import Machine
from shipway.domain.errors import UsageError
from shipway.domain.image import ImageInfo
from shipway.domain.platform import ClusterSettings, context_and_namespace
from shipway.drivers.platform import kubeconfig
from shipway.drivers.platform.kubernetes_api import KubernetesApi
from shipway.drivers.platform.kubernetes_cluster import KubernetesCluster
from shipway.drivers.platform.kubernetes_runtime import KubernetesRuntime
from shipway.drivers.platform.no_edge import NoEdge
from shipway.ports import Images


class Clusters:
    """The clusters that kubeconfig names. Each is asked by one API, kept by its context. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._apis: dict[str, KubernetesApi] = {}
        self._machines: dict[str, Machine] = {}

    def api(self, context: str) -> KubernetesApi:
        """Of a context; empty: the current one. ClusterError if kubeconfig has none."""
        with self._lock:
            if context not in self._apis:
                self._apis[context] = KubernetesApi(kubeconfig.find(context or None))
            return self._apis[context]

    def cluster(self, app: str, environment: str, settings: ClusterSettings) -> KubernetesCluster:
        """The part of a cluster that belongs to an environment."""
        return KubernetesCluster(
            self.api(settings.context), app, environment, settings.namespace_of(app, environment),
            ingress_class=settings.ingress_class or None, gateway=settings.gateway or None, storage=settings.storage,
        )  # fmt: skip

    def machine(self, host: str, local: Machine) -> Machine:
        """Of a host as `domain.platform.cluster_host` names it. local: builds the images, and reads their files."""
        context, namespace = context_and_namespace(host)
        with self._lock:
            if host not in self._machines:
                runtime: Any = KubernetesRuntime(lambda: self.api(context), namespace, local.runtime)
                images: Any = _Pulled(local.images)
                self._machines[host] = Machine(host, runtime, images, NoEdge(), _no_probe, _no_probe, executes=False)
            return self._machines[host]


class _Pulled:
    """The images of the local machine, without those that could be removed for the cluster, which removes its own."""

    def __init__(self, local: Images) -> None:
        self._local = local

    def __getattr__(self, name: str) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(self._local, name)
        return found

    def list(self) -> Sequence[ImageInfo]:
        return []

    def remove(self, name: str) -> bool:
        return False


def _no_probe(*args: object, **more: object) -> NoReturn:
    raise UsageError("pods of a cluster are probed by the cluster itself")
