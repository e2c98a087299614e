"""Repositories that are asked: what is new is queued once, what was there before never, and one that is away is asked again."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.actions.runs.polling import add_poll, ask, due, poll_states, remove_poll
from shipway.domain.errors import UsageError
from shipway.domain.poll import of_ls_remote
from shipway.domain.queue import ZEROS, Push
from tests.unit.system.repositories import commit, git, repository
from tests.unit.world import World


class Asked:
    """A repository, and a ledger that asks it at each call."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.ctx = self.world.controller()
        self.path = repository(folder / "work", {"app": "one\n"})
        self.branch = git(self.path, "symbolic-ref", "--short", "HEAD")
        add_poll(self.ctx, "shop", f"file://{self.path}", 10.0)

    def ask(self) -> list[Push]:
        """After its time."""
        self.world.ledger._db.query("UPDATE polls SET asked = 0")  # type: ignore[attr-defined]
        return [push for poll in due(self.ctx) for push in ask(self.ctx, poll)]

    def commit(self, text: str) -> str:
        return commit(self.path, {"app": text})


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    return Asked(tmp_path)


def test_what_was_there_is_not_run_and_what_is_new_is_queued_once(asked: Asked) -> None:
    before = git(asked.path, "rev-parse", "HEAD")
    assert asked.ask() == []
    assert asked.ask() == []
    new = asked.commit("two\n")
    git(asked.path, "tag", "--annotate", "--message", "the first", "v1")
    branch, tag = asked.ask()
    assert (branch.ref, branch.old, branch.new) == (f"refs/heads/{asked.branch}", before, new)
    assert (tag.ref, tag.old, tag.new, tag.via) == ("refs/tags/v1", ZEROS, new, "poll shop")
    assert asked.ask() == []


def test_a_branch_that_goes_back_is_new_each_time(asked: Asked) -> None:
    first = git(asked.path, "rev-parse", "HEAD")
    asked.ask()
    second = asked.commit("two\n")
    seen = []
    for revision in (second, first, second):
        git(asked.path, "reset", "--quiet", "--hard", revision)
        seen += asked.ask()
    assert [item.new for item in seen] == [second, first, second]
    assert len({item.id for item in seen}) == 3


def test_a_process_that_dies_before_it_is_recorded_queues_nothing_twice(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked.ask()
    asked.commit("two\n")
    with monkeypatch.context() as dying:
        dying.setattr(type(asked.world.ledger), "record_poll", lambda *given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            asked.ask()
    [again] = asked.ask()
    assert [item.id for item in asked.world.ledger.pushes()] == [again.id]


def test_one_that_is_not_due_is_not_asked(asked: Asked) -> None:
    asked.ask()
    asked.commit("two\n")
    assert list(due(asked.ctx)) == []


def test_a_repository_that_is_away_is_told_once_and_asked_again(asked: Asked) -> None:
    asked.ask()
    asked.commit("two\n")
    away = asked.path.with_name("away")
    asked.path.rename(away)
    for _ in range(2):
        assert asked.ask() == []
    assert len([note for note in asked.world.notes if "asked again in 10 s" in note]) == 1
    assert asked.world.ledger.polls()[0].problem
    away.rename(asked.path)
    assert len(asked.ask()) == 1
    assert asked.world.ledger.polls()[0].problem == ""


@pytest.mark.parametrize(("name", "address", "every"), [
    ("Shop!", "https://git.example/a.git", 60.0), ("other", "/srv/git/shop.git", 60.0), ("other", "--upload-pack=x", 60.0),
    ("other", "https://git.example/a.git", 1.0), ("shop", "https://git.example/a.git", 60.0),
])  # fmt: skip
def test_what_can_not_be_asked(asked: Asked, name: str, address: str, every: float) -> None:
    with pytest.raises(UsageError):
        add_poll(asked.ctx, name, address, every)
    assert len(asked.world.ledger.polls()) == 1


def test_one_that_was_removed_is_not_asked(asked: Asked) -> None:
    asked.ask()
    remove_poll(asked.ctx, "shop")
    asked.commit("two\n")
    assert asked.ask() == []
    with pytest.raises(UsageError, match="there is no poll shop"):
        remove_poll(asked.ctx, "shop")


def test_a_login_in_the_address_is_in_no_list_and_no_message(asked: Asked) -> None:
    add_poll(asked.ctx, "private", "http://me:hunter2@127.0.0.1:1/acme/shop.git", 10.0)
    asked.ask()
    assert "hunter2" not in str([poll_states(asked.ctx), asked.world.notes, list(asked.ctx.ledger.audit_chain())])
    assert [item.problem != "" for item in poll_states(asked.ctx)] == [True, False]


def test_what_git_says_is_read_by_ref() -> None:
    lines = ["a\trefs/heads/main", "b\trefs/tags/v1", "c\trefs/tags/v1^{}", "d\tHEAD", "e\trefs/pull/1/head", ""]
    assert of_ls_remote("\n".join(lines)) == {"refs/heads/main": "a", "refs/tags/v1": "c"}
