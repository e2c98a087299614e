"""Secrets in files of the home folder, one a scope, readable by their owner alone."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from shipway.domain.errors import SecretError

Versions = dict[str, list[str]]  # name: values, oldest first


class FileSecrets:
    """Implements ports.Secrets. Folder 0700, files 0600, replaced whole and synced, one writer at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self, scope: str) -> Mapping[str, int]:
        """Newest version of each."""
        return {name: len(values) for name, values in sorted(self._read(scope).items())}

    def get(self, scope: str, name: str, version: int | None = None) -> str | None:
        """A value."""
        values = self._read(scope).get(name, [])
        index = len(values) if version is None else version
        return values[index - 1] if 1 <= index <= len(values) else None

    def set(self, scope: str, name: str, value: str) -> int:
        """Append a version."""
        if not value.strip():
            environment = scope.rpartition("/")[2]
            hint = f"type a value, or pipe one in: printf %s VALUE | shipway secret set {environment} {name}"
            raise SecretError(f"the value of {name} is blank", hint=hint)
        with self._locked():
            values = self._read(scope)
            values.setdefault(name, []).append(value)
            self._write(scope, values)
            return len(values[name])

    def _file(self, scope: str) -> Path:
        return self._folder / (scope.replace("/", "__") + ".json")

    def _read(self, scope: str) -> Versions:
        try:
            found: Versions = json.loads(self._file(scope).read_text(encoding="utf-8"))
            return found
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise SecretError(f"the secrets in {self._file(scope)} can't be read: {error}", hint="restore the file") from error

    def _write(self, scope: str, values: Versions) -> None:
        with tempfile.NamedTemporaryFile("w", dir=self._folder, delete=False, encoding="utf-8") as file:
            json.dump(values, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(file.name, self._file(scope))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder.chmod(0o700)
        with (self._folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
