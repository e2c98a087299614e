"""Pipeline steps and checks for the projects of a repository: linters, types, tests, end-to-end tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shipway.drafting import clues, needs
from shipway.drafting.dependencies import GO, JAVA, NODE, PHP, PYTHON, RUBY, Project
from shipway.drafting.draft import CheckDraft, Draft, StepDraft, plan_name
from shipway.drafting.pipeline import node, others, python
from shipway.drafting.pipeline.where import Where
from shipway.drafting.tree import join, within

_READERS: dict[str, Callable[[Where, Project], Iterator[StepDraft]]] = {
    PYTHON: python.steps, NODE: node.steps, RUBY: others.ruby, GO: others.go, PHP: others.php, JAVA: others.java,
}  # fmt: skip
_ELSEWHERE = {
    "example",
    "examples",
    "template",
    "templates",
    "docs",
    "doc",
    "fixtures",
    "testdata",
    "demo",
    "playground",
    "benchmark",
    "benchmarks",
}
_TESTED = ("test", "unit")


def find(where: Where, projects: list[Project], draft: Draft) -> None:
    """Add the steps of each project, and the end-to-end tests as checks."""
    taken = {step.name for step in draft.steps}
    left_out = [project.folder for project in projects if not _used(project, where, projects)]
    if left_out:
        draft.notes.append(f"no steps for {', '.join(dict.fromkeys(left_out))}: no service is built from there")
    for project in (item for item in projects if item.folder not in left_out):
        prefix = "" if project.folder == "." else plan_name(project.folder.rpartition("/")[2], "part") + "-"
        for step in _READERS[project.language](where, project):
            step.name = next(name for name in _names(prefix, step.name) if name not in taken)
            taken.add(step.name)
            step.why = f"{'' if project.folder == '.' else project.folder + '/'}{step.why}"
            if step.name.removesuffix("-2").endswith(_TESTED):
                _accessories(step, project, draft)
                _variables(step, project, where, draft)
            draft.steps.append(step)
        if project.language == NODE:
            for check in node.checks(where, project):
                check.name = next(
                    name for name in _names(prefix, check.name) if all(item.name != name for item in draft.checks)
                )
                draft.checks.append(check)


def _used(project: Project, where: Where, projects: list[Project]) -> bool:
    """Whether a service is built from a project, or the project holds those that are."""
    if _ELSEWHERE & {*project.folder.split("/")}:
        return False
    if project.folder == "." or not where.builds:
        return project.folder == "." or len(projects) == 1
    for build in where.builds:
        if within(build.home, project.folder) is not None:
            return True
        below = within(project.folder, build.context)
        copied = [join(".", copy.source.lstrip("/")) for copy in build.facts.copies]
        if below is not None and any(
            within(below, source) is not None or within(source, below) is not None for source in copied
        ):
            return True
    return False


def _names(prefix: str, name: str) -> Iterator[str]:
    """`test`, `backend-test`; one folder with two projects gets `backend-test-2`."""
    full = plan_name(f"{prefix}{name}", "step")
    yield full
    for number in range(2, 1000):
        yield f"{full[:36].rstrip('-')}-{number}"


def _accessories(step: StepDraft, project: Project, draft: Draft) -> None:
    """Tests get the accessories whose packages their project has."""
    step.accessories = [item.name for item in draft.accessories if needs.speaks(project, needs.kind_of(item))]
    if step.accessories:
        step.why += f", with {', '.join(step.accessories)}"


def _variables(step: StepDraft, project: Project, where: Where, draft: Draft) -> None:
    """Tests get values of the variables without which the code doesn't start: a service's, or one that only tests need."""
    held = {item.provides for item in draft.accessories} | {*step.env}
    known = {name: value for service in draft.services for name, value in service.environment.items()}
    for name in clues.required(clues.texts(where.tree, project.folder)):
        if name not in held:
            address = draft.addresses.get(name, "").format(url="http://localhost", host="localhost")
            step.env[name] = known.get(name) or address or "test"


__all__ = ["CheckDraft", "Where", "find"]
