"""The DNS records of an environment: show what to change, apply exactly that, and wait until visitors see it."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from functools import partial

from shipway.actions.environment.locks import held
from shipway.actions.provisioning.in_force import Governed, secret_values
from shipway.actions.provisioning.outputs import outputs_of
from shipway.context import Context
from shipway.domain import dns, names
from shipway.domain.dns import DnsPlan, RecordSet, Sighting
from shipway.domain.errors import DnsError, PlanError, UsageError
from shipway.domain.plan import Environment
from shipway.domain.provision import APPLY, DESTROY, DNS, FAILED, SUCCEEDED, Provision
from shipway.domain.provisioned import ADDRESSES, Dns
from shipway.domain.value import dataclass
from shipway.ports import DnsLookup, DnsProvider
from shipway.system.login import login
from shipway.system.parallel import side_by_side

PAUSE = 2.0  # seconds between two questions to a server
WAIT = 120.0  # seconds
OWNER_DIGITS = 12  # of the ledger's identity in a mark


def settings_of(of: Governed) -> Dns:
    """The environment's `dns`. PlanError if it has none."""
    if of.environment.dns is None:
        raise PlanError(
            f"the plan of {of.plan.app} has no `dns` for {of.shown}",
            hint="add `dns` to the environment on the protected branch, see docs/dns.md",
        )
    return of.environment.dns


def causes_of(environment: Environment) -> dict[str, str]:
    """All host names that visitors use, with the key of the plan that has them."""
    found = {environment.domain: "url"}
    found |= {name: "aliases" for name in environment.aliases if name not in found}
    for service, further in environment.domains.items():
        found |= {name: f"domains of {service}" for name in further if name not in found}
    return found | {name: "redirects" for name in environment.redirects if name not in found}


def plan_dns(
    of: Governed, *, ttl: float | None = None, adopt: Collection[str] = (), remove: bool = False
) -> DnsPlan:  # fmt: skip
    """What to change in the zone. ttl: seconds, in place of the plan's. adopt: names whose present records become ours.
    remove: all records of the environment that Shipway made go."""
    settings = dns.with_ttl(settings_of(of), ttl)
    return _planned(of, settings, _provider(of, settings), adopt, remove)


def apply_dns(
    of: Governed, digest: str, *, ttl: float | None = None, adopt: Collection[str] = (), remove: bool = False
) -> DnsPlan:
    """Make the changes that were shown with this digest, or its beginning. DnsError if they are others by now."""
    return _apply(of, digest, dns.with_ttl(settings_of(of), ttl), adopt, remove, None)


@dataclass(frozen=True)
class Look:
    """What to change in the zone, for the same process to apply at once."""

    plan: DnsPlan
    revision: str  # of the protected branch
    last: int  # the newest change of records that the ledger had; 0: none


def look(of: Governed) -> Look:
    """Plan, and remember what was changed so far."""
    last = _last(of)
    return Look(plan_dns(of), of.revision, last)


def apply_look(of: Governed, seen: Look) -> DnsPlan:
    """Make the changes of a look. The zone is read again only if its records or the protected branch were changed meanwhile:
    DnsError if that made other changes of them."""
    return _apply(of, seen.plan.digest, settings_of(of), (), False, seen)


def _last(of: Governed) -> int:
    found = of.ctx.ledger.provisions(of.plan.app, of.environment.name, DNS, 1)
    return found[0].id if found else 0


def _apply(
    of: Governed, digest: str, settings: Dns, adopt: Collection[str], remove: bool, seen: Look | None
) -> DnsPlan:
    app, name, ctx = of.plan.app, of.environment.name, of.ctx
    with held(ctx, f"{names.scope(app, name)}/dns", f"DNS of {of.shown}"):
        provider = _provider(of, settings)
        same = seen is not None and (seen.revision, seen.last) == (of.revision, _last(of))
        plan = seen.plan if seen and same else _planned(of, settings, provider, adopt, remove)
        if not plan.is_approved_by(digest):
            raise DnsError(
                f"the changes are not those of {digest[:19]}: the zone or the plan was changed since, or the options differ",
                hint=f"look at the changes again: shipway dns {of.shown}{' --remove' if remove else ''}",
            )
        if not plan.changes and not remove:
            return plan
        number = ctx.ledger.begin_provision(
            Provision(
                0, app, name, DNS, DESTROY if remove else APPLY, plan.digest, of.revision, ctx.actor, login(), plan.text, ctx.clock()
            )
        )  # fmt: skip
        outcome, message = FAILED, "interrupted; what is missing is shown by the next plan"
        try:
            for group in dns.stages(plan):
                provider.apply(settings.zone, group)
            outcome, message = SUCCEEDED, ""
        except DnsError as error:
            message = error.message
            raise
        finally:
            ctx.ledger.end_provision(number, ctx.clock(), outcome, message)
        return plan


def wait_until_seen(
    of: Governed, desired: Sequence[RecordSet], *, seconds: float = WAIT, pause: float = PAUSE
) -> list[tuple[Sighting, RecordSet]]:
    """Ask the authoritative servers, and then the public resolvers, until all show the desired records or the time has
    passed. Returns the answers that differ."""
    settings, ctx = settings_of(of), of.ctx
    assert ctx.lookup is not None
    lookup, end = ctx.lookup(), time.monotonic() + seconds
    servers = settings.servers or tuple(lookup.servers(settings.zone))
    wrong: list[tuple[Sighting, RecordSet]] = []
    for role, asked in (("authoritative", servers), ("resolver", settings.resolvers)):
        remaining = [(server, item) for server in asked for item in desired]
        with ctx.part(f"{role}s" if role == "resolver" else "authoritative", ", ".join(asked)):
            while remaining:
                ask = partial(_ask, lookup, role)
                seen = side_by_side(ask, remaining)
                late = [(found, pair) for found, pair in zip(seen, remaining, strict=True) if not found.shows(pair[1])]
                remaining = [pair for _, pair in late]
                if not late or time.monotonic() + pause > end or ctx.cancelled.wait(pause):
                    wrong += [(found, item) for found, (_, item) in late]
                    break
    return wrong


def _ask(lookup: DnsLookup, role: str, pair: tuple[str, RecordSet]) -> Sighting:
    server, item = pair
    return lookup.ask(server, role, dns.probe_name(item.name), item.kind)


def unfinished(of: Governed) -> Provision | None:
    """A change of records whose process died; the plan shows what is missing of it."""
    last = of.ctx.ledger.provisions(of.plan.app, of.environment.name, DNS, 1)
    return last[0] if last and last[0].finished is None else None


def _provider(of: Governed, settings: Dns) -> DnsProvider:
    assert of.ctx.dns is not None
    return of.ctx.dns(settings, secret_values(of, dict(settings.secrets), "the DNS provider"))


def _planned(
    of: Governed, settings: Dns, provider: DnsProvider, adopt: Collection[str], remove: bool = False
) -> DnsPlan:
    if remove:
        return dns.changes(settings.zone, owner_of(of), provider.records(settings.zone), (), {})
    causes = causes_of(of.environment)
    given = settings.target or settings.addresses
    addresses = () if given else addresses_of(of.ctx, of.plan.app, of.environment)
    desired, outside = dns.desired_records(settings, causes, addresses)
    plan = dns.changes(settings.zone, owner_of(of), provider.records(settings.zone), desired, causes, adopt)
    return DnsPlan(plan.zone, plan.changes, plan.foreign, tuple(outside), plan.desired)


def addresses_of(ctx: Context, app: str, environment: Environment) -> list[str]:
    """Public addresses: of the infrastructure's last apply, else IP addresses of the hosts, in the plan or as ssh's configuration
    has them. UsageError if only some of the hosts have one: the others would get no visitors."""
    outputs = outputs_of(ctx, app, environment.name)
    if outputs.get(ADDRESSES):
        return list(outputs[ADDRESSES])
    found, unknown = list[str](), list[str]()
    for host in environment.hosts:
        address, why = _address_of(ctx, host.name)
        found += [address] if address else []
        unknown += [f"{host.name}: {why}"] if not address else []
    if unknown:
        raise UsageError(
            f"the public addresses of the hosts are not known: {'; '.join(unknown)}",
            hint="set `dns.addresses` in the plan, or `infra.outputs.addresses` if the infrastructure has them as an output",
        )
    return found


def _address_of(ctx: Context, host: str) -> tuple[str, str]:
    """The IP address of a host, and why it is not known."""
    if found := dns.host_address(host):
        return found, ""
    if not host.startswith("ssh://"):
        return "", "its name has no address"
    at = ctx.locate(host)
    if at.through:
        return "", f"ssh connects to it through {at.through}, so {at.address} may be no public address"
    return dns.ip_address(at.address), f"{at.address} is a name, not an IP address"


def owner_of(of: Governed) -> str:
    """As in marks: the ledger, the app and the environment's first name."""
    return f"{of.ctx.ledger.identity()[:OWNER_DIGITS]}/{of.plan.app}/{of.environment.name}"
