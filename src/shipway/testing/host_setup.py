"""The conformance suite of preparations of hosts. A test module subclasses the suite and provides the fixture `lab`."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

import pytest

from shipway.domain.errors import EngineError
from shipway.domain.host_setup import HostGoal, HostKey, HostState, decide, goal_of
from shipway.ports import HostSetup

CHOSEN: dict[str, Any] = {
    "ports": ("8080/tcp",),
    "trusted": ("192.0.2.0/24",),
    "swap": 64 * 10**6,
    "without": ("disk",),
}
DRIFTS = ("engine", "user", "upgrades", "time", "firewall", "ssh", "record")


class HostLab(Protocol):
    """A bare host."""

    def connect(self) -> HostSetup:
        """Its HostSetup, as another process of the same user would open it."""

    def reinstall(self) -> None:
        """It is bare again, with another key."""

    def forget(self) -> None:
        """No key of it is known."""

    def cut(self) -> AbstractContextManager[None]:
        """Meanwhile no new connection can be opened."""

    def drift(self, part: str) -> None:
        """Someone changes this part on the host."""


class HostSetupSuite:
    """Fixture: `lab`, which may be shared by the tests of a class; they are in an order."""

    def test_the_first_contact(self, lab: HostLab) -> None:
        lab.reinstall()
        lab.forget()
        setup = lab.connect()
        key = setup.offered_key()
        assert not key.known
        with pytest.raises(EngineError, match="unknown"):
            setup.observe("deploy")
        with pytest.raises(EngineError, match="another key"):
            setup.trust(HostKey("SHA256:other", "ED25519"))
        assert not setup.offered_key().known
        setup.trust(key)
        assert lab.connect().offered_key() == HostKey(key.fingerprint, key.kind, known=True)
        setup.close()

    def test_a_changed_key_is_refused(self, lab: HostLab) -> None:
        lab.reinstall()
        setup = lab.connect()
        for call in (setup.offered_key, lambda: setup.observe("deploy")):
            with pytest.raises(EngineError, match="host key differs from the known one"):
                call()
        setup.close()

    def test_from_bare_to_prepared(self, lab: HostLab) -> None:
        lab.reinstall()
        lab.forget()
        setup = lab.connect()
        setup.trust(setup.offered_key())
        before = setup.observe("deploy")
        assert settled(setup.observe("deploy")) == settled(before), "looking changes nothing"
        goal = goal_for(setup)
        plan = decide(goal, before)
        parts = [change.part for change in plan.changes]
        assert not plan.problems
        assert parts == ["packages", "engine", "user", "upgrades", "time", "swap", "firewall", "ssh", "record"]
        for part in parts:
            setup.apply(part, goal)
        after = setup.observe("deploy")
        assert decide(goal, after).prepared, decide(goal, after)
        setup.close()
        again = lab.connect()
        assert decide(goal_for(again), again.observe("deploy")).prepared
        for part in parts:
            again.apply(part, goal)
        assert settled(again.observe("deploy")) == settled(after), "a repetition changes nothing"
        again.close()

    @pytest.mark.parametrize("part", DRIFTS)
    def test_drift_is_seen_and_repaired(self, lab: HostLab, part: str) -> None:
        lab.drift(part)
        setup = lab.connect()
        goal = goal_for(setup)
        assert part in [change.part for change in decide(goal, setup.observe("deploy")).changes]
        setup.apply(part, goal)
        assert decide(goal, setup.observe("deploy")).prepared
        setup.close()

    @pytest.mark.parametrize("part", ["firewall", "ssh"])
    def test_what_no_new_connection_confirms_is_reverted(self, lab: HostLab, part: str) -> None:
        lab.drift(part)
        setup = lab.connect()
        goal = goal_for(setup)
        before = setup.observe("deploy")
        with lab.cut(), pytest.raises(EngineError, match="not confirmed by a new connection; it was reverted"):
            setup.apply(part, goal)
        assert settled(setup.observe("deploy")) == settled(before)
        setup.apply(part, goal)
        assert decide(goal, setup.observe("deploy")).prepared
        setup.close()


def goal_for(setup: HostSetup) -> HostGoal:
    """The goal of the suite."""
    return goal_of("deploy", setup.login().keys, CHOSEN, None)


def settled(state: HostState) -> dict[str, Any]:
    """The state without what changes on its own."""
    return {key: value for key, value in vars(state).items() if key not in ("disk_free", "synchronized")}
