"""What an object of a cluster says of itself: whether it is ready or stuck, and what its pods need."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from time import time
from typing import Any

Object = dict[str, Any]
FRESH = 60.0  # seconds that a command has from its Secret to its Job


def is_of_new_command(item: Object) -> bool:
    """Whether a command may be about to start that needs it, such as that of a proof beside this deployment."""
    own = item["metadata"]
    if own["labels"].get("app.kubernetes.io/component") != "command" or "creationTimestamp" not in own:
        return False
    return time() - datetime.fromisoformat(str(own["creationTimestamp"])).timestamp() < FRESH


def is_ready(item: Object) -> bool:
    """Whether all pods of a Deployment or a StatefulSet are ready, as of now and not of an older state."""
    spec, status = item["spec"], item.get("status", {})
    if status.get("observedGeneration", 0) < item["metadata"]["generation"]:
        return False
    wanted = spec["replicas"]
    if item["kind"] == "StatefulSet":
        return bool(
            status.get("readyReplicas", 0) >= wanted and status.get("currentRevision") == status.get("updateRevision")
        )
    counts = [status.get(name, 0) for name in ("updatedReplicas", "readyReplicas", "availableReplicas")]
    return bool(min(counts) >= wanted) and status.get("replicas", 0) == wanted


def is_stuck(item: Object) -> bool:
    """Whether a StatefulSet has begun to replace its pod, and the new one isn't ready: then it doesn't even go back."""
    status = item.get("status", {})
    begun = status.get("currentRevision") != status.get("updateRevision")
    return bool(begun and status.get("readyReplicas", 0) < item["spec"]["replicas"])


def needed_by(item: Object) -> Iterator[str]:
    """Names of Secrets and ConfigMaps that its pods need."""
    spec = item["spec"].get("jobTemplate", item)["spec"] if item.get("kind") == "CronJob" else item["spec"]
    pod = spec["template"]["spec"]
    for container in pod["containers"]:
        for variable in container.get("env") or []:
            if ref := (variable.get("valueFrom") or {}).get("secretKeyRef"):
                yield ref["name"]
    for volume in pod.get("volumes") or []:
        if "secret" in volume:
            yield volume["secret"]["secretName"]
        if "configMap" in volume:
            yield volume["configMap"]["name"]
