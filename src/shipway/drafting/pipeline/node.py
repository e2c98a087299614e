"""Steps of JavaScript projects, with npm, pnpm, Yarn or Bun, and end-to-end tests as checks."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from shipway.domain.value import dataclass
from shipway.drafting.dependencies import NODE, Project
from shipway.drafting.draft import CheckDraft, StepDraft
from shipway.drafting.pipeline.where import Where, lock_folder, member
from shipway.drafting.tree import Tree, items, join, mapping, text_of, within

_PLACEHOLDER = "no test specified"  # written by `npm init`
_LOCKS = ("bun.lock", "bun.lockb", "pnpm-lock.yaml", "yarn.lock", "package-lock.json", "npm-shrinkwrap.json")
_END_TO_END = re.compile(r"\b(playwright|cypress)\b")
# Steps, the scripts that run them, and the packages that run them without a script.
_KINDS: tuple[tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]], ...] = (
    ("lint", ("lint", "lint:check", "eslint"), (("eslint", "eslint ."), ("@biomejs/biome", "biome check ."))),
    (
        "types",
        ("typecheck", "type-check", "types", "check-types", "tsc", "check:types", "check"),
        (("typescript", "tsc --noEmit"),),
    ),
    (
        "test",
        ("test:unit", "test:ci", "unit", "test"),
        (("vitest", "vitest run"), ("jest", "jest"), ("mocha", "mocha")),
    ),
)


@dataclass(frozen=True)
class _Manager:
    name: str
    install: str
    folder: str  # where it installs

    def run(self, script: str) -> str:
        return f"{self.name} run {script}"

    def execute(self, program: str) -> str:
        return {"npm": "npx ", "pnpm": "pnpm exec ", "yarn": "yarn ", "bun": "bunx "}[self.name] + program


def steps(where: Where, project: Project) -> Iterator[StepDraft]:
    """Linters, type checks and unit tests; a build only where a Dockerfile copies its result."""
    tree, folder = where.tree, project.folder
    scripts = _scripts(tree, folder)
    manager = _manager(where, project)
    root = manager.folder
    for name, usual, packages in _KINDS:
        if _covered(where, project, name, root):
            continue
        chosen = next((script for script in usual if script in scripts and not _other(scripts, script)), None)
        if chosen is not None:
            yield _step(where, project, manager, name, manager.run(chosen), f"package.json has the script {chosen}")
            continue
        if any(script in scripts and name != "types" for script in usual):
            continue
        program = next(
            (run for package, run in packages if project.has(package) and _configured(where, project, package)), None
        )
        if program:
            package = next(package for package, run in packages if run == program)
            yield _step(where, project, manager, name, manager.execute(program), f"package.json has {package}")
    output = _output(where, project)
    if output and "build" in scripts:
        step = _step(
            where,
            project,
            manager,
            "build",
            manager.run("build"),
            f"a Dockerfile copies {output}, which the script build writes",
        )
        step.outputs = [output]
        yield step


def _step(where: Where, project: Project, manager: _Manager, name: str, run: str, why: str) -> StepDraft:
    enter = "" if manager.folder == "." else f"cd {manager.folder} && "
    after = "" if manager.folder == project.folder else f" && cd {posixpath.relpath(project.folder, manager.folder)}"
    image = where.image("bun" if manager.name == "bun" else NODE, project.folder)
    if manager.folder == project.folder:
        return where.step(name, run, manager.install, project.folder, image, why)
    return where.step(name, run, f"{enter}{manager.install}{after}", project.folder, image, why, entered=True)


def _scripts(tree: Tree, folder: str) -> dict[str, str]:
    data = mapping(tree.json(join(folder, "package.json")))
    found = {name: text_of(value) or "" for name, value in mapping(data.get("scripts")).items()}
    return {
        name: text
        for name, text in found.items()
        if text and _PLACEHOLDER not in text and re.fullmatch(r"[\w:.-]+", name)
    }


def _other(scripts: dict[str, str], name: str) -> bool:
    """Whether a script isn't what its name says: end-to-end tests, or a tool that fixes or watches."""
    text = scripts[name]
    inner = re.fullmatch(r"(?:npm|pnpm|yarn|bun) (?:run )?([\w:.-]+)", text)
    if inner and inner[1] in scripts and inner[1] != name:
        return _END_TO_END.search(scripts[inner[1]]) is not None
    return _END_TO_END.search(text) is not None or "--watch" in text.replace("--watchAll=false", "")


def _covered(where: Where, project: Project, name: str, root: str) -> bool:
    """Whether a step of the workspace's root does the same."""
    if root == project.folder:
        return False
    scripts = _scripts(where.tree, root)
    return any(
        script in scripts and not _other(scripts, script)
        for kind, usual, _ in _KINDS
        if kind == name
        for script in usual
    )


def _configured(where: Where, project: Project, package: str) -> bool:
    """Whether the tool has what it needs: ESLint and TypeScript a configuration, test tools a test."""
    names = where.tree.names(project.folder)
    if package == "eslint":
        data = mapping(where.tree.json(join(project.folder, "package.json")))
        return "eslintConfig" in data or any(re.match(r"\.eslintrc|eslint\.config\.", name) for name in names)
    if package == "typescript":
        return "tsconfig.json" in names
    if package in ("vitest", "jest", "mocha"):
        return any(
            re.search(r"(\.|/)(test|spec)\.[cm]?[jt]sx?$|(^|/)(__tests__|tests?)/", path)
            for path in where.tree.below(project.folder)
        )
    return True


def _output(where: Where, project: Project) -> str | None:
    """A folder that is not in the repository, but that a Dockerfile copies from it."""
    for build in where.builds:
        if within(build.context, project.folder) is None and within(project.folder, build.context) is None:
            continue
        for copy in build.facts.copies:
            path = join(build.context, copy.source.lstrip("/")).rstrip("/")
            name = posixpath.basename(path)
            if name in ("dist", "build", "out", "public", ".next", ".output", "www") and not where.tree.matches(path):
                below = within(path, project.folder)
                if below == name:
                    return path
    return None


def _manager(where: Where, project: Project) -> _Manager:
    """The package manager of the lock file, and its command that installs exactly the locked versions."""
    tree, folder = where.tree, project.folder
    found = lock_folder(tree, folder, *_LOCKS)
    if found and found[0] != folder and not _in_workspace(where, project, found[0]):
        found = None
    place, lock = found or (folder, "")
    named = text_of(mapping(tree.json(join(place, "package.json"))).get("packageManager")) or ""
    if lock.startswith("bun") or (not lock and named.startswith("bun")):
        return _Manager("bun", "bun install" + (" --frozen-lockfile" if lock else ""), place)
    if lock.startswith("pnpm") or (not lock and named.startswith("pnpm")):
        return _Manager("pnpm", "corepack enable && pnpm install" + (" --frozen-lockfile" if lock else ""), place)
    if lock.startswith("yarn") or (not lock and named.startswith("yarn")):
        modern = tree.is_file(join(place, ".yarnrc.yml")) or re.match(r"yarn@[2-9]", named)
        frozen = (
            ""
            if not lock
            else " --immutable"
            if modern or "__metadata" in tree.text(join(place, lock))
            else " --frozen-lockfile"
        )
        return _Manager("yarn", f"corepack enable && yarn install{frozen}", place)
    return _Manager("npm", "npm ci" if lock else "npm install", place)


def _workspaces(tree: Tree, folder: str) -> list[str]:
    raw: Any = mapping(tree.json(join(folder, "package.json"))).get("workspaces")
    listed = items(mapping(raw).get("packages")) if isinstance(raw, dict) else items(raw)
    if tree.is_file(join(folder, "pnpm-workspace.yaml")):
        listed = [*listed, *items(mapping(tree.yaml(join(folder, "pnpm-workspace.yaml"))).get("packages"))]
    return [str(item) for item in listed]


def _in_workspace(where: Where, project: Project, root: str) -> bool:
    return member(where.tree, project, root, _workspaces(where.tree, root))


def checks(where: Where, project: Project) -> Iterator[CheckDraft]:
    """Playwright's and Cypress's tests, against the address of a deployed environment."""
    tree, folder = where.tree, project.folder
    names = tree.names(folder)
    manager = _manager(where, project)
    enter = "" if manager.folder == "." else f"cd {manager.folder} && "
    after = "" if manager.folder == folder else f" && cd {posixpath.relpath(folder, manager.folder)}"
    config = next((name for name in sorted(names) if re.fullmatch(r"playwright\.config\.[cm]?[jt]s", name)), None)
    if config and project.has("@playwright/test"):
        version = re.search(r"\d+\.\d+\.\d+", project.version("@playwright/test"))
        draft = CheckDraft(
            "e2e",
            "",
            f"mcr.microsoft.com/playwright:v{version[0] if version else '1.49.0'}-jammy",
            why=f"{config} has end-to-end tests",
        )
        if not version:
            draft.todo.append("image: its version must be that of @playwright/test in the lock file")
        variable = re.search(
            r"process\.env\.(\w*URL\w*)|process\.env\[[\"'](\w*URL\w*)[\"']\]", tree.text(join(folder, config))
        )
        name = (variable[1] or variable[2]) if variable else ""
        if not name:
            draft.todo.append(f"{config}: let use.baseURL be process.env.URL, the environment's address")
        install = manager.install if manager.name != "bun" else f"npm install -g bun && {manager.install}"
        set_ = f"{name}=$URL " if name not in ("", "URL") else ""
        runner = "bunx " if manager.name == "bun" else manager.execute("")
        draft.run = f"{enter}{install}{after} && {set_}{runner}playwright test"
        yield draft
    cypress = next(
        (name for name in sorted(names) if re.fullmatch(r"cypress\.config\.[cm]?[jt]s|cypress\.json", name)), None
    )
    if cypress and project.has("cypress"):
        version = re.search(r"\d+\.\d+\.\d+", project.version("cypress"))
        draft = CheckDraft(
            "e2e", "", f"cypress/included:{version[0] if version else '13.15.0'}", why=f"{cypress} has end-to-end tests"
        )
        draft.run = f"{enter}{manager.install}{after} && CYPRESS_BASE_URL=$URL {manager.execute('cypress run')}"
        yield draft
