"""The main job, end to end, as a team walks it: commit → staging → approval → tag → production → rollback."""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.project import ADA, APPLICATION, GRACE, Project
from tests.system.story_places import OneMachine, place

pytestmark = pytest.mark.timeout(2400)  # a guard against hanging: a proof takes ten minutes on a busy machine
PLACES = [
    pytest.param("docker", marks=[pytest.mark.machine, pytest.mark.engine]),
    # Three more engines, each with all images: too much beside other tests.
    pytest.param("swarm", marks=[pytest.mark.hosts, pytest.mark.engine, pytest.mark.full]),
    pytest.param("kubernetes", marks=[pytest.mark.kubernetes]),
]


@pytest.fixture(scope="module", params=PLACES)
def at(request: pytest.FixtureRequest) -> Iterator[OneMachine]:
    with place(request.param) as found:
        yield found


@pytest.fixture(scope="module")
def project(at: OneMachine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("story") / "project"
    project = Project(folder, app=f"story-{uuid.uuid4().hex[:6]}", patience=6, adjust=at.adjust)
    at.prepare(project)
    with project.made():
        yield project


class Watch:
    """Asks an address again and again, and counts what went wrong."""

    def __init__(self, at: OneMachine, url: str) -> None:
        self.at, self.url, self.asked, self.failed = at, url, 0, []  # type: OneMachine, str, int, list[str]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._stop.wait(0.05):
            status, body = self.at.get(self.url)
            self.asked += 1
            if status != 200:
                self.failed.append(f"{status} {body[:100]}")


def schema(at: OneMachine, project: Project, environment: str) -> str:
    return str(json.loads(at.get(getattr(project, environment) + "/api/version")[1])["schema_revision"])


def test_1_a_feature_branch_is_checked_and_not_deployed(at: OneMachine, project: Project) -> None:
    project.git("switch", "--quiet", "--create", "feature/welcome", "staging")
    project.git("apply", "--index", str(APPLICATION / "changes" / "cosmetic.patch"))
    project.git("commit", "--quiet", "--message", "Welcome")
    pushed = project.git("push", "origin", "feature/welcome").output
    for step in ("lint", "unit", "integration", "assets"):
        assert re.search(rf"✓ {step} ", pushed), pushed
    assert "27 tests, 0 failed" in pushed
    assert "images" not in re.findall(r"[✓▸] (\w+)", pushed)
    assert project.deployments() == []


def test_2_a_merge_to_staging_is_deployed(at: OneMachine, project: Project) -> None:
    project.git("switch", "--quiet", "staging")
    project.git("merge", "--quiet", "--no-ff", "--message", "Merge welcome", "feature/welcome")
    pushed = project.git("push", "origin", "staging").output
    assert "· integration" in pushed  # skipped, and says so: the merge has the very tree that passed
    assert "unchanged since it passed" in pushed
    assert project.status("staging")["services"] == {"frontend": [1, 1], "backend": [2, 2], "worker": [1, 1]}, pushed
    status, page = at.get(project.staging)
    assert status == 200
    asset = re.search(r'src="(/[^"]+\.js)"', page)
    assert asset, page
    assert at.get(project.staging + asset[1])[0] == 200
    assert len(json.loads(at.get(project.staging + "/api/categories")[1])) == 4
    assert schema(at, project, "staging") == "0003"


def test_3_production_is_refused_without_tag_and_approval(at: OneMachine, project: Project) -> None:
    done = project.shipway("deploy", "production", "staging", check=False)
    assert done.code == 11
    assert "accepts only revisions with a tag like 'v*'" in done.output
    assert "accepts only revisions on branch 'main'" in done.output
    assert "needs 1 approval by someone other than its authors and has 0" in done.output
    refused = project.shipway("approve", "production", check=False)
    assert refused.code == 11
    assert f"{ADA} is an author" in refused.output


def test_4_a_tag_on_main_brings_the_same_digests_to_production(at: OneMachine, project: Project) -> None:
    built = _builds(project)
    project.promote("v1.0.0")
    assert _builds(project) == built, "nothing may be built for production"
    staging, production = project.deployments("staging")[0], project.deployments("production")[0]
    assert staging["release"] == production["release"]
    assert production["outcome"] == "succeeded"
    assert at.images(project.app, "staging") == at.images(project.app, "production")
    version = json.loads(at.get(project.production + "/api/version")[1])
    assert version["version"] == "v1.0.0"


def test_5_a_migration_goes_the_same_way_without_a_lost_request(at: OneMachine, project: Project) -> None:
    project.feature("feature/schema", "reversible.patch", "A new column")
    project.merge("staging", "feature/schema")
    assert schema(at, project, "staging") == "0004"
    assert schema(at, project, "production") == "0003"
    dry = project.shipway("--as", GRACE, "approve", "production")
    assert "approved release" in dry.output
    with Watch(at, project.production + "/api/categories") as watch:
        pushed = project.promote("v1.1.0").output
    assert "✓ prove" in pushed, "production accepts no release without a rollback proof"
    assert watch.asked > 20
    assert watch.failed == []
    assert schema(at, project, "production") == "0004", pushed


def test_6_a_rollback_keeps_the_schema_if_that_was_proven_and_loses_no_request(
    at: OneMachine, project: Project
) -> None:
    plan = project.shipway("rollback", "production", "--dry-run").output
    proof = project.shipway("proof", "r2", "--env", "production").output
    assert "rollback plan: keep schema; final schema revision: 0004" in plan, proof
    assert "release 2 (0003 → 0004): RESTORED, old code SAFE" in plan, proof
    assert "kept for a rollback" in plan
    assert schema(at, project, "production") == "0004", "a dry run changes nothing"
    with Watch(at, project.production + "/api/categories") as watch:
        done = project.shipway("rollback", "production")
    assert re.search(r"production was rolled back to release \d+ in [\d.]+ s", done.output)
    assert watch.failed == []
    assert schema(at, project, "production") == "0004"
    assert json.loads(at.get(project.production + "/api/version")[1])["version"] == "v1.0.0"
    again = project.shipway("rollback", "production", check=False)
    assert again.code == 15
    assert "has no rollback target" in again.output


def test_7_a_broken_release_is_refused_while_the_old_one_serves(at: OneMachine, project: Project) -> None:
    before = at.images(project.app, "staging")
    project.git("switch", "--quiet", "staging")
    project.git("apply", "--index", str(APPLICATION / "changes" / "broken-frontend.patch"))
    project.git("commit", "--quiet", "--message", "Broken frontend")
    unpushed = project.shipway("run", "staging", check=False)
    assert unpushed.code == 11, unpushed.output
    assert "push it first" in unpushed.output
    project.git(
        "-C", str(project.remote), "fetch", "--quiet", str(project.clone), "staging:staging"
    )  # as a push, without the hook
    with Watch(at, project.staging + "/api/categories") as watch:
        done = project.shipway("run", "staging", check=False)
    assert done.code == 13
    for words in at.unhealthy:
        assert words in done.output, done.output
    assert watch.asked > 20
    assert watch.failed == []
    assert at.images(project.app, "staging") == before
    assert project.deployments("staging")[0]["outcome"] == "failed"


def test_8_status_and_history_show_all_of_it(at: OneMachine, project: Project) -> None:
    status = project.shipway("status").output
    assert "v1.0.0" in status
    assert "the last deployment failed" in status
    history = project.shipway("history", "production").output.splitlines()
    wanted = (r"rollback, keep schema +1 +v1\.0\.0", r"deploy +2 +v1\.1\.0", r"deploy +1 +v1\.0\.0")
    for line, words in zip(history[1:], wanted, strict=True):
        assert re.search(words, line), line
    assert GRACE in history[1]


def _builds(project: Project) -> int:
    """How many lines of image builds the logs hold."""
    return sum(path.read_text().count("building ") for path in Path(project.home, "logs").rglob("images.log"))
