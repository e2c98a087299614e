"""Environments: their hosts, triggers, and order."""

from __future__ import annotations

from shipway.domain import rights
from shipway.domain.accessory import provided
from shipway.domain.names import BUILDS, PROOFS, REGISTRY
from shipway.domain.plan import Environment, Plan
from shipway.domain.platform import KUBERNETES, context_and_namespace
from shipway.domain.routing import is_local
from shipway.planfile.cdn import problems
from shipway.planfile.report import Path, Report
from shipway.planfile.rules import backups
from shipway.planfile.rules.references import all_known, cycles, known, ring


def check(plan: Plan, report: Report) -> None:
    """All rules of this module."""
    for environment in plan.environments.values():
        at = ("environments", environment.name)
        if environment.name in (PROOFS, REGISTRY, BUILDS):
            report.error(
                at,
                f"`{environment.name}` is reserved: `shipway secret` uses this name for other secrets",
                "another name",
            )
        _order(environment, at, report)
        _overrides(environment, plan, at, report)
        _hosts(environment, plan, at, report)
        _strategy(environment, at, report)
        if environment.url:
            _certificate(environment, at, report)
        backups.check(environment, plan, (*at, "backups"), report)
        _own_secrets(environment, plan, at, report)
        all_known(report, (*at, "checks"), environment.checks, "checks", "check")
        _commands(environment, at, report)
        _freezes(environment, (*at, "freeze"), report)
        _hotfix(environment, (*at, "hotfix"), report)
        _cdn(environment, plan, (*at, "cdn"), report)
    after = {item.name: (item.after,) for item in plan.environments.values() if item.after}
    for names in cycles(after):
        if len(names) > 1:
            message = f"the environments depend on each other: {ring(names)}"
            report.error(("environments", names[0], "after"), message, "one environment without `after`")
    _one_each(plan, report)


def _hotfix(environment: Environment, at: Path, report: Report) -> None:
    asked = environment.hotfix.approvals
    if not asked:
        return
    if environment.after is None:
        report.error(at, "has no meaning without `after`, which a hotfix skips", "no `hotfix`, or `after:` too")
    elif asked <= environment.approvals.count:
        least = environment.approvals.count + 1
        report.error((*at, "approvals"), f"`{asked}` is no approval more than other releases need", f"{least} or more")


def _freezes(environment: Environment, at: Path, report: Report) -> None:
    from shipway.system.freezes import require_valid

    for index, item in enumerate(environment.freeze):
        place = (*at, index) if report.written((*at, index)) else at
        if not (item.start and item.end):
            continue  # reported already
        try:
            require_valid(item)
        except ValueError as error:
            report.error(place, str(error), "two weekdays with times, or two dates, the earlier one first")


def _commands(environment: Environment, at: Path, report: Report) -> None:
    if environment.seed:
        known(report, (*at, "seed", "service"), environment.seed.service, "services", "service")
    scenarios = report.names(("prove", "scenarios"))
    for index, name in enumerate(environment.launch.scenarios):
        if name not in scenarios:
            listed = (
                f"one of {', '.join(scenarios)}"
                if scenarios
                else "a name under `prove: {scenarios: …}`, which has none yet"
            )
            place = (*at, "launch", "scenarios", index)
            report.error(place if report.written(place) else place[:-1], f"there is no scenario `{name}`", listed)
    for name, schedule in environment.schedules.items():
        known(report, (*at, "schedules", name, "service"), schedule.service, "services", "service")
    for key, items in (("before_switch", environment.before_switch), ("after_deploy", environment.after_deploy)):
        for index, task in enumerate(items):
            one = (*at, key, index)
            known(
                report, (*(one if report.written(one) else (*at, key)), "service"), task.service, "services", "service"
            )


def _cdn(environment: Environment, plan: Plan, at: Path, report: Report) -> None:
    if environment.cdn is None:
        return
    for key, message, expected in problems(environment.cdn):
        report.error((*at, key), message, expected)
    if environment.cdn.command:
        known(report, (*at, "command", "service"), environment.cdn.command.service, "services", "service")
    for name, path in environment.cdn.assets.items():
        where = (*at, "assets", name)
        known(report, where, name, "services", "service")
        service = plan.services.get(name)
        if service is not None and not service.assets:
            report.error(where, f"the service `{name}` has no `assets` folder", "a service with `assets:`")
        elif service is not None and service.route and not f"{path}/".startswith(f"{service.route.rstrip('/')}/"):
            report.error(where, f"`{path}` is not below the route `{service.route}` of the service", "a path below it")


def _own_secrets(environment: Environment, plan: Plan, at: Path, report: Report) -> None:
    """A container with such a secret could do what Shipway itself does with it; the rules in force refuse that too."""
    held, given = rights.secrets_of_operators(environment), rights.secrets_of_containers(plan, environment)
    for name in sorted(held.keys() & given.keys()):
        message = f"`{name}` is for Shipway itself, and is also given to {given[name]}, which could then use it as well"
        report.error((*at, held[name]), message, "two names: a secret of its own for each")


def _order(environment: Environment, at: Path, report: Report) -> None:
    if environment.after == environment.name:
        report.error(
            (*at, "after"), "an environment can't come after itself", "the environment that is deployed before it"
        )
    elif environment.after:
        known(report, (*at, "after"), environment.after, "environments", "environment")
    elif environment.trigger.tag and not report.written((*at, "after")):
        message = "deploys on a tag, but has no `after`: its releases are not validated in another environment"
        report.warn((*at, "on"), message, "`after:` the environment where releases are validated first")


def _hosts(environment: Environment, plan: Plan, at: Path, report: Report) -> None:
    names = [host.name for host in environment.hosts]
    for index, name in enumerate(names):
        if name in names[:index]:
            report.error((*at, "hosts", index), f"`{name}` is listed twice", "each host once")
    if environment.platform == KUBERNETES and report.written((*at, "hosts")):
        message = "has no effect with `platform: kubernetes`, whose nodes the cluster chooses"
        report.error((*at, "hosts"), message, "no `hosts`; the cluster is `platform: {kubernetes: {context: …}}`")
    if environment.placed:
        for service in plan.services.values():
            if service.assets:
                message = f"`{service.name}` has `assets`, which a swarm can't share between releases"
                report.error((*at, "platform"), message, "`platform: docker`, or a service without `assets`")
    elif len(names) > 1 and plan.own_accessories and environment.hosts[0].address is None:
        message = "the other hosts can't reach the accessories, which run on the first host"
        report.error((*at, "hosts", 0), message, "`{host: …, address: …}` with an address that the other hosts reach")


def _certificate(environment: Environment, at: Path, report: Report) -> None:
    tls, certificate = environment.tls, environment.certificate or {"internal": True}
    if tls and environment.scheme != "https":
        report.error((*at, "tls"), "has no effect with http", "a `url` with https, or no `tls`")
    elif tls and tls.certificate and (tls.acme or tls.server):
        report.error(
            (*at, "tls"), "has both your own certificate and a CA", "either `certificate` and `key`, or `acme`"
        )
    elif tls and tls.certificate and tls.challenge:
        report.error(
            (*at, "tls"),
            "has both your own certificate and a challenge",
            "either `certificate` and `key`, or `challenge`",
        )
    elif tls and tls.challenge and environment.dns is None:
        message = "places records in the environment's zone, which the plan doesn't name"
        report.error((*at, "tls", "challenge"), message, "`dns: {provider: …, zone: …}` in the environment, see dns.md")
    elif "acme" in certificate and environment.port != 443:
        message = "the CA validates on port 443, where this environment doesn't listen"
        report.error((*at, "url"), message, "an address without a port, or `tls: internal`")
    elif ("acme" in certificate or environment.by_dns) and is_local(environment.domain) and not (tls and tls.server):
        message = f"Let's Encrypt issues no certificate for `{environment.domain}`, which isn't a public name"
        report.error((*at, "tls"), message, "`tls: internal`, or a `server` that does")


def _strategy(environment: Environment, at: Path, report: Report) -> None:
    strategy, where = environment.strategy, (*at, "strategy")
    for key, kind in (("steps", "canary"), ("hold", "canary"), ("batch", "rolling")):
        if strategy.kind != kind and report.written((*where, key)):
            report.error((*where, key), f"has no effect with {strategy.kind}", f"`kind: {kind}`, or no `{key}`")
    if list(strategy.steps) != sorted(set(strategy.steps)):
        report.error(
            (*where, "steps"), "are not in increasing order", "shares from small to large, such as [5%, 25%, 50%]"
        )
    if environment.watch.latency and strategy.kind != "canary":
        message = "compares a canary with the previous release, but the strategy is not canary"
        report.error((*at, "watch", "latency"), message, "`strategy: canary`, or no `latency`")


def _overrides(environment: Environment, plan: Plan, at: Path, report: Report) -> None:
    for name in environment.replicas:
        known(report, (*at, "replicas", name), name, "services", "service")
    for name in environment.secrets:
        services = [service.name for service in plan.services.values() if name in service.environment]
        if name in environment.environment or services:
            where = f"of the service `{services[0]}`" if services else "of the environment"
            report.error((*at, "secrets"), f"`{name}` is also a variable {where}", "each name once")
    for name in environment.environment:
        services = [service.name for service in plan.services.values() if name in service.secrets]
        if services:
            message = f"`{name}` is also a secret of the service `{services[0]}`"
            report.error((*at, "environment", name), message, "each name once: in `secrets` if it is confidential")
        provider = next((item.name for item in plan.accessories.values() if name in provided(item)), None)
        if provider:
            report.warn((*at, "environment", name), f"overrides the address that the accessory `{provider}` provides")


def _one_each(plan: Plan, report: Report) -> None:
    """Two environments can't share an address or a namespace, and a push or a tag deploys at most one."""
    owners: dict[tuple[str, object], str] = {}
    for environment in plan.environments.values():
        trigger = environment.trigger
        claims: list[tuple[str, object, str]] = []
        if environment.url:
            message = f"`{environment.url}` is already the address of"
            claims.append(("url", (environment.domain, environment.port), message))
            if environment.scheme == "https" and environment.port == 443:  # see `publish` in domain.specify
                claims.append(
                    ("url", (environment.domain, 80), f"`http://{environment.domain}` is already the address of")
                )
        if environment.platform == KUBERNETES:
            there = environment.hosts[0].name
            claims.append(
                (
                    "platform",
                    ("cluster", there),
                    f"the namespace `{context_and_namespace(there)[1]}` is already that of",
                )
            )
        if trigger.tag:
            claims.append(("on", ("tag", trigger.tag), f"the tags `{trigger.tag}` already deploy"))
        else:
            claims += [
                ("on", ("branch", branch), f"the branch `{branch}` already deploys") for branch in trigger.branches
            ]
        for key, claim, message in claims:
            owner = owners.setdefault((key, claim), environment.name)
            if owner != environment.name:
                place = ("environments", environment.name, key)
                detail = claim[0] if key == "on" and isinstance(claim, tuple) else None
                where = (*place, detail) if detail else place
                report.error(where, f"{message} `{owner}`", "a different one for each environment")
