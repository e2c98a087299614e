"""Passwords are kept as Argon2id hashes. The library is optional and imported late: only who signs in needs it."""

from __future__ import annotations

import secrets
import threading
import unicodedata
from typing import Any

from shipway.domain.errors import UsageError
from shipway.system.installation import missing_part

AT_ONCE = 4  # hashes: each takes 64 MiB of memory


class Passwords:
    """Hashes passwords and verifies them. parameters: of `argon2.PasswordHasher`, for tests; by default the library's, which
    follow RFC 9106. Safe to share between threads."""

    def __init__(self, **parameters: int) -> None:
        argon2 = _argon2()
        self._hasher: Any = argon2.PasswordHasher(**parameters)
        self._wrong: tuple[type[Exception], ...] = (
            argon2.exceptions.VerificationError,
            argon2.exceptions.InvalidHashError,
        )
        self._turn = threading.BoundedSemaphore(AT_ONCE)
        self._nobody: str = self.hash(secrets.token_urlsafe(32))

    def hash(self, password: str) -> str:
        """With a salt of its own."""
        with self._turn:
            return str(self._hasher.hash(_bytes(password)))

    def matches(self, hash: str, password: str) -> bool:
        """Whether it is that password. An empty hash takes as long as any other, and nothing matches it."""
        with self._turn:
            try:
                self._hasher.verify(hash or self._nobody, _bytes(password))
            except self._wrong:
                return False
        return bool(hash)

    def is_outdated(self, hash: str) -> bool:
        """Whether it was made with other parameters than those of now."""
        return bool(self._hasher.check_needs_rehash(hash))


def _bytes(password: str) -> bytes:
    """Two ways to type a letter with an accent are one password."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _argon2() -> Any:
    try:
        import argon2
    except ImportError:
        raise UsageError(
            "passwords need the library argon2-cffi, which is not installed", hint=missing_part("server")
        ) from None
    return argon2
