"""Steps of Python projects, with uv, Poetry, Pipenv or pip."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from shipway.domain.value import dataclass
from shipway.drafting.dependencies import PYTHON, Project, requirement_files
from shipway.drafting.draft import StepDraft
from shipway.drafting.pipeline.where import Where, lock_folder, member
from shipway.drafting.tree import items, join, mapping

# Packages without a wheel for every platform: they are compiled, which small images can't.
_COMPILED = ("psycopg2", "psycopg[c]", "mysqlclient", "uwsgi", "python-ldap", "pygraphviz", "xmlsec", "gdal")


@dataclass(frozen=True)
class _Tools:
    """How packages are installed and programs are run. entered: `install` ends in the project's folder."""

    install: str
    run: str
    entered: bool = False
    pip: bool = False


def steps(where: Where, project: Project) -> Iterator[StepDraft]:
    """Linters, type checks and tests."""
    tree, folder = where.tree, project.folder
    data = tree.toml(join(folder, "pyproject.toml")) if tree.is_file(join(folder, "pyproject.toml")) else {}
    tools, here = _tools(where, project), {*tree.names(folder)}
    image = where.image(PYTHON, folder, slim=not project.has(*_COMPILED))
    section = mapping(data.get("tool"))
    setup = tree.text(join(folder, "setup.cfg")) + tree.text(join(folder, "tox.ini"))
    for name, tool, run, configured in (
        ("lint", "ruff", "ruff check .", "ruff" in section or bool({"ruff.toml", ".ruff.toml"} & here)),
        ("flake8", "flake8", "flake8", ".flake8" in here or "[flake8]" in setup),
        ("types", "mypy", "mypy .", "mypy" in section or bool({"mypy.ini", ".mypy.ini"} & here) or "[mypy]" in setup),
        ("types", "pyright", "pyright", "pyright" in section or "pyrightconfig.json" in here),
    ):
        if not (project.has(tool) or configured):
            continue
        if tool == "mypy" and (
            "files" in mapping(section.get("mypy"))
            or re.search(r"^files\s*=", setup + tree.text(join(folder, "mypy.ini")), re.MULTILINE)
        ):
            run = "mypy"
        yield _step(where, project, tools, name, tool, run, image)
    test = _test(where, project, section, here, setup)
    if test:
        tool, run, inner = test
        yield _step(where, project, tools, "test", tool, run, image, inner)


def _step(
    where: Where, project: Project, tools: _Tools, name: str, tool: str, run: str, image: str, inner: str = "."
) -> StepDraft:
    source = project.sources.get(tool.partition(" ")[0])
    why = (
        f"{source} has {tool}"
        if source
        else f"{tool} is configured"
        if tool in ("ruff", "flake8", "mypy", "pyright", "pytest")
        else tool
    )
    install = _pip(where, project, tool) if tools.pip else tools.install
    listed = project.has(tool) or tool not in ("ruff", "flake8", "mypy", "pyright", "pytest")
    if not tools.pip and not listed:
        install += f" && {'uv pip install' if tools.run.startswith('uv') else tools.run + 'pip install'} {tool}"
    enter = "" if inner == "." else f"cd {inner} && "
    return where.step(name, f"{enter}{tools.run}{run}", install, project.folder, image, why, entered=tools.entered)


def _test(
    where: Where, project: Project, section: dict[str, Any], here: set[str], setup: str
) -> tuple[str, str, str] | None:
    """The tool, the command of the tests, and the folder below the project's where it runs."""
    tree, folder = where.tree, project.folder
    if (
        project.has("pytest", "pytest-django", "pytest-asyncio", "pytest-cov")
        or "pytest" in section
        or {"pytest.ini", "conftest.py"} & here
        or "[tool:pytest]" in setup
    ):
        tool = next(
            (name for name in ("pytest", "pytest-django", "pytest-asyncio", "pytest-cov") if name in project.sources),
            "pytest",
        )
        return tool, "pytest", "."
    manage = next(
        (
            path
            for path in tree.below(folder)
            if posixpath.basename(path) == "manage.py" and "django" in tree.text(path).lower()
        ),
        None,
    )
    files = [path for path in tree.below(folder) if re.search(r"(^|/)(tests?|test_\w+|\w+_tests?)\.py$", path)]
    if manage and (project.has("django") or posixpath.dirname(manage) == (folder if folder != "." else "")):
        tested = any(re.search(r"(^|/)(tests\.py|test_\w+\.py)$", path) for path in files)
        inner = posixpath.relpath(posixpath.dirname(manage) or ".", folder)
        return (f"{posixpath.relpath(manage, folder)} and tests", "python manage.py test", inner) if tested else None
    cases = [path for path in files if re.search(r"\bunittest\b", tree.text(path))]
    if not cases:
        return None
    first = posixpath.relpath(cases[0], folder)
    if first == "tests.py":
        return "tests.py", "python -m unittest tests", "."
    where_ = posixpath.dirname(first)
    return f"{first} has unittest", "python -m unittest" + (f" discover -s {where_} -t ." if where_ else ""), "."


def _tools(where: Where, project: Project) -> _Tools:
    tree, folder = where.tree, project.folder
    lock = lock_folder(tree, folder, "uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock")
    data = tree.toml(join(folder, "pyproject.toml")) if tree.is_file(join(folder, "pyproject.toml")) else {}
    if lock and lock[1] == "uv.lock" and (lock[0] == folder or _in_workspace(where, project, lock[0])):
        extras = " --all-extras" if mapping(mapping(data.get("project")).get("optional-dependencies")) else ""
        packages = " --all-packages" if lock[0] != folder or _members(where, folder) else ""
        enter = "" if lock[0] == "." else f"cd {lock[0]} && "
        after = "" if lock[0] == folder else f" && cd {posixpath.relpath(folder, lock[0])}"
        return _Tools(
            f"{enter}pip install uv && uv sync --frozen --all-groups{extras}{packages}{after}",
            "uv run --no-sync ",
            entered=True,
        )
    if (lock and lock == (folder, "poetry.lock")) or "poetry" in mapping(data.get("tool")):
        extras = " --all-extras" if mapping(mapping(mapping(data.get("tool")).get("poetry")).get("extras")) else ""
        return _Tools(f"pip install poetry && poetry install{extras}", "poetry run ")
    if lock and lock == (folder, "Pipfile.lock"):
        return _Tools("pip install pipenv && pipenv sync --dev", "pipenv run ")
    if lock and lock == (folder, "pdm.lock"):
        return _Tools("pip install pdm && pdm sync --dev", "pdm run ")
    return _Tools("", "", pip=True)


def _members(where: Where, folder: str) -> list[str]:
    data = where.tree.toml(join(folder, "pyproject.toml")) if where.tree.is_file(join(folder, "pyproject.toml")) else {}
    return [
        str(item)
        for item in items(mapping(mapping(mapping(data.get("tool")).get("uv")).get("workspace")).get("members"))
    ]


def _in_workspace(where: Where, project: Project, root: str) -> bool:
    return member(where.tree, project, root, _members(where, root))


def _pip(where: Where, project: Project, tool: str) -> str:
    """What pip must install to run the tool."""
    tree, folder = where.tree, project.folder
    names = requirement_files(tree, folder)
    source = project.sources.get(tool, "")
    if tool in ("ruff", "flake8") and not source:
        return f"pip install {tool}"
    chosen = [source] if source in names else []
    included = {
        match[1]
        for name in chosen
        for match in re.finditer(r"^\s*-r\s+(\S+)", tree.text(join(folder, name)), re.MULTILINE)
    }
    base = next(
        (
            name
            for name in names
            if posixpath.basename(name) in ("requirements.txt", "base.txt", "production.txt", "prod.txt")
        ),
        None,
    )
    development = [name for name in names if re.search(r"dev|test|local", posixpath.basename(name))]
    if not chosen and tool not in ("ruff", "flake8"):
        chosen = development[:1]
        included = {
            match[1]
            for name in chosen
            for match in re.finditer(r"^\s*-r\s+(\S+)", tree.text(join(folder, name)), re.MULTILINE)
        }
    if base and base not in chosen and posixpath.basename(base) not in {posixpath.basename(name) for name in included}:
        chosen.insert(0, base)
    listed = [f"-r {name}" for name in chosen]
    named = project.has(tool)
    if "pyproject.toml" in tree.names(folder):
        group = re.fullmatch(r"pyproject\.toml \(([\w.-]+)\)", source)
        data = tree.toml(join(folder, "pyproject.toml"))
        package = mapping(data.get("project")) or mapping(data.get("build-system"))
        extra = (
            group[1]
            if group and group[1] in mapping(mapping(data.get("project")).get("optional-dependencies"))
            else None
        )
        if extra:
            return f"pip install {' '.join([*listed, chr(39) + f'.[{extra}]' + chr(39)])}"
        if package:
            listed.append(".")
        if group and group[1] in mapping(data.get("dependency-groups")):
            return f"pip install --upgrade pip && pip install {' '.join([*listed, '--group', group[1]])}"
    external = tool in ("ruff", "flake8", "mypy", "pyright", "pytest") and (not named or source.startswith("pyproject"))
    listed += [tool] if external and not (named and source in names) else []
    return f"pip install {' '.join(listed)}" if listed else ""
