"""`shipway ci`: what it writes, what it leaves alone, and when `--check` fails."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from shipway.cli import cli
from shipway.domain.errors import DriftFound, PlanError, RepositoryError, ShipwayError, UsageError
from shipway.system import installation
from tests.unit.system.repositories import git, repository

PLAN = """\
app: shop
services:
  web: {image: "caddy:2", port: 8000, route: /, health: {path: /}}
environments:
  staging:
    on: {branch: staging}
    url: https://staging.example
    hosts: ["ssh://deploy@web1.example"]
"""
WORKFLOW = ".github/workflows/shipway.yml"
PIN = ("--install", "git+https://git.example/shipway@0123abc")
Command = Callable[..., str]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = repository(tmp_path / "work", {"shipway.yaml": PLAN})
    monkeypatch.chdir(made)
    return made


@pytest.fixture
def ci(tmp_path: Path) -> Command:
    """The command, and its output. It raises the error that it ends with."""

    def run(*args: str) -> str:
        done = CliRunner().invoke(cli, ["--home", str(tmp_path / "home"), "ci", *args])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    return run


def test_what_it_writes_is_up_to_date(root: Path, ci: Command) -> None:
    said = ci("github", *PIN)
    assert f"wrote {WORKFLOW}" in said
    assert "SHIPWAY_LEDGER" in said
    assert "shop has no `registry`" in said
    assert "up to date" in ci("github", "--check")
    before = (root / WORKFLOW).read_text()
    assert "up to date" in ci("github")
    assert (root / WORKFLOW).read_text() == before


def test_check_fails_where_there_is_none(root: Path, ci: Command) -> None:
    with pytest.raises(DriftFound) as caught:
        ci("github", "--check", *PIN)
    assert (caught.value.exit_code, caught.value.hint) == (16, "shipway ci github, then commit what it writes")
    assert not (root / WORKFLOW).exists()


def test_a_changed_plan_makes_it_outdated(root: Path, ci: Command, tmp_path: Path) -> None:
    ci("github", *PIN)
    (root / "shipway.yaml").write_text(PLAN.replace("branch: staging", "branch: develop"))
    done = CliRunner().invoke(cli, ["--home", str(tmp_path / "home"), "ci", "github", "--check"])
    assert isinstance(done.exception, DriftFound)
    assert '+    branches: ["develop"]' in done.output
    assert '-    branches: ["staging"]' in done.output
    ci("github")
    ci("github", "--check")
    assert PIN[1] in (root / WORKFLOW).read_text()


@pytest.mark.parametrize("change", ["edited", "foreign"])
def test_what_a_person_wrote_is_replaced_only_by_force(root: Path, ci: Command, change: str) -> None:
    ci("github", *PIN)
    file = root / WORKFLOW
    text = file.read_text().replace("ubuntu-latest", "ubuntu-24.04") if change == "edited" else "name: mine\n"
    file.write_text(text)
    words = "was edited since Shipway wrote it" if change == "edited" else "was not written by Shipway"
    with pytest.raises(UsageError, match=words):
        ci("github", *PIN)
    assert file.read_text() == text
    with pytest.raises(DriftFound):
        ci("github", "--check", *PIN)
    ci("github", "--force", *PIN)
    ci("github", "--check")


def test_ends_of_lines_of_another_system_are_no_edit(root: Path, ci: Command) -> None:
    ci("github", *PIN)
    file = root / WORKFLOW
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    ci("github", "--check")


def test_the_file_remembers_options(root: Path, ci: Command) -> None:
    ci("gitlab", *PIN, "--runner", "big, fast")
    assert 'tags: ["big", "fast"]' in (root / ".gitlab-ci.yml").read_text()
    ci("gitlab", "--check")
    ci("gitlab", "--runner", "small")
    assert 'tags: ["small"]' in (root / ".gitlab-ci.yml").read_text()
    assert PIN[1] in (root / ".gitlab-ci.yml").read_text()


def test_a_part_where_the_team_has_a_file_of_its_own(root: Path, ci: Command) -> None:
    (root / ".gitlab-ci.yml").write_text("test: {script: [make]}\n")
    said = ci("gitlab", *PIN)
    assert "local: /.gitlab/shipway.yml" in said
    assert (root / ".gitlab-ci.yml").read_text() == "test: {script: [make]}\n"
    ci("gitlab", "--check")


def test_files_of_environments_that_are_no_more(root: Path, ci: Command) -> None:
    ci("woodpecker", *PIN)
    old = root / ".woodpecker/shipway-staging.yml"
    assert old.exists()
    (root / ".woodpecker/shipway-mine.yml").write_text("steps: []\n")
    (root / "shipway.yaml").write_text(PLAN.replace("  staging:\n", "  live:\n"))
    with pytest.raises(DriftFound, match=r"shipway-staging\.yml"):
        ci("woodpecker", "--check")
    assert "removed .woodpecker/shipway-staging.yml" in ci("woodpecker")
    assert sorted(path.name for path in old.parent.iterdir()) == ["shipway-live.yml", "shipway-mine.yml", "shipway.yml"]


def test_several_plans(root: Path, ci: Command) -> None:
    for name in ("shop", "blog"):
        (root / "apps" / name).mkdir(parents=True)
        (root / "apps" / name / "shipway.yaml").write_text(PLAN.replace("app: shop", f"app: {name}"))
    (root / "shipway.yaml").unlink()
    os.chdir(root / "apps" / "shop")
    ci("github", *PIN)
    text = (root / WORKFLOW).read_text()
    assert "shipway run --plan apps/blog/shipway.yaml --for staging" in text
    assert "deploy_shop_staging:" in text
    (root / "apps/blog/shipway.yaml").write_text(PLAN)
    with pytest.raises(PlanError, match="several plans have `app: shop`"):
        ci("github")


def test_a_folder_whose_name_ends_a_line(root: Path, ci: Command) -> None:
    (root / "a\nb").mkdir()
    (root / "shipway.yaml").rename(root / "a\nb" / "shipway.yaml")
    with pytest.raises(UsageError, match="can't be in a pipeline file"):
        ci("github", *PIN)


def test_comments_have_no_code(root: Path, ci: Command) -> None:
    secrets = '    secrets: [A]\n    secrets_from: [{age: "x\\\\u000aevil${B}.age"}]\n'
    (root / "shipway.yaml").write_text(PLAN + secrets)
    ci("jenkins", *PIN)
    head = (root / "Jenkinsfile").read_text().partition("pipeline {")[0]
    assert "a private key that reads x?u000aevil?{B}.age" in head
    assert all(line.startswith("//") for line in head.splitlines())


def test_stdout_writes_nothing(root: Path, ci: Command) -> None:
    said = ci("woodpecker", "--stdout", *PIN)
    assert "# .woodpecker/shipway-staging.yml\n# Written by `shipway ci woodpecker" in said
    assert not (root / ".woodpecker").exists()


def test_a_link_is_not_followed(root: Path, ci: Command, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (root / ".github").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="leads out of the repository"):
        ci("github", *PIN)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_host_that_is_the_runner(root: Path, ci: Command) -> None:
    (root / "shipway.yaml").write_text(PLAN.replace('    hosts: ["ssh://deploy@web1.example"]\n', ""))
    with pytest.raises(UsageError, match="runs on the machine that runs Shipway"):
        ci("github", *PIN)
    ci("github", *PIN, "--runner", "self-hosted")
    ci("gitlab", *PIN)


def test_what_installs_shipway_is_never_guessed(root: Path, ci: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipway.actions.projects.ci.requirement", lambda parts: "")
    with pytest.raises(UsageError, match="not known how a job installs Shipway"):
        ci("github")
    monkeypatch.setattr(
        "shipway.actions.projects.ci.requirement", lambda parts: "shipway @ git+https://git.example/s@1"
    )
    assert "It installs shipway @ git+https://git.example/s@1;" in ci("github")


@pytest.mark.parametrize(
    ("kept", "own", "expected"),
    [
        (f"shipway @ git+https://a@{'1' * 40}", f"shipway[age] @ git+https://a@{'2' * 40}", "own"),
        (f"shipway @ git+https://fork@{'1' * 40}", f"shipway @ git+https://a@{'2' * 40}", "kept"),
        ("git+https://a@v1", f"shipway @ git+https://a@{'2' * 40}", "kept"),
        (f"shipway @ git+https://a@{'1' * 40}", "", "kept"),
    ],
)
def test_the_version_follows_the_one_that_writes_the_file(
    root: Path, ci: Command, monkeypatch: pytest.MonkeyPatch, kept: str, own: str, expected: str
) -> None:
    """A chosen one stays, and so does another repository."""
    monkeypatch.setattr("shipway.actions.projects.ci.requirement", lambda parts: own)
    ci("github", "--install", kept)
    assert f"It installs {own if expected == 'own' else kept};" in ci("github")


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ('{"url": "https://git.example/s", "vcs_info": {"vcs": "git", "commit_id": "1a2b"}}', "shipway[age] @ git+https://git.example/s@1a2b"),
        ('{"url": "file:///work", "dir_info": {"editable": true}}', ""),
        ('{"url": "file:///work", "vcs_info": {"vcs": "git", "commit_id": "1a2b"}}', ""),
        (None, ""),
    ],
)  # fmt: skip
def test_where_this_shipway_came_from(monkeypatch: pytest.MonkeyPatch, record: str | None, expected: str) -> None:
    class File:
        name = "direct_url.json"

        def read_text(self, encoding: str) -> str | None:
            return record

    monkeypatch.setattr("importlib.metadata.files", lambda name: [File()] if record else None)
    assert installation.requirement(("age",)) == expected


@pytest.mark.parametrize("option", ["--install", "--runner"])
@pytest.mark.parametrize("text", ["a`b", "a\nb", "$(id)", "${{ a }}", "a'b", "a\\b"])
def test_options_are_words(root: Path, ci: Command, option: str, text: str) -> None:
    with pytest.raises(UsageError, match="contains characters"):
        ci("github", *PIN, option, text)


def test_a_record_of_options_that_was_tampered_with_is_no_code(root: Path, ci: Command) -> None:
    ci("gitlab", *PIN)
    file = root / ".gitlab-ci.yml"
    file.write_text(file.read_text().replace(f"--install {PIN[1]}`", f"--install {PIN[1]} --runner '$(id)'`"))
    assert "$(id)" not in ci("gitlab", "--stdout")


@pytest.mark.parametrize("command", [("--check", "--stdout"), ("--force", "--check"), ("--stdout", "--force")])
def test_options_that_exclude_each_other(root: Path, ci: Command, tmp_path: Path, command: tuple[str, ...]) -> None:
    done = CliRunner().invoke(cli, ["--home", str(tmp_path / "home"), "ci", "github", *command])
    assert (done.exit_code, "can't be combined" in done.output) == (2, True)


def test_without_a_repository_or_a_plan(tmp_path: Path, ci: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RepositoryError):
        ci("github")
    git(tmp_path, "init", "--quiet")
    with pytest.raises(PlanError) as caught:
        ci("github")
    assert isinstance(caught.value, ShipwayError)
    assert "shipway init" in caught.value.hint
