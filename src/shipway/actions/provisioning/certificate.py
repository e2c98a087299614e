"""The certificate of an environment by DNS-01: obtain it if it is due, and put it in place at every edge.

A challenge's records are in the ledger before they are placed in the zone. What a dead process left there, the next attempt
removes first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import field

from shipway.actions.environment.everywhere import everywhere
from shipway.actions.environment.locks import held
from shipway.actions.provisioning.at_edges import place
from shipway.actions.provisioning.dns import settings_of
from shipway.actions.provisioning.in_force import Governed, secret_values
from shipway.actions.provisioning.proofs import Zone, clear, remains
from shipway.actions.schedules.live import Live, live, runs_here
from shipway.context import Context
from shipway.domain import certificate, names
from shipway.domain.certificate import ACCOUNT, BUNDLE, Held
from shipway.domain.errors import CertificateError, LeaseHeld, PlanError, ShipwayError
from shipway.domain.plan import Environment
from shipway.domain.provision import APPLY, CERTIFICATE, FAILED, SUCCEEDED, Provision
from shipway.domain.release import digest_of
from shipway.domain.routing import Tls
from shipway.domain.value import dataclass
from shipway.ports import CertificateAuthority
from shipway.system.login import login

WAIT = 60.0  # seconds for another process that obtains it
ATTEMPTS = 20  # newest ones that decide when the next may begin


@dataclass(frozen=True)
class Obtained:
    """The certificate after an attempt."""

    held: Held
    why: str  # it was obtained; empty: the present one does
    hosts: tuple[str, ...] = field(default=())  # whose edge serves it only since now


def obtain(of: Governed, *, renew: bool = False) -> Obtained:
    """Obtain it if there is none, if it is due or lacks a name, or with `renew`; then put it in place where the environment
    runs. After an error the present one stays, and the ledger has the reason."""
    app, name, ctx = of.plan.app, of.environment.name, of.ctx
    if not of.environment.by_dns:
        raise PlanError(
            f"{of.source} doesn't ask for a certificate of {of.shown} by DNS",
            hint="set `tls: {challenge: dns}` and `dns` in the environment on the protected branch, see docs/https-and-edge.md",
        )
    with held(ctx, f"{names.scope(app, name)}/certificate", f"certificate of {of.shown}", wait=WAIT):
        here = live(ctx, app, name)
        wanted = names_of(of, here)
        detail = ", ".join(wanted)
        number = _begin(ctx, app, name, detail, of.revision, ca_of(of.environment))
        outcome, message, retry = FAILED, "interrupted", 0.0
        try:
            found = _obtain(of, here, wanted, renew)
            outcome, message = SUCCEEDED, ""
            return found
        except ShipwayError as error:
            message = f"{error.message}; {error.hint}" if error.hint else error.message
            retry = error.retry if isinstance(error, CertificateError) else 0.0
            raise
        finally:
            _end(ctx, number, outcome, message, retry)


def ca_of(environment: Environment) -> str:
    """The CA of its plan, as attempts record it."""
    return digest_of((environment.tls or Tls()).server or "")


def _begin(ctx: Context, app: str, environment: str, detail: str, revision: str, ca: str = "") -> int:
    began = ctx.ledger.now()
    return ctx.ledger.begin_provision(
        Provision(0, app, environment, CERTIFICATE, APPLY, ca, revision, ctx.actor, login(), detail, began)
    )


def _end(ctx: Context, number: int, outcome: str, message: str, retry: float = 0.0) -> None:
    outputs = {certificate.RETRY: [str(retry)]} if retry else None
    ctx.ledger.end_provision(number, ctx.ledger.now(), outcome, ctx.redactor.text(message), outputs)


def _obtain(of: Governed, here: Live | None, wanted: Sequence[str], renew: bool) -> Obtained:
    ctx, scope = of.ctx, names.scope(of.plan.app, of.environment.name)
    authority = _authority(ctx, of.environment.tls)
    zone = _zone(of)
    clear(zone)
    found = held_by(ctx, authority, scope)
    last = ctx.ledger.provisions(of.plan.app, of.environment.name, CERTIFICATE, 1, outcome=SUCCEEDED)
    other = "it is of another CA than the plan's" if last and last[0].digest != ca_of(of.environment) else ""
    why = certificate.reason(found, wanted, ctx.ledger.now()) or other or ("requested" if renew else "")
    if why:
        bundle, found = _issue(of, zone, authority, wanted)
        ctx.redactor.add({"private key": certificate.pair(bundle)["key"]})
        ctx.secrets.set(scope, BUNDLE, bundle)
    assert found is not None
    hosts = place(ctx, here, ctx.secrets.get(scope, BUNDLE) or "") if here else []
    return Obtained(found, why, tuple(hosts))


def names_of(of: Governed, here: Live | None) -> list[str]:
    """All names that need it: of the protected plan, and of what runs. CertificateError if one is outside of the zone."""
    zone = settings_of(of).zone
    running = here.place.certified_names if here and here.place.by_dns else ()
    own = of.environment.certified_names
    if missing := certificate.outside(own, zone):
        raise CertificateError(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} outside of the zone {zone} of {of.shown}, so no "
            "certificate by DNS can be for it",
            hint="take it out of the environment's names, or use your own certificate: `tls: {certificate: …, key: …}`",
        )
    outside = certificate.outside(running, zone)
    return certificate.covering([*own, *(name for name in running if name not in outside)])


def held_by(ctx: Context, authority: CertificateAuthority, scope: str) -> Held | None:
    """The present certificate of an environment."""
    bundle = ctx.secrets.get(scope, BUNDLE)
    if bundle is None:
        return None
    ctx.redactor.add({"private key": certificate.pair(bundle)["key"]})
    return authority.read(bundle)


def _issue(of: Governed, zone: Zone, authority: CertificateAuthority, wanted: Sequence[str]) -> tuple[str, Held]:
    ctx, scope = of.ctx, names.scope(of.plan.app, of.environment.name)
    account = ctx.secrets.get(scope, ACCOUNT)
    if account is None:
        account = authority.new_account()
        ctx.redactor.add({"account key": account})
        ctx.secrets.set(scope, ACCOUNT, account)
    ctx.redactor.add({"account key": account})
    try:
        bundle = authority.issue(account, wanted, zone.prove)
    except BaseException:
        with suppress(ShipwayError):  # it stays recorded, and the next attempt removes it
            clear(zone)
        raise
    clear(zone)
    found, now = authority.read(bundle), ctx.ledger.now()
    if found is None or found.lacks(wanted):
        raise CertificateError(
            f"the CA issued a certificate that is not for {', '.join(wanted)}; it is not used",
            hint="ask the CA why, or choose another by `tls.server`",
        )
    if not found.begins - certificate.SKEW < now < found.expires:
        raise CertificateError(
            "the CA issued a certificate that is not valid by this machine's clock; it is not used",
            hint="set the clock, as by `timedatectl set-ntp true`",
        )
    return bundle, found


def _authority(ctx: Context, tls: Tls | None) -> CertificateAuthority:
    assert ctx.authority is not None
    return ctx.authority(tls or Tls())


def _zone(of: Governed) -> Zone:
    settings = settings_of(of)
    assert of.ctx.dns is not None
    assert of.ctx.lookup is not None
    provider = of.ctx.dns(settings, secret_values(of, dict(settings.secrets), "the DNS provider"))
    return Zone(of, settings, provider, of.ctx.lookup())


def renew_due(ctx: Context, app: str | None, governed: Callable[[str, str], Governed]) -> None:
    """Renew all that are due, and try again what has failed, with growing pauses. governed: an environment of an app as the
    protected branch has it. Errors of an environment don't stop the others, and are raised together at the end."""

    def renew(app: str, environment: str) -> None:
        here = live(ctx, app, environment)
        if here is None or not here.place.by_dns or not is_due(ctx, here):
            return
        if not runs_here(ctx.on(here.host), app, environment):
            return  # on another machine that shares the ledger
        attempts = ctx.ledger.provisions(app, environment, CERTIFICATE, 1)
        try:
            found = obtain(governed(app, environment))
        except LeaseHeld:
            raise
        except ShipwayError as error:  # recorded, so that it isn't asked for each minute
            if ctx.ledger.provisions(app, environment, CERTIFICATE, 1) == attempts:
                _end(ctx, _begin(ctx, app, environment, "", ""), FAILED, error.message)
            raise
        if found.why or found.hosts:
            on = f", in place on {', '.join(found.hosts)}" if found.hosts else ""
            ctx.reporter.note(f"{app}/{environment}: certificate {'renewed' if found.why else 'unchanged'}{on}")

    everywhere(ctx, app, renew)


def is_due(ctx: Context, here: Live) -> bool:
    """Whether an attempt may bring something now."""
    app, name, now = here.release.app, here.place.name, ctx.ledger.now()
    attempts = ctx.ledger.provisions(app, name, CERTIFICATE, ATTEMPTS)
    if now < certificate.next_attempt(attempts, now):
        return False
    unfinished = not attempts or attempts[0].outcome != SUCCEEDED or remains(ctx, app, name)
    if unfinished:
        return True
    return bool(lacking(ctx, app, here.place))


def lacking(ctx: Context, app: str, environment: Environment) -> str:
    """Why an environment needs another certificate now; empty if the present one does."""
    found = held_by(ctx, _authority(ctx, environment.tls), names.scope(app, environment.name))
    return certificate.reason(found, environment.certified_names, ctx.ledger.now())
