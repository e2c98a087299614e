"""How this Shipway was installed, and so the commands that add an optional part or update it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import shipway
from shipway.domain.errors import ShipwayError, UsageError

PIPX, UV, PIP = "pipx", "uv", "pip"


def missing_part(part: str, *packages: str) -> str:
    """A hint: the command that installs an optional part, and further packages, into Shipway's own environment."""
    wanted = shlex.join([*_packages(part), *packages])
    command = {
        PIPX: f"pipx inject {Path(sys.prefix).name} {wanted}",
        UV: f"uv pip install --python {shlex.quote(sys.executable)} {wanted}",
        PIP: f"{shlex.quote(sys.executable)} -m pip install {wanted}",
    }[_installer()]
    return f"install the optional part {part}: {command}"


def update_command() -> str:
    """The command that updates Shipway."""
    return {
        PIPX: f"pipx reinstall {Path(sys.prefix).name}",
        UV: "uv tool upgrade shipway",
        PIP: f"{shlex.quote(sys.executable)} -m pip install --upgrade shipway",
    }[_installer()]


def requirement(parts: Sequence[str] = ()) -> str:
    """What pip installs to get exactly this Shipway, with optional parts: from the repository and the commit that it was
    installed from. Empty if that is on this machine, or if it was installed from elsewhere."""
    from importlib import metadata

    try:
        files = metadata.files("shipway") or []
    except metadata.PackageNotFoundError:
        return ""
    record = next((file for file in files if file.name == "direct_url.json"), None)
    source = json.loads(record.read_text(encoding="utf-8")) if record else {}
    commit = source.get("vcs_info", {}).get("commit_id")
    name = f"shipway[{','.join(parts)}]" if parts else "shipway"
    remote = commit and not source["url"].startswith("file:")
    return f"{name} @ {source['vcs_info']['vcs']}+{source['url']}@{commit}" if remote else ""


def age_library(error: type[ShipwayError]) -> ModuleType:
    """The library that encrypts backups and files of secrets. Raises this error if it is not installed."""
    try:
        import pyrage  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError:
        raise error(
            "encryption with age needs the library pyrage, which is not installed", hint=missing_part("age")
        ) from None
    module: ModuleType = pyrage
    return module


def _installer() -> str:
    """By the place of its environment: HOME/…/pipx/venvs/NAME, HOME/…/uv/tools/NAME, or any other."""
    folders = "/".join(Path(sys.prefix).parts[-3:-1])
    return {"pipx/venvs": PIPX, "uv/tools": UV}.get(folders, PIP)


def _packages(part: str) -> list[str]:
    """The packages of an optional part, as the installed Shipway lists them."""
    from importlib import metadata  # slow, and rarely needed

    try:
        listed = metadata.requires("shipway") or []
    except metadata.PackageNotFoundError:
        listed = []
    found = [re.match(r"([^;]+);.*\bextra == ['\"]" + re.escape(part) + "['\"]", item) for item in listed]
    return [item[1].strip().replace(" ", "") for item in found if item] or [f"shipway[{part}]"]


def changed_at() -> float:
    """Changes when Shipway is updated; 0: it is gone."""
    try:
        return Path(str(shipway.__file__)).stat().st_mtime
    except OSError:
        return 0.0


def program() -> Path:
    """Path of this program, callable from anywhere, such as by a hook. UsageError if it isn't installed."""
    own = Path(sys.argv[0])
    if own.name == "shipway" and own.is_file():
        return own.absolute()
    beside = Path(sys.executable).with_name("shipway")
    found = beside if beside.is_file() else Path(shutil.which("shipway") or "")
    if not found.is_absolute():
        raise UsageError("the hook needs an installed `shipway` command, but none is on PATH")
    return found
