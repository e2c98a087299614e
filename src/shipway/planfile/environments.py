"""The environments of a plan file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shipway.domain import plan as domain
from shipway.domain import routing, strategy
from shipway.domain.gating import Freeze, Hotfix, Requirements
from shipway.domain.platform import KUBERNETES, SWARM, ClusterSettings
from shipway.planfile import values as v
from shipway.planfile.backups import BACKUPS
from shipway.planfile.cdn import CDN
from shipway.planfile.commands import LAUNCH, SCHEDULE, SEED, TASK
from shipway.planfile.kinds import Choice, Number, Several, Text
from shipway.planfile.mappings import ByName, Record
from shipway.planfile.provisioned import DNS, INFRA
from shipway.planfile.secret_sources import SOURCES
from shipway.planfile.secrets import ENVIRONMENT_SECRET, Secret


def trigger(
    branches: tuple[str, ...] = (), tag: Mapping[str, Any] | None = None, manual: bool = False
) -> domain.Trigger:
    """The keys of `tag` are added to the branches."""
    return domain.Trigger(branches=branches, manual=manual, **(tag or {}))


TAGS = Record(
    dict,
    {"match": v.TAG, "except": Several(v.TAG), "versions": v.VERSIONS},
    required=("match",),
    renamed={"match": "tag", "except": "except_tags"},
    short=("tag", v.TAG),
)
TRIGGER = Record(
    trigger,
    {"branch": Several(v.BRANCH, filled=True), "tag": TAGS},
    required=("branch",),
    renamed={"branch": "branches"},
    short=("manual", Choice({"manual": True}, "manual, {branch: NAME}, or {tag: PATTERN, branch: NAME}")),
)
APPROVALS = Record(
    domain.Approvals,
    {"count": v.POSITIVE, "not": Choice({"author": True}), "expire": v.DURATION, "signed": v.TRUE, "signers": v.PATH},
    required=("count",),
    together={"signers": ("signed",)},
    renamed={"not": "not_author"},
    short=("count", Number("the number of people who must approve, from 1 to 100", 1, 100)),
)


def moment(text: str) -> str:
    """A time at which a freeze begins or ends, unchanged. ValueError if it is none."""
    from shipway.system.freezes import require_moment

    require_moment(text)
    return text


MOMENT = Text(
    "a weekday and a time, such as Fri 16:00; or a date, such as 2026-12-20, also with a time", convert=moment
)
FREEZE = Record(
    Freeze, {"from": MOMENT, "to": MOMENT, "zone": v.ZONE}, required=("from", "to"),
    renamed={"from": "start", "to": "end"},
)  # fmt: skip
STATUS = Text("the name of a commit status, such as ci/test", r"^\S(.{0,253}\S)?$")
REQUIRE = Record(
    Requirements,
    {
        "statuses": Several(STATUS, filled=True),
        "reviews": Number("the number of people who must review, from 1 to 100", 1, 100),
        "signed": v.TRUE,
        "sbom": v.TRUE,
    },
    one_or_more=("statuses", "reviews", "signed", "sbom"),
)
HOTFIX = Record(
    Hotfix,
    {"approvals": Number("the number of people who must approve a hotfix, from 1 to 101", 1, 101)},
    required=("approvals",),
)
HOST = Record(
    domain.Host,
    {"host": v.HOST, "address": v.HOST_ADDRESS},
    required=("host",),
    renamed={"host": "name"},
    short=("host", v.HOST),
)
STRATEGIES = Choice({kind: kind for kind in ("blue-green", "rolling", "canary")})
STRATEGY = Record(
    strategy.Strategy,
    {"kind": STRATEGIES, "batch": v.POSITIVE, "steps": Several(v.SHARE, filled=True), "hold": v.DURATION},
    required=("kind",),
    short=("kind", STRATEGIES),
)
WATCH = Record(
    strategy.Watch,
    {"duration": v.DURATION, "errors": v.SHARE_OR_NONE, "latency": v.TIMES, "requests": v.POSITIVE},
    short=("duration", v.DURATION),
)
TLS = Record(
    routing.Tls,
    {
        "acme": v.EMAIL,
        "server": v.ACME_SERVER,
        "trust": v.CERTIFICATES,
        "certificate": v.SECRET,
        "key": v.SECRET,
        "challenge": Choice({"dns": "dns"}),
    },
    short=("internal", Choice({"internal": True})),
    together={"trust": ("server",), "certificate": ("key",), "key": ("certificate",)},
)
EDGE = Record(routing.EdgeSettings, {"trusted_proxies": Several(v.PROXIES)})
ACCESS = Record(routing.Access, {"users": v.SECRET, "allow": Several(v.CLIENTS, filled=True)})
HOST_NAMES = Several(v.HOST_NAME, filled=True)


CLUSTER = Record(
    ClusterSettings,
    {
        "context": v.CONTEXT, "namespace": v.NAMESPACE, "ingress_class": v.INGRESS_CLASS, "gateway": v.GATEWAY,
        "storage": v.STORAGE,
    },
)  # fmt: skip


def platform(name: str = "", kubernetes: ClusterSettings | None = None) -> tuple[str, ClusterSettings]:
    """Its name, with the settings of a cluster."""
    return (name, ClusterSettings()) if kubernetes is None else (KUBERNETES, kubernetes)


PLATFORM = Record(
    platform,
    {"kubernetes": CLUSTER},
    required=("kubernetes",),
    short=("name", Choice({"docker": "", "swarm": SWARM, "kubernetes": KUBERNETES})),
)


def environment(
    standby: float | None = None, secrets: tuple[Secret, ...] = (),
    platform: tuple[str, ClusterSettings] = ("", ClusterSettings()), **given: Any,
) -> domain.Environment:  # fmt: skip
    """Without `standby` in the plan, it depends on free memory."""
    auto = standby is None
    optional = tuple(str(item) for item in secrets if item.optional)
    given |= {"secrets": tuple(map(str, secrets)), "optional_secrets": optional}
    given |= {"platform": platform[0], "cluster": platform[1]}
    return domain.Environment(standby=domain.STANDBY if standby is None else standby, standby_auto=auto, **given)


ENVIRONMENT = Record(
    environment,
    {
        "on": TRIGGER,
        "url": v.PUBLIC_URL,
        "aliases": HOST_NAMES,
        "domains": ByName(HOST_NAMES, v.NAME_PATTERN, "names of services", "backend: api.example.com"),
        "redirects": HOST_NAMES,
        "access": ACCESS,
        "after": v.NAME,
        "approvals": APPROVALS,
        "freeze": Several(FREEZE, filled=True),
        "require": REQUIRE,
        "hotfix": HOTFIX,
        "hosts": Several(HOST, filled=True),
        "platform": PLATFORM,
        "replicas": ByName(v.POSITIVE, v.NAME_PATTERN, "names of services", "backend: 2"),
        "environment": v.VARIABLES,
        "secrets": Several(ENVIRONMENT_SECRET),
        "secrets_from": SOURCES,
        "seed": SEED,
        "launch": LAUNCH,
        "before_switch": Several(TASK),
        "after_deploy": Several(TASK),
        "schedules": ByName(
            SCHEDULE, v.NAME_PATTERN, v.NAME_WORDS, 'digest: {service: worker, run: ./digest, at: "0 6 * * 1"}'
        ),
        "backups": BACKUPS,
        "checks": Several(v.NAME),
        "standby": v.DURATION_OR_NONE,
        "strategy": STRATEGY,
        "watch": WATCH,
        "retain": v.COUNT,
        "tls": TLS,
        "edge": EDGE,
        "prove": Choice({"required": True, "off": False}),
        "dns": DNS,
        "infra": INFRA,
        "cdn": CDN,
    },
    required=("url",),
    renamed={"on": "trigger"},
    named=True,
)
