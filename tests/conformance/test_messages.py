"""What each forge is told of a run and a deployment, by its driver, at the stand-ins of all forges."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.messages.deliver import Messenger
from shipway.actions.messages.receivers import deliveries, set_token
from shipway.actions.runs.webhooks import add_webhook
from shipway.domain.forge import FAILURE, PENDING, SUCCESS
from shipway.domain.registration import Registration
from shipway.domain.release import FAILED, SUCCEEDED, Trigger
from shipway.drivers import driver
from shipway.testing.forge import LIMIT, ONE, REFUSED
from tests.conformance.forge_lab import TOKEN, StandIn
from tests.conformance.forge_stand_ins import STAND_INS
from tests.unit.world import World


class Shop:
    """A ledger whose app is at the forge."""

    def __init__(self, folder: Path, lab: StandIn) -> None:
        self.lab, self.world = lab, World(folder)
        self.ctx = dataclasses.replace(
            self.world.controller(), forge=lambda kind, access: driver("forge", kind)(access)
        )
        self.ledger = self.ctx.ledger
        self.ledger.register(Registration("shop", lab.hosted.https, "shipway.yaml", "main", "", "ada", 1.0))
        add_webhook(self.ctx, "shop", lab.name, lab.hosted.https)
        self.token(TOKEN)

    def token(self, text: str) -> None:
        set_token(self.ctx, "shop", text, self.lab.front.address + self.lab.prefix)

    def deliver(self, later: float = 0.0) -> None:
        self.world.now += later
        Messenger(self.ctx, "https://ship.example.org").once(60)

    def begin_run(self) -> int:
        return self.ledger.begin_run("shop", ONE, "tree", Trigger("push", "refs/heads/feature", "ada"), 1.0)

    def states(self) -> dict[str, str]:
        return {item.context: item.state for item in self.lab.forge.statuses(self.lab.hosted.full_name, ONE)}


@pytest.fixture(params=STAND_INS)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    lab = STAND_INS[request.param]()
    yield Shop(tmp_path, lab)
    lab.close()


def test_a_run_with_its_pull_request(shop: Shop) -> None:
    shop.lab.open(7, ONE)
    number = shop.begin_run()
    shop.deliver()
    assert shop.states() == {"shipway/shop": PENDING}
    shop.ledger.begin_step(number, "test", "key", 1.0)
    shop.ledger.end_step(number, "test", FAILED, 2.0)
    shop.ledger.end_run(number, FAILED, 3.0)
    shop.deliver()
    assert shop.states() == {"shipway/shop": FAILURE}
    [comment] = shop.lab.comments(7)
    assert "| `test` | failed | 1.0 s |" in comment
    assert not [item for item in shop.ledger.messages() if item.waits]


@pytest.mark.parametrize("how", [LIMIT, REFUSED])
def test_a_forge_that_takes_nothing_for_a_while(shop: Shop, how: str) -> None:
    shop.lab.faults = [how] * 2
    shop.ledger.end_run(shop.begin_run(), SUCCEEDED, 3.0)
    shop.deliver()
    assert shop.states() == {}
    found = deliveries(shop.ctx, "webhook shop")
    assert found.waiting >= 1
    assert ("status 429" in found.problem) == (how == LIMIT), found.problem
    assert TOKEN not in f"{found} {shop.world.notes} {shop.ledger.messages()}"
    shop.lab.faults = []
    shop.deliver(400)
    assert shop.states() == {"shipway/shop": SUCCESS}


def test_a_wrong_token_is_said_and_the_right_one_delivers(shop: Shop) -> None:
    shop.token("wrong-token-of-the-forge")
    shop.ledger.end_run(shop.begin_run(), SUCCEEDED, 3.0)
    shop.deliver()
    found = deliveries(shop.ctx, "webhook shop")
    assert "the token must be valid" in found.problem
    assert "wrong-token" not in f"{found} {shop.world.notes} {shop.ledger.messages()}"
    shop.token(TOKEN)
    shop.deliver()
    assert shop.states() == {"shipway/shop": SUCCESS}
