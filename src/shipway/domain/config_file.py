"""A configuration file of the repository that is laid into containers of an image that the team doesn't build."""

from __future__ import annotations

import base64

from shipway.domain.value import dataclass

LARGEST = 1 << 20  # bytes of all files of a release together: they are part of its record


@dataclass(frozen=True)
class ConfigFile:
    """Its content, encoded so that a record holds any bytes, and whether it is a program."""

    content: str  # base64
    executable: bool = False

    @classmethod
    def of(cls, content: bytes, *, executable: bool = False) -> ConfigFile:
        """A file with this content."""
        return cls(base64.b64encode(content).decode("ascii"), executable)

    @property
    def data(self) -> bytes:
        """The content."""
        return base64.b64decode(self.content)

    @property
    def mode(self) -> int:
        """Permissions: everyone reads it, no one writes it."""
        return 0o555 if self.executable else 0o444
