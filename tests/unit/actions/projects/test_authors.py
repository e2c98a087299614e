"""Who counts as an author of what a deployment brings: over real repositories, and a real ledger."""

from __future__ import annotations

import dataclasses
import getpass
import subprocess
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shipway.actions.projects.approvals import Decisions
from shipway.actions.projects.approve import approve
from shipway.actions.proofs.waive import waive
from shipway.context import Context
from shipway.domain.errors import GateRefused, RepositoryError
from shipway.domain.plan import Approvals
from shipway.domain.release import Approval
from shipway.system.git import Repository
from tests.unit.actions.projects.team import ALICE, BOB, CAROL, EVE, MALLORY, Team
from tests.unit.domain import samples
from tests.unit.system.repositories import commit, git, neutral

pytestmark = pytest.mark.usefixtures("neutral")
__all__ = ["neutral"]


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    made = Team(tmp_path)
    yield made
    made.world.close()


def test_a_first_release_counts_all_of_its_history(team: Team) -> None:
    team.write(ALICE)
    team.write(BOB, message="corrects a comment")
    assert set(team.authors(team.release())) == {"ada@example.org", ALICE, BOB}


def test_what_was_there_before_the_app_was_registered_does_not_count(team: Team) -> None:
    baseline = team.write(ALICE)
    team.register(baseline=baseline)
    old = team.release(baseline)
    team.write(BOB)
    assert team.authors(team.release()) == {BOB: "author: change"}
    assert set(team.authors(old)) == {"ada@example.org", ALICE}  # it brings nothing new: all who wrote it count


def test_the_range_is_that_of_the_environment(team: Team) -> None:
    first = team.deploy(team.release(), "staging")
    team.deploy(first, "production")
    team.write(MALLORY)
    team.deploy(team.release(), "staging")
    team.write(BOB)
    release = team.release()
    assert set(team.authors(release, "production")) == {MALLORY, BOB}
    assert set(team.authors(release, "staging")) == {BOB}
    team.deploy(release)
    assert set(team.authors(release)) == {MALLORY, BOB}  # asked again: it doesn't take its own place
    assert set(team.authors(first)) == {"ada@example.org"}  # nor does one that ran before


def merge(team: Team, *, by: str, change: str = "", message: str = "merge") -> str:
    """Merge `feature`, with a change that git's own merge does not have."""
    git(team.path, "merge", "--quiet", "--no-ff", "--no-commit", "feature", email=by)
    if change:
        (team.path / "app").write_text(change)
        git(team.path, "add", ".")
    git(team.path, "commit", "--quiet", "--message", message, email=by)
    return git(team.path, "rev-parse", "HEAD")


@pytest.fixture
def forked(team: Team) -> Team:
    """What runs, a branch by Eve, and a commit of Bob on main."""
    team.deploy(team.release())
    git(team.path, "switch", "--quiet", "--create", "feature")
    team.write(EVE)
    git(team.path, "switch", "--quiet", "main")
    team.write(BOB)
    return team


def test_a_clean_merge_makes_nobody_an_author(forked: Team) -> None:
    merge(forked, by=CAROL)
    assert set(forked.authors(forked.release())) == {EVE, BOB}


def test_a_change_made_in_a_merge_counts(forked: Team) -> None:
    merge(forked, by=CAROL, change="smuggled in\n", message="merge, and more")
    assert forked.authors(forked.release())[CAROL] == "changes made in merge: merge, and more"


def test_one_evil_merge_of_many_is_found(forked: Team) -> None:
    for number in range(4):
        merge(forked, by=CAROL if number % 2 else "dave@example.org", change="smuggled\n" if number == 1 else "")
        git(forked.path, "switch", "--quiet", "feature")
        forked.write(EVE, name=f"app{number}")
        git(forked.path, "switch", "--quiet", "main")
    assert set(forked.authors(forked.release())) == {EVE, BOB, CAROL}


def test_a_resolved_conflict_and_a_merge_of_three_count(forked: Team) -> None:
    for branch in ("feature", "main"):
        git(forked.path, "switch", "--quiet", branch)
        commit(forked.path, {"app": f"{branch}\n"}, email=EVE)
    subprocess.run(
        ["git", "-c", f"user.email={CAROL}", "-c", "user.name=c", "merge", "-q", "feature"],
        cwd=forked.path,
        capture_output=True,
        check=False,
    )
    commit(forked.path, {"app": "feature\n"}, "resolved", email=CAROL)
    for branch in ("one", "two"):
        git(forked.path, "switch", "--quiet", "--create", branch, "main")
        forked.write(BOB, name=branch)
    git(forked.path, "switch", "--quiet", "main")
    git(forked.path, "merge", "--quiet", "--no-ff", "--message", "octopus", "one", "two", email=MALLORY)
    found = forked.authors(forked.release())
    assert found[CAROL] == "changes made in merge: resolved"
    assert found[MALLORY] == "changes made in merge: octopus"


TRAILERS = f"""One change of several people

* first
Co-authored-by: Eve <{EVE.upper()}>

CO-AUTHORED-BY: <{MALLORY}>
co-developed-by:Carol <{CAROL}>
Reviewed-by: Bob <{BOB}>
"""
SQUASH = f"""Squashed commit of the following:

commit 1234
Author: Eve <{EVE}>
Date:   now

    work

    Co-authored-by: Mallory <{MALLORY}>
"""


def test_trailers_count(team: Team) -> None:
    team.deploy(team.release())
    team.write(ALICE, message=TRAILERS)
    subject = "One change of several people"
    expected = {
        ALICE: f"author: {subject}",
        EVE: f"co-authored-by: {subject}",
        MALLORY: f"co-authored-by: {subject}",
        CAROL: f"co-developed-by: {subject}",
    }
    assert team.authors(team.release()) == expected


def test_those_whom_git_squashed_count(team: Team) -> None:
    team.deploy(team.release())
    team.write(ALICE, message=SQUASH)
    assert set(team.authors(team.release())) == {ALICE, EVE, MALLORY}
    team.write(BOB, message=f"not squashed\n\nAuthor: Carol <{CAROL}>")
    assert CAROL not in team.authors(team.release())


def test_the_mailmap_of_the_protected_branch_counts_and_no_other(team: Team) -> None:
    commit(team.path, {".mailmap": f"<{EVE}> <eve@home.example>\n"}, email=BOB)
    team.deploy(team.release())
    git(team.path, "switch", "--quiet", "--create", "feature")
    commit(team.path, {".mailmap": f"<{CAROL}> <{MALLORY}>\n<{CAROL}> <eve@home.example>\n"}, email=MALLORY)
    team.write("eve@home.example")
    team.register()
    git(team.path, "config", "mailmap.file", str(team.path / ".mailmap"))
    release = team.release()
    assert set(team.authors(release)) == {MALLORY, EVE}
    decisions = Decisions(team.ctx, release, "production")
    rule = Approvals(1, not_author=True)
    assert decisions.refused(rule, EVE)
    assert decisions.refused(rule, "eve@home.example")
    assert not decisions.refused(rule, CAROL)


def test_after_a_rewrite_the_range_begins_where_both_histories_part(team: Team) -> None:
    base = team.write(ALICE)
    team.write(MALLORY)
    team.deploy(team.release())
    git(team.path, "reset", "--quiet", "--hard", base)
    team.write(BOB)
    assert set(team.authors(team.release())) == {BOB}


def test_where_what_runs_is_gone_or_shares_nothing_the_range_begins_at_the_baseline(team: Team) -> None:
    baseline = team.write(ALICE)
    team.register(baseline=baseline)
    gone = dataclasses.replace(team.release(), number=2, revision="e" * 40, tree="f" * 40, digest="")
    team.deploy(team.world.ledger.add_release(gone))
    team.write(BOB)
    assert set(team.authors(team.release())) == {BOB}
    git(team.path, "switch", "--quiet", "--orphan", "other")
    other = team.release(commit(team.path, {"x": "y"}, email=CAROL))
    git(team.path, "switch", "--quiet", "main")
    team.deploy(other)
    assert set(team.authors(team.release())) == {BOB}


def test_a_commit_with_the_tree_that_runs_is_what_runs(team: Team) -> None:
    """Squashed into main and deployed by its tree from a branch: whoever squashed it did not write the next release."""
    git(team.path, "switch", "--quiet", "--create", "feature")
    team.write(EVE)
    team.deploy(team.release())
    git(team.path, "switch", "--quiet", "main")
    git(team.path, "merge", "--quiet", "--squash", "feature")
    git(team.path, "commit", "--quiet", "--message", "squashed", email=ALICE)
    team.write(BOB)
    assert set(team.authors(team.release())) == {BOB}


def test_whoever_wrote_it_on_another_branch_with_the_same_tree_counts_too(team: Team) -> None:
    team.deploy(team.release())
    git(team.path, "switch", "--quiet", "--create", "feature")
    team.write(MALLORY)
    built = team.release()
    git(team.path, "switch", "--quiet", "main")
    git(team.path, "merge", "--quiet", "--squash", "feature")
    git(team.path, "commit", "--quiet", "--message", "squashed", email=CAROL)
    assert set(team.authors(built, revision=git(team.path, "rev-parse", "HEAD"))) == {CAROL, MALLORY}


@pytest.mark.parametrize("depth", ["1", "2"])
def test_a_shallow_clone_is_completed_from_the_address(team: Team, tmp_path: Path, depth: str) -> None:
    team.deploy(team.release())
    team.write(MALLORY)
    team.write(BOB)
    team.write(CAROL)
    git(tmp_path, "clone", "--quiet", "--depth", depth, f"file://{team.path}", "ci")
    team.clone = tmp_path / "ci"
    refs = git(team.clone, "for-each-ref")
    assert set(team.authors(team.release())) == {MALLORY, BOB, CAROL}
    assert git(team.clone, "for-each-ref") == refs


def test_a_range_that_a_shallow_clone_has_needs_no_server(team: Team, tmp_path: Path) -> None:
    team.write(ALICE)
    team.deploy(team.release())
    team.write(BOB)
    git(tmp_path, "clone", "--quiet", "--depth", "2", f"file://{team.path}", "ci")
    team.clone = tmp_path / "ci"
    git(team.clone, "remote", "set-url", "origin", "file:///nothing/there")
    assert set(team.authors(team.release())) == {BOB}


def test_a_shallow_clone_that_can_not_be_completed_is_refused_with_the_command(team: Team, tmp_path: Path) -> None:
    team.deploy(team.release())
    team.write(MALLORY)
    team.write(BOB)
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{team.path}", "ci")
    team.clone = tmp_path / "ci"
    release = team.release()
    for change in (("set-url", "origin", "file:///nothing/there"), ("remove", "origin")):
        git(team.clone, "remote", *change)
        with pytest.raises(GateRefused, match="are unknown: this clone is shallow") as caught:
            team.authors(release)
        assert "git fetch --unshallow" in caught.value.hint
    (reason,) = Decisions(team.ctx, release, "production").missing(Approvals(1, not_author=True))
    assert "git fetch --unshallow" in reason


def test_a_clone_of_a_shallow_clone_is_not_complete(team: Team, tmp_path: Path) -> None:
    team.deploy(team.release())
    for who in (MALLORY, BOB):
        team.write(who)
    git(tmp_path, "clone", "--quiet", "--bare", "--depth", "1", f"file://{team.path}", "mirror")
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{tmp_path / 'mirror'}", "ci")
    team.clone = tmp_path / "ci"
    with pytest.raises(GateRefused, match="lacks the full history too"):
        team.authors(team.release())


def forge(path: Path, revision: str, change: Callable[[bytes], bytes]) -> None:
    """Write another commit under a commit's hash, as a step before can that may write into the clone."""
    content = subprocess.run(["git", "cat-file", "commit", revision], cwd=path, capture_output=True, check=True).stdout
    forged = change(content)
    assert forged != content
    file = path / ".git" / "objects" / revision[:2] / revision[2:]
    file.chmod(0o644)
    file.write_bytes(zlib.compress(f"commit {len(forged)}\0".encode() + forged))


@pytest.mark.parametrize("how", ["author", "parents", "old parents"])
def test_a_forged_commit_is_refused(team: Team, how: str) -> None:
    old = team.write(ALICE)
    running = team.deploy(team.release())
    mallory = team.write(MALLORY)
    top = team.write(BOB)
    release = team.release()
    assert set(team.authors(release)) == {MALLORY, BOB}
    if how == "author":
        forge(team.path, mallory, lambda content: content.replace(MALLORY.encode(), BOB.encode()))
    elif how == "parents":
        forge(team.path, top, lambda content: content.replace(mallory.encode(), running.revision.encode()))
    else:  # what runs seems to have Mallory's commit in its history
        parent = git(team.path, "rev-parse", f"{mallory}~1")
        assert parent == running.revision
        forge(
            team.path,
            old,
            lambda content: content.replace(
                b"\nauthor", f"\nparent {git(team.path, 'rev-parse', f'{mallory}')}\nauthor".encode()
            ),
        )
    with pytest.raises(
        (RepositoryError, GateRefused), match=r"does not match its hash|is not in this clone"
    ):  # git itself finds the newest
        team.authors(release)


def test_a_git_that_can_not_compare_merges_counts_all_of_them(
    forked: Team, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    merge(forked, by=CAROL)
    old = tmp_path / "bin" / "git"
    old.parent.mkdir()
    real = subprocess.run(["sh", "-c", "command -v git"], check=True, capture_output=True, text=True).stdout.strip()
    old.write_text(
        f'#!/bin/sh\ncase "$*" in *remerge-diff*) echo unrecognized >&2; exit 128;; esac\nexec {real} "$@"\n'
    )
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{old.parent}:/usr/bin:/bin")
    assert forked.authors(forked.release())[CAROL].startswith("changes made in merge")


def test_an_author_neither_approves_nor_accepts_what_a_proof_found(team: Team) -> None:
    team.deploy(team.release())
    team.write(MALLORY)
    release = team.release()
    production, proof = samples.PRODUCTION, team.world.proven(release, release, environment="production")
    mallory, carol = (dataclasses.replace(team.ctx, actor=who) for who in (MALLORY, CAROL))
    rules = [production.approvals]

    def approves(ctx: Context) -> Approval:
        return approve(ctx, Decisions(ctx, release, "production"), rules, "")

    dropped = dataclasses.replace(production, approvals=Approvals())  # as the release's own plan has it
    for act in (
        lambda: approves(mallory), lambda: waive(mallory, release, production, proof, "why", 60.0),
        lambda: waive(mallory, release, dropped, proof, "why", 60.0, rules),
    ):  # fmt: skip
        with pytest.raises(GateRefused, match=f"{MALLORY} is an author of release 2"):
            act()
    waive(carol, release, production, proof, "why", 60.0)
    approval = approves(carol)
    assert approves(carol).at > approval.at  # its term is renewed
    assert approval.login.partition("@")[0] == getpass.getuser()
    gone = dataclasses.replace(carol, repository=lambda: Repository.find(team.path.parent))
    with pytest.raises(RepositoryError):
        waive(gone, release, production, proof, "why", 60.0)
    assert approves(dataclasses.replace(gone, actor=MALLORY)).actor == MALLORY  # the deployment looks again
    assert "the deployment checks whether" in team.world.notes[-1]


def test_the_refusal_lists_who_counts_and_through_which_commit(team: Team) -> None:
    team.deploy(team.release())
    mine = team.write(MALLORY)
    theirs = team.write(BOB, message=f"both\n\nCo-authored-by: Eve <{EVE}>")
    release = team.release()
    for who in (EVE, CAROL.upper()):
        given = Approval("shop", "production", release.number, release.digest, who, "", 1.0)
        team.world.ledger.add_approval(given)
    decisions = Decisions(team.ctx, release, "production")
    assert decisions.missing(Approvals(1, not_author=True)) == []
    (reason,) = decisions.missing(Approvals(2, not_author=True))
    assert reason == (
        f"release {release.number} needs 2 approvals by someone other than its authors and has 1 (the approval of {EVE}, "
        f"an author of the release, does not count); its authors: {BOB} (author of {theirs[:12]}), {EVE} (co-authored-by of {theirs[:12]}), {MALLORY} (author of {mine[:12]})"
    )
    assert decisions.refused(Approvals(1, not_author=True), EVE) == (
        f"{EVE} is an author of release {release.number} (co-authored-by of {theirs[:12]}); the plan requires someone else (`not: author`)"
    )
