"""What an engine does for an environment, in its namespace of a cluster: commands that run to their end, as Jobs; and a look at what
the cluster runs. Whatever else is asked for is refused: nothing of the environment may start elsewhere instead."""

from __future__ import annotations

import base64
import builtins
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from queue import Queue
from threading import Event, Lock
from typing import Any, NoReturn

from shipway.domain.container import (
    LABEL_APP,
    LABEL_ENVIRONMENT,
    LABEL_LEDGER,
    LABEL_NAME,
    LABEL_RELEASE,
    LABEL_ROLE,
    LABEL_STANDBY,
    ContainerInfo,
    ContainerSpec,
    EngineObject,
    Usage,
)
from shipway.domain.engine_commands import EngineCommands
from shipway.domain.errors import ClusterError, EngineError, UsageError
from shipway.domain.log import LogLine
from shipway.drivers.platform.kubernetes_api import KubernetesApi
from shipway.drivers.platform.kubernetes_jobs import BATCH, Job
from shipway.drivers.platform.object_names import LEDGER, MANAGER, RELEASE, STANDBY, label, labels_in, named
from shipway.ports import Runtime

Object = dict[str, Any]
LABELS = "shipway.io/labels"  # annotation of a Job: the labels of its container, whose values may be any text
APPS = "apps/v1"
NAME = "app.kubernetes.io/name"
LONGEST = 86400  # seconds that a Job runs if its process died, as the containers of migration tools do
END = object()


@contextmanager
def _as_engine_error() -> Iterator[None]:
    try:
        yield
    except ClusterError as error:
        raise EngineError(error.message, hint=error.hint) from error


class _Started:
    """A Job with the lines that it has told."""

    def __init__(self, api: KubernetesApi, namespace: str, name: str) -> None:
        self.lines: Queue[Any] = Queue()
        self.job = Job(api, namespace, name, self.lines.put, Event())

    def end(self) -> None:
        self.job.log.close()
        self.lines.put(END)


class KubernetesRuntime:
    """Implements the part of ports.Runtime that an environment in a cluster needs. local: of the machine that builds the images,
    whose files are read there."""

    def __init__(self, api: Callable[[], KubernetesApi], namespace: str, local: Runtime) -> None:
        self._connect, self._namespace, self._local = api, namespace, local
        self._specs: dict[str, ContainerSpec] = {}
        self._read: set[str] = set()  # created on the local engine, to read files of their images
        self._started: dict[str, _Started] = {}
        self._lock = Lock()

    @property
    def _api(self) -> KubernetesApi:
        return self._connect()

    @property
    def commands(self) -> EngineCommands:
        """Those of the local engine."""
        return self._local.commands

    def ping(self) -> str:
        """The version of the API server."""
        with _as_engine_error():
            return self._api.features().version

    # what is there

    def list(self, labels: Mapping[str, str]) -> builtins.list[ContainerInfo]:
        """Jobs, and pods of services and accessories, each as a container."""
        role = labels.get(LABEL_ROLE)
        with _as_engine_error():
            found = [*self._jobs()] if role in (None, "", "job", "session") else []
            if role not in ("job", "session", "step", "schedule"):
                found += self._pods(labels)
        return [item for item in found if all(_has(item.labels, *wanted) for wanted in labels.items())]

    def objects(self, labels: Mapping[str, str]) -> builtins.list[EngineObject]:
        """What `list` finds."""
        found = self.list(labels)
        return [EngineObject("container", item.id, item.name, item.labels, item.created) for item in found]

    def find(self, container: str) -> ContainerInfo | None:
        """A Job, or a pod."""
        return next((item for item in self.list({}) if container in (item.name, item.id)), None)

    def _jobs(self) -> Iterator[ContainerInfo]:
        for item in self._api.list(BATCH, "Job", self._namespace, {"app.kubernetes.io/managed-by": MANAGER}):
            own, status = item["metadata"], item.get("status", {})
            labels = json.loads((own.get("annotations") or {}).get(LABELS, "{}"))
            state = "running" if status.get("active") else "exited"
            yield ContainerInfo(own["name"], own["name"], labels, state, "", {}, _seconds(own))

    def _pods(self, asked: Mapping[str, str]) -> Iterator[ContainerInfo]:
        app, environment = asked.get(LABEL_APP, ""), asked.get(LABEL_ENVIRONMENT, "")
        chosen = labels_in(app, environment) if app and environment else {"app.kubernetes.io/managed-by": MANAGER}
        pods = self._api.list("v1", "Pod", self._namespace, chosen)
        numbers: dict[tuple[str, str], int] = {}
        for item in sorted(pods, key=lambda item: str(item["metadata"]["name"])):
            own = item["metadata"]["labels"]
            if "deletionTimestamp" in item["metadata"] or own.get("app.kubernetes.io/component") == "command":
                continue
            service, release = own.get(NAME, ""), own.get(RELEASE, "")
            number = numbers[service, release] = numbers.get((service, release), 0) + 1
            labels = {
                LABEL_APP: app, LABEL_ENVIRONMENT: environment, LABEL_NAME: service,
                LABEL_ROLE: "service" if release else "accessory", **({LABEL_RELEASE: release} if release else {}),
                **({LABEL_LEDGER: own[LEDGER]} if LEDGER in own else {}),
                **({LABEL_STANDBY: own[STANDBY]} if STANDBY in own else {}),
            }  # fmt: skip
            yield _pod(item, labels, f"_{number}" if release else "")

    # commands that run to their end

    def create(self, spec: ContainerSpec) -> str:
        """Nothing runs, and nothing is in the cluster, before it is started."""
        if spec.network_of or spec.attached or spec.labels.get(LABEL_ROLE) in ("service", "accessory"):
            self._refuse("start a container of this kind")
        with self._lock:
            self._specs[spec.name] = spec
        return spec.name

    def start(self, container: str) -> None:
        """As a Job, with a Secret of its name that has its variables and files."""
        spec = self._specs[container]
        name = named(container.replace("_", "-"))
        secret, job = _objects(spec, name, self._namespace)
        started = _Started(self._api, self._namespace, name)
        with _as_engine_error():
            self._api.apply(secret)
            self._api.create(job)
        with self._lock:
            self._started[container] = started

    def wait(self, container: str, timeout: float) -> int:
        """Its exit code. EngineError with the cause if it can't start."""
        started = self._started[container]
        try:
            with _as_engine_error():
                code = started.job.wait(timeout)
        except TimeoutError:
            raise
        except BaseException:
            started.end()
            raise
        started.end()
        return code

    def logs(self, container: str, *, follow: bool = False, tail: int | None = None) -> Iterator[str]:
        """Of a Job that this process started, or of a pod."""
        with self._lock:
            started = self._started.get(container)
        if started is None:
            for lines in self.log(container, follow=follow, tail=tail):
                yield from (line for _, line in lines)
            return
        while (line := started.lines.get()) is not END:
            yield str(line)

    def log(
        self, container: str, *, since: str | None = None, follow: bool = False, tail: int | None = None
    ) -> Iterator[builtins.list[LogLine]]:
        """Of a pod. follow: until its container ends."""
        pod = re.sub(r"_\d+$", "", container)
        with _as_engine_error():
            api = self._api
            found = api.list("v1", "Pod", self._namespace, None, fieldSelector=f"metadata.name={pod}")
            for item in found:
                name = item["spec"]["containers"][0]["name"]
                for line in api.follow(
                    self._namespace, pod, name, _whole(since), lambda it: None, forever=follow, tail=tail
                ):
                    at, _, text = line.partition(" ")
                    at = _stamp(at)
                    if since is None or at > since:
                        yield [(at, text)]

    def stop(self, container: str, grace: float) -> None:
        """Its Job is removed, which ends its pod."""
        with _as_engine_error():
            self._api.delete(BATCH, "Job", self._namespace, named(container.replace("_", "-")))

    def remove(self, container: str, *, volumes: bool = True) -> None:
        """With its Secret."""
        with self._lock:
            started, read = self._started.pop(container, None), container in self._read
            self._specs.pop(container, None)
            self._read.discard(container)
        if read:
            self._local.remove(container)
            return
        if started is not None:
            started.end()
        name = named(container.replace("_", "-"))
        with _as_engine_error():
            self._api.delete(BATCH, "Job", self._namespace, name)
            self._api.delete("v1", "Secret", self._namespace, name)

    def get(self, container: str, path: str) -> Iterator[bytes]:
        """Files of its image, read on the local engine."""
        spec = self._specs.get(container)
        if spec is None or container in self._started:
            self._refuse("copy files out of a container")
        if container not in self._read:
            with self._lock:
                self._read.add(container)
            self._local.create(spec)
        return self._local.get(container, path)

    # what a cluster has no answer to

    def variables(self, container: str) -> Mapping[str, str]:
        """Unknown: they are in Secrets."""
        return {}

    def connections(self, container: str, port: int) -> int | None:
        """Unknown."""
        return None

    def has_volume(self, name: str) -> bool:
        """None has such a name."""
        return False

    def free_space(self) -> int | None:
        """Unknown."""
        return None

    def processors(self) -> int:
        """The cluster distributes what runs there."""
        return 2

    def memory(self) -> tuple[int, int] | None:
        """Unknown."""
        return None

    def usage_of(self, container: str) -> Usage | None:
        """Unknown."""
        return None

    def ensure_network(self, name: str, labels: Mapping[str, str], **more: bool) -> None:
        """Pods of a namespace reach each other."""

    def remove_network(self, name: str) -> None:
        """There is none."""

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        """All else that an engine does."""
        if name.startswith("_"):
            raise AttributeError(name)
        what = name.replace("_", " ")
        return lambda *args, **more: self._refuse(f"do this ({what})")

    def _refuse(self, what: str) -> NoReturn:
        raise UsageError(
            f"Shipway can't {what} in a cluster: the environment is in the namespace {self._namespace}",
            hint=f"`kubectl -n {self._namespace}` reaches what runs there; docs/kubernetes.md lists what Shipway does there",
        )


def _has(labels: Mapping[str, str], name: str, value: str) -> bool:
    return name in labels and value in ("", labels[name])


def _seconds(metadata: Object) -> float:
    with suppress(KeyError, ValueError):
        return datetime.fromisoformat(str(metadata["creationTimestamp"])).timestamp()
    return 0.0


def _pod(item: Object, labels: Mapping[str, str], suffix: str) -> ContainerInfo:
    name, status = item["metadata"]["name"], item.get("status", {})
    containers = status.get("containerStatuses") or [{}]
    state = containers[0].get("state", {})
    shown = {"Running": "running", "Pending": "created"}.get(status.get("phase", ""), "exited")
    if (state.get("waiting") or {}).get("reason") == "CrashLoopBackOff":
        shown = "restarting"
    return ContainerInfo(
        name, f"{name}{suffix}", labels, shown, str(containers[0].get("image", "")),
        {"pod": status.get("podIP", "")} if status.get("podIP") else {}, _seconds(item["metadata"]),
        restarts=int(containers[0].get("restartCount", 0)), started=_seconds({"creationTimestamp": status.get("startTime")}),
    )  # fmt: skip


def _stamp(at: str) -> str:
    """As times of lines are written: with nine digits."""
    whole, _, rest = at.rstrip("Z").partition(".")
    return f"{whole}.{rest:0<9}Z"


def _whole(since: str | None) -> str:
    """A time that the API takes, of the second in which it is."""
    return f"{since.partition('.')[0]}Z" if since else ""


def _objects(spec: ContainerSpec, name: str, namespace: str) -> tuple[Object, Object]:
    """The Secret and the Job of a container."""
    own = {
        **labels_in(spec.labels.get(LABEL_APP, ""), spec.labels.get(LABEL_ENVIRONMENT, "")),
        "app.kubernetes.io/component": "command",
        **({LEDGER: label(spec.labels[LABEL_LEDGER])} if LABEL_LEDGER in spec.labels else {}),
    }
    files: dict[str, bytes] = {**spec.files, **{path: text.encode() for path, text in spec.setup.items()}}
    files |= {path: item.data for path, item in spec.configs.items()}
    keys = {path: f"file-{number}" for number, path in enumerate(files)}
    values = {f"variable-{key}": value.encode() for key, value in spec.env.items()}
    values |= {keys[path]: data for path, data in files.items()}
    secret = {
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": name, "namespace": namespace, "labels": own},
        "data": {key: base64.b64encode(value).decode() for key, value in values.items()},
    }  # fmt: skip
    job = {
        "apiVersion": BATCH, "kind": "Job",
        "metadata": {"name": name, "namespace": namespace, "labels": own, "annotations": {LABELS: json.dumps(dict(spec.labels))}},
        "spec": {
            "backoffLimit": 0, "activeDeadlineSeconds": LONGEST,
            "template": {"metadata": {"labels": own}, "spec": _pod_of(spec, name, keys)},
        },
    }  # fmt: skip
    return secret, job


def _pod_of(spec: ContainerSpec, secret: str, keys: Mapping[str, str]) -> Object:
    security = spec.security
    container: Object = {
        "name": "command", "image": spec.image,
        "env": [
            {"name": key, "valueFrom": {"secretKeyRef": {"name": secret, "key": f"variable-{key}"}}} for key in spec.env
        ],
        "securityContext": {
            "allowPrivilegeEscalation": not (security and security.no_new_privileges), "privileged": False,
            "capabilities": {"drop": ["NET_RAW"], **({"add": list(security.capabilities)} if security and security.capabilities else {})},
        },
    }  # fmt: skip
    for key, words in (("command", spec.entrypoint), ("args", spec.command)):
        if words is not None:
            container[key] = list(words)
    if spec.workdir:
        container["workingDir"] = spec.workdir
    limits = {
        **({"cpu": f"{spec.cpus:g}"} if spec.cpus else {}),
        **({"memory": str(spec.memory)} if spec.memory else {}),
    }
    if limits:
        container["resources"] = {"limits": limits, "requests": limits}
    mounts = [{"name": "files", "mountPath": path, "subPath": key, "readOnly": True} for path, key in keys.items()]
    volumes: list[Object] = [{"name": "files", "secret": {"secretName": secret, "defaultMode": 0o444}}] if keys else []
    prefix = f"{spec.labels.get(LABEL_APP, '')}_{spec.labels.get(LABEL_ENVIRONMENT, '')}_"
    for volume, path in spec.volumes.items():
        claim = named("volume", volume.removeprefix(prefix).partition(".")[0])
        mounts.append({"name": claim, "mountPath": path})
        volumes.append({"name": claim, "persistentVolumeClaim": {"claimName": claim}})
    if mounts:
        container["volumeMounts"] = mounts
    return {
        "automountServiceAccountToken": False, "enableServiceLinks": False, "restartPolicy": "Never",
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "terminationGracePeriodSeconds": math.ceil(spec.stop_grace), "containers": [container],
        **({"volumes": volumes} if volumes else {}),
    }  # fmt: skip
