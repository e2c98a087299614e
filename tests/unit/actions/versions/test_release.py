"""`shipway release`: what it shows, which tag it makes and signs, and what is waited for."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from shipway.actions.versions import tag as making
from shipway.cli.json_outputs import schema
from shipway.domain.errors import GateRefused, RepositoryError, UsageError
from shipway.system.checkout import add_tag
from shipway.system.git import Repository
from tests.unit.actions.versions.conftest import Make
from tests.unit.actions.versions.shop import PRODUCTION, STAGING, Shop, plan_text
from tests.unit.actions.versions.tagging import head
from tests.unit.system.repositories import ADA, git

pytestmark = pytest.mark.counterpart


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
