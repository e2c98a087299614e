"""Leases and deployments of the ledger under any order of processes that take, renew, lose and give back: a model of a
few lines must agree."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shipway.domain.errors import LeaseHeld, StoreError
from shipway.domain.release import FAILED, PENDING, SUCCEEDED, Deployment, Lease
from shipway.store import open_ledger
from tests.unit.domain import samples

TTL = 15.0
OWNERS = st.sampled_from(["ada", "grace", "alan"])


class Ledgers(RuleBasedStateMachine):
    """Three processes with a ledger each over one file."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "ledger.db"
        self.ledgers = {owner: open_ledger(self.path, lambda: self.now) for owner in ("ada", "grace", "alan")}
        self.now = 1000.0
        self.leases: dict[str, Lease] = {}  # what each believes to hold
        self.holder: tuple[str, float] | None = None  # the model: who, until when
        self.tokens: list[int] = []
        self.deployments: dict[int, str] = {}
        self.ledgers["ada"].add_release(samples.release(1))

    @rule(seconds=st.floats(0, 20))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(owner=OWNERS)
    def acquire(self, owner: str) -> None:
        free = self.holder is None or self.holder[1] <= self.now
        if not free:
            with pytest.raises(LeaseHeld):
                self.ledgers[owner].acquire("shop/staging", owner, "why", TTL)
            return
        lease = self.ledgers[owner].acquire("shop/staging", owner, "why", TTL)
        assert lease.token > max(self.tokens, default=0), "a token fences all before it"
        self.tokens.append(lease.token)
        self.leases[owner], self.holder = lease, (owner, self.now + TTL)

    @rule(owner=OWNERS)
    def renew(self, owner: str) -> None:
        lease = self.leases.get(owner)
        if lease is None:
            return
        if self.holder == (owner, lease.expires) and self.now < lease.expires:
            self.leases[owner] = self.ledgers[owner].renew(lease, TTL)
            self.holder = (owner, self.now + TTL)
        else:
            with pytest.raises(LeaseHeld, match="was lost"):
                self.ledgers[owner].renew(lease, TTL)

    @rule(owner=OWNERS)
    def free(self, owner: str) -> None:
        lease = self.leases.pop(owner, None)
        if lease is None:
            return
        self.ledgers[owner].free(lease)
        if self.holder == (owner, lease.expires):
            self.holder = None

    @rule(owner=OWNERS)
    def deploy(self, owner: str) -> None:
        record = Deployment(0, "shop", "staging", 1, "deploy", owner, "", self.now)
        self.deployments[self.ledgers[owner].begin_deployment(record)] = PENDING

    @precondition(lambda self: self.deployments)
    @rule(owner=OWNERS, data=st.data(), outcome=st.sampled_from([SUCCEEDED, FAILED]))
    def settle(self, owner: str, data: st.DataObject, outcome: str) -> None:
        number = data.draw(st.sampled_from(sorted(self.deployments)))
        if self.deployments[number] != PENDING:
            with pytest.raises(StoreError):
                self.ledgers[owner].end_deployment(number, outcome, self.now, None, "")
            return
        self.ledgers[owner].end_deployment(number, outcome, self.now, None, "")
        self.deployments[number] = outcome

    @rule(owner=OWNERS)
    def reopen(self, owner: str) -> None:
        self.ledgers[owner].close()
        self.ledgers[owner] = open_ledger(self.path, lambda: self.now)

    @invariant()
    def all_see_the_same(self) -> None:
        for ledger in getattr(self, "ledgers", {}).values():
            found = {item.id: item.outcome for item in ledger.deployments("shop", "staging", 1000)}
            assert found == self.deployments
            lease = ledger.lease("shop/staging")
            held = lease is not None and lease.expires > self.now
            assert held == (self.holder is not None and self.holder[1] > self.now)

    def teardown(self) -> None:
        for ledger in getattr(self, "ledgers", {}).values():
            ledger.close()


@pytest.mark.every_point
def test_any_order() -> None:
    run_state_machine_as_test(
        Ledgers,
        settings=settings(
            max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
