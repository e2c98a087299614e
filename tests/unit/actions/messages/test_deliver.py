"""A receiver that is away, refuses or is slow: what is said in the end is the newest state, and nothing else depends on it."""

from __future__ import annotations

import dataclasses
import threading
import time
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.messages.compose import compose
from shipway.actions.messages.deliver import Messenger
from shipway.actions.messages.receivers import deliver_at_end, deliveries, set_token
from shipway.actions.runs.webhooks import remove_webhook, webhook_states
from shipway.domain.errors import ForgeError, NotifyError, StoreError
from shipway.domain.forge import SUCCESS
from shipway.domain.outbox import (
    DELIVERED,
    DROPPED,
    GIVEN_UP,
    LONGEST_PAUSE,
    PATIENCE,
    REFUSED_PAUSE,
    Message,
    News,
    pause,
)
from shipway.domain.release import FAILED, SUCCEEDED
from tests.unit.actions.messages.told import TOKEN, Told
from tests.unit.domain.samples import STAGING

SHOP = "webhook shop"


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path)


def away(told: Told, times: int = 1, method: str = "set_status", **how: object) -> None:
    for at in range(1, times + 1):
        told.forge.fail(method, at=at, error=ForgeError("the forge can't be reached", **how))  # type: ignore[arg-type]


def outcomes(told: Told, channel: str = SHOP) -> list[str]:
    return [item.outcome for item in told.ledger.messages(channel)]


def test_a_forge_that_was_away_gets_the_newest_state_only(told: Told) -> None:
    away(told, 2)
    number = told.begin_run()
    told.deliver()
    told.ledger.end_run(number, SUCCEEDED, told.ledger.now())
    told.deliver(6)
    assert not told.statuses()
    told.deliver(11)
    assert told.statuses()["shipway/shop"].state == SUCCESS
    sent = [call for call in told.forge.calls if call.startswith("set_status")]
    assert [call.split()[-1] for call in sent] == ["pending", "success", "success"]
    assert "webhook shop: the forge can't be reached; it is tried again in 5.0 s" in told.world.notes
    assert "webhook shop: delivered again" in told.world.notes


def test_while_a_forge_is_away_it_is_asked_for_one_message_only(told: Told) -> None:
    away(told, 9)
    for number in range(5):
        told.run(SUCCEEDED, commit=f"{number:040d}", ref="refs/tags/v1")
    told.deliver()
    assert len(told.forge.calls) == 1
    told.deliver(5.5)
    assert len(told.forge.calls) == 2
    assert deliveries(told.ctx, SHOP).waiting == 5


def test_a_message_that_is_refused_stops_no_other(told: Told) -> None:
    told.forge.fail("set_status", error=ForgeError("no such commit", refused=True))
    for number in range(3):
        told.run(SUCCEEDED, commit=f"{number:040d}", ref="refs/tags/v1")
    told.deliver()
    assert len(told.forge.kept_statuses) == 2
    found = deliveries(told.ctx, SHOP)
    assert (found.waiting, found.problem) == (1, "no such commit")
    told.deliver(REFUSED_PAUSE - 10)
    assert len(told.forge.kept_statuses) == 2
    told.deliver(20)
    assert len(told.forge.kept_statuses) == 3
    found = deliveries(told.ctx, SHOP)
    assert (found.waiting, found.problem) == (0, "")
    assert found.last is not None


def test_the_forge_says_when(told: Told) -> None:
    away(told, 1, retry_after=400.0)
    told.run(SUCCEEDED)
    told.deliver()
    told.deliver(390)
    assert not told.statuses()
    told.deliver(20)
    assert told.statuses()


def test_after_a_day_it_is_given_up_and_seen(told: Told) -> None:
    away(told, 100)
    told.run(SUCCEEDED, ref="refs/tags/v1")
    told.deliver()
    for _ in range(50):
        told.deliver(LONGEST_PAUSE)
    assert outcomes(told) == [GIVEN_UP]
    asked = len(told.forge.calls)
    assert 24 <= asked <= 40
    found = webhook_states(told.ctx)[0].deliveries
    assert (found.waiting, found.given_up, found.problem) == (0, 1, "the forge can't be reached")
    assert any("is given up: the forge can't be reached" in note for note in told.world.notes)
    told.deliver(PATIENCE)
    assert len(told.forge.calls) == asked


def test_a_new_token_wakes_what_waits(told: Told) -> None:
    told.forge.fail("set_status", error=ForgeError(f"the token {TOKEN} is not valid", hint="x", refused=True))
    told.run(SUCCEEDED)
    told.deliver()
    assert not told.statuses()
    assert TOKEN not in told.said
    set_token(told.ctx, "shop", "another-token")
    told.deliver()
    assert told.statuses()
    assert told.accesses[-1].token == "another-token"  # type: ignore[union-attr]


def test_a_webhook_that_is_removed_is_told_nothing_more(told: Told) -> None:
    told.run(SUCCEEDED)
    compose(told.ctx)
    remove_webhook(told.ctx, "shop")
    told.deliver()
    assert set(outcomes(told)) == {DROPPED}
    told.run(SUCCEEDED)
    told.deliver()
    assert not told.forge.calls
    assert told.ctx.secrets.get("@webhooks/tokens", "shop") is None


def test_what_a_command_lacks_a_server_elsewhere_may_have(told: Told) -> None:
    told.notifier.fail("send", error=NotifyError("there is no program 'page' on this machine", refused=True))
    told.run(FAILED)
    told.deliver()
    assert "webhook" not in deliveries(told.ctx, "notification ops").problem
    assert deliveries(told.ctx, "notification ops").waiting == 1
    told.deliver(0.1)
    assert [item.event for item in told.notifier.notices] == ["run-failed"]


def test_a_receiver_without_its_secret_keeps_nobody_waiting(told: Told) -> None:
    told.ctx.secrets.remove("@webhooks/tokens", "shop")
    told.run(FAILED)
    told.deliver()
    assert [item.event for item in told.notifier.notices] == ["run-failed"]
    assert "is missing here" in deliveries(told.ctx, SHOP).problem


def test_a_failure_of_a_deployment_is_no_less_told(told: Told) -> None:
    told.notifier.fail("send", error=NotifyError("the chat is away"))
    away(told, 3)
    deploy(told.ctx, DeployRequest(told.world.release(1), STAGING))
    told.deliver()
    assert told.ledger.current("shop", "staging") is not None
    told.deliver(30)
    assert [item.event for item in told.notifier.notices] == ["deployed"]


def test_what_can_not_be_read_is_reported_and_stops_nobody(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    told.ledger.tell(Message(SHOP, "broken", 1, '{"kind": "status"}'))
    told.ledger.add_news(News("something new", "shop", "", 5))
    monkeypatch.setattr("shipway.actions.messages.notices.of", lambda ctx, news: 1 / 0)
    told.run(SUCCEEDED)
    told.deliver()
    assert not told.ledger.news()
    assert any("no message tells of run" in note for note in told.world.notes)
    broken = next(item for item in told.ledger.messages() if item.topic == "broken")
    assert broken.problem == "it could not be delivered: KeyError"


def test_two_processes_deliver_each_message_once(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipway.actions.messages.deliver.PAUSE", 0.01)
    for number in range(20):
        told.run(SUCCEEDED, commit=f"{number:040d}", ref="refs/tags/v1")
    over = threading.Event()
    threads = [threading.Thread(target=Messenger(told.ctx).run, args=(over,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60
    while told.ledger.news() or any(item.waits for item in told.ledger.messages()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    over.set()
    for thread in threads:
        thread.join()
    assert sorted(told.forge.calls) == sorted({*told.forge.calls})
    assert len(told.forge.kept_statuses) == 20


def test_a_forge_that_never_answers_keeps_no_process_from_ending(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipway.actions.messages.deliver.LEAVE", 0.0)
    asked, answers, over = threading.Event(), threading.Event(), threading.Event()

    def silent(*given: object) -> None:
        asked.set()
        answers.wait(60)

    monkeypatch.setattr(told.forge, "set_status", silent)
    told.run(SUCCEEDED)
    thread = threading.Thread(target=Messenger(told.ctx).run, args=(over,))
    thread.start()
    assert asked.wait(60)
    over.set()
    thread.join(60)
    ended = not thread.is_alive()
    answers.set()
    assert ended


def test_an_interrupted_delivery_is_free_for_the_next_one(told: Told) -> None:
    told.forge.fail("set_status", error=KeyboardInterrupt())  # type: ignore[arg-type]
    told.run(SUCCEEDED, ref="refs/tags/v1")
    with pytest.raises(KeyboardInterrupt):
        told.deliver()
    told.deliver()
    assert outcomes(told) == [DELIVERED]


def test_a_ledger_that_is_away_ends_no_thread(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AGAIN", "PAUSE"):
        monkeypatch.setattr(f"shipway.actions.messages.deliver.{name}", 0.0)
    failing, over = [StoreError("away")] * 3, threading.Event()
    real = told.ledger.news

    def news(limit: int = 100) -> list[News]:
        if failing:
            raise failing.pop()
        over.set()
        return real(limit)

    monkeypatch.setattr(told.ledger, "news", news)
    Messenger(told.ctx).run(over)
    assert not failing


def test_a_command_delivers_what_it_caused_and_nothing_else(told: Told) -> None:
    away(told)
    told.run(SUCCEEDED, ref="refs/tags/v1")
    deliver_at_end(told.ctx, 10)
    told.world.now += 60
    deliver_at_end(told.ctx, 10)  # of another command, which caused nothing
    assert not told.statuses()
    deliver_at_end(dataclasses.replace(told.ctx, forge=None), 10)
    told.run(FAILED, ref="refs/tags/v1")
    deliver_at_end(told.ctx, 10)
    assert told.statuses()


def test_pauses_grow_and_end() -> None:
    assert [pause(number) for number in (0, 1, 2)] == [5, 10, 20]
    assert pause(10_000) == LONGEST_PAUSE
    assert pause(0, refused=True) == REFUSED_PAUSE
    assert pause(0, asked=1e12) == PATIENCE
