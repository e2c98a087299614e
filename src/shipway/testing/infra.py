"""The conformance suite of infrastructure tools. A test module subclasses the suite and provides the fixtures."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from shipway.domain.errors import InfraError
from shipway.ports import InfraTool

SECRET = "correct-horse-battery"


@dataclass
class InfraLab:
    """A tool and its code: one resource whose address has `database`, outputs `hosts` (a list of one text) and `password`
    (sensitive, SECRET)."""

    tool: Callable[[], InfraTool]  # as a new process would make it
    change: Callable[[str], None]  # set the input of the resource; another one replaces it
    locked: Callable[[], AbstractContextManager[object]]  # someone else holds the lock of the state
    drift: Callable[[], None]  # change the resource outside of the tool


def ignore(line: str) -> None:
    """A line of output."""


class InfraSuite:
    """Fixture: `lab` is a new one."""

    can_drift = True

    def test_a_plan_is_applied_and_then_there_is_none(self, lab: InfraLab, tmp_path: Path) -> None:
        plan = lab.tool().plan(tmp_path / "one", ignore)
        (change,) = plan.changes
        assert (change.action, "database" in change.address) == ("create", True)
        assert set(plan.outputs) == {"hosts", "password"}
        assert plan.outputs["password"].sensitive
        assert (tmp_path / "one").stat().st_mode & 0o777 == 0o600
        lab.tool().apply(tmp_path / "one", ignore)
        found = lab.tool().outputs()
        assert found["hosts"].value == ["ssh://deploy@192.0.2.10"]
        assert not found["hosts"].sensitive
        assert (found["password"].value, found["password"].sensitive) == (SECRET, True)
        assert lab.tool().plan(tmp_path / "two", ignore).is_empty
        assert not lab.tool().drift(ignore)

    def test_no_secret_is_in_what_is_shown(self, lab: InfraLab, tmp_path: Path) -> None:
        lines: list[str] = []
        plan = lab.tool().plan(tmp_path / "one", lines.append)
        lab.tool().apply(tmp_path / "one", lines.append)
        assert SECRET not in "\n".join([plan.text, *lines])

    def test_another_input_replaces_and_a_destroy_plan_destroys(self, lab: InfraLab, tmp_path: Path) -> None:
        lab.tool().plan(tmp_path / "one", ignore)
        lab.tool().apply(tmp_path / "one", ignore)
        lab.change("other")
        plan = lab.tool().plan(tmp_path / "two", ignore)
        assert [item.action for item in plan.changes] == ["replace"]
        assert plan.destroyed_data(())
        lab.tool().apply(tmp_path / "two", ignore)
        end = lab.tool().plan(tmp_path / "three", ignore, destroy=True)
        assert [item.action for item in end.changes] == ["destroy"]
        assert end.destroy
        lab.tool().apply(tmp_path / "three", ignore)
        assert [item.action for item in lab.tool().plan(tmp_path / "four", ignore).changes] == ["create"]

    def test_a_stale_plan_is_refused(self, lab: InfraLab, tmp_path: Path) -> None:
        for name in ("one", "two"):
            lab.tool().plan(tmp_path / name, ignore)
        lab.tool().apply(tmp_path / "one", ignore)
        with pytest.raises(InfraError, match="stale") as caught:
            lab.tool().apply(tmp_path / "two", ignore)
        assert "plan again" in caught.value.hint

    def test_a_locked_state_is_refused_with_its_holder(self, lab: InfraLab, tmp_path: Path) -> None:
        lab.tool().plan(tmp_path / "one", ignore)
        with lab.locked():
            with pytest.raises(InfraError, match=r"the state is locked \(.*ada"):
                lab.tool().apply(tmp_path / "one", ignore)
            with pytest.raises(InfraError, match="locked"):
                lab.tool().plan(tmp_path / "two", ignore)
        lab.tool().apply(tmp_path / "one", ignore)

    def test_drift_is_found_and_changes_nothing(self, lab: InfraLab, tmp_path: Path) -> None:
        if not self.can_drift:
            pytest.skip("its resources exist only in the tool's state")
        lab.tool().plan(tmp_path / "one", ignore)
        lab.tool().apply(tmp_path / "one", ignore)
        lab.drift()
        first, second = lab.tool().drift(ignore), lab.tool().drift(ignore)
        assert len(first) == 1
        assert list(first) == list(second)
