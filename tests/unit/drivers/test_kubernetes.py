"""Objects of Kubernetes for a release: what leads where, what runs first, and that no secret's value is in them."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import pytest
from ruamel.yaml import YAML

from shipway.domain.config_file import ConfigFile
from shipway.domain.database import Database, DatabaseCommands
from shipway.domain.mounts import Volume
from shipway.domain.plan import Health, Plan, Resources, Security, Service
from shipway.domain.release import Release
from shipway.domain.routing import Access, Routing
from shipway.domain.tasks import Schedule, Seed, Task
from shipway.domain.workload import EnvironmentSpec, SecretRef, environment_spec, while_it_runs
from shipway.drivers.accessories import KINDS
from shipway.drivers.database.in_image import command_of
from shipway.drivers.platform.documents import text
from shipway.drivers.platform.kubernetes import Kubernetes, environment
from shipway.drivers.platform.object_names import named, secret_name
from tests.unit.domain import samples

STAGING = dataclasses.replace(
    samples.STAGING, url="https://shop.example.com", aliases=("www.example.com",), secrets=("API_KEY",),
    seed=Seed("backend", "python seed.py", ("SEED_KEY",)), before_switch=(Task("backend", "warm up", ("TASK_KEY",)),),
    schedules={"digest": Schedule("digest", "worker", "send", "0 6 * * 1", "Europe/Berlin", retries=2, secrets=("MAIL_KEY",))},
)  # fmt: skip
SERVICES = {
    **samples.PLAN.services,
    "worker": Service(
        "worker", image="x", command="python worker.py --fast", resources=Resources(0.5, 1 << 28), replicas=2,
        security=Security(capabilities=("SYS_PTRACE",)), secrets=("TOKEN", "CERT_FILE"), secret_files=("CERT_FILE",),
        volumes={"media": Volume("media", "/media")}, files={"/etc/worker.conf": "worker.conf"}, health=Health(command="true"),
        environment={"LITERAL": "cost $(HOME)"}, stop=20.0,
    ),
}  # fmt: skip
FULL = dataclasses.replace(
    samples.PLAN, services=SERVICES, environments={"staging": STAGING},
    database=Database("db", "backend", "alembic", "db"),
)  # fmt: skip


def spec_of(plan: Plan, versions: Mapping[str, int] | None = None) -> EnvironmentSpec:
    made = samples.release(3, "0003")
    images = {name: f"registry.example/shop/{name}@sha256:{number:064x}" for number, name in enumerate(plan.services)}
    files = {"worker.conf": ConfigFile.of(b"\xff binary", executable=True)}
    release: Release = dataclasses.replace(made, plan=plan, images=images, files=files, digest="")
    migration = command_of(plan.database) if plan.database else None
    return environment_spec(release, plan.environments["staging"], "v1.2.0", KINDS, versions or {"TOKEN": 4}, migration)


def objects(plan: Plan = FULL, **more: Any) -> dict[tuple[str, str], dict[str, Any]]:
    found = YAML(typ="safe", pure=True).load_all(text(Kubernetes("shop-staging", **more).objects(spec_of(plan))))
    return {(item["kind"], item["metadata"]["name"]): item for item in found}


def container(item: Mapping[str, Any]) -> dict[str, Any]:
    (found,) = item["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def test_a_service_leads_to_one_release() -> None:
    found = objects()
    deployment, service = found["Deployment", "backend-r3"], found["Service", "backend"]
    assert service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"]
    assert service["spec"]["selector"]["shipway.io/release"] == "3"
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()


def test_only_services_with_a_port_have_a_service() -> None:
    assert ("Service", "worker") not in objects()
    assert ("Deployment", "worker-r3") in objects()


def test_pods_end_after_their_open_requests() -> None:
    pod = objects()["Deployment", "backend-r3"]["spec"]["template"]["spec"]
    own = FULL.services["backend"]
    assert pod["terminationGracePeriodSeconds"] == 5 + own.drain + own.stop
    assert pod["containers"][0]["lifecycle"]["preStop"] == {"sleep": {"seconds": 5}}
    worker = objects()["Deployment", "worker-r3"]["spec"]["template"]["spec"]
    assert worker["terminationGracePeriodSeconds"] == 20
    assert "lifecycle" not in worker["containers"][0]


def test_no_pod_has_more_rights_than_its_plan() -> None:
    for (kind, _), item in objects().items():
        if kind in ("Deployment", "StatefulSet", "Job"):
            pod = item["spec"]["template"]["spec"]
            assert pod["automountServiceAccountToken"] is False
            assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
            assert container(item)["securityContext"]["allowPrivilegeEscalation"] is False
    assert container(objects()["Deployment", "worker-r3"])["securityContext"]["capabilities"] == {
        "drop": ["NET_RAW"],
        "add": ["SYS_PTRACE"],
    }


def test_secrets_are_referenced_by_version_and_never_written() -> None:
    worker = container(objects()["Deployment", "worker-r3"])
    variables = {item["name"]: item for item in worker["env"]}
    assert variables["TOKEN"]["valueFrom"]["secretKeyRef"] == {"name": "token-v4", "key": "value"}
    assert variables["API_KEY"]["valueFrom"]["secretKeyRef"]["name"] == "api-key-v1"
    assert variables["CERT_FILE_FILE"]["value"] == "/run/secrets/CERT_FILE"
    assert "CERT_FILE" not in variables
    assert {"mountPath": "/run/secrets/CERT_FILE", "subPath": "value"}.items() <= worker["volumeMounts"][1].items()
    assert "shipway-mark" not in json.dumps(list(objects().values()))
    assert not [kind for kind, _ in objects() if kind == "Secret"]


@pytest.mark.parametrize(
    "value", ["yes", "0 6 * * 1", "1e3", "a: b", "#no", "two\nlines\n", "", " x ", "é", "null", "0x10"]
)
def test_a_text_stays_a_text(value: str) -> None:
    found = list(YAML(typ="safe", pure=True).load_all(text([{"a": value, "b": [value]}])))
    assert found == [{"a": value, "b": [value]}]
    older = YAML(typ="safe", pure=True)
    older.version = (1, 1)  # type: ignore[assignment]
    assert older.load(text([{"a": value}])) == {"a": value}


def test_a_variable_with_a_password_in_it_refers_to_it() -> None:
    backend = container(objects()["Deployment", "backend-r3"])
    variables = {item["name"]: item.get("value") for item in backend["env"]}
    assert variables["DATABASE_URL"] == "postgresql://shop:$(SHIPWAY_PART_1)@db:5432/shop"
    names = [item["name"] for item in backend["env"]]
    assert names.index("SHIPWAY_PART_1") < names.index("DATABASE_URL")  # only earlier ones are replaced
    store = container(objects()["StatefulSet", "db"])
    assert {"name": "accessory-db-password", "key": "value"} in [
        item["valueFrom"]["secretKeyRef"] for item in store["env"] if "valueFrom" in item
    ]


def test_a_text_that_looks_like_a_reference_stays_a_text() -> None:
    worker = container(objects()["Deployment", "worker-r3"])
    assert {"name": "LITERAL", "value": "cost $$(HOME)"} in worker["env"]
    assert environment({"A": ("x$(", SecretRef("S"), "$(B)")})[-1] == {
        "name": "A",
        "value": "x$$($(SHIPWAY_PART_1)$$(B)",
    }


def test_migrations_seed_and_tasks_come_first_and_in_order() -> None:
    jobs = [(name, item) for (kind, name), item in objects().items() if kind == "Job"]
    assert [name for name, _ in jobs] == ["migrate-r3", "seed-r3", "task-1-r3"]
    waves = [int(item["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"]) for _, item in jobs]
    assert waves == sorted(waves)
    assert waves[-1] < 0
    migrate = container(jobs[0][1])
    assert migrate["command"] == ["sh", "-c", "cd db && alembic upgrade head"]
    assert "readinessProbe" not in migrate
    assert jobs[0][1]["spec"]["backoffLimit"] == 0
    selectors = [item["spec"]["selector"] for (kind, _), item in objects().items() if kind == "Service"]
    labels = jobs[0][1]["spec"]["template"]["metadata"]["labels"]
    assert not any(selector.items() <= labels.items() for selector in selectors)  # no request reaches a job


def test_a_command_has_its_own_secrets_beside_those_of_its_service() -> None:
    found = objects()
    whose = {"seed-r3": "SEED_KEY", "task-1-r3": "TASK_KEY"}
    for name, secret in whose.items():
        named = {item["name"]: item for item in container(found["Job", name])["env"]}
        assert named[secret] == {
            "name": secret,
            "valueFrom": {"secretKeyRef": {"name": secret_name(SecretRef(secret)), "key": "value"}},
        }
        assert "API_KEY" in named
    (job,) = found["CronJob", "digest"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert {"TOKEN", "MAIL_KEY"} <= {item["name"] for item in job["env"]}
    spec = spec_of(FULL)
    assert {"SEED_KEY", "TASK_KEY", "MAIL_KEY"} <= {ref.name for ref in spec.secrets}
    kept = {ref.name for ref in while_it_runs(spec).secrets}
    assert "MAIL_KEY" in kept
    assert not kept & {"SEED_KEY", "TASK_KEY"}


@pytest.mark.parametrize(
    ("tool", "command"),
    [
        ("django", "cd db && python manage.py migrate --noinput"),
        ("knex", "PATH=$PWD/node_modules/.bin:$PATH knex migrate:latest"),
        ("dbmate", None),
    ],
)
def test_the_command_of_a_tool(tool: str, command: str | None) -> None:
    assert command_of(Database("db", "web", tool, "db")) == command


def test_the_command_of_any_tool_is_the_plans() -> None:
    assert command_of(Database("db", "web", "command", None, DatabaseCommands("l", "c", "up all", "d"))) == "up all"


def test_what_can_not_be_said_is_told() -> None:
    plan = dataclasses.replace(
        FULL, database=Database("db", "backend", "dbmate", "db"),
        services={**FULL.services, "frontend": dataclasses.replace(FULL.services["frontend"], routing=Routing(sticky=True, strip=True))},
        environments={"staging": dataclasses.replace(STAGING, access=Access(allow=("10.0.0.0/8",)), redirects=("old.example.com",))},
    )  # fmt: skip
    spec = spec_of(plan)
    told = "\n".join((*spec.left_out, *Kubernetes("x").unsaid(spec)))
    for part in ("migrations", "`access`", "old.example.com", "`sticky`", "`strip`", "ReadWriteOnce"):
        assert part in told, part


def test_the_ingress_has_the_longest_paths_first() -> None:
    (ingress,) = [item for (kind, _), item in objects(ingress_class="nginx").items() if kind == "Ingress"]
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == ["shop.example.com", "www.example.com"]
    paths = [item["path"] for item in ingress["spec"]["rules"][0]["http"]["paths"]]
    assert paths == sorted(paths, key=len, reverse=True)
    assert ingress["spec"]["ingressClassName"] == "nginx"
    assert ingress["spec"]["tls"][0]["hosts"] == ["shop.example.com", "www.example.com"]


def test_configuration_files_keep_their_bytes_and_their_mode() -> None:
    (config,) = [item for (kind, name), item in objects().items() if kind == "ConfigMap" and "worker" in name]
    ((key, content),) = config["binaryData"].items()
    assert base64.b64decode(content) == b"\xff binary"
    pod = objects()["Deployment", "worker-r3"]["spec"]["template"]["spec"]
    volume = next(item["configMap"] for item in pod["volumes"] if "configMap" in item)
    assert volume["items"] == [{"key": key, "path": key, "mode": 0o555}]
    assert volume["name"] == config["metadata"]["name"]


def test_the_same_release_is_the_same_text() -> None:
    assert text(Kubernetes("a").objects(spec_of(FULL))) == text(Kubernetes("a").objects(spec_of(FULL)))


@pytest.mark.parametrize(
    ("one", "other"), [("a_b", "a-b"), ("A", "a"), ("x" * 70, "x" * 71), ("1", "x-1"), ("été", "t")]
)
def test_different_names_stay_different(one: str, other: str) -> None:
    for name in (named(one), named(other)):
        assert len(name) <= 63
        assert name == named(name) or name != one
    assert named(one) != named(other)
    assert secret_name(SecretRef("A_B", 1)) == "a-b-v1"
    assert secret_name(SecretRef("accessory:db", 1)) != secret_name(SecretRef("ACCESSORY_DB_PASSWORD", 1))


@pytest.mark.parametrize("name", ["1shop", "s" * 63, "web-team"])
def test_a_namespace_keeps_its_name(name: str) -> None:
    assert Kubernetes(name).namespace == name


def test_what_can_be_no_name_of_a_namespace_becomes_one() -> None:
    assert Kubernetes("Shop-" + "s" * 70).namespace.startswith("shop-sss")
    assert len(Kubernetes("Shop-" + "s" * 70).namespace) < 64
