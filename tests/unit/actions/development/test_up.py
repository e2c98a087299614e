"""`up`: it serves, follows changes and stops; what fails keeps what runs."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable

import pytest

from shipway.actions.development import checkouts, others
from shipway.actions.development.session import Session, container_of
from shipway.actions.development.up import _Up, up
from shipway.domain.errors import EngineError, StepFailed
from shipway.domain.plan import Plan
from shipway.testing.memory import Behaviour
from tests.unit.actions.development.checkout import PLAN, opened, world
from tests.unit.system.repositories import neutral
from tests.unit.world import World

__all__ = ["neutral", "opened", "world"]

pytestmark = pytest.mark.usefixtures("neutral")


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
