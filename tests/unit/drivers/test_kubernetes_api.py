"""Credentials of a cluster, its refusals in the words of their cause, and why something doesn't run."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from shipway.domain.errors import ClusterError
from shipway.drivers.platform import kubeconfig
from shipway.drivers.platform import kubernetes_causes as causes
from shipway.drivers.platform.features import Features
from shipway.drivers.platform.kubernetes import Kubernetes
from shipway.drivers.platform.kubernetes_api import KubernetesApi, refusal
from tests.unit.drivers.test_kubernetes import FULL, spec_of

CONFIG: dict[str, Any] = {
    "current-context": "one",
    "contexts": [
        {"name": "one", "context": {"cluster": "c", "user": "u", "namespace": "shop"}},
        {"name": "two", "context": {"cluster": "c", "user": "other"}},
    ],
    "clusters": [{"name": "c", "cluster": {"server": "https://cluster.example/k8s"}}],
    "users": [{"name": "u", "user": {"token": "of-u"}}],
}


def written(path: Path, data: object) -> dict[str, str]:
    path.write_text(json.dumps(data))
    return {"KUBECONFIG": str(path)}


def with_user(tmp_path: Path, **user: object) -> kubeconfig.Access:
    return kubeconfig.find(None, written(tmp_path / "config", {**CONFIG, "users": [{"name": "u", "user": user}]}))


def plugin(tmp_path: Path, text: str, **more: object) -> kubeconfig.Access:
    program = tmp_path / "plugin"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return with_user(tmp_path, exec={"apiVersion": "client.authentication.k8s.io/v1", "command": str(program), **more})


def test_the_current_context_or_the_one_that_is_asked_for(tmp_path: Path) -> None:
    environ = written(tmp_path / "config", CONFIG)
    one, two = kubeconfig.find(None, environ), kubeconfig.find("two", environ)
    assert (one.host, one.port, one.path, one.namespace) == ("cluster.example", 443, "/k8s", "shop")
    assert one.credentials()[0] == {"Authorization": "Bearer of-u"}
    assert (two.namespace, two.credentials()[0]) == ("default", {})


def test_several_files_are_one_and_the_first_wins(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    users = {"users": [{"name": "other", "user": {"tokenFile": "token"}}], "current-context": "two"}
    first = written(tmp_path / "folder" / "users", users)["KUBECONFIG"]
    (tmp_path / "folder" / "token").write_text("from-the-file\n")
    second = written(tmp_path / "config", CONFIG)["KUBECONFIG"]
    found = kubeconfig.find(None, {"KUBECONFIG": f"{first}:{second}:{tmp_path / 'none'}"})
    assert found.context == "two"
    assert found.credentials()[0] == {"Authorization": "Bearer from-the-file"}


def test_a_plugin_signs_in(tmp_path: Path) -> None:
    text = """case $KUBERNETES_EXEC_INFO in *cluster.example*) ;; *) exit 1 ;; esac
echo '{"status": {"token": "'$PREFIX-$1'"}}'"""
    found = plugin(tmp_path, text, args=["mine"], env=[{"name": "PREFIX", "value": "p"}], provideClusterInfo=True)
    assert found.credentials()[0] == {"Authorization": "Bearer p-mine"}


@pytest.mark.parametrize(
    ("text", "said"), [("echo sign in first >&2; exit 3", "sign in first"), ("echo no JSON", "exit code 0")]
)
def test_a_plugin_that_fails(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ClusterError, match=said):
        plugin(tmp_path, text).credentials()


def test_other_credentials(tmp_path: Path) -> None:
    basic = base64.b64encode(b"ada:secret").decode()
    assert with_user(tmp_path, username="ada", password="secret").credentials()[0] == {
        "Authorization": f"Basic {basic}"
    }
    with pytest.raises(ClusterError, match="auth-provider"):
        with_user(tmp_path, **{"auth-provider": {"name": "gcp"}}).credentials()
    with pytest.raises(ClusterError, match="certificates can't be read"):
        with_user(tmp_path, **{"client-certificate-data": "bm9uZQ==", "client-key-data": "bm9uZQ=="}).credentials()


def test_no_cluster_is_known(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="no cluster is known"):
        kubeconfig.find(None, {"KUBECONFIG": str(tmp_path / "none")})
    with pytest.raises(ClusterError, match="no context three") as caught:
        kubeconfig.find("three", written(tmp_path / "config", CONFIG))
    assert caught.value.hint == "it has: one, two"


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    data = {**CONFIG, "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}]}
    api = KubernetesApi(kubeconfig.find(None, written(tmp_path / "config", data)))
    with pytest.raises(ClusterError, match=r"127.0.0.1:9 \(context one\) doesn't answer: Connection refused"):
        api.get("v1", "Pod", "shop", "web")


CONFLICT = {
    "reason": "Conflict", "message": "Apply failed",
    "details": {"causes": [{"reason": "FieldManagerConflict", "message": 'conflict with "kubectl"', "field": ".spec.replicas"}]},
}  # fmt: skip


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (409, CONFLICT, r'Service web has fields .*: .spec.replicas \(conflict with "kubectl"\)'),
        (403, {"message": 'pods "x" is forbidden: exceeded quota: small'}, "Service web: the namespace's quota has no room"),
        (403, {"message": 'User "ada" cannot patch'}, "Service web: context one may not do this"),
        (403, {"message": 'deployments.apps "w" is forbidden: '}, 'may not do this: .* it cannot create resource "deployments"'),
        (403, {"message": 'admission webhook "policy" denied the request: no root'}, "rules refuse it: .*no root"),
        (500, {"message": 'failed calling webhook "w": context deadline exceeded'}, "a webhook of the cluster.*doesn't answer"),
        (401, {"message": "Unauthorized"}, "doesn't accept the credentials of context one"),
        (422, {"message": "spec.x is wrong"}, "Service web: the cluster refuses: spec.x is wrong"),
        (502, "a proxy's page", "the cluster refuses: a proxy's page"),
    ],
)  # fmt: skip
def test_refusals_in_the_words_of_their_cause(status: int, body: object, said: str) -> None:
    raw = json.dumps(body).encode() if isinstance(body, dict) else str(body).encode()
    with pytest.raises(ClusterError, match=said) as caught:
        raise refusal(status, raw, "Service web", "one")
    assert caught.value.conflict == (status == 409)
    assert caught.value.forbidden == ("may not do this" in said)
    assert ("`shipway render ENVIRONMENT --rbac`" in caught.value.hint) == caught.value.forbidden


def pod(state: dict[str, Any], **more: Any) -> dict[str, Any]:
    container = {"name": "web", "image": "shop/web:1", "state": state, **more}
    return {"metadata": {"name": "web-r1-x"}, "status": {"phase": "Pending", "containerStatuses": [container]}}


@pytest.mark.parametrize(
    ("found", "said", "final"),
    [
        (pod({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}), "shop/web:1 can't be pulled", True),
        (pod({"waiting": {"reason": "ErrImagePull", "message": "timeout"}}), "was not pulled yet: timeout", False),
        (pod({"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "a" not found'}}), 'secret "a" not found', True),
        (
            pod({"running": {}}, restartCount=2, started=False),
            "it was started 3 times, and its health check never succeeded; its last lines:\n  the log of before", True,
        ),
        (
            pod({"waiting": {"reason": "CrashLoopBackOff"}}, lastState={"terminated": {"exitCode": 3}}),
            "ends with code 3, again and again (CrashLoopBackOff); its last lines:\n  the log of before", True,
        ),
        (pod({"terminated": {"reason": "OOMKilled", "exitCode": 137}}), "more memory than its limit (OOMKilled)", False),
        (pod({"running": {}}, ready=False), "its health check doesn't succeed; its last lines:\n  the log of now", False),
    ],
)  # fmt: skip
def test_why_a_pod_is_not_ready(found: dict[str, Any], said: str, final: bool) -> None:
    cause = causes.of_pod(
        found, lambda pod, container, previous: "the log of before\n" if previous else "the log of now\n"
    )
    assert cause is not None
    assert said in cause.text
    assert cause.final == final


@pytest.mark.parametrize(
    ("state", "more", "probed", "said"),
    [
        ({"running": {}}, {"ready": False}, "Startup probe failed: HTTP probe failed with statuscode: 503", "doesn't succeed: GET /healthz: 503"),
        ({"running": {}}, {"restartCount": 2, "started": False}, "Readiness probe failed: no queue\n", "never succeeded: no queue"),
        (
            {"waiting": {"reason": "CrashLoopBackOff"}}, {"lastState": {"terminated": {"exitCode": 0}}},
            "Startup probe failed: HTTP probe failed with statuscode: 503",
            "ends with code 0, again and again (CrashLoopBackOff); a failed health check saw GET /healthz: 503",
        ),
        (
            {"waiting": {"reason": "CrashLoopBackOff"}}, {"lastState": {"terminated": {"exitCode": 3}}},
            "Startup probe failed: connection refused", "ends with code 3, again and again (CrashLoopBackOff); its last lines",
        ),
    ],
)  # fmt: skip
def test_what_the_last_health_check_saw(state: dict[str, Any], more: dict[str, Any], probed: str, said: str) -> None:
    probe = {"httpGet": {"path": "/healthz", "port": 80}}
    found = pod(state, **more) | {"spec": {"containers": [{"name": "web", "startupProbe": probe}]}}
    cause = causes.of_pod(found, lambda *names: "a line\n", lambda name: probed)
    assert cause is not None
    assert said in cause.text


def test_a_ready_pod_has_no_cause() -> None:
    assert causes.of_pod(pod({"running": {}}, ready=True), lambda *names: "") is None
    assert causes.of_pod(pod({"waiting": {"reason": "ContainerCreating"}}), lambda *names: "") is None


def test_pods_that_no_rule_permits() -> None:
    def deployment(message: str) -> dict[str, Any]:
        condition = {"type": "ReplicaFailure", "status": "True", "message": message}
        return {"metadata": {"name": "web-r1"}, "status": {"conditions": [condition]}}

    quota = causes.of_controller(deployment("exceeded quota: pods"))
    hook = causes.of_controller(deployment("failed calling webhook w"))
    assert quota is not None
    assert quota.final
    assert "quota has no room" in quota.text
    assert hook is not None
    assert not hook.final
    assert causes.of_controller({"metadata": {"name": "web-r1"}}) is None


def test_an_older_server_gets_what_it_has() -> None:
    groups = {"policy": ["v1beta1"], "batch": ["v1", "v1beta1"]}
    old = Features.of({"major": "1", "minor": "20+", "gitVersion": "v1.20.2"}, groups, ["Job"])
    assert (old.budget, old.cron) == ("policy/v1beta1", "batch/v1beta1")
    assert {old.zone, old.sleep, old.routes} == {False}
    new = Features.of({"major": "1", "minor": "31"}, {"policy": ["v1"]}, ["Job", "CronJob"], ["HTTPRoute"])
    assert new == Features()
    renderer = Kubernetes("shop", has=old)
    objects = {(item["kind"], item["metadata"]["name"]): item for item in renderer.objects(spec_of(FULL))}
    assert {item["apiVersion"] for (kind, _), item in objects.items() if kind == "CronJob"} == {"batch/v1beta1"}
    assert not any("timeZone" in item["spec"] for (kind, _), item in objects.items() if kind == "CronJob")
    backend = objects["Deployment", "backend-r3"]["spec"]["template"]["spec"]["containers"][0]
    assert backend["lifecycle"]["preStop"] == {"exec": {"command": ["sleep", "5"]}}
    said = "\n".join(renderer.unsaid(spec_of(FULL)))
    assert "v1.20.2 has no `preStop` of kind sleep" in said
    assert "times in Europe/Berlin" in said
    assert "preStop" not in "\n".join(Kubernetes("shop").unsaid(spec_of(FULL)))
