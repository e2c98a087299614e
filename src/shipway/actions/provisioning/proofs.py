"""A challenge's records, which prove to a CA the control of names: placed beside others, waited for, and always removed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence

from shipway.actions.environment.locks import held
from shipway.actions.provisioning.in_force import Governed
from shipway.context import Context
from shipway.domain import certificate
from shipway.domain.dns import RecordChange, RecordSet
from shipway.domain.errors import DnsError
from shipway.domain.provision import APPLY, CHALLENGE, FAILED, SUCCEEDED, Provision
from shipway.domain.provisioned import Dns
from shipway.domain.value import dataclass
from shipway.ports import DnsLookup, DnsProvider
from shipway.system.login import login

SEEN = 180.0  # seconds until all authoritative servers must show the records
PAUSE = 2.0  # seconds between two questions
WAIT = 30.0  # seconds for another environment with a challenge in the same zone


@dataclass(frozen=True)
class Zone:
    """The zone of an environment."""

    of: Governed
    settings: Dns
    provider: DnsProvider
    lookup: DnsLookup
    seconds: float = SEEN
    pause: float = PAUSE

    def prove(self, wanted: Mapping[str, Sequence[str]]) -> None:
        """Place these texts by name, and wait until all authoritative servers show them. DnsError if they don't in time."""
        texts = {name: sorted(found) for name, found in wanted.items()}
        ledger, ctx = self.of.ctx.ledger, self.of.ctx
        detail = json.dumps(texts, sort_keys=True)
        ledger.begin_provision(
            Provision(
                0, self.of.plan.app, self.of.environment.name, CHALLENGE, APPLY, self.settings.zone, self.of.revision,
                ctx.actor, login(), detail, ledger.now(),
            )
        )  # fmt: skip
        self.change(lambda records: certificate.placed(records, texts))
        self._wait(texts)

    def change(self, decide: Callable[[Sequence[RecordSet]], Sequence[RecordChange]]) -> None:
        """Read the zone and change it. One process at a time: several environments may share a name's record."""
        zone = self.settings.zone
        with held(self.of.ctx, f"zones/{zone}", f"challenge in {zone}", wait=WAIT):
            self.provider.apply(zone, decide(self.provider.records(zone)))

    def _wait(self, texts: Mapping[str, Sequence[str]]) -> None:
        servers = self.settings.servers or tuple(self.lookup.servers(self.settings.zone))
        waiting, end = [(server, name) for server in servers for name in texts], time.monotonic() + self.seconds
        if not servers:
            raise DnsError(
                f"{self.settings.zone} has no authoritative server that can be asked",
                hint="is the zone's name correct? Or list its servers as `dns.servers` in the plan",
            )
        while True:
            seen = {(server, name): self.lookup.ask(server, "authoritative", name, "TXT") for server, name in waiting}
            waiting = [key for key, found in seen.items() if not set(texts[key[1]]) <= set(found.values or ())]
            if not waiting:
                return
            if time.monotonic() + self.pause > end or self.of.ctx.cancelled.wait(self.pause):
                listed = "; ".join(
                    f"{server}: {seen[server, name].problem or f'no {name}'}" for server, name in waiting
                )
                raise DnsError(
                    f"not all servers of {self.settings.zone} show the challenge's records: {listed}",
                    hint="correct these servers, or list others as `dns.servers` in the plan; the next attempt asks again",
                )


def remains(ctx: Context, app: str, environment: str) -> list[Provision]:
    """Challenges whose records may still be in a zone."""
    return [item for item in ctx.ledger.provisions(app, environment, CHALLENGE) if item.finished is None]


def clear(zone: Zone) -> None:
    """Remove the records of the environment's challenges, also those of a process that died. Texts of others stay."""
    ctx, app, name = zone.of.ctx, zone.of.plan.app, zone.of.environment.name
    for item in remains(ctx, app, name):
        if item.digest != zone.settings.zone:
            message = (
                f"the plan has another zone now; remove these TXT records from {item.digest} yourself: {item.detail}"
            )
            ctx.ledger.end_provision(item.id, ctx.ledger.now(), FAILED, message)
            ctx.reporter.note(f"{zone.of.shown}: {message}")
            continue
        gone = json.loads(item.detail)
        zone.change(lambda records, gone=gone: certificate.removed(records, gone))  # type: ignore[misc]
        ctx.ledger.end_provision(item.id, ctx.ledger.now(), SUCCEEDED)
