"""Names that only a command of a test resolves: it sees an /etc/hosts of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

SCRIPT = 'mount --bind "$0" /etc/hosts && exec "$@"'


def resolving(file: Path, names: Mapping[str, Sequence[str]]) -> list[str]:
    """The words that go before a command, which then resolves these names to these addresses. file: is written."""
    lines = [f"{address} {name}\n" for name, addresses in names.items() for address in addresses]
    file.write_text("127.0.0.1 localhost\n" + "".join(lines))
    # Not its owner, but its own root: everything that the command may read and write stays as it is.
    root = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", "--mount", *root, "sh", "-c", SCRIPT, str(file)]
