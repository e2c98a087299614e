"""`shipway release`: what it shows, what it refuses, and what is there after it died."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from shipway.actions.versions import tag as making
from shipway.cli.json_outputs import schema
from shipway.domain.errors import GateRefused, RepositoryError, ShipwayError, UsageError
from shipway.system.checkout import add_tag
from shipway.system.git import Repository
from tests.unit.actions.versions.conftest import Make
from tests.unit.actions.versions.shop import PRODUCTION, STAGING, Shop, plan_text
from tests.unit.domain import samples
from tests.unit.system.repositories import ADA, git

pytestmark = pytest.mark.counterpart


def head(shop: Shop) -> str:
    return git(shop.path, "rev-parse", "HEAD")


def test_a_version_is_tagged_and_pushed(shop: Shop) -> None:
    found = shop.json("--yes")
    assert (found["version"], found["before"], found["why"]) == ("v1.1.0", "v1.0.0", "a feature: feat: a cart")
    assert [(item["author"], item["subject"]) for item in found["commits"]] == [(ADA, "feat: a cart")]
    assert (found["running"], found["release"], found["validated"]) == (1, 2, ["staging"])
    assert [item["name"] for item in found["images"]] == ["web"]
    assert (found["tagged"], found["pushed"], found["signed"]) == (True, True, False)
    assert "where there is none: shipway deploy production v1.1.0" in found["next"]
    assert shop.there() == shop.tags() == {"v1.0.0": shop.tags()["v1.0.0"], "v1.1.0": head(shop)}
    assert git(shop.path, "tag", "--list", "--format=%(contents)", "v1.1.0") == "shop v1.1.0\n\n- feat: a cart"


def test_the_output_fits_its_schema(shop: Shop) -> None:
    jsonschema.validate(shop.json("--dry-run"), schema("release"))
    jsonschema.validate(shop.json("--yes"), schema("release"))


def test_a_dry_run_shows_all_and_changes_nothing(shop: Shop) -> None:
    told = shop.call("major", "--dry-run")
    assert "shop v2.0.0 to production (major)" in told
    assert f"{ADA} feat: a cart" in told
    assert "release: r1 → r2" in told
    assert "with a tag that isn't signed" in told
    assert "v2.0.0" not in shop.tags()
    assert "there is no terminal to confirm it" in shop.call("major", fails=UsageError)
    assert "v2.0.0" not in shop.tags()


def test_it_asks_on_a_terminal(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda self: True, raising=False)
    assert f"tag {head(shop)[:12]} as v1.1.0 and push it to origin? [y/N]" in shop.call(typed="n\n")
    assert "v1.1.0" not in shop.tags()
    shop.call(typed="y\n")
    assert shop.there()["v1.1.0"] == head(shop)


def test_configuration_schema_and_migrations_are_shown(make: Make) -> None:
    database = {
        "services": {"web": {"build": "web"}}, "accessories": {"db": {"image": "postgres:15", "provides": "URL", "volume": "/data"}},
        "database": {"accessory": "db", "service": "web", "tool": "sql", "folder": "migrations"},
    }  # fmt: skip
    shop = make(text=plan_text(**database), files={"web/Dockerfile": "FROM x\n"})
    database["services"] = {"web": {"build": "web", "replicas": 2}}
    shop.change(
        "more", {"shipway.yaml": plan_text(**database), "web/migrations/2_pets.up.sql": "CREATE TABLE pets ();\n"}
    )
    found = shop.json("--dry-run")
    assert {"name": "services.web.replicas", "first": "1", "second": "2"} in found["configuration"]
    assert found["migrations"] == ["web/migrations/2_pets.up.sql"]
    assert "  + web/migrations/2_pets.up.sql" in shop.call("--dry-run")


def dirty(shop: Shop) -> None:
    (shop.path / "app").write_text("changed")


def elsewhere(shop: Shop) -> None:
    git(shop.path, "switch", "--quiet", "staging")


def detached(shop: Shop) -> None:
    git(shop.path, "switch", "--quiet", "--detach")


def ahead(shop: Shop) -> None:
    shop.commit("more")


def behind(shop: Shop) -> None:
    shop.change("more")
    git(shop.path, "reset", "--quiet", "--hard", "HEAD~1")


def unknown(shop: Shop) -> None:
    """Somebody else pushed."""
    other = shop.folder / "other"
    git(shop.folder, "clone", "--quiet", str(shop.remote), str(other))
    git(other, "commit", "--quiet", "--allow-empty", "--message", "theirs")
    git(other, "push", "--quiet")


def diverged(shop: Shop) -> None:
    behind(shop)
    shop.commit("mine")


def unpushed(shop: Shop) -> None:
    git(shop.remote, "update-ref", "-d", "refs/heads/main")


def shallow(shop: Shop) -> None:
    git(shop.path, "fetch", "--quiet", "--depth=1", "--update-shallow", f"file://{shop.remote}", "main")
    (shop.path / ".git" / "shallow").write_text(f"{head(shop)}\n")


def nothing_new(shop: Shop) -> None:
    shop.call("v1.1.0", "--yes")


def unvalidated(shop: Shop) -> None:
    shop.commit("straight to main", {"page": "new"})
    shop.push("main")


def reused(shop: Shop) -> None:
    """A version whose tag was deleted."""
    made = shop.ctx.ledger.releases("shop")[0]
    shop.recorded(shop.ctx.ledger.add_release(replace(made, tree="other", digest="")), "v1.0.1")


def other_tag_here(shop: Shop) -> None:
    git(shop.path, "tag", "v1.0.1", "HEAD~1")


@pytest.mark.parametrize(
    ("spoil", "asked", "error", "says"),
    [
        (dirty, "patch", RepositoryError, ("uncommitted changes: app", "git stash")),
        (elsewhere, "patch", RepositoryError, ("this is the branch staging, and production takes versions from main", "git switch main")),
        (detached, "patch", RepositoryError, ("HEAD is detached", "git switch main")),
        (ahead, "patch", RepositoryError, ("main is ahead of origin by 1", "git push origin main")),
        (behind, "patch", RepositoryError, ("main is behind origin by 1", "git pull --ff-only")),
        (unknown, "patch", RepositoryError, ("origin has commits of main that this clone lacks", "git pull --ff-only")),
        (diverged, "patch", RepositoryError, ("have diverged (1 and 1 commits)", "git pull --rebase")),
        (unpushed, "patch", RepositoryError, ("origin has no branch main", "git push origin main")),
        (shallow, "patch", RepositoryError, ("this clone is shallow", "git fetch --unshallow --tags")),
        (nothing_new, "patch", GateRefused, ("no commit was made since v1.1.0",)),
        (nothing_new, "v1.1.0", UsageError, ("the tag v1.1.0 exists, and is this commit", "shipway deploy production v1.1.0")),
        (None, "v1.0.0", UsageError, ("the tag v1.0.0 exists: it is",)),
        (None, "0.9.0", UsageError, ("v0.9.0 is not higher than v1.0.0", "v1.0.1, v1.1.0, v2.0.0")),
        (None, "1.0.0-rc.1", UsageError, ("v1.0.0-rc.1 is not higher than v1.0.0",)),
        (None, "next", UsageError, ("'next' is not a semantic version", "patch, minor, major")),
        (None, "v1.1", UsageError, ("is not a semantic version",)),
        (unvalidated, "patch", GateRefused, (
            "no release was built from the tree of", "it differs from release 2, which staging runs, in: page",
            "git switch staging && git merge main && git push", "git merge --ff-only staging",
        )),
        (reused, "patch", GateRefused, ("v1.0.1 was deployed as release 3, whose tag is gone",)),
        (other_tag_here, "patch", UsageError, ("this clone has a tag v1.0.1 at", "git tag --delete v1.0.1")),
    ],
    ids=lambda item: getattr(item, "__name__", None) if callable(item) else item if isinstance(item, str) else None,
)  # fmt: skip
def test_what_is_refused(
    shop: Shop, spoil: Callable[[Shop], None] | None, asked: str, error: type[ShipwayError], says: tuple[str, ...]
) -> None:
    if spoil is not None:
        spoil(shop)
    before, there = shop.tags(), shop.there()
    told = shop.call(asked, "--yes", fails=error)
    for words in says:
        assert words in told
    assert (shop.tags(), shop.there()) == (before, there)


def test_all_problems_of_the_checkout_come_together(shop: Shop) -> None:
    elsewhere(shop)
    dirty(shop)
    told = shop.call(fails=RepositoryError)
    assert "uncommitted changes: app" in told
    assert "this is the branch staging" in told


def test_a_release_that_failed_on_staging_is_not_validated(shop: Shop) -> None:
    shop.commit("broken")
    shop.push("main")
    made = replace(
        samples.release(3),
        revision=head(shop),
        tree=git(shop.path, "rev-parse", "HEAD^{tree}"),
        plan=shop.plan(),
        digest="",
    )
    shop.ctx.ledger.add_release(made)
    assert "release 3 has this tree but was not validated on staging" in shop.call("--yes", fails=GateRefused)


def test_a_merge_with_the_validated_tree_is_the_validated_release(shop: Shop) -> None:
    git(shop.path, "switch", "--quiet", "staging")
    shop.commit("fix: totals")
    shop.validated()
    git(shop.path, "switch", "--quiet", "main")
    git(shop.path, "merge", "--quiet", "--no-ff", "--message", "Merge staging", "staging")
    shop.push("main", "staging")
    found = shop.json("--yes")
    assert (found["version"], found["release"]) == ("v1.1.0", 3)
    assert [item["subject"] for item in found["commits"]] == ["fix: totals", "feat: a cart"]
    assert shop.there()["v1.1.0"] == head(shop)


def test_a_missing_approval_is_told_with_who_may_give_it(make: Make) -> None:
    production = {**PRODUCTION, "approvals": {"count": 1, "not": "author"}}
    shop = make(text=plan_text(environments={"staging": STAGING, "production": production}))
    found = shop.json("--yes")
    assert "release 2 needs 1 approval by someone other than its authors and has 0" in found["waits"][0]
    assert found["approvers"].startswith(f"anyone but its authors ({ADA}")
    assert found["next"].endswith("shipway approve production r2; then: shipway deploy production v1.1.0")
    assert shop.there()["v1.1.0"] == head(shop)


def test_an_approval_that_was_given_is_not_waited_for(make: Make) -> None:
    production = {**PRODUCTION, "approvals": {"count": 1, "not": "author"}}
    shop = make(text=plan_text(environments={"staging": STAGING, "production": production}))
    shop.approve()
    assert shop.json("--dry-run")["waits"] == []


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        ("succeeded", "production runs v1.1.0 (release 2)"),
        ("pending", "v1.1.0 is being deployed to production: shipway show production --follow"),
        ("failed", "to production failed: shipway show production; then: shipway deploy production v1.1.0"),
    ],
)
def test_what_the_push_started_is_told(shop: Shop, outcome: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a hook with this ledger."""
    real = making.push

    def deploying(*args: object) -> None:
        real(*args)  # type: ignore[arg-type]
        shop.deployed(shop.ctx.ledger.releases("shop")[0], "production", outcome)

    monkeypatch.setattr(making, "push", deploying)
    assert shop.call("--yes").rstrip().endswith(says)


def reject(shop: Shop) -> None:
    hook = shop.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho tags are protected\nexit 1\n")
    hook.chmod(0o755)


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


class Dies(BaseException):
    """As a process that is killed: nothing is cleaned up."""


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


def test_a_repository_without_a_remote_is_only_tagged(make: Make) -> None:
    shop = make(remote=False)
    found = shop.json("--yes")
    assert (found["remote"], found["pushed"], found["next"]) == (
        None,
        False,
        "deploy it: shipway deploy production v1.1.0",
    )
    assert shop.tags()["v1.1.0"] == head(shop)
    assert "exists, and is this commit" in shop.call("v1.1.0", "--yes", fails=UsageError)


def test_no_other_tag_is_pushed(shop: Shop) -> None:
    git(shop.path, "config", "push.followTags", "true")
    git(shop.path, "tag", "--annotate", "--message", "mine", "private")
    shop.call("--yes")
    assert "private" not in shop.there()


def signing(shop: Shop) -> Path:
    """Git gets a key to sign with."""
    key = shop.folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    for name, value in {"gpg.format": "ssh", "user.signingKey": str(key)}.items():
        git(shop.path, "config", name, value)
    return key


def test_a_tag_is_signed_where_git_has_a_key(shop: Shop) -> None:
    key = signing(shop)
    assert shop.json("--yes")["signed"] is True
    keys = shop.folder / "keys"
    keys.write_text(f"{ADA} {key.with_suffix('.pub').read_text()}")
    git(shop.path, "-c", f"gpg.ssh.allowedSignersFile={keys}", "tag", "--verify", "v1.1.0")


@pytest.mark.parametrize("value", ["missing", ""])
def test_a_key_that_does_not_sign_leaves_no_tag(shop: Shop, value: str) -> None:
    git(shop.path, "config", "gpg.format", "ssh")
    git(shop.path, "config", "tag.gpgSign", "true")
    if value:
        git(shop.path, "config", "user.signingKey", str(shop.folder / value))
    assert "the tag v1.1.0 could not be signed" in shop.call("--yes", fails=RepositoryError)
    assert "v1.1.0" not in shop.tags()


def test_a_tag_that_waits_is_signed_where_it_is_not(shop: Shop) -> None:
    """Of a process that died before it had seen that it isn't, or of a person."""
    git(shop.path, "tag", "v1.1.0")
    signing(shop)
    assert shop.json("--yes")["exists"] is False
    assert shop.there()["v1.1.0"] == head(shop)
    assert "-----BEGIN SSH SIGNATURE-----" in git(shop.remote, "cat-file", "tag", "v1.1.0")


def test_a_person_may_choose_not_to_sign(shop: Shop) -> None:
    git(shop.path, "config", "user.signingKey", "missing")
    git(shop.path, "config", "tag.gpgSign", "false")
    assert shop.json("--yes")["signed"] is False


def test_a_tag_outside_of_the_pattern_is_refused_with_the_rule(make: Make) -> None:
    production = {**PRODUCTION, "on": {"tag": {"match": "v*", "except": "*-rc*", "versions": "<2"}, "branch": "main"}}
    shop = make(text=plan_text(environments={"staging": STAGING, "production": production}))
    for asked in ("major", "1.1.0-rc.1"):
        assert "production accepts only revisions with a tag like" in shop.call(asked, "--yes", fails=GateRefused)
    shop.call("minor", "--yes")


def test_the_first_version(make: Make) -> None:
    shop = make()
    for place in (shop.path, shop.remote):
        git(place, "tag", "--delete", "v1.0.0")
    found = shop.json("--dry-run")
    assert (found["version"], found["before"], found["why"]) == ("v0.1.0", None, "the first version")
    assert [item["subject"] for item in found["commits"]] == ["feat: a cart", "first"]


def test_an_environment_without_a_preceding_one_builds_by_the_tag(make: Make) -> None:
    production = {key: value for key, value in PRODUCTION.items() if key != "after"}
    shop = make(text=plan_text(environments={"production": production}))
    shop.commit("feat: more")
    shop.push("main")
    found = shop.json("--yes")
    assert (found["version"], found["release"], found["validated"]) == ("v1.1.0", None, [])
    assert found["next"].endswith("where there is none: shipway run v1.1.0")


def test_which_environment(make: Make) -> None:
    candidates = {**PRODUCTION, "on": {"tag": "rc*", "branch": "main"}, "url": "http://rc.localhost:8080"}
    shop = make(text=plan_text(environments={"staging": STAGING, "candidates": candidates, "production": PRODUCTION}))
    assert "--env candidates or --env production" in shop.call(fails=UsageError)
    assert "staging is not deployed by a tag" in shop.call("--env", "staging", fails=UsageError)
    assert "there is no environment other" in shop.call("--env", "other", fails=UsageError)
    assert shop.json("--env", "candidates", "--dry-run")["version"] == "rc0.1.0"
    assert shop.json("--env", "production", "--dry-run")["version"] == "v1.1.0"


def test_a_bare_repository_has_nothing_checked_out(shop: Shop) -> None:
    shop.ctx = replace(shop.ctx, repository=lambda: Repository(Path(shop.remote)))
    assert "this is a bare repository" in shop.call(fails=UsageError)


def test_a_light_tag_of_a_person_is_pushed_as_it_is(shop: Shop) -> None:
    git(shop.path, "tag", "v1.4.0")
    assert shop.json("--yes")["version"] == "v1.4.0"
    assert git(shop.remote, "rev-parse", "v1.4.0") == head(shop)


def test_a_tag_is_made_at_once(shop: Shop) -> None:
    """Its message keeps what looks like a comment."""
    add_tag(Repository(shop.path), "v9.0.0", head(shop), "shop v9.0.0\n\n### Added\n- x\n", signed=False)
    assert git(shop.path, "tag", "--list", "--format=%(contents)", "v9.0.0") == "shop v9.0.0\n\n### Added\n- x"
