"""Convert between Shipway's types and the Docker Engine's JSON. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shipway.domain.container import (
    LABEL_CONFIG,
    LABEL_LEDGER,
    LABEL_ROLE,
    LABEL_RUN,
    ContainerInfo,
    ContainerSpec,
    EngineObject,
)
from shipway.domain.errors import EngineError
from shipway.domain.mounts import is_folder

# Engines grant it by default; it lets a container read its neighbours' packets and spoof their answers.
DROPPED = ("NET_RAW",)
# The engine's default is unlimited logs; this keeps the last 30 MB of each container.
SHARES = 1024  # CPU weight of a container; the engine's default
LOW_SHARES = 64
LOGGING = {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}


def create_body(spec: ContainerSpec) -> dict[str, Any]:
    """The engine's create call. Networks after the first are connected later: older engines take only one here."""
    ports: dict[str, list[dict[str, str]]] = {}
    for item in spec.publish:
        port = str(item.host_port) if item.host_port else ""
        ports.setdefault(f"{item.container_port}/tcp", []).append({"HostIp": item.address, "HostPort": port})
    host: dict[str, Any] = {
        "LogConfig": LOGGING if spec.log is None else _logging(spec.log),
        "RestartPolicy": {"Name": "unless-stopped" if spec.restart else "no"},
        "Mounts": [
            {"Type": "bind" if is_folder(name) else "volume", "Source": name, "Target": path}
            for name, path in spec.volumes.items()
        ],
        "ExtraHosts": [f"{name}:{address}" for name, address in spec.hosts.items()],
        "PortBindings": ports,
        "Init": spec.init,
    }
    if spec.sysctls:
        host["Sysctls"] = dict(spec.sysctls)
    if spec.cpus is not None:
        host["NanoCpus"] = round(spec.cpus * 1_000_000_000)
    if _low_priority(spec):
        host["CpuShares"] = LOW_SHARES
    if spec.memory is not None:
        host["Memory"] = spec.memory
        if not spec.swap:
            host["MemorySwap"] = spec.memory
    if spec.security:
        host["PidsLimit"] = spec.security.pids
        host["CapAdd"] = list(spec.security.capabilities)
        host["CapDrop"] = [name for name in DROPPED if name not in spec.security.capabilities]
        if spec.security.no_new_privileges:
            host["SecurityOpt"] = ["no-new-privileges"]
    body: dict[str, Any] = {
        "Image": spec.image,
        "Labels": dict(spec.labels),
        "Env": [f"{name}={value}" for name, value in spec.env.items()],
        "ExposedPorts": {port: {} for port in ports},
        "StopTimeout": math.ceil(spec.stop_grace),
        "HostConfig": host,
    }
    if spec.attached:
        body |= {"OpenStdin": True, "StdinOnce": True, "AttachStdin": True, "Tty": spec.tty}
        host |= {"AutoRemove": True, "LogConfig": {"Type": "none"}}
    if spec.command is not None:
        body["Cmd"] = list(spec.command)
    if spec.entrypoint is not None:
        body["Entrypoint"] = list(spec.entrypoint)
    if spec.workdir is not None:
        body["WorkingDir"] = spec.workdir
    if spec.network_of is not None:
        host["NetworkMode"] = f"container:{spec.network_of}"
        host["CapDrop"] = ["NET_RAW"]  # a container that shares another's network must not sniff it
    elif spec.networks:
        first, aliases = next(iter(spec.networks.items()))
        host["NetworkMode"] = first
        body["NetworkingConfig"] = {"EndpointsConfig": {first: {"Aliases": list(aliases)}}}
    return body


def _low_priority(spec: ContainerSpec) -> bool:
    """Pipeline runs and proofs have a lower priority than services."""
    return spec.low_priority or LABEL_RUN in spec.labels or spec.labels.get(LABEL_ROLE) == "proof"


def _logging(size: int) -> dict[str, Any]:
    """Each line costs the engine some 80 bytes more than its text: ten times the size also holds many very short
    ones."""
    return {"Type": "json-file", "Config": {"max-size": f"{size * 5 >> 20}m", "max-file": "2"}}


def carrying(labels: Mapping[str, str]) -> dict[str, str]:
    """The engine's filter for objects with these labels; an empty value matches any value."""
    wanted = [f"{name}={value}" if value else name for name, value in labels.items()]
    return {"filters": json.dumps({"label": wanted})}


def listed(item: Mapping[str, Any]) -> ContainerInfo:
    """Convert an item of the engine's list."""
    return ContainerInfo(
        id=item["Id"],
        name=_name(item["Names"]),
        labels=item["Labels"] or {},
        state=item["State"],
        image=item["ImageID"],
        addresses=_addresses(item["NetworkSettings"]),
        created=float(item["Created"]),
        exit_code=_exit_code(item["State"], item["Status"]),
        volumes=_volumes(item),
    )


def network(item: Mapping[str, Any]) -> EngineObject:
    """Convert an item of the engine's list of networks."""
    return EngineObject("network", item["Id"], item["Name"], item["Labels"] or {}, _moment(item.get("Created") or ""))


def volume(item: Mapping[str, Any]) -> EngineObject:
    """Convert an item of the engine's list of volumes."""
    return EngineObject(
        "volume", item["Name"], item["Name"], item["Labels"] or {}, _moment(item.get("CreatedAt") or "")
    )


def inspected(item: Mapping[str, Any]) -> ContainerInfo:
    """Convert the engine's full record."""
    state = item["State"]
    return ContainerInfo(
        id=item["Id"],
        name=item["Name"].lstrip("/"),
        labels=item["Config"]["Labels"] or {},
        state=state["Status"],
        image=item["Image"],
        addresses=_addresses(item["NetworkSettings"]),
        created=datetime.fromisoformat(item["Created"]).timestamp(),
        exit_code=state["ExitCode"] if state["Status"] in ("exited", "dead", "restarting") else None,
        volumes=_volumes(item),
        restarts=item.get("RestartCount") or 0,
        started=_moment(state.get("StartedAt") or ""),
        finished=_moment(state.get("FinishedAt") or ""),
        out_of_memory=bool(state.get("OOMKilled")),
    )


def _moment(text: str) -> float:
    """Seconds since the epoch; 0 if it was never started."""
    return 0.0 if not text or text.startswith("0001-") else datetime.fromisoformat(text).timestamp()


def _name(names: list[str]) -> str:
    """The container's own name; names of links contain a further slash."""
    return next((name[1:] for name in names if "/" not in name[1:]), "")


def _addresses(settings: Mapping[str, Any]) -> dict[str, str]:
    return {name: (network or {}).get("IPAddress", "") for name, network in (settings["Networks"] or {}).items()}


def _volumes(item: Mapping[str, Any]) -> dict[str, str]:
    return {mount["Destination"]: mount["Name"] for mount in item.get("Mounts") or () if mount.get("Type") == "volume"}


def _exit_code(state: str, status: str) -> int | None:
    found = re.match(r"(?:Exited|Restarting) \((\d+)\)", status) if state in ("exited", "restarting") else None
    return int(found[1]) if found else None


def kept(found: Mapping[str, Any], spec: ContainerSpec) -> str:
    """Id of the container with the name, if it is the same one."""
    labels = found["Config"]["Labels"] or {}
    if labels.get(LABEL_LEDGER, spec.labels.get(LABEL_LEDGER)) != spec.labels.get(LABEL_LEDGER):
        raise EngineError(f"the name {spec.name} is used by a container of another ledger ({labels[LABEL_LEDGER][:8]})")
    if LABEL_CONFIG not in spec.labels or labels.get(LABEL_CONFIG) != spec.labels[LABEL_CONFIG]:
        raise EngineError(
            f"the name {spec.name} is used by a container with another configuration",
            hint=f"see `docker inspect {spec.name}`; if it isn't needed, remove it: `docker rm -f {spec.name}`",
        )
    return str(found["Id"])
