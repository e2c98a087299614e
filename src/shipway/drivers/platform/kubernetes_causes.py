"""Why something doesn't run in a cluster, in the words of its cause."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from shipway.domain.value import dataclass

Object = Mapping[str, Any]
Logs = Callable[[str, str, bool], str]  # of a pod's container; of the one before it, if it was started again
Probed = Callable[[str], str]  # what the cluster says last of the failed probes of a pod; empty: nothing
ANSWER = re.compile(r"statuscode: (\d+)")
PULLS = {"ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"}
WRONG = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError"}
LINES = 20  # of a log
ENOUGH = 2  # restarts after which a container that was never healthy won't be


@dataclass(frozen=True)
class Cause:
    """final: waiting doesn't help."""

    text: str
    final: bool = False


def of_controller(item: Object) -> Cause | None:
    """Why a Deployment or a Job gets no pods."""
    for condition in item.get("status", {}).get("conditions") or []:
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            return refused(item["metadata"]["name"], str(condition.get("message", "")))
    return None


def refused(name: str, message: str) -> Cause:
    """A pod that the API server refuses to make."""
    if "exceeded quota" in message:
        return Cause(f"{name}: the namespace's quota has no room: {message}", final=True)
    if "failed calling webhook" in message:
        return Cause(f"{name}: a webhook of the cluster, which checks every pod, doesn't answer: {message}")
    return Cause(f"{name}: the cluster's rules refuse its pods: {message}", final=True)


def of_pod(pod: Object, logs: Logs, probed: Probed = lambda pod: "") -> Cause | None:
    """Why a pod isn't ready; None: it is, or nothing is known yet."""
    name, status = pod["metadata"]["name"], pod.get("status", {})
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return Cause(f"{name}: no node has a place for it: {condition.get('message', condition.get('reason', ''))}")
    if status.get("phase") == "Failed" and status.get("reason"):
        return Cause(f"{name}: {status['reason']}: {status.get('message', '')}")
    causes = (_of_container(name, item, logs, _Checks(pod, item["name"], probed)) for item in _containers(status))
    found = [cause for cause in causes if cause is not None]
    return next((item for item in found if item.final), found[0] if found else None)


def _containers(status: Object) -> Iterator[Object]:
    yield from status.get("initContainerStatuses") or []
    yield from status.get("containerStatuses") or []


@dataclass(frozen=True)
class _Checks:
    """The health checks of a pod."""

    pod: Object
    container: str
    probed: Probed

    def last(self) -> str:
        """What the last failed one saw, after a colon; empty: unknown."""
        said = re.sub(r"^\w+ probe (failed|errored): *", "", self.probed(self.pod["metadata"]["name"]).strip())
        if answer := ANSWER.search(said):
            containers = self.pod.get("spec", {}).get("containers") or []
            own: Object = next((item for item in containers if item.get("name") == self.container), {})
            path = ((own.get("startupProbe") or {}).get("httpGet") or {}).get("path", "/")
            said = f"GET {path}: {answer[1]}"
        return f": {said}" if said else ""

    def answered(self) -> str:
        """Likewise, of a process that has answered: whoever ends on its own is not asked for more."""
        return f"; a failed health check saw{last[1:]}" if (last := self.last()).startswith(": GET") else ""


def _of_container(pod: str, item: Object, logs: Logs, checks: _Checks) -> Cause | None:
    waiting = item.get("state", {}).get("waiting") or {}
    reason, message = str(waiting.get("reason", "")), str(waiting.get("message", ""))
    if reason in PULLS:
        return Cause(f"{pod}: the image {item['image']} can't be pulled ({reason}): {message}", final=True)
    if reason == "ErrImagePull":
        return Cause(f"{pod}: the image {item['image']} was not pulled yet: {message}")
    if reason in WRONG:
        return Cause(f"{pod}: its container can't start ({reason}): {message}", final=reason != "RunContainerError")
    if reason == "CrashLoopBackOff":
        ended = (item.get("lastState") or {}).get("terminated") or {}
        return Cause(
            f"{pod}: {_end(ended)}, again and again (CrashLoopBackOff){checks.answered()}{_tail(logs(pod, item['name'], True))}",
            final=True,
        )
    if item.get("restartCount", 0) >= ENOUGH and item.get("started") is False:
        last = _tail(logs(pod, item["name"], True))
        return Cause(
            f"{pod}: it was started {item['restartCount'] + 1} times, and its health check never succeeded{checks.last()}{last}",
            final=True,
        )
    ended = item.get("state", {}).get("terminated") or {}
    if ended:
        return Cause(f"{pod}: {_end(ended)}{_tail(logs(pod, item['name'], False))}")
    if "running" in item.get("state", {}) and not item.get("ready"):
        last = _tail(logs(pod, item["name"], False))
        return Cause(f"{pod}: it runs, and its health check doesn't succeed{checks.last()}{last}")
    return None


def _end(ended: Object) -> str:
    if ended.get("reason") == "OOMKilled":
        return "it needs more memory than its limit (OOMKilled)"
    return f"its process ends with code {ended.get('exitCode', '?')}"


def _tail(log: str) -> str:
    lines = [line for line in log.splitlines() if line.strip()][-LINES:]
    return "; its last lines:\n" + "\n".join(f"  {line}" for line in lines) if lines else ""
