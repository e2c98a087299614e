"""The annotated reference is a valid plan, has every key, tells the true defaults, and is the documentation."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from shipway.domain import plan as domain
from shipway.domain import tasks
from shipway.planfile import docs, reference
from shipway.planfile.read import read
from shipway.planfile.sections import PLAN
from shipway.planfile.values import seconds

PAGE = Path(__file__).resolve().parents[3] / "docs" / "plan.md"
DEFAULTS: dict[str, type[Any]] = {  # of keys whose default is more than nothing; durations in seconds
    "services.*.build.dockerfile": domain.BuildSource,
    "services.*.health.timeout": domain.Health,
    "services.*.health.interval": domain.Health,
    "services.*.replicas": domain.Service,
    "services.*.drain": domain.Service,
    "services.*.stop": domain.Service,
    "services.*.security.pids": domain.Security,
    "pipeline.*.timeout": domain.Step,
    "pipeline.*.retries": domain.Step,
    "checks.*.timeout": domain.Check,
    "environments.*.seed.each": tasks.Seed,
    "environments.*.before_switch.timeout": tasks.Task,
    "environments.*.after_deploy.timeout": tasks.Task,
    "environments.*.schedules.*.zone": tasks.Schedule,
    "environments.*.schedules.*.overlap": tasks.Schedule,
    "environments.*.schedules.*.timeout": tasks.Schedule,
    "environments.*.schedules.*.retries": tasks.Schedule,
    "database.lock_timeout": domain.Database,
    "database.statement_timeout": domain.Database,
    "database.lock_retries": domain.Database,
    "database.lock_pause": domain.Database,
}


def test_it_is_a_valid_plan() -> None:
    reading = read(reference.text(), "reference", lambda path: True)
    assert [problem.render() for problem in reading.problems] == []


@pytest.mark.parametrize("path", DEFAULTS)
def test_it_tells_the_true_default(path: str) -> None:
    keys = tuple(path.split("."))
    said = re.search(r"default: (\w+)", reference.describe(keys))
    assert said, path
    (true,) = (field.default for field in fields(DEFAULTS[path]) if field.name == keys[-1])
    words: dict[type, Callable[[str], object]] = {float: seconds, int: int, str: str}
    assert words[type(true)](said[1]) == true


def test_no_default_is_forgotten() -> None:
    """A field whose default is a number or a text must be in the table above (or be a detail of its mapping)."""
    known = {(cls, path.split(".")[-1]) for path, cls in DEFAULTS.items()}
    for cls in (
        domain.BuildSource,
        domain.Health,
        domain.Service,
        domain.Accessory,
        domain.Step,
        domain.Check,
        domain.Database,
        tasks.Seed,
        tasks.Task,
        tasks.Schedule,
    ):
        for field in fields(cls):
            if isinstance(field.default, int | float | str) and field.default is not False:
                assert (cls, field.name) in known


def test_every_section_has_a_file_and_no_file_is_left_over() -> None:
    files = {path.stem for path in Path(reference.__file__).parent.glob("*.yml")}
    assert files == set(PLAN.fields)


def test_the_page_is_made_of_it() -> None:
    assert PAGE.read_text() == docs.page(), "python -m shipway.planfile.schema --docs > docs/plan.md"
