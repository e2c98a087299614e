"""Repositories that the server hosts: nothing of a push is lost, and every push has its hook."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from shipway.actions.people.tokens import create_token
from shipway.domain.permissions import ADMIN
from tests.unit.server.asking import ask
from tests.unit.server.test_web import Place

EARLY = """#!/bin/sh
case "$*" in *http-backend*)
printf 'Content-Type: text/plain\\r\\n\\r\\n'
exec wc -c ;; esac
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def login(place: Place) -> str:
    """Of somebody who may push, and create repositories."""
    place.person("ada@example.com", ADMIN)
    made = create_token(place.ctx, None, "ada@example.com", "git", ["run", "webhooks"], 1)
    return "Basic " + base64.b64encode(f"me:{made.secret}".encode()).decode()


def test_no_part_of_a_push_is_lost_when_git_answers_early(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = place.ctx.home / "git" / "shop.git"
    (folder / "hooks").mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "hooks" / "post-receive").write_text("")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").write_text(EARLY)
    (programs / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    parts = [b"x" * 1000] * 50
    found = ask(place.app, "/git/shop.git/git-receive-pack", "POST", parts, authorization=login(place))
    assert (found.status, found.text.strip()) == (200, "50000")


def test_a_repository_of_which_the_hook_was_not_written_gets_it(place: Place) -> None:
    given = login(place)
    refs = "/git/shop.git/info/refs?service=git-receive-pack"
    assert ask(place.app, refs, authorization=given).status == 200
    hook = place.ctx.home / "git" / "shop.git" / "hooks" / "post-receive"
    before = hook.read_text()
    hook.unlink()  # as if the server had been killed before it wrote it
    assert ask(place.app, refs, authorization=given).status == 200
    assert hook.read_text() == before
    assert f"hooksPath = {hook.parent}" in (hook.parent.parent / "config").read_text()
