"""The server's messages: its notices, and remedies for failures whose message doesn't contain one."""

from __future__ import annotations

import re
from collections.abc import Sequence

_ADVICE = [
    (r'extension "?[^"]*"? is not available|could not open extension control file|could not access file "\$libdir',
     "the scratch server lacks the extension: walk on a server of the target's own image"),
    (r"permission denied to|must be superuser|only superusers|must have CREATEROLE",
     "the scratch server's user may not do that: connect as a superuser"),
    (r"cannot (run inside a transaction block|be executed from a function|be executed within a pipeline)",
     "it can't run in a transaction: say so in the migration, as its tool has it (`-- +goose NO TRANSACTION`, `transaction:false`, "
     "`run_in_transaction = false`, or a first line `-- shipway: no-transaction`)"),
    (r"unsafe use of new value .* of enum", "a new enum value can be used once it is committed: put that into a migration after it"),
    (r"waiting for a lock|due to lock timeout|deadlock detected", "another session held it: does the tool leave a transaction open?"),
    (r'role "[^"]*" already exists', "roles belong to the whole server: drop it on the way down, or walk on a server of its own"),
]  # fmt: skip
_NOTICE = re.compile(r"NOTICE: +(.*)")


def hints(words: str) -> tuple[str, ...]:
    """Remedies for a message of the database or a tool; often none."""
    return tuple(text for pattern, text in _ADVICE if re.search(pattern, words, re.IGNORECASE))


def notices(lines: Sequence[str]) -> tuple[str, ...]:
    """The server's notices in a tool's output."""
    return tuple(match[1] for line in lines if (match := _NOTICE.search(line)))


def skipped(notice: str) -> bool:
    """Whether a drop found nothing under the name that it was given."""
    return "does not exist, skipping" in notice
