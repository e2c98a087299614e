"""A checkout on an engine in memory: what runs, under which labels, and what a change causes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from shipway.actions.development import database, others, steps
from shipway.actions.development.session import Session, container_of
from shipway.actions.development.up import Needs
from shipway.domain.container import LABEL_APP, LABEL_DEVELOPMENT, LABEL_ENVIRONMENT
from shipway.domain.develop import Develop
from shipway.domain.errors import PlanError, SecretError, StepFailed, UsageError
from shipway.domain.plan import Database, Step, StepImage
from shipway.testing.memory import Behaviour
from tests.unit.actions.development.checkout import PLAN, opened, world
from tests.unit.system.repositories import neutral
from tests.unit.world import World

__all__ = ["neutral", "opened", "world"]

pytestmark = pytest.mark.usefixtures("neutral")


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
