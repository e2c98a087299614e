"""Every key of a plan is admission, reach or the commit's own. A new one fails here until somebody has said which."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from shipway.domain import plan as domain
from shipway.domain import rules, tasks
from shipway.domain.backups import Backups, Continuous, Keep, Required
from shipway.domain.build import BaseSource
from shipway.domain.cdn import Cdn
from shipway.domain.database import DatabaseFile
from shipway.domain.develop import Develop
from shipway.domain.gating import Freeze, Hotfix, Requirements
from shipway.domain.launch import Launch, Load
from shipway.domain.mounts import Volume
from shipway.domain.platform import KUBERNETES, ClusterSettings
from shipway.domain.previews import Previews
from shipway.domain.provisioned import Dns, Infra
from shipway.domain.routing import Access, EdgeSettings, Routing, Tls
from shipway.domain.secret_source import SecretSource

BASE = BaseSource("base", "Dockerfile", "prod", {"A": "1"}, {"shared": "libs"}, ("TOKEN",), {"default": "DEPLOY"})
BUILD = domain.BuildSource(
    "web", "Dockerfile", "prod", {"A": "1"}, {"shared": "libs"}, ("TOKEN",), {"default": "DEPLOY"}, {"B": "PROXY"}, {"C": "base"},
    {"D": BASE}, ("linux/arm64",), True,
)  # fmt: skip
IMAGE = domain.StepImage("alpine:3", BUILD)
HEALTH = domain.Health("/ok", True, "true", 1.0, 1.0, {"X": "1"})
RESOURCES = domain.Resources(1.0, 64)
SECURITY = domain.Security(False, 9000, ("KILL",))
# A plan in which each field has a value.
FULL = domain.Plan(
    app="shop",
    services={"web": domain.Service(
        "web", BUILD, "web:1", "serve", 80, "/", HEALTH, 2, RESOURCES, 1.0, 1.0, {"X": "1"}, ("KEY",), SECURITY, ("KEY",), "/assets", "sh",
        {"media": Volume("media", "/media", "/srv/media", True)}, Routing(True, {"X": "1"}, 1000, True, True, 1.0, "h2c"),
        {"/etc/web.conf": "web.conf"}, ("KEY",),
        Develop("serve --reload", {"web": "/app"}, {"lib": "/lib"}, "dev", 3000, ("lock",), False),
    )},
    accessories={"db": domain.Accessory(
        "db", "postgres:15", "postgres", "DATABASE_URL", "url", 5432, "/data", HEALTH, {"X": "1"}, "postgres", "sh", ("KEY",), 15432, {"DB_HOST": "{host}"},
        "DATABASE_URL", "15", DatabaseFile("/data/app.db", "data"),
    )},
    database=domain.Database("db", "web", "command", "db", domain.DatabaseCommands("l", "c", "u", "d", "s", "b"), domain.Snapshots(), 1.0, 1.0, 1, 1.0, "*_contract", "/data/app.db", "python:3"),
    registry=domain.RegistryAccess("ghcr.io/acme", "ci", "PASSWORD", "TOKEN"),
    pipeline={"unit": domain.Step(
        "unit", "test", IMAGE, ("web",), "production", ("lint",), ("db",), ("src",), ("dist",), ("junit.xml",), 1.0, 1, {"X": "1"}, RESOURCES, SECURITY, ("/cache",),
    )},
    checks={"smoke": domain.Check("smoke", IMAGE, "look", 1.0, {"X": "1"})},
    environments={"production": domain.Environment(
        "production", "https://shop.example", domain.Trigger("main", "v*", False, ("main",), ("*-rc*",), ">=1"), "staging",
        domain.Approvals(1, False, 60.0, True, "signers"), (domain.Host("local", "10.0.0.1"),), {"web": 2}, {"X": "1"}, tasks.Seed("web", "seed", ("KEY",), "environment"),
        (tasks.Task("web", "warm", ("KEY",)),), (tasks.Task("web", "mail", ("KEY",)),),
        {"digest": tasks.Schedule("digest", "web", "mail", "* * * * *", secrets=("KEY",))},
        ("smoke",), 1.0, True, domain.Strategy(), domain.Watch(1.0, 0.1, 2.0, 5), 5, Tls(False, "ops@example.com", "https://acme", "PEM", "CERT", "TLS_KEY", "dns"),
        EdgeSettings(("10.0.0.0/8",)), True, ("KEY",), ("alias.example",), {"web": ("web.example",)}, ("www.shop.example",),
        Access("USERS", ("10.0.0.0/8",)), ("KEY",),
        Dns("powerdns", "example.com", 60.0, {"host": "a"}, {"api_key": "DNS_KEY"}, ("203.0.113.1",), "lb.example", ("a",), ("b",)),
        Infra("terraform", "infra", "run", {"region": "x"}, ("TOKEN",), {"hosts": "h"}, ("db",), "stack", "region", "t.yaml", ("CAPABILITY_IAM",)),
        Cdn("fastly", "zone", ("http://10.0.0.7",), "CDN_TOKEN", "CDN_KEY", tasks.Task("web", "purge", ("KEY",)), {"web": "/assets"}, ("/",), ("pages",)),
        (SecretSource("vault", "https://vault", "secret/shop", {"KEY": "db#key"}, "fallback"),),
        Backups("s3://backups", ("age1key",), "0 2 * * *", "UTC", Keep(), "read", ("media",), "BACKUP_KEY", "https://s3.example", "eu", "ID", "SECRET", Required(60.0), Continuous(60.0), 60.0),
        Launch(("add",), Load(1.0, 1.0, 1.0, 0.1, "/x"), True, ("X-A",), 1.0),
        (Freeze("Fri 16:00", "Mon 08:00", "Europe/Berlin"),), Requirements(("ci/test",), 1, True, True), Hotfix(2), KUBERNETES,
        ClusterSettings("prod", "shop", "nginx", "20Gi", "infra/public"),
    )},
    inputs=("shared",),
    previews=Previews("staging", "pr-{number}.example", 1.0, 2, 3.0, "production", ("DELETE FROM users",), ("KEY",)),
    prove=domain.Proving("data", ("UPDATE users SET mail = ''",), 1.0, {"add": domain.Scenario("add", "web", "run", "write")}, ("KEY",)),
)  # fmt: skip

ADMISSION = """
environments: after approvals.count approvals.not_author approvals.expire approvals.signed approvals.signers checks prove
environments.freeze: start end zone
environments.require: statuses reviews signed sbom
environments.hotfix: approvals
environments.launch: scenarios index headers
prove: exercise.service exercise.run exercise.kind
environments.launch.load: rate duration p99 errors path
environments.trigger: tag manual branches except_tags versions
environments.backups: require.max_age require.before
database: accessory file service tool folder contract
database.commands: list current up down script base
checks: image.name image.build.folder image.build.dockerfile image.build.target image.build.args run timeout env
checks.image.build: variables images contexts secrets ssh platforms cache
checks.image.build.bases: folder dockerfile target args contexts secrets ssh
"""
REACH = """
environments: url hosts.name hosts.address platform cluster.context cluster.namespace cluster.ingress_class cluster.storage cluster.gateway tls.internal tls.acme tls.server tls.trust tls.certificate tls.key tls.challenge edge.trusted_proxies
environments.dns: provider zone ttl options secrets addresses target servers resolvers
environments.infra: tool folder run variables secrets outputs protect stack region template capabilities
environments: aliases domains redirects access.users access.allow cdn.provider cdn.zone cdn.caches cdn.token cdn.key
environments.secrets_from: kind place path names ledger
environments.backups: to recipients keep.daily keep.weekly keep.monthly verify key endpoint region access_key secret_key
services.volumes: folder
services.build: secrets ssh bases.secrets bases.ssh
pipeline.image.build: secrets ssh bases.secrets bases.ssh
services.security: no_new_privileges pids capabilities
accessories: published external
registry: address
prove: mode mask
"""
# Only those of the protected plan count: see `actions.previews`.
PREVIEWS = "previews: like domain keep most sleep data mask secrets"
# A step's rights are judged by `rights.of_steps`, for each run.
RUNS = "pipeline.security: no_new_privileges pids capabilities"
REST = """
services: build.folder build.dockerfile build.target build.args image command port route replicas drain stop environment secrets secret_files optional_secrets assets entrypoint files
services.build: variables images contexts platforms cache
services.build.bases: folder dockerfile target args contexts
pipeline.image.build: variables images contexts platforms cache
pipeline.image.build.bases: folder dockerfile target args contexts
services.routing: strip headers body compress sticky timeout protocol
services.volumes: path snapshot
services.health: path tcp command timeout interval headers
services.resources: cpus memory
services.develop: run mount sync target port watch restart
accessories: image kind provides forms url port volume environment command entrypoint secrets version
accessories.health: path tcp command timeout interval headers
accessories.file: path volume
database: image lock_timeout statement_timeout lock_retries lock_pause
database.snapshot: when keep
registry: user password token
pipeline: run image.name image.build.folder image.build.dockerfile image.build.target image.build.args build prove needs accessories
pipeline: inputs outputs reports timeout retries caches env resources.cpus resources.memory
environments: replicas environment secrets optional_secrets seed.service seed.run seed.secrets seed.each launch.wait standby standby_auto retain
environments.before_switch: service run secrets timeout
environments.after_deploy: service run secrets timeout
environments.schedules: service run at zone overlap timeout retries secrets
environments.strategy: kind batch steps hold
environments.backups: at zone volumes continuous.every verify_every
environments.watch: duration errors latency requests
environments.cdn: assets paths tags command.service command.run command.secrets command.timeout
: inputs
prove: timeout traffic secrets
"""
NAMES = "app file services.name services.volumes.name accessories.name pipeline.name checks.name environments.name prove.exercise.name environments.schedules.name environments.trigger.branch"


def listed(text: str) -> set[str]:
    lines = [line.partition(": ") for line in text.strip().splitlines()]
    return {f"{begin}.{name}".lstrip(".") for begin, _, names in lines for name in names.split()}


def changed(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return f"{value}x"
    if isinstance(value, tuple):
        return (*value, changed(value[0]))
    assert isinstance(value, Mapping), f"the sample has no value to change: {value!r}"
    return {**value, "other": changed(next(iter(value.values())))}


def leaves(value: Any, path: str, put: Callable[[Any], domain.Plan]) -> Iterator[tuple[str, domain.Plan]]:
    """(path of a field, the whole plan with another value there)."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            name, own = field.name, getattr(value, field.name)
            yield from leaves(
                own, f"{path}.{name}".lstrip("."), lambda new, name=name: put(dataclasses.replace(value, **{name: new}))
            )  # type: ignore[misc]
    elif isinstance(value, Mapping) and dataclasses.is_dataclass(next(iter(value.values()))):
        ((key, item),) = value.items()
        yield from leaves(item, path, lambda new: put({key: new}))
    elif isinstance(value, tuple) and dataclasses.is_dataclass(value[0]):
        yield from leaves(value[0], path, lambda new: put((new,)))
    else:
        yield path, put(() if path == "environments.checks" else changed(value))


CHANGED = {path: plan for path, plan in leaves(FULL, "", lambda plan: plan) if path not in NAMES.split()}


def test_every_key_is_of_one_kind() -> None:
    kinds = [listed(ADMISSION), listed(REACH), listed(RUNS), listed(PREVIEWS), listed(REST)]
    assert sum(map(len, kinds)) == len(set().union(*kinds)), "one is listed twice"
    assert set(CHANGED) == set().union(*kinds), "say of each key which kind it is; see domain/rules.py"


@pytest.mark.parametrize("path", sorted(listed(ADMISSION) | listed(REACH)))
def test_a_rule_that_changes_is_seen(path: str) -> None:
    assert rules.differences(FULL, CHANGED[path], "production"), f"{path} has no line in ADMISSION or REACH"


@pytest.mark.parametrize("path", sorted(listed(REACH) - {"prove.mask"}))
def test_what_reaches_further_is_refused(path: str) -> None:
    found = rules.InForce("production", rules.RuleSet("main", "protected", "production", FULL))
    tighter = {"services.security.no_new_privileges"}  # of the sample, which has them off
    assert bool(rules.refused_reach(CHANGED[path], found)) == (path not in tighter)


@pytest.mark.parametrize("path", sorted(listed(REST)))
def test_the_rest_is_the_commits(path: str) -> None:
    assert rules.differences(FULL, CHANGED[path], "production") == []
    assert (
        rules.refused_reach(
            CHANGED[path], rules.InForce("production", rules.RuleSet("main", "protected", "production", FULL))
        )
        == []
    )
