"""Certificates by DNS: obtained, put in place at every edge; after any failure the present one stays."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shipway.actions.launches.launching import Launching, LaunchRequest
from shipway.actions.launches.provision import Issued
from shipway.actions.launches.steps import steps_of
from shipway.actions.provisioning import certificate as action
from shipway.actions.provisioning.certificate import lacking, obtain
from shipway.actions.provisioning.proofs import remains
from shipway.actions.upkeep.status import status
from shipway.domain.certificate import ACCOUNT, pair
from shipway.domain.dns import record_set
from shipway.domain.errors import CertificateError, DnsError, PlanError, SecretError
from shipway.domain.plan import LOCAL
from shipway.domain.provision import CERTIFICATE, FAILED
from shipway.domain.routing import Tls
from shipway.testing.memory_authority import DAYS
from tests.unit.actions.provisioning.certified import CHALLENGE, FOREIGN, SCOPE, STAGING, ZONE, Shop, shop
from tests.unit.domain import samples

__all__ = ["shop"]


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
