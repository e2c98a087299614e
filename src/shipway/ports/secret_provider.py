"""Values of secrets from a provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.secret_source import ProvidedSecret


class SecretProvider(Protocol):
    """A store of secrets that Shipway only reads. Raises SecretUnavailable if it is unreachable or refuses, and SecretError
    for a value that is no text or file; messages have no values."""

    def fetch(self, keys: Sequence[str]) -> Mapping[str, ProvidedSecret]:
        """The newest values of these keys; keys that the provider lacks are missing. All or nothing: an error for one key
        is an error for all."""
