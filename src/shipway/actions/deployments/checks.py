"""Run the plan's checks against a running environment, and its seed command."""

from __future__ import annotations

import dataclasses
from collections import deque
from contextlib import AbstractContextManager

from shipway.actions.environment.ownership import Ownership
from shipway.actions.environment.service_job import service_job
from shipway.actions.environment.tool_container import TIMEOUT
from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import ContainerSpec
from shipway.domain.desired import Settings, public_url
from shipway.domain.errors import DeployFailed, StepFailed
from shipway.domain.plan import Check, Environment, Security
from shipway.domain.release import Evidence, Release
from shipway.steps.container import TIMED_OUT, run_container
from shipway.system.tars import of_files

TAIL = 15
AUTHORITY = "/shipway-authority.pem"  # in a check's container: the CA certificate of the environment's address
TRUSTED_BY = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
)  # OpenSSL, requests, curl, Node


def check_image(name: str) -> str:
    """Key of a check's own image among the images of a release."""
    return f"check:{name}"


def image_of(release: Release, check: Check) -> str:
    """Image that a check runs in: a named one, or one built for the release. "": it was not built."""
    return check.image.name or release.images.get(check_image(check.name), "")


def run_check(ctx: Context, release: Release, environment: Environment, check: Check) -> None:
    """Run one check through the edge and record the evidence. DeployFailed if it fails."""
    name, image = check.name, image_of(release, check)
    spec = ContainerSpec(
        name=f"{release.app}_{environment.name}_check",
        image=image,
        labels=names.labels(release.app, environment.name, "job", name),
        entrypoint=("sh", "-c"),
        command=(check.run,),
        security=Security(),
        env={"URL": environment.url, "SHIPWAY_ENVIRONMENT": environment.name, **check.env},
    )
    authority = ctx.edge.authority() if (environment.certificate or {}).get("internal") else None
    if authority:
        spec = dataclasses.replace(spec, env={**dict.fromkeys(TRUSTED_BY, AUTHORITY), **spec.env})
    lines: deque[str] = deque(maxlen=TAIL)

    def trust(container: str) -> None:
        if authority:
            ctx.runtime.put(container, "/", iter([of_files({AUTHORITY: authority.encode()})]))

    def on_line(line: str) -> None:
        lines.append(line)
        ctx.reporter.line(name, line)

    with ctx.part(name, check.run):
        ctx.images.pull(image, lambda line: None)
        with visitor(ctx, release, environment) as network_of:
            visiting = dataclasses.replace(spec, network_of=network_of)
            code = run_container(ctx, visiting, on_line=on_line, timeout=check.timeout, before=trust)
        detail = "passed" if code == 0 else _why(code, check.timeout)
        evidence = Evidence(
            release.app, release.number, environment.name, "check", name, code == 0, detail, ctx.clock()
        )
        ctx.ledger.add_evidence(evidence)
        if code != 0:
            raise DeployFailed(f"check {name} {detail} on {environment.name}\n" + "\n".join(lines))


def visitor(ctx: Context, release: Release, environment: Environment) -> AbstractContextManager[str]:
    """Container whose network a check shares: it reaches the public address, but no other container."""
    owner = names.route_owner(release.app, environment.name)
    labels = {**names.labels(release.app, environment.name, "job", "visit"), **Ownership.of(ctx).label}
    return ctx.edge.visit(owner, public_url(environment), names.visit_network(release.app, environment.name), labels)


def run_seed(ctx: Context, release: Release, environment: Environment, settings: Settings) -> None:
    """Run the seed command in the release's image. StepFailed if it fails."""
    seed = environment.seed
    assert seed is not None
    extra = {name: settings.secrets[name] for name in seed.secrets}
    job = service_job(release, environment, settings, seed.service, extra, volumes=True)
    spec = dataclasses.replace(job, entrypoint=("sh", "-c"), command=(seed.run,))
    code = run_container(ctx, spec, on_line=lambda line: ctx.reporter.line("seed", line), timeout=TIMEOUT)
    if code != 0:
        raise StepFailed(f"the seed `{seed.run}` {_why(code, TIMEOUT)}")


def _why(code: int, timeout: float) -> str:
    return f"timed out after {timeout:g} s" if code == TIMED_OUT else f"exited with {code}"
