"""Versions that are refused: by the state of the checkout, of the remote, and of what is to be released."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from shipway.domain.errors import GateRefused, RepositoryError, ShipwayError, UsageError
from tests.unit.actions.versions.shop import Shop
from tests.unit.actions.versions.tagging import head
from tests.unit.domain import samples
from tests.unit.system.repositories import git

pytestmark = pytest.mark.counterpart


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
