"""Deployments and rollbacks in a cluster of Kubernetes, beside `kubectl rollout` of a Deployment of the same size there. The cluster
is the one of KUBECONFIG: tests/kubernetes.sh run 'caddy:2' python bench/run.py on_kubernetes"""

from __future__ import annotations

import os
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

from bench.measure import Row
from bench.on_swarm import ANSWER, REPLICAS, compared, deployed, made_in
from tests import kubernetes
from tests.kubernetes import TestCluster, kubectl

PEER = "deployment/peer"


def rows() -> list[Row]:
    """Ours, the peer's, and the ratios; none without a cluster."""
    if "KUBECONFIG" not in os.environ:
        print("on_kubernetes is omitted: KUBECONFIG names no cluster", file=sys.stderr)
        return []
    cluster = kubernetes.cluster()
    with tempfile.TemporaryDirectory() as folder:
        return _measured(cluster, Path(folder), f"bench-{uuid.uuid4().hex[:8]}")


def _measured(cluster: TestCluster, folder: Path, namespace: str) -> list[Row]:
    project = made_in(folder)
    project.plan["registry"] = {"address": f"{cluster.registry}/{project.app}"}
    project.plan["services"]["web"]["replicas"] = REPLICAS
    project.plan["environments"]["staging"] |= {
        "url": "http://bench.example", "platform": {"kubernetes": {"namespace": namespace}}, "standby": "10m",
    }  # fmt: skip
    numbers = iter(range(2, 1000))

    def update() -> None:
        kubectl("set", "env", "-n", namespace, PEER, f"NUMBER={next(numbers)}")
        _rolled_out(namespace)

    def undo() -> None:
        kubectl("rollout", "undo", "-n", namespace, PEER)
        _rolled_out(namespace)

    try:
        deployed(project)
        kubectl("apply", "-n", namespace, "-f", "-", given=_peer(cluster.image))
        _rolled_out(namespace)
        return compared(
            "Kubernetes", "kubectl set env + rollout status", "kubectl rollout undo + status", project, update, undo
        )
    finally:
        kubectl("delete", "namespace", namespace, "--wait=false", "--ignore-not-found")


def _rolled_out(namespace: str) -> None:
    kubectl("rollout", "status", "-n", namespace, PEER)


def _peer(image: str) -> dict[str, Any]:
    probe = {"httpGet": {"path": "/", "port": 8000}, "periodSeconds": 1}
    container = {"name": "web", "image": image, "command": ["sh", "-c", f"exec {ANSWER} one"], "readinessProbe": probe}
    labels = {"app": "peer"}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "peer"},
        "spec": {
            "replicas": REPLICAS, "selector": {"matchLabels": labels},
            "strategy": {"rollingUpdate": {"maxSurge": "100%", "maxUnavailable": 0}},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }  # fmt: skip
