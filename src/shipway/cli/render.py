"""`shipway render`."""

from __future__ import annotations

import re

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say
from shipway.domain.platform import GATEWAY, NAMESPACE


@click.command()
@click.argument("environment")
@click.argument("release", required=False)
@click.option(
    "--format", "form", type=click.Choice(["kubernetes"]), default="kubernetes", show_default=True, help="As what"
)
@click.option("--namespace", metavar="NAME", help="The namespace [the plan's, else APP-ENVIRONMENT]")
@click.option("--ingress-class", metavar="NAME", help="The class of the Ingress [the plan's, else the cluster's]")
@click.option(
    "--gateway", metavar="NAME", help="NAME or NAMESPACE/NAME of a Gateway, in place of an Ingress [the plan's]"
)
@click.option("--storage", metavar="SIZE", help="The size of each volume [the plan's, else 10Gi]")
@click.option("--rbac", is_flag=True, help="Print the rights that Shipway needs in the namespace instead")
@app_option
@click.pass_obj
def render(
    options: Globals, environment: str, release: str | None, form: str, namespace: str | None, ingress_class: str | None,
    gateway: str | None, storage: str | None, rbac: bool, app: str | None,
) -> None:  # fmt: skip
    """Print RELEASE in ENVIRONMENT as objects of Kubernetes, in YAML, for a repository that Argo CD or Flux watches.

    RELEASE is a number or a version [the one that runs there, else the newest]. Secrets are referenced and not printed:
    which must exist, and what the objects can't say, is told on stderr. Shipway applies nothing. --rbac prints the
    namespace, and an account in it that may do there what a deployment does, and nothing else.
    """
    from shipway.actions.operations.render import render as spec_of
    from shipway.app import migration_command, open_context, rendered, rights
    from shipway.domain.errors import UsageError

    if ingress_class and gateway:
        raise UsageError(
            "--ingress-class is of an Ingress, in whose place --gateway puts routes", hint="give one of them"
        )
    if gateway is not None and not re.fullmatch(GATEWAY, gateway):
        raise UsageError(f"--gateway {gateway!r} is no name of a Gateway", hint="NAME, or NAMESPACE/NAME")
    if namespace is not None and not re.fullmatch(NAMESPACE, namespace):
        raise UsageError(
            f"--namespace {namespace!r} is no name of a namespace", hint="small letters, digits and dashes, at most 63"
        )
    if rbac and release:
        raise UsageError("--rbac prints rights, which are the same for every release", hint="leave RELEASE out")
    with open_context(options.home, TerminalReporter(), actor="reader") as ctx:
        known = options.known_app(ctx, app)
        if rbac:
            _, where = known.with_plan(environment)
            space = namespace or where.cluster.namespace_of(known.name, where.name)
            led = gateway or ("" if ingress_class else where.cluster.gateway)
            return say(rights(form, known.name, where.name, space, led or None).rstrip("\n"))
        spec = spec_of(known, environment, release, migration_command)
        own = spec.cluster
        found = rendered(
            form, spec, namespace=namespace or own.namespace_of(spec.app, spec.environment),
            ingress_class=ingress_class or ("" if gateway else own.ingress_class) or None,
            gateway=gateway or ("" if ingress_class else own.gateway) or None, storage=storage or own.storage,
        )  # fmt: skip
        say(found.text.rstrip("\n"))
        for line in found.left_out:
            say(f"not in it: {line}", err=True)
        if found.secrets:
            listed = ", ".join(found.secrets)
            say(f"Secrets that must exist in {found.namespace}, each with the key `value`: {listed}", err=True)
            first = f"kubectl -n {found.namespace} create secret generic {found.secrets[0]}"
            say(f"  {first} --from-file=value=/dev/stdin", err=True)
