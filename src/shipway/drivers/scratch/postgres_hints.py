"""The server's messages: its notices, and remedies for failures whose message doesn't contain one."""

from __future__ import annotations

import re
from collections.abc import Sequence

_REMEDIES = [
    (r'extension "?[^"]*"? is not available|could not open extension control file|could not access file "\$libdir',
     "the scratch server lacks the extension: use a server with the target's own image"),
    (r"permission denied to|must be superuser|only superusers|must have CREATEROLE",
     "the scratch server's user lacks this privilege: connect as a superuser"),
    (r"cannot (run inside a transaction block|be executed from a function|be executed within a pipeline)",
     "the statement can't run in a transaction: mark the migration as its tool requires (`-- +goose NO TRANSACTION`, `transaction:false`, "
     "`run_in_transaction = false`, or a first line `-- shipway: no-transaction`)"),
    (r"unsafe use of new value .* of enum", "a new enum value can be used only after it is committed: use it in a later migration"),
    (r"waiting for a lock|due to lock timeout|deadlock detected", "another session held the lock: does the tool leave a transaction open?"),
    (r'role "[^"]*" already exists', "roles belong to the whole server: drop the role in the down migration, or use a dedicated server"),
]  # fmt: skip
_NOTICE = re.compile(r"NOTICE: +(.*)")


def hints(message: str) -> tuple[str, ...]:
    """Remedies for a message of the database or a tool; often none."""
    return tuple(text for pattern, text in _REMEDIES if re.search(pattern, message, re.IGNORECASE))


def notices(lines: Sequence[str]) -> tuple[str, ...]:
    """The server's notices in a tool's output."""
    return tuple(match[1] for line in lines if (match := _NOTICE.search(line)))


def skipped(notice: str) -> bool:
    """Whether a DROP found no object of that name."""
    return "does not exist, skipping" in notice
