"""What an environment in a cluster can't have."""

from __future__ import annotations

from collections.abc import Iterator

from shipway.domain.launch import Launch
from shipway.domain.plan import Environment, Plan
from shipway.domain.platform import KUBERNETES
from shipway.domain.strategy import Watch
from shipway.planfile.report import Report

HOSTS = "`platform: docker` with hosts"


def check(plan: Plan, report: Report) -> None:
    """All rules of this module."""
    for environment in plan.environments.values():
        if environment.platform == KUBERNETES:
            for key, message, instead in _problems(environment, plan):
                report.error(("environments", environment.name, *key.split(".")), message, instead)
    if plan.previews and (like := plan.environments.get(plan.previews.like)) and like.platform == KUBERNETES:
        report.error(
            ("previews", "like"), f"`{like.name}` is in a cluster, where previews don't run", "another environment"
        )


def _problems(environment: Environment, plan: Plan) -> Iterator[tuple[str, str, str]]:
    """Key, message, and what to write instead."""
    if plan.registry is None:
        yield (
            "platform",
            "the nodes of a cluster can't pull from Shipway's own registry",
            "`registry:` at the top of the plan",
        )
    kind, gateway = environment.strategy.kind, environment.cluster.gateway
    if kind == "canary" and not gateway:
        message = "`canary` is not available with an Ingress, which leads all requests to one release"
        yield "strategy", message, "`strategy: blue-green`, or none; or `platform: {kubernetes: {gateway: …}}`"
    elif kind == "rolling":
        message = f"`{environment.strategy.kind}` is not available in a cluster, where a release takes over all at once"
        yield "strategy", message, "`strategy: blue-green`, or none" + (", or `canary`" if gateway else "")
    if environment.watch != Watch():
        yield "watch", "requests are not counted in a cluster", "no `watch`; `checks` run after a deployment"
    yield from _addresses(environment)
    if environment.backups:
        yield "backups", "Shipway takes no backups in a cluster", f"no `backups`; or {HOSTS}"
    if environment.launch != Launch():
        yield "launch", "the page before a launch is shown by Shipway's edge", "no `launch`"
    for service in plan.services.values():
        if service.assets:
            yield "platform", f"`{service.name}` has `assets`, which a cluster can't share between releases", HOSTS
        if any(volume.folder for volume in service.volumes.values()):
            yield "platform", f"`{service.name}` mounts a folder of a host", "a volume with a name"
    database = plan.database
    accessory = plan.accessories.get(database.accessory) if database else None
    if accessory is not None and accessory.file is not None:
        yield "platform", "a database in a file has one host", "a database with a server, such as `image: postgres:16`"
    if database is not None and database.on_start:
        message = "a program that migrates when it starts would do so in several pods at once"
        yield "platform", message, "a `database: {tool: …}` that Shipway runs before the release starts"


def _addresses(environment: Environment) -> Iterator[tuple[str, str, str]]:
    """Likewise, of what leads requests to the environment."""
    gateway = environment.cluster.gateway
    if gateway and environment.cluster.ingress_class:
        message = "there is no Ingress beside a Gateway, which `ingress_class` could be of"
        yield "platform.kubernetes.gateway", message, "`gateway`, or `ingress_class`"
    if environment.access.text != "everyone":
        if gateway:
            yield (
                "access",
                "who may enter is up to the Gateway of the cluster",
                "no `access`; a policy of its controller",
            )
        else:
            yield (
                "access",
                "who may enter is up to the Ingress of the cluster",
                "no `access`; annotations of the Ingress",
            )
    if environment.redirects and not gateway:
        yield (
            "redirects",
            "an Ingress has no redirects",
            "no `redirects`, those of the Ingress controller, or a `gateway`",
        )
    if environment.tls and environment.tls.internal:
        place = "a listener of the Gateway" if gateway else "the Secret `tls` of the namespace"
        yield "tls", f"the certificate is in {place}, which the cluster provides", "no `tls`"
    if environment.dns:
        leads = "Gateway's" if gateway else "Ingress's"
        yield "dns", f"the address of a cluster is its {leads}, which Shipway doesn't know", "no `dns`"
