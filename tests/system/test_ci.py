"""The commands of generated pipeline files do what they say: each `run:` is executed in the order of its job, by bash, with what
the platform would give it: a clone as actions/checkout makes it, secrets only where the file names them, a fresh home for each job.
The platform itself is not here: which job an event starts is decided by a reader of the few expressions that the files have."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from examples.project import GRACE, Done
from shipway.domain.errors import GateRefused
from tests.postgres import running_server
from tests.system.conftest import Make
from tests.system.test_ownership import shared
from tests.system.tiny import Tiny

pytestmark = pytest.mark.engine
ROOT = Path(__file__).resolve().parents[2]
FILE = ".github/workflows/shipway.yml"


class Actions:
    """A repository at a forge, and its runners."""

    def __init__(self, project: Tiny, secrets: Mapping[str, str]) -> None:
        self.project, self.secrets, self.number = project, secrets, 0
        self.forge = project.folder / "forge.git"
        project.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.forge))
        project.git("remote", "add", "origin", str(self.forge))

    def push(self, *refs: str) -> dict[str, Done]:
        """By job: how it ended."""
        self.project.git("push", "--quiet", "--force", "origin", *refs)
        found: dict[str, Done] = {}
        for ref in refs:
            kind = "tags" if self.project.git("tag", "--list", ref).output.strip() else "heads"
            found |= self.event({"event_name": "push", "ref": f"refs/{kind}/{ref}", "sha": self.revision(ref)})
        return found

    def pull_request(self, branch: str) -> dict[str, Done]:
        """Its merge with main is checked."""
        self.project.git("push", "--quiet", "--force", "origin", f"{branch}:refs/pull/7/merge")
        return self.event({"event_name": "pull_request", "ref": "refs/pull/7/merge", "sha": self.revision(branch)})

    def dispatch(self, environment: str, revision: str) -> dict[str, Done]:
        """A person's word."""
        event = {"event_name": "workflow_dispatch", "ref": "refs/heads/main", "sha": self.revision("main")}
        return self.event(event, {"environment": environment, "revision": revision})

    def revision(self, name: str) -> str:
        return self.project.git("rev-parse", f"{name}^{{commit}}").output.strip()

    def event(self, github: Mapping[str, str], inputs: Mapping[str, str] | None = None) -> dict[str, Done]:
        given = {**github, "triggering_actor": "ada", "token": "a-token"}
        text = self.project.git("show", f"{github['sha']}:{FILE}").output
        jobs = yaml.safe_load(text)["jobs"]
        return {
            name: self.run(job, given, inputs or {})
            for name, job in jobs.items()
            if holds(job["if"], given, inputs or {})
        }

    def run(self, job: Any, github: Mapping[str, str], inputs: Mapping[str, str]) -> Done:
        """One job, until a step fails."""
        self.number += 1
        temporary, work = self.project.folder / f"runner{self.number}", self.project.folder / f"job{self.number}"
        temporary.mkdir()
        env = self.machine() | {
            "CI": "true", "RUNNER_TEMP": str(temporary), "GITHUB_PATH": str(temporary / "path"), "GITHUB_ENV": str(temporary / "env"),
            "GITHUB_EVENT_NAME": github["event_name"], "GITHUB_REF": github["ref"], "GITHUB_SHA": github["sha"],
        }  # fmt: skip
        output = ""
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                self.checkout(work, github)
            if "run" not in step:
                continue
            for line in read(temporary / "env"):
                name, _, value = line.partition("=")
                env[name] = value
            path = ":".join([*reversed(read(temporary / "path")), os.environ["PATH"]])
            own = {name: self.expanded(str(value), github, inputs) for name, value in step.get("env", {}).items()}
            script = temporary / "script.sh"
            script.write_text(self.expanded(step["run"], github, inputs))
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)], cwd=work, env=env | own | {"PATH": path},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            )  # fmt: skip
            output += done.stdout
            if done.returncode:
                return Done(done.returncode, output)
        return Done(0, output)

    def machine(self) -> dict[str, str]:
        """The variables of a runner. No index of packages is asked: it has the libraries of the tests."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "SHIPWAY_", "PYTHON"))}
        libraries = next((Path(sys.prefix) / "lib").glob("python*/site-packages"))
        own = {"PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1", "PYTHONPATH": str(libraries), "GIT_CONFIG_GLOBAL": "/dev/null"}
        return env | own

    def checkout(self, work: Path, github: Mapping[str, str]) -> None:
        """As actions/checkout does with `fetch-depth: 0`."""
        git = self.project.git
        git("init", "--quiet", str(work))
        git("-C", str(work), "remote", "add", "origin", str(self.forge))
        git(
            "-C",
            str(work),
            "fetch",
            "--quiet",
            "--tags",
            "origin",
            "+refs/heads/*:refs/remotes/origin/*",
            github["sha"],
        )
        ref = github["ref"]
        if ref.startswith("refs/heads/"):
            branch = ref.removeprefix("refs/heads/")
            git("-C", str(work), "checkout", "--quiet", "-B", branch, github["sha"])
        else:
            git("-C", str(work), "checkout", "--quiet", "--detach", github["sha"])

    def expanded(self, text: str, github: Mapping[str, str], inputs: Mapping[str, str]) -> str:
        """With its expressions' values. One that isn't set is empty."""
        places = {"github": github, "inputs": inputs, "secrets": self.secrets}

        def value(found: re.Match[str]) -> str:
            place, _, name = found[1].partition(".")
            return places[place].get(name, "")

        return re.sub(r"\$\{\{ ([\w.]+) \}\}", value, text)


def read(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def holds(condition: str, github: Mapping[str, str], inputs: Mapping[str, str]) -> bool:
    """Whether an event starts a job."""
    text = condition.replace("&&", " and ").replace("||", " or ")
    text = re.sub(r"\bgithub\.(\w+)", r"github['\1']", text)
    text = re.sub(r"\binputs\.(\w+)", r"inputs.get('\1')", text)
    names = {"github": github, "inputs": inputs, "startsWith": str.startswith, "__builtins__": {}}
    return bool(eval(text, names))  # of this repository's own files


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def actions(make: Make, wheel: Path) -> Iterator[Actions]:
    """A project with the workflow on its branches. Its runners are this machine, which is the environments' host too."""
    with running_server() as server:
        project = shared(make(), server)
        project.plan["pipeline"] = {"unit": {"image": "caddy:2", "run": "cat web/name"}}
        project.plan["services"]["web"]["secrets"] = ["TOKEN"]
        project.protect()
        project.change("one")
        project.shipway("ci", "github", "--install", str(wheel), "--runner", "self-hosted")
        project.git("add", "--all")
        project.git("commit", "--quiet", "--message", "Pipelines")
        project.git("switch", "--quiet", "main")
        project.git("merge", "--quiet", "--ff-only", "staging")
        project.git("switch", "--quiet", "staging")
        key = project.shipway("key", "export").output.strip()
        secrets = {"SHIPWAY_LEDGER": project.env["SHIPWAY_LEDGER"], "SHIPWAY_KEY": key}
        made = Actions(project, secrets)
        project.git("push", "--quiet", "origin", "main", "staging")
        for environment in ("staging", "production"):
            project.shipway("secret", "set", environment, "TOKEN", "--generate")
        try:
            yield made
        finally:
            project.destroy()  # as long as there is its ledger


def test_from_a_push_to_production(actions: Actions) -> None:
    project = actions.project
    done = actions.push("staging")
    assert {name: (job.code, job.output) for name, job in done.items() if job.code} == {}
    assert list(done) == ["deploy_staging"]
    assert project.answer() == "one"
    (staged,) = project.deployments("staging")
    assert staged["actor"] == "ada@users.noreply.github.com"

    again = actions.push("staging")  # a job that is started again
    assert "nothing to do" in again["deploy_staging"].output, again
    assert len([item for item in project.deployments("staging") if item["outcome"] == "succeeded"]) == 1

    project.promote("v1.0.0")
    refused = actions.push("main", "v1.0.0")
    assert list(refused) == ["checks", "deploy_production"]
    assert refused["checks"].code == 0, refused["checks"].output
    assert refused["deploy_production"].code == GateRefused.exit_code, refused["deploy_production"].output
    project.shipway("--as", GRACE, "approve", "production", "--reason", "looked at it")
    deployed = actions.dispatch("production", "v1.0.0")
    assert {name: job.code for name, job in deployed.items()} == {"deploy_production": 0}, deployed
    assert project.answer("production") == "one"


def test_a_pull_request_is_checked_without_secrets(actions: Actions) -> None:
    project = actions.project
    project.git("switch", "--quiet", "--create", "feature", "staging")
    before = project.deployments()
    project.change("two")
    done = actions.pull_request("feature")
    assert {name: job.code for name, job in done.items()} == {"checks": 0}, done
    assert "two" in done["checks"].output
    assert "up to date" in done["checks"].output
    assert project.deployments() == before

    project.plan["environments"]["staging"]["on"]["branch"] = "develop"
    project.change("two")
    outdated = actions.pull_request("feature")["checks"]
    assert (outdated.code, 'branches: ["develop", "main"]' in outdated.output) == (16, True), outdated.output
    project.plan["environments"]["staging"]["on"]["branch"] = "staging"
    project.git("switch", "--quiet", "staging")


SHELLS = {"gitlab": ["bash", "-eo", "pipefail"], "jenkins": ["sh", "-xe"], "woodpecker": ["sh", "-e"]}


def deploys_staging(platform: str, folder: Path) -> str:
    """The script of the job, as the platform gives it to its shell."""
    if platform == "jenkins":
        text = (folder / "Jenkinsfile").read_text().partition("stage('staging')")[2]
        found = re.search(r"sh '''\n(.*?)(?<!\\)'''", text, re.DOTALL)
        assert found
        return re.sub(r"\\(.)", r"\1", found[1])
    if platform == "gitlab":
        (script,) = yaml.safe_load((folder / ".gitlab-ci.yml").read_text())["shipway:staging"]["script"]
    else:
        (step,) = yaml.safe_load((folder / ".woodpecker/shipway-staging.yml").read_text())["steps"]
        (script,) = step["commands"]
    return str(script)


@pytest.mark.parametrize("platform", SHELLS)
def test_the_scripts_for_other_platforms_deploy(actions: Actions, wheel: Path, platform: str) -> None:
    """In a clone as they make it: of a commit, without a branch of its own."""
    project = actions.project
    project.git("switch", "--quiet", "staging")
    project.change(platform)
    project.git("push", "--quiet", "origin", "staging")
    project.shipway("ci", platform, "--install", str(wheel))
    script = deploys_staging(platform, project.clone)
    project.git("clean", "--quiet", "--force", "-d")
    sha = actions.revision("staging")
    work = project.folder / platform
    actions.checkout(work, {"ref": "HEAD", "sha": sha})
    variables = {
        "gitlab": {
            "CI_PIPELINE_SOURCE": "push",
            "CI_COMMIT_BRANCH": "staging",
            "CI_COMMIT_SHA": sha,
            "GITLAB_USER_EMAIL": "ada@example.org",
        },
        "jenkins": {"BRANCH_NAME": "staging"},
        "woodpecker": {
            "CI_PIPELINE_EVENT": "push",
            "CI_COMMIT_REF": "refs/heads/staging",
            "CI_COMMIT_SHA": sha,
            "CI_PIPELINE_AUTHOR": "ada",
        },
    }
    env = actions.machine() | actions.secrets | variables[platform]
    done = subprocess.run(
        [*SHELLS[platform], "-c", script], cwd=work, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert project.answer() == platform
    assert not [value for value in actions.secrets.values() if value in done.stdout]
    expected = {"gitlab": "ada@example.org", "jenkins": "ada@example.org", "woodpecker": "ada"}
    assert project.deployments("staging")[0]["actor"] == expected[platform]


def test_a_job_for_one_environment_deploys_no_other(actions: Actions) -> None:
    """Its approval on the platform was for its own environment."""
    project = actions.project
    before = project.deployments()
    project.git("switch", "--quiet", "staging")
    project.change("three")
    project.git("push", "--quiet", "origin", "staging")
    done = project.shipway("run", "--for", "production", "refs/heads/staging")
    assert "refs/heads/staging deploys staging, not production: nothing runs" in done.output
    assert project.deployments() == before
    refused = project.shipway(
        "run", "--for", "staging", project.git("rev-parse", "staging").output.strip(), check=False
    )
    assert (refused.code, "is no branch and no tag" in refused.output) == (2, True)


def test_a_job_runs_nothing_for_an_app_that_a_push_does_not_change(actions: Actions) -> None:
    project = actions.project
    project.plan["inputs"] = ["web"]
    project.change("four")
    project.git("push", "--quiet", "origin", "staging")
    project.shipway("run", "--for", "staging", "refs/heads/staging")
    assert project.answer() == "four"
    project.write({"README": "read me"})
    project.git("add", "--all")
    project.git("commit", "--quiet", "--message", "Another app")
    project.git("push", "--quiet", "origin", "staging")
    done = project.shipway("run", "--for", "staging", "refs/heads/staging")
    assert "unchanged since release" in done.output
    combined = project.shipway("run", "--for", "staging", "--step", "unit", check=False)
    assert (combined.code, "can't be combined with --retry or --step" in combined.output) == (2, True)


def test_a_job_without_its_secrets_says_which(actions: Actions) -> None:
    before = actions.project.deployments()
    poor = Actions.__new__(Actions)
    vars(poor).update(vars(actions), secrets={"SHIPWAY_LEDGER": actions.secrets["SHIPWAY_LEDGER"]}, number=100)
    done = poor.push("staging")["deploy_staging"]
    assert (done.code, "the secret SHIPWAY_KEY is not set" in done.output) == (2, True), done.output
    assert actions.project.deployments() == before
