"""Steps of a launch for what other commands do too: infrastructure, DNS records, and the first backup."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.actions.backups.take import backup
from shipway.actions.launches.launching import Launching
from shipway.actions.provisioning import certificate, dns, infra
from shipway.actions.provisioning.outputs import last_provision
from shipway.domain.backups import last_good
from shipway.domain.count import counted
from shipway.domain.errors import TimedOut, UsageError
from shipway.domain.provision import DESTROY
from shipway.domain.provisioned import NO_HOST
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class Infrastructure:
    """It was applied, by a plan that a person approved."""

    at: Launching
    name: str = "infrastructure"

    def would(self) -> Sequence[str]:
        if self.at.environment.infra is None:
            return []
        return [f"plans it, and waits for your approval of the plan: shipway infra {self.at.request.environment} apply"]

    def needed(self) -> str:
        if self.at.environment.infra is None:
            return ""
        last = last_provision(self.at.ctx, self.at.app, self.at.name)
        if last is not None and last.action == DESTROY:
            return "it was destroyed" + (" after the launch" if self.at.opened else "")
        if self.at.launched:
            return ""
        if last is None:
            return "it was never applied"
        return "its hosts are not known" if self._lacks_hosts() else ""

    def _lacks_hosts(self) -> bool:
        return any(host.name == NO_HOST for host in self.at.environment.hosts)

    def run(self) -> str:
        of = self.at.governed()
        plan = infra.plan_infra(of)
        if plan.is_empty:  # it was applied elsewhere
            infra.take_outputs(of)
            if self._lacks_hosts():
                raise UsageError(
                    f"the outputs of {of.shown} were stored: its hosts are known only now, and this launch began without them",
                    hint=f"launch again: shipway launch {of.shown}",
                )
            return "its outputs were stored"
        raise UsageError(
            f"the infrastructure of {of.shown} waits for approval:\n{plan.text or 'outputs only'}",
            hint=f"shipway infra {of.shown} apply {plan.short_digest}; then: shipway launch {of.shown}",
        )


@dataclass(frozen=True)
class Records:
    """The zone has the records of all names, and servers show them."""

    at: Launching
    name: str = "records"

    def would(self) -> Sequence[str]:
        return [f"adds them to {self.at.environment.dns.zone}"] if self.at.environment.dns else []

    def needed(self) -> str:
        if self.at.launched or self.at.environment.dns is None:
            return ""
        self.at.zone = dns.look(self.at.governed())
        plan = self.at.zone.plan
        lines = [item.text for item in plan.changes] + [f"{text}; someone else made it" for text in plan.foreign]
        return "; ".join(lines)

    def run(self) -> str:
        of = self.at.governed()
        seen = self.at.zone or dns.look(of)
        plan = seen.plan
        if plan.foreign:
            raise UsageError(
                f"records of {of.shown} are someone else's: {'; '.join(plan.foreign)}",
                hint=f"remove them, or: shipway dns {of.shown} --adopt NAME; then: shipway launch {of.shown}",
            )
        dns.apply_look(of, seen)
        if late := dns.wait_until_seen(of, plan.desired):
            raise TimedOut(
                f"the records are made, but {counted(len(late), 'answer')} of name servers still {'differs' if len(late) == 1 else 'differ'}",
                hint=f"look again later: shipway dns {of.shown}; then: shipway launch {of.shown}",
            )
        return f"{counted(len(plan.changes), 'change')} in {plan.zone}"


@dataclass(frozen=True)
class Issued:
    """There is a certificate for all names, if Shipway obtains it by DNS."""

    at: Launching
    name: str = "certificate by DNS"

    def would(self) -> Sequence[str]:
        where = self.at.environment
        return [f"obtains a certificate for {', '.join(where.certified_names)}"] if where.by_dns else []

    def needed(self) -> str:
        where, ctx = self.at.environment, self.at.ctx
        if self.at.launched or not where.by_dns:
            return ""
        return certificate.lacking(ctx, self.at.app, where)

    def run(self) -> str:
        return f"valid for {', '.join(certificate.obtain(self.at.governed()).held.names)}"


@dataclass(frozen=True)
class FirstBackup:
    """There is a verified backup of what was launched."""

    at: Launching
    name: str = "backup"

    def would(self) -> Sequence[str]:
        settings = self.at.environment.backups
        return [f"writes one to {settings.to}, and verifies it"] if settings else []

    def needed(self) -> str:
        if self.at.launched or self.at.environment.backups is None:
            return ""
        good = last_good(self.at.ctx.ledger.backups(self.at.app, self.at.name))
        return "" if good is not None and good.started > self.at.ended else "there is no verified one"

    def run(self) -> str:
        return backup(self.at.ctx, self.at.app, self.at.name, "before the launch").name
