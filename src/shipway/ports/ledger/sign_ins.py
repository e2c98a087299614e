"""Sessions, and what people prove who they are with. Of each secret, only a digest is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shipway.domain.people import SessionRecord


class SignInLedger(Protocol):
    """What can be used once can be used by one process. Raises StoreError."""

    def add_session(self, session: SessionRecord, digest: str, hash: str) -> int | None:
        """Append it (its id is ignored) and return its id. None if the person isn't active, or has another password than
        the one of this hash: it was changed meanwhile."""

    def session_of(self, digest: str) -> SessionRecord | None:
        """The session of an active person, if it hasn't ended."""

    def see_session(self, id: int, at: float) -> None:
        """Record that it was used."""

    def end_session(self, id: int, at: float) -> bool:
        """False if it isn't there, or has ended."""

    def is_known_address(self, person: str, address: str, since: float) -> bool:
        """Whether the person signed in from there since then."""

    def add_link(self, person: str, digest: str, created: float, expires: float) -> bool:
        """A sign-in link. False if the person isn't active."""

    def use_link(self, digest: str, at: float, session: SessionRecord, session_digest: str) -> SessionRecord | None:
        """In one transaction: the link is used, and its person gets this session (whose id and person are ignored). None if
        the link is unknown, used or expired, or the person isn't active."""

    def totp_version(self, person: str) -> int:
        """The version of the person's secret for codes, in the stored secrets; 0 without one."""

    def set_totp(self, person: str, version: int, recovery: Sequence[str]) -> bool:
        """In one transaction: the version, and the digests of the recovery codes. False if the person isn't active."""

    def use_code(self, person: str, version: int, step: int, at: float) -> bool:
        """False if the code of that step, by this version of the person's secret, was used."""

    def use_recovery_code(self, person: str, digest: str, at: float) -> bool:
        """False if the person has no such code, or it was used."""

    def begin_attempt(self, buckets: Mapping[str, int], at: float) -> float:
        """Count an attempt to sign in, before it is known whether it succeeds, by bucket, with the number of free ones of
        each. Returns 0; or, if one of them must wait, for how many seconds: then it isn't counted."""

    def end_attempt(self, person: str, address: str) -> None:
        """It succeeded: forget the failures of the person's bucket, and this attempt in that of the address."""
