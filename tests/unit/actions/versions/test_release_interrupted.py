"""A tag whose push is rejected, breaks or is killed, and what the next call does."""

from __future__ import annotations

import pytest

from shipway.actions.versions import tag as making
from shipway.domain.errors import GateRefused, RepositoryError, UsageError
from tests.unit.actions.versions.shop import Shop
from tests.unit.actions.versions.tagging import Dies, head, reject
from tests.unit.system.repositories import git

pytestmark = pytest.mark.counterpart


def test_a_rejected_tag_is_removed_here(shop: Shop) -> None:
    reject(shop)
    told = shop.call("--yes", fails=RepositoryError)
    assert "origin rejected the tag v1.1.0; the tag was removed here again" in told
    assert "│ tags are protected" in told
    assert "v1.1.0" not in shop.tags()
    (shop.remote / "hooks" / "pre-receive").unlink()
    shop.call("--yes")
    assert shop.there()["v1.1.0"] == head(shop)


@pytest.mark.parametrize("there", ["v1.0.0^{}", "main"], ids=["of another commit", "of the same commit"])
def test_a_tag_that_somebody_else_pushed_in_the_meantime(
    shop: Shop, there: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = making.push

    def late(*args: object) -> None:
        git(shop.remote, "tag", "v1.1.0", there)
        real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(making, "push", late)
    told = shop.call("--yes", fails=RepositoryError)
    assert "since it has got another one" in told
    assert "v1.1.0" not in shop.tags()


def test_a_connection_that_broke_after_the_remote_had_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    real = making.push

    def broken(*args: object) -> None:
        real(*args)  # type: ignore[arg-type]
        raise RepositoryError("the connection broke")

    monkeypatch.setattr(making, "push", broken)
    assert "origin has v1.1.0 nevertheless" in shop.call("--yes")
    assert shop.there() == shop.tags()


def test_two_at_once_in_one_clone(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one finds that the tag was made after it had looked; the first one's stays."""
    real = making.add_tag

    def late(*args: object, **more: object) -> str:
        git(shop.path, "tag", "v1.1.0")
        return real(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(making, "add_tag", late)
    assert "tag 'v1.1.0' already exists" in shop.call("--yes", fails=RepositoryError)
    assert shop.tags()["v1.1.0"] == "commit"


def test_a_remote_that_is_away_leaves_a_complete_tag(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: object) -> None:
        shop.lose_remote()
        raise RepositoryError("the connection broke")

    monkeypatch.setattr(making, "push", away)
    told = shop.call("--yes", fails=RepositoryError)
    assert "it isn't known whether origin has got v1.1.0" in told
    assert shop.tags()["v1.1.0"] == head(shop)
    monkeypatch.undo()
    (shop.folder / "away.git").rename(shop.remote)


@pytest.mark.every_point
@pytest.mark.parametrize("asked", [None, "minor", "v1.1.0"])
@pytest.mark.parametrize("point", ["before the tag", "before the push", "after the push"])
def test_killed_anywhere_and_run_again(
    shop: Shop, point: str, asked: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*args: object, **more: object) -> None:
        if point == "after the push":
            real(*args, **more)
        raise Dies

    name = "add_tag" if point == "before the tag" else "push"
    real = getattr(making, name)
    with monkeypatch.context() as patch:
        patch.setattr(making, name, die)
        with pytest.raises(Dies):
            shop.call(*filter(None, [asked]), "--yes")
    made = {"before the tag": (0, 0), "before the push": (1, 0), "after the push": (1, 1)}[point]
    assert (len(shop.tags()) - 1, len(shop.there()) - 1) == made
    object = git(shop.path, "rev-parse", "v1.1.0") if made[0] else ""
    if point == "after the push":
        told = shop.call(*filter(None, [asked]), "--yes", fails=GateRefused if asked != "v1.1.0" else UsageError)
        assert "v1.1.0" in told
    else:
        shop.call(*filter(None, [asked]), "--yes")
    assert shop.there() == shop.tags()
    assert shop.there()["v1.1.0"] == head(shop)
    assert object in ("", git(shop.path, "rev-parse", "v1.1.0"))


def test_no_push_leaves_it_for_the_next_call(shop: Shop) -> None:
    assert shop.json("--yes", "--no-push")["next"] == "push it: shipway release v1.1.0, or: git push origin v1.1.0"
    assert "v1.1.0" not in shop.there()
    found = shop.json("--yes")
    assert (found["version"], found["why"], found["exists"]) == ("v1.1.0", "its tag was made, but not pushed", True)
    assert shop.there()["v1.1.0"] == head(shop)
