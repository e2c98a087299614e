"""The conformance suite of what others are told."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from shipway.domain.backups import FAILED as LOST
from shipway.domain.backups import Backup, Manifest
from shipway.domain.outbox import (
    APPRISE,
    BACKUP,
    CERTIFICATE,
    COMMAND,
    DELIVERED,
    DEPLOYED,
    DROPPED,
    GIVEN_UP,
    Message,
    News,
    Notification,
)
from shipway.domain.provision import CERTIFICATE as OF_CERTIFICATE
from shipway.domain.provision import FAILED, SUCCEEDED
from shipway.domain.release import Trigger
from shipway.domain.webhook import ForgeToken
from shipway.ports import Ledger, OutboxLedger
from shipway.testing.ledger.provisions import CHANGE
from shipway.testing.ledger.samples import DEPLOYMENT, RELEASE

OPS = Notification("ops", COMMAND, ("tell", "--loud"), (DEPLOYED, BACKUP), "ada@example.com", "shop", "*", 5.5)
TOKEN = ForgeToken("shop", "https://git.example.com/api/v1", "", "ada@example.com", 5.5)
ONE = Message("webhook shop", "status a", 1, '{"kind": "status"}')


def told(ledger: OutboxLedger) -> Sequence[tuple[str, int]]:
    """Kind and number of all news."""
    return [(item.kind, item.number) for item in ledger.news()]


class OutboxSuite:
    """News come with what they tell of; of a topic only the newest message waits; one claim at a time."""

    def test_receivers(self, ledger: OutboxLedger) -> None:
        other = dataclasses.replace(OPS, name="all", kind=APPRISE, command=(), app="*")
        assert ledger.notifications() == []
        assert ledger.add_notification(OPS)
        assert ledger.add_notification(other)
        assert not ledger.add_notification(dataclasses.replace(OPS, kind=APPRISE))
        assert ledger.notifications() == [other, OPS]
        assert ledger.remove_notification("ops")
        assert not ledger.remove_notification("ops")
        newer = dataclasses.replace(TOKEN, user="ada", created=6.5)
        ledger.set_forge_token(TOKEN)
        ledger.set_forge_token(newer)
        assert ledger.forge_tokens() == [newer]
        assert ledger.remove_forge_token("shop")
        assert not ledger.remove_forge_token("shop")

    def test_the_ledger_tells_what_begins_and_ends_as_soon_as_somebody_receives_it(self, ledger: Ledger) -> None:
        ledger.add_release(RELEASE)
        ledger.end_deployment(ledger.begin_deployment(DEPLOYMENT), SUCCEEDED, 12.0, None, "")
        ledger.add_news(News("approval", "shop", "staging", 1))
        assert ledger.news() == []
        ledger.add_notification(OPS)
        run = ledger.begin_run("shop", "a" * 40, "b" * 40, Trigger("push", "refs/heads/main", "ada"), 3.0)
        ledger.end_run(run, SUCCEEDED, 4.0)
        id = ledger.begin_deployment(DEPLOYMENT)
        ledger.end_deployment(id, SUCCEEDED, 12.0, None, "")
        ledger.add_news(News("approval", "shop", "staging", 1, "why"))
        assert told(ledger) == [("run", run)] * 2 + [("deployment", id)] * 2 + [("approval", 1)]
        first, *_, last = ledger.news()
        assert (first.app, first.environment, first.at, last.detail) == ("shop", "", 3.0, "why")
        ledger.forget_news(first.id)
        assert ledger.news(1)[0].id > first.id
        ledger.remove_notification("ops")
        ledger.set_forge_token(TOKEN)
        ledger.end_run(run, SUCCEEDED, 5.0)
        assert told(ledger)[-1] == ("run", run)

    def test_certificates_and_backups_are_told_of_when_they_fail(self, ledger: Ledger) -> None:
        ledger.add_notification(OPS)
        change = dataclasses.replace(CHANGE, kind=OF_CERTIFICATE)
        ledger.end_provision(ledger.begin_provision(change), 12.0, SUCCEEDED)
        failed = ledger.begin_provision(change)
        ledger.end_provision(failed, 12.0, FAILED, "no answer")
        ledger.end_provision(ledger.begin_provision(CHANGE), 12.0, FAILED, "not of a certificate")
        made = Backup(
            0, Manifest("shop", "staging", "nightly", 1.0, 1, None, "db", "image"), "/backups", "ada", "", 1.0
        )
        id = ledger.begin_backup(made)
        ledger.record_backup(dataclasses.replace(made, id=id, outcome=LOST, finished=2.0, detail="the disk is full"))
        assert told(ledger) == [(CERTIFICATE, failed), (BACKUP, id)]
        assert [item.detail for item in ledger.news()] == ["no answer", "the disk is full"]

    def test_of_a_topic_only_the_newest_state_waits(self, ledger: OutboxLedger) -> None:
        assert ledger.tell(ONE)
        assert not ledger.tell(dataclasses.replace(ONE, message="{}"))
        assert ledger.tell(dataclasses.replace(ONE, rank=3, message='{"state": 3}'))
        assert not ledger.tell(dataclasses.replace(ONE, rank=2))
        [waiting] = ledger.messages("webhook shop")
        assert (waiting.rank, waiting.message, waiting.waits) == (3, '{"state": 3}', True)
        claimed = ledger.claim_message(60)
        assert claimed is not None
        assert ledger.end_message(claimed, DELIVERED)
        assert not ledger.end_message(claimed, DELIVERED)
        assert ledger.claim_message(60) is None
        assert not ledger.tell(dataclasses.replace(ONE, rank=3))
        assert ledger.messages()[0].outcome == DELIVERED
        assert ledger.tell(dataclasses.replace(ONE, rank=4))
        again = ledger.claim_message(60)
        assert again is not None
        assert (again.id, again.attempts, again.outcome) == (claimed.id, 0, "")

    def test_what_changes_while_it_is_delivered_is_delivered_again(self, ledger: OutboxLedger) -> None:
        ledger.tell(ONE)
        claimed = ledger.claim_message(60)
        assert claimed is not None
        assert ledger.tell(dataclasses.replace(ONE, rank=2))
        assert ledger.claim_message(60) is None
        assert not ledger.end_message(claimed, DELIVERED)
        newer = ledger.claim_message(60)
        assert newer is not None
        assert newer.rank == 2
        assert ledger.end_message(newer, DELIVERED)

    def test_one_claim_at_a_time_for_each_channel(self, ledger: OutboxLedger) -> None:
        for topic in "ab":
            ledger.tell(dataclasses.replace(ONE, topic=topic))
        ledger.tell(dataclasses.replace(ONE, channel="notification ops"))
        first, other = ledger.claim_message(60), ledger.claim_message(60)
        assert first is not None
        assert other is not None
        assert {first.channel, other.channel} == {"webhook shop", "notification ops"}
        assert ledger.claim_message(60) is None
        ledger.put_off(first, 0.0, "away", channel=False)
        assert ledger.claim_message(60) is not None

    def test_a_claim_that_is_over_is_another_s(self, ledger: OutboxLedger) -> None:
        ledger.tell(ONE)
        dead = ledger.claim_message(0)
        next_one = ledger.claim_message(60)
        assert dead is not None
        assert next_one is not None
        assert next_one.token > dead.token
        assert not ledger.end_message(dead, GIVEN_UP)
        ledger.put_off(dead, 500.0, "late", channel=True)
        assert ledger.messages()[0].problem == ""
        assert ledger.end_message(next_one, GIVEN_UP, "it was away for a day")
        assert [(item.outcome, item.problem) for item in ledger.messages()] == [(GIVEN_UP, "it was away for a day")]

    def test_a_channel_rests_wakes_and_is_dropped(self, ledger: OutboxLedger) -> None:
        for topic in "abc":
            ledger.tell(dataclasses.replace(ONE, topic=topic))
        claimed = ledger.claim_message(60)
        assert claimed is not None
        ledger.put_off(claimed, 500.0, "away", channel=True)
        assert ledger.claim_message(60) is None
        assert sorted(item.attempts for item in ledger.messages()) == [0, 0, 1]
        ledger.wake("webhook shop")
        assert ledger.claim_message(60, by=1.0) is None
        assert ledger.claim_message(60) is not None
        assert {item.attempts for item in ledger.messages()} == {0}
        ledger.drop("webhook shop")
        assert {item.outcome for item in ledger.messages()} == {DROPPED}
        assert ledger.claim_message(60) is None

    def test_waiting_ones_come_first_and_only_others_are_forgotten(
        self, ledger: OutboxLedger, again: Callable[[], OutboxLedger]
    ) -> None:
        ledger.tell(ONE)
        ledger.tell(dataclasses.replace(ONE, topic="b"))
        claimed = ledger.claim_message(60)
        assert claimed is not None
        ledger.end_message(claimed, DELIVERED)
        found = again().messages()
        assert [item.waits for item in found] == [True, False]
        assert again().messages(limit=1) == found[:1]
        ended = found[1].ended
        assert ended is not None
        assert ledger.forget_messages(ended) == 0
        assert ledger.forget_messages(ended + 1) == 1
        assert [item.waits for item in ledger.messages()] == [True]
