"""The rights that Shipway needs in the namespace of an environment, and no others. Who grants them also makes the namespace, so that
Shipway needs no right outside of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shipway.drivers.platform.kubernetes_addresses import GROUP
from shipway.drivers.platform.object_names import MANAGER

KEPT = ("list", "create", "patch", "delete")  # what a release brings: applied, found by its labels, and removed
LED = ("get", *KEPT)  # what a switch changes, and restores if another part of it is refused
RBAC = "rbac.authorization.k8s.io"
# By group of the API and its resources.
RIGHTS: Mapping[tuple[str, tuple[str, ...]], tuple[str, ...]] = {
    ("", ("namespaces",)): ("get",),
    ("", ("configmaps", "persistentvolumeclaims", "secrets")): KEPT,
    ("apps", ("deployments", "statefulsets")): KEPT,
    ("networking.k8s.io", ("networkpolicies",)): KEPT,
    ("policy", ("poddisruptionbudgets",)): KEPT,
    ("", ("services",)): LED,
    ("networking.k8s.io", ("ingresses",)): LED,
    ("batch", ("cronjobs",)): LED,
    ("batch", ("jobs",)): ("get", "list", "create", "delete"),  # never changed
    ("", ("endpoints",)): ("get",),  # where requests go after a switch
    ("", ("events", "pods")): ("list",),  # why something doesn't start
    ("", ("pods/log",)): ("get",),
}
# With a Gateway in place of an Ingress.
AT_GATEWAY: Mapping[tuple[str, tuple[str, ...]], tuple[str, ...]] = {(GROUP, ("httproutes",)): LED}
Object = dict[str, Any]


def rights_in(namespace: Object, *, gateway: bool = False) -> list[Object]:
    """The namespace, and a ServiceAccount `shipway` in it with a Role that has these rights."""
    own = namespace["metadata"]["name"]

    def item(version: str, kind: str, **more: Any) -> Object:
        return {"apiVersion": version, "kind": kind, "metadata": {"name": MANAGER, "namespace": own}, **more}

    rules = [
        {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}
        for (group, resources), verbs in {**RIGHTS, **(AT_GATEWAY if gateway else {})}.items()
    ]
    return [
        namespace,
        item("v1", "ServiceAccount"),
        item(f"{RBAC}/v1", "Role", rules=rules),
        item(
            f"{RBAC}/v1", "RoleBinding", roleRef={"apiGroup": RBAC, "kind": "Role", "name": MANAGER},
            subjects=[{"kind": "ServiceAccount", "name": MANAGER, "namespace": own}],
        ),
    ]  # fmt: skip
