"""What a push may bring into a repository that Shipway hosts: git itself refuses more, while it receives it."""

from __future__ import annotations

from pathlib import Path

from shipway.domain.errors import RepositoryError, UsageError
from shipway.system.git.command import git

LARGEST = 2 << 30  # bytes of a push, unless something else is set
SMALLEST = 1 << 20
MOST_REFS = 500
SIZE = "receive.maxInputSize"
MARK = "# Written by Shipway: the bound of a push."
REFS = f"""\
#!/bin/sh
{MARK}
count=$(wc -l)
[ "$count" -le {MOST_REFS} ] && exit 0
echo "this push changes $count branches and tags, more than {MOST_REFS}: push them in parts" >&2
exit 1
"""


def limit_pushes(repository: Path, largest: int | None = None) -> None:
    """Set the limits of a bare repository. largest: in bytes; None keeps the one that is set. A hook of others stays, and then
    decides on the number of refs."""
    if largest is not None and largest < SMALLEST:
        raise UsageError(f"a push of {largest} bytes is smaller than any: at least 1M")
    try:
        known = git(repository, "config", "--local", "--get", SIZE, check=False).stdout.strip()
        if largest is not None or not known:
            git(repository, "config", "--local", SIZE, str(largest or LARGEST))
        hook = repository / "hooks" / "pre-receive"
        if hook.is_symlink() or (hook.exists() and MARK not in hook.read_text(encoding="utf-8", errors="replace")):
            return
        part = hook.with_name(f".{hook.name}.part")
        part.write_text(REFS, encoding="utf-8")
        part.chmod(0o755)
        part.replace(hook)
    except (OSError, RepositoryError) as error:
        raise UsageError(f"the limits of {repository} can't be written: {error}") from error
