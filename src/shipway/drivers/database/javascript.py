"""Migrations in JavaScript or TypeScript: the files of a folder of the image, and their down migrations as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from shipway.domain.errors import MigrationFailed
from shipway.domain.own_tables import OwnTablesCache
from shipway.drivers.database.named import Named, reason
from shipway.ports import OneOff

# The tool is the project's own, from its node_modules or those of parent folders, as node resolves them.
SCRIPT = r"""
at=$PWD bins=
while [ -n "$at" ]; do bins=$bins$at/node_modules/.bin: at=${at%/*}; done
PATH=$bins/node_modules/.bin:$PATH
"""
_MIGRATION = re.compile(r"[^/]+(?<!\.d)\.(?:[cm]?js|[cm]?ts)")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_DOWN = re.compile(
    r"\bdown\b\s*(?:[=:]\s*(?:async\s+)?(?:function\b\s*\w*)?)?\s*(?:\([^)]*\)|\w+)\s*(?::[^{=]*)?(?:=>)?\s*"
)
_IDLE = re.compile(
    r"\{\s*(?:(?:return|await)\b\s*)?(?:Promise\.resolve\(\s*\)|null|undefined|true)?\s*;?\s*\}"
    r"|\{\s*throw\b[^}]*\}|Promise\.resolve\(\s*\)|null\b|undefined\b"
)


def lacks_down(text: str) -> bool:
    """Whether a migration's `down` is missing, empty or only throws. An approximation, without running it: running it
    shows the rest."""
    code = _COMMENT.sub("", text)
    if not re.search(r"\bdown\b", code):
        return True
    match = _DOWN.search(code)
    return match is not None and _IDLE.match(code, match.end()) is not None


class JavaScript(Named):
    """A tool run by `node_modules/.bin` in the image's WORKDIR. `files` returns the files of a folder of the image;
    `folder` is that of the migrations."""

    tool: str  # name of its command

    def __init__(
        self,
        run: OneOff,
        files: Callable[[str], dict[str, bytes]],
        folder: str | None = None,
        cache: OwnTablesCache | None = None,
    ) -> None:
        self._run = run
        self._cache = cache or OwnTablesCache()
        self._files = files
        self._folder = folder or "migrations"
        self._loaded: dict[str, str] | None = None

    def _texts(self) -> dict[str, str]:
        if self._loaded is None:  # an image never changes, and reading its files costs a container
            found = self._files(self._folder)
            names = sorted(name for name in found if _MIGRATION.fullmatch(name))
            self._loaded = {name: found[name].decode("utf-8", "replace") for name in names}
        return self._loaded

    def _available(self) -> Sequence[str]:
        return list(self._texts())

    def _down_migrations(self, names: Sequence[str]) -> Mapping[str, tuple[str, str] | None]:
        texts = {name: text for name, text in self._texts().items() if name in names}
        return {name: None if lacks_down(text) else (f"{self._folder}/{name}", text) for name, text in texts.items()}

    def _call(self, script: str, *names: str) -> tuple[int, str]:
        return self._run(["sh", "-c", SCRIPT + script, "shipway", *names])

    def _broken(self, code: int, output: str) -> MigrationFailed:
        hint = "check that the database is reachable and that the service's variables contain its address"
        if code == 127 or "not found" in output or "No local" in output:
            hint = f"the image of the service needs {self.tool} in its node_modules, as a production dependency"
        elif "No configuration file" in output or 'Cannot find "' in output:
            hint = f"the configuration of {self.tool} must be in the image's WORKDIR"
        return MigrationFailed(
            f"{self.tool} can't read the state of the database\n{reason(output.splitlines())}", hint=hint
        )

    def _refuse_other_folder(self, pending: Iterable[str]) -> None:
        if strange := [name for name in pending if name not in self._texts()]:
            raise MigrationFailed(
                f"{self.tool} lists {', '.join(strange)}, which {self._folder} of the image lacks",
                hint="set `database: {folder: …}` in the plan to the folder in the tool's configuration",
            )
