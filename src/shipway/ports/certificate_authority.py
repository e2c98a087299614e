"""A CA that issues certificates to whoever controls the names in DNS."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.certificate import Held

Prove = Callable[[Mapping[str, Sequence[str]]], None]  # by name: the texts that its TXT record must have


class CertificateAuthority(Protocol):
    """One CA. Each call is bounded in time. Raises CertificateError."""

    def new_account(self) -> str:
        """A new private key (PEM) for an account, which the CA doesn't know yet."""

    def issue(self, account: str, names: Sequence[str], prove: Prove) -> str:
        """A certificate for these names with its chain, followed by its new private key (PEM). account: a key of
        `new_account`, with which the CA gets an account if it has none. prove: returns once the servers of the zone show
        the texts; not called if the CA needs no proof. Its errors pass through."""

    def read(self, bundle: str) -> Held | None:
        """What is known of a certificate; None if the text is none with its own key."""
