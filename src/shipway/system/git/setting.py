"""Git's configuration."""

from __future__ import annotations

from pathlib import Path

from shipway.system.git.command import git, printable


def setting(folder: Path, name: str) -> str | None:
    """A value of git's configuration in a folder, which may be in no repository: then the user's."""
    return printable(git(folder, "config", "--get", name, check=False).stdout).strip() or None
