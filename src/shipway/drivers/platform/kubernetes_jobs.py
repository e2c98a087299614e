"""A command that runs to its end as a Job of Kubernetes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from time import monotonic
from typing import Any

from shipway.domain.errors import ClusterError, DeployFailed, Interrupted
from shipway.drivers.platform import kubernetes_causes as causes
from shipway.drivers.platform.kubernetes_api import KubernetesApi
from shipway.system.http import Connection

Object = dict[str, Any]
POLL = 0.3  # seconds between looks
START = 300.0  # seconds until its container must have started, if nothing says that it can't
SETTLE = 10.0  # seconds for the rest of its log, and for the status of a pod that has ended
BATCH = "batch/v1"
UNABLE = ("StartError", "ContainerCannotRun")  # why a container ended whose command never ran
NOT_RUN = 127  # as a shell returns then


def run_job(api: KubernetesApi, item: Object, told: Callable[[str], None], cancelled: Event) -> int:
    """Start it, or wait for the one of that name, and return its exit code."""
    name, namespace = item["metadata"]["name"], item["metadata"]["namespace"]
    try:
        api.create(item)
    except ClusterError as error:
        if not error.conflict:
            raise
    running = Job(api, namespace, name, told, cancelled)
    try:
        return running.wait()
    except (DeployFailed, Interrupted):
        api.delete(BATCH, "Job", namespace, name)
        raise
    finally:
        running.log.close()


class Job:
    """One that was created. Its lines are told while somebody waits for it."""

    def __init__(
        self, api: KubernetesApi, namespace: str, name: str, told: Callable[[str], None], cancelled: Event
    ) -> None:
        self._api, self._namespace, self._name, self._cancelled = api, namespace, name, cancelled
        self._told = told
        self._begun = monotonic()
        self._ended: float | None = None
        self.log = _Log(api, namespace, told)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code once its log is told. TimeoutError if it runs longer than that many seconds from now. DeployFailed with the
        cause if it can't start, Interrupted when `cancelled` is set."""
        until = None if timeout is None else monotonic() + timeout
        while True:
            job = self._api.get(BATCH, "Job", self._namespace, self._name)
            if job is None:
                raise DeployFailed(f"{self._name} was removed by someone else while it ran")
            pods = self._api.list("v1", "Pod", self._namespace, {"job-name": self._name})
            if pods and (code := self._look(pods[-1])) is not None:
                return code
            self._give_up(job, pods)
            if until is not None and monotonic() >= until:
                raise TimeoutError
            if self._cancelled.wait(POLL):
                raise Interrupted(f"interrupted while {self._name} ran")

    def _look(self, pod: Object) -> int | None:
        """Its exit code once its log is told."""
        for container in pod.get("status", {}).get("containerStatuses") or []:
            state = container.get("state", {})
            if "running" in state or "terminated" in state:
                self.log.follow(pod["metadata"]["name"], container["name"])
            if "terminated" in state:
                self.log.join(SETTLE)
                if state["terminated"].get("reason") in UNABLE:
                    self._told(state["terminated"].get("message", "its command can't be executed"))
                    return NOT_RUN
                if state["terminated"].get("reason") == "OOMKilled":
                    raise DeployFailed(f"{self._name} needs more memory than its limit (OOMKilled)")
                return int(state["terminated"]["exitCode"])
        return None

    def _give_up(self, job: Object, pods: list[Object]) -> None:
        for condition in job.get("status", {}).get("conditions") or []:
            if condition["type"] == "Failed" and condition["status"] == "True":
                if condition.get("reason") == "DeadlineExceeded":
                    raise DeployFailed(f"{self._name} did not end within {job['spec']['activeDeadlineSeconds']} s")
                self._ended = self._ended or monotonic()
                if monotonic() > self._ended + SETTLE:  # its pod's status had time to follow
                    raise DeployFailed(f"{self._name} failed, and its pod is gone: {condition.get('message', '')}")
        found = [cause for pod in pods if (cause := causes.of_pod(pod, self._no_log)) is not None]
        late = not self.log.begun and monotonic() > self._begun + START
        if not pods:
            found += self._refused()
        if cause := next((item for item in found if item.final or late), None):
            raise DeployFailed(f"{self._name} can't start: {cause.text}")
        if late:
            raise DeployFailed(f"{self._name} did not start within {START:g} s, and nothing says why")

    @staticmethod
    def _no_log(pod: str, container: str, previous: bool) -> str:
        return ""

    def _refused(self) -> list[causes.Cause]:
        events = self._api.list("v1", "Event", self._namespace, fieldSelector=f"involvedObject.name={self._name}")
        messages = [str(item.get("message", "")) for item in events if item.get("reason") == "FailedCreate"]
        return [causes.refused(self._name, messages[-1])] if messages else []


class _Log:
    """Tells the lines of a container, each once, also where the connection breaks."""

    def __init__(self, api: KubernetesApi, namespace: str, told: Callable[[str], None]) -> None:
        self._api, self._namespace, self._told = api, namespace, told
        self._thread: Thread | None = None
        self._connection: Connection | None = None
        self._over = Event()
        self._last = ""

    @property
    def begun(self) -> bool:
        return self._thread is not None

    def follow(self, pod: str, container: str) -> None:
        if self._thread is None:
            self._thread = Thread(target=self._run, args=(pod, container), daemon=True)
            self._thread.start()

    def _run(self, pod: str, container: str) -> None:
        for _ in range(100):
            if self._over.is_set() or self._read(pod, container):
                return
            self._over.wait(1)

    def _read(self, pod: str, container: str) -> bool:
        """Whether it was read to its end."""
        since = self._last.partition(".")[0].rstrip("Z") + "Z" if self._last else ""
        try:
            for line in self._api.follow(self._namespace, pod, container, since, self._keep):
                at, _, text = line.partition(" ")
                if at > self._last:
                    self._last = at
                    self._told(text)
        except ClusterError as error:
            if error.forbidden:
                self._told(f"what it prints can't be read: {error.message}")
            return error.forbidden
        except OSError:
            return False
        return True

    def _keep(self, connection: Connection) -> None:
        self._connection = connection

    def join(self, timeout: float) -> None:
        if self._thread is not None:
            self._thread.join(timeout)

    def close(self) -> None:
        self._over.set()
        if self._connection is not None and self._thread is not None and self._thread.is_alive():
            with suppress(OSError):
                self._connection.close()
