"""The repositories of `tests/deployable`: their drafts are valid, and ask a person for little. They are deployed in
`tests/system/test_first_deployment.py`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from shipway.actions.projects.dockerfiles import write_dockerfiles
from shipway.actions.projects.init import draft_plan
from tests.first_deployment import Deployable, deployables

MOST = 5  # open questions, beside the public addresses
LOCKS = {"poetry-django": "server/poetry.lock", "rails": "Gemfile.lock", "vite": "package-lock.json"}


@pytest.mark.parametrize("sample", list(deployables()), ids=lambda sample: sample.name)
def test_a_draft_is_valid_and_asks_little(sample: Deployable, tmp_path: Path) -> None:
    root = tmp_path / sample.name
    files = {**sample.files, **({LOCKS[sample.name]: ""} if sample.name in LOCKS else {})}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text.replace("@APP@", sample.name))
    subprocess.run(["git", "init", "-q", "-b", "main", root], check=True)
    if "--dockerfile" in sample.all("options"):
        write_dockerfiles(root)
    result = draft_plan(root)
    assert [problem.render() for problem in result.check.problems if problem.severity == "error"] == []
    asked = [line for line in result.text.splitlines() if "# TODO: " in line and "its public address" not in line]
    assert len(asked) <= (0 if "compose" in sample.name else MOST), asked
