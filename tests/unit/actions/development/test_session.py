"""A checkout on an engine in memory: what runs, under which labels, and what a change causes."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shipway.actions.development import checkouts, database, others, steps
from shipway.actions.development.labels import apart
from shipway.actions.development.session import Session, container_of
from shipway.actions.development.up import Needs, _Up, up
from shipway.domain.container import LABEL_APP, LABEL_DEVELOPMENT, LABEL_ENVIRONMENT
from shipway.domain.develop import Develop
from shipway.domain.errors import EngineError, PlanError, SecretError, StepFailed, UsageError
from shipway.domain.plan import Database, Plan, Step, StepImage
from shipway.system.git import Repository
from shipway.testing.memory import Behaviour
from tests.unit.domain import samples
from tests.unit.system.repositories import neutral, repository  # noqa: F401
from tests.unit.world import World

pytestmark = pytest.mark.usefixtures("neutral")
FILES = {
    "shipway.yaml": "app: shop\n", "frontend/Dockerfile": "FROM a\n", "backend/Dockerfile": "FROM a\n", "backend/app.py": "1\n",
    "backend/migrations/0001.py": "1\n",
}  # fmt: skip
PLAN = dataclasses.replace(samples.PLAN, database=Database("db", "backend", "memory", "0001"))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path_of(tmp_path, "world"), waits=True)
    yield made
    made.close()


def tmp_path_of(path: Path, name: str) -> Path:
    (path / name).mkdir()
    return path / name


@pytest.fixture
def opened(world: World, tmp_path: Path) -> Callable[..., Session]:
    root = repository(tmp_path / "work", FILES)

    def session(plan: Plan = PLAN, *only: str) -> Session:
        folder, state = checkouts.enter(tmp_path, "shop", root, "shipway.yaml")
        ctx = world.controller()
        ctx = dataclasses.replace(ctx, home=folder, machine=apart(ctx.machine))
        return Session(ctx, state, plan, Repository.find(root), only)

    return session


class Going:
    """`up` in a thread."""

    def __init__(self, session: Session, load: Callable[[], Plan] | None = None) -> None:
        self.session, self.lines, self.error = session, list[tuple[str, str]](), list[BaseException]()
        self._thread = threading.Thread(target=self._run, args=(load or (lambda: session.written),), daemon=True)
        self._thread.start()

    def _run(self, load: Callable[[], Plan]) -> None:
        try:
            up(self.session, lambda name, line: self.lines.append((name, line)), load=load)
        except BaseException as error:
            self.error.append(error)

    def until(self, met: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + 60
        while not met():
            assert time.monotonic() < deadline, f"{what} did not happen"
            assert not self.error, self.error
            time.sleep(0.02)

    def end(self) -> None:
        self.session.ctx.cancelled.set()
        self._thread.join(60)
        assert not self._thread.is_alive()


class TestParts:
    def test_nothing_carries_the_label_of_environments(self, world: World, opened: Callable[..., Session]) -> None:
        session = opened()
        session.prepare()
        session.build(session.own.services)
        session.start_accessories()
        things = world.runtime.objects({})
        assert {item.kind for item in things} == {"container", "network", "volume"}
        assert not [item for item in things if LABEL_APP in item.labels]
        mine = {LABEL_DEVELOPMENT: "shop", LABEL_ENVIRONMENT: session.checkout.environment}
        assert world.runtime.objects(mine)
        assert session.ctx.runtime.list({LABEL_APP: "shop", LABEL_ENVIRONMENT: session.checkout.environment})

    def test_an_environment_of_the_same_app_is_neither_seen_nor_changed(
        self, world: World, opened: Callable[..., Session]
    ) -> None:
        from shipway.actions.environment.accessories import ensure_networks

        ensure_networks(world.controller(), "shop", "staging")
        before = dict(world.runtime.labels)
        session = opened()
        session.prepare()
        session.start_accessories()
        others.down(session.ctx, session.checkout, volumes=True)
        assert world.runtime.labels.items() >= before.items()
        assert {"shipway_shop_staging", "shipway_shop_staging_rotation"} == set(world.runtime.networks)

    def test_an_image_is_built_once_for_the_same_files(self, world: World, opened: Callable[..., Session]) -> None:
        def builds() -> int:
            return sum(call.startswith("build ") for call in world.images.calls)

        session = opened()
        session.build(["backend", "worker"])
        assert builds() == 2  # each with a name of its own, of which the engine builds the second from its cache
        session.read_again()
        session.build(["backend", "worker"])
        assert builds() == 2
        (session.root / "backend/app.py").write_text("2\n")
        session.read_again()
        session.build(["backend", "worker"])
        assert builds() == 4

    def test_a_mounted_source_builds_nothing_but_a_dependency_does(
        self, world: World, opened: Callable[..., Session]
    ) -> None:
        backend = dataclasses.replace(PLAN.services["backend"], develop=Develop("serve", {"backend": "/app"}))
        session = opened(dataclasses.replace(PLAN, services={"backend": backend}))
        session.prepare()
        session.build(["backend"])
        first = dict(session.images)
        (session.root / "backend/app.py").write_text("2\n")
        session.read_again()
        session.build(["backend"])
        assert session.images == first
        (session.root / "backend/requirements.txt").write_text("x\n")
        session.read_again()
        session.build(["backend"])
        assert session.images != first
        spec = session.desired().web[0]
        assert spec.volumes == {str(session.root / "backend"): "/app"}
        assert (spec.entrypoint, spec.command, spec.restart) == (("sh", "-c"), ("serve",), False)
        assert spec.name == container_of(session.checkout, "backend")

    def test_services_have_the_variables_of_production(self, opened: Callable[..., Session]) -> None:
        session = opened()
        session.prepare()
        session.build(session.own.services)
        env = session.desired().web[0].env
        assert env["SHIPWAY_ENVIRONMENT"] == "development"
        assert env["SHIPWAY_URL"] == session.checkout.url
        assert env["DATABASE_URL"].startswith("postgresql://shop:")
        assert "@db:5432/shop" in env["DATABASE_URL"]

    def test_a_mounted_folder_that_is_a_link_out_of_the_checkout_is_refused(
        self, opened: Callable[..., Session], tmp_path: Path
    ) -> None:
        (tmp_path / "work/out").symlink_to(tmp_path)
        backend = dataclasses.replace(PLAN.services["backend"], develop=Develop(mount={"out": "/app"}))
        with pytest.raises(PlanError, match="a link to a folder outside"):
            opened(dataclasses.replace(PLAN, services={"backend": backend})).prepare()


class TestSecrets:
    def test_are_generated_once_for_a_checkout_and_never_those_of_an_environment(
        self, world: World, opened: Callable[..., Session]
    ) -> None:
        session = opened()
        session.prepare()
        session.build(session.own.services)
        made = session.desired().web[1].env["KEY"]
        assert made != "secret-key"  # of staging
        again = opened()
        again.prepare()
        again.build(again.own.services)
        assert again.desired().web[1].env["KEY"] == made

    def test_given_ones_win(self, opened: Callable[..., Session], tmp_path: Path) -> None:
        (tmp_path / "work/.env").write_text("KEY=other\n")
        (tmp_path / "work/.env.development").write_text(
            "KEY=mine\nLOG_LEVEL=debug\nDATABASE_URL=postgresql://elsewhere/x\n"
        )
        session = opened()
        session.prepare()
        session.build(session.own.services)
        env = session.desired().web[1].env
        assert (env["KEY"], env["LOG_LEVEL"]) == ("mine", "debug")
        assert "elsewhere" not in env["DATABASE_URL"]

    def test_a_line_that_can_not_be_read_is_named(self, opened: Callable[..., Session], tmp_path: Path) -> None:
        (tmp_path / "work/.env").write_text("KEY='open\n")
        with pytest.raises(PlanError, match="line 1"):
            opened()

    def test_a_secret_of_a_build_must_be_given(self, opened: Callable[..., Session], tmp_path: Path) -> None:
        build = dataclasses.replace(PLAN.services["backend"].build, secrets=("TOKEN",))  # type: ignore[type-var]
        services = {**PLAN.services, "backend": dataclasses.replace(PLAN.services["backend"], build=build)}
        plan = dataclasses.replace(PLAN, services=services)
        with pytest.raises(SecretError, match="TOKEN"):
            opened(plan).prepare()
        (tmp_path / "work/.env.development").write_text("TOKEN=abc\n")
        opened(plan).prepare()


class TestDatabase:
    def prepared(self, session: Session) -> Session:
        session.prepare()
        session.build(())
        session.start_accessories()
        return session

    def test_migrates_and_seeds_once(self, world: World, opened: Callable[..., Session]) -> None:
        database.bring_up_to_date(self.prepared(opened()))
        assert world.database.applied == ["0001"]
        seeds = [line for line in world.notes if line.startswith("seed succeeded")]
        assert len(seeds) == 1
        world.database.applied.clear()
        database.bring_up_to_date(self.prepared(opened()))
        assert world.database.applied == []  # not asked again
        assert [line for line in world.notes if line.startswith("seed succeeded")] == seeds

    def test_a_new_migration_file_is_applied(self, world: World, opened: Callable[..., Session]) -> None:
        database.bring_up_to_date(self.prepared(opened()))
        session = opened(dataclasses.replace(PLAN, database=Database("db", "backend", "memory", "0002")))
        database.bring_up_to_date(self.prepared(session))
        assert world.database.applied == ["0001", "0002"]

    def test_a_seed_that_fails_is_run_again(self, world: World, opened: Callable[..., Session]) -> None:
        world.runtime.behave("*_job*", Behaviour(exit_code=3))
        with pytest.raises(StepFailed, match="the seed `seed` exited with 3"):
            database.bring_up_to_date(self.prepared(opened()))
        world.runtime.behave("*_job*", Behaviour(exit_code=0))
        database.bring_up_to_date(self.prepared(opened()))
        assert any(line.startswith("seed succeeded") for line in world.notes)

    def test_reset_makes_a_new_one(self, world: World, opened: Callable[..., Session]) -> None:
        session = self.prepared(opened())
        database.bring_up_to_date(session)
        before = session.ctx.runtime.find(f"shop_{session.checkout.environment}_db")
        world.database.applied.clear()
        others.reset(opened())
        after = session.ctx.runtime.find(f"shop_{session.checkout.environment}_db")
        assert before is not None
        assert after is not None
        assert before.id != after.id
        assert world.database.applied == ["0001"]


class TestUp:
    def test_starts_serves_follows_a_change_and_stops(self, world: World, opened: Callable[..., Session]) -> None:
        going = Going(opened())
        session = going.session
        going.until(lambda: session.owner in world.edge.tables, "the route")
        names = {container_of(session.checkout, name) for name in PLAN.services}
        assert names <= {item.name for item in session.services() if item.running}
        before = world.runtime.find(container_of(session.checkout, "backend"))
        assert before is not None
        (session.root / "backend/app.py").write_text("2\n")

        def replaced() -> bool:
            found = world.runtime.find(before.name)
            return found is not None and found.id != before.id and found.running

        going.until(replaced, "the new container")
        going.end()
        assert not going.error
        assert session.owner not in world.edge.tables
        assert not [item for item in session.services() if item.running]
        assert world.runtime.containers[f"shop_{session.checkout.environment}_db"].info.running
        assert any("stopping the services; accessories and data stay" in line for line in world.notes)

    def test_a_failed_build_keeps_what_runs_and_is_tried_again(
        self, world: World, opened: Callable[..., Session]
    ) -> None:
        going = Going(opened())
        session = going.session
        going.until(lambda: session.owner in world.edge.tables, "the route")
        world.images.fail("build", error=StepFailed("the image build failed"))
        (session.root / "backend/app.py").write_text("2\n")
        going.until(lambda: any("the next saved file tries again" in line for line in world.notes), "the message")
        assert all(item.running for item in session.services())
        builds = len(world.images.calls)
        (session.root / "unrelated.txt").write_text("x\n")
        going.until(lambda: any(call.startswith("build ") for call in world.images.calls[builds:]), "another build")
        going.end()

    def test_a_failed_migration_starts_no_service_until_it_is_fixed(
        self, world: World, opened: Callable[..., Session]
    ) -> None:
        from shipway.domain.errors import MigrationFailed

        world.database.fail("apply", error=MigrationFailed("0001 failed"))
        going = Going(opened())
        session = going.session
        going.until(lambda: any("no service starts" in line for line in world.notes), "the message")
        assert not session.services()
        (session.root / "backend/migrations/0001.py").write_text("fixed\n")
        going.until(lambda: len(session.services()) == 3, "the services")
        assert world.database.applied == ["0001"]
        going.end()

    def test_a_service_that_ends_is_shown_and_started_with_the_next_change(
        self, world: World, opened: Callable[..., Session]
    ) -> None:
        world.runtime.behave("worker", Behaviour(("no module named x",), exit_code=1))
        going = Going(opened())
        session = going.session
        going.until(lambda: any("worker exited with 1" in line for line in world.notes), "the message")
        assert ("worker", "no module named x") in going.lines
        world.runtime.behave("worker", Behaviour())
        (session.root / "unrelated.txt").write_text("x\n")
        name = container_of(session.checkout, "worker")
        going.until(lambda: (found := world.runtime.find(name)) is not None and found.running, "its start")
        going.end()

    def test_what_a_killed_process_left_is_stopped_and_started_again(
        self, world: World, opened: Callable[..., Session]
    ) -> None:
        session = opened()
        session.prepare()
        session.build(session.own.services)
        session.start_accessories()
        spec = session.desired().workers[0]
        session.ctx.runtime.create(spec)
        session.ctx.runtime.start(spec.name)
        calls = len(world.runtime.calls)
        going = Going(opened())
        going.until(lambda: going.session.owner in world.edge.tables, "the route")
        since = [
            call for call in world.runtime.calls[calls:] if call.startswith(("stop ", "start ")) and spec.name in call
        ]
        assert [call.split()[0] for call in since[:2]] == ["stop", "start"]
        going.end()

    def test_a_stopped_service_starts_again_unless_something_of_it_changed(
        self, world: World, opened: Callable[..., Session]
    ) -> None:
        def identities() -> dict[str, str]:
            return {name: item.info.id for name, item in world.runtime.containers.items()}

        first = Going(opened())
        first.until(lambda: first.session.owner in world.edge.tables, "the route")
        before = identities()
        first.end()
        (first.session.root / "frontend/new.ts").write_text("x\n")
        second = Going(opened())
        second.until(lambda: second.session.owner in world.edge.tables, "the route")
        second.until(lambda: len([item for item in second.session.services() if item.running]) == 3, "all services")
        changed = {name for name, identity in identities().items() if before.get(name) != identity}
        assert changed == {container_of(second.session.checkout, "frontend")}
        second.end()

    def test_one_that_can_not_start_again_is_replaced(self, world: World, opened: Callable[..., Session]) -> None:
        first = Going(opened())
        first.until(lambda: first.session.owner in world.edge.tables, "the route")
        first.end()
        world.runtime.fail("start", error=EngineError("network not found"))
        second = Going(opened())
        second.until(lambda: second.session.owner in world.edge.tables, "the route")
        second.until(lambda: len([item for item in second.session.services() if item.running]) == 3, "all services")
        second.end()

    def test_without_an_engine_nothing_is_cleaned_up(self, world: World, opened: Callable[..., Session]) -> None:
        world.runtime.fail("ping", error=EngineError("the engine doesn't run"))
        going = Going(opened())
        deadline = time.monotonic() + 60
        while not going.error and time.monotonic() < deadline:
            time.sleep(0.02)
        assert str(going.error[0]) == "the engine doesn't run"
        assert not [line for line in world.notes if "not everything was stopped" in line]

    def test_an_edited_plan_says_what_needs_a_restart(self, world: World, opened: Callable[..., Session]) -> None:
        after = dataclasses.replace(PLAN, accessories={})
        going = Going(opened(), lambda: after)
        going.until(lambda: going.session.owner in world.edge.tables, "the route")
        (going.session.root / "shipway.yaml").write_text("app: shop # edited\n")
        said = "the plan changed; restart `shipway dev` for: accessory db is gone"
        going.until(lambda: said in world.notes, "the message")
        going.end()

    def test_a_running_one_resets_the_database_when_asked(self, world: World, opened: Callable[..., Session]) -> None:
        going = Going(opened())
        going.until(lambda: going.session.owner in world.edge.tables, "the route")
        world.database.applied.clear()
        others.reset(opened())
        assert world.database.applied == ["0001"]
        going.until(lambda: all(item.running for item in going.session.services()), "the services")
        going.end()

    def test_a_reset_that_is_interrupted_has_failed(
        self, world: World, opened: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        running = _Up(opened(), lambda *given: None, lambda: None)  # type: ignore[arg-type, return-value]
        asked = running.ctx.home / checkouts.REQUEST
        asked.parent.mkdir(parents=True, exist_ok=True)
        asked.write_text("reset")

        def interrupted() -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(running.session, "stop_services", interrupted)
        with pytest.raises(KeyboardInterrupt):
            running._answer()
        assert asked.read_text() == "failed: interrupted"

    def test_its_status_names_the_process_and_the_parts(self, world: World, opened: Callable[..., Session]) -> None:
        session = opened()
        found = others.status(session.ctx, session.checkout, session.plan)
        assert (found.process, {item.state for item in found.parts}) == (None, {"missing"})
        going = Going(session)
        going.until(lambda: session.owner in world.edge.tables, "the route")
        found = others.status(session.ctx, session.checkout, session.plan)
        assert found.process is not None
        assert {item.name: item.state for item in found.parts} == dict.fromkeys(
            ("frontend", "backend", "worker", "db"), "running"
        )
        going.end()


class TestSteps:
    STEP = Step("unit", "pytest", StepImage("postgres:15"), caches=("/cache",), needs=("images",))
    BUILD = Step("images", build=("backend",))

    def test_run_on_the_working_tree_apart_from_the_pipeline_and_push_nothing(
        self, world: World, opened: Callable[..., Session]
    ) -> None:
        world.runtime.behave("unit", Behaviour(("ran",), exit_code=0))
        plan = dataclasses.replace(PLAN, pipeline={"unit": self.STEP, "images": self.BUILD})
        for _ in range(2):
            session = opened(plan)
            steps.run_step(session, "unit")
        assert world.notes.count("unit │ ran") == 2  # the step itself runs again, although nothing changed
        assert not [call for call in world.images.calls if call.startswith("push")]
        (cache,) = world.runtime.volumes
        assert session.checkout.environment in cache
        assert not [labels for labels in world.runtime.labels.values() if LABEL_APP in labels]
        assert not world.runtime.containers
        others.down(session.ctx, session.checkout, volumes=True)
        assert not world.runtime.volumes

    def test_one_that_makes_images_of_a_release_is_refused(self, opened: Callable[..., Session]) -> None:
        plan = dataclasses.replace(PLAN, pipeline={"images": self.BUILD})
        with pytest.raises(UsageError, match="a working tree never does"):
            steps.run_step(opened(plan), "images")

    def test_a_failure_is_that_of_the_step(self, world: World, opened: Callable[..., Session]) -> None:
        world.runtime.behave("unit", Behaviour(("1 failed",), exit_code=1))
        plan = dataclasses.replace(PLAN, pipeline={"unit": self.STEP, "images": self.BUILD})
        with pytest.raises(StepFailed, match="`pytest -k x` exited with 1"):
            steps.run_tests(opened(plan), ["-k", "x"])


def test_old_images_are_dropped_but_never_the_one_that_was_just_built(
    world: World, opened: Callable[..., Session]
) -> None:
    session = opened()
    for number in range(9):
        (session.root / "backend/app.py").write_text(f"{number}\n")
        session.read_again()
        session.build(["backend"])
    found = [
        name for item in world.images.list() for name in item.names if name.startswith("shipway-dev/shop/backend:")
    ]
    assert session.images["backend"] in found
    assert len(found) == 6


def test_a_group_of_changes_causes_the_strongest_of_each() -> None:
    backend = dataclasses.replace(PLAN.services["backend"], develop=Develop(mount={"backend": "/app"}))
    plan = dataclasses.replace(PLAN, services={**PLAN.services, "backend": backend})
    paths = ["backend/app.py", "backend/requirements.txt", "backend/migrations/1.py", "shipway.yaml", ".env"]
    found = Needs.of(plan, ["backend", "frontend"], paths)
    assert (found.rebuild, found.restart) == ({"backend"}, set())
    assert (found.migrations, found.plan, found.variables) == (True, True, True)


def test_down_removes_everything_but_the_data_and_with_volumes_that_too(
    world: World, opened: Callable[..., Session]
) -> None:
    session = opened()
    session.prepare()
    session.build(())
    session.start_accessories()
    volume = f"shop_{session.checkout.environment}_db"
    others.down(session.ctx, session.checkout, volumes=False)
    assert not world.runtime.containers
    assert volume in world.runtime.volumes
    others.down(session.ctx, session.checkout, volumes=True)
    assert volume not in world.runtime.volumes
    assert not world.runtime.networks


def test_an_unknown_service_has_no_shell(opened: Callable[..., Session]) -> None:
    with pytest.raises(UsageError, match="no service 'api'"):
        others.shell(opened(), "api", (), None)  # type: ignore[arg-type]
