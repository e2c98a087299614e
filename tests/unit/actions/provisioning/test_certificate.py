"""Certificates by DNS: obtained, put in place at every edge, renewed in time; after any failure the present one stays."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.launches.launching import Launching, LaunchRequest
from shipway.actions.launches.provision import Issued
from shipway.actions.launches.steps import steps_of
from shipway.actions.operations.rotate import rotate
from shipway.actions.provisioning import certificate as action
from shipway.actions.provisioning.certificate import lacking, obtain, renew_due
from shipway.actions.provisioning.in_force import Governed
from shipway.actions.provisioning.proofs import remains
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.upkeep.status import status
from shipway.context import Context
from shipway.domain.certificate import ACCOUNT, BUNDLE, pair
from shipway.domain.dns import record_set
from shipway.domain.errors import CertificateError, DnsError, GateRefused, PlanError, SecretError
from shipway.domain.names import route_owner
from shipway.domain.plan import LOCAL, Host
from shipway.domain.provision import CERTIFICATE, FAILED, SUCCEEDED
from shipway.domain.provisioned import Dns
from shipway.domain.routing import Tls
from shipway.testing.memory_authority import DAYS, MemoryAuthority
from shipway.testing.memory_dns import MemoryDns
from tests.unit.domain import samples
from tests.unit.world import World

ZONE, CHALLENGE, SCOPE = "a.example", "_acme-challenge.a.example", "shop/staging"
OWNER = route_owner("shop", "staging")
STAGING = dataclasses.replace(
    samples.STAGING, url="https://a.example", aliases=("*.a.example",), tls=Tls(acme="ops@a.example"),
    dns=Dns("memory", ZONE, secrets={"api_key": "DNS_KEY"}, servers=("192.0.2.53", "192.0.2.54")),
    hosts=(Host(LOCAL), Host("ssh://two")),
)  # fmt: skip
FOREIGN = record_set(CHALLENGE, "TXT", 300, ["of someone else"])


class Shop:
    """An app on two hosts, its zone, and a CA."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder, [LOCAL, "ssh://two"])
        self.dns = MemoryDns({ZONE: [FOREIGN]})
        shown: Callable[[str], Any] = lambda name: self.dns.ask("x", "authoritative", name, "TXT").values or ()  # noqa: E731
        self.ca = MemoryAuthority(shown, lambda: self.world.now)
        self.secrets = self.world.secrets(self.world.ledger)
        self.secrets.set(SCOPE, "DNS_KEY", "right")
        self.place = STAGING

    def context(self) -> Context:
        found: Any = dataclasses.replace(
            self.world.controller(), dns=lambda settings, secrets: self.dns.open(secrets["api_key"]),
            lookup=lambda: self.dns, authority=lambda tls: self.ca,
        )  # fmt: skip
        return found

    def governed(self, *_: object) -> Governed:
        plan = dataclasses.replace(samples.PLAN, environments={"staging": self.place})
        return Governed(self.context(), plan, self.place, "main", "0123456789ab", "staging", lambda: None)  # type: ignore[arg-type, return-value]

    def tick(self, ctx: Context | None = None) -> None:
        renew_due(ctx or self.context(), None, self.governed)

    def deploy(self, number: int = 1) -> Any:
        made = self.world.release(number, environment=self.place)
        deploy(self.context(), DeployRequest(made, self.place))
        return made

    @property
    def bundle(self) -> str:
        return self.secrets.get(SCOPE, BUNDLE) or ""

    def served(self) -> list[str]:
        """The certificate that each edge has."""
        return [item.edge.tables[OWNER]["certificates"][0] for item in self.world.engines.values()]

    def proofs(self) -> tuple[str, ...]:
        return self.dns.zones[ZONE][CHALLENGE, "TXT"].values

    def outcomes(self) -> list[str]:
        return [item.outcome for item in self.world.ledger.provisions("shop", "staging", CERTIFICATE)]


@pytest.fixture
def shop(tmp_path: Path) -> Any:
    made = Shop(tmp_path)
    yield made
    made.world.close()


def test_a_deployment_needs_it_and_all_hosts_get_the_same(shop: Shop) -> None:
    with pytest.raises(SecretError, match="staging has no certificate yet") as caught:
        shop.deploy()
    assert "shipway certificate staging" in caught.value.hint
    found = obtain(shop.governed())
    assert (found.why, found.hosts, found.held.names) == ("there is none yet", (), ("a.example", "*.a.example"))
    shop.deploy()
    assert shop.served() == [pair(shop.bundle)] * 2
    assert "PRIVATE KEY" not in shop.served()[0]["certificate"]
    assert shop.proofs() == ("of someone else",)
    assert shop.dns.zones[ZONE][CHALLENGE, "TXT"] == FOREIGN
    again = obtain(shop.governed())
    assert (again.why, again.hosts, len(shop.ca.asked), len(shop.ca.accounts)) == ("", (), 1, 1)


def test_it_is_renewed_in_time_without_a_deployment(shop: Shop) -> None:
    obtain(shop.governed())
    made = shop.deploy()
    shop.tick()
    assert len(shop.ca.asked) == 1
    shop.world.now += 59 * DAYS
    shop.tick()
    assert len(shop.ca.asked) == 1
    before, deployments = shop.bundle, len(shop.world.ledger.deployments("shop", "staging"))
    shop.world.now += 1.1 * DAYS
    shop.tick()
    assert (len(shop.ca.asked), len(shop.ca.accounts)) == (2, 1)
    assert shop.bundle != before
    assert shop.served() == [pair(shop.bundle)] * 2
    assert len(shop.world.ledger.deployments("shop", "staging")) == deployments
    assert any("certificate renewed, in place on local, ssh://two" in note for note in shop.world.notes)

    # what runs later has the newest, a rollback too, and a rotation of secrets sees no change
    assert rotate(shop.context(), "shop", "staging").changed == ()
    shop.deploy(2)
    shop.world.now += 61 * DAYS
    shop.tick()
    rollback(shop.context(), "shop", "staging", RollbackRequest())
    assert shop.world.serving() == {made.number}
    assert shop.served() == [pair(shop.bundle)] * 2


def test_another_ca_in_the_plan_takes_its_place(shop: Shop) -> None:
    first = dataclasses.replace(STAGING, tls=Tls(acme="ops@a.example", server="https://staging.example/directory"))
    shop.place = first
    obtain(shop.governed())
    shop.place = STAGING
    shop.ca.fails = CertificateError("the CA is away")
    with pytest.raises(CertificateError):
        obtain(shop.governed())
    shop.ca.fails = None
    assert obtain(shop.governed()).why == "it is of another CA than the plan's"
    assert obtain(shop.governed()).why == ""


def test_a_key_for_a_certificate_of_six_days(shop: Shop) -> None:
    shop.ca.life = 6 * DAYS
    obtain(shop.governed())
    shop.deploy()
    shop.world.now += 3.9 * DAYS
    shop.tick()
    assert len(shop.ca.asked) == 1
    shop.world.now += 0.2 * DAYS
    shop.tick()
    assert len(shop.ca.asked) == 2


def test_a_further_name_is_certified_before_it_is_deployed(shop: Shop) -> None:
    obtain(shop.governed())
    shop.deploy()
    shop.place = dataclasses.replace(STAGING, redirects=("deep.www.a.example",))
    assert lacking(shop.context(), "shop", shop.place) == "it is not valid for deep.www.a.example"
    assert obtain(shop.governed()).hosts == (LOCAL, "ssh://two")
    assert shop.ca.asked[-1] == ["a.example", "*.a.example", "deep.www.a.example"]
    shop.place = dataclasses.replace(STAGING, aliases=())
    shop.ca.asked.clear()
    obtain(shop.governed(), renew=True) if shop.place.by_dns else None
    assert shop.ca.asked == [], "without a wildcard and `challenge`, the edge asks the CA itself"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("key", "refuses the key"),
        ("zone", "has no zone"),
        ("server", "not all servers of a.example show the challenge"),
    ],
)
def test_a_zone_that_can_not_be_used(shop: Shop, wrong: str, why: str) -> None:
    obtain(shop.governed())
    shop.deploy()
    before = shop.bundle
    shop.world.now += 70 * DAYS
    if wrong == "key":
        shop.secrets.set(SCOPE, "DNS_KEY", "wrong")
    elif wrong == "zone":
        zones, shop.dns.zones = shop.dns.zones, {}
    else:
        shop.dns.silent = {"192.0.2.54"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(action, "Zone", lambda *given: dataclasses.replace(_zone(*given), seconds=0.0))
        with pytest.raises(DnsError, match=why):
            shop.tick()
    if wrong == "zone":
        shop.dns.zones = zones
    assert (shop.bundle, shop.served()[0]) == (before, pair(before))
    assert shop.outcomes()[0] == FAILED
    assert why.partition(" ")[2] in status(shop.context(), "shop", shop.place).renewal

    shop.tick()
    assert len(shop.outcomes()) == 2, "not at once again"
    shop.secrets.set(SCOPE, "DNS_KEY", "right")
    shop.dns.silent.clear()
    shop.world.now += 601
    shop.tick()
    assert shop.bundle != before
    assert shop.proofs() == ("of someone else",)
    assert status(shop.context(), "shop", shop.place).renewal == ""


_zone = action.Zone


def test_the_ca_says_when_it_may_be_asked_again(shop: Shop) -> None:
    obtain(shop.governed())
    shop.deploy()
    before = shop.bundle
    shop.world.now += 70 * DAYS
    shop.ca.fails = CertificateError("the CA allows no further certificate now")
    shop.ca.fails.retry = shop.world.now + 5000
    with pytest.raises(CertificateError):
        shop.tick()
    shop.ca.fails, asked = None, len(shop.ca.asked)
    shop.world.now += 4000
    shop.tick()
    assert (shop.bundle, len(shop.ca.asked)) == (before, asked)
    shop.world.now += 1001
    shop.tick()
    assert shop.outcomes()[:2] == [SUCCEEDED, FAILED]
    assert shop.served() == [pair(shop.bundle)] * 2


def test_pauses_between_failures_grow_to_a_day(shop: Shop) -> None:
    obtain(shop.governed())
    shop.deploy()
    shop.world.now += 70 * DAYS
    shop.ca.fails = CertificateError("the CA is away")
    begun, asked, ctx = shop.world.now, len(shop.ca.asked), shop.context()
    for _ in range(7 * 24 * 6):  # each ten minutes of a week
        try:
            shop.tick(ctx)
        except CertificateError:
            pass
        shop.world.now += 600
    assert len(shop.ca.asked) - asked < 16
    assert len(shop.ca.asked) - asked > 8
    assert shop.world.now - begun > 6 * DAYS


def test_a_certificate_that_this_clock_rejects_is_not_used(shop: Shop) -> None:
    obtain(shop.governed())
    before = shop.bundle
    shop.ca.early = 2 * DAYS
    with pytest.raises(CertificateError, match="not valid by this machine's clock"):
        obtain(shop.governed(), renew=True)
    assert shop.bundle == before
    assert shop.proofs() == ("of someone else",)


def test_a_proof_that_a_dead_process_left_is_removed_first(shop: Shop) -> None:
    shop.ca.dies = True
    cleared = action.clear
    calls: list[object] = []

    def clear(zone: Any) -> None:
        calls.append(zone)
        if len(calls) == 1:
            cleared(zone)  # before the order; after that the process is dead

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(action, "clear", clear)
        with pytest.raises(KeyboardInterrupt):
            obtain(shop.governed())
    assert len(shop.proofs()) == 3
    assert len(remains(shop.context(), "shop", "staging")) == 1
    shop.ca.dies = False
    obtain(shop.governed())
    assert shop.proofs() == ("of someone else",)
    assert remains(shop.context(), "shop", "staging") == []


def test_an_interrupt_removes_the_proof_at_once(shop: Shop) -> None:
    shop.ca.dies = True
    with pytest.raises(KeyboardInterrupt):
        obtain(shop.governed())
    assert shop.proofs() == ("of someone else",)
    assert shop.outcomes() == [FAILED]


def test_a_cname_in_the_way_is_named(shop: Shop) -> None:
    shop.dns.zones[ZONE] = {(CHALLENGE, "CNAME"): record_set(CHALLENGE, "CNAME", 300, ["proofs.example.net"])}
    with pytest.raises(DnsError, match=r"leads to proofs\.example\.net"):
        obtain(shop.governed())
    assert [key[1] for key in shop.dns.zones[ZONE]] == ["CNAME"]


def test_a_host_that_is_away_gets_it_later(shop: Shop) -> None:
    obtain(shop.governed())
    shop.deploy()
    before = shop.bundle
    shop.world.now += 70 * DAYS
    gone = shop.world.engines.pop("ssh://two")
    engines = shop.world.engines
    shop.world.engines = Absent(engines)
    with pytest.raises(CertificateError, match="not in place everywhere: ssh://two"):
        shop.tick()
    assert engines[LOCAL].edge.tables[OWNER]["certificates"] == [pair(shop.bundle)]
    assert gone.edge.tables[OWNER]["certificates"] == [pair(before)]
    shop.world.engines = {**engines, "ssh://two": gone}
    asked = len(shop.ca.asked)
    shop.world.now += 601
    shop.tick()
    assert (shop.served(), len(shop.ca.asked)) == ([pair(shop.bundle)] * 2, asked)


class Absent(dict[str, Any]):
    """Engines of which one can't be reached."""

    def __missing__(self, name: str) -> Any:
        from shipway.domain.errors import EngineError

        raise EngineError(f"{name} is away")


def test_its_keys_are_never_shown(shop: Shop) -> None:
    obtain(shop.governed())
    shop.deploy()
    account = shop.secrets.get(SCOPE, ACCOUNT) or ""
    keys = [line for text in (account, pair(shop.bundle)["key"]) for line in text.splitlines() if "-----" not in line]
    recorded = str(shop.world.ledger.provisions("shop", "staging", CERTIFICATE)) + "".join(shop.world.notes)
    containers = "".join(str(item) for item in shop.world.runtime.containers.values())
    assert keys
    assert not any(line in recorded or line in containers for line in keys)
    ctx = shop.governed().ctx
    action.held_by(ctx, shop.ca, SCOPE)
    assert not any(line in ctx.redactor.text(shop.bundle) for line in pair(shop.bundle)["key"].splitlines()[1:-1])


def test_a_plan_that_asks_for_none(shop: Shop) -> None:
    shop.place = dataclasses.replace(STAGING, aliases=())
    with pytest.raises(PlanError, match="doesn't ask for a certificate"):
        obtain(shop.governed())
    shop.place = dataclasses.replace(STAGING, aliases=("*.a.example", "b.example"))
    with pytest.raises(CertificateError, match=r"b\.example is outside of the zone a\.example"):
        obtain(shop.governed())
    assert shop.ca.asked == []


def test_a_branch_that_can_not_be_read_is_not_asked_each_minute(shop: Shop) -> None:
    obtain(shop.governed())
    shop.deploy()
    shop.world.now += 70 * DAYS
    asked: list[str] = []

    def away(app: str, name: str) -> Governed:
        asked.append(name)
        raise GateRefused("the repository is away")

    with pytest.raises(GateRefused):
        renew_due(shop.context(), None, away)
    renew_due(shop.context(), None, away)
    assert asked == ["staging"]
    assert status(shop.context(), "shop", shop.place).renewal == "the repository is away"


@pytest.mark.parametrize(
    "aliases", [(), ("*.a.example", "b.example")], ids=["it asks for none", "a name outside of the zone"]
)
def test_a_plan_that_refuses_it_is_not_asked_each_minute(shop: Shop, aliases: tuple[str, ...]) -> None:
    obtain(shop.governed())
    shop.deploy()
    shop.world.now += 70 * DAYS
    shop.place = dataclasses.replace(STAGING, aliases=aliases)
    with pytest.raises((PlanError, CertificateError)):
        shop.tick()
    shop.tick()
    assert shop.outcomes() == [FAILED, SUCCEEDED]
    assert status(shop.context(), "shop", STAGING).renewal


def test_a_failure_by_a_clock_that_was_set_back_delays_nothing(shop: Shop) -> None:
    obtain(shop.governed())
    shop.deploy()
    shop.world.now += 70 * DAYS
    right = shop.world.now
    shop.world.now += 3650 * DAYS
    shop.ca.fails = CertificateError("this machine's clock is wrong")
    with pytest.raises(CertificateError):
        shop.tick()
    shop.ca.fails, shop.world.now = None, right
    shop.tick()
    assert shop.outcomes() == [SUCCEEDED, FAILED, SUCCEEDED]


def test_a_launch_obtains_it_before_its_deployment(shop: Shop) -> None:
    plan = dataclasses.replace(samples.PLAN, environments={"staging": shop.place})
    request = SimpleNamespace(plan=plan, environment="staging", governed=shop.governed)
    names = [step.name for step in steps_of(Launching(shop.context(), cast(LaunchRequest, request)))]
    assert names.index("records") < names.index("certificate by DNS") < names.index("deployment")
    step = Issued(Launching(shop.context(), cast(LaunchRequest, request)))
    assert step.would() == ["obtains a certificate for a.example, *.a.example"]
    assert step.needed() == "there is none yet"
    assert step.run() == "valid for a.example, *.a.example"
    assert step.needed() == ""
    request.plan = dataclasses.replace(plan, environments={"staging": dataclasses.replace(shop.place, aliases=())})
    other = Issued(Launching(shop.context(), cast(LaunchRequest, request)))
    assert (other.would(), other.needed()) == ([], "")
