"""squawk (PyPI `squawk-cli`): what a script costs PostgreSQL on tables that are large and in use."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from shipway.domain.errors import ProofError
from shipway.system.installation import missing_part
from shipway.system.variables import for_others

# Prefixes of excluded rules, which a proof covers better, or which are a matter of taste:
LEFT_OUT = (
    "prefer-",  # preferred types, and repeatable scripts: no migration breaks by these
    "renaming-", "ban-",  # "may break existing clients": the comparison of catalogs reports it by name
    "adding-required-field",  # likewise
    "require-lock-timeout", "require-statement-timeout", "require-timeout-settings",  # set per role or tool
    "unused-ignore", "syntax-error",  # PostgreSQL itself accepted the script, or reports the error
)  # fmt: skip
KEPT = (
    "ban-truncate-cascade",  # rows of unnamed tables
    "ban-uncommitted-transaction",
)
_ALSO = "constraint-missing-not-valid"  # repeats what more specific rules say about the same line
_TIMEOUT = 60.0  # seconds; hundreds of files take one


class Squawk:
    """See ports.Linter. `binary` is searched for beside this Python and in the PATH."""

    def __init__(self, binary: str | None = None) -> None:
        beside = Path(sys.executable).with_name("squawk")
        self._binary = binary or (str(beside) if beside.is_file() else shutil.which("squawk"))

    @property
    def installed(self) -> bool:
        """Whether squawk is installed."""
        return self._binary is not None

    def lint(self, scripts: Mapping[str, str], version: str | None = None) -> Mapping[str, Sequence[tuple[int, str]]]:
        if self._binary is None:
            raise ProofError(
                "squawk isn't installed: locks that only matter on large tables were not checked",
                hint=missing_part("lint"),
            )
        if not scripts:
            return {}
        paths = list(scripts)
        with tempfile.TemporaryDirectory(prefix="shipway-squawk-") as folder:
            names = [f"{number}.sql" for number in range(len(paths))]
            for name, path in zip(names, paths, strict=True):
                Path(folder, name).write_text(scripts[path], encoding="utf-8")
            options = ["--pg-version", version] if version else []
            command = [self._binary, "--reporter", "json", "--assume-in-transaction", *options, *names]
            found = _run(command, folder)
        kept = [item for item in found if _wanted(item["rule_name"])]
        exact = {(item["file"], item["line"]) for item in kept if item["rule_name"] != _ALSO}
        warnings: dict[str, list[tuple[int, str]]] = {}
        for item in kept:
            if item["rule_name"] != _ALSO or (item["file"], item["line"]) not in exact:
                path = paths[names.index(str(item["file"]))]
                warnings.setdefault(path, []).append((int(item["line"] or 0) + 1, _message(item)))
        return warnings


def _run(command: Sequence[str], folder: str) -> list[dict[str, str | int | None]]:
    """squawk exits with 1 if it finds something; its whole output is then still the findings."""
    try:
        done = subprocess.run(command, cwd=folder, env=for_others(), capture_output=True, text=True, timeout=_TIMEOUT)
        found = json.loads(done.stdout or "null")
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise ProofError(f"squawk failed: {error}", hint="the scripts were not linted") from error
    if not isinstance(found, list):
        raise ProofError(
            f"squawk failed: {done.stderr.strip() or f'exit code {done.returncode}'}",
            hint="the scripts were not linted",
        )
    return found


def _wanted(rule: object) -> bool:
    name = str(rule)
    return name in KEPT or not name.startswith(LEFT_OUT)


def _message(item: Mapping[str, str | int | None]) -> str:
    help_ = f" {item['help']}" if item["help"] else ""
    return f"{item['message']}{help_} ({item['rule_name']})"
