"""The changelog's entry: written where it is validated, and tagged only with it."""

from __future__ import annotations

import pytest

from shipway.actions.versions import prepare as preparing
from shipway.domain.errors import GateRefused, RepositoryError, UsageError
from shipway.domain.registration import Registration
from tests.unit.actions.versions.conftest import Make
from tests.unit.actions.versions.shop import LOG, STAGING, Shop, plan_text
from tests.unit.actions.versions.tagging import Dies, reject
from tests.unit.system.repositories import ADA, git

pytestmark = pytest.mark.counterpart

BEGIN = "# Changelog\n\n## [Unreleased]\n\n## [1.0.0] - 2026-01-01\n\n- Everything\n"
ENTRY = "## [1.1.0] - 1970-01-01\n\n### Added\n- a cart\n"


@pytest.fixture
def shop(make: Make) -> Shop:
    """With a changelog; staging is checked out."""
    made = make(files={LOG: BEGIN})
    git(made.path, "switch", "--quiet", "staging")
    return made


def log(shop: Shop, revision: str = "HEAD") -> str:
    return git(shop.path, "show", f"{revision}:{LOG}") + "\n"


def test_an_entry_is_prepared_validated_and_tagged(shop: Shop) -> None:
    git(shop.path, "switch", "--quiet", "main")
    told = shop.call("--yes", fails=GateRefused)
    assert "CHANGELOG.md has no entry for v1.1.0 at this commit" in told
    assert "git switch staging; shipway release v1.1.0 --prepare; or leave it: --no-changelog" in told
    git(shop.path, "switch", "--quiet", "staging")
    found = shop.json("--prepare", "--yes")
    assert (found["version"], found["entry"], found["pushed"]) == ("v1.1.0", "### Added\n- a cart", True)
    assert found["next"] == "once it is validated: bring it to main; there: shipway release v1.1.0"
    assert found["committed"] == git(shop.path, "rev-parse", "HEAD") == git(shop.remote, "rev-parse", "staging")
    assert log(shop) == BEGIN.replace("## [1.0.0]", f"{ENTRY}\n## [1.0.0]")
    assert (
        git(shop.path, "show", "--format=%ae %s", "--name-only", "HEAD")
        == f"{ADA} docs: the changelog of v1.1.0\n\n{LOG}"
    )
    assert not git(shop.path, "status", "--porcelain")

    shop.merge()  # before staging has deployed it
    told = shop.call("--yes", fails=GateRefused)
    assert "it differs from release 2, which staging runs, in: CHANGELOG.md" in told
    assert "v1.1.0" not in shop.tags()
    shop.validated()
    found = shop.json("--yes")
    assert (found["version"], found["why"], found["entry"]) == (
        "v1.1.0",
        "CHANGELOG.md has its entry",
        "### Added\n- a cart",
    )
    assert git(shop.path, "tag", "--list", "--format=%(contents)", "v1.1.0") == "shop v1.1.0\n\n### Added\n- a cart"
    assert shop.there()["v1.1.0"] == git(shop.path, "rev-parse", "staging")


def test_what_a_person_wrote_becomes_the_entry(shop: Shop) -> None:
    shop.change("docs: log", {LOG: BEGIN.replace("[Unreleased]\n", "[Unreleased]\n\n- A cart, at last\n")})
    git(shop.path, "switch", "--quiet", "staging")
    assert shop.json("major", "--prepare", "--yes")["entry"] == "- A cart, at last"
    assert "## [Unreleased]\n\n## [2.0.0] - 1970-01-01\n\n- A cart, at last\n" in log(shop)


def test_without_the_changelog(shop: Shop) -> None:
    git(shop.path, "switch", "--quiet", "main")
    found = shop.json("--no-changelog", "--yes")
    assert (found["version"], found["entry"]) == ("v1.1.0", None)
    assert "pass one" in shop.call("--prepare", "--no-changelog", fails=UsageError)


def test_a_plan_whose_inputs_lack_the_changelog_keeps_what_was_validated(make: Make) -> None:
    """Nothing that is built or run sees the file: the release is the same."""
    shop = make(text=plan_text(inputs=["app"]), files={LOG: BEGIN})
    git(shop.path, "switch", "--quiet", "staging")
    shop.call("--prepare", "--yes")
    shop.merge()
    found = shop.json("--yes")
    assert (found["version"], found["release"]) == ("v1.1.0", 2)


def test_commits_that_are_newer_than_the_entry_are_told(shop: Shop) -> None:
    shop.call("--prepare", "--yes")
    shop.change("fix: late")
    assert "changelog (1 commit newer than its entry):\n  ### Added" in shop.call("--dry-run")
    assert shop.json("--dry-run")["unlisted"] == 1


def test_a_dry_run_prepares_nothing(shop: Shop) -> None:
    before = git(shop.path, "rev-parse", "HEAD")
    told = shop.call("--prepare", "--dry-run")
    assert "CHANGELOG.md gets its entry:\n  ### Added\n  - a cart\n" in told
    assert (git(shop.path, "rev-parse", "HEAD"), log(shop)) == (before, BEGIN)
    assert "there is no terminal" in shop.call("--prepare", fails=UsageError)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (("switch", "--quiet", "main"), ("a commit on main would not be validated", "git switch staging")),
        (("switch", "--quiet", "--detach"), ("HEAD is detached",)),
        (("rm", "--quiet", "app"), ("uncommitted changes: app",)),
        (("rm", "--quiet", LOG), ("uncommitted changes: CHANGELOG.md",)),
        (("reset", "--quiet", "--hard", "HEAD~1"), ("staging is behind origin by 1",)),
    ],
)
def test_where_no_entry_is_prepared(shop: Shop, spoil: tuple[str, ...], says: tuple[str, ...]) -> None:
    git(shop.path, *spoil)
    before = git(shop.path, "rev-parse", "HEAD")
    told = shop.call("--prepare", "--yes", fails=RepositoryError)
    for words in says:
        assert words in told
    assert git(shop.path, "rev-parse", "HEAD") == before


def test_staging_and_versions_from_one_branch(make: Make) -> None:
    staging = {**STAGING, "on": {"branch": "main"}}
    production = {"on": {"tag": "v*", "branch": "main"}, "after": "staging", "url": "http://localhost:8080"}
    shop = make(text=plan_text(environments={"staging": staging, "production": production}), files={LOG: BEGIN})
    assert shop.json("--prepare", "--yes")["next"] == "once it is validated: shipway release v1.1.0"
    told = shop.call("--yes", fails=GateRefused)
    assert "have staging deploy this commit: shipway run main; then: shipway release v1.1.0" in told
    shop.validated()
    shop.call("--yes")


def test_commits_that_are_not_pushed_go_with_it(shop: Shop) -> None:
    """One push of staging, and so one deployment there."""
    shop.commit("fix: totals")
    found = shop.json("--prepare", "--yes")
    assert (found["ahead"], found["entry"]) == (1, "### Added\n- a cart\n\n### Fixed\n- totals")
    assert git(shop.remote, "rev-parse", "staging") == found["committed"]


def test_on_a_branch_of_ones_own_for_a_pull_request(shop: Shop) -> None:
    git(shop.path, "switch", "--quiet", "--create", "next-version")
    found = shop.json("--prepare", "--yes", "--no-push")
    assert found["next"].startswith("git push origin next-version; once it is validated")
    found = shop.json("--prepare", "--yes")
    assert (found["exists"], found["pushed"]) == (True, True)
    assert git(shop.remote, "rev-parse", "next-version") == git(shop.path, "rev-parse", "HEAD")


def test_a_rejected_branch_keeps_the_commit_for_a_pull_request(shop: Shop) -> None:
    reject(shop)
    told = shop.call("--prepare", "--yes", fails=RepositoryError)
    assert "staging could not be pushed to origin; the commit of the entry stays here" in told
    assert "git push origin HEAD:refs/heads/changelog-v1.1.0; to undo it: git reset --keep HEAD~1" in told
    assert ENTRY in log(shop)


@pytest.mark.every_point
@pytest.mark.parametrize("point", ["before the commit", "before the push", "after the push"])
def test_killed_anywhere_and_run_again(shop: Shop, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "commit_file" if point == "before the commit" else "push"
    real = getattr(preparing, name)

    def die(*args: object) -> None:
        if point == "before the commit":
            (shop.path / LOG).write_bytes(args[2])  # type: ignore[arg-type]
        if point == "after the push":
            real(*args)
        raise Dies

    with monkeypatch.context() as patch:
        patch.setattr(preparing, name, die)
        with pytest.raises(Dies):
            shop.call("--prepare", "--yes")
    shop.call("--prepare", "--yes")
    assert log(shop) == BEGIN.replace("## [1.0.0]", f"{ENTRY}\n## [1.0.0]")
    assert git(shop.remote, "rev-parse", "staging") == git(shop.path, "rev-parse", "HEAD")
    assert git(shop.path, "rev-list", "--count", "main..staging") == "1"
    assert not git(shop.path, "status", "--porcelain")


def test_a_changelog_beside_its_plan_comes_first(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = "apps/shop/shipway.yaml"
    shop = make(files={LOG: BEGIN, plan: plan_text(), f"apps/shop/{LOG}": BEGIN})
    shop.ctx.ledger.register(Registration("shop", str(shop.remote), plan, "main", "", ADA, 2.0))
    git(shop.path, "switch", "--quiet", "staging")
    monkeypatch.chdir(shop.path / "apps" / "shop")
    assert shop.json("--prepare", "--yes")["path"] == f"apps/shop/{LOG}"
    assert log(shop) == BEGIN


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        (b"# Changelog\n\xff\n", RepositoryError, "is not in UTF-8"),
        (b"# Changelog\n```\n", UsageError, "it has code or a comment that is never closed"),
    ],
)
def test_a_changelog_that_can_not_get_an_entry(shop: Shop, text: bytes, error: type[UsageError], says: str) -> None:
    (shop.path / LOG).write_bytes(text)
    git(shop.path, "commit", "--quiet", "--all", "--message", "broken")
    shop.push("staging")
    assert says in shop.call("--prepare", "--yes", fails=error)


def test_without_a_changelog_there_is_nothing_to_prepare(make: Make) -> None:
    shop = make()
    git(shop.path, "switch", "--quiet", "staging")
    assert "this commit has no CHANGELOG.md to prepare" in shop.call("--prepare", "--yes", fails=UsageError)


def test_line_endings_stay(make: Make) -> None:
    shop = make(files={LOG: BEGIN.replace("\n", "\r\n")})
    git(shop.path, "switch", "--quiet", "staging")
    shop.call("--prepare", "--yes")
    content = (shop.path / LOG).read_bytes()
    assert content == BEGIN.replace("## [1.0.0]", f"{ENTRY}\n## [1.0.0]").replace("\n", "\r\n").encode()
