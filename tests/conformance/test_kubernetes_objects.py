"""What `shipway render` prints, against the schemas that API servers of Kubernetes publish: no unknown field, no wrong type."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7
from ruamel.yaml import YAML

from shipway.drivers.platform.documents import text
from shipway.drivers.platform.kubernetes import Kubernetes
from tests import programs
from tests.unit.drivers.test_kubernetes import FULL, spec_of

pytestmark = pytest.mark.counterpart


@cache
def schemas(version: str) -> Path:
    return next(programs.published("kubernetes-schemas").rglob(f"v{version}.0-local-strict"))


def problems(version: str, item: dict[str, Any]) -> list[str]:
    group, _, of = item["apiVersion"].rpartition("/")
    own = group.removesuffix(".k8s.io").partition(".")[0]
    name = "-".join(filter(None, (item["kind"].lower(), own, of)))
    folder = schemas(version)

    def found(uri: str) -> Resource[Any]:
        data = json.loads((folder / uri.rpartition("/")[2]).read_text(encoding="utf-8"))
        return Resource.from_contents(data, default_specification=DRAFT7)

    schema = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    registry: Registry[Any] = Registry(retrieve=found)
    errors = Draft7Validator(schema, registry=registry).iter_errors(item)
    return [f"{item['kind']} {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in errors]


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_every_object_is_valid(version: str) -> None:
    objects = list(
        YAML(typ="safe", pure=True).load_all(text(Kubernetes("shop", ingress_class="nginx").objects(spec_of(FULL))))
    )
    assert {item["kind"] for item in objects} == {
        "Namespace", "NetworkPolicy", "StatefulSet", "Service", "PersistentVolumeClaim", "ConfigMap", "Job", "Deployment",
        "PodDisruptionBudget", "CronJob", "Ingress",
    }  # fmt: skip
    assert [problem for item in objects for problem in problems(version, item)] == []


def test_a_wrong_object_is_found() -> None:
    (wrong,) = [item for item in Kubernetes("shop").objects(spec_of(FULL)) if item["kind"] == "Ingress"]
    wrong["spec"]["rules"][0]["hosts"] = "shop"
    wrong["spec"]["tls"] = "yes"
    assert len(problems("1.37", wrong)) == 2
