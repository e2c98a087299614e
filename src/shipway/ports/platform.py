"""Platforms that get a release as a text, which others apply."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.workload import EnvironmentSpec


class Platform(Protocol):
    """Renders an environment. Pure: the same environment gives the same text, in which no secret has its value."""

    @property
    def namespace(self) -> str:
        """The name under which all of it is kept apart from others."""

    def render(self, spec: EnvironmentSpec) -> str:
        """The text, with everything in the order in which it can be applied."""

    def rights(self, app: str, environment: str) -> str:
        """What whoever deploys there must be allowed to do, as a text of the same kind."""

    def secrets(self, spec: EnvironmentSpec) -> Sequence[str]:
        """Names of the secrets that must exist there."""

    def unsaid(self, spec: EnvironmentSpec) -> Sequence[str]:
        """What the text can't say, as sentences."""
