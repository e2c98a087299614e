"""Signed approvals: a key of both rules in force, for one change, for a time; by the real git and the real ssh-keygen."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.projects.approvals import Decisions
from shipway.actions.projects.approve import Signing, approve
from shipway.actions.projects.in_force import Rulebook
from shipway.domain.errors import GateRefused, RepositoryError, UsageError
from shipway.domain.plan import Approvals, Plan
from shipway.domain.release import Approval, Release
from shipway.domain.rules import InForce, RuleSet
from shipway.system.git import Repository
from shipway.system.origin import Origin
from tests.unit.actions.projects.team import ALICE, BOB, CAROL, MALLORY, Team
from tests.unit.domain import samples
from tests.unit.system.repositories import commit, git, neutral
from tests.unit.system.test_ssh_signature import made, public

pytestmark = pytest.mark.usefixtures("neutral")
__all__ = ["neutral"]
FILE = ".shipway/allowed_signers"
RULE = Approvals(1, not_author=True, signed=True)
FREE = Approvals(1)


class Signed(Team):
    """Whose production asks for signatures."""

    def __init__(self, folder: Path, keys: dict[str, Path]) -> None:
        super().__init__(folder)
        self.keys = keys
        self.rule, self.running_rule = RULE, RULE

    def allow(self, *who: str, more: str = "") -> str:
        """Commit the file of keys: each of the person whose name begins the address."""
        lines = [
            f"{address} {public(self.keys[address.partition('@')[0].partition('+')[0].partition(',')[0]])}"
            for address in who
        ]
        return commit(self.path, {FILE: "\n".join([*lines, more, ""])}, email="admin@example.org")

    def decisions(self, release: Release) -> Decisions:
        """As a deployment asks: the tip of main is the protected branch."""
        self.register()
        registration = self.world.ledger.registration("shop")
        assert registration is not None
        book = Rulebook(
            registration, Origin(str(self.path), str(self.path), Repository(self.path), self.ctx.home), None, "main"
        )

        def rules(key: str, approvals: Approvals) -> RuleSet:
            production = dataclasses.replace(samples.PRODUCTION, approvals=approvals)
            plan: Plan = dataclasses.replace(samples.PLAN, environments={"production": production})
            return RuleSet(key, key, "production", plan)

        now = next((item for item in self.world.ledger.deployments("shop", "production")), None)
        running = rules(f"release {now.release}", self.running_rule) if now else None
        return Decisions(
            self.ctx, release, "production", book, InForce("production", rules("protected", self.rule), running)
        )

    def approve(self, release: Release, who: str, *, lasts: float | None = None) -> Approval:
        """With that person's key."""
        return approve(self.ctx, self.decisions(release), [self.rule], "", Signing(self.keys[who], lasts))

    def missing(self, release: Release) -> str:
        """What the rule of the protected branch lacks."""
        return "; ".join(self.decisions(release).missing(self.rule))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("keys")
    return {name: made(folder, name) for name in ("alice", "bob", "carol", "mallory", "other")}


@pytest.fixture
def team(tmp_path: Path, keys: dict[str, Path]) -> Iterator[Signed]:
    """What runs knows the keys of Bob and Carol; the release is by Alice."""
    made = Signed(tmp_path, keys)
    made.allow(BOB, CAROL, ALICE)
    made.deploy(made.release())
    made.write(ALICE)
    yield made
    made.world.close()


def test_a_signed_approval_counts_and_a_claimed_one_does_not(team: Signed) -> None:
    release = team.release()
    with pytest.raises(UsageError, match="accepts only signed approvals") as caught:
        approve(team.ctx, team.decisions(release), [RULE], "")
    assert "--sign" in caught.value.hint
    team.world.ledger.add_approval(Approval("shop", "production", release.number, release.digest, BOB, "", 1.0))
    assert (
        f"needs 1 signed approval by someone other than its authors and has 0 ({BOB} approved without a signature)"
        in team.missing(release)
    )
    approval = team.approve(release, "bob")
    assert approval.actor == BOB
    assert team.missing(release) == ""


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"release": 3}, ""), ({"environment": "staging"}, ""),
        ({"digest": "sha256:" + "0" * 64}, "approved other digests"),
        ({"change": "sha256:" + "0" * 64}, "is not valid according to"), ({"expires": 9e9}, "is not valid according to"),
        ({"signature": "nothing"}, "can't be read"),
    ],
    ids=str,
)  # fmt: skip
def test_nothing_of_what_was_signed_can_be_changed(team: Signed, change: dict[str, object], why: str) -> None:
    release, ledger = team.release(), team.world.ledger
    good = team.approve(release, "bob")
    other = team.deploy(team.release(), "elsewhere")
    forged = dataclasses.replace(good, **{**change, "release": other.number} if "release" in change else change)  # type: ignore[arg-type]
    vote = team.decisions(release).vote(forged)
    assert why in vote.refused or forged.digest != release.digest
    if "release" in change:
        ledger.add_approval(dataclasses.replace(forged, digest=other.digest))
        assert "is not valid according to" in team.missing(other)
    if "environment" in change:
        assert "is not valid according to" in vote.refused


def test_of_another_ledger_it_does_not_count(team: Signed) -> None:
    release = team.release()
    team.approve(release, "bob")
    team.world.ledger.replace_property("identity", "f" * 32)
    team.ctx = dataclasses.replace(team.world.controller(), repository=lambda: Repository(team.path))
    assert f"the signature of {BOB} is not valid according to" in team.missing(release)


def test_an_author_does_not_count_by_any_address_of_the_key(team: Signed) -> None:
    team.allow(f"bob@home.example,{ALICE}", CAROL)
    team.deploy(team.release())
    team.write(ALICE)
    release = team.release()
    with pytest.raises(GateRefused, match=f"is an author of release {release.number}"):
        team.approve(release, "bob")


def test_all_keys_of_a_person_count_once(team: Signed) -> None:
    team.allow(f"bob,{BOB}".replace("bob,", "bob@home.example,"), f"other@home.example,{BOB}", CAROL)
    team.deploy(team.release())
    team.write(ALICE)
    team.rule = dataclasses.replace(RULE, count=2)
    release = team.release()
    team.approve(release, "bob")
    team.approve(release, "other")
    assert "needs 2 signed approvals by someone other than its authors and has 1" in team.missing(release)
    team.approve(release, "carol")
    assert team.missing(release) == ""


def test_keys_of_addresses_that_the_mailmap_joins_count_once(team: Signed) -> None:
    commit(team.path, {".mailmap": f"Bob <{BOB}> Bob <other@home.example>\n"}, email="admin@example.org")
    team.allow(BOB, "other@home.example", CAROL)
    team.deploy(team.release())
    team.write(ALICE)
    team.rule = dataclasses.replace(RULE, count=2)
    release = team.release()
    assert {team.approve(release, key).actor for key in ("bob", "other")} == {BOB}
    assert "needs 2 signed approvals by someone other than its authors and has 1" in team.missing(release)
    team.approve(release, "carol")
    assert team.missing(release) == ""


def test_an_author_does_not_count_by_an_address_that_only_the_mailmap_joins_to_the_key(team: Signed) -> None:
    """The mailmap joins the key's address to another one, and another key has that one together with the author's."""
    commit(team.path, {".mailmap": f"<bob@home.example> <{BOB}>\n"}, email="admin@example.org")
    team.allow(BOB, f"other@home.example,bob@home.example,{ALICE}", CAROL)
    team.deploy(team.release())
    team.write(ALICE)
    release = team.release()
    with pytest.raises(GateRefused, match=f"is an author of release {release.number}"):
        team.approve(release, "bob")


def test_a_removed_key_stops_at_once(team: Signed) -> None:
    release = team.release()
    team.approve(release, "bob")
    team.allow(CAROL)
    assert "is not in .shipway/allowed_signers of main" in team.missing(release)


def test_a_new_key_does_not_approve_the_release_that_adds_it(team: Signed) -> None:
    team.allow(BOB, CAROL, MALLORY)
    release = team.release()
    with pytest.raises(
        GateRefused, match=r"the key SHA256:\S+ of .* is not in .shipway/allowed_signers of release 1, which runs there"
    ) as caught:
        team.approve(release, "mallory")
    assert "once a release that has it runs" in caught.value.hint
    team.approve(release, "carol")
    assert team.missing(release) == ""
    team.deploy(release)
    team.write(BOB)
    following = team.release()
    team.approve(following, "mallory")
    assert team.missing(following) == ""


def test_a_first_release_and_the_first_that_asks_take_the_keys_of_the_protected_branch(team: Signed) -> None:
    team.running_rule = FREE  # what runs never asked
    team.allow(MALLORY)
    release = team.release()
    team.approve(release, "mallory")
    assert team.missing(release) == ""


def test_an_approval_is_of_one_change(team: Signed) -> None:
    release = team.release()
    team.approve(release, "bob")
    team.write(CAROL)
    team.deploy(team.release())
    assert f"{BOB} approved another change: another release was running then" in team.missing(release)


def test_an_approval_ends_with_the_next_release(team: Signed) -> None:
    second = team.release()
    team.approve(second, "bob")
    team.deploy(second)
    team.write(ALICE)
    third = team.deploy(team.release())
    decisions = team.decisions(second)
    assert decisions.before is not None
    assert decisions.before.number == third.number
    assert decisions.change.startswith(f"from: release {third.number} ")
    assert set(decisions.authors.people) == {ALICE}, "the range of authors still begins at release 1"
    assert f"{BOB} approved another change: another release was running then" in team.missing(second)
    team.approve(second, "carol")
    assert team.missing(second) == ""


def test_the_running_release_is_deployed_again_by_the_approval_of_its_change(team: Signed) -> None:
    first = team.decisions(team.release()).before
    second = team.release()
    team.approve(second, "bob")
    for _ in range(2):
        assert team.missing(team.deploy(second)) == ""
        assert team.decisions(second).before == first
    third = team.deploy(team.release())
    assert "approved another change" in team.missing(second)
    team.approve(second, "carol")
    assert team.missing(team.deploy(second)) == ""
    assert team.decisions(second).before == third


def test_it_counts_for_a_time_by_the_ledgers_clock(team: Signed) -> None:
    release = team.release()
    team.approve(release, "bob", lasts=-1.0)
    assert f"the approval of {BOB} has expired" in team.missing(release)


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("*@example.org cert-authority ssh-ed25519 AAAA", "line 4: `cert-authority`"),
        ("*@example.org ssh-ed25519 AAAA", r"line 4: `\*@example.org` is a pattern"),
    ],
)
def test_a_file_that_says_more_than_whose_keys_they_are_is_refused(team: Signed, more: str, problem: str) -> None:
    team.allow(BOB, CAROL, ALICE, more=more)
    with pytest.raises(GateRefused, match=problem):
        team.approve(team.release(), "bob")


def test_a_forged_file_of_the_release_that_runs_is_refused(team: Signed) -> None:
    team.allow(BOB, CAROL, MALLORY)
    release = team.release()
    running = team.world.ledger.release("shop", 1)
    assert running is not None
    blob, new = (git(team.path, "rev-parse", f"{revision}:{FILE}") for revision in (running.revision, "HEAD"))
    objects = team.path / ".git" / "objects"
    (objects / blob[:2] / blob[2:]).unlink()
    shutil.copy(objects / new[:2] / new[2:], objects / blob[:2] / blob[2:])
    with pytest.raises(RepositoryError, match="does not match its hash"):
        team.approve(release, "mallory")


def test_without_any_file_no_key_counts(team: Signed) -> None:
    release = team.release()
    approval = team.approve(release, "bob")
    unread = Decisions(team.ctx, release, "production")  # without the rules in force
    assert unread.signers == ()
    assert "the rules in force name no file with the key SHA256:" in unread.vote(approval).refused
    (reason,) = unread.missing(RULE)
    assert "has 0" in reason
    with pytest.raises(GateRefused, match="name no file with the key"):
        approve(team.ctx, unread, [RULE], "", Signing(team.keys["bob"]))


def test_without_the_file_no_one_can_approve(team: Signed) -> None:
    team.rule = dataclasses.replace(RULE, signers="other/file")
    with pytest.raises(GateRefused, match="other/file of main: there is no such file"):
        team.approve(team.release(), "bob")
