"""What a forge tells of pull requests says what is wanted of their previews, and their comment says where to look."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.messages.news import report
from shipway.actions.runs.webhooks import forget_received, receive
from shipway.domain.errors import OtherRepository, Overtaken
from shipway.domain.forge import CLOSED, MERGED, OPENED, UPDATED, Hosted, Person, PullRequest, Pushed
from shipway.domain.outbox import PULL
from shipway.domain.preview import Preview
from shipway.domain.release import SUCCEEDED
from shipway.testing.memory_forge import delivery
from tests.unit.actions.messages.told import COMMIT, NAME, Told
from tests.unit.domain.samples import STAGING

OPEN = PullRequest(Hosted(NAME), 7, OPENED, COMMIT, "feature", NAME, False, "main", Person("1"), "A title", "")


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    made = Told(tmp_path)
    yield made
    made.world.close()


def tell(told: Told, **changed: Any) -> None:
    secret = told.ctx.secrets.get("webhooks", "shop")
    assert secret is not None
    receive(told.ctx, told.ledger.webhooks()[0], told.forge, *delivery([dataclasses.replace(OPEN, **changed)], secret))


def wanted(told: Told) -> list[tuple[int, str, str, str]]:
    return [(item.number, item.branch, item.head, item.wanted) for item in told.ledger.previews()]


def test_what_is_wanted_follows_the_pull_request(told: Told) -> None:
    tell(told)
    assert wanted(told) == [(7, "feature", COMMIT, "open")]
    tell(told, action=UPDATED, head="b" * 40)
    assert wanted(told) == [(7, "feature", "b" * 40, "open")]
    assert told.ledger.previews()[0].actor == "webhook shop"
    tell(told, action=MERGED, head="c" * 40)
    assert wanted(told) == [(7, "feature", "b" * 40, "closed")]
    assert told.ledger.previews()[0].reason == "the pull request was merged"
    tell(told, action=CLOSED, number=9)
    assert [item.number for item in told.ledger.previews()] == [7]


@pytest.mark.parametrize(
    "hosted",
    [
        Hosted("acme/other", "https://github.com/acme/other.git", "git@github.com:acme/other.git"),
        Hosted("acme/other"),
        Hosted("other/acme/shop"),
        Hosted("me/shop"),
        Hosted("shop", "https://github.com/shop.git"),
    ],
)
def test_another_repository_of_an_organization_changes_nothing(told: Told, hosted: Hosted) -> None:
    """Its pull requests have the same numbers."""
    tell(told)
    secret = told.ctx.secrets.get("webhooks", "shop")
    assert secret is not None
    pushed = Pushed(hosted, "main", "a" * 40, "b" * 40, False, Person("1"))
    merged = dataclasses.replace(OPEN, repository=hosted, action=MERGED)
    for event in (pushed, merged):
        with pytest.raises(OtherRepository, match=f"is for git@github.com:acme/shop.git.*tells of {hosted.full_name}"):
            receive(told.ctx, told.ledger.webhooks()[0], told.forge, *delivery([event], secret))
    assert wanted(told) == [(7, "feature", COMMIT, "open")]
    assert told.ledger.pushes(10) == []


@pytest.mark.parametrize(
    ("address", "hosted"),
    [
        ("https://git.example.org/forge/Acme/Shop.git", Hosted("acme/shop")),  # below a path of the server
        ("ssh://git@git.example.org:2222/acme/shop", Hosted("acme/shop")),
        ("https://mirror.example.org/shop.git", Hosted("acme/shop", "https://mirror.example.org/shop.git")),
    ],
)
def test_any_address_of_the_repository_is_its_own(tmp_path: Path, address: str, hosted: Hosted) -> None:
    told = Told(tmp_path, address=address)
    secret = told.ctx.secrets.get("webhooks", "shop")
    assert secret is not None
    pushed = Pushed(hosted, "main", "a" * 40, "b" * 40, False, Person("1"))
    assert len(receive(told.ctx, told.ledger.webhooks()[0], told.forge, *delivery([pushed], secret))) == 1
    told.world.close()


def test_the_same_request_again_changes_nothing(told: Told) -> None:
    """Somebody has recorded it, or sends it again at the forge, after what came since."""
    tell(told)
    tell(told, action=UPDATED, head="b" * 40)
    tell(told)
    assert wanted(told) == [(7, "feature", "b" * 40, "open")]
    tell(told, action=MERGED, head="b" * 40)
    tell(told)
    tell(told, action=UPDATED, head="b" * 40)
    assert wanted(told) == [(7, "feature", "b" * 40, "closed")]
    told.ledger.forget_preview(told.ledger.previews()[0])
    tell(told)
    assert wanted(told) == []
    tell(told, title="It was opened again")
    assert wanted(told) == [(7, "feature", COMMIT, "open")]


def test_a_process_that_dies_takes_the_next_one(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("shipway.actions.runs.webhooks.report", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            tell(told)
    tell(told)
    assert [item.kind for item in told.ledger.news()] == [PULL]


def test_one_from_another_repository_gets_none(told: Told) -> None:
    tell(told, outside=True)
    assert wanted(told) == []
    tell(told)
    tell(told, outside=True, action=UPDATED, head="b" * 40)
    assert wanted(told) == [(7, "feature", COMMIT, "closed")]


def test_a_webhook_of_another_repository_wants_nothing(tmp_path: Path) -> None:
    told = Told(tmp_path, address="git@github.com:acme/other.git")
    tell(told, repository=Hosted("acme/other"))
    assert wanted(told) == []
    told.world.close()


def test_the_comment_has_its_address_or_why_there_is_none(told: Told) -> None:
    number = told.run(SUCCEEDED)
    told.pull()
    wish = told.ledger.want_preview(Preview("shop", 7, "feature", COMMIT, "open", "ada", 0.0))

    def comment() -> str:
        report(told.ctx, PULL, "shop", "", 7, COMMIT)
        told.deliver(5.0)
        return told.forge.comments[NAME, 7]["app-shop"]

    assert "Preview" not in comment()
    told.ledger.record_preview(dataclasses.replace(wish, problem="5 previews may stand at a time\nmore @ada `x`"))
    assert "**Preview** not made of this commit: `5 previews may stand at a time`" in comment()
    where = dataclasses.replace(STAGING, name="pr-7", url="http://pr-7.shop.example", secrets=())
    told.world.secrets(told.ledger).set("shop/pr-7", "KEY", "generated")
    release = told.world.release(1, environment=where)
    deploy(told.world.controller(), DeployRequest(release, where))
    told.ledger.record_preview(dataclasses.replace(wish, done=COMMIT, release=1, ends=86400.0))
    text = comment()
    assert told.notifier.notices == [], "people are told of no preview"
    assert "**Preview** http://pr-7.shop.example" in text
    assert "until 1970-01-02 00:00 UTC" in text
    assert f"at `{release.revision[:12]}`" in text or release.revision == COMMIT
    assert "would change" not in text
    assert number == 1


def test_a_request_that_was_overtaken_changes_nothing(told: Told) -> None:
    """The forge delivers "opened" after "closed"; of the same second, both count."""
    begin = told.ledger.now()
    tell(told, action=CLOSED, at=begin + 5)
    with pytest.raises(Overtaken, match=r"pull request 7 .* something newer is known"):
        tell(told, at=begin)
    assert wanted(told) == []
    tell(told, number=8, at=begin)
    tell(told, title="It was opened again", at=begin + 5)
    assert [item.number for item in told.ledger.previews()] == [7, 8]
    with pytest.raises(Overtaken):
        tell(told, action=UPDATED, head="b" * 40, at=begin + 4)
    assert wanted(told)[0] == (7, "feature", COMMIT, "open")


def test_what_was_received_is_forgotten_after_30_days_and_never_heeded_again(told: Told) -> None:
    begin = told.ledger.now()
    tell(told, at=begin)
    tell(told, action=CLOSED, at=begin + 5)
    told.ledger.forget_preview(told.ledger.previews()[0])
    told.world.now += 29 * 86400
    forget_received(told.ctx)
    assert len(told.ledger.received("shop", 7)) == 2
    told.world.now += 2 * 86400
    forget_received(told.ctx)
    assert told.ledger.received("shop", 7) == []
    with pytest.raises(Overtaken, match="more than 30 days ago"):
        tell(told, at=begin)
    assert wanted(told) == []
    assert not [name for name in told.ledger._db.query("SELECT name FROM properties") if "received" in str(name)]  # type: ignore[attr-defined]
