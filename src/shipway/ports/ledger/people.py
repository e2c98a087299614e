"""People, what they were granted, and their API tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipway.domain.people import Person, Token
    from shipway.domain.permissions import Grant


class PeopleLedger(Protocol):
    """By name, an e-mail address in its normal form (see domain.identity). Raises StoreError."""

    def people(self) -> list[Person]:
        """All, removed ones too, by name."""

    def person(self, name: str) -> Person | None:
        """The person of that name; None if no one of that name was ever added."""

    def add_person(self, name: str, at: float) -> bool:
        """Add someone without a password and without grants; False if there is an active person of that name."""

    def remove_person(self, name: str, at: float) -> bool:
        """In one transaction: the person is no longer active; password, codes, grants, sessions, links and tokens end.
        False if there is no active person of that name."""

    def password_hash(self, name: str) -> str:
        """The hash of an active person's password; empty if there is none."""

    def set_password(self, name: str, hash: str, at: float, *, keep: int | None = None) -> bool:
        """In one transaction: the new hash; all of the person's sessions but `keep`, and links, end. False if there is no
        active person of that name."""

    def replace_hash(self, name: str, before: str, after: str) -> bool:
        """The same password by other parameters; False if it was changed meanwhile."""

    def grants(self, person: str | None = None) -> list[Grant]:
        """Of active people."""

    def add_grant(self, grant: Grant) -> bool:
        """In place of the one for the same app and environment. False if there is no active person of that name."""

    def remove_grant(self, person: str, app: str, environment: str) -> bool:
        """False if there is none for this app and environment."""

    def add_token(self, token: Token, digest: str) -> int | None:
        """Append it (its id is ignored) and return its id. None if the person isn't active."""

    def tokens(self, person: str | None = None) -> Sequence[Token]:
        """All, revoked and expired ones too, oldest first."""

    def token_of(self, digest: str) -> Token | None:
        """The token of an active person, if it isn't revoked."""

    def use_token(self, id: int, at: float) -> None:
        """Record that it was used."""

    def revoke_token(self, id: int, at: float) -> bool:
        """False if it isn't there, or is revoked."""
