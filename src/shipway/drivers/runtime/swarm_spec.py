"""Convert between Shipway's types and the JSON of a Swarm's services and tasks. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shipway.domain.container import ContainerInfo, ContainerSpec
from shipway.domain.mounts import is_folder
from shipway.drivers.runtime import translate

NODES = "shipway.nodes"  # label of a service: the environment's hosts, by name; the first one is the manager that Shipway asks
IDS = "shipway.node.ids"  # label of a service: the node that each of them is, UNKNOWN where it could not be asked
UNKNOWN = "-"
STARTED = "shipway.started"  # label of a service that was started at least once
TASK = "shipway.task"  # label of a task's container: the name of its service
NANO = 1_000_000_000
DELAY = NANO  # between the end of a task and its replacement
PRIVILEGES_SINCE = (1, 44)  # version of the API whose services know no-new-privileges
FAILED = ("failed", "rejected")
ENDED = (*FAILED, "complete", "shutdown", "orphaned", "remove")


def service(
    spec: ContainerSpec, networks: Mapping[str, Sequence[str]], constraints: Sequence[str], api: tuple[int, ...],
    ids: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    """A service of one task that isn't started. networks: their aliases. ids: of the nodes, as they are known."""
    container: dict[str, Any] = {
        "Image": spec.image,
        "Labels": {TASK: spec.name},
        "Env": [f"{name}={value}" for name, value in spec.env.items()],
        "StopGracePeriod": math.ceil(spec.stop_grace) * NANO,
        "Init": spec.init,
        # The image's own check would hold a task back until it succeeds for the first time, by default after 30 s, and
        # replace the task where it fails. As on separate hosts, the plan's `health` decides.
        "Healthcheck": {"Test": ["NONE"]},
        "Hosts": [f"{address} {name}" for name, address in spec.hosts.items()],
        "Mounts": [
            {"Type": "bind" if is_folder(name) else "volume", "Source": name, "Target": path}
            for name, path in spec.volumes.items()
        ],
    }
    if spec.command is not None:
        container["Args"] = list(spec.command)
    if spec.entrypoint is not None:
        container["Command"] = list(spec.entrypoint)
    if spec.workdir is not None:
        container["Dir"] = spec.workdir
    limits: dict[str, int] = {}
    if spec.cpus is not None:
        limits["NanoCPUs"] = round(spec.cpus * NANO)
    if spec.memory is not None:
        limits["MemoryBytes"] = spec.memory
    if spec.security:
        limits["Pids"] = spec.security.pids
        container["CapabilityAdd"] = [f"CAP_{name}" for name in spec.security.capabilities]
        container["CapabilityDrop"] = [
            f"CAP_{name}" for name in translate.DROPPED if name not in spec.security.capabilities
        ]
        if spec.security.no_new_privileges and api >= PRIVILEGES_SINCE:
            container["Privileges"] = {"NoNewPrivileges": True}
    return {
        "Name": spec.name,
        "Labels": {**spec.labels, **placement(spec.nodes, ids)},
        "TaskTemplate": {
            "ContainerSpec": container,
            "Resources": {"Limits": limits},
            "RestartPolicy": {"Condition": "any" if spec.restart else "none", "Delay": DELAY},
            "Placement": {"Constraints": list(constraints)},
            "Networks": [{"Target": name, "Aliases": list(aliases)} for name, aliases in networks.items()],
            "LogDriver": {"Name": translate.LOGGING["Type"], "Options": translate.LOGGING["Config"]},
        },
        "Mode": {"Replicated": {"Replicas": 0}},
        # Its name leads to the task itself: it has one only, and needs no address of its own.
        "EndpointSpec": {"Mode": "dnsrr"},
    }


def replicas(found: Mapping[str, Any]) -> int:
    """Tasks that a service wants: 0 or 1."""
    return int(found["Spec"]["Mode"]["Replicated"].get("Replicas") or 0)


def is_pinned(found: Mapping[str, Any]) -> bool:
    """Whether it stays on one node, for its volumes."""
    return bool(found["Spec"]["TaskTemplate"].get("Placement", {}).get("Constraints"))


def hosts(found: Mapping[str, Any]) -> list[str]:
    """The environment's hosts, by name."""
    names: str = (found["Spec"].get("Labels") or {}).get(NODES, "")
    return names.split()


def placement(hosts: Sequence[str], ids: Sequence[str]) -> dict[str, str]:
    """The labels that say where a service may run."""
    return {NODES: " ".join(hosts), IDS: " ".join(each or UNKNOWN for each in ids)}


def nodes(found: Mapping[str, Any]) -> dict[str, str]:
    """Nodes by host, as far as they were known when the service was created."""
    ids: str = (found["Spec"].get("Labels") or {}).get(IDS, "")
    return {host: node for host, node in zip(hosts(found), ids.split(), strict=False) if node != UNKNOWN}


def newest(tasks: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The task that counts: the one that runs, else the newest."""
    order = sorted(tasks, key=lambda task: (state(task) == "running" and task["DesiredState"] == "running", _at(task)))
    return order[-1] if order else None


def state(task: Mapping[str, Any]) -> str:
    """A task's state as its node reports it."""
    return str(task["Status"]["State"])


def is_active(task: Mapping[str, Any]) -> bool:
    """Whether a container of it may run, or is about to, or is being removed."""
    return state(task) not in ENDED or task["DesiredState"] == "remove"


def described(task: Mapping[str, Any] | None, node: str) -> str:
    """A task for messages: its state, why, and where."""
    if task is None:
        return "it has no task yet"
    status = task["Status"]
    why = status.get("Err") or status.get("Message") or ""
    where = f" on {node}" if node else ""
    return f"its task is {status['State']}{where}{f': {why}' if why else ''}"


def container_of(task: Mapping[str, Any]) -> str:
    """Id of a task's container; empty if it has none."""
    return str((task["Status"].get("ContainerStatus") or {}).get("ContainerID") or "")


def info(found: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> ContainerInfo:
    """A service and its task as a container; its addresses are those in its networks."""
    spec = found["Spec"]
    labels = {name: value for name, value in (spec.get("Labels") or {}).items() if name not in (NODES, IDS, STARTED)}
    task = newest(tasks)
    wanted = replicas(found) > 0
    running = task is not None and state(task) == "running"
    code = (task["Status"].get("ContainerStatus") or {}).get("ExitCode") if task else None
    return ContainerInfo(
        id=found["ID"],
        name=spec["Name"],
        labels=labels,
        state=_state(found, task, tasks, wanted=wanted),
        image=spec["TaskTemplate"]["ContainerSpec"]["Image"],
        addresses=_addresses(task) if running and task else {},
        created=moment(found["CreatedAt"]),
        exit_code=code if task and state(task) in ("complete", "failed") else None,
        volumes=_volumes(spec),
        restarts=_crashes(tasks, task) if wanted else 0,
        started=moment(task["Status"]["Timestamp"]) if running and task else 0.0,
    )


def _state(
    found: Mapping[str, Any], task: Mapping[str, Any] | None, tasks: Sequence[Mapping[str, Any]], *, wanted: bool
) -> str:
    if not wanted:
        return "exited" if STARTED in (found["Spec"].get("Labels") or {}) else "created"
    if task is None:
        return "created"
    if state(task) == "running":
        return "running"
    again = found["Spec"]["TaskTemplate"]["RestartPolicy"]["Condition"] != "none"
    if state(task) in (*FAILED, "complete"):
        return "restarting" if again else "exited"
    # On its way to a node: after a crash, or for the first time, or since its node is lost, drained or paused.
    return "restarting" if _crashes(tasks, task) else "created"


def _crashes(tasks: Sequence[Mapping[str, Any]], current: Mapping[str, Any] | None) -> int:
    """Tasks that ended by themselves before this one; the Swarm remembers only the last ones."""
    return sum(task is not current and state(task) in (*FAILED, "complete") for task in tasks)


def _addresses(task: Mapping[str, Any]) -> dict[str, str]:
    return {
        item["Network"]["Spec"]["Name"]: (item.get("Addresses") or [""])[0].partition("/")[0]
        for item in task.get("NetworksAttachments") or ()
    }


def _volumes(spec: Mapping[str, Any]) -> dict[str, str]:
    mounts = spec["TaskTemplate"]["ContainerSpec"].get("Mounts") or ()
    return {item["Target"]: item["Source"] for item in mounts if item["Type"] == "volume"}


def moment(text: str) -> float:
    """Seconds since the epoch."""
    return datetime.fromisoformat(text).timestamp() if text else 0.0


def _at(task: Mapping[str, Any]) -> str:
    return str(task.get("CreatedAt") or "")
