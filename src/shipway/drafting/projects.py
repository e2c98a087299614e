"""Pipeline steps for Python and JavaScript projects: linting, testing and building."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from shipway.drafting import dockerfile
from shipway.drafting.draft import Draft, StepDraft, plan_name
from shipway.drafting.files import lenient

_PYTHON, _NODE = "python:3.12-slim", "node:22-slim"
_SCRIPTS = ("lint", "test", "build")
_PLACEHOLDER = "no test specified"  # written by `npm init`


def find(root: Path, folder: str, draft: Draft) -> None:
    """Add the steps of one folder (`.` is the root)."""
    here = root / folder
    known = dockerfile.read(here / "Dockerfile")
    prefix = "" if folder == "." else plan_name(folder, "part") + "-"
    steps = [*_python(here, folder, known), *_node(here, folder, known)]
    taken = {step.name for step in draft.steps}
    for step in steps:
        step.name = next(name for name in _names(prefix, step.name) if name not in taken)
        taken.add(step.name)
        step.why = f"{'' if folder == '.' else folder + '/'}{step.why}"
        if step.name.endswith(("test", "unit")) and draft.accessories:
            names = ", ".join(item.name for item in draft.accessories)
            step.todo.append(f"with: [{names}], if these tests need them")
    draft.steps += steps


def _names(prefix: str, name: str) -> list[str]:
    """`test`, `backend-test`; one folder with two projects gets `backend-test-2`."""
    return [f"{prefix}{name}"[:40], *(f"{prefix}{name}-{number}" for number in range(2, 10))]


def _step(
    name: str, run: str, install: str, folder: str, known: dockerfile.Facts | None, image: str, why: str
) -> StepDraft:
    """In the Dockerfile's own test stage if there is one, else in a plain image that first installs the tools."""
    if known and known.test_stage:
        return StepDraft(
            name, run, "", folder, known.test_stage, why=f"{why}; stage {known.test_stage} of the Dockerfile"
        )
    enter = "" if folder == "." else f"cd {folder} && "
    return StepDraft(name, f"{enter}{install} && {run}", image, why=why)


def _python(here: Path, folder: str, known: dockerfile.Facts | None) -> list[StepDraft]:
    files = sorted(here.glob("requirements*.txt"))
    texts = {file.name: lenient(file) for file in files}
    project = lenient(here / "pyproject.toml")
    if not texts and not project:
        return []
    image = known.base if known and re.search(r"(^|/)python:[\w.-]+$", known.base) else _PYTHON
    steps = []
    for name, tool, run in (("lint", "ruff", "ruff check ."), ("test", "pytest", "pytest")):
        sources = [file for file, text in texts.items() if re.search(rf"^{tool}\b", text, re.MULTILINE)]
        in_project = re.search(rf"[\"'\[.]{tool}\b", project) is not None
        if sources or in_project:
            install = f"pip install {' '.join(_wanted(texts, sources, project, tool))}"
            why = f"{sources[0] if sources else 'pyproject.toml'} has {tool}"
            steps.append(_step(name, run, install, folder, known, image, why))
    return steps


def _wanted(texts: dict[str, str], sources: list[str], project: str, tool: str) -> list[str]:
    """What pip must install to run the tool."""
    if tool == "ruff" and not sources:
        return ["ruff"]
    files = [*(["requirements.txt"] if "requirements.txt" in texts else []), *sources[:1]]
    listed = [f"-r {file}" for file in dict.fromkeys(files)]
    if sources:
        return listed
    extra = _extra(project, tool)
    if extra:
        return [*listed, f"'.[{extra}]'"]
    return [*listed, *(["."] if "[project]" in project or "[build-system]" in project else []), tool]


def _extra(project: str, tool: str) -> str | None:
    """The package's extra with the tool."""
    import tomllib

    try:
        extras = tomllib.loads(project).get("project", {}).get("optional-dependencies", {})
    except (ValueError, RecursionError, AttributeError, TypeError):
        return None
    if not isinstance(extras, dict):
        return None
    return next(
        (
            name
            for name, items in extras.items()
            if isinstance(items, list) and any(str(item).startswith(tool) for item in items)
        ),
        None,
    )


def _node(here: Path, folder: str, known: dockerfile.Facts | None) -> list[StepDraft]:
    package = package_json(here)
    scripts = package.get("scripts")
    if not isinstance(scripts, dict):
        return []
    image = known.base if known and re.search(r"(^|/)node:[\w.-]+$", known.base) else _NODE
    manager, install = _manager(here)
    steps = []
    for name in _SCRIPTS:
        script = str(scripts.get(name) or "")
        built_by_dockerfile = name == "build" and known and re.search(r"\b(npm|yarn|pnpm)( run)? build\b", known.text)
        if not script or _PLACEHOLDER in script or built_by_dockerfile:
            continue
        step = _step(
            name, f"{manager} run {name}", install, folder, known, image, f"package.json has the script {name}"
        )
        if name == "build":
            step.todo.append("outputs: [dist], the folder that the build writes and a later step or image needs")
        steps.append(step)
    return steps


def _manager(here: Path) -> tuple[str, str]:
    """The package manager of the lock file, and its command that installs exactly the locked versions."""
    if (here / "pnpm-lock.yaml").is_file():
        return "pnpm", "corepack enable && pnpm install --frozen-lockfile"
    if (here / "yarn.lock").is_file():
        return "yarn", "corepack enable && yarn install --immutable"
    return "npm", "npm ci" if (here / "package-lock.json").is_file() else "npm install"


def package_json(here: Path) -> dict[str, Any]:
    """The content of package.json; empty if it is missing or damaged."""
    try:
        data = json.loads(lenient(here / "package.json") or "{}")
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
