"""What `shipway render` prints, against the schemas that API servers of Kubernetes publish: no unknown field, no wrong type."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7
from ruamel.yaml import YAML

from shipway.domain.routing import Routing
from shipway.domain.workload import EnvironmentSpec
from shipway.drivers.platform.documents import text
from shipway.drivers.platform.kubernetes import Kubernetes
from tests import programs
from tests.unit.drivers.test_kubernetes import FULL, spec_of

pytestmark = pytest.mark.counterpart
VALIDATE = """
import { pathToFileURL } from "node:url";
const place = "/@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute.js";
const { HTTPRoute } = await import(pathToFileURL(process.env.MODULES + place));
let text = "";
for await (const part of process.stdin) text += part;
for (const item of JSON.parse(text)) {
  try { new HTTPRoute(item).validate(); } catch (error) { console.log(item.metadata.name, error.message); }
}
"""


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


def routes_of(spec: EnvironmentSpec) -> list[dict[str, Any]]:
    return [item for item in Kubernetes("shop", gateway="infra/public").objects(spec) if item["kind"] == "HTTPRoute"]


def problems_of_routes(routes: list[dict[str, Any]]) -> str:
    """As the validators say that are made of the types of the Gateway API. They don't see unknown fields."""
    node = [programs.program("node"), "--input-type=module", "--eval", VALIDATE]
    env = {**os.environ, "MODULES": str(programs.published_with_needs("gateway-api"))}
    done = subprocess.run(node, input=json.dumps(routes), env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_route_at_a_gateway_is_valid() -> None:
    plain = spec_of(FULL)
    every = Routing(True, {"X-Frame-Options": "DENY"}, 100, True, True, 2.5, "h2c")
    (first, *rest) = plain.addresses
    hosts = tuple(f"h{number}.example" for number in range(20))
    set_ = dataclasses.replace(first, routing=every, prefix="/app", hosts=("*.example.com", *hosts))
    spec = dataclasses.replace(plain, addresses=(set_, *rest), redirects=("old.example.com",), port=8443)
    routes = [*routes_of(plain), *routes_of(spec)]
    assert len(routes) > 20
    assert problems_of_routes(routes) == ""


def test_a_wrong_route_is_found() -> None:
    route = routes_of(spec_of(FULL))[0]
    route["spec"]["hostnames"] = ["Shop_"]
    route["spec"]["rules"][0]["timeouts"] = {"request": "2.5"}
    said = problems_of_routes([route])
    assert "hostnames/0" in said
    assert "timeouts/request" in said
