"""Write modules of infrastructure into a repository: new files only, through no link."""

from __future__ import annotations

import os
from pathlib import Path

from shipway.domain.errors import UsageError
from shipway.drafting.infra import FOLDER, module
from shipway.system.umask import as_user


def write_modules(root: Path, provider: str) -> Path:
    """The file that was written. UsageError if it exists, or if its folder leads out of the repository."""
    folder = root / FOLDER
    file = folder / "main.tf"
    with as_user():
        folder.mkdir(parents=True, exist_ok=True)
    if not folder.resolve().is_relative_to(root.resolve()):
        raise UsageError(f"{FOLDER} leads out of the repository")
    try:
        with as_user():
            number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    except FileExistsError:
        raise UsageError(f"{FOLDER}/main.tf exists", hint="remove it, to get a new one") from None
    with open(number, "w", encoding="utf-8") as opened:
        opened.write(module(provider))
    return file
