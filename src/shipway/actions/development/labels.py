"""A runtime under whose labels nothing of development belongs to an app's environments: status, doctor, prune and deployments
look for LABEL_APP, and never find it."""

from __future__ import annotations

import builtins
import dataclasses
from collections.abc import Mapping
from typing import Any, cast

from shipway.context import Machine
from shipway.domain.container import LABEL_APP, LABEL_DEVELOPMENT, ContainerInfo, ContainerSpec, EngineObject
from shipway.ports import Runtime


def apart(machine: Machine) -> Machine:
    """The machine, with a runtime whose objects carry LABEL_DEVELOPMENT in place of LABEL_APP, and that lists only those."""
    return dataclasses.replace(machine, runtime=cast(Runtime, _OwnLabels(machine.runtime)))


class _OwnLabels:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    def create(self, spec: ContainerSpec) -> str:
        return self._runtime.create(dataclasses.replace(spec, labels=_outward(spec.labels)))

    def ensure_network(
        self, name: str, labels: Mapping[str, str], *, internal: bool = False, pinned: bool = False, wide: bool = False
    ) -> None:
        self._runtime.ensure_network(name, _outward(labels), internal=internal, pinned=pinned, wide=wide)

    def list(self, labels: Mapping[str, str]) -> builtins.list[ContainerInfo]:
        return [_inward(item) for item in self._runtime.list(_outward(labels))]

    def objects(self, labels: Mapping[str, str]) -> builtins.list[EngineObject]:
        return [
            dataclasses.replace(item, labels=_back(item.labels)) for item in self._runtime.objects(_outward(labels))
        ]

    def find(self, container: str) -> ContainerInfo | None:
        found = self._runtime.find(container)
        return None if found is None else _inward(found)


def _outward(labels: Mapping[str, str]) -> dict[str, str]:
    return {LABEL_DEVELOPMENT if name == LABEL_APP else name: value for name, value in labels.items()}


def _back(labels: Mapping[str, str]) -> dict[str, str]:
    return {LABEL_APP if name == LABEL_DEVELOPMENT else name: value for name, value in labels.items()}


def _inward(item: ContainerInfo) -> ContainerInfo:
    return dataclasses.replace(item, labels=_back(item.labels))
