"""To which repository an app is bound: by which addresses it is reached, who changed them, and what only reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shipway.actions.projects.accept_rules import accept_rules
from shipway.actions.projects.authors import provenance
from shipway.actions.projects.in_force import read_rules
from shipway.actions.projects.register import register_again, register_hook
from shipway.domain.errors import GateRefused, RepositoryError
from shipway.domain.registration import STAND_IN
from shipway.system.git import Repository
from shipway.system.mirror import mirror
from tests.unit.actions.deployments.host_deployment import PRODUCTION, STAGING, HostDeployment, parse_plan, text
from tests.unit.system.test_git import git


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostDeployment]:
    """Git reaches ssh://git@server/PATH: each "server" is this machine."""
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\nshift\nexec sh -c "$*"\n')
    ssh.chmod(0o755)
    for name, value in {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_SSH": str(ssh), "GIT_SSH_VARIANT": "simple"}.items():
        monkeypatch.setenv(name, value)
    made = HostDeployment(tmp_path)
    yield made
    made.world.close()


def served(place: HostDeployment) -> tuple[Repository, Repository, str]:
    """The bare repository with the hook, whose path is registered; a clone by ssh on another machine; and its address."""
    bare, clone = place.path.with_name("shop.git"), place.path.with_name("clone")
    git(place.path, "clone", "--quiet", "--bare", str(place.path), str(bare))
    git(bare, "remote", "remove", "origin")
    git(bare, "symbolic-ref", "HEAD", "refs/heads/main")
    url = f"ssh://git@server{bare}"
    git(place.path, "clone", "--quiet", "--branch=main", url, str(clone))
    register_hook(place.ctx, Repository(bare), None, parse_plan)
    return Repository(bare), Repository(clone), url


def test_a_bare_repository_is_reached_by_its_path_and_by_an_address(place: HostDeployment) -> None:
    bare, clone, url = served(place)
    with pytest.raises(GateRefused, match="is bound to") as caught:
        place.book(clone)
    assert "shipway rules register --address URL --reason TEXT" in caught.value.hint
    made = register_again(place.ctx, clone, place.plan(), None, "clones come by ssh", url)
    assert place.ctx.ledger.registration("shop") == made
    assert (made.addresses, made.branch) == ((url, str(bare.path)), "main")
    assert (made.actor, made.reason) == (place.ctx.actor, "clones come by ssh")
    assert place.book(clone).origin.url == url
    assert place.book(bare).origin.address == str(bare.path), "the hook needn't reach itself by ssh"
    assert provenance(replace(place.ctx, repository=lambda: bare), "shop").url == str(bare.path)
    assert register_hook(place.ctx, bare, None, parse_plan) == [made]
    moved = register_again(place.ctx, clone, place.plan(), "staging", "another branch")
    assert (moved.addresses, moved.branch) == (made.addresses, "staging"), "a new branch leaves the addresses"
    other = f"ssh://git@localhost{bare.path}"
    again = register_again(place.ctx, clone, place.plan(), None, "another server", other.replace("@", ":secret@"))
    assert (again.addresses, again.branch) == ((other,), "staging"), "the path was on the server before"
    assert register_again(place.ctx, bare, place.plan(), None, "its hook runs there", other).addresses == (
        other,
        str(bare.path),
    )


def test_an_address_without_the_history_is_refused(place: HostDeployment) -> None:
    _, clone, url = served(place)
    before = place.ctx.ledger.registration("shop")
    assert before is not None
    with pytest.raises(RepositoryError, match="can't be read"):
        register_again(place.ctx, clone, place.plan(), None, "a typo", f"{url}x")
    other = place.path.with_name("other")
    other.mkdir()
    git(other, "init", "--quiet")
    git(other, "commit", "--quiet", "--allow-empty", "--message", "another app")
    for address in (str(other), f"ssh://git@server{other}"):
        with pytest.raises(
            GateRefused, match=r"is not the repository of shop: it lacks commit .*, which is checked out here"
        ):
            register_again(place.ctx, clone, place.plan(), None, "another app", address)
    place.runs("main")
    with pytest.raises(GateRefused, match="a release of shop"):
        register_again(place.ctx, clone, place.plan(), None, "another app", str(other))
    assert place.ctx.ledger.registration("shop") == before
    elsewhere = replace(before, baseline=git(other, "rev-parse", "HEAD").strip())
    place.ctx.ledger.register(elsewhere)
    with pytest.raises(GateRefused, match=f"it lacks commit {elsewhere.baseline[:12]}, the baseline of shop"):
        register_again(place.ctx, clone, place.plan(), None, "its releases alone are not enough", url)


def test_what_only_reads_registers_nothing(place: HostDeployment) -> None:
    book = read_rules(place.ctx, place.repository, place.plan(), parse_plan, record=False)
    assert (book.registration.address, book.registration.branch) == (str(place.path), "main")
    assert book.of(place.ctx, "staging").protected.rules == place.plan().environments["staging"]
    assert place.ctx.ledger.registration("shop") is None
    assert any(
        "shop is not registered yet: `shipway run` registers shipway.yaml of" in note for note in place.world.notes
    )


def test_what_only_reads_accepts_and_ends_nothing(place: HostDeployment) -> None:
    git(place.path, "switch", "--quiet", "main")
    git(place.path, "rm", "--quiet", "shipway.yaml")
    git(place.path, "commit", "--quiet", "--message", "none")
    git(place.path, "switch", "--quiet", "staging")
    book = read_rules(place.ctx, place.repository, place.plan(), parse_plan, record=False)
    assert book.plan == place.plan(), "it would stand in"
    assert place.ctx.ledger.accepted_rules("shop", STAND_IN) == []
    accept_rules(place.ctx, place.book(), place.plan(), "staging", "first")
    place.commit("other", text(staging={**STAGING, "on": {"branch": "other"}}, production=PRODUCTION))
    git(place.path, "branch", "--force", "main", "staging")
    before = [place.ctx.ledger.accepted_rules("shop", name) for name in (STAND_IN, "staging")]
    book = read_rules(place.ctx, place.repository, place.plan(), parse_plan, record=False)
    assert book.of(place.ctx, "staging").protected.source.startswith("main at ")
    assert [place.ctx.ledger.accepted_rules("shop", name) for name in (STAND_IN, "staging")] == before
    place.book().of(place.ctx, "staging")
    assert [place.ctx.ledger.accepted_rules("shop", name) for name in (STAND_IN, "staging")] != before


def test_a_mirror_stands_for_its_remote_on_every_machine(place: HostDeployment, tmp_path: Path) -> None:
    url = f"file://{place.path}"
    here, elsewhere = (replace(place.ctx, home=tmp_path / name) for name in ("here", "elsewhere"))
    for ctx in (here, elsewhere):
        ctx.home.mkdir()
        read_rules(ctx, Repository(mirror(ctx.home, url)), place.plan(), parse_plan)
    made = place.ctx.ledger.registration("shop")
    assert made is not None
    assert made.addresses == (url,)
    again = register_again(
        elsewhere, Repository(mirror(elsewhere.home, url)), place.plan(), "staging", "another branch"
    )
    assert (again.addresses, again.branch) == ((url,), "staging")
