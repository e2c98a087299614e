"""DNS records and infrastructure of environments."""

from __future__ import annotations

from shipway.domain.plan import Dns, Environment, Infra, Plan
from shipway.domain.provisioned import ADDRESSES, HOSTS
from shipway.planfile.report import Path, Report


def check(plan: Plan, report: Report) -> None:
    """All rules of this module."""
    for environment in plan.environments.values():
        at = ("environments", environment.name)
        if environment.dns is not None:
            _dns(environment, environment.dns, (*at, "dns"), report)
        if environment.infra is not None:
            _infra(environment.infra, (*at, "infra"), report)
            if HOSTS in environment.infra.outputs and report.written((*at, "hosts")):
                message = "the infrastructure's output `hosts` replaces them"
                report.error((*at, "hosts"), message, "either `hosts` or `infra.outputs.hosts`")


def _dns(environment: Environment, dns: Dns, at: Path, report: Report) -> None:
    if dns.target and dns.addresses:
        report.error((*at, "target"), "is given beside `addresses`", "either `target` or `addresses`")
    names = (*environment.public_names, *environment.redirects)
    if environment.url and dns.zone and not any(name == dns.zone or name.endswith(f".{dns.zone}") for name in names):
        report.error((*at, "zone"), f"no name of the environment is in `{dns.zone}`", "the zone of its `url`")
    if dns.target and dns.zone in names:
        message = f"`{dns.zone}` can't lead to a name: a zone's own name has no CNAME"
        report.error((*at, "target"), message, "`addresses`")
    for key in dns.secrets:
        if key in dns.options:
            report.error((*at, "secrets", key), "is in `options` too", "each argument once")


def _infra(infra: Infra, at: Path, report: Report) -> None:
    if infra.tool == "command" and not infra.run:
        report.error(at, "the tool `command` requires `run`", "`run: ./provision`")
    if infra.tool != "command" and infra.run:
        report.error((*at, "run"), f"`{infra.tool}` takes no command", "`tool: command`, or no `run`")
    if infra.tool == "cloudformation":
        for key, example in (("stack", "catalogue-production"), ("region", "eu-central-1")):
            if not getattr(infra, key):
                report.error(at, f"the tool `cloudformation` requires `{key}`", f"`{key}: {example}`")
        for index, name in enumerate(infra.secrets):
            if not name.startswith(("AWS_", "CFN_PARAMETER_")):
                message = f"`{name}` is neither a credential of AWS nor a parameter of the template"
                report.error(
                    (*at, "secrets", index), message, "AWS_ACCESS_KEY_ID, or CFN_PARAMETER_Password for `Password`"
                )
    else:
        for key in ("stack", "region", "template", "capabilities"):
            if report.written((*at, key)):
                report.error((*at, key), f"`{infra.tool}` takes no `{key}`", f"`tool: cloudformation`, or no `{key}`")
    taken = [output for name, output in infra.outputs.items() if name in (HOSTS, ADDRESSES)]
    for name, output in infra.outputs.items():
        if name not in (HOSTS, ADDRESSES) and output in taken:
            report.error((*at, "outputs", name), f"`{output}` is public already", "an output of its own")
