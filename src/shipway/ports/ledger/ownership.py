"""What identifies a ledger, and which objects on engines belong to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.ownership import Adoption


class PropertyLedger(Protocol):
    """Properties of the ledger itself, by name. Raises StoreError."""

    def property(self, name: str) -> str | None:
        """The value stored by `set_once` or `replace_property`; None without one."""

    def set_once(self, name: str, value: str) -> str:
        """Store the value unless the name has one; returns the stored value. Concurrent callers all get the same
        one."""

    def replace_property(self, name: str, value: str) -> None:
        """Store the value, replacing any other."""


class OwnershipLedger(PropertyLedger, Protocol):
    """The ledger's identity, the objects that it adopted, and since when it may have created others. Raises
    StoreError."""

    def identity(self) -> str:
        """32 random hex digits that permanently identify this ledger: generated once, stored as a property, and copied
        with it."""

    def add_adoptions(self, adoptions: Sequence[Adoption]) -> None:
        """Record them; those recorded already are unchanged."""

    def adopted(self, host: str) -> set[tuple[str, str]]:
        """Kind and id of all objects on that host that this ledger adopted."""

    def deployed_since(self, app: str, environment: str, release: int | None = None) -> float | None:
        """Start of the environment's first deployment (of the release, if given); None: never."""

    def run_since(self, app: str, run: int) -> float | None:
        """Start of the run with that number; None if the app has none."""
