"""Pipeline files before their platforms' own linters: actionlint, the published schemas, and a grammar of Groovy. Declarative
pipelines have no linter outside of a running Jenkins, so that only the syntax of a Jenkinsfile is checked."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from shipway.domain.plan import Approvals, Environment, Host, Trigger
from shipway.domain.registry_access import RegistryAccess
from shipway.domain.secret_source import AGE, VARIABLES, SecretSource
from shipway.drafting.ci import PLATFORMS, github, script
from tests import programs
from tests.unit.drafting.test_ci import NASTY, PRODUCTION, STAGING, pipeline, plan

pytestmark = pytest.mark.counterpart
SCHEMAS = {"github": "vendor.github-workflows", "gitlab": "vendor.gitlab-ci", "woodpecker": "vendor.woodpecker-ci"}
LINT = """
global.throwError = (message) => { throw new Error(message) };
require(process.argv[2] + "/wasm_exec.js");
const fs = require("fs"), go = new Go();
WebAssembly.instantiate(fs.readFileSync(process.argv[2] + "/main.wasm"), go.importObject).then(({ instance }) => {
  go.run(instance);
  const found = runActionlint(fs.readFileSync(process.argv[3], "utf8"), "shipway.yml");
  fs.writeFileSync(process.argv[4], JSON.stringify(found));
  process.exit(0);
});
"""
PARSE = """
import sys
from groovy_parser.parser import parse_groovy_content
for path in sys.argv[1:]:
    try:
        parse_groovy_content(open(path, encoding="utf-8").read())
    except Exception as error:
        print(f"{path}: {type(error).__name__}: {error}"[:400])
"""
EVERYTHING = Environment(
    "preview", "https://preview.example", Trigger(tag="p[0-9]?*", branches=("release/*", "**/x?", *NASTY)),
    hosts=(Host("ssh://deploy@web1"),), approvals=Approvals(2),
    secrets_from=(SecretSource(VARIABLES, names={"A": "A"}), SecretSource(AGE, "secrets/p.age")),
)  # fmt: skip
BRANCHES = Environment("odd", "https://odd.example", Trigger(branches=("release/*", *NASTY)))
PLANS = {
    "usual": [plan(STAGING, PRODUCTION)],
    "all": [
        plan(STAGING, EVERYTHING, BRANCHES, Environment("demo", "http://demo.example"), file="apps/a/shipway.yaml", registry=RegistryAccess("ghcr.io/a")),
        plan(STAGING, app="blog", file="apps/it's ${{ a }} $(b)/shipway.yaml", registry=RegistryAccess("registry.example:5000/a")),
    ],
    "none": [plan()],
    "odd": [plan(Environment("odd", "https://odd.example", Trigger(branches=("a'b", "a\"b", "ä", "${a}"))), file="it's/shipway.yaml")],
}  # fmt: skip


def written(platform: str, name: str, folder: Path) -> list[Path]:
    made = []
    for path, text in PLATFORMS[platform].files(pipeline(*PLANS[name], names=("A",))).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
        made.append(folder / path)
    return made


def lint(file: Path) -> Any:
    """What actionlint finds."""
    script, result = file.with_suffix(".cjs"), file.with_suffix(".json")
    script.write_text(LINT)
    subprocess.run(
        [programs.program("node"), script, programs.published("actionlint") / "package", file, result], check=True
    )
    return json.loads(result.read_text())


@pytest.mark.parametrize("name", PLANS)
def test_actionlint_finds_nothing(name: str, tmp_path: Path) -> None:
    (file,) = written("github", name, tmp_path)
    found = lint(file)
    assert found == [], found


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("github.ref ==", "github.reff =="),
        ("cancel-in-progress", "cancel"),
        ("contents: read", "contents: all"),
        ('"$GITHUB_REF"', "${{ github.head_ref }}"),
    ],
)
def test_actionlint_finds_what_is_wrong(right: str, wrong: str, tmp_path: Path) -> None:
    (file,) = written("github", "usual", tmp_path)
    text = file.read_text()
    assert right in text
    file.write_text(text.replace(right, wrong))
    assert lint(file)


def validated(platform: str, files: list[Path]) -> subprocess.CompletedProcess[str]:
    command = [
        programs.environment("checkers", *programs.CHECKERS) / "check-jsonschema",
        "--builtin-schema",
        SCHEMAS[platform],
    ]
    transform = ["--data-transform", "gitlab-ci"] if platform == "gitlab" else []
    return subprocess.run([*command, *transform, *files], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("platform", SCHEMAS)
def test_the_published_schemas_accept_them(platform: str, name: str, tmp_path: Path) -> None:
    done = validated(platform, written(platform, name, tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("platform", "right", "wrong"),
    [
        ("github", "runs-on", "runs"),
        ("gitlab", "resource_group: ", "resource_group: 1 #"),
        ("woodpecker", "limit: 1", "limit: 0"),
    ],
)
def test_the_published_schemas_reject_what_is_wrong(platform: str, right: str, wrong: str, tmp_path: Path) -> None:
    files = written(platform, "usual", tmp_path)
    for file in files:
        file.write_text(file.read_text().replace(right, wrong))
    assert validated(platform, files).returncode == 1


def test_a_jenkinsfile_is_groovy(tmp_path: Path) -> None:
    (file,) = written("jenkins", "odd", tmp_path)
    text = file.read_text()
    open_text, more_braces = tmp_path / "text", tmp_path / "braces"
    open_text.write_text(text.replace("stage('checks')", "stage('checks)", 1))
    more_braces.write_text(text.replace("agent none", "agent none }", 1))
    done = subprocess.run(
        [programs.environment("checkers", *programs.CHECKERS) / "python", "-c", PARSE, file, open_text, more_braces],
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.partition(":")[0] for line in done.stdout.splitlines() if line.startswith("/")] == [
        str(open_text),
        str(more_braces),
    ], done.stdout


def test_actions_are_pinned_by_digest() -> None:
    text = github.files(pipeline(*PLANS["usual"]))[github.FILE]
    used = [line.partition("uses: ")[2] for line in text.splitlines() if "uses: " in line]
    assert used
    assert all(len(name.partition("@")[2].partition(" ")[0]) == 40 for name in used)


def has_ended(process: int, seconds: float = 30.0) -> bool:
    """Whether it ends soon. One that nobody waits for has ended too."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][:1]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_the_key_is_in_an_agent_that_ends_with_the_job(tmp_path: Path) -> None:
    made = Environment("staging", "https://s.example", Trigger(branch="staging"), hosts=(Host("ssh://deploy@web1"),))
    (job,) = pipeline(plan(made)).jobs
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    known = "web1.example ssh-ed25519 AAAA\nweb2.example ssh-ed25519 BBBB"
    lines = [
        "set -e",
        "work=$(mktemp -d)",
        *script.by_ssh(job, until_end=True),
        "ssh-add -l",
        'echo "left: $SHIPWAY_SSH_KEY"',
        'echo "pid: $SSH_AGENT_PID"',
    ]
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "SHIPWAY_SSH_KEY": key.read_text(),
        "SHIPWAY_KNOWN_HOSTS": known,
    }
    for _ in range(2):
        done = subprocess.run(["sh", "-c", "\n".join(lines)], env=env, capture_output=True, text=True, check=True)
        assert "(ED25519)" in done.stdout
        assert "left: \n" in done.stdout
        agent = int(done.stdout.partition("pid: ")[2])
        assert has_ended(agent)
    assert (tmp_path / ".ssh" / "known_hosts").read_text() == known + "\n"  # each line once
