"""JUnit XML reports of a step: kept beside its log, and summed up in a line."""

from __future__ import annotations

import io
import tarfile
import xml.etree.ElementTree as ElementTree
from pathlib import PurePosixPath

from shipway.domain.plan import Step
from shipway.steps.run import Run


def collect(run: Run, step: Step, container: str, workdir: str) -> str:
    """Fetch the step's reports and return a summary such as '12 tests, 1 failed'; empty where it names none."""
    if not step.reports:
        return ""
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for index, path in enumerate(step.reports):
        content = _fetch(run, container, str(PurePosixPath(workdir) / path))
        if content is None:
            return f"no report at {path}"
        kept = run.log(step.name).with_suffix(f".{index}.xml")
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(content)
        for name, value in _counts(content).items():
            counts[name] += value
    failed = counts["failures"] + counts["errors"]
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    return f"{counts['tests']} tests, {failed} failed{skipped}"


def _fetch(run: Run, container: str, path: str) -> bytes | None:
    try:
        archive = b"".join(run.ctx.runtime.get(container, path))
    except FileNotFoundError:
        return None
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content:
                return content.read()
    return None


def _counts(content: bytes) -> dict[str, int]:
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError:
        return {"errors": 1}
    suites = [root] if root.tag == "testsuite" else root.findall("testsuite")
    return {
        name: sum(int(suite.get(name) or 0) for suite in suites) for name in ("tests", "failures", "errors", "skipped")
    }
