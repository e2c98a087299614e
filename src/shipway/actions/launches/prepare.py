"""The steps before a deployment: rules, secrets, hosts, ports and names."""

from __future__ import annotations

import secrets as random
from collections.abc import Sequence

from shipway.actions.deployments.admission import refused_before
from shipway.actions.environment.disk_space import SPARE
from shipway.actions.environment.observe import needed, optional, require_secrets
from shipway.actions.launches.launching import Launching, addresses_of, is_here, require_soon, resolved
from shipway.actions.projects.in_force import Rulebook
from shipway.actions.provisioning.outputs import outputs_of
from shipway.domain import names
from shipway.domain.desired import publish
from shipway.domain.errors import DiskFull, EdgeError, EngineError, SecretError, ShipwayError
from shipway.domain.launch import name_problem
from shipway.domain.plan import LOCAL
from shipway.domain.provisioned import ADDRESSES
from shipway.domain.secret_value import provider_for
from shipway.domain.size import readable
from shipway.domain.value import dataclass
from shipway.system.durations import human
from shipway.system.generated import is_admin_password, is_generated
from shipway.system.parallel import side_by_side


@dataclass(frozen=True)
class Rules:
    """The app is registered, and its rules accept this commit."""

    at: Launching
    name: str = "rules"

    def would(self) -> Sequence[str]:
        return [f"registers {self.at.app}, unless it is, and reads the rules in force"]

    def needed(self) -> str:
        if self.at.launched:
            return ""
        if self.at.ctx.ledger.registration(self.at.app) is None:
            return "the app is not registered"
        self._check(self.at.book)
        return ""

    def run(self) -> str:
        book = self.at.request.rules(True)
        self._check(book)
        return f"rules of {book.source}"

    def _check(self, book: Rulebook) -> None:
        """GateRefused before any host of the commit's plan is asked."""
        request = self.at.request
        in_force = book.of(self.at.ctx, self.at.name)
        refused_before(book, in_force, request.commit, request.plan, request.ref, hosts_later=True)


@dataclass(frozen=True)
class Secrets:
    """All secrets that a deployment and the launch itself need are set, or a provider has them."""

    at: Launching
    name: str = "secrets"

    def missing(self) -> list[str]:
        known = self.at.ctx.secrets.names(names.scope(self.at.plan.app, self.at.environment.name))
        return [name for name in self._used() if name not in known]

    def _used(self) -> list[str]:
        """Names that the ledger must have."""
        plan, where = self.at.plan, self.at.environment
        unset = optional(plan, where)
        used = [name for name in needed(plan, where) if name not in unset]
        found = [name for name in used if provider_for(where, name) is None]
        found += [name for name in self._of_accounts() if name not in used]
        return list(dict.fromkeys(found))

    def _of_accounts(self) -> list[str]:
        """Names that later steps of a launch take from the ledger, whatever providers have."""
        where = self.at.environment
        if self.at.launched:
            return []
        return [*(where.dns.secrets.values() if where.dns else ()), *(where.backups.secrets if where.backups else ())]

    def _generated(self, missing: Sequence[str]) -> list[str]:
        """Those of them for which any random value is right."""
        return [name for name in missing if is_generated(name) and name not in self._of_accounts()]

    def would(self) -> Sequence[str]:
        own = self._generated(self.missing())
        found = [f"shipway secret set {self.at.name} {name}" for name in self.missing()]
        if not found and (used := self._used()):
            return [f"needs {', '.join(used)}"]
        return [*found, *([f"or with --generate, random values for {', '.join(own)}"] if own else [])]

    def needed(self) -> str:
        missing = self.missing()
        return f"not set: {', '.join(missing)}" if missing else ""

    def run(self) -> str:
        ctx, request, made = self.at.ctx, self.at.request, list[str]()
        for name in self._generated(self.missing()) if request.generate else ():
            value = random.token_urlsafe(32)
            ctx.secrets.set(names.scope(self.at.app, self.at.name), name, value)
            made.append(name)
            if is_admin_password(name):
                request.generated(name, value)
        left = self.missing()
        if left:
            own = self._generated(left)
            more = f"\nor pass --generate for random values of {', '.join(own)}" if own else ""
            commands = "\n".join(f"  shipway secret set {self.at.name} {name}" for name in left)
            raise SecretError(f"{self.at.name} lacks {', '.join(left)}", hint=f"set them:\n{commands}{more}")
        require_secrets(ctx, self.at.plan, self.at.environment, fetched_later=True, certified_later=True)
        return f"generated {', '.join(made)}"


@dataclass(frozen=True)
class Hosts:
    """Every host answers, and has room."""

    at: Launching
    name: str = "hosts"

    def would(self) -> Sequence[str]:
        return [f"needs an engine and {readable(SPARE)} of disk on {host.name}" for host in self.at.environment.hosts]

    def _problem(self) -> ShipwayError | None:
        """Of the first host that has one. All are asked at once: to connect takes a while."""
        found = side_by_side(lambda host: self._problem_of(host.name), self.at.environment.hosts)
        return next((problem for problem in found if problem), None)

    def _problem_of(self, host: str) -> ShipwayError | None:
        try:
            here = self.at.ctx.on(host)
            here.runtime.ping()
            free = here.runtime.free_space()
        except EngineError as error:
            return error
        if free is not None and free < SPARE:
            return DiskFull(
                f"{host} has {readable(free)} of free disk, and needs {readable(SPARE)} and room for the images",
                hint="shipway prune",
            )
        return None

    def needed(self) -> str:
        found = self._problem()
        return found.message if found else ""

    def run(self) -> str:
        if found := self._problem():
            raise found
        return "they answer"


@dataclass(frozen=True)
class Ports:
    """The public ports are free, or the edge's."""

    at: Launching
    name: str = "ports"

    def would(self) -> Sequence[str]:
        where = self.at.environment
        return [
            f"needs {port.address}:{port.host_port} on {host.name}" for host in where.hosts for port in publish(where)
        ]

    def _taken(self) -> list[str]:
        found = side_by_side(lambda host: self._taken_on(host.name), self.at.environment.hosts)
        return [port for ports in found for port in ports]

    def _taken_on(self, host: str) -> list[str]:
        here = self.at.ctx.on(host)
        own = here.edge.ports()
        numbers = [port.host_port for port in publish(self.at.environment)]
        return [
            f"port {number} of {host}"
            for number in numbers
            if number not in own and here.machine.probe_tcp("127.0.0.1", number, 1.0).ok
        ]

    def needed(self) -> str:
        taken = self._taken()
        return f"another program listens on {', '.join(taken)}" if taken else ""

    def run(self) -> str:
        if taken := self._taken():
            numbers = sorted({item.split()[1] for item in taken})
            hint = (
                f"`ss -tlnp sport = :{numbers[0]}` on the host shows it: end it, or give {self.at.name} another `url`"
            )
            raise EdgeError(f"another program listens on {', '.join(taken)}", hint=hint)
        return "they are free"


@dataclass(frozen=True)
class DnsNames:
    """The names resolve to the hosts."""

    at: Launching
    name: str = "names"

    def would(self) -> Sequence[str]:
        where = self.at.environment
        return [f"needs {name} to resolve to {', '.join(host.name for host in where.hosts)}" for name in self._names()]

    def _names(self) -> list[str]:
        where = self.at.environment
        return list(dict.fromkeys(name for name in (*where.exact_names, *where.redirects) if not name.startswith("*")))

    def _problems(self) -> list[str]:
        where, found = self.at.environment, list[str]()
        expected, unknown = self._expected()
        local = any(host.name == LOCAL for host in where.hosts)
        for name in self._names():
            seen = resolved(name)
            if self.at.request.any_address and seen:
                continue
            here = [address for address in seen if local and is_here(address)]
            problem = name_problem(name, seen, [*expected, *here])
            found += [problem] if problem else []
        return [*found, *(unknown if found else ())]

    def _expected(self) -> tuple[list[str], list[str]]:
        """Addresses to which the names may lead, and why those of some hosts are not known."""
        at, where = self.at, self.at.environment
        found, unknown = list(outputs_of(at.ctx, at.app, at.name).get(ADDRESSES, ())), list[str]()
        if where.dns:
            found += [*where.dns.addresses, *(resolved(where.dns.target) if where.dns.target else ())]
        for host in where.hosts:
            if host.name != LOCAL:
                addresses, why = addresses_of(at.ctx, host.name)
                found += addresses
                unknown += [why] if why else []
        return found, unknown

    def needed(self) -> str:
        return "; ".join(self._problems())

    def run(self) -> str:
        wait = self.at.environment.launch.wait
        again = f"shipway launch {self.at.name}"
        hint = f"set the records, then: {again}; behind a proxy or NAT: {again} --any-address"
        require_soon(self.at.ctx, self._problems, wait, "names to resolve", f"after {human(wait)}", hint)
        return "they resolve"
