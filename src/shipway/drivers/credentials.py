"""What a registry wants to see before it gives or takes an image."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Credentials:
    """User and password, or a bearer token that is sent as it is."""

    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        """Who they are of, for messages."""
        return f"user {self.user}" if self.user else "the token" if self.token else "nobody (no credentials given)"
