"""What runs the containers of an environment: its hosts one by one, or a platform that places them itself."""

from __future__ import annotations

from shipway.domain.value import dataclass

SWARM = "swarm"
KUBERNETES = "kubernetes"
NAMESPACE = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"  # the pattern of its name
GATEWAY = rf"({NAMESPACE}/)?[a-z0-9]([a-z0-9.-]{{0,251}}[a-z0-9])?"  # likewise, with its namespace or without
STORAGE = "10Gi"  # of a volume whose size the plan doesn't say
_HOST = "kubernetes:"


@dataclass(frozen=True)
class ClusterSettings:
    """Where in a cluster an environment is, and what its objects get there. Empty: the default."""

    context: str = ""  # of the file that names clusters and their credentials; the current one
    namespace: str = ""  # APP-ENVIRONMENT
    ingress_class: str = ""  # the cluster's
    storage: str = STORAGE  # of each volume
    gateway: str = ""  # NAME or NAMESPACE/NAME of one that leads requests in place of an ingress

    def namespace_of(self, app: str, environment: str) -> str:
        """The namespace of an environment."""
        return self.namespace or f"{app}-{environment}"

    @property
    def text(self) -> str:
        """What differs from the defaults, for the rules in force; empty if nothing does."""
        given = {"context": self.context, "namespace": self.namespace, "ingress-class": self.ingress_class}
        given |= {"gateway": self.gateway}
        given |= {"storage": self.storage if self.storage != STORAGE else ""}
        return ", ".join(f"{name} {value}" for name, value in given.items() if value)


def cluster_host(app: str, environment: str, settings: ClusterSettings) -> str:
    """The name of the one host of an environment in a cluster: its namespace there."""
    return f"{_HOST}{settings.context}/{settings.namespace_of(app, environment)}"


def in_cluster(host: str) -> bool:
    """Whether a host is a namespace of a cluster, which has no engine that containers could be started on one by one."""
    return host.startswith(_HOST)


def context_and_namespace(host: str) -> tuple[str, str]:
    """What `cluster_host` has put together; the context is empty for the current one."""
    context, _, namespace = host.removeprefix(_HOST).rpartition("/")
    return context, namespace
