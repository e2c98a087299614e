"""Plans in, problems out: the tables in cases/, one file a theme."""

from __future__ import annotations

import pytest

from tests.unit.planfile.cases import Case, all_cases

CASES = list(all_cases())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.theme}: {case.title}")
def test_problems(case: Case) -> None:
    assert case.problems() == case.expected


def test_every_case_was_read() -> None:
    assert len(CASES) > 80
    assert {case.theme for case in CASES} >= {
        "yaml",
        "shape",
        "values",
        "services",
        "accessories",
        "pipeline",
        "environments",
    }
