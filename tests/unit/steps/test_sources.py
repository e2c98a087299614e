"""What a step sees of a commit, and the key of its result."""

from __future__ import annotations

import dataclasses
import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from shipway.actions.runs.scheduler import run_steps
from shipway.domain.errors import StepFailed
from shipway.domain.inputs import inputs_of
from shipway.domain.plan import Accessory, BuildSource, Plan, Service, Step, StepImage
from shipway.domain.release import SKIPPED, SUCCEEDED, Commit, Trigger
from shipway.domain.run import Artifact
from shipway.steps.build import build_key, keep_seen
from shipway.steps.command import command_key
from shipway.steps.image import _build, image_key, workdir_in
from shipway.steps.resume import ResumeState
from shipway.steps.run import Inputs, Run
from shipway.steps.sources import archive
from shipway.system.git import Repository
from shipway.testing.memory import Behaviour
from tests.unit.system.repositories import committed
from tests.unit.world import World

FILES = {
    "shipway.yaml": "app: shop", "web/a.py": "a", "web/deep/b.py": "b", "web/c.txt": "c", "other/d.py": "d", "Dockerfile": "FROM x",
}  # fmt: skip
PULLED = StepImage("postgres:15")
STEP = Step("unit", "pytest", PULLED)


@pytest.fixture
def at(tmp_path: Path) -> Run:
    """A run of a real commit, in memory otherwise."""
    folder = tmp_path / "repo"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (tmp_path / "home").mkdir()
    (tmp_path / "scratch").mkdir()
    git(folder, "init", "-q", "-b", "main")
    world = World(tmp_path / "home")
    world.have("postgres:15")
    plan = Plan("shop", {}, {"db": Accessory("db", "postgres:15", "postgres")}, pipeline={"unit": STEP})
    ctx = dataclasses.replace(world.controller(), parallel=1)
    world.runtime.behave("*_unit_????????", Behaviour(exit_code=0))
    made = Run(
        ctx,
        Repository(folder),
        Commit("", "", "", ""),
        plan,
        1,
        tmp_path / "scratch",
        world.images.registry,
        "v",
        "refs/heads/topic",
    )  # type: ignore[arg-type]
    return commit(made)


def git(folder: Path, *args: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "maintenance.auto=false"]
    return subprocess.run(["git", *who, *args], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def commit(run: Run, **changes: str) -> Run:
    """The run of a commit with these changes: path to text, with __ for / and _ for a dot."""
    for name, text in changes.items():
        (run.repository.path / name.replace("__", "/").replace("_", ".")).write_text(text)
    git(run.repository.path, "add", "--all")
    git(run.repository.path, "commit", "-q", "--allow-empty", "-m", "x")
    scratch = run.folder.parent / committed(run.repository.path)  # each run has one of its own
    scratch.mkdir(exist_ok=True)
    return dataclasses.replace(run, commit=run.repository.commit("HEAD"), folder=scratch)


def seen(run: Run, step: Step) -> set[str]:
    with tarfile.open(fileobj=io.BytesIO(b"".join(archive(run, step, "src", (7, 8))))) as tar:
        members = tar.getmembers()
    assert {(item.uid, item.gid) for item in members} == {(7, 8)}
    return {item.name.removeprefix("src/") for item in members if not item.isdir()}


@pytest.mark.parametrize(
    ("inputs", "files"),
    [
        ((), {*FILES} - {"shipway.yaml"}),
        (("web",), {"web/a.py", "web/deep/b.py", "web/c.txt"}),
        (("web/*.py",), {"web/a.py"}),
        (("**/*.py",), {"web/a.py", "web/deep/b.py", "other/d.py"}),
        (("shipway.yaml", "other"), {"shipway.yaml", "other/d.py"}),
        ((".",), {*FILES}),
    ],
)
def test_what_is_seen_is_what_the_key_covers(at: Run, inputs: tuple[str, ...], files: set[str]) -> None:
    step = dataclasses.replace(STEP, inputs=inputs)
    assert seen(at, step) == files
    before = command_key(at, step, Inputs())
    for name in FILES:
        changed = commit(at, **{name.replace("/", "__").replace(".", "_"): f"another {name}"})
        after = command_key(changed, step, Inputs())
        assert (after != before) == (name in files), name
        before = after


def test_the_key_covers_all_else_that_it_sees(at: Run) -> None:
    one, two = Artifact("", "web/out", "sha256:1"), Artifact("", "web/out", "sha256:2")
    keys = [
        command_key(at, STEP, Inputs()),
        *(command_key(at, dataclasses.replace(STEP, **change), Inputs()) for change in (
            {"run": "other"}, {"env": {"A": "1"}}, {"accessories": ("db",)}, {"outputs": ("x",)}, {"reports": ("x",)},
            {"image": StepImage(build=BuildSource("web"))},
        )),
        *(command_key(at, STEP, Inputs(made)) for made in (
            (one,), (one, two), (two, one), (dataclasses.replace(one, path="other"),),
        )),
    ]  # fmt: skip
    assert len(set(keys)) == len(keys)
    database = Accessory("db", "postgres:15", "postgres", environment={"POSTGRES_INITDB_ARGS": "--no-sync"})
    other = dataclasses.replace(at, plan=dataclasses.replace(at.plan, accessories={"db": database}))
    with_database = dataclasses.replace(STEP, accessories=("db",))
    assert command_key(at, with_database, Inputs()) != command_key(other, with_database, Inputs())


def test_an_image_is_known_by_what_its_tag_stands_for(at: Run) -> None:
    before = command_key(at, STEP, Inputs())
    assert command_key(dataclasses.replace(at, branch="refs/heads/other"), STEP, Inputs()) == before
    unknown = dataclasses.replace(STEP, image=StepImage("no.such/image:1"))
    here = command_key(at, unknown, Inputs())
    assert here != command_key(dataclasses.replace(at, branch="refs/heads/other"), unknown, Inputs())


def test_editing_the_plan_builds_no_image_again(at: Run) -> None:
    root = dataclasses.replace(at, plan=dataclasses.replace(at.plan, services={}))
    source = BuildSource(".")
    assert build_key(root, source) == build_key(commit(root, shipway_yaml="app: other"), source)
    assert build_key(root, source) != build_key(commit(root, Dockerfile="FROM y"), source)


@pytest.mark.parametrize(("link", "target", "dockerfile"), [
    ("Dockerfile", "/etc/hostname", "Dockerfile"), ("docker", "/etc", "docker/hostname"),
    ("docker", "loop/../docker", "docker/hostname"), ("Dockerfile", "/nowhere", "Dockerfile"),
])  # fmt: skip
def test_a_dockerfile_that_leads_out_of_its_folder_is_refused(at: Run, link: str, target: str, dockerfile: str) -> None:
    """The docker command would print its lines in a message, whatever file of the machine it is."""
    (at.repository.path / link).unlink(missing_ok=True)
    (at.repository.path / link).symlink_to(target)
    with pytest.raises(StepFailed, match=rf"{dockerfile} in \. is a link that points outside"):
        _build(
            commit(at), BuildSource(".", dockerfile), (), ["x:1"], {}, lambda line: None, lambda service: "", ""
        )  # fmt: skip
    assert image_key(at, Step("images", build=()), Inputs())


def outcome(run: Run, number: int) -> str:
    ledger = run.ctx.ledger
    made = ledger.begin_run("shop", run.commit.revision, run.commit.tree, Trigger("push", run.branch, "ada"), 1.0)
    assert made == number
    run = dataclasses.replace(run, number=number)
    run.ctx.runtime.ensure_network(run.network, {})
    run_steps(run, run.plan.pipeline, ResumeState())
    return ledger.steps(number)[0].outcome


def test_a_result_of_a_fork_never_counts_elsewhere(at: Run) -> None:
    fork = dataclasses.replace(at, counts=False, branch="refs/heads/fork")
    assert outcome(fork, 1) == SUCCEEDED
    assert outcome(fork, 2) == SKIPPED
    assert outcome(dataclasses.replace(fork, branch="refs/heads/another"), 3) == SUCCEEDED
    assert outcome(at, 4) == SUCCEEDED
    assert outcome(dataclasses.replace(at, branch="refs/heads/main"), 5) == SKIPPED
    assert (
        outcome(dataclasses.replace(fork, branch="refs/heads/third"), 6) == SKIPPED
    )  # by what the repository's own run has found


def test_inputs_of_the_plan_limit_what_steps_see(at: Run) -> None:
    plan = dataclasses.replace(
        at.plan, inputs=("other",), pipeline={"a": STEP, "b": dataclasses.replace(STEP, inputs=("web/c.txt",))}
    )
    limited = dataclasses.replace(at, plan=plan)
    assert seen(limited, STEP) == {"other/d.py", "web/c.txt"}, "and not the plan, though it is an input"
    before = command_key(limited, STEP, Inputs())
    assert command_key(commit(limited, web__a_py="changed"), STEP, Inputs()) == before
    assert command_key(commit(limited, other__d_py="changed"), STEP, Inputs()) != before
    built = dataclasses.replace(plan, services={"web": Service("web", build=BuildSource("."))})
    assert "web/a.py" in seen(commit(dataclasses.replace(at, plan=built)), STEP), (
        "who builds the root depends on all of it"
    )


def test_a_plan_in_a_folder_works_there(at: Run) -> None:
    below = commit(at, web__shipway_yaml="app: shop")
    below = dataclasses.replace(below, plan=dataclasses.replace(at.plan, file="web/shipway.yaml"))
    assert seen(below, STEP) == {*FILES, "web/shipway.yaml"} - {"web/shipway.yaml"}, (
        "all of the repository but the plan"
    )
    assert (below.folder_of(STEP), workdir_in(below, PULLED, "postgres:15")) == ("web", "/src/web")
    assert workdir_in(at, PULLED, "postgres:15") == "/src"
    before = build_key(below, BuildSource("web"))
    assert build_key(commit(below, web__shipway_yaml="app: shop\n"), BuildSource("web")) == before, (
        "a changed plan rebuilds nothing"
    )
    assert build_key(commit(below, web__a_py="other"), BuildSource("web")) != before


def test_a_context_above_the_plan_has_only_the_inputs(at: Run, tmp_path: Path) -> None:
    whole = BuildSource(".", "web/Dockerfile")
    plan = Plan("shop", {"web": Service("web", build=whole)}, file="web/shipway.yaml", inputs=("other", "web/*.py"))
    below = commit(dataclasses.replace(at, plan=plan), web__shipway_yaml="app: shop", web__Dockerfile="FROM x")
    assert set(inputs_of(plan)) >= {"other", "web/*.py", "web/Dockerfile", ".*ignore", "web/shipway.yaml"}
    context = tmp_path / "context"
    context.mkdir()
    below.repository.export("HEAD", context)
    keep_seen(below, context, "")
    assert {path.relative_to(context).as_posix() for path in context.rglob("*") if path.is_file()} == {
        "other/d.py", "web/a.py", "web/Dockerfile",
    }  # fmt: skip
    before = build_key(below, whole)
    assert build_key(commit(below, web__c_txt="other", web__shipway_yaml="app: other"), whole) == before
    assert build_key(commit(below, web__a_py="other"), whole) != before
