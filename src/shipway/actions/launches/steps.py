"""THE table of a launch's steps: each observes first, does what is missing, and can be run again after any crash."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.actions.deployments.admission import after_of
from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.seeds import is_due
from shipway.actions.environment.at_edge import at_edge_of
from shipway.actions.launches.launching import Launching, Step, require_soon
from shipway.actions.launches.opening import is_closed, open_address, untested
from shipway.actions.launches.prepare import DnsNames, Hosts, Ports, Rules, Secrets
from shipway.actions.launches.provision import FirstBackup, Infrastructure, Issued, Records
from shipway.actions.launches.seed import seed_again
from shipway.actions.launches.system_test import require_passed, system_test
from shipway.actions.launches.testing import authorities
from shipway.actions.runs.run import build
from shipway.domain import names
from shipway.domain.errors import UsageError
from shipway.domain.launch import OPEN
from shipway.domain.release import Trigger
from shipway.domain.tasks import ENVIRONMENT
from shipway.domain.value import dataclass
from shipway.system.visitor import Visitor

CERTIFICATE = 180.0  # seconds to wait for a certificate


@dataclass(frozen=True)
class Build:
    """There is a release of this commit."""

    at: Launching
    name: str = "release"

    def would(self) -> Sequence[str]:
        return [f"runs the pipeline for {self.at.request.commit.revision[:12]}, and pushes its images"]

    def needed(self) -> str:
        request = self.at.request
        if self.at.launched:
            return ""
        in_force = self.at.book.of(self.at.ctx, self.at.name)
        if after_of(in_force):
            return ""  # of one that comes after another environment, the deployment says what is missing
        built = self.at.ctx.ledger.releases_of(self.at.app, request.commit.tree)
        where = [item.plan.environments[self.at.name] for item in built if self.at.name in item.plan.environments]
        hosts = request.plan.environments[self.at.name].hosts
        if any(item.hosts == hosts for item in where):
            return ""
        if built:
            return "it was built for other hosts"
        return f"none was built from {request.commit.revision[:12]}"

    def run(self) -> str:
        ctx, request = self.at.ctx, self.at.request
        trigger = Trigger("manual", request.ref, ctx.actor)
        number = build(
            ctx,
            request.repository,
            request.commit,
            request.plan,
            trigger,
            self.at.book.of(ctx, self.at.name),
            self.at.book,
        )
        return f"run {number}"


@dataclass(frozen=True)
class Deploy:
    """The commit's release runs, behind a page that visitors see until the end."""

    at: Launching
    name: str = "deployment"

    def would(self) -> Sequence[str]:
        plan, where = self.at.plan, self.at.environment
        found = ["starts accessories and services; visitors see a page until all is tested"]
        found += [f"migrates {plan.database.accessory} by {plan.database.tool}"] if plan.database else []
        found += [f"runs the seed `{where.seed.run}`"] if where.seed and is_due(self.at.ctx, plan.app, where) else []
        return found + [f"runs `{task.run}`" for task in (*where.before_switch, *where.after_deploy)]

    def needed(self) -> str:
        if self.at.launched:
            return ""
        tree, now, release = self.at.request.commit.tree, self.at.current, self.at.release
        if self.at.ctx.ledger.pending(self.at.app, self.at.name):
            return "a deployment is unfinished"
        if now is None or release is None or release.tree != tree:
            return "the release doesn't run there yet"
        moved = release.plan.environments[self.at.name].hosts != self.at.environment.hosts
        return "it ran on hosts that are gone" if moved or now.started <= self.at.ended else ""

    def run(self) -> str:
        order = self.at.order()
        deploy(self.at.ctx, order)
        return f"release {order.release.number}"


@dataclass(frozen=True)
class Seed:
    """A seed that runs once has run: usually as part of the deployment."""

    at: Launching
    name: str = "data"

    def would(self) -> Sequence[str]:
        seed = self.at.environment.seed
        return [f"runs the seed `{seed.run}`, with the deployment"] if seed and seed.each == ENVIRONMENT else []

    def needed(self) -> str:
        release = self.at.release
        where = release.plan.environments.get(self.at.name) if release else self.at.environment
        if self.at.launched or where is None or where.seed is None or where.seed.each != ENVIRONMENT:
            return ""
        return "it has not run yet" if is_due(self.at.ctx, self.at.app, where) else ""

    def run(self) -> str:
        seed_again(self.at.ctx, self.at.app, self.at.name)
        return "it ran"


@dataclass(frozen=True)
class Certificate:
    """The address has a certificate that visitors accept."""

    at: Launching
    name: str = "certificate"

    def would(self) -> Sequence[str]:
        where = self.at.environment
        return [f"waits for a valid certificate of {', '.join(where.exact_names)}"] if where.scheme == "https" else []

    def _problems(self) -> list[str]:
        where, found = self.at.environment, list[str]()
        if where.scheme != "https":
            return found
        for host in where.hosts:
            here = self.at.ctx.on(host.name)
            if here.edge.routes(names.route_owner(self.at.app, where.name)) is None:
                continue
            at_edge = Visitor(at_edge_of(here), authorities(here, where))
            seen = {name: at_edge.handshake(name, where.port) for name in where.exact_names}
            found += [f"{name}: {item.problem}" for name, item in seen.items() if item.problem]
        return found

    def needed(self) -> str:
        if self.at.current is None and self.at.environment.scheme == "https":
            return "nothing serves the address yet"
        return "; ".join(self._problems())

    def run(self) -> str:
        hint = "the CA must reach port 443 under that name; the edge's log says why it refused"
        require_soon(self.at.ctx, self._problems, CERTIFICATE, "the certificate", "no valid certificate", hint)
        return "it is valid"


@dataclass(frozen=True)
class Tested:
    """The system test has passed for what runs."""

    at: Launching
    name: str = "system test"

    def would(self) -> Sequence[str]:
        where = self.at.environment
        load = [f"sends {where.launch.load.text}"] if where.launch.load else []
        return [
            f"runs {len(where.checks)} checks and {len(where.launch.scenarios)} scenarios, and looks at the address",
            *load,
        ]

    def needed(self) -> str:
        return "" if self.at.launched else untested(self.at.ctx, self.at.app, self.at.name)

    def run(self) -> str:
        book = self.at.book
        self.at.tested = system_test(self.at.ctx, self.at.app, self.at.name, book.of(self.at.ctx, self.at.name))
        require_passed(
            self.at.tested,
            f"commit what corrects it, and: shipway launch {self.at.name}; until then visitors see a page",
        )
        return self.at.tested.headline


@dataclass(frozen=True)
class Open:
    """Visitors get in."""

    at: Launching
    name: str = OPEN

    def would(self) -> Sequence[str]:
        return [f"{self.at.environment.url} serves visitors"]

    def needed(self) -> str:
        if self.at.launched:
            return ""
        return (
            "visitors see a page"
            if self.at.current and is_closed(self.at.ctx, self.at.app, self.at.environment)
            else "it is not launched"
        )

    def run(self) -> str:
        if self.at.current is None:
            raise UsageError(f"nothing runs in {self.at.name}", hint=f"shipway launch {self.at.name}")
        return open_address(self.at.ctx, self.at.app, self.at.environment)


def steps_of(at: Launching) -> list[Step]:
    """THE table."""
    return [
        Rules(at), Infrastructure(at), Secrets(at), Hosts(at), Ports(at), Records(at), Issued(at), DnsNames(at), Build(at), Deploy(at), Seed(at),
        Certificate(at), Tested(at), FirstBackup(at), Open(at),
    ]  # fmt: skip
