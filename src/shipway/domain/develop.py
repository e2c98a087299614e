"""How `shipway dev` runs a service from the working tree: the key `develop` of a service. It concerns a developer's machine
alone: no run, release or deployment reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from shipway.domain.value import dataclass


@dataclass(frozen=True)
class Develop:
    """What differs from production. Without it, the service's own image is built from the working tree and replaced when a
    file of its build changes."""

    run: str | None = None  # by `sh -c`, in place of the image's command
    mount: Mapping[str, str] = field(default_factory=dict)  # folder of the repository: path in the container
    sync: Mapping[str, str] = field(default_factory=dict)  # the same, but changed files are copied
    target: str | None = None  # stage of the Dockerfile
    port: int | None = None  # that the development server listens on
    watch: tuple[str, ...] = ()  # paths or globs whose change builds the image again; empty: well-known names
    restart: bool | None = None  # at a change of a mounted or copied file; None: only without `run`

    @property
    def laid(self) -> Mapping[str, str]:
        """All folders of the repository that the container has from the working tree, with their paths there."""
        return {**self.mount, **self.sync}

    @property
    def restarts(self) -> bool:
        """Whether a changed file of these folders restarts the service. One with a command of its own is expected to load
        changes itself."""
        return self.run is None if self.restart is None else self.restart
