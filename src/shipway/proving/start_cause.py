"""Why a release did not start on another release's schema, as far as its output shows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

Refusal = Callable[[str], tuple[str, str] | None]  # see Context.unknown_revision
_VARIABLE = r"[\"'`]?(?P<name>[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[A-Z]{3,}[A-Z0-9]*)[\"'`]?"
_MISSING = [
    rf"KeyError: {_VARIABLE}\s*$",
    rf"key not found: {_VARIABLE}",
    rf"(?:^|[\s:]){_VARIABLE}: (?:unbound variable|parameter not set|parameter null or not set)",
    rf"(?i:environment variables?|env var|variables?|settings?) (?:named )?{_VARIABLE} (?:(?i:is|was|are) )?(?i:not set|missing|required|undefined|not defined|not found)",
    rf"(?i:missing|required|undefined)(?: (?i:required))? (?i:environment variables?|env vars?|variables?)(?i: is not set)?:? {_VARIABLE}",
    rf"(?i:set the) {_VARIABLE} (?i:environment variable)",
    rf"(?:^|[\s:]){_VARIABLE} (?:(?i:environment variable|env var|variable) )?(?:(?i:is|was) (?i:not set|missing|required|undefined|not defined)|(?i:must be set|not set))",
]
_TELLING = re.compile(
    r"error|exception|fatal|panic|refused|denied|can't|cannot|could not|unable|failed|missing|no such|not found|unknown|invalid"
    r"|not set|must be set|unbound|required|undefined",
    re.IGNORECASE,
)


def start_cause(output: Sequence[str], known: Collection[str], unknown_revision: Refusal) -> str:
    """The cause in one sentence; empty if the last lines of output don't show it. known: names of the variables that the
    containers get."""
    text = "\n".join(output)
    if refusal := unknown_revision(text):
        tool, revision = refusal
        return (
            f"it runs its migrations when it starts, and {tool} refuses revision {revision}, which the image lacks: run "
            "migrations by `database:` in the plan, not by the entrypoint"
        )
    missing = missing_variable(text)
    if missing and missing not in known:
        return f"it needs the variable {missing}, which this release's plan does not set"
    return ""


def missing_variable(text: str) -> str:
    """The variable that a program misses, by its output; empty if there is none."""
    found = (re.search(pattern, text, re.MULTILINE) for pattern in _MISSING)
    return next((match["name"] for match in found if match), "")


def telling_lines(output: Sequence[str], most: int = 3) -> tuple[str, ...]:
    """The last lines that look like an error, in order; without any, the very last line."""
    lines = [text for line in output if (text := line.rpartition("│")[2].strip())]
    found = list(dict.fromkeys(line for line in lines if _TELLING.search(line)))
    return tuple(found[-most:] or lines[-1:])
