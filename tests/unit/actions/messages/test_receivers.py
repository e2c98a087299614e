"""Notifications and tokens: what is admitted, and who is told of what."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.messages.receivers import (
    add_notification,
    notification_states,
    remove_notification,
    remove_token,
    send_test,
    set_token,
)
from shipway.actions.runs.webhooks import add_webhook, webhook_states
from shipway.domain.errors import NotifyError, UsageError
from shipway.domain.outbox import APPROVAL, DEPLOYED, EVENTS, FAILED, RETIRED, ROLLED_BACK, RUN_FAILED, News
from shipway.domain.release import FAILED as NOT_DEPLOYED
from shipway.domain.release import ROLLBACK, SUCCEEDED
from tests.unit.actions.messages.told import APPRISE, Told
from tests.unit.domain.samples import STAGING


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path)


def events(told: Told) -> list[str]:
    told.deliver()
    return [item.event for item in told.notifier.notices]


def test_what_people_are_told(told: Told) -> None:
    for number in (1, 2):
        deploy(told.ctx, DeployRequest(told.world.release(number), STAGING, reason=f"change {number}"))
    back = dataclasses.replace(told.ledger.deployments("shop")[0], release=1, kind=ROLLBACK)
    told.ledger.end_deployment(told.ledger.begin_deployment(back), SUCCEEDED, told.ledger.now(), None, "")
    lost = told.ledger.begin_deployment(dataclasses.replace(back, kind="deploy"))
    told.ledger.end_deployment(lost, NOT_DEPLOYED, told.ledger.now(), None, "it was not healthy")
    told.ledger.add_news(News(RETIRED, "shop", "staging", 2))
    told.run(NOT_DEPLOYED)
    told.run(SUCCEEDED)
    assert events(told) == [DEPLOYED, DEPLOYED, ROLLED_BACK, FAILED, RETIRED, RUN_FAILED]
    first, *_ = told.notifier.notices
    assert first.title == "shop/staging: release 1 was deployed"
    assert first.text.splitlines()[0] == "change 1"
    assert first.url.endswith("/apps/shop/deployments/staging/1")
    assert "it was not healthy" in told.notifier.notices[3].text
    assert [item.trouble for item in told.notifier.notices] == [False, False, False, True, False, True]


def test_who_waits_for_approval_is_told_once_for_each_change(told: Told) -> None:
    waiting = News(APPROVAL, "shop", "production", 5, "release 5 needs 1 approval and has 0")
    for _ in range(3):
        told.ledger.add_news(waiting)
    assert events(told) == [APPROVAL]
    [notice] = told.notifier.notices
    assert "shipway approve production r5 --app shop" in notice.text
    deploy(told.ctx, DeployRequest(told.world.release(1), STAGING))
    told.ledger.add_news(waiting)
    assert events(told).count(APPROVAL) == 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"events": ["failed"]}, []),
        ({"app": "other"}, []),
        ({"environment": "production"}, []),
        ({"app": "shop", "environment": "staging", "events": ["deployed"]}, [DEPLOYED]),
    ],
)
def test_a_notification_is_told_what_it_wants(told: Told, given: dict[str, str], expected: list[str]) -> None:
    remove_notification(told.ctx, "ops")
    add_notification(told.ctx, "some", command=["true"], **given)  # type: ignore[arg-type]
    deploy(told.ctx, DeployRequest(told.world.release(1), STAGING))
    assert events(told) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "a b", "url": APPRISE}, "can't be the name"),
        ({"name": "x"}, "either a URL or a command"),
        ({"name": "x", "url": APPRISE, "command": ["true"]}, "either a URL or a command"),
        ({"name": "x", "url": APPRISE, "events": ["lunch"]}, "there is no event 'lunch'"),
        ({"name": "x", "url": APPRISE, "app": "a/b"}, "is not the name of an app"),
        ({"name": "ops", "url": APPRISE}, "there is a notification ops"),
    ],
)
def test_what_can_not_be_a_notification(told: Told, given: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        add_notification(told.ctx, **given)  # type: ignore[arg-type]
    assert [item.name for item in told.ledger.notifications()] == ["ops"]


def test_the_url_is_never_shown(told: Told) -> None:
    told.notifier.fail("send", error=NotifyError(f"{APPRISE} is away"))
    told.run(NOT_DEPLOYED)
    told.deliver()
    shown = f"{told.said} {notification_states(told.ctx)!r} {told.ledger.operations('*')!r} {told.accesses!r}"
    assert APPRISE not in shown
    assert "tokenb" not in shown
    [state] = notification_states(told.ctx)
    assert state.deliveries.waiting == 1
    assert state.notification.events == tuple(EVENTS)


def test_a_test_is_sent_at_once_and_wakes_what_waits(told: Told) -> None:
    told.notifier.fail("send", error=NotifyError("away"))
    told.run(NOT_DEPLOYED)
    told.deliver()
    send_test(told.ctx, "ops")
    told.deliver()
    assert [item.event for item in told.notifier.notices] == ["test", RUN_FAILED]
    told.notifier.fail("send", error=NotifyError("away"))
    with pytest.raises(NotifyError, match="away"):
        send_test(told.ctx, "ops")
    with pytest.raises(UsageError, match="there is no notification nobody"):
        send_test(told.ctx, "nobody")


@pytest.mark.parametrize(
    ("forge", "address", "given", "endpoint"),
    [
        ("github", "https://github.com/a/b.git", "", ""),
        ("github", "git@GitHub.com:a/b.git", "", ""),
        ("github", "https://git.example.com:8443/a/b.git", "", "https://git.example.com:8443/api/v3"),
        ("gitlab", "ssh://git@git.example.com:2222/a/b.git", "", "https://git.example.com/api/v4"),
        ("gitea", "git@codeberg.org:a/b.git", "", "https://codeberg.org/api/v1"),
        ("gitea", "git@git.example.com:a/b.git", "https://x.example.com/api/v1/", "https://x.example.com/api/v1"),
        ("gitea", "git@git.example.com:a/b.git", "http://127.0.0.1:3000/api/v1", "http://127.0.0.1:3000/api/v1"),
        ("bitbucket", "git@bitbucket.org:a/b.git", "", ""),
    ],
)
def test_where_a_token_goes(told: Told, forge: str, address: str, given: str, endpoint: str) -> None:
    add_webhook(told.ctx, "other", forge, address)
    assert set_token(told.ctx, "other", "abc", given).endpoint == endpoint


@pytest.mark.parametrize(
    ("name", "token", "given", "message"),
    [
        ("nobody", "abc", "", "there is no webhook nobody"),
        ("shop", "", "", "that is no token"),
        ("shop", "a b", "", "that is no token"),
        ("shop", "abc", "http://git.example.com/api/v1", "without encryption"),
        ("shop", "abc", "https://me:pass@git.example.com/api", "no address of an API"),
        ("shop", "abc", "git.example.com", "no address of an API"),
        ("centre", "abc", "", "is not bitbucket.org"),
        ("folder", "abc", "", "is at no forge"),
    ],
)
def test_where_no_token_goes(told: Told, name: str, token: str, given: str, message: str) -> None:
    add_webhook(told.ctx, "centre", "bitbucket", "https://git.example.com/a/b.git")
    add_webhook(told.ctx, "folder", "github", "file:///srv/git/shop.git")
    with pytest.raises(UsageError, match=message):
        set_token(told.ctx, name, token, given)


def test_a_token_that_is_removed(told: Told) -> None:
    remove_token(told.ctx, "shop")
    assert webhook_states(told.ctx)[0].token is None
    with pytest.raises(UsageError, match="has no token"):
        remove_token(told.ctx, "shop")
    told.run(SUCCEEDED)
    told.deliver()
    assert not told.forge.calls
