"""Secrets in files of the home folder, as in older versions: read once, to move them to the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from shipway.domain.errors import SecretError
from shipway.system.locks import exclusive


class OldFiles:
    """One JSON file per scope: the values by name, oldest first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def scopes(self) -> list[str]:
        """The remaining scopes."""
        return sorted(path.stem.replace("__", "/") for path in self._folder.glob("*.json"))

    def read(self, scope: str) -> Mapping[str, Sequence[str]]:
        """Read a scope. SecretError if the file is damaged; it is kept."""
        try:
            found: Mapping[str, Sequence[str]] = json.loads(self._file(scope).read_text(encoding="utf-8"))
            return found
        except FileNotFoundError:  # another process was faster
            return {}
        except (OSError, ValueError) as error:
            raise SecretError(
                f"the secrets in {self._file(scope)} can't be read: {error}", hint="restore the file"
            ) from error

    def remove(self, scope: str) -> None:
        """Remove the file: the last step."""
        self._file(scope).unlink(missing_ok=True)

    def set_aside(self, scope: str) -> Path:
        """Rename the file; returns its new path."""
        path = self._file(scope)
        return path.rename(path.with_suffix(".conflict"))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One process at a time."""
        with exclusive(self._folder / ".lock", f"the secrets in {self._folder}"):
            yield

    def _file(self, scope: str) -> Path:
        return self._folder / (scope.replace("/", "__") + ".json")
