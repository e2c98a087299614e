"""Certificates by DNS are renewed in time, and after a failure later; the present one stays meanwhile."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from shipway.actions.operations.rotate import rotate
from shipway.actions.provisioning.certificate import obtain, renew_due
from shipway.actions.provisioning.in_force import Governed
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.upkeep.status import status
from shipway.domain.certificate import pair
from shipway.domain.errors import CertificateError, GateRefused, PlanError
from shipway.domain.plan import LOCAL
from shipway.domain.provision import FAILED, SUCCEEDED
from shipway.testing.memory_authority import DAYS
from tests.unit.actions.provisioning.certified import OWNER, STAGING, Shop, shop

__all__ = ["shop"]


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
